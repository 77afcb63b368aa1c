/*
 * group_wait.c - waiting for the members of a task group: for all, or for the
 * next that ends.  See group.c.
 */
#include "task/group.h"

#include "wait/block.h"

static inline chp_group_op *op_of(chp_node *n)
{
	return container_of(n, chp_group_op, node);
}

/* lock held: what a waiter gets now, or CHP_PENDING */
static int look(chp_group *g, chp_group_op *o)
{
	o->got = o->out ? pop_ended(g) : NULL;
	if (o->got)
		return 1;
	return g->count == 0 ? 0 : CHP_PENDING;
}

void chp__group_serve(chp_group *g, struct wake_batch *batch)
{
	for (chp_node *n = g->first, *after; n; n = after) {
		int r = look(g, op_of(n));

		after = n->next;
		if (r == CHP_PENDING)
			continue;
		node_list_remove(&g->first, &g->last, n);
		batch_claim(batch, n, r);
	}
}

/* ---- Waiting ---- */

static int fetch(chp_group_op *o, int r)
{
	if (r == 1) {
		*o->out = o->got->result;
		member_unref(o->got);
	}
	return r;
}

static int start(chp_group_op *o, chp_waker waker)
{
	chp_group *g = o->group;
	int r;

	if (o->out && !(g->flags & CHP_GROUP_RESULTS))
		return CHP_EINVAL;
	waker_retain(waker);
	spin_lock(&g->lock, RANK_OBJECT);
	r = look(g, o);
	if (r == CHP_PENDING) {
		waker_store(&o->node.waker, waker);
		node_enqueue(&g->first, &g->last, &o->node);
	}
	spin_unlock(&g->lock, RANK_OBJECT);
	if (r != CHP_PENDING)
		waker_release(waker);
	return r;
}

static int poll_again(chp_group_op *o, chp_waker waker)
{
	chp_group *g = o->group;
	chp_node *n = &o->node;
	bool queued;

	/* Relaxed: if this is old, a wake is on its way. */
	if (load_relaxed(&n->state) == NODE_QUEUED) {
		if (waker_same(n->waker, waker))
			return CHP_PENDING;
		waker_retain(waker);
		spin_lock(&g->lock, RANK_OBJECT);
		/* Relaxed: leaves QUEUED under the lock only. */
		queued = load_relaxed(&n->state) == NODE_QUEUED;
		if (queued)
			waker = node_swap_waker(n, waker);
		spin_unlock(&g->lock, RANK_OBJECT);
		waker_release(waker);
		if (queued)
			return CHP_PENDING;
	}
	node_settle(n);
	return n->result;
}

static int poll(chp_op *op, chp_poll_ctx *ctx)
{
	chp_group_op *o = (chp_group_op *)op;
	int r;

	r = op->stage == OP_NEW ? start(o, ctx->waker)
				: poll_again(o, ctx->waker);
	return r == CHP_PENDING ? r : fetch(o, r);
}

/* lock held: m ended before all that are kept from `after` on */
static void insert_ended(chp_group *g, struct chp__member *m,
			 struct chp__member *after)
{
	if (!after) {
		member_list_append(&g->ended, &g->ended_last, m);
	} else if (!after->prev) {
		member_list_prepend(&g->ended, &g->ended_last, m);
	} else {
		m->prev = after->prev;
		m->next = after;
		after->prev->next = m;
		after->prev = m;
	}
}

/* It will not fetch what it was given: back to where it was in the order. */
static void put_back(chp_group *g, struct chp__member *m)
{
	struct wake_batch batch = { NULL, NULL };
	struct chp__member *after;

	spin_lock(&g->lock, RANK_OBJECT);
	after = g->ended;
	while (after && after->end < m->end)
		after = after->next;
	insert_ended(g, m, after);
	chp__group_serve(g, &batch);
	spin_unlock(&g->lock, RANK_OBJECT);
	batch_wake(&batch);
}

/* Out of the queue; false: it was served before. */
static bool withdraw(chp_group_op *o)
{
	chp_group *g = o->group;
	chp_node *n = &o->node;
	bool queued = false;

	/* Relaxed: asked again under the lock.  Who was served must not touch
	   the group. */
	if (load_relaxed(&n->state) == NODE_QUEUED) {
		spin_lock(&g->lock, RANK_OBJECT);
		queued = load_relaxed(&n->state) == NODE_QUEUED;
		if (queued)
			node_list_remove(&g->first, &g->last, n);
		spin_unlock(&g->lock, RANK_OBJECT);
	}
	if (queued)
		waker_release(n->waker);
	else
		node_settle(n);
	return queued;
}

static int cancel(chp_op *op)
{
	chp_group_op *o = (chp_group_op *)op;

	if (withdraw(o) || o->node.result != 1)
		return CHP_HELD_NOTHING;
	put_back(o->group, o->got);
	return CHP_GAVE_BACK;
}

static const chp_op_class group_class = {
	.name = "group wait",
	.poll = poll,
	.cancel = cancel,
};

void chp_group_next_op(chp_group_op *op, chp_group *g, chp_group_result *out)
{
	op_init(&op->op, &group_class);
	op->group = g;
	op->out = out;
}

void chp_group_wait_op(chp_group_op *op, chp_group *g)
{
	chp_group_next_op(op, g, NULL);
}

int chp__group_wait(chp_group *g, chp_group_result *out, const chp_wait *w)
{
	struct agent *self = agent_self();
	chp_group_op op;
	int r = wait_check(self, w);

	if (r)
		return r;
	chp_group_next_op(&op, g, out);
	return chp__block(self, &op.op, w);
}

int chp_group_wait_with(chp_group *g, const chp_wait *w)
{
	return chp__group_wait(g, NULL, w);
}

int chp_group_wait(chp_group *g)
{
	return chp__group_wait(g, NULL, NULL);
}

int chp_group_next_with(chp_group *g, chp_group_result *out, const chp_wait *w)
{
	if (!(g->flags & CHP_GROUP_RESULTS) || !out)
		return CHP_EINVAL;
	return chp__group_wait(g, out, w);
}

int chp_group_next(chp_group *g, chp_group_result *out)
{
	return chp_group_next_with(g, out, NULL);
}
