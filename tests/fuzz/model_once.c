/*
 * model_once.c - see model_once.h.
 */
#include "model_once.h"

int model_once_begin(struct model_once *m, int who)
{
	if (m->told[who]) {
		m->told[who] = false;
		return 0;
	}
	if (m->given[who]) {
		m->given[who] = false;
		m->turn = TURN_TAKEN;
		return 1;
	}
	if (mq_has(&m->begin, who))
		return CHP_PENDING;
	if (m->set)
		return 0;
	if (m->turn == NO_TURN) {
		m->turn = TURN_TAKEN;
		return 1;
	}
	mq_push(&m->begin, who);
	return CHP_PENDING;
}

int model_once_cancel(struct model_once *m, int who)
{
	bool given = m->given[who];

	m->given[who] = m->told[who] = false;
	mq_remove(&m->begin, who);
	mq_remove(&m->watch, who);
	if (!given)
		return CHP_HELD_NOTHING;
	model_once_fail(m);
	return CHP_GAVE_BACK;
}

int model_once_try_begin(struct model_once *m)
{
	if (m->set)
		return CHP_EALREADY;
	if (m->turn != NO_TURN)
		return CHP_EBUSY;
	m->turn = TURN_TAKEN;
	return 1;
}

void model_once_fail(struct model_once *m)
{
	m->turn = NO_TURN;
	if (m->begin.len) {
		m->given[mq_pop(&m->begin)] = true;
		m->turn = TURN_OF_A_WAITER;
	}
}

void model_once_finish(struct model_once *m)
{
	m->set = true;
	m->turn = NO_TURN;
	while (m->begin.len)
		m->told[mq_pop(&m->begin)] = true;
	while (m->watch.len)
		m->told[mq_pop(&m->watch)] = true;
}

int model_once_wait(struct model_once *m, int who)
{
	if (m->told[who]) {
		m->told[who] = false;
		return 0;
	}
	if (mq_has(&m->watch, who))
		return CHP_PENDING;
	if (m->set)
		return 0;
	mq_push(&m->watch, who);
	return CHP_PENDING;
}

int model_once_set(struct model_once *m)
{
	if (m->set)
		return CHP_EALREADY;
	model_once_finish(m);
	return 0;
}
