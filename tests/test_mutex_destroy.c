/*
 * test_mutex_destroy.c - whoever got the lock may unlock, destroy and free the
 * mutex at once, while the unlock that let it in is still on its way out
 * (glibc bug 12674).  The same for the operation that was polled, and for the
 * last owned guard of a counted mutex.
 *
 * In each round a waiter gets the lock and buries mutex and operation at once:
 * see grave.h.  In a runtime of many threads the other party is a plain
 * thread, and each party has its processor: see duel.h.
 */
#include "duel.h"
#include "grave.h"

struct corpse {
	chp_mutex m;
	chp_lock_op op;
};

/* ---- Handing mutexes to the other party ---- */

enum { WAITERS = 3 };

static chp_ptr offered[WAITERS];

static void offer(int i, void *c)
{
	while (__atomic_load_n(&offered[i].v, __ATOMIC_ACQUIRE))
		rest();
	__atomic_store_n(&offered[i].v, c, __ATOMIC_RELEASE);
}

static void *take(int i)
{
	void *c;

	while (!(
		c = __atomic_exchange_n(&offered[i].v, NULL, __ATOMIC_ACQ_REL)))
		rest();
	return c;
}

/* Locked by a poller, for the other party to unlock. */
static struct corpse *make(unsigned flags)
{
	struct corpse *c = dig(sizeof(*c));

	CHECK_CODE(chp_mutex_init(&c->m, flags), 0);
	hold(&c->m);
	return c;
}

static void unlock_and_bury(struct corpse *c)
{
	chp_mutex_unlock(&c->m);
	chp_mutex_destroy(&c->m);
	bury(c, sizeof(*c));
}

/* ---- Ways to wait for the lock ---- */

static void by_blocking(struct corpse *c, uint32_t round)
{
	(void)round;
	if (h_mode() != H_POLLED) {
		chp_mutex_lock(&c->m);
		return;
	}
	chp_mutex_lock_op(&c->op, &c->m);
	CHECK_CODE(h_wait(&c->op.op, NULL), 0);
}

static void by_short_tries(struct corpse *c, uint32_t round)
{
	int r;

	do {
		chp_wait w = { .deadline = chp_in(round % 64 * 500) };

		chp_mutex_lock_op(&c->op, &c->m);
		r = h_mode() == H_POLLED ? h_wait(&c->op.op, &w)
					 : chp_mutex_lock_with(&c->m, &w);
		rest();
	} while (r == CHP_ETIMEDOUT);
	CHECK_CODE(r, 0);
}

/* Polling all the time sees the result at the earliest moment. */
static struct h_waker waker;

static int poll_until(chp_op *op, bool with_waker, long polls)
{
	int r = CHP_PENDING;

	for (long i = 1; polls == 0 || i <= polls; i++) {
		r = with_waker ? h_poll(op, &waker) : chp_op_poll(op, NULL);
		if (r != CHP_PENDING)
			break;
		if (h_mode() == H_CT || i % 256 == 0)
			rest();
	}
	return r;
}

static void by_polling(struct corpse *c, uint32_t round)
{
	chp_mutex_lock_op(&c->op, &c->m);
	CHECK_CODE(poll_until(&c->op.op, round % 2, 0), 0);
}

static void by_trying(struct corpse *c, uint32_t round)
{
	(void)round;
	for (long i = 1; chp_mutex_try_lock(&c->m) != 0; i++)
		if (h_mode() == H_CT || i % 256 == 0)
			rest();
}

/* The cancel may find it handed over; then it is free. */
static void by_cancelling_and_trying(struct corpse *c, uint32_t round)
{
	int r;

	chp_mutex_lock_op(&c->op, &c->m);
	r = poll_until(&c->op.op, round % 2, 1 + round * 7 % 61);
	if (r != CHP_PENDING) {
		CHECK_CODE(r, 0);
		return;
	}
	chp_op_cancel(&c->op.op);
	by_trying(c, round);
}

/* ---- One waiter, one unlocker ---- */

typedef void lock_fn(struct corpse *c, uint32_t round);

struct pair {
	unsigned flags;
	lock_fn *lock;
	long rounds;
	int processor; /* of the waiter */
};

static void *wait_and_bury(void *arg)
{
	struct pair *p = arg;

	for (long i = 0; i < p->rounds; i++) {
		struct corpse *c;

		if (i % 256 == 0)
			run_on(p->processor);
		c = make(p->flags);
		offer(0, c);
		p->lock(c, (uint32_t)i);
		unlock_and_bury(c);
	}
	return NULL;
}

static void *unlock_each(void *arg)
{
	struct pair *p = arg;

	for (long i = 0; i < p->rounds; i++) {
		struct corpse *c;

		if (i % 256 == 0)
			run_on(1 - p->processor);
		c = take(0);
		/* Perhaps it waits by then, perhaps not. */
		for (volatile uint32_t n = (uint32_t)i * 37 % 512; n; n--)
			;
		chp_mutex_unlock(&c->m);
	}
	return NULL;
}

/* Each of the two parties is the waiter once. */
static void pair(unsigned flags, lock_fn *lock, long rounds)
{
	struct pair p = { flags, lock, rounds, 0 };
	struct h_agent other;

	if (h_mode() == H_CT)
		p.rounds = p.rounds / 10 + 1;
	memset(&waker, 0, sizeof(waker));
	find_processors();
	open_cemetery();
	spawn_other(&other, unlock_each, &p);
	wait_and_bury(&p);
	join_other(&other);
	p.processor = 1;
	spawn_other(&other, wait_and_bury, &p);
	unlock_each(&p);
	join_other(&other);
	close_cemetery();
	h_until(h_refs(&waker) == 0);
	run_anywhere();
}

static void a_waiter_may_destroy(unsigned flags)
{
	pair(flags, by_blocking, h_rounds(2500));
}

static void a_waiter_with_a_deadline_may_destroy(unsigned flags)
{
	pair(flags, by_short_tries, h_rounds(2500));
}

static void a_poller_may_destroy(unsigned flags)
{
	pair(flags, by_polling, h_rounds(8000));
}

static void one_that_tries_may_destroy(unsigned flags)
{
	pair(flags, by_trying, h_rounds(8000));
}

static void one_who_cancelled_and_tried_again_may_destroy(unsigned flags)
{
	pair(flags, by_cancelling_and_trying, h_rounds(8000));
}

/* ---- Several waiters; the last one buries ---- */

static struct line {
	struct h_agent agent;
	int index;
	long rounds;
} lines[WAITERS];

static chp_word left[GRAVES]; /* who has not had the lock, by round */

static void *lock_and_perhaps_bury(void *arg)
{
	struct line *l = arg;

	for (long i = 0; i < l->rounds; i++) {
		struct corpse *c = take(l->index);
		chp_lock_op op;

		if (l->index == 1) {
			chp_mutex_lock_op(&op, &c->m);
			CHECK_CODE(poll_until(&op.op, false, 0), 0);
		} else {
			mutex_lock(&c->m);
		}
		/* Under the lock: the last one knows that it is. */
		if (h_sub(&left[i % GRAVES], 1) == 1)
			unlock_and_bury(c);
		else
			chp_mutex_unlock(&c->m);
	}
	return NULL;
}

static void the_last_of_several_may_destroy(unsigned flags)
{
	long rounds = h_rounds(h_mode() == H_CT ? 300 : 3000);

	open_cemetery();
	for (int i = 0; i < WAITERS; i++) {
		lines[i].index = i;
		lines[i].rounds = rounds;
		h_spawn(&lines[i].agent, lock_and_perhaps_bury, &lines[i]);
	}
	for (long i = 0; i < rounds; i++) {
		struct corpse *c = make(flags);

		h_store(&left[i % GRAVES], WAITERS);
		for (int k = 0; k < WAITERS; k++)
			offer(k, c);
		if (i % 4)
			h_until(QUEUED(&c->m) == WAITERS);
		chp_mutex_unlock(&c->m);
	}
	for (int i = 0; i < WAITERS; i++)
		h_join(&lines[i].agent);
	close_cemetery();
}

/* ---- Counted mutexes ---- */

static long counted_rounds;

/* The other party has the last reference but for the guard. */
static void *unlock_and_unref(void *arg)
{
	for (long i = 0; i < counted_rounds; i++) {
		chp_mutex *m = take(0);

		chp_mutex_unlock(m);
		chp_mutex_unref(m);
	}
	return arg;
}

static chp_mutex_guard lock_owned(chp_mutex *m)
{
	chp_mutex_guard g = { 0 };
	chp_lock_op op;

	if (h_mode() != H_POLLED)
		return chp_mutex_lock_owned(m);
	chp_mutex_lock_owned_op(&op, m, &g);
	CHECK_CODE(h_wait(&op.op, NULL), 0);
	return g;
}

static void the_last_owned_guard_frees(unsigned flags)
{
	struct h_agent other;

	counted_rounds = h_rounds(h_mode() == H_CT ? 1000 : 5000);
	find_processors();
	spawn_other(&other, unlock_and_unref, NULL);
	for (long i = 0; i < counted_rounds; i++) {
		chp_mutex *m = chp_mutex_new(sizeof(i), &i, NULL, flags);
		chp_mutex_guard g;

		CHECK(m != NULL);
		hold(m);
		offer(0, chp_mutex_ref(m));
		g = lock_owned(m);
		chp_mutex_unref(m);
		CHECK_EQ(*(long *)g.data, i);
		chp_mutex_guard_unlock(&g);
	}
	join_other(&other);
}

/* clang-format off */
BY_FLAGS(a_waiter_may_destroy)
BY_FLAGS(a_waiter_with_a_deadline_may_destroy)
BY_FLAGS(a_poller_may_destroy)
BY_FLAGS(one_that_tries_may_destroy)
BY_FLAGS(one_who_cancelled_and_tried_again_may_destroy)
BY_FLAGS(the_last_of_several_may_destroy)
BY_FLAGS(the_last_owned_guard_frees)

static const struct h_test tests[] = {
	TESTS(a_waiter_may_destroy, IN_ALL),
	TESTS(a_waiter_with_a_deadline_may_destroy, IN_ALL),
	TESTS(a_poller_may_destroy, IN_TASKS | IN_POLLED),
	TESTS(one_that_tries_may_destroy, IN_TASKS | IN_POLLED),
	TESTS(one_who_cancelled_and_tried_again_may_destroy,
	      IN_TASKS | IN_POLLED),
	TESTS(the_last_of_several_may_destroy, IN_ALL),
	TESTS(the_last_owned_guard_frees, IN_ALL),
};
/* clang-format on */

H_MAIN("mutex_destroy", tests)
