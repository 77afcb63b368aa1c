/*
 * test_wait_length.c - chp_wait.timeout: a limit that counts from when a call
 * must wait.
 */
#include "clock.h"
#include "tcp_link.h"

static chp_semaphore s;

static int acquire(const chp_wait *w)
{
	return chp_semaphore_acquire_with(&s, 1, w);
}

static void what_is_free_is_taken_whatever_the_length(void)
{
	chp_time lengths[] = { 1, -1, CHP_SEC, CHP_NEVER, -CHP_NEVER, 0 };

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		chp_wait w = { .timeout = lengths[i] };

		chp_semaphore_init(&s, 1, CHP_FIFO);
		CHECK_CODE(acquire(&w), 0);
		CHECK_EQ(chp_semaphore_available(&s), 0);
	}
}

static void it_ends_no_earlier(void)
{
	chp_semaphore_init(&s, 0, CHP_FIFO);
	for (int i = 1; i < 5; i++) {
		chp_wait w = { .timeout = i * CHP_MS };
		chp_time before = chp_now();

		CHECK_CODE(acquire(&w), CHP_ETIMEDOUT);
		CHECK(chp_now() - before >= i * CHP_MS);
		CHECK_EQ(chp_semaphore_has_waiters(&s), 0);
		/* The same argument serves again, from then on. */
		before = chp_now();
		CHECK_CODE(acquire(&w), CHP_ETIMEDOUT);
		CHECK(chp_now() - before >= i * CHP_MS);
	}
}

static void a_negative_one_tries_once(void)
{
	chp_wait w = { .timeout = -1 };

	for (int policy = 0; policy < 2; policy++) {
		chp_semaphore_init(&s, 0, policy ? CHP_UNFAIR : CHP_FIFO);
		CHECK_CODE(acquire(&w), CHP_ETIMEDOUT);
		CHECK_EQ(chp_semaphore_has_waiters(&s), 0);
		chp_semaphore_release(&s, 1);
		CHECK_CODE(acquire(&w), 0);
	}
}

static void the_earlier_of_length_and_deadline_ends_it(void)
{
	chp_time before = chp_now();
	chp_wait w = { .timeout = CHP_NEVER, .deadline = before + CHP_MS };

	chp_semaphore_init(&s, 0, CHP_FIFO);
	CHECK_CODE(acquire(&w), CHP_ETIMEDOUT);
	CHECK(chp_now() >= w.deadline);

	w = (chp_wait){ .timeout = 2 * CHP_MS, .deadline = CHP_NEVER };
	before = chp_now();
	CHECK_CODE(acquire(&w), CHP_ETIMEDOUT);
	CHECK(chp_now() - before >= 2 * CHP_MS);

	w = (chp_wait){ .timeout = 60 * CHP_SEC, .deadline = 1 };
	CHECK_CODE(acquire(&w), CHP_ETIMEDOUT);
	w = (chp_wait){ .timeout = -1, .deadline = chp_in(60 * CHP_SEC) };
	CHECK_CODE(acquire(&w), CHP_ETIMEDOUT);
	CHECK(chp_now() - before < 60 * CHP_SEC);
}

static void a_token_and_its_deadline_count_too(void)
{
	chp_wait w = { .timeout = 60 * CHP_SEC };
	chp_cancel token;

	chp_semaphore_init(&s, 0, CHP_FIFO);
	chp_cancel_init(&token, NULL, chp_in(CHP_MS));
	w.cancel = &token;
	CHECK_CODE(acquire(&w), CHP_ETIMEDOUT);
	chp_cancel_destroy(&token);

	chp_cancel_init(&token, NULL, 0);
	chp_cancel_now(&token);
	CHECK_CODE(acquire(&w), CHP_ECANCELED);
	chp_cancel_destroy(&token);
}

static void *release_it(void *arg)
{
	h_until(chp_semaphore_queue_length(&s) == 1);
	chp_semaphore_release(&s, 1);
	return arg;
}

static void what_comes_in_time_succeeds(void)
{
	chp_time lengths[] = { 60 * CHP_SEC, CHP_NEVER };

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		chp_wait w = { .timeout = lengths[i] };
		struct h_agent a;

		chp_semaphore_init(&s, 0, CHP_FIFO);
		h_spawn(&a, release_it, NULL);
		CHECK_CODE(acquire(&w), 0);
		h_join(&a);
	}
}

static void any_operation_waits_so_long(void)
{
	chp_wait w = { .timeout = CHP_MS };
	chp_time before = chp_now();
	chp_acquire_op op;

	chp_semaphore_init(&s, 0, CHP_FIFO);
	chp_semaphore_acquire_op(&op, &s, 1);
	CHECK_CODE(chp_op_wait(&op.op, &w), CHP_ETIMEDOUT);
	CHECK(chp_now() - before >= CHP_MS);
	CHECK(chp_op_is_finished(&op.op));

	w.timeout = -1;
	chp_semaphore_acquire_op(&op, &s, 1);
	CHECK_CODE(chp_op_wait(&op.op, &w), CHP_ETIMEDOUT);
	chp_semaphore_release(&s, 1);
	chp_semaphore_acquire_op(&op, &s, 1);
	CHECK_CODE(chp_op_wait(&op.op, &w), 0);
}

/* Several waits in one call have one limit together. */
static void *drip(void *arg)
{
	struct link *l = arg;

	for (int i = 0; i < 100; i++) {
		if (chp_tcp_write(&l->far, "x", 1) != 1)
			break;
		chp_sleep_for(CHP_MS);
	}
	return arg;
}

static void a_call_of_many_waits_has_one_limit(void)
{
	chp_wait w = { .timeout = 20 * CHP_MS };
	struct h_agent a;
	struct link l;
	char buffer[100];
	size_t moved;

	link_open(&l);
	h_spawn(&a, drip, &l);
	/* Each byte comes long before the limit, all of them long after. */
	CHECK_CODE(chp_tcp_read_exact_with(&l.near, buffer, sizeof(buffer),
					   &moved, &w),
		   CHP_ETIMEDOUT);
	CHECK(moved < sizeof(buffer));
	h_join(&a);
	link_close(&l);
}

/* ---- The clock of the runtime ---- */

static void *by_paused_clock(void *arg)
{
	chp_wait w = { .timeout = 3600 * CHP_SEC };
	chp_time before = chp_now();

	chp_semaphore_init(&s, 0, CHP_FIFO);
	CHECK_CODE(acquire(&w), CHP_ETIMEDOUT);
	CHECK(chp_now() - before >= 3600 * CHP_SEC);
	return arg;
}

static void it_is_the_runtimes_time(void)
{
	paused(by_paused_clock);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(what_is_free_is_taken_whatever_the_length, IN_BLOCKING),
	TEST(it_ends_no_earlier, IN_BLOCKING),
	TEST(a_negative_one_tries_once, IN_BLOCKING),
	TEST(the_earlier_of_length_and_deadline_ends_it, IN_BLOCKING),
	TEST(a_token_and_its_deadline_count_too, IN_BLOCKING),
	TEST(what_comes_in_time_succeeds, IN_BLOCKING),
	TEST(any_operation_waits_so_long, IN_BLOCKING),
	TEST(a_call_of_many_waits_has_one_limit, IN_TASKS),
	TEST(it_is_the_runtimes_time, IN_THREADS),
};
/* clang-format on */

H_MAIN("wait_length", tests)
