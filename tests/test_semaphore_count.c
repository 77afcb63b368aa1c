/*
 * test_semaphore_count.c - the calls that change the count without waiting:
 * release, drain, reduce, forget, resize; their ranges and result codes; that
 * the count never wraps; the capacity.
 *
 * The waiters here are operations polled by hand, so that each step of a
 * script has one outcome.
 */
#include "sem_queue.h"

#define MAX CHP_SEMAPHORE_MAX

/* It has been told to poll, and then has its permits. */
static void goes(struct poller *p)
{
	CHECK(h_wakes(&p->waker) >= 1);
	CHECK_CODE(poll_again(p), 0);
	CHECK_EQ(h_refs(&p->waker), 0);
}

static void waits(struct poller *p)
{
	CHECK_CODE(poll_again(p), CHP_PENDING);
}

static void leaves(struct poller *p)
{
	CHECK_EQ(chp_op_cancel(&p->op.op), CHP_HELD_NOTHING);
	CHECK_EQ(h_refs(&p->waker), 0);
}

/* ---- Bad arguments ---- */

static void negative_numbers_are_refused_everywhere(chp_policy policy)
{
	static const int64_t bad[] = { -1, -2, -MAX, INT64_MIN };
	chp_acquire_op op;

	make(-1, policy);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		int64_t n = bad[i];

		CHECK_CODE(chp_semaphore_try_acquire(&s, n), CHP_EINVAL);
		chp_semaphore_acquire_op(&op, &s, n);
		CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_EINVAL);
		CHECK(chp_op_is_finished(&op.op));
		CHECK_CODE(chp_semaphore_release(&s, n), CHP_EINVAL);
		CHECK_CODE(chp_semaphore_reduce(&s, n), CHP_EINVAL);
		CHECK_EQ(chp_semaphore_forget(&s, n), CHP_EINVAL);
		CHECK_CODE(chp_semaphore_resize(&s, n), CHP_EINVAL);
		if (h_mode() == H_POLLED)
			continue;
		CHECK_CODE(chp_semaphore_acquire(&s, n), CHP_EINVAL);
		CHECK_CODE(chp_semaphore_acquire_with(
				   &s, n, &(chp_wait){ .deadline = 1 }),
			   CHP_EINVAL);
	}
	available_is(-1);
	CHECK_EQ(chp_semaphore_capacity(&s), -1);
	CHECK_EQ(chp_semaphore_queue_length(&s), 0);
	/* A bad argument is one on a closed semaphore too. */
	chp_semaphore_close(&s);
	CHECK_CODE(chp_semaphore_try_acquire(&s, -1), CHP_EINVAL);
	chp_semaphore_acquire_op(&op, &s, -1);
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_EINVAL);
	CHECK_CODE(chp_semaphore_release(&s, -1), CHP_EINVAL);
}

/* ---- release ---- */

static void anyone_may_release_any_number(chp_policy policy)
{
	make(0, policy);
	release(0);
	available_is(0);
	release(3);
	release((int64_t)1 << 40);
	available_is(((int64_t)1 << 40) + 3);
	CHECK_CODE(chp_semaphore_try_acquire(&s, (int64_t)1 << 40), 0);
	available_is(3);
}

static void releasing_too_many_changes_nothing(chp_policy policy)
{
	make(1, policy);
	CHECK_CODE(chp_semaphore_release(&s, MAX), CHP_EOVERFLOW);
	CHECK_CODE(chp_semaphore_release(&s, MAX + 1), CHP_EOVERFLOW);
	CHECK_CODE(chp_semaphore_release(&s, INT64_MAX), CHP_EOVERFLOW);
	available_is(1);
	release(MAX - 1);
	available_is(MAX);
	CHECK_CODE(chp_semaphore_release(&s, 1), CHP_EOVERFLOW);
	CHECK_CODE(chp_semaphore_release(&s, INT64_MAX), CHP_EOVERFLOW);
	release(0);
	available_is(MAX);
	CHECK_CODE(chp_semaphore_try_acquire(&s, MAX), 0);
	available_is(0);
}

static void releases_pay_a_debt_first(chp_policy policy)
{
	make(-5, policy);
	CHECK_CODE(chp_semaphore_try_acquire(&s, 1), CHP_EAGAIN);
	release(5);
	CHECK_CODE(chp_semaphore_try_acquire(&s, 1), CHP_EAGAIN);
	CHECK_CODE(chp_semaphore_reduce(&s, 5), 0);
	release(MAX);
	available_is(MAX - 5);
	/* The range is the result's, not that of n. */
	make(-MAX, policy);
	release(2 * MAX);
	available_is(MAX);
}

static void an_overflow_wakes_nobody(chp_policy policy)
{
	struct poller p;

	make(MAX, policy);
	queue_poller(&p, INT64_MAX);
	CHECK_CODE(chp_semaphore_release(&s, 1), CHP_EOVERFLOW);
	CHECK_EQ(h_wakes(&p.waker), 0);
	waits(&p);
	leaves(&p);
	available_is(MAX);
}

/* ---- Requests that will never be met; 64 bits that must not wrap ---- */

static void huge_requests_wait_and_never_wrap(chp_policy policy)
{
	static const int64_t counts[] = { 0, -1, -5, -MAX, MAX };
	static const int64_t wants[] = { MAX + 1, INT64_MAX - 1, INT64_MAX };
	struct poller p;

	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		make(counts[i], policy);
		for (size_t k = 0; k < sizeof(wants) / sizeof(*wants); k++) {
			CHECK_CODE(chp_semaphore_try_acquire(&s, wants[k]),
				   CHP_EAGAIN);
			queue_poller(&p, wants[k]);
			release(0);
			waits(&p);
			leaves(&p);
		}
		if (counts[i] <= 0)
			CHECK_CODE(chp_semaphore_try_acquire(&s, 1),
				   CHP_EAGAIN);
		available_is(counts[i]);
	}
}

/* ---- reduce ---- */

static void reduce_may_go_below_zero_but_not_below_the_range(chp_policy policy)
{
	make(2, policy);
	CHECK_CODE(chp_semaphore_reduce(&s, 0), 0);
	CHECK_CODE(chp_semaphore_reduce(&s, 5), 0);
	available_is(-3);
	CHECK_CODE(chp_semaphore_reduce(&s, MAX), CHP_EOVERFLOW);
	CHECK_CODE(chp_semaphore_reduce(&s, INT64_MAX), CHP_EOVERFLOW);
	available_is(-3);
	CHECK_CODE(chp_semaphore_reduce(&s, MAX - 3), 0);
	available_is(-MAX);
	CHECK_CODE(chp_semaphore_reduce(&s, 1), CHP_EOVERFLOW);
	CHECK_CODE(chp_semaphore_reduce(&s, INT64_MAX), CHP_EOVERFLOW);
	available_is(-MAX);
	make(MAX, policy);
	CHECK_CODE(chp_semaphore_reduce(&s, 2 * MAX), 0);
	available_is(-MAX);
}

static void
what_was_reduced_must_be_released_before_a_waiter_goes(chp_policy policy)
{
	struct poller p;

	make(0, policy);
	queue_poller(&p, 1);
	CHECK_CODE(chp_semaphore_reduce(&s, 2), 0);
	available_is(-2);
	release(2);
	waits(&p);
	available_is(0);
	release(1);
	goes(&p);
	available_is(0);
}

static void reduce_takes_what_the_head_was_waiting_with(chp_policy policy)
{
	struct poller p;

	make(2, policy);
	queue_poller(&p, 3);
	CHECK_CODE(chp_semaphore_reduce(&s, 3), 0);
	available_is(-1);
	release(3);
	waits(&p);
	release(1);
	goes(&p);
	available_is(0);
}

/* ---- drain ---- */

static void drain_takes_all_or_forgives_a_debt(chp_policy policy)
{
	make(9, policy);
	CHECK_EQ(chp_semaphore_drain(&s), 9);
	CHECK_EQ(chp_semaphore_drain(&s), 0);
	CHECK_CODE(chp_semaphore_reduce(&s, 4), 0);
	CHECK_EQ(chp_semaphore_drain(&s), -4);
	available_is(0);
	make(MAX, policy);
	CHECK_EQ(chp_semaphore_drain(&s), MAX);
	make(-MAX, policy);
	CHECK_EQ(chp_semaphore_drain(&s), -MAX);
	available_is(0);
}

static void draining_a_debt_serves_no_waiter_for_more(chp_policy policy)
{
	struct poller p;

	make(-3, policy);
	queue_poller(&p, 1);
	CHECK_EQ(chp_semaphore_drain(&s), -3);
	waits(&p);
	available_is(0);
	release(1);
	goes(&p);
}

/* ---- forget ---- */

static void forget_takes_up_to_what_is_available(chp_policy policy)
{
	make(5, policy);
	CHECK_EQ(chp_semaphore_forget(&s, 0), 0);
	CHECK_EQ(chp_semaphore_forget(&s, 2), 2);
	available_is(3);
	CHECK_EQ(chp_semaphore_forget(&s, INT64_MAX), 3);
	CHECK_EQ(chp_semaphore_forget(&s, 1), 0);
	available_is(0);
	CHECK_CODE(chp_semaphore_reduce(&s, 2), 0);
	CHECK_EQ(chp_semaphore_forget(&s, 1), 0);
	available_is(-2);
	make(MAX, policy);
	CHECK_EQ(chp_semaphore_forget(&s, MAX), MAX);
}

/* tokio: forget_permits cannot take what is parked with waiters. */
static void forget_leaves_what_is_reserved(chp_policy policy)
{
	struct poller p;

	make(2, policy);
	queue_poller(&p, 3);
	if (policy == CHP_FIFO) {
		CHECK_EQ(chp_semaphore_forget(&s, 2), 0);
		release(1);
	} else {
		CHECK_EQ(chp_semaphore_forget(&s, 5), 2);
		release(2);
		waits(&p);
		release(1);
	}
	goes(&p);
	available_is(0);
}

/* ---- capacity ---- */

static void only_resize_changes_the_capacity(chp_policy policy)
{
	make(4, policy);
	CHECK_CODE(chp_semaphore_try_acquire(&s, 3), 0);
	release(7);
	CHECK_EQ(chp_semaphore_drain(&s), 8);
	CHECK_CODE(chp_semaphore_reduce(&s, 2), 0);
	release(5);
	CHECK_EQ(chp_semaphore_forget(&s, 1), 1);
	CHECK_EQ(chp_semaphore_capacity(&s), 4);
	CHECK_CODE(chp_semaphore_resize(&s, 4), 0);
	available_is(2);
	CHECK_CODE(chp_semaphore_resize(&s, 10), 0);
	CHECK_EQ(chp_semaphore_capacity(&s), 10);
	available_is(8);
	CHECK_CODE(chp_semaphore_resize(&s, 0), 0);
	CHECK_EQ(chp_semaphore_capacity(&s), 0);
	available_is(-2);
}

static void growing_serves_waiters(chp_policy policy)
{
	struct poller p[3];

	make(1, policy);
	CHECK_CODE(chp_semaphore_try_acquire(&s, 1), 0);
	for (int i = 0; i < 3; i++)
		queue_poller(&p[i], 2);
	CHECK_CODE(chp_semaphore_resize(&s, 5), 0);
	goes(&p[0]);
	goes(&p[1]);
	waits(&p[2]);
	CHECK_CODE(chp_semaphore_resize(&s, 8), 0);
	goes(&p[2]);
	available_is(1);
	release(7);
	available_is(8);
}

static void shrinking_below_what_is_in_use_makes_a_debt(chp_policy policy)
{
	struct poller p;

	make(5, policy);
	CHECK_CODE(chp_semaphore_try_acquire(&s, 4), 0);
	CHECK_CODE(chp_semaphore_resize(&s, 2), 0);
	available_is(-2);
	queue_poller(&p, 1);
	release(2);
	waits(&p);
	release(1);
	goes(&p);
	release(2);
	available_is(2);
	CHECK_EQ(chp_semaphore_capacity(&s), 2);
}

static void resizing_out_of_range_changes_nothing(chp_policy policy)
{
	make(10, policy);
	release(MAX - 10);
	CHECK_CODE(chp_semaphore_resize(&s, 11), CHP_EOVERFLOW);
	CHECK_EQ(chp_semaphore_capacity(&s), 10);
	available_is(MAX);
	CHECK_CODE(chp_semaphore_resize(&s, 9), 0);
	available_is(MAX - 1);
	make(5, policy);
	CHECK_CODE(chp_semaphore_reduce(&s, MAX), 0);
	CHECK_CODE(chp_semaphore_reduce(&s, 5), 0);
	available_is(-MAX);
	CHECK_CODE(chp_semaphore_resize(&s, 4), CHP_EOVERFLOW);
	CHECK_EQ(chp_semaphore_capacity(&s), 5);
	available_is(-MAX);
	CHECK_CODE(chp_semaphore_resize(&s, 5), 0);
	CHECK_CODE(chp_semaphore_resize(&s, 6), 0);
	available_is(-MAX + 1);
	make(0, policy);
	CHECK_CODE(chp_semaphore_resize(&s, MAX), 0);
	available_is(MAX);
	make(1, policy);
	CHECK(chp_semaphore_resize(&s, INT64_MAX) < 0);
	CHECK_EQ(chp_semaphore_capacity(&s), 1);
	available_is(1);
}

static const struct h_test tests[] = {
	TEST_BY_POLICY(negative_numbers_are_refused_everywhere, IN_ALL),
	TEST_BY_POLICY(anyone_may_release_any_number, IN_CT | IN_POLLED),
	TEST_BY_POLICY(releasing_too_many_changes_nothing, IN_CT | IN_POLLED),
	TEST_BY_POLICY(releases_pay_a_debt_first, IN_CT | IN_POLLED),
	TEST_BY_POLICY(an_overflow_wakes_nobody, IN_CT | IN_POLLED),
	TEST_BY_POLICY(huge_requests_wait_and_never_wrap, IN_CT | IN_POLLED),
	TEST_BY_POLICY(reduce_may_go_below_zero_but_not_below_the_range,
		       IN_CT | IN_POLLED),
	TEST_BY_POLICY(what_was_reduced_must_be_released_before_a_waiter_goes,
		       IN_ALL),
	TEST_BY_POLICY(reduce_takes_what_the_head_was_waiting_with, IN_ALL),
	TEST_BY_POLICY(drain_takes_all_or_forgives_a_debt, IN_CT | IN_POLLED),
	TEST_BY_POLICY(draining_a_debt_serves_no_waiter_for_more, IN_ALL),
	TEST_BY_POLICY(forget_takes_up_to_what_is_available, IN_CT | IN_POLLED),
	TEST_BY_POLICY(forget_leaves_what_is_reserved, IN_ALL),
	TEST_BY_POLICY(only_resize_changes_the_capacity, IN_CT | IN_POLLED),
	TEST_BY_POLICY(growing_serves_waiters, IN_ALL),
	TEST_BY_POLICY(shrinking_below_what_is_in_use_makes_a_debt, IN_ALL),
	TEST_BY_POLICY(resizing_out_of_range_changes_nothing,
		       IN_CT | IN_POLLED),
};

H_MAIN("semaphore_count", tests)
