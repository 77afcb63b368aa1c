/*
 * mutex.c - a pool whose count is 0 when free and -1 when locked.
 *
 * Locking is a cas from FREE to HELD, unlocking the one back; both fail when a
 * flag is up, that is when somebody waits or holds the queue, and then the pool
 * does it, but for the case that nobody need be served just now, which is
 * frequent under contention.  The cas that locks acquires, the one that unlocks
 * releases.  They do not look first: a load right after the last cas would wait
 * for that.  What they guess instead, when they see that there is contention
 * (`passed`, beside the word), is the word of a mutex that goes from hand to hand
 * past a waiter.
 *
 * Nobody spins for a lock that is held: who finds it so queues, and parks
 * (a thread, as for everything, with some patience: os/patience.h).
 */
#include "sync/mutex.h"

#include <string.h>

#include "base/panic.h"
#include "sync/pool.h"
#include "wait/block.h"
#include "wait/node.h"

#define FREE ((uint64_t)0)
#define HELD ((uint64_t)-1 << COUNT_SHIFT)

/* Held, and to be given back past a waiter that was woken. */
#define PASSED (HELD | QUEUED | WAKING)

static inline unsigned policy_of(const chp_mutex *m)
{
	return m->flags & CHP_MUTEX_FIFO ? CHP_FIFO : CHP_UNFAIR;
}

/* ---- Who has it: debug builds ---- */

/* Relaxed: compared only with the reader's own id. */
static inline void set_owner_id(chp_mutex *m, uint64_t id)
{
	if (CHECKING)
		store64_relaxed(&m->owner, id);
}

/* NULL: nobody. */
static inline void set_owner(chp_mutex *m, const struct agent *self)
{
	if (CHECKING)
		set_owner_id(m, self ? agent_id(self) : 0);
}

static inline bool is_owner(const chp_mutex *m)
{
	return load64_relaxed(&m->owner) == agent_id(agent_self());
}

static inline void check_not_owner(const chp_mutex *m)
{
	if (CHECKING && is_owner(m))
		chp__panic("mutex %p locked again by who has it",
			   (const void *)m);
}

static inline void check_owner(const chp_mutex *m)
{
	if (CHECKING && load64_relaxed(&m->owner) && !is_owner(m))
		chp__panic("mutex %p unlocked by who does not have it",
			   (const void *)m);
}

void chp__mutex_check_held(const chp_mutex *m, const char *what)
{
	if (!chp_mutex_is_locked(m))
		chp__panic("%s without holding the mutex %p", what,
			   (const void *)m);
	check_owner(m);
}

void chp_mutex_adopt(chp_mutex *m)
{
	set_owner(m, agent_self());
}

/* ---- Making ---- */

int chp_mutex_init(chp_mutex *m, unsigned flags)
{
	if (flags & ~CHP_MUTEX_FIFO)
		return CHP_EINVAL;
	memset(m, 0, sizeof(*m));
	m->flags = flags;
	return 0;
}

void chp_mutex_destroy(chp_mutex *m)
{
	/* Relaxed: the caller knows that the others are done. */
	uint64_t word = load64_relaxed(&m->pool.word);

	if (word & QUEUED)
		chp__panic("mutex %p destroyed while tasks or threads wait for "
			   "it",
			   (void *)m);
	if (CHECKING && count_of(word))
		chp__panic("mutex %p destroyed while it is held", (void *)m);
}

int chp_mutex_is_locked(const chp_mutex *m)
{
	return count_of(load64_acquire(&m->pool.word)) != 0;
}

/*
 * Do releases go past a waiter that was woken, so that the next cas will find
 * the flags that say so?  Relaxed: a guess, right or wrong.  The way for yes is
 * a function of its own, so that the usual cas need not wait for the answer.
 */
static inline bool is_passed(const chp_mutex *m)
{
	return unlikely(load_relaxed(&m->pool.passed) != 0);
}

/* ---- Unlocking ---- */

static COLD void unlock_slow(chp_mutex *m)
{
	/* Relaxed: whoever holds it rightly finds it held. */
	uint64_t word = load64_relaxed(&m->pool.word);

	if (count_of(word) == 0)
		chp__panic("mutex %p unlocked, but it is not locked",
			   (void *)m);
	/* Nobody waits any more: the next ones need not guess. */
	if (word == HELD)
		store_relaxed(&m->pool.passed, 0);
	chp__pool_add(&m->pool, policy_of(m), 1);
}

/* Somebody waits, or did just now. */
static NOINLINE void unlock_past(chp_mutex *m, uint64_t word)
{
	if (word != PASSED || pool_count_pass(&m->pool) ||
	    !cas64_release(&m->pool.word, &word, word_plus(word, 1)))
		unlock_slow(m);
}

void chp_mutex_unlock(chp_mutex *m)
{
	uint64_t word = HELD;

	check_owner(m);
	set_owner(m, NULL);
	if (is_passed(m))
		unlock_past(m, PASSED);
	else if (unlikely(!cas64_release(&m->pool.word, &word, FREE)))
		unlock_past(m, word);
}

/* ---- Locking ---- */

static inline bool lock_free_one(chp_mutex *m)
{
	uint64_t word = FREE;

	return likely(!is_passed(m)) &&
	       likely(cas64_acquire(&m->pool.word, &word, HELD));
}

/* Somebody waits, or did just now; false: it must wait as well. */
static bool lock_past(chp_mutex *m)
{
	uint64_t word = load64_relaxed(&m->pool.word);

	return !(word & ~pool_may_pass(policy_of(m))) &&
	       cas64_acquire(&m->pool.word, &word, word_plus(word, -1));
}

int chp_mutex_try_lock(chp_mutex *m)
{
	int r;

	if (unlikely(!lock_free_one(m)) && !lock_past(m)) {
		r = chp__pool_take(&m->pool, policy_of(m), 1, 0, true);
		if (r)
			return r;
	}
	if (CHECKING)
		chp_mutex_adopt(m);
	return 0;
}

static int finish(chp_lock_op *o, chp_waker waker, int r)
{
	/* Anybody may unlock what a poller has locked. */
	set_owner_id(o->mutex, waker_agent_id(waker));
	if (o->guard) {
		o->guard->mutex = o->mutex;
		o->guard->data = o->data;
		o->guard->owned = o->owned;
	}
	return r;
}

static int poll(chp_op *op, chp_poll_ctx *ctx)
{
	chp_lock_op *o = (chp_lock_op *)op;
	int r;

	if (op->stage == OP_NEW && o->owned)
		chp_mutex_ref(o->mutex);
	r = chp__pool_poll(&o->wait, ctx_waker(ctx));
	return r == CHP_PENDING ? r : finish(o, ctx->waker, r);
}

static int cancel(chp_op *op)
{
	chp_lock_op *o = (chp_lock_op *)op;
	int found = chp__pool_cancel(&o->wait);

	if (o->owned)
		chp_mutex_unref(o->mutex);
	return found;
}

static const chp_op_class lock_class = {
	.name = "mutex lock",
	.poll = poll,
	.cancel = cancel,
};

void chp__mutex_lock_op(chp_lock_op *op, chp_mutex *m, chp_mutex_guard *guard,
			void *data, bool owned)
{
	op_init(&op->op, &lock_class);
	chp__pool_op_init(&op->wait, &m->pool, policy_of(m), 1, 0);
	op->mutex = m;
	op->guard = guard;
	op->data = data;
	op->owned = owned;
	if (guard)
		memset(guard, 0, sizeof(*guard));
}

void chp_mutex_lock_op(chp_lock_op *op, chp_mutex *m)
{
	chp__mutex_lock_op(op, m, NULL, NULL, false);
}

static COLD int lock_slow(struct agent *self, chp_mutex *m, const chp_wait *w)
{
	chp_lock_op op;

	check_not_owner(m);
	if (unlikely(wait_expired(self, w))) {
		if (chp__pool_take(&m->pool, policy_of(m), 1, 0, false) != 0)
			return CHP_ETIMEDOUT;
		set_owner(m, self);
		return 0;
	}
	/* Its first poll tries again. */
	chp_mutex_lock_op(&op, m);
	return chp__block(self, &op.op, w);
}

int chp_mutex_lock_with(chp_mutex *m, const chp_wait *w)
{
	struct agent *self = agent_self();
	int r = wait_check(self, w);

	if (unlikely(r))
		return r;
	/* Before it is held: others may run now. */
	agent_spend(self);
	if (unlikely(!lock_free_one(m)) && !lock_past(m))
		return lock_slow(self, m, w);
	set_owner(m, self);
	return 0;
}

static const chp_wait always = { .flags = CHP_UNINTERRUPTIBLE };

/* Spent already. */
static NOINLINE void lock_among(struct agent *self, chp_mutex *m)
{
	if (lock_past(m))
		set_owner(m, self);
	else
		lock_slow(self, m, &always);
}

static COLD void lock_always(chp_mutex *m)
{
	struct agent *self = agent_self();

	agent_spend(self);
	lock_slow(self, m, &always);
}

void chp_mutex_lock(chp_mutex *m)
{
	struct agent *self = chp__tls_agent();

	if (unlikely(!self || !agent_spend_little(self)))
		lock_always(m);
	else if (likely(lock_free_one(m)))
		set_owner(m, self);
	else
		lock_among(self, m);
}
