/*
 * mpsc.h - a channel from many senders to one receiver, bounded or not.
 *
 * Senders are handles: clone one for each task or thread, drop each once.  The
 * last drop ends the stream: the receiver gets what is buffered, then
 * CHP_ECLOSED.  A handle is used by one owner at a time.
 *
 *	chp_mpsc_tx tx;
 *	chp_mpsc_rx rx;
 *	chp_mpsc_bounded(100, sizeof(struct msg), NULL, &tx, &rx);
 *	... elsewhere: chp_mpsc_send(&tx, &msg);  chp_mpsc_tx_drop(&tx);
 *	while (chp_mpsc_recv(&rx, &msg) == 0)
 *		handle(&msg);
 *	chp_mpsc_rx_drop(&rx);
 *
 * For a type-checked channel see mpsc_typed.h; for reserving places before
 * there is a value, and for counted permits, mpsc_permit.h.
 *
 * A bounded channel has `capacity` places; send waits for one, in the order
 * of first waiting (FIFO; a try never overtakes).  Values are copied in and
 * out as bytes; messages of one sender arrive in the order sent.  A value that
 * nobody receives goes to the destructor.  A send that fails, or is cancelled,
 * leaves the value with the caller.
 *
 * Closing (by the receiver) refuses new messages; what is buffered, and what
 * holders of permits still send, is delivered before CHP_ECLOSED.  A waiting
 * operation that was given a place and has not fetched it loses it; the place
 * counts as taken until that operation is polled again or cancelled.
 *
 * A handle stays in place while one of its operations is pending; dropping a
 * sender with one is misuse.  A receiver has one wait at a time: a second takes
 * over the wake of the first.  All-zero handles are empty: sending and
 * receiving through one is CHP_EINVAL, it counts as closed, has no capacity,
 * and may be dropped; a clone of one is one.  A pointer to a value may be NULL
 * only where that is said, or if the size is 0.  Values are aligned as malloc's
 * memory for the destructor.
 *
 * Memory: a send happens before the receive of its value; a receive happens
 * before the return of a send that waited for its place.  Not from signal
 * handlers.  tokio: sync::mpsc.
 */
#ifndef CHAPPE_MPSC_H
#define CHAPPE_MPSC_H

#include <chappe/op.h>

#ifdef __cplusplus
extern "C" {
#endif

struct chp__mpsc;

typedef struct chp_mpsc_tx {
	struct chp__mpsc *ch; /* private; NULL: an empty handle */
} chp_mpsc_tx;

typedef struct chp_mpsc_rx {
	struct chp__mpsc *ch;
} chp_mpsc_rx;

typedef struct chp_mpsc_weak {
	struct chp__mpsc *ch;
} chp_mpsc_weak;

/* ---- Making ---- */

/*
 * size: bytes of a value, 0 is legal.  drop: destructor for a value that
 * nobody receives, or NULL; it must not use this channel.  0; CHP_EINVAL for
 * capacity 0 or too large, tx or rx NULL; CHP_ENOMEM.  A bounded channel's
 * buffer is made here, so sending into it never allocates.
 */
CHP_API int chp_mpsc_bounded(size_t capacity, size_t size,
			     void (*drop)(void *value), chp_mpsc_tx *tx,
			     chp_mpsc_rx *rx);
CHP_API int chp_mpsc_unbounded(size_t size, void (*drop)(void *value),
			       chp_mpsc_tx *tx, chp_mpsc_rx *rx);

/* ---- Sending ---- */

/*
 * Send a copy of *value, waiting for a place; unbounded: never waits, but
 * answers interruption and cancellation all the same.  0; CHP_ECLOSED: closed,
 * or the receiver dropped; CHP_ENOMEM (unbounded only); CHP_EINVAL: tx is
 * empty; or what ended the wait.  0 does not mean that it will be read.
 */
CHP_API int chp_mpsc_send(chp_mpsc_tx *tx, const void *value);
CHP_API int chp_mpsc_send_with(chp_mpsc_tx *tx, const void *value,
			       const chp_wait *w);

/* CHP_EAGAIN: full, or senders are waiting.  CHP_ECLOSED wins over that. */
CHP_API int chp_mpsc_try_send(chp_mpsc_tx *tx, const void *value);

/*
 * Sending as an operation; *value is copied by the poll that returns 0 and
 * must stay till then.  Cancelling it loses its place; a place that it had
 * been given goes to the next (CHP_GAVE_BACK).
 */
typedef struct chp_send_op {
	chp_op op;
	chp_mpsc_tx *tx;
	const void *value;
	struct chp_mpsc_permit *permit;
	size_t n;
	chp_node node;
	void *reserved[1];
} chp_send_op;

CHP_API void chp_mpsc_send_op(chp_send_op *op, chp_mpsc_tx *tx,
			      const void *value);

/* *out becomes another handle on tx's channel.  An empty tx gives an empty. */
CHP_API void chp_mpsc_tx_clone(const chp_mpsc_tx *tx, chp_mpsc_tx *out);
CHP_API void chp_mpsc_tx_drop(chp_mpsc_tx *tx);

/* Is the receiver closed or dropped? */
CHP_API int chp_mpsc_is_closed(const chp_mpsc_tx *tx);

/* Wait for that.  0, CHP_EINVAL, or what ended the wait.  Any number wait. */
CHP_API int chp_mpsc_closed(chp_mpsc_tx *tx);
CHP_API int chp_mpsc_closed_with(chp_mpsc_tx *tx, const chp_wait *w);

typedef struct chp_closed_op {
	chp_op op;
	chp_mpsc_tx *tx;
	chp_node node;
	void *reserved[2];
} chp_closed_op;

CHP_API void chp_mpsc_closed_op(chp_closed_op *op, chp_mpsc_tx *tx);

/* ---- Receiving ---- */

/*
 * Wait for the next message.  0: *out has it (NULL: it is destroyed).
 * CHP_ECLOSED: nothing is left and nothing can come.  CHP_EINVAL: rx is empty.
 * Or what ended the wait; no message is lost by that.
 */
CHP_API int chp_mpsc_recv(chp_mpsc_rx *rx, void *out);
CHP_API int chp_mpsc_recv_with(chp_mpsc_rx *rx, void *out, const chp_wait *w);

/* CHP_EAGAIN: none now, but a sender (after close: a permit) is left. */
CHP_API int chp_mpsc_try_recv(chp_mpsc_rx *rx, void *out);

/*
 * Wait for at least one message, then take up to `limit` into the array at
 * out (NULL: destroy one).  Returns how many, at most INT_MAX; 0 only if limit
 * is 0.
 */
CHP_API int chp_mpsc_recv_many(chp_mpsc_rx *rx, void *out, size_t limit);
CHP_API int chp_mpsc_recv_many_with(chp_mpsc_rx *rx, void *out, size_t limit,
				    const chp_wait *w);

/* Receiving as an operation.  Cancelling it loses nothing. */
typedef struct chp_recv_op {
	chp_op op;
	chp_mpsc_rx *rx;
	void *out;
	size_t limit;
	void *reserved[2];
} chp_recv_op;

CHP_API void chp_mpsc_recv_op(chp_recv_op *op, chp_mpsc_rx *rx, void *out);
CHP_API void chp_mpsc_recv_many_op(chp_recv_op *op, chp_mpsc_rx *rx, void *out,
				   size_t limit);

/* Refuse new messages, keep what is there.  Waiting senders fail. */
CHP_API void chp_mpsc_close(chp_mpsc_rx *rx);

/* Close, and destroy what is buffered. */
CHP_API void chp_mpsc_rx_drop(chp_mpsc_rx *rx);

/* close() was called, or no sender is left; messages may remain. */
CHP_API int chp_mpsc_rx_is_closed(const chp_mpsc_rx *rx);

/* ---- Looking ---- */

CHP_API size_t chp_mpsc_len(const chp_mpsc_rx *rx); /* buffered messages */
CHP_API int chp_mpsc_is_empty(const chp_mpsc_rx *rx);

/*
 * Free places: reservations and buffered messages are subtracted; 0 while
 * senders wait.  Unbounded: SIZE_MAX for both.
 */
CHP_API size_t chp_mpsc_capacity(const chp_mpsc_tx *tx);
CHP_API size_t chp_mpsc_max_capacity(const chp_mpsc_tx *tx);
CHP_API size_t chp_mpsc_rx_capacity(const chp_mpsc_rx *rx);
CHP_API size_t chp_mpsc_rx_max_capacity(const chp_mpsc_rx *rx);

CHP_API int chp_mpsc_same_channel(const chp_mpsc_tx *a, const chp_mpsc_tx *b);

/* ---- Weak senders: keep the memory, not the stream, alive ---- */

CHP_API void chp_mpsc_downgrade(const chp_mpsc_tx *tx, chp_mpsc_weak *out);

/* 0 and a sender in *out, or CHP_ECLOSED for good once no sender was left. */
CHP_API int chp_mpsc_upgrade(const chp_mpsc_weak *weak, chp_mpsc_tx *out);
CHP_API void chp_mpsc_weak_clone(const chp_mpsc_weak *weak, chp_mpsc_weak *out);
CHP_API void chp_mpsc_weak_drop(chp_mpsc_weak *weak);

/* Handles that exist; an owned permit counts as a sender. */
CHP_API size_t chp_mpsc_strong_count(const chp_mpsc_tx *tx);
CHP_API size_t chp_mpsc_weak_count(const chp_mpsc_tx *tx);
CHP_API size_t chp_mpsc_rx_strong_count(const chp_mpsc_rx *rx);
CHP_API size_t chp_mpsc_rx_weak_count(const chp_mpsc_rx *rx);
CHP_API size_t chp_mpsc_weak_strong_count(const chp_mpsc_weak *weak);
CHP_API size_t chp_mpsc_weak_weak_count(const chp_mpsc_weak *weak);

#ifdef __cplusplus
}
#endif

#endif
