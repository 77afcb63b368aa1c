/*
 * barrier.h - a point that a number of parties reach before any of them goes
 * on.
 *
 * Each party calls chp_barrier_wait(), which returns when all have arrived.
 * The last to arrive does not wait; it is the leader.  Then the barrier is as
 * new, for the next round ("generation"), and parties may arrive again before
 * all have left.
 *
 *	static chp_barrier step = CHP_BARRIER_INIT(4);
 *
 *	for (int i = 0; i < steps; i++) {
 *		compute(mine);
 *		if (chp_barrier_wait(&step) == 1)
 *			report(i);
 *	}
 *
 * A wait may end before all have arrived: interrupted, cancelled, timed out.
 * What then becomes of the arrival is chosen per barrier:
 *
 *   by default             it stays counted, as in tokio; the generation needs
 *                          no more for it, and the party does not come back
 *   CHP_BARRIER_WITHDRAW   it is taken back, and the generation needs one more
 *
 * A wait that ends before it began (its caller was interrupted or aborted
 * already, its token cancelled) has not arrived.
 *
 * Memory: what each party did before it arrived happens before the return of
 * every wait of that generation that returns 0 or 1.
 *
 * Destroying: once a wait has returned 0 or 1, its caller may destroy and free
 * the barrier, while the others of that generation still return, unless one of
 * them may be giving up, or is polled with another waker, at that moment.
 *
 * Not from signal handlers; not shared between processes.
 * tokio: sync::Barrier.
 */
#ifndef CHAPPE_BARRIER_H
#define CHAPPE_BARRIER_H

#include <chappe/op.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An arrival whose wait is given up is taken back. */
#define CHP_BARRIER_WITHDRAW 1u

/* All-zero: one party.  Fields are private. */
typedef struct chp_barrier {
	chp_word64 word; /* lock, arrivals: src/sync/barrier.c */
	chp_node *first, *last;
	uint32_t parties, flags;
	void *reserved[2];
} chp_barrier;

/* 0 parties are 1. */
/* clang-format off */
#define CHP_BARRIER_INIT(parties) CHP_BARRIER_INIT_FLAGS(parties, 0)
#define CHP_BARRIER_INIT_FLAGS(parties, flags) \
	{ { 0 }, NULL, NULL, (parties), (flags), { NULL, NULL } }
/* clang-format on */

/* 0, or CHP_EINVAL for an unknown flag.  tokio: Barrier::new. */
CHP_API int chp_barrier_init(chp_barrier *b, uint32_t parties, unsigned flags);

/* Needed only to catch mistakes: destroying with waiters is misuse. */
CHP_API void chp_barrier_destroy(chp_barrier *b);

/*
 * Arrive, and wait until all have.  1: this was the last, the leader; 0; or
 * what ended the wait: see above.  A deadline in the past is one after the
 * arrival.  tokio: wait, BarrierWaitResult::is_leader.
 */
CHP_API int chp_barrier_wait(chp_barrier *b);
CHP_API int chp_barrier_wait_with(chp_barrier *b, const chp_wait *w);

/*
 * The same as an operation.  It arrives at its first poll.  Cancelling it
 * after that, when
 *   all have arrived      CHP_TOO_LATE, its result is 0
 *   not all, default      CHP_TOO_LATE, its result is CHP_ECANCELED: the
 *                         arrival stays
 *   not all, WITHDRAW     CHP_HELD_NOTHING: no trace is left
 */
typedef struct chp_barrier_op {
	chp_op op;
	chp_barrier *barrier;
	chp_node node;
	uint32_t flags, reserved0;
	void *reserved[2];
} chp_barrier_op;

CHP_API void chp_barrier_wait_op(chp_barrier_op *op, chp_barrier *b);

/* At least 1. */
CHP_API uint32_t chp_barrier_parties(const chp_barrier *b);

/* How many had arrived in the generation of some moment during the call. */
CHP_API uint32_t chp_barrier_arrived(const chp_barrier *b);

#ifdef __cplusplus
}
#endif

#endif
