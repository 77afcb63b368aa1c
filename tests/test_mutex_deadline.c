/*
 * test_mutex_deadline.c - waits for a mutex that a deadline or a token ends:
 * which waits, when, and what is left behind.
 */
#include "mutex_wait.h"

/* ---- Deadlines ---- */

static void a_wait_never_ends_early(unsigned flags)
{
	static const chp_time lengths[] = { 1, CHP_US, 50 * CHP_US, CHP_MS,
					    12 * CHP_MS };

	make(flags);
	hold(&m);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		chp_time start = chp_now(), end;

		CHECK_CODE(lock_until(start + lengths[i]), CHP_ETIMEDOUT);
		end = chp_now();
		CHECK(end >= start + lengths[i]);
		CHECK(end - start < 5 * CHP_SEC);
		CHECK_EQ(QUEUED(&m), 0);
	}
	chp_mutex_unlock(&m);
	ends_unlocked();
}

static void a_far_deadline_is_no_deadline(unsigned flags)
{
	struct waiter w[] = {
		{ .with.deadline = CHP_NEVER },
		{ .with.deadline = chp_in(INT64_MAX) },
		{ .with.deadline = chp_in(3600 * CHP_SEC) },
	};

	make(flags);
	hold(&m);
	for (int i = 0; i < 3; i++)
		queue(&w[i]);
	let_others_run();
	CHECK_EQ(QUEUED(&m), 3);
	chp_mutex_unlock(&m);
	for (int i = 0; i < 3; i++)
		ended(&w[i], 0, 0);
	ends_unlocked();
}

static void one_that_expires_first_lets_the_next_go(unsigned flags)
{
	struct waiter head = { .with.deadline = chp_in(50 * CHP_MS) };
	struct waiter next = { .plainly = true };

	make(flags);
	hold(&m);
	h_spawn(&head.agent, wait_for_the_lock, &head);
	h_until(QUEUED(&m) == 1 || chp_now() > head.with.deadline);
	h_spawn(&next.agent, wait_for_the_lock, &next);
	ended(&head, CHP_ETIMEDOUT, 0);
	CHECK(chp_now() >= head.with.deadline);
	h_until(QUEUED(&m) == 1);
	chp_mutex_unlock(&m);
	ended(&next, 0, 0);
	ends_unlocked();
}

static void *lock_for_an_hour(void *arg)
{
	chp_time deadline = chp_in(3600 * CHP_SEC);

	hold(&m);
	CHECK_CODE(lock_until(deadline), CHP_ETIMEDOUT);
	CHECK(chp_now() >= deadline);
	chp_mutex_unlock(&m);
	return arg;
}

static void a_paused_clock_jumps_to_the_deadline(unsigned flags)
{
	chp_runtime_options options = { .kind = CHP_CURRENT_THREAD,
					.paused_clock = 1 };
	chp_time start = chp_now();

	make(flags);
	CHECK_CODE(chp_run(&options, lock_for_an_hour, NULL, NULL), 0);
	CHECK(chp_now() - start < 60 * CHP_SEC);
	ends_unlocked();
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
	chp_mutex_lock(&m);
	CHECK_EQ(get_errno(), 77);
	chp_mutex_unlock(&m);
	hold(&m);
	CHECK_CODE(lock_until(chp_in(CHP_MS)), CHP_ETIMEDOUT);
	CHECK_EQ(get_errno(), 77);
	chp_mutex_unlock(&m);
	return arg;
}

static void a_wait_leaves_errno_alone(unsigned flags)
{
	struct h_agent a;

	make(flags);
	hold(&m);
	h_spawn(&a, keep_errno, NULL);
	h_until(QUEUED(&m) == 1);
	chp_mutex_unlock(&m);
	h_join(&a);
	ends_unlocked();
}

/* ---- Tokens ---- */

static void a_token_ends_the_waits_it_was_given_to(unsigned flags)
{
	chp_cancel parent = CHP_CANCEL_INIT, child;
	struct waiter w[3] = { 0 };

	make(flags);
	hold(&m);
	chp_cancel_init(&child, &parent, 0);
	w[0].with.cancel = &parent;
	w[1].with.cancel = &child;
	for (int i = 0; i < 3; i++)
		queue(&w[i]);
	chp_cancel_now(&parent);
	ended(&w[0], CHP_ECANCELED, 0);
	ended(&w[1], CHP_ECANCELED, 0);
	CHECK_EQ(QUEUED(&m), 1);
	CHECK(chp_mutex_is_locked(&m));
	chp_mutex_unlock(&m);
	ended(&w[2], 0, 0);
	chp_cancel_destroy(&child);
	ends_unlocked();
}

static void a_token_brings_its_own_deadline(unsigned flags)
{
	chp_time deadline = chp_in(5 * CHP_MS);
	chp_cancel token;
	chp_wait w = { .cancel = &token, .deadline = chp_in(3600 * CHP_SEC) };

	make(flags);
	hold(&m);
	chp_cancel_init(&token, NULL, deadline);
	CHECK_CODE(mutex_lock_with(&m, &w), CHP_ETIMEDOUT);
	CHECK(chp_now() >= deadline);
	chp_mutex_unlock(&m);
	CHECK_CODE(mutex_lock_with(&m, &w), CHP_ETIMEDOUT);
	chp_cancel_destroy(&token);
	ends_unlocked();
}

/* clang-format off */
BY_FLAGS(a_wait_never_ends_early)
BY_FLAGS(a_far_deadline_is_no_deadline)
BY_FLAGS(one_that_expires_first_lets_the_next_go)
BY_FLAGS(a_paused_clock_jumps_to_the_deadline)
BY_FLAGS(a_wait_leaves_errno_alone)
BY_FLAGS(a_token_ends_the_waits_it_was_given_to)
BY_FLAGS(a_token_brings_its_own_deadline)

static const struct h_test tests[] = {
	TESTS(a_wait_never_ends_early, IN_ALL),
	TESTS(a_far_deadline_is_no_deadline, IN_ALL),
	TESTS(one_that_expires_first_lets_the_next_go, IN_ALL),
	TESTS(a_paused_clock_jumps_to_the_deadline, ON_ITS_OWN),
	TESTS(a_wait_leaves_errno_alone, IN_BLOCKING),
	TESTS(a_token_ends_the_waits_it_was_given_to, IN_ALL),
	TESTS(a_token_brings_its_own_deadline, IN_ALL),
};
/* clang-format on */

H_MAIN("mutex_deadline", tests)
