/*
 * worker.c - switching: park, yield, exit, and the scheduler's loop.
 *
 * Every switch goes through switch_to(), one call site: the processor then
 * predicts the return on the other stack, and the sanitizers' shadow stacks
 * stay paired.  But for the last one of a task: its code returns, as any does,
 * and the context goes on (context.h).  With a call more than returns it would
 * have the processor mispredict those of whoever is resumed, one after another.
 *
 * After a switch the thread may be another.  So nothing thread-bound is kept
 * across it: the one who resumes us passes its seat.
 */
#include "task/worker.h"

#include <errno.h>

#include "base/panic.h"
#include "os/futex.h"
#include "os/spin.h"
#include "os/thread.h"
#include "task/after.h"
#include "task/context.h"
#include "task/pick.h"
#include "task/worker_stack.h"
#include "wait/process_driver.h"

/* ---- After a stack was left ---- */

_Static_assert(_Alignof(struct task) > AFTER_MASK &&
		       _Alignof(struct stack) > AFTER_MASK,
	       "room beside the address");

/* What is not done at most switches. */
static NOINLINE void finish_seldom(struct worker *w, uintptr_t left)
{
	enum after after = left & AFTER_MASK;

	left -= after;
	if (after == AFTER_EXIT)
		put_stack(w, (struct stack *)left);
	else if (after == AFTER_IN_PLACE)
		chp__schedule((struct task *)left);
}

static inline void finish_switch(struct worker *w, uintptr_t left)
{
	struct task *yielded = (struct task *)left;

	if (likely(!(left & AFTER_MASK)))
		schedule_on(w, yielded, yielded->context);
	else if ((left & AFTER_MASK) == AFTER_PARK)
		mark_parked(w, (struct task *)(left - AFTER_PARK));
	else
		finish_seldom(w, left);
}

/* ---- The switch ---- */

/* left: who leaves its stack, or the stack, if that is one, and what to do with
   it. */
static NOINLINE struct seat *switch_to(void **save, void *to, uintptr_t left,
				       struct seat *seat, struct fiber *here,
				       struct fiber *there)
{
	struct passed p;

	if (WATCHED)
		seat->before = here;
	fiber_leave(here, there, (left & AFTER_MASK) == AFTER_EXIT);
	p = chp__context_switch(save, to, left, seat);
	seat = p.pointer;
	fiber_enter(here, seat->before);
	finish_switch(seat->worker, p.word);
	return seat;
}

static void task_exit(struct task *t, struct onward *on);

/* First code of a task, on its own stack. */
static void task_main(void *pointer, uintptr_t left, struct onward *on)
{
	struct seat *seat = pointer;
	struct task *t = seat->worker->current;

	fiber_enter(&stackful_of(t)->stack->fiber, seat->before);
	finish_switch(seat->worker, left);
	chp__outcome_run(&t->outcome);
	task_exit(t, on);
}

/* Its first run.  False: no memory for its stack. */
static NOINLINE bool begin_task(struct worker *w, struct task *t)
{
	struct stack *s = get_stack(w, t);

	if (!s)
		return false;
	stackful_of(t)->stack = s;
	fiber_start(&s->fiber);
	t->context = chp__context_make(stack_top(s), task_main);
	w->pinned_here += t->pinned;
	return true;
}

/* Make t, which has a stack, the one that runs on w. */
static inline void seat_task(struct seat *seat, struct worker *w,
			     struct task *t)
{
	t->worker = w;
	t->outcome.agent.budget = t->outcome.agent.budget_full;
	w->current = t;
	seat->tls->agent = &t->outcome.agent;
}

/* The same at any time.  False: no memory for its stack. */
static bool seat_any(struct seat *seat, struct worker *w, struct task *t)
{
	if (!t->context && !begin_task(w, t)) {
		/* When another task ends there is one. */
		chp__schedule_later(w, t);
		return false;
	}
	seat_task(seat, w, t);
	return true;
}

/* The calling task leaves its stack; returns when it runs again. */
static inline void switch_from(struct seat *seat, struct task *t,
			       enum after after, void *to, struct fiber *there)
{
	int saved_errno = *seat->errno_at;

	seat = switch_to(&t->context, to, (uintptr_t)t | after, seat,
			 &stackful_of(t)->stack->fiber, there);
	*seat->errno_at = saved_errno;
}

/* Make the next task the one that runs.  False: there is none, or the scheduler
   must poll it. */
static bool seat_next(struct seat *seat, struct task *next)
{
	if (!next || !is_stackless(next))
		return next && seat_any(seat, seat->worker, next);
	seat->worker->passed = next;
	return false;
}

/* No task runs now: the worker itself. */
static void seat_scheduler(struct seat *seat)
{
	seat->worker->current = NULL;
	seat->tls->agent = &seat->worker->agent;
}

/* For next, or for the scheduler, which must look, or poll w->passed. */
static NOINLINE void leave_seldom(struct seat *seat, struct task *t,
				  enum after after, struct task *next)
{
	struct worker *w = seat->worker;

	if (seat_next(seat, next)) {
		switch_from(seat, t, after, next->context,
			    &stackful_of(next)->stack->fiber);
	} else if (after != AFTER_YIELD || w->passed || w->ticks == 0) {
		seat_scheduler(seat);
		switch_from(seat, t, after, seat->context, &seat->fiber);
	}
}

/* For the next task, if it has a stack, without a call in between: what would
   be kept over one costs more than all the rest. */
static inline void leave(struct seat *seat, struct task *t, enum after after)
{
	struct worker *w = seat->worker;
	struct task *next = pick(w);

	if (unlikely(!next || !next->context)) {
		leave_seldom(seat, t, after, next);
		return;
	}
	seat_task(seat, w, next);
	switch_from(seat, t, after, next->context,
		    &stackful_of(next)->stack->fiber);
}

/*
 * The outcome is published here, before the stack is left, so that who joins
 * can be next.  From then on t belongs to others; the stack is ours until it
 * has been left, and what runs on it is the worker.
 */
static void task_exit(struct task *t, struct onward *on)
{
	struct seat *seat = chp__tls_seat();
	struct stack *s = give_up_stack(t);
	struct fiber *there = &seat->fiber;
	void *to = seat->context, *nowhere;
	struct task *next;

	seat_scheduler(seat);
	mark_ended(seat->worker, t);
	next = pick(seat->worker);
	if (seat_next(seat, next)) {
		to = next->context;
		there = &stackful_of(next)->stack->fiber;
	}
	*on = (struct onward){ to, (uintptr_t)s | AFTER_EXIT, seat };
	/* No function may return once the sanitizers know of the switch. */
	if (WATCHED)
		switch_to(&nowhere, on->to, on->word, on->pointer, &s->fiber,
			  there);
}

/* Is nobody there to take over if the next task runs for long? */
static inline void call_watch(struct chp_runtime *rt)
{
	/* Relaxed: a hint. */
	if (unlikely(load_relaxed(&rt->unwatched)))
		chp__idle_watch(rt);
}

/* ---- The class of tasks ---- */

/* Take a token that is there. */
static bool take_token(struct task *t)
{
	/* (T) */
	return load_relaxed(&t->token) == TOKEN_NOTIFIED &&
	       swap_acquire(&t->token, TOKEN_EMPTY) == TOKEN_NOTIFIED;
}

static void task_park(struct agent *a, chp_time deadline)
{
	struct task *t = task_of(a);
	struct seat *seat;

	if (take_token(t)) {
		/* Who is woken before it parks, again and again, keeps others
		   out like one whose waits finish at once. */
		agent_spend(a);
		return;
	}
	seat = chp__tls_seat();
	if (unlikely(!seat->worker)) {
		chp__event_wait_as(&t->event, TOKEN_BLOCKED, deadline);
		return;
	}
	if (deadline) {
		chp__wheel_arm(&seat->worker->wheel, &stackful_of(t)->timer,
			       deadline, agent_waker(a));
		call_watch(seat->worker->rt);
	}
	leave(seat, t, AFTER_PARK);
	swap_acquire(&t->token, TOKEN_EMPTY); /* (T) */
	if (deadline)
		chp__wheel_cancel(&stackful_of(t)->timer);
}

void chp__task_unpark(struct agent *a)
{
	struct task *t = task_of(a);

	/* (T), and acquires (X). */
	uint32_t was = swap_acq_rel(&t->token, TOKEN_NOTIFIED);

	if (was == TOKEN_PARKED)
		chp__schedule(t);
	else if (unlikely(was == TOKEN_BLOCKED))
		chp__futex_wake(&t->token);
}

static void task_yield(struct agent *a)
{
	struct seat *seat = chp__tls_seat();

	if (likely(seat->worker != NULL))
		leave(seat, task_of(a), AFTER_YIELD);
}

chp_time chp__task_now(struct agent *a)
{
	return chp__runtime_now(task_runtime(task_of(a)));
}

chp_time chp__task_coarse(struct agent *a)
{
	return chp__runtime_coarse(task_runtime(task_of(a)));
}

int chp__task_wheel(struct agent *a, struct wheel **out)
{
	struct task *t = task_of(a);

	/* Blocking in place it is on a thread of its own. */
	if (unlikely(!t->worker))
		return chp__process_wheel(out);
	*out = &t->worker->wheel;
	return 0;
}

int chp__task_driver(struct agent *a, struct driver **out)
{
	*out = &task_runtime(task_of(a))->driver;
	return 0;
}

const struct agent_class chp__task_class = {
	.kind = CHP_TASK,
	.park = task_park,
	.unpark = chp__task_unpark,
	.yield = task_yield,
	.now = chp__task_now,
	.coarse = chp__task_coarse,
	.wheel = chp__task_wheel,
	.driver = chp__task_driver,
};

/* ---- The scheduler's loop ---- */

/*
 * Run t, which has a stack, until some task finds nothing to follow it, or one
 * without a stack, which is returned.
 */
static struct task *run_stackful(struct seat *seat, struct task *t)
{
	struct worker *w = seat->worker;

	if (unlikely(!seat_any(seat, w, t)))
		return NULL;
	switch_to(&seat->context, t->context, AFTER_NOTHING, seat, &seat->fiber,
		  &stackful_of(t)->stack->fiber);
	if (unlikely(!seat->worker))
		return NULL;
	t = w->passed;
	w->passed = NULL;
	return t;
}

/* Run t and what follows it, until the scheduler must look further. */
static void run_tasks(struct seat *seat, struct task *t)
{
	struct worker *w = seat->worker;

	while (t) {
		call_watch(w->rt);
		if (is_stackless(t)) {
			chp__stackless_run(w, t);
			t = pick(w);
		} else {
			t = run_stackful(seat, t);
		}
	}
}

static bool stopping(struct chp_runtime *rt)
{
	bool stop;

	spin_lock(&rt->lock, RANK_RUNTIME);
	stop = rt->stopping;
	spin_unlock(&rt->lock, RANK_RUNTIME);
	return stop;
}

bool chp__worker_run(struct worker *w, bool (*done)(void *arg), void *arg)
{
	struct tls *tls = chp__tls_here(), outer = *tls;
	struct seat seat = {
		.worker = w,
		.tls = tls,
		.errno_at = &errno,
	};

	fiber_init_thread(&seat.fiber);
	w->seat = &seat;
	*tls = (struct tls){ &w->agent, &seat };

	while (!done || !done(arg)) {
		struct task *t = chp__find(w);

		if (t) {
			run_tasks(&seat, t);
			if (!seat.worker)
				break;
		} else if (stopping(w->rt)) {
			break;
		} else {
			chp__idle_sleep(w);
		}
	}

	*tls = outer;
	if (!seat.worker)
		return false;
	w->seat = NULL;
	return true;
}

/*
 * t blocked in place on this thread and now wants a worker; the thread's seat
 * has none, so its scheduler, once resumed, ends.
 */
void chp__worker_rejoin(struct seat *seat, struct task *t)
{
	seat->tls->agent = NULL;
	switch_from(seat, t, AFTER_IN_PLACE, seat->context, &seat->fiber);
}
