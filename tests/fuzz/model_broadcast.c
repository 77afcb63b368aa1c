/*
 * model_broadcast.c - see model_broadcast.h.
 */
#include "model_broadcast.h"

void model_broadcast_init(struct model_broadcast *m, int capacity)
{
	memset(m, 0, sizeof(*m));
	for (m->ring = 1; m->ring < capacity;)
		m->ring *= 2;
	m->senders = 1;
}

static int oldest_kept(const struct model_broadcast *m)
{
	return m->sent > m->ring ? m->sent - m->ring : 0;
}

int model_broadcast_send(struct model_broadcast *m, int value)
{
	if (!m->receivers)
		return CHP_ECLOSED;
	m->value[m->sent] = value;
	for (int i = 0; i < MODEL_BROADCAST_RX; i++)
		if (m->rx[i].alive)
			m->owed[m->sent] |= (uint8_t)(1 << i);
	m->sent++;
	/* The one that was overwritten, if it was still there. */
	if (m->sent > m->ring && m->owed[m->sent - m->ring - 1]) {
		m->owed[m->sent - m->ring - 1] = 0;
		m->dropped++;
	}
	return m->receivers;
}

void model_broadcast_subscribe(struct model_broadcast *m, int rx)
{
	/* All bytes: models are compared as such. */
	memset(&m->rx[rx], 0, sizeof(m->rx[rx]));
	m->rx[rx].alive = true;
	m->rx[rx].next = m->sent;
	m->receivers++;
}

void model_broadcast_subscribe_oldest(struct model_broadcast *m, int rx)
{
	int i = oldest_kept(m);

	model_broadcast_subscribe(m, rx);
	while (i < m->sent && !m->owed[i])
		i++;
	m->rx[rx].next = i;
	for (; i < m->sent; i++)
		m->owed[i] |= (uint8_t)(1 << rx);
}

/* rx has read it, or never will. */
static void settle(struct model_broadcast *m, int rx, int i)
{
	if (!(m->owed[i] & 1 << rx))
		return;
	m->owed[i] &= (uint8_t) ~(1 << rx);
	m->dropped += m->owed[i] == 0;
}

void model_broadcast_rx_drop(struct model_broadcast *m, int rx)
{
	if (!m->rx[rx].alive)
		return;
	for (int i = m->rx[rx].next; i < m->sent; i++)
		settle(m, rx, i);
	memset(&m->rx[rx], 0, sizeof(m->rx[rx]));
	m->receivers--;
}

int model_broadcast_recv(struct model_broadcast *m, int rx, int limit)
{
	struct model_broadcast_rx *r = &m->rx[rx];
	int n = 0;

	if (limit == 0)
		return 0;
	if (r->next < oldest_kept(m)) {
		r->lagged = (uint64_t)(oldest_kept(m) - r->next);
		r->next = oldest_kept(m);
		return CHP_ELAGGED;
	}
	if (r->next == m->sent)
		return m->senders ? CHP_PENDING : CHP_ECLOSED;
	memset(m->out, 0, sizeof(m->out));
	while (n < limit && r->next < m->sent) {
		m->out[n++] = m->value[r->next];
		settle(m, rx, r->next++);
	}
	return n;
}

int model_broadcast_tx_len(const struct model_broadcast *m)
{
	int n = 0;

	for (int i = oldest_kept(m); i < m->sent; i++)
		n += m->owed[i] != 0;
	return n;
}
