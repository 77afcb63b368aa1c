/*
 * agent.c - ids, flags, names, shields: what tasks and threads share.
 */
#include "wait/agent.h"

#include <string.h>

#include "base/panic.h"

static void wake(void *data)
{
	struct agent *a = data;

	a->cls->unpark(a);
}

/* Slots are never freed: nothing to count. */
static void keep(void *data)
{
	(void)data;
}

const chp_waker_class chp__agent_waker = { wake, keep, keep };

uint64_t chp__agent_ids(uint64_t count)
{
	static chp_word64 next = { 1 };

	/* Relaxed: only uniqueness matters. */
	return add64_relaxed(&next, count);
}

/*
 * Names are read by others while the slot may change hands.  Each word is
 * stored with release (N) and loaded with acquire (M): a reader that sees a
 * word of the next agent's name also sees that the old id is gone, and throws
 * the name away.
 */
void chp__agent_set_name(struct agent *a, const char *name)
{
	uint64_t words[ARRAY_LEN(a->name)] = { 0 };

	if (name)
		memcpy(words, name, strnlen(name, CHP_NAME_MAX - 1));
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		store64_release(&a->name[i], words[i]); /* (N) */
}

void chp__agent_get_name(const struct agent *a, char *name)
{
	uint64_t words[ARRAY_LEN(a->name)];

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		words[i] = load64_acquire(&a->name[i]); /* (M) */
	memcpy(name, words, sizeof(words));
}

void chp__agent_start(struct agent *a, uint64_t id, const char *name,
		      uint32_t budget)
{
	a->budget = a->budget_full = budget;
	a->shield = 0;
	a->saw_abort = 0;
	a->locals = NULL;
	a->random = 0;
	chp__agent_set_name(a, name);
	/* Release: who finds another id knows that the last agent ended. */
	store64_release(&a->attention, id << AGENT_ID_SHIFT);
}

int chp__agent_check(struct agent *a, bool consume)
{
	uint64_t word = load64_acquire(&a->attention); /* (G) */

	if (a->shield)
		return 0;
	if (word & AGENT_ABORTED) {
		a->saw_abort |= consume;
		return CHP_EABORTED;
	}
	if (word & AGENT_INTERRUPTED) {
		if (consume)
			and64_acquire(&a->attention,
				      ~(uint64_t)AGENT_INTERRUPTED);
		return CHP_EINTR;
	}
	return 0;
}

int chp__agent_signal(chp_agent handle, unsigned flags)
{
	struct agent *a = handle.slot;
	uint64_t word;

	if (!a || !handle.id)
		return CHP_ESRCH;
	/* Acquire, also by a cas that fails: if it has ended, (E) in agent.h */
	word = load64_acquire(&a->attention);
	do {
		if (word >> AGENT_ID_SHIFT != handle.id || word & AGENT_ENDED)
			return CHP_ESRCH;
	} while (!cas64_acq_rel(&a->attention, &word, word | flags)); /* (F) */

	a->cls->unpark(a);
	return 0;
}

void chp__budget_spent(struct agent *a)
{
	a->budget = a->budget_full;
	a->cls->yield(a);
}

chp_agent chp_agent_current(void)
{
	return agent_handle(agent_self());
}

static bool is_alive(chp_agent agent)
{
	const struct agent *a = agent.slot;
	uint64_t word;

	if (!a || !agent.id)
		return false;
	word = load64_acquire(&a->attention); /* (E) */
	return word >> AGENT_ID_SHIFT == agent.id && !(word & AGENT_ENDED);
}

int chp_agent_kind_of(chp_agent agent)
{
	const struct agent *a = agent.slot;

	return is_alive(agent) ? (int)a->cls->kind : CHP_ESRCH;
}

int chp_agent_name(chp_agent agent, char *name)
{
	char text[CHP_NAME_MAX];

	if (!is_alive(agent))
		return CHP_ESRCH;
	chp__agent_get_name(agent.slot, text);
	if (!is_alive(agent))
		return CHP_ESRCH;
	memcpy(name, text, sizeof(text));
	return 0;
}

int chp_interrupt(chp_agent agent)
{
	return chp__agent_signal(agent, AGENT_INTERRUPTED);
}

int chp_is_interrupted(chp_agent agent)
{
	const struct agent *a = agent.slot;

	if (!is_alive(agent))
		return CHP_ESRCH;
	return (load64_acquire(&a->attention) & AGENT_INTERRUPTED) != 0;
}

int chp_interrupted(void)
{
	struct agent *a = agent_self();

	if (!agent_attention(a))
		return 0;
	return (and64_acquire(&a->attention, ~(uint64_t)AGENT_INTERRUPTED) &
		AGENT_INTERRUPTED) != 0;
}

int chp_check(void)
{
	struct agent *a = agent_self();

	return agent_attention(a) ? chp__agent_check(a, true) : 0;
}

void chp_shield_enter(void)
{
	agent_self()->shield++;
}

void chp_shield_leave(void)
{
	struct agent *a = agent_self();

	if (!a->shield)
		chp__panic("shield left that was not entered");
	a->shield--;
}

static const chp_op_class yield_class = { .name = "yield" };

const chp_op chp__yielded = { .cls = &yield_class };

static COLD void yield_first(void)
{
	chp__thread_agent_make();
	chp_yield();
}

void chp_yield(void)
{
	struct agent *a = chp__tls_agent();

	if (unlikely(!a)) {
		yield_first();
		return;
	}
	a->waits_for = &chp__yielded;
	a->budget = a->budget_full;
	a->cls->yield(a);
}
