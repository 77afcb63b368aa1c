/*
 * test_cond_op.c - the wait for a condition as an operation: what giving up
 * passes on, and which waker is woken, where and when.
 */
#include "cond.h"

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
			enqueue(&p[i]);
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
	enqueue(&a);
	enqueue(&b);
	enqueue(&d);
	chp_cond_signal(&c);
	CHECK_EQ(h_wakes(&a.waker), 1);
	cancel_finds(&a, CHP_GAVE_BACK);
	CHECK_EQ(h_wakes(&b.waker), 1);
	cancel_finds(&b, CHP_GAVE_BACK);
	returns(&d, 1);
	/* And if there is none, it is forgotten. */
	enqueue(&a);
	chp_cond_signal(&c);
	cancel_finds(&a, CHP_GAVE_BACK);
	enqueue(&b);
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
		enqueue(&a);
		enqueue(&b);
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
	enqueue(&a);
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
		enqueue(&p[i]);
	chp_cond_broadcast(&c);
	enqueue(&late);
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

H_MAIN("cond_op", tests)
