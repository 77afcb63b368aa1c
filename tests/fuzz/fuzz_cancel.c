/*
 * fuzz_cancel.c - trees of cancellation tokens, with deadlines; sleeps that are
 * reset.
 */
#include "fuzz.h"
#include "model_cancel.h"

struct real {
	chp_cancel tokens[MODEL_TOKENS];
};

struct model {
	struct model_cancel c;
};

#define C(o) (&MODEL(o)->c)

static int poll_token(struct wait *w)
{
	return model_cancel_status(C(w->object), w->slot, chp_now())
		       ? 0
		       : CHP_PENDING;
}

static const struct wait_class token_class = {
	"token", poll_token, holds_nothing, nothing, false, true,
};

static chp_time soon(void)
{
	return chp_now() + ((int)below(6) - 1) * CHP_MS;
}

static void wait_token(struct object *o)
{
	int t = (int)below(MODEL_TOKENS);
	struct wait *w;

	if (!C(o)->token[t].made || !(w = wait_new(o, &token_class)))
		return;
	w->slot = t;
	w->handle = &REAL(o)->tokens[t];
	SAY("  wait %jd: token %jd", w->id, t);
	chp_cancel_wait_op(&w->cancel, w->handle);
	wait_begin(w, &w->cancel.op);
}

static void make_token(struct object *o)
{
	int t = (int)below(MODEL_TOKENS), parent = (int)below(MODEL_TOKENS);
	chp_time deadline = one_in(2) ? soon() : 0;
	chp_cancel *tokens = REAL(o)->tokens;

	if (C(o)->token[t].made)
		return;
	if (parent == t || !C(o)->token[parent].made)
		parent = -1;
	SAY("  token %jd under %jd, until %jd", t, parent, deadline);
	chp_cancel_init(&tokens[t], parent < 0 ? NULL : &tokens[parent],
			deadline);
	model_cancel_make(C(o), t, parent, deadline, chp_now());
}

static void cancel_token(struct object *o)
{
	int t = (int)below(MODEL_TOKENS);

	if (!C(o)->token[t].made)
		return;
	SAY("  token %jd cancelled", t);
	chp_cancel_now(&REAL(o)->tokens[t]);
	model_cancel_now(C(o), t);
}

static bool has_children(struct object *o, int t)
{
	for (int i = 0; i < MODEL_TOKENS; i++)
		if (C(o)->token[i].made && C(o)->token[i].parent == t)
			return true;
	return false;
}

static void destroy_token(struct object *o, int t)
{
	if (!C(o)->token[t].made || has_children(o, t))
		return;
	waits_cancel(o, &REAL(o)->tokens[t]);
	SAY("  token %jd destroyed", t);
	chp_cancel_destroy(&REAL(o)->tokens[t]);
	C(o)->token[t].made = false;
}

/* ---- Sleeps ---- */

static int poll_sleep(struct wait *w)
{
	return chp_now() >= w->n ? 0 : CHP_PENDING;
}

static void slept(struct wait *w, int r)
{
	EXPECT(chp_sleep_is_elapsed(&w->sleep), r == 0);
}

static const struct wait_class sleep_class = {
	"sleep", poll_sleep, holds_nothing, slept, false, false,
};

static void sleep_some(struct object *o)
{
	struct wait *w = wait_new(o, &sleep_class);

	if (!w)
		return;
	w->n = soon();
	SAY("  wait %jd: sleep until %jd", w->id, w->n);
	chp_sleep_until_op(&w->sleep, w->n);
	wait_begin(w, &w->sleep.op);
}

static void step(struct object *o)
{
	switch (below(8)) {
	default:
		make_token(o);
		break;
	case 2:
	case 3:
		wait_token(o);
		break;
	case 4:
		cancel_token(o);
		break;
	case 5:
		destroy_token(o, (int)below(MODEL_TOKENS));
		break;
	case 6:
	case 7:
		sleep_some(o);
	}
}

static void make(struct object *o)
{
	object_new(o, sizeof(struct real));
}

static void compare(struct object *o)
{
	for (int t = 0; t < MODEL_TOKENS; t++) {
		chp_cancel *token = &REAL(o)->tokens[t];

		if (!C(o)->token[t].made)
			continue;
		EXPECT(chp_cancel_status(token),
		       model_cancel_status(C(o), t, chp_now()));
		EXPECT(chp_cancel_deadline(token), C(o)->token[t].deadline);
	}
}

static void end(struct object *o)
{
	for (int round = 0; round < MODEL_TOKENS; round++)
		for (int t = 0; t < MODEL_TOKENS; t++)
			destroy_token(o, t);
}

const struct part part_cancel = { "cancel", make, step, compare, end };
