/*
 * fuzz_rwlock.c - rwlocks with few and many readers, and guards.
 */
#include "fuzz.h"
#include "model_rwlock.h"

enum { HELD = 8 };

struct real {
	chp_rwlock *l;
	chp_rwlock_guard held[HELD]; /* mutex NULL and data set: no guard */
	int count;
};

struct model {
	struct model_rwlock l;
};

#define L(o) (&MODEL(o)->l)

static chp_rwlock_guard guards[WAITS];

/* ---- Waits ---- */

static int poll_lock(struct wait *w)
{
	return model_rwlock_poll(L(w->object), w->id, w->n);
}

static int cancel_lock(struct wait *w)
{
	return model_rwlock_cancel(L(w->object), w->id);
}

static void unlock(struct object *o, chp_rwlock_guard *g)
{
	if (g->rwlock)
		chp_rwlock_guard_unlock(g);
	else if (g->writes)
		chp_rwlock_write_unlock(REAL(o)->l);
	else
		chp_rwlock_read_unlock(REAL(o)->l);
	CHECK(!g->rwlock);
	model_rwlock_unlock(L(o));
}

static void hold(struct object *o, chp_rwlock_guard g, bool writes)
{
	struct real *r = REAL(o);

	if (g.rwlock) {
		EXPECT(g.writes, writes);
		CHECK(g.rwlock == r->l);
	}
	g.writes = writes;
	if (r->count == HELD)
		unlock(o, &g);
	else
		r->held[r->count++] = g;
}

static void locked(struct wait *w, int r)
{
	chp_rwlock_guard *g = &guards[w->id];

	if (r == 0)
		hold(w->object, *g, w->n);
	else
		CHECK(!g->rwlock && !g->data);
}

static const struct wait_class lock_class = {
	"rwlock", poll_lock, cancel_lock, locked, false, false,
};

/* ---- Steps ---- */

static void lock(struct object *o)
{
	struct wait *w = wait_new(o, &lock_class);
	chp_rwlock *l = REAL(o)->l;
	chp_rwlock_guard *g;
	chp_rwlock_op *op;

	if (!w)
		return;
	g = &guards[w->id];
	op = &w->rwlock;
	memset(g, 0, sizeof(*g));
	w->n = below(2);
	SAY("  wait %jd: %jd (0: read, 1: write)", w->id, w->n);
	switch (below(3)) {
	case 0:
		if (w->n)
			chp_rwlock_write_op(op, l);
		else
			chp_rwlock_read_op(op, l);
		break;
	case 1:
		if (w->n)
			chp_rwlock_write_guard_op(op, l, w, g);
		else
			chp_rwlock_read_guard_op(op, l, w, g);
		break;
	default:
		if (w->n)
			chp_rwlock_write_owned_op(op, l, g);
		else
			chp_rwlock_read_owned_op(op, l, g);
	}
	wait_begin(w, &w->rwlock.op);
}

static void try_lock(struct object *o)
{
	chp_rwlock_guard g = { 0 };
	bool writes = one_in(2), owned = one_in(2);
	chp_rwlock *l = REAL(o)->l;
	int r;

	if (owned)
		r = writes ? chp_rwlock_try_write_owned(l, &g)
			   : chp_rwlock_try_read_owned(l, &g);
	else
		r = writes ? chp_rwlock_try_write(l) : chp_rwlock_try_read(l);
	SAY("  try %jd: %jd", writes, r);
	EXPECT(r, model_rwlock_try(L(o), writes));
	if (r == 0)
		hold(o, g, writes);
}

static void release(struct object *o)
{
	struct real *r = REAL(o);
	chp_rwlock_guard g;
	unsigned i;

	if (!r->count)
		return;
	i = below((unsigned)r->count);
	g = r->held[i];
	r->held[i] = r->held[--r->count];
	SAY("  unlock %jd", g.writes);
	unlock(o, &g);
}

static void change(struct object *o)
{
	struct real *r = REAL(o);
	chp_rwlock_guard *g = &r->held[0];
	int code;

	if (!r->count)
		return;
	if (g->writes) {
		SAY("  downgrade");
		if (g->rwlock)
			*g = chp_rwlock_guard_downgrade(g);
		else
			chp_rwlock_downgrade(r->l);
		g->writes = 0;
		model_rwlock_downgrade(L(o));
		return;
	}
	code = g->rwlock ? chp_rwlock_guard_try_upgrade(g)
			 : chp_rwlock_try_upgrade(r->l);
	SAY("  upgrade: %jd", code);
	EXPECT(code, model_rwlock_try_upgrade(L(o)));
	if (g->rwlock)
		EXPECT(g->writes, code == 0);
	g->writes = code == 0;
}

static void step(struct object *o)
{
	static void (*const steps[])(struct object *) = {
		lock, lock, lock, try_lock, release, release, change, change,
	};

	steps[below(8)](o);
}

static void make(struct object *o)
{
	unsigned max = below(5);

	SAY("  at most %jd readers", max);
	object_new(o, sizeof(struct real));
	REAL(o)->l = chp_rwlock_new(sizeof(int), NULL, drop_of(o), max);
	model_rwlock_init(L(o), max ? (int)max : (int)CHP_RWLOCK_MAX_READERS);
}

static void compare(struct object *o)
{
	EXPECT(chp_rwlock_readers(REAL(o)->l), L(o)->readers);
}

static void end(struct object *o)
{
	while (REAL(o)->count)
		release(o);
	compare(o);
	EXPECT(chp_rwlock_readers(REAL(o)->l), 0);
	chp_rwlock_unref(REAL(o)->l);
	EXPECT(o->dropped, 1);
}

const struct part part_rwlock = { "rwlock", make, step, compare, end };
