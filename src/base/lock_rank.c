/*
 * lock_rank.c - debug check of the lock order; empty in other builds.
 *
 * No task switch happens while a spin lock is held, so the thread-local count
 * is never read on another thread than it was written on.
 */
#include "base/lock_rank.h"

#include "base/compiler.h"
#include "base/panic.h"

#ifdef CHP_DEBUG

static __thread unsigned char held[RANK_COUNT];

NOINLINE void chp__lock_rank_push(enum lock_rank rank)
{
	for (unsigned r = rank; r < RANK_COUNT; r++)
		if (held[r])
			chp__panic("internal lock of rank %u taken while one "
				   "of rank %u is held",
				   (unsigned)rank, r);
	held[rank]++;
}

NOINLINE void chp__lock_rank_pop(enum lock_rank rank)
{
	if (!held[rank])
		chp__panic("internal lock of rank %u given up but not held",
			   (unsigned)rank);
	held[rank]--;
}

#else

typedef int lock_rank_unused; /* an empty file is not ISO C */

#endif
