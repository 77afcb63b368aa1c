/*
 * races.c - which other orders are worth running: DPOR with source sets.
 *
 * Two steps conflict if they touch one object and one of them writes it; such
 * steps stay in their order in all executions that are equivalent to this one.
 * An event's stamp says which events come before it that way.  A race is a
 * pair of conflicting events with nothing in between that orders them.  Then
 * an execution that reaches the node before the first of them is worth running
 * in which something of what follows and does not depend on the first runs
 * instead of it: that is added to the node's backtrack set.
 *
 * A thread that could not run at the first event's node because only this
 * event makes its step possible (it slept, it spun) makes no race.
 */
#include "world.h"

bool steps_conflict(const struct step *a, const struct step *b)
{
	for (unsigned i = 0; i < a->count; i++)
		for (unsigned j = 0; j < b->count; j++)
			if (a->on[i].key == b->on[j].key &&
			    (a->on[i].writes || b->on[j].writes))
				return true;
	return false;
}

/* Event number i of its thread comes before what has this stamp. */
static bool before(const struct event *e, const struct stamp *s)
{
	return s->at[e->thread] >= e->stamp.at[e->thread];
}

/*
 * The threads that could run first, instead of event `first`, on the way to
 * event `last`: those whose first event after it that does not depend on it
 * depends on none of the others.
 */
static unsigned initials(unsigned first, unsigned last)
{
	const struct event *e = world->events;
	uint16_t starts[THREADS] = { 0 };
	unsigned set = 0, seen = 0;

	for (unsigned j = first + 1; j <= last; j++) {
		unsigned t = e[j].thread;
		bool depends = false;

		if (seen >> t & 1 ||
		    (j != last && before(&e[first], &e[j].stamp)))
			continue;
		for (unsigned q = 1; q < THREADS; q++)
			if (seen >> q & 1 && e[j].stamp.at[q] >= starts[q])
				depends = true;
		seen |= 1u << t;
		starts[t] = e[j].stamp.at[t];
		if (!depends)
			set |= 1u << t;
	}
	return set;
}

static void add(unsigned first, unsigned last)
{
	struct event *e = world->events;
	struct node *n = &world->path[e[first].node];
	unsigned thread = e[last].thread, set = initials(first, last);

	if (n->backtrack & set)
		return;
	set &= n->enabled;
	if (!set)
		set = n->enabled;
	if (set >> thread & 1)
		set = 1u << thread;
	n->backtrack |= (uint8_t)(set & -set);
}

/* The stamp of a thread's event before event k. */
static struct stamp previous(unsigned k)
{
	struct stamp none = { { 0 } };
	struct event *e = world->events;

	for (unsigned i = k; i-- > 0;)
		if (e[i].thread == e[k].thread)
			return e[i].stamp;
	return none;
}

void races_note(void)
{
	unsigned k = world->event_count - 1, thread, races = 0;
	struct event *e = world->events;
	uint16_t first_of_race[THREADS];

	thread = e[k].thread;
	e[k].stamp = previous(k);
	e[k].stamp.at[thread]++;
	for (unsigned i = k; i-- > 0;) {
		if (e[i].thread == thread || before(&e[i], &e[k].stamp) ||
		    !steps_conflict(&e[i].step, &e[k].step))
			continue;
		stamp_join(&e[k].stamp, &e[i].stamp);
		if (e[i].enabled >> thread & 1 && races < THREADS)
			first_of_race[races++] = (uint16_t)i;
	}
	while (races--)
		add(first_of_race[races], k);
}
