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
 * that has gone on too long (overtaken.c) it raises HANDOFF.  It may not even
 * come to look: a thread that was woken can be waiting for the processor on
 * which the one that releases and takes again runs.  So releases count how often
 * they go past it, and now and then one reads the clock and raises HANDOFF.
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
#include "base/panic.h"
#include "sync/pool_serve.h"
#include "wait/block.h"

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

/* ---- Waiting ---- */

/* First poll: take, or take a place. */
static NOINLINE int start(chp__pool_op *o, chp_waker waker)
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

/* Queued, when it was looked at. */
static NOINLINE int poll_queued(chp__pool_op *o, chp_waker waker)
{
	struct service service = { { NULL, NULL }, { NULL, NULL } };
	struct chp__pool *p = o->pool;
	struct agent *self = agent_self(); /* made before locking */
	chp_node *n = &o->node;
	chp_waker old = { NULL, NULL };
	bool queued, taken = false;
	uint64_t word;

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
	if (o->op.stage == OP_NEW)
		return start(o, waker);
	return likely(node_is_done(&o->node)) ? collect(o)
					      : poll_queued(o, waker);
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
