/*
 * once.h - the one word of a once cell, which a set once is as well.
 *
 *   state     meaning                          leaves by
 *   EMPTY     no value, nobody makes it        begin -> RUNNING; set -> SET
 *   RUNNING   one has the turn, or was given   finish -> SET; fail -> EMPTY,
 *             it and has not fetched it yet    or RUNNING for the next
 *   SET       the value is there               take -> EMPTY (alone)
 *
 *   LOCKED    its holder alone writes the word and the queues
 *   QUEUED    somebody waits, in either queue
 *
 * Two queues: those who want the turn (first..last), those who only look on
 * (watch_first..watch_last).
 *
 *   invariants, whenever the word is not LOCKED
 *     QUEUED <=> a queue is not empty
 *     EMPTY => nobody waits for the turn
 *     SET => nobody waits, and the word is SET and nothing else
 *     RUNNING => the turn has exactly one owner: a caller between begin and
 *                finish or fail, or an operation that was claimed with TURN
 *
 * Ordering.  (A) Who finds SET acquires; it pairs with (R), the release by
 * which finish and set write it.  (B) Who takes the turn acquires; it pairs
 * with (F), the release of fail.  A turn that is handed over goes through the
 * node (wait/node.h, P and Q).
 *
 * Without LOCKED the word changes by cas only.  A SET word is never LOCKED: the
 * store or cas that sets it is the last touch of the cell, which whoever sees
 * it may destroy.
 */
#ifndef CHAPPE_SRC_SYNC_ONCE_H
#define CHAPPE_SRC_SYNC_ONCE_H

#include <chappe/set_once.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/lock_rank.h"
#include "os/relax.h"
#include "wait/node.h"

enum {
	EMPTY = 0,
	RUNNING = 1,
	SET = CHP__ONCE_SET,
	LOCKED = 4,
	QUEUED = 8,
};

/* The word, not LOCKED; waits for a holder. */
static inline uint32_t once_word(const chp_once_cell *c)
{
	unsigned spins = 0;
	uint32_t word;

	while (unlikely((word = load_acquire(&c->word)) & LOCKED)) /* (A) */
		chp__relax(&spins);
	return word;
}

/* Take the lock, unless the word is SET.  Returns the word without LOCKED. */
static inline uint32_t once_lock(chp_once_cell *c)
{
	uint32_t word;

	do {
		word = once_word(c);
		if (word & SET)
			return word;
	} while (!cas_acquire(&c->word, &word, word | LOCKED)); /* (B) */
	lock_rank_push(RANK_OBJECT);
	return word;
}

/* Write the state, bring QUEUED up to date, give up the lock: the last
   touch. */
static inline void once_unlock(chp_once_cell *c, uint32_t state)
{
	if (c->first || c->watch_first)
		state |= QUEUED;
	lock_rank_pop(RANK_OBJECT);
	store_release(&c->word, state); /* (R), (F) */
}

/* Lock held: the value is there.  Claim all who wait, unlock, wake them. */
void chp__once_publish(chp_once_cell *c);

/* Look on until SET, as an operation: for classes of other names. */
int chp__once_poll_wait(chp_op *op, chp_poll_ctx *ctx);
int chp__once_cancel_wait(chp_op *op);

/* Panics if anybody waits or has the turn. */
void chp__once_check_alone(const chp_once_cell *c, const char *what,
			   const char *done);

/* Back to EMPTY; was it SET? */
int chp__once_take(chp_once_cell *c);

#endif
