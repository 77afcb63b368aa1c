/*
 * fuzz_mutex.c - mutexes of both kinds, their guards, and a condition variable.
 */
#include "fuzz.h"
#include "model_mutex.h"

enum { PLAIN, GUARD, OWNED }; /* a wait's `what` */

struct real {
	chp_mutex *m; /* counted; its value counts who is in */
	chp_cond c;
	bool held;
	chp_mutex_guard guard; /* held by this, if not empty */
};

struct model {
	struct model_mutex m;
};

#define M(o) (&MODEL(o)->m)

/* ---- Waits ---- */

/* Guards live here: by number of the wait. */
static chp_mutex_guard guards[WAITS];

static void hold(struct object *o, chp_mutex_guard guard)
{
	int *in = chp_mutex_value(REAL(o)->m);

	EXPECT(++*in, 1);
	CHECK(!REAL(o)->held);
	REAL(o)->held = true;
	REAL(o)->guard = guard;
}

static void drop_hold(struct object *o)
{
	int *in = chp_mutex_value(REAL(o)->m);

	EXPECT(--*in, 0);
	REAL(o)->held = false;
}

static int poll_lock(struct wait *w)
{
	return model_mutex_poll(M(w->object), w->id);
}

static int cancel_lock(struct wait *w)
{
	return model_mutex_cancel(M(w->object), w->id);
}

static void locked(struct wait *w, int r)
{
	chp_mutex_guard *g = &guards[w->id];

	if (r != 0) {
		CHECK(!g->mutex && !g->data);
		return;
	}
	CHECK(!g->mutex == (w->what == PLAIN));
	hold(w->object, *g);
}

static const struct wait_class lock_class = {
	"lock", poll_lock, cancel_lock, locked, true, false,
};

static int poll_cond(struct wait *w)
{
	return model_cond_poll(M(w->object), w->id);
}

static int cancel_cond(struct wait *w)
{
	return model_cond_cancel(M(w->object), w->id);
}

static void signalled(struct wait *w, int r)
{
	if (r == 0)
		hold(w->object, (chp_mutex_guard){ 0 });
}

static const struct wait_class cond_class = {
	"cond", poll_cond, cancel_cond, signalled, true, false,
};

/* ---- Steps ---- */

static void lock(struct object *o)
{
	struct wait *w = wait_new(o, &lock_class);
	chp_mutex *m = REAL(o)->m;

	if (!w)
		return;
	w->what = (int)below(3);
	memset(&guards[w->id], 0, sizeof(*guards));
	SAY("  wait %jd: lock %jd", w->id, w->what);
	if (w->what == PLAIN)
		chp_mutex_lock_op(&w->lock, m);
	else if (w->what == GUARD)
		chp_mutex_lock_guard_op(&w->lock, m, NULL, &guards[w->id]);
	else
		chp_mutex_lock_owned_op(&w->lock, m, &guards[w->id]);
	wait_begin(w, &w->lock.op);
}

static void try_lock(struct object *o)
{
	chp_mutex_guard g = { 0 };
	int r = one_in(2) ? chp_mutex_try_lock(REAL(o)->m)
			  : chp_mutex_try_lock_owned(REAL(o)->m, &g);

	SAY("  try: %jd", r);
	EXPECT(r, model_mutex_try(M(o)));
	if (r == 0)
		hold(o, g);
}

static void unlock(struct object *o)
{
	struct real *r = REAL(o);

	if (!r->held)
		return;
	SAY("  unlock");
	chp_mutex_adopt(r->m); /* maybe from a task */
	drop_hold(o);
	model_mutex_unlock(M(o));
	if (r->guard.mutex)
		chp_mutex_guard_unlock(&r->guard);
	else
		chp_mutex_unlock(r->m);
	CHECK(!r->guard.mutex);
}

static void wait_cond(struct object *o)
{
	struct wait *w;

	if (!REAL(o)->held || REAL(o)->guard.mutex ||
	    !(w = wait_new(o, &cond_class)))
		return;
	SAY("  wait %jd: for a signal", w->id);
	chp_mutex_adopt(REAL(o)->m);
	drop_hold(o);
	chp_cond_wait_op(&w->cond, &REAL(o)->c, REAL(o)->m);
	wait_begin_now(w, &w->cond.op);
}

static void tell_cond(struct object *o)
{
	if (one_in(2)) {
		SAY("  signal");
		model_cond_signal(M(o));
		chp_cond_signal(&REAL(o)->c);
	} else {
		SAY("  broadcast");
		model_cond_broadcast(M(o));
		chp_cond_broadcast(&REAL(o)->c);
	}
}

static void step(struct object *o)
{
	static void (*const steps[])(struct object *) = {
		lock,   lock,   lock,   try_lock,  unlock,    unlock,
		unlock, unlock, unlock, wait_cond, tell_cond, tell_cond,
	};

	steps[below(12)](o);
}

static void make(struct object *o)
{
	bool fifo = one_in(2);
	struct real *r = object_new(o, sizeof(struct real));

	SAY("  fifo %jd", fifo);
	r->m = chp_mutex_new(sizeof(int), NULL, drop_of(o),
			     fifo ? CHP_MUTEX_FIFO : 0);
	model_mutex_init(M(o), fifo);
}

static void compare(struct object *o)
{
	EXPECT(chp_mutex_is_locked(REAL(o)->m), M(o)->locked);
}

static void end(struct object *o)
{
	unlock(o);
	EXPECT(chp_mutex_is_locked(REAL(o)->m), 0);
	chp_cond_destroy(&REAL(o)->c);
	EXPECT(o->dropped, 0);
	chp_mutex_unref(REAL(o)->m);
	EXPECT(o->dropped, 1);
}

const struct part part_mutex = { "mutex", make, step, compare, end };
