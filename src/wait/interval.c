/*
 * interval.c - ticks.
 *
 * `next` is when the next tick is due.  Taking a tick moves it on, once, in
 * the poll that returns 0; so a cancelled wait has taken none.
 */
#include "os/clock.h"
#include "wait/block.h"
#include "wait/sleep.h"

/* Later than this, a tick counts as missed. */
#define LATE (5 * CHP_MS)

int chp_interval_init(chp_interval *iv, chp_time start, chp_time period,
		      chp_missed missed)
{
	if (period <= 0 || start < 0 || missed > CHP_MISSED_SKIP)
		return CHP_EINVAL;
	iv->period = period;
	iv->next = start ? start : chp_now();
	iv->missed = missed;
	return 0;
}

static chp_time after(const chp_interval *iv, chp_time due, chp_time now)
{
	if (now - due <= LATE || iv->missed == CHP_MISSED_BURST)
		return chp__time_add(due, iv->period);
	if (iv->missed == CHP_MISSED_DELAY)
		return chp__time_add(now, iv->period);
	/* The first multiple after now. */
	return chp__time_add(now, iv->period - (now - due) % iv->period);
}

static int poll(chp_op *op, chp_poll_ctx *ctx)
{
	chp_tick_op *o = (chp_tick_op *)op;
	chp_interval *iv = o->interval;
	int r;

	/* The interval may have been reset since. */
	if (o->sleep.until != iv->next) {
		chp__sleep_disarm(&o->sleep);
		o->sleep.until = iv->next;
	}
	r = chp__sleep_poll(&o->sleep, ctx);
	if (r != 0)
		return r;

	if (o->scheduled)
		*o->scheduled = iv->next;
	iv->next = after(iv, iv->next, chp_now());
	return 0;
}

static int cancel(chp_op *op)
{
	chp__sleep_disarm(&((chp_tick_op *)op)->sleep);
	return CHP_HELD_NOTHING;
}

static const chp_op_class tick_class = {
	.name = "interval tick",
	.poll = poll,
	.cancel = cancel,
};

void chp_interval_tick_op(chp_tick_op *op, chp_interval *iv,
			  chp_time *scheduled)
{
	op_init(&op->op, &tick_class);
	op->interval = iv;
	op->scheduled = scheduled;
	chp_sleep_until_op(&op->sleep, iv->next);
}

int chp_interval_tick_with(chp_interval *iv, chp_time *scheduled,
			   const chp_wait *w)
{
	struct agent *self = agent_self();
	chp_tick_op op;
	int r = wait_check(self, w);

	if (r)
		return r;
	chp_interval_tick_op(&op, iv, scheduled);
	return chp__block(self, &op.op, w);
}

int chp_interval_tick(chp_interval *iv, chp_time *scheduled)
{
	return chp_interval_tick_with(iv, scheduled, NULL);
}

void chp_interval_reset(chp_interval *iv)
{
	iv->next = chp_in(iv->period);
}

void chp_interval_reset_at(chp_interval *iv, chp_time at)
{
	iv->next = at > 0 ? at : 1;
}
