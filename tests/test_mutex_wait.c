/*
 * test_mutex_wait.c - waiting for a mutex: what is checked in which order, what
 * interruption and abort end, and as an arm of a select.  Deadlines and tokens
 * are in test_mutex_deadline.c.
 */
#include "mutex_wait.h"

/* Free and held, this is what a wait with that says, and it changes nothing. */
static void says(const chp_wait *w, int code)
{
	CHECK_CODE(mutex_lock_with(&m, w), code);
	CHECK(!chp_mutex_is_locked(&m));
	hold(&m);
	CHECK_CODE(mutex_lock_with(&m, w), code);
	CHECK_EQ(QUEUED(&m), 0);
	chp_mutex_unlock(&m);
}

static void interrupt_myself(void)
{
	CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
}

/* ---- Order of checks ---- */

static void an_unknown_flag_comes_first(unsigned flags)
{
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait w = { .deadline = 1, .cancel = &token, .flags = 1u << 31 };

	make(flags);
	chp_cancel_now(&token);
	interrupt_myself();
	says(&w, CHP_EINVAL);
	says(&(chp_wait){ .flags = CHP_UNINTERRUPTIBLE << 1 }, CHP_EINVAL);
	CHECK(chp_interrupted());
	ends_unlocked();
}

static void interruption_comes_before_the_token(unsigned flags)
{
	chp_cancel token = CHP_CANCEL_INIT;
	const chp_wait with[] = {
		{ 0 },
		{ .deadline = chp_in(-1) },
		{ .deadline = CHP_NEVER },
		{ .cancel = &token },
		{ .cancel = &token, .deadline = 1 },
	};

	make(flags);
	chp_cancel_now(&token);
	for (int i = 0; i < 5; i++) {
		interrupt_myself();
		CHECK_CODE(chp_mutex_lock_with(&m, &with[i]), CHP_EINTR);
		CHECK(!chp_mutex_is_locked(&m));
		CHECK(!chp_interrupted());
	}
	interrupt_myself();
	CHECK_CODE(chp_mutex_lock_with(&m, NULL), CHP_EINTR);
	CHECK(!chp_interrupted());
	ends_unlocked();
}

static void a_cancelled_token_comes_before_the_try(unsigned flags)
{
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait w = { .cancel = &token };

	make(flags);
	CHECK_CODE(mutex_lock_with(&m, &w), 0);
	chp_mutex_unlock(&m);
	chp_cancel_now(&token);
	says(&w, CHP_ECANCELED);
	w.deadline = chp_in(-5);
	says(&w, CHP_ECANCELED);
	w.flags = CHP_UNINTERRUPTIBLE;
	says(&w, CHP_ECANCELED);
	ends_unlocked();
}

static void a_past_deadline_tries_once(unsigned flags)
{
	const chp_time past[] = { 1,          chp_now() - 1,    -1,
				  INT64_MIN,  chp_in(0),        chp_in(-1),
				  chp_in(-9), chp_in(INT64_MIN) };
	struct poller first;

	make(flags);
	for (size_t i = 0; i < sizeof(past) / sizeof(*past); i++) {
		CHECK_CODE(lock_until(past[i]), 0);
		chp_mutex_unlock(&m);
		hold(&m);
		CHECK_CODE(lock_until(past[i]), CHP_ETIMEDOUT);
		CHECK_EQ(QUEUED(&m), 0);
		/* Somebody waits: the try keeps the queue's order. */
		queue_locker(&first, &m);
		chp_mutex_unlock(&m);
		CHECK_CODE(lock_until(past[i]), flags ? CHP_ETIMEDOUT : 0);
		if (!flags) {
			CHECK_CODE(poll_again(&first), CHP_PENDING);
			chp_mutex_unlock(&m);
		}
		CHECK_CODE(poll_again(&first), 0);
		chp_mutex_unlock(&m);
	}
	ends_unlocked();
}

/* ---- Trying and plain locking ---- */

static void trying_ignores_interruption(unsigned flags)
{
	make(flags);
	interrupt_myself();
	CHECK_CODE(chp_mutex_try_lock(&m), 0);
	CHECK_CODE(chp_mutex_try_lock(&m), CHP_EAGAIN);
	chp_mutex_unlock(&m);
	CHECK(chp_interrupted());
	ends_unlocked();
}

static void a_plain_lock_ignores_interruption(unsigned flags)
{
	struct waiter w = { .plainly = true };

	make(flags);
	interrupt_myself();
	chp_mutex_lock(&m);
	CHECK(chp_is_interrupted(chp_agent_current()));
	chp_mutex_unlock(&m);
	CHECK(chp_interrupted());

	hold(&m);
	queue(&w);
	for (int i = 0; i < 5; i++) {
		CHECK_CODE(chp_interrupt(w.agent.agent), 0);
		let_others_run();
		CHECK_EQ(QUEUED(&m), 1);
	}
	chp_mutex_unlock(&m);
	ended(&w, 0, 1);
	ends_unlocked();
}

static void *lock_whatever_happens(void *arg)
{
	chp_wait never_mind = { .flags = CHP_UNINTERRUPTIBLE };

	chp_mutex_lock(&m);
	chp_mutex_unlock(&m);
	for (int i = 0; i < 3; i++)
		CHECK_CODE(chp_mutex_lock_with(&m, NULL), CHP_EABORTED);
	CHECK_CODE(chp_mutex_lock_with(&m, &never_mind), 0);
	chp_mutex_unlock(&m);
	CHECK_CODE(chp_mutex_try_lock(&m), 0);
	chp_mutex_unlock(&m);
	chp_shield_enter();
	CHECK_CODE(chp_mutex_lock_with(&m, NULL), 0);
	chp_mutex_unlock(&m);
	chp_shield_leave();
	CHECK_CODE(chp_check(), CHP_EABORTED);
	return arg;
}

static void a_plain_lock_survives_abort(unsigned flags)
{
	struct h_agent a;

	make(flags);
	hold(&m);
	h_spawn(&a, lock_whatever_happens, NULL);
	h_until(QUEUED(&m) == 1);
	CHECK_CODE(chp_task_abort(&a.task), 0);
	let_others_run();
	CHECK_EQ(QUEUED(&m), 1);
	chp_mutex_unlock(&m);
	h_join(&a);
	ends_unlocked();
}

/* ---- Interruption and abort of lock_with ---- */

static void interruption_ends_a_wait_and_clears_the_flag(unsigned flags)
{
	struct waiter w[3] = { { .with = { .deadline = CHP_NEVER } } };

	make(flags);
	hold(&m);
	for (int i = 0; i < 3; i++)
		queue(&w[i]);
	CHECK_CODE(chp_interrupt(w[1].agent.agent), 0);
	ended(&w[1], CHP_EINTR, 0);
	CHECK_EQ(QUEUED(&m), 2);
	CHECK_CODE(chp_interrupt(w[0].agent.agent), 0);
	ended(&w[0], CHP_EINTR, 0);
	CHECK_EQ(QUEUED(&m), 1);
	CHECK(chp_mutex_is_locked(&m));
	chp_mutex_unlock(&m);
	ended(&w[2], 0, 0);
	ends_unlocked();
}

static void an_uninterruptible_wait_finishes_with_the_flag_set(unsigned flags)
{
	chp_wait past = { .deadline = 1, .flags = CHP_UNINTERRUPTIBLE };
	struct waiter w = { .with.flags = CHP_UNINTERRUPTIBLE };

	make(flags);
	hold(&m);
	interrupt_myself();
	CHECK_CODE(mutex_lock_with(&m, &past), CHP_ETIMEDOUT);
	CHECK(chp_interrupted());
	queue(&w);
	CHECK_CODE(chp_interrupt(w.agent.agent), 0);
	let_others_run();
	CHECK_EQ(QUEUED(&m), 1);
	chp_mutex_unlock(&m);
	ended(&w, 0, 1);
	ends_unlocked();
}

static void *wait_until_aborted(void *arg)
{
	CHECK_CODE(chp_mutex_lock_with(&m, NULL), CHP_EABORTED);
	return arg;
}

static void an_aborted_task_leaves_the_queue(unsigned flags)
{
	struct waiter next = { .plainly = true };
	struct h_agent a;

	make(flags);
	hold(&m);
	h_spawn(&a, wait_until_aborted, NULL);
	h_until(QUEUED(&m) == 1);
	queue(&next);
	CHECK_CODE(chp_task_abort(&a.task), 0);
	h_join(&a);
	CHECK_EQ(QUEUED(&m), 1);
	chp_mutex_unlock(&m);
	ended(&next, 0, 0);
	ends_unlocked();
}

/* ---- Select ---- */

static int select_of(chp_select_arm *arms, size_t n, unsigned flags)
{
	chp_select_op op;

	if (h_mode() != H_POLLED)
		return chp_select(arms, n, flags);
	CHECK_CODE(chp_select_init(&op, arms, n, flags), 0);
	return h_wait(&op.op, NULL);
}

static void a_select_locks_one_of_two(unsigned flags)
{
	chp_mutex other = CHP_MUTEX_INIT(flags);
	chp_lock_op a, b;
	chp_select_arm arms[] = { { &a.op, 0 }, { &b.op, 0 } };

	make(flags);
	for (int held = 0; held < 2; held++) {
		chp_mutex *taken = held ? &other : &m;

		hold(taken);
		chp_mutex_lock_op(&a, &m);
		chp_mutex_lock_op(&b, &other);
		CHECK_EQ(select_of(arms, 2, CHP_CANCEL_LOSERS), !held);
		CHECK_CODE(arms[!held].result, 0);
		CHECK_EQ(QUEUED(taken), 0);
		CHECK(chp_mutex_is_locked(held ? &m : &other));
		chp_mutex_unlock(&m);
		chp_mutex_unlock(&other);
	}
	chp_mutex_destroy(&other);
	ends_unlocked();
}

/* It waits on while others win; in FIFO it then has the lock unpolled. */
static void a_loser_keeps_its_place(unsigned flags)
{
	chp_semaphore s = CHP_SEMAPHORE_INIT(2, CHP_FIFO);
	struct poller next;
	chp_acquire_op a;
	chp_lock_op lock;
	chp_select_arm arms[] = { { &lock.op, 0 }, { &a.op, 0 } };

	make(flags);
	hold(&m);
	chp_mutex_lock_op(&lock, &m);
	for (int i = 0; i < 2; i++) {
		chp_semaphore_acquire_op(&a, &s, 1);
		CHECK_EQ(select_of(arms, 2, CHP_BIASED), 1);
		CHECK_EQ(QUEUED(&m), 1);
	}
	queue_locker(&next, &m);
	chp_mutex_unlock(&m);
	CHECK_EQ(h_wakes(&next.waker), 0);
	chp_semaphore_acquire_op(&a, &s, 1);
	CHECK_EQ(select_of(arms, 2, CHP_BIASED | CHP_CANCEL_LOSERS), 0);
	CHECK_CODE(arms[0].result, 0);
	chp_mutex_unlock(&m);
	poll_ends(&next, 1);
	chp_mutex_unlock(&m);
	chp_semaphore_destroy(&s);
	ends_unlocked();
}

/* clang-format off */
BY_FLAGS(an_unknown_flag_comes_first)
BY_FLAGS(interruption_comes_before_the_token)
BY_FLAGS(a_cancelled_token_comes_before_the_try)
BY_FLAGS(a_past_deadline_tries_once)
BY_FLAGS(trying_ignores_interruption)
BY_FLAGS(a_plain_lock_ignores_interruption)
BY_FLAGS(a_plain_lock_survives_abort)
BY_FLAGS(interruption_ends_a_wait_and_clears_the_flag)
BY_FLAGS(an_uninterruptible_wait_finishes_with_the_flag_set)
BY_FLAGS(an_aborted_task_leaves_the_queue)
BY_FLAGS(a_select_locks_one_of_two)
BY_FLAGS(a_loser_keeps_its_place)

static const struct h_test tests[] = {
	TESTS(an_unknown_flag_comes_first, IN_BLOCKING),
	TESTS(interruption_comes_before_the_token, IN_BLOCKING),
	TESTS(a_cancelled_token_comes_before_the_try, IN_ALL),
	TESTS(a_past_deadline_tries_once, IN_ALL),
	TESTS(trying_ignores_interruption, IN_ALL),
	TESTS(a_plain_lock_ignores_interruption, IN_BLOCKING),
	TESTS(a_plain_lock_survives_abort, IN_TASKS),
	TESTS(interruption_ends_a_wait_and_clears_the_flag, IN_BLOCKING),
	TESTS(an_uninterruptible_wait_finishes_with_the_flag_set, IN_BLOCKING),
	TESTS(an_aborted_task_leaves_the_queue, IN_TASKS),
	TESTS(a_select_locks_one_of_two, IN_ALL),
	TESTS(a_loser_keeps_its_place, IN_ALL),
};
/* clang-format on */

H_MAIN("mutex_wait", tests)
