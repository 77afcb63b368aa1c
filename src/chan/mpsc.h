/*
 * mpsc.h - the channel behind the handles.
 *
 * One spin lock, held for a copy of one value or for serving the senders'
 * queue.  Two processor operations move a message, one for the sender and one
 * for the receiver: taking the lock; giving it up is a plain store.  Designs
 * with less locking need as many, because whoever publishes must still ask
 * whether the other side sleeps, and that question needs a barrier.
 *
 * Bounded: a ring, `room` counts the places that are neither filled nor
 * reserved.
 *
 *	buffered + reserved + room == capacity
 *	room is less than the first waiting sender wants, or nobody waits
 *
 * A blocking send waits with its value at hand: who makes room moves the value
 * into the ring for it (`direct`).  Any other sender is given the place and
 * fills it when it is polled, because it may still be cancelled.
 *
 * Unbounded: a list of blocks (chan/store.h).  The receiver pops without the
 * lock as long as there is something.
 *
 * Lifetime: chan/handles.h; the receiver has a reference as well.
 */
#ifndef CHAPPE_SRC_CHAN_MPSC_H
#define CHAPPE_SRC_CHAN_MPSC_H

#include <chappe/mpsc_permit.h>

#include "chan/handles.h"
#include "chan/store.h"
#include "os/spin.h"
#include "wait/node.h"

struct chp__mpsc {
	/* senders, under lock, but for what is said */
	chp_word lock;
	uint32_t closed;        /* no new messages */
	uint32_t rx_dropped;    /* nobody will receive */
	uint32_t rx_waiting;    /* rx_waker is set */
	size_t room;            /* bounded: see above */
	size_t reserved;        /* places held by permits */
	chp_node *first, *last; /* senders that wait */

	/* set once */
	size_t capacity; /* 0: unbounded */
	void (*drop)(void *value);

	/* senders, under lock */
	chp_waker rx_waker;
	chp_node *closed_first, *closed_last; /* chp_mpsc_closed() */

	struct handles handles;

	/* Pushing is under lock.  Popping is the receiver's alone; under lock
	   too if bounded. */
	struct store store;
};

/* The receiver's block is used up, and there is a value: go on to the next,
   to its first value. */
void *chp__mpsc_next_block(struct chp__mpsc *ch);

/* The receiver: where the oldest value is, which is there. */
static inline void *mpsc_front(struct chp__mpsc *ch)
{
	if (unlikely(store_at_end(&ch->store)))
		return chp__mpsc_next_block(ch);
	return store_front(&ch->store);
}

/* The receiver: forget the oldest value. */
static inline void mpsc_pop(struct chp__mpsc *ch)
{
	store_pop(&ch->store);
}

static inline size_t mpsc_buffered(const struct chp__mpsc *ch)
{
	return store_count(&ch->store);
}

/* ---- Senders ---- */

static inline void mpsc_lock(struct chp__mpsc *ch)
{
	spin_lock(&ch->lock, RANK_OBJECT);
}

static inline void mpsc_unlock(struct chp__mpsc *ch)
{
	spin_unlock(&ch->lock, RANK_OBJECT);
}

/* Lock held; there is room. */
static inline void mpsc_push(struct chp__mpsc *ch, const void *value)
{
	store_push(&ch->store, value);
}

/* Lock held: the receiver's waker, if it waits; to be woken after unlocking. */
static inline chp_waker mpsc_take_rx(struct chp__mpsc *ch)
{
	chp_waker w = { NULL, NULL };

	if (ch->rx_waiting) {
		w = ch->rx_waker;
		ch->rx_waiting = 0;
	}
	return w;
}

/* Lock held: closed, and nothing can come any more. */
static inline bool mpsc_is_idle(const struct chp__mpsc *ch)
{
	return ch->closed && !ch->reserved;
}

/*
 * Lock held: there may be room for senders that wait.  Gives places, or moves
 * values in and then says so by *moved.
 */
void chp__mpsc_serve(struct chp__mpsc *ch, struct wake_batch *batch,
		     bool *moved);

/* n reserved places are given back. */
void chp__mpsc_unreserve(struct chp__mpsc *ch, size_t n);

/* A reserved place is filled. */
void chp__mpsc_fill(struct chp__mpsc *ch, const void *value);

/* What send and reserve have in common: an operation that gets n places. */
void chp__mpsc_place_op(chp_send_op *op, chp_mpsc_tx *tx, const void *value,
			size_t n, chp_mpsc_permit *permit);

/* Forget one reference; the last frees. */
void chp__mpsc_unref(struct chp__mpsc *ch);

/* Lock held: refuse new messages, fail senders that wait. */
void chp__mpsc_close(struct chp__mpsc *ch, struct wake_batch *batch);

#endif
