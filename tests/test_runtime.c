/*
 * test_runtime.c - runtimes: their options, and block_on.
 *
 * Several at once are in test_runtimes.c, shutting down is in test_shutdown.c,
 * blocking calls are in test_blocking.c.
 */
#include "task.h"

#include <sched.h>

static atomic_int steps;

/* ---- Options ---- */

static void bad_options_are_refused(void)
{
	static const chp_runtime_options bad[] = {
		{ .kind = (chp_runtime_kind)2 },
		{ .kind = (chp_runtime_kind)-1 },
		{ .guard = (chp_guard)2 },
		{ .kind = CHP_MANY_THREADS, .paused_clock = 1 },
		{ .blocking_idle = -1 },
		{ .workers = UINT32_MAX },
		{ .stack_size = SIZE_MAX },
	};
	chp_runtime *rt = (chp_runtime *)(void *)&rt;
	size_t n = sizeof(bad) / sizeof(*bad);

	for (size_t i = 0; i < n; i++)
		CHECK_CODE(chp_runtime_new(&rt, &bad[i]), CHP_EINVAL);
	CHECK_CODE(chp_run(&bad[0], NULL, NULL, NULL), CHP_EINVAL);
}

static void *look_at_defaults(void *arg)
{
	chp_runtime_stats stats;
	cpu_set_t usable;

	(void)arg;
	chp_runtime_get_stats(chp_runtime_current(), &stats);
	CHECK_EQ(sched_getaffinity(0, sizeof(usable), &usable), 0);
	CHECK(stats.workers >= 1);
	CHECK(stats.workers <= (unsigned)CPU_COUNT(&usable));
	CHECK_EQ(stats.tasks, 1);
	return &steps;
}

static void no_options_mean_many_threads(void)
{
	void *value = NULL;

	CHECK_CODE(chp_run(NULL, look_at_defaults, NULL, &value), 0);
	CHECK(value == &steps);
}

/* ---- block_on ---- */

static void *look_inside(void *arg)
{
	CHECK(chp_runtime_current() == arg);
	CHECK(chp_task_id() != 0);
	CHECK_EQ(chp_agent_kind_of(chp_agent_current()), CHP_TASK);
	return &steps;
}

static void block_on_runs_a_task_and_gives_its_value(void)
{
	for (int i = 0; i < KINDS; i++) {
		chp_runtime *rt = make_runtime(&kinds[i]);

		CHECK(block_on(rt, look_inside, rt) == &steps);
		CHECK_CODE(chp_runtime_block_on(rt, look_inside, rt, NULL), 0);
		CHECK(chp_runtime_current() == NULL);
		shut_down(rt);
	}
}

enum { RING = 4 };

static chp_semaphore baton[RING];
static chp_runtime *ring_runtime;

static void *pass_the_baton(void *arg)
{
	intptr_t i = (intptr_t)arg;

	for (long round = h_rounds(2000); round > 0; round--) {
		CHECK_CODE(chp_semaphore_acquire(&baton[i], 1), 0);
		chp_semaphore_release(&baton[(i + 1) % RING], 1);
	}
	return &baton[i];
}

static void *block_on_the_ring(void *arg)
{
	return block_on(ring_runtime, pass_the_baton, arg);
}

/* Whoever drives the runtime leaves first; another thread must take over. */
static void several_threads_block_on_one_runtime(void)
{
	struct h_agent a[RING];

	for (int k = 0; k < KINDS; k++) {
		ring_runtime = make_runtime(&kinds[k]);
		for (int i = 0; i < RING; i++)
			chp_semaphore_init(&baton[i], 0, CHP_FIFO);
		for (intptr_t i = 0; i < RING; i++)
			h_spawn_thread(&a[i], block_on_the_ring, (void *)i);
		chp_semaphore_release(&baton[0], 1);
		for (int i = 0; i < RING; i++)
			CHECK(h_join_thread(&a[i]) == &baton[i]);
		CHECK_EQ(chp_semaphore_available(&baton[0]), 1);
		shut_down(ring_runtime);
	}
}

static void *step_for_ever(void *arg)
{
	while (chp_check() == 0) {
		steps++;
		chp_yield();
	}
	return arg;
}

static void *spawn_stepper(void *arg)
{
	steps = 0;
	CHECK_CODE(chp_spawn(arg, step_for_ever, arg), 0);
	h_until(steps >= 10);
	return NULL;
}

static void *see_ten_steps(void *arg)
{
	int before = steps;

	h_until(steps >= before + 10);
	return arg;
}

static void a_current_thread_runtime_stands_still_outside_block_on(void)
{
	chp_runtime *rt = make_runtime(&kinds[KINDS - 1]);
	chp_task stepper;
	int before;

	block_on(rt, spawn_stepper, &stepper);
	before = steps;
	for (int i = 0; i < 1000; i++)
		sched_yield();
	CHECK_EQ(steps, before);
	block_on(rt, see_ten_steps, NULL);
	CHECK(steps >= before + 10);
	CHECK_CODE(chp_task_detach(&stepper), 0);
	shut_down(rt);
}

static void *block_on_from_inside(void *arg)
{
	CHECK_CODE(
		chp_runtime_block_on(chp_runtime_current(), never, NULL, NULL),
		CHP_EBUSY);
	CHECK_CODE(chp_runtime_block_on(arg, never, NULL, NULL), CHP_EBUSY);
	CHECK_CODE(chp_run(&kinds[0], never, NULL, NULL), CHP_EBUSY);
	return NULL;
}

static void a_task_may_not_block_on_a_runtime(void)
{
	for (int i = 0; i < KINDS; i++) {
		chp_runtime *other = make_runtime(&kinds[(i + 1) % KINDS]);

		CHECK_CODE(
			chp_run(&kinds[i], block_on_from_inside, other, NULL),
			0);
		shut_down(other);
	}
}

static void *run_another(void *arg)
{
	chp_runtime *rt = make_runtime(&kinds[KINDS - 1]);

	block_on(rt, look_inside, rt);
	shut_down(rt);
	CHECK_CODE(chp_run(NULL, look_at_defaults, NULL, NULL), 0);
	return arg;
}

static void *run_another_in_a_blocking_call(void *arg)
{
	chp_outcome o;
	chp_task t;

	CHECK_CODE(chp_spawn_blocking(NULL, &t, run_another, arg, NULL), 0);
	CHECK_CODE(chp_join(&t, &o), 0);
	CHECK(o.value == arg);
	return NULL;
}

static void a_blocking_call_may_run_a_runtime_of_its_own(void)
{
	for (int i = 0; i < KINDS; i++)
		CHECK_CODE(chp_run(&kinds[i], run_another_in_a_blocking_call,
				   &steps, NULL),
			   0);
}

static void *interrupt_and_step(void *arg)
{
	chp_agent *waiter = arg;

	CHECK_CODE(chp_interrupt(*waiter), 0);
	for (int i = 0; i < 100; i++)
		chp_yield();
	CHECK_CODE(chp_check(), 0);
	return &steps;
}

/* The flag is the thread's, not that of the task that it waits for. */
static void an_interrupt_does_not_end_block_on(void)
{
	chp_agent self = chp_agent_current();

	for (int i = 0; i < KINDS; i++) {
		chp_runtime *rt = make_runtime(&kinds[i]);

		CHECK(block_on(rt, interrupt_and_step, &self) == &steps);
		CHECK_EQ(chp_interrupted(), 1);
		shut_down(rt);
	}
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(bad_options_are_refused, ON_ITS_OWN),
	TEST(no_options_mean_many_threads, ON_ITS_OWN),
	TEST(block_on_runs_a_task_and_gives_its_value, ON_ITS_OWN),
	TEST(several_threads_block_on_one_runtime, ON_ITS_OWN),
	TEST(a_current_thread_runtime_stands_still_outside_block_on, ON_ITS_OWN),
	TEST(a_task_may_not_block_on_a_runtime, ON_ITS_OWN),
	TEST(a_blocking_call_may_run_a_runtime_of_its_own, ON_ITS_OWN),
	TEST(an_interrupt_does_not_end_block_on, ON_ITS_OWN),
};
/* clang-format on */

H_MAIN("runtime", tests)
