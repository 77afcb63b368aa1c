/*
 * test_timers.c - many timers at once: their order, cancelling them, moving
 * them, and how late they are when the workers are busy.
 */
#include "harness.h"

#include <stdatomic.h>

static struct h_rng rng; /* with a fixed seed */

/* ---- Order ---- */

enum { FEW = 40 };

/* A waker that notes when its turn came. */
static atomic_int order[FEW], next_place;

static void note_wake(void *data)
{
	*(atomic_int *)data = ++next_place;
}

static const chp_waker_class noting = { note_wake, h_ignore, h_ignore };

static void timers_fire_in_the_order_of_their_deadlines(void)
{
	chp_sleep_op ops[FEW];
	int place[FEW];
	chp_time start = chp_in(50 * CHP_MS);

	rng = h_rng(12345, 0);
	next_place = 0;
	for (int i = 0; i < FEW; i++)
		place[i] = i;
	for (int i = FEW - 1; i > 0; i--) {
		int k = (int)h_below(&rng, (uint32_t)i + 1), other = place[k];

		place[k] = place[i];
		place[i] = other;
	}
	/* Armed in any order, 2 ms apart. */
	for (int i = 0; i < FEW; i++) {
		int k = place[i];
		chp_poll_ctx ctx =
			chp_poll_ctx_of((chp_waker){ &noting, &order[k] });

		order[k] = 0;
		chp_sleep_until_op(&ops[k], start + k * 2 * CHP_MS);
		CHECK_CODE(chp_op_poll(&ops[k].op, &ctx), CHP_PENDING);
	}
	for (int k = 0; k < FEW; k++) {
		h_until(order[k] != 0);
		CHECK(chp_now() >= ops[k].until);
		CHECK_EQ(order[k], k + 1);
		CHECK_CODE(chp_op_poll(&ops[k].op, NULL), 0);
	}
}

/* ---- Thousands ---- */

static void most_of_thousands_are_cancelled_and_the_rest_fire(void)
{
	long n = h_rounds(5000);
	chp_sleep_op *ops = calloc((size_t)n, sizeof(*ops));
	struct h_waker fire = { 0 }, cancelled = { 0 };
	unsigned expected = 0;

	rng = h_rng(99, 0);
	for (long i = 0; i < n; i++) {
		chp_time until =
			chp_in(50 * CHP_MS + h_below(&rng, 20000) * CHP_US);

		chp_sleep_until_op(&ops[i], i % 10 ? until + CHP_SEC : until);
		CHECK_CODE(h_poll(&ops[i].op, i % 10 ? &cancelled : &fire),
			   CHP_PENDING);
		expected += i % 10 == 0;
	}
	for (long i = n - 1; i >= 0; i--)
		if (i % 10)
			CHECK_CODE(chp_op_cancel(&ops[i].op), CHP_HELD_NOTHING);
	h_until(h_wakes(&fire) == expected);
	for (long i = 0; i < n; i += 10) {
		CHECK(chp_now() >= ops[i].until);
		CHECK_CODE(h_poll(&ops[i].op, &fire), 0);
	}
	CHECK_EQ(h_wakes(&cancelled), 0);
	CHECK_EQ(h_refs(&cancelled), 0);
	h_until(h_refs(&fire) == 0);
	free(ops);
}

/* Far and near, so that a wheel has to move them between its levels. */
static void timers_far_and_near_come_when_they_should(void)
{
	static const chp_time lengths[] = {
		CHP_MS,        63 * CHP_MS,   64 * CHP_MS,    65 * CHP_MS,
		130 * CHP_MS,  200 * CHP_MS,  3600 * CHP_SEC, 864000 * CHP_SEC,
		CHP_NEVER / 4, CHP_NEVER - 1,
	};
	enum { N = sizeof(lengths) / sizeof(*lengths), COME = 6 };
	struct h_waker w[N] = { { { 0 } } };
	chp_sleep_op ops[N];

	for (int i = 0; i < N; i++) {
		chp_sleep_until_op(&ops[i], chp_in(lengths[i]));
		CHECK_CODE(h_poll(&ops[i].op, &w[i]), CHP_PENDING);
	}
	for (int i = 0; i < COME; i++) {
		h_until(h_wakes(&w[i]) == 1);
		CHECK(chp_now() >= ops[i].until);
		CHECK_CODE(h_poll(&ops[i].op, &w[i]), 0);
		h_until(h_refs(&w[i]) == 0);
	}
	for (int i = COME; i < N; i++) {
		CHECK_EQ(h_wakes(&w[i]), 0);
		CHECK_CODE(h_poll(&ops[i].op, &w[i]), CHP_PENDING);
		CHECK_CODE(chp_op_cancel(&ops[i].op), CHP_HELD_NOTHING);
		CHECK_EQ(h_refs(&w[i]), 0);
	}
}

/* Cancelling races firing: afterwards nobody touches the operation. */
static void *arm_and_cancel(void *arg)
{
	struct h_waker w = { 0 };

	for (long i = 0; i < h_rounds(3000); i++) {
		chp_sleep_op op;

		chp_sleep_until_op(&op, chp_in(i % 50 * 20 * CHP_US));
		if (h_poll(&op.op, &w) == CHP_PENDING) {
			for (long k = i % 5; k > 0; k--)
				h_yield();
			chp_op_cancel(&op.op);
		}
		memset(&op, 0xa5, sizeof(op));
		/* A waker on its way has a reference of its own. */
		h_until(h_refs(&w) == 0);
	}
	return arg;
}

static void cancelling_races_firing(void)
{
	struct h_agent a[3];

	for (int i = 0; i < 3; i++)
		h_spawn(&a[i], arm_and_cancel, NULL);
	for (int i = 0; i < 3; i++)
		h_join(&a[i]);
}

/* A timer is cancelled by another thread than the one that armed it. */
static chp_sleep_op handed[64];
static chp_semaphore full, empty;

static void *cancel_what_is_handed(void *arg)
{
	for (long i = 0; i < h_rounds(2000); i++) {
		chp_sleep_op *op = &handed[i % 64];

		CHECK_CODE(chp_semaphore_acquire(&full, 1), 0);
		chp_op_cancel(&op->op);
		memset(op, 0x5a, sizeof(*op));
		chp_semaphore_release(&empty, 1);
	}
	return arg;
}

static void timers_are_cancelled_from_another_worker(void)
{
	struct h_waker w = { 0 };
	struct h_agent a;

	chp_semaphore_init(&full, 0, CHP_FIFO);
	chp_semaphore_init(&empty, 64, CHP_FIFO);
	h_spawn_thread(&a, cancel_what_is_handed, NULL);
	for (long i = 0; i < h_rounds(2000); i++) {
		chp_sleep_op *op = &handed[i % 64];

		CHECK_CODE(chp_semaphore_acquire(&empty, 1), 0);
		chp_sleep_until_op(op, chp_in(i % 20 * 100 * CHP_US));
		h_poll(&op->op, &w);
		chp_semaphore_release(&full, 1);
	}
	h_join_thread(&a);
	h_until(h_refs(&w) == 0);
}

static atomic_long slept;

static void *sleep_at_random(void *arg)
{
	chp_time until = chp_in((intptr_t)arg * CHP_US);

	CHECK_CODE(chp_sleep_until(until), 0);
	CHECK(chp_now() >= until);
	slept++;
	return NULL;
}

static void thousands_of_tasks_sleep_at_once(void)
{
	long n = h_rounds(10000);

	rng = h_rng(4711, 0);
	slept = 0;
	for (long i = 0; i < n; i++)
		CHECK_CODE(chp_spawn(NULL, sleep_at_random,
				     (void *)(intptr_t)h_below(&rng, 50000)),
			   0);
	h_until(slept == n);
}

/* ---- Lateness ---- */

static atomic_int stop;

static void *work_in_slices(void *arg)
{
	while (!stop) {
		for (volatile int i = 0; i < 2000; i++)
			;
		chp_yield();
	}
	return arg;
}

/* The machine may be slow and shared; half of the timers still come soon. */
static void busy_workers_do_not_hold_up_timers(void)
{
	enum { N = 51 };
	struct h_agent busy[8];
	int soon = 0;

	stop = 0;
	for (int i = 0; i < 8; i++)
		h_spawn(&busy[i], work_in_slices, NULL);
	for (int i = 0; i < N; i++) {
		chp_time until = chp_in(2 * CHP_MS);

		CHECK_CODE(chp_sleep_until(until), 0);
		soon += chp_now() - until < 100 * CHP_MS;
	}
	stop = 1;
	for (int i = 0; i < 8; i++)
		h_join(&busy[i]);
	CHECK(soon > N / 2);
}

/* Polled by hand on a plain thread they need the process's driver. */
enum { IN_POLL = IN_TASKS | IN_POLLED };

/* ---- Wakers ---- */

/* One that polls by hand first, and then blocks, has given its first waker
   back: it is not kept until the timer fires, and not woken. */
static void a_poll_that_needs_no_timer_gives_back_the_one_before(void)
{
	chp_poll_ctx blocking = chp_poll_ctx_of(chp_waker_current());
	chp_time until = chp_in(3600 * CHP_SEC), at = CHP_NEVER;
	struct h_waker w = { { 0 } };
	chp_sleep_op op;

	chp_sleep_until_op(&op, until);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	CHECK_EQ(h_refs(&w), 1);
	blocking.wake_at = &at;
	CHECK_CODE(chp_op_poll(&op.op, &blocking), CHP_PENDING);
	CHECK_EQ(at, until);
	CHECK_EQ(h_refs(&w), 0);
	CHECK_EQ(chp_op_cancel(&op.op), CHP_HELD_NOTHING);
	CHECK_EQ(h_wakes(&w), 0);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(timers_fire_in_the_order_of_their_deadlines, IN_POLL),
	TEST(most_of_thousands_are_cancelled_and_the_rest_fire, IN_POLL),
	TEST(timers_far_and_near_come_when_they_should, IN_POLL),
	TEST(cancelling_races_firing, IN_POLL),
	TEST(timers_are_cancelled_from_another_worker, IN_TASKS),
	TEST(thousands_of_tasks_sleep_at_once, IN_TASKS),
	TEST(busy_workers_do_not_hold_up_timers, IN_TASKS),
	TEST(a_poll_that_needs_no_timer_gives_back_the_one_before, IN_POLL),
};
/* clang-format on */

H_MAIN("timers", tests)
