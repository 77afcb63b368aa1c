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

/*
 * Drop the value here if nobody will take it; else see to it that it cannot be
 * detached any more before DONE, not even by a joiner that gives up first: see
 * outcome.h on ENDING and CLAIMED.
 */
static void settle_value(struct outcome *o)
{
	uint64_t id = agent_id(&o->agent);
	/* Relaxed, all of it: chp__outcome_end goes on from there. */
	uint64_t end = load64_relaxed(&o->end);

	while (end != end_word(id, DETACHED)) {
		unsigned to = end == end_word(id, JOINING)
				      ? CLAIMED
				      : ENDING | (end & SETTING);

		if (cas64_relaxed(&o->end, &end, end_word(id, to)))
			return;
	}
	drop_value(o);
	o->result_drop = NULL;
}

bool chp__outcome_begin(struct outcome *o)
{
	/* An interrupt is for its first wait.  (G) in agent.h */
	if (!(load64_acquire(&o->agent.attention) & AGENT_ABORTED))
		return true;
	if (o->arg_drop)
		o->arg_drop(o->arg);
	return false;
}

void chp__outcome_finish(struct outcome *o, bool ran, void *value)
{
	o->value = value;
	if (ran)
		o->fate = o->agent.saw_abort ? CHP_ABORTED : CHP_RETURNED;
	else
		o->fate = CHP_NEVER_RUN;
	chp__locals_destroy(&o->agent);
	if (o->result_drop)
		settle_value(o);
}

void chp__outcome_run(struct outcome *o)
{
	bool runs = chp__outcome_begin(o);

	chp__outcome_finish(o, runs, runs ? o->fn(o->arg) : NULL);
}

void chp__outcome_end(struct outcome *o)
{
	uint64_t id = agent_id(&o->agent);
	uint64_t end = load64_acquire(&o->end);
	chp_waker waker;

	agent_end(&o->agent);
	while (end != end_word(id, CLAIMED)) {
		bool waits = end == end_word(id, JOINING);
		unsigned to = waits ? CLAIMED : DONE | (end & SETTING);

		if (end == end_word(id, DETACHED)) {
			chp__slot_free(o);
			return;
		}
		if (!cas64_acq_rel(&o->end, &end, end_word(id, to)))
			continue;
		if (!waits)
			return; /* (E) */
		break;
	}
	waker = o->joiner;
	store64_release(&o->end, end_word(id, DONE)); /* (E) */
	waker_wake(waker);
}

/* ---- The side of the handle ---- */

static struct outcome *outcome_of(const chp_task *task)
{
	return task && task->agent.id ? task->agent.slot : NULL;
}

/* Is an ender about to store DONE? */
static inline bool is_ending(int state)
{
	return state == CLAIMED || (state & ~SETTING) == ENDING;
}

/* The state of the task that the handle names, or -1: none any more. */
static inline int state_now(const chp_task *task)
{
	struct outcome *o = outcome_of(task);
	uint64_t end;

	if (!o)
		return -1;
	end = load64_acquire(&o->end); /* (J) */
	return end >> END_SHIFT == task->agent.id ? (int)(end & 0xff) : -1;
}

COLD static int state_soon(const chp_task *task)
{
	unsigned spins = 0;
	int state;

	do {
		chp__relax(&spins);
		state = state_now(task);
	} while (is_ending(state));
	return state;
}

/* The same after waiting for such an ender: a few instructions. */
static inline int state_of(const chp_task *task)
{
	int state = state_now(task);

	return likely(!is_ending(state)) ? state : state_soon(task);
}

static bool step(const chp_task *task, unsigned from, unsigned to)
{
	struct outcome *o = outcome_of(task);
	uint64_t end = end_word(task->agent.id, from);

	return cas64_acq_rel(&o->end, &end, end_word(task->agent.id, to));
}

/* The task is DONE: make the outcome ours, unless another use of the handle is
   faster. */
static bool take_over(chp_task *task)
{
	struct outcome *o = outcome_of(task);
	uint64_t end = end_word(task->agent.id, DONE);

	/* Relaxed: that it is so was acquired (J). */
	return cas64_relaxed(&o->end, &end, 0);
}

static int take(chp_task *task, chp_outcome *outcome)
{
	struct outcome *o = outcome_of(task);

	if (!take_over(task))
		return CHP_EINVAL;
	memset(task, 0, sizeof(*task));
	if (outcome) {
		outcome->fate = o->fate;
		outcome->value = o->value;
	} else {
		drop_value(o);
	}
	chp__slot_free(o);
	return 0;
}

/*
 * From RUNNING, or with a waker of ours already there JOINING, to JOINING with
 * this waker; whose reference that takes is given back through *waker: the old
 * one's, or, if nothing came of it, the new one's.
 */
static bool set_joiner(const chp_task *task, enum end_state from,
		       chp_waker *waker)
{
	struct outcome *o = outcome_of(task);
	chp_waker old = { NULL, NULL };

	if (!step(task, from, RUNNING | SETTING))
		return false;
	if (from == JOINING)
		old = o->joiner;
	o->joiner = *waker;
	if (!step(task, RUNNING | SETTING, JOINING)) {
		/* It ended meanwhile, and did not look at the waker.  Release:
		   whoever takes the slot comes after our writing into it. */
		and64_release(&o->end, ~(uint64_t)SETTING);
		waker_release(old);
		return false;
	}
	*waker = old;
	return true;
}

/* Wait, from RUNNING or from JOINING; see set_joiner(). */
static NOINLINE int wait_join(chp_join_op *j, enum end_state from,
			      chp_waker waker)
{
	chp_waker back = waker;
	bool joining;

	waker_retain(waker);
	joining = set_joiner(j->task, from, &back);
	waker_release(back);
	if (joining) {
		waker_store(&j->waker, waker);
		return CHP_PENDING;
	}
	/* It has ended, or on a first poll another joiner was faster. */
	return state_of(j->task) == DONE ? take(j->task, j->outcome)
					 : CHP_EINVAL;
}

static int poll_join(chp_op *op, chp_poll_ctx *ctx)
{
	chp_join_op *j = (chp_join_op *)op;
	int state = state_of(j->task);
	chp_waker waker = ctx_waker(ctx);

	if (state == DONE)
		return take(j->task, j->outcome);
	if (op->stage == OP_NEW)
		return state == RUNNING ? wait_join(j, RUNNING, waker)
					: CHP_EINVAL;
	if (state < 0)
		return CHP_EINVAL;
	return waker_same(j->waker, waker) ? CHP_PENDING
					   : wait_join(j, JOINING, waker);
}

static int cancel_join(chp_op *op)
{
	chp_join_op *j = (chp_join_op *)op;

	if (step(j->task, JOINING, RUNNING))
		waker_release(j->waker);
	else
		state_of(j->task);
	return CHP_HELD_NOTHING;
}

static const chp_op_class join_class = {
	.name = "join",
	.poll = poll_join,
	.cancel = cancel_join,
};

void chp_task_join_op(chp_join_op *op, chp_task *task, chp_outcome *outcome)
{
	op_init(&op->op, &join_class);
	op->task = task;
	op->outcome = outcome;
	op->waker.cls = NULL;
}

int chp_join_with(chp_task *task, chp_outcome *outcome, const chp_wait *w)
{
	struct agent *self = agent_self();
	int state = state_of(task), r;
	chp_join_op op;

	if (state < 0)
		return CHP_EINVAL;
	r = wait_check(self, w);
	if (r)
		return r;
	if (state == DONE) {
		agent_spend(self);
		return take(task, outcome);
	}
	chp_task_join_op(&op, task, outcome);
	return chp__block(self, &op.op, w);
}

int chp_join(chp_task *task, chp_outcome *outcome)
{
	return chp_join_with(task, outcome, NULL);
}

int chp_task_is_finished(const chp_task *task)
{
	int state = state_of(task);

	if (state < 0 || state == DETACHED)
		return CHP_EINVAL;
	return (state & ~SETTING) == DONE;
}

int chp_task_detach(chp_task *task)
{
	struct outcome *o = outcome_of(task);
	int state;

	while ((state = state_of(task)) == RUNNING)
		if (step(task, RUNNING, DETACHED)) {
			memset(task, 0, sizeof(*task));
			return 0;
		}
	if (state != DONE || !take_over(task))
		return CHP_EINVAL;
	memset(task, 0, sizeof(*task));
	drop_value(o);
	chp__slot_free(o);
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
