/*
 * test_faults_runtime.c - runtimes, tasks, stacks, blocking calls, timers and
 * groups, while memory, maps, threads and descriptors run out.
 */
#include "faults.h"

#include <errno.h>
#include <stdatomic.h>

/* Slabs hold 64 stacks.  Stacks cost the thread sanitizer much. */
enum { CROWD = 100, MANY = THREAD_SANITIZED ? 20 : CROWD, SOME = 6 };

static chp_semaphore gate;
static atomic_int runs, drops;

static void *count_run(void *arg)
{
	runs++;
	return arg;
}

static void count_drop(void *arg)
{
	(void)arg;
	drops++;
}

static int say(void *(*fn)(void *arg), const chp_runtime_options *options)
{
	void *said = NULL;
	int r = chp_run(options, fn, NULL, &said);

	return r ? r : (int)(intptr_t)said;
}

static int say_in(chp_runtime_kind kind, unsigned workers,
		  void *(*fn)(void *arg))
{
	chp_runtime_options options = { .kind = kind, .workers = workers };

	return say(fn, &options);
}

static void join(chp_task *task)
{
	CHECK_CODE(chp_join(task, NULL), 0);
}

/* ---- Tasks ---- */

static void *pass_the_gate(void *arg)
{
	CHECK_CODE(chp_semaphore_acquire(&gate, 1), 0);
	return count_run(arg);
}

/* All wait at once, so each needs a stack of its own. */
static void *spawn_many(void *arg)
{
	chp_task tasks[MANY];
	int n, r = 0;

	(void)arg;
	runs = 0;
	chp_semaphore_init(&gate, 0, CHP_FIFO);
	for (n = 0; n < MANY; n++) {
		r = chp_spawn(&tasks[n], pass_the_gate, NULL);
		if (r)
			break;
	}
	chp_yield();
	chp_semaphore_release(&gate, n);
	for (int i = 0; i < n; i++)
		join(&tasks[i]);
	CHECK_EQ(runs, n);
	chp_semaphore_destroy(&gate);
	return (void *)(intptr_t)r;
}

static int many_tasks_on_many_threads(void)
{
	return say_in(CHP_MANY_THREADS, 4, spawn_many);
}

static int many_tasks_on_one_thread(void)
{
	return say_in(CHP_CURRENT_THREAD, 1, spawn_many);
}

static int many_tasks_with_guard_pages(void)
{
	chp_runtime_options options = {
		.kind = CHP_CURRENT_THREAD,
		.guard = CHP_GUARD_BUDGET,
	};

	return say(spawn_many, &options);
}

/* No further stack can be had: tasks take turns on those there are. */
static void *run_short_of_stacks(void *arg)
{
	static const struct fault_plan no_map = { FAULT_MAP, 1, 1, ENOMEM };
	chp_task warm, tasks[CROWD];

	runs = 0;
	chp_semaphore_init(&gate, 0, CHP_FIFO);
	/* The memory for the tasks is there. */
	for (int i = 0; i < 2; i++) {
		CHECK_CODE(chp_spawn(&warm, count_run, NULL), 0);
		join(&warm);
	}
	fault_start(&no_map);
	for (int i = 0; i < CROWD; i++)
		CHECK_CODE(chp_spawn(&tasks[i], pass_the_gate, NULL), 0);
	h_until(fault_count(FAULT_MAP));
	chp_semaphore_release(&gate, CROWD);
	for (int i = 0; i < CROWD; i++)
		join(&tasks[i]);
	CHECK(fault_stop());
	CHECK_EQ(runs, 2 + CROWD);
	return arg;
}

static void short_of_stacks(void *workers)
{
	int n = *(int *)workers;

	CHECK_CODE(say_in(n == 1 ? CHP_CURRENT_THREAD : CHP_MANY_THREADS,
			  (unsigned)n, run_short_of_stacks),
		   0);
}

static void tasks_wait_for_a_stack(void)
{
	for (int workers = 1; workers <= 4; workers += 3)
		fault_in_child(short_of_stacks, &workers, "no stack");
}

static void tasks(void)
{
	fault_each(many_tasks_on_many_threads, FAULT_HEALS | FAULT_ANY_MAPS);
	fault_each(many_tasks_on_one_thread, FAULT_HEALS);
	fault_each(many_tasks_with_guard_pages, FAULT_HEALS);
}

static void *put_local(void *arg)
{
	static const chp_local_key key = { count_drop };
	int r = chp_local_set(&key, &drops);

	(void)arg;
	CHECK(chp_local_get(&key) == (r ? NULL : &drops));
	return (void *)(intptr_t)r;
}

static int a_value_of_a_task(void)
{
	int r;

	drops = 0;
	r = say_in(CHP_CURRENT_THREAD, 1, put_local);
	CHECK_EQ(drops, r == 0);
	return r;
}

static void values_of_tasks(void)
{
	fault_each(a_value_of_a_task, FAULT_HEALS);
}

/* ---- Blocking calls ---- */

static void *call_some(void *arg)
{
	static const chp_task_options options = { .arg_drop = count_drop };
	chp_task tasks[SOME];
	int n = 0, first = 0;

	(void)arg;
	runs = drops = 0;
	for (int i = 0; i < SOME; i++) {
		int r = chp_spawn_blocking(NULL, &tasks[n], count_run, NULL,
					   &options);

		n += r == 0;
		first = first ? first : r;
	}
	for (int i = 0; i < n; i++)
		join(&tasks[i]);
	CHECK_EQ(runs, n);
	CHECK_EQ(drops, 0);
	return (void *)(intptr_t)first;
}

static int blocking_calls(void)
{
	chp_runtime_options options = { .workers = 2, .blocking_max = 3 };

	return say(call_some, &options);
}

static void *block(void *arg)
{
	CHECK_CODE(chp_sleep_for(CHP_US), 0);
	return count_run(arg);
}

static void *block_here(void *arg)
{
	(void)arg;
	runs = 0;
	for (int i = 0; i < 3; i++)
		CHECK(chp_block_in_place(block, &runs) == &runs);
	CHECK_EQ(runs, 3);
	return NULL;
}

static int blocking_in_place(void)
{
	return say_in(CHP_MANY_THREADS, 2, block_here);
}

static void blocking(void)
{
	fault_each(blocking_calls, FAULT_HEALS | FAULT_ANY_MAPS);
	fault_each(blocking_in_place, FAULT_HEALS | FAULT_ANY_MAPS);
}

/* Several at once, of which only one thread may come to be. */
static void *call_one(void *arg)
{
	chp_task t;
	int r = chp_spawn_blocking(NULL, &t, count_run, NULL, NULL);

	(void)arg;
	if (r == 0)
		join(&t);
	return (void *)(intptr_t)r;
}

static void *call_together(void *arg)
{
	chp_task tasks[SOME];
	int failed = 0, first = 0;

	(void)arg;
	runs = 0;
	for (int i = 0; i < SOME; i++)
		CHECK_CODE(chp_spawn(&tasks[i], call_one, NULL), 0);
	for (int i = 0; i < SOME; i++) {
		chp_outcome outcome;
		int r;

		CHECK_CODE(chp_join(&tasks[i], &outcome), 0);
		r = (int)(intptr_t)outcome.value;
		failed += r != 0;
		first = first ? first : r;
	}
	CHECK_EQ(runs, SOME - failed);
	return (void *)(intptr_t)first;
}

static void calls_together_in_a_child(void *arg)
{
	chp_runtime_options options = { .workers = 4, .blocking_max = 1 };
	static const struct fault_plan every_other = { FAULT_THREAD, 5, 2,
						       EAGAIN };

	(void)arg;
	for (long i = h_rounds(300); i > 0; i--) {
		int r;

		/* The first four are the workers'. */
		fault_start(&every_other);
		r = say(call_together, &options);
		fault_stop();
		CHECK(r == 0 || r == CHP_EAGAIN);
	}
}

static void no_call_is_left_to_a_thread_that_never_was(void)
{
	fault_in_child(calls_together_in_a_child, NULL, "calls together");
}

/*
 * The pool has a thread when no further one can be started: the call is run by
 * that one.
 */
static void *call_while_one_is_busy(void *arg)
{
	static const struct fault_plan no_thread = { FAULT_THREAD, 1, 1,
						     EAGAIN };
	chp_task first, second;

	runs = 0;
	chp_semaphore_init(&gate, 0, CHP_FIFO);
	CHECK_CODE(chp_spawn_blocking(NULL, &first, pass_the_gate, NULL, NULL),
		   0);
	h_until(chp_semaphore_queue_length(&gate) == 1);
	fault_start(&no_thread);
	CHECK_CODE(chp_spawn_blocking(NULL, &second, count_run, NULL, NULL), 0);
	CHECK_EQ(fault_stop(), 1);
	chp_semaphore_release(&gate, 1);
	join(&first);
	join(&second);
	CHECK_EQ(runs, 2);
	return arg;
}

static void call_in_a_child(void *arg)
{
	CHECK_CODE(say_in(CHP_MANY_THREADS, 1, call_while_one_is_busy), 0);
	(void)arg;
}

static void a_call_is_run_by_the_threads_there_are(void)
{
	fault_in_child(call_in_a_child, NULL, "no second thread");
}

/* ---- Time ---- */

static void *sleep_a_little(void *arg)
{
	(void)arg;
	return (void *)(intptr_t)chp_sleep_for(CHP_US);
}

static int sleeping_tasks(void)
{
	return say_in(CHP_MANY_THREADS, 2, sleep_a_little);
}

/* Poll until it has a result, and its waker is nobody's any more. */
static int poll_to_the_end(chp_op *op)
{
	struct h_waker w = { .counts = { 0 } };
	unsigned wakes = 0;
	int r;

	while ((r = h_poll(op, &w)) == CHP_PENDING) {
		h_until(h_wakes(&w) != wakes);
		wakes = h_wakes(&w);
	}
	h_until(h_refs(&w) == 0);
	return r;
}

/* A while from now that is not over before the first poll. */
static chp_time soon(void)
{
	return chp_in(CHP_MS * (1000 / h_rounds(1000)));
}

/* The process-wide driver keeps the time. */
static int polled_sleep(void)
{
	chp_sleep_op sleep;

	chp_sleep_until_op(&sleep, soon());
	return poll_to_the_end(&sleep.op);
}

static int polled_time_limit(void)
{
	chp_semaphore s;
	chp_acquire_op acquire;
	chp_timeout_op timeout;
	int r;

	chp_semaphore_init(&s, 0, CHP_FIFO);
	chp_semaphore_acquire_op(&acquire, &s, 1);
	chp_timeout_init(&timeout, &acquire.op, soon());
	r = poll_to_the_end(&timeout.op);
	/* Whatever it was, nobody is left in the queue. */
	chp_semaphore_destroy(&s);
	return r == CHP_ETIMEDOUT ? 0 : r;
}

static int polled_token(void)
{
	chp_cancel token;
	chp_cancel_op op;
	int r;

	chp_cancel_init(&token, NULL, soon());
	chp_cancel_wait_op(&op, &token);
	r = poll_to_the_end(&op.op);
	chp_cancel_destroy(&token);
	return r;
}

static int polled_tick(void)
{
	chp_interval iv;
	chp_tick_op op;

	CHECK_CODE(chp_interval_init(&iv, soon(), CHP_SEC, CHP_MISSED_BURST),
		   0);
	chp_interval_tick_op(&op, &iv, NULL);
	return poll_to_the_end(&op.op);
}

static int polled_choice(void)
{
	chp_sleep_op sleep;
	chp_select_arm arm = { .op = &sleep.op };
	chp_select_op select;
	int r;

	chp_sleep_until_op(&sleep, soon());
	CHECK_CODE(chp_select_init(&select, &arm, 1, CHP_CANCEL_LOSERS), 0);
	r = poll_to_the_end(&select.op);
	return r == 0 ? arm.result : r;
}

static void times(void)
{
	fault_each(sleeping_tasks, FAULT_HEALS | FAULT_ANY_MAPS);
	fault_each(polled_sleep, 0);
	fault_each(polled_time_limit, 0);
	fault_each(polled_token, 0);
	fault_each(polled_tick, 0);
	fault_each(polled_choice, 0);
}

/* ---- Groups ---- */

static int member(void *arg)
{
	count_run(arg);
	return 0;
}

static void *grow_a_group(void *arg)
{
	chp_group g;
	int n, r = 0;

	(void)arg;
	runs = 0;
	CHECK_CODE(chp_group_init(&g, NULL, 0, CHP_GROUP_RESULTS), 0);
	for (n = 0; n < SOME && r == 0; n++)
		r = chp_group_spawn(&g, member, NULL);
	n -= r != 0;
	for (int i = 0; i < n; i++) {
		chp_group_result result;

		CHECK_CODE(chp_group_next(&g, &result), 1);
		CHECK_EQ(result.code, 0);
	}
	CHECK_CODE(chp_group_finish(&g), 0);
	CHECK_EQ(runs, n);
	return (void *)(intptr_t)r;
}

static int group_of_tasks(void)
{
	return say_in(CHP_CURRENT_THREAD, 1, grow_a_group);
}

static void groups(void)
{
	fault_each(group_of_tasks, FAULT_HEALS);
}

static const struct h_test tests[] = {
	TEST(tasks, ON_ITS_OWN),
	TEST(tasks_wait_for_a_stack, ON_ITS_OWN),
	TEST(values_of_tasks, ON_ITS_OWN),
	TEST(blocking, ON_ITS_OWN),
	TEST(no_call_is_left_to_a_thread_that_never_was, ON_ITS_OWN),
	TEST(a_call_is_run_by_the_threads_there_are, ON_ITS_OWN),
	TEST(times, ON_ITS_OWN),
	TEST(groups, ON_ITS_OWN),
};

H_MAIN("faults_runtime", tests)
