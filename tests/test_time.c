/*
 * test_time.c - the real clock: sleeping, deadlines, sleep operations and what
 * resetting them does.
 *
 * Many timers at once are in test_timers.c, the paused clock in
 * test_paused_clock.c, intervals in test_interval.c.
 */
#include "clock.h"

static int sleep_until(chp_time until, const chp_wait *w)
{
	chp_sleep_op op;

	if (h_mode() != H_POLLED)
		return chp_sleep_until_with(until, w);
	chp_sleep_until_op(&op, until);
	return h_wait(&op.op, w);
}

/* ---- The clock ---- */

static void now_is_the_monotonic_clock(void)
{
	chp_time before = real_time(), now, last = 0;

	for (int i = 0; i < 1000; i++) {
		now = chp_now();
		CHECK(now > 0);
		CHECK(now >= last);
		last = now;
	}
	CHECK(last >= before);
	CHECK(last <= real_time());
}

static void chp_in_saturates_and_is_never_zero(void)
{
	static const chp_time past[] = { 0, -1, -CHP_SEC, -CHP_NEVER,
					 INT64_MIN };
	chp_time before, t;

	before = chp_now();
	t = chp_in(5 * CHP_SEC);
	CHECK(t >= before + 5 * CHP_SEC);
	CHECK(t <= chp_now() + 5 * CHP_SEC);
	CHECK_EQ(chp_in(CHP_NEVER), CHP_NEVER);
	CHECK_EQ(chp_in(CHP_NEVER - 1), CHP_NEVER);
	CHECK_EQ(chp_in(CHP_NEVER - before + 1), CHP_NEVER);
	CHECK(chp_in(CHP_NEVER / 2) > CHP_NEVER / 2);
	CHECK(chp_in(CHP_NEVER / 2) < CHP_NEVER);
	for (size_t i = 0; i < sizeof(past) / sizeof(*past); i++) {
		t = chp_in(past[i]);
		CHECK(t != 0);
		CHECK(t <= chp_now());
		CHECK_CODE(sleep_until(t, NULL), 0);
	}
}

/* ---- Sleeping ---- */

static void no_sleep_ends_early(void)
{
	static const chp_time lengths[] = {
		1,      1000,       50 * CHP_US,   999 * CHP_US,
		CHP_MS, CHP_MS + 1, 2500 * CHP_US, 7 * CHP_MS,
	};

	for (int round = 0; round < 5; round++) {
		for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths);
		     i++) {
			chp_time until = chp_in(lengths[i]);

			CHECK_CODE(sleep_until(until, NULL), 0);
			CHECK(chp_now() >= until);
		}
	}
}

static void sleep_for_is_a_length_of_time(void)
{
	chp_time before = chp_now();

	CHECK_CODE(chp_sleep_for(3 * CHP_MS), 0);
	CHECK(chp_now() >= before + 3 * CHP_MS);
	CHECK_CODE(chp_sleep_until(before + 6 * CHP_MS), 0);
	CHECK(chp_now() >= before + 6 * CHP_MS);
}

static void sleeping_for_no_time_returns_at_once(void)
{
	chp_wait late = { .deadline = 1 };

	for (int i = 0; i < 100; i++) {
		CHECK_CODE(chp_sleep_for(0), 0);
		CHECK_CODE(chp_sleep_for(-1), 0);
		CHECK_CODE(chp_sleep_for(INT64_MIN), 0);
		CHECK_CODE(chp_sleep_until(0), 0);
		CHECK_CODE(chp_sleep_until(1), 0);
		CHECK_CODE(chp_sleep_until(-5), 0);
		CHECK_CODE(chp_sleep_until_with(1, &late), 0);
	}
}

static void but_reports_an_interrupt(void)
{
	chp_agent self = chp_agent_current();
	static const chp_time lengths[] = { 0, -1, INT64_MIN };

	for (int i = 0; i < 3; i++) {
		chp_interrupt(self);
		CHECK_CODE(chp_sleep_for(lengths[i]), CHP_EINTR);
		CHECK_CODE(chp_sleep_for(lengths[i]), 0);
		chp_interrupt(self);
		CHECK_CODE(chp_sleep_until(lengths[i] + 1), CHP_EINTR);
		CHECK_CODE(chp_sleep_until(lengths[i] + 1), 0);
	}
}

/* ---- What ends a sleep ---- */

static void the_earlier_of_sleep_and_deadline_counts(void)
{
	chp_wait soon = { .deadline = chp_in(5 * CHP_MS) };
	chp_wait never = { .deadline = CHP_NEVER };

	CHECK_CODE(sleep_until(CHP_NEVER, &soon), CHP_ETIMEDOUT);
	CHECK(chp_now() >= soon.deadline);
	CHECK_CODE(sleep_until(chp_in(CHP_SEC), &soon), CHP_ETIMEDOUT);
	soon.deadline = chp_in(60 * CHP_SEC);
	CHECK_CODE(sleep_until(chp_in(2 * CHP_MS), &soon), 0);
	CHECK_CODE(sleep_until(chp_in(2 * CHP_MS), &never), 0);
	/* A point that has come wins over a deadline that has passed. */
	soon.deadline = 1;
	CHECK_CODE(sleep_until(2, &soon), 0);
}

static void an_interrupt_ends_the_longest_sleep(void)
{
	static const chp_time lengths[] = { 3600 * CHP_SEC, CHP_NEVER - 1,
					    CHP_NEVER };
	chp_agent self = chp_agent_current();
	struct h_agent a;

	for (int i = 0; i < 3; i++) {
		h_spawn(&a, h_interrupt_later, &self);
		CHECK_CODE(chp_sleep_for(lengths[i]), CHP_EINTR);
		h_join(&a);
		h_spawn(&a, h_interrupt_later, &self);
		CHECK_CODE(chp_sleep_until(chp_in(lengths[i])), CHP_EINTR);
		h_join(&a);
	}
}

static void a_token_ends_a_sleep(void)
{
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait w = { .cancel = &token };
	struct h_agent a;

	h_spawn(&a, h_cancel_later, &token);
	CHECK_CODE(sleep_until(CHP_NEVER, &w), CHP_ECANCELED);
	CHECK_CODE(sleep_until(1, &w), CHP_ECANCELED);
	h_join(&a);
	chp_cancel_destroy(&token);
}

static void waits_of_all_sorts_keep_their_deadline(void)
{
	chp_semaphore s = CHP_SEMAPHORE_INIT(0, CHP_FIFO);
	chp_acquire_op acquire;

	for (int i = 0; i < 10; i++) {
		chp_wait w = { .deadline = chp_in(i * 300 * CHP_US) };

		chp_semaphore_acquire_op(&acquire, &s, 1);
		CHECK_CODE(h_wait(&acquire.op, &w), CHP_ETIMEDOUT);
		CHECK(chp_now() >= w.deadline);
		CHECK(chp_op_is_finished(&acquire.op));
		CHECK_EQ(chp_semaphore_has_waiters(&s), 0);
	}
}

/* ---- As an operation ---- */

static void a_sleep_is_elapsed_only_once_polled(void)
{
	struct h_waker w = { 0 };
	chp_sleep_op op;

	chp_sleep_until_op(&op, chp_in(SOON));
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	CHECK_EQ(chp_sleep_is_elapsed(&op), 0);
	h_until(h_wakes(&w) == 1);
	CHECK(chp_now() >= op.until);
	CHECK_EQ(chp_sleep_is_elapsed(&op), 0);
	CHECK_CODE(h_poll(&op.op, &w), 0);
	CHECK_EQ(chp_sleep_is_elapsed(&op), 1);
	CHECK(chp_op_is_finished(&op.op));
	CHECK_EQ(h_wakes(&w), 1);
	CHECK_EQ(h_refs(&w), 0);
}

static void an_unpolled_sleep_is_not_elapsed(void)
{
	struct h_waker w = { 0 };
	chp_sleep_op op;

	chp_sleep_until_op(&op, 1);
	CHECK_EQ(chp_sleep_is_elapsed(&op), 0);
	CHECK_CODE(h_poll(&op.op, &w), 0);
	CHECK_EQ(chp_sleep_is_elapsed(&op), 1);
	CHECK_EQ(h_wakes(&w), 0);
}

static void reset_moves_a_pending_sleep(void)
{
	struct h_waker w = { 0 };
	chp_sleep_op op;
	chp_time later;

	/* To an earlier point: nobody waits for the old one. */
	chp_sleep_until_op(&op, CHP_NEVER);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	chp_sleep_reset(&op, chp_in(CHP_MS));
	CHECK_CODE(h_wait(&op.op, NULL), 0);
	CHECK(chp_now() >= op.until);

	/* To a later one: the old one has no effect. */
	chp_sleep_until_op(&op, chp_in(SOON));
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	later = op.until + 10 * CHP_MS;
	chp_sleep_reset(&op, later);
	CHECK_EQ(op.until, later);
	CHECK_CODE(h_wait(&op.op, NULL), 0);
	CHECK(chp_now() >= later);

	/* To a point that has passed: ready at the next poll. */
	chp_sleep_until_op(&op, CHP_NEVER);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	chp_sleep_reset(&op, 1);
	CHECK_EQ(chp_sleep_is_elapsed(&op), 0);
	CHECK_CODE(h_poll(&op.op, &w), 0);
	CHECK_EQ(h_refs(&w), 0);
}

static void reset_revives_a_finished_sleep(void)
{
	struct h_waker w = { 0 };
	chp_sleep_op op;

	chp_sleep_until_op(&op, 1);
	CHECK_CODE(h_poll(&op.op, &w), 0);
	for (int i = 0; i < 3; i++) {
		chp_sleep_reset(&op, chp_in(CHP_MS));
		CHECK_EQ(chp_sleep_is_elapsed(&op), 0);
		CHECK(!chp_op_is_finished(&op.op));
		CHECK_CODE(h_wait(&op.op, NULL), 0);
		CHECK(chp_now() >= op.until);
		CHECK_EQ(chp_sleep_is_elapsed(&op), 1);
	}
	/* Also one that was cancelled, or never begun. */
	chp_sleep_reset(&op, CHP_NEVER);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	CHECK_CODE(chp_op_cancel(&op.op), CHP_HELD_NOTHING);
	chp_sleep_reset(&op, 1);
	CHECK_CODE(h_poll(&op.op, &w), 0);
	chp_sleep_until_op(&op, CHP_NEVER);
	chp_sleep_reset(&op, 1);
	CHECK_CODE(h_poll(&op.op, &w), 0);
	CHECK_EQ(h_refs(&w), 0);
}

static void a_cancelled_sleep_wakes_nobody(void)
{
	struct h_waker w = { 0 };
	chp_sleep_op op, longer;

	chp_sleep_until_op(&op, chp_in(SOON));
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	CHECK_CODE(chp_op_cancel(&op.op), CHP_HELD_NOTHING);
	chp_sleep_until_op(&longer, op.until + 5 * CHP_MS);
	CHECK_CODE(h_wait(&longer.op, NULL), 0);
	CHECK_EQ(h_wakes(&w), 0);
	CHECK_EQ(h_refs(&w), 0);
}

static void a_cancelled_sleep_is_not_elapsed(void)
{
	struct h_waker w = { 0 };
	chp_sleep_op op;

	chp_sleep_until_op(&op, chp_in(CHP_SEC));
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	CHECK_CODE(chp_op_cancel(&op.op), CHP_HELD_NOTHING);
	CHECK_EQ(chp_sleep_is_elapsed(&op), 0);
}

/* ctx.wake_at: the poller keeps the time itself, and no timer is armed. */
static void a_poller_may_keep_the_time_itself(void)
{
	struct h_waker w = { 0 };
	chp_poll_ctx ctx = chp_poll_ctx_of(h_waker(&w));
	chp_time wake_at = CHP_NEVER, soon = chp_in(SOON);
	chp_sleep_op a, b;

	ctx.wake_at = &wake_at;
	chp_sleep_until_op(&a, soon);
	chp_sleep_until_op(&b, chp_in(60 * CHP_SEC));
	CHECK_CODE(chp_op_poll(&a.op, &ctx), CHP_PENDING);
	CHECK_EQ(wake_at, soon);
	CHECK_CODE(chp_op_poll(&b.op, &ctx), CHP_PENDING);
	CHECK_EQ(wake_at, soon);
	h_until(chp_now() >= wake_at);
	CHECK_CODE(chp_op_poll(&a.op, &ctx), 0);
	wake_at = CHP_NEVER;
	CHECK_CODE(chp_op_poll(&b.op, &ctx), CHP_PENDING);
	CHECK_EQ(wake_at, b.until);
	CHECK_CODE(chp_op_cancel(&b.op), CHP_HELD_NOTHING);
	CHECK_EQ(h_wakes(&w), 0);
	CHECK_EQ(h_refs(&w), 0);
}

/* Polled by hand on a plain thread they need the process's driver. */
enum { IN_POLL = IN_TASKS | IN_POLLED };

/* clang-format off */
static const struct h_test tests[] = {
	TEST(now_is_the_monotonic_clock, IN_ALL),
	TEST(chp_in_saturates_and_is_never_zero, IN_ALL),
	TEST(no_sleep_ends_early, IN_ALL),
	TEST(sleep_for_is_a_length_of_time, IN_BLOCKING),
	TEST(sleeping_for_no_time_returns_at_once, IN_BLOCKING),
	TEST(but_reports_an_interrupt, IN_BLOCKING),
	TEST(the_earlier_of_sleep_and_deadline_counts, IN_ALL),
	TEST(an_interrupt_ends_the_longest_sleep, IN_BLOCKING),
	TEST(a_token_ends_a_sleep, IN_ALL),
	TEST(waits_of_all_sorts_keep_their_deadline, IN_ALL),
	TEST(a_sleep_is_elapsed_only_once_polled, IN_POLL),
	TEST(an_unpolled_sleep_is_not_elapsed, IN_ALL),
	TEST(reset_moves_a_pending_sleep, IN_POLL),
	TEST(reset_revives_a_finished_sleep, IN_POLL),
	TEST(a_cancelled_sleep_wakes_nobody, IN_POLL),
	TEST(a_poller_may_keep_the_time_itself, IN_ALL),
	TEST(a_cancelled_sleep_is_not_elapsed, IN_POLL),
};
/* clang-format on */

H_MAIN("time", tests)
