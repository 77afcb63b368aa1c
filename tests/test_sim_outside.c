/*
 * test_sim_outside.c - a run from a seed and what is outside of it: the clock,
 * other threads, descriptors, its end; and runs that are stuck.
 */
#include "clock.h"
#include "sim.h"
#include "task.h"

#include <unistd.h>

#define HOUR  (3600 * CHP_SEC)
#define START (1000000 * CHP_SEC)

/* ---- Time ---- */

static void *look_at_the_clock(void *arg)
{
	*(chp_time *)arg = chp_now();
	return NULL;
}

static void time_begins_at_a_million_seconds(void)
{
	chp_time now = 0, late = 0;

	for (uint64_t seed = 1; seed <= 100; seed++) {
		run_seed(seed, look_at_the_clock, &now);
		/* The root itself may have been held back. */
		CHECK(now >= START && now < START + CHP_SEC / 10);
		late += now > START;
	}
	CHECK(late >= 1 && late < 50);
}

static void *sleep_for_hours(void *arg)
{
	for (int i = 0; i < 1000; i++) {
		chp_time until = chp_in(HOUR);

		CHECK_CODE(chp_sleep_until(until), 0);
		CHECK(chp_now() >= until);
		CHECK(chp_now() < until + CHP_SEC / 5);
	}
	return arg;
}

static void hours_take_no_time(void)
{
	chp_time before = real_time();

	for (uint64_t seed = 1; seed <= 20; seed++)
		run_seed(seed, sleep_for_hours, NULL);
	CHECK(real_time() - before < 20 * CHP_SEC);
}

static chp_word flag;

static void *set_flag_later(void *arg)
{
	CHECK_CODE(chp_sleep_for(HOUR), 0);
	h_store(&flag, 1);
	return arg;
}

static void *yield_until_it_is_set(void *arg)
{
	chp_task t;

	h_store(&flag, 0);
	CHECK_CODE(chp_spawn(&t, set_flag_later, NULL), 0);
	while (!h_load(&flag))
		chp_yield();
	CHECK(chp_now() >= START + HOUR);
	CHECK_CODE(chp_join(&t, NULL), 0);
	return arg;
}

static void time_goes_on_beside_those_that_only_yield(void)
{
	for (uint64_t seed = 1; seed <= 20; seed++)
		run_seed(seed, yield_until_it_is_set, NULL);
}

static void *yield_until_a_time(void *arg)
{
	chp_time until = chp_in(50 * CHP_MS);

	while (chp_now() < until)
		chp_yield();
	return arg;
}

static void and_where_no_timer_is_set(void)
{
	for (uint64_t seed = 1; seed <= 20; seed++)
		run_seed(seed, yield_until_a_time, NULL);
}

/* A task that can run is overtaken by a timer: the order may be turned. */
static void *sleep_a_little(void *arg)
{
	chp_sleep_for(CHP_MS);
	note((int64_t)(intptr_t)arg);
	return NULL;
}

static void *two_sleepers(void *arg)
{
	chp_task t[2];

	CHECK_CODE(chp_spawn(&t[0], sleep_a_little, (void *)0), 0);
	CHECK_CODE(chp_spawn(&t[1], sleep_a_little, (void *)1), 0);
	chp_sleep_for(2 * CHP_MS);
	note(2);
	join_all(t, 2);
	return arg;
}

static void a_task_may_be_later_than_a_later_timer(void)
{
	int in_order = 0, turned = 0;

	for (uint64_t seed = 1; seed <= 300; seed++) {
		trace.used.v = 0;
		run_seed(seed, two_sleepers, NULL);
		CHECK_EQ(trace.used.v, 3);
		in_order += trace.events[2].what == 2;
		turned += trace.events[2].what != 2;
	}
	CHECK(in_order > 100);
	CHECK(turned > 10);
}

/* ---- Stuck ---- */

static chp_mutex mutex;

static void *lock_it(void *arg)
{
	chp_mutex_lock(&mutex);
	return arg;
}

static void *lock_and_join(void *arg)
{
	chp_task_options options = { .name = "porter" };
	chp_task t;

	chp_mutex_init(&mutex, 0);
	chp_mutex_lock(&mutex);
	CHECK_CODE(chp_spawn_with(&t, lock_it, NULL, &options), 0);
	chp_join(&t, NULL);
	return arg;
}

static void run_to_deadlock(void *arg)
{
	run_seed(*(uint64_t *)arg, lock_and_join, NULL);
}

static void a_deadlock_is_reported(void)
{
	uint64_t seeds[] = { 1, 2 }, calm = 7;

	for (size_t i = 0; i < 2; i++)
		h_must_panic(run_to_deadlock, &seeds[i],
			     "deadlock: task 1000000000001 \"main\" waits for "
			     "join; 1000000000002 \"porter\" waits for mutex "
			     "lock");
	h_must_panic(run_to_deadlock, &calm, "runtime \"sim\", seed 7:");
}

static void *park_for_ever(void *arg)
{
	for (;;)
		chp_park(0);
	return arg;
}

static void run_to_parking(void *arg)
{
	run_seed(4, park_for_ever, arg);
}

static void *wait_with_no_end(void *arg)
{
	chp_semaphore s = CHP_SEMAPHORE_INIT(0, CHP_FIFO);
	chp_wait never = { .deadline = CHP_NEVER };

	chp_semaphore_acquire_with(&s, 1, &never);
	return arg;
}

static void run_to_never(void *arg)
{
	run_seed(4, wait_with_no_end, arg);
}

static void so_is_one_without_an_operation_or_with_a_timer_at_never(void)
{
	h_must_panic(run_to_parking, NULL, "\"main\" waits for a wake");
	h_must_panic(run_to_never, NULL, "waits for semaphore acquire");
}

/* ---- Wakes from outside ---- */

static void *release_later(void *arg)
{
	usleep(20000);
	chp_semaphore_release(arg, 1);
	return NULL;
}

static void *wait_for_threads(void *arg)
{
	chp_semaphore s = CHP_SEMAPHORE_INIT(0, CHP_FIFO);
	struct h_agent a;

	for (int i = 0; i < 5; i++) {
		h_spawn_thread(&a, release_later, &s);
		CHECK_CODE(chp_semaphore_acquire(&s, 1), 0);
		h_join_thread(&a);
	}
	return arg;
}

static void a_wake_from_another_thread_is_waited_for(void)
{
	for (uint64_t seed = 1; seed <= 10; seed++)
		run_seed(seed, wait_for_threads, NULL);
}

static void *write_late(void *arg)
{
	usleep(1200000);
	CHECK_EQ(write(*(int *)arg, "x", 1), 1);
	return NULL;
}

static void *wait_for_a_descriptor(void *arg)
{
	struct h_agent a;
	chp_fd *fd;
	int ends[2];

	CHECK_EQ(pipe(ends), 0);
	CHECK_CODE(chp_fd_new(&fd, ends[0]), 0);
	h_spawn_thread(&a, write_late, &ends[1]);
	/* Longer than a run that is stuck waits. */
	CHECK_CODE(chp_fd_wait(fd, CHP_READABLE), CHP_READABLE);
	h_join_thread(&a);
	chp_fd_free(fd);
	close(ends[0]);
	close(ends[1]);
	return arg;
}

static void a_run_with_descriptors_is_not_stuck(void)
{
	run_seed(1, wait_for_a_descriptor, NULL);
}

/* ---- The end ---- */

static void *sleep_twice(void *arg)
{
	chp_wait whatever = { .flags = CHP_UNINTERRUPTIBLE };

	CHECK_CODE(chp_sleep_until_with(chp_in(HOUR), &whatever), 0);
	CHECK_CODE(chp_sleep_until_with(chp_in(HOUR), &whatever), 0);
	*(chp_time *)arg = chp_now();
	return NULL;
}

static void *leave_it(void *arg)
{
	chp_task t;

	CHECK_CODE(chp_spawn(&t, sleep_twice, arg), 0);
	CHECK_CODE(chp_task_detach(&t), 0);
	/* It has begun: it is not aborted before. */
	CHECK_CODE(chp_sleep_for(60 * CHP_SEC), 0);
	return NULL;
}

static void a_shutdown_has_its_deadline_in_the_time_of_the_run(void)
{
	chp_time end[2] = { 0, 0 };

	for (int i = 0; i < 2; i++) {
		chp_runtime_options options = with_seed(5);
		chp_straggler left;
		chp_runtime *rt;
		size_t count;

		CHECK_CODE(chp_runtime_new(&rt, &options), 0);
		CHECK_CODE(chp_runtime_block_on(rt, leave_it, &end[i], NULL),
			   0);
		CHECK_CODE(chp_runtime_shutdown(rt, chp_in(3 * HOUR / 2), &left,
						1, &count),
			   CHP_ETIMEDOUT);
		CHECK_EQ(count, 1);
		CHECK_EQ(end[i], 0);
		CHECK_CODE(chp_runtime_shutdown(rt, 0, NULL, 0, NULL), 0);
	}
	CHECK(end[0] >= START + 2 * HOUR);
	CHECK_EQ(end[0], end[1]);
}

static void *just_return(void *arg)
{
	return arg;
}

static void a_runtime_may_be_entered_again(void)
{
	chp_runtime_options options = with_seed(3);
	chp_time last = 0, now;
	chp_runtime *rt;

	CHECK_CODE(chp_runtime_new(&rt, &options), 0);
	for (int i = 0; i < 20; i++) {
		CHECK_CODE(chp_runtime_block_on(rt, just_return, NULL, NULL),
			   0);
		CHECK_CODE(
			chp_runtime_block_on(rt, look_at_the_clock, &now, NULL),
			0);
		CHECK(now >= last);
		last = now;
	}
	CHECK_CODE(chp_runtime_shutdown(rt, 0, NULL, 0, NULL), 0);
}

/* clang-format off */
static const struct h_test tests[] = {
	/* First: ThreadSanitizer knows fibers of before a fork wrongly. */
	TEST(a_deadlock_is_reported, ON_ITS_OWN),
	TEST(so_is_one_without_an_operation_or_with_a_timer_at_never,
	     ON_ITS_OWN),
	TEST(time_begins_at_a_million_seconds, ON_ITS_OWN),
	TEST(hours_take_no_time, ON_ITS_OWN),
	TEST(time_goes_on_beside_those_that_only_yield, ON_ITS_OWN),
	TEST(and_where_no_timer_is_set, ON_ITS_OWN),
	TEST(a_task_may_be_later_than_a_later_timer, ON_ITS_OWN),
	TEST(a_wake_from_another_thread_is_waited_for, ON_ITS_OWN),
	TEST(a_run_with_descriptors_is_not_stuck, ON_ITS_OWN),
	TEST(a_shutdown_has_its_deadline_in_the_time_of_the_run, ON_ITS_OWN),
	TEST(a_runtime_may_be_entered_again, ON_ITS_OWN),
};
/* clang-format on */

H_MAIN("sim_outside", tests)
