/*
 * once_cell.c - taking turns, and waiting.  The word and its invariants are in
 * once.h.
 *
 * A waiter is told by its node: SEEN, the value is there; TURN, the turn is
 * its own.  finish unlinks all waiters of both queues in one pass and claims
 * them; fail claims one.
 */
#include "sync/once.h"

#include "base/panic.h"
#include "wait/block.h"

enum { SEEN = 0, TURN = 1 };

int chp_once_cell_initialized(const chp_once_cell *c)
{
	return chp__once_is_set(c);
}

/* ---- The turn ---- */

/* TURN, SEEN, or CHP_EAGAIN: another has it. */
static int take_turn(chp_once_cell *c)
{
	uint32_t word;

	do {
		word = once_word(c); /* (A) */
		if (word & SET)
			return SEEN;
		if (word & RUNNING)
			return CHP_EAGAIN;
	} while (!cas_acquire(&c->word, &word, word | RUNNING)); /* (B) */
	return TURN;
}

int chp_once_cell_try_begin(chp_once_cell *c)
{
	int r = take_turn(c);

	if (r == SEEN)
		return CHP_EALREADY;
	return r == CHP_EAGAIN ? CHP_EBUSY : r;
}

static void claim_all(chp_node **first, chp_node **last,
		      struct wake_batch *batch)
{
	while (*first) {
		chp_node *n = *first;

		node_list_remove(first, last, n);
		batch_claim(batch, n, SEEN);
	}
}

void chp__once_publish(chp_once_cell *c)
{
	struct wake_batch batch = { NULL, NULL };

	claim_all(&c->first, &c->last, &batch);
	claim_all(&c->watch_first, &c->watch_last, &batch);
	once_unlock(c, SET); /* (R) */
	batch_wake(&batch);
}

/* Lock the cell, for the owner of its turn. */
static void lock_running(chp_once_cell *c, const char *call)
{
	if (!(once_lock(c) & RUNNING))
		chp__panic("once cell: %s by one who does not have the turn",
			   call);
}

void chp_once_cell_finish(chp_once_cell *c)
{
	uint32_t word = RUNNING;

	if (likely(cas_release(&c->word, &word, SET))) /* (R) */
		return;
	lock_running(c, "finish");
	chp__once_publish(c);
}

void chp_once_cell_fail(chp_once_cell *c)
{
	struct wake_batch batch = { NULL, NULL };
	uint32_t word = RUNNING;
	chp_node *n;

	if (likely(cas_release(&c->word, &word, EMPTY))) /* (F) */
		return;
	lock_running(c, "fail");
	n = c->first;
	if (n) {
		node_list_remove(&c->first, &c->last, n);
		batch_claim(&batch, n, TURN);
	}
	once_unlock(c, n ? RUNNING : EMPTY); /* (F) */
	batch_wake(&batch);
}

/* ---- Waiting ---- */

/* The first poll, the lock held: a result, or CHP_PENDING and a place. */
static int enter_begin(chp_once_op *o, uint32_t *word)
{
	chp_once_cell *c = o->cell;

	if (*word & RUNNING) {
		node_enqueue(&c->first, &c->last, &o->node);
		return CHP_PENDING;
	}
	*word |= RUNNING;
	return TURN;
}

static int enter_wait(chp_once_op *o, uint32_t *word)
{
	chp_once_cell *c = o->cell;

	(void)word;
	node_enqueue(&c->watch_first, &c->watch_last, &o->node);
	return CHP_PENDING;
}

static int start(chp_once_op *o, chp_waker waker,
		 int (*enter)(chp_once_op *o, uint32_t *word))
{
	chp_once_cell *c = o->cell;
	uint32_t word;
	int r = SEEN;

	waker_store(&o->node.waker, waker);
	o->node.agent_id = waker_agent_id(waker);
	waker_retain(waker);
	word = once_lock(c);
	if (!(word & SET)) {
		r = enter(o, &word);
		once_unlock(c, word & RUNNING);
	}
	if (r != CHP_PENDING)
		waker_release(waker);
	return r;
}

static int collect(chp_once_op *o)
{
	node_settle(&o->node);
	return o->node.result;
}

static int poll_again(chp_once_op *o, chp_waker waker)
{
	chp_once_cell *c = o->cell;
	chp_waker old = waker;
	bool queued = false;
	uint32_t word;

	if (node_is_done(&o->node))
		return collect(o);
	if (waker_same(o->node.waker, waker))
		return CHP_PENDING;

	waker_retain(waker);
	word = once_lock(c);
	if (!(word & SET)) {
		/* Relaxed: leaves QUEUED under the lock only. */
		queued = load_relaxed(&o->node.state) == NODE_QUEUED;
		if (queued)
			old = node_swap_waker(&o->node, waker);
		once_unlock(c, word & RUNNING);
	}
	waker_release(old);
	return queued ? CHP_PENDING : collect(o);
}

/* Leave the queue, if still there. */
static bool withdraw(chp_once_op *o, chp_node **first, chp_node **last)
{
	uint32_t word = once_lock(o->cell);
	bool queued = false;

	if (!(word & SET)) {
		queued = load_relaxed(&o->node.state) == NODE_QUEUED;
		if (queued)
			node_list_remove(first, last, &o->node);
		once_unlock(o->cell, word & RUNNING);
	}
	if (queued)
		waker_release(o->node.waker);
	return queued;
}

static int poll_begin(chp_op *op, chp_poll_ctx *ctx)
{
	chp_once_op *o = (chp_once_op *)op;

	return op->stage == OP_NEW ? start(o, ctx->waker, enter_begin)
				   : poll_again(o, ctx->waker);
}

static int cancel_begin(chp_op *op)
{
	chp_once_op *o = (chp_once_op *)op;
	chp_once_cell *c = o->cell;

	if (!node_is_done(&o->node) && withdraw(o, &c->first, &c->last))
		return CHP_HELD_NOTHING;
	if (collect(o) != TURN)
		return CHP_HELD_NOTHING;
	chp_once_cell_fail(c);
	return CHP_GAVE_BACK;
}

int chp__once_poll_wait(chp_op *op, chp_poll_ctx *ctx)
{
	chp_once_op *o = (chp_once_op *)op;

	return op->stage == OP_NEW ? start(o, ctx->waker, enter_wait)
				   : poll_again(o, ctx->waker);
}

int chp__once_cancel_wait(chp_op *op)
{
	chp_once_op *o = (chp_once_op *)op;
	chp_once_cell *c = o->cell;

	if (node_is_done(&o->node) ||
	    !withdraw(o, &c->watch_first, &c->watch_last))
		collect(o);
	return CHP_HELD_NOTHING;
}

static const chp_op_class begin_class = {
	.name = "once cell begin",
	.poll = poll_begin,
	.cancel = cancel_begin,
};

/* There is a value: then asking for it is a look, not a wait. */
static const chp_op_class look_class = {
	.name = "once cell begin",
	.poll = poll_begin,
	.cancel = cancel_begin,
	.flags = CHP_OP_UNBUDGETED,
};

static const chp_op_class wait_class = {
	.name = "once cell wait",
	.poll = chp__once_poll_wait,
	.cancel = chp__once_cancel_wait,
	.flags = CHP_OP_UNBUDGETED,
};

void chp_once_cell_begin_op(chp_once_op *op, chp_once_cell *c)
{
	op_init(&op->op, chp__once_is_set(c) ? &look_class : &begin_class);
	op->cell = c;
}

void chp_once_cell_wait_op(chp_once_op *op, chp_once_cell *c)
{
	op_init(&op->op, &wait_class);
	op->cell = c;
}

int chp_once_cell_begin_with(chp_once_cell *c, const chp_wait *w)
{
	struct agent *self = agent_self();
	chp_once_op op;
	int r = wait_check(self, w);

	if (unlikely(r))
		return r;
	r = take_turn(c);
	if (likely(r != CHP_EAGAIN)) {
		if (r == TURN)
			agent_spend(self);
		return r;
	}
	if (wait_expired(self, w))
		return CHP_ETIMEDOUT;
	chp_once_cell_begin_op(&op, c);
	return chp__block(self, &op.op, w);
}

int chp_once_cell_begin(chp_once_cell *c)
{
	return chp_once_cell_begin_with(c, NULL);
}

int chp_once_cell_wait_with(chp_once_cell *c, const chp_wait *w)
{
	struct agent *self = agent_self();
	chp_once_op op;
	int r = wait_check(self, w);

	if (unlikely(r))
		return r;
	if (chp__once_is_set(c))
		return 0;
	if (wait_expired(self, w))
		return CHP_ETIMEDOUT;
	chp_once_cell_wait_op(&op, c);
	return chp__block(self, &op.op, w);
}

int chp_once_cell_wait(chp_once_cell *c)
{
	return chp_once_cell_wait_with(c, NULL);
}

/* ---- Alone ---- */

void chp__once_check_alone(const chp_once_cell *c, const char *what,
			   const char *done)
{
	/* Relaxed: the caller knows that the others are done. */
	if (load_relaxed(&c->word) & ~(uint32_t)SET)
		chp__panic("%s: %s while somebody waits for it or makes its "
			   "value",
			   what, done);
}

int chp__once_take(chp_once_cell *c)
{
	uint32_t word = load_relaxed(&c->word);

	/* Relaxed: the caller is alone. */
	store_relaxed(&c->word, EMPTY);
	return word == SET;
}

void chp_once_cell_destroy(chp_once_cell *c)
{
	chp__once_check_alone(c, "once cell", "destroyed");
}

int chp_once_cell_take(chp_once_cell *c)
{
	chp__once_check_alone(c, "once cell", "emptied");
	return chp__once_take(c);
}
