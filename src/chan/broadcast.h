/*
 * broadcast.h - the channel behind the handles.
 *
 * A ring of N slots, N a power of two; the value at position p is in slot
 * p mod N until that of p + N takes its place.  Positions begin at N, so that
 * a slot of zeros holds no position.
 *
 *	lock (tail)  the next position, the number of receivers, who waits
 *	slot->lock   the slot's position, its value, how many still owe it
 *
 * Lock order: tail, then slot.  Sending takes both, receiving only the slot's:
 * a slot that holds the receiver's position has its value.  Only a receiver
 * that finds another one looks at the tail.
 *
 *   invariants
 *     pos grows with both locks held, so who has the lock of pos's slot knows
 *       whether that one is sent
 *     a receiver owes all of [next, pos) that is still in the ring, and
 *       slot->remaining counts those that owe it; without receivers, 0 all over
 *     boxed: a slot has a cell <=> remaining > 0
 *     the tail's lock is free => who waits for a value is at pos; who waits
 *       for the end of the receivers, and there is one
 *     without a sender nobody waits for a value, once the last drop returns
 *
 * Who overwrites, reads, or gives up a value as the last takes it out of the
 * slot under the lock and destroys it after: no callback runs under a lock.  A
 * cell that a receiver is just cloning has a reference of that receiver.
 *
 * Lifetime: chan/handles.h; each receiver has a reference as well.
 */
#ifndef CHAPPE_SRC_CHAN_BROADCAST_H
#define CHAPPE_SRC_CHAN_BROADCAST_H

#include <chappe/broadcast.h>

#include "chan/handles.h"
#include "chan/value.h"
#include "os/spin.h"
#include "wait/node.h"

/* A value with callbacks; who drops the last reference destroys it. */
struct cell {
	chp_word refs;
	size_t bytes; /* of all this */
	void (*drop)(void *value);
	char value[] __attribute__((aligned(16)));
};

struct slot {
	chp_word lock;
	uint32_t remaining; /* under lock, as all below */
	chp_word64 pos;     /* read without lock, too */
	char value[];       /* boxed: a struct cell * */
};

struct waiters {
	chp_node *first, *last;
};

struct chp__broadcast {
	/* set once */
	uint64_t capacity; /* N */
	size_t size;
	size_t stride; /* from one slot to the next */
	bool boxed;    /* there are callbacks */
	chp_broadcast_values values;

	char apart[CACHE_LINE];

	/* the tail, under lock, but for what is said */
	chp_word lock;
	chp_word receivers;     /* read without lock, too */
	chp_word64 pos;         /* of the next value; read without lock, too */
	struct waiters waiting; /* for a value */
	struct waiters closed;  /* chp_broadcast_closed() */

	struct handles handles;

	char apart_too[CACHE_LINE];
	/* N slots follow */
};

/* ---- The ring ---- */

static inline struct slot *slot_at(struct chp__broadcast *ch, uint64_t pos)
{
	size_t i = (size_t)(pos & (ch->capacity - 1));

	return (struct slot *)((char *)(ch + 1) + i * ch->stride);
}

static inline void slot_lock(struct slot *s)
{
	spin_lock(&s->lock, RANK_RING_SLOT);
}

static inline void slot_unlock(struct slot *s)
{
	spin_unlock(&s->lock, RANK_RING_SLOT);
}

static inline struct cell **slot_cell(struct slot *s)
{
	return (struct cell **)(void *)s->value;
}

/* Lock held. */
static inline bool slot_holds(const struct slot *s, uint64_t pos)
{
	return load64_relaxed(&s->pos) == pos;
}

/*
 * No lock held: is pos not sent yet?  Relaxed: if it is, and that is known
 * from the tail (Q), this sees it.  Keeps who finds nothing off the lock of
 * the slot that the next send needs.
 */
static inline bool slot_is_behind(const struct slot *s, uint64_t pos)
{
	return load64_relaxed(&s->pos) < pos;
}

/* Lock held, boxed: take the cell out, if there is one. */
static inline struct cell *slot_take_cell(struct slot *s)
{
	struct cell *cell = *slot_cell(s);

	*slot_cell(s) = NULL;
	return cell;
}

/* No lock held; NULL is ignored. */
void chp__broadcast_cell_unref(struct cell *cell);

/* The receiver's value at pos is given up; nothing if it was overwritten. */
bool chp__broadcast_pass_over(struct chp__broadcast *ch, uint64_t pos);

/* ---- The tail ---- */

static inline void tail_lock(struct chp__broadcast *ch)
{
	spin_lock(&ch->lock, RANK_OBJECT);
}

static inline void tail_unlock(struct chp__broadcast *ch)
{
	spin_unlock(&ch->lock, RANK_OBJECT);
}

/* Tail locked: everybody who waits there is to look again. */
static inline void claim_all(struct waiters *w, struct wake_batch *batch)
{
	chp_node *next;

	for (chp_node *n = w->first; n; n = next) {
		next = n->next;
		batch_claim(batch, n, 0);
	}
	w->first = w->last = NULL;
}

/*
 * Tail locked: wait, or wait on with another waker, of which the caller has
 * made a reference.  *old: to be released after unlocking.  False: n is just
 * being woken, so look again.
 */
static inline bool wait_among(struct waiters *w, chp_node *n, chp_waker waker,
			      chp_waker *old)
{
	uint32_t state = load_relaxed(&n->state);

	if (state == NODE_QUEUED) {
		*old = node_swap_waker(n, waker);
	} else if (state == NODE_IDLE) {
		waker_store(&n->waker, waker);
		node_enqueue(&w->first, &w->last, n);
	}
	return state == NODE_QUEUED || state == NODE_IDLE;
}

/* The owner: if n has been claimed, wait until it is free again. */
static inline void settle_served(chp_node *n)
{
	/* Relaxed: settling acquires. */
	uint32_t state = load_relaxed(&n->state);

	if (state != NODE_IDLE && state != NODE_QUEUED)
		node_settle(n);
}

/* The owner: n waits no more; it is free when this returns. */
void chp__broadcast_leave(struct chp__broadcast *ch, struct waiters *w,
			  chp_node *n);

/* ---- Lifetime ---- */

/* Forget one reference; the last frees. */
void chp__broadcast_unref(struct chp__broadcast *ch);

#endif
