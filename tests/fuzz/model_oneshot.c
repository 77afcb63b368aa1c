/*
 * model_oneshot.c - see model_oneshot.h.
 */
#include "model_oneshot.h"

int model_oneshot_send(struct model_oneshot *m, int value)
{
	if (!m->tx)
		return CHP_EINVAL;
	m->tx = false;
	if (m->closed)
		return CHP_ECLOSED;
	m->sent = true;
	m->value = value;
	return 0;
}

int model_oneshot_recv(struct model_oneshot *m)
{
	if (!m->rx)
		return CHP_EINVAL;
	if (!m->sent && m->tx && !m->closed)
		return CHP_PENDING;
	m->rx = false;
	m->closed = true;
	if (!m->sent)
		return CHP_ECLOSED;
	m->sent = false;
	return 0;
}

void model_oneshot_rx_drop(struct model_oneshot *m)
{
	if (!m->rx)
		return;
	m->dropped += m->sent;
	m->sent = m->rx = false;
	m->closed = true;
}
