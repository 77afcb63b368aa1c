/*
 * fuzz_once.c - once cells and set-onces.
 */
#include "fuzz.h"
#include "model_once.h"

struct real {
	bool is_cell;
	chp_once_cell cell;
	chp_set_once once;
	int value;
};

struct model {
	struct model_once c;
	int value;
};

#define C(o) (&MODEL(o)->c)

static int poll_begin(struct wait *w)
{
	return model_once_begin(C(w->object), w->id);
}

static int poll_wait(struct wait *w)
{
	return model_once_wait(C(w->object), w->id);
}

static int cancel_wait(struct wait *w)
{
	return model_once_cancel(C(w->object), w->id);
}

static const struct wait_class begin_class = {
	"begin", poll_begin, cancel_wait, nothing, false, false,
};
static const struct wait_class wait_class = {
	"once wait", poll_wait, cancel_wait, nothing, false, false,
};

static void wait_for_it(struct object *o)
{
	bool begins = REAL(o)->is_cell && !one_in(3);
	struct wait *w = wait_new(o, begins ? &begin_class : &wait_class);

	if (!w)
		return;
	SAY("  wait %jd: begins %jd", w->id, begins);
	if (begins)
		chp_once_cell_begin_op(&w->once, &REAL(o)->cell);
	else if (REAL(o)->is_cell)
		chp_once_cell_wait_op(&w->once, &REAL(o)->cell);
	else
		chp_set_once_wait_op(&w->once, &REAL(o)->once);
	wait_begin(w, &w->once.op);
}

static void set(struct object *o)
{
	int value = fresh(), r, want = model_once_set(C(o));

	r = chp_set_once_set(&REAL(o)->once, &REAL(o)->value, &value,
			     sizeof(value));
	SAY("  set %jd: %jd", value, r);
	EXPECT(r, want);
	if (r == 0)
		MODEL(o)->value = value;
}

static void turn(struct object *o)
{
	int r;

	if (!REAL(o)->is_cell) {
		set(o);
	} else if (C(o)->turn != TURN_TAKEN) {
		r = chp_once_cell_try_begin(&REAL(o)->cell);
		SAY("  try to begin: %jd", r);
		EXPECT(r, model_once_try_begin(C(o)));
	} else if (one_in(3)) {
		SAY("  finish");
		chp_once_cell_finish(&REAL(o)->cell);
		model_once_finish(C(o));
	} else {
		SAY("  fail");
		chp_once_cell_fail(&REAL(o)->cell);
		model_once_fail(C(o));
	}
}

static void take_it(struct object *o)
{
	int r;

	if (C(o)->turn != NO_TURN)
		return;
	waits_cancel(o, NULL);
	r = REAL(o)->is_cell ? chp_once_cell_take(&REAL(o)->cell)
			     : chp_set_once_take(&REAL(o)->once);
	SAY("  taken: %jd", r);
	EXPECT(r, C(o)->set);
	C(o)->set = false;
}

static void step(struct object *o)
{
	static void (*const steps[])(struct object *) = {
		wait_for_it, wait_for_it, wait_for_it, wait_for_it,
		turn,        turn,        turn,        take_it,
	};

	steps[below(8)](o);
}

static void make(struct object *o)
{
	object_new(o, sizeof(struct real));
	REAL(o)->is_cell = below(3) > 0;
	SAY("  a cell: %jd", REAL(o)->is_cell);
}

static void compare(struct object *o)
{
	if (REAL(o)->is_cell)
		EXPECT(chp_once_cell_initialized(&REAL(o)->cell), C(o)->set);
	else
		EXPECT(chp_set_once_initialized(&REAL(o)->once), C(o)->set);
	EXPECT(REAL(o)->value, MODEL(o)->value);
}

static void end(struct object *o)
{
	if (C(o)->turn == TURN_TAKEN)
		chp_once_cell_fail(&REAL(o)->cell);
	chp_once_cell_destroy(&REAL(o)->cell);
	chp_set_once_destroy(&REAL(o)->once);
}

const struct part part_once = { "once", make, step, compare, end };
