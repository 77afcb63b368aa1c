/*
 * mpsc_send.c - sending, and waiting for places.
 *
 * send and reserve are one operation, class place_class: it gets n places;
 * send then fills its one.  It is served through its node (wait/node.h): the
 * result 0 means that the places are reserved for it, or, if direct, that its
 * value is in the channel.
 */
#include "base/panic.h"
#include "chan/mpsc.h"
#include "wait/block.h"

static inline chp_send_op *op_of(chp_node *n)
{
	return container_of(n, chp_send_op, node);
}

/* A blocking send: who makes room may move the value. */
static inline bool is_direct(const chp_send_op *o)
{
	return o->reserved[0] != NULL;
}

/* The channel of an operation that is pending. */
static struct chp__mpsc *channel_of(const chp_send_op *o)
{
	struct chp__mpsc *ch = o->tx->ch;

	if (unlikely(!ch))
		chp__panic("mpsc: sender dropped while a send or reserve of it "
			   "was pending");
	return ch;
}

/* Lock held: may n places be taken now?  0, CHP_EAGAIN, CHP_ECLOSED. */
static inline int judge(struct chp__mpsc *ch, size_t n)
{
	if (unlikely(load_relaxed(&ch->closed)))
		return CHP_ECLOSED;
	if (unlikely(ch->room < n))
		mpsc_look(ch);
	return unlikely(ch->room < n || ch->first) && n ? CHP_EAGAIN : 0;
}

/* Lock held: one of the places is filled. */
static inline void fill(struct chp__mpsc *ch, const void *value)
{
	ch->room--;
	mpsc_push(ch, value);
}

/* Lock held, and it stays so, unless memory runs out: then it is given up. */
COLD static bool provide_block(struct chp__mpsc *ch)
{
	while (store_needs_block(&ch->store)) {
		struct block *b;

		mpsc_unlock(ch);
		b = chp__store_make_block(&ch->store);
		if (!b)
			return false;
		mpsc_lock(ch);
		if (!ch->store.spare) {
			ch->store.spare = b;
			continue;
		}
		/* Somebody was faster. */
		mpsc_unlock(ch);
		chp__store_free_block(&ch->store, b);
		mpsc_lock(ch);
	}
	return true;
}

static inline int send_now(struct chp__mpsc *ch, const void *value)
{
	chp_waker rx = { NULL, NULL };
	int r;

	mpsc_lock(ch);
	if (unlikely(store_needs_block(&ch->store)) && !provide_block(ch))
		return CHP_ENOMEM;
	r = judge(ch, 1);
	if (likely(r == 0)) {
		fill(ch, value);
		rx = mpsc_take_rx(ch);
	}
	mpsc_unlock(ch);
	waker_wake(rx);
	return r;
}

int chp_mpsc_try_send(chp_mpsc_tx *tx, const void *value)
{
	return likely(tx->ch) ? send_now(tx->ch, value) : CHP_EINVAL;
}

/* ---- Permits ---- */

int chp_mpsc_try_reserve_many(chp_mpsc_tx *tx, size_t n,
			      chp_mpsc_permit *permit)
{
	struct chp__mpsc *ch = tx->ch;
	int r;

	*permit = (chp_mpsc_permit){ NULL, 0 };
	if (!ch || !mpsc_is_bounded(ch))
		return CHP_EINVAL;
	if (n > ch->store.places)
		return CHP_EAGAIN;
	mpsc_lock(ch);
	r = judge(ch, n);
	if (r == 0) {
		ch->room -= n;
		ch->reserved += n;
	}
	mpsc_unlock(ch);
	if (r == 0)
		*permit = (chp_mpsc_permit){ ch, n };
	return r;
}

void chp__mpsc_fill(struct chp__mpsc *ch, const void *value)
{
	chp_waker waker = { NULL, NULL };
	bool dropped;

	mpsc_lock(ch);
	ch->reserved--;
	dropped = ch->rx_dropped;
	if (dropped)
		ch->room++;
	else
		mpsc_push(ch, value);
	waker = mpsc_take_rx(ch);
	mpsc_unlock(ch);
	waker_wake(waker);
	/* The value has been handed over, and nobody is there. */
	if (dropped && ch->drop)
		ch->drop((void *)value);
}

/*
 * Lock held: there may be room for senders that wait.  Gives places, or moves
 * values in and then says so by *moved.
 */
static void serve(struct chp__mpsc *ch, struct wake_batch *batch, bool *moved)
{
	if (!ch->first)
		return;
	mpsc_look(ch);
	while (ch->first && op_of(ch->first)->n <= ch->room) {
		chp_send_op *o = op_of(ch->first);

		node_list_remove(&ch->first, &ch->last, &o->node);
		if (is_direct(o)) {
			fill(ch, o->value);
			*moved = true;
		} else {
			ch->room -= o->n;
			ch->reserved += o->n;
		}
		batch_claim(batch, &o->node, 0);
	}
}

void chp__mpsc_serve_waiting(struct chp__mpsc *ch)
{
	struct wake_batch batch = { NULL, NULL };
	bool moved = false; /* it is us who would be woken */

	mpsc_lock(ch);
	serve(ch, &batch, &moved);
	if (!ch->first)
		/* Relaxed: set and cleared under the lock. */
		and64_relaxed(&ch->freed, ~(uint64_t)SENDERS_WAIT);
	mpsc_unlock(ch);
	batch_wake(&batch);
}

void chp__mpsc_unreserve(struct chp__mpsc *ch, size_t n)
{
	struct wake_batch batch = { NULL, NULL };
	chp_waker waker = { NULL, NULL };
	bool moved = false;

	if (!n)
		return;
	mpsc_lock(ch);
	ch->reserved -= n;
	ch->room += n;
	serve(ch, &batch, &moved);
	/* A receiver waits for the last permit of a closed channel. */
	if (moved || mpsc_is_idle(ch))
		waker = mpsc_take_rx(ch);
	mpsc_unlock(ch);
	batch_wake(&batch);
	waker_wake(waker);
}

/* ---- The operation ---- */

/* Lock held, first poll: take the places, or a place in the queue. */
static int enter(chp_send_op *o, struct chp__mpsc *ch, chp_waker *rx)
{
	int r = judge(ch, o->n);

	if (r == CHP_EAGAIN && !ch->first) {
		/* From now on the receiver serves; before, it may have emptied
		   a place. */
		mpsc_credit(ch,
			    or64_acquire(&ch->freed, SENDERS_WAIT)); /* (G) */
		r = judge(ch, o->n);
	}
	if (r == CHP_EAGAIN) {
		node_enqueue(&ch->first, &ch->last, &o->node);
	} else if (r == 0 && o->permit) {
		ch->room -= o->n;
		ch->reserved += o->n;
	} else if (r == 0) {
		fill(ch, o->value);
		*rx = mpsc_take_rx(ch);
	}
	return r;
}

static int start(chp_send_op *o, chp_waker waker)
{
	struct chp__mpsc *ch = o->tx->ch;
	chp_waker rx = { NULL, NULL };
	int r;

	if (!ch || (o->permit && !mpsc_is_bounded(ch)))
		return CHP_EINVAL;
	if (mpsc_is_bounded(ch) && o->n > ch->store.places)
		return CHP_ECLOSED;
	waker_store(&o->node.waker, waker);
	o->node.agent_id = waker_agent_id(waker);
	waker_retain(waker);

	mpsc_lock(ch);
	if (unlikely(store_needs_block(&ch->store)) && !provide_block(ch)) {
		waker_release(waker);
		return CHP_ENOMEM;
	}
	r = enter(o, ch, &rx);
	mpsc_unlock(ch);

	waker_wake(rx);
	if (r == CHP_EAGAIN)
		return CHP_PENDING;
	waker_release(waker);
	if (r == 0 && o->permit)
		*o->permit = (chp_mpsc_permit){ ch, o->n };
	return r;
}

/* Served: use what it got.  Closing takes back a place not yet fetched. */
static int collect(chp_send_op *o)
{
	struct chp__mpsc *ch = channel_of(o);
	bool closed;

	node_settle(&o->node);
	if (o->node.result != 0 || is_direct(o))
		return o->node.result;
	mpsc_lock(ch);
	closed = load_relaxed(&ch->closed);
	mpsc_unlock(ch);
	if (closed) {
		chp__mpsc_unreserve(ch, o->n);
		return CHP_ECLOSED;
	}
	if (o->permit)
		*o->permit = (chp_mpsc_permit){ ch, o->n };
	else
		chp__mpsc_fill(ch, o->value);
	return 0;
}

static int poll_place(chp_op *op, chp_poll_ctx *ctx)
{
	chp_send_op *o = (chp_send_op *)op;
	chp_waker waker = ctx_waker(ctx), old = waker;
	struct chp__mpsc *ch;
	bool queued;

	if (op->stage == OP_NEW)
		return start(o, waker);
	if (node_is_done(&o->node))
		return collect(o);
	if (waker_same(o->node.waker, waker))
		return CHP_PENDING;

	ch = channel_of(o);
	waker_retain(waker);
	mpsc_lock(ch);
	queued = load_relaxed(&o->node.state) == NODE_QUEUED;
	if (queued)
		old = node_swap_waker(&o->node, waker);
	mpsc_unlock(ch);
	waker_release(old);
	return queued ? CHP_PENDING : collect(o);
}

/* Leave the queue: those behind may fit now. */
static bool withdraw(chp_send_op *o)
{
	struct chp__mpsc *ch = channel_of(o);
	struct wake_batch batch = { NULL, NULL };
	chp_waker rx = { NULL, NULL };
	bool queued, moved = false;

	mpsc_lock(ch);
	queued = load_relaxed(&o->node.state) == NODE_QUEUED;
	if (queued) {
		node_list_remove(&ch->first, &ch->last, &o->node);
		serve(ch, &batch, &moved);
		if (moved)
			rx = mpsc_take_rx(ch);
	}
	mpsc_unlock(ch);
	batch_wake(&batch);
	waker_wake(rx);
	if (queued)
		waker_release(o->node.waker);
	return queued;
}

static int cancel_place(chp_op *op)
{
	chp_send_op *o = (chp_send_op *)op;

	if (!node_is_done(&o->node) && withdraw(o))
		return CHP_HELD_NOTHING;
	node_settle(&o->node);
	if (o->node.result != 0)
		return CHP_HELD_NOTHING;
	if (is_direct(o)) {
		op->result = 0;
		return CHP_TOO_LATE;
	}
	chp__mpsc_unreserve(channel_of(o), o->n);
	return CHP_GAVE_BACK;
}

static const chp_op_class place_class = {
	.name = "mpsc send",
	.poll = poll_place,
	.cancel = cancel_place,
};

/* Sending without a limit never waits: it costs no budget. */
static const chp_op_class unbounded_class = {
	.name = "mpsc send",
	.poll = poll_place,
	.cancel = cancel_place,
	.flags = CHP_OP_UNBUDGETED,
};

void chp__mpsc_place_op(chp_send_op *op, chp_mpsc_tx *tx, const void *value,
			size_t n, chp_mpsc_permit *permit)
{
	op_init(&op->op, tx->ch && !mpsc_is_bounded(tx->ch) ? &unbounded_class
							    : &place_class);
	op->tx = tx;
	op->value = value;
	op->n = n;
	op->permit = permit;
	op->reserved[0] = NULL;
	if (permit)
		*permit = (chp_mpsc_permit){ NULL, 0 };
}

void chp_mpsc_send_op(chp_send_op *op, chp_mpsc_tx *tx, const void *value)
{
	chp__mpsc_place_op(op, tx, value, 1, NULL);
}

static int send_blocking(struct agent *self, chp_mpsc_tx *tx, const void *value,
			 const chp_wait *w)
{
	chp_send_op op;

	chp_mpsc_send_op(&op, tx, value);
	op.reserved[0] = &op; /* direct */
	return chp__block(self, &op.op, w);
}

int chp_mpsc_send_with(chp_mpsc_tx *tx, const void *value, const chp_wait *w)
{
	struct agent *self = agent_self();
	int r;

	if (unlikely(!tx->ch))
		return CHP_EINVAL;
	r = wait_check(self, w);
	if (unlikely(r))
		return r;
	r = send_now(tx->ch, value);
	if (likely(r != CHP_EAGAIN)) {
		agent_spend(self);
		return r;
	}
	if (wait_expired(self, w))
		return CHP_ETIMEDOUT;
	return send_blocking(self, tx, value, w);
}

int chp_mpsc_send(chp_mpsc_tx *tx, const void *value)
{
	struct agent *self = agent_unhindered();
	struct chp__mpsc *ch = tx->ch;

	int r;

	if (unlikely(!self || !ch))
		return chp_mpsc_send_with(tx, value, NULL);
	r = send_now(ch, value);
	if (unlikely(r == CHP_EAGAIN))
		return send_blocking(self, tx, value, NULL);
	agent_spend(self);
	return r;
}
