/*
 * test_faults_interrupted.c - waits of the scheduler that a signal interrupts.
 */
#include "faults.h"

#include <time.h>

#define HOUR (3600 * CHP_SEC)

static chp_semaphore gate;
static chp_runtime *runtime;

static void *pass_the_gate(void *arg)
{
	CHECK_CODE(chp_semaphore_acquire(&gate, 1), 0);
	return arg;
}

static void *sleep_for_an_hour(void *arg)
{
	(void)arg;
	return (void *)(intptr_t)chp_sleep_for(HOUR);
}

/* The blocking call ends, and its thread after it, just before the scheduler,
   which slept because of it, looks again. */
static void end_the_call(void)
{
	struct timespec moment = { 0, 100000 };
	chp_runtime_stats stats;

	chp_semaphore_release(&gate, 1);
	do {
		nanosleep(&moment, NULL);
		chp_runtime_get_stats(runtime, &stats);
	} while (stats.blocking_threads);
}

static void *wait_for_the_call(void *arg)
{
	chp_time before = chp_now();
	chp_task call, sleeper;

	CHECK_CODE(chp_spawn(&sleeper, sleep_for_an_hour, NULL), 0);
	CHECK_CODE(chp_spawn_blocking(NULL, &call, pass_the_gate, NULL, NULL),
		   0);
	fault_interrupt_wait(end_the_call);
	CHECK_CODE(chp_join(&call, NULL), 0);
	CHECK(chp_now() - before < HOUR);
	CHECK_CODE(chp_task_abort(&sleeper), 0);
	CHECK_CODE(chp_join(&sleeper, NULL), 0);
	return arg;
}

static void a_paused_clock_stands_still_for_who_was_woken(void)
{
	chp_runtime_options options = {
		.kind = CHP_CURRENT_THREAD,
		.paused_clock = 1,
		.blocking_idle = CHP_NS,
	};

	chp_semaphore_init(&gate, 0, CHP_FIFO);
	CHECK_CODE(chp_runtime_new(&runtime, &options), 0);
	CHECK_CODE(chp_runtime_block_on(runtime, wait_for_the_call, NULL, NULL),
		   0);
	CHECK_CODE(chp_runtime_shutdown(runtime, 0, NULL, 0, NULL), 0);
}

static const struct h_test tests[] = {
	TEST(a_paused_clock_stands_still_for_who_was_woken, ON_ITS_OWN),
};

H_MAIN("faults_interrupted", tests)
