/*
 * spin.h - the library's innermost lock: one bit of one word, held for some
 * dozens of instructions, never across a call of the user's code, a system
 * call, or a wait.
 *
 *   word      meaning              leaves by
 *   0         free                 cas acquire -> 1
 *   1         held                 holder: store release -> 0
 *
 * (L) acquire on taking pairs with (U) release on giving it up.
 *
 * A holder may be preempted, so waiting is not pure spinning: chp__relax()
 * goes from processor hints over sched_yield() to short sleeps, which also
 * lets a lower real-time priority finish.
 *
 * Lock order: ARCHITECTURE.md has the table.  Debug builds count the spin
 * locks a thread holds by rank and stop at the first one taken out of order.
 */
#ifndef CHAPPE_SRC_OS_SPIN_H
#define CHAPPE_SRC_OS_SPIN_H

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/lock_rank.h"
#include "os/relax.h"

COLD static void spin_lock_slow(chp_word *lock)
{
	unsigned spins = 0;
	uint32_t free_;

	do {
		while (load_relaxed(lock))
			chp__relax(&spins);
		free_ = 0;
	} while (!cas_acquire(lock, &free_, 1)); /* (L) */
}

static inline void spin_lock(chp_word *lock, enum lock_rank rank)
{
	uint32_t free_ = 0;

	lock_rank_push(rank);
	if (unlikely(!cas_acquire(lock, &free_, 1))) /* (L) */
		spin_lock_slow(lock);
}

static inline bool spin_trylock(chp_word *lock, enum lock_rank rank)
{
	uint32_t free_ = 0;

	if (unlikely(!cas_acquire(lock, &free_, 1))) /* (L) */
		return false;
	lock_rank_push(rank);
	return true;
}

/* The store is the last touch of the lock: its memory may be gone after it. */
static inline void spin_unlock(chp_word *lock, enum lock_rank rank)
{
	lock_rank_pop(rank);
	store_release(lock, 0); /* (U) */
}

#endif
