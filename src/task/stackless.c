/*
 * stackless.c - tasks without a stack: polled by the scheduler, on its own.
 *
 * The token is that of every task (task.h).  It is taken before each poll, so
 * a wake that comes while the function runs makes it run again; after the poll
 * the task is marked parked, as one that has left its stack: what it wrote to
 * its state goes to the next poll by (X).
 *
 * It has begun once it has a worker.
 */
#include "base/panic.h"
#include "task/after.h"

/* Who runs on w: t, or the scheduler itself. */
static void seat_agent(struct worker *w, struct task *t)
{
	w->current = t;
	w->seat->tls->agent = t ? &t->outcome.agent : &w->agent;
}

/* Call its function: CHP_PENDING, or it has ended with an outcome. */
static int poll_once(struct task *t)
{
	struct outcome *o = &t->outcome;
	uint32_t budget = o->agent.budget_full;
	chp_poll_ctx ctx = {
		.waker = agent_waker(&o->agent),
		.budget = &budget,
	};
	int r = o->poll(o->arg, &ctx);

	if (r != CHP_PENDING)
		chp__outcome_finish(o, true, o->arg);
	return r;
}

void chp__stackless_run(struct worker *w, struct task *t)
{
	struct outcome *o = &t->outcome;
	bool begins = !t->worker;
	int r;

	/* Whoever finds it on another worker came by (X). */
	swap_acquire(&t->token, TOKEN_EMPTY); /* (T) */
	t->worker = w;
	o->agent.budget = o->agent.budget_full;
	seat_agent(w, t);
	if (begins)
		w->pinned_here += t->pinned;
	if (unlikely(begins && !chp__outcome_begin(o))) {
		chp__outcome_finish(o, false, NULL);
		r = 0;
	} else {
		r = poll_once(t);
	}
	seat_agent(w, NULL);
	if (r == CHP_PENDING)
		mark_parked(w, t);
	else
		mark_ended(w, t);
}

/* ---- The class ---- */

static void stackless_park(struct agent *a, chp_time deadline)
{
	char name[CHP_NAME_MAX];

	(void)deadline;
	chp__agent_get_name(a, name);
	chp__panic("stackless task %llu \"%s\" called something that must "
		   "wait: %s",
		   (unsigned long long)agent_id(a), name,
		   a->waits_for ? a->waits_for->cls->name : "park");
}

static void stackless_yield(struct agent *a)
{
	(void)a;
}

const struct agent_class chp__stackless_class = {
	.kind = CHP_TASK,
	.park = stackless_park,
	.unpark = chp__task_unpark,
	.yield = stackless_yield,
	.now = chp__task_now,
	.coarse = chp__task_coarse,
	.wheel = chp__task_wheel,
	.driver = chp__task_driver,
};
