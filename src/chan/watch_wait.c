/*
 * watch_wait.c - waiting for a change, for a value, for the receivers to go.
 *
 * Whoever waits stands in a queue of the channel until there is something new;
 * then all are claimed in the critical section that made it new, with no result
 * but "look again".  So a poll looks, and queues if there is nothing, under the
 * lock that a change takes; one that is woken in vain, because its handle was
 * marked or somebody subscribed, queues again.  There is no order among those
 * who wait.
 */
#include "base/panic.h"
#include "chan/watch.h"
#include "wait/block.h"

/* ---- Queues ---- */

/* A kind of wait: where it queues, and whether it need not.  ready is called
   with the lock and without; relaxed, since without the lock it only says
   whether to look properly. */
struct kind {
	size_t queue; /* offset in struct chp__watch */
	bool (*ready)(const chp_watch_op *o);
};

static bool has_news(const chp_watch_op *o)
{
	/* An unseen value, or CLOSED, which `seen` never has. */
	return load64_relaxed(&o->rx->ch->version) != o->rx->seen;
}

static bool has_no_receiver(const chp_watch_op *o)
{
	return load64_relaxed(&o->tx->ch->receivers) == 0;
}

static const struct kind change = { offsetof(struct chp__watch, changed),
				    has_news };
static const struct kind closing = { offsetof(struct chp__watch, closed),
				     has_no_receiver };

static inline struct watch_queue *queue_of(struct chp__watch *ch,
					   const struct kind *kind)
{
	return (struct watch_queue *)(void *)((char *)ch + kind->queue);
}

/* Queued with this very waker, and nothing is new?  If it is claimed meanwhile,
   a wake follows. */
static bool waits_already(const chp_watch_op *o, const struct kind *kind,
			  chp_waker waker)
{
	/* Relaxed: who was woken has seen the state that the wake came after.
	   If it is not QUEUED any more, leave() acquires. */
	return load_relaxed(&o->node.state) == NODE_QUEUED &&
	       waker_same(o->node.waker, waker) && !kind->ready(o);
}

/* Queue, unless there is something new. */
static bool enter(struct chp__watch *ch, chp_watch_op *o,
		  const struct kind *kind, chp_waker waker)
{
	struct watch_queue *q = queue_of(ch, kind);
	bool waits;

	waker_store(&o->node.waker, waker);
	waker_retain(waker);
	watch_lock(ch);
	waits = !kind->ready(o);
	if (waits)
		node_enqueue(&q->first, &q->last, &o->node);
	watch_unlock(ch);
	if (!waits)
		waker_release(waker);
	return waits;
}

/* Relaxed: the owner alone leaves IDLE. */
static inline bool is_idle(const chp_watch_op *o)
{
	return load_relaxed(&o->node.state) == NODE_IDLE;
}

/* The handle is empty. */
static int refuse(const chp_watch_op *o)
{
	if (!is_idle(o))
		chp__panic("watch: a handle was dropped while an operation on "
			   "it waits");
	return CHP_EINVAL;
}

/* Leave the queue, if in it. */
static void leave(struct chp__watch *ch, chp_watch_op *o,
		  const struct kind *kind)
{
	struct watch_queue *q = queue_of(ch, kind);
	chp_node *n = &o->node;
	bool queued = false;

	if (is_idle(o))
		return;
	if (!node_is_done(n)) {
		watch_lock(ch);
		/* Relaxed: leaves QUEUED under the lock only. */
		queued = load_relaxed(&n->state) == NODE_QUEUED;
		if (queued)
			node_list_remove(&q->first, &q->last, n);
		watch_unlock(ch);
	}
	if (queued) {
		store_relaxed(&n->state, NODE_IDLE);
		waker_release(n->waker);
	} else {
		node_settle(n);
	}
}

static void init(chp_watch_op *op, const chp_op_class *cls)
{
	op_init(&op->op, cls);
	op->tx = NULL;
	op->rx = NULL;
	op->ref = NULL;
	op->pred = NULL;
	op->arg = NULL;
	store_relaxed(&op->node.state, NODE_IDLE);
}

/* ---- Closed: no receiver is left ---- */

static int poll_closed(chp_op *op, chp_poll_ctx *ctx)
{
	chp_watch_op *o = (chp_watch_op *)op;
	struct chp__watch *ch = o->tx->ch;

	if (!ch)
		return refuse(o);
	if (waits_already(o, &closing, ctx->waker))
		return CHP_PENDING;
	leave(ch, o, &closing);
	return enter(ch, o, &closing, ctx->waker) ? CHP_PENDING : 0;
}

static int cancel_closed(chp_op *op)
{
	chp_watch_op *o = (chp_watch_op *)op;

	if (o->tx->ch)
		leave(o->tx->ch, o, &closing);
	else
		refuse(o);
	return CHP_HELD_NOTHING;
}

static const chp_op_class closed_class = {
	.name = "watch closed",
	.poll = poll_closed,
	.cancel = cancel_closed,
};

void chp_watch_closed_op(chp_watch_op *op, const chp_watch_tx *tx)
{
	init(op, &closed_class);
	op->tx = tx;
}

int chp_watch_closed_with(const chp_watch_tx *tx, const chp_wait *w)
{
	struct agent *self = agent_self();
	chp_watch_op op;
	int r;

	if (!tx->ch)
		return CHP_EINVAL;
	r = wait_check(self, w);
	if (r)
		return r;
	if (chp_watch_is_closed(tx)) {
		agent_spend(self);
		return 0;
	}
	if (wait_expired(self, w))
		return CHP_ETIMEDOUT;
	chp_watch_closed_op(&op, tx);
	return chp__block(self, &op.op, w);
}

int chp_watch_closed(const chp_watch_tx *tx)
{
	return chp_watch_closed_with(tx, NULL);
}

/* ---- Changed ---- */

/* An unseen value is marked seen; CHP_ECLOSED; or CHP_EAGAIN. */
static inline int look(chp_watch_rx *rx)
{
	uint64_t version = load64_acquire(&rx->ch->version); /* (W) */

	/* Unseen comes before closed. */
	if ((version & ~(uint64_t)CLOSED) != rx->seen) {
		rx->seen = version & ~(uint64_t)CLOSED;
		return 0;
	}
	return version & CLOSED ? CHP_ECLOSED : CHP_EAGAIN;
}

static int poll_changed(chp_op *op, chp_poll_ctx *ctx)
{
	chp_watch_op *o = (chp_watch_op *)op;
	struct chp__watch *ch = o->rx->ch;
	int r;

	if (!ch)
		return refuse(o);
	if (waits_already(o, &change, ctx->waker))
		return CHP_PENDING;
	leave(ch, o, &change);
	do
		r = look(o->rx);
	while (r == CHP_EAGAIN && !enter(ch, o, &change, ctx->waker));
	return r == CHP_EAGAIN ? CHP_PENDING : r;
}

static int cancel_changed(chp_op *op)
{
	chp_watch_op *o = (chp_watch_op *)op;

	if (o->rx->ch)
		leave(o->rx->ch, o, &change);
	else
		refuse(o);
	return CHP_HELD_NOTHING;
}

static const chp_op_class changed_class = {
	.name = "watch changed",
	.poll = poll_changed,
	.cancel = cancel_changed,
};

void chp_watch_changed_op(chp_watch_op *op, chp_watch_rx *rx)
{
	init(op, &changed_class);
	op->rx = rx;
}

int chp_watch_changed_with(chp_watch_rx *rx, const chp_wait *w)
{
	struct agent *self = agent_self();
	chp_watch_op op;
	int r;

	if (unlikely(!rx->ch))
		return CHP_EINVAL;
	r = wait_check(self, w);
	if (unlikely(r))
		return r;
	r = look(rx);
	if (r != CHP_EAGAIN) {
		agent_spend(self);
		return r;
	}
	if (wait_expired(self, w))
		return CHP_ETIMEDOUT;
	chp_watch_changed_op(&op, rx);
	return chp__block(self, &op.op, w);
}

int chp_watch_changed(chp_watch_rx *rx)
{
	return chp_watch_changed_with(rx, NULL);
}

/* ---- A value that fits ---- */

/*
 * The first value that a poll tries is free, so that each gets on, however
 * small its budget.  One more costs as a wait that has finished, lest fast
 * senders keep others from running.  False: the budget is used up but for the
 * result, and the poller has been told to come back.
 */
static bool may_try_more(chp_poll_ctx *ctx)
{
	struct agent *self = chp__tls_agent();

	if (ctx->budget) {
		if (*ctx->budget <= 1) {
			waker_wake_copy(ctx->waker);
			return false;
		}
		--*ctx->budget;
	} else if (self && waker_same(ctx->waker, agent_waker(self))) {
		agent_spend(self);
	}
	return true;
}

/* Try the present value, which is seen by that: does it fit? */
static bool try_value(chp_watch_op *o)
{
	chp_watch_ref ref;

	chp_watch_borrow_and_update(o->rx, &ref);
	if (!o->pred(ref.value, o->arg)) {
		chp_watch_ref_release(&ref);
		return false;
	}
	if (o->ref)
		*o->ref = ref;
	else
		chp_watch_ref_release(&ref);
	return true;
}

static int poll_wait_for(chp_op *op, chp_poll_ctx *ctx)
{
	chp_watch_op *o = (chp_watch_op *)op;
	struct chp__watch *ch = o->rx->ch;
	bool fresh = op->stage == OP_NEW, tried = false;
	uint64_t version;

	if (!ch || !o->pred)
		return refuse(o);
	if (waits_already(o, &change, ctx->waker))
		return CHP_PENDING;
	leave(ch, o, &change);

	for (;; fresh = false) {
		version = load64_acquire(&ch->version); /* (W) */
		if (fresh || (version & ~(uint64_t)CLOSED) != o->rx->seen) {
			if (tried && !may_try_more(ctx))
				return CHP_PENDING;
			if (try_value(o))
				return 0;
			tried = true;
		} else if (version & CLOSED) {
			return CHP_ECLOSED;
		} else if (enter(ch, o, &change, ctx->waker)) {
			return CHP_PENDING;
		}
	}
}

/* As changed: what it has marked seen it has refused. */
static const chp_op_class wait_for_class = {
	.name = "watch wait for",
	.poll = poll_wait_for,
	.cancel = cancel_changed,
};

void chp_watch_wait_for_op(chp_watch_op *op, chp_watch_rx *rx,
			   int (*pred)(const void *value, void *arg), void *arg,
			   chp_watch_ref *ref)
{
	init(op, &wait_for_class);
	op->rx = rx;
	op->pred = pred;
	op->arg = arg;
	op->ref = ref;
	if (ref)
		*ref = (chp_watch_ref){ 0 };
}

int chp_watch_wait_for_with(chp_watch_rx *rx,
			    int (*pred)(const void *value, void *arg),
			    void *arg, chp_watch_ref *ref, const chp_wait *w)
{
	chp_watch_op op;

	chp_watch_wait_for_op(&op, rx, pred, arg, ref);
	if (!rx->ch || !pred)
		return CHP_EINVAL;
	return chp_op_wait(&op.op, w);
}

int chp_watch_wait_for(chp_watch_rx *rx,
		       int (*pred)(const void *value, void *arg), void *arg,
		       chp_watch_ref *ref)
{
	return chp_watch_wait_for_with(rx, pred, arg, ref, NULL);
}
