/*
 * test_semaphore_zero.c - requests for no permits.  They are real requests:
 * satisfied when the count is not negative, and, by the table at the head of
 * semaphore.h, passing the queue in FIFO and UNFAIR but not in FAIR.
 */
#include "sem_queue.h"

/* Whoever could go would have gone by now; so many still wait. */
static void still_wait(size_t waiters)
{
	h_let_others_run();
	CHECK_EQ(chp_semaphore_queue_length(&s), waiters);
}

static void queue_zeros(struct waiter *zero, int count)
{
	for (int i = 0; i < count; i++)
		queue_for(&zero[i], 0, NULL);
}

static void all_go(struct waiter *zero, int count)
{
	for (int i = 0; i < count; i++)
		CHECK_CODE(finish(&zero[i]), 0);
}

/* ---- A count that is not negative ---- */

static void zero_passes_the_queue_except_in_fair(chp_policy policy)
{
	struct waiter head, zero;

	make(0, policy);
	CHECK_CODE(acquire_with(0, NULL), 0);
	queue_for(&head, 2, NULL);
	CHECK_CODE(chp_semaphore_try_acquire(&s, 0), 0);
	if (policy == CHP_FAIR) {
		CHECK_CODE(acquire_at_once(0), CHP_ETIMEDOUT);
		queue_for(&zero, 0, NULL);
		release(1);
		still_wait(2);
		CHECK_CODE(chp_semaphore_try_acquire(&s, 0), 0);
	} else {
		CHECK_CODE(acquire_at_once(0), 0);
		start(&zero, 0, NULL);
		CHECK_CODE(finish(&zero), 0);
		release(1);
		CHECK_CODE(acquire_with(0, NULL), 0);
		still_wait(1);
	}
	release(1);
	CHECK_CODE(finish(&head), 0);
	if (policy == CHP_FAIR)
		CHECK_CODE(finish(&zero), 0);
	ends_with(0);
}

/* The loop that serves waiters must not stop when the count is 0. */
static void zeros_behind_the_last_permit_go_with_it(chp_policy policy)
{
	struct waiter one, zero[3], last;

	make(-1, policy);
	queue_for(&one, 1, NULL);
	queue_zeros(zero, 3);
	queue_for(&last, 1, NULL);
	/* Count 0: enough for the zeros, but they are behind a waiter for 1. */
	release(1);
	still_wait(5);
	release(1);
	CHECK_CODE(finish(&one), 0);
	all_go(zero, 3);
	still_wait(1);
	release(1);
	CHECK_CODE(finish(&last), 0);
	ends_with(0);
}

/* ---- A negative count ---- */

static void zero_waits_for_a_negative_count(chp_policy policy)
{
	make(-1, policy);
	CHECK_CODE(chp_semaphore_try_acquire(&s, 0), CHP_EAGAIN);
	CHECK_CODE(acquire_at_once(0), CHP_ETIMEDOUT);
	CHECK_CODE(acquire_with(0, &(chp_wait){ .deadline = chp_in(CHP_MS) }),
		   CHP_ETIMEDOUT);
	CHECK_EQ(chp_semaphore_available(&s), -1);
	release(1);
	CHECK_CODE(chp_semaphore_try_acquire(&s, 0), 0);
	CHECK_CODE(acquire_with(0, NULL), 0);
	ends_with(0);
}

static void all_zeros_go_when_releases_reach_zero(chp_policy policy)
{
	struct waiter zero[4], one;

	make(-2, policy);
	queue_zeros(zero, 4);
	queue_for(&one, 1, NULL);
	release(1);
	still_wait(5);
	CHECK_EQ(chp_semaphore_available(&s), -1);
	release(0);
	still_wait(5);
	release(1);
	all_go(zero, 4);
	still_wait(1);
	release(1);
	CHECK_CODE(finish(&one), 0);
	ends_with(0);
}

/* The JDK class leaves them waiting until some later release. */
static void all_zeros_go_when_a_debt_is_drained(chp_policy policy)
{
	struct waiter zero[4], one;

	make(-7, policy);
	queue_zeros(zero, 4);
	queue_for(&one, 1, NULL);
	CHECK_EQ(chp_semaphore_drain(&s), -7);
	all_go(zero, 4);
	still_wait(1);
	release(1);
	CHECK_CODE(finish(&one), 0);
	ends_with(0);
}

static void all_zeros_go_when_growing_pays_the_debt(chp_policy policy)
{
	struct waiter zero[2];

	make(0, policy);
	CHECK_CODE(chp_semaphore_reduce(&s, 3), 0);
	queue_zeros(zero, 2);
	CHECK_CODE(chp_semaphore_resize(&s, 2), 0);
	still_wait(2);
	CHECK_CODE(chp_semaphore_resize(&s, 3), 0);
	all_go(zero, 2);
	ends_with(0);
}

/* A gate: reduce closes it, release opens it. */
static void reduce_closes_the_gate_again(chp_policy policy)
{
	struct waiter zero[2];

	make(0, policy);
	CHECK_CODE(acquire_with(0, NULL), 0);
	CHECK_CODE(chp_semaphore_reduce(&s, 1), 0);
	CHECK_CODE(chp_semaphore_try_acquire(&s, 0), CHP_EAGAIN);
	queue_zeros(zero, 2);
	CHECK_CODE(chp_semaphore_reduce(&s, 1), 0);
	release(1);
	still_wait(2);
	release(1);
	all_go(zero, 2);
	ends_with(0);
}

static const struct h_test tests[] = {
	TEST_BY_POLICY(zero_passes_the_queue_except_in_fair, IN_ALL),
	TEST_BY_POLICY(zeros_behind_the_last_permit_go_with_it, IN_ALL),
	TEST_BY_POLICY(zero_waits_for_a_negative_count, IN_ALL),
	TEST_BY_POLICY(all_zeros_go_when_releases_reach_zero, IN_ALL),
	TEST_BY_POLICY(all_zeros_go_when_a_debt_is_drained, IN_ALL),
	TEST_BY_POLICY(all_zeros_go_when_growing_pays_the_debt, IN_ALL),
	TEST_BY_POLICY(reduce_closes_the_gate_again, IN_ALL),
};

H_MAIN("semaphore_zero", tests)
