/*
 * fuzz_group.c - task groups, whose members sleep and then end with a code.
 */
#include "fuzz.h"
#include "model_group.h"

struct real {
	chp_group g;
	struct member {
		struct object *o;
		int number, ms, code;
		bool used; /* for good: the result may not be fetched yet */
	} members[MODEL_MEMBERS];
};

struct model {
	struct model_group g;
};

#define G(o) (&MODEL(o)->g)

static int be_a_member(void *arg)
{
	struct member *m = arg;
	int r = m->ms ? chp_sleep_for(m->ms * CHP_MS) : 0;

	if (r == 0)
		r = m->code;
	SAY("  member %jd ends: %jd", m->number, r);
	if (r == CHP_EABORTED)
		EXPECT(G(m->o)->cancelled, 1);
	model_group_end(G(m->o), m->number, r);
	tasks_moved(-1);
	return r;
}

/* ---- Waits ---- */

static chp_group_result results[WAITS];

static int poll_next(struct wait *w)
{
	return model_group_next(G(w->object), w->id);
}

static int cancel_next(struct wait *w)
{
	return model_group_cancel_next(G(w->object), w->id);
}

static void came(struct wait *w, int r)
{
	const struct model_group *m = G(w->object);

	if (r != 1)
		return;
	EXPECT(((struct member *)results[w->id].arg)->number, m->out);
	EXPECT(results[w->id].code, m->out_with);
}

static const struct wait_class next_class = {
	"group next", poll_next, cancel_next, came, false, false,
};

static int poll_wait(struct wait *w)
{
	return model_group_wait(G(w->object), w->id);
}

static const struct wait_class wait_class = {
	"group wait", poll_wait, cancel_next, nothing, false, false,
};

static void wait_for_it(struct object *o)
{
	bool next = G(o)->results && !one_in(3);
	struct wait *w = wait_new(o, next ? &next_class : &wait_class);

	if (!w)
		return;
	SAY("  wait %jd: next %jd", w->id, next);
	if (next)
		chp_group_next_op(&w->tasks, &REAL(o)->g, &results[w->id]);
	else
		chp_group_wait_op(&w->tasks, &REAL(o)->g);
	wait_begin(w, &w->tasks.op);
}

/* ---- Steps ---- */

static void spawn(struct object *o)
{
	static const int codes[] = { 0, 0, 0, 7, -5 };
	struct real *r = REAL(o);
	int i = 0, code;

	while (i < MODEL_MEMBERS && r->members[i].used)
		i++;
	if (i == MODEL_MEMBERS)
		return;
	r->members[i] =
		(struct member){ o, i, (int)below(4), codes[below(5)], false };
	code = chp_group_spawn(&r->g, be_a_member, &r->members[i]);
	SAY("  member %jd for %jd ms, then %jd: %jd", i, r->members[i].ms,
	    r->members[i].code, code);
	EXPECT(code, model_group_spawn(G(o)));
	r->members[i].used = code == 0;
	tasks_moved(code == 0);
}

static void step(struct object *o)
{
	switch (below(8)) {
	default:
		spawn(o);
		break;
	case 3:
	case 4:
	case 5:
		wait_for_it(o);
		break;
	case 6:
		step_clock();
		break;
	case 7:
		if (!one_in(3))
			return;
		SAY("  the group is cancelled");
		chp_group_cancel(&REAL(o)->g);
		G(o)->cancelled = true;
	}
}

static void make(struct object *o)
{
	unsigned flags = below(4);

	SAY("  flags %jd (1: keep going, 2: results)", flags);
	object_new(o, sizeof(struct real));
	EXPECT(chp_group_init(&REAL(o)->g, NULL, 0, flags), 0);
	G(o)->keep_going = flags & CHP_GROUP_KEEP_GOING;
	G(o)->results = flags & CHP_GROUP_RESULTS;
}

static void compare(struct object *o)
{
	EXPECT(chp_group_count(&REAL(o)->g), G(o)->running);
	EXPECT(chp_cancel_status(chp_group_token(&REAL(o)->g)),
	       G(o)->cancelled ? CHP_ECANCELED : 0);
}

static void end(struct object *o)
{
	int r = chp_group_finish(&REAL(o)->g);

	EXPECT(r, G(o)->code        ? G(o)->code
		  : G(o)->cancelled ? CHP_ECANCELED
				    : 0);
	EXPECT(G(o)->running, 0);
}

const struct part part_group = { "group", make, step, compare, end };
