/*
 * pool_change.c - adding to a pool's count, taking it all, closing: whatever
 * may serve waiters.  See pool.c.
 */
#include "sync/pool_serve.h"

/* May the word change by cas: is there nobody to serve? */
static inline bool nobody_to_serve(unsigned policy, uint64_t word)
{
	return !(word & QUEUED) ||
	       (policy == CHP_UNFAIR && (word & (WAKING | HANDOFF)) == WAKING);
}

/* Has the first waiter, which was woken and has not looked, waited too long? */
static uint64_t passed(struct chp__pool *p, uint64_t word, chp_time now)
{
	store_relaxed(&p->passed, 0);
	if (chp__overtaken_too_long(op_of(p->first), now))
		word |= HANDOFF;
	return word;
}

/* The lock was taken with `word`: add n, serve.  now: the time, if enough
   releases have gone past the first waiter; else 0. */
static COLD void add_locked(struct chp__pool *p, unsigned policy, uint64_t word,
			    int64_t n, chp_time now)
{
	struct service service = { { NULL, NULL }, { NULL, NULL } };

	lock_rank_push(RANK_OBJECT);
	if (now && word & WAKING)
		word = passed(p, word, now);
	word = settle(p, policy, word_plus(word, n), &service);
	word_unlock(&p->word, word);
	deliver(&service);
}

int chp__pool_add(struct chp__pool *p, unsigned policy, int64_t n)
{
	struct agent *self;
	chp_time now = 0;
	uint64_t word;
	int64_t sum;

	for (;;) {
		word = word_unlocked(&p->word);
		if (__builtin_add_overflow(count_of(word), n, &sum) ||
		    !in_range(sum))
			return CHP_EOVERFLOW;
		if (n > 0 && word & WAKING && pool_count_pass(p)) {
			self = agent_self();
			now = self->cls->now(self);
		}
		if (n <= 0 || (!now && nobody_to_serve(policy, word))) {
			if (cas64_acq_rel(&p->word, &word, word_plus(word, n)))
				return 0;
		} else if (cas64_acquire(&p->word, &word, word | LOCKED)) {
			add_locked(p, policy, word, n, now);
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
			add_locked(p, policy, word, -n, 0);
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
