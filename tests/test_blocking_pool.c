/*
 * test_blocking_pool.c - the threads of blocking calls: calls that queue for
 * one, a pool that grows and shrinks.
 */
#include "task.h"

static atomic_int at_once, most_at_once;

static void begin(void)
{
	reset();
	at_once = most_at_once = 0;
}

/* Run fn in both kinds of runtime, with the pool made by these options. */
static void with_pool(void *(*fn)(void *arg), unsigned max, chp_time idle)
{
	chp_runtime_options options = {
		.workers = 2,
		.blocking_max = max,
		.blocking_idle = idle,
	};

	CHECK_CODE(chp_run(&options, fn, NULL, NULL), 0);
	options.kind = CHP_CURRENT_THREAD;
	CHECK_CODE(chp_run(&options, fn, NULL, NULL), 0);
}

static unsigned pool_threads(void)
{
	chp_runtime_stats stats;

	chp_runtime_get_stats(chp_runtime_current(), &stats);
	return stats.blocking_threads;
}

/* The only thread is taken, so the second call cannot have started. */
static void *abort_queued(void *arg)
{
	chp_task first, second, third;

	begin();
	call(&first, wait_at_the_gate, &gate);
	h_until(chp_semaphore_queue_length(&gate) == 1);
	call(&second, count_run, &gate);
	call(&third, count_run, &gate);
	CHECK_CODE(chp_task_abort(&second), 0);
	CHECK_CODE(chp_task_abort(&second), 0);
	chp_semaphore_release(&gate, 1);
	ends_as(&first, CHP_RETURNED, &gate);
	ends_as(&second, CHP_NEVER_RUN, NULL);
	ends_as(&third, CHP_RETURNED, &gate);
	CHECK_EQ(runs, 1);
	CHECK_EQ(arg_drops, 1);
	CHECK_EQ(result_drops, 0);
	return arg;
}

static void a_call_aborted_before_it_starts_never_runs(void)
{
	with_pool(abort_queued, 1, 0);
}

static void *count_company(void *arg)
{
	int now = ++at_once, most = most_at_once;

	while (now > most &&
	       !atomic_compare_exchange_weak(&most_at_once, &most, now))
		;
	chp_yield();
	chp_sleep_for(20 * CHP_US);
	runs++;
	at_once--;
	return arg;
}

static void *call_too_often(void *arg)
{
	enum { CALLS = 300 };
	static chp_task b[CALLS];

	begin();
	for (int i = 0; i < CALLS; i++)
		call(&b[i], count_company, &b[i]);
	for (int i = 0; i < CALLS; i++) {
		CHECK(pool_threads() <= 3);
		ends_as(&b[i], CHP_RETURNED, &b[i]);
	}
	CHECK_EQ(runs, CALLS);
	CHECK(most_at_once >= 1);
	CHECK(most_at_once <= 3);
	return arg;
}

static void calls_beyond_the_limit_wait_for_a_thread(void)
{
	with_pool(call_too_often, 3, 0);
}

static void *note_order(void *arg)
{
	CHECK_EQ((intptr_t)arg, runs++);
	return arg;
}

static void *call_in_order(void *arg)
{
	chp_task b[50];

	begin();
	for (intptr_t i = 0; i < 50; i++)
		call(&b[i], note_order, (void *)i);
	for (intptr_t i = 0; i < 50; i++)
		ends_as(&b[i], CHP_RETURNED, (void *)i);
	return arg;
}

static void calls_start_in_the_order_of_spawning(void)
{
	with_pool(call_in_order, 1, 0);
}

static void *grow_and_shrink(void *arg)
{
	chp_task b[6];

	for (int round = 0; round < 3; round++) {
		begin();
		for (int i = 0; i < 6; i++)
			call(&b[i], wait_at_the_gate, &b[i]);
		h_until(chp_semaphore_queue_length(&gate) == 6);
		CHECK_EQ(pool_threads(), 6);
		chp_semaphore_release(&gate, 6);
		for (int i = 0; i < 6; i++)
			ends_as(&b[i], CHP_RETURNED, &b[i]);
		while (pool_threads() != 0)
			CHECK_CODE(chp_sleep_for(CHP_MS), 0);
	}
	return arg;
}

static void the_pool_grows_with_need_and_shrinks_when_idle(void)
{
	with_pool(grow_and_shrink, 0, 5 * CHP_MS);
}

/* A thread that is idle is used again before another is made. */
static void *call_one_by_one(void *arg)
{
	chp_task b;

	begin();
	for (int i = 0; i < 200; i++) {
		call(&b, count_run, &gate);
		ends_as(&b, CHP_RETURNED, &gate);
	}
	CHECK(pool_threads() < 20);
	return arg;
}

static void idle_threads_are_used_again(void)
{
	with_pool(call_one_by_one, 0, 0);
}

/*
 * A thread that has just run out of patience is still counted: a call that
 * finds the pool full relies on it, or must not.
 */
static void *call_while_threads_end(void *arg)
{
	struct h_rng rng = h_rng(h_seed(), 0);
	chp_task b;

	begin();
	for (long i = h_rounds(3000); i > 0; i--) {
		chp_time then = chp_in(h_below(&rng, 40) * CHP_US);

		call(&b, count_run, &gate);
		ends_as(&b, CHP_RETURNED, &gate);
		while (chp_now() < then)
			continue;
	}
	return arg;
}

static void no_call_is_left_to_a_thread_that_ends(void)
{
	with_pool(call_while_threads_end, 1, CHP_NS);
}

static void storms_of_calls_lose_none(void)
{
	chp_task b[20];

	begin();
	for (long round = h_rounds(200); round > 0; round--) {
		for (int i = 0; i < 20; i++)
			call(i % 5 ? &b[i] : NULL, count_run, &b[i]);
		for (int i = 0; i < 20; i++)
			if (i % 5)
				ends_as(&b[i], CHP_RETURNED, &b[i]);
	}
	h_until(runs == 20 * h_rounds(200));
	h_until(result_drops == 4 * h_rounds(200));
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_call_aborted_before_it_starts_never_runs, ON_ITS_OWN),
	TEST(calls_beyond_the_limit_wait_for_a_thread, ON_ITS_OWN),
	TEST(calls_start_in_the_order_of_spawning, ON_ITS_OWN),
	TEST(the_pool_grows_with_need_and_shrinks_when_idle, ON_ITS_OWN),
	TEST(idle_threads_are_used_again, ON_ITS_OWN),
	TEST(no_call_is_left_to_a_thread_that_ends, ON_ITS_OWN),
	TEST(storms_of_calls_lose_none, IN_TASKS),
};
/* clang-format on */

H_MAIN("blocking_pool", tests)
