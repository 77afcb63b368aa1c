/*
 * cond.c - a queue of waiters beside a mutex.
 *
 * A waiter queues before it unlocks the mutex, so whoever changes the condition
 * under the mutex afterwards finds it here.  `waiting` lets a signal that finds
 * nobody do without the lock: it was raised before the mutex was unlocked (W),
 * and the signaller, having had the mutex since, sees it (S).  A signal without
 * the mutex that comes at the same time may miss it: it came before.  So the
 * mutex orders the two, and both are relaxed; the queue has its lock.
 *
 * An operation goes through the phases
 *
 *	HOLDING    not polled yet: the mutex is its caller's
 *	WAITING    node in the queue, or claimed by a signal
 *	LOCKING    the signal is its own; the inner operation locks the mutex
 *
 * Giving up unlocks in the first phase as well: who waits for an operation, or
 * selects it, is not told whether it was polled, and has to know what it holds.
 *
 * A blocking wait does the first two phases as an operation, the third by
 * chp_mutex_lock, which nothing interrupts.
 *
 * Who was claimed touches its own node and the mutex only: those who are served
 * together may free the condition variable when the first of them goes, and a
 * signaller when it knows who was served.  An operation that is cancelled after
 * a signal passes it on, and so needs it longer.
 */
#include <chappe/cond.h>

#include "base/panic.h"
#include "os/spin.h"
#include "sync/mutex.h"
#include "wait/block.h"
#include "wait/node.h"

enum { HOLDING, WAITING, LOCKING };

/* In node->result: what ended the wait.  A signal that nobody takes goes to the
   next waiter; a broadcast was for those who waited then, and they have it. */
enum { SIGNALLED, BROADCAST };

void chp_cond_destroy(chp_cond *c)
{
	/* Relaxed: the caller knows that the others are done. */
	if (load_relaxed(&c->waiting))
		chp__panic("condition variable %p destroyed while tasks or "
			   "threads wait for it",
			   (void *)c);
}

/* Take a node out; the lock is held. */
static void leave(chp_cond *c, chp_node *n)
{
	node_list_remove(&c->first, &c->last, n);
	store_relaxed(&c->waiting, load_relaxed(&c->waiting) - 1);
}

static void wake(chp_cond *c, uint32_t most, int by)
{
	struct wake_batch batch = { NULL, NULL };

	if (!load_relaxed(&c->waiting)) /* (S) */
		return;
	spin_lock(&c->lock, RANK_OBJECT);
	for (; c->first && most; most--) {
		chp_node *n = c->first;

		leave(c, n);
		batch_claim(&batch, n, by);
	}
	spin_unlock(&c->lock, RANK_OBJECT);
	batch_wake(&batch);
}

void chp_cond_signal(chp_cond *c)
{
	wake(c, 1, SIGNALLED);
}

void chp_cond_broadcast(chp_cond *c)
{
	wake(c, UINT32_MAX, BROADCAST);
}

/* ---- Waiting ---- */

static void enqueue(chp_cond_op *o, chp_waker waker)
{
	chp_cond *c = o->cond;

	chp__mutex_check_held(o->mutex, "condition variable waited for");
	waker_store(&o->node.waker, waker);
	waker_retain(waker);
	spin_lock(&c->lock, RANK_OBJECT);
	node_enqueue(&c->first, &c->last, &o->node);
	store_relaxed(&c->waiting, load_relaxed(&c->waiting) + 1); /* (W) */
	spin_unlock(&c->lock, RANK_OBJECT);
	chp_mutex_unlock(o->mutex);
}

/* Has the signal come?  If not, the next wake is for `waker`. */
static bool signalled(chp_cond_op *o, chp_waker waker)
{
	chp_cond *c = o->cond;
	chp_node *n = &o->node;
	bool queued;

	/*
	 * Relaxed: if this is old, a wake is on its way.  CLAIMED counts as
	 * signalled: one who was claimed together with us may have told, and
	 * freed the condition variable.
	 */
	if (load_relaxed(&n->state) == NODE_QUEUED) {
		if (waker_same(n->waker, waker))
			return false;
		waker_retain(waker);
		spin_lock(&c->lock, RANK_OBJECT);
		/* Relaxed: leaves QUEUED under the lock only. */
		queued = load_relaxed(&n->state) == NODE_QUEUED;
		if (queued)
			waker = node_swap_waker(n, waker);
		spin_unlock(&c->lock, RANK_OBJECT);
		waker_release(waker);
		if (queued)
			return false;
	}
	node_settle(n);
	return true;
}

/* Until the signal has come: then 0. */
static int poll_signal(chp_op *op, chp_poll_ctx *ctx)
{
	chp_cond_op *o = (chp_cond_op *)op;

	if (o->phase == HOLDING) {
		enqueue(o, ctx->waker);
		o->phase = WAITING;
		return CHP_PENDING;
	}
	return signalled(o, ctx->waker) ? 0 : CHP_PENDING;
}

static int poll(chp_op *op, chp_poll_ctx *ctx)
{
	chp_cond_op *o = (chp_cond_op *)op;

	if (o->phase != LOCKING) {
		if (poll_signal(op, ctx) == CHP_PENDING)
			return CHP_PENDING;
		o->phase = LOCKING;
		chp_mutex_lock_op(&o->lock, o->mutex);
	}
	return chp_op_poll(&o->lock.op, ctx);
}

/* Out of the queue; false: a signal was faster. */
static bool withdraw(chp_cond_op *o)
{
	chp_cond *c = o->cond;
	chp_node *n = &o->node;
	bool queued = false;

	/* Relaxed: asked again under the lock.  Who was served must not touch
	   the condition variable. */
	if (load_relaxed(&n->state) == NODE_QUEUED) {
		spin_lock(&c->lock, RANK_OBJECT);
		queued = load_relaxed(&n->state) == NODE_QUEUED;
		if (queued)
			leave(c, n);
		spin_unlock(&c->lock, RANK_OBJECT);
	}
	if (queued)
		waker_release(n->waker);
	else
		node_settle(n);
	return queued;
}

static int cancel(chp_op *op)
{
	chp_cond_op *o = (chp_cond_op *)op;

	if (o->phase == HOLDING) {
		chp_mutex_unlock(o->mutex);
		return CHP_HELD_NOTHING;
	}
	if (o->phase == WAITING && withdraw(o))
		return CHP_HELD_NOTHING;
	if (o->phase == LOCKING)
		chp_op_cancel(&o->lock.op);
	if (o->node.result == SIGNALLED)
		chp_cond_signal(o->cond);
	return CHP_GAVE_BACK;
}

/* The wait that blocks: a signal that came first wins, and stays its own. */
static int cancel_signal(chp_op *op)
{
	if (withdraw((chp_cond_op *)op))
		return CHP_HELD_NOTHING;
	op->result = 0;
	return CHP_TOO_LATE;
}

/*
 * Unbudgeted, so that the first poll unlocks the mutex in any case: else its
 * caller could not know what it holds.  Locking again counts in the budget.
 */
static const chp_op_class wait_class = {
	.name = "condition wait",
	.poll = poll,
	.cancel = cancel,
	.flags = CHP_OP_UNBUDGETED,
};

static const chp_op_class signal_class = {
	.name = "condition wait",
	.poll = poll_signal,
	.cancel = cancel_signal,
	.flags = CHP_OP_UNBUDGETED,
};

static void init(chp_cond_op *op, const chp_op_class *cls, chp_cond *c,
		 chp_mutex *m)
{
	op_init_engaged(&op->op, cls);
	op->cond = c;
	op->mutex = m;
	op->phase = HOLDING;
}

void chp_cond_wait_op(chp_cond_op *op, chp_cond *c, chp_mutex *m)
{
	init(op, &wait_class, c, m);
}

int chp_cond_wait_with(chp_cond *c, chp_mutex *m, const chp_wait *w)
{
	struct agent *self = agent_self();
	chp_cond_op op;
	int r = wait_check(self, w);

	if (!r && wait_expired(self, w))
		r = CHP_ETIMEDOUT;
	if (r)
		return r;
	init(&op, &signal_class, c, m);
	r = chp__block(self, &op.op, w);
	chp_mutex_lock(m);
	return r;
}

int chp_cond_wait(chp_cond *c, chp_mutex *m)
{
	return chp_cond_wait_with(c, m, NULL);
}
