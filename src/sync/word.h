/*
 * word.h - one 64-bit word that is an object's state and the lock of its queue.
 *
 * Without LOCKED the word changes by cas only.  With LOCKED only its holder
 * writes it: it unlocks with one store (U) that publishes the new word and
 * gives up the lock in one step, and that is its last touch of the object.  The
 * queue is guarded by LOCKED.
 *
 * Each cas that hands something on releases; whoever takes the lock (L) or
 * looks (A) acquires.  A read-modify-write keeps what those before it released,
 * and (U) passes on what (L) acquired: so who sees a value of the word sees
 * what was done before every earlier release.
 */
#ifndef CHAPPE_SRC_SYNC_WORD_H
#define CHAPPE_SRC_SYNC_WORD_H

#include <stdbool.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/lock_rank.h"
#include "os/relax.h"

enum { LOCKED = 1 };

/* Part of that: wait for the holder. */
COLD static uint64_t word_await(const chp_word64 *w)
{
	unsigned spins = 0;
	uint64_t word;

	do {
		chp__relax(&spins);
		word = load64_acquire(w); /* (A) */
	} while (word & LOCKED);
	return word;
}

/* The word, not LOCKED; waits for a holder. */
static inline uint64_t word_unlocked(const chp_word64 *w)
{
	/* (A) acquire: who goes by what it sees has what was released. */
	uint64_t word = load64_acquire(w);

	return likely(!(word & LOCKED)) ? word : word_await(w);
}

/* Take the lock if the word is still this one. */
static inline bool word_trylock(chp_word64 *w, uint64_t word)
{
	if (!cas64_acquire(w, &word, word | LOCKED)) /* (L) */
		return false;
	lock_rank_push(RANK_OBJECT);
	return true;
}

/* Take the lock; returns the word as it is without LOCKED. */
static inline uint64_t word_lock(chp_word64 *w)
{
	uint64_t word;

	do
		word = word_unlocked(w);
	while (!word_trylock(w, word));
	return word;
}

/* Publish the word and give up the lock: the last touch. */
static inline void word_unlock(chp_word64 *w, uint64_t word)
{
	lock_rank_pop(RANK_OBJECT);
	store64_release(w, word); /* (U) */
}

#endif
