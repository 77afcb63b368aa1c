/*
 * model_mpsc.c - see model_mpsc.h.
 */
#include "model_mpsc.h"

void model_mpsc_init(struct model_mpsc *m, int max)
{
	memset(m, 0, sizeof(*m));
	m->unbounded = max == 0;
	m->max = max;
	m->senders = 1;
}

static void serve(struct model_mpsc *m)
{
	while (m->queue.len && m->max - m->used >= m->need[m->queue.at[0]]) {
		int who = mq_pop(&m->queue);

		m->used += m->need[who];
		m->granted[who] = true;
	}
}

static bool may_take(const struct model_mpsc *m, int n)
{
	return m->unbounded || n == 0 ||
	       (!m->queue.len && m->max - m->used >= n);
}

int model_mpsc_reserve(struct model_mpsc *m, int who, int n)
{
	if (m->granted[who]) {
		if (m->closed)
			m->used -= m->need[who];
		m->granted[who] = false;
		m->need[who] = 0;
		return m->closed ? CHP_ECLOSED : 0;
	}
	if (m->closed || (!m->unbounded && n > m->max))
		return CHP_ECLOSED;
	if (mq_has(&m->queue, who))
		return CHP_PENDING;
	if (may_take(m, n)) {
		m->used += n;
		return 0;
	}
	m->need[who] = n;
	mq_push(&m->queue, who);
	return CHP_PENDING;
}

int model_mpsc_cancel(struct model_mpsc *m, int who)
{
	bool granted = m->granted[who];

	if (granted)
		m->used -= m->need[who];
	m->granted[who] = false;
	m->need[who] = 0;
	mq_remove(&m->queue, who);
	serve(m);
	return granted ? CHP_GAVE_BACK : CHP_HELD_NOTHING;
}

int model_mpsc_try_reserve(struct model_mpsc *m, int n)
{
	if (!m->unbounded && n > m->max)
		return CHP_EAGAIN;
	if (m->closed)
		return CHP_ECLOSED;
	if (!may_take(m, n))
		return CHP_EAGAIN;
	m->used += n;
	return 0;
}

void model_mpsc_push(struct model_mpsc *m, int value)
{
	if (m->rx_gone) {
		m->dropped++;
		model_mpsc_free(m, 1);
		return;
	}
	m->buffer[m->len++] = value;
}

void model_mpsc_free(struct model_mpsc *m, int places)
{
	m->used -= places;
	serve(m);
}

int model_mpsc_recv(struct model_mpsc *m, int limit)
{
	int n = m->len < limit ? m->len : limit;

	if (limit == 0)
		return 0;
	if (n == 0)
		return (m->closed || !m->senders) && !m->used ? CHP_ECLOSED
							      : CHP_PENDING;
	memset(m->out, 0, sizeof(m->out));
	memcpy(m->out, m->buffer, sizeof(int) * (size_t)n);
	m->len -= n;
	memmove(m->buffer, m->buffer + n, sizeof(int) * (size_t)m->len);
	memset(m->buffer + m->len, 0, sizeof(int) * (size_t)n);
	model_mpsc_free(m, n);
	return n;
}

/* Who was given places and has not fetched them loses them when it comes. */
void model_mpsc_close(struct model_mpsc *m)
{
	m->closed = true;
	while (m->queue.len)
		m->need[mq_pop(&m->queue)] = 0;
}

void model_mpsc_rx_drop(struct model_mpsc *m)
{
	model_mpsc_close(m);
	m->rx_gone = true;
	m->dropped += m->len;
	m->used -= m->len;
	m->len = 0;
	memset(m->buffer, 0, sizeof(m->buffer));
}

int model_mpsc_capacity(const struct model_mpsc *m)
{
	return m->queue.len ? 0 : m->max - m->used;
}
