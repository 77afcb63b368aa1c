/*
 * test_semaphore_destroy.c - whoever got the last permit may destroy the
 * semaphore at once, while the release that fed it is still on its way out
 * (glibc bug 12674).  The same for the operation that was polled.
 *
 * In each round a waiter gets its permit and buries semaphore and operation at
 * once.  Under a sanitizer burying is free(), and the sanitizer tells of any
 * later touch.  Otherwise the grave is filled with a pattern, which is there
 * unharmed when it is opened again, or made inaccessible, so that a later
 * touch is a segmentation fault: that is how this test fails.
 *
 * The other party may be a plain thread, and each party has its processor: see
 * sem.h.
 */
#include "sem.h"

#include <sys/mman.h>

/* ---- Graves ---- */

enum { GRAVES = 64, PATTERN = 0xa5, PAGE = 4096 };

/* What is buried together. */
struct corpse {
	chp_semaphore s;
	chp_acquire_op op;
};

static unsigned char *cemetery; /* a page for each grave, used in turn */
static bool closed[GRAVES];
static long burials;
static chp_word exhumed;

static struct corpse *exhume(int64_t permits, chp_policy policy)
{
	struct corpse *c;
	uint32_t i = __atomic_fetch_add(&exhumed.v, 1, __ATOMIC_RELAXED);

	if (SANITIZED) {
		c = malloc(sizeof(*c));
	} else {
		unsigned char *grave = cemetery + (size_t)(i % GRAVES) * PAGE;

		if (closed[i % GRAVES])
			CHECK_EQ(mprotect(grave, PAGE, PROT_READ | PROT_WRITE),
				 0);
		closed[i % GRAVES] = false;
		for (size_t k = 0; k < sizeof(*c); k++)
			CHECK_EQ(grave[k], PATTERN);
		c = (struct corpse *)grave;
	}
	CHECK_CODE(chp_semaphore_init(&c->s, permits, policy), 0);
	return c;
}

static void bury(struct corpse *c)
{
	size_t grave = (size_t)((unsigned char *)c - cemetery) / PAGE;

	chp_semaphore_destroy(&c->s);
	if (SANITIZED) {
		free(c);
		return;
	}
	memset(c, PATTERN, sizeof(*c));
	/* Not each time: it is slow, and a late reader is not always late. */
	closed[grave] = ++burials % 16 == 0;
	if (closed[grave])
		CHECK_EQ(mprotect(cemetery + grave * PAGE, PAGE, PROT_NONE), 0);
}

static void open_cemetery(void)
{
	exhumed.v = 0;
	if (SANITIZED)
		return;
	cemetery = mmap(NULL, (size_t)GRAVES * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(cemetery != MAP_FAILED);
	memset(cemetery, PATTERN, (size_t)GRAVES * PAGE);
	memset(closed, 0, sizeof(closed));
}

static void close_cemetery(void)
{
	if (!SANITIZED)
		CHECK_EQ(munmap(cemetery, (size_t)GRAVES * PAGE), 0);
}

/* ---- Handing semaphores to the other party ---- */

enum { WAITERS = 3 };

static chp_ptr offered[WAITERS];

static void offer(int i, struct corpse *c)
{
	while (__atomic_load_n(&offered[i].v, __ATOMIC_ACQUIRE))
		rest();
	__atomic_store_n(&offered[i].v, c, __ATOMIC_RELEASE);
}

static struct corpse *take(int i)
{
	struct corpse *c;

	while (!(
		c = __atomic_exchange_n(&offered[i].v, NULL, __ATOMIC_ACQ_REL)))
		rest();
	return c;
}

/* ---- Ways to wait for a permit ---- */

static chp_wait for_ever;

static void by_blocking(struct corpse *c, int64_t n, uint32_t round)
{
	(void)round;
	if (h_mode() != H_POLLED) {
		CHECK_CODE(chp_semaphore_acquire(&c->s, n), 0);
		return;
	}
	chp_semaphore_acquire_op(&c->op, &c->s, n);
	CHECK_CODE(h_wait(&c->op.op, &for_ever), 0);
}

static void by_short_tries(struct corpse *c, int64_t n, uint32_t round)
{
	int r;

	do {
		chp_wait w = { .deadline = chp_in(round % 64 * 500) };

		chp_semaphore_acquire_op(&c->op, &c->s, n);
		r = h_mode() == H_POLLED
			    ? h_wait(&c->op.op, &w)
			    : chp_semaphore_acquire_with(&c->s, n, &w);
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

static void by_polling(struct corpse *c, int64_t n, uint32_t round)
{
	chp_semaphore_acquire_op(&c->op, &c->s, n);
	CHECK_CODE(poll_until(&c->op.op, round % 2, 0), 0);
}

/* The cancel may find it granted; then the permit is back in the count. */
static void by_cancelling_and_trying(struct corpse *c, int64_t n,
				     uint32_t round)
{
	int r;

	chp_semaphore_acquire_op(&c->op, &c->s, n);
	r = poll_until(&c->op.op, round % 2, 1 + round * 7 % 61);
	if (r != CHP_PENDING) {
		CHECK_CODE(r, 0);
		return;
	}
	chp_op_cancel(&c->op.op);
	for (long i = 1; chp_semaphore_try_acquire(&c->s, n) != 0; i++)
		if (h_mode() == H_CT || i % 256 == 0)
			rest();
}

/* ---- One waiter, one releaser ---- */

typedef void acquire_fn(struct corpse *c, int64_t n, uint32_t round);

struct pair {
	chp_policy policy;
	acquire_fn *acquire;
	int64_t n; /* wanted, and released one by one */
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
		c = exhume(0, p->policy);
		offer(0, c);
		p->acquire(c, p->n, (uint32_t)i);
		bury(c);
	}
	return NULL;
}

static void *release_each(void *arg)
{
	struct pair *p = arg;

	for (long i = 0; i < p->rounds; i++) {
		struct corpse *c;

		if (i % 256 == 0)
			run_on(1 - p->processor);
		c = take(0);
		for (int64_t k = 0; k < p->n; k++)
			CHECK_CODE(chp_semaphore_release(&c->s, 1), 0);
	}
	return NULL;
}

/* Each of the two parties is the waiter once. */
static void pair(chp_policy policy, acquire_fn *acquire, int64_t n, long rounds)
{
	struct pair p = { policy, acquire, n, rounds, 0 };
	struct h_agent other;

	if (h_mode() == H_CT)
		p.rounds = p.rounds / 10 + 1;
	memset(&waker, 0, sizeof(waker));
	find_processors();
	open_cemetery();
	spawn_other(&other, release_each, &p);
	wait_and_bury(&p);
	join_other(&other);
	p.processor = 1;
	spawn_other(&other, wait_and_bury, &p);
	release_each(&p);
	join_other(&other);
	close_cemetery();
	CHECK_EQ(h_refs(&waker), 0);
	run_anywhere();
}

static void a_waiter_may_destroy(chp_policy policy)
{
	pair(policy, by_blocking, 1, h_rounds(5000));
}

static void a_waiter_with_a_deadline_may_destroy(chp_policy policy)
{
	pair(policy, by_short_tries, 1, h_rounds(3000));
}

static void a_poller_may_destroy(chp_policy policy)
{
	pair(policy, by_polling, 1, h_rounds(40000));
}

static void one_who_cancelled_and_tried_again_may_destroy(chp_policy policy)
{
	pair(policy, by_cancelling_and_trying, 1, h_rounds(40000));
}

/* The first of the two releases added its permit and may not come back. */
static void one_fed_by_two_releases_may_destroy(chp_policy policy)
{
	pair(policy, by_polling, 2, h_rounds(20000));
	pair(policy, by_blocking, 2, h_rounds(3000));
}

/* ---- Several waiters; the last one buries ---- */

struct group {
	chp_policy policy;
	int64_t start;   /* permits at first */
	int64_t n;       /* wanted by each */
	int64_t release; /* what serves them all; 0: the semaphore is closed */
	long rounds;
};

struct member {
	struct group *group;
	struct h_agent agent;
	int index;
};

static chp_word left[GRAVES]; /* who still waits, by round */

static int wait_as_member(struct member *m, chp_semaphore *s)
{
	int64_t n = m->group->n;
	chp_acquire_op op;

	if (m->index == 0 && h_mode() != H_POLLED)
		return chp_semaphore_acquire(s, n);
	chp_semaphore_acquire_op(&op, s, n);
	if (m->index == 1)
		return poll_until(&op.op, false, 0);
	return h_wait(&op.op, NULL);
}

static void *wait_and_perhaps_bury(void *arg)
{
	struct member *m = arg;
	struct group *g = m->group;

	for (long i = 0; i < g->rounds; i++) {
		struct corpse *c = take(m->index);

		CHECK_CODE(wait_as_member(m, &c->s),
			   g->release ? 0 : CHP_ECLOSED);
		if (h_sub(&left[i % GRAVES], 1) == 1)
			bury(c);
	}
	return NULL;
}

static void serve_and_leave(struct group *g)
{
	for (long i = 0; i < g->rounds; i++) {
		struct corpse *c = exhume(g->start, g->policy);
		chp_semaphore *s = &c->s;

		h_store(&left[i % GRAVES], WAITERS);
		for (int k = 0; k < WAITERS; k++)
			offer(k, c);
		/* Closing is for those who wait; a release may come first. */
		if (!g->release || i % 4)
			while (chp_semaphore_queue_length(s) != WAITERS)
				rest();
		if (g->release)
			CHECK_CODE(chp_semaphore_release(s, g->release), 0);
		else
			chp_semaphore_close(s);
	}
}

static void group(struct group *g)
{
	struct member m[WAITERS];

	if (h_mode() == H_CT)
		g->rounds = g->rounds / 10 + 1;
	open_cemetery();
	for (int i = 0; i < WAITERS; i++) {
		m[i].group = g;
		m[i].index = i;
		h_spawn(&m[i].agent, wait_and_perhaps_bury, &m[i]);
	}
	serve_and_leave(g);
	for (int i = 0; i < WAITERS; i++)
		h_join(&m[i].agent);
	close_cemetery();
}

static void the_last_of_several_waiters_may_destroy(chp_policy policy)
{
	group(&(struct group){ policy, 0, 1, WAITERS, h_rounds(2000) });
}

/* One permit that pays a debt serves all who want none. */
static void the_last_of_several_who_want_none_may_destroy(chp_policy policy)
{
	group(&(struct group){ policy, -1, 0, 1, h_rounds(2000) });
}

static void the_last_of_several_may_destroy_what_was_closed(chp_policy policy)
{
	group(&(struct group){ policy, 0, 1, 0, h_rounds(2000) });
}

static const struct h_test tests[] = {
	TEST_BY_POLICY(a_waiter_may_destroy, IN_ALL),
	TEST_BY_POLICY(a_waiter_with_a_deadline_may_destroy, IN_ALL),
	TEST_BY_POLICY(a_poller_may_destroy, IN_TASKS | IN_POLLED),
	TEST_BY_POLICY(one_who_cancelled_and_tried_again_may_destroy,
		       IN_TASKS | IN_POLLED),
	TEST_BY_POLICY(one_fed_by_two_releases_may_destroy, IN_ALL),
	TEST_BY_POLICY(the_last_of_several_waiters_may_destroy, IN_ALL),
	TEST_BY_POLICY(the_last_of_several_who_want_none_may_destroy, IN_ALL),
	TEST_BY_POLICY(the_last_of_several_may_destroy_what_was_closed, IN_ALL),
};

H_MAIN("semaphore_destroy", tests)
