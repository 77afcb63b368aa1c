/*
 * wait_group.c - a count, and those who wait for it to be 0.
 *
 *	LOCKED, WAITING   as in queue.h
 *	bits 2..          the count
 *
 * Invariant, whenever the word is not LOCKED: WAITING => the count is not 0.
 * So whoever brings the count to 0 with WAITING takes the lock for it, claims
 * everybody, and unlocks with a count of 0; anything else is one cas.  Either
 * way what makes the count 0 is the last touch of the group.
 *
 * (D) Each change releases; a wait that sees 0 acquires (A), and so sees what
 * all of the round did.
 */
#include <chappe/wait_group.h>

#include <string.h>

#include "base/panic.h"
#include "sync/queue.h"
#include "wait/block.h"

enum { COUNT_SHIFT = 2 };

static inline int64_t count_of(uint64_t word)
{
	return (int64_t)(word >> COUNT_SHIFT);
}

static inline bool in_range(int64_t count)
{
	return count >= 0 && count <= CHP_WAIT_GROUP_MAX;
}

int chp_wait_group_init(chp_wait_group *wg, int64_t count)
{
	if (!in_range(count))
		return CHP_EINVAL;
	memset(wg, 0, sizeof(*wg));
	wg->word.v = (uint64_t)count << COUNT_SHIFT;
	return 0;
}

void chp_wait_group_destroy(chp_wait_group *wg)
{
	/* Relaxed: the caller knows that the others are done. */
	if (load64_relaxed(&wg->word) & WAITING)
		chp__panic("wait group destroyed while tasks or threads wait "
			   "for it");
}

int64_t chp_wait_group_count(const chp_wait_group *wg)
{
	return count_of(load64_acquire(&wg->word));
}

/* ---- Counting ---- */

/* The lock was taken, and the count goes to 0. */
static COLD void release_all(chp_wait_group *wg)
{
	struct wake_batch batch = { NULL, NULL };

	queue_claim_all(QUEUE_OF(wg), 0, &batch, 0);
	word_unlock(&wg->word, 0);
	batch_wake(&batch);
}

static COLD void out_of_range(bool below)
{
	if (below)
		chp__panic("wait group: more was done than had been added");
	chp__panic("wait group: more was added than it can count");
}

void chp_wait_group_add(chp_wait_group *wg, int64_t n)
{
	uint64_t word, sum;
	int64_t count;

	for (;;) {
		word = word_unlocked(&wg->word);
		if (__builtin_add_overflow(count_of(word), n, &count) ||
		    !in_range(count))
			out_of_range(n < 0);
		sum = word + ((uint64_t)n << COUNT_SHIFT);
		if (count == 0 && word & WAITING) {
			if (word_trylock(&wg->word, word)) {
				release_all(wg);
				return;
			}
		} else if (cas64_release(&wg->word, &word, sum)) { /* (D) */
			return;
		}
	}
}

void chp_wait_group_done(chp_wait_group *wg)
{
	chp_wait_group_add(wg, -1);
}

/* ---- Waiting ---- */

static inline bool is_zero(const chp_wait_group *wg)
{
	return count_of(load64_acquire(&wg->word)) == 0; /* (A) */
}

/* First poll.  True: the count is 0. */
static bool start(chp_wait_group_op *o, chp_waker waker)
{
	chp_wait_group *wg = o->group;
	uint64_t word;
	bool zero;

	if (is_zero(wg))
		return true;
	waker_store(&o->node.waker, waker);
	waker_retain(waker);

	word = word_lock(&wg->word);
	zero = count_of(word) == 0;
	if (!zero) {
		node_enqueue(&wg->first, &wg->last, &o->node);
		word |= WAITING;
	}
	word_unlock(&wg->word, word);

	if (zero)
		waker_release(waker);
	return zero;
}

static int poll(chp_op *op, chp_poll_ctx *ctx)
{
	chp_wait_group_op *o = (chp_wait_group_op *)op;

	if (op->stage == OP_NEW)
		return start(o, ctx->waker) ? 0 : CHP_PENDING;
	if (queue_still_waits(QUEUE_OF(o->group), &o->node, ctx->waker))
		return CHP_PENDING;
	return 0;
}

static int cancel(chp_op *op)
{
	chp_wait_group_op *o = (chp_wait_group_op *)op;

	queue_leave(QUEUE_OF(o->group), &o->node, 0);
	return CHP_HELD_NOTHING;
}

static const chp_op_class wait_group_class = {
	.name = "wait group wait",
	.poll = poll,
	.cancel = cancel,
};

void chp_wait_group_wait_op(chp_wait_group_op *op, chp_wait_group *wg)
{
	op_init(&op->op, &wait_group_class);
	op->group = wg;
}

int chp_wait_group_wait_with(chp_wait_group *wg, const chp_wait *w)
{
	struct agent *self = agent_self();
	chp_wait_group_op op;
	int r = wait_check(self, w);

	if (unlikely(r))
		return r;
	if (is_zero(wg)) {
		agent_spend(self);
		return 0;
	}
	if (wait_expired(self, w))
		return CHP_ETIMEDOUT;
	chp_wait_group_wait_op(&op, wg);
	return chp__block(self, &op.op, w);
}

int chp_wait_group_wait(chp_wait_group *wg)
{
	return chp_wait_group_wait_with(wg, NULL);
}
