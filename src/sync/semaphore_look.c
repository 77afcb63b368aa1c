/*
 * semaphore_look.c - making a semaphore, and looking at one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/panic.h"
#include "sync/pool.h"
#include "wait/node.h"

int chp_semaphore_init(chp_semaphore *s, int64_t permits, chp_policy policy)
{
	if (!in_range(permits) || (unsigned)policy > CHP_UNFAIR)
		return CHP_EINVAL;
	memset(s, 0, sizeof(*s));
	s->pool.word.v = word_plus(0, permits);
	s->capacity.v = (uint64_t)permits;
	s->policy = policy;
	return 0;
}

void chp_semaphore_destroy(chp_semaphore *s)
{
	/* Relaxed: the caller knows that the others are done. */
	if (load64_relaxed(&s->pool.word) & QUEUED)
		chp__panic("semaphore%s%s destroyed while tasks or threads "
			   "wait for it",
			   s->name ? " " : "", s->name ? s->name : "");
}

int64_t chp_semaphore_capacity(const chp_semaphore *s)
{
	return (int64_t)load64_relaxed(&s->capacity);
}

int chp_semaphore_is_closed(const chp_semaphore *s)
{
	return (load64_acquire(&s->pool.word) & CLOSED) != 0;
}

int64_t chp_semaphore_available(const chp_semaphore *s)
{
	uint64_t word = load64_acquire(&s->pool.word);

	return pool_takeable(s->policy, word);
}

chp_policy chp_semaphore_policy(const chp_semaphore *s)
{
	return (chp_policy)s->policy;
}

int chp_semaphore_is_fair(const chp_semaphore *s)
{
	return s->policy != CHP_UNFAIR;
}

size_t chp_semaphore_queue_length(const chp_semaphore *s)
{
	/* Relaxed: a waiter that we know has returned was subtracted before. */
	return load_relaxed(&s->pool.queued);
}

int chp_semaphore_has_waiters(const chp_semaphore *s)
{
	return (load64_acquire(&s->pool.word) & QUEUED) != 0;
}

static void describe_waiter(chp_node *n, chp_waiter *out)
{
	memset(out, 0, sizeof(*out));
	out->kind = CHP_POLLER;
	out->permits = container_of(n, chp__pool_op, node)->n;
	out->since = n->since;
	if (n->agent_id) {
		struct agent *a = n->waker.data;

		out->kind = a->cls->kind;
		out->agent.slot = a;
		out->agent.id = n->agent_id;
		chp__agent_get_name(a, out->name);
	}
}

size_t chp_semaphore_waiters(chp_semaphore *s, chp_waiter *out, size_t max)
{
	uint64_t word = word_lock(&s->pool.word);
	size_t count = 0;

	for (chp_node *n = s->pool.first; n; n = n->next, count++)
		if (count < max)
			describe_waiter(n, &out[count]);
	word_unlock(&s->pool.word, word);
	return count;
}

void chp_semaphore_set_name(chp_semaphore *s, const char *name)
{
	s->name = name;
}

int chp_semaphore_describe(const chp_semaphore *s, char *text, size_t size)
{
	long long permits = (long long)chp_semaphore_available(s);

	if (s->name)
		return snprintf(text, size, "%s[Permits = %lld]", s->name,
				permits);
	return snprintf(text, size, "chp_semaphore@%p[Permits = %lld]",
			(const void *)s, permits);
}

void chp_semaphore_save(const chp_semaphore *s, chp_semaphore_state *state)
{
	state->permits = count_of(load64_acquire(&s->pool.word));
	state->capacity = chp_semaphore_capacity(s);
	state->policy = s->policy;
	state->version = 1;
}

int chp_semaphore_restore(chp_semaphore *s, const chp_semaphore_state *state)
{
	int r;

	if (state->version != 1 || !in_range(state->capacity) ||
	    state->policy > CHP_UNFAIR)
		return CHP_EINVAL;
	r = chp_semaphore_init(s, state->permits, (chp_policy)state->policy);
	if (r == 0)
		s->capacity.v = (uint64_t)state->capacity;
	return r;
}
