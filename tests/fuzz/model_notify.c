/*
 * model_notify.c - see model_notify.h.
 */
#include "model_notify.h"

void model_notify_make(struct model_notify *m, int who)
{
	m->made[who] = m->calls;
	m->told[who] = NOT_TOLD;
}

int model_notify_poll(struct model_notify *m, int who)
{
	if (m->told[who] != NOT_TOLD) {
		m->told[who] = NOT_TOLD;
		return 0;
	}
	if (mq_has(&m->queue, who))
		return CHP_PENDING;
	if (m->calls != m->made[who])
		return 0;
	if (m->permit) {
		m->permit = false;
		return 0;
	}
	mq_push(&m->queue, who);
	return CHP_PENDING;
}

int model_notify_enable(struct model_notify *m, int who)
{
	if (model_notify_poll(m, who) != 0)
		return 0;
	m->told[who] = TOLD_READY;
	return 1;
}

int model_notify_cancel(struct model_notify *m, int who)
{
	enum model_told told = m->told[who];

	m->told[who] = NOT_TOLD;
	mq_remove(&m->queue, who);
	if (told == TOLD_READY)
		return CHP_TOO_LATE;
	if (told == TOLD_FIRST)
		model_notify_one(m);
	if (told == TOLD_LAST)
		model_notify_last(m);
	return told == TOLD_FIRST || told == TOLD_LAST ? CHP_GAVE_BACK
						       : CHP_HELD_NOTHING;
}

static void tell(struct model_notify *m, int at, enum model_told how)
{
	int who;

	if (!m->queue.len) {
		m->permit = true;
		return;
	}
	who = m->queue.at[at];
	mq_remove(&m->queue, who);
	m->told[who] = how;
}

void model_notify_one(struct model_notify *m)
{
	tell(m, 0, TOLD_FIRST);
}

void model_notify_last(struct model_notify *m)
{
	tell(m, m->queue.len - 1, TOLD_LAST);
}

void model_notify_waiters(struct model_notify *m)
{
	m->calls++;
	while (m->queue.len)
		m->told[mq_pop(&m->queue)] = TOLD_ALL;
}
