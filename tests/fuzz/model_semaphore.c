/*
 * model_semaphore.c - see model_semaphore.h.
 */
#include "model_semaphore.h"

void model_semaphore_init(struct model_semaphore *m, int64_t permits,
			  chp_policy policy)
{
	memset(m, 0, sizeof(*m));
	m->policy = policy;
	m->count = m->capacity = permits;
}

/* FIFO and FAIR hand over to the first as long as there is enough for it;
   in UNFAIR the first comes and takes. */
static void serve(struct model_semaphore *m)
{
	while (m->policy != CHP_UNFAIR && m->queue.len &&
	       m->count >= m->want[m->queue.at[0]]) {
		int who = mq_pop(&m->queue);

		m->count -= m->want[who];
		m->granted[who] = true;
	}
}

/* May who does not wait yet take n? */
static bool may_take(const struct model_semaphore *m, int64_t n, bool is_try)
{
	if (m->count < n)
		return false;
	if (!m->queue.len || m->policy == CHP_UNFAIR)
		return true;
	return m->policy == CHP_FIFO ? n == 0 : is_try;
}

int model_semaphore_poll(struct model_semaphore *m, int who, int64_t n)
{
	bool queued = mq_has(&m->queue, who);

	if (n < 0)
		return CHP_EINVAL;
	if (m->granted[who]) {
		m->granted[who] = false;
		if (m->closed)
			m->count += m->want[who];
		m->want[who] = 0;
		return m->closed ? CHP_ECLOSED : 0;
	}
	if (m->closed)
		return CHP_ECLOSED;
	if (queued && m->policy == CHP_UNFAIR && m->queue.at[0] == who &&
	    m->count >= n) {
		mq_pop(&m->queue);
		m->count -= n;
		m->want[who] = 0;
		return 0;
	}
	if (queued)
		return CHP_PENDING;
	if (may_take(m, n, false)) {
		m->count -= n;
		return 0;
	}
	m->want[who] = n;
	mq_push(&m->queue, who);
	return CHP_PENDING;
}

int model_semaphore_cancel(struct model_semaphore *m, int who)
{
	int64_t want = m->want[who];
	bool granted = m->granted[who];

	m->want[who] = 0;
	m->granted[who] = false;
	mq_remove(&m->queue, who);
	if (granted)
		m->count += want;
	serve(m);
	/* What it was handed it did not have any more once that was closed. */
	return granted && !m->closed ? CHP_GAVE_BACK : CHP_HELD_NOTHING;
}

int model_semaphore_try(struct model_semaphore *m, int64_t n)
{
	if (n < 0)
		return CHP_EINVAL;
	if (m->closed)
		return CHP_ECLOSED;
	if (!may_take(m, n, true))
		return CHP_EAGAIN;
	m->count -= n;
	return 0;
}

int model_semaphore_release(struct model_semaphore *m, int64_t n)
{
	if (n < 0)
		return CHP_EINVAL;
	if (n > CHP_SEMAPHORE_MAX - m->count)
		return CHP_EOVERFLOW;
	m->count += n;
	serve(m);
	return 0;
}

int64_t model_semaphore_available(const struct model_semaphore *m)
{
	if (m->policy == CHP_FIFO && m->queue.len && m->count > 0)
		return 0;
	return m->count;
}

int64_t model_semaphore_drain(struct model_semaphore *m)
{
	int64_t n = model_semaphore_available(m);

	m->count -= n;
	serve(m);
	return n;
}

int model_semaphore_reduce(struct model_semaphore *m, int64_t n)
{
	if (n < 0)
		return CHP_EINVAL;
	if (n > m->count + CHP_SEMAPHORE_MAX)
		return CHP_EOVERFLOW;
	m->count -= n;
	return 0;
}

int64_t model_semaphore_forget(struct model_semaphore *m, int64_t n)
{
	int64_t available = model_semaphore_available(m);

	if (n < 0)
		return CHP_EINVAL;
	if (n > available)
		n = available > 0 ? available : 0;
	m->count -= n;
	return n;
}

int model_semaphore_resize(struct model_semaphore *m, int64_t capacity)
{
	int64_t by = capacity - m->capacity;

	if (capacity < 0)
		return CHP_EINVAL;
	if (capacity > CHP_SEMAPHORE_MAX || m->count + by > CHP_SEMAPHORE_MAX ||
	    m->count + by < -CHP_SEMAPHORE_MAX)
		return CHP_EOVERFLOW;
	m->capacity = capacity;
	m->count += by;
	serve(m);
	return 0;
}

void model_semaphore_close(struct model_semaphore *m)
{
	m->closed = true;
	while (m->queue.len)
		m->want[mq_pop(&m->queue)] = 0;
}
