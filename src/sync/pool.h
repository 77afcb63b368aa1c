/*
 * pool.h - a count that is waited for: what semaphores, mutexes and rwlocks are
 * inside.
 *
 *	              count when free   taking          needs a count of
 *	semaphore     permits           n               n
 *	mutex         0                 1               0
 *	rwlock        0                 read: 1         1 - max
 *	                                write: max      0
 *
 * The policy is the caller's to remember, and the same in every call.
 */
#ifndef CHAPPE_SRC_SYNC_POOL_H
#define CHAPPE_SRC_SYNC_POOL_H

#include <chappe/semaphore.h>

#include "sync/passes.h"
#include "sync/pool_word.h"
#include "wait/agent.h"

/* 0; CHP_EAGAIN: it must wait; CHP_ECLOSED. */
int chp__pool_take(struct chp__pool *p, unsigned policy, int64_t n,
		   int64_t need, bool is_try);

/* Flags beside which a newcomer may take, if the count is there. */
static inline uint64_t pool_may_pass(unsigned policy)
{
	return policy == CHP_UNFAIR ? QUEUED | WAKING : 0;
}

/* The common case in one step: nobody goes first, the count is there. */
static inline bool pool_take_fast(struct chp__pool *p, unsigned policy,
				  int64_t n, int64_t need)
{
	uint64_t word = load64_relaxed(&p->word);

	if (unlikely(word & FLAGS) && word & FLAGS & ~pool_may_pass(policy))
		return false;
	return likely(count_of(word) >= need) &&
	       cas64_acq_rel(&p->word, &word, word_plus(word, -n));
}

/*
 * A release is about to go past the first waiter, which is on its way (WAKING).
 * True: so many have that the library should look whether it takes too long;
 * then chp__pool_add() does.  Counted, as a look at the clock costs more than
 * the release.
 */
static inline bool pool_count_pass(struct chp__pool *p)
{
	/* Relaxed: a rough count, lost updates and all. */
	uint32_t n = load_relaxed(&p->passed) + 1;

	store_relaxed(&p->passed, n);
	return unlikely(n >= PASSES);
}

/* Add n, which may be negative, and serve waiters.  0 or CHP_EOVERFLOW. */
int chp__pool_add(struct chp__pool *p, unsigned policy, int64_t n);

/* Set the count to what is left of it; returns what it was. */
int64_t chp__pool_drain(struct chp__pool *p, unsigned policy);

/* Set *capacity, and add to the count what it grew by.  0 or CHP_EOVERFLOW. */
int chp__pool_resize(struct chp__pool *p, unsigned policy, chp_word64 *capacity,
		     int64_t to);

/* What drain or forget may take; negative: a debt to forgive. */
static inline int64_t pool_takeable(unsigned policy, uint64_t word)
{
	int64_t count = count_of(word);

	/* FIFO: what is there belongs to the first waiter. */
	return count > 0 && policy == CHP_FIFO && word & QUEUED ? 0 : count;
}

/* UNFAIR, under the lock: the first waiter was woken and overtaken again; is it
   to be handed what comes next? */
bool chp__overtaken_too_long(chp__pool_op *o, chp_time now);

/* Fail all takers, present and future. */
void chp__pool_close(struct chp__pool *p);

/* The rest of an operation that was started with chp_op_init. */
void chp__pool_op_init(chp__pool_op *o, struct chp__pool *p, unsigned policy,
		       int64_t n, int64_t need);
int chp__pool_poll(chp__pool_op *o, chp_waker waker);
int chp__pool_cancel(chp__pool_op *o);

#endif
