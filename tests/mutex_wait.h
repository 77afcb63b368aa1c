/*
 * mutex_wait.h - one mutex for a whole suite, and agents that wait for it.
 */
#ifndef CHAPPE_TESTS_MUTEX_WAIT_H
#define CHAPPE_TESTS_MUTEX_WAIT_H

#include "lock.h"

MAYBE_UNUSED static chp_mutex m;

static inline void make(unsigned flags)
{
	CHECK_CODE(chp_mutex_init(&m, flags), 0);
}

static inline void ends_unlocked(void)
{
	CHECK_EQ(QUEUED(&m), 0);
	CHECK(!chp_mutex_is_locked(&m));
	chp_mutex_destroy(&m);
}

static inline int lock_until(chp_time deadline)
{
	return mutex_lock_with(&m, &(chp_wait){ .deadline = deadline });
}

/* An agent that waits for the lock, and at once unlocks again. */
struct waiter {
	struct h_agent agent;
	chp_wait with;
	bool plainly; /* by the call that cannot fail */
	int result;
	int flag; /* afterwards: was it interrupted? */
};

static inline void *wait_for_the_lock(void *arg)
{
	struct waiter *w = arg;

	if (w->plainly)
		mutex_lock(&m);
	else
		w->result = mutex_lock_with(&m, &w->with);
	w->flag = chp_interrupted();
	if (w->result == 0)
		chp_mutex_unlock(&m);
	return NULL;
}

static inline void queue(struct waiter *w)
{
	uint32_t before = QUEUED(&m);

	h_spawn(&w->agent, wait_for_the_lock, w);
	h_until(QUEUED(&m) == before + 1);
}

static inline void ended(struct waiter *w, int result, int flag)
{
	h_join(&w->agent);
	CHECK_CODE(w->result, result);
	CHECK_EQ(w->flag, flag);
}

#endif
