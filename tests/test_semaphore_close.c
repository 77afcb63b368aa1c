/*
 * test_semaphore_close.c - closing: every acquire fails, present and future,
 * while the count goes on working; what had been handed to a waiter that has
 * not fetched it goes back to the count.
 */
#include "sem_queue.h"

/* ---- Who fails ---- */

static void close_ends_every_wait(chp_policy policy)
{
	struct waiter w[] = {
		{ .n = 1 },
		{ .n = 5 },
		{ .n = INT64_MAX },
		{ .n = 1, .with.deadline = chp_in(3600 * CHP_SEC) },
		{ .n = 2, .with.flags = CHP_UNINTERRUPTIBLE },
		{ .n = 1, .with.deadline = CHP_NEVER },
	};
	const int count = sizeof(w) / sizeof(*w);

	make(0, policy);
	for (int i = 0; i < count; i++)
		queue(&w[i]);
	CHECK(!chp_semaphore_is_closed(&s));
	chp_semaphore_close(&s);
	CHECK(chp_semaphore_is_closed(&s));
	for (int i = 0; i < count; i++)
		CHECK_CODE(finish(&w[i]), CHP_ECLOSED);
	CHECK_EQ(chp_semaphore_queue_length(&s), 0);
	CHECK(!chp_semaphore_has_waiters(&s));
	CHECK_EQ(chp_semaphore_available(&s), 0);
	chp_semaphore_destroy(&s);
}

static void close_ends_waits_for_zero(chp_policy policy)
{
	struct waiter w[2] = { { .n = 0 }, { .n = 0 } };

	make(-1, policy);
	for (int i = 0; i < 2; i++)
		queue(&w[i]);
	chp_semaphore_close(&s);
	for (int i = 0; i < 2; i++)
		CHECK_CODE(finish(&w[i]), CHP_ECLOSED);
	CHECK_EQ(chp_semaphore_available(&s), -1);
}

static void every_later_acquire_fails_whatever_is_free(chp_policy policy)
{
	static const int64_t wants[] = { 0, 1, 5, 6, INT64_MAX };
	chp_wait past = { .deadline = chp_in(0) };
	chp_wait later = { .deadline = chp_in(3600 * CHP_SEC) };

	make(5, policy);
	chp_semaphore_close(&s);
	for (size_t i = 0; i < sizeof(wants) / sizeof(*wants); i++) {
		CHECK_CODE(chp_semaphore_try_acquire(&s, wants[i]),
			   CHP_ECLOSED);
		CHECK_CODE(acquire_with(wants[i], NULL), CHP_ECLOSED);
		CHECK_CODE(acquire_with(wants[i], &past), CHP_ECLOSED);
		CHECK_CODE(acquire_with(wants[i], &later), CHP_ECLOSED);
	}
	CHECK_EQ(chp_semaphore_available(&s), 5);
}

static void an_operation_made_before_close_fails_too(chp_policy policy)
{
	struct poller p = { 0 };

	make(5, policy);
	chp_semaphore_acquire_op(&p.op, &s, 1);
	chp_semaphore_close(&s);
	CHECK_CODE(poll_again(&p), CHP_ECLOSED);
	CHECK(chp_op_is_finished(&p.op.op));
	CHECK_EQ(h_refs(&p.waker), 0);
	CHECK_EQ(h_wakes(&p.waker), 0);
	CHECK_EQ(chp_semaphore_available(&s), 5);
}

static void closing_is_for_good_and_may_be_repeated(chp_policy policy)
{
	make(0, policy);
	chp_semaphore_close(&s);
	chp_semaphore_close(&s);
	release(3);
	CHECK_CODE(chp_semaphore_try_acquire(&s, 1), CHP_ECLOSED);
	/* Each call that changes the word must keep the flag (tokio #8021). */
	CHECK_EQ(chp_semaphore_forget(&s, 1), 1);
	CHECK(chp_semaphore_is_closed(&s));
	CHECK_EQ(chp_semaphore_forget(&s, 9), 2);
	CHECK(chp_semaphore_is_closed(&s));
	CHECK_CODE(chp_semaphore_reduce(&s, 4), 0);
	CHECK(chp_semaphore_is_closed(&s));
	CHECK_EQ(chp_semaphore_drain(&s), -4);
	CHECK(chp_semaphore_is_closed(&s));
	CHECK_CODE(chp_semaphore_resize(&s, 6), 0);
	CHECK(chp_semaphore_is_closed(&s));
	CHECK_EQ(chp_semaphore_drain(&s), 6);
	chp_semaphore_set_name(&s, "shut");
	CHECK(chp_semaphore_is_closed(&s));
	chp_semaphore_close(&s);
	CHECK_CODE(chp_semaphore_try_acquire(&s, 0), CHP_ECLOSED);
}

/* ---- The count goes on ---- */

static void the_count_goes_on_after_close(chp_policy policy)
{
	make(4, policy);
	CHECK_CODE(acquire_with(3, NULL), 0);
	chp_semaphore_close(&s);
	CHECK_EQ(chp_semaphore_available(&s), 1);
	release(3);
	CHECK_EQ(chp_semaphore_available(&s), 4);
	CHECK_CODE(chp_semaphore_release(&s, CHP_SEMAPHORE_MAX), CHP_EOVERFLOW);
	release(CHP_SEMAPHORE_MAX - 4);
	CHECK_EQ(chp_semaphore_available(&s), CHP_SEMAPHORE_MAX);
	CHECK_EQ(chp_semaphore_drain(&s), CHP_SEMAPHORE_MAX);
	CHECK_CODE(chp_semaphore_reduce(&s, 2), 0);
	CHECK_EQ(chp_semaphore_available(&s), -2);
	CHECK_CODE(chp_semaphore_resize(&s, 7), 0);
	CHECK_EQ(chp_semaphore_available(&s), 1);
	CHECK_EQ(chp_semaphore_capacity(&s), 7);
	CHECK_EQ(chp_semaphore_forget(&s, 1), 1);
	CHECK_EQ(chp_semaphore_policy(&s), policy);
}

/* What the head had reserved belongs to nobody once it has failed. */
static void what_was_reserved_is_there_after_close(chp_policy policy)
{
	struct poller p;

	make(2, policy);
	queue_poller(&p, 3);
	chp_semaphore_close(&s);
	CHECK_CODE(poll_again(&p), CHP_ECLOSED);
	CHECK_EQ(chp_semaphore_available(&s), 2);
	CHECK_EQ(chp_semaphore_drain(&s), 2);
}

/* ---- Operations that were pending ---- */

static void close_wakes_each_poller_once(chp_policy policy)
{
	struct poller p[3];

	make(0, policy);
	for (int i = 0; i < 3; i++)
		queue_poller(&p[i], i + 1);
	chp_semaphore_close(&s);
	chp_semaphore_close(&s);
	release(9);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(h_wakes(&p[i].waker), 1);
		CHECK_EQ(h_refs(&p[i].waker), 0);
		CHECK_CODE(poll_again(&p[i]), CHP_ECLOSED);
		CHECK_EQ(h_refs(&p[i].waker), 0);
	}
	CHECK_EQ(chp_semaphore_available(&s), 9);
}

static void cancelling_what_close_ended_finds_nothing(chp_policy policy)
{
	struct poller p;

	make(1, policy);
	queue_poller(&p, 2);
	chp_semaphore_close(&s);
	CHECK_EQ(chp_op_cancel(&p.op.op), CHP_HELD_NOTHING);
	CHECK_EQ(h_refs(&p.waker), 0);
	CHECK_EQ(chp_semaphore_available(&s), 1);
}

/* tokio too: closed after permits were assigned, but before the poll. */
static void what_was_handed_over_and_not_fetched_goes_back(chp_policy policy)
{
	struct poller got, waiting;

	make(0, policy);
	queue_poller(&got, 2);
	queue_poller(&waiting, 2);
	release(3);
	chp_semaphore_close(&s);
	CHECK_CODE(poll_again(&waiting), CHP_ECLOSED);
	CHECK_CODE(poll_again(&got), CHP_ECLOSED);
	CHECK_EQ(h_refs(&got.waker), 0);
	CHECK_EQ(h_refs(&waiting.waker), 0);
	CHECK_EQ(chp_semaphore_available(&s), 3);
}

static void what_was_fetched_before_close_is_kept(chp_policy policy)
{
	struct poller got;

	make(0, policy);
	queue_poller(&got, 2);
	release(3);
	CHECK_CODE(poll_again(&got), 0);
	chp_semaphore_close(&s);
	CHECK_EQ(chp_semaphore_available(&s), 1);
	release(2);
	CHECK_EQ(chp_semaphore_available(&s), 3);
}

static void what_was_handed_over_can_be_cancelled_after_close(chp_policy policy)
{
	struct poller got, waiting;

	make(0, policy);
	queue_poller(&got, 2);
	queue_poller(&waiting, 1);
	release(2);
	chp_semaphore_close(&s);
	chp_op_cancel(&got.op.op);
	CHECK_EQ(chp_semaphore_available(&s), 2);
	CHECK_CODE(poll_again(&waiting), CHP_ECLOSED);
	CHECK_EQ(chp_semaphore_available(&s), 2);
	CHECK_EQ(h_refs(&got.waker), 0);
}

/* A waiter that is an agent fetches in time or not; no permit is lost. */
static void a_waiter_served_before_close_fetches_or_not(chp_policy policy)
{
	for (long i = 0; i < h_rounds(200); i++) {
		struct waiter w = { .n = 1 };

		make(0, policy);
		queue(&w);
		release(1);
		if (i % 2)
			h_until(!chp_semaphore_has_waiters(&s));
		chp_semaphore_close(&s);
		h_join(&w.agent);
		CHECK(w.result == 0 || w.result == CHP_ECLOSED);
		CHECK_EQ(chp_semaphore_available(&s), w.result == 0 ? 0 : 1);
	}
}

static const struct h_test tests[] = {
	TEST_BY_POLICY(close_ends_every_wait, IN_ALL),
	TEST_BY_POLICY(close_ends_waits_for_zero, IN_ALL),
	TEST_BY_POLICY(every_later_acquire_fails_whatever_is_free, IN_ALL),
	TEST_BY_POLICY(an_operation_made_before_close_fails_too, IN_ALL),
	TEST_BY_POLICY(closing_is_for_good_and_may_be_repeated,
		       IN_CT | IN_POLLED),
	TEST_BY_POLICY(the_count_goes_on_after_close, IN_ALL),
	TEST_BY_POLICY(what_was_reserved_is_there_after_close, IN_ALL),
	TEST_BY_POLICY(close_wakes_each_poller_once, IN_ALL),
	TEST_BY_POLICY(cancelling_what_close_ended_finds_nothing, IN_ALL),
	TEST_BY_POLICY(what_was_handed_over_and_not_fetched_goes_back, IN_ALL),
	TEST_BY_POLICY(what_was_fetched_before_close_is_kept, IN_ALL),
	TEST_BY_POLICY(what_was_handed_over_can_be_cancelled_after_close,
		       IN_ALL),
	TEST_BY_POLICY(a_waiter_served_before_close_fetches_or_not, IN_ALL),
};

H_MAIN("semaphore_close", tests)
