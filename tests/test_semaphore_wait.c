/*
 * test_semaphore_wait.c - waiting for permits with a deadline and with a
 * token: what is checked in which order, when a wait ends, and what it leaves
 * behind.  Interruption and abort: test_semaphore_interrupt.c.
 */
#include "sem_queue.h"

/* ---- Order of checks ---- */

static void a_cancelled_token_comes_before_the_try(chp_policy policy)
{
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait w = { .cancel = &token };
	chp_wait both = { .cancel = &token, .deadline = chp_in(-5) };

	make(3, policy);
	CHECK_CODE(acquire_with(1, &w), 0);
	chp_cancel_now(&token);
	for (int64_t n = 0; n < 5; n++) {
		CHECK_CODE(acquire_with(n, &w), CHP_ECANCELED);
		CHECK_CODE(acquire_with(n, &both), CHP_ECANCELED);
	}
	chp_semaphore_close(&s);
	CHECK_CODE(acquire_with(1, &w), CHP_ECANCELED);
	ends_with(2);
}

static const chp_time *past_deadlines(size_t *count)
{
	static chp_time past[8];

	past[0] = 1;
	past[1] = chp_now() - 1;
	past[2] = -1;
	past[3] = INT64_MIN;
	past[4] = chp_in(0);
	past[5] = chp_in(-1);
	past[6] = chp_in(INT64_MIN);
	past[7] = chp_in(-CHP_SEC);
	*count = 8;
	return past;
}

static void a_past_deadline_tries_once(chp_policy policy)
{
	struct waiter head = { .n = 4 };
	const chp_time *past;
	size_t count;

	make(0, policy);
	past = past_deadlines(&count);
	for (size_t i = 0; i < count; i++) {
		CHECK(past[i] != 0);
		CHECK_CODE(acquire_until(1, past[i]), CHP_ETIMEDOUT);
		release(1);
		CHECK_CODE(acquire_until(2, past[i]), CHP_ETIMEDOUT);
		CHECK_CODE(acquire_until(1, past[i]), 0);
	}
	/* Somebody waits: the try keeps the queue's order. */
	queue(&head);
	release(3);
	for (size_t i = 0; i < count; i++) {
		int r = acquire_until(1, past[i]);

		CHECK_CODE(r, policy == CHP_UNFAIR ? 0 : CHP_ETIMEDOUT);
		if (r == 0)
			release(1);
	}
	release(1);
	CHECK_CODE(finish(&head), 0);
	ends_with(0);
}

static void *watch_for_a_waiter(void *arg)
{
	chp_word *stop = arg;

	while (!h_load(stop))
		CHECK_EQ(chp_semaphore_queue_length(&s), 0);
	return NULL;
}

static void a_past_deadline_takes_no_place(chp_policy policy)
{
	chp_word stop = { 0 };
	struct h_agent watcher;

	make(0, policy);
	h_spawn_thread(&watcher, watch_for_a_waiter, &stop);
	for (long i = 0; i < h_rounds(20000); i++)
		CHECK_CODE(acquire_until(1, chp_in(0)), CHP_ETIMEDOUT);
	h_store(&stop, 1);
	h_join_thread(&watcher);
	ends_with(0);
}

/* ---- Deadlines ---- */

static void a_wait_never_ends_early(chp_policy policy)
{
	static const chp_time lengths[] = { 1,           100,
					    CHP_US,      7 * CHP_US,
					    50 * CHP_US, 333 * CHP_US,
					    CHP_MS,      3 * CHP_MS + 1,
					    12 * CHP_MS };

	make(1, policy);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths);
		     i++) {
			chp_time start = chp_now(), end;

			CHECK_CODE(acquire_until(2, start + lengths[i]),
				   CHP_ETIMEDOUT);
			end = chp_now();
			CHECK(end >= start + lengths[i]);
			CHECK(end - start < 5 * CHP_SEC);
		}
	}
	ends_with(1);
}

static void a_far_deadline_is_no_deadline(chp_policy policy)
{
	struct waiter w[] = {
		{ .n = 1, .with.deadline = CHP_NEVER },
		{ .n = 1, .with.deadline = CHP_NEVER - 1 },
		{ .n = 1, .with.deadline = chp_in(INT64_MAX) },
		{ .n = 1, .with.deadline = chp_in(INT64_MAX / 2) },
		{ .n = 1, .with.deadline = chp_in(3600 * CHP_SEC) },
	};
	const int count = sizeof(w) / sizeof(*w);

	make(0, policy);
	for (int i = 0; i < count; i++)
		queue(&w[i]);
	h_let_others_run();
	CHECK_EQ(chp_semaphore_queue_length(&s), count);
	release(count);
	for (int i = 0; i < count; i++)
		CHECK_CODE(finish(&w[i]), 0);
	ends_with(0);
}

static void an_expired_wait_leaves_nothing_behind(chp_policy policy)
{
	struct waiter large = { .n = 2 }, small = { .n = 1 };

	make(1, policy);
	CHECK_CODE(acquire_until(2, chp_in(CHP_MS)), CHP_ETIMEDOUT);
	CHECK_EQ(chp_semaphore_queue_length(&s), 0);
	CHECK_EQ(chp_semaphore_available(&s), 1);
	/* One that expires at the head lets the next go. */
	CHECK_CODE(chp_semaphore_try_acquire(&s, 1), 0);
	large.with.deadline = chp_in(50 * CHP_MS);
	h_spawn(&large.agent, wait_for_permits, &large);
	h_spawn(&small.agent, wait_for_permits, &small);
	h_until(chp_semaphore_queue_length(&s) == 2 ||
		chp_now() > large.with.deadline);
	release(1);
	CHECK_CODE(finish(&large), CHP_ETIMEDOUT);
	CHECK(chp_now() >= large.with.deadline);
	CHECK_CODE(finish(&small), 0);
	ends_with(0);
}

/* errno is nobody's output; noinline, for a task may change threads. */
__attribute__((noinline)) static int get_errno(void)
{
	return errno;
}

__attribute__((noinline)) static void set_errno(int value)
{
	errno = value;
}

static void *keep_errno(void *arg)
{
	set_errno(77);
	CHECK_CODE(acquire_with(1, NULL), 0);
	CHECK_EQ(get_errno(), 77);
	CHECK_CODE(acquire_until(1, chp_in(CHP_MS)), CHP_ETIMEDOUT);
	CHECK_EQ(get_errno(), 77);
	return arg;
}

static void a_wait_leaves_errno_alone(chp_policy policy)
{
	struct h_agent a;

	make(0, policy);
	h_spawn(&a, keep_errno, NULL);
	h_until(chp_semaphore_has_waiters(&s));
	release(1);
	h_join(&a);
	ends_with(0);
}

static void *wait_an_hour(void *arg)
{
	chp_time deadline = chp_in(3600 * CHP_SEC);

	CHECK_CODE(chp_semaphore_acquire_with(
			   &s, 1, &(chp_wait){ .deadline = deadline }),
		   CHP_ETIMEDOUT);
	CHECK(chp_now() >= deadline);
	return arg;
}

static void a_paused_clock_jumps_to_the_deadline(chp_policy policy)
{
	chp_runtime_options options = { .kind = CHP_CURRENT_THREAD,
					.paused_clock = 1 };
	chp_time start = chp_now();

	make(0, policy);
	CHECK_CODE(chp_run(&options, wait_an_hour, NULL, NULL), 0);
	CHECK(chp_now() - start < 60 * CHP_SEC);
	ends_with(0);
}

/* ---- Tokens ---- */

static void a_token_ends_the_waits_it_was_given_to(chp_policy policy)
{
	chp_cancel parent = CHP_CANCEL_INIT, child;
	struct waiter w[3] = { { .n = 1 }, { .n = 2 }, { .n = 3 } };

	make(0, policy);
	chp_cancel_init(&child, &parent, 0);
	w[0].with.cancel = &parent;
	w[1].with.cancel = &child;
	for (int i = 0; i < 3; i++)
		queue(&w[i]);
	chp_cancel_now(&parent);
	for (int i = 0; i < 2; i++)
		CHECK_CODE(finish(&w[i]), CHP_ECANCELED);
	CHECK_EQ(chp_semaphore_queue_length(&s), 1);
	release(3);
	CHECK_CODE(finish(&w[2]), 0);
	chp_cancel_destroy(&child);
	ends_with(0);
}

static void a_token_brings_its_own_deadline(chp_policy policy)
{
	chp_time deadline = chp_in(5 * CHP_MS);
	chp_cancel token;
	chp_wait w = { .cancel = &token, .deadline = chp_in(3600 * CHP_SEC) };

	make(1, policy);
	chp_cancel_init(&token, NULL, deadline);
	CHECK_CODE(acquire_with(2, &w), CHP_ETIMEDOUT);
	CHECK(chp_now() >= deadline);
	/* Past its deadline it ends a wait before the try, as if cancelled. */
	CHECK_CODE(acquire_with(1, &w), CHP_ETIMEDOUT);
	w.deadline = 0;
	CHECK_CODE(acquire_with(0, &w), CHP_ETIMEDOUT);
	chp_cancel_destroy(&token);
	ends_with(1);
}

/* ---- Letting others run ---- */

static void *set_flag(void *arg)
{
	__atomic_store_n(&((chp_word *)arg)->v, 1, __ATOMIC_RELAXED);
	return NULL;
}

/* How many waits that end at once a task makes before another task runs. */
static int waits_before_others_run(int64_t n, const chp_wait *w, int ends)
{
	chp_word flag = { 0 };
	chp_task other;
	int i;

	CHECK_CODE(chp_spawn(&other, set_flag, &flag), 0);
	for (i = 0; i < 10000; i++) {
		if (__atomic_load_n(&flag.v, __ATOMIC_RELAXED))
			break;
		CHECK_CODE(chp_semaphore_acquire_with(&s, n, w), ends);
	}
	CHECK_CODE(chp_join(&other, NULL), 0);
	return i;
}

static void waits_that_succeed_at_once_yield_in_the_end(chp_policy policy)
{
	make(10000, policy);
	CHECK(waits_before_others_run(1, NULL, 0) <= 128);
	CHECK(waits_before_others_run(0, NULL, 0) <= 128);
	chp_semaphore_close(&s);
	CHECK(waits_before_others_run(1, NULL, CHP_ECLOSED) <= 128);
}

/* runtime.h: "waits that may finish at once before a task yields". */
static void waits_that_expire_at_once_yield_in_the_end(chp_policy policy)
{
	chp_wait past = { .deadline = chp_in(0) };

	make(0, policy);
	CHECK(waits_before_others_run(1, &past, CHP_ETIMEDOUT) <= 128);
}

static void waits_cancelled_from_the_start_yield_in_the_end(chp_policy policy)
{
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait w = { .cancel = &token };

	make(1, policy);
	chp_cancel_now(&token);
	CHECK(waits_before_others_run(1, &w, CHP_ECANCELED) <= 128);
}

static const struct h_test tests[] = {
	TEST_BY_POLICY(a_cancelled_token_comes_before_the_try, IN_ALL),
	TEST_BY_POLICY(a_past_deadline_tries_once, IN_ALL),
	TEST_BY_POLICY(a_past_deadline_takes_no_place, IN_BLOCKING),
	TEST_BY_POLICY(a_wait_never_ends_early, IN_ALL),
	TEST_BY_POLICY(a_far_deadline_is_no_deadline, IN_ALL),
	TEST_BY_POLICY(an_expired_wait_leaves_nothing_behind, IN_ALL),
	TEST_BY_POLICY(a_wait_leaves_errno_alone, IN_BLOCKING),
	TEST_BY_POLICY(a_paused_clock_jumps_to_the_deadline, ON_ITS_OWN),
	TEST_BY_POLICY(a_token_ends_the_waits_it_was_given_to, IN_ALL),
	TEST_BY_POLICY(a_token_brings_its_own_deadline, IN_ALL),
	TEST_BY_POLICY(waits_that_succeed_at_once_yield_in_the_end, IN_CT),
	TEST_BY_POLICY(waits_that_expire_at_once_yield_in_the_end, IN_CT),
	TEST_BY_POLICY(waits_cancelled_from_the_start_yield_in_the_end, IN_CT),
};

H_MAIN("semaphore_wait", tests)
