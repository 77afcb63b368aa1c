/*
 * coro.c - awaiting an operation in a function that is polled: one step of
 * block.c's loop at each poll.
 *
 *	stage       meaning                             leaves by
 *	CO_RUNS     awaits nothing                      a first poll -> CO_AWAITS,
 *	                                                CO_PREEMPTED
 *	CO_PREEMPTED  others run before the wait begins  the next poll -> CO_AWAITS
 *	CO_AWAITS   the operation is polled             its result, or a reason to
 *	                                                stop -> CO_RUNS
 *
 * What is looked at when, and what wins, is as in block.c.  A deadline is a
 * sleep in the wheel of whoever polls; a token has our waker in its list.
 */
#include <chappe/poll.h>

#include "base/panic.h"
#include "wait/block.h"
#include "wait/cancel.h"
#include "wait/sleep.h"

enum co_stage { CO_RUNS, CO_PREEMPTED, CO_AWAITS };

/* Whose flags can end the wait; NULL: nobody's, it is polled by hand. */
static struct agent *awaiting(const chp_poll_ctx *ctx)
{
	struct agent *self = agent_self();

	return waker_same(ctx->waker, agent_waker(self)) ? self : NULL;
}

/* ---- Deadline and token ---- */

static void enter(chp_co_limit *limit, const chp_wait *w, chp_waker waker)
{
	chp_sleep_until_op(&limit->sleep, wait_end(agent_self(), w));
	if (w->cancel)
		chp__cancel_enter(w->cancel, &limit->place, waker);
}

static void leave(chp_co_limit *limit, const chp_wait *w)
{
	chp__sleep_disarm(&limit->sleep);
	if (w->cancel)
		chp__cancel_leave(w->cancel, &limit->place);
}

/* Has the time come?  0: no. */
static int look_at_clock(chp_co_limit *limit, chp_poll_ctx *ctx)
{
	int r = CHP_PENDING;

	if (limit->sleep.until)
		r = chp__sleep_poll(&limit->sleep, ctx);
	if (r == CHP_PENDING)
		return 0;
	/* Or nobody can tell when it will. */
	return r ? r : CHP_ETIMEDOUT;
}

/* ---- The wait ---- */

/* What must be said before anything is tried: 0 to go on. */
static int check(struct agent *self, const chp_wait *w)
{
	if (self)
		return wait_check(self, w);
	if (w && w->flags & ~CHP_UNINTERRUPTIBLE)
		return CHP_EINVAL;
	return w && w->cancel ? chp_cancel_status(w->cancel) : 0;
}

/* The operation is pending: CHP_PENDING, or what ends the wait. */
static int look_around(struct agent *self, chp_poll_ctx *ctx, chp_op *op,
		       chp_co_limit *limit, const chp_wait *w)
{
	int r, why = wait_reason(self, w, 0, false);

	if (!why && limit)
		why = look_at_clock(limit, ctx);
	if (!why) {
		if (self)
			self->waits_for = op;
		return CHP_PENDING;
	}
	if (op_cancel_finds_result(op))
		return op->result;
	/* Now that it is told, an interrupt flag is cleared. */
	r = wait_reason(self, w, 0, true);
	return r ? r : why;
}

/* Is it this wait's turn to let others run first?  Under a seed only. */
static bool is_preempted(chp_coro *co, struct agent *self)
{
	/* Relaxed: a hint. */
	return co->stage == CO_RUNS && self &&
	       load64_relaxed(&self->attention) & AGENT_PREEMPT;
}

int chp_co_await_with(chp_coro *co, chp_poll_ctx *ctx, chp_op *op,
		      chp_co_limit *limit, const chp_wait *w)
{
	struct agent *self = awaiting(ctx);
	int r;

	if (is_preempted(co, self)) {
		co->stage = CO_PREEMPTED;
		waker_wake_copy(ctx->waker);
		return CHP_PENDING;
	}
	if (!w)
		limit = NULL;
	if (co->stage != CO_AWAITS) {
		co->stage = CO_RUNS;
		r = w && !limit ? CHP_EINVAL : check(self, w);
		if (r)
			return chp__wait_refused(self, op, r);
		if (limit)
			enter(limit, w, ctx->waker);
		co->stage = CO_AWAITS;
	} else if (limit && w->cancel &&
		   !waker_same(limit->place.waker, ctx->waker)) {
		chp__cancel_leave(w->cancel, &limit->place);
		chp__cancel_enter(w->cancel, &limit->place, ctx->waker);
	}

	r = chp_op_poll(op, ctx);
	if (r == CHP_PENDING)
		r = look_around(self, ctx, op, limit, w);
	if (r != CHP_PENDING) {
		co->stage = CO_RUNS;
		if (limit)
			leave(limit, w);
	}
	return r;
}

int chp_co_await(chp_coro *co, chp_poll_ctx *ctx, chp_op *op)
{
	return chp_co_await_with(co, ctx, op, NULL, NULL);
}

void chp_co_yield(chp_poll_ctx *ctx)
{
	struct agent *self = awaiting(ctx);

	if (self)
		self->waits_for = &chp__yielded;
	waker_wake_copy(ctx->waker);
}

void chp_co_ended(void)
{
	chp__panic("a stackless function polled after its end");
}
