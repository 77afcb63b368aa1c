/*
 * cancel.h - what block.c needs of cancellation tokens.
 */
#ifndef CHAPPE_SRC_WAIT_CANCEL_H
#define CHAPPE_SRC_WAIT_CANCEL_H

#include <chappe/cancel.h>

#include "base/atomic.h"

/* Cancelled by a call; says nothing of deadlines. */
static inline bool cancel_is_set(const chp_cancel *token)
{
	/* (D) in cancel.c. */
	return load_acquire(&token->state) != 0;
}

/* Have waker woken when the token is cancelled; not if it is already. */
void chp__cancel_enter(chp_cancel *token, chp_node *place, chp_waker waker);

/* No more.  Waits for a canceller that is just waking this place. */
void chp__cancel_leave(chp_cancel *token, chp_node *place);

#endif
