/*
 * selects.c - several waits polled as one.
 */
#include "fuzz.h"

static struct group {
	chp_select_op select; /* in use: count is not 0 */
	chp_select_arm arms[ARMS];
	struct wait *waits[ARMS];
	struct listener listener;
	unsigned count;
	bool losers_go;
} groups[GROUPS];

static void group_dissolve(struct group *g)
{
	for (unsigned i = 0; i < g->count; i++)
		if (g->waits[i] && g->waits[i]->group == g)
			g->waits[i]->group = NULL;
	g->count = 0;
}

/* The model's turn of giving up the arms but one.  All are given up when the
   select returns; what is then done with their results comes after that. */
static void group_lose(struct group *g, int but)
{
	for (unsigned i = 0; i < g->count; i++) {
		struct wait *w = g->waits[i];

		if (!w || (int)i == but)
			continue;
		if (w->polled)
			w->cls->cancel(w);
		wait_disarm(w);
		waits_expect();
	}
	for (unsigned i = 0; i < g->count; i++) {
		if (!g->waits[i] || (int)i == but)
			continue;
		wait_finish(g->waits[i], GIVEN_UP);
		waits_expect();
	}
}

void select_poll(struct group *g)
{
	int want = CHP_PENDING, result = 0, r;

	for (unsigned i = 0; i < g->count; i++) {
		if (!g->waits[i])
			continue;
		result = wait_poll_model(g->waits[i]);
		if (result != CHP_PENDING) {
			want = (int)i;
			break;
		}
		wait_left_pending(g->waits[i], &g->listener);
		waits_expect();
	}
	r = wait_poll_real(&g->select.op, &g->listener);
	SAY("  select %jd polled: %jd", g - groups, r);
	EXPECT(r, want);
	if (r == CHP_PENDING)
		return;
	EXPECT(g->arms[r].result, result);
	wait_disarm(g->waits[r]);
	waits_expect();
	if (g->losers_go)
		group_lose(g, r);
	wait_finish(g->waits[r], result == CHP_ETIMEDOUT ? GIVEN_UP : result);
	waits_expect();
	group_dissolve(g);
}

void select_cancel(struct group *g)
{
	SAY("  select %jd cancelled", g - groups);
	EXPECT(chp_op_cancel(&g->select.op), CHP_HELD_NOTHING);
	if (g->losers_go)
		group_lose(g, -1);
	group_dissolve(g);
}

static void group_make(struct group *g)
{
	unsigned count = 1 + below(ARMS), enabled = 0;

	g->losers_go = one_in(2);
	memset(g->arms, 0, sizeof(g->arms));
	memset(g->waits, 0, sizeof(g->waits));
	for (unsigned i = 0; i < count; i++) {
		struct wait *w = &waits[below(WAITS)];

		if (!w->cls || w->group || w->driver)
			continue;
		w->group = g;
		g->waits[i] = w;
		g->arms[i].op = w->op;
		enabled++;
		SAY("  select %jd: arm %jd is wait %jd", g - groups, i, w->id);
	}
	EXPECT(chp_select_init(&g->select, g->arms, count,
			       CHP_BIASED |
				       (g->losers_go ? CHP_CANCEL_LOSERS : 0)),
	       0);
	if (!enabled) {
		EXPECT(wait_poll_real(&g->select.op, NULL), CHP_EDISABLED);
		return;
	}
	g->count = count;
	select_poll(g);
}

void step_select(void)
{
	struct group *g = &groups[below(GROUPS)];

	if (g->count)
		select_poll(g);
	else
		group_make(g);
}

struct listener *select_listener(int i)
{
	return &groups[i].listener;
}

void selects_reset(void)
{
	memset(groups, 0, sizeof(groups));
}
