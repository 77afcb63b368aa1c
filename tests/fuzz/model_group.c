/*
 * model_group.c - see model_group.h.
 */
#include "model_group.h"

int model_group_spawn(struct model_group *m)
{
	if (m->cancelled)
		return CHP_ECANCELED;
	m->running++;
	return 0;
}

static void shift(int *list, int from, int to, int n)
{
	memmove(list + to, list + from, sizeof(*list) * (size_t)n);
}

/* The oldest end to who waits longest; with none left, all are told. */
static void serve(struct model_group *m)
{
	while (m->next.len && m->ended) {
		int who = mq_pop(&m->next);

		m->given[who] = 1 + m->who[0];
		m->given_with[who] = m->with[0];
		m->ended--;
		shift(m->who, 1, 0, m->ended);
		shift(m->with, 1, 0, m->ended);
	}
	while (m->next.len && !m->running)
		m->told[mq_pop(&m->next)] = true;
	while (m->wait.len && !m->running)
		m->told[mq_pop(&m->wait)] = true;
}

void model_group_end(struct model_group *m, int member, int code)
{
	bool failed;

	m->running--;
	m->when[member] = m->ends++;
	/* Aborted, it did what it was told to. */
	failed = code < 0 && !(m->cancelled && code == CHP_EABORTED);
	if (failed && !m->code)
		m->code = code;
	if (failed && !m->keep_going)
		m->cancelled = true;
	if (m->results) {
		m->who[m->ended] = member;
		m->with[m->ended++] = code;
	}
	serve(m);
}

int model_group_next(struct model_group *m, int who)
{
	if (m->told[who]) {
		m->told[who] = false;
		return 0;
	}
	if (!m->given[who]) {
		if (mq_has(&m->next, who))
			return CHP_PENDING;
		if (!m->ended && !m->running)
			return 0;
		mq_push(&m->next, who);
		serve(m);
		if (!m->given[who])
			return CHP_PENDING;
	}
	m->out = m->given[who] - 1;
	m->out_with = m->given_with[who];
	m->given[who] = m->given_with[who] = 0;
	return 1;
}

int model_group_cancel_next(struct model_group *m, int who)
{
	int given = m->given[who], at = 0;

	m->told[who] = false;
	mq_remove(&m->next, who);
	mq_remove(&m->wait, who);
	if (!given)
		return CHP_HELD_NOTHING;
	while (at < m->ended && m->when[m->who[at]] < m->when[given - 1])
		at++;
	shift(m->who, at, at + 1, m->ended - at);
	shift(m->with, at, at + 1, m->ended - at);
	m->who[at] = given - 1;
	m->with[at] = m->given_with[who];
	m->ended++;
	m->given[who] = m->given_with[who] = 0;
	serve(m);
	return CHP_GAVE_BACK;
}

int model_group_wait(struct model_group *m, int who)
{
	if (m->told[who]) {
		m->told[who] = false;
		return 0;
	}
	if (mq_has(&m->wait, who))
		return CHP_PENDING;
	if (!m->running)
		return 0;
	mq_push(&m->wait, who);
	return CHP_PENDING;
}
