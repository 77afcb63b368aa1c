/*
 * semaphore.c - the semaphore's calls over a pool (pool.h).
 */
#include "sync/semaphore.h"

#include <string.h>

#include "sync/pool.h"
#include "wait/block.h"

/* ---- Changing the count ---- */

static inline bool far_from_limit(uint64_t word, int64_t n)
{
	return n < 1 << 30 && count_of(word) < CHP_SEMAPHORE_MAX >> 1;
}

/* Flags are up.  Frequent under contention, so in one step as well: nobody need
   be served, as the one to be was woken and will look. */
static NOINLINE int release_past(chp_semaphore *s, int64_t n, uint64_t word)
{
	if (s->policy == CHP_UNFAIR && (word & FLAGS) == (QUEUED | WAKING) &&
	    far_from_limit(word, n) && !pool_count_pass(&s->pool) &&
	    cas64_acq_rel(&s->pool.word, &word, word_plus(word, n)))
		return 0;
	return chp__pool_add(&s->pool, s->policy, n);
}

int chp_semaphore_release(chp_semaphore *s, int64_t n)
{
	uint64_t word = load64_relaxed(&s->pool.word);

	if (unlikely(n < 0))
		return CHP_EINVAL;
	/* The common case in one step: no flags, far from the limit. */
	if (likely(!(word & FLAGS) && far_from_limit(word, n)) &&
	    likely(cas64_acq_rel(&s->pool.word, &word, word_plus(word, n))))
		return 0;
	return release_past(s, n, word);
}

int chp_semaphore_reduce(chp_semaphore *s, int64_t n)
{
	return n < 0 ? CHP_EINVAL : chp__pool_add(&s->pool, s->policy, -n);
}

int64_t chp_semaphore_drain(chp_semaphore *s)
{
	return chp__pool_drain(&s->pool, s->policy);
}

int64_t chp_semaphore_forget(chp_semaphore *s, int64_t n)
{
	uint64_t word;
	int64_t taken;

	if (n < 0)
		return CHP_EINVAL;
	do {
		word = word_unlocked(&s->pool.word);
		taken = pool_takeable(s->policy, word);
		if (taken > n)
			taken = n;
		if (taken <= 0)
			return 0;
	} while (!cas64_acq_rel(&s->pool.word, &word, word_plus(word, -taken)));
	return taken;
}

int chp_semaphore_resize(chp_semaphore *s, int64_t capacity)
{
	if (capacity < 0)
		return CHP_EINVAL;
	if (!in_range(capacity))
		return CHP_EOVERFLOW;
	return chp__pool_resize(&s->pool, s->policy, &s->capacity, capacity);
}

void chp_semaphore_close(chp_semaphore *s)
{
	chp__pool_close(&s->pool);
}

/* ---- Acquiring ---- */

int chp_semaphore_try_acquire(chp_semaphore *s, int64_t n)
{
	/* The short way is in semaphore_try.h. */
	return n < 0 ? CHP_EINVAL
		     : chp__pool_take(&s->pool, s->policy, n, n, true);
}

/* The result goes to the permit object, if there is one. */
static int finish(chp_acquire_op *o, int r)
{
	if (r == 0 && o->permit) {
		o->permit->semaphore = o->semaphore;
		o->permit->count = o->wait.n;
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

	if (op->stage == OP_NEW && o->owned)
		chp_semaphore_ref(o->semaphore);
	r = o->wait.n < 0 ? CHP_EINVAL
			  : chp__pool_poll(&o->wait, ctx_waker(ctx));
	return r == CHP_PENDING ? r : finish(o, r);
}

static int cancel(chp_op *op)
{
	chp_acquire_op *o = (chp_acquire_op *)op;
	int found = chp__pool_cancel(&o->wait);

	if (o->owned)
		chp_semaphore_unref(o->semaphore);
	return found;
}

static const chp_op_class acquire_class = {
	.name = "semaphore acquire",
	.poll = poll,
	.cancel = cancel,
};

static inline void init(chp_acquire_op *op, chp_semaphore *s, int64_t n,
			chp_permit *permit, bool owned)
{
	op_init(&op->op, &acquire_class);
	chp__pool_op_init(&op->wait, &s->pool, s->policy, n, n);
	op->semaphore = s;
	op->permit = permit;
	op->owned = owned;
	if (permit)
		memset(permit, 0, sizeof(*permit));
}

void chp__semaphore_acquire_op(chp_acquire_op *op, chp_semaphore *s, int64_t n,
			       chp_permit *permit, bool owned)
{
	init(op, s, n, permit, owned);
}

void chp_semaphore_acquire_op(chp_acquire_op *op, chp_semaphore *s, int64_t n)
{
	init(op, s, n, NULL, false);
}

COLD static int acquire_slow(struct agent *self, chp_semaphore *s, int64_t n,
			     const chp_wait *w)
{
	chp_acquire_op op;
	int r;

	if (unlikely(wait_expired(self, w))) {
		r = chp__pool_take(&s->pool, s->policy, n, n, false);
		return r == CHP_EAGAIN ? CHP_ETIMEDOUT : r;
	}
	/* Its first poll tries again. */
	init(&op, s, n, NULL, false);
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
	/* Before a permit is held: others may run now. */
	agent_spend(self);
	if (unlikely(!pool_take_fast(&s->pool, s->policy, n, n)))
		return acquire_slow(self, s, n, w);
	return 0;
}

int chp_semaphore_acquire(chp_semaphore *s, int64_t n)
{
	struct agent *self = agent_unhindered();

	if (unlikely(!self || n < 0 || !agent_spend_little(self)))
		return chp_semaphore_acquire_with(s, n, NULL);
	if (likely(pool_take_fast(&s->pool, s->policy, n, n)))
		return 0;
	return acquire_slow(self, s, n, NULL);
}
