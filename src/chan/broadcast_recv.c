/*
 * broadcast_recv.c - receiving.
 *
 * A receive looks into the slot of its position, under the slot's lock alone.
 *
 *   the slot holds     then
 *   this position      it is taken
 *   an older one       not sent yet: wait, or closed (seen without the lock)
 *   a newer one        overwritten: lagged, by how much the tail tells
 *
 * A receiver that waits has its node in the tail's queue.  A send claims them
 * all; who is woken looks into its slot again, so a wake carries nothing and a
 * cancelled receive has nothing to pass on.
 *
 * Inside this file CHP_PENDING means that there is nothing yet; try_recv calls
 * it CHP_EAGAIN.  So no code of a clone is taken for it.
 */
#include <limits.h>

#include "chan/broadcast.h"
#include "wait/block.h"

/* op->limit of a receive that takes one and then says 0. */
#define SINGLE SIZE_MAX

/* ---- Taking ---- */

/* Plain bytes: take the value into out, if it is there. */
static inline bool take_bytes(struct chp__broadcast *ch, chp_broadcast_rx *rx,
			      void *out)
{
	struct slot *s = slot_at(ch, rx->next);
	bool there;

	if (slot_is_behind(s, rx->next))
		return false;
	slot_lock(s);
	there = slot_holds(s, rx->next);
	if (likely(there)) {
		s->remaining--;
		value_copy(out, s->value, ch->size);
		rx->next++;
	}
	slot_unlock(s);
	return there;
}

/* A reference of the value, if it is there. */
static struct cell *take_cell(struct chp__broadcast *ch, chp_broadcast_rx *rx)
{
	struct slot *s = slot_at(ch, rx->next);
	struct cell *cell = NULL;

	if (slot_is_behind(s, rx->next))
		return NULL;
	slot_lock(s);
	if (slot_holds(s, rx->next)) {
		rx->next++;
		if (--s->remaining == 0) {
			cell = slot_take_cell(s);
		} else {
			cell = *slot_cell(s);
			/* Relaxed: the slot's own is there. */
			add_relaxed(&cell->refs, 1);
		}
	}
	slot_unlock(s);
	return cell;
}

/* No lock held, and the cursor is past the value: this is the user's code. */
static int clone(const struct chp__broadcast *ch, void *out,
		 const struct cell *cell)
{
	int r;

	if (!ch->values.clone) {
		value_copy(out, cell->value, ch->size);
		return 0;
	}
	r = ch->values.clone(out, cell->value);
	/* That would be understood as nothing there. */
	return r == CHP_PENDING ? CHP_EINVAL : r;
}

/* 1: taken; 0: the slot does not hold it; negative: taken, clone failed. */
static int take(chp_broadcast_rx *rx, void *out)
{
	struct chp__broadcast *ch = rx->ch;
	struct cell *cell;
	int r;

	if (!out) {
		if (!chp__broadcast_pass_over(ch, rx->next))
			return 0;
		rx->next++;
		return 1;
	}
	if (!ch->boxed)
		return take_bytes(ch, rx, out);
	cell = take_cell(ch, rx);
	if (!cell)
		return 0;
	r = clone(ch, out, cell);
	chp__broadcast_cell_unref(cell);
	return r < 0 ? r : 1;
}

/*
 * The slot did not hold the receiver's position.  0: now it does, or will when
 * its lock is free; else CHP_PENDING, CHP_ECLOSED, or CHP_ELAGGED.
 */
static int judge(const struct chp__broadcast *ch, const chp_broadcast_rx *rx)
{
	/* (R) acquire: if it is 0 (S), pos is read after the last send. */
	uint64_t strong = handles_strong(&ch->handles);
	/* (Q) acquire: pairs with (P). */
	uint64_t pos = load64_acquire(&ch->pos);

	if (pos == rx->next)
		return strong ? CHP_PENDING : CHP_ECLOSED;
	return pos - rx->next > ch->capacity ? CHP_ELAGGED : 0;
}

/* Go on with the oldest value that is kept. */
static int skip_lost(chp_broadcast_rx *rx, uint64_t *lagged)
{
	/* Relaxed: judge() has acquired this value or an older one, from
	   which it is lagged as well.  The next take looks for itself. */
	uint64_t oldest = load64_relaxed(&rx->ch->pos) - rx->ch->capacity;

	rx->lagged = oldest - rx->next;
	rx->next = oldest;
	if (lagged)
		*lagged = rx->lagged;
	return CHP_ELAGGED;
}

/* Why the first value could not be taken; 0: try again. */
static int not_taken(chp_broadcast_rx *rx, uint64_t *lagged)
{
	int r = judge(rx->ch, rx);

	return r == CHP_ELAGGED ? skip_lost(rx, lagged) : r;
}

/*
 * Take up to limit values that are there.  How many; or CHP_PENDING,
 * CHP_ECLOSED, CHP_ELAGGED, or what a clone said.
 */
static int receive(chp_broadcast_rx *rx, char *out, size_t limit,
		   uint64_t *lagged)
{
	size_t size = rx->ch->size, n = 0;
	int r = rx->failed;

	rx->failed = 0;
	while (!r && n < limit) {
		r = take(rx, out ? out + n * size : NULL);
		if (r > 0) {
			n++;
			r = 0;
		} else if (n) {
			/* What this clone said comes next time. */
			rx->failed = r;
			break;
		} else if (r == 0) {
			r = not_taken(rx, lagged);
		}
	}
	return n ? (int)n : r;
}

int chp_broadcast_try_recv(chp_broadcast_rx *rx, void *out, uint64_t *lagged)
{
	int r = rx->ch ? receive(rx, out, 1, lagged) : CHP_EINVAL;

	if (r == CHP_PENDING)
		return CHP_EAGAIN;
	return r > 0 ? 0 : r;
}

/* ---- Waiting ---- */

/* Take a place, or keep it; false: look again, something has changed. */
static bool wait_here(chp_broadcast_op *o, chp_waker waker)
{
	chp_broadcast_rx *rx = o->half;
	struct chp__broadcast *ch = rx->ch;
	chp_waker old = { NULL, NULL };
	bool waits;

	waker_retain(waker);
	tail_lock(ch);
	waits = judge(ch, rx) == CHP_PENDING &&
		wait_among(&ch->waiting, &o->node, waker, &old);
	tail_unlock(ch);
	waker_release(waits ? old : waker);
	return waits;
}

/* How many values the operation takes. */
static inline size_t limit_of(const chp_broadcast_op *o)
{
	return o->limit == SINGLE ? 1 : o->limit;
}

static int poll_recv(chp_op *op, chp_poll_ctx *ctx)
{
	chp_broadcast_op *o = (chp_broadcast_op *)op;
	chp_broadcast_rx *rx = o->half;
	int r;

	if (!rx->ch)
		return CHP_EINVAL;
	if (!o->limit)
		return 0;
	do {
		settle_served(&o->node);
		r = receive(rx, o->out, limit_of(o), o->lagged);
	} while (r == CHP_PENDING && !wait_here(o, ctx->waker));

	if (r == CHP_PENDING) {
		rx->pending += op->stage == OP_NEW;
		return r;
	}
	chp__broadcast_leave(rx->ch, &rx->ch->waiting, &o->node);
	rx->pending -= op->stage != OP_NEW;
	return r > 0 && o->limit == SINGLE ? 0 : r;
}

static int cancel_recv(chp_op *op)
{
	chp_broadcast_op *o = (chp_broadcast_op *)op;
	chp_broadcast_rx *rx = o->half;

	/* It has a channel: it cannot be dropped with a pending receive. */
	chp__broadcast_leave(rx->ch, &rx->ch->waiting, &o->node);
	rx->pending--;
	return CHP_HELD_NOTHING;
}

static const chp_op_class recv_class = {
	.name = "broadcast receive",
	.poll = poll_recv,
	.cancel = cancel_recv,
};

static void init_recv(chp_broadcast_op *op, chp_broadcast_rx *rx, void *out,
		      size_t limit, uint64_t *lagged)
{
	op_init(&op->op, &recv_class);
	op->half = rx;
	op->out = out;
	op->limit = limit;
	op->lagged = lagged;
	store_relaxed(&op->node.state, NODE_IDLE);
}

void chp_broadcast_recv_op(chp_broadcast_op *op, chp_broadcast_rx *rx,
			   void *out, uint64_t *lagged)
{
	init_recv(op, rx, out, SINGLE, lagged);
}

void chp_broadcast_recv_many_op(chp_broadcast_op *op, chp_broadcast_rx *rx,
				void *out, size_t limit, uint64_t *lagged)
{
	init_recv(op, rx, out, limit > INT_MAX ? INT_MAX : limit, lagged);
}

static int block(chp_broadcast_op *op, const chp_wait *w)
{
	struct agent *self = agent_self();
	chp_broadcast_rx *rx = op->half;
	int r;

	if (unlikely(!rx->ch))
		return CHP_EINVAL;
	r = wait_check(self, w);
	if (unlikely(r))
		return r;
	r = op->limit ? receive(rx, op->out, limit_of(op), op->lagged) : 0;
	if (likely(r != CHP_PENDING)) {
		agent_spend(self);
		return r > 0 && op->limit == SINGLE ? 0 : r;
	}
	if (wait_expired(self, w))
		return CHP_ETIMEDOUT;
	return chp__block(self, &op->op, w);
}

int chp_broadcast_recv_with(chp_broadcast_rx *rx, void *out, uint64_t *lagged,
			    const chp_wait *w)
{
	chp_broadcast_op op;

	chp_broadcast_recv_op(&op, rx, out, lagged);
	return block(&op, w);
}

int chp_broadcast_recv(chp_broadcast_rx *rx, void *out, uint64_t *lagged)
{
	struct agent *self = agent_unhindered();
	struct chp__broadcast *ch = rx->ch;

	/* The common case in one step: plain bytes, and they are there. */
	if (unlikely(!self || !ch || !out || ch->boxed ||
		     !take_bytes(ch, rx, out)))
		return chp_broadcast_recv_with(rx, out, lagged, NULL);
	agent_spend(self);
	return 0;
}

int chp_broadcast_recv_many_with(chp_broadcast_rx *rx, void *out, size_t limit,
				 uint64_t *lagged, const chp_wait *w)
{
	chp_broadcast_op op;

	chp_broadcast_recv_many_op(&op, rx, out, limit, lagged);
	return block(&op, w);
}

int chp_broadcast_recv_many(chp_broadcast_rx *rx, void *out, size_t limit,
			    uint64_t *lagged)
{
	return chp_broadcast_recv_many_with(rx, out, limit, lagged, NULL);
}
