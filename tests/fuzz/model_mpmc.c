/*
 * model_mpmc.c - see model_mpmc.h.
 */
#include "model_mpmc.h"

void model_mpmc_init(struct model_mpmc *m, int capacity)
{
	memset(m, 0, sizeof(*m));
	m->capacity = capacity;
	m->senders = m->receivers = 1;
}

/*
 * How many more may come in.  Without a buffer: one, for a receiver that waits,
 * while none is there.
 */
static int free_places(const struct model_mpmc *m)
{
	if (m->capacity < 0)
		return MODEL_MPMC_BUFFER;
	if (m->capacity == 0)
		return m->receiving.len && m->len == 0;
	return m->capacity - m->len - m->places;
}

/* Promise what there is to who waits longest. */
static void serve(struct model_mpmc *m)
{
	while (m->receiving.len && m->len > m->messages) {
		m->message[mq_pop(&m->receiving)] = true;
		m->messages++;
	}
	/* Without a buffer the first sender comes and looks. */
	while (m->capacity && m->sending.len && free_places(m) > 0) {
		m->place[mq_pop(&m->sending)] = true;
		m->places++;
	}
}

static bool at_end(const struct model_mpmc *m)
{
	return (m->closed || !m->senders) && m->len == 0;
}

static void push(struct model_mpmc *m, int value)
{
	m->buffer[m->len++] = value;
	serve(m);
}

int model_mpmc_try_send(struct model_mpmc *m, int value)
{
	if (m->closed)
		return CHP_ECLOSED;
	if (m->sending.len || free_places(m) <= 0)
		return CHP_EAGAIN;
	push(m, value);
	return 0;
}

int model_mpmc_send(struct model_mpmc *m, int who, int value)
{
	int r;

	if (m->place[who]) {
		m->place[who] = false;
		m->places--;
		if (m->closed)
			return CHP_ECLOSED;
		push(m, value);
		return 0;
	}
	if (mq_has(&m->sending, who)) {
		if (m->capacity || m->sending.at[0] != who || !free_places(m))
			return CHP_PENDING;
		mq_pop(&m->sending);
		push(m, value);
		return 0;
	}
	r = model_mpmc_try_send(m, value);
	if (r != CHP_EAGAIN)
		return r;
	mq_push(&m->sending, who);
	return CHP_PENDING;
}

static int pop(struct model_mpmc *m, int n)
{
	memset(m->out, 0, sizeof(m->out));
	memcpy(m->out, m->buffer, sizeof(int) * (size_t)n);
	m->len -= n;
	memmove(m->buffer, m->buffer + n, sizeof(int) * (size_t)m->len);
	memset(m->buffer + m->len, 0, sizeof(int) * (size_t)n);
	serve(m);
	return n;
}

int model_mpmc_recv(struct model_mpmc *m, int who, int limit)
{
	int n;

	if (limit == 0)
		return 0;
	if (m->message[who]) {
		m->message[who] = false;
		m->messages--;
	} else if (at_end(m)) {
		mq_remove(&m->receiving, who);
		return CHP_ECLOSED;
	} else if (mq_has(&m->receiving, who)) {
		return CHP_PENDING;
	} else if (m->len == m->messages) {
		mq_push(&m->receiving, who);
		serve(m);
		return CHP_PENDING;
	}
	n = m->len - m->messages;
	return pop(m, n < limit ? n : limit);
}

int model_mpmc_try_recv(struct model_mpmc *m)
{
	if (at_end(m))
		return CHP_ECLOSED;
	return m->len == m->messages ? CHP_EAGAIN : pop(m, 1);
}

int model_mpmc_cancel(struct model_mpmc *m, int who)
{
	bool granted = m->place[who] || m->message[who];

	m->places -= m->place[who];
	m->messages -= m->message[who];
	m->place[who] = m->message[who] = false;
	mq_remove(&m->sending, who);
	mq_remove(&m->receiving, who);
	serve(m);
	return granted ? CHP_GAVE_BACK : CHP_HELD_NOTHING;
}

void model_mpmc_close(struct model_mpmc *m)
{
	m->closed = true;
	memset(&m->sending, 0, sizeof(m->sending));
}

void model_mpmc_tx_drop(struct model_mpmc *m)
{
	m->senders--;
}

void model_mpmc_rx_drop(struct model_mpmc *m)
{
	if (--m->receivers)
		return;
	model_mpmc_close(m);
	m->dropped += m->len;
	m->len = 0;
	memset(m->buffer, 0, sizeof(m->buffer));
}

int model_mpmc_capacity(const struct model_mpmc *m)
{
	return m->sending.len || m->capacity == 0 ? 0 : free_places(m);
}
