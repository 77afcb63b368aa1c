/*
 * sleep.c - sleeping, as an operation and as a call.
 *
 * A blocking caller promises through ctx->wake_at to poll again in time: then
 * no timer is needed but the one of its own park.  Any other poller gets a
 * timer in the wheel of the agent that polls.
 */
#include "wait/sleep.h"

#include "os/clock.h"
#include "wait/block.h"
#include "wait/wheel.h"

chp_time chp_now(void)
{
	struct agent *self = agent_self();

	return self->cls->now(self);
}

chp_time chp_in(chp_time length)
{
	return chp__time_add(chp_now(), length);
}

static int arm(chp_sleep_op *o, chp_waker waker)
{
	struct agent *self = agent_self();
	struct wheel *wheel;
	int r = self->cls->wheel(self, &wheel);

	if (r != 0)
		return r;
	waker_retain(waker);
	chp__wheel_arm(wheel, &o->timer, o->until, waker);
	return CHP_PENDING;
}

int chp__sleep_poll(chp_sleep_op *o, chp_poll_ctx *ctx)
{
	if (agent_passed(agent_self(), o->until)) {
		chp__sleep_disarm(o);
		return 0;
	}
	if (ctx->wake_at) {
		/* A timer is an earlier poller's, and not to be heard of. */
		chp__sleep_disarm(o);
		if (o->until < *ctx->wake_at)
			*ctx->wake_at = o->until;
		return CHP_PENDING;
	}
	/* The timer is ours to look at: only arming and firing change it, and
	   fired it is not armed.  Relaxed: armed is what we wrote; fired is
	   acquired by chp__wheel_cancel before we write it again. */
	if (loadp_relaxed(&o->timer.wheel) &&
	    waker_same(o->timer.waker, ctx->waker))
		return CHP_PENDING;
	chp__sleep_disarm(o);
	return arm(o, ctx->waker);
}

void chp__sleep_disarm(chp_sleep_op *o)
{
	if (chp__wheel_cancel(&o->timer))
		waker_release(o->timer.waker);
}

static int poll(chp_op *op, chp_poll_ctx *ctx)
{
	return chp__sleep_poll((chp_sleep_op *)op, ctx);
}

static int cancel(chp_op *op)
{
	chp__sleep_disarm((chp_sleep_op *)op);
	return CHP_HELD_NOTHING;
}

static const chp_op_class sleep_class = {
	.name = "sleep",
	.poll = poll,
	.cancel = cancel,
};

void chp_sleep_until_op(chp_sleep_op *op, chp_time until)
{
	op_init(&op->op, &sleep_class);
	op->until = until;
	storep_relaxed(&op->timer.wheel, NULL);
}

void chp_sleep_reset(chp_sleep_op *op, chp_time until)
{
	chp__sleep_disarm(op);
	op->until = until;
	op->op.stage = OP_NEW;
}

int chp_sleep_is_elapsed(const chp_sleep_op *op)
{
	return op->op.stage == OP_FINISHED && op->op.result == 0;
}

int chp_sleep_until_with(chp_time until, const chp_wait *w)
{
	struct agent *self = agent_self();
	chp_sleep_op op;
	int r = wait_check(self, w);

	if (r)
		return r;
	chp_sleep_until_op(&op, until);
	return chp__block(self, &op.op, w);
}

int chp_sleep_until(chp_time until)
{
	return chp_sleep_until_with(until, NULL);
}

int chp_sleep_for(chp_time length)
{
	return chp_sleep_until_with(chp_in(length), NULL);
}
