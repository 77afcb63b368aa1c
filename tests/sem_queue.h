/*
 * sem_queue.h - one semaphore, and those who wait for it: agents of the mode,
 * and operations that are polled by hand.
 */
#ifndef CHAPPE_TESTS_SEM_QUEUE_H
#define CHAPPE_TESTS_SEM_QUEUE_H

#include "sem.h"

static chp_semaphore s;

static inline void make(int64_t permits, chp_policy policy)
{
	CHECK_CODE(chp_semaphore_init(&s, permits, policy), 0);
}

static inline void release(int64_t n)
{
	CHECK_CODE(chp_semaphore_release(&s, n), 0);
}

static inline void available_is(int64_t permits)
{
	CHECK_EQ(chp_semaphore_available(&s), permits);
}

/* Nobody waits, and so many permits are there. */
static inline void ends_with(int64_t permits)
{
	CHECK_EQ(chp_semaphore_queue_length(&s), 0);
	available_is(permits);
	chp_semaphore_destroy(&s);
}

static inline int acquire_with(int64_t n, const chp_wait *w)
{
	return h_acquire(&s, n, w);
}

static inline int acquire_until(int64_t n, chp_time deadline)
{
	return acquire_with(n, &(chp_wait){ .deadline = deadline });
}

/* One try that keeps the queue's order: what a newcomer gets at once. */
static inline int acquire_at_once(int64_t n)
{
	return acquire_until(n, chp_in(0));
}

/* ---- Agents that wait ---- */

struct waiter {
	struct h_agent agent;
	int64_t n;
	chp_wait with;
	bool plainly; /* by the call that has no chp_wait */
	int result;
	int flag; /* afterwards: was it interrupted? */
	chp_word done;
};

static inline void *wait_for_permits(void *arg)
{
	struct waiter *w = arg;

	w->result = acquire_with(w->n, w->plainly ? NULL : &w->with);
	w->flag = chp_interrupted();
	h_store(&w->done, 1);
	return NULL;
}

/* Start an agent that takes the last place. */
static inline void queue_agent(struct h_agent *a, void *(*fn)(void *),
			       void *arg)
{
	size_t before = chp_semaphore_queue_length(&s);

	h_spawn(a, fn, arg);
	h_until(chp_semaphore_queue_length(&s) == before + 1);
}

static inline void queue(struct waiter *w)
{
	queue_agent(&w->agent, wait_for_permits, w);
}

/* One for n permits; it waits plainly unless there is a token. */
static inline void prepare(struct waiter *w, int64_t n, chp_cancel *token)
{
	memset(w, 0, sizeof(*w));
	w->n = n;
	w->with.cancel = token;
	w->plainly = !token;
}

/* That goes at once. */
static inline void start(struct waiter *w, int64_t n, chp_cancel *token)
{
	prepare(w, n, token);
	h_spawn(&w->agent, wait_for_permits, w);
}

/* That has to wait. */
static inline void queue_for(struct waiter *w, int64_t n, chp_cancel *token)
{
	prepare(w, n, token);
	queue(w);
}

static inline bool is_done(struct waiter *w)
{
	return h_load(&w->done);
}

static inline int finish(struct waiter *w)
{
	h_join(&w->agent);
	CHECK(is_done(w));
	return w->result;
}

/* ---- Waiters that are polled by hand ---- */

struct poller {
	chp_acquire_op op;
	struct h_waker waker;
};

static inline int poll_again(struct poller *p)
{
	return h_poll(&p->op.op, &p->waker);
}

static inline void queue_poller(struct poller *p, int64_t n)
{
	memset(p, 0, sizeof(*p));
	chp_semaphore_acquire_op(&p->op, &s, n);
	CHECK_CODE(poll_again(p), CHP_PENDING);
	CHECK_EQ(h_refs(&p->waker), 1);
}

#endif
