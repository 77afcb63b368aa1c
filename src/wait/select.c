/*
 * select.c - the first of several operations; a time limit on one.
 *
 * A poll of a select polls its enabled arms with the same waker until one
 * finishes, and stops there: no arm after the winner is touched, and an arm
 * takes effect only in a poll that finishes it.  So at most one arm takes
 * effect, without any agreement between them.
 */
#include <chappe/select.h>

#include "base/panic.h"
#include "wait/block.h"
#include "wait/op.h"
#include "wait/random.h"
#include "wait/sleep.h"

static void cancel_arms(chp_select_op *s, const chp_select_arm *winner)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (s->arms[i].op && &s->arms[i] != winner)
			chp_op_cancel(s->arms[i].op);
}

static int poll_select(chp_op *op, chp_poll_ctx *ctx)
{
	chp_select_op *s = (chp_select_op *)op;
	uint32_t i = 0, enabled = 0;

	if (s->count > 1 && !(s->flags & CHP_BIASED))
		i = chp__random() % s->count;
	for (uint32_t n = 0; n < s->count; n++) {
		chp_select_arm *arm = &s->arms[i];

		i = i + 1 == s->count ? 0 : i + 1;
		if (!arm->op)
			continue;
		enabled++;
		arm->result = op_poll_part(arm->op, ctx);
		if (arm->result == CHP_PENDING)
			continue;
		if (s->flags & CHP_CANCEL_LOSERS)
			cancel_arms(s, arm);
		return (int)(arm - s->arms);
	}
	return enabled ? CHP_PENDING : CHP_EDISABLED;
}

static int cancel_select(chp_op *op)
{
	chp_select_op *s = (chp_select_op *)op;

	if (s->flags & CHP_CANCEL_LOSERS)
		cancel_arms(s, NULL);
	return CHP_HELD_NOTHING;
}

static const chp_op_class select_class = {
	.name = "select",
	.poll = poll_select,
	.cancel = cancel_select,
};

int chp_select_init(chp_select_op *op, chp_select_arm *arms, size_t count,
		    unsigned flags)
{
	if ((!arms && count) || count > CHP_SELECT_MAX ||
	    flags & ~(CHP_BIASED | CHP_CANCEL_LOSERS))
		return CHP_EINVAL;
	op_init_engaged(&op->op, &select_class);
	op->arms = arms;
	op->count = (uint32_t)count;
	op->flags = flags;
	return 0;
}

int chp_select_with(chp_select_arm *arms, size_t count, unsigned flags,
		    const chp_wait *w)
{
	struct agent *self = agent_self();
	chp_select_op op;
	int r = chp_select_init(&op, arms, count, flags);

	if (r)
		return r;
	r = wait_check(self, w);
	if (r) {
		cancel_select(&op.op);
		return r;
	}
	return chp__block(self, &op.op, w);
}

int chp_select(chp_select_arm *arms, size_t count, unsigned flags)
{
	return chp_select_with(arms, count, flags, NULL);
}

/* ---- Time limit ---- */

static int poll_timeout(chp_op *op, chp_poll_ctx *ctx)
{
	chp_timeout_op *t = (chp_timeout_op *)op;
	int r = op_poll_part(t->inner, ctx);

	if (r != CHP_PENDING) {
		chp__sleep_disarm(&t->sleep);
		return r;
	}
	if (t->sleep.until)
		r = chp__sleep_poll(&t->sleep, ctx);
	if (r == CHP_PENDING)
		return r;
	/* Time is up, or nobody can tell when it will be. */
	if (op_cancel_finds_result(t->inner))
		return t->inner->result;
	return r ? r : CHP_ETIMEDOUT;
}

static int cancel_timeout(chp_op *op)
{
	chp_timeout_op *t = (chp_timeout_op *)op;
	int found = chp_op_cancel(t->inner);

	chp__sleep_disarm(&t->sleep);
	if (found == CHP_TOO_LATE)
		op->result = t->inner->result;
	return found;
}

static const chp_op_class timeout_class = {
	.name = "timeout",
	.poll = poll_timeout,
	.cancel = cancel_timeout,
};

void chp_timeout_init(chp_timeout_op *op, chp_op *inner, chp_time deadline)
{
	op_init_engaged(&op->op, &timeout_class);
	op->inner = inner;
	chp_sleep_until_op(&op->sleep, deadline);
}

int chp_timeout(chp_op *inner, chp_time deadline)
{
	chp_wait w = { .deadline = deadline };

	return chp_op_wait(inner, &w);
}
