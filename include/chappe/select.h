/*
 * select.h - wait for the first of several operations; put a time limit on
 * one.
 *
 *	chp_recv_op recv;
 *	chp_sleep_op tick;
 *	chp_mpsc_recv_op(&recv, &rx, &msg);
 *	chp_sleep_until_op(&tick, chp_in(CHP_SEC));
 *	chp_select_arm arms[] = { { .op = &recv.op }, { .op = &tick.op } };
 *	switch (chp_select(arms, 2, CHP_CANCEL_LOSERS)) {
 *	case 0: ... arms[0].result, msg
 *	case 1: ... a second has passed
 *	}
 *
 * Exactly one arm finishes.  The others ("losers") have had no effect: their
 * values, permits and places are untouched.  Both are operations themselves,
 * for pollers and for nesting.  tokio: select!, timeout.
 */
#ifndef CHAPPE_SELECT_H
#define CHAPPE_SELECT_H

#include <chappe/time.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CHP_SELECT_MAX 64 /* most arms */

/* Poll from the first arm on.  Without it: from a random one. */
#define CHP_BIASED 1u

/*
 * When an arm finishes, cancel the others.  Without it they stay pending, keep
 * their places, and can be selected again.
 */
#define CHP_CANCEL_LOSERS 2u

typedef struct chp_select_arm {
	chp_op *op; /* NULL: this arm is disabled */
	int result; /* of the arm that won */
} chp_select_arm;

/*
 * Returns the index of the arm that finished; its result is in .result.
 * CHP_EDISABLED: no arm is enabled.  CHP_EINVAL: more than CHP_SELECT_MAX, an
 * unknown flag, or arms NULL.  Else what ended the wait; then every arm has
 * been treated as a loser.  An enabled arm that is finished is misuse.
 *
 * A loser that stays pending holds its place: if it is granted, it keeps what
 * it was granted until it is polled or cancelled, and those behind it wait.
 */
CHP_API int chp_select(chp_select_arm *arms, size_t count, unsigned flags);
CHP_API int chp_select_with(chp_select_arm *arms, size_t count, unsigned flags,
			    const chp_wait *w);

typedef struct chp_select_op {
	chp_op op;
	chp_select_arm *arms;
	uint32_t count;
	uint32_t flags;
} chp_select_op;

/*
 * arms must stay in place until the operation is finished.  Cancelling it, also
 * before its first poll, treats every arm as a loser.
 */
CHP_API int chp_select_init(chp_select_op *op, chp_select_arm *arms,
			    size_t count, unsigned flags);

/*
 * A time limit on an operation: its result, or CHP_ETIMEDOUT when the deadline
 * passes first, and then `inner` has been cancelled.  inner is polled before
 * the clock is looked at, so one that is ready succeeds even with a deadline
 * in the past.  deadline 0: none.  If nobody keeps the time (driver.h), why,
 * and `inner` has been cancelled, too.  Cancelling it, also before its first
 * poll, cancels `inner`.
 */
typedef struct chp_timeout_op {
	chp_op op;
	chp_op *inner;
	chp_sleep_op sleep;
} chp_timeout_op;

CHP_API void chp_timeout_init(chp_timeout_op *op, chp_op *inner,
			      chp_time deadline);

/* The blocking call: as chp_op_wait with a deadline. */
CHP_API int chp_timeout(chp_op *inner, chp_time deadline);

#ifdef __cplusplus
}
#endif

#endif
