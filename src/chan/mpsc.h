/*
 * mpsc.h - the channel behind the handles.
 *
 * Senders have a spin lock, held for a copy of one value or for serving their
 * queue; the receiver takes it to wait, to learn of the end, when senders wait,
 * and to hand back a block.  Otherwise it pops without.  Two processor
 * operations move a message: the sender's taking of the lock, and the receiver's
 * saying that a place is free again.  Neither side touches what the other writes
 * as long as it knows of values, or of room.
 *
 * Bounded: a ring.  The receiver counts in `freed` the places it has emptied.
 * `room` counts those that are neither filled nor reserved, as far as the
 * senders have looked at `freed`; `credited` is what they saw, without the bit.
 *
 *	pushed - credited / 2 + reserved + room == capacity
 *	credited is all of freed, and room less than the first waiting sender
 *	wants, or nobody waits, or the receiver is about to serve
 *
 *   freed                 meaning
 *   2 * n                 n places emptied ever, and no sender waits
 *   2 * n + SENDERS_WAIT  the receiver serves after it has emptied some
 *
 * (F) release of the receiver's adding pairs with (G) acquire of a sender that
 * looks for room: what was in the place has been copied out.  A sender that is
 * about to wait sets the bit, in the same word and under the lock: either it
 * sees the place, or the receiver sees the bit, and finds it in the queue as
 * soon as it has the lock.  The receiver clears the bit, under the lock.  All
 * change the word by adding, or, and: so each goes on with the release of those
 * before it.
 *
 * A blocking send waits with its value at hand: who makes room moves the value
 * into the ring for it (`direct`).  Any other sender is given the place and
 * fills it when it is polled, because it may still be cancelled.
 *
 * Unbounded: a list of blocks (chan/store.h); `room` does not end.
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
	chp_word closed;        /* no new messages; the receiver reads it */
	uint32_t rx_dropped;    /* nobody will receive */
	uint32_t rx_waiting;    /* rx_waker and rx_op are set */
	uint64_t room;          /* see above */
	uint64_t credited;      /* of `freed`, without the bit */
	chp_node *first, *last; /* senders that wait */
	size_t reserved;        /* places held by permits */
	chp_waker rx_waker;
	const void *rx_op; /* which of the receiver's operations waits */

	/* Pushing is under lock, popping the receiver's alone. */
	struct store store;

	/* the receiver's, and now and then a sender's; see above */
	chp_word64 freed;

	void (*drop)(void *value);
	struct handles handles;
	chp_node *closed_first, *closed_last; /* chp_mpsc_closed(); lock */
};

enum { SENDERS_WAIT = 1, ONE_FREED = 2 };

static inline bool mpsc_is_bounded(const struct chp__mpsc *ch)
{
	return ch->store.places != 0;
}

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

/* The receiver, without the lock: senders wait, and there is room. */
void chp__mpsc_serve_waiting(struct chp__mpsc *ch);

/* The receiver: so many of the oldest values have been forgotten. */
static inline void mpsc_freed(struct chp__mpsc *ch, size_t n)
{
	uint64_t was;

	if (!mpsc_is_bounded(ch))
		return;
	was = add64_release(&ch->freed, (uint64_t)n * ONE_FREED); /* (F) */
	if (unlikely(was & SENDERS_WAIT))
		chp__mpsc_serve_waiting(ch);
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

/* Lock held: count what `freed` was as room. */
static inline void mpsc_credit(struct chp__mpsc *ch, uint64_t freed)
{
	freed &= ~(uint64_t)SENDERS_WAIT;
	ch->room += (freed - ch->credited) / ONE_FREED;
	ch->credited = freed;
}

/* Lock held: look for room. */
static inline void mpsc_look(struct chp__mpsc *ch)
{
	mpsc_credit(ch, load64_acquire(&ch->freed)); /* (G) */
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
	return load_relaxed(&ch->closed) && !ch->reserved;
}

/* n reserved places are given back. */
void chp__mpsc_unreserve(struct chp__mpsc *ch, size_t n);

/* A reserved place is filled. */
void chp__mpsc_fill(struct chp__mpsc *ch, const void *value);

/* What send and reserve have in common: an operation that gets n places. */
void chp__mpsc_place_op(chp_send_op *op, chp_mpsc_tx *tx, const void *value,
			size_t n, chp_mpsc_permit *permit);

/* Forget one reference; the last frees. */
void chp__mpsc_unref(struct chp__mpsc *ch);

#endif
