/*
 * broadcast.h - a channel that gives every value to every receiver.
 *
 * Senders and receivers are handles.  A receiver gets all values sent after it
 * subscribed, in the one order of the channel.  The channel keeps the last N
 * values, N being the capacity rounded up to a power of two; sending never
 * waits: it overwrites the oldest.  A receiver that is more than N behind is
 * told by CHP_ELAGGED how many it has missed, once, and goes on with the
 * oldest value that is kept.  Do not end a receive loop at that code.
 *
 *	chp_broadcast_tx tx;
 *	chp_broadcast_rx rx;
 *	chp_broadcast(16, sizeof(struct event), NULL, &tx, &rx);
 *	... elsewhere: chp_broadcast_send(&tx, &event);
 *	while ((r = chp_broadcast_recv(&rx, &event, &missed)) != CHP_ECLOSED)
 *		if (r == 0)
 *			handle(&event);
 *
 * For a type-checked channel see broadcast_typed.h.
 *
 * The last sender's drop closes the channel: receivers get what is kept, then
 * CHP_ECLOSED.  Dropping the last receiver does not: sending fails while there
 * is none, and works again once somebody subscribes.
 *
 * Values are bytes, copied in by send and out by each receive, under a short
 * lock; send a large one as a pointer.  A channel made with callbacks owns its
 * values instead: see chp_broadcast_values.
 *
 * A handle is used by one owner at a time, and stays in place while one of its
 * operations is pending; dropping a receiver with one is misuse.  All-zero
 * handles are empty: using one is CHP_EINVAL, looking at one finds nothing and
 * closed, dropping one does nothing.  A pointer to a value may be NULL only
 * where that is said, or if the size is 0.
 *
 * Memory: a send happens before each receive of its value; the last sender's
 * drop before CHP_ECLOSED; the last receiver's, but for destroying what it had
 * not read, before the return of chp_broadcast_closed().  Only what has _with
 * waits.  Not from signal handlers.  tokio: sync::broadcast.
 */
#ifndef CHAPPE_BROADCAST_H
#define CHAPPE_BROADCAST_H

#include <chappe/op.h>

#ifdef __cplusplus
extern "C" {
#endif

struct chp__broadcast;

typedef struct chp_broadcast_tx {
	struct chp__broadcast *ch; /* private; NULL: an empty handle */
} chp_broadcast_tx;

typedef struct chp_broadcast_weak {
	struct chp__broadcast *ch; /* private */
} chp_broadcast_weak;

typedef struct chp_broadcast_rx {
	struct chp__broadcast *ch; /* all private */
	uint64_t next;
	uint64_t lagged;
	uint32_t pending;
	int32_t failed;
	void *reserved[2];
} chp_broadcast_rx;

/*
 * How to copy and to destroy a value that owns something.  A send that
 * succeeds gives the value to the channel; each receive clones it; it is
 * destroyed when the last receiver that it was sent to has read it or is
 * dropped, or when it is overwritten (at latest when nobody clones it any
 * more), by whoever did that.
 *
 * Both run with no lock held, and may use the channel, but not the handle at
 * work; they must not wait.  Values are aligned as malloc's memory for both.
 * clone returns 0, or a negative code of yours (not CHP_PENDING) that the
 * receive then returns; that value is skipped.  A receiver given no place for
 * the value does not clone.  clone NULL: the bytes are copied.  drop NULL:
 * nothing to destroy.
 */
typedef struct chp_broadcast_values {
	int (*clone)(void *to, const void *from);
	void (*drop)(void *value);
	void *reserved[2];
} chp_broadcast_values;

/* ---- Making ---- */

/*
 * A channel for values of `size` bytes (0 is legal), a sender, a receiver.
 * values: copied; NULL: plain bytes.  0; CHP_EINVAL: capacity 0 or above
 * SIZE_MAX / 2, tx or rx NULL; CHP_ENOMEM.  Room for N values is made here;
 * after that only sending into a channel with callbacks allocates.
 * tokio: channel.
 */
CHP_API int chp_broadcast(size_t capacity, size_t size,
			  const chp_broadcast_values *values,
			  chp_broadcast_tx *tx, chp_broadcast_rx *rx);

/* The same without a receiver: sending fails until one subscribes. */
CHP_API int chp_broadcast_tx_new(size_t capacity, size_t size,
				 const chp_broadcast_values *values,
				 chp_broadcast_tx *tx);

/* ---- Sending ---- */

/*
 * Send to all receivers there are; wakes those that wait.  Returns how many
 * there are, which does not mean that they will read it.  CHP_ECLOSED: none;
 * CHP_ENOMEM (with callbacks only); CHP_EINVAL: tx is empty; then the value
 * stays with the caller.
 */
CHP_API int chp_broadcast_send(chp_broadcast_tx *tx, const void *value);

/* *out becomes another sender.  An empty tx gives an empty one. */
CHP_API void chp_broadcast_tx_clone(const chp_broadcast_tx *tx,
				    chp_broadcast_tx *out);
CHP_API void chp_broadcast_tx_drop(chp_broadcast_tx *tx);

/*
 * Wait until there is no receiver; 0 at once if there is none now.  One that
 * subscribes before the waiter has looked makes it wait on.  0, CHP_EINVAL: tx
 * is empty; or what ended the wait.  Any number wait.  Costs no budget.
 * tokio: Sender::closed.
 */
CHP_API int chp_broadcast_closed(chp_broadcast_tx *tx);
CHP_API int chp_broadcast_closed_with(chp_broadcast_tx *tx, const chp_wait *w);

/* Values that some receiver has still to read, at most N; is there none? */
CHP_API size_t chp_broadcast_tx_len(const chp_broadcast_tx *tx);
CHP_API int chp_broadcast_tx_is_empty(const chp_broadcast_tx *tx);

CHP_API size_t chp_broadcast_receiver_count(const chp_broadcast_tx *tx);

/* ---- Subscribing ---- */

/*
 * *rx becomes a receiver of what is sent from now on.  0; CHP_EINVAL: the
 * handle is empty; CHP_EOVERFLOW: too many receivers (2^30).  resubscribe does
 * not copy a receiver's backlog; once closed it gives one that hears only that.
 */
CHP_API int chp_broadcast_subscribe(const chp_broadcast_tx *tx,
				    chp_broadcast_rx *rx);
CHP_API int chp_broadcast_resubscribe(const chp_broadcast_rx *rx,
				      chp_broadcast_rx *out);

/*
 * The same, starting at the oldest value that some receiver has still to read;
 * one that all have read is gone.  Takes time by how many there are.
 */
CHP_API int chp_broadcast_subscribe_from_oldest(const chp_broadcast_tx *tx,
						chp_broadcast_rx *rx);

/* Gives up what was sent to rx and not read.  Takes time by how much. */
CHP_API void chp_broadcast_rx_drop(chp_broadcast_rx *rx);

/* ---- Receiving ---- */

/*
 * Wait for the next value.  0: *out has it (NULL: it is passed over).
 * CHP_ELAGGED: *lagged (may be NULL) is how many were overwritten before they
 * were read; the next receive goes on after them, if it is not overtaken
 * again.  CHP_ECLOSED: all is read and no sender is left.  CHP_EINVAL: rx is
 * empty.  The code of a failed clone.  Or what ended the wait, and then nothing
 * is lost.  Being lagged comes before closed; exactly N behind is not lagged.
 */
CHP_API int chp_broadcast_recv(chp_broadcast_rx *rx, void *out,
			       uint64_t *lagged);
CHP_API int chp_broadcast_recv_with(chp_broadcast_rx *rx, void *out,
				    uint64_t *lagged, const chp_wait *w);

/* CHP_EAGAIN: none now, but a sender is left. */
CHP_API int chp_broadcast_try_recv(chp_broadcast_rx *rx, void *out,
				   uint64_t *lagged);

/*
 * Wait for at least one value, then take up to `limit` into the array at out
 * (NULL: they are passed over).  Returns how many, at most INT_MAX; 0 only if
 * limit is 0.  What stands behind some values, being lagged or a clone that
 * fails, is reported by the next receive.
 */
CHP_API int chp_broadcast_recv_many(chp_broadcast_rx *rx, void *out,
				    size_t limit, uint64_t *lagged);
CHP_API int chp_broadcast_recv_many_with(chp_broadcast_rx *rx, void *out,
					 size_t limit, uint64_t *lagged,
					 const chp_wait *w);

/* The count of rx's latest CHP_ELAGGED; 0: never. */
CHP_API uint64_t chp_broadcast_lagged(const chp_broadcast_rx *rx);

/* Sent and not read by rx, overwritten ones too: above N, it is lagged. */
CHP_API uint64_t chp_broadcast_len(const chp_broadcast_rx *rx);
CHP_API int chp_broadcast_is_empty(const chp_broadcast_rx *rx);

/* No sender is left; values may remain. */
CHP_API int chp_broadcast_is_closed(const chp_broadcast_rx *rx);

/* ---- The waits as operations.  Cancelling one loses nothing. ---- */

typedef struct chp_broadcast_op {
	chp_op op;
	void *half;
	void *out;
	size_t limit;
	uint64_t *lagged;
	chp_node node;
	void *reserved[2];
} chp_broadcast_op;

CHP_API void chp_broadcast_recv_op(chp_broadcast_op *op, chp_broadcast_rx *rx,
				   void *out, uint64_t *lagged);
CHP_API void chp_broadcast_recv_many_op(chp_broadcast_op *op,
					chp_broadcast_rx *rx, void *out,
					size_t limit, uint64_t *lagged);
CHP_API void chp_broadcast_closed_op(chp_broadcast_op *op,
				     chp_broadcast_tx *tx);

/* ---- Weak senders: keep the memory, not the channel, alive ---- */

CHP_API void chp_broadcast_downgrade(const chp_broadcast_tx *tx,
				     chp_broadcast_weak *out);

/* 0 and a sender in *out, or CHP_ECLOSED for good once no sender was left. */
CHP_API int chp_broadcast_upgrade(const chp_broadcast_weak *weak,
				  chp_broadcast_tx *out);
CHP_API void chp_broadcast_weak_clone(const chp_broadcast_weak *weak,
				      chp_broadcast_weak *out);
CHP_API void chp_broadcast_weak_drop(chp_broadcast_weak *weak);

/* ---- Senders that exist; handles of one channel? ---- */

CHP_API size_t chp_broadcast_strong_count(const chp_broadcast_tx *tx);
CHP_API size_t chp_broadcast_weak_count(const chp_broadcast_tx *tx);
CHP_API size_t chp_broadcast_rx_strong_count(const chp_broadcast_rx *rx);
CHP_API size_t chp_broadcast_rx_weak_count(const chp_broadcast_rx *rx);
CHP_API size_t chp_broadcast_weak_strong_count(const chp_broadcast_weak *weak);
CHP_API size_t chp_broadcast_weak_weak_count(const chp_broadcast_weak *weak);
CHP_API int chp_broadcast_same_channel(const chp_broadcast_tx *a,
				       const chp_broadcast_tx *b);
CHP_API int chp_broadcast_rx_same_channel(const chp_broadcast_rx *a,
					  const chp_broadcast_rx *b);

#ifdef __cplusplus
}
#endif

#endif
