/*
 * parts_group.c - groups of tasks: members that fail, wait for the group's
 * token, spawn others; groups with deadlines, under tokens that are cancelled;
 * whoever waits for one may be interrupted and aborted.
 */
#include "stress.h"

enum { FAILED = -5, MANY = 500 };

struct member {
	chp_group *group;
	struct agent *parent; /* to be named if it fails; else not touched */
	unsigned n;
	bool more; /* may spawn another */
	bool results;
	struct value *value;
};

static struct member *member_new(chp_group *g, struct agent *a, unsigned n,
				 bool more)
{
	struct member *m = malloc(sizeof(*m));

	m->group = g;
	m->parent = a;
	m->n = n;
	m->more = more;
	m->value = value_new(&part_group, a->number, 0);
	return m;
}

static void member_drop(void *member)
{
	struct member *m = member;

	value_free(m->value);
	free(m);
}

static int member_run(void *member);

static int spawn_member(chp_group *g, struct member *m, chp_runtime *rt)
{
	chp_task_options options = { .runtime = rt, .arg_drop = member_drop };
	int r = chp_group_spawn_with(g, member_run, m, &options);

	if (r) {
		CHECK(r == CHP_ECANCELED || r == CHP_ETIMEDOUT ||
		      r == CHP_ECLOSED);
		member_drop(m);
	}
	return r;
}

static int member_work(const struct member *m)
{
	chp_wait w = { .cancel = chp_group_token(m->group),
		       .deadline = chp_in(m->n % 2000 * CHP_US) };

	switch (m->n % 7) {
	case 0:
		chp_cancel_wait_with(chp_group_token(m->group), &w);
		break;
	case 1:
		chp_sleep_until_with(CHP_NEVER, &w);
		break;
	case 2:
		return m->n % 3 ? 0 : FAILED;
	case 3:
		chp_yield();
		return m->n % 2 ? FAILED : 0;
	case 4:
		if (m->more)
			spawn_member(m->group,
				     member_new(m->group, m->parent, m->n / 7,
						false),
				     NULL);
		break;
	default:
		break;
	}
	return 0;
}

static int member_run(void *member)
{
	struct member *m = member;
	int r;

	agent_adopt(m->parent);
	r = member_work(m);
	member_drop(m);
	return r;
}

/* ---- A group, from beginning to end ---- */

struct scope {
	chp_group group;
	struct grove *grove;
	unsigned flags;
};

static void begin(struct agent *a, struct scope *s)
{
	chp_cancel *parent = NULL;

	s->flags = (chance(a, 40) ? CHP_GROUP_KEEP_GOING : 0) |
		   (chance(a, 40) ? CHP_GROUP_RESULTS : 0);
	s->grove = chance(a, 50) ? grove_get() : NULL;
	if (s->grove)
		parent = grove_token(s->grove, below(a, 4));
	CHECK_CODE(chp_group_init(&s->group, parent,
				  chance(a, 30) ? soon(a) : 0, s->flags),
		   0);
	at(a, "spawning members");
	for (uint32_t n = below(a, 5); n; n--)
		count(a, spawn_member(&s->group,
				      member_new(&s->group, a, below(a, 10000),
						 true),
				      chance(a, 50) ? mt : ct));
}

static void end(struct agent *a, struct scope *s)
{
	int r;

	if (chance(a, 20))
		chp_group_cancel(&s->group);
	at(a, "finishing the group");
	r = chp_group_finish(&s->group);
	CHECK(r == 0 || r == FAILED || gave_up(r));
	/* It says so again in the next wait. */
	if (s->grove)
		grove_put(s->grove);
}

static void take_results(struct agent *a, struct scope *s)
{
	chp_group_result result;
	struct manner m;
	int r;

	do {
		const chp_wait *w = draw(a, &m, SOMEHOW);

		at(a, "waiting for the next member");
		r = judge(a, &m, chp_group_next_with(&s->group, &result, w));
		CHECK(r == 0 || r == 1 || gave_up(r));
		if (r == 1)
			CHECK(result.code == 0 || result.code == FAILED ||
			      result.code == CHP_EABORTED);
	} while (r == 1);
}

static void group_step(struct agent *a)
{
	struct scope s;
	struct manner m;

	if (values_out(&part_group) > MANY)
		return;
	begin(a, &s);
	if (s.flags & CHP_GROUP_RESULTS && chance(a, 70)) {
		take_results(a, &s);
	} else if (chance(a, 50)) {
		const chp_wait *w = draw(a, &m, SOMEHOW);

		at(a, "waiting for the group");
		judge(a, &m, chp_group_wait_with(&s.group, w));
	}
	end(a, &s);
}

static void group_done(struct agent *a, struct errand *e, int r)
{
	struct scope *s = e->object;

	CHECK(r == 0 || r == 1 || gave_up(r));
	if (r == 0 && e->what == 0)
		CHECK(chp_group_count(&s->group) == 0);
	end(a, s);
	free(s);
	free(e->group.out);
}

static bool group_errand(struct agent *a, struct errand *e)
{
	struct scope *s;

	if (values_out(&part_group) > MANY)
		return false;
	s = malloc(sizeof(*s));
	begin(a, s);
	e->object = s;
	e->what = s->flags & CHP_GROUP_RESULTS && chance(a, 60);
	if (e->what)
		chp_group_next_op(&e->group, &s->group,
				  malloc(sizeof(chp_group_result)));
	else
		chp_group_wait_op(&e->group, &s->group);
	e->op = &e->group.op;
	e->done = group_done;
	return true;
}

const struct part part_group = {
	.name = "group",
	.step = group_step,
	.errand = group_errand,
};
