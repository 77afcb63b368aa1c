/*
 * cancel.c - cancellation tokens.
 *
 * state goes from LIVE to CANCELLED once, under the token's lock, with release
 * (C); (D) acquire loads pair with it.  A deadline changes no state: it is
 * compared with the clock wherever the token is looked at, and waits take it
 * as their own.
 *
 * Fields.  lock guards waiters and the step of state.  The tree_lock of the
 * root guards parent, children, next, prev of every token under it.  root and
 * deadline are set before the token is used.
 *
 * Lock order: tree_lock, then a token's lock.  Cancelling walks the tree under
 * tree_lock and claims waiters token by token; the root's tree_lock is the last
 * thing it touches before it publishes.  Destroying a token takes tree_lock, so
 * a token, the root too, outlasts a cancel that is at work on it.
 */
#include "wait/cancel.h"

#include <string.h>

#include "base/panic.h"
#include "os/spin.h"
#include "wait/agent.h"
#include "wait/node.h"
#include "wait/sleep.h"

enum { LIVE, CANCELLED };

static chp_cancel *root_of(chp_cancel *token)
{
	return token->root ? token->root : token;
}

void chp_cancel_init(chp_cancel *token, chp_cancel *parent, chp_time deadline)
{
	chp_cancel *root;

	memset(token, 0, sizeof(*token));
	token->deadline = deadline;
	if (!parent)
		return;

	if (!deadline || (parent->deadline && parent->deadline < deadline))
		token->deadline = parent->deadline;
	root = root_of(parent);
	token->root = root;
	token->parent = parent;

	spin_lock(&root->tree_lock, RANK_CANCEL_TREE);
	/* Relaxed: its state changes under the tree lock only. */
	store_relaxed(&token->state, load_relaxed(&parent->state));
	token->next = parent->children;
	if (token->next)
		token->next->prev = token;
	parent->children = token;
	spin_unlock(&root->tree_lock, RANK_CANCEL_TREE);
}

void chp_cancel_destroy(chp_cancel *token)
{
	chp_cancel *root = root_of(token);

	spin_lock(&root->tree_lock, RANK_CANCEL_TREE);
	if (token->children)
		chp__panic("cancellation token destroyed before one under it");
	if (token->parent) {
		if (token->prev)
			token->prev->next = token->next;
		else
			token->parent->children = token->next;
		if (token->next)
			token->next->prev = token->prev;
	}
	spin_unlock(&root->tree_lock, RANK_CANCEL_TREE);

	if (token->waiters)
		chp__panic("cancellation token destroyed while tasks or "
			   "threads wait for it");
}

static void cancel_one(chp_cancel *token, struct wake_batch *batch)
{
	spin_lock(&token->lock, RANK_CANCEL);
	store_release(&token->state, CANCELLED); /* (C) */
	while (token->waiters) {
		chp_node *n = token->waiters;

		node_list_remove(&token->waiters, &token->last_waiter, n);
		batch_claim(batch, n, 0);
	}
	spin_unlock(&token->lock, RANK_CANCEL);
}

/* The token after t in a walk of the tree under `top`, or NULL. */
static chp_cancel *walk(chp_cancel *t, chp_cancel *top)
{
	if (t->children)
		return t->children;
	while (t != top && !t->next)
		t = t->parent;
	return t == top ? NULL : t->next;
}

void chp_cancel_now(chp_cancel *token)
{
	chp_cancel *root = root_of(token);
	struct wake_batch batch = { NULL, NULL };

	spin_lock(&root->tree_lock, RANK_CANCEL_TREE);
	for (chp_cancel *t = token; t; t = walk(t, token))
		cancel_one(t, &batch);
	spin_unlock(&root->tree_lock, RANK_CANCEL_TREE);

	batch_wake(&batch);
}

int chp_cancel_status(const chp_cancel *token)
{
	if (cancel_is_set(token))
		return CHP_ECANCELED;
	if (token->deadline && agent_passed(agent_self(), token->deadline))
		return CHP_ETIMEDOUT;
	return 0;
}

chp_time chp_cancel_deadline(const chp_cancel *token)
{
	return token->deadline;
}

void chp__cancel_enter(chp_cancel *token, chp_node *place, chp_waker waker)
{
	waker_store(&place->waker, waker);
	store_relaxed(&place->state, NODE_IDLE);

	waker_retain(waker);
	spin_lock(&token->lock, RANK_CANCEL);
	/* Relaxed: under the lock that the step to CANCELLED takes. */
	if (load_relaxed(&token->state) == LIVE)
		node_enqueue(&token->waiters, &token->last_waiter, place);
	spin_unlock(&token->lock, RANK_CANCEL);

	/* Relaxed: only we leave IDLE. */
	if (load_relaxed(&place->state) == NODE_IDLE)
		waker_release(waker);
}

void chp__cancel_leave(chp_cancel *token, chp_node *place)
{
	bool queued;

	/* Relaxed: IDLE is written by the owner only. */
	if (load_relaxed(&place->state) == NODE_IDLE)
		return;

	spin_lock(&token->lock, RANK_CANCEL);
	queued = load_relaxed(&place->state) == NODE_QUEUED;
	if (queued)
		node_list_remove(&token->waiters, &token->last_waiter, place);
	spin_unlock(&token->lock, RANK_CANCEL);

	if (queued) {
		store_relaxed(&place->state, NODE_IDLE);
		waker_release(place->waker);
	} else {
		node_settle(place);
	}
}

/* ---- A token as an operation ---- */

static void replace_waker(chp_cancel_op *o, chp_waker waker)
{
	chp_cancel *token = o->token;
	chp_waker old = waker;

	waker_retain(waker);
	spin_lock(&token->lock, RANK_CANCEL);
	if (load_relaxed(&o->node.state) == NODE_QUEUED)
		old = node_swap_waker(&o->node, waker);
	spin_unlock(&token->lock, RANK_CANCEL);
	waker_release(old);
}

static int poll_cancelled(chp_op *op, chp_poll_ctx *ctx)
{
	chp_cancel_op *o = (chp_cancel_op *)op;
	chp_cancel *token = o->token;
	int r = CHP_PENDING;

	if (op->stage == OP_NEW)
		chp__cancel_enter(token, &o->node, ctx->waker);
	else if (!waker_same(o->node.waker, ctx->waker))
		replace_waker(o, ctx->waker);

	if (cancel_is_set(token))
		r = 0;
	else if (token->deadline)
		r = chp__sleep_poll(&o->deadline, ctx);
	if (r != CHP_PENDING) {
		chp__cancel_leave(token, &o->node);
		chp__sleep_disarm(&o->deadline);
	}
	return r;
}

static int cancel_cancelled(chp_op *op)
{
	chp_cancel_op *o = (chp_cancel_op *)op;

	chp__cancel_leave(o->token, &o->node);
	chp__sleep_disarm(&o->deadline);
	return CHP_HELD_NOTHING;
}

static const chp_op_class cancelled_class = {
	.name = "cancellation token",
	.poll = poll_cancelled,
	.cancel = cancel_cancelled,
};

void chp_cancel_wait_op(chp_cancel_op *op, chp_cancel *token)
{
	op_init(&op->op, &cancelled_class);
	op->token = token;
	chp_sleep_until_op(&op->deadline, token->deadline);
}

int chp_cancel_wait_with(chp_cancel *token, const chp_wait *w)
{
	chp_cancel_op op;

	chp_cancel_wait_op(&op, token);
	return chp_op_wait(&op.op, w);
}

int chp_cancel_wait(chp_cancel *token)
{
	return chp_cancel_wait_with(token, NULL);
}
