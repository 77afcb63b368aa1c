/*
 * mpmc.h - a channel from many senders to many receivers: bounded, unbounded,
 * or without any buffer.  Each message goes to exactly one receiver.
 *
 * Both ends are handles: clone one for each task or thread, drop each once.
 * The last drop of a sender ends the stream: receivers get what is buffered,
 * then CHP_ECLOSED.  The last drop of a receiver closes the channel for
 * senders and destroys what is buffered.  A handle has one owner at a time.
 *
 *	chp_mpmc_tx tx;
 *	chp_mpmc_rx rx, mine;
 *	chp_mpmc_bounded(100, sizeof(struct job), NULL, &tx, &rx);
 *	... in each worker, with a clone:
 *	while (chp_mpmc_recv(&mine, &job) == 0)
 *		work_on(&job);
 *	chp_mpmc_rx_drop(&mine);
 *
 * For a type-checked channel see mpmc_typed.h.  With one receiver, mpsc.h has
 * permits besides.
 *
 * Order.  Messages leave the channel in the order in which they came in.  Those
 * who wait are served in the order of first waiting, senders among themselves
 * and receivers among themselves; a try overtakes nobody.  An operation that is
 * polled by hand is promised a place or a message when its turn comes, and
 * takes it (the oldest there is) when it is polled; if it is cancelled instead,
 * the promise goes to the next.  So cancelling and losing a select lose
 * nothing and reorder nothing.
 *
 * Capacity 0 is a rendezvous: a send waits until a receiver takes its value.
 * Who is polled by hand can take or hand over only when polled, so one that is
 * not polled again holds up those behind it.  When both sides of a meeting are
 * polled by hand (or the sender is a try), the sender leaves its value in the
 * channel for the receiver that waits, and is done; if that receiver is then
 * cancelled, the next one gets the value.
 *
 * Values are copied in and out as bytes.  One that nobody receives goes to the
 * destructor.  A send that fails, or is cancelled, leaves the value with the
 * caller.  All-zero handles are empty: sending and receiving through one is
 * CHP_EINVAL, it counts as closed, has no capacity, and may be dropped; a clone
 * of one is one.  A pointer to a value may be NULL only where that is said, or
 * if the size is 0.  Values are aligned as malloc's memory for the destructor.
 *
 * Memory: a send happens before the receive of its value; a receive happens
 * before the return of a send that waited for its place; closing happens
 * before whoever is told of it.  Not from signal handlers.  tokio has no such
 * channel; words and rules are those of mpsc.h.
 */
#ifndef CHAPPE_MPMC_H
#define CHAPPE_MPMC_H

#include <chappe/once_cell.h>

#ifdef __cplusplus
extern "C" {
#endif

struct chp__mpmc;

typedef struct chp_mpmc_tx {
	struct chp__mpmc *ch; /* private; NULL: an empty handle */
} chp_mpmc_tx;

typedef struct chp_mpmc_rx {
	struct chp__mpmc *ch;
} chp_mpmc_rx;

typedef struct chp_mpmc_weak {
	struct chp__mpmc *ch;
} chp_mpmc_weak;

/* ---- Making ---- */

/*
 * capacity 0: a rendezvous.  size: bytes of a value, 0 is legal.  drop:
 * destructor for a value that nobody receives, or NULL; it must not use this
 * channel.  0; CHP_EINVAL for a capacity too large, tx or rx NULL; CHP_ENOMEM.
 * A bounded channel's buffer is made here, so sending never allocates.
 */
CHP_API int chp_mpmc_bounded(size_t capacity, size_t size,
			     void (*drop)(void *value), chp_mpmc_tx *tx,
			     chp_mpmc_rx *rx);
CHP_API int chp_mpmc_unbounded(size_t size, void (*drop)(void *value),
			       chp_mpmc_tx *tx, chp_mpmc_rx *rx);

/* *out becomes another handle on the channel.  An empty one gives an empty. */
CHP_API void chp_mpmc_tx_clone(const chp_mpmc_tx *tx, chp_mpmc_tx *out);
CHP_API void chp_mpmc_rx_clone(const chp_mpmc_rx *rx, chp_mpmc_rx *out);

/* A handle must not be dropped before the operations made from it finish. */
CHP_API void chp_mpmc_tx_drop(chp_mpmc_tx *tx);
CHP_API void chp_mpmc_rx_drop(chp_mpmc_rx *rx);

/* ---- Sending ---- */

/*
 * Send a copy of *value, waiting for a place or, without a buffer, for a
 * receiver; unbounded: never waits, but answers interruption and cancellation
 * all the same.  0; CHP_ECLOSED: closed, or no receiver is left; CHP_ENOMEM
 * (unbounded only); CHP_EINVAL: tx is empty; or what ended the wait.
 */
CHP_API int chp_mpmc_send(chp_mpmc_tx *tx, const void *value);
CHP_API int chp_mpmc_send_with(chp_mpmc_tx *tx, const void *value,
			       const chp_wait *w);

/* CHP_EAGAIN: full, or senders are waiting, or (capacity 0) no receiver waits.
   CHP_ECLOSED wins over that. */
CHP_API int chp_mpmc_try_send(chp_mpmc_tx *tx, const void *value);

/* Sending and receiving as operations.  The handle need not stay in place. */
typedef struct chp_mpmc_op {
	chp_op op;
	struct chp__mpmc *ch;
	const void *from;
	void *to;
	size_t limit;
	chp_node node;
	uint32_t flags, reserved0;
	void *reserved[2];
} chp_mpmc_op;

/*
 * *value is copied by the poll that returns 0 and must stay till then.
 * Cancelling loses its place in the queue; a place in the channel that it had
 * been given goes to the next (CHP_GAVE_BACK).
 */
CHP_API void chp_mpmc_send_op(chp_mpmc_op *op, const chp_mpmc_tx *tx,
			      const void *value);

/* ---- Receiving ---- */

/*
 * Wait for the next message.  0: *out has it (NULL: it is destroyed).
 * CHP_ECLOSED: nothing is left and nothing can come.  CHP_EINVAL: rx is empty.
 * Or what ended the wait; no message is lost by that.  CHP_ENOMEM: out is NULL,
 * and there is no memory for the way to the destructor; the message stays.
 */
CHP_API int chp_mpmc_recv(chp_mpmc_rx *rx, void *out);
CHP_API int chp_mpmc_recv_with(chp_mpmc_rx *rx, void *out, const chp_wait *w);

/*
 * CHP_EAGAIN: none now that is not promised to another, but a sender is left
 * or a promised one may be given back.  Capacity 0: takes from a sender that
 * blocks, not from one that is polled by hand.
 */
CHP_API int chp_mpmc_try_recv(chp_mpmc_rx *rx, void *out);

/*
 * Wait for at least one message, then take up to `limit` into the array at
 * out (NULL: destroy one).  Returns how many, at most INT_MAX; 0 only if limit
 * is 0.
 */
CHP_API int chp_mpmc_recv_many(chp_mpmc_rx *rx, void *out, size_t limit);
CHP_API int chp_mpmc_recv_many_with(chp_mpmc_rx *rx, void *out, size_t limit,
				    const chp_wait *w);

/*
 * *out is written by the poll that returns a result.  Cancelling loses its
 * place in the queue; a message that it had been promised goes to the next
 * receiver, or stays the oldest in the channel (CHP_GAVE_BACK).
 */
CHP_API void chp_mpmc_recv_op(chp_mpmc_op *op, const chp_mpmc_rx *rx,
			      void *out);
CHP_API void chp_mpmc_recv_many_op(chp_mpmc_op *op, const chp_mpmc_rx *rx,
				   void *out, size_t limit);

/* ---- Closing ---- */

/*
 * Refuse new messages, from either end, for good; what is buffered can still be
 * received.  Senders that wait fail; one that had been given a place and has
 * not fetched it loses it.
 */
CHP_API void chp_mpmc_close(chp_mpmc_rx *rx);
CHP_API void chp_mpmc_tx_close(chp_mpmc_tx *tx);

/* Was it closed, or is the other end gone?  Messages may remain. */
CHP_API int chp_mpmc_is_closed(const chp_mpmc_tx *tx);
CHP_API int chp_mpmc_rx_is_closed(const chp_mpmc_rx *rx);

/*
 * A sender waits for that.  0, CHP_EINVAL, or what ended the wait.  Any number
 * wait; it costs no budget, and cancelling loses nothing.
 */
CHP_API int chp_mpmc_closed(chp_mpmc_tx *tx);
CHP_API int chp_mpmc_closed_with(chp_mpmc_tx *tx, const chp_wait *w);
CHP_API void chp_mpmc_closed_op(chp_once_op *op, const chp_mpmc_tx *tx);

/* ---- Looking ---- */

/* Messages in the channel, with those that are promised to a receiver. */
CHP_API size_t chp_mpmc_len(const chp_mpmc_rx *rx);
CHP_API int chp_mpmc_is_empty(const chp_mpmc_rx *rx);

/*
 * Free places: promised ones and messages are subtracted; 0 while senders
 * wait.  Unbounded: SIZE_MAX for both; a rendezvous: 0 for both.
 */
CHP_API size_t chp_mpmc_capacity(const chp_mpmc_tx *tx);
CHP_API size_t chp_mpmc_max_capacity(const chp_mpmc_tx *tx);
CHP_API size_t chp_mpmc_rx_capacity(const chp_mpmc_rx *rx);
CHP_API size_t chp_mpmc_rx_max_capacity(const chp_mpmc_rx *rx);

CHP_API int chp_mpmc_same_channel(const chp_mpmc_tx *a, const chp_mpmc_tx *b);
CHP_API int chp_mpmc_rx_same_channel(const chp_mpmc_rx *a,
				     const chp_mpmc_rx *b);

/* ---- Weak senders: keep the memory, not the stream, alive ---- */

CHP_API void chp_mpmc_downgrade(const chp_mpmc_tx *tx, chp_mpmc_weak *out);

/* 0 and a sender in *out, or CHP_ECLOSED for good once no sender was left. */
CHP_API int chp_mpmc_upgrade(const chp_mpmc_weak *weak, chp_mpmc_tx *out);
CHP_API void chp_mpmc_weak_clone(const chp_mpmc_weak *weak, chp_mpmc_weak *out);
CHP_API void chp_mpmc_weak_drop(chp_mpmc_weak *weak);

/* Handles that exist: senders, receivers, weak senders. */
CHP_API size_t chp_mpmc_strong_count(const chp_mpmc_tx *tx);
CHP_API size_t chp_mpmc_receiver_count(const chp_mpmc_tx *tx);
CHP_API size_t chp_mpmc_weak_count(const chp_mpmc_tx *tx);
CHP_API size_t chp_mpmc_rx_strong_count(const chp_mpmc_rx *rx);
CHP_API size_t chp_mpmc_rx_receiver_count(const chp_mpmc_rx *rx);
CHP_API size_t chp_mpmc_rx_weak_count(const chp_mpmc_rx *rx);
CHP_API size_t chp_mpmc_weak_strong_count(const chp_mpmc_weak *weak);
CHP_API size_t chp_mpmc_weak_weak_count(const chp_mpmc_weak *weak);

#ifdef __cplusplus
}
#endif

#endif
