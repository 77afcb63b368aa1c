/*
 * local.c - values of a task or thread by key: a short list, owner only.
 */
#include "base/alloc.h"
#include "wait/agent.h"

struct local {
	struct local *next;
	const chp_local_key *key;
	void *value;
};

static struct local *find(const struct agent *a, const chp_local_key *key)
{
	for (struct local *l = a->locals; l; l = l->next)
		if (l->key == key)
			return l;
	return NULL;
}

void *chp_local_get(const chp_local_key *key)
{
	struct local *l = find(agent_self(), key);

	return l ? l->value : NULL;
}

int chp_local_set(const chp_local_key *key, void *value)
{
	struct agent *a = agent_self();
	struct local *l = find(a, key);

	if (!key)
		return CHP_EINVAL;
	if (!l) {
		l = chp__alloc(sizeof(*l));
		if (!l)
			return CHP_ENOMEM;
		l->key = key;
		l->next = a->locals;
		a->locals = l;
	}
	l->value = value;
	return 0;
}

void chp__locals_destroy(struct agent *a)
{
	/* A destructor may set values again; a few rounds, as for threads. */
	for (int round = 0; a->locals && round < 4; round++) {
		struct local *l = a->locals, *next;

		a->locals = NULL;
		for (; l; l = next) {
			next = l->next;
			if (l->value && l->key->destroy)
				l->key->destroy(l->value);
			chp__free(l, sizeof(*l));
		}
	}
}
