/*
 * test_shutdown_race.c - what goes on while a runtime is torn down: wakes,
 * interrupts and aborts from foreign threads, spawns from inside, calls that
 * finish, timers that fire.
 */
#include "task.h"

static chp_runtime *rt;

static void make(long round)
{
	reset();
	rt = make_runtime(&kinds[round % KINDS]);
}

/* ---- Wakes from outside ---- */

enum { VICTIMS = 8 };

static chp_semaphore wanted[VICTIMS];
static chp_agent victims[VICTIMS];
static atomic_int stop, storms;

static void *be_a_victim(void *arg)
{
	chp_semaphore *s = arg;
	int r;

	while ((r = chp_semaphore_acquire(s, 1)) != CHP_EABORTED) {
		CHECK(r == 0 || r == CHP_EINTR);
		if (chp_sleep_for(10 * CHP_US) == CHP_EABORTED)
			break;
	}
	return NULL;
}

static void *harass(void *arg)
{
	storms++;
	while (!stop) {
		for (int i = 0; i < VICTIMS; i++) {
			chp_semaphore_release(&wanted[i], 1);
			chp_interrupt(victims[i]);
			if ((intptr_t)arg)
				chp_abort(victims[i]);
		}
	}
	return NULL;
}

static void *spawn_victims(void *arg)
{
	for (int i = 0; i < VICTIMS; i++) {
		chp_task t;

		CHECK_CODE(chp_spawn(&t, be_a_victim, &wanted[i]), 0);
		victims[i] = t.agent;
		CHECK_CODE(chp_task_detach(&t), 0);
	}
	for (int i = 0; i < 10; i++)
		chp_yield();
	return arg;
}

static void foreign_wakes_meet_no_memory_that_is_gone(void)
{
	struct h_agent a[2];

	for (long i = 0; i < h_rounds(300); i++) {
		make(i);
		for (int k = 0; k < VICTIMS; k++)
			chp_semaphore_init(&wanted[k], 0, CHP_FIFO);
		stop = storms = 0;
		CHECK_CODE(chp_runtime_block_on(rt, spawn_victims, NULL, NULL),
			   0);
		for (intptr_t k = 0; k < 2; k++)
			h_spawn_thread(&a[k], harass, (void *)(k & i & 1));
		h_until(storms == 2);
		shut_down(rt);
		stop = 1;
		for (int k = 0; k < 2; k++)
			h_join_thread(&a[k]);
		for (int k = 0; k < VICTIMS; k++) {
			CHECK_EQ(chp_semaphore_queue_length(&wanted[k]), 0);
			CHECK_CODE(chp_interrupt(victims[k]), CHP_ESRCH);
		}
	}
}

/* ---- Spawns from inside ---- */

static atomic_int accepted, refused;

/* It spawns two more of its kind, and others, until that is refused. */
static void *multiply(void *arg)
{
	chp_task_options options = { .arg_drop = drop_arg };

	runs++;
	while (refused == 0) {
		int r = chp_spawn_with(NULL, multiply, arg, &options);

		if (r != 0) {
			CHECK_CODE(r, CHP_ECLOSED);
			refused++;
			break;
		}
		if (++accepted >= 200)
			chp_sleep_for(50 * CHP_US);
		chp_yield();
	}
	return NULL;
}

static void *start_multiplying(void *arg)
{
	accepted = 1;
	CHECK_CODE(chp_spawn(NULL, multiply, arg), 0);
	h_until(accepted >= 50);
	return arg;
}

static void every_spawn_that_was_accepted_runs_or_is_dropped(void)
{
	for (long i = 0; i < h_rounds(100); i++) {
		refused = 0;
		make(i);
		CHECK_CODE(
			chp_runtime_block_on(rt, start_multiplying, NULL, NULL),
			0);
		shut_down(rt);
		CHECK(refused > 0);
		CHECK_EQ(runs + arg_drops, accepted);
	}
}

/* ---- Blocking calls that end just then ---- */

static void *start_calls(void *arg)
{
	chp_task_options options = { .arg_drop = drop_arg };
	chp_task t;

	accepted = 0;
	for (int i = 0; i < 5; i++) {
		CHECK_CODE(chp_spawn_blocking(NULL, NULL, count_run, NULL,
					      &options),
			   0);
		accepted++;
	}
	CHECK_CODE(chp_spawn_blocking(NULL, &t, count_run, NULL, &options), 0);
	accepted++;
	CHECK_CODE(chp_join(&t, NULL), 0);
	return arg;
}

static void shutdown_notices_the_end_of_the_last_blocking_call(void)
{
	for (long i = 0; i < h_rounds(500); i++) {
		make(i);
		CHECK_CODE(chp_runtime_block_on(rt, start_calls, NULL, NULL),
			   0);
		shut_down(rt);
		CHECK_EQ(runs + arg_drops, accepted);
	}
}

/* ---- Timers that fire just then ---- */

static void *sleep_a_little(void *arg)
{
	int r = chp_sleep_for((intptr_t)arg * CHP_US);

	CHECK(r == 0 || r == CHP_EABORTED);
	runs++;
	return NULL;
}

static void *start_sleepers(void *arg)
{
	chp_task_options options = { .arg_drop = drop_arg };

	for (intptr_t i = 0; i < 50; i++)
		CHECK_CODE(chp_spawn_with(NULL, sleep_a_little,
					  (void *)(i * 20), &options),
			   0);
	CHECK_CODE(chp_sleep_for(300 * CHP_US), 0);
	return arg;
}

static void timers_and_aborts_end_each_sleep_once(void)
{
	for (long i = 0; i < h_rounds(200); i++) {
		make(i);
		CHECK_CODE(chp_runtime_block_on(rt, start_sleepers, NULL, NULL),
			   0);
		shut_down(rt);
		CHECK_EQ(runs + arg_drops, 50);
	}
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(foreign_wakes_meet_no_memory_that_is_gone, ON_ITS_OWN),
	TEST(every_spawn_that_was_accepted_runs_or_is_dropped, ON_ITS_OWN),
	TEST(shutdown_notices_the_end_of_the_last_blocking_call, ON_ITS_OWN),
	TEST(timers_and_aborts_end_each_sleep_once, ON_ITS_OWN),
};
/* clang-format on */

H_MAIN("shutdown_race", tests)
