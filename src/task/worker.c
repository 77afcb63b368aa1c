/*
 * worker.c - switching: park, yield, exit, and the scheduler's loop.
 *
 * Every switch goes through switch_to(), one call site: the processor then
 * predicts the return on the other stack, and the sanitizers' shadow stacks
 * stay paired.
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
#include "wait/process_driver.h"

enum { STACK_CACHE = 16 };

struct worker *chp__worker_here(void)
{
	struct agent *self = chp__tls_get();

	if (!self)
		return NULL;
	if (self->cls == &chp__task_class || self->cls == &chp__stackless_class)
		return task_of(self)->worker;
	if (self->cls == &chp__worker_class)
		return container_of(self, struct worker, agent);
	return NULL;
}

/* ---- Stacks, by way of the worker's cache ---- */

static struct stack *get_stack(struct worker *w, const struct task *t)
{
	struct stack *s = w->stacks;

	if (s && t->stack_class == w->rt->stack_class) {
		w->stacks = s->next;
		w->stack_count--;
		return s;
	}
	return chp__stack_get(t->stack_class,
			      w->rt->options.guard == CHP_GUARD_BUDGET);
}

static void put_stack(struct worker *w, struct task *t)
{
	struct stackful *f = stackful_of(t);
	struct stack *s = f->stack;

	if (unlikely(chp__stack_canary_dead(s))) {
		char name[CHP_NAME_MAX];

		chp__agent_get_name(&t->outcome.agent, name);
		chp__panic("task %llu \"%s\" has overrun its stack",
			   (unsigned long long)agent_id(&t->outcome.agent),
			   name);
	}
	f->stack = NULL;
	if (t->stack_class == w->rt->stack_class &&
	    w->stack_count < STACK_CACHE) {
		s->next = w->stacks;
		w->stacks = s;
		w->stack_count++;
	} else {
		chp__stack_put(s);
	}
}

/* ---- After a stack was left ---- */

static inline void finish_switch(struct seat *seat)
{
	struct task *t = seat->left;
	enum after after = seat->after;

	seat->after = AFTER_NOTHING;
	switch (after) {
	case AFTER_NOTHING:
		break;
	case AFTER_YIELD:
		schedule_on(seat->worker, t, stackful_of(t)->context);
		break;
	case AFTER_PARK:
		mark_parked(seat->worker, t);
		break;
	case AFTER_EXIT:
		put_stack(seat->worker, t);
		mark_ended(seat->worker, t);
		break;
	case AFTER_IN_PLACE:
		chp__schedule(t);
		break;
	}
}

/* ---- The switch ---- */

static NOINLINE struct seat *switch_to(struct seat *seat, void **save,
				       struct fiber *here, void *to,
				       struct fiber *there)
{
	seat->before = here;
	fiber_leave(here, there, seat->after == AFTER_EXIT);
	seat = chp__context_switch(save, to, seat);
	fiber_enter(here, seat->before);
	finish_switch(seat);
	return seat;
}

static void task_exit(struct task *t);

/* First code of a task, on its own stack. */
static void task_main(void *pass)
{
	struct seat *seat = pass;
	struct task *t = seat->worker->current;

	fiber_enter(&stackful_of(t)->stack->fiber, seat->before);
	finish_switch(seat);
	chp__outcome_run(&t->outcome);
	task_exit(t);
}

/* Its first run.  False: no memory for its stack. */
static NOINLINE bool begin_task(struct worker *w, struct task *t)
{
	struct stack *s = get_stack(w, t);

	if (!s)
		return false;
	stackful_of(t)->stack = s;
	fiber_start(&s->fiber);
	stackful_of(t)->context = chp__context_make(stack_top(s), task_main);
	w->pinned_here += t->pinned;
	return true;
}

/* Make t the one that runs on w.  False: no memory for its stack. */
static inline bool seat_task(struct worker *w, struct task *t)
{
	if (unlikely(!stackful_of(t)->stack) && !begin_task(w, t))
		return false;
	t->worker = w;
	t->outcome.agent.budget = t->outcome.agent.budget_full;
	w->current = t;
	*w->seat->self = &t->outcome.agent;
	return true;
}

/* The next task, seated; NULL: the scheduler must look, or poll w->passed. */
static struct stackful *next_task(struct worker *w)
{
	struct task *t = pick(w);

	if (unlikely(!t))
		return NULL;
	if (unlikely(is_stackless(t))) {
		w->passed = t;
		return NULL;
	}
	if (likely(seat_task(w, t)))
		return stackful_of(t);
	/* No stack now; when another task ends there is one. */
	chp__schedule_later(w, t);
	return NULL;
}

/* The calling task leaves its stack; returns when it runs again. */
static inline void leave(struct task *t, enum after after)
{
	struct stackful *f = stackful_of(t);
	struct worker *w = t->worker;
	struct seat *seat = w->seat;
	struct stackful *next = next_task(w);
	int saved_errno = *seat->errno_at;

	if (!next && !w->passed && after == AFTER_YIELD &&
	    w->tick != w->next_turn)
		return;
	seat->after = after;
	seat->left = t;
	if (likely(next != NULL)) {
		seat = switch_to(seat, &f->context, &f->stack->fiber,
				 next->context, &next->stack->fiber);
	} else {
		w->current = NULL;
		*seat->self = &w->agent;
		seat = switch_to(seat, &f->context, &f->stack->fiber,
				 seat->context, &seat->fiber);
	}
	*seat->errno_at = saved_errno;
}

static void task_exit(struct task *t)
{
	leave(t, AFTER_EXIT);
	chp__panic("a task ran on after its end");
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

	if (take_token(t)) {
		/* Who is woken before it parks, again and again, keeps others
		   out like one whose waits finish at once. */
		agent_spend(a);
		return;
	}
	if (unlikely(!t->worker)) {
		chp__event_wait_as(&t->event, TOKEN_BLOCKED, deadline);
		return;
	}
	if (deadline) {
		chp__wheel_arm(&t->worker->wheel, &stackful_of(t)->timer,
			       deadline, agent_waker(a));
		call_watch(t->worker->rt);
	}
	leave(t, AFTER_PARK);
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
	struct task *t = task_of(a);

	if (likely(t->worker != NULL))
		leave(t, AFTER_YIELD);
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

/* ---- The scheduler's own code ---- */

static void worker_park(struct agent *a, chp_time deadline)
{
	(void)a;
	(void)deadline;
	chp__panic("a waker, called by a worker, tried to wait");
}

static void worker_nothing(struct agent *a)
{
	(void)a;
}

static chp_time worker_now(struct agent *a)
{
	return chp__runtime_now(container_of(a, struct worker, agent)->rt);
}

static chp_time worker_coarse(struct agent *a)
{
	return chp__runtime_coarse(container_of(a, struct worker, agent)->rt);
}

static int worker_wheel(struct agent *a, struct wheel **out)
{
	*out = &container_of(a, struct worker, agent)->wheel;
	return 0;
}

static int worker_driver(struct agent *a, struct driver **out)
{
	*out = &container_of(a, struct worker, agent)->rt->driver;
	return 0;
}

const struct agent_class chp__worker_class = {
	.kind = CHP_THREAD,
	.park = worker_park,
	.unpark = worker_nothing,
	.yield = worker_nothing,
	.now = worker_now,
	.coarse = worker_coarse,
	.wheel = worker_wheel,
	.driver = worker_driver,
};

/*
 * Run t, which has a stack, until some task finds nothing to follow it, or one
 * without a stack, which is returned.
 */
static struct task *run_stackful(struct seat *seat, struct task *t)
{
	struct stackful *f = stackful_of(t);
	struct worker *w = seat->worker;

	if (unlikely(!seat_task(w, t))) {
		chp__schedule_later(w, t);
		return NULL;
	}
	seat->after = AFTER_NOTHING;
	switch_to(seat, &seat->context, &seat->fiber, f->context,
		  &f->stack->fiber);
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
	struct seat seat = {
		.worker = w,
		.self = chp__tls_slot(),
		.errno_at = &errno,
	};
	void *outer = *seat.self;

	fiber_init_thread(&seat.fiber);
	w->seat = &seat;
	*seat.self = &w->agent;

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

	*seat.self = outer;
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
	struct stackful *f = stackful_of(t);
	int saved_errno = *seat->errno_at;

	seat->after = AFTER_IN_PLACE;
	seat->left = t;
	*seat->self = NULL;
	seat = switch_to(seat, &f->context, &f->stack->fiber, seat->context,
			 &seat->fiber);
	*seat->errno_at = saved_errno;
}
