/*
 * scenario_poll.c - stackless tasks: polled by one worker and perhaps gone on
 * with by another, beside tasks that have a stack.
 */
#include <chappe/poll.h>
#include <chappe/semaphore.h>

#include "workers.h"

static chp_word flag_a, flag_b;
static unsigned plain_a, plain_b;
static chp_semaphore s;

/* Of the stackless one: not shared but by way of the scheduler. */
static unsigned polls;
static chp_coro co;
static chp_acquire_op acquire;
static int result;

static int end(void)
{
	task_ended();
	return 0;
}

/* Task 0, which workers_make() has made, without a stack. */
static void be_stackless(chp_poll_fn poll)
{
	struct outcome *o = &tasks[0].task.outcome;

	o->agent.cls = &chp__stackless_class;
	o->poll = poll;
	task_queued(0, 0);
}

static void wake_a(void)
{
	plain_a = 1;
	store_relaxed(&flag_a, 1);
	task_wake(0);
}

static void wake_b(void)
{
	plain_b = 1;
	store_relaxed(&flag_b, 1);
	task_wake(0);
}

/* ---- Woken by two ---- */

/* A wake during a poll is not lost, and what was written before it is seen. */
static int until_both(void *state, chp_poll_ctx *ctx)
{
	(void)state;
	(void)ctx;
	polls++;
	if (!load_relaxed(&flag_a) || !load_relaxed(&flag_b))
		return CHP_PENDING;
	model_reached(polls > 1);
	return end();
}

static void both_of_one(void)
{
	workers_make(1, 1, NULL);
	be_stackless(until_both);
}

static void both_of_two(void)
{
	workers_make(2, 1, NULL);
	be_stackless(until_both);
}

SCENARIO(poll_woken_twice, .setup = both_of_one,
	 .threads = { worker_0, wake_a, wake_b }, .check = workers_end,
	 .bound = 2, .must_reach = 3);
SCENARIO(poll_woken_twice_two_workers, .setup = both_of_two,
	 .threads = { worker_0, worker_1, wake_a, wake_b },
	 .check = workers_end, .bound = 1, .frozen = 1);

/* ---- Woken once, and it may go on at once ---- */

/* The second poll comes of the wake; the first may see the flag by chance. */
static bool not_yet(void)
{
	bool first = polls++ == 0;

	if (!load_relaxed(&flag_a))
		return true;
	MODEL_CHECK(first || plain_a == 1);
	model_reached(first);
	return false;
}

static int second_poll_sees(void *state, chp_poll_ctx *ctx)
{
	(void)state;
	(void)ctx;
	return not_yet() ? CHP_PENDING : end();
}

static void once_of_two(void)
{
	workers_make(2, 1, NULL);
	be_stackless(second_poll_sees);
}

SCENARIO(poll_woken, .setup = once_of_two,
	 .threads = { worker_0, worker_1, wake_a }, .check = workers_end,
	 .bound = 1, .frozen = 1, .must_reach = 3);
SCENARIO(poll_free, .setup = once_of_two,
	 .threads = { worker_0_free, worker_1_free, wake_a }, .bound = 1,
	 .frozen = 1);

/* ---- A grant and an abort ---- */

static int await(void *state, chp_poll_ctx *ctx)
{
	(void)state;
	CHP_CO_BEGIN(&co);
	chp_semaphore_acquire_op(&acquire, &s, 1);
	CHP_CO_AWAIT(&co, ctx, &acquire.op, result);
	model_reached(result == 0);
	MODEL_CHECK(result == (result ? CHP_EABORTED : 0));
	MODEL_CHECK(result ? plain_b == 1 : plain_a == 1);
	CHP_CO_END(&co, end());
}

static void never_run(void *arg)
{
	(void)arg;
	model_reached(2);
	MODEL_CHECK(plain_b == 1);
	result = CHP_EABORTED;
	task_ended();
}

static void acquire_of_one(void)
{
	chp_semaphore_init(&s, 0, CHP_FIFO);
	workers_make(1, 1, NULL);
	tasks[0].task.outcome.arg_drop = never_run;
	be_stackless(await);
}

static void give(void)
{
	plain_a = 1;
	chp_semaphore_release(&s, 1);
}

static void abort_it(void)
{
	plain_b = 1;
	chp_abort(agent_handle(&tasks[0].task.outcome.agent));
}

static void permits_right(void)
{
	workers_end();
	MODEL_CHECK(chp_semaphore_available(&s) == (result != 0));
}

SCENARIO(poll_abort_grant, .setup = acquire_of_one,
	 .threads = { worker_0, give, abort_it }, .check = permits_right,
	 .bound = 2, .must_reach = 7);

/* ---- Beside one with a stack, which passes it on as it leaves ---- */

static void *wake_it_and_wait(void *index)
{
	struct agent *self = agent_self();

	(void)index;
	plain_a = 1;
	store_relaxed(&flag_a, 1);
	task_wake(0);
	self->cls->yield(self);
	self->cls->park(self, 0);
	MODEL_CHECK(plain_b == 1);
	task_ended();
	return NULL;
}

static int wait_and_wake_it(void *state, chp_poll_ctx *ctx)
{
	(void)state;
	(void)ctx;
	if (not_yet())
		return CHP_PENDING;
	plain_b = 1;
	task_wake(1);
	return end();
}

static void mixed_of_two(void)
{
	workers_make(2, 2, wake_it_and_wait);
	be_stackless(wait_and_wake_it);
	task_queued(1, 0);
}

SCENARIO(poll_beside_a_stack, .setup = mixed_of_two,
	 .threads = { worker_0, worker_1 }, .check = workers_end, .bound = 2,
	 .frozen = 1, .must_reach = 3);

/* ---- A thread that joins it ---- */

static int answer(void *state, chp_poll_ctx *ctx)
{
	(void)ctx;
	MODEL_CHECK(state == NULL);
	plain_a = 1;
	return 0;
}

static void answer_of_one(void)
{
	workers_make(1, 1, NULL);
	be_stackless(answer);
}

static void join(void)
{
	chp_task task = { .agent = agent_handle(&tasks[0].task.outcome.agent) };
	chp_outcome outcome;

	MODEL_CHECK(chp_join(&task, &outcome) == 0);
	MODEL_CHECK(outcome.fate == CHP_RETURNED && !outcome.value);
	MODEL_CHECK(plain_a == 1);
	workers_stop();
}

SCENARIO(poll_join, .setup = answer_of_one, .threads = { worker_0, join },
	 .bound = 2);
