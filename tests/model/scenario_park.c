/*
 * scenario_park.c - workers that go to sleep while others post, push and stop.
 *
 * In scenarios of two workers time stands still, so that a sleeper that keeps
 * watch does not find by itself what nobody woke it for; but for those that are
 * about the watch.
 */
#include <chappe/time.h>

#include "os/relax.h"
#include "workers.h"

static unsigned runs[TASKS]; /* by whoever runs it */
static chp_word flag;

static void ran(void *index)
{
	runs[(uintptr_t)index]++;
}

static void *run_once(void *index)
{
	ran(index);
	task_ended();
	return NULL;
}

static void all_ran_once(void)
{
	workers_end();
	for (unsigned i = 0; i < TASKS; i++)
		MODEL_CHECK(runs[i] <= 1);
}

/* ---- Posts from outside ---- */

static void one_of_one(void)
{
	workers_make(1, 1, run_once);
}

static void two_of_one(void)
{
	workers_make(1, 2, run_once);
}

static void one_of_two(void)
{
	workers_make(2, 1, run_once);
}

static void two_of_two(void)
{
	workers_make(2, 2, run_once);
}

static void post_0(void)
{
	task_spawn(0);
}

static void post_1(void)
{
	task_spawn(1);
}

SCENARIO(park_post, .setup = one_of_one, .threads = { worker_0, post_0 },
	 .check = all_ran_once);
SCENARIO(park_two_posts, .setup = two_of_one,
	 .threads = { worker_0, post_0, post_1 }, .check = all_ran_once,
	 .bound = 2);
SCENARIO(park_post_two_workers, .setup = one_of_two,
	 .threads = { worker_0, worker_1, post_0 }, .check = all_ran_once,
	 .bound = 2, .frozen = 1);
SCENARIO(park_two_posts_two_workers, .setup = two_of_two,
	 .threads = { worker_0, worker_1, post_0, post_1 },
	 .check = all_ran_once, .bound = 1, .frozen = 1);

/* A sleeper whose time is up just as it is claimed takes its wake all the same. */
SCENARIO(park_post_late, .setup = one_of_two,
	 .threads = { worker_0, worker_1, post_0 }, .check = all_ran_once,
	 .bound = 1, .timed = 1, .timeouts = 2);

/* ---- Stopping ---- */

static void none_of_one(void)
{
	workers_make(1, 0, NULL);
}

static void none_of_two(void)
{
	workers_make(2, 0, NULL);
}

SCENARIO(park_stop, .setup = none_of_one, .threads = { worker_0, workers_stop },
	 .check = workers_end, .bound = 4);
SCENARIO(park_stop_two_workers, .setup = none_of_two,
	 .threads = { worker_0, worker_1, workers_stop }, .check = workers_end,
	 .bound = 2, .frozen = 1);

/* ---- A condition that a worker was told to look at ---- */

static bool is_flag(void *arg)
{
	(void)arg;
	return load_relaxed(&flag) != 0;
}

static void worker_0_until_flag(void)
{
	chp__worker_run(&workers[0], is_flag, NULL);
}

static void flag_and_kick(void)
{
	store_relaxed(&flag, 1);
	chp__idle_kick(&runtime);
}

SCENARIO(park_kick, .setup = none_of_one,
	 .threads = { worker_0_until_flag, flag_and_kick },
	 .check = workers_end);

/* First the one, then the other: neither takes what the other needs. */
static void until_flag_then_on(void)
{
	worker_0_until_flag();
	worker_0();
}

SCENARIO(park_kick_and_post, .setup = one_of_one,
	 .threads = { until_flag_then_on, flag_and_kick, post_0 },
	 .check = all_ran_once, .bound = 2);

/* ---- Mail: pinned tasks ---- */

static void *pinned_waits(void *index)
{
	struct agent *self = agent_self();

	while (!load_relaxed(&flag))
		self->cls->park(self, 0);
	MODEL_CHECK(tasks[0].task.worker == &workers[0]);
	return run_once(index);
}

static void pin_0(unsigned count)
{
	workers_make(count, 1, pinned_waits);
	tasks[0].task.pinned = 1;
	tasks[0].task.worker = &workers[0];
	task_queued(0, 0);
}

static void pinned_of_one(void)
{
	pin_0(1);
}

static void pinned_of_two(void)
{
	pin_0(2);
}

static void flag_and_wake_0(void)
{
	store_relaxed(&flag, 1);
	task_wake(0);
}

SCENARIO(park_mail, .setup = pinned_of_one,
	 .threads = { worker_0, flag_and_wake_0 }, .check = all_ran_once);
SCENARIO(park_mail_two_workers, .setup = pinned_of_two,
	 .threads = { worker_0, worker_1, flag_and_wake_0 },
	 .check = all_ran_once, .bound = 2, .frozen = 1);

/* ---- Work in a worker's own queue ---- */

/* Task 0 keeps its worker until task 1, which it has queued there, has run. */
static void *keeps_worker(void *index)
{
	unsigned spins = 0;

	if (index) {
		store_release(&flag, 1);
		return run_once(index);
	}
	schedule_on(tasks[0].task.worker, &tasks[1].task, NULL);
	while (!load_acquire(&flag))
		chp__relax(&spins);
	return run_once(index);
}

static void busy_of_two(void)
{
	workers_make(2, 2, keeps_worker);
	task_queued(0, 0);
}

/* The sleeper on watch finds it, at its second look. */
SCENARIO(park_watch, .setup = busy_of_two, .threads = { worker_0, worker_1 },
	 .check = all_ran_once, .bound = 1, .timed = 1, .timeouts = 3);

/*
 * Both sleep, and the one on watch is called away by mail: it sees to it that
 * the other keeps watch from now on.
 */
static void pinned_busy_of_two(void)
{
	workers_make(2, 2, keeps_worker);
	tasks[0].task.pinned = 1;
	tasks[0].task.worker = &workers[0];
}

static void mail_0(void)
{
	chp__schedule(&tasks[0].task);
}

SCENARIO(park_unwatched, .setup = pinned_busy_of_two,
	 .threads = { worker_0, worker_1, mail_0 }, .check = all_ran_once,
	 .bound = 1, .timed = 1, .timeouts = 3);

/* Task 0 has a timer on the worker that task 1 keeps until task 0 has run. */
static void *timer_of_busy(void *index)
{
	struct agent *self = agent_self();
	unsigned spins = 0;

	if (!index) {
		while (chp_now() < model_time(1))
			self->cls->park(self, model_time(1));
		store_release(&flag, 1);
	} else {
		while (!load_acquire(&flag))
			chp__relax(&spins);
	}
	return run_once(index);
}

static void timer_of_two(void)
{
	workers_make(2, 2, timer_of_busy);
	task_queued(0, 0);
	task_queued(1, 0);
}

SCENARIO(park_watch_timer, .setup = timer_of_two,
	 .threads = { worker_0, worker_1 }, .check = all_ran_once, .bound = 1,
	 .timed = 1, .timeouts = 5);

/* The same, when what would be late is a timer. */
static void unwatched_timer(void)
{
	workers_make(2, 2, timer_of_busy);
	task_queued(0, 0);
	tasks[1].task.pinned = 1;
	tasks[1].task.worker = &workers[0];
}

static void mail_1(void)
{
	chp__schedule(&tasks[1].task);
}

SCENARIO(park_unwatched_timer, .setup = unwatched_timer,
	 .threads = { worker_0, worker_1, mail_1 }, .check = all_ran_once,
	 .bound = 1, .timed = 1, .timeouts = 3);

/* Two are queued there: who looks for work takes one or finds both gone. */
static void *queues_two(void *index)
{
	if (!index) {
		schedule_on(tasks[0].task.worker, &tasks[1].task, NULL);
		schedule_on(tasks[0].task.worker, &tasks[2].task, NULL);
	} else {
		model_reached(tasks[(uintptr_t)index].task.worker ==
			      &workers[1]);
	}
	return run_once(index);
}

static void three_of_two(void)
{
	workers_make(2, 3, queues_two);
	task_queued(0, 0);
}

SCENARIO(park_steal, .setup = three_of_two, .threads = { worker_0, worker_1 },
	 .check = all_ran_once, .bound = 2, .frozen = 1, .must_reach = 3);

/* ---- A busy worker that asks for descriptors while another lies down ---- */

static void driver_due(void)
{
	workers_make(2, 1, run_once);
	workers[0].last_driver = workers[1].last_driver = 0;
	task_queued(0, 0);
}

SCENARIO(park_idle_poll, .setup = driver_due, .threads = { worker_0, worker_1 },
	 .check = all_ran_once, .bound = 2, .frozen = 1);

/* ---- A runtime that is closing ---- */

static void closing_of_one(void)
{
	workers_make(1, 1, run_once);
	runtime.state.v = RT_CLOSING;
}

static void spawn_refused(void)
{
	MODEL_CHECK(chp__schedule_new(&runtime, &tasks[0].task) == CHP_ECLOSED);
	MODEL_CHECK(!runtime.inbox_first);
	workers_stop();
}

SCENARIO(park_closing, .setup = closing_of_one,
	 .threads = { worker_0, spawn_refused }, .bound = 2);
