/*
 * pool.c - taking from a count, waiting for it, adding to it.
 *
 * The word and its rules are in pool_word.h; queue, claims and wakes in
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
 * that has gone on too long (overtaken.c) it raises HANDOFF.
 *
 *   invariants, whenever the word is not LOCKED
 *     QUEUED <=> the queue is not empty
 *     CLOSED => not QUEUED
 *     FIFO, FAIR: the first waiter needs more than the count
 *     UNFAIR: so it does, or WAKING is set
 *     WAKING, HANDOFF => UNFAIR and QUEUED
 *
 * Who leaves the queue, or changes the count under the lock, calls settle(),
 * which restores the invariants.
 */
#include "sync/pool.h"

#include "base/panic.h"
#include "wait/block.h"
#include "wait/node.h"

/* UNFAIR, in node->result while the node is queued: its waker is given away. */
enum { ARMED = 0, WOKEN = 1 };

static inline chp__pool_op *op_of(chp_node *n)
{
	return container_of(n, chp__pool_op, node);
}

/* ---- Taking without waiting ---- */

/* 0: may take now; CHP_EAGAIN: must wait; CHP_ECLOSED. */
static inline int judge(unsigned policy, uint64_t word, int64_t n, int64_t need,
			bool is_try)
{
	if (word & CLOSED)
		return CHP_ECLOSED;
	if (count_of(word) < need)
		return CHP_EAGAIN;
	if (likely(!(word & QUEUED)))
		return 0;
	if (policy == CHP_FIFO)
		return n == 0 ? 0 : CHP_EAGAIN;
	if (is_try)
		return 0;
	if (policy == CHP_FAIR)
		return CHP_EAGAIN;
	return word & HANDOFF && n > 0 ? CHP_EAGAIN : 0;
}

int chp__pool_take(struct chp__pool *p, unsigned policy, int64_t n,
		   int64_t need, bool is_try)
{
	uint64_t word;
	int r;

	do {
		word = word_unlocked(&p->word);
		r = judge(policy, word, n, need, is_try);
		if (r)
			return r;
	} while (!cas64_acq_rel(&p->word, &word, word_plus(word, -n)));
	return 0;
}

/* ---- Serving waiters; the lock is held ---- */

struct service {
	struct wake_batch batch; /* handed over */
	chp_waker nudge;         /* UNFAIR: the first waiter's, to compete */
};

static uint64_t leave_queue(struct chp__pool *p, uint64_t word, chp_node *n)
{
	node_list_remove(&p->first, &p->last, n);
	/* Relaxed: written under the lock, read as an estimate. */
	store_relaxed(&p->queued, load_relaxed(&p->queued) - 1);
	return p->first ? word : word & ~(uint64_t)(QUEUED | WAKING | HANDOFF);
}

static uint64_t claim_first(struct chp__pool *p, uint64_t word, int result,
			    struct service *service)
{
	chp_node *n = p->first;

	word = leave_queue(p, word, n);
	if (n->result == WOKEN)
		n->waker.cls = NULL;
	batch_claim(&service->batch, n, result);
	return word;
}

static inline bool covers_first(const struct chp__pool *p, uint64_t word)
{
	return p->first && op_of(p->first)->need <= count_of(word);
}

static uint64_t hand_over(struct chp__pool *p, uint64_t word,
			  struct service *service)
{
	while (covers_first(p, word)) {
		word = word_plus(word, -op_of(p->first)->n);
		word = claim_first(p, word, 0, service);
	}
	return word;
}

static uint64_t nudge(struct chp__pool *p, uint64_t word,
		      struct service *service)
{
	if (word & HANDOFF && covers_first(p, word)) {
		word = word_plus(word, -op_of(p->first)->n);
		word = claim_first(p, word, 0, service);
		word &= ~(uint64_t)(HANDOFF | WAKING);
	}
	if (!(word & WAKING) && covers_first(p, word)) {
		service->nudge = p->first->waker;
		p->first->result = WOKEN;
		word |= WAKING;
	}
	return word;
}

/* Restore the invariants after the count grew or a waiter left. */
static uint64_t settle(struct chp__pool *p, unsigned policy, uint64_t word,
		       struct service *service)
{
	return policy == CHP_UNFAIR ? nudge(p, word, service)
				    : hand_over(p, word, service);
}

/* After unlocking.  The semaphore may be gone. */
static inline void deliver(struct service *service)
{
	batch_wake(&service->batch);
	waker_wake(service->nudge);
}

/* ---- Changing the count ---- */

/* May the word change by cas: is there nobody to serve? */
static inline bool nobody_to_serve(unsigned policy, uint64_t word)
{
	return !(word & QUEUED) ||
	       (policy == CHP_UNFAIR && (word & (WAKING | HANDOFF)) == WAKING);
}

/* The lock was taken with `word`: add n, serve. */
static COLD void add_locked(struct chp__pool *p, unsigned policy, uint64_t word,
			    int64_t n)
{
	struct service service = { { NULL, NULL }, { NULL, NULL } };

	lock_rank_push(RANK_OBJECT);
	word = settle(p, policy, word_plus(word, n), &service);
	word_unlock(&p->word, word);
	deliver(&service);
}

int chp__pool_add(struct chp__pool *p, unsigned policy, int64_t n)
{
	uint64_t word;
	int64_t sum;

	for (;;) {
		word = word_unlocked(&p->word);
		if (__builtin_add_overflow(count_of(word), n, &sum) ||
		    !in_range(sum))
			return CHP_EOVERFLOW;
		if (n <= 0 || nobody_to_serve(policy, word)) {
			if (cas64_acq_rel(&p->word, &word, word_plus(word, n)))
				return 0;
		} else if (cas64_acquire(&p->word, &word, word | LOCKED)) {
			add_locked(p, policy, word, n);
			return 0;
		}
	}
}

int64_t chp__pool_drain(struct chp__pool *p, unsigned policy)
{
	for (;;) {
		uint64_t word = word_unlocked(&p->word);
		int64_t n = pool_takeable(policy, word);

		if (n >= 0 || nobody_to_serve(policy, word)) {
			if (cas64_acq_rel(&p->word, &word, word_plus(word, -n)))
				return n;
		} else if (cas64_acquire(&p->word, &word, word | LOCKED)) {
			add_locked(p, policy, word, -n);
			return n;
		}
	}
}

int chp__pool_resize(struct chp__pool *p, unsigned policy, chp_word64 *capacity,
		     int64_t to)
{
	struct service service = { { NULL, NULL }, { NULL, NULL } };
	uint64_t word = word_lock(&p->word);
	/* Relaxed: guarded by the lock; read elsewhere as an estimate. */
	int64_t delta = to - (int64_t)load64_relaxed(capacity);
	int r = CHP_EOVERFLOW;

	if (in_range(count_of(word) + delta)) {
		store64_relaxed(capacity, (uint64_t)to);
		word = settle(p, policy, word_plus(word, delta), &service);
		r = 0;
	}
	word_unlock(&p->word, word);
	deliver(&service);
	return r;
}

void chp__pool_close(struct chp__pool *p)
{
	struct service service = { { NULL, NULL }, { NULL, NULL } };
	uint64_t word = word_lock(&p->word);

	while (p->first)
		word = claim_first(p, word, CHP_ECLOSED, &service);
	word_unlock(&p->word, word | CLOSED);
	deliver(&service);
}

/* ---- Waiting ---- */

/* First poll: take, or take a place. */
static int start(chp__pool_op *o, chp_waker waker)
{
	struct chp__pool *p = o->pool;
	struct agent *self = agent_self();
	chp_node *n = &o->node;
	uint64_t word;
	int r;

	r = chp__pool_take(p, o->policy, o->n, o->need, false);
	if (r != CHP_EAGAIN)
		return r;

	waker_store(&n->waker, waker);
	n->agent_id = waker_agent_id(waker);
	n->since = self->cls->coarse(self);
	n->result = ARMED;
	o->overtaken = 0;
	waker_retain(waker);

	word = word_lock(&p->word);
	r = judge(o->policy, word, o->n, o->need, false);
	if (r == CHP_EAGAIN) {
		node_enqueue(&p->first, &p->last, n);
		store_relaxed(&p->queued, load_relaxed(&p->queued) + 1);
		word |= QUEUED;
	} else if (r == 0) {
		word = word_plus(word, -o->n);
	}
	word_unlock(&p->word, word);

	if (r == CHP_EAGAIN)
		return CHP_PENDING;
	waker_release(waker);
	return r;
}

/* UNFAIR, first in the queue, permits too few: has it gone on too long? */
static uint64_t overtaken(struct agent *self, chp__pool_op *o, uint64_t word)
{
	if (chp__overtaken_too_long(o, self->cls->now(self)))
		word |= HANDOFF;
	return word & ~(uint64_t)WAKING;
}

/*
 * UNFAIR, first in the queue, lock held: take what is there, or be ready for
 * the next release.  True if it took.
 */
static bool compete(struct agent *self, chp__pool_op *o, uint64_t *word,
		    struct service *service)
{
	struct chp__pool *p = o->pool;

	if (!covers_first(p, *word)) {
		if (o->node.result == WOKEN)
			*word = overtaken(self, o, *word);
		return false;
	}
	*word = leave_queue(p, word_plus(*word, -o->n), &o->node);
	*word &= ~(uint64_t)(WAKING | HANDOFF);
	*word = nudge(p, *word, service);
	store_relaxed(&o->node.state, NODE_IDLE);
	return true;
}

/* Give back what the operation was handed. */
static void give_back(chp__pool_op *o)
{
	if (chp__pool_add(o->pool, o->policy, o->n) != 0)
		chp__panic("semaphore: more permits than it can count when an "
			   "acquire was given up");
}

/* Not queued any more: what it got.  Closing takes back what was handed over
   and not yet fetched. */
static int collect(chp__pool_op *o)
{
	node_settle(&o->node);
	if (o->node.result != 0)
		return o->node.result;
	/* Relaxed: whether a close at this moment is before or after is open. */
	if (likely(!(load64_relaxed(&o->pool->word) & CLOSED)))
		return 0;
	give_back(o);
	return CHP_ECLOSED;
}

static int poll_again(chp__pool_op *o, chp_waker waker)
{
	struct service service = { { NULL, NULL }, { NULL, NULL } };
	struct chp__pool *p = o->pool;
	struct agent *self = agent_self(); /* made before locking */
	chp_node *n = &o->node;
	chp_waker old = { NULL, NULL };
	bool queued, taken = false;
	uint64_t word;

	if (node_is_done(n))
		return collect(o);
	/* Handing over needs no look at the queue. */
	if (o->policy != CHP_UNFAIR && waker_same(n->waker, waker))
		return CHP_PENDING;

	waker_retain(waker);
	word = word_lock(&p->word);
	/* Relaxed: leaves QUEUED under the lock only. */
	queued = load_relaxed(&n->state) == NODE_QUEUED;
	if (queued) {
		if (n->result == ARMED)
			old = n->waker;
		if (o->policy == CHP_UNFAIR && p->first == n)
			taken = compete(self, o, &word, &service);
	}
	if (queued && !taken) {
		waker_store(&n->waker, waker);
		n->agent_id = waker_agent_id(waker);
		n->result = ARMED;
	}
	word_unlock(&p->word, word);
	deliver(&service);

	waker_release(old);
	if (queued && !taken)
		return CHP_PENDING;
	waker_release(waker);
	return taken ? 0 : collect(o);
}

void chp__pool_op_init(chp__pool_op *o, struct chp__pool *p, unsigned policy,
		       int64_t n, int64_t need)
{
	o->pool = p;
	o->policy = policy;
	o->n = n;
	o->need = need;
}

int chp__pool_poll(chp__pool_op *o, chp_waker waker)
{
	return o->op.stage == OP_NEW ? start(o, waker) : poll_again(o, waker);
}

/* Take the node out of the queue, if it is still there. */
static bool withdraw(chp__pool_op *o)
{
	struct service service = { { NULL, NULL }, { NULL, NULL } };
	struct chp__pool *p = o->pool;
	chp_node *n = &o->node;
	uint64_t word = word_lock(&p->word);
	bool queued = load_relaxed(&n->state) == NODE_QUEUED;
	bool armed = n->result == ARMED;

	if (queued) {
		if (p->first == n)
			word &= ~(uint64_t)(WAKING | HANDOFF);
		word = leave_queue(p, word, n);
		word = settle(p, o->policy, word, &service);
	}
	word_unlock(&p->word, word);
	deliver(&service);

	if (queued && armed)
		waker_release(n->waker);
	return queued;
}

int chp__pool_cancel(chp__pool_op *o)
{
	if (!node_is_done(&o->node) && withdraw(o))
		return CHP_HELD_NOTHING;
	if (collect(o) != 0)
		return CHP_HELD_NOTHING;
	give_back(o);
	return CHP_GAVE_BACK;
}
