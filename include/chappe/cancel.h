/*
 * cancel.h - cancellation tokens: one object that ends many waits.
 *
 * A token is handed to waits (chp_wait.cancel).  Cancelling it ends them with
 * CHP_ECANCELED, now and later, for good, and cancels the tokens made under
 * it.  A token may carry a deadline: when it passes, waits on the token and on
 * those under it end with CHP_ETIMEDOUT.
 *
 *	chp_cancel request;
 *	chp_cancel_init(&request, &server, chp_in(2 * CHP_SEC));
 *	int r = chp_mpsc_send_with(&tx, &msg, &(chp_wait){ .cancel = &request });
 *	chp_cancel_destroy(&request);
 *
 * All-zero is a valid token without parent or deadline.  A token under a
 * parent must be destroyed, before its parent.  Any task or thread may cancel;
 * cancelling happens before the return of each wait that it ends.  Not from a
 * signal handler.  tokio: CancellationToken.
 */
#ifndef CHAPPE_CANCEL_H
#define CHAPPE_CANCEL_H

#include <chappe/time.h>

#ifdef __cplusplus
extern "C" {
#endif

struct chp_cancel {
	/* private: see src/wait/cancel.c */
	chp_word state;
	chp_word lock;
	chp_word tree_lock;
	uint32_t reserved0;
	chp_node *waiters, *last_waiter;
	struct chp_cancel *root, *parent;
	struct chp_cancel *children, *next, *prev;
	chp_time deadline;
	void *reserved[2];
};

/* clang-format off */
#define CHP_CANCEL_INIT \
	{ { 0 }, { 0 }, { 0 }, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
	  0, { NULL, NULL } }
/* clang-format on */

/*
 * parent NULL: none.  deadline 0: the parent's, if any; else the earlier of
 * the two.  Under a parent that is cancelled, the new token is so at once.
 */
CHP_API void chp_cancel_init(chp_cancel *token, chp_cancel *parent,
			     chp_time deadline);

/* Destroying a token with waiters or with tokens under it is misuse. */
CHP_API void chp_cancel_destroy(chp_cancel *token);

/* Cancel it and all under it.  Doing it again has no effect. */
CHP_API void chp_cancel_now(chp_cancel *token);

/*
 * 0 while neither cancelled nor past its deadline, else CHP_ECANCELED or
 * CHP_ETIMEDOUT; CHP_ECANCELED if both, whichever came first.
 */
CHP_API int chp_cancel_status(const chp_cancel *token);

/* The effective deadline; 0: none. */
CHP_API chp_time chp_cancel_deadline(const chp_cancel *token);

/*
 * Wait for the token.  0 once it is cancelled or past its deadline, else what
 * ended the wait.  As an operation, for a token with a deadline: or why nobody
 * keeps the time (driver.h).  Cancelling the operation loses nothing.
 * tokio: CancellationToken::cancelled.
 */
CHP_API int chp_cancel_wait(chp_cancel *token);
CHP_API int chp_cancel_wait_with(chp_cancel *token, const chp_wait *w);

typedef struct chp_cancel_op {
	chp_op op;
	chp_cancel *token;
	chp_node node;
	chp_sleep_op deadline;
} chp_cancel_op;

CHP_API void chp_cancel_wait_op(chp_cancel_op *op, chp_cancel *token);

#ifdef __cplusplus
}
#endif

#endif
