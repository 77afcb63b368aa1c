/*
 * scenario_cost_task.c - what the scheduler's short ways cost at most; and that
 * it does at once what a net further on would do late.
 */
#include <chappe/time.h>

#include "counted.h"
#include "os/clock.h"
#include "os/spin.h"
#include "workers.h"

static void park(chp_time deadline)
{
	struct agent *self = agent_self();

	self->cls->park(self, deadline);
}

static void yield(void)
{
	struct agent *self = agent_self();

	self->cls->yield(self);
}

static void *end(void)
{
	task_ended();
	return NULL;
}

/* ---- One worker ---- */

/* Task 0, and task 1 behind it. */
#define TWO_TASKS(name, first, second)                                         \
	static void *name##_run(void *index)                                   \
	{                                                                      \
		if (!index) {                                                  \
			first;                                                 \
		} else {                                                       \
			second;                                                \
		}                                                              \
		return end();                                                  \
	}                                                                      \
	static void name##_make(void)                                          \
	{                                                                      \
		workers_make(1, 2, name##_run);                                \
		task_queued(0, 0);                                             \
		task_queued(1, 0);                                             \
	}                                                                      \
	SCENARIO(name, .setup = name##_make, .threads = { worker_0 },          \
		 .check = workers_end, .frozen = 1)

/* Without the scheduler's own stack in between. */
TWO_TASKS(task_cost_yield, MODEL_AT_MOST(11, 6, 2, yield()), yield());

/* Nothing is posted: no lock. */
TWO_TASKS(task_cost_find, yield(), {
	yield();
	MODEL_AT_MOST(8, 0, 2, MODEL_CHECK(!chp__find(&workers[0])));
});

/* It runs: nobody sleeps. */
TWO_TASKS(task_cost_token, MODEL_AT_MOST(0, 1, 0, task_wake(0)), yield());

/* Somebody is there to take over, or nobody is needed. */
TWO_TASKS(task_cost_park, MODEL_AT_MOST(20, 18, 2, park(model_time(1))),
	  task_wake(0));
TWO_TASKS(task_cost_wake, park(0), MODEL_AT_MOST(3, 3, 0, task_wake(0)));
TWO_TASKS(
	task_cost_wake_pinned,
	{
		tasks[0].task.pinned = 1;
		workers[0].pinned_here++;
		park(0);
	},
	MODEL_AT_MOST(2, 1, 0, task_wake(0)));

/* ---- The run queue fetches ahead only if it is long ---- */

static struct runq queue;
static char stacks[RUNQ_LONG + 2][16];

static void push_and_pop(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		MODEL_CHECK(runq_push(&queue, &tasks[0].task, stacks[i]));
	for (unsigned i = 0; i < n; i++)
		MODEL_CHECK(runq_pop(&queue, true) == &tasks[0].task);
}

static void fetch_ahead(void)
{
	push_and_pop(RUNQ_LONG);
	MODEL_CHECK(model_cost().fetches == 0);
	push_and_pop(RUNQ_LONG + 1);
	MODEL_CHECK(model_cost().fetches ==
		    (RUNQ_FETCH_STACK + RUNQ_FETCH_TASK) / CACHE_LINE);
}

SCENARIO(runq_cost_fetch, .threads = { fetch_ahead });

/* ---- Sleepers: who is not needed is not woken, who is, at once ---- */

static void *nothing(void *index)
{
	(void)index;
	return NULL;
}

static void make_sleeper(void)
{
	workers_make(2, 2, nothing);
}

/* Worker 1, as if it had found nothing to run while worker 0 runs. */
static void sleep_once(void)
{
	chp__idle_sleep(&workers[1]);
}

/* While it sleeps: on watch, so nobody else is wanted. */
static void call_watch(void)
{
	uint32_t asleep, unwatched;

	spin_lock(&runtime.lock, RANK_RUNTIME);
	asleep = load_relaxed(&runtime.idle_count);
	unwatched = load_relaxed(&runtime.unwatched);
	spin_unlock(&runtime.lock, RANK_RUNTIME);
	model_reached(asleep);
	if (asleep) {
		MODEL_CHECK(!unwatched);
		chp__idle_watch(&runtime);
		MODEL_CHECK(load_relaxed(&runtime.idle_count) == 1);
	}
	/* Let it go. */
	chp__idle_kick(&runtime);
}

static void sleep_unwatched(void)
{
	/* As if the last one on watch had been called away. */
	store_relaxed(&runtime.unwatched, 1);
	sleep_once();
}

SCENARIO(park_cost_watch, .setup = make_sleeper,
	 .threads = { sleep_unwatched, call_watch }, .frozen = 1,
	 .must_reach = 3);

/* A pinned task is queued, and nobody looks: wake the sleeper now. */
static void queue_pinned(void)
{
	bool asleep;

	spin_lock(&runtime.lock, RANK_RUNTIME);
	asleep = load_relaxed(&runtime.idle_count) == 1;
	store_relaxed(&runtime.unwatched, asleep);
	spin_unlock(&runtime.lock, RANK_RUNTIME);
	model_reached(asleep);
	tasks[0].task.pinned = 1;
	tasks[0].task.worker = &workers[0];
	schedule_on(&workers[0], &tasks[0].task, NULL);
	if (asleep)
		MODEL_CHECK(load_relaxed(&runtime.idle_count) == 0);
	chp__idle_kick(&runtime);
}

SCENARIO(park_watch_pinned, .setup = make_sleeper,
	 .threads = { sleep_once, queue_pinned }, .frozen = 1, .must_reach = 3);

/* ---- One sleeper, whose time passes ---- */

static struct counted waker;
static chp_timer timer;

static void arm(unsigned worker)
{
	counted_retain(&waker);
	chp__wheel_arm(&workers[worker].wheel, &timer, model_time(1),
		       counted_waker(&waker));
}

/* On watch or not, its own timer ends the sleep. */
static void sleep_until_own(void)
{
	workers[1].watch = 8000000;
	arm(1);
	sleep_once();
	MODEL_CHECK(chp__clock_now() < model_time(2));
	MODEL_CHECK(chp__wheel_expire(&workers[1].wheel, chp__clock_now()) ==
		    1);
}

/* In the poller the others' do, and are fired. */
static void sleep_until_others(void)
{
	workers[1].watch = 8000000;
	arm(0);
	sleep_once();
	MODEL_CHECK(chp__clock_now() < model_time(2));
	MODEL_CHECK(!chp__wheel_is_armed(&workers[0].wheel));
}

/* A single task is taken from its worker only at the second look. */
static void look_twice(void)
{
	workers[1].seen[0] = 5;
	task_queued(0, 0);
	sleep_once();
	MODEL_CHECK(runq_length(&workers[0].queue) == 1);
	sleep_once();
	MODEL_CHECK(runq_length(&workers[0].queue) == 0);
	MODEL_CHECK(runq_length(&workers[1].queue) == 1);
}

static void fired(void)
{
	MODEL_CHECK(counted_end(&waker) == 1);
}

SCENARIO(park_timer_own, .setup = make_sleeper, .threads = { sleep_until_own },
	 .check = fired);
SCENARIO(park_timer_others, .setup = make_sleeper,
	 .threads = { sleep_until_others }, .check = fired);
SCENARIO(park_look_twice, .setup = make_sleeper, .threads = { look_twice });
