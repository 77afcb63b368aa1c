/*
 * cond.h - one condition variable and its mutex for a whole suite.
 */
#ifndef CHAPPE_TESTS_COND_H
#define CHAPPE_TESTS_COND_H

#include "lock.h"

MAYBE_UNUSED static chp_mutex m;
MAYBE_UNUSED static chp_cond c;

static inline void make(unsigned flags)
{
	CHECK_CODE(chp_mutex_init(&m, flags), 0);
	memset(&c, 0, sizeof(c));
}

static inline void ends_idle(void)
{
	CHECK_EQ(QUEUED(&m), 0);
	CHECK(!chp_mutex_is_locked(&m));
	chp_cond_destroy(&c);
	chp_mutex_destroy(&m);
}

/* ---- Waiters that are polled by hand ---- */

/* A waiter; the mutex is free before and after. */
static inline void enqueue(struct poller *p)
{
	hold(&m);
	queue_waiter(p, &c, &m);
	CHECK(!chp_mutex_is_locked(&m));
}

/* Woken: it gets the mutex at once. */
static inline void returns(struct poller *p, unsigned wakes)
{
	poll_ends(p, wakes);
	CHECK(chp_mutex_is_locked(&m));
	chp_mutex_unlock(&m);
}

static inline void has_not_been_woken(struct poller *p)
{
	CHECK_EQ(h_wakes(&p->waker), 0);
	CHECK_EQ(h_refs(&p->waker), 1);
}

#endif
