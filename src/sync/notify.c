/*
 * notify.c - one permit, and a count of calls to notify everybody.
 *
 *	LOCKED, WAITING   as in queue.h
 *	PERMIT            the next wait returns at once
 *	bits 3..63        how often chp_notify_waiters was called
 *
 *   from \ by      one, last          waiters           wait
 *   (nothing)      PERMIT             count + 1         WAITING, queued
 *   PERMIT         PERMIT             count + 1         (nothing), ready
 *   WAITING        claims one node    claims all,       WAITING, queued
 *                                     count + 1
 *
 * Invariants, whenever the word is not LOCKED: WAITING <=> the queue is not
 * empty; WAITING and PERMIT exclude each other; everybody in the queue was made
 * after the last chp_notify_waiters.
 *
 * An operation keeps the count that it saw when it was made.  Another count
 * covers it: it is ready and leaves the permit alone, which is for others.
 * Claims and the new count become public with one store, so nobody sees half of
 * a chp_notify_waiters.
 *
 * (N) Each notification releases; (A) and (L) in queue.h acquire.  Making an
 * operation acquires as well (A): who finds a call counted that came too early
 * for it must see what that call told of, or it would wait for news it missed.
 * (N) is made also when PERMIT is there already, so that the wait that takes
 * it sees this caller, too.
 */
#include <chappe/notify.h>

#include "base/panic.h"
#include "sync/counted.h"
#include "sync/queue.h"
#include "wait/block.h"

enum {
	PERMIT = 4,
	CALL = 8, /* one in the count of calls */
};

/* In node->result: who claimed it. */
enum strategy { BY_WAITERS, BY_ONE, BY_LAST };

static inline uint64_t calls_of(uint64_t word)
{
	return word / CALL;
}

void chp_notify_init(chp_notify *n)
{
	*n = (chp_notify)CHP_NOTIFY_INIT;
}

void chp_notify_destroy(chp_notify *n)
{
	/* Relaxed: the caller knows that the others are done. */
	if (load64_relaxed(&n->word) & WAITING)
		chp__panic("notify destroyed while tasks or threads wait for "
			   "it");
}

/* ---- Notifying ---- */

static COLD void notify_locked(chp_notify *n, uint64_t word, enum strategy how)
{
	chp_node *node = how == BY_LAST ? n->last : n->first;

	word = queue_remove(QUEUE_OF(n), word, node);
	node_claim(node, how);
	word_unlock(&n->word, word);
	chp__node_wake(node);
}

static void notify(chp_notify *n, enum strategy how)
{
	uint64_t word;

	for (;;) {
		word = word_unlocked(&n->word);
		if (!(word & WAITING)) {
			/* (N) */
			if (cas64_release(&n->word, &word, word | PERMIT))
				return;
		} else if (word_trylock(&n->word, word)) {
			notify_locked(n, word, how);
			return;
		}
	}
}

void chp_notify_one(chp_notify *n)
{
	notify(n, BY_ONE);
}

void chp_notify_last(chp_notify *n)
{
	notify(n, BY_LAST);
}

void chp_notify_waiters(chp_notify *n)
{
	struct wake_batch batch = { NULL, NULL };
	uint64_t word;

	for (;;) {
		word = word_unlocked(&n->word);
		if (!(word & WAITING)) {
			/* (N) */
			if (cas64_release(&n->word, &word, word + CALL))
				return;
		} else if (word_trylock(&n->word, word)) {
			break;
		}
	}
	word = queue_claim_all(QUEUE_OF(n), word, &batch, BY_WAITERS);
	word_unlock(&n->word, word + CALL);
	batch_wake(&batch);
}

/* ---- Waiting ---- */

/* Is an operation that saw `calls` ready? */
static inline bool is_ready(uint64_t word, uint64_t calls)
{
	return word & PERMIT || calls_of(word) != calls;
}

/* The word that is left when it goes. */
static inline uint64_t without_it(uint64_t word, uint64_t calls)
{
	return calls_of(word) != calls ? word : word & ~(uint64_t)PERMIT;
}

/* Be ready without joining the queue. */
static bool take(chp_notify *n, uint64_t calls)
{
	uint64_t word, left;

	do {
		word = word_unlocked(&n->word); /* (A) */
		if (!is_ready(word, calls))
			return false;
		left = without_it(word, calls);
	} while (left != word && !cas64_acquire(&n->word, &word, left));
	return true;
}

static bool become_ready(chp_notified_op *o)
{
	o->ready = 1;
	if (unlikely(o->owned))
		chp_notify_unref(o->notify);
	return true;
}

/* First poll: be ready, or join the queue. */
static NOINLINE bool start(chp_notified_op *o, chp_waker waker)
{
	chp_notify *n = o->notify;
	uint64_t word;
	bool ready;

	if (unlikely(o->owned))
		chp_notify_ref(n);
	waker_store(&o->node.waker, waker);
	waker_retain(waker);

	word = word_lock(&n->word);
	ready = is_ready(word, o->calls);
	if (ready) {
		word = without_it(word, o->calls);
	} else {
		node_enqueue(&n->first, &n->last, &o->node);
		word |= WAITING;
	}
	word_unlock(&n->word, word);

	if (!ready)
		return false;
	waker_release(waker);
	return become_ready(o);
}

static inline bool look(chp_notified_op *o, chp_waker waker)
{
	if (o->op.stage == OP_NEW)
		return start(o, waker);
	return o->ready ||
	       (!queue_still_waits(QUEUE_OF(o->notify), &o->node, waker) &&
		become_ready(o));
}

static int poll(chp_op *op, chp_poll_ctx *ctx)
{
	return look((chp_notified_op *)op, ctx_waker(ctx)) ? 0 : CHP_PENDING;
}

static int cancel(chp_op *op)
{
	chp_notified_op *o = (chp_notified_op *)op;
	int found = CHP_HELD_NOTHING;

	if (o->ready) {
		op->result = 0;
		return CHP_TOO_LATE;
	}
	if (!queue_leave(QUEUE_OF(o->notify), &o->node, 0) &&
	    o->node.result != BY_WAITERS) {
		notify(o->notify, (enum strategy)o->node.result);
		found = CHP_GAVE_BACK;
	}
	if (o->owned)
		chp_notify_unref(o->notify);
	return found;
}

static const chp_op_class notified_class = {
	.name = "notify wait",
	.poll = poll,
	.cancel = cancel,
	.flags = CHP_OP_UNBUDGETED,
};

/* word: as it was when the operation was made. */
static inline void init(chp_notified_op *op, chp_notify *n, uint64_t word)
{
	op_init(&op->op, &notified_class);
	op->notify = n;
	op->calls = calls_of(word);
	op->ready = 0;
	op->owned = 0;
}

void chp_notify_notified_op(chp_notified_op *op, chp_notify *n)
{
	init(op, n, load64_acquire(&n->word)); /* (A) */
}

int chp_notified_enable(chp_notified_op *op)
{
	static const chp_waker nobody = { NULL, NULL };
	bool ready;

	if (op->op.stage == OP_FINISHED && !op->ready)
		chp__panic("notify wait: operation enabled after it had been "
			   "cancelled");
	ready = look(op, op->op.stage == OP_NEW ? nobody : op->node.waker);
	if (op->op.stage == OP_NEW)
		op->op.stage = OP_PENDING;
	return ready;
}

int chp_notify_wait_with(chp_notify *n, const chp_wait *w)
{
	struct agent *self = agent_self();
	int r = wait_check(self, w);
	chp_notified_op op;
	uint64_t word;

	if (unlikely(r))
		return r;
	/* Relaxed: taking the permit acquires, and so does the first poll. */
	word = load64_relaxed(&n->word);
	if (word & PERMIT && take(n, calls_of(word)))
		return 0;
	init(&op, n, word);
	if (wait_expired(self, w))
		return CHP_ETIMEDOUT;
	return chp__block(self, &op.op, w);
}

int chp_notify_wait(chp_notify *n)
{
	uint64_t word = load64_relaxed(&n->word);

	/* The common case in one step: the permit is there. */
	if (likely((word & (LOCKED | PERMIT)) == PERMIT && agent_unhindered() &&
		   cas64_acquire(&n->word, &word, word & ~(uint64_t)PERMIT)))
		return 0;
	return chp_notify_wait_with(n, NULL);
}

/* ---- Counted ---- */

chp_notify *chp_notify_new(void)
{
	return counted_new(sizeof(chp_notify), 0, NULL, NULL);
}

chp_notify *chp_notify_ref(chp_notify *n)
{
	counted_ref(n);
	return n;
}

void chp_notify_unref(chp_notify *n)
{
	if (!n || !counted_unref(n))
		return;
	chp_notify_destroy(n);
	counted_free(n);
}

void chp_notify_notified_owned_op(chp_notified_op *op, chp_notify *n)
{
	chp_notify_notified_op(op, n);
	op->owned = 1;
}
