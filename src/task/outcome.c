/*
 * outcome.c - joining, detaching, aborting: see outcome.h for the states.
 */
#include "task/outcome.h"

#include <string.h>

#include "os/relax.h"
#include "wait/block.h"

static void drop_value(struct outcome *o)
{
	if (o->result_drop && o->fate != CHP_NEVER_RUN)
		o->result_drop(o->value);
}

/* Drop the value here if nobody will take it; see outcome.h on ENDING. */
static void settle_value(struct outcome *o)
{
	uint32_t end = RUNNING;

	while (end == RUNNING)
		if (cas_acq_rel(&o->end, &end, ENDING))
			return;
	if (end == DETACHED) {
		drop_value(o);
		o->result_drop = NULL;
	}
}

void chp__outcome_run(struct outcome *o)
{
	if (chp__agent_check(&o->agent, true) == CHP_EABORTED) {
		if (o->arg_drop)
			o->arg_drop(o->arg);
		o->value = NULL;
		o->fate = CHP_NEVER_RUN;
	} else {
		o->value = o->fn(o->arg);
		o->fate = o->agent.saw_abort ? CHP_ABORTED : CHP_RETURNED;
	}
	chp__locals_destroy(&o->agent);
	if (o->result_drop)
		settle_value(o);
}

void chp__outcome_end(struct outcome *o)
{
	uint32_t end = load_acquire(&o->end);
	chp_waker waker;

	agent_end(&o->agent);
	for (;;) {
		if (end == DETACHED) {
			o->free_slot(o);
			return;
		}
		if (end == JOINING) {
			if (cas_acq_rel(&o->end, &end, CLAIMED))
				break;
		} else if (cas_acq_rel(&o->end, &end, DONE)) { /* (E) */
			return;
		}
	}
	waker = o->joiner;
	store_release(&o->end, DONE); /* (E) */
	waker_wake(waker);
}

/* The slot that a live handle names, else NULL. */
static struct outcome *resolve(const chp_task *task)
{
	struct outcome *o = task ? task->agent.slot : NULL;

	if (!o || !task->agent.id || agent_id(&o->agent) != task->agent.id)
		return NULL;
	return o;
}

/* Wait for an ender that is about to store DONE: a few instructions. */
static uint32_t past_claimed(struct outcome *o, uint32_t end)
{
	unsigned spins = 0;

	while (end == CLAIMED || end == ENDING) {
		chp__relax(&spins);
		end = load_acquire(&o->end); /* (J) */
	}
	return end;
}

static int take(chp_join_op *op, struct outcome *o)
{
	if (op->outcome) {
		op->outcome->fate = o->fate;
		op->outcome->value = o->value;
	} else {
		drop_value(o);
	}
	memset(op->task, 0, sizeof(*op->task));
	o->free_slot(o);
	return 0;
}

/* From RUNNING or JOINING, as `end` says, to JOINING with this waker. */
static uint32_t set_joiner(struct outcome *o, uint32_t end, chp_waker waker,
			   chp_waker *old)
{
	uint32_t was = end;

	if (!cas_acquire(&o->end, &end, SETTING))
		return end;
	if (was == JOINING)
		*old = o->joiner;
	o->joiner = waker;
	end = SETTING;
	return cas_acq_rel(&o->end, &end, JOINING) ? JOINING : end;
}

static int poll_join(chp_op *op, chp_poll_ctx *ctx)
{
	chp_join_op *j = (chp_join_op *)op;
	struct outcome *o = resolve(j->task);
	chp_waker old = { NULL, NULL };
	uint32_t end;

	if (!o)
		return CHP_EINVAL;
	end = past_claimed(o, load_acquire(&o->end)); /* (J) */
	if (end == DONE)
		return take(j, o);
	if (op->stage == OP_NEW && end != RUNNING)
		return CHP_EINVAL;
	if (op->stage != OP_NEW && waker_same(j->waker, ctx->waker))
		return CHP_PENDING;

	waker_retain(ctx->waker);
	end = past_claimed(o, set_joiner(o, end, ctx->waker, &old));
	waker_release(old);
	if (end == JOINING) {
		j->waker = ctx->waker;
		return CHP_PENDING;
	}
	/* It ended meanwhile, or on a first poll another joiner was faster. */
	waker_release(ctx->waker);
	return end == DONE ? take(j, o) : CHP_EINVAL;
}

static int cancel_join(chp_op *op)
{
	chp_join_op *j = (chp_join_op *)op;
	struct outcome *o = j->task->agent.slot;
	uint32_t end = JOINING;

	if (cas_acquire(&o->end, &end, RUNNING))
		waker_release(j->waker);
	else
		past_claimed(o, end);
	return CHP_HELD_NOTHING;
}

static const chp_op_class join_class = {
	.name = "join",
	.poll = poll_join,
	.cancel = cancel_join,
};

void chp_task_join_op(chp_join_op *op, chp_task *task, chp_outcome *outcome)
{
	chp_op_init(&op->op, &join_class);
	op->task = task;
	op->outcome = outcome;
	op->waker.cls = NULL;
}

int chp_join_with(chp_task *task, chp_outcome *outcome, const chp_wait *w)
{
	struct agent *self = agent_self();
	chp_join_op op;
	int r;

	if (!resolve(task))
		return CHP_EINVAL;
	r = wait_check(self, w);
	if (r)
		return r;
	chp_task_join_op(&op, task, outcome);
	return chp__block(self, &op.op, w);
}

int chp_join(chp_task *task, chp_outcome *outcome)
{
	return chp_join_with(task, outcome, NULL);
}

int chp_task_is_finished(const chp_task *task)
{
	struct outcome *o = resolve(task);

	return o ? load_acquire(&o->end) == DONE : CHP_EINVAL;
}

int chp_task_detach(chp_task *task)
{
	struct outcome *o = resolve(task);
	uint32_t end;

	if (!o)
		return CHP_EINVAL;
	do {
		end = past_claimed(o, load_acquire(&o->end)); /* (J) */
		if (end != RUNNING && end != DONE)
			return CHP_EINVAL;
	} while (end == RUNNING && !cas_acq_rel(&o->end, &end, DETACHED));

	memset(task, 0, sizeof(*task));
	if (end == DONE) {
		drop_value(o);
		o->free_slot(o);
	}
	return 0;
}

int chp_abort(chp_agent agent)
{
	struct agent *a = agent.slot;

	if (!a || a->cls->kind != CHP_TASK)
		return CHP_ESRCH;
	return chp__agent_signal(agent, AGENT_ABORTED);
}

int chp_task_abort(const chp_task *task)
{
	return task ? chp_abort(task->agent) : CHP_ESRCH;
}

uint64_t chp_task_id(void)
{
	struct agent *self = agent_self();

	return self->cls->kind == CHP_TASK ? agent_id(self) : 0;
}
