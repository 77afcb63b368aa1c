/*
 * waits.c - operations of the program: polling and cancelling them beside the
 * model, and counting wakes.
 */
#include "fuzz.h"

struct wait waits[WAITS];

/* ---- Listeners: wakers that count ---- */

static void on_wake(void *data)
{
	struct listener *l = data;

	l->wakes++;
	l->refs--;
}

static void on_retain(void *data)
{
	((struct listener *)data)->refs++;
}

static void on_release(void *data)
{
	((struct listener *)data)->refs--;
}

static const chp_waker_class listener_class = { on_wake, on_retain,
						on_release };

int wait_poll_real(chp_op *op, struct listener *l)
{
	chp_poll_ctx ctx =
		chp_poll_ctx_of((chp_waker){ l ? &listener_class : NULL, l });

	return chp_op_poll(op, &ctx);
}

/* ---- The model's side ---- */

/* Would a poll come further?  With everything put back. */
bool wait_can_go_on(struct wait *w)
{
	static uint8_t before[MODEL_MAX];
	bool yes;

	memcpy(before, w->object->model, MODEL_MAX);
	yes = w->cls->poll(w) != CHP_PENDING ||
	      memcmp(before, w->object->model, MODEL_MAX) != 0;
	memcpy(w->object->model, before, MODEL_MAX);
	return yes;
}

int holds_nothing(struct wait *w)
{
	(void)w;
	return CHP_HELD_NOTHING;
}

void nothing(struct wait *w, int r)
{
	(void)w;
	(void)r;
}

static bool expired(const struct wait *w)
{
	return w->deadline && chp_now() >= w->deadline;
}

int wait_poll_model(struct wait *w)
{
	int r = w->cls->poll(w);

	if (r != CHP_PENDING || !expired(w))
		return r;
	/* For a moment it waited: who had waited for that was woken. */
	waits_expect();
	w->cls->cancel(w);
	return CHP_ETIMEDOUT;
}

/* ---- One wait ---- */

void wait_disarm(struct wait *w)
{
	w->armed = w->timer_armed = false;
}

void wait_finish(struct wait *w, int r)
{
	const struct wait_class *cls = w->cls;

	w->cls = NULL;
	w->group = NULL;
	wait_disarm(w);
	cls->done(w, r);
}

void wait_left_pending(struct wait *w, struct listener *l)
{
	w->polled = true;
	w->listener = l ? l : &w->own;
	w->armed = l != NULL;
	w->timer_armed = l && w->deadline;
}

static void poll(struct wait *w, struct listener *l)
{
	int want = wait_poll_model(w), r;

	r = wait_poll_real(w->op, l);
	SAY("  wait %jd polled: %jd", w->id, r);
	EXPECT(r, want);
	if (r == CHP_PENDING)
		wait_left_pending(w, l);
	else
		wait_finish(w, r == CHP_ETIMEDOUT ? GIVEN_UP : r);
}

static void cancel(struct wait *w)
{
	int want = w->polled ? w->cls->cancel(w) : CHP_HELD_NOTHING, r;

	r = chp_op_cancel(w->op);
	SAY("  wait %jd cancelled: %jd", w->id, r);
	EXPECT(r, want);
	wait_finish(w, GIVEN_UP);
}

struct wait *wait_new(struct object *o, const struct wait_class *cls)
{
	for (int i = 0; i < WAITS; i++) {
		struct wait *w = &waits[i];

		if (w->cls)
			continue;
		memset(w, 0, sizeof(*w));
		w->id = i;
		w->cls = cls;
		w->object = o;
		w->listener = &w->own;
		return w;
	}
	return NULL;
}

void wait_begin_now(struct wait *w, chp_op *op)
{
	w->inner = w->op = op;
	poll(w, &w->own);
}

void wait_begin(struct wait *w, chp_op *op)
{
	unsigned how = below(8);

	w->inner = w->op = op;
	if (how & 1 && one_in(2)) {
		w->deadline = chp_now() + ((int)below(5) - 1) * CHP_MS;
		chp_timeout_init(&w->timeout, op, w->deadline);
		w->op = &w->timeout.op;
		SAY("  wait %jd has until %jd", w->id, w->deadline);
	}
	if (how < 7)
		poll(w, how == 6 ? NULL : &w->own);
}

bool wait_on(const struct object *o, const struct wait_class *cls,
	     const void *handle)
{
	for (int i = 0; i < WAITS; i++)
		if (waits[i].cls && waits[i].object == o &&
		    (!cls || waits[i].cls == cls) &&
		    (!handle || waits[i].handle == handle))
			return true;
	return false;
}

/* ---- Steps ---- */

void step_poll(void)
{
	unsigned which = take();
	struct wait *w = &waits[which % WAITS];

	if (!w->cls || w->driver)
		return;
	if (w->group)
		select_poll(w->group);
	else
		poll(w, which >= 240 ? NULL : &w->own);
}

void step_cancel(void)
{
	struct wait *w = &waits[below(WAITS)];

	if (!w->cls || w->driver)
		return;
	if (w->group)
		select_cancel(w->group);
	else
		cancel(w);
}

/* Poll all who have been woken, as an executor would. */
void step_woken(void)
{
	SAY("all who were woken");
	for (int i = 0; i < WAITS; i++) {
		struct wait *w = &waits[i];

		if (!w->cls || !w->polled || w->armed || w->driver)
			continue;
		if (w->group)
			select_poll(w->group);
		else
			poll(w, &w->own);
		tasks_settle();
		waits_check();
	}
}

void step_clock(void)
{
	unsigned ms = 1 + below(4);

	SAY("%jd ms go by", ms);
	EXPECT(chp_sleep_for(ms * CHP_MS), 0);
}

/* ---- Wakes ---- */

static void expect_wakes_of(struct wait *w)
{
	struct listener *l = w->listener;

	if (w->armed) {
		if (wait_can_go_on(w)) {
			l->must++;
			w->armed = false;
		} else if (w->cls->wakes_early) {
			l->may++;
		}
	}
	l->may += w->cls->has_timer;
	if (w->timer_armed && expired(w)) {
		l->must++;
		w->timer_armed = false;
	}
}

/* After each change of a model. */
void waits_expect(void)
{
	for (int i = 0; i < WAITS; i++)
		if (waits[i].cls && waits[i].polled && !waits[i].driver)
			expect_wakes_of(&waits[i]);
}

/* Wakes that came too early: who had them is not armed any more. */
static void early_wakes(struct listener *l, long early)
{
	for (int i = 0; i < WAITS; i++) {
		struct wait *w = &waits[i];

		if (!w->cls || w->listener != l || !w->armed ||
		    !w->cls->wakes_early || w->cls->has_timer)
			continue;
		w->armed = false;
		l->unsure |= l->may > early;
	}
}

static void say_listener(const struct listener *l)
{
	for (int i = 0; i < WAITS; i++)
		if (&waits[i].own == l)
			SAY("the waker of wait %jd:", i);
	for (int i = 0; i < GROUPS; i++)
		if (select_listener(i) == l)
			SAY("the waker of select %jd:", i);
}

static void check_listener(struct listener *l)
{
	long held = 0, spare = 0;

	if (!l->unsure && (l->wakes < l->must || l->wakes > l->must + l->may)) {
		say_listener(l);
		EXPECT(l->wakes, l->must);
	}
	if (l->wakes > l->must)
		early_wakes(l, l->wakes - l->must);
	l->wakes = l->must = l->may = 0;
	for (int i = 0; i < WAITS; i++)
		if (waits[i].cls && waits[i].listener == l &&
		    !waits[i].driver) {
			held += waits[i].armed + waits[i].timer_armed;
			spare += waits[i].cls->has_timer;
		}
	if (!l->unsure && (l->refs < held || l->refs > held + spare))
		EXPECT(l->refs, held);
	else if (l->refs == 0)
		l->unsure = false;
}

void waits_check(void)
{
	waits_expect();
	for (int i = 0; i < WAITS; i++)
		check_listener(&waits[i].own);
	for (int i = 0; i < GROUPS; i++)
		check_listener(select_listener(i));
}

/* ---- Beginning and end ---- */

void waits_reset(void)
{
	memset(waits, 0, sizeof(waits));
	selects_reset();
}

static void give_up(struct wait *w)
{
	if (w->driver)
		task_give_up(w);
	else if (w->group)
		select_cancel(w->group);
	if (w->cls)
		cancel(w);
	tasks_settle();
	waits_check();
}

void waits_cancel(const struct object *o, const void *handle)
{
	for (int i = 0; i < WAITS; i++)
		if (waits[i].cls && waits[i].object == o &&
		    (!handle || waits[i].handle == handle))
			give_up(&waits[i]);
}

void waits_end(void)
{
	for (int i = 0; i < WAITS; i++)
		if (waits[i].cls)
			give_up(&waits[i]);
	for (int i = 0; i < WAITS; i++)
		EXPECT(waits[i].own.refs, 0);
	for (int i = 0; i < GROUPS; i++)
		EXPECT(select_listener(i)->refs, 0);
}
