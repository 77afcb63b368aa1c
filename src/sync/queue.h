/*
 * queue.h - one 64-bit word and the waiters of an object: the shape that
 * notify, barrier and wait group share.
 *
 *	LOCKED     as in word.h
 *	WAITING    the queue is not empty
 *	bits 2..   the object's own
 *
 * Who was claimed touches its own node only.  So those who are served together
 * may free the object when the first of them goes.
 */
#ifndef CHAPPE_SRC_SYNC_QUEUE_H
#define CHAPPE_SRC_SYNC_QUEUE_H

#include "sync/word.h"
#include "wait/node.h"

enum { WAITING = 2 };

/* The same three fields of each object. */
struct queue {
	chp_word64 *word;
	chp_node **first, **last;
};

#define QUEUE_OF(object)                                                       \
	((struct queue){ &(object)->word, &(object)->first, &(object)->last })

/* ---- Serving; the lock is held, `word` is what unlocking will publish ---- */

static inline uint64_t queue_remove(struct queue q, uint64_t word, chp_node *n)
{
	node_list_remove(q.first, q.last, n);
	return *q.first ? word : word & ~(uint64_t)WAITING;
}

/* Everybody, oldest first, in one pass. */
static inline uint64_t queue_claim_all(struct queue q, uint64_t word,
				       struct wake_batch *batch, int result)
{
	for (chp_node *n = *q.first, *next; n; n = next) {
		next = n->next;
		batch_claim(batch, n, result);
	}
	*q.first = *q.last = NULL;
	return word & ~(uint64_t)WAITING;
}

/* ---- Waiting; the lock is not held ---- */

/* Part of that: another waker for n, if it is still queued. */
bool chp__queue_change_waker(chp_word64 *lock, chp_node *n, chp_waker waker);

/*
 * The owner of n, which was queued, polls again: does it still wait?  Then it
 * does so with this waker.  If not, its result is in n->result.
 */
static inline bool queue_still_waits(struct queue q, chp_node *n,
				     chp_waker waker)
{
	/*
	 * Relaxed: if this is old, a wake is on its way.  CLAIMED counts as
	 * served: one who was claimed together with us may have told.
	 */
	if (load_relaxed(&n->state) == NODE_QUEUED &&
	    (likely(waker_same(n->waker, waker)) ||
	     chp__queue_change_waker(q.word, n, waker)))
		return true;
	node_settle(n);
	return false;
}

/*
 * The owner of n, which was queued, gives up: take it out and `less` off the
 * word.  False: it was served before; its result is in n->result.
 */
static inline bool queue_leave(struct queue q, chp_node *n, uint64_t less)
{
	bool queued = false;
	uint64_t word;

	/* Relaxed: asked again under the lock.  Who was served must not touch
	   the object. */
	if (load_relaxed(&n->state) == NODE_QUEUED) {
		word = word_lock(q.word);
		queued = load_relaxed(&n->state) == NODE_QUEUED;
		if (queued)
			word = queue_remove(q, word, n) - less;
		word_unlock(q.word, word);
	}
	if (!queued) {
		node_settle(n);
		return false;
	}
	store_relaxed(&n->state, NODE_IDLE);
	waker_release(n->waker);
	return true;
}

#endif
