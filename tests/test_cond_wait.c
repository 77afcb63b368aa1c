/*
 * test_cond_wait.c - agents that wait for a condition: in which order they
 * come back, and always with the mutex: after a signal, a deadline, a token,
 * an interruption, an abort.
 */
#include "cond.h"

static void interrupt_myself(void)
{
	CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
}

/* ---- Agents that wait ---- */

enum { AGENTS = 12 };

struct waiter {
	struct h_agent agent;
	chp_wait with;
	bool plainly; /* by the call without a chp_wait */
	int result;
	int flag;   /* afterwards: was it interrupted? */
	int number; /* among those that came back; guarded by m */
};

static int waiting, came_back; /* guarded by m */

static void *wait_for_a_signal(void *arg)
{
	struct waiter *w = arg;

	mutex_lock(&m);
	waiting++;
	w->result = cond_wait_with(&c, &m, w->plainly ? NULL : &w->with);
	CHECK(chp_mutex_is_locked(&m));
	waiting--;
	w->number = came_back++;
	w->flag = chp_interrupted();
	chp_mutex_unlock(&m);
	return NULL;
}

static int how_many_wait(void)
{
	int n;

	mutex_lock(&m);
	n = waiting;
	chp_mutex_unlock(&m);
	return n;
}

/* Who sees it counted, with the mutex, sees it waiting. */
static void queue(struct waiter *w)
{
	int before = how_many_wait();

	h_spawn(&w->agent, wait_for_a_signal, w);
	h_until(how_many_wait() == before + 1);
}

static void ended(struct waiter *w, int result, int flag)
{
	h_join(&w->agent);
	CHECK_CODE(w->result, result);
	CHECK_EQ(w->flag, flag);
}

static void nobody_has_come_back(void)
{
	int before;

	mutex_lock(&m);
	before = came_back;
	chp_mutex_unlock(&m);
	let_others_run();
	mutex_lock(&m);
	CHECK_EQ(came_back, before);
	chp_mutex_unlock(&m);
}

static void begin(unsigned flags)
{
	make(flags);
	waiting = came_back = 0;
}

/* ---- Signals ---- */

static void signals_end_waits_in_order(unsigned flags)
{
	static struct waiter w[AGENTS];

	begin(flags);
	for (int i = 0; i < AGENTS; i++) {
		w[i] = (struct waiter){ .plainly = i % 2 };
		queue(&w[i]);
	}
	nobody_has_come_back();
	for (int i = 0; i < AGENTS; i++) {
		bool with_the_mutex = i % 4 < 2;

		if (with_the_mutex)
			mutex_lock(&m);
		chp_cond_signal(&c);
		if (with_the_mutex)
			chp_mutex_unlock(&m);
		ended(&w[i], 0, 0);
		CHECK_EQ(w[i].number, i);
		CHECK_EQ(how_many_wait(), AGENTS - 1 - i);
	}
	ends_idle();
}

static void a_broadcast_ends_all_waits(unsigned flags)
{
	static struct waiter w[AGENTS];

	begin(flags);
	for (int i = 0; i < AGENTS; i++) {
		w[i] = (struct waiter){ .plainly = i % 2 };
		queue(&w[i]);
	}
	chp_cond_broadcast(&c);
	for (int i = 0; i < AGENTS; i++)
		ended(&w[i], 0, 0);
	CHECK_EQ(came_back, AGENTS);
	ends_idle();
}

/* ---- What ends a wait before it begins ---- */

/* With the mutex held before and after; nobody waits. */
static void says(const chp_wait *w, int code)
{
	mutex_lock(&m);
	CHECK_CODE(cond_wait_with(&c, &m, w), code);
	CHECK(chp_mutex_is_locked(&m));
	chp_mutex_unlock(&m);
	chp_cond_destroy(&c);
}

static void the_order_of_checks(unsigned flags)
{
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait bad = { .deadline = 1, .cancel = &token, .flags = 1u << 31 };
	chp_wait both = { .deadline = 1, .cancel = &token };

	begin(flags);
	chp_cancel_now(&token);
	interrupt_myself();
	says(&bad, CHP_EINVAL);
	CHECK(chp_interrupted());
	interrupt_myself();
	says(&both, CHP_EINTR);
	CHECK(!chp_interrupted());
	interrupt_myself();
	says(NULL, CHP_EINTR);
	says(&both, CHP_ECANCELED);
	both.flags = CHP_UNINTERRUPTIBLE;
	interrupt_myself();
	says(&both, CHP_ECANCELED);
	CHECK(chp_interrupted());
	says(&(chp_wait){ .deadline = 1 }, CHP_ETIMEDOUT);
	ends_idle();
}

static void a_past_deadline_and_a_cancelled_token(unsigned flags)
{
	chp_cancel token = CHP_CANCEL_INIT;
	const chp_time past[] = { 1, -1, INT64_MIN, chp_in(0), chp_in(-9) };

	begin(flags);
	for (size_t i = 0; i < sizeof(past) / sizeof(*past); i++)
		says(&(chp_wait){ .deadline = past[i] }, CHP_ETIMEDOUT);
	chp_cancel_now(&token);
	says(&(chp_wait){ .cancel = &token }, CHP_ECANCELED);
	ends_idle();
}

/* ---- What ends a wait ---- */

static void a_wait_never_ends_early(unsigned flags)
{
	static const chp_time lengths[] = { 1, CHP_US, CHP_MS, 12 * CHP_MS };

	begin(flags);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		chp_time end = chp_now() + lengths[i];

		says(&(chp_wait){ .deadline = end }, CHP_ETIMEDOUT);
		CHECK(chp_now() >= end);
		says(&(chp_wait){ .deadline = chp_now() + lengths[i],
				  .flags = CHP_UNINTERRUPTIBLE },
		     CHP_ETIMEDOUT);
	}
	ends_idle();
}

/* Each of these ends only the waits that it is for. */
static void each_end_is_for_some(unsigned flags)
{
	chp_cancel token = CHP_CANCEL_INIT;
	struct waiter w[4] = { { .with.cancel = &token },
			       { .plainly = true },
			       { .with.deadline = chp_in(30 * CHP_MS) },
			       { .plainly = true } };

	begin(flags);
	for (int i = 0; i < 4; i++)
		if (i != 2)
			queue(&w[i]);
	h_spawn(&w[2].agent, wait_for_a_signal, &w[2]);
	ended(&w[2], CHP_ETIMEDOUT, 0);
	CHECK_EQ(how_many_wait(), 3);
	chp_cancel_now(&token);
	ended(&w[0], CHP_ECANCELED, 0);
	CHECK_EQ(how_many_wait(), 2);
	if (h_mode() != H_POLLED) {
		CHECK_CODE(chp_interrupt(w[3].agent.agent), 0);
		ended(&w[3], CHP_EINTR, 0);
		CHECK_EQ(how_many_wait(), 1);
	}
	/* Nobody took a signal along. */
	chp_cond_signal(&c);
	ended(&w[1], 0, 0);
	if (h_mode() == H_POLLED) {
		chp_cond_signal(&c);
		ended(&w[3], 0, 0);
	}
	ends_idle();
}

static void an_uninterruptible_wait_stays(unsigned flags)
{
	struct waiter w = { .with.flags = CHP_UNINTERRUPTIBLE };

	begin(flags);
	queue(&w);
	for (int i = 0; i < 5; i++) {
		CHECK_CODE(chp_interrupt(w.agent.agent), 0);
		nobody_has_come_back();
	}
	chp_cond_signal(&c);
	ended(&w, 0, 1);
	ends_idle();
}

static void *wait_until_aborted(void *arg)
{
	mutex_lock(&m);
	waiting++;
	CHECK_CODE(chp_cond_wait(&c, &m), CHP_EABORTED);
	CHECK(chp_mutex_is_locked(&m));
	waiting--;
	/* It stays so, and the mutex stays held. */
	CHECK_CODE(chp_cond_wait(&c, &m), CHP_EABORTED);
	CHECK(chp_mutex_is_locked(&m));
	chp_shield_enter();
	CHECK_CODE(chp_cond_wait_with(&c, &m, &(chp_wait){ .deadline = 1 }),
		   CHP_ETIMEDOUT);
	chp_shield_leave();
	chp_mutex_unlock(&m);
	return arg;
}

static void abort_ends_a_wait_with_the_mutex(unsigned flags)
{
	struct waiter other = { .plainly = true };
	struct h_agent a;

	begin(flags);
	h_spawn(&a, wait_until_aborted, NULL);
	h_until(how_many_wait() == 1);
	queue(&other);
	CHECK_CODE(chp_task_abort(&a.task), 0);
	h_join(&a);
	CHECK_EQ(how_many_wait(), 1);
	chp_cond_signal(&c);
	ended(&other, 0, 0);
	ends_idle();
}

/* ---- Locking again ---- */

/* False: it came back before anything could be seen. */
static bool locks_again(int how, int result)
{
	chp_cancel token = CHP_CANCEL_INIT;
	struct waiter w = { .with.cancel = &token };
	bool back;

	waiting = came_back = 0;
	w.with.deadline = chp_in(how == 1 ? 20 * CHP_MS : 3600 * CHP_SEC);
	h_spawn(&w.agent, wait_for_a_signal, &w);
	h_until(how_many_wait() == 1 || chp_now() > w.with.deadline);
	chp_mutex_lock(&m);
	back = came_back;
	if (how == 0)
		chp_cond_signal(&c);
	else if (how == 1)
		h_until(chp_now() > w.with.deadline);
	else if (how == 2)
		chp_cancel_now(&token);
	else
		CHECK_CODE(chp_interrupt(w.agent.agent), 0);
	if (!back) {
		h_until(QUEUED(&m) == 1);
		/* All that could end a wait: it ignores them. */
		chp_cancel_now(&token);
		CHECK_CODE(chp_interrupt(w.agent.agent), 0);
		let_others_run();
		CHECK_EQ(QUEUED(&m), 1);
		CHECK_EQ(came_back, 0);
	}
	chp_mutex_unlock(&m);
	ended(&w, result, !back);
	return !back;
}

/* Ended, but somebody has the mutex: nothing ends the wait for that. */
static void whatever_ended_it_waits_for_the_mutex(unsigned flags)
{
	static const int results[] = { 0, CHP_ETIMEDOUT, CHP_ECANCELED,
				       CHP_EINTR };

	begin(flags);
	for (int how = 0; how < 4; how++)
		while (!locks_again(how, results[how]))
			;
	ends_idle();
}

/* It was signalled before its deadline, and got the mutex only after it. */
static void a_signal_wins_over_all_that_comes_later(unsigned flags)
{
	chp_cancel token = CHP_CANCEL_INIT;
	struct waiter w = { .with = { .cancel = &token,
				      .deadline = chp_in(40 * CHP_MS) } };

	begin(flags);
	h_spawn(&w.agent, wait_for_a_signal, &w);
	h_until(how_many_wait() == 1 || chp_now() > w.with.deadline);
	mutex_lock(&m);
	/* Too late is no failure, but then there is nothing to see. */
	if (waiting == 1 && chp_now() < w.with.deadline - 10 * CHP_MS) {
		chp_cond_signal(&c);
		CHECK_CODE(chp_interrupt(w.agent.agent), 0);
		chp_cancel_now(&token);
		h_until(chp_now() > w.with.deadline + CHP_MS);
		chp_mutex_unlock(&m);
		ended(&w, 0, 1);
	} else {
		chp_mutex_unlock(&m);
		h_join(&w.agent);
	}
	ends_idle();
}

/* The waiter was signalled and interrupted at once: the signal is not lost. */
static void an_interrupted_waiter_takes_no_signal_along(unsigned flags)
{
	for (long i = 0; i < h_rounds(2000); i++) {
		struct waiter w[2] = { { .plainly = true },
				       { .plainly = true } };

		begin(flags);
		queue(&w[0]);
		queue(&w[1]);
		CHECK_CODE(chp_interrupt(w[0].agent.agent), 0);
		chp_cond_signal(&c);
		h_join(&w[0].agent);
		CHECK(w[0].result == 0 || w[0].result == CHP_EINTR);
		/* Interrupted: the signal was for the second. */
		if (w[0].result == 0) {
			CHECK_EQ(w[0].flag, 1);
			chp_cond_signal(&c);
		}
		ended(&w[1], 0, 0);
		ends_idle();
	}
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
	mutex_lock(&m);
	waiting++;
	set_errno(77);
	CHECK_CODE(chp_cond_wait(&c, &m), 0);
	CHECK_EQ(get_errno(), 77);
	CHECK_CODE(chp_cond_wait_with(
			   &c, &m, &(chp_wait){ .deadline = chp_in(CHP_MS) }),
		   CHP_ETIMEDOUT);
	CHECK_EQ(get_errno(), 77);
	chp_mutex_unlock(&m);
	return arg;
}

static void a_wait_leaves_errno_alone(unsigned flags)
{
	struct h_agent a;

	begin(flags);
	h_spawn(&a, keep_errno, NULL);
	h_until(how_many_wait() == 1);
	chp_cond_signal(&c);
	h_join(&a);
	ends_idle();
}

static void *wait_an_hour(void *arg)
{
	chp_time deadline = chp_in(3600 * CHP_SEC);

	chp_mutex_lock(&m);
	CHECK_CODE(
		chp_cond_wait_with(&c, &m, &(chp_wait){ .deadline = deadline }),
		CHP_ETIMEDOUT);
	CHECK(chp_now() >= deadline);
	chp_mutex_unlock(&m);
	return arg;
}

static void a_paused_clock_jumps_to_the_deadline(unsigned flags)
{
	chp_runtime_options options = { .kind = CHP_CURRENT_THREAD,
					.paused_clock = 1 };
	chp_time start = chp_now();

	begin(flags);
	CHECK_CODE(chp_run(&options, wait_an_hour, NULL, NULL), 0);
	CHECK(chp_now() - start < 60 * CHP_SEC);
	ends_idle();
}

/* clang-format off */
BY_FLAGS(signals_end_waits_in_order)
BY_FLAGS(a_broadcast_ends_all_waits)
BY_FLAGS(the_order_of_checks)
BY_FLAGS(a_past_deadline_and_a_cancelled_token)
BY_FLAGS(a_wait_never_ends_early)
BY_FLAGS(each_end_is_for_some)
BY_FLAGS(an_uninterruptible_wait_stays)
BY_FLAGS(abort_ends_a_wait_with_the_mutex)
BY_FLAGS(whatever_ended_it_waits_for_the_mutex)
BY_FLAGS(a_signal_wins_over_all_that_comes_later)
BY_FLAGS(an_interrupted_waiter_takes_no_signal_along)
BY_FLAGS(a_wait_leaves_errno_alone)
BY_FLAGS(a_paused_clock_jumps_to_the_deadline)

static const struct h_test tests[] = {
	TESTS(signals_end_waits_in_order, IN_ALL),
	TESTS(a_broadcast_ends_all_waits, IN_ALL),
	TESTS(the_order_of_checks, IN_BLOCKING),
	TESTS(a_past_deadline_and_a_cancelled_token, IN_ALL),
	TESTS(a_wait_never_ends_early, IN_ALL),
	TESTS(each_end_is_for_some, IN_ALL),
	TESTS(an_uninterruptible_wait_stays, IN_BLOCKING),
	TESTS(abort_ends_a_wait_with_the_mutex, IN_TASKS),
	TESTS(whatever_ended_it_waits_for_the_mutex, IN_BLOCKING),
	TESTS(a_signal_wins_over_all_that_comes_later, IN_BLOCKING),
	TESTS(an_interrupted_waiter_takes_no_signal_along, IN_BLOCKING),
	TESTS(a_wait_leaves_errno_alone, IN_BLOCKING),
	TESTS(a_paused_clock_jumps_to_the_deadline, ON_ITS_OWN),
};
/* clang-format on */

H_MAIN("cond_wait", tests)
