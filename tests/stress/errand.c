/*
 * errand.c - operations of any part, alone or several in a select.
 *
 * The losers of a select keep their places while the winner's business is done,
 * and are then selected again or cancelled.  A loser that was granted in the
 * meantime holds what it got for that long, which is a moment.
 */
#include "stress.h"

bool errand_draw(struct agent *a, const struct part *p, struct errand *e)
{
	const struct part *before = a->part;
	bool drawn;

	a->part = p;
	e->part = p;
	e->sure = true;
	e->what = 0;
	drawn = p->errand(a, e);
	a->part = before;
	return drawn;
}

void errand_done(struct agent *a, struct errand *e, int r)
{
	const struct part *before = a->part;

	a->part = e->part;
	at(a, "doing its errand");
	count(a, r);
	e->done(a, e, r);
	a->part = before;
}

void errand_run(struct agent *a, struct errand *e)
{
	errand_done(a, e, await(a, e->op, e->sure ? SOMEHOW : BRIEFLY));
}

/* ---- Several ---- */

struct choice {
	struct errand errands[MAX_ARMS];
	chp_select_arm arms[MAX_ARMS];
	unsigned count;
	unsigned left; /* arms that are not finished */
	bool sure;
};

static void draw_choice(struct agent *a, struct choice *c)
{
	unsigned want = 1 + below(a, MAX_ARMS);

	c->count = 0;
	c->sure = true;
	while (c->count < want) {
		struct errand *e = &c->errands[c->count];
		const struct part *p = parts[below(a, part_count)];

		if (!p->errand || !errand_draw(a, p, e))
			continue;
		c->sure = c->sure && e->sure;
		c->arms[c->count++].op = e->op;
	}
	c->left = c->count;
}

/* Arms that are finished have their business done and are disabled. */
static void settle(struct agent *a, struct choice *c)
{
	for (unsigned i = 0; i < c->count; i++) {
		if (!c->arms[i].op || !chp_op_is_finished(c->arms[i].op))
			continue;
		c->arms[i].op = NULL;
		c->left--;
		errand_done(a, &c->errands[i], c->errands[i].op->result);
	}
}

static void cancel_the_rest(struct agent *a, struct choice *c)
{
	at(a, "cancelling the losers");
	for (unsigned i = 0; i < c->count; i++)
		if (c->arms[i].op)
			chp_op_cancel(c->arms[i].op);
	settle(a, c);
}

/* Plain call, or the operation in any way. */
static int select_once(struct agent *a, struct choice *c, unsigned flags)
{
	enum patience p = c->sure ? SOMEHOW : BRIEFLY;
	chp_select_op op;
	struct manner m;

	if (chance(a, 50)) {
		const chp_wait *w = draw(a, &m, p);

		at(a, "selecting");
		return judge(a, &m,
			     chp_select_with(c->arms, c->count, flags, w));
	}
	CHECK_CODE(chp_select_init(&op, c->arms, c->count, flags), 0);
	return count(a, await(a, &op.op, p));
}

void errands_select(struct agent *a)
{
	struct choice c;

	draw_choice(a, &c);
	while (c.left) {
		unsigned flags = (chance(a, 50) ? CHP_CANCEL_LOSERS : 0) |
				 (chance(a, 30) ? CHP_BIASED : 0);
		int r = select_once(a, &c, flags);

		if (r >= 0) {
			CHECK(r < (int)c.count && c.arms[r].op);
			CHECK(chp_op_is_finished(c.arms[r].op));
			CHECK_CODE(c.arms[r].result, c.arms[r].op->result);
		}
		if (flags & CHP_CANCEL_LOSERS)
			for (unsigned i = 0; i < c.count; i++)
				CHECK(!c.arms[i].op ||
				      chp_op_is_finished(c.arms[i].op));
		settle(a, &c);
		if (r < 0 || chance(a, 50))
			cancel_the_rest(a, &c);
	}
}

static void select_step(struct agent *a)
{
	errands_select(a);
}

const struct part part_select = {
	.name = "select",
	.step = select_step,
};
