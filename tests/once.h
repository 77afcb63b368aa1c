/*
 * once.h - what the suites of once cells and set onces share: waits that poll
 * where the mode polls, agents that wait, and a look at whether anybody does.
 */
#ifndef CHAPPE_TESTS_ONCE_H
#define CHAPPE_TESTS_ONCE_H

#include "chan.h"

MAYBE_UNUSED static int cell_begin(chp_once_cell *c, const chp_wait *w)
{
	chp_once_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_once_cell_begin_with(c, w)
			 : chp_once_cell_begin(c);
	chp_once_cell_begin_op(&op, c);
	return h_wait(&op.op, w);
}

MAYBE_UNUSED static int cell_wait(chp_once_cell *c, const chp_wait *w)
{
	chp_once_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_once_cell_wait_with(c, w)
			 : chp_once_cell_wait(c);
	chp_once_cell_wait_op(&op, c);
	return h_wait(&op.op, w);
}

MAYBE_UNUSED static int set_wait(chp_set_once *s, const chp_wait *w)
{
	chp_once_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_set_once_wait_with(s, w) : chp_set_once_wait(s);
	chp_set_once_wait_op(&op, s);
	return h_wait(&op.op, w);
}

/* The word says that somebody is queued (QUEUED of src/sync/once.h). */
MAYBE_UNUSED static bool has_waiters(const chp_once_cell *c)
{
	return h_load(&c->word) & 8;
}

MAYBE_UNUSED static bool is_running(const chp_once_cell *c)
{
	return h_load(&c->word) & 1;
}

/* The cell is as if nothing had ever happened. */
MAYBE_UNUSED static void check_empty(const chp_once_cell *c)
{
	CHECK_EQ(h_load(&c->word), 0);
	CHECK(!c->first && !c->last && !c->watch_first && !c->watch_last);
}

#endif
