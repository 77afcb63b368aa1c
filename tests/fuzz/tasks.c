/*
 * tasks.c - waits that tasks block on.
 *
 * A task calls chp_op_wait() with a limit, a token and flags as they are drawn.
 * Between it and the operation stands another, `around`, whose poll and cancel
 * do the same to the model in the same moment, so that the order in which the
 * runtime lets the tasks go is the model's order, too.
 *
 * Once nothing moves any more: no task waits that could go on, that is late,
 * whose token is cancelled or that was interrupted or aborted; and none has
 * ended for another reason than those.
 */
#include "fuzz.h"

struct driver {
	chp_op around;
	struct wait *wait; /* NULL: not in use */
	chp_task task;
	chp_wait how;
	chp_cancel token;
	bool polled, given_up, over;
	bool interrupted, aborted;
	int result; /* of the operation */
	int code;   /* of chp_op_wait() */
};

static struct driver drivers[WAITS];
static unsigned long moves;
static int others; /* tasks of parts that have not ended */

void tasks_moved(int by)
{
	moves++;
	others += by;
}

/* ---- The operation around ---- */

static struct driver *driver_of(chp_op *op)
{
	return (struct driver *)op; /* the first member */
}

static int poll_around(chp_op *op, chp_poll_ctx *ctx)
{
	struct driver *d = driver_of(op);
	struct wait *w = d->wait;
	int want = wait_poll_model(w), r;

	moves++;
	r = chp_op_poll(w->op, ctx);
	SAY("  wait %jd polled by its task: %jd", w->id, r);
	EXPECT(r, want);
	d->polled = w->polled = true;
	if (r != CHP_PENDING) {
		d->result = r;
		d->over = true;
		w->cls->done(w, r == CHP_ETIMEDOUT ? GIVEN_UP : r);
	}
	waits_expect();
	return r;
}

static void give_up(struct driver *d)
{
	struct wait *w = d->wait;
	int want = w->polled ? w->cls->cancel(w) : CHP_HELD_NOTHING, r;

	r = chp_op_cancel(w->op);
	SAY("  wait %jd given up by its task: %jd", w->id, r);
	EXPECT(r, want);
	d->given_up = d->over = true;
	w->cls->done(w, GIVEN_UP);
	waits_expect();
}

/* Whoever could go on does not give up. */
static int cancel_around(chp_op *op)
{
	struct driver *d = driver_of(op);

	moves++;
	EXPECT(wait_can_go_on(d->wait), 0);
	give_up(d);
	return CHP_HELD_NOTHING;
}

static const chp_op_class around_class = {
	.name = "around",
	.poll = poll_around,
	.cancel = cancel_around,
	.flags = CHP_OP_UNBUDGETED,
};

/* ---- The task ---- */

static bool reason_for(const struct driver *d, int code)
{
	bool minds = !(d->how.flags & CHP_UNINTERRUPTIBLE);

	switch (code) {
	case CHP_EINTR:
		return d->interrupted && minds;
	case CHP_EABORTED:
		return d->aborted && minds;
	case CHP_ECANCELED:
		return chp_cancel_status(&d->token) == CHP_ECANCELED;
	case CHP_ETIMEDOUT:
		return d->how.deadline && chp_now() >= d->how.deadline;
	default:
		return false;
	}
}

static void *drive(void *arg)
{
	struct driver *d = arg;

	d->code = chp_op_wait(&d->around, &d->how);
	moves++;
	/* Refused before it began. */
	if (!d->polled)
		give_up(d);
	if (d->given_up)
		CHECK(reason_for(d, d->code));
	else
		EXPECT(d->code, d->result);
	EXPECT(chp_interrupted(), d->interrupted && d->code != CHP_EINTR);
	return NULL;
}

void step_task(void)
{
	struct wait *w = &waits[below(WAITS)];
	struct driver *d = &drivers[w->id];
	unsigned how = take();

	if (!w->cls || w->group || w->driver)
		return;
	memset(d, 0, sizeof(*d));
	d->wait = w;
	w->driver = d;
	w->armed = w->timer_armed = false;
	chp_op_init(&d->around, &around_class);
	d->how.cancel = &d->token;
	if (how & 1)
		d->how.flags = CHP_UNINTERRUPTIBLE;
	if (how & 2)
		d->how.deadline =
			chp_now() + ((int)(how >> 4) % 6 - 1) * CHP_MS;
	if ((how & 0xc) == 0xc)
		chp_cancel_now(&d->token);
	SAY("  wait %jd is a task's: until %jd, uninterruptible %jd, "
	    "cancelled %jd",
	    w->id, d->how.deadline, how & 1, (how & 0xc) == 0xc);
	EXPECT(chp_spawn(&d->task, drive, d), 0);
}

void step_disturb(void)
{
	struct driver *d = &drivers[below(WAITS)];

	if (!d->wait)
		return;
	switch (below(4)) {
	default:
		SAY("  the task of wait %jd is interrupted", d->wait->id);
		d->interrupted = true;
		EXPECT(chp_interrupt(d->task.agent), 0);
		break;
	case 2:
		SAY("  the task of wait %jd is cancelled", d->wait->id);
		chp_cancel_now(&d->token);
		break;
	case 3:
		SAY("  the task of wait %jd is aborted", d->wait->id);
		d->aborted = true;
		EXPECT(chp_task_abort(&d->task), 0);
	}
}

/* ---- Settling ---- */

static void settle(struct driver *d)
{
	struct wait *w = d->wait;
	static const int reasons[] = { CHP_EINTR, CHP_EABORTED, CHP_ECANCELED,
				       CHP_ETIMEDOUT };

	if (!w)
		return;
	if (!d->over) {
		EXPECT(wait_can_go_on(w), 0);
		for (int i = 0; i < 4; i++)
			EXPECT(reason_for(d, reasons[i]), 0);
		return;
	}
	EXPECT(chp_task_is_finished(&d->task), 1);
	EXPECT(chp_join(&d->task, NULL), 0);
	chp_cancel_destroy(&d->token);
	d->wait = NULL;
	w->driver = NULL;
	w->cls = NULL;
}

void tasks_settle(void)
{
	unsigned long before;
	static unsigned long settled;
	bool any = others > 0 || moves != settled;

	for (int i = 0; i < WAITS; i++)
		any |= drivers[i].wait != NULL;
	if (!any)
		return;
	do {
		before = moves;
		for (int i = 0; i < 4; i++)
			chp_yield();
	} while (moves != before);
	settled = moves;
	for (int i = 0; i < WAITS; i++)
		settle(&drivers[i]);
}

void task_give_up(struct wait *w)
{
	SAY("  the task of wait %jd is told to give up", w->id);
	chp_cancel_now(&w->driver->token);
	tasks_settle();
	CHECK(!w->cls);
}
