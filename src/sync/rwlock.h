/*
 * rwlock.h - what guards need of rwlock.c.
 */
#ifndef CHAPPE_SRC_SYNC_RWLOCK_H
#define CHAPPE_SRC_SYNC_RWLOCK_H

#include <stdbool.h>

#include <chappe/rwlock_guard.h>

/* guard may be NULL; else it is emptied now and filled when the lock is held.
   owned: the lock is counted, and the guard gets a reference. */
void chp__rwlock_op(chp_rwlock_op *op, chp_rwlock *l, bool write,
		    chp_rwlock_guard *guard, void *data, bool owned);

#endif
