/*
 * node.h - places in queues, and waking those who hold them.
 *
 * Destroy-safety, once for the whole library.  The moment a waiter learns its
 * result it may free the operation and the object.  So whoever serves waiters
 * works in four steps:
 *
 *   claim    under the object's lock: unlink every node that will be served,
 *            write its result, mark it CLAIMED, chain it to a wake_batch
 *   unlock   the last touch of the object
 *   publish  for each node: copy next and waker, then store DONE (release, P):
 *            the last touch of the node
 *   wake     the copied wakers
 *
 *   state     meaning                              leaves by
 *   IDLE      in no queue (owner only)             owner, object's lock: QUEUED
 *   QUEUED    in the object's queue                under object's lock: server
 *                                                  -> CLAIMED, owner -> IDLE
 *   CLAIMED   served, result written, not public   server -> DONE or LISTED
 *   LISTED    as CLAIMED, in an oversize batch     under batch lock: server
 *                                                  -> DONE, owner -> IDLE
 *   DONE      result public, server is gone        owner -> IDLE
 *
 * (P) pairs with the owner's acquire load (Q).  An owner that polls or cancels
 * and finds CLAIMED waits for DONE: no user code runs in between, so that is a
 * few instructions.  Agents are woken as they are published: unparking is our
 * own code, and polls nothing.  Wakers of the user are copied to an array and
 * run after all are published; when a batch has more of them than the array
 * holds, the rest is LISTED, and an owner that comes first takes itself out.
 *
 * A queued node owns a reference on its waker.  Claiming hands the reference to
 * the server.  Only the owner writes node->waker, under the object's lock.
 */
#ifndef CHAPPE_SRC_WAIT_NODE_H
#define CHAPPE_SRC_WAIT_NODE_H

#include <chappe/op.h>

#include "base/list.h"
#include "wait/op.h"

enum node_state {
	NODE_IDLE,
	NODE_QUEUED,
	NODE_CLAIMED,
	NODE_LISTED,
	NODE_DONE
};

DEFINE_LIST(node_list, chp_node);

struct wake_batch {
	chp_node *first, *last; /* chained by next */
};

/* A node that is about to be queued; the caller holds the object's lock. */
static inline void node_enqueue(chp_node **first, chp_node **last, chp_node *n)
{
	node_list_append(first, last, n);
	/* Relaxed: the lock orders. */
	store_relaxed(&n->state, NODE_QUEUED);
}

/* Unlinked already; the object's lock is held. */
static inline void batch_claim(struct wake_batch *b, chp_node *n, int result)
{
	n->result = result;
	n->next = NULL;
	if (b->last)
		b->last->next = n;
	else
		b->first = n;
	b->last = n;
	/* Relaxed: the owner looks under the lock, or waits for DONE. */
	store_relaxed(&n->state, NODE_CLAIMED);
}

/* The same for one that is served alone: no batch. */
static inline void node_claim(chp_node *n, int result)
{
	n->result = result;
	store_relaxed(&n->state, NODE_CLAIMED);
}

/* Publish and wake that one.  After the object's lock was given up. */
void chp__node_wake(chp_node *n);

/* Publish and wake all.  After the object's lock was given up. */
void chp__batch_wake(struct wake_batch *b);

static inline void batch_wake(struct wake_batch *b)
{
	if (b->first)
		chp__batch_wake(b);
}

/* Is the result public?  (Q) */
static inline bool node_is_done(const chp_node *n)
{
	return load_acquire(&n->state) == NODE_DONE;
}

/* Part of node_settle: not public yet. */
void chp__node_settle(chp_node *n);

/*
 * The owner found its node no longer QUEUED: wait until the server is done
 * with it.  The node is then IDLE and its result final.
 */
static inline void node_settle(chp_node *n)
{
	if (unlikely(!node_is_done(n)))
		chp__node_settle(n);
	/* Relaxed: ours alone now. */
	store_relaxed(&n->state, NODE_IDLE);
}

/* Who waits, for lists of waiters; 0 for a poller. */
static inline uint64_t waker_agent_id(chp_waker waker)
{
	return waker_is_agent(waker) ? agent_id(waker.data) : 0;
}

/*
 * Give n, which is queued, another waker; the object's lock is held.  The
 * caller retained `waker` before locking and releases what is returned after
 * unlocking.
 */
static inline chp_waker node_swap_waker(chp_node *n, chp_waker waker)
{
	chp_waker old = n->waker;

	waker_store(&n->waker, waker);
	return old;
}

#endif
