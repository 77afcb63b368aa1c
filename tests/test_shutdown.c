/*
 * test_shutdown.c - the end of a runtime: what is aborted, what is waited for,
 * what is named when it would not stop, and what is refused meanwhile.
 *
 * What races a shutdown is in test_shutdown_race.c.
 */
#include "task.h"

static chp_semaphore other;
static atomic_int ended;
static chp_runtime *rt;

static void make(int kind)
{
	reset();
	chp_semaphore_init(&other, 0, CHP_FIFO);
	ended = 0;
	rt = make_runtime(&kinds[kind]);
}

static void spawn(void *(*fn)(void *arg), const char *name)
{
	chp_task_options options = dropping;

	options.name = name;
	options.runtime = rt;
	CHECK_CODE(chp_spawn_with(NULL, fn, &gate, &options), 0);
}

/* ---- What it aborts and waits for ---- */

static void *wait_for_abort(void *arg)
{
	CHECK_CODE(chp_semaphore_acquire(arg, 1), CHP_EABORTED);
	ended++;
	return arg;
}

static void *sleep_until_abort(void *arg)
{
	CHECK_CODE(chp_sleep_for(3600 * CHP_SEC), CHP_EABORTED);
	ended++;
	return arg;
}

/* Two that need each other, and the clock, for their clean-up. */
static void *clean_up_give(void *arg)
{
	CHECK_CODE(chp_semaphore_acquire(arg, 1), CHP_EABORTED);
	chp_shield_enter();
	CHECK_CODE(chp_sleep_for(5 * CHP_MS), 0);
	CHECK_CODE(chp_semaphore_release(&other, 1), 0);
	chp_shield_leave();
	ended++;
	return arg;
}

static void *clean_up_take(void *arg)
{
	CHECK_CODE(chp_semaphore_acquire(arg, 1), CHP_EABORTED);
	chp_shield_enter();
	CHECK_CODE(chp_semaphore_acquire(&other, 1), 0);
	chp_shield_leave();
	ended++;
	return arg;
}

static void *spawn_all_sorts(void *arg)
{
	spawn(wait_for_abort, NULL);
	spawn(sleep_until_abort, NULL);
	spawn(clean_up_give, NULL);
	spawn(clean_up_take, NULL);
	h_until(chp_semaphore_queue_length(&gate) == 3);
	return arg;
}

static void shutdown_aborts_every_task_and_waits_for_its_end(void)
{
	for (int k = 0; k < KINDS; k++) {
		make(k);
		CHECK_CODE(
			chp_runtime_block_on(rt, spawn_all_sorts, NULL, NULL),
			0);
		CHECK_EQ(ended, 0);
		shut_down(rt);
		CHECK_EQ(chp_semaphore_queue_length(&gate), 0);
		/* The sleeper may not have got as far as its first run. */
		CHECK_EQ(ended + arg_drops, 4);
		CHECK(ended >= 3);
		CHECK_EQ(result_drops, ended);
	}
}

static void tasks_that_nobody_ran_are_dropped(void)
{
	make(KINDS - 1);
	for (int i = 0; i < 20; i++)
		spawn(never, NULL);
	shut_down(rt);
	CHECK_EQ(arg_drops, 20);
	CHECK_EQ(result_drops, 0);
}

static void *park_and_return(void *arg)
{
	CHECK_CODE(chp_semaphore_acquire(arg, 1), CHP_EABORTED);
	return &ended;
}

static void *block_on_it(void *arg)
{
	void *value = NULL;

	CHECK_CODE(chp_runtime_block_on(arg, park_and_return, &gate, &value),
		   0);
	return value;
}

static void a_block_on_elsewhere_ends_with_its_task(void)
{
	struct h_agent a[3];

	for (int k = 0; k < KINDS; k++) {
		make(k);
		for (int i = 0; i < 3; i++)
			h_spawn_thread(&a[i], block_on_it, rt);
		h_until(chp_semaphore_queue_length(&gate) == 3);
		shut_down(rt);
		for (int i = 0; i < 3; i++)
			CHECK(h_join_thread(&a[i]) == &ended);
	}
}

static void *spawn_and_finish(void *arg)
{
	chp_task *t = arg;

	for (int i = 0; i < 2; i++) {
		chp_task_options options = { .result_drop = drop_result };

		CHECK_CODE(chp_spawn_with(&t[i], give_back, t, &options), 0);
		h_until(chp_task_is_finished(&t[i]) == 1);
	}
	return NULL;
}

/* A handle names a task, not its runtime. */
static void an_ended_task_can_be_joined_after_its_runtime_is_gone(void)
{
	chp_outcome o;
	chp_task t[2];

	for (int k = 0; k < KINDS; k++) {
		make(k);
		CHECK_CODE(chp_runtime_block_on(rt, spawn_and_finish, t, NULL),
			   0);
		shut_down(rt);
		CHECK_EQ(result_drops, 0);
		CHECK_CODE(chp_join(&t[0], &o), 0);
		CHECK(o.value == t);
		CHECK_CODE(chp_task_detach(&t[1]), 0);
		CHECK_EQ(result_drops, 1);
	}
}

/* ---- What would not stop ---- */

static void *be_stubborn(void *arg)
{
	CHECK_CODE(acquire_whatever_happens(arg), 0);
	ended++;
	return arg;
}

static void *spawn_stragglers(void *arg)
{
	chp_task_options options = { .name = "slow call" };

	spawn(be_stubborn, "stubborn task");
	spawn(wait_for_abort, "obedient task");
	CHECK_CODE(chp_spawn_blocking(NULL, NULL, be_stubborn, &gate, &options),
		   0);
	h_until(chp_semaphore_queue_length(&gate) == 3);
	return arg;
}

static void check_stragglers(const chp_straggler *left)
{
	int blocking = left[1].blocking != 0;

	CHECK_EQ(left[0].blocking != 0, !blocking);
	CHECK(strcmp(left[!blocking].name, "stubborn task") == 0);
	CHECK(strcmp(left[blocking].name, "slow call") == 0);
	CHECK(left[0].id != 0 && left[1].id != 0);
	CHECK(left[0].id != left[1].id);
}

static void what_does_not_stop_in_time_is_named(void)
{
	chp_straggler left[4];
	chp_time deadline;
	size_t count;

	for (int k = 0; k < KINDS; k++) {
		make(k);
		CHECK_CODE(
			chp_runtime_block_on(rt, spawn_stragglers, NULL, NULL),
			0);
		for (int again = 0; again < 3; again++) {
			count = 99;
			deadline = chp_in(20 * CHP_MS);
			CHECK_CODE(chp_runtime_shutdown(rt, deadline, left, 4,
							&count),
				   CHP_ETIMEDOUT);
			CHECK(chp_now() >= deadline);
			CHECK_EQ(count, 2);
			check_stragglers(left);
			CHECK_EQ(ended, 1);
		}
		/* Fewer places than stragglers, and none at all. */
		memset(left, 0, sizeof(left));
		CHECK_CODE(chp_runtime_shutdown(rt, 1, left, 1, &count),
			   CHP_ETIMEDOUT);
		CHECK_EQ(count, 2);
		CHECK(left[0].id != 0 && left[1].id == 0);
		CHECK_CODE(chp_runtime_shutdown(rt, 1, NULL, 0, NULL),
			   CHP_ETIMEDOUT);
		chp_semaphore_release(&gate, 2);
		CHECK_CODE(chp_runtime_shutdown(rt, 0, left, 4, &count), 0);
		CHECK_EQ(count, 0);
		CHECK_EQ(ended, 3);
	}
}

/* ---- What is refused ---- */

static void refuse_spawns(void)
{
	chp_task_options options = { .runtime = rt, .arg_drop = drop_arg };
	chp_task t;

	CHECK_CODE(chp_spawn_with(&t, never, &gate, &options), CHP_ECLOSED);
	CHECK_CODE(chp_spawn_with(NULL, never, &gate, &options), CHP_ECLOSED);
	CHECK_CODE(chp_spawn_blocking(rt, &t, never, &gate, &options),
		   CHP_ECLOSED);
	CHECK_EQ(arg_drops, 0);
}

static void *spawn_too_late(void *arg)
{
	CHECK_CODE(chp_semaphore_acquire(arg, 1), CHP_EABORTED);
	refuse_spawns();
	CHECK_CODE(acquire_whatever_happens(arg), 0);
	refuse_spawns();
	ended++;
	return arg;
}

static void *spawn_late_spawner(void *arg)
{
	spawn(spawn_too_late, NULL);
	h_until(chp_semaphore_queue_length(&gate) == 1);
	return arg;
}

static void nothing_is_spawned_any_more(void)
{
	for (int k = 0; k < KINDS; k++) {
		make(k);
		CHECK_CODE(chp_runtime_block_on(rt, spawn_late_spawner, NULL,
						NULL),
			   0);
		CHECK_CODE(chp_runtime_shutdown(rt, chp_in(10 * CHP_MS), NULL,
						0, NULL),
			   CHP_ETIMEDOUT);
		refuse_spawns();
		CHECK_CODE(chp_runtime_block_on(rt, never, NULL, NULL),
			   CHP_ECLOSED);
		chp_semaphore_release(&gate, 1);
		shut_down(rt);
		CHECK_EQ(ended, 1);
	}
}

static void *shut_down_from_inside(void *arg)
{
	CHECK_CODE(
		chp_runtime_shutdown(chp_runtime_current(), 0, NULL, 0, NULL),
		CHP_EBUSY);
	/* And it has not begun. */
	CHECK_CODE(chp_check(), 0);
	CHECK_CODE(chp_spawn(arg, give_back, NULL), 0);
	CHECK_CODE(chp_join(arg, NULL), 0);
	return NULL;
}

static void a_task_cannot_shut_down_its_own_runtime(void)
{
	chp_task t;

	for (int k = 0; k < KINDS; k++) {
		make(k);
		CHECK_CODE(chp_runtime_block_on(rt, shut_down_from_inside, &t,
						NULL),
			   0);
		shut_down(rt);
	}
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(shutdown_aborts_every_task_and_waits_for_its_end, ON_ITS_OWN),
	TEST(tasks_that_nobody_ran_are_dropped, ON_ITS_OWN),
	TEST(a_block_on_elsewhere_ends_with_its_task, ON_ITS_OWN),
	TEST(an_ended_task_can_be_joined_after_its_runtime_is_gone, ON_ITS_OWN),
	TEST(what_does_not_stop_in_time_is_named, ON_ITS_OWN),
	TEST(nothing_is_spawned_any_more, ON_ITS_OWN),
	TEST(a_task_cannot_shut_down_its_own_runtime, ON_ITS_OWN),
};
/* clang-format on */

H_MAIN("shutdown", tests)
