/*
 * block.c - the only code that blocks a task or a thread.
 *
 * Loop: poll; if pending, look for a reason to stop; if none, park; repeat.
 * Whoever ends a wait (a grant, an interrupt, a cancelled token) first writes
 * what it has to say and then unparks, and an unpark makes the next park
 * return: so a reason that comes after we looked is seen in the next round.
 *
 * The poll comes first, also when there is a reason: success wins over it.  A
 * park may end early, or late by what its timer takes; then there is another
 * round.
 */
#include "wait/block.h"

int chp__wait_check(struct agent *self, const chp_wait *w)
{
	int r = 0;

	if (w && w->flags & ~CHP_UNINTERRUPTIBLE)
		return CHP_EINVAL;
	/* Relaxed: a hint. */
	if (unlikely(load64_relaxed(&self->attention) & AGENT_PREEMPT))
		self->cls->yield(self);
	if (agent_attention(self) && !(w && w->flags & CHP_UNINTERRUPTIBLE))
		r = chp__agent_check(self, true);
	if (!r && w && w->cancel)
		r = chp_cancel_status(w->cancel);
	/* A wait that fails at once is one that finished. */
	if (r)
		agent_spend(self);
	return r;
}

bool chp__wait_expired(struct agent *self, const chp_wait *w)
{
	chp_time at = wait_deadline(w);

	if (w->timeout >= 0 && (!at || !agent_passed(self, at)))
		return false;
	agent_spend(self);
	return true;
}

const chp_wait *chp__wait_fix(const chp_wait *w, chp_wait *copy)
{
	if (!w || !w->timeout)
		return w;
	*copy = *w;
	copy->deadline = wait_earlier(w->deadline, chp_in(w->timeout));
	copy->timeout = 0;
	return copy;
}

/* ahead: the deadline was looked at just now. */
static ALWAYS_INLINE int loop(struct agent *self, chp_op *op, const chp_wait *w,
			      bool ahead)
{
	chp_time deadline, wake_at = CHP_NEVER;
	chp_poll_ctx ctx = {
		.waker = agent_waker(self),
		.wake_at = &wake_at,
	};
	int r, why;

	ASSUME(self != NULL);
	r = op_poll(op, &ctx);
	if (r != CHP_PENDING)
		return r;
	deadline = wait_end(self, w);
	why = wait_reason(self, w, ahead ? 0 : deadline, false);
	while (!why) {
		self->waits_for = op;
		self->cls->park(
			self, wait_earlier(deadline,
					   wake_at == CHP_NEVER ? 0 : wake_at));
		wake_at = CHP_NEVER;
		r = op_poll(op, &ctx);
		if (r != CHP_PENDING)
			return r;
		why = wait_reason(self, w, deadline, false);
	}

	if (op_cancel_finds_result(op))
		return op->result;
	/* Now that it is told, an interrupt flag is cleared. */
	r = wait_reason(self, w, deadline, true);
	return r ? r : why;
}

/* Before there is anything to hold: others may run now. */
static inline void spend(struct agent *self, const chp_op *op)
{
	if (!(op->cls->flags & CHP_OP_UNBUDGETED))
		agent_spend(self);
}

static int block(struct agent *self, chp_op *op, const chp_wait *w, bool ahead)
{
	chp_node place;
	int r;

	spend(self, op);
	if (!w->cancel)
		return loop(self, op, w, ahead);
	chp__cancel_enter(w->cancel, &place, agent_waker(self));
	r = loop(self, op, w, ahead);
	chp__cancel_leave(w->cancel, &place);
	return r;
}

int chp__block(struct agent *self, chp_op *op, const chp_wait *w)
{
	if (w)
		return block(self, op, w, true);
	spend(self, op);
	return loop(self, op, NULL, true);
}

int chp__wait_refused(struct agent *self, chp_op *op, int r)
{
	if (!op_cancel_finds_result(op))
		return r;
	/* Not told: it is for the next wait. */
	if (r == CHP_EINTR && self)
		chp_interrupt(agent_handle(self));
	return op->result;
}

int chp_op_wait(chp_op *op, const chp_wait *w)
{
	static const chp_wait whatever;
	struct agent *self = agent_self();
	int r = wait_check(self, w);

	if (r)
		return chp__wait_refused(self, op, r);
	chp__op_check_open(op);
	return block(self, op, w ? w : &whatever, false);
}

void chp_park(chp_time deadline)
{
	struct agent *self = agent_self();

	self->waits_for = NULL;
	self->cls->park(self, deadline);
}

chp_waker chp_waker_current(void)
{
	return agent_waker(agent_self());
}
