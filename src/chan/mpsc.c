/*
 * mpsc.c - making channels, handles, counts, and the wait for closing.
 */
#include "chan/mpsc.h"

#include "base/alloc.h"
#include "base/panic.h"
#include "wait/block.h"

/* ---- Making and freeing ---- */

static int make(size_t capacity, size_t size, void (*drop)(void *value),
		chp_mpsc_tx *tx, chp_mpsc_rx *rx)
{
	struct chp__mpsc *ch;

	if (!tx || !rx)
		return CHP_EINVAL;
	ch = chp__alloc_zero(sizeof(*ch));
	tx->ch = NULL;
	rx->ch = NULL;
	if (!ch)
		return CHP_ENOMEM;
	/* Unbounded: at a thousand million a second, for 292 years. */
	ch->room = capacity ? capacity : UINT64_MAX / 2;
	ch->drop = drop;
	handles_init(&ch->handles, 2);
	if (size > SIZE_MAX / 4 ||
	    chp__store_init(&ch->store, capacity, size) != 0) {
		chp__free(ch, sizeof(*ch));
		return CHP_ENOMEM;
	}
	tx->ch = rx->ch = ch;
	return 0;
}

int chp_mpsc_bounded(size_t capacity, size_t size, void (*drop)(void *value),
		     chp_mpsc_tx *tx, chp_mpsc_rx *rx)
{
	if (!capacity || capacity > SIZE_MAX >> 3)
		return CHP_EINVAL;
	return make(capacity, size, drop, tx, rx);
}

int chp_mpsc_unbounded(size_t size, void (*drop)(void *value), chp_mpsc_tx *tx,
		       chp_mpsc_rx *rx)
{
	return make(0, size, drop, tx, rx);
}

static void free_channel(struct chp__mpsc *ch)
{
	chp__store_free(&ch->store);
	chp__free(ch, sizeof(*ch));
}

void chp__mpsc_unref(struct chp__mpsc *ch)
{
	if (handles_unref(&ch->handles))
		free_channel(ch);
}

/* ---- Senders ---- */

void chp_mpsc_tx_clone(const chp_mpsc_tx *tx, chp_mpsc_tx *out)
{
	struct chp__mpsc *ch = tx->ch;

	if (ch)
		handles_add_sender(&ch->handles);
	out->ch = ch;
}

void chp_mpsc_tx_drop(chp_mpsc_tx *tx)
{
	struct chp__mpsc *ch = tx->ch;
	chp_waker waker;

	tx->ch = NULL;
	if (!ch || !handles_drop_sender(&ch->handles))
		return;
	mpsc_lock(ch);
	waker = mpsc_take_rx(ch);
	mpsc_unlock(ch);
	waker_wake(waker);
	chp__mpsc_unref(ch);
}

int chp_mpsc_is_closed(const chp_mpsc_tx *tx)
{
	struct chp__mpsc *ch = tx->ch;
	bool closed = true;

	if (ch) {
		mpsc_lock(ch);
		closed = load_relaxed(&ch->closed);
		mpsc_unlock(ch);
	}
	return closed;
}

int chp_mpsc_same_channel(const chp_mpsc_tx *a, const chp_mpsc_tx *b)
{
	return a->ch && a->ch == b->ch;
}

/* ---- Weak senders ---- */

static void make_weak(struct chp__mpsc *ch, chp_mpsc_weak *out)
{
	if (ch)
		handles_add_weak(&ch->handles);
	out->ch = ch;
}

void chp_mpsc_downgrade(const chp_mpsc_tx *tx, chp_mpsc_weak *out)
{
	make_weak(tx->ch, out);
}

void chp_mpsc_weak_clone(const chp_mpsc_weak *weak, chp_mpsc_weak *out)
{
	make_weak(weak->ch, out);
}

int chp_mpsc_upgrade(const chp_mpsc_weak *weak, chp_mpsc_tx *out)
{
	struct chp__mpsc *ch = weak->ch;

	out->ch = NULL;
	if (!ch || !handles_upgrade(&ch->handles))
		return CHP_ECLOSED;
	out->ch = ch;
	return 0;
}

void chp_mpsc_weak_drop(chp_mpsc_weak *weak)
{
	struct chp__mpsc *ch = weak->ch;

	weak->ch = NULL;
	if (!ch)
		return;
	if (handles_drop_weak(&ch->handles))
		free_channel(ch);
}

/* ---- Looking ---- */

static size_t strong_of(const struct chp__mpsc *ch)
{
	return ch ? handles_strong(&ch->handles) : 0;
}

static size_t weak_of(const struct chp__mpsc *ch)
{
	return ch ? handles_weak(&ch->handles) : 0;
}

size_t chp_mpsc_strong_count(const chp_mpsc_tx *tx)
{
	return strong_of(tx->ch);
}

size_t chp_mpsc_weak_count(const chp_mpsc_tx *tx)
{
	return weak_of(tx->ch);
}

size_t chp_mpsc_rx_strong_count(const chp_mpsc_rx *rx)
{
	return strong_of(rx->ch);
}

size_t chp_mpsc_rx_weak_count(const chp_mpsc_rx *rx)
{
	return weak_of(rx->ch);
}

size_t chp_mpsc_weak_strong_count(const chp_mpsc_weak *weak)
{
	return strong_of(weak->ch);
}

size_t chp_mpsc_weak_weak_count(const chp_mpsc_weak *weak)
{
	return weak_of(weak->ch);
}

static size_t capacity_of(struct chp__mpsc *ch)
{
	uint64_t room;

	if (!ch)
		return 0;
	if (!mpsc_is_bounded(ch))
		return SIZE_MAX;
	mpsc_lock(ch);
	mpsc_look(ch);
	room = ch->first ? 0 : ch->room;
	mpsc_unlock(ch);
	return (size_t)room;
}

static size_t max_capacity_of(const struct chp__mpsc *ch)
{
	if (!ch)
		return 0;
	return mpsc_is_bounded(ch) ? ch->store.places : SIZE_MAX;
}

size_t chp_mpsc_capacity(const chp_mpsc_tx *tx)
{
	return capacity_of(tx->ch);
}

size_t chp_mpsc_max_capacity(const chp_mpsc_tx *tx)
{
	return max_capacity_of(tx->ch);
}

size_t chp_mpsc_rx_capacity(const chp_mpsc_rx *rx)
{
	return capacity_of(rx->ch);
}

size_t chp_mpsc_rx_max_capacity(const chp_mpsc_rx *rx)
{
	return max_capacity_of(rx->ch);
}

size_t chp_mpsc_len(const chp_mpsc_rx *rx)
{
	return rx->ch ? mpsc_buffered(rx->ch) : 0;
}

int chp_mpsc_is_empty(const chp_mpsc_rx *rx)
{
	return chp_mpsc_len(rx) == 0;
}

int chp_mpsc_rx_is_closed(const chp_mpsc_rx *rx)
{
	chp_mpsc_tx tx = { rx->ch };

	return strong_of(rx->ch) == 0 || chp_mpsc_is_closed(&tx);
}

/* ---- Waiting for the receiver to close ---- */

static struct chp__mpsc *channel_of(const chp_closed_op *o, bool pending)
{
	struct chp__mpsc *ch = o->tx->ch;

	if (!ch && pending)
		chp__panic("mpsc: sender dropped while a wait of it was "
			   "pending");
	return ch;
}

static int poll_closed(chp_op *op, chp_poll_ctx *ctx)
{
	chp_closed_op *o = (chp_closed_op *)op;
	bool closed, fresh = op->stage == OP_NEW;
	struct chp__mpsc *ch = channel_of(o, !fresh);
	chp_waker old = { NULL, NULL };

	if (!ch)
		return CHP_EINVAL;
	if (!fresh && node_is_done(&o->node))
		return 0;

	waker_retain(ctx->waker);
	mpsc_lock(ch);
	closed = load_relaxed(&ch->closed);
	if (closed) {
		old = ctx->waker;
	} else if (fresh) {
		waker_store(&o->node.waker, ctx->waker);
		node_enqueue(&ch->closed_first, &ch->closed_last, &o->node);
	} else {
		old = node_swap_waker(&o->node, ctx->waker);
	}
	mpsc_unlock(ch);
	waker_release(old);
	if (!closed)
		return CHP_PENDING;
	if (!fresh)
		node_settle(&o->node);
	return 0;
}

static int cancel_closed(chp_op *op)
{
	chp_closed_op *o = (chp_closed_op *)op;
	struct chp__mpsc *ch = channel_of(o, true);
	bool queued;

	mpsc_lock(ch);
	queued = load_relaxed(&o->node.state) == NODE_QUEUED;
	if (queued)
		node_list_remove(&ch->closed_first, &ch->closed_last, &o->node);
	mpsc_unlock(ch);
	if (queued)
		waker_release(o->node.waker);
	else
		node_settle(&o->node);
	return CHP_HELD_NOTHING;
}

static const chp_op_class closed_class = {
	.name = "mpsc closed",
	.poll = poll_closed,
	.cancel = cancel_closed,
	.flags = CHP_OP_UNBUDGETED,
};

void chp_mpsc_closed_op(chp_closed_op *op, chp_mpsc_tx *tx)
{
	op_init(&op->op, &closed_class);
	op->tx = tx;
}

int chp_mpsc_closed_with(chp_mpsc_tx *tx, const chp_wait *w)
{
	struct agent *self = agent_self();
	chp_closed_op op;
	int r;

	if (!tx->ch)
		return CHP_EINVAL;
	r = wait_check(self, w);
	if (r)
		return r;
	chp_mpsc_closed_op(&op, tx);
	return chp__block(self, &op.op, w);
}

int chp_mpsc_closed(chp_mpsc_tx *tx)
{
	return chp_mpsc_closed_with(tx, NULL);
}
