/*
 * fuzz_notify.c - notify: one, last, all, enable.
 */
#include "fuzz.h"
#include "model_notify.h"

struct real {
	chp_notify *n;
};

struct model {
	struct model_notify n;
};

#define N(o) (&MODEL(o)->n)

static int poll_notified(struct wait *w)
{
	return model_notify_poll(N(w->object), w->id);
}

static int cancel_notified(struct wait *w)
{
	return model_notify_cancel(N(w->object), w->id);
}

static const struct wait_class notified_class = {
	"notified", poll_notified, cancel_notified, nothing, false, false,
};

static void wait_notified(struct object *o)
{
	struct wait *w = wait_new(o, &notified_class);

	if (!w)
		return;
	SAY("  wait %jd: notified", w->id);
	if (one_in(3))
		chp_notify_notified_owned_op(&w->notified, REAL(o)->n);
	else
		chp_notify_notified_op(&w->notified, REAL(o)->n);
	model_notify_make(N(o), w->id);
	wait_begin(w, &w->notified.op);
}

static void enable(struct object *o)
{
	struct wait *w = &waits[below(WAITS)];
	int r;

	if (w->cls != &notified_class || w->object != o)
		return;
	r = chp_notified_enable(&w->notified);
	SAY("  wait %jd enabled: %jd", w->id, r);
	EXPECT(r, model_notify_enable(N(o), w->id));
	w->polled = true;
	w->armed &= r == 0;
}

static void tell(struct object *o)
{
	switch (below(3)) {
	case 0:
		SAY("  one");
		chp_notify_one(REAL(o)->n);
		model_notify_one(N(o));
		break;
	case 1:
		SAY("  last");
		chp_notify_last(REAL(o)->n);
		model_notify_last(N(o));
		break;
	default:
		SAY("  waiters");
		chp_notify_waiters(REAL(o)->n);
		model_notify_waiters(N(o));
	}
}

static void step(struct object *o)
{
	static void (*const steps[])(struct object *) = {
		wait_notified,
		wait_notified,
		enable,
		tell,
	};

	steps[below(4)](o);
}

static void make(struct object *o)
{
	object_new(o, sizeof(struct real));
	REAL(o)->n = chp_notify_new();
}

static void compare(struct object *o)
{
	(void)o;
}

/* Whether the permit is there is seen by who takes it. */
static void end(struct object *o)
{
	chp_notified_op op;

	chp_notify_notified_op(&op, REAL(o)->n);
	EXPECT(chp_op_poll(&op.op, NULL), N(o)->permit ? 0 : CHP_PENDING);
	chp_op_cancel(&op.op);
	chp_notify_unref(REAL(o)->n);
}

const struct part part_notify = { "notify", make, step, compare, end };
