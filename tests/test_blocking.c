/*
 * test_blocking.c - blocking calls: beside tasks, as handles, aborted and
 * interrupted, and waiting on objects like anybody else.
 *
 * Their threads are in test_blocking_pool.c; chp_block_in_place() has
 * test_in_place.c.
 */
#include "task.h"

/* ---- One call ---- */

static void *spin_for_a_run(void *arg)
{
	while (!runs)
		;
	return arg;
}

/* The call blocks its thread until a task has run. */
static void a_blocking_call_runs_beside_the_tasks(void)
{
	chp_task b, t;

	reset();
	call(&b, spin_for_a_run, &gate);
	CHECK_CODE(chp_spawn(&t, count_run, NULL), 0);
	ends_as(&b, CHP_RETURNED, &gate);
	ends_as(&t, CHP_RETURNED, NULL);
	CHECK_EQ(arg_drops + result_drops, 0);
}

static void its_handle_is_one_of_a_task(void)
{
	chp_wait late = { .deadline = 1 };
	char name[CHP_NAME_MAX];
	chp_task b, copy;

	reset();
	call(&b, wait_at_the_gate, &runs);
	copy = b;
	CHECK(b.agent.id != 0);
	CHECK_CODE(chp_agent_name(b.agent, name), 0);
	CHECK(strcmp(name, "a blocking call") == 0);
	CHECK_EQ(chp_task_is_finished(&b), 0);
	CHECK_CODE(chp_join_with(&b, NULL, &late), CHP_ETIMEDOUT);
	chp_semaphore_release(&gate, 1);
	ends_as(&b, CHP_RETURNED, &runs);
	CHECK_CODE(chp_join(&b, NULL), CHP_EINVAL);
	CHECK_CODE(chp_task_detach(&copy), CHP_EINVAL);
	CHECK_CODE(chp_task_abort(&copy), CHP_ESRCH);
}

static void a_detached_call_drops_its_value_once(void)
{
	chp_task b;

	reset();
	call(&b, wait_at_the_gate, &runs);
	CHECK_CODE(chp_task_detach(&b), 0);
	call(NULL, wait_at_the_gate, &runs);
	chp_semaphore_release(&gate, 2);
	h_until(result_drops == 2);
	call(&b, count_run, &runs);
	h_until(chp_task_is_finished(&b) == 1);
	CHECK_CODE(chp_task_detach(&b), 0);
	h_until(result_drops == 3);
	CHECK_EQ(arg_drops, 0);
}

static void *spawn_a_task(void *arg)
{
	chp_task t;

	CHECK(chp_runtime_current() == arg);
	CHECK_CODE(chp_spawn(&t, count_run, arg), 0);
	ends_as(&t, CHP_RETURNED, arg);
	return arg;
}

/* The caller's runtime, for a blocking call, is the one that it belongs to. */
static void a_blocking_call_may_spawn(void)
{
	chp_runtime *rt = chp_runtime_current();
	chp_task b;

	reset();
	call(&b, spawn_a_task, rt);
	ends_as(&b, CHP_RETURNED, rt);
	CHECK_EQ(runs, 1);
}

static void plain_threads_call_by_naming_a_runtime(void)
{
	chp_runtime_options options = { .workers = 1 };
	chp_runtime *rt;
	chp_task b;

	reset();
	CHECK_CODE(chp_runtime_new(&rt, &options), 0);
	CHECK_CODE(chp_spawn_blocking(rt, &b, spawn_a_task, rt, &dropping), 0);
	ends_as(&b, CHP_RETURNED, rt);
	CHECK_CODE(chp_runtime_shutdown(rt, 0, NULL, 0, NULL), 0);
}

/* ---- Ending it early ---- */

static void *expect_abort(void *arg)
{
	CHECK_CODE(chp_semaphore_acquire(arg, 1), CHP_EABORTED);
	CHECK_CODE(chp_check(), CHP_EABORTED);
	return &runs;
}

static void abort_reaches_the_waits_of_a_call(void)
{
	chp_task b;

	reset();
	call(&b, expect_abort, &gate);
	h_until(chp_semaphore_queue_length(&gate) == 1);
	CHECK_CODE(chp_task_abort(&b), 0);
	ends_as(&b, CHP_ABORTED, &runs);
	CHECK_EQ(chp_semaphore_queue_length(&gate), 0);
}

static void *expect_interrupt(void *arg)
{
	CHECK_CODE(chp_semaphore_acquire(arg, 1), CHP_EINTR);
	CHECK_CODE(chp_semaphore_acquire(arg, 1), 0);
	return &runs;
}

static void a_call_can_be_interrupted(void)
{
	chp_task b;

	reset();
	call(&b, expect_interrupt, &gate);
	h_until(chp_semaphore_queue_length(&gate) == 1);
	CHECK_CODE(chp_interrupt(b.agent), 0);
	h_until(chp_is_interrupted(b.agent) == 0);
	h_until(chp_semaphore_queue_length(&gate) == 1);
	chp_semaphore_release(&gate, 1);
	ends_as(&b, CHP_RETURNED, &runs);
}

/* ---- Waiting in a call ---- */

static chp_semaphore ping, pong;

static void *play_ping_pong(void *arg)
{
	for (long i = h_rounds(2000); i > 0; i--) {
		CHECK_CODE(chp_semaphore_acquire(&ping, 1), 0);
		CHECK_CODE(chp_semaphore_release(&pong, 1), 0);
	}
	return arg;
}

static void calls_and_tasks_wait_for_each_other(void)
{
	chp_task b;

	reset();
	chp_semaphore_init(&ping, 0, CHP_FIFO);
	chp_semaphore_init(&pong, 0, CHP_FIFO);
	call(&b, play_ping_pong, &ping);
	for (long i = h_rounds(2000); i > 0; i--) {
		CHECK_CODE(chp_semaphore_release(&ping, 1), 0);
		CHECK_CODE(chp_semaphore_acquire(&pong, 1), 0);
	}
	ends_as(&b, CHP_RETURNED, &ping);
}

static void *sleep_and_count(void *arg)
{
	chp_time before = chp_now();

	CHECK_CODE(chp_sleep_for(2 * CHP_MS), 0);
	CHECK(chp_now() - before >= 2 * CHP_MS);
	runs++;
	return arg;
}

static void calls_sleep_without_the_help_of_a_worker(void)
{
	chp_task b[10];

	reset();
	for (int i = 0; i < 10; i++)
		call(&b[i], sleep_and_count, NULL);
	for (int i = 0; i < 10; i++)
		ends_as(&b[i], CHP_RETURNED, NULL);
	CHECK_EQ(runs, 10);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_blocking_call_runs_beside_the_tasks, IN_TASKS),
	TEST(its_handle_is_one_of_a_task, IN_TASKS),
	TEST(a_detached_call_drops_its_value_once, IN_TASKS),
	TEST(a_blocking_call_may_spawn, IN_TASKS),
	TEST(plain_threads_call_by_naming_a_runtime, ON_ITS_OWN),
	TEST(abort_reaches_the_waits_of_a_call, IN_TASKS),
	TEST(a_call_can_be_interrupted, IN_TASKS),
	TEST(calls_and_tasks_wait_for_each_other, IN_TASKS),
	TEST(calls_sleep_without_the_help_of_a_worker, IN_TASKS),
};
/* clang-format on */

H_MAIN("blocking", tests)
