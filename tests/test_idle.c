/*
 * test_idle.c - who has nothing to do uses no processor time.
 *
 * Ten thousand tasks wait, none of them for a time.  While a second passes
 * nobody runs: no worker, no driver, not even to look whether there is
 * anything to do.
 *
 * The second is looked at in parts, and the part that used least counts: what
 * is not idle is busy in all of them, while a processor that is taken from a
 * virtual machine is charged to whoever had it just then.
 */
#include "harness.h"

#include <time.h>

enum { TASKS = 10000, PARTS = 5, ALLOWED_NS = 2000000 / PARTS };

static chp_semaphore gate, end;
static chp_task *tasks;
static long count;

static void *pass_gate(void *arg)
{
	CHECK_CODE(chp_semaphore_acquire(&gate, 1), 0);
	return arg;
}

/* The first task: it waits like those it spawns. */
static void *crowd(void *arg)
{
	for (long i = 0; i < count; i++)
		CHECK_CODE(chp_spawn(&tasks[i], pass_gate, NULL), 0);
	CHECK_CODE(chp_semaphore_acquire(&end, 1), 0);
	for (long i = 0; i < count; i++)
		CHECK_CODE(chp_join(&tasks[i], NULL), 0);
	return arg;
}

static void *run(void *options)
{
	CHECK_CODE(chp_run(options, crowd, NULL, NULL), 0);
	return NULL;
}

static long long processor_ns(void)
{
	struct timespec t;

	CHECK_EQ(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t), 0);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static long long least_used(void)
{
	const struct timespec part = { 0, 1000000000 / PARTS };
	long long least = 1000000000, used;

	for (int i = 0; i < PARTS; i++) {
		used = processor_ns();
		nanosleep(&part, NULL);
		used = processor_ns() - used;
		if (used < least)
			least = used;
	}
	return least;
}

static void is_idle(chp_runtime_options options)
{
	struct h_agent runner;
	long long used, allowed;

	count = h_rounds(TASKS);
	/* Natively exactly that; as much slower as things are said to be. */
	allowed = ALLOWED_NS * (TASKS / count);
	tasks = calloc((size_t)count, sizeof(*tasks));
	CHECK(tasks != NULL);
	CHECK_CODE(chp_semaphore_init(&gate, 0, CHP_FIFO), 0);
	CHECK_CODE(chp_semaphore_init(&end, 0, CHP_FIFO), 0);
	h_spawn_thread(&runner, run, &options);
	h_until(chp_semaphore_queue_length(&gate) == (size_t)count &&
		chp_semaphore_has_waiters(&end));

	used = least_used();

	CHECK_CODE(chp_semaphore_release(&gate, count), 0);
	CHECK_CODE(chp_semaphore_release(&end, 1), 0);
	h_join_thread(&runner);
	free(tasks);
	if (used >= allowed)
		h_fail(__FILE__, __LINE__, "idle, and used %lld of %lld ns",
		       used, allowed);
}

static void workers_sleep_while_all_tasks_wait(void)
{
	is_idle((chp_runtime_options){ .workers = 4 });
}

static void the_current_thread_sleeps_while_all_tasks_wait(void)
{
	is_idle((chp_runtime_options){ .kind = CHP_CURRENT_THREAD });
}

static const struct h_test tests[] = {
	TEST(workers_sleep_while_all_tasks_wait, ON_ITS_OWN),
	TEST(the_current_thread_sleeps_while_all_tasks_wait, ON_ITS_OWN),
};

H_MAIN("idle", tests)
