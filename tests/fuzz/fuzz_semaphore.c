/*
 * fuzz_semaphore.c - semaphores of the three policies, and permits.
 */
#include "fuzz.h"
#include "model_semaphore.h"

enum { PERMITS = 3 };

struct real {
	chp_semaphore *s; /* counted, so that owned permits work */
	bool owned;
	chp_permit permits[PERMITS];
};

struct model {
	struct model_semaphore s;
	int64_t held[PERMITS];
};

/* ---- Waits ---- */

static int model_poll(struct wait *w)
{
	return model_semaphore_poll(&MODEL(w->object)->s, w->id, w->n);
}

static int model_cancel(struct wait *w)
{
	return model_semaphore_cancel(&MODEL(w->object)->s, w->id);
}

/* Into one of the permits, or forgotten at once. */
static void keep(struct object *o, chp_permit *p, int64_t n)
{
	EXPECT(chp_permit_count(p), n);
	EXPECT(p->semaphore == REAL(o)->s, 1);
	for (int i = 0; i < PERMITS; i++) {
		if (REAL(o)->permits[i].semaphore)
			continue;
		REAL(o)->permits[i] = *p;
		MODEL(o)->held[i] = n;
		return;
	}
	chp_permit_forget(p);
	EXPECT(chp_permit_count(p), 0);
}

static void done(struct wait *w, int r)
{
	if (!w->what)
		return;
	if (r == 0)
		keep(w->object, &w->permit, w->n);
	else
		CHECK(!w->permit.semaphore && !w->permit.count);
}

static const struct wait_class acquire_class = {
	"acquire", model_poll, model_cancel, done, true, false,
};

/* ---- Steps ---- */

/* Small, now and then not allowed. */
static int64_t amount(void)
{
	unsigned n = take();

	return n == 255 ? -1 : (int)(n % 5);
}

/* The same, or one too many. */
static int64_t amount_below(int64_t most)
{
	unsigned n = take();

	return n == 254 ? most + 1 : n == 255 ? -1 : (int)(n % 5);
}

static void acquire(struct object *o)
{
	struct wait *w = wait_new(o, &acquire_class);

	if (!w)
		return;
	w->what = (int)below(2);
	w->n = amount();
	SAY("  wait %jd: acquire %jd", w->id, w->n);
	if (w->what && REAL(o)->owned)
		chp_semaphore_acquire_owned_op(&w->acquire, REAL(o)->s, w->n,
					       &w->permit);
	else if (w->what)
		chp_semaphore_acquire_permit_op(&w->acquire, REAL(o)->s, w->n,
						&w->permit);
	else
		chp_semaphore_acquire_op(&w->acquire, REAL(o)->s, w->n);
	wait_begin(w, &w->acquire.op);
}

static void try_acquire(struct object *o)
{
	int64_t n = amount();
	int r;

	SAY("  try %jd", n);
	r = chp_semaphore_try_acquire(REAL(o)->s, n);
	EXPECT(r, model_semaphore_try(&MODEL(o)->s, n));
}

static void try_permit(struct object *o)
{
	int64_t n = amount();
	chp_permit p;
	int r;

	SAY("  try %jd for a permit", n);
	r = REAL(o)->owned
		    ? chp_semaphore_try_acquire_owned(REAL(o)->s, n, &p)
		    : chp_semaphore_try_acquire_permit(REAL(o)->s, n, &p);
	EXPECT(r, model_semaphore_try(&MODEL(o)->s, n));
	if (r == 0)
		keep(o, &p, n);
	else
		CHECK(!p.semaphore);
}

static void release(struct object *o)
{
	int64_t n = amount_below(CHP_SEMAPHORE_MAX - MODEL(o)->s.count);

	SAY("  release %jd", n);
	EXPECT(chp_semaphore_release(REAL(o)->s, n),
	       model_semaphore_release(&MODEL(o)->s, n));
}

static void change(struct object *o)
{
	chp_semaphore *s = REAL(o)->s;
	struct model_semaphore *m = &MODEL(o)->s;
	unsigned what = below(8);
	int64_t n = amount_below(what < 5 ? m->count + CHP_SEMAPHORE_MAX
					  : CHP_SEMAPHORE_MAX);

	SAY("  change %jd by %jd", what, n);
	switch (what) {
	case 0:
		EXPECT(chp_semaphore_drain(s), model_semaphore_drain(m));
		break;
	case 1:
	case 2:
		EXPECT(chp_semaphore_reduce(s, n),
		       model_semaphore_reduce(m, n));
		break;
	case 3:
	case 4:
		EXPECT(chp_semaphore_forget(s, n),
		       model_semaphore_forget(m, n));
		break;
	case 5:
	case 6:
		EXPECT(chp_semaphore_resize(s, n),
		       model_semaphore_resize(m, n));
		break;
	default:
		if (!one_in(4))
			return;
		SAY("  closed");
		chp_semaphore_close(s);
		model_semaphore_close(m);
	}
}

static void use_permit(struct object *o)
{
	unsigned i = below(PERMITS), j = below(PERMITS);
	chp_permit *p = REAL(o)->permits;
	int64_t *held = MODEL(o)->held, n;

	switch (below(4)) {
	case 0:
		SAY("  permit %jd of %jd released", i, held[i]);
		if (held[i])
			EXPECT(model_semaphore_release(&MODEL(o)->s, held[i]),
			       0);
		held[i] = 0;
		chp_permit_release(&p[i]);
		break;
	case 1:
		SAY("  permit %jd of %jd forgotten", i, held[i]);
		held[i] = 0;
		chp_permit_forget(&p[i]);
		break;
	case 2:
		n = amount();
		if (p[j].semaphore || !p[i].semaphore || i == j)
			return;
		SAY("  permit %jd split: %jd to %jd", i, n, j);
		EXPECT(chp_permit_split(&p[i], n, &p[j]),
		       n < 0 || n > held[i] ? CHP_EINVAL : 0);
		if (n < 0 || n > held[i])
			return;
		held[i] -= n;
		held[j] = n;
		break;
	default:
		if (i == j)
			return;
		SAY("  permit %jd merged into %jd", i, j);
		EXPECT(chp_permit_merge(&p[j], &p[i]), 0);
		CHECK(!p[i].semaphore);
		held[j] += held[i];
		held[i] = 0;
	}
}

static void step(struct object *o)
{
	static void (*const steps[])(struct object *) = {
		acquire, acquire, acquire, try_acquire, try_permit,
		release, release, change,  use_permit,  use_permit,
	};

	steps[below(sizeof(steps) / sizeof(*steps))](o);
}

/* ---- The whole ---- */

static void make(struct object *o)
{
	chp_policy policy = (chp_policy)below(3);
	int64_t permits = (int64_t)below(6) - 2;

	object_new(o, sizeof(struct real));
	SAY("  policy %jd, permits %jd", policy, permits);
	REAL(o)->owned = one_in(2);
	REAL(o)->s = chp_semaphore_new(permits, policy);
	model_semaphore_init(&MODEL(o)->s, permits, policy);
}

static void compare(struct object *o)
{
	chp_semaphore *s = REAL(o)->s;
	const struct model_semaphore *m = &MODEL(o)->s;
	chp_waiter list[MODEL_WAITERS];
	chp_semaphore_state state;

	EXPECT(chp_semaphore_available(s), model_semaphore_available(m));
	EXPECT(chp_semaphore_capacity(s), m->capacity);
	EXPECT(chp_semaphore_is_closed(s), m->closed);
	EXPECT(chp_semaphore_queue_length(s), m->queue.len);
	EXPECT(chp_semaphore_has_waiters(s), m->queue.len > 0);
	EXPECT(chp_semaphore_waiters(s, list, MODEL_WAITERS), m->queue.len);
	for (int i = 0; i < m->queue.len; i++) {
		EXPECT(list[i].permits, m->want[m->queue.at[i]]);
		EXPECT(list[i].kind,
		       waits[m->queue.at[i]].driver ? CHP_TASK : CHP_POLLER);
	}
	chp_semaphore_save(s, &state);
	EXPECT(state.permits, m->count);
	EXPECT(state.policy, m->policy);
	for (int i = 0; i < PERMITS; i++)
		EXPECT(chp_permit_count(&REAL(o)->permits[i]),
		       MODEL(o)->held[i]);
}

static void end(struct object *o)
{
	for (int i = 0; i < PERMITS; i++)
		chp_permit_forget(&REAL(o)->permits[i]);
	chp_semaphore_unref(REAL(o)->s);
}

const struct part part_semaphore = { "semaphore", make, step, compare, end };
