/*
 * test_semaphore_storm.c - many parties at once: that permits exclude, that
 * they carry memory with them, that threads and tasks share one object, and
 * that after any mix of calls no permit is lost or invented.
 *
 * Half of the parties are agents of the mode, half are plain threads in every
 * mode.  Each ends by itself; the order is drawn from fixed seeds.
 */
#include "sem_queue.h"

enum { AGENTS = 3, THREADS = 2, PARTIES = AGENTS + THREADS };

/* ---- Parties ---- */

struct party {
	struct h_agent agent;
	void (*play)(struct party *p);
	struct h_rng rng;
	long rounds;
};

static chp_word left; /* parties that still play */

static void *run_party(void *arg)
{
	struct party *p = arg;

	p->play(p);
	h_sub(&left, 1);
	return NULL;
}

static void play(void (*fn)(struct party *p), long rounds)
{
	struct party p[PARTIES];

	left.v = PARTIES;
	memset(p, 0, sizeof(p));
	for (int i = 0; i < PARTIES; i++) {
		p[i].play = fn;
		p[i].rng = h_rng(2654435761u, (uint64_t)i);
		p[i].rounds = rounds;
		(i < AGENTS ? h_spawn : h_spawn_thread)(&p[i].agent, run_party,
							&p[i]);
	}
	/* Joining a thread stops the worker, so only when all have played. */
	h_until(h_load(&left) == 0);
	for (int i = 0; i < PARTIES; i++)
		(i < AGENTS ? h_join : h_join_thread)(&p[i].agent);
}

/* ---- Exclusion, and the memory that comes with permits ---- */

static long plain; /* guarded by the permits alone: TSan looks on */

static void count_alone(struct party *p)
{
	for (long i = 0; i < p->rounds; i++) {
		long seen;

		CHECK_CODE(acquire_with(1, NULL), 0);
		seen = plain;
		if (h_below(&p->rng, 16) == 0)
			h_yield();
		plain = seen + 1;
		release(1);
	}
}

static void one_permit_is_a_lock(chp_policy policy)
{
	long rounds = h_rounds(4000);

	plain = 0;
	make(1, policy);
	play(count_alone, rounds);
	CHECK_EQ(plain, PARTIES * rounds);
	CHECK_EQ(chp_semaphore_available(&s), 1);
	CHECK_EQ(chp_semaphore_queue_length(&s), 0);
}

/*
 * All three permits to write, one to read: a writer is fed by the releases of
 * several readers and must come after what each of them did.
 */
static void read_and_write(struct party *p)
{
	for (long i = 0; i < p->rounds; i++) {
		int64_t n = h_below(&p->rng, 4) == 0 ? 3 : 1;
		int tries = h_below(&p->rng, 3);
		long seen;

		/* By any way in: trying, for a moment, patiently. */
		if (tries == 0 && chp_semaphore_try_acquire(&s, n) != 0)
			tries = 1;
		if (tries == 1 &&
		    acquire_with(n, &(chp_wait){ .deadline = chp_in(CHP_US) }))
			tries = 2;
		if (tries == 2)
			CHECK_CODE(acquire_with(n, NULL), 0);
		seen = plain;
		if (h_below(&p->rng, 16) == 0)
			h_yield();
		CHECK_EQ(plain, seen);
		if (n == 3)
			plain = seen + 1;
		if (n == 3 && h_below(&p->rng, 2)) {
			release(2);
			n = 1;
		}
		release(n);
	}
}

static void all_permits_exclude_each_one(chp_policy policy)
{
	make(3, policy);
	play(read_and_write, h_rounds(3000));
	CHECK_EQ(chp_semaphore_available(&s), 3);
	CHECK_EQ(chp_semaphore_queue_length(&s), 0);
}

/* Each wrote its own cell and released one permit; who has all sees all. */
static long cells[PARTIES];
static chp_word next_cell;

static void write_a_cell(struct party *p)
{
	uint32_t i = __atomic_fetch_add(&next_cell.v, 1, __ATOMIC_RELAXED);

	if (i == 0) {
		CHECK_CODE(acquire_with(PARTIES - 1, NULL), 0);
		for (int k = 1; k < PARTIES; k++)
			CHECK_EQ(cells[k], p->rounds);
		return;
	}
	cells[i] = p->rounds;
	if (i % 2)
		h_yield();
	release(1);
}

static void an_acquire_sees_all_the_releases_that_fed_it(chp_policy policy)
{
	for (long i = 0; i < h_rounds(150); i++) {
		next_cell.v = 0;
		memset(cells, 0, sizeof(cells));
		make(0, policy);
		play(write_a_cell, i + 1);
	}
}

/* ---- Every call at once ---- */

static void poll_and_perhaps_cancel(struct party *p, int64_t n)
{
	struct h_waker waker = { { 0 } };
	chp_acquire_op op;
	int r;

	chp_semaphore_acquire_op(&op, &s, n);
	r = h_poll(&op.op, &waker);
	for (uint32_t k = h_below(&p->rng, 4); k && r == CHP_PENDING; k--) {
		h_yield();
		r = h_poll(&op.op, &waker);
	}
	if (r == CHP_PENDING)
		chp_op_cancel(&op.op);
	else
		CHECK_CODE(r, 0);
	if (r == 0)
		release(n);
	/* A wake that had begun may still be on its way. */
	h_until(h_refs(&waker) == 0);
}

static void wait_a_moment(struct party *p, int64_t n)
{
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait w = { .deadline = chp_in(h_below(&p->rng, 30000)) };
	int r;

	if (h_below(&p->rng, 2))
		w.cancel = &token;
	r = acquire_with(n, &w);
	if (r == 0)
		release(n);
	else
		CHECK_CODE(r, CHP_ETIMEDOUT);
}

static void drain_and_put_back(void)
{
	int64_t drained = chp_semaphore_drain(&s);

	if (drained > 0)
		release(drained);
	else
		CHECK_CODE(chp_semaphore_reduce(&s, -drained), 0);
}

static void reduce_and_put_back(int64_t n)
{
	CHECK_CODE(chp_semaphore_reduce(&s, n), 0);
	h_yield();
	release(n);
}

static void forget_and_put_back(int64_t n)
{
	int64_t forgotten = chp_semaphore_forget(&s, n);

	CHECK(forgotten >= 0 && forgotten <= n);
	release(forgotten);
}

static void look_around(void)
{
	chp_waiter list[PARTIES + 1];
	size_t count = chp_semaphore_waiters(&s, list, PARTIES + 1);

	CHECK(count <= PARTIES);
	for (size_t i = 0; i < count; i++)
		CHECK(list[i].permits >= 0 && list[i].permits <= 3);
	CHECK(chp_semaphore_queue_length(&s) <= PARTIES);
	CHECK(!chp_semaphore_is_closed(&s));
	chp_semaphore_available(&s);
}

static void do_anything(struct party *p)
{
	for (long i = 0; i < p->rounds; i++) {
		int64_t n = h_below(&p->rng, 4);

		switch (h_below(&p->rng, 10)) {
		case 0:
		case 1:
			CHECK_CODE(acquire_with(n, NULL), 0);
			h_yield();
			release(n);
			break;
		case 2:
			wait_a_moment(p, n);
			break;
		case 3:
			if (chp_semaphore_try_acquire(&s, n) == 0)
				release(n);
			break;
		case 4:
			poll_and_perhaps_cancel(p, n);
			break;
		case 5:
			drain_and_put_back();
			break;
		case 6:
			reduce_and_put_back(n);
			break;
		case 7:
			forget_and_put_back(n);
			break;
		case 8:
			CHECK_CODE(chp_semaphore_resize(&s, 3 + n), 0);
			break;
		default:
			look_around();
		}
	}
}

static void no_mix_of_calls_loses_or_invents_a_permit(chp_policy policy)
{
	make(4, policy);
	play(do_anything, h_rounds(1500));
	CHECK_EQ(chp_semaphore_queue_length(&s), 0);
	/* All was put back, so what resizing left is all there. */
	CHECK_EQ(chp_semaphore_available(&s), chp_semaphore_capacity(&s));
	chp_semaphore_destroy(&s);
}

/* ---- Everybody is sent home ---- */

static chp_word taken;

static void take_until_closed(struct party *p)
{
	for (;;) {
		chp_wait w = { .deadline = h_below(&p->rng, 2)
						   ? chp_in(20 * CHP_US)
						   : 0 };
		int r = acquire_with(1, &w);

		if (r == CHP_ECLOSED)
			return;
		if (r == 0)
			__atomic_add_fetch(&taken.v, 1, __ATOMIC_RELAXED);
		else
			CHECK_CODE(r, CHP_ETIMEDOUT);
	}
}

static void release_and_close(struct party *p)
{
	/* The last party that starts: all the others are there already. */
	if (__atomic_add_fetch(&next_cell.v, 1, __ATOMIC_RELAXED) < PARTIES) {
		take_until_closed(p);
		return;
	}
	for (long i = 0; i < p->rounds; i++) {
		release(1);
		if (h_below(&p->rng, 3) == 0)
			h_yield();
	}
	chp_semaphore_close(&s);
	release(1);
}

static void closing_a_busy_semaphore_loses_no_permit(chp_policy policy)
{
	for (long i = 0; i < h_rounds(100); i++) {
		taken.v = 0;
		next_cell.v = 0;
		make(0, policy);
		play(release_and_close, 20);
		CHECK_EQ(chp_semaphore_queue_length(&s), 0);
		CHECK_EQ(chp_semaphore_available(&s), 21 - (int)taken.v);
	}
}

/* ---- Abort ---- */

static void *take_one(void *arg)
{
	*(int *)arg = chp_semaphore_acquire(&s, 1);
	return NULL;
}

/* Released and aborted in either order, queued by then or not. */
static void an_abort_loses_no_permit(chp_policy policy)
{
	make(0, policy);
	for (long i = 0; i < h_rounds(2000); i++) {
		struct h_agent a;
		int r = CHP_PENDING, r_abort;

		h_spawn(&a, take_one, &r);
		if (i % 3)
			h_until(chp_semaphore_has_waiters(&s));
		if (i % 2)
			release(1);
		r_abort = chp_task_abort(&a.task);
		CHECK(r_abort == 0 || (i % 2 && r_abort == CHP_ESRCH));
		if (i % 2 == 0)
			release(1);
		h_join(&a);
		CHECK(r == 0 || r == CHP_EABORTED);
		CHECK_EQ(chp_semaphore_queue_length(&s), 0);
		CHECK_EQ(chp_semaphore_drain(&s), r == 0 ? 0 : 1);
	}
}

static const struct h_test tests[] = {
	TEST_BY_POLICY(one_permit_is_a_lock, IN_ALL),
	TEST_BY_POLICY(all_permits_exclude_each_one, IN_ALL),
	TEST_BY_POLICY(an_acquire_sees_all_the_releases_that_fed_it, IN_ALL),
	TEST_BY_POLICY(no_mix_of_calls_loses_or_invents_a_permit, IN_ALL),
	TEST_BY_POLICY(closing_a_busy_semaphore_loses_no_permit, IN_ALL),
	TEST_BY_POLICY(an_abort_loses_no_permit, IN_TASKS),
};

H_MAIN("semaphore_storm", tests)
