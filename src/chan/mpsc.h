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
 * Unbounded: a list of blocks.  The receiver pops without the lock as long as
 * there is something: a sender's release of `pushed` (P) publishes the value,
 * the receiver's acquire (Q) sees it.
 *
 * Lifetime: refs counts the receiver, one for all senders together, and weak
 * handles.  strong counts senders; it never rises from 0.
 */
#ifndef CHAPPE_SRC_CHAN_MPSC_H
#define CHAPPE_SRC_CHAN_MPSC_H

#include <chappe/mpsc_permit.h>

#include "chan/value.h"
#include "os/spin.h"
#include "wait/node.h"

struct block {
	struct block *next;
	char values[] __attribute__((aligned(16)));
};

struct chp__mpsc {
	/* senders, under lock, but for what is said */
	chp_word lock;
	uint32_t closed;     /* no new messages */
	uint32_t rx_dropped; /* nobody will receive */
	uint32_t rx_waiting; /* rx_waker is set */
	chp_word64 pushed;   /* messages ever; receiver reads without lock */
	size_t room;         /* bounded: see above */
	size_t reserved;     /* places held by permits */
	size_t tx_index;     /* bounded: ring; unbounded: in tx_block */
	struct block *tx_block, *spare;
	chp_node *first, *last; /* senders that wait */
	chp_waker rx_waker;
	chp_node *closed_first, *closed_last; /* chp_mpsc_closed() */

	/* set once */
	size_t capacity; /* 0: unbounded */
	size_t size;
	size_t stride; /* from one value to the next */
	size_t per_block;
	void (*drop)(void *value);
	char *ring;

	/* counts */
	chp_word64 strong, weak;
	chp_word refs;

	char apart[CACHE_LINE];

	/* the receiver's; under lock too if bounded */
	chp_word64 popped; /* messages ever; others read it */
	size_t rx_index;
	struct block *rx_block;
};

/* ---- mpsc_store.c: where the values are ---- */

int chp__mpsc_store_init(struct chp__mpsc *ch);
void chp__mpsc_store_free(struct chp__mpsc *ch);

/* Lock held: must a spare block be there before the next push? */
static inline bool mpsc_needs_block(const struct chp__mpsc *ch)
{
	return !ch->capacity && ch->tx_index == ch->per_block && !ch->spare;
}

/* No lock held. */
struct block *chp__mpsc_make_block(const struct chp__mpsc *ch);
void chp__mpsc_free_block(const struct chp__mpsc *ch, struct block *b);

/* Lock held, the senders' block is full, a spare is there: go on to it. */
void chp__mpsc_link_block(struct chp__mpsc *ch);

/* The receiver's block is used up, and there is a value: go on to the next. */
void chp__mpsc_next_block(struct chp__mpsc *ch);

/* Lock held; there is room.  Copies the value in. */
static inline void mpsc_push(struct chp__mpsc *ch, const void *value)
{
	size_t i = ch->tx_index;
	char *place;

	if (ch->capacity) {
		place = ch->ring + i * ch->stride;
		ch->tx_index = i + 1 == ch->capacity ? 0 : i + 1;
	} else {
		if (unlikely(i == ch->per_block)) {
			chp__mpsc_link_block(ch);
			i = 0;
		}
		place = ch->tx_block->values + i * ch->stride;
		ch->tx_index = i + 1;
	}
	value_copy(place, value, ch->size);
	store64_release(&ch->pushed, load64_relaxed(&ch->pushed) + 1); /* (P) */
}

/* The receiver: where the oldest value is, which is there. */
static inline void *mpsc_front(struct chp__mpsc *ch)
{
	if (ch->capacity)
		return ch->ring + ch->rx_index * ch->stride;
	if (unlikely(ch->rx_index == ch->per_block))
		chp__mpsc_next_block(ch);
	return ch->rx_block->values + ch->rx_index * ch->stride;
}

/* The receiver: forget the oldest value. */
static inline void mpsc_pop(struct chp__mpsc *ch)
{
	size_t i = ch->rx_index + 1;

	ch->rx_index = ch->capacity && i == ch->capacity ? 0 : i;
	/* Release, so that len() of another thread, which acquires it, is not
	   behind what it knows. */
	store64_release(&ch->popped, load64_relaxed(&ch->popped) + 1);
}

static inline size_t mpsc_buffered(const struct chp__mpsc *ch)
{
	/* popped first, so that the difference is never negative; acquire so
	   that a completed send that we know of is counted. */
	uint64_t popped = load64_acquire(&ch->popped);
	uint64_t pushed = load64_acquire(&ch->pushed); /* (Q) */

	return (size_t)(pushed - popped);
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
