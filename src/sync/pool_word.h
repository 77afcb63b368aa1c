/*
 * pool_word.h - the one word that a pool is.
 *
 *	bits 5..63   the count, signed
 *	LOCKED       somebody owns the word and the queue
 *	QUEUED       the queue is not empty
 *	CLOSED       acquires fail; the queue is empty and stays so
 *	WAKING       UNFAIR: the first waiter was woken and has not looked yet
 *	HANDOFF      UNFAIR: the first waiter was overtaken long enough; the next
 *	             release is for it, newcomers queue
 *
 * Rules.  Without LOCKED the word changes by cas only (acq_rel).  With LOCKED
 * only its holder writes it: it unlocks with one store (release) that
 * publishes the new count and gives up the lock in one step, and that is its
 * last touch of the pool.  Each change reads what the one before it wrote
 * and acquires it: that is the chain which the header promises.
 *
 * The queue and `queued` are guarded by LOCKED; `queued` is also read without.
 */
#ifndef CHAPPE_SRC_SYNC_POOL_WORD_H
#define CHAPPE_SRC_SYNC_POOL_WORD_H

#include <chappe/pool.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/lock_rank.h"
#include "os/relax.h"

enum {
	LOCKED = 1,
	QUEUED = 2,
	CLOSED = 4,
	WAKING = 8,
	HANDOFF = 16,
	FLAGS = 31,
	COUNT_SHIFT = 5,
};

static inline int64_t count_of(uint64_t word)
{
	/* An arithmetic shift, as every compiler we support has it. */
	return (int64_t)word >> COUNT_SHIFT;
}

/* The word with n added to its count; n may be negative. */
static inline uint64_t word_plus(uint64_t word, int64_t n)
{
	return word + ((uint64_t)n << COUNT_SHIFT);
}

static inline bool in_range(int64_t count)
{
	return count >= -CHP__POOL_MAX && count <= CHP__POOL_MAX;
}

/* The word, not LOCKED; waits for a holder. */
static inline uint64_t word_unlocked(const struct chp__pool *s)
{
	unsigned spins = 0;
	uint64_t word;

	/* Relaxed: a cas on this value acquires. */
	while (unlikely((word = load64_relaxed(&s->word)) & LOCKED))
		chp__relax(&spins);
	return word;
}

/* Take the lock; returns the word as it is without LOCKED. */
static inline uint64_t word_lock(struct chp__pool *s)
{
	uint64_t word;

	lock_rank_push(RANK_OBJECT);
	do
		word = word_unlocked(s);
	while (!cas64_acquire(&s->word, &word, word | LOCKED));
	return word;
}

/* Publish the word and give up the lock: the last touch. */
static inline void word_unlock(struct chp__pool *s, uint64_t word)
{
	lock_rank_pop(RANK_OBJECT);
	store64_release(&s->word, word);
}

#endif
