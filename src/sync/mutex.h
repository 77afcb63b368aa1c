/*
 * mutex.h - what guards and condition variables need of mutex.c.
 */
#ifndef CHAPPE_SRC_SYNC_MUTEX_H
#define CHAPPE_SRC_SYNC_MUTEX_H

#include <stdbool.h>

#include <chappe/mutex_guard.h>

/* guard may be NULL; else it is emptied now and filled when the lock is held.
   owned: the mutex is counted, and the guard gets a reference. */
void chp__mutex_lock_op(chp_lock_op *op, chp_mutex *m, chp_mutex_guard *guard,
			void *data, bool owned);

/* A mutex is about to be waited with: is it held, and by the caller? */
void chp__mutex_check_held(const chp_mutex *m, const char *what);

#endif
