/*
 * mpsc_permit.h - reserve a place in a channel first, send into it later.
 *
 * A permit is a place, or several, already taken: sending through it neither
 * waits nor fails.  So a producer can wait for room before it makes a value,
 * and can wait for room in a select without risking the value.
 *
 *	chp_mpsc_permit p;
 *	if (chp_mpsc_reserve(&tx, &p) == 0)
 *		chp_mpsc_permit_send(&p, &value);
 *
 * A permit borrows the sender that reserved it, which must not be dropped
 * before it.  An owned permit is a sender: it keeps the stream open.  Both are
 * values that one owner at a time uses; all-zero is empty, and dropping an
 * empty one does nothing.
 *
 * After the receiver closed, outstanding permits still deliver, and the
 * receiver waits for them.  After it was dropped, what they send is destroyed
 * at once.  Bounded channels only: an unbounded one gives CHP_EINVAL.
 *
 * tokio: Permit, PermitIterator, OwnedPermit.
 */
#ifndef CHAPPE_MPSC_PERMIT_H
#define CHAPPE_MPSC_PERMIT_H

#include <chappe/mpsc.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct chp_mpsc_permit {
	struct chp__mpsc *ch; /* private */
	size_t count;         /* places left: read it freely */
} chp_mpsc_permit;

/*
 * Reserve n places at once, in the order of the senders' queue.  0;
 * CHP_ECLOSED if closed, also when n > max_capacity; CHP_EINVAL; or what ended
 * the wait.  n = 0 succeeds at once, even when full.  On failure *permit is
 * empty.
 */
CHP_API int chp_mpsc_reserve(chp_mpsc_tx *tx, chp_mpsc_permit *permit);
CHP_API int chp_mpsc_reserve_with(chp_mpsc_tx *tx, chp_mpsc_permit *permit,
				  const chp_wait *w);
CHP_API int chp_mpsc_reserve_many(chp_mpsc_tx *tx, size_t n,
				  chp_mpsc_permit *permit);
CHP_API int chp_mpsc_reserve_many_with(chp_mpsc_tx *tx, size_t n,
				       chp_mpsc_permit *permit,
				       const chp_wait *w);

/* CHP_EAGAIN: not n places free, or senders wait, or n > max_capacity (then
   even if closed). */
CHP_API int chp_mpsc_try_reserve(chp_mpsc_tx *tx, chp_mpsc_permit *permit);
CHP_API int chp_mpsc_try_reserve_many(chp_mpsc_tx *tx, size_t n,
				      chp_mpsc_permit *permit);

/* As send_op. */
CHP_API void chp_mpsc_reserve_op(chp_send_op *op, chp_mpsc_tx *tx,
				 chp_mpsc_permit *permit);
CHP_API void chp_mpsc_reserve_many_op(chp_send_op *op, chp_mpsc_tx *tx,
				      size_t n, chp_mpsc_permit *permit);

/* Use one place.  0, or CHP_EINVAL if none is left. */
CHP_API int chp_mpsc_permit_send(chp_mpsc_permit *permit, const void *value);

/* Give the places left back; senders that wait get them. */
CHP_API void chp_mpsc_permit_drop(chp_mpsc_permit *permit);

/* A place and the sender in one. */
typedef struct chp_mpsc_owned_permit {
	struct chp__mpsc *ch; /* private */
} chp_mpsc_owned_permit;

/*
 * Turn *tx, which becomes empty, into an owned permit.  On failure the sender
 * stays the caller's.  Results as chp_mpsc_reserve.
 */
CHP_API int chp_mpsc_reserve_owned(chp_mpsc_tx *tx,
				   chp_mpsc_owned_permit *permit);
CHP_API int chp_mpsc_reserve_owned_with(chp_mpsc_tx *tx,
					chp_mpsc_owned_permit *permit,
					const chp_wait *w);
CHP_API int chp_mpsc_try_reserve_owned(chp_mpsc_tx *tx,
				       chp_mpsc_owned_permit *permit);

/* As send_op; *tx becomes empty when it finishes with 0. */
typedef struct chp_reserve_owned_op {
	chp_op op;
	chp_send_op place;
	chp_mpsc_permit got;
	chp_mpsc_owned_permit *permit;
	void *reserved[2];
} chp_reserve_owned_op;

CHP_API void chp_mpsc_reserve_owned_op(chp_reserve_owned_op *op,
				       chp_mpsc_tx *tx,
				       chp_mpsc_owned_permit *permit);

/* Send, and get the sender back in *tx (NULL: drop it).  0 or CHP_EINVAL. */
CHP_API int chp_mpsc_owned_permit_send(chp_mpsc_owned_permit *permit,
				       const void *value, chp_mpsc_tx *tx);

/* Give the place back, and get the sender back in *tx (NULL: drop it). */
CHP_API void chp_mpsc_owned_permit_release(chp_mpsc_owned_permit *permit,
					   chp_mpsc_tx *tx);

CHP_API int chp_mpsc_owned_permit_same_channel(const chp_mpsc_owned_permit *p,
					       const chp_mpsc_tx *tx);

#ifdef __cplusplus
}
#endif

#endif
