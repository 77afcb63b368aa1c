/*
 * broadcast_send.c - sending, values with callbacks, and the wait for the end
 * of the receivers.
 *
 * Under the locks a send writes one slot and claims who waits; how many
 * receivers there are does not matter to it.  After unlocking it touches the
 * channel no more: it wakes, and destroys the value it has overwritten.
 */
#include "base/alloc.h"
#include "base/panic.h"
#include "chan/broadcast.h"
#include "wait/block.h"

/* ---- Values with callbacks ---- */

static struct cell *make_cell(const struct chp__broadcast *ch,
			      const void *value)
{
	size_t bytes = sizeof(struct cell) + ch->size;
	struct cell *cell = chp__alloc(bytes);

	if (!cell)
		return NULL;
	/* Relaxed: published by the slot's lock. */
	store_relaxed(&cell->refs, 1);
	cell->bytes = bytes;
	cell->drop = ch->values.drop;
	value_copy(cell->value, value, ch->size);
	return cell;
}

void chp__broadcast_cell_unref(struct cell *cell)
{
	/* Release our reading; the last one acquires everybody's. */
	if (!cell || add_acq_rel(&cell->refs, -1u) != 1)
		return;
	if (cell->drop)
		cell->drop(cell->value);
	chp__free(cell, cell->bytes);
}

/* ---- Sending ---- */

/*
 * Tail locked, there are receivers: put the value, or its cell, at the
 * position; the cell that was overwritten.
 */
static inline struct cell *put(struct chp__broadcast *ch, const void *value,
			       struct cell *cell)
{
	uint64_t pos = load64_relaxed(&ch->pos); /* ours to change */
	struct slot *s = slot_at(ch, pos);
	struct cell *old = NULL;

	slot_lock(s);
	store64_relaxed(&s->pos, pos);
	s->remaining = load_relaxed(&ch->receivers);
	if (cell) {
		old = *slot_cell(s);
		*slot_cell(s) = cell;
	} else {
		value_copy(s->value, value, ch->size);
	}
	/* Release (P): who reads this without a lock (Q) knows of the send, and
	   sees that the slot holds its position; the value is there when the
	   slot's lock is free. */
	store64_release(&ch->pos, pos + 1);
	slot_unlock(s);
	return old;
}

/* Boxed: the cell of a new value, or 0, CHP_ECLOSED, CHP_ENOMEM. */
static int box(struct chp__broadcast *ch, const void *value, struct cell **cell)
{
	/* Relaxed: one that subscribed before we were called is seen. */
	if (!load_relaxed(&ch->receivers))
		return CHP_ECLOSED;
	*cell = make_cell(ch, value);
	return *cell ? 0 : CHP_ENOMEM;
}

int chp_broadcast_send(chp_broadcast_tx *tx, const void *value)
{
	struct chp__broadcast *ch = tx->ch;
	struct wake_batch batch = { NULL, NULL };
	struct cell *cell = NULL, *old = NULL;
	uint32_t n;

	if (unlikely(!ch))
		return CHP_EINVAL;
	if (ch->boxed) {
		int r = box(ch, value, &cell);

		if (r)
			return r;
	}

	tail_lock(ch);
	n = load_relaxed(&ch->receivers);
	if (likely(n)) {
		old = put(ch, value, cell);
		if (unlikely(ch->waiting.first))
			claim_all(&ch->waiting, &batch);
	}
	tail_unlock(ch);

	batch_wake(&batch);
	chp__broadcast_cell_unref(old);
	if (likely(n))
		return (int)n;
	/* Nobody came; the value is the caller's. */
	if (cell)
		chp__free(cell, cell->bytes);
	return CHP_ECLOSED;
}

/* ---- Looking ---- */

/* Tail locked: has somebody still to read what is at pos? */
static bool is_owed(struct chp__broadcast *ch, uint64_t pos)
{
	struct slot *s = slot_at(ch, pos);
	bool owed;

	slot_lock(s);
	owed = s->remaining != 0;
	slot_unlock(s);
	return owed;
}

/*
 * What receivers owe ends at pos without a gap, so look for its beginning by
 * halves.  (While a receiver is being dropped there may be one, for a moment.)
 */
size_t chp_broadcast_tx_len(const chp_broadcast_tx *tx)
{
	struct chp__broadcast *ch = tx->ch;
	uint64_t low, high, pos;

	if (!ch)
		return 0;
	tail_lock(ch);
	pos = load64_relaxed(&ch->pos);
	low = pos - ch->capacity;
	for (high = pos; low < high;) {
		uint64_t middle = low + (high - low) / 2;

		if (is_owed(ch, middle))
			high = middle;
		else
			low = middle + 1;
	}
	tail_unlock(ch);
	return (size_t)(pos - low);
}

int chp_broadcast_tx_is_empty(const chp_broadcast_tx *tx)
{
	struct chp__broadcast *ch = tx->ch;
	bool empty = true;

	if (ch) {
		tail_lock(ch);
		empty = !is_owed(ch, load64_relaxed(&ch->pos) - 1);
		tail_unlock(ch);
	}
	return empty;
}

/* ---- Waiting for the last receiver to go ---- */

void chp__broadcast_leave(struct chp__broadcast *ch, struct waiters *w,
			  chp_node *n)
{
	bool queued = false;

	/* Relaxed: only its owner, who asks, makes a node other than IDLE. */
	if (load_relaxed(&n->state) == NODE_IDLE)
		return;
	if (!node_is_done(n)) {
		tail_lock(ch);
		queued = load_relaxed(&n->state) == NODE_QUEUED;
		if (queued) {
			node_list_remove(&w->first, &w->last, n);
			store_relaxed(&n->state, NODE_IDLE);
		}
		tail_unlock(ch);
	}
	if (queued)
		waker_release(n->waker);
	else
		node_settle(n);
}

/* 0: there is no receiver. */
static int wait_for_none(struct chp__broadcast *ch, chp_node *n,
			 chp_waker waker)
{
	chp_waker old = { NULL, NULL };
	bool waits, none;

	do {
		settle_served(n);
		waker_retain(waker);
		tail_lock(ch);
		none = load_relaxed(&ch->receivers) == 0;
		waits = !none && wait_among(&ch->closed, n, waker, &old);
		tail_unlock(ch);
		waker_release(waits ? old : waker);
	} while (!none && !waits);
	return none ? 0 : CHP_PENDING;
}

static struct chp__broadcast *channel_of(const chp_broadcast_op *o,
					 bool pending)
{
	struct chp__broadcast *ch = ((chp_broadcast_tx *)o->half)->ch;

	if (!ch && pending)
		chp__panic("broadcast: sender dropped while a wait of it was "
			   "pending");
	return ch;
}

static int poll_closed(chp_op *op, chp_poll_ctx *ctx)
{
	chp_broadcast_op *o = (chp_broadcast_op *)op;
	struct chp__broadcast *ch = channel_of(o, op->stage == OP_PENDING);
	int r;

	if (!ch)
		return CHP_EINVAL;
	r = wait_for_none(ch, &o->node, ctx->waker);
	/* Not queued then: the last receiver has claimed all. */
	if (r == 0)
		settle_served(&o->node);
	return r;
}

static int cancel_closed(chp_op *op)
{
	chp_broadcast_op *o = (chp_broadcast_op *)op;
	struct chp__broadcast *ch = channel_of(o, true);

	chp__broadcast_leave(ch, &ch->closed, &o->node);
	return CHP_HELD_NOTHING;
}

static const chp_op_class closed_class = {
	.name = "broadcast closed",
	.poll = poll_closed,
	.cancel = cancel_closed,
	.flags = CHP_OP_UNBUDGETED,
};

void chp_broadcast_closed_op(chp_broadcast_op *op, chp_broadcast_tx *tx)
{
	op_init(&op->op, &closed_class);
	op->half = tx;
	store_relaxed(&op->node.state, NODE_IDLE);
}

int chp_broadcast_closed_with(chp_broadcast_tx *tx, const chp_wait *w)
{
	struct agent *self = agent_self();
	chp_broadcast_op op;
	int r;

	if (!tx->ch)
		return CHP_EINVAL;
	r = wait_check(self, w);
	if (r)
		return r;
	chp_broadcast_closed_op(&op, tx);
	return chp__block(self, &op.op, w);
}

int chp_broadcast_closed(chp_broadcast_tx *tx)
{
	return chp_broadcast_closed_with(tx, NULL);
}
