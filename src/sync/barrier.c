/*
 * barrier.c - a count of arrivals, and those who wait for the last one.
 *
 *	LOCKED, WAITING   as in queue.h
 *	bits 2..          arrivals of this generation, fewer than the parties
 *
 * Every arrival takes the lock.  The last one claims everybody, sets the count
 * to 0 and unlocks with one store: so a generation has no name, and nobody can
 * be late for one.  A party that gave up and stays counted is in no queue:
 * there may be more arrivals than waiters.
 *
 * Each arrival acquires what those before it did (L) and passes it on (U); the
 * last one publishes it with the results (node.h, P).
 */
#include <chappe/barrier.h>

#include <string.h>

#include "base/panic.h"
#include "sync/queue.h"
#include "wait/block.h"

enum { ARRIVAL = 4 }; /* one in the count */

static inline uint32_t arrivals_of(uint64_t word)
{
	return (uint32_t)(word / ARRIVAL);
}

int chp_barrier_init(chp_barrier *b, uint32_t parties, unsigned flags)
{
	if (flags & ~CHP_BARRIER_WITHDRAW)
		return CHP_EINVAL;
	memset(b, 0, sizeof(*b));
	b->parties = parties;
	b->flags = flags;
	return 0;
}

void chp_barrier_destroy(chp_barrier *b)
{
	/* Relaxed: the caller knows that the others are done. */
	if (load64_relaxed(&b->word) & WAITING)
		chp__panic("barrier destroyed while tasks or threads wait at "
			   "it");
}

uint32_t chp_barrier_parties(const chp_barrier *b)
{
	return b->parties ? b->parties : 1;
}

uint32_t chp_barrier_arrived(const chp_barrier *b)
{
	/* Acquire: whoever is counted did what it did before. */
	return arrivals_of(load64_acquire(&b->word));
}

/* First poll.  True: as the last one. */
static bool arrive(chp_barrier_op *o, chp_waker waker)
{
	struct wake_batch batch = { NULL, NULL };
	chp_barrier *b = o->barrier;
	uint64_t word;
	bool last;

	waker_store(&o->node.waker, waker);
	waker_retain(waker);

	word = word_lock(&b->word);
	last = arrivals_of(word) + 1 == chp_barrier_parties(b);
	if (last) {
		queue_claim_all(QUEUE_OF(b), word, &batch, 0);
		word = 0;
	} else {
		node_enqueue(&b->first, &b->last, &o->node);
		word = (word | WAITING) + ARRIVAL;
	}
	word_unlock(&b->word, word);

	if (last) {
		batch_wake(&batch);
		waker_release(waker);
	}
	return last;
}

static int poll(chp_op *op, chp_poll_ctx *ctx)
{
	chp_barrier_op *o = (chp_barrier_op *)op;

	if (op->stage == OP_NEW)
		return arrive(o, ctx->waker) ? 1 : CHP_PENDING;
	if (queue_still_waits(QUEUE_OF(o->barrier), &o->node, ctx->waker))
		return CHP_PENDING;
	return 0;
}

static int cancel(chp_op *op)
{
	chp_barrier_op *o = (chp_barrier_op *)op;
	bool withdraws = o->flags & CHP_BARRIER_WITHDRAW;

	if (queue_leave(QUEUE_OF(o->barrier), &o->node,
			withdraws ? ARRIVAL : 0))
		return withdraws ? CHP_HELD_NOTHING : CHP_TOO_LATE;
	op->result = 0;
	return CHP_TOO_LATE;
}

static const chp_op_class barrier_class = {
	.name = "barrier wait",
	.poll = poll,
	.cancel = cancel,
};

void chp_barrier_wait_op(chp_barrier_op *op, chp_barrier *b)
{
	op_init(&op->op, &barrier_class);
	op->barrier = b;
	op->flags = b->flags;
}

int chp_barrier_wait_with(chp_barrier *b, const chp_wait *w)
{
	struct agent *self = agent_self();
	chp_barrier_op op;
	int r = wait_check(self, w);

	if (unlikely(r))
		return r;
	/* Arriving is the try: a deadline in the past comes after it. */
	chp_barrier_wait_op(&op, b);
	return chp__block(self, &op.op, w);
}

int chp_barrier_wait(chp_barrier *b)
{
	return chp_barrier_wait_with(b, NULL);
}
