/*
 * test_rwlock_wait.c - waiting for a rwlock with a deadline, with a token, and
 * when the waiter is interrupted or aborted: what is checked in which order,
 * which waits it ends, what it leaves behind.  Everything for readers and for
 * writers.
 */
#include "lock.h"

enum { READ = 0, WRITE = 1 };

static chp_rwlock l;

/* clang-format off */
#define BY_KIND(test) \
	static void test##_for_readers(void) { test(READ); } \
	static void test##_for_writers(void) { test(WRITE); }
#define BOTH(test, modes) \
	TEST(test##_for_readers, modes), TEST(test##_for_writers, modes)
/* clang-format on */

static void make(void)
{
	CHECK_CODE(chp_rwlock_init(&l, 7), 0);
}

static void ends_free(void)
{
	CHECK_EQ(QUEUED(&l), 0);
	CHECK_EQ(chp_rwlock_readers(&l), 0);
	chp_rwlock_destroy(&l);
}

/* Taken against that kind. */
static void keep_out(bool writes)
{
	if (writes)
		rwlock_read(&l);
	else
		rwlock_write(&l);
}

static void let_in(bool writes)
{
	rwlock_unlock(&l, !writes);
}

/* Free and held, this is what a wait with that says, and it changes nothing. */
static void says(bool writes, const chp_wait *w, int code)
{
	CHECK_CODE(rwlock_with(&l, writes, w), code);
	CHECK_EQ(chp_rwlock_readers(&l), 0);
	keep_out(writes);
	CHECK_CODE(rwlock_with(&l, writes, w), code);
	CHECK_EQ(QUEUED(&l), 0);
	let_in(writes);
}

static void interrupt_myself(void)
{
	CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
}

struct waiter {
	struct h_agent agent;
	bool writes;
	chp_wait with;
	bool plainly; /* by the call that cannot fail */
	int result;
	int flag; /* afterwards: was it interrupted? */
};

static void *wait_for_the_lock(void *arg)
{
	struct waiter *w = arg;

	if (w->plainly)
		(w->writes ? rwlock_write : rwlock_read)(&l);
	else
		w->result = rwlock_with(&l, w->writes, &w->with);
	w->flag = chp_interrupted();
	if (w->result == 0)
		rwlock_unlock(&l, w->writes);
	return NULL;
}

static void queue(struct waiter *w)
{
	uint32_t before = QUEUED(&l);

	h_spawn(&w->agent, wait_for_the_lock, w);
	h_until(QUEUED(&l) == before + 1);
}

static void ended(struct waiter *w, int result, int flag)
{
	h_join(&w->agent);
	CHECK_CODE(w->result, result);
	CHECK_EQ(w->flag, flag);
}

/* ---- Order of checks ---- */

static void the_order_of_checks(bool writes)
{
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait bad = { .deadline = 1, .cancel = &token, .flags = 1u << 31 };
	const chp_wait with[] = { { 0 },
				  { .deadline = chp_in(-1) },
				  { .cancel = &token, .deadline = 1 } };

	make();
	CHECK_CODE(rwlock_with(&l, writes, &with[2]), 0);
	rwlock_unlock(&l, writes);
	chp_cancel_now(&token);
	interrupt_myself();
	says(writes, &bad, CHP_EINVAL);
	CHECK(chp_interrupted());
	for (int i = 0; i < 3; i++) {
		interrupt_myself();
		CHECK_CODE(rwlock_with(&l, writes, &with[i]), CHP_EINTR);
		CHECK_EQ(chp_rwlock_readers(&l), 0);
		CHECK(!chp_interrupted());
	}
	interrupt_myself();
	CHECK_CODE(rwlock_with(&l, writes, NULL), CHP_EINTR);
	says(writes, &with[2], CHP_ECANCELED);
	ends_free();
}

static void a_past_deadline_tries_once(bool writes)
{
	const chp_time past[] = { 1, -1, INT64_MIN, chp_in(0), chp_in(-9) };
	struct poller w;

	make();
	for (size_t i = 0; i < sizeof(past) / sizeof(*past); i++) {
		chp_wait with = { .deadline = past[i] };

		CHECK_CODE(rwlock_with(&l, writes, &with), 0);
		rwlock_unlock(&l, writes);
		keep_out(writes);
		CHECK_CODE(rwlock_with(&l, writes, &with), CHP_ETIMEDOUT);
		CHECK_EQ(QUEUED(&l), 0);
		let_in(writes);
		/* A writer that waits comes first. */
		rwlock_read(&l);
		queue_rw(&w, &l, WRITE);
		CHECK_CODE(rwlock_with(&l, writes, &with), CHP_ETIMEDOUT);
		chp_rwlock_read_unlock(&l);
		CHECK_CODE(rwlock_with(&l, writes, &with), CHP_ETIMEDOUT);
		poll_ends(&w, 1);
		chp_rwlock_write_unlock(&l);
	}
	ends_free();
}

static void a_token_comes_before_the_try(bool writes)
{
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait w = { .cancel = &token };

	make();
	CHECK_CODE(rwlock_with(&l, writes, &w), 0);
	rwlock_unlock(&l, writes);
	chp_cancel_now(&token);
	says(writes, &w, CHP_ECANCELED);
	ends_free();
}

/* ---- Plain locking and trying ---- */

static void plain_calls_ignore_interruption(bool writes)
{
	struct waiter w = { .plainly = true, .writes = writes };

	make();
	interrupt_myself();
	CHECK_CODE((writes ? chp_rwlock_try_write : chp_rwlock_try_read)(&l),
		   0);
	rwlock_unlock(&l, writes);
	(writes ? chp_rwlock_write : chp_rwlock_read)(&l);
	rwlock_unlock(&l, writes);
	CHECK(chp_interrupted());

	keep_out(writes);
	queue(&w);
	for (int i = 0; i < 5; i++) {
		CHECK_CODE(chp_interrupt(w.agent.agent), 0);
		let_others_run();
		CHECK_EQ(QUEUED(&l), 1);
	}
	let_in(writes);
	ended(&w, 0, 1);
	ends_free();
}

static void *lock_whatever_happens(void *arg)
{
	bool writes = arg != NULL;
	chp_wait never_mind = { .flags = CHP_UNINTERRUPTIBLE };

	(writes ? chp_rwlock_write : chp_rwlock_read)(&l);
	rwlock_unlock(&l, writes);
	CHECK_CODE(rwlock_with(&l, writes, NULL), CHP_EABORTED);
	CHECK_CODE(rwlock_with(&l, writes, NULL), CHP_EABORTED);
	CHECK_CODE(rwlock_with(&l, writes, &never_mind), 0);
	rwlock_unlock(&l, writes);
	return NULL;
}

static void plain_calls_survive_abort(bool writes)
{
	struct h_agent a;

	make();
	keep_out(writes);
	h_spawn(&a, lock_whatever_happens, writes ? &l : NULL);
	h_until(QUEUED(&l) == 1);
	CHECK_CODE(chp_task_abort(&a.task), 0);
	let_others_run();
	CHECK_EQ(QUEUED(&l), 1);
	let_in(writes);
	h_join(&a);
	ends_free();
}

/* ---- Waits that end early ---- */

static void interruption_ends_a_wait(bool writes)
{
	struct waiter w[3] = { 0 };

	make();
	keep_out(writes);
	for (int i = 0; i < 3; i++) {
		w[i].writes = writes;
		queue(&w[i]);
	}
	CHECK_CODE(chp_interrupt(w[1].agent.agent), 0);
	ended(&w[1], CHP_EINTR, 0);
	CHECK_CODE(chp_interrupt(w[0].agent.agent), 0);
	ended(&w[0], CHP_EINTR, 0);
	CHECK_EQ(QUEUED(&l), 1);
	let_in(writes);
	ended(&w[2], 0, 0);
	ends_free();
}

static void *wait_until_aborted(void *arg)
{
	CHECK_CODE(rwlock_with(&l, arg != NULL, NULL), CHP_EABORTED);
	return NULL;
}

static void abort_ends_a_wait(bool writes)
{
	struct h_agent a;

	make();
	keep_out(writes);
	h_spawn(&a, wait_until_aborted, writes ? &l : NULL);
	h_until(QUEUED(&l) == 1);
	CHECK_CODE(chp_task_abort(&a.task), 0);
	h_join(&a);
	let_in(writes);
	ends_free();
}

static void a_wait_never_ends_early(bool writes)
{
	static const chp_time lengths[] = { 1, CHP_US, CHP_MS, 12 * CHP_MS };

	make();
	keep_out(writes);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		chp_time start = chp_now();
		chp_wait w = { .deadline = start + lengths[i] };

		CHECK_CODE(rwlock_with(&l, writes, &w), CHP_ETIMEDOUT);
		CHECK(chp_now() >= start + lengths[i]);
		CHECK_EQ(QUEUED(&l), 0);
	}
	let_in(writes);
	ends_free();
}

static void a_token_ends_its_waits(bool writes)
{
	chp_cancel token = CHP_CANCEL_INIT;
	struct waiter w[2] = { { .writes = writes, .with.cancel = &token },
			       { .writes = writes } };

	make();
	keep_out(writes);
	queue(&w[0]);
	queue(&w[1]);
	chp_cancel_now(&token);
	ended(&w[0], CHP_ECANCELED, 0);
	CHECK_EQ(QUEUED(&l), 1);
	let_in(writes);
	ended(&w[1], 0, 0);
	ends_free();
}

/* A blocked writer that gives up lets in the blocked readers behind it. */
static void a_writer_that_ends_lets_readers_in(int how)
{
	chp_cancel token = CHP_CANCEL_INIT;
	struct waiter w = { .writes = WRITE }, r[3] = { 0 };

	make();
	rwlock_read(&l);
	w.with.cancel = how == 0 ? &token : NULL;
	w.with.deadline = how == 1 ? chp_in(50 * CHP_MS) : 0;
	h_spawn(&w.agent, wait_for_the_lock, &w);
	h_until(QUEUED(&l) == 1 ||
		(w.with.deadline && chp_now() > w.with.deadline));
	for (int i = 0; i < 3; i++)
		h_spawn(&r[i].agent, wait_for_the_lock, &r[i]);
	if (how != 1)
		h_until(QUEUED(&l) == 4);
	if (how == 0)
		chp_cancel_now(&token);
	else if (how == 2)
		CHECK_CODE(chp_interrupt(w.agent.agent), 0);
	ended(&w,
	      how == 0   ? CHP_ECANCELED
	      : how == 1 ? CHP_ETIMEDOUT
			 : CHP_EINTR,
	      0);
	for (int i = 0; i < 3; i++)
		ended(&r[i], 0, 0);
	CHECK_EQ(chp_rwlock_readers(&l), 1);
	chp_rwlock_read_unlock(&l);
	ends_free();
}

static void a_cancelled_writer_lets_readers_in(void)
{
	a_writer_that_ends_lets_readers_in(0);
}

static void an_expired_writer_lets_readers_in(void)
{
	a_writer_that_ends_lets_readers_in(1);
}

static void an_interrupted_writer_lets_readers_in(void)
{
	a_writer_that_ends_lets_readers_in(2);
}

/* ---- Order among agents ---- */

enum { AGENTS = 12 };

struct in_line {
	struct h_agent agent;
	int number;
	bool writes;
};

static chp_word came_in;
static uint32_t place_of[AGENTS];

static void *wait_in_line(void *arg)
{
	struct in_line *a = arg;

	(a->writes ? rwlock_write : rwlock_read)(&l);
	place_of[a->number] = h_add(&came_in, 1);
	rwlock_unlock(&l, a->writes);
	return NULL;
}

/* Readers and writers, threads and tasks, stand in one line. */
static void agents_come_in_in_order(void)
{
	static struct in_line a[AGENTS];

	make();
	came_in.v = 0;
	rwlock_write(&l);
	for (int i = 0; i < AGENTS; i++) {
		a[i].number = i;
		a[i].writes = i % 4 >= 2;
		spawn_mixed(i, &a[i].agent, wait_in_line, &a[i]);
		h_until(QUEUED(&l) == (uint32_t)i + 1);
	}
	chp_rwlock_write_unlock(&l);
	join_mixed(&a[0].agent, AGENTS, sizeof(a[0]));
	for (int i = 1; i < AGENTS; i++)
		for (int k = 0; k < i; k++)
			if (a[i].writes || a[k].writes)
				CHECK(place_of[k] < place_of[i]);
	ends_free();
}

static chp_word reading;

static void *read_together(void *arg)
{
	uint32_t all = *(uint32_t *)arg;

	rwlock_read(&l);
	h_add(&reading, 1);
	/* Only if the others are let in, too. */
	h_until(h_load(&reading) == all);
	chp_rwlock_read_unlock(&l);
	return NULL;
}

static void readers_are_in_at_once(void)
{
	uint32_t all = 5;
	struct h_agent a[5];

	make();
	reading.v = 0;
	rwlock_write(&l);
	for (uint32_t i = 0; i < all; i++) {
		h_spawn(&a[i], read_together, &all);
		h_until(QUEUED(&l) == i + 1);
	}
	chp_rwlock_write_unlock(&l);
	for (uint32_t i = 0; i < all; i++)
		h_join(&a[i]);
	ends_free();
}

/* clang-format off */
BY_KIND(the_order_of_checks)
BY_KIND(a_past_deadline_tries_once)
BY_KIND(a_token_comes_before_the_try)
BY_KIND(plain_calls_ignore_interruption)
BY_KIND(plain_calls_survive_abort)
BY_KIND(interruption_ends_a_wait)
BY_KIND(abort_ends_a_wait)
BY_KIND(a_wait_never_ends_early)
BY_KIND(a_token_ends_its_waits)

static const struct h_test tests[] = {
	BOTH(the_order_of_checks, IN_BLOCKING),
	BOTH(a_past_deadline_tries_once, IN_ALL),
	BOTH(a_token_comes_before_the_try, IN_ALL),
	BOTH(plain_calls_ignore_interruption, IN_BLOCKING),
	BOTH(plain_calls_survive_abort, IN_TASKS),
	BOTH(interruption_ends_a_wait, IN_BLOCKING),
	BOTH(abort_ends_a_wait, IN_TASKS),
	BOTH(a_wait_never_ends_early, IN_ALL),
	BOTH(a_token_ends_its_waits, IN_ALL),
	TEST(a_cancelled_writer_lets_readers_in, IN_ALL),
	TEST(an_expired_writer_lets_readers_in, IN_ALL),
	TEST(an_interrupted_writer_lets_readers_in, IN_BLOCKING),
	TEST(agents_come_in_in_order, IN_ALL),
	TEST(readers_are_in_at_once, IN_ALL),
};
/* clang-format on */

H_MAIN("rwlock_wait", tests)
