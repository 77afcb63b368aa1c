/*
 * test_timeout.c - a time limit on any operation: chp_timeout() and the
 * operation under it.
 */
#include "clock.h"

static chp_semaphore s;
static chp_acquire_op acquire;

static void begin(int64_t permits)
{
	chp_semaphore_init(&s, permits, CHP_FIFO);
	chp_semaphore_acquire_op(&acquire, &s, 1);
}

static int with_limit(chp_op *inner, chp_time deadline)
{
	chp_timeout_op op;

	if (h_mode() != H_POLLED)
		return chp_timeout(inner, deadline);
	chp_timeout_init(&op, inner, deadline);
	return h_wait(&op.op, NULL);
}

static void what_is_ready_succeeds_even_past_the_deadline(void)
{
	chp_time deadlines[] = { 1,          chp_in(0),
				 chp_in(-5), chp_in(CHP_SEC),
				 CHP_NEVER,  0 };

	for (size_t i = 0; i < sizeof(deadlines) / sizeof(*deadlines); i++) {
		begin(1);
		CHECK_CODE(with_limit(&acquire.op, deadlines[i]), 0);
		CHECK_EQ(chp_semaphore_available(&s), 0);
	}
}

static void what_is_not_ready_in_time_is_cancelled(void)
{
	for (int i = 0; i < 5; i++) {
		chp_time deadline = i ? chp_in(i * CHP_MS) : 1;

		begin(0);
		CHECK_CODE(with_limit(&acquire.op, deadline), CHP_ETIMEDOUT);
		CHECK(chp_now() >= deadline);
		CHECK(chp_op_is_finished(&acquire.op));
		CHECK_EQ(chp_semaphore_has_waiters(&s), 0);
		chp_semaphore_release(&s, 1);
		CHECK_EQ(chp_semaphore_available(&s), 1);
	}
}

static void *release_it(void *arg)
{
	h_until(chp_semaphore_queue_length(&s) == 1);
	chp_semaphore_release(&s, 1);
	return arg;
}

static void what_is_ready_in_time_succeeds(void)
{
	chp_time deadlines[] = { chp_in(60 * CHP_SEC), CHP_NEVER, 0 };

	for (size_t i = 0; i < sizeof(deadlines) / sizeof(*deadlines); i++) {
		struct h_agent a;

		begin(0);
		h_spawn(&a, release_it, NULL);
		CHECK_CODE(with_limit(&acquire.op, deadlines[i]), 0);
		h_join(&a);
	}
}

static void the_result_of_the_operation_is_passed_on(void)
{
	begin(0);
	chp_semaphore_close(&s);
	CHECK_CODE(with_limit(&acquire.op, chp_in(CHP_SEC)), CHP_ECLOSED);
	begin(0);
	chp_semaphore_acquire_op(&acquire, &s, -1);
	CHECK_CODE(with_limit(&acquire.op, 1), CHP_EINVAL);
}

static void of_two_limits_the_earlier_counts(void)
{
	for (int inner_first = 0; inner_first < 2; inner_first++) {
		chp_time soon = chp_in(2 * CHP_MS), late = chp_in(60 * CHP_SEC);
		chp_timeout_op inner;

		begin(0);
		chp_timeout_init(&inner, &acquire.op,
				 inner_first ? soon : late);
		CHECK_CODE(with_limit(&inner.op, inner_first ? late : soon),
			   CHP_ETIMEDOUT);
		CHECK(chp_now() >= soon);
		CHECK(chp_now() < late);
		CHECK(chp_op_is_finished(&inner.op));
		CHECK(chp_op_is_finished(&acquire.op));
		CHECK_EQ(chp_semaphore_has_waiters(&s), 0);
	}
}

static void a_limit_may_itself_be_cancelled(void)
{
	struct h_waker w = { 0 };
	chp_timeout_op op;

	begin(0);
	chp_timeout_init(&op, &acquire.op, chp_in(60 * CHP_SEC));
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	CHECK_EQ(chp_semaphore_queue_length(&s), 1);
	CHECK(chp_op_cancel(&op.op) != CHP_TOO_LATE);
	CHECK_EQ(chp_semaphore_queue_length(&s), 0);
	CHECK_EQ(h_refs(&w), 0);

	/* Granted, but not yet polled: the permit goes back. */
	begin(0);
	chp_timeout_init(&op, &acquire.op, chp_in(60 * CHP_SEC));
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	chp_semaphore_release(&s, 1);
	CHECK(chp_op_cancel(&op.op) != CHP_TOO_LATE);
	CHECK_EQ(chp_semaphore_available(&s), 1);
	CHECK_EQ(h_refs(&w), 0);

	/* Not polled itself, but what it limits was. */
	begin(0);
	CHECK_CODE(h_poll(&acquire.op, &w), CHP_PENDING);
	chp_timeout_init(&op, &acquire.op, chp_in(60 * CHP_SEC));
	CHECK(chp_op_cancel(&op.op) != CHP_TOO_LATE);
	CHECK(chp_op_is_finished(&acquire.op));
	CHECK_EQ(chp_semaphore_queue_length(&s), 0);
	CHECK_EQ(h_refs(&w), 0);
}

static void a_hand_polled_limit_wakes_its_poller(void)
{
	struct h_waker w = { 0 };
	chp_timeout_op op;

	begin(0);
	chp_timeout_init(&op, &acquire.op, chp_in(SOON));
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	h_until(h_wakes(&w) >= 1);
	CHECK_CODE(h_poll(&op.op, &w), CHP_ETIMEDOUT);
	CHECK_EQ(h_refs(&w), 0);

	/* The operation is looked at before the clock. */
	begin(0);
	chp_timeout_init(&op, &acquire.op, chp_in(SOON));
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	h_until(chp_now() > op.sleep.until);
	chp_semaphore_release(&s, 1);
	CHECK_CODE(h_poll(&op.op, &w), 0);
	CHECK_EQ(h_refs(&w), 0);
}

static void interrupts_and_aborts_end_it_too(void)
{
	begin(1);
	chp_interrupt(chp_agent_current());
	CHECK_CODE(chp_timeout(&acquire.op, chp_in(CHP_SEC)), CHP_EINTR);
	CHECK_EQ(chp_semaphore_available(&s), 1);
	begin(1);
	CHECK_CODE(chp_timeout(&acquire.op, chp_in(CHP_SEC)), 0);
}

/* Releases race the deadlines: each permit is somewhere. */
static void *release_many(void *arg)
{
	for (long i = h_rounds(2000); i > 0; i--) {
		chp_semaphore_release(&s, 1);
		for (long k = i % 4; k > 0; k--)
			h_yield();
	}
	return arg;
}

static void *take_with_limits(void *arg)
{
	long *taken = arg;

	for (long i = 0; i < h_rounds(2000); i++) {
		chp_acquire_op op;
		int r;

		chp_semaphore_acquire_op(&op, &s, 1);
		r = with_limit(&op.op, chp_in(i % 8 * 20 * CHP_US));
		CHECK(r == 0 || r == CHP_ETIMEDOUT);
		*taken += r == 0;
	}
	return NULL;
}

static void deadlines_racing_grants_lose_no_permit(void)
{
	struct h_agent releaser, taker[3];
	long taken[3] = { 0 };

	begin(0);
	h_spawn(&releaser, release_many, NULL);
	for (int i = 0; i < 3; i++)
		h_spawn(&taker[i], take_with_limits, &taken[i]);
	h_join(&releaser);
	for (int i = 0; i < 3; i++)
		h_join(&taker[i]);
	CHECK_EQ(taken[0] + taken[1] + taken[2] + chp_semaphore_available(&s),
		 h_rounds(2000));
	CHECK_EQ(chp_semaphore_has_waiters(&s), 0);
}

/* Polled by hand on a plain thread they need the process's driver. */
enum { IN_POLL = IN_TASKS | IN_POLLED };

/* clang-format off */
static const struct h_test tests[] = {
	TEST(what_is_ready_succeeds_even_past_the_deadline, IN_ALL),
	TEST(what_is_not_ready_in_time_is_cancelled, IN_ALL),
	TEST(what_is_ready_in_time_succeeds, IN_ALL),
	TEST(the_result_of_the_operation_is_passed_on, IN_ALL),
	TEST(of_two_limits_the_earlier_counts, IN_ALL),
	TEST(a_limit_may_itself_be_cancelled, IN_POLL),
	TEST(a_hand_polled_limit_wakes_its_poller, IN_POLL),
	TEST(interrupts_and_aborts_end_it_too, IN_BLOCKING),
	TEST(deadlines_racing_grants_lose_no_permit, IN_ALL),
};
/* clang-format on */

H_MAIN("timeout", tests)
