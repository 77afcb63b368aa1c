/*
 * mpmc.h - the channel of many receivers behind the handles.
 *
 * One spin lock guards all but the counts of handles.  Two queues: senders
 * that wait, receivers that wait.  An operation is of one of two kinds:
 *
 *   blocking   a task or thread is parked over it, its value or buffer at hand;
 *              whoever can complete it does, and copies for it
 *   polled     it may be one of several arms, so it must take effect in its own
 *              poll or not at all; it can only be promised something
 *
 * With a buffer, a polled sender is promised a place (`reserved`), a polled
 * receiver a message (`granted`): it leaves the queue, and fills a place, or
 * takes the oldest message, when it is polled.  A promise is a number, not a
 * certain place or message; cancelling gives the number back, and nothing
 * moves.  So messages leave in the order in which they came, always, whoever
 * gave up in between.
 *
 *   invariants with a buffer, when the lock is free
 *     count + reserved <= capacity
 *     granted <= count
 *     a sender waits => count + reserved == capacity
 *     a receiver waits => granted == count
 *     closed => no sender waits
 *     closed and count == 0 => no receiver waits
 *
 * Without one (capacity 0, a rendezvous), a value goes from sender to receiver,
 * and both queues may be occupied while a polled one is on its way to act:
 *
 *   first sender   first receiver   what happens
 *   blocking       blocking         one copy; both are done
 *   polled         any              the sender is woken, stays first, and when
 *                                   polled hands over
 *   blocking       polled           the receiver is woken, stays first, and
 *                                   when polled takes
 *
 * A polled sender that hands over to a polled receiver puts the value into the
 * one place that the store has for this, and `granted` is 1; likewise a try.
 * If that receiver is cancelled, the value stays there, the oldest, for the
 * next.
 *
 *   invariants without a buffer
 *     granted <= count <= 1, reserved == 0
 *     count == 1 and a receiver waits => granted == 1
 *     both wait and count == 0 => one of the first two is polled and has been
 *     woken since (the sender, if it is; else the receiver)
 *
 * settle(), called once before each unlocking, restores all this: it serves
 * whoever can be served.  An operation that is polled again without a buffer
 * acts if it is first in its queue.
 *
 * `closed` is written under the lock, once, and read without as well.  The wait
 * for it is a set once, set after unlocking by whoever closed.
 *
 * Lifetime: chan/handles.h; all receivers together have a reference as well,
 * and their count, too, never rises from 0.
 */
#ifndef CHAPPE_SRC_CHAN_MPMC_H
#define CHAPPE_SRC_CHAN_MPMC_H

#include <chappe/mpmc.h>
#include <chappe/set_once.h>

#include "chan/handles.h"
#include "chan/store.h"
#include "os/spin.h"
#include "wait/node.h"

struct chp__mpmc {
	chp_word lock;
	chp_word closed;
	size_t granted;  /* messages promised to receivers */
	size_t reserved; /* places promised to senders */
	chp_node *tx_first, *tx_last;
	chp_node *rx_first, *rx_last;

	/* set once */
	size_t capacity; /* 0: a rendezvous; SIZE_MAX: unbounded */
	void (*drop)(void *value);

	/* under lock, both sides */
	struct store store;

	struct handles handles;
	chp_word64 receivers; /* handles */

	chp_set_once ended; /* closed, for chp_mpmc_closed() */
};

/* chp_mpmc_op.flags */
enum {
	MPMC_BLOCKING = 1, /* else polled */
	MPMC_MANY = 2,     /* recv_many */
};

/* node->result of a polled operation in a queue: has its waker been given
   away?  Only without a buffer. */
enum { ARMED = 0, WOKEN = 1 };

/* What is to be done after unlocking. */
struct service {
	struct wake_batch batch;
	chp_waker nudge;     /* of one who is woken and stays queued */
	struct block *trash; /* used up */
};

#define NO_SERVICE                                                             \
	{                                                                      \
		{ NULL, NULL }, { NULL, NULL }, NULL                           \
	}

static inline chp_mpmc_op *mpmc_op_of(chp_node *n)
{
	return container_of(n, chp_mpmc_op, node);
}

static inline bool mpmc_is_blocking(const chp_mpmc_op *o)
{
	return (o->flags & MPMC_BLOCKING) != 0;
}

static inline void mpmc_lock(struct chp__mpmc *ch)
{
	spin_lock(&ch->lock, RANK_OBJECT);
}

static inline void mpmc_unlock(struct chp__mpmc *ch)
{
	spin_unlock(&ch->lock, RANK_OBJECT);
}

static inline bool mpmc_is_closed(const struct chp__mpmc *ch)
{
	/* Acquire: closing happens before whoever is told of it.  Pairs with
	   the release in chp__mpmc_close(). */
	return load_acquire(&ch->closed) != 0;
}

/* ---- Lock held: looking ---- */

static inline size_t mpmc_count(const struct chp__mpmc *ch)
{
	/* Relaxed: both change under the lock, or only one is left. */
	return (size_t)(load64_relaxed(&ch->store.pushed) -
			load64_relaxed(&ch->store.popped));
}

/* Is there a message that nobody was promised? */
static inline bool mpmc_has_message(const struct chp__mpmc *ch)
{
	return mpmc_count(ch) > ch->granted;
}

/* Is there a place in the buffer that nobody was promised? */
static inline bool mpmc_has_room(const struct chp__mpmc *ch)
{
	return mpmc_count(ch) + ch->reserved < ch->capacity;
}

/* ---- mpmc_serve.c; the lock is held ---- */

/*
 * Send, for one who is before all waiting senders.  0; CHP_ECLOSED; CHP_EAGAIN:
 * must wait.  leave: without a buffer, may the value be left in the channel for
 * a receiver that is polled?  Unbounded: a block is there.
 */
int chp__mpmc_put(struct chp__mpmc *ch, const void *value, bool leave,
		  struct service *sv);

/*
 * Receive into `to` (NULL: forget it), for one who is before all waiting
 * receivers.  1; CHP_ECLOSED; CHP_EAGAIN.
 */
int chp__mpmc_take(struct chp__mpmc *ch, void *to, struct service *sv);

/* The block is used up, and there is a message: go on to the next. */
void chp__mpmc_next_block(struct chp__mpmc *ch, struct service *sv);

/* Where the oldest message is, which is there. */
static inline void *mpmc_front(struct chp__mpmc *ch, struct service *sv)
{
	if (unlikely(store_at_end(&ch->store)))
		chp__mpmc_next_block(ch, sv);
	return store_front(&ch->store);
}

/* Take the oldest message, which is there and ours. */
void chp__mpmc_pop(struct chp__mpmc *ch, void *to, struct service *sv);

/* Take a place at the end of a queue. */
void chp__mpmc_enqueue(chp_node **first, chp_node **last, chp_node *n,
		       chp_waker waker);

/*
 * Poll a queued operation that cannot act: it waits with this waker, which the
 * caller has retained.  Returns the one before, to be released.
 */
static inline chp_waker mpmc_rearm(chp_node *n, chp_waker waker)
{
	chp_waker old = { NULL, NULL };

	if (n->result == ARMED)
		old = n->waker;
	waker_store(&n->waker, waker);
	n->result = ARMED;
	return old;
}

/* Settle, unlock, deliver.  Until then, all the above may be called. */
void chp__mpmc_leave(struct chp__mpmc *ch, struct service *sv);

/* ---- The lock is not held ---- */

/* Refuse new messages, fail senders that wait, tell all. */
void chp__mpmc_close(struct chp__mpmc *ch);

/* Take op's node out of its queue, if it is still there. */
bool chp__mpmc_withdraw(chp_mpmc_op *o, chp_node **first, chp_node **last);

#endif
