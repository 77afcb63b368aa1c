/*
 * test_cond.c - waiting for a condition by hand, where each step has one
 * outcome: who is woken by a signal, in which order, who has the mutex
 * meanwhile, what giving up passes on.
 */
#include "lock.h"

static chp_mutex m;
static chp_cond c;

static void make(unsigned flags)
{
	CHECK_CODE(chp_mutex_init(&m, flags), 0);
	memset(&c, 0, sizeof(c));
}

static void ends_idle(void)
{
	CHECK_EQ(QUEUED(&m), 0);
	CHECK(!chp_mutex_is_locked(&m));
	chp_cond_destroy(&c);
	chp_mutex_destroy(&m);
}

/* A waiter; the mutex is free before and after. */
static void queue(struct poller *p)
{
	hold(&m);
	queue_waiter(p, &c, &m);
	CHECK(!chp_mutex_is_locked(&m));
}

/* Woken: it gets the mutex at once. */
static void returns(struct poller *p, unsigned wakes)
{
	poll_ends(p, wakes);
	CHECK(chp_mutex_is_locked(&m));
	chp_mutex_unlock(&m);
}

static void has_not_been_woken(struct poller *p)
{
	CHECK_EQ(h_wakes(&p->waker), 0);
	CHECK_EQ(h_refs(&p->waker), 1);
}

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
		queue(&p[i]);
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
		queue(&p[i]);
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
	queue(&p);
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
		queue(&p[i]);
	chp_cond_broadcast(&c);
	queue(&late);
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
	queue(&p);
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
		queue(&p[i]);
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
	queue(&p);
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

/* ---- Giving up ---- */

/*
 * Who waits for an operation, or selects it, is not told whether it was polled.
 * So giving up leaves the mutex unlocked in any case.
 */
static void what_was_never_polled_unlocks_when_it_is_cancelled(unsigned flags)
{
	struct poller p = { 0 };

	make(flags);
	hold(&m);
	chp_cond_wait_op(&p.cond, &c, &m);
	CHECK(chp_mutex_is_locked(&m));
	cancel_finds(&p, CHP_HELD_NOTHING);
	CHECK(!chp_mutex_is_locked(&m));
	ends_idle();
}

static void a_select_that_it_loses_unpolled_unlocks(unsigned flags)
{
	struct poller p = { 0 };
	chp_sleep_op past;
	chp_select_arm arms[] = { { .op = &past.op }, { .op = &p.op } };

	make(flags);
	hold(&m);
	chp_sleep_until_op(&past, 1);
	chp_cond_wait_op(&p.cond, &c, &m);
	CHECK_EQ(chp_select(arms, 2, CHP_BIASED | CHP_CANCEL_LOSERS), 0);
	CHECK(!chp_mutex_is_locked(&m));
	ends_idle();
}

static void a_wait_that_is_refused_at_once_unlocks(unsigned flags)
{
	struct poller p = { 0 };

	make(flags);
	hold(&m);
	chp_cond_wait_op(&p.cond, &c, &m);
	chp_interrupt(chp_agent_current());
	CHECK_CODE(chp_op_wait(&p.op, NULL), CHP_EINTR);
	CHECK(!chp_mutex_is_locked(&m));
	ends_idle();
}

static void one_who_gave_up_is_passed_over(unsigned flags)
{
	for (int who = 0; who < 3; who++) {
		int first = who == 0 ? 1 : 0, last = who == 2 ? 1 : 2;
		struct poller p[3];

		make(flags);
		for (int i = 0; i < 3; i++)
			queue(&p[i]);
		cancel_finds(&p[who], CHP_HELD_NOTHING);
		CHECK(!chp_mutex_is_locked(&m));
		chp_cond_signal(&c);
		has_not_been_woken(&p[last]);
		returns(&p[first], 1);
		chp_cond_signal(&c);
		returns(&p[last], 1);
		CHECK_EQ(h_wakes(&p[who].waker), 0);
		ends_idle();
	}
}

static void a_signal_that_came_too_late_goes_to_the_next(unsigned flags)
{
	struct poller a, b, d;

	make(flags);
	queue(&a);
	queue(&b);
	queue(&d);
	chp_cond_signal(&c);
	CHECK_EQ(h_wakes(&a.waker), 1);
	cancel_finds(&a, CHP_GAVE_BACK);
	CHECK_EQ(h_wakes(&b.waker), 1);
	cancel_finds(&b, CHP_GAVE_BACK);
	returns(&d, 1);
	/* And if there is none, it is forgotten. */
	queue(&a);
	chp_cond_signal(&c);
	cancel_finds(&a, CHP_GAVE_BACK);
	queue(&b);
	has_not_been_woken(&b);
	cancel_finds(&b, CHP_HELD_NOTHING);
	ends_idle();
}

/* Signalled, and now in the queue of the mutex. */
static void so_does_that_of_one_who_waits_for_the_mutex(unsigned flags)
{
	struct poller a, b;

	for (int handed = 0; handed < 2; handed++) {
		make(flags);
		queue(&a);
		queue(&b);
		hold(&m);
		chp_cond_signal(&c);
		CHECK_CODE(poll_again(&a), CHP_PENDING);
		if (handed)
			chp_mutex_unlock(&m);
		cancel_finds(&a, CHP_GAVE_BACK);
		CHECK(h_wakes(&b.waker) == 1);
		if (handed)
			CHECK(!chp_mutex_is_locked(&m));
		else
			chp_mutex_unlock(&m);
		CHECK_CODE(poll_again(&b), 0);
		CHECK_EQ(h_refs(&b.waker), 0);
		chp_mutex_unlock(&m);
		ends_idle();
	}
}

/* The lock that it was handed goes to the next locker. */
static void a_lock_that_it_was_handed_is_passed_on(unsigned flags)
{
	struct poller a, locker;

	make(flags);
	queue(&a);
	hold(&m);
	chp_cond_signal(&c);
	CHECK_CODE(poll_again(&a), CHP_PENDING);
	queue_locker(&locker, &m);
	chp_mutex_unlock(&m);
	CHECK_EQ(h_wakes(&locker.waker), 0);
	cancel_finds(&a, CHP_GAVE_BACK);
	poll_ends(&locker, 1);
	chp_mutex_unlock(&m);
	ends_idle();
}

/*
 * A broadcast is for those who waited then.  One of them that gives up must
 * not end the wait of somebody who came later: nobody wakes for no reason.
 */
static void a_broadcast_is_not_passed_on_to_a_latecomer(unsigned flags)
{
	struct poller p[3], late;

	make(flags);
	for (int i = 0; i < 3; i++)
		queue(&p[i]);
	chp_cond_broadcast(&c);
	queue(&late);
	chp_op_cancel(&p[1].op);
	has_not_been_woken(&late);
	CHECK_CODE(poll_again(&p[0]), 0);
	CHECK_CODE(poll_again(&p[2]), CHP_PENDING);
	chp_op_cancel(&p[2].op);
	has_not_been_woken(&late);
	chp_mutex_unlock(&m);
	chp_cond_signal(&c);
	returns(&late, 1);
	ends_idle();
}

/* ---- Wakers ---- */

static void the_newest_waker_is_woken(unsigned flags)
{
	struct h_waker old = { 0 }, older = { 0 };
	struct poller p = { 0 };

	make(flags);
	hold(&m);
	chp_cond_wait_op(&p.cond, &c, &m);
	CHECK_CODE(h_poll(&p.op, &older), CHP_PENDING);
	CHECK_CODE(h_poll(&p.op, &old), CHP_PENDING);
	CHECK_EQ(h_refs(&older), 0);
	CHECK_EQ(h_refs(&old), 1);
	CHECK_CODE(chp_op_poll(&p.op, NULL), CHP_PENDING);
	CHECK_EQ(h_refs(&old), 0);
	poll_pends(&p);
	hold(&m);
	chp_cond_signal(&c);
	CHECK_EQ(h_wakes(&p.waker) + h_refs(&p.waker), 1);
	/* In the queue of the mutex, too. */
	CHECK_CODE(h_poll(&p.op, &old), CHP_PENDING);
	CHECK_EQ(h_refs(&p.waker), 0);
	chp_mutex_unlock(&m);
	CHECK_EQ(h_wakes(&old), 1);
	CHECK_CODE(h_poll(&p.op, &old), 0);
	CHECK_EQ(h_refs(&old) + h_refs(&older), 0);
	CHECK_EQ(h_wakes(&older), 0);
	chp_mutex_unlock(&m);
	ends_idle();
}

/* Without budget, too, the first poll queues and unlocks; locking costs. */
static void the_first_poll_unlocks_without_budget(unsigned flags)
{
	struct poller p = { 0 };
	uint32_t left = 0;

	make(flags);
	hold(&m);
	chp_cond_wait_op(&p.cond, &c, &m);
	CHECK_CODE(h_poll_within(&p.op, &p.waker, &left), CHP_PENDING);
	CHECK(!chp_mutex_is_locked(&m));
	cancel_finds(&p, CHP_HELD_NOTHING);
	CHECK(!chp_mutex_is_locked(&m));

	hold(&m);
	chp_cond_wait_op(&p.cond, &c, &m);
	CHECK_CODE(h_poll_within(&p.op, &p.waker, &left), CHP_PENDING);
	CHECK_EQ(h_wakes(&p.waker), 0);
	chp_cond_signal(&c);
	CHECK_EQ(h_wakes(&p.waker), 1);
	CHECK_CODE(h_poll_within(&p.op, &p.waker, &left), CHP_PENDING);
	CHECK_EQ(h_wakes(&p.waker), 2);
	left = 2;
	CHECK_CODE(h_poll_within(&p.op, &p.waker, &left), 0);
	CHECK_EQ(left, 1);
	CHECK_EQ(h_refs(&p.waker), 0);
	chp_mutex_unlock(&m);
	ends_idle();
}

/* A waker may do everything, from inside a signal. */
struct waking {
	chp_cond_op op;
	chp_word wakes, refs;
	bool cancels;
};

static struct waking w[50];
static int returned;

static int poll(struct waking *q);

static void wake(void *data)
{
	struct waking *q = data;

	h_add(&q->wakes, 1);
	if (q->cancels) {
		CHECK_EQ(chp_op_cancel(&q->op.op), CHP_GAVE_BACK);
	} else if (poll(q) == 0) {
		/* Waits again, behind the others; and lets the next go. */
		returned++;
		chp_mutex_unlock(&m);
		chp_cond_signal(&c);
	}
	h_sub(&q->refs, 1);
}

static void retain(void *data)
{
	h_add(&((struct waking *)data)->refs, 1);
}

static void release(void *data)
{
	h_sub(&((struct waking *)data)->refs, 1);
}

static const chp_waker_class waking_class = { wake, retain, release };

static int poll(struct waking *q)
{
	chp_poll_ctx ctx = chp_poll_ctx_of((chp_waker){ &waking_class, q });

	return chp_op_poll(&q->op.op, &ctx);
}

static void wakers_run_outside_all_locks(unsigned flags)
{
	int n = h_mode() == H_CT || h_mode() == H_MT ? 12 : 50;

	make(flags);
	memset(w, 0, sizeof(w));
	returned = 0;
	for (int i = 0; i < n; i++) {
		hold(&m);
		w[i].cancels = i % 3 == 1;
		chp_cond_wait_op(&w[i].op, &c, &m);
		CHECK_CODE(poll(&w[i]), CHP_PENDING);
	}
	/* Each signals the next, or passes on what it got. */
	chp_cond_signal(&c);
	CHECK_EQ(returned, n - (n + 1) / 3);
	for (int i = 0; i < n; i++) {
		CHECK_EQ(h_load(&w[i].wakes), 1);
		CHECK_EQ(h_load(&w[i].refs), 0);
		CHECK(chp_op_is_finished(&w[i].op.op));
	}
	ends_idle();
}

/* clang-format off */
BY_FLAGS(a_signal_wakes_the_oldest)
BY_FLAGS(so_many_signals_wake_so_many)
BY_FLAGS(a_signal_that_nobody_waits_for_is_forgotten)
BY_FLAGS(a_broadcast_wakes_all)
BY_FLAGS(a_signalled_waiter_waits_for_the_mutex)
BY_FLAGS(waiting_unlocks_for_others)
BY_FLAGS(nothing_allocates)
BY_FLAGS(what_was_never_polled_unlocks_when_it_is_cancelled)
BY_FLAGS(a_select_that_it_loses_unpolled_unlocks)
BY_FLAGS(a_wait_that_is_refused_at_once_unlocks)
BY_FLAGS(one_who_gave_up_is_passed_over)
BY_FLAGS(a_signal_that_came_too_late_goes_to_the_next)
BY_FLAGS(so_does_that_of_one_who_waits_for_the_mutex)
BY_FLAGS(a_lock_that_it_was_handed_is_passed_on)
BY_FLAGS(a_broadcast_is_not_passed_on_to_a_latecomer)
BY_FLAGS(the_newest_waker_is_woken)
BY_FLAGS(the_first_poll_unlocks_without_budget)
BY_FLAGS(wakers_run_outside_all_locks)

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
	TESTS(what_was_never_polled_unlocks_when_it_is_cancelled, IN_ALL),
	TESTS(a_select_that_it_loses_unpolled_unlocks, IN_BLOCKING),
	TESTS(a_wait_that_is_refused_at_once_unlocks, IN_BLOCKING),
	TESTS(one_who_gave_up_is_passed_over, IN_ALL),
	TESTS(a_signal_that_came_too_late_goes_to_the_next, IN_ALL),
	TESTS(so_does_that_of_one_who_waits_for_the_mutex, IN_ALL),
	TESTS(a_lock_that_it_was_handed_is_passed_on, IN_ALL),
	TESTS(a_broadcast_is_not_passed_on_to_a_latecomer, IN_ALL),
	TESTS(the_newest_waker_is_woken, IN_ALL),
	TESTS(the_first_poll_unlocks_without_budget, IN_ALL),
	TESTS(wakers_run_outside_all_locks, IN_ALL),
};
/* clang-format on */

H_MAIN("cond", tests)
