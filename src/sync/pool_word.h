/*
 * pool_word.h - the one word that a pool is.
 *
 *	bits 5..63   the count, signed
 *	LOCKED       as in word.h
 *	QUEUED       the queue is not empty
 *	CLOSED       acquires fail; the queue is empty and stays so
 *	WAKING       UNFAIR: the first waiter was woken and has not looked yet
 *	HANDOFF      UNFAIR: the first waiter was overtaken long enough; the next
 *	             release is for it, newcomers queue
 *
 * The rules are those of word.h.  Each change reads what the one before it wrote
 * and acquires it: that is the chain which the header promises.
 *
 * The queue and `queued` are guarded by LOCKED; `queued` is also read without.
 */
#ifndef CHAPPE_SRC_SYNC_POOL_WORD_H
#define CHAPPE_SRC_SYNC_POOL_WORD_H

#include <chappe/pool.h>

#include "sync/word.h"

enum {
	QUEUED = 2,
	CLOSED = 4,
	WAKING = 8,
	HANDOFF = 16,
	FLAGS = CHP__POOL_FLAGS,
	COUNT_SHIFT = CHP__POOL_SHIFT,
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

#endif
