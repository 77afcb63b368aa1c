/*
 * test_rwlock_destroy.c - whoever got in may release, destroy and free the
 * lock at once, while the unlock, downgrade or cancel that let it in is still
 * on its way out (glibc bug 12674).  The same for the operation that was
 * polled.  See grave.h, and duel.h for the two parties.
 */
#include "duel.h"
#include "grave.h"

enum { READ = 0, WRITE = 1 };

struct corpse {
	chp_rwlock l;
	chp_rwlock_op op;
	bool writes; /* what the waiter wants */
};

static chp_ptr offered;

static void offer(void *c)
{
	while (__atomic_load_n(&offered.v, __ATOMIC_ACQUIRE))
		rest();
	__atomic_store_n(&offered.v, c, __ATOMIC_RELEASE);
}

static void *take(void)
{
	void *c;

	while (!(c = __atomic_exchange_n(&offered.v, NULL, __ATOMIC_ACQ_REL)))
		rest();
	return c;
}

/* ---- What the other party does, and with what held ---- */

struct way {
	bool writes; /* what the waiter wants */
	void (*hold)(struct corpse *c);
	void (*let_in)(struct corpse *c);
	/* What the waiter has to wait for besides, once it is in. */
	void (*then)(struct corpse *c);
};

static void hold_write(struct corpse *c)
{
	rwlock_write(&c->l);
}

static void hold_read(struct corpse *c)
{
	rwlock_read(&c->l);
}

static void write_unlock(struct corpse *c)
{
	chp_rwlock_write_unlock(&c->l);
}

static void read_unlock(struct corpse *c)
{
	chp_rwlock_read_unlock(&c->l);
}

/* The reader that was let in by a downgrade becomes the only one by this. */
static void downgrade(struct corpse *c)
{
	chp_rwlock_downgrade(&c->l);
}

static void release_the_downgraded(struct corpse *c)
{
	/* In the name of the other party, which touches it no more. */
	chp_rwlock_read_unlock(&c->l);
}

/*
 * A writer in front of the waiter gives up: the waiter comes in beside.  The
 * writer's operation is not buried: chp_op_cancel() may still be in it.
 */
static chp_rwlock_op in_front;
static chp_word let_in_so_far;

static void hold_read_and_queue_a_writer(struct corpse *c)
{
	rwlock_read(&c->l);
	chp_rwlock_write_op(&in_front, &c->l);
	CHECK_CODE(chp_op_poll(&in_front.op, NULL), CHP_PENDING);
}

static void cancel_the_writer(struct corpse *c)
{
	(void)c;
	chp_op_cancel(&in_front.op);
}

static const struct way ways[] = {
	{ READ, hold_write, write_unlock, NULL },
	{ WRITE, hold_write, write_unlock, NULL },
	{ WRITE, hold_read, read_unlock, NULL },
	{ READ, hold_write, downgrade, release_the_downgraded },
	{ READ, hold_read_and_queue_a_writer, cancel_the_writer,
	  release_the_downgraded },
};

enum { WAYS = sizeof(ways) / sizeof(*ways) };

/* ---- How the waiter waits ---- */

static void by_blocking(struct corpse *c, uint32_t round)
{
	(void)round;
	if (h_mode() != H_POLLED) {
		(c->writes ? chp_rwlock_write : chp_rwlock_read)(&c->l);
		return;
	}
	(c->writes ? chp_rwlock_write_op : chp_rwlock_read_op)(&c->op, &c->l);
	CHECK_CODE(h_wait(&c->op.op, NULL), 0);
}

static void by_short_tries(struct corpse *c, uint32_t round)
{
	int r;

	do {
		chp_wait w = { .deadline = chp_in(round % 64 * 500) };

		r = rwlock_with(&c->l, c->writes, &w);
		rest();
	} while (r == CHP_ETIMEDOUT);
	CHECK_CODE(r, 0);
}

static struct h_waker waker;

/* Polling all the time sees the result at the earliest moment. */
static void by_polling(struct corpse *c, uint32_t round)
{
	int r;

	(c->writes ? chp_rwlock_write_op : chp_rwlock_read_op)(&c->op, &c->l);
	for (long i = 1;; i++) {
		r = round % 2 ? h_poll(&c->op.op, &waker)
			      : chp_op_poll(&c->op.op, NULL);
		if (r != CHP_PENDING)
			break;
		if (h_mode() == H_CT || i % 256 == 0)
			rest();
	}
	CHECK_CODE(r, 0);
}

static void by_trying(struct corpse *c, uint32_t round)
{
	(void)round;
	for (long i = 1;; i++) {
		if ((c->writes ? chp_rwlock_try_write
			       : chp_rwlock_try_read)(&c->l) == 0)
			return;
		if (h_mode() == H_CT || i % 256 == 0)
			rest();
	}
}

/* ---- One waiter, one who lets it in ---- */

struct pair {
	const struct way *way;
	void (*lock)(struct corpse *c, uint32_t round);
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
		while (h_load(&let_in_so_far) != (uint32_t)i)
			rest();
		c = dig(sizeof(*c));
		CHECK_CODE(chp_rwlock_init(&c->l, 4), 0);
		c->writes = p->way->writes;
		p->way->hold(c);
		offer(c);
		p->lock(c, (uint32_t)i);
		if (p->way->then)
			p->way->then(c);
		rwlock_unlock(&c->l, c->writes);
		chp_rwlock_destroy(&c->l);
		bury(c, sizeof(*c));
	}
	return NULL;
}

static void *let_each_in(void *arg)
{
	struct pair *p = arg;

	for (long i = 0; i < p->rounds; i++) {
		struct corpse *c;

		if (i % 256 == 0)
			run_on(1 - p->processor);
		c = take();
		/* Perhaps it waits by then, perhaps not. */
		for (volatile uint32_t n = (uint32_t)i * 37 % 512; n; n--)
			;
		p->way->let_in(c);
		h_add(&let_in_so_far, 1);
	}
	return NULL;
}

static void fight_for(void (*lock)(struct corpse *, uint32_t), long rounds)
{
	struct h_agent other;

	memset(&waker, 0, sizeof(waker));
	find_processors();
	open_cemetery();
	for (int i = 0; i < WAYS; i++) {
		struct pair p = { &ways[i], lock, rounds, i % 2 };

		if (h_mode() == H_CT)
			p.rounds = p.rounds / 10 + 1;
		let_in_so_far.v = 0;
		spawn_other(&other, let_each_in, &p);
		wait_and_bury(&p);
		join_other(&other);
	}
	close_cemetery();
	h_until(h_refs(&waker) == 0);
	run_anywhere();
}

static void a_waiter_may_destroy(void)
{
	fight_for(by_blocking, h_rounds(2500));
}

static void a_waiter_with_a_deadline_may_destroy(void)
{
	fight_for(by_short_tries, h_rounds(2000));
}

static void a_poller_may_destroy(void)
{
	fight_for(by_polling, h_rounds(6000));
}

static void one_that_tries_may_destroy(void)
{
	fight_for(by_trying, h_rounds(6000));
}

/* ---- Several readers; the last one out buries ---- */

enum { READERS = 3 };

static chp_ptr to[READERS];
static chp_word left[GRAVES];

struct member {
	struct h_agent agent;
	int index;
	long rounds;
};

static void *read_and_perhaps_bury(void *arg)
{
	struct member *m = arg;

	for (long i = 0; i < m->rounds; i++) {
		struct corpse *c;

		while (!(c = __atomic_exchange_n(&to[m->index].v, NULL,
						 __ATOMIC_ACQ_REL)))
			rest();
		rwlock_read(&c->l);
		/* All are in before the first goes out. */
		h_sub(&left[i % GRAVES], 1);
		h_until(h_load(&left[i % GRAVES]) <= READERS);
		chp_rwlock_read_unlock(&c->l);
		if (h_sub(&left[i % GRAVES], 1) != 1)
			continue;
		chp_rwlock_destroy(&c->l);
		bury(c, sizeof(*c));
	}
	return NULL;
}

/* Whoever is last has seen the others go: by the count, not by the lock. */
static void the_last_of_several_readers_may_destroy(void)
{
	static struct member m[READERS];
	long rounds = h_rounds(h_mode() == H_CT ? 300 : 3000);

	open_cemetery();
	for (int i = 0; i < READERS; i++) {
		m[i].index = i;
		m[i].rounds = rounds;
		h_spawn(&m[i].agent, read_and_perhaps_bury, &m[i]);
	}
	for (long i = 0; i < rounds; i++) {
		struct corpse *c = dig(sizeof(*c));

		CHECK_CODE(chp_rwlock_init(&c->l, 4), 0);
		rwlock_write(&c->l);
		h_store(&left[i % GRAVES], 2 * READERS);
		for (int k = 0; k < READERS; k++) {
			while (__atomic_load_n(&to[k].v, __ATOMIC_ACQUIRE))
				rest();
			__atomic_store_n(&to[k].v, c, __ATOMIC_RELEASE);
		}
		if (i % 4)
			h_until(QUEUED(&c->l) == READERS);
		chp_rwlock_write_unlock(&c->l);
	}
	for (int i = 0; i < READERS; i++)
		h_join(&m[i].agent);
	close_cemetery();
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_waiter_may_destroy, IN_ALL),
	TEST(a_waiter_with_a_deadline_may_destroy, IN_ALL),
	TEST(a_poller_may_destroy, IN_TASKS | IN_POLLED),
	TEST(one_that_tries_may_destroy, IN_TASKS | IN_POLLED),
	TEST(the_last_of_several_readers_may_destroy, IN_ALL),
};
/* clang-format on */

H_MAIN("rwlock_destroy", tests)
