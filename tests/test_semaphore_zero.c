/*
 * test_semaphore_zero.c - requests for no permits.  They are real requests:
 * satisfied when the count is not negative, and, by the table at the head of
 * semaphore.h, passing the queue in FIFO and UNFAIR but not in FAIR.
 */
#include "harness.h"

/* clang-format off */
/* One test for each policy. */
#define BY_POLICY(test) \
	static void test##_in_fifo(void) { test(CHP_FIFO); } \
	static void test##_in_fair(void) { test(CHP_FAIR); } \
	static void test##_in_unfair(void) { test(CHP_UNFAIR); }
#define TESTS(test, modes) \
	TEST(test##_in_fifo, modes), TEST(test##_in_fair, modes), \
	TEST(test##_in_unfair, modes)
/* clang-format on */

static chp_semaphore s;

static int acquire_with(int64_t n, const chp_wait *w)
{
	chp_acquire_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_semaphore_acquire_with(&s, n, w)
			 : chp_semaphore_acquire(&s, n);
	chp_semaphore_acquire_op(&op, &s, n);
	return h_wait(&op.op, w);
}

static int acquire_at_once(int64_t n)
{
	return acquire_with(n, &(chp_wait){ .deadline = chp_in(0) });
}

/* An agent that waits for permits. */
struct waiter {
	struct h_agent agent;
	int64_t n;
	int result;
	chp_word done;
};

static void *wait_for_permits(void *arg)
{
	struct waiter *w = arg;

	w->result = acquire_with(w->n, NULL);
	__atomic_store_n(&w->done.v, 1, __ATOMIC_RELEASE);
	return NULL;
}

static bool is_done(struct waiter *w)
{
	return __atomic_load_n(&w->done.v, __ATOMIC_ACQUIRE) != 0;
}

static void start(struct waiter *w, int64_t n)
{
	memset(w, 0, sizeof(*w));
	w->n = n;
	h_spawn(&w->agent, wait_for_permits, w);
}

static void queue(struct waiter *w, int64_t n)
{
	size_t before = chp_semaphore_queue_length(&s);

	start(w, n);
	h_until(chp_semaphore_queue_length(&s) == before + 1);
}

static void finish(struct waiter *w)
{
	h_join(&w->agent);
	CHECK(is_done(w));
	CHECK_CODE(w->result, 0);
}

/* Whoever could go would have gone by now; so many still wait. */
static void still_wait(size_t waiters)
{
	for (int i = 0; i < 50; i++)
		h_yield();
	CHECK_EQ(chp_semaphore_queue_length(&s), waiters);
}

static void make(int64_t permits, chp_policy policy)
{
	CHECK_CODE(chp_semaphore_init(&s, permits, policy), 0);
}

static void release(int64_t n)
{
	CHECK_CODE(chp_semaphore_release(&s, n), 0);
}

static void ends_with(int64_t permits)
{
	CHECK_EQ(chp_semaphore_queue_length(&s), 0);
	CHECK_EQ(chp_semaphore_available(&s), permits);
	chp_semaphore_destroy(&s);
}

/* ---- A count that is not negative ---- */

static void zero_passes_the_queue_except_in_fair(chp_policy policy)
{
	struct waiter head, zero;

	make(0, policy);
	CHECK_CODE(acquire_with(0, NULL), 0);
	queue(&head, 2);
	CHECK_CODE(chp_semaphore_try_acquire(&s, 0), 0);
	if (policy == CHP_FAIR) {
		CHECK_CODE(acquire_at_once(0), CHP_ETIMEDOUT);
		queue(&zero, 0);
		release(1);
		still_wait(2);
		CHECK_CODE(chp_semaphore_try_acquire(&s, 0), 0);
	} else {
		CHECK_CODE(acquire_at_once(0), 0);
		start(&zero, 0);
		finish(&zero);
		release(1);
		CHECK_CODE(acquire_with(0, NULL), 0);
		still_wait(1);
	}
	release(1);
	finish(&head);
	if (policy == CHP_FAIR)
		finish(&zero);
	ends_with(0);
}

/* The loop that serves waiters must not stop when the count is 0. */
static void zeros_behind_the_last_permit_go_with_it(chp_policy policy)
{
	struct waiter one, zero[3], last;

	make(-1, policy);
	queue(&one, 1);
	for (int i = 0; i < 3; i++)
		queue(&zero[i], 0);
	queue(&last, 1);
	/* Count 0: enough for the zeros, but they are behind a waiter for 1. */
	release(1);
	still_wait(5);
	release(1);
	finish(&one);
	for (int i = 0; i < 3; i++)
		finish(&zero[i]);
	still_wait(1);
	release(1);
	finish(&last);
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
	for (int i = 0; i < 4; i++)
		queue(&zero[i], 0);
	queue(&one, 1);
	release(1);
	still_wait(5);
	CHECK_EQ(chp_semaphore_available(&s), -1);
	release(0);
	still_wait(5);
	release(1);
	for (int i = 0; i < 4; i++)
		finish(&zero[i]);
	still_wait(1);
	release(1);
	finish(&one);
	ends_with(0);
}

/* The JDK class leaves them waiting until some later release. */
static void all_zeros_go_when_a_debt_is_drained(chp_policy policy)
{
	struct waiter zero[4], one;

	make(-7, policy);
	for (int i = 0; i < 4; i++)
		queue(&zero[i], 0);
	queue(&one, 1);
	CHECK_EQ(chp_semaphore_drain(&s), -7);
	for (int i = 0; i < 4; i++)
		finish(&zero[i]);
	still_wait(1);
	release(1);
	finish(&one);
	ends_with(0);
}

static void all_zeros_go_when_growing_pays_the_debt(chp_policy policy)
{
	struct waiter zero[2];

	make(0, policy);
	CHECK_CODE(chp_semaphore_reduce(&s, 3), 0);
	for (int i = 0; i < 2; i++)
		queue(&zero[i], 0);
	CHECK_CODE(chp_semaphore_resize(&s, 2), 0);
	still_wait(2);
	CHECK_CODE(chp_semaphore_resize(&s, 3), 0);
	for (int i = 0; i < 2; i++)
		finish(&zero[i]);
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
	for (int i = 0; i < 2; i++)
		queue(&zero[i], 0);
	CHECK_CODE(chp_semaphore_reduce(&s, 1), 0);
	release(1);
	still_wait(2);
	release(1);
	for (int i = 0; i < 2; i++)
		finish(&zero[i]);
	ends_with(0);
}

/* clang-format off */
BY_POLICY(zero_passes_the_queue_except_in_fair)
BY_POLICY(zeros_behind_the_last_permit_go_with_it)
BY_POLICY(zero_waits_for_a_negative_count)
BY_POLICY(all_zeros_go_when_releases_reach_zero)
BY_POLICY(all_zeros_go_when_a_debt_is_drained)
BY_POLICY(all_zeros_go_when_growing_pays_the_debt)
BY_POLICY(reduce_closes_the_gate_again)

static const struct h_test tests[] = {
	TESTS(zero_passes_the_queue_except_in_fair, IN_ALL),
	TESTS(zeros_behind_the_last_permit_go_with_it, IN_ALL),
	TESTS(zero_waits_for_a_negative_count, IN_ALL),
	TESTS(all_zeros_go_when_releases_reach_zero, IN_ALL),
	TESTS(all_zeros_go_when_a_debt_is_drained, IN_ALL),
	TESTS(all_zeros_go_when_growing_pays_the_debt, IN_ALL),
	TESTS(reduce_closes_the_gate_again, IN_ALL),
};
/* clang-format on */

H_MAIN("semaphore_zero", tests)
