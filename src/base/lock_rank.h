/*
 * lock_rank.h - the order in which internal locks are taken.
 *
 * A thread that holds a lock takes only locks of a higher rank.  The list is
 * the whole truth; ARCHITECTURE.md explains it.  Debug builds (CHP_DEBUG)
 * check it; else these are nothing.
 */
#ifndef CHAPPE_SRC_BASE_LOCK_RANK_H
#define CHAPPE_SRC_BASE_LOCK_RANK_H

enum lock_rank {
	RANK_PROCESS = 1, /* process-wide driver, slot directory */
	RANK_CANCEL_TREE, /* shape of a tree of cancellation tokens */
	RANK_CANCEL,      /* waiters of one token */
	RANK_OBJECT,    /* one semaphore, channel, ...; a leaf to the others */
	RANK_RING_SLOT, /* one slot of a broadcast's ring */
	RANK_BATCH,     /* oversize batches of wakes */
	RANK_RUNTIME,   /* a runtime's inbox and idle list */
	RANK_BLOCKING,  /* blocking pool */
	RANK_POLLER,    /* descriptors of a driver */
	RANK_WHEEL,     /* timers of a wheel */
	RANK_STACK,     /* stack and slot pools */
	RANK_COUNT,
};

#ifdef CHP_DEBUG
void chp__lock_rank_push(enum lock_rank rank);
void chp__lock_rank_pop(enum lock_rank rank);
#define lock_rank_push(rank) chp__lock_rank_push(rank)
#define lock_rank_pop(rank)  chp__lock_rank_pop(rank)
#else
#define lock_rank_push(rank) ((void)(rank))
#define lock_rank_pop(rank)  ((void)(rank))
#endif

#endif
