/*
 * scenario_wait.c - the waiting itself: park and unpark, select, interrupts,
 * tokens, timers; and the run queue.
 */
#include <chappe/agent.h>
#include <chappe/cancel.h>
#include <chappe/oneshot.h>
#include <chappe/select.h>
#include <chappe/semaphore.h>

#include "base/atomic.h"
#include "os/event.h"
#include "scenario.h"
#include "task/runq.h"
#include "wait/wheel.h"

static chp_semaphore s, s2;
static chp_cancel token;
static chp_ptr waiter; /* chp_agent of a waiting thread */
static chp_agent waiter_agent;
static unsigned plain;

/* ---- Park and unpark ---- */

static struct os_event event;

static void event_wait(void)
{
	MODEL_CHECK(chp__event_wait(&event, 0));
	MODEL_CHECK(plain == 1);
}

static void event_set(void)
{
	plain = 1;
	chp__event_set(&event);
}

static void event_set_only(void)
{
	chp__event_set(&event);
}

static void event_wait_timed(void)
{
	bool set = chp__event_wait(&event, model_time(1));

	if (set)
		MODEL_CHECK(plain == 1);
	model_reached(set);
}

/* Each round looks at what its setter did before. */
static chp_word rounds;

static void event_wait_twice(void)
{
	while (load_relaxed(&rounds) < 2)
		MODEL_CHECK(chp__event_wait(&event, 0));
}

static void event_round(void)
{
	add_relaxed(&rounds, 1);
	chp__event_set(&event);
}

SCENARIO(event_set, .threads = { event_wait, event_set });
SCENARIO(event_timed, .threads = { event_wait_timed, event_set }, .timed = 1,
	 .must_reach = 3);
SCENARIO(event_two_setters,
	 .threads = { event_wait_twice, event_round, event_round });
/* Whoever did not set it first has no say: a wait sees one setter's work. */
SCENARIO(event_set_twice, .threads = { event_wait, event_set, event_set_only },
	 .must_fail = "data race");

/* ---- Interrupt against a grant ---- */

static void init_0(void)
{
	chp_semaphore_init(&s, 0, CHP_FIFO);
	chp_semaphore_init(&s2, 0, CHP_FIFO);
}

static void announce(void)
{
	waiter_agent = chp_agent_current();
	storep_release(&waiter, &waiter_agent);
}

static void take_or_interrupted(void)
{
	int r;

	announce();
	r = chp_semaphore_acquire(&s, 1);
	MODEL_CHECK(r == 0 || r == CHP_EINTR);
	model_reached(r == 0);
	if (r == 0)
		chp_semaphore_release(&s, 1);
}

static void interrupt(void)
{
	chp_agent *a = loadp_acquire(&waiter);

	if (a)
		chp_interrupt(*a);
}

static void give(void)
{
	chp_semaphore_release(&s, 1);
}

static void give_2(void)
{
	chp_semaphore_release(&s2, 1);
}

static void one_left(void)
{
	MODEL_CHECK(chp_semaphore_available(&s) == 1);
	chp_semaphore_destroy(&s);
}

SCENARIO(interrupt_grant, .setup = init_0,
	 .threads = { take_or_interrupted, interrupt, give }, .check = one_left,
	 .bound = 2, .must_reach = 3);

/* ---- A token against a grant ---- */

static void take_or_cancelled(void)
{
	chp_wait w = { .cancel = &token };
	int r = chp_semaphore_acquire_with(&s, 1, &w);

	MODEL_CHECK(r == 0 || r == CHP_ECANCELED);
	model_reached(r == 0);
	if (r == 0)
		chp_semaphore_release(&s, 1);
}

static void cancel(void)
{
	plain = 1;
	chp_cancel_now(&token);
}

SCENARIO(token_grant, .setup = init_0,
	 .threads = { take_or_cancelled, cancel, give }, .check = one_left,
	 .bound = 2, .must_reach = 3);

static void wait_cancelled(void)
{
	MODEL_CHECK(chp_cancel_wait(&token) == 0);
	MODEL_CHECK(chp_cancel_status(&token) == CHP_ECANCELED);
	MODEL_CHECK(plain == 1);
	chp_cancel_destroy(&token);
}

SCENARIO(token_wait, .threads = { wait_cancelled, cancel });

static void look_cancelled(void)
{
	if (chp_cancel_status(&token) == CHP_ECANCELED)
		MODEL_CHECK(plain == 1);
}

SCENARIO(token_look, .threads = { look_cancelled, cancel });

/* A child that is made while its parent is cancelled. */
static void child(void)
{
	chp_cancel c;

	chp_cancel_init(&c, &token, 0);
	MODEL_CHECK(chp_cancel_wait(&c) == 0);
	chp_cancel_destroy(&c);
}

SCENARIO(token_child, .threads = { child, cancel });

/* ---- Select: one arm, the other untouched ---- */

static void select_two(void)
{
	chp_acquire_op a, b;
	chp_select_arm arms[2] = { { &a.op, 0 }, { &b.op, 0 } };
	int r;

	chp_semaphore_acquire_op(&a, &s, 1);
	chp_semaphore_acquire_op(&b, &s2, 1);
	r = chp_select(arms, 2, CHP_BIASED | CHP_CANCEL_LOSERS);
	MODEL_CHECK(r == 0 || r == 1);
	model_reached((unsigned)r);
	chp_semaphore_release(r ? &s2 : &s, 1);
}

static void both_left(void)
{
	MODEL_CHECK(chp_semaphore_available(&s) == 1);
	MODEL_CHECK(chp_semaphore_available(&s2) == 1);
}

static void give_both(void)
{
	give();
	give_2();
}

SCENARIO(select_both, .setup = init_0, .threads = { select_two, give_both },
	 .check = both_left, .bound = 3, .must_reach = 3);
SCENARIO(select_two_givers, .setup = init_0,
	 .threads = { select_two, give, give_2 }, .check = both_left,
	 .bound = 2, .must_reach = 3);

/* ---- Timers ---- */

static struct wheel wheel;
static chp_timer timer;

static void wheel_waker_wake(void *data)
{
	add_relaxed(data, 1);
}

static void wheel_waker_keep(void *data)
{
	(void)data;
}

static chp_word fired;
static const chp_waker_class counting = { wheel_waker_wake, wheel_waker_keep,
					  wheel_waker_keep };

static void arm_timer(void)
{
	chp_waker w = { &counting, &fired };

	chp__wheel_init(&wheel, model_time(0), NULL);
	chp__wheel_arm(&wheel, &timer, model_time(1), w);
}

static void expire(void)
{
	chp__wheel_expire(&wheel, model_time(2));
}

static void cancel_timer(void)
{
	bool armed = chp__wheel_cancel(&timer);

	plain = armed;
	model_reached(armed);
	/* It is ours again. */
	timer.at = 0;
	timer.waker.cls = NULL;
}

static void timer_check(void)
{
	MODEL_CHECK(load_relaxed(&fired) + plain == 1);
	MODEL_CHECK(!chp__wheel_is_armed(&wheel));
}

static void rearm(void)
{
	chp_waker w = { &counting, &fired };

	chp__wheel_arm(&wheel, &timer, model_time(1), w);
}

static void fired_check(void)
{
	chp__wheel_expire(&wheel, model_time(3));
	MODEL_CHECK(load_relaxed(&fired) == 1);
}

static void init_wheel(void)
{
	chp__wheel_init(&wheel, model_time(0), NULL);
}

SCENARIO(wheel_fire_cancel, .setup = arm_timer,
	 .threads = { expire, cancel_timer }, .check = timer_check,
	 .must_reach = 3);
SCENARIO(wheel_arm_expire, .setup = init_wheel, .threads = { rearm, expire },
	 .check = fired_check);

/* ---- The run queue ---- */

static struct runq queue;
static unsigned tasks[4]; /* what a task is, by whoever runs it */

static void run(struct task *t)
{
	(*(unsigned *)(void *)t)++;
}

static void push(unsigned i)
{
	tasks[i] = 0;
	MODEL_CHECK(runq_push(&queue, (struct task *)(void *)&tasks[i], NULL));
}

static void runq_setup(void)
{
	push(0);
	push(1);
}

static void owner_pops(void)
{
	struct task *t;

	push(2);
	while ((t = runq_pop(&queue, false)))
		run(t);
}

static void thief(void)
{
	struct task *out[4];
	unsigned n = chp__runq_steal(&queue, out, 2);

	for (unsigned i = 0; i < n; i++)
		run(out[i]);
	model_reached(n);
}

static void runq_check(void)
{
	for (unsigned i = 0; i < 3; i++)
		MODEL_CHECK(tasks[i] == 1);
}

SCENARIO(runq_steal, .setup = runq_setup, .threads = { owner_pops, thief },
	 .check = runq_check, .must_reach = 7);
SCENARIO(runq_two_thieves, .setup = runq_setup,
	 .threads = { owner_pops, thief, thief }, .check = runq_check,
	 .bound = 3);
