/*
 * model_mutex.c - see model_mutex.h.
 */
#include "model_mutex.h"

void model_mutex_init(struct model_mutex *m, bool fifo)
{
	memset(m, 0, sizeof(*m));
	m->fifo = fifo;
}

/* FIFO hands a free lock to the first; else the first comes and takes it. */
static void serve(struct model_mutex *m)
{
	if (!m->fifo || m->locked || !m->queue.len)
		return;
	m->granted[mq_pop(&m->queue)] = true;
	m->locked = true;
}

int model_mutex_try(struct model_mutex *m)
{
	if (m->locked)
		return CHP_EAGAIN;
	m->locked = true;
	return 0;
}

int model_mutex_poll(struct model_mutex *m, int who)
{
	bool queued = mq_has(&m->queue, who);

	if (m->granted[who]) {
		m->granted[who] = false;
		return 0;
	}
	if (!m->locked && (!queued || m->queue.at[0] == who)) {
		mq_remove(&m->queue, who);
		m->locked = true;
		return 0;
	}
	if (!queued)
		mq_push(&m->queue, who);
	return CHP_PENDING;
}

int model_mutex_cancel(struct model_mutex *m, int who)
{
	if (m->granted[who]) {
		m->granted[who] = false;
		model_mutex_unlock(m);
		return CHP_GAVE_BACK;
	}
	mq_remove(&m->queue, who);
	return CHP_HELD_NOTHING;
}

void model_mutex_unlock(struct model_mutex *m)
{
	m->locked = false;
	serve(m);
}

/* ---- The condition variable ---- */

int model_cond_poll(struct model_mutex *m, int who)
{
	switch (m->phase[who]) {
	case COND_NEW:
		m->phase[who] = COND_WAITS;
		mq_push(&m->cond, who);
		model_mutex_unlock(m);
		return CHP_PENDING;
	case COND_WAITS:
		return CHP_PENDING;
	default:
		m->phase[who] = COND_LOCKS;
		if (model_mutex_poll(m, who) != 0)
			return CHP_PENDING;
		m->phase[who] = COND_NEW;
		m->by_all[who] = false;
		return 0;
	}
}

int model_cond_cancel(struct model_mutex *m, int who)
{
	enum model_cond_phase phase = m->phase[who];
	bool by_all = m->by_all[who];

	m->phase[who] = COND_NEW;
	m->by_all[who] = false;
	mq_remove(&m->cond, who);
	if (phase == COND_LOCKS)
		model_mutex_cancel(m, who);
	if (phase != COND_SIGNALLED && phase != COND_LOCKS)
		return CHP_HELD_NOTHING;
	if (!by_all)
		model_cond_signal(m);
	return CHP_GAVE_BACK;
}

void model_cond_signal(struct model_mutex *m)
{
	if (m->cond.len)
		m->phase[mq_pop(&m->cond)] = COND_SIGNALLED;
}

void model_cond_broadcast(struct model_mutex *m)
{
	while (m->cond.len) {
		int who = mq_pop(&m->cond);

		m->phase[who] = COND_SIGNALLED;
		m->by_all[who] = true;
	}
}
