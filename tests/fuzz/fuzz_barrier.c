/*
 * fuzz_barrier.c - barriers that keep arrivals and that take them back; wait
 * groups.
 */
#include "fuzz.h"
#include "model_barrier.h"

struct real {
	chp_barrier b;
	chp_wait_group g;
};

struct model {
	struct model_barrier b;
	struct model_wait_group g;
};

#define B(o) (&MODEL(o)->b)
#define G(o) (&MODEL(o)->g)

/* ---- Barriers ---- */

static int poll_barrier(struct wait *w)
{
	return model_barrier_poll(B(w->object), w->id);
}

/* The result that it leaves says what has become of the arrival. */
static int cancel_barrier(struct wait *w)
{
	bool released = B(w->object)->released[w->id];

	w->n = released ? 0 : CHP_ECANCELED;
	return model_barrier_cancel(B(w->object), w->id);
}

static void passed(struct wait *w, int r)
{
	EXPECT(w->barrier.op.result, r == GIVEN_UP ? w->n : r);
}

static const struct wait_class barrier_class = {
	"barrier", poll_barrier, cancel_barrier, passed, false, false,
};

static void step_barrier(struct object *o)
{
	struct wait *w = wait_new(o, &barrier_class);

	if (!w)
		return;
	w->n = CHP_ECANCELED;
	SAY("  wait %jd: arrives", w->id);
	chp_barrier_wait_op(&w->barrier, &REAL(o)->b);
	wait_begin(w, &w->barrier.op);
}

static void make_barrier(struct object *o)
{
	unsigned parties = below(6), flags = below(2);

	object_new(o, sizeof(struct real));
	SAY("  parties: %jd, withdraw: %jd", parties, flags);
	EXPECT(chp_barrier_init(&REAL(o)->b, parties,
				flags ? CHP_BARRIER_WITHDRAW : 0),
	       0);
	B(o)->parties = parties ? (int)parties : 1;
	B(o)->withdraw = flags;
}

static void compare_barrier(struct object *o)
{
	EXPECT(chp_barrier_parties(&REAL(o)->b), B(o)->parties);
	EXPECT(chp_barrier_arrived(&REAL(o)->b), B(o)->arrived);
}

static void end_barrier(struct object *o)
{
	chp_barrier_destroy(&REAL(o)->b);
}

const struct part part_barrier = { "barrier", make_barrier, step_barrier,
				   compare_barrier, end_barrier };

/* ---- Wait groups ---- */

static int poll_group(struct wait *w)
{
	return model_wait_group_poll(G(w->object), w->id);
}

static int cancel_group(struct wait *w)
{
	return model_wait_group_cancel(G(w->object), w->id);
}

static const struct wait_class group_class = {
	"wait group", poll_group, cancel_group, nothing, false, false,
};

static void step_group(struct object *o)
{
	unsigned what = below(4);
	struct wait *w;

	if (what < 2) {
		if (!(w = wait_new(o, &group_class)))
			return;
		SAY("  wait %jd: for the group", w->id);
		chp_wait_group_wait_op(&w->wait_group, &REAL(o)->g);
		wait_begin(w, &w->wait_group.op);
	} else if (what == 2 && G(o)->count) {
		SAY("  done");
		chp_wait_group_done(&REAL(o)->g);
		model_wait_group_add(G(o), -1);
	} else {
		int64_t n = (int64_t)below(7) - 3;

		if (n < -G(o)->count)
			n = -G(o)->count;
		SAY("  add %jd", n);
		chp_wait_group_add(&REAL(o)->g, n);
		model_wait_group_add(G(o), n);
	}
}

static void make_group(struct object *o)
{
	int64_t count = below(3);

	object_new(o, sizeof(struct real));
	EXPECT(chp_wait_group_init(&REAL(o)->g, count), 0);
	G(o)->count = count;
}

static void compare_group(struct object *o)
{
	EXPECT(chp_wait_group_count(&REAL(o)->g), G(o)->count);
}

static void end_group(struct object *o)
{
	chp_wait_group_destroy(&REAL(o)->g);
}

const struct part part_wait_group = { "wait group", make_group, step_group,
				      compare_group, end_group };
