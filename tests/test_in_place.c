/*
 * test_in_place.c - chp_block_in_place(): the worker's other tasks go on, the
 * call keeps the task's stack and identity, may wait and nest, and where there
 * is no worker to relieve it is a plain call.
 */
#include "task.h"

#include <unistd.h>

static atomic_int flag;

/* Run fn(arg) on a many-thread runtime of one worker, then of two. */
static void with_few_workers(void *(*fn)(void *arg))
{
	for (unsigned n = 1; n <= 2; n++) {
		chp_runtime_options options = { .workers = n };

		reset();
		flag = 0;
		CHECK_CODE(chp_run(&options, fn, NULL, NULL), 0);
	}
}

static void *set_flag(void *arg)
{
	flag = 1;
	return arg;
}

/* Blocks its thread for real: no wait of the library. */
static void *spin_for_the_flag(void *arg)
{
	while (!flag)
		usleep(50);
	runs++;
	return arg;
}

static void *block_once(void *arg)
{
	chp_task t;

	CHECK_CODE(chp_spawn(&t, set_flag, NULL), 0);
	CHECK(chp_block_in_place(spin_for_the_flag, &t) == &t);
	CHECK_CODE(chp_join(&t, NULL), 0);
	return arg;
}

static void other_tasks_run_meanwhile(void)
{
	with_few_workers(block_once);
}

static void *block_in_place(void *arg)
{
	uint64_t id = chp_task_id();

	CHECK(chp_block_in_place(spin_for_the_flag, arg) == arg);
	CHECK_EQ(chp_task_id(), id);
	return arg;
}

/* More tasks block at once than there are workers. */
static void *block_often(void *arg)
{
	chp_task t[10], last;

	spawn_all(t, 10, block_in_place, &gate);
	CHECK_CODE(chp_spawn(&last, set_flag, NULL), 0);
	join_all(t, 10);
	join_all(&last, 1);
	CHECK_EQ(runs, 10);
	return arg;
}

static void more_tasks_than_workers_may_block_at_once(void)
{
	with_few_workers(block_often);
}

static void *wait_inside(void *arg)
{
	chp_task t;

	CHECK_CODE(chp_semaphore_acquire(arg, 1), 0);
	CHECK_CODE(chp_sleep_for(500 * CHP_US), 0);
	CHECK_CODE(chp_spawn(&t, release_it, arg), 0);
	chp_yield();
	CHECK_CODE(chp_semaphore_acquire(arg, 1), 0);
	CHECK_CODE(chp_join(&t, NULL), 0);
	return &runs;
}

static void *nest(void *arg)
{
	CHECK(chp_block_in_place(wait_inside, arg) == &runs);
	return chp_block_in_place(release_it, arg);
}

static void *see_identity(void *arg)
{
	chp_agent *outer = arg;

	CHECK_EQ(chp_agent_current().id, outer->id);
	CHECK_EQ(chp_task_id(), outer->id);
	CHECK(chp_runtime_current() != NULL);
	return arg;
}

static void *wait_in_place(void *arg)
{
	chp_agent self = chp_agent_current();
	chp_task t;

	CHECK(chp_block_in_place(see_identity, &self) == &self);
	CHECK_CODE(chp_spawn(&t, release_it, &gate), 0);
	CHECK(chp_block_in_place(nest, &gate) == &gate);
	CHECK_CODE(chp_join(&t, NULL), 0);
	CHECK_EQ(chp_semaphore_available(&gate), 1);
	return arg;
}

static void the_call_may_wait_and_nest(void)
{
	with_few_workers(wait_in_place);
}

static void *expect_abort(void *arg)
{
	CHECK_CODE(chp_semaphore_acquire(arg, 1), CHP_EABORTED);
	return NULL;
}

static void *wait_for_abort(void *arg)
{
	chp_block_in_place(expect_abort, arg);
	CHECK_CODE(chp_check(), CHP_EABORTED);
	return arg;
}

static void *abort_in_place(void *arg)
{
	chp_outcome o;
	chp_task t;

	CHECK_CODE(chp_spawn(&t, wait_for_abort, &gate), 0);
	h_until(chp_semaphore_queue_length(&gate) == 1);
	CHECK_CODE(chp_task_abort(&t), 0);
	CHECK_CODE(chp_join(&t, &o), 0);
	CHECK_EQ(o.fate, CHP_ABORTED);
	return arg;
}

static void abort_reaches_the_waits_inside(void)
{
	with_few_workers(abort_in_place);
}

/* ---- Plain calls ---- */

static void *same_thread(void *arg)
{
	CHECK_EQ(gettid(), *(pid_t *)arg);
	return arg;
}

static void call_plainly(void)
{
	pid_t tid = gettid();

	CHECK(chp_block_in_place(same_thread, &tid) == &tid);
	CHECK_EQ(gettid(), tid);
}

static void on_a_thread_it_is_a_plain_call(void)
{
	call_plainly();
}

static void *call_plainly_pinned(void *arg)
{
	pid_t tid = gettid();

	for (int i = 0; i < 20; i++) {
		call_plainly();
		chp_yield();
		CHECK_EQ(gettid(), tid);
	}
	return arg;
}

static void a_pinned_task_stays_on_its_thread(void)
{
	chp_task_options pin = { .pinned = 1 };
	chp_task t[4];

	for (int i = 0; i < 4; i++)
		CHECK_CODE(
			chp_spawn_with(&t[i], call_plainly_pinned, NULL, &pin),
			0);
	join_all(t, 4);
}

/* ---- Many ---- */

static void *mix_in_place(void *arg)
{
	for (long i = h_rounds(200); i > 0; i--) {
		CHECK_CODE(chp_semaphore_acquire(&gate, 1), 0);
		CHECK(chp_block_in_place(count_run, arg) == arg);
		CHECK_CODE(chp_semaphore_release(&gate, 1), 0);
		if (i % 8 == 0)
			chp_yield();
	}
	return NULL;
}

static void *storm(void *arg)
{
	chp_task t[20];

	chp_semaphore_release(&gate, 5);
	spawn_all(t, 20, mix_in_place, &runs);
	join_all(t, 20);
	CHECK_EQ(runs, 20 * h_rounds(200));
	/* Five at once, so a thread for each and some to spare. */
	CHECK(h_threads() < 50);
	return arg;
}

static void threads_that_take_over_are_used_again(void)
{
	with_few_workers(storm);
}

/* Pinned tasks belong to a worker whose thread is busy with something else. */
static void *pinned_beside(void *arg)
{
	pid_t tid = gettid();

	for (long i = h_rounds(200); i > 0; i--) {
		chp_yield();
		CHECK_EQ(gettid(), tid);
	}
	flag = 1;
	return arg;
}

static void *pinned_and_in_place(void *arg)
{
	chp_task_options pin = { .pinned = 1 };
	chp_task t[3], p[3];

	for (int i = 0; i < 3; i++)
		CHECK_CODE(chp_spawn_with(&p[i], pinned_beside, NULL, &pin), 0);
	chp_yield();
	spawn_all(t, 3, mix_in_place, &runs);
	chp_semaphore_release(&gate, 2);
	join_all(t, 3);
	join_all(p, 3);
	return arg;
}

static void pinned_tasks_get_their_thread_back(void)
{
	with_few_workers(pinned_and_in_place);
}

/* A thread of the pool that runs a worker is none for blocking calls. */
static void *call_afterwards(void *arg)
{
	chp_task t;

	for (int i = 0; i < 4; i++) {
		CHECK(chp_block_in_place(give_back, &t) == &t);
		call(&t, count_run, NULL);
		ends_as(&t, CHP_RETURNED, NULL);
	}
	return arg;
}

static void blocking_calls_have_threads_of_their_own(void)
{
	for (unsigned n = 1; n <= 2; n++) {
		chp_runtime_options options = {
			.workers = n,
			.blocking_max = 1,
		};

		reset();
		CHECK_CODE(chp_run(&options, call_afterwards, NULL, NULL), 0);
		CHECK_EQ(runs, 4);
	}
}

/* There is no worker then whose timers it could use. */
static void *poll_a_sleep(void *arg)
{
	struct h_waker waker = { .counts = { 0 } };
	chp_sleep_op sleep;

	chp_sleep_until_op(&sleep, chp_in(CHP_MS));
	while (h_poll(&sleep.op, &waker) == CHP_PENDING)
		usleep(50);
	/* It may be about to be woken for nothing. */
	while (h_refs(&waker))
		usleep(50);
	runs++;
	return arg;
}

static void *sleep_in_place(void *arg)
{
	chp_block_in_place(poll_a_sleep, NULL);
	CHECK_EQ(runs, 1);
	return arg;
}

static void the_call_may_poll_a_sleep(void)
{
	with_few_workers(sleep_in_place);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(other_tasks_run_meanwhile, ON_ITS_OWN),
	TEST(more_tasks_than_workers_may_block_at_once, ON_ITS_OWN),
	TEST(the_call_may_wait_and_nest, ON_ITS_OWN),
	TEST(abort_reaches_the_waits_inside, ON_ITS_OWN),
	TEST(on_a_thread_it_is_a_plain_call, IN_THREADS | IN_CT),
	TEST(a_pinned_task_stays_on_its_thread, IN_TASKS),
	TEST(blocking_calls_have_threads_of_their_own, ON_ITS_OWN),
	TEST(the_call_may_poll_a_sleep, IN_POLLED),
	TEST(threads_that_take_over_are_used_again, ON_ITS_OWN),
	TEST(pinned_tasks_get_their_thread_back, ON_ITS_OWN),
};
/* clang-format on */

H_MAIN("in_place", tests)
