/*
 * scenario_task.c - tasks that park: on a stack of their own, left by one
 * worker and perhaps gone on with by another.
 */
#include <chappe/agent.h>
#include <chappe/semaphore.h>
#include <chappe/task.h>

#include "workers.h"

/* What wakers did before, by relaxed flags, and plainly. */
static chp_word flag_a, flag_b;
static unsigned plain_a, plain_b;
static chp_semaphore s;

static void park(chp_time deadline)
{
	struct agent *self = agent_self();

	self->cls->park(self, deadline);
}

static void *end(void)
{
	task_ended();
	return NULL;
}

/* ---- Unparked once ---- */

/* Only one thread unparks it, so park returns once, and after that. */
static void *park_once(void *index)
{
	unsigned on_stack = 1;
	unsigned *volatile in_memory = &on_stack;

	(void)index;
	park(0);
	MODEL_CHECK(plain_a == 1 && *in_memory == 1);
	return end();
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

static void once_of_one(void)
{
	workers_make(1, 1, park_once);
	task_queued(0, 0);
}

static void once_of_two(void)
{
	workers_make(2, 1, park_once);
	task_queued(0, 0);
}

SCENARIO(task_park, .setup = once_of_one, .threads = { worker_0, wake_a },
	 .check = workers_end);
/* It may go on on the other worker. */
SCENARIO(task_park_two_workers, .setup = once_of_two,
	 .threads = { worker_0, worker_1, wake_a }, .check = workers_end,
	 .bound = 2, .frozen = 1);

/* ---- The runtime goes away at once; whoever woke does not touch it ---- */

SCENARIO(task_park_free, .setup = once_of_one,
	 .threads = { worker_0_free, wake_a });
SCENARIO(task_park_free_two_workers, .setup = once_of_two,
	 .threads = { worker_0_free, worker_1_free, wake_a }, .bound = 1,
	 .frozen = 1);

static void pinned_of_two(void)
{
	workers_make(2, 1, park_once);
	tasks[0].task.pinned = 1;
	tasks[0].task.worker = &workers[0];
	task_queued(0, 0);
}

SCENARIO(task_pinned_free, .setup = pinned_of_two,
	 .threads = { worker_0_free, worker_1_free, wake_a }, .bound = 2,
	 .frozen = 1);

/* ---- Unparked by two ---- */

/* The second may be told of by the first's token, never by none. */
static void *park_until_both(void *index)
{
	(void)index;
	while (!load_relaxed(&flag_a) || !load_relaxed(&flag_b))
		park(0);
	model_reached(0);
	return end();
}

static void both_of_one(void)
{
	workers_make(1, 1, park_until_both);
	task_queued(0, 0);
}

SCENARIO(task_park_twice, .setup = both_of_one,
	 .threads = { worker_0, wake_a, wake_b }, .check = workers_end,
	 .bound = 2);

static void both_of_two(void)
{
	workers_make(2, 1, park_until_both);
	task_queued(0, 0);
}

SCENARIO(task_park_twice_two_workers, .setup = both_of_two,
	 .threads = { worker_0, worker_1, wake_a, wake_b },
	 .check = workers_end, .bound = 1, .frozen = 1);

/* ---- By a timer ---- */

static void *park_for_a_while(void *index)
{
	(void)index;
	while (!load_relaxed(&flag_a) && chp_now() < model_time(2)) {
		park(model_time(2));
		model_reached(load_relaxed(&flag_a));
	}
	return end();
}

static void timed_of_one(void)
{
	workers_make(1, 1, park_for_a_while);
	task_queued(0, 0);
}

SCENARIO(task_park_timed, .setup = timed_of_one,
	 .threads = { worker_0, wake_a }, .check = workers_end, .bound = 3,
	 .timed = 1, .must_reach = 3);

static void *park_until_a(void *index)
{
	(void)index;
	while (!load_relaxed(&flag_a))
		park(0);
	return end();
}

static void *park_to_the_end(void *index)
{
	(void)index;
	while (chp_now() < model_time(2))
		park(model_time(2));
	return end();
}

/* Nobody wakes it: its worker sleeps only so long, and fires the timer. */
static void late_of_one(void)
{
	workers_make(1, 1, park_to_the_end);
	task_queued(0, 0);
}

SCENARIO(task_park_late, .setup = late_of_one, .threads = { worker_0 },
	 .check = workers_end, .timed = 1);

static void late_of_two(void)
{
	workers_make(2, 1, park_to_the_end);
	task_queued(0, 0);
}

SCENARIO(task_park_late_two_workers, .setup = late_of_two,
	 .threads = { worker_0, worker_1 }, .check = workers_end, .bound = 1,
	 .timed = 1, .timeouts = 4);

/*
 * A sleeper with an event whose time is up just as a post claims it takes the
 * wake that it is owed.  Somebody else has the poller.
 */
static void *late_or_posted(void *index)
{
	return index ? end() : park_to_the_end(index);
}

static void late_and_posted(void)
{
	workers_make(1, 2, late_or_posted);
	task_queued(0, 0);
	runtime.poller = &workers[1];
}

static void post_1(void)
{
	task_spawn(1);
}

static void all_ended(void)
{
	MODEL_CHECK(runtime.poller == &workers[1]);
	runtime.poller = NULL;
	workers_end();
}

SCENARIO(task_park_late_claimed, .setup = late_and_posted,
	 .threads = { worker_0, post_1 }, .check = all_ended, .bound = 2,
	 .timed = 1, .timeouts = 3);

/* A paused clock: it jumps as soon as nothing can run. */
static void paused_of_one(void)
{
	late_of_one();
	runtime.virtual_now.v = (uint64_t)model_time(1);
}

static void jumped(void)
{
	workers_end();
	/* A timer may be late by a tick. */
	MODEL_CHECK(load64_relaxed(&runtime.virtual_now) >=
		    (uint64_t)model_time(2));
	MODEL_CHECK(load64_relaxed(&runtime.virtual_now) <
		    (uint64_t)model_time(3));
}

SCENARIO(task_park_paused, .setup = paused_of_one, .threads = { worker_0 },
	 .check = jumped, .frozen = 1);
/* Not while a task can run, which somebody else woke. */
static void paused_until_a(void)
{
	workers_make(1, 1, park_until_a);
	task_queued(0, 0);
	runtime.virtual_now.v = (uint64_t)model_time(1);
}

SCENARIO(task_park_paused_wake, .setup = paused_until_a,
	 .threads = { worker_0, wake_a }, .check = workers_end, .bound = 2,
	 .frozen = 1);

/* ---- A task that has no worker: it blocks its thread ---- */

static void park_in_place(void)
{
	struct agent *self = &tasks[0].task.outcome.agent;
	static struct seat without_worker;

	*chp__tls_here() = (struct tls){ self, &without_worker };
	park(0);
	MODEL_CHECK(plain_a == 1);
}

static void in_place(void)
{
	workers_make(1, 1, park_once);
}

SCENARIO(task_in_place, .setup = in_place,
	 .threads = { park_in_place, wake_a });

/* ---- Two tasks of one worker that wake each other ---- */

static void *ping_pong(void *index)
{
	if (!index) {
		park(0);
		MODEL_CHECK(plain_a == 1);
		plain_b = 1;
		task_wake(1);
	} else {
		plain_a = 1;
		task_wake(0);
		park(0);
		MODEL_CHECK(plain_b == 1);
	}
	return end();
}

static void two_of_two(void)
{
	workers_make(2, 2, ping_pong);
	task_queued(0, 0);
	task_queued(1, 1);
}

SCENARIO(task_ping_pong, .setup = two_of_two, .threads = { worker_0, worker_1 },
	 .check = workers_end, .bound = 2, .frozen = 1);

/* ---- A grant and an abort ---- */

static int result;

static void *acquire(void *index)
{
	(void)index;
	result = chp_semaphore_acquire(&s, 1);
	model_reached(result == 0);
	MODEL_CHECK(result == (result ? CHP_EABORTED : 0));
	if (result == 0)
		MODEL_CHECK(plain_a == 1);
	else
		MODEL_CHECK(plain_b == 1);
	return end();
}

/* Aborted before it began. */
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
	workers_make(1, 1, acquire);
	tasks[0].task.outcome.arg_drop = never_run;
	task_queued(0, 0);
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

/* Neither lost nor doubled. */
static void permits_right(void)
{
	workers_end();
	MODEL_CHECK(chp_semaphore_available(&s) == (result != 0));
}

SCENARIO(task_grant, .setup = acquire_of_one, .threads = { worker_0, give },
	 .check = permits_right, .bound = 3);
SCENARIO(task_abort_grant, .setup = acquire_of_one,
	 .threads = { worker_0, give, abort_it }, .check = permits_right,
	 .bound = 2, .must_reach = 7);
