/*
 * test_notify_owned.c - counted notifies: the last reference frees, whether a
 * caller or an operation held it.
 */
#include "sync.h"

static long blocks_before;

static chp_notify *make(void)
{
	chp_notify *n;

	blocks_before = h_blocks();
	n = chp_notify_new();
	CHECK(n);
	CHECK(h_blocks() > blocks_before);
	return n;
}

static bool exists(void)
{
	return h_blocks() > blocks_before;
}

static void the_last_reference_frees(void)
{
	chp_notify *n = make();

	CHECK(chp_notify_ref(n) == n);
	chp_notify_unref(n);
	CHECK(exists());
	chp_notify_one(n);
	CHECK_CODE(chp_notify_wait_with(n, &(chp_wait){ .deadline = 1 }), 0);
	chp_notify_unref(n);
	CHECK(!exists());
	chp_notify_unref(NULL);
}

static void unref_with_a_waiter(void *arg)
{
	chp_notified_op op;
	chp_notify *n = make();

	(void)arg;
	chp_notify_notified_op(&op, n);
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_PENDING);
	chp_notify_unref(n);
}

static void the_last_unref_with_waiters_is_misuse(void)
{
	h_must_panic(unref_with_a_waiter, NULL, "notify destroyed");
}

static void one_that_was_never_polled_holds_nothing(void)
{
	chp_notified_op op;
	chp_notify *n = make();

	chp_notify_notified_owned_op(&op, n);
	CHECK_EQ(chp_op_cancel(&op.op), CHP_HELD_NOTHING);
	chp_notify_unref(n);
	CHECK(!exists());
}

static void one_that_waits_keeps_it_alive(void)
{
	for (int enable = 0; enable < 2; enable++) {
		struct h_waker w = { 0 };
		chp_notified_op op;
		chp_notify *n = make();

		chp_notify_notified_owned_op(&op, n);
		if (enable)
			CHECK_EQ(chp_notified_enable(&op), 0);
		poll_pends(&op.op, &w);
		chp_notify_unref(n);
		CHECK(exists());
		(enable ? chp_notify_waiters : chp_notify_last)(n);
		CHECK(exists());
		poll_ends(&op.op, &w, 0);
		CHECK(!exists());
	}
}

static void one_that_is_ready_at_once_keeps_no_reference(void)
{
	chp_notified_op op;
	chp_notify *n = make();

	chp_notify_one(n);
	chp_notify_notified_owned_op(&op, n);
	poll_at_once(&op.op, 0);
	chp_notify_unref(n);
	CHECK(!exists());
}

static void one_that_is_ready_by_enable_keeps_no_reference(void)
{
	for (int cancel = 0; cancel < 2; cancel++) {
		chp_notified_op op;
		chp_notify *n = make();

		chp_notify_notified_owned_op(&op, n);
		chp_notify_waiters(n);
		CHECK_EQ(chp_notified_enable(&op), 1);
		chp_notify_unref(n);
		CHECK(!exists());
		if (cancel)
			CHECK_EQ(chp_op_cancel(&op.op), CHP_TOO_LATE);
		else
			poll_at_once(&op.op, 0);
	}
}

static void cancelling_lets_it_go(void)
{
	int expected[] = { CHP_HELD_NOTHING, CHP_GAVE_BACK, CHP_HELD_NOTHING };

	for (int i = 0; i < 3; i++) {
		struct h_waker w = { 0 };
		chp_notified_op op;
		chp_notify *n = make();

		chp_notify_notified_owned_op(&op, n);
		poll_pends(&op.op, &w);
		if (i == 1)
			chp_notify_one(n);
		if (i == 2)
			chp_notify_waiters(n);
		chp_notify_unref(n);
		CHECK(exists());
		CHECK_EQ(cancel_op(&op.op, &w), expected[i]);
		CHECK(!exists());
	}
}

/* The waiter's reference is the last: it frees while notify_one goes out. */
static chp_ptr offered;

static void *wait_for_each(void *arg)
{
	long rounds = *(long *)arg;

	for (long i = 0; i < rounds; i++) {
		chp_notified_op op;
		chp_notify *n;

		while (!(n = __atomic_exchange_n(&offered.v, NULL,
						 __ATOMIC_ACQ_REL)))
			rest();
		chp_notify_notified_owned_op(&op, n);
		chp_notified_enable(&op);
		chp_notify_unref(n);
		CHECK_CODE(h_wait(&op.op, NULL), 0);
	}
	return NULL;
}

static void the_waiter_may_have_the_last_reference(void)
{
	long rounds = h_rounds(2000);
	struct h_agent a;

	h_spawn(&a, wait_for_each, &rounds);
	for (long i = 0; i < rounds; i++) {
		chp_notify *n = chp_notify_new();

		CHECK(n);
		/* A reference for the call, and one for the waiter. */
		chp_notify_ref(n);
		__atomic_store_n(&offered.v, n, __ATOMIC_RELEASE);
		if (i % 2)
			h_until(!__atomic_load_n(&offered.v, __ATOMIC_ACQUIRE));
		(i % 4 < 2 ? chp_notify_one : chp_notify_last)(n);
		chp_notify_unref(n);
		h_until(!__atomic_load_n(&offered.v, __ATOMIC_ACQUIRE));
	}
	h_join(&a);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(the_last_reference_frees, IN_BLOCKING),
	TEST(the_last_unref_with_waiters_is_misuse, ON_ITS_OWN),
	TEST(one_that_was_never_polled_holds_nothing, IN_ALL),
	TEST(one_that_waits_keeps_it_alive, IN_ALL),
	TEST(one_that_is_ready_at_once_keeps_no_reference, IN_ALL),
	TEST(one_that_is_ready_by_enable_keeps_no_reference, IN_ALL),
	TEST(cancelling_lets_it_go, IN_ALL),
	TEST(the_waiter_may_have_the_last_reference, IN_ALL),
};
/* clang-format on */

H_MAIN("notify_owned", tests)
