/*
 * pool_serve.h - serving a pool's waiters.  The lock is held.
 */
#ifndef CHAPPE_SRC_SYNC_POOL_SERVE_H
#define CHAPPE_SRC_SYNC_POOL_SERVE_H

#include "sync/pool.h"
#include "wait/node.h"

/* UNFAIR, in node->result while the node is queued: its waker is given away. */
enum { ARMED = 0, WOKEN = 1 };

static inline chp__pool_op *op_of(chp_node *n)
{
	return container_of(n, chp__pool_op, node);
}

struct service {
	struct wake_batch batch; /* handed over */
	chp_waker nudge;         /* UNFAIR: the first waiter's, to compete */
};

static inline uint64_t leave_queue(struct chp__pool *p, uint64_t word,
				   chp_node *n)
{
	node_list_remove(&p->first, &p->last, n);
	/* Relaxed: written under the lock, read as an estimate. */
	store_relaxed(&p->queued, load_relaxed(&p->queued) - 1);
	return p->first ? word : word & ~(uint64_t)(QUEUED | WAKING | HANDOFF);
}

static inline uint64_t claim_first(struct chp__pool *p, uint64_t word,
				   int result, struct service *service)
{
	chp_node *n = p->first;

	word = leave_queue(p, word, n);
	if (n->result == WOKEN)
		n->waker.cls = NULL;
	batch_claim(&service->batch, n, result);
	return word;
}

static inline bool covers_first(const struct chp__pool *p, uint64_t word)
{
	return p->first && op_of(p->first)->need <= count_of(word);
}

static inline uint64_t hand_over(struct chp__pool *p, uint64_t word,
				 struct service *service)
{
	while (covers_first(p, word)) {
		word = word_plus(word, -op_of(p->first)->n);
		word = claim_first(p, word, 0, service);
	}
	return word;
}

static inline uint64_t nudge(struct chp__pool *p, uint64_t word,
			     struct service *service)
{
	if (word & HANDOFF && covers_first(p, word)) {
		word = word_plus(word, -op_of(p->first)->n);
		word = claim_first(p, word, 0, service);
		word &= ~(uint64_t)(HANDOFF | WAKING);
	}
	if (!(word & WAKING) && covers_first(p, word)) {
		service->nudge = p->first->waker;
		p->first->result = WOKEN;
		word |= WAKING;
	}
	return word;
}

/* Restore the invariants after the count grew or a waiter left. */
static inline uint64_t settle(struct chp__pool *p, unsigned policy,
			      uint64_t word, struct service *service)
{
	return policy == CHP_UNFAIR ? nudge(p, word, service)
				    : hand_over(p, word, service);
}

/* After unlocking.  The semaphore may be gone. */
static inline void deliver(struct service *service)
{
	batch_wake(&service->batch);
	waker_wake(service->nudge);
}

#endif
