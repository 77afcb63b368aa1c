/*
 * scenario_task_end.c - tasks that end on a worker: they are counted, and
 * somebody joins.  More about joining is in scenario_join.c.
 */
#include "workers.h"

static int plain_a;

static void *end(void)
{
	task_ended();
	return NULL;
}

/* ---- Whoever counts ended tasks comes after what they did ---- */

static void *count_me(void *index)
{
	(void)index;
	plain_a = 1;
	return end();
}

static void counted_of_one(void)
{
	workers_make(1, 1, count_me);
	task_queued(0, 0);
}

static void count_ended(void)
{
	if (load64_acquire(&workers[0].finished)) {
		model_reached(0);
		MODEL_CHECK(plain_a == 1);
	}
}

SCENARIO(task_counted, .setup = counted_of_one,
	 .threads = { worker_0, count_ended }, .check = workers_end,
	 .must_reach = 1);

/* Closing: whoever waits for the last task is told. */
static void closing_counted_of_one(void)
{
	counted_of_one();
	runtime.state.v = RT_CLOSING;
}

static void await_quiet(void)
{
	chp__event_wait(&runtime.quiet, 0);
	MODEL_CHECK(load64_acquire(&workers[0].finished) == 1);
}

SCENARIO(task_counted_quiet, .setup = closing_counted_of_one,
	 .threads = { worker_0, await_quiet }, .check = workers_end);

/* ---- A thread that joins ---- */

static void *answer(void *index)
{
	(void)index;
	plain_a = 1;
	return &plain_a;
}

static void answer_of_one(void)
{
	workers_make(1, 1, answer);
	task_queued(0, 0);
}

static void join(void)
{
	chp_task task = { .agent = agent_handle(&tasks[0].task.outcome.agent) };
	chp_outcome outcome;

	MODEL_CHECK(chp_join(&task, &outcome) == 0);
	MODEL_CHECK(outcome.fate == CHP_RETURNED && outcome.value == &plain_a);
	MODEL_CHECK(plain_a == 1);
	workers_stop();
}

SCENARIO(task_join, .setup = answer_of_one, .threads = { worker_0, join },
	 .bound = 2);
