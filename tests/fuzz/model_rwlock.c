/*
 * model_rwlock.c - see model_rwlock.h.
 */
#include "model_rwlock.h"

void model_rwlock_init(struct model_rwlock *m, int max)
{
	memset(m, 0, sizeof(*m));
	m->max = max;
}

static bool enter(struct model_rwlock *m, bool writes)
{
	if (writes ? m->readers != 0 : m->readers < 0 || m->readers == m->max)
		return false;
	m->readers = writes ? -1 : m->readers + 1;
	return true;
}

static void serve(struct model_rwlock *m)
{
	while (m->queue.len && enter(m, m->writes[m->queue.at[0]]))
		m->granted[mq_pop(&m->queue)] = true;
}

int model_rwlock_try(struct model_rwlock *m, bool writes)
{
	return !m->queue.len && enter(m, writes) ? 0 : CHP_EAGAIN;
}

int model_rwlock_poll(struct model_rwlock *m, int who, bool writes)
{
	if (m->granted[who]) {
		m->granted[who] = m->writes[who] = false;
		return 0;
	}
	if (mq_has(&m->queue, who))
		return CHP_PENDING;
	if (model_rwlock_try(m, writes) == 0)
		return 0;
	m->writes[who] = writes;
	mq_push(&m->queue, who);
	return CHP_PENDING;
}

void model_rwlock_unlock(struct model_rwlock *m)
{
	m->readers = m->readers < 0 ? 0 : m->readers - 1;
	serve(m);
}

int model_rwlock_cancel(struct model_rwlock *m, int who)
{
	bool granted = m->granted[who];
	bool writes = m->writes[who];

	m->granted[who] = m->writes[who] = false;
	mq_remove(&m->queue, who);
	if (granted)
		m->readers = writes ? 0 : m->readers - 1;
	serve(m);
	return granted ? CHP_GAVE_BACK : CHP_HELD_NOTHING;
}

void model_rwlock_downgrade(struct model_rwlock *m)
{
	m->readers = 1;
	serve(m);
}

int model_rwlock_try_upgrade(struct model_rwlock *m)
{
	if (m->readers != 1)
		return CHP_EAGAIN;
	m->readers = -1;
	return 0;
}
