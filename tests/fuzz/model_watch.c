/*
 * model_watch.c - see model_watch.h.
 */
#include "model_watch.h"

void model_watch_replace(struct model_watch *m, int value, bool tell)
{
	m->value = value;
	m->version += tell;
}

int model_watch_send(struct model_watch *m, int value)
{
	if (!m->receivers)
		return CHP_ECLOSED;
	model_watch_replace(m, value, true);
	return 0;
}

bool model_watch_see(struct model_watch *m, int rx)
{
	bool was = m->rx[rx].seen == m->version;

	m->rx[rx].seen = m->version;
	return !was;
}

int model_watch_has_changed(const struct model_watch *m, int rx)
{
	if (!m->senders)
		return CHP_ECLOSED;
	return m->rx[rx].seen != m->version;
}

int model_watch_changed(struct model_watch *m, int rx)
{
	if (model_watch_see(m, rx))
		return 0;
	return m->senders ? CHP_PENDING : CHP_ECLOSED;
}

/* The present value first, seen or not; then only what is unseen: not what
   was changed without telling. */
int model_watch_wait_for(struct model_watch *m, int rx, int remainder)
{
	bool first = !m->rx[rx].waits;

	m->rx[rx].waits = true;
	if ((model_watch_see(m, rx) || first) && m->value % 3 == remainder) {
		m->rx[rx].waits = false;
		return 0;
	}
	return m->senders ? CHP_PENDING : CHP_ECLOSED;
}
