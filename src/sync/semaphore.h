/*
 * semaphore.h - what permit.c needs of semaphore.c.
 */
#ifndef CHAPPE_SRC_SYNC_SEMAPHORE_H
#define CHAPPE_SRC_SYNC_SEMAPHORE_H

#include <stdbool.h>

#include <chappe/permit.h>

/* permit may be NULL; it is emptied.  owned: hold a reference meanwhile. */
void chp__semaphore_acquire_op(chp_acquire_op *op, chp_semaphore *s, int64_t n,
			       chp_permit *permit, bool owned);

#endif
