/*
 * test_cond.c - waiting for a condition by hand, where each step has one
 * outcome: who is woken by a signal, in which order, who has the mutex
 * meanwhile; misuse.  Giving up and wakers are in test_cond_op.c.
 */
#include "cond.h"

/* ---- Signals ---- */

static chp_cond zero;
static chp_cond made = CHP_COND_INIT;

static void all_zero_and_initialised_are_valid(void)
{
	chp_mutex mutex = { 0 };
	chp_cond *all[] = { &zero, &made };

	for (int i = 0; i < 2; i++) {
		struct poller p;

		chp_cond_signal(all[i]);
		chp_cond_broadcast(all[i]);
		hold(&mutex);
		queue_waiter(&p, all[i], &mutex);
		chp_cond_signal(all[i]);
		poll_ends(&p, 1);
		chp_mutex_unlock(&mutex);
		chp_cond_destroy(all[i]);
	}
	CHECK_EQ(memcmp(&zero, &made, sizeof(zero)), 0);
}

static void a_signal_wakes_the_oldest(unsigned flags)
{
	enum { N = 100 };
	static struct poller p[N];

	make(flags);
	for (int i = 0; i < N; i++)
		enqueue(&p[i]);
	for (int i = 0; i < N; i++) {
		chp_cond_signal(&c);
		for (int k = i + 1; k < N && k < i + 3; k++)
			has_not_been_woken(&p[k]);
		returns(&p[i], 1);
	}
	ends_idle();
}

static void so_many_signals_wake_so_many(unsigned flags)
{
	struct poller p[5];

	make(flags);
	for (int i = 0; i < 5; i++)
		enqueue(&p[i]);
	for (int i = 0; i < 3; i++)
		chp_cond_signal(&c);
	has_not_been_woken(&p[3]);
	for (int i = 0; i < 3; i++)
		returns(&p[i], 1);
	chp_cond_signal(&c);
	chp_cond_signal(&c);
	chp_cond_signal(&c);
	returns(&p[3], 1);
	returns(&p[4], 1);
	ends_idle();
}

static void a_signal_that_nobody_waits_for_is_forgotten(unsigned flags)
{
	struct poller p;

	make(flags);
	for (int i = 0; i < 3; i++) {
		chp_cond_signal(&c);
		chp_cond_broadcast(&c);
	}
	enqueue(&p);
	has_not_been_woken(&p);
	CHECK_CODE(poll_again(&p), CHP_PENDING);
	chp_cond_signal(&c);
	returns(&p, 1);
	ends_idle();
}

static void a_broadcast_wakes_all(unsigned flags)
{
	enum { N = 100 };
	static struct poller p[N], late;

	make(flags);
	for (int i = 0; i < N; i++)
		enqueue(&p[i]);
	chp_cond_broadcast(&c);
	enqueue(&late);
	for (int i = 0; i < N; i++) {
		CHECK(h_wakes(&p[i].waker) <= 1);
		returns(&p[i], h_wakes(&p[i].waker));
		CHECK_EQ(h_wakes(&p[i].waker), 1);
	}
	has_not_been_woken(&late);
	chp_cond_signal(&c);
	returns(&late, 1);
	ends_idle();
}

/* ---- The mutex ---- */

/* Signalled with the mutex held: the waiter needs it and is still waiting. */
static void a_signalled_waiter_waits_for_the_mutex(unsigned flags)
{
	struct poller p;

	make(flags);
	enqueue(&p);
	hold(&m);
	chp_cond_signal(&c);
	CHECK_CODE(poll_again(&p), CHP_PENDING);
	CHECK_CODE(poll_again(&p), CHP_PENDING);
	CHECK_EQ(h_refs(&p.waker), 1);
	CHECK(chp_mutex_is_locked(&m));
	chp_mutex_unlock(&m);
	CHECK(h_wakes(&p.waker) >= 1);
	CHECK_CODE(poll_again(&p), 0);
	CHECK_EQ(h_refs(&p.waker), 0);
	CHECK(chp_mutex_is_locked(&m));
	chp_mutex_unlock(&m);
	ends_idle();
}

/* In order of the signals, if the mutex keeps the order. */
static void they_get_the_mutex_one_after_the_other(void)
{
	struct poller p[4];

	make(CHP_MUTEX_FIFO);
	for (int i = 0; i < 4; i++)
		enqueue(&p[i]);
	hold(&m);
	chp_cond_broadcast(&c);
	for (int i = 0; i < 4; i++)
		CHECK_CODE(poll_again(&p[i]), CHP_PENDING);
	for (int i = 0; i < 4; i++) {
		chp_mutex_unlock(&m);
		for (int k = 0; k < 4; k++)
			if (k != i && !chp_op_is_finished(&p[k].op))
				CHECK_CODE(poll_again(&p[k]), CHP_PENDING);
		CHECK_CODE(poll_again(&p[i]), 0);
		CHECK_EQ(h_refs(&p[i].waker), 0);
	}
	chp_mutex_unlock(&m);
	ends_idle();
}

/* Somebody waits for the mutex when the waiter lets go of it. */
static void waiting_unlocks_for_others(unsigned flags)
{
	struct poller locker, p;

	make(flags);
	hold(&m);
	queue_locker(&locker, &m);
	queue_waiter(&p, &c, &m);
	poll_ends(&locker, 1);
	chp_cond_signal(&c);
	CHECK_CODE(poll_again(&p), CHP_PENDING);
	chp_mutex_unlock(&m);
	CHECK_CODE(poll_again(&p), 0);
	chp_mutex_unlock(&m);
	ends_idle();
}

static void nothing_allocates(unsigned flags)
{
	long before = h_allocs();
	struct poller p;

	make(flags);
	enqueue(&p);
	chp_cond_signal(&c);
	returns(&p, 1);
	mutex_lock(&m);
	CHECK_CODE(cond_wait_with(&c, &m, &(chp_wait){ .deadline = 1 }),
		   CHP_ETIMEDOUT);
	chp_mutex_unlock(&m);
	ends_idle();
	if (h_mode() != H_POLLED)
		CHECK_EQ(h_allocs(), before);
}

/* ---- Misuse ---- */

static void destroy_with_a_waiter(void *arg)
{
	struct poller p;

	(void)arg;
	hold(&m);
	queue_waiter(&p, &c, &m);
	chp_cond_destroy(&c);
}

static void destroying_with_waiters_is_misuse(unsigned flags)
{
	make(flags);
	h_must_panic(destroy_with_a_waiter, NULL, "cond");
}

static void wait_with_it(void *arg)
{
	(void)arg;
	chp_cond_wait(&c, &m);
}

static void *lock_and_leave(void *arg)
{
	chp_mutex_lock(&m);
	return arg;
}

static void waiting_with_a_mutex_of_another_is_misuse(unsigned flags)
{
	struct h_agent a;

	if (!DEBUG_BUILD) {
		h_skip("no debug build");
		return;
	}
	make(flags);
	h_spawn_thread(&a, lock_and_leave, NULL);
	h_join_thread(&a);
	h_must_panic(wait_with_it, NULL, "mutex");
}

/* clang-format off */
BY_FLAGS(a_signal_wakes_the_oldest)
BY_FLAGS(so_many_signals_wake_so_many)
BY_FLAGS(a_signal_that_nobody_waits_for_is_forgotten)
BY_FLAGS(a_broadcast_wakes_all)
BY_FLAGS(a_signalled_waiter_waits_for_the_mutex)
BY_FLAGS(waiting_unlocks_for_others)
BY_FLAGS(nothing_allocates)
BY_FLAGS(destroying_with_waiters_is_misuse)
BY_FLAGS(waiting_with_a_mutex_of_another_is_misuse)

static const struct h_test tests[] = {
	TEST(all_zero_and_initialised_are_valid, IN_ALL),
	TESTS(a_signal_wakes_the_oldest, IN_ALL),
	TESTS(so_many_signals_wake_so_many, IN_ALL),
	TESTS(a_signal_that_nobody_waits_for_is_forgotten, IN_ALL),
	TESTS(a_broadcast_wakes_all, IN_ALL),
	TESTS(a_signalled_waiter_waits_for_the_mutex, IN_ALL),
	TEST(they_get_the_mutex_one_after_the_other, IN_ALL),
	TESTS(waiting_unlocks_for_others, IN_ALL),
	TESTS(nothing_allocates, IN_ALL),
	TESTS(destroying_with_waiters_is_misuse, ON_ITS_OWN),
	TESTS(waiting_with_a_mutex_of_another_is_misuse, ON_ITS_OWN),
};
/* clang-format on */

H_MAIN("cond", tests)
