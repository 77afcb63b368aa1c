/*
 * test_abort.c - aborting tasks in every state: queued, parked, granted,
 * running, shielded, ended; what the task sees, what its joiner is told, what
 * becomes of its argument; and aborts that race all that.
 */
#include "task.h"

static void drop_the_gate(void *arg)
{
	CHECK(arg == &gate);
	drop_arg(arg);
}

static const chp_task_options gated = {
	.arg_drop = drop_the_gate,
	.result_drop = drop_result,
};

/* Spawn fn(&gate) and let it queue at the gate. */
static void spawn_parked(chp_task *t, void *(*fn)(void *arg))
{
	reset();
	CHECK_CODE(chp_spawn_with(t, fn, &gate, &gated), 0);
	h_until(chp_semaphore_queue_length(&gate) == 1);
}

static void check_end(chp_task *t, chp_fate fate, void *value)
{
	chp_outcome o;

	CHECK_CODE(chp_join(t, &o), 0);
	CHECK_EQ(o.fate, fate);
	CHECK(o.value == value);
	CHECK_EQ(arg_drops, fate == CHP_NEVER_RUN);
	CHECK_EQ(result_drops, 0);
}

/* ---- Before the first run ---- */

static void *abort_queued(void *arg)
{
	chp_task t[10];
	chp_outcome o;

	reset();
	for (int i = 0; i < 10; i++)
		CHECK_CODE(chp_spawn_with(&t[i], count_run, &gate, &gated), 0);
	for (int i = 0; i < 10; i += 2)
		CHECK_CODE(chp_task_abort(&t[i]), 0);
	for (int i = 0; i < 10; i++) {
		CHECK_CODE(chp_join(&t[i], &o), 0);
		CHECK_EQ(o.fate, i % 2 ? CHP_RETURNED : CHP_NEVER_RUN);
		CHECK(o.value == (i % 2 ? &gate : NULL));
	}
	CHECK_EQ(runs, 5);
	CHECK_EQ(arg_drops, 5);
	CHECK_EQ(result_drops, 0);
	return arg;
}

static void a_task_aborted_before_its_first_run_never_runs(void)
{
	with_one_worker(abort_queued);
}

static void *abort_queued_and_detach(void *arg)
{
	chp_task t;

	reset();
	CHECK_CODE(chp_spawn_with(&t, count_run, &gate, &gated), 0);
	CHECK_CODE(chp_task_abort(&t), 0);
	CHECK_CODE(chp_task_detach(&t), 0);
	h_until(arg_drops == 1);
	for (int i = 0; i < 10; i++)
		chp_yield();
	CHECK_EQ(arg_drops, 1);
	CHECK_EQ(result_drops, 0);
	CHECK_EQ(runs, 0);
	return arg;
}

static void the_argument_of_a_detached_task_is_dropped_too(void)
{
	with_one_worker(abort_queued_and_detach);
}

/* ---- While it waits ---- */

static void *wait_and_fail(void *arg)
{
	chp_wait late = { .deadline = 1 };

	CHECK_CODE(chp_semaphore_acquire(arg, 1), CHP_EABORTED);
	/* For good, before anything is tried, and even if it is free. */
	chp_semaphore_release(arg, 1);
	CHECK_CODE(chp_semaphore_acquire(arg, 1), CHP_EABORTED);
	CHECK_CODE(chp_semaphore_acquire_with(arg, 1, &late), CHP_EABORTED);
	CHECK_CODE(chp_sleep_for(0), CHP_EABORTED);
	CHECK_CODE(chp_sleep_for(CHP_SEC), CHP_EABORTED);
	CHECK_CODE(chp_check(), CHP_EABORTED);
	CHECK_CODE(chp_check(), CHP_EABORTED);
	/* What does not wait, or does so whatever happens, goes on working. */
	CHECK_EQ(chp_semaphore_available(arg), 1);
	CHECK_CODE(chp_semaphore_try_acquire(arg, 1), 0);
	chp_semaphore_release(arg, 1);
	CHECK_CODE(acquire_whatever_happens(arg), 0);
	CHECK_CODE(chp_sleep_until_with(
			   1, &(chp_wait){ .flags = CHP_UNINTERRUPTIBLE }),
		   0);
	chp_yield();
	CHECK_CODE(chp_check(), CHP_EABORTED);
	return &runs;
}

static void a_parked_task_fails_its_wait_and_every_later_one(void)
{
	chp_task t;

	spawn_parked(&t, wait_and_fail);
	CHECK_CODE(chp_task_abort(&t), 0);
	check_end(&t, CHP_ABORTED, &runs);
	CHECK_EQ(chp_semaphore_queue_length(&gate), 0);
	CHECK_EQ(chp_semaphore_available(&gate), 0);
}

static void *abort_self(void *arg)
{
	CHECK_CODE(chp_abort(*(chp_agent *)arg), 0);
	return NULL;
}

static void a_plain_thread_aborts_by_agent(void)
{
	struct h_agent a;
	chp_agent agent;
	chp_task t;

	spawn_parked(&t, wait_and_fail);
	agent = t.agent;
	h_spawn_thread(&a, abort_self, &agent);
	check_end(&t, CHP_ABORTED, &runs);
	h_join_thread(&a);
	CHECK_CODE(chp_abort(agent), CHP_ESRCH);
}

static void *wait_until_granted(void *arg)
{
	CHECK_CODE(chp_semaphore_acquire(arg, 1), 0);
	CHECK_CODE(chp_semaphore_acquire(arg, 1), CHP_EABORTED);
	return &runs;
}

/* Success wins over an abort that comes between the grant and the resumption. */
static void a_wait_that_has_succeeded_is_not_undone(void)
{
	chp_task t;

	for (long i = h_rounds(500); i > 0; i--) {
		spawn_parked(&t, wait_until_granted);
		chp_semaphore_release(&gate, 1);
		CHECK_CODE(chp_task_abort(&t), 0);
		check_end(&t, CHP_ABORTED, &runs);
		CHECK_EQ(chp_semaphore_available(&gate), 0);
	}
}

static void *wait_whatever_happens(void *arg)
{
	CHECK_CODE(acquire_whatever_happens(arg), 0);
	return &runs;
}

/* It never saw the abort, so it was not aborted. */
static void an_uninterruptible_wait_finishes(void)
{
	chp_task t;

	spawn_parked(&t, wait_whatever_happens);
	CHECK_CODE(chp_task_abort(&t), 0);
	h_let_others_run();
	CHECK_EQ(chp_semaphore_queue_length(&gate), 1);
	CHECK_EQ(chp_task_is_finished(&t), 0);
	chp_semaphore_release(&gate, 1);
	check_end(&t, CHP_RETURNED, &runs);
}

static void *wait_in_two_shields(void *arg)
{
	chp_shield_enter();
	chp_shield_enter();
	CHECK_CODE(chp_semaphore_acquire(arg, 1), 0);
	chp_shield_leave();
	CHECK_CODE(chp_semaphore_acquire(arg, 1), 0);
	CHECK_CODE(chp_check(), 0);
	chp_shield_leave();
	CHECK_CODE(chp_check(), CHP_EABORTED);
	CHECK_CODE(chp_semaphore_acquire(arg, 1), CHP_EABORTED);
	return &runs;
}

static void a_shielded_task_notices_when_it_leaves_the_shield(void)
{
	chp_task t;

	spawn_parked(&t, wait_in_two_shields);
	CHECK_CODE(chp_task_abort(&t), 0);
	chp_semaphore_release(&gate, 1);
	h_until(chp_semaphore_queue_length(&gate) == 1);
	chp_semaphore_release(&gate, 1);
	check_end(&t, CHP_ABORTED, &runs);
	CHECK_EQ(chp_semaphore_available(&gate), 0);
}

/* ---- While it runs, and after ---- */

static atomic_int spinning, aborted;

static void *spin_then_wait(void *arg)
{
	spinning = 1;
	while (!aborted)
		chp_yield();
	CHECK_CODE(chp_semaphore_acquire(arg, 1), CHP_EABORTED);
	return &runs;
}

static void *spin_then_end(void *arg)
{
	spinning = 1;
	while (!aborted)
		chp_yield();
	return arg;
}

static void abort_running(void *(*fn)(void *arg), chp_fate fate, void *value)
{
	chp_task t;

	reset();
	spinning = aborted = 0;
	CHECK_CODE(chp_spawn_with(&t, fn, &gate, &gated), 0);
	h_until(spinning);
	CHECK_CODE(chp_task_abort(&t), 0);
	CHECK_CODE(chp_task_abort(&t), 0);
	CHECK_CODE(chp_abort(t.agent), 0);
	CHECK_EQ(chp_task_is_finished(&t), 0);
	aborted = 1;
	check_end(&t, fate, value);
}

static void a_running_task_fails_its_next_wait(void)
{
	abort_running(spin_then_wait, CHP_ABORTED, &runs);
}

static void a_task_that_never_sees_the_abort_has_returned(void)
{
	abort_running(spin_then_end, CHP_RETURNED, &gate);
}

static void *abort_oneself(void *arg)
{
	CHECK_CODE(chp_abort(chp_agent_current()), 0);
	CHECK_CODE(chp_semaphore_acquire(arg, 1), CHP_EABORTED);
	return &runs;
}

static void a_task_may_abort_itself(void)
{
	chp_task t;

	reset();
	CHECK_CODE(chp_spawn_with(&t, abort_oneself, &gate, &gated), 0);
	check_end(&t, CHP_ABORTED, &runs);
}

static void an_ended_task_cannot_be_aborted(void)
{
	chp_agent agent;
	chp_task t;

	reset();
	CHECK_CODE(chp_spawn_with(&t, count_run, &gate, &gated), 0);
	agent = t.agent;
	h_until(chp_task_is_finished(&t) == 1);
	CHECK_CODE(chp_task_abort(&t), CHP_ESRCH);
	CHECK_CODE(chp_abort(agent), CHP_ESRCH);
	check_end(&t, CHP_RETURNED, &gate);
	CHECK_CODE(chp_abort(agent), CHP_ESRCH);
}

static void *never_clear(void *arg)
{
	chp_agent self = chp_agent_current();

	CHECK_CODE(chp_abort(self), 0);
	CHECK_CODE(chp_interrupt(self), 0);
	/* Abort is reported first, and clearing the flag leaves the abort. */
	CHECK_CODE(chp_check(), CHP_EABORTED);
	CHECK_EQ(chp_is_interrupted(self), 1);
	CHECK_EQ(chp_interrupted(), 1);
	CHECK_EQ(chp_interrupted(), 0);
	CHECK_CODE(chp_semaphore_acquire(arg, 1), CHP_EABORTED);
	return &runs;
}

static void clearing_the_interrupt_leaves_the_abort(void)
{
	chp_task t;

	reset();
	CHECK_CODE(chp_spawn_with(&t, never_clear, &gate, &gated), 0);
	check_end(&t, CHP_ABORTED, &runs);
}

/* ---- Races ---- */

static void *run_a_little(void *arg)
{
	runs++;
	for (int i = 0; i < 3; i++)
		chp_yield();
	return chp_semaphore_acquire(arg, 1) == 0 ? arg : NULL;
}

/* A permit is taken exactly when the task says so; no end is counted twice. */
static void aborts_racing_everything_lose_nothing(void)
{
	chp_outcome o;
	chp_task t;

	for (long i = h_rounds(5000); i > 0; i--) {
		reset();
		CHECK_CODE(chp_spawn_with(&t, run_a_little, &gate, &gated), 0);
		for (long k = i % 7; k > 0; k--)
			h_yield();
		chp_semaphore_release(&gate, 1);
		chp_task_abort(&t);
		CHECK_CODE(chp_join(&t, &o), 0);
		CHECK_EQ(runs, o.fate != CHP_NEVER_RUN);
		CHECK_EQ(arg_drops, o.fate == CHP_NEVER_RUN);
		CHECK(o.value == (o.fate == CHP_RETURNED ? &gate : NULL));
		CHECK_EQ(chp_semaphore_available(&gate),
			 o.fate != CHP_RETURNED);
	}
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_task_aborted_before_its_first_run_never_runs, ON_ITS_OWN),
	TEST(the_argument_of_a_detached_task_is_dropped_too, ON_ITS_OWN),
	TEST(a_parked_task_fails_its_wait_and_every_later_one, IN_TASKS),
	TEST(a_plain_thread_aborts_by_agent, IN_TASKS),
	TEST(a_wait_that_has_succeeded_is_not_undone, IN_TASKS),
	TEST(an_uninterruptible_wait_finishes, IN_TASKS),
	TEST(a_shielded_task_notices_when_it_leaves_the_shield, IN_TASKS),
	TEST(a_running_task_fails_its_next_wait, IN_TASKS),
	TEST(a_task_that_never_sees_the_abort_has_returned, IN_TASKS),
	TEST(a_task_may_abort_itself, IN_TASKS),
	TEST(an_ended_task_cannot_be_aborted, IN_TASKS),
	TEST(clearing_the_interrupt_leaves_the_abort, IN_TASKS),
	TEST(aborts_racing_everything_lose_nothing, IN_TASKS),
};
/* clang-format on */

H_MAIN("abort", tests)
