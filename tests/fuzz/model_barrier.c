/*
 * model_barrier.c - see model_barrier.h.
 */
#include "model_barrier.h"

int model_barrier_poll(struct model_barrier *m, int who)
{
	if (m->released[who]) {
		m->released[who] = false;
		return 0;
	}
	if (mq_has(&m->queue, who))
		return CHP_PENDING;
	if (++m->arrived < m->parties) {
		mq_push(&m->queue, who);
		return CHP_PENDING;
	}
	m->arrived = 0;
	while (m->queue.len)
		m->released[mq_pop(&m->queue)] = true;
	return 1;
}

int model_barrier_cancel(struct model_barrier *m, int who)
{
	if (m->released[who]) {
		m->released[who] = false;
		return CHP_TOO_LATE;
	}
	mq_remove(&m->queue, who);
	if (!m->withdraw)
		return CHP_TOO_LATE;
	m->arrived--;
	return CHP_HELD_NOTHING;
}

int model_wait_group_poll(struct model_wait_group *m, int who)
{
	if (m->released[who]) {
		m->released[who] = false;
		return 0;
	}
	if (mq_has(&m->queue, who))
		return CHP_PENDING;
	if (m->count == 0)
		return 0;
	mq_push(&m->queue, who);
	return CHP_PENDING;
}

int model_wait_group_cancel(struct model_wait_group *m, int who)
{
	m->released[who] = false;
	mq_remove(&m->queue, who);
	return CHP_HELD_NOTHING;
}

void model_wait_group_add(struct model_wait_group *m, int64_t n)
{
	m->count += n;
	while (m->count == 0 && m->queue.len)
		m->released[mq_pop(&m->queue)] = true;
}
