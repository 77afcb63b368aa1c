/*
 * rwlock.c - a pool whose count is 0 when free, -n with n readers (at most
 * max), and -max - 1 with a writer.
 *
 * A reader takes 1 and needs a count of 1 - max; a writer takes max + 1 and
 * needs 0.  The pool's FIFO does the rest: while anybody is queued nobody else
 * takes.  The count tells a writer from as many readers as may.
 */
#include "sync/rwlock.h"

#include <string.h>

#include "base/panic.h"
#include "sync/pool.h"
#include "wait/block.h"

static inline int64_t max_of(const chp_rwlock *l)
{
	return l->max_readers ? l->max_readers : CHP_RWLOCK_MAX_READERS;
}

/* What a reader or a writer takes, and the count that it needs. */
static inline int64_t share(const chp_rwlock *l, bool write)
{
	return write ? max_of(l) + 1 : 1;
}

static inline int64_t need(const chp_rwlock *l, bool write)
{
	return write ? 0 : 1 - max_of(l);
}

int chp_rwlock_init(chp_rwlock *l, uint32_t max_readers)
{
	if (max_readers == 0 || max_readers > CHP_RWLOCK_MAX_READERS)
		return CHP_EINVAL;
	memset(l, 0, sizeof(*l));
	l->max_readers = max_readers;
	return 0;
}

void chp_rwlock_destroy(chp_rwlock *l)
{
	/* Relaxed: the caller knows that the others are done. */
	if (load64_relaxed(&l->pool.word) & QUEUED)
		chp__panic("rwlock %p destroyed while tasks or threads wait "
			   "for it",
			   (void *)l);
}

int64_t chp_rwlock_readers(const chp_rwlock *l)
{
	int64_t count = count_of(load64_acquire(&l->pool.word));

	return count < -max_of(l) ? -1 : -count;
}

/* ---- Releasing ---- */

static inline bool is_held(const chp_rwlock *l, uint64_t word, bool write)
{
	int64_t count = count_of(word), max = max_of(l);

	return write ? count < -max : count < 0 && count >= -max;
}

static COLD void release_slow(chp_rwlock *l, bool write)
{
	/* Relaxed: whoever holds it rightly finds it held. */
	if (!is_held(l, load64_relaxed(&l->pool.word), write))
		chp__panic("rwlock %p %s-unlocked, but it is not held that way",
			   (void *)l, write ? "write" : "read");
	chp__pool_add(&l->pool, CHP_FIFO, share(l, write));
}

/*
 * The last who goes, by one cas that does not look first, as in take_fast().
 * Release only: who takes it next acquires what all before did, since a
 * read-modify-write keeps it.
 */
static inline void release(chp_rwlock *l, bool write)
{
	uint64_t word = word_plus(0, -share(l, write));

	if (likely(cas64_release(&l->pool.word, &word, 0)))
		return;
	if (write || word & FLAGS || !is_held(l, word, false) ||
	    !cas64_release(&l->pool.word, &word, word_plus(word, 1)))
		release_slow(l, write);
}

void chp_rwlock_read_unlock(chp_rwlock *l)
{
	release(l, false);
}

void chp_rwlock_write_unlock(chp_rwlock *l)
{
	release(l, true);
}

void chp_rwlock_downgrade(chp_rwlock *l)
{
	if (!is_held(l, load64_relaxed(&l->pool.word), true))
		chp__panic("rwlock %p downgraded, but no writer has it",
			   (void *)l);
	chp__pool_add(&l->pool, CHP_FIFO, max_of(l));
}

int chp_rwlock_try_upgrade(chp_rwlock *l)
{
	uint64_t word;

	do {
		word = word_unlocked(&l->pool.word);
		if (!is_held(l, word, false))
			chp__panic("rwlock %p upgraded, but nobody reads it",
				   (void *)l);
		if (count_of(word) != -1)
			return CHP_EAGAIN;
		/* Acquire only, as any lock: it gives nothing up. */
	} while (!cas64_acquire(&l->pool.word, &word,
				word_plus(word, -max_of(l))));
	return 0;
}

/* ---- Taking ---- */

/*
 * The first who comes, by one cas that does not look first: a look right after
 * the last change waits for that.  It learns the word for those who come later.
 */
static inline bool take_fast(chp_rwlock *l, bool write)
{
	uint64_t word = 0;

	if (likely(cas64_acquire(&l->pool.word, &word,
				 word_plus(0, -share(l, write)))))
		return true;
	return !write && !(word & FLAGS) && count_of(word) >= need(l, write) &&
	       cas64_acquire(&l->pool.word, &word,
			     word_plus(word, -share(l, write)));
}

static inline int try_take(chp_rwlock *l, bool write)
{
	if (likely(take_fast(l, write)))
		return 0;
	return chp__pool_take(&l->pool, CHP_FIFO, share(l, write),
			      need(l, write), true);
}

int chp_rwlock_try_read(chp_rwlock *l)
{
	return try_take(l, false);
}

int chp_rwlock_try_write(chp_rwlock *l)
{
	return try_take(l, true);
}

static int poll(chp_op *op, chp_poll_ctx *ctx)
{
	chp_rwlock_op *o = (chp_rwlock_op *)op;
	int r;

	if (op->stage == OP_NEW && o->owned)
		chp_rwlock_ref(o->rwlock);
	r = chp__pool_poll(&o->wait, ctx_waker(ctx));
	if (r == 0 && o->guard) {
		o->guard->rwlock = o->rwlock;
		o->guard->data = o->data;
		o->guard->owned = o->owned;
		o->guard->writes = (uint16_t)o->writes;
	}
	return r;
}

static int cancel(chp_op *op)
{
	chp_rwlock_op *o = (chp_rwlock_op *)op;
	int found = chp__pool_cancel(&o->wait);

	if (o->owned)
		chp_rwlock_unref(o->rwlock);
	return found;
}

static const chp_op_class rwlock_class = {
	.name = "rwlock",
	.poll = poll,
	.cancel = cancel,
};

void chp__rwlock_op(chp_rwlock_op *op, chp_rwlock *l, bool write,
		    chp_rwlock_guard *guard, void *data, bool owned)
{
	op_init(&op->op, &rwlock_class);
	chp__pool_op_init(&op->wait, &l->pool, CHP_FIFO, share(l, write),
			  need(l, write));
	op->rwlock = l;
	op->guard = guard;
	op->data = data;
	op->owned = owned;
	op->writes = write;
	if (guard)
		memset(guard, 0, sizeof(*guard));
}

void chp_rwlock_read_op(chp_rwlock_op *op, chp_rwlock *l)
{
	chp__rwlock_op(op, l, false, NULL, NULL, false);
}

void chp_rwlock_write_op(chp_rwlock_op *op, chp_rwlock *l)
{
	chp__rwlock_op(op, l, true, NULL, NULL, false);
}

static COLD int take_slow(struct agent *self, chp_rwlock *l, bool write,
			  const chp_wait *w)
{
	chp_rwlock_op op;

	if (unlikely(wait_expired(self, w)))
		return chp__pool_take(&l->pool, CHP_FIFO, share(l, write),
				      need(l, write), false) == 0
			       ? 0
			       : CHP_ETIMEDOUT;
	/* Its first poll tries again. */
	chp__rwlock_op(&op, l, write, NULL, NULL, false);
	return chp__block(self, &op.op, w);
}

static inline int take(chp_rwlock *l, bool write, const chp_wait *w)
{
	struct agent *self = agent_self();
	int r = wait_check(self, w);

	if (unlikely(r))
		return r;
	/* Before it is held: others may run now. */
	agent_spend(self);
	if (likely(take_fast(l, write)))
		return 0;
	return take_slow(self, l, write, w);
}

int chp_rwlock_read_with(chp_rwlock *l, const chp_wait *w)
{
	return take(l, false, w);
}

int chp_rwlock_write_with(chp_rwlock *l, const chp_wait *w)
{
	return take(l, true, w);
}

static const chp_wait always = { .flags = CHP_UNINTERRUPTIBLE };

static COLD void always_slow(chp_rwlock *l, bool write)
{
	struct agent *self = agent_self();

	agent_spend(self);
	take_slow(self, l, write, &always);
}

static inline void take_always(chp_rwlock *l, bool write)
{
	struct agent *self = chp__tls_agent();

	if (unlikely(!self || !agent_spend_little(self) ||
		     !take_fast(l, write)))
		always_slow(l, write);
}

void chp_rwlock_read(chp_rwlock *l)
{
	take_always(l, false);
}

void chp_rwlock_write(chp_rwlock *l)
{
	take_always(l, true);
}
