/*
 * parts_time.c - sleeping, ticking, time limits.  Nothing ever comes early.
 */
#include "stress.h"

static void sleep_plainly(struct agent *a)
{
	chp_time until = soon(a);
	struct manner m;
	const chp_wait *w = draw(a, &m, SOMEHOW);
	int r;

	at(a, "sleeping");
	r = judge(a, &m, chp_sleep_until_with(until, w));
	CHECK(r == 0 ? chp_now() >= until : gave_up(r));
}

/* Moved while it is pending and after it has come, at random. */
static void sleep_and_move(struct agent *a)
{
	chp_time until = soon(a);
	chp_sleep_op sleep;
	int r;

	chp_sleep_until_op(&sleep, until);
	for (uint32_t n = below(a, 4); n; n--) {
		at(a, "moving a sleep");
		r = chp_op_poll(&sleep.op, NULL);
		CHECK(r == CHP_PENDING || (r == 0 && chp_now() >= until));
		CHECK(chp_sleep_is_elapsed(&sleep) == (r == 0));
		until = soon(a);
		chp_sleep_reset(&sleep, until);
	}
	r = count(a, await(a, &sleep.op, SOMEHOW));
	CHECK(r == 0 ? chp_now() >= until : gave_up(r));
}

static void tick(struct agent *a)
{
	chp_interval iv;
	chp_time scheduled, last = 0, period = (1 + below(a, 400)) * CHP_US;
	chp_missed missed = (chp_missed)below(a, 3);

	CHECK_CODE(chp_interval_init(&iv, chance(a, 50) ? soon(a) : 0, period,
				     missed),
		   0);
	for (uint32_t n = below(a, 6); n; n--) {
		struct manner m;
		const chp_wait *w = draw(a, &m, SOMEHOW);
		int r;

		at(a, "ticking");
		r = judge(a, &m, chp_interval_tick_with(&iv, &scheduled, w));
		if (r) {
			CHECK(gave_up(r));
			continue;
		}
		CHECK(chp_now() >= scheduled);
		CHECK(!last || scheduled - last >= period);
		last = scheduled;
	}
}

/* For what never comes. */
static void limit(struct agent *a)
{
	chp_semaphore nothing = CHP_SEMAPHORE_INIT(0, CHP_FIFO);
	chp_acquire_op acquire;
	chp_time deadline = soon(a);
	int r;

	chp_semaphore_acquire_op(&acquire, &nothing, 1);
	at(a, "limiting");
	r = count(a, chp_timeout(&acquire.op, deadline));
	CHECK(gave_up(r) && r != CHP_ECANCELED);
	CHECK(r != CHP_ETIMEDOUT || chp_now() >= deadline);
	CHECK(chp_semaphore_queue_length(&nothing) == 0);
	a->aborted |= r == CHP_EABORTED;
	chp_semaphore_destroy(&nothing);
}

static void time_step(struct agent *a)
{
	switch (below(a, 4)) {
	case 0:
		sleep_plainly(a);
		break;
	case 1:
		sleep_and_move(a);
		break;
	case 2:
		tick(a);
		break;
	default:
		limit(a);
	}
}

/* ---- Errands ---- */

static void sleep_done(struct agent *a, struct errand *e, int r)
{
	(void)a;
	CHECK(r == 0 ? chp_now() >= e->sleep.until : gave_up(r));
}

static void tick_done(struct agent *a, struct errand *e, int r)
{
	(void)a;
	CHECK(r == 0 ? chp_now() >= e->n : gave_up(r));
}

static bool time_errand(struct agent *a, struct errand *e)
{
	if (chance(a, 50)) {
		chp_sleep_until_op(&e->sleep, soon(a));
		e->op = &e->sleep.op;
		e->done = sleep_done;
	} else {
		CHECK_CODE(chp_interval_init(&e->interval, soon(a), CHP_MS,
					     CHP_MISSED_BURST),
			   0);
		chp_interval_tick_op(&e->tick, &e->interval, &e->n);
		e->op = &e->tick.op;
		e->done = tick_done;
	}
	return true;
}

const struct part part_time = {
	.name = "time",
	.step = time_step,
	.errand = time_errand,
};
