/*
 * semaphore.c - acquiring and releasing.
 *
 * The word and its rules are in semaphore_word.h; queue, claims and wakes in
 * wait/node.h.
 *
 * FIFO and FAIR hand over: a release with waiters takes the lock, unlinks all
 * first waiters whose wants the count covers, subtracts what they get, and
 * publishes.  In FIFO whatever count is left belongs to the new first waiter:
 * nobody else takes while QUEUED.  So a cancelled waiter has nothing to return
 * but its place.
 *
 * UNFAIR adds to the pool and wakes the first waiter, which stays queued, comes
 * back to its poll, and takes what is left.  While its wake is on the way
 * (WAKING) releases need no lock: it will look.  If it finds too little it
 * clears WAKING under the lock, so that the next release wakes it again; when
 * that has gone on for OVERTAKEN_MAX it raises HANDOFF.
 *
 *   invariants, whenever the word is not LOCKED
 *     QUEUED <=> the queue is not empty
 *     CLOSED => not QUEUED
 *     FIFO, FAIR: the first waiter wants more than the count
 *     UNFAIR: so it does, or WAKING is set
 *     WAKING, HANDOFF => UNFAIR and QUEUED
 *
 * Who leaves the queue, or changes the count under the lock, calls settle(),
 * which restores the invariants.
 */
#include "sync/semaphore.h"

#include <string.h>

#include "base/panic.h"
#include "os/clock.h"
#include "sync/semaphore_word.h"
#include "wait/block.h"
#include "wait/node.h"

/* How long an UNFAIR waiter may be overtaken. */
#define OVERTAKEN_MAX ((chp_time)1000000)

/* UNFAIR, in node->result while the node is queued: its waker is given away. */
enum { ARMED = 0, WOKEN = 1 };

static inline chp_acquire_op *op_of(chp_node *n)
{
	return container_of(n, chp_acquire_op, node);
}

/* ---- Taking without waiting ---- */

/* 0: may take now; CHP_EAGAIN: must wait; CHP_ECLOSED. */
static inline int judge(const chp_semaphore *s, uint64_t word, int64_t n,
			bool is_try)
{
	if (word & CLOSED)
		return CHP_ECLOSED;
	if (count_of(word) < n)
		return CHP_EAGAIN;
	if (likely(!(word & QUEUED)))
		return 0;
	if (s->policy == CHP_FIFO)
		return n == 0 ? 0 : CHP_EAGAIN;
	if (is_try)
		return 0;
	if (s->policy == CHP_FAIR)
		return CHP_EAGAIN;
	return word & HANDOFF && n > 0 ? CHP_EAGAIN : 0;
}

static int take(chp_semaphore *s, int64_t n, bool is_try)
{
	uint64_t word;
	int r;

	do {
		word = word_unlocked(s);
		r = judge(s, word, n, is_try);
		if (r)
			return r;
	} while (!cas64_acq_rel(&s->word, &word, word_plus(word, -n)));
	return 0;
}

/* The common case in one step: no flags, enough permits. */
static inline bool take_fast(chp_semaphore *s, int64_t n)
{
	uint64_t word = load64_relaxed(&s->word);

	return likely(!(word & FLAGS) && count_of(word) >= n) &&
	       cas64_acq_rel(&s->word, &word, word_plus(word, -n));
}

int chp_semaphore_try_acquire(chp_semaphore *s, int64_t n)
{
	if (unlikely(n < 0))
		return CHP_EINVAL;
	return take_fast(s, n) ? 0 : take(s, n, true);
}

/* ---- Serving waiters; the lock is held ---- */

struct service {
	struct wake_batch batch; /* handed over */
	chp_waker nudge;         /* UNFAIR: the first waiter's, to compete */
};

static uint64_t leave_queue(chp_semaphore *s, uint64_t word, chp_node *n)
{
	node_list_remove(&s->first, &s->last, n);
	/* Relaxed: written under the lock, read as an estimate. */
	store_relaxed(&s->queued, load_relaxed(&s->queued) - 1);
	return s->first ? word : word & ~(uint64_t)(QUEUED | WAKING | HANDOFF);
}

static uint64_t claim_first(chp_semaphore *s, uint64_t word, int result,
			    struct service *service)
{
	chp_node *n = s->first;

	word = leave_queue(s, word, n);
	if (n->result == WOKEN)
		n->waker.cls = NULL;
	batch_claim(&service->batch, n, result);
	return word;
}

static inline bool covers_first(const chp_semaphore *s, uint64_t word)
{
	return s->first && op_of(s->first)->n <= count_of(word);
}

static uint64_t hand_over(chp_semaphore *s, uint64_t word,
			  struct service *service)
{
	while (covers_first(s, word)) {
		word = word_plus(word, -op_of(s->first)->n);
		word = claim_first(s, word, 0, service);
	}
	return word;
}

static uint64_t nudge(chp_semaphore *s, uint64_t word, struct service *service)
{
	if (word & HANDOFF && covers_first(s, word)) {
		word = word_plus(word, -op_of(s->first)->n);
		word = claim_first(s, word, 0, service);
		word &= ~(uint64_t)(HANDOFF | WAKING);
	}
	if (!(word & WAKING) && covers_first(s, word)) {
		service->nudge = s->first->waker;
		s->first->result = WOKEN;
		word |= WAKING;
	}
	return word;
}

/* Restore the invariants after the count grew or a waiter left. */
static uint64_t settle(chp_semaphore *s, uint64_t word, struct service *service)
{
	return s->policy == CHP_UNFAIR ? nudge(s, word, service)
				       : hand_over(s, word, service);
}

/* After unlocking.  The semaphore may be gone. */
static inline void deliver(struct service *service)
{
	batch_wake(&service->batch);
	waker_wake(service->nudge);
}

/* ---- Changing the count ---- */

/* May the word change by cas: is there nobody to serve? */
static inline bool nobody_to_serve(const chp_semaphore *s, uint64_t word)
{
	return !(word & QUEUED) || (s->policy == CHP_UNFAIR &&
				    (word & (WAKING | HANDOFF)) == WAKING);
}

/* The lock was taken with `word`: add n, serve. */
static COLD void add_locked(chp_semaphore *s, uint64_t word, int64_t n)
{
	struct service service = { { NULL, NULL }, { NULL, NULL } };

	lock_rank_push(RANK_OBJECT);
	word = settle(s, word_plus(word, n), &service);
	word_unlock(s, word);
	deliver(&service);
}

static int change(chp_semaphore *s, int64_t n)
{
	uint64_t word;
	int64_t sum;

	for (;;) {
		word = word_unlocked(s);
		if (__builtin_add_overflow(count_of(word), n, &sum) ||
		    !in_range(sum))
			return CHP_EOVERFLOW;
		if (n <= 0 || nobody_to_serve(s, word)) {
			if (cas64_acq_rel(&s->word, &word, word_plus(word, n)))
				return 0;
		} else if (cas64_acquire(&s->word, &word, word | LOCKED)) {
			add_locked(s, word, n);
			return 0;
		}
	}
}

int chp_semaphore_release(chp_semaphore *s, int64_t n)
{
	uint64_t word = load64_relaxed(&s->word);

	if (unlikely(n < 0))
		return CHP_EINVAL;
	/* The common case in one step: no flags, far from the limit. */
	if (likely(!(word & FLAGS) && n < 1 << 30 &&
		   count_of(word) < CHP_SEMAPHORE_MAX >> 1) &&
	    cas64_acq_rel(&s->word, &word, word_plus(word, n)))
		return 0;
	return change(s, n);
}

int chp_semaphore_reduce(chp_semaphore *s, int64_t n)
{
	return n < 0 ? CHP_EINVAL : change(s, -n);
}

/* What drain or forget may take; negative: a debt to forgive. */
static int64_t takeable(const chp_semaphore *s, uint64_t word, int64_t limit)
{
	int64_t count = count_of(word);

	if (count > 0 && s->policy == CHP_FIFO && word & QUEUED)
		return 0;
	return count > limit ? limit : count;
}

int64_t chp_semaphore_drain(chp_semaphore *s)
{
	for (;;) {
		uint64_t word = word_unlocked(s);
		int64_t n = takeable(s, word, CHP_SEMAPHORE_MAX);

		if (n >= 0 || nobody_to_serve(s, word)) {
			if (cas64_acq_rel(&s->word, &word, word_plus(word, -n)))
				return n;
		} else if (cas64_acquire(&s->word, &word, word | LOCKED)) {
			add_locked(s, word, -n);
			return n;
		}
	}
}

int64_t chp_semaphore_forget(chp_semaphore *s, int64_t n)
{
	uint64_t word;
	int64_t taken;

	if (n < 0)
		return CHP_EINVAL;
	do {
		word = word_unlocked(s);
		taken = takeable(s, word, n);
		if (taken <= 0)
			return 0;
	} while (!cas64_acq_rel(&s->word, &word, word_plus(word, -taken)));
	return taken;
}

int chp_semaphore_resize(chp_semaphore *s, int64_t capacity)
{
	struct service service = { { NULL, NULL }, { NULL, NULL } };
	uint64_t word;
	int64_t delta;
	int r = 0;

	if (capacity < 0)
		return CHP_EINVAL;
	if (!in_range(capacity))
		return CHP_EOVERFLOW;
	word = word_lock(s);
	/* Relaxed: guarded by the lock; read elsewhere as an estimate. */
	delta = capacity - (int64_t)load64_relaxed(&s->capacity);
	if (in_range(count_of(word) + delta)) {
		store64_relaxed(&s->capacity, (uint64_t)capacity);
		word = settle(s, word_plus(word, delta), &service);
	} else {
		r = CHP_EOVERFLOW;
	}
	word_unlock(s, word);
	deliver(&service);
	return r;
}

void chp_semaphore_close(chp_semaphore *s)
{
	struct service service = { { NULL, NULL }, { NULL, NULL } };
	uint64_t word = word_lock(s);

	while (s->first)
		word = claim_first(s, word, CHP_ECLOSED, &service);
	word_unlock(s, word | CLOSED);
	deliver(&service);
}

/* ---- Waiting ---- */

/* First poll: take, or take a place. */
static int start(chp_acquire_op *o, chp_waker waker)
{
	chp_semaphore *s = o->semaphore;
	chp_node *n = &o->node;
	uint64_t word;
	int r;

	if (o->n < 0)
		return CHP_EINVAL;
	r = take(s, o->n, false);
	if (r != CHP_EAGAIN)
		return r;

	n->waker = waker;
	n->agent_id = waker_agent_id(waker);
	n->since = chp__clock_coarse();
	n->result = ARMED;
	o->overtaken = 0;
	waker_retain(waker);

	word = word_lock(s);
	r = judge(s, word, o->n, false);
	if (r == CHP_EAGAIN) {
		node_enqueue(&s->first, &s->last, n);
		store_relaxed(&s->queued, load_relaxed(&s->queued) + 1);
		word |= QUEUED;
	} else if (r == 0) {
		word = word_plus(word, -o->n);
	}
	word_unlock(s, word);

	if (r == CHP_EAGAIN)
		return CHP_PENDING;
	waker_release(waker);
	return r;
}

/* UNFAIR, first in the queue, permits too few: has it gone on too long? */
static uint64_t overtaken(chp_acquire_op *o, uint64_t word)
{
	chp_time now = chp__clock_now();

	if (!o->overtaken)
		o->overtaken = now;
	else if (now - o->overtaken >= OVERTAKEN_MAX)
		word |= HANDOFF;
	return word & ~(uint64_t)WAKING;
}

/*
 * UNFAIR, first in the queue, lock held: take what is there, or be ready for
 * the next release.  True if it took.
 */
static bool compete(chp_acquire_op *o, uint64_t *word, struct service *service)
{
	chp_semaphore *s = o->semaphore;

	if (!covers_first(s, *word)) {
		if (o->node.result == WOKEN)
			*word = overtaken(o, *word);
		return false;
	}
	*word = leave_queue(s, word_plus(*word, -o->n), &o->node);
	*word &= ~(uint64_t)(WAKING | HANDOFF);
	*word = nudge(s, *word, service);
	store_relaxed(&o->node.state, NODE_IDLE);
	return true;
}

/* Give back what the operation was handed. */
static void give_back(chp_acquire_op *o)
{
	if (change(o->semaphore, o->n) != 0)
		chp__panic("semaphore: more permits than it can count when an "
			   "acquire was given up");
}

/* Not queued any more: what it got.  Closing takes back what was handed over
   and not yet fetched. */
static int collect(chp_acquire_op *o)
{
	chp__node_settle(&o->node);
	if (o->node.result != 0)
		return o->node.result;
	/* Relaxed: whether a close at this moment is before or after is open. */
	if (likely(!(load64_relaxed(&o->semaphore->word) & CLOSED)))
		return 0;
	give_back(o);
	return CHP_ECLOSED;
}

static int poll_again(chp_acquire_op *o, chp_waker waker)
{
	struct service service = { { NULL, NULL }, { NULL, NULL } };
	chp_semaphore *s = o->semaphore;
	chp_node *n = &o->node;
	chp_waker old = { NULL, NULL };
	bool queued, taken = false;
	uint64_t word;

	if (node_is_done(n))
		return collect(o);
	/* Handing over needs no look at the queue. */
	if (s->policy != CHP_UNFAIR && waker_same(n->waker, waker))
		return CHP_PENDING;

	waker_retain(waker);
	word = word_lock(s);
	/* Relaxed: leaves QUEUED under the lock only. */
	queued = load_relaxed(&n->state) == NODE_QUEUED;
	if (queued) {
		if (n->result == ARMED)
			old = n->waker;
		if (s->policy == CHP_UNFAIR && s->first == n)
			taken = compete(o, &word, &service);
	}
	if (queued && !taken) {
		n->waker = waker;
		n->result = ARMED;
	}
	word_unlock(s, word);
	deliver(&service);

	waker_release(old);
	if (queued && !taken)
		return CHP_PENDING;
	waker_release(waker);
	return taken ? 0 : collect(o);
}

/* The result goes to the permit object, if there is one. */
static int finish(chp_acquire_op *o, int r)
{
	if (r == 0 && o->permit) {
		o->permit->semaphore = o->semaphore;
		o->permit->count = o->n;
		o->permit->owned = o->owned;
	} else if (o->owned) {
		chp_semaphore_unref(o->semaphore);
	}
	return r;
}

static int poll(chp_op *op, chp_poll_ctx *ctx)
{
	chp_acquire_op *o = (chp_acquire_op *)op;
	int r;

	if (op->stage == OP_NEW) {
		if (o->owned)
			chp_semaphore_ref(o->semaphore);
		r = start(o, ctx->waker);
	} else {
		r = poll_again(o, ctx->waker);
	}
	return r == CHP_PENDING ? r : finish(o, r);
}

/* Take the node out of the queue, if it is still there. */
static bool withdraw(chp_acquire_op *o)
{
	struct service service = { { NULL, NULL }, { NULL, NULL } };
	chp_semaphore *s = o->semaphore;
	chp_node *n = &o->node;
	uint64_t word = word_lock(s);
	bool queued = load_relaxed(&n->state) == NODE_QUEUED;
	bool armed = n->result == ARMED;

	if (queued) {
		if (s->first == n)
			word &= ~(uint64_t)(WAKING | HANDOFF);
		word = leave_queue(s, word, n);
		word = settle(s, word, &service);
	}
	word_unlock(s, word);
	deliver(&service);

	if (queued && armed)
		waker_release(n->waker);
	return queued;
}

static int cancel(chp_op *op)
{
	chp_acquire_op *o = (chp_acquire_op *)op;
	int found = CHP_HELD_NOTHING;

	if (node_is_done(&o->node) || !withdraw(o)) {
		if (collect(o) == 0) {
			found = CHP_GAVE_BACK;
			if (change(o->semaphore, o->n) != 0)
				chp__panic(
					"semaphore: more permits than it can "
					"count when an acquire was "
					"cancelled");
		}
	}
	if (o->owned)
		chp_semaphore_unref(o->semaphore);
	return found;
}

static const chp_op_class acquire_class = {
	.name = "semaphore acquire",
	.poll = poll,
	.cancel = cancel,
};

void chp__semaphore_acquire_op(chp_acquire_op *op, chp_semaphore *s, int64_t n,
			       chp_permit *permit, bool owned)
{
	chp_op_init(&op->op, &acquire_class);
	op->semaphore = s;
	op->n = n;
	op->permit = permit;
	op->owned = owned;
	if (permit)
		memset(permit, 0, sizeof(*permit));
}

void chp_semaphore_acquire_op(chp_acquire_op *op, chp_semaphore *s, int64_t n)
{
	chp__semaphore_acquire_op(op, s, n, NULL, false);
}

COLD static int acquire_slow(struct agent *self, chp_semaphore *s, int64_t n,
			     const chp_wait *w)
{
	chp_acquire_op op;
	int r = take(s, n, false);

	if (r != CHP_EAGAIN) {
		agent_spend(self);
		return r;
	}
	if (wait_expired(self, w))
		return CHP_ETIMEDOUT;
	chp_semaphore_acquire_op(&op, s, n);
	return chp__block(self, &op.op, w);
}

int chp_semaphore_acquire_with(chp_semaphore *s, int64_t n, const chp_wait *w)
{
	struct agent *self = agent_self();
	int r;

	if (unlikely(n < 0))
		return CHP_EINVAL;
	r = wait_check(self, w);
	if (unlikely(r))
		return r;
	if (unlikely(!take_fast(s, n)))
		return acquire_slow(self, s, n, w);
	agent_spend(self);
	return 0;
}

int chp_semaphore_acquire(chp_semaphore *s, int64_t n)
{
	struct agent *self = agent_unhindered();

	if (unlikely(!self || n < 0 || !take_fast(s, n)))
		return chp_semaphore_acquire_with(s, n, NULL);
	agent_spend(self);
	return 0;
}
