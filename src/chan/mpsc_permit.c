/*
 * mpsc_permit.c - places as objects.
 */
#include <chappe/mpsc_permit.h>

#include "chan/mpsc.h"
#include "wait/block.h"

int chp_mpsc_reserve_many_with(chp_mpsc_tx *tx, size_t n,
			       chp_mpsc_permit *permit, const chp_wait *w)
{
	struct agent *self = agent_self();
	chp_send_op op;
	int r;

	*permit = (chp_mpsc_permit){ NULL, 0 };
	if (!tx->ch || !mpsc_is_bounded(tx->ch))
		return CHP_EINVAL;
	r = wait_check(self, w);
	if (r)
		return r;
	if (n > tx->ch->store.places)
		return CHP_ECLOSED;
	r = chp_mpsc_try_reserve_many(tx, n, permit);
	if (r != CHP_EAGAIN) {
		agent_spend(self);
		return r;
	}
	if (wait_expired(self, w))
		return CHP_ETIMEDOUT;
	chp__mpsc_place_op(&op, tx, NULL, n, permit);
	return chp__block(self, &op.op, w);
}

int chp_mpsc_reserve_many(chp_mpsc_tx *tx, size_t n, chp_mpsc_permit *permit)
{
	return chp_mpsc_reserve_many_with(tx, n, permit, NULL);
}

int chp_mpsc_reserve_with(chp_mpsc_tx *tx, chp_mpsc_permit *permit,
			  const chp_wait *w)
{
	return chp_mpsc_reserve_many_with(tx, 1, permit, w);
}

int chp_mpsc_reserve(chp_mpsc_tx *tx, chp_mpsc_permit *permit)
{
	return chp_mpsc_reserve_many_with(tx, 1, permit, NULL);
}

int chp_mpsc_try_reserve(chp_mpsc_tx *tx, chp_mpsc_permit *permit)
{
	return chp_mpsc_try_reserve_many(tx, 1, permit);
}

void chp_mpsc_reserve_op(chp_send_op *op, chp_mpsc_tx *tx,
			 chp_mpsc_permit *permit)
{
	chp__mpsc_place_op(op, tx, NULL, 1, permit);
}

void chp_mpsc_reserve_many_op(chp_send_op *op, chp_mpsc_tx *tx, size_t n,
			      chp_mpsc_permit *permit)
{
	chp__mpsc_place_op(op, tx, NULL, n, permit);
}

int chp_mpsc_permit_send(chp_mpsc_permit *permit, const void *value)
{
	if (!permit->ch || !permit->count)
		return CHP_EINVAL;
	permit->count--;
	chp__mpsc_fill(permit->ch, value);
	return 0;
}

void chp_mpsc_permit_drop(chp_mpsc_permit *permit)
{
	chp_mpsc_permit was = *permit;

	*permit = (chp_mpsc_permit){ NULL, 0 };
	if (was.ch)
		chp__mpsc_unreserve(was.ch, was.count);
}

/* ---- Owned ---- */

/* The place and the sender move into *permit. */
static int own(chp_mpsc_tx *tx, chp_mpsc_permit *place, int r,
	       chp_mpsc_owned_permit *permit)
{
	permit->ch = NULL;
	if (r == 0) {
		permit->ch = place->ch;
		tx->ch = NULL;
	}
	return r;
}

int chp_mpsc_reserve_owned_with(chp_mpsc_tx *tx, chp_mpsc_owned_permit *permit,
				const chp_wait *w)
{
	chp_mpsc_permit place;
	int r = chp_mpsc_reserve_many_with(tx, 1, &place, w);

	return own(tx, &place, r, permit);
}

int chp_mpsc_reserve_owned(chp_mpsc_tx *tx, chp_mpsc_owned_permit *permit)
{
	return chp_mpsc_reserve_owned_with(tx, permit, NULL);
}

int chp_mpsc_try_reserve_owned(chp_mpsc_tx *tx, chp_mpsc_owned_permit *permit)
{
	chp_mpsc_permit place;
	int r = chp_mpsc_try_reserve_many(tx, 1, &place);

	return own(tx, &place, r, permit);
}

/* As an operation: one around the other. */
static int poll_owned(chp_op *op, chp_poll_ctx *ctx)
{
	chp_reserve_owned_op *o = (chp_reserve_owned_op *)op;
	int r = op_poll_part(&o->place.op, ctx);

	return r == CHP_PENDING ? r : own(o->place.tx, &o->got, r, o->permit);
}

static int cancel_owned(chp_op *op)
{
	return chp_op_cancel(&((chp_reserve_owned_op *)op)->place.op);
}

static const chp_op_class owned_class = {
	.name = "mpsc reserve",
	.poll = poll_owned,
	.cancel = cancel_owned,
};

void chp_mpsc_reserve_owned_op(chp_reserve_owned_op *op, chp_mpsc_tx *tx,
			       chp_mpsc_owned_permit *permit)
{
	op_init(&op->op, &owned_class);
	chp__mpsc_place_op(&op->place, tx, NULL, 1, &op->got);
	op->permit = permit;
	permit->ch = NULL;
}

/* The sender goes back to the caller, or is dropped. */
static void disown(chp_mpsc_owned_permit *permit, chp_mpsc_tx *tx)
{
	chp_mpsc_tx sender = { permit->ch };

	permit->ch = NULL;
	if (tx)
		*tx = sender;
	else
		chp_mpsc_tx_drop(&sender);
}

int chp_mpsc_owned_permit_send(chp_mpsc_owned_permit *permit, const void *value,
			       chp_mpsc_tx *tx)
{
	if (!permit->ch)
		return CHP_EINVAL;
	chp__mpsc_fill(permit->ch, value);
	disown(permit, tx);
	return 0;
}

void chp_mpsc_owned_permit_release(chp_mpsc_owned_permit *permit,
				   chp_mpsc_tx *tx)
{
	if (permit->ch)
		chp__mpsc_unreserve(permit->ch, 1);
	disown(permit, tx);
}

int chp_mpsc_owned_permit_same_channel(const chp_mpsc_owned_permit *p,
				       const chp_mpsc_tx *tx)
{
	return p->ch && p->ch == tx->ch;
}
