#include "harness.h"

static chp_semaphore s;
static long counter;

static int acquire(int64_t n)
{
	chp_acquire_op op;

	chp_semaphore_acquire_op(&op, &s, n);
	return h_wait(&op.op, NULL);
}

static void *work(void *arg)
{
	for (int i = 0; i < 1000; i++) {
		CHECK_CODE(acquire(1), 0);
		counter++;
		if (i % 7 == 0)
			h_yield();
		CHECK_CODE(chp_semaphore_release(&s, 1), 0);
	}
	return arg;
}

static void exclusion(void)
{
	struct h_agent a[8];

	counter = 0;
	chp_semaphore_init(&s, 1, CHP_FIFO);
	for (int i = 0; i < 8; i++)
		h_spawn(&a[i], work, NULL);
	for (int i = 0; i < 8; i++)
		h_join(&a[i]);
	CHECK_EQ(counter, 8000);
}

static const struct h_test tests[] = { TEST(exclusion, IN_ALL) };
H_MAIN("smoke", tests)
