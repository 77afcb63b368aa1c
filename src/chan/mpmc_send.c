/*
 * mpmc_send.c - sending.
 *
 * A blocking send is done when its node is; a polled one has then been promised
 * a place, and fills it when it is polled.
 */
#include "chan/mpmc_side.h"
#include "wait/block.h"

/*
 * Lock held, and it stays so, with a block at hand if the next push needs one;
 * unless memory runs out: then it is given up.
 */
static bool provide_block(struct chp__mpmc *ch)
{
	struct block *b;

	while (unlikely(store_needs_block(&ch->store))) {
		/* Relaxed: written under the lock.  Nothing will be pushed, and
		   whoever destroys the messages is alone. */
		if (load_relaxed(&ch->closed))
			break;
		mpmc_unlock(ch);
		b = chp__store_make_block(&ch->store);
		if (!b)
			return false;
		mpmc_lock(ch);
		if (!ch->store.spare) {
			ch->store.spare = b;
			continue;
		}
		/* Somebody was faster. */
		mpmc_unlock(ch);
		chp__store_free_block(&ch->store, b);
		mpmc_lock(ch);
	}
	return true;
}

/* Lock held: the common case, a place is free and nobody waits. */
static inline bool push_at_once(struct chp__mpmc *ch, const void *value)
{
	/* Relaxed: written under the lock. */
	bool ok = mpmc_has_room(ch) && !ch->tx_first && !ch->rx_first &&
		  !load_relaxed(&ch->closed) && !store_needs_block(&ch->store);

	if (likely(ok))
		store_push(&ch->store, value);
	return ok;
}

/* Lock held, given up: all other cases. */
static NOINLINE int send_slow(struct chp__mpmc *ch, const void *value,
			      bool leave)
{
	struct service sv = NO_SERVICE;
	int r;

	if (unlikely(!provide_block(ch)))
		return CHP_ENOMEM;
	r = ch->tx_first ? CHP_EAGAIN : chp__mpmc_put(ch, value, leave, &sv);
	chp__mpmc_leave(ch, &sv);
	return r;
}

/* What needs no waiting.  leave: as chp__mpmc_put(). */
static inline int send_at_once(struct chp__mpmc *ch, const void *value,
			       bool leave)
{
	mpmc_lock(ch);
	if (unlikely(!push_at_once(ch, value)))
		return send_slow(ch, value, leave);
	mpmc_unlock(ch);
	return 0;
}

int chp_mpmc_try_send(chp_mpmc_tx *tx, const void *value)
{
	return likely(tx->ch) ? send_at_once(tx->ch, value, true) : CHP_EINVAL;
}

/* ---- The operation ---- */

/* First poll: send, or take a place in the queue. */
static int start(chp_mpmc_op *o, chp_waker waker)
{
	struct service sv = NO_SERVICE;
	struct chp__mpmc *ch = o->ch;
	int r = CHP_EAGAIN;

	if (!ch)
		return CHP_EINVAL;
	waker_retain(waker);
	mpmc_lock(ch);
	if (unlikely(!provide_block(ch))) {
		waker_release(waker);
		return CHP_ENOMEM;
	}
	if (!ch->tx_first)
		r = chp__mpmc_put(ch, o->from, !mpmc_is_blocking(o), &sv);
	if (r == CHP_EAGAIN)
		chp__mpmc_enqueue(&ch->tx_first, &ch->tx_last, &o->node, waker);
	chp__mpmc_leave(ch, &sv);

	if (r == CHP_EAGAIN)
		return CHP_PENDING;
	waker_release(waker);
	return r;
}

/* No longer queued: it was refused, or done, or promised a place. */
static inline int collect(chp_mpmc_op *o)
{
	struct service sv = NO_SERVICE;
	struct chp__mpmc *ch = o->ch;
	int r;

	node_settle(&o->node);
	if (o->node.result != 0 || mpmc_is_blocking(o))
		return o->node.result;
	mpmc_lock(ch);
	ch->reserved--;
	r = chp__mpmc_put(ch, o->from, true, &sv);
	chp__mpmc_leave(ch, &sv);
	return r;
}

static inline int hand_over(chp_mpmc_op *o, struct service *sv)
{
	return chp__mpmc_put(o->ch, o->from, true, sv);
}

static inline struct side senders_of(struct chp__mpmc *ch)
{
	return (struct side){ &ch->tx_first, &ch->tx_last, &ch->reserved,
			      hand_over, collect };
}

static int poll_again(chp_mpmc_op *o, chp_waker waker)
{
	struct side side = senders_of(o->ch);

	return side_poll_again(&side, o, waker);
}

static int poll_send(chp_op *op, chp_poll_ctx *ctx)
{
	chp_mpmc_op *o = (chp_mpmc_op *)op;

	return op->stage == OP_NEW ? start(o, ctx->waker)
				   : poll_again(o, ctx->waker);
}

static int cancel_send(chp_op *op)
{
	chp_mpmc_op *o = (chp_mpmc_op *)op;
	struct side side = senders_of(o->ch);

	return side_cancel(&side, o);
}

static const chp_op_class send_class = {
	.name = "mpmc send",
	.poll = poll_send,
	.cancel = cancel_send,
};

/* Sending without a limit never waits: it costs no budget. */
static const chp_op_class unbounded_class = {
	.name = "mpmc send",
	.poll = poll_send,
	.cancel = cancel_send,
	.flags = CHP_OP_UNBUDGETED,
};

static void init_send(chp_mpmc_op *op, struct chp__mpmc *ch, const void *value,
		      unsigned flags)
{
	op_init(&op->op, ch && ch->capacity == SIZE_MAX ? &unbounded_class
							: &send_class);
	op->ch = ch;
	op->from = value;
	op->flags = flags;
}

void chp_mpmc_send_op(chp_mpmc_op *op, const chp_mpmc_tx *tx, const void *value)
{
	init_send(op, tx->ch, value, 0);
}

/* ---- Blocking ---- */

int chp_mpmc_send_with(chp_mpmc_tx *tx, const void *value, const chp_wait *w)
{
	struct agent *self = agent_self();
	struct chp__mpmc *ch = tx->ch;
	chp_mpmc_op op;
	int r;

	if (unlikely(!ch))
		return CHP_EINVAL;
	r = wait_check(self, w);
	if (unlikely(r))
		return r;
	r = send_at_once(ch, value, false);
	if (likely(r != CHP_EAGAIN)) {
		agent_spend(self);
		return r;
	}
	if (wait_expired(self, w))
		return CHP_ETIMEDOUT;
	init_send(&op, ch, value, MPMC_BLOCKING);
	return chp__block(self, &op.op, w);
}

static inline bool send_fast(struct chp__mpmc *ch, const void *value)
{
	bool ok;

	if (!spin_trylock(&ch->lock, RANK_OBJECT))
		return false;
	ok = push_at_once(ch, value);
	mpmc_unlock(ch);
	return ok;
}

int chp_mpmc_send(chp_mpmc_tx *tx, const void *value)
{
	struct agent *self = agent_unhindered();
	struct chp__mpmc *ch = tx->ch;

	if (unlikely(!self || !ch || !send_fast(ch, value)))
		return chp_mpmc_send_with(tx, value, NULL);
	agent_spend(self);
	return 0;
}
