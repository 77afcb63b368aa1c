/*
 * scenario_agent.c - agents: interrupts, aborts, names, ends.
 */
#include <string.h>

#include <chappe/agent.h>
#include <chappe/semaphore.h>

#include "os/relax.h"
#include "os/thread.h"
#include "scenario.h"
#include "wait/agent.h"
#include "wait/random.h"

static chp_ptr known; /* chp_agent of thread 1, once it says who it is */
static chp_agent first;
static unsigned plain, plain_b;
static chp_word done_b;
static chp_semaphore s;

/* Thread 1: from now on others may find us. */
static void announce(void)
{
	first = chp_agent_current();
	storep_release(&known, &first);
}

/* The handle of thread 1, or of nobody. */
static chp_agent find(void)
{
	const chp_agent *a = loadp_acquire(&known);

	return a ? *a : (chp_agent){ NULL, 0 };
}

static void interrupt(void)
{
	plain = 1;
	model_reached(8 + (chp_interrupt(find()) == 0));
}

static void abort_it(void)
{
	plain = 1;
	chp__agent_signal(find(), AGENT_ABORTED);
}

static void abort_beside(void)
{
	plain_b = 1;
	model_reached(10 + (chp__agent_signal(find(), AGENT_ABORTED) == 0));
}

/* ---- Whoever finds a flag comes after what was done before it ---- */

static void saw(int found, unsigned bit)
{
	model_reached(bit + (found != 0));
	if (found)
		MODEL_CHECK(plain == 1);
}

static void look_interrupted(void)
{
	announce();
	saw(chp_interrupted(), 0);
	MODEL_CHECK(chp_interrupted() == 0 || plain == 1);
}

static void look_is_interrupted(void)
{
	int r;

	announce();
	r = chp_is_interrupted(first);
	MODEL_CHECK(r == 0 || r == 1);
	saw(r, 0);
}

static void look_check(void)
{
	int r;

	announce();
	r = chp_check();
	MODEL_CHECK(r == 0 || r == CHP_EINTR);
	saw(r, 0);
	if (r)
		MODEL_CHECK(chp_check() == 0);
}

static void look_aborted(void)
{
	int r;

	announce();
	r = chp_check();
	MODEL_CHECK(r == 0 || r == CHP_EABORTED);
	saw(r, 0);
	if (r)
		MODEL_CHECK(chp_check() == CHP_EABORTED);
}

/* Both flags come: neither is lost, and abort goes first. */
static void look_both(void)
{
	int r;

	announce();
	r = chp_check();
	if (r == CHP_EABORTED)
		MODEL_CHECK(plain_b == 1);
	if (r == CHP_EINTR)
		MODEL_CHECK(plain == 1);
	model_reached(r == 0 ? 0 : r == CHP_EINTR ? 1 : 2);
}

SCENARIO(agent_interrupted, .threads = { look_interrupted, interrupt },
	 .must_reach = 3 | 3 << 8);
SCENARIO(agent_is_interrupted, .threads = { look_is_interrupted, interrupt },
	 .must_reach = 3 | 3 << 8);
SCENARIO(agent_check, .threads = { look_check, interrupt },
	 .must_reach = 3 | 3 << 8);
SCENARIO(agent_abort, .threads = { look_aborted, abort_it }, .must_reach = 3);
SCENARIO(agent_both_flags, .threads = { look_both, interrupt, abort_beside },
	 .must_reach = 7 | 15 << 8);

/* What is set is found at the end, whoever sets it. */
static void flags_hold(void)
{
	struct agent *a = first.slot;

	if (plain & 2)
		MODEL_CHECK(load64_relaxed(&a->attention) & AGENT_INTERRUPTED);
	if (plain_b & 2)
		MODEL_CHECK(load64_relaxed(&a->attention) & AGENT_ABORTED);
}

static void set_interrupted(void)
{
	if (chp_interrupt(find()) == 0)
		plain |= 2;
}

static void set_aborted(void)
{
	if (chp__agent_signal(find(), AGENT_ABORTED) == 0)
		plain_b |= 2;
}

SCENARIO(agent_flags_hold,
	 .threads = { announce, set_interrupted, set_aborted },
	 .check = flags_hold);

/*
 * Two interrupts are found as one: it comes after both.  Whether the second is
 * in it is seen by looking at the word without learning anything from it.
 */
static void take_both(void)
{
	struct agent *self = agent_self();
	uint64_t word;

	announce();
	if (chp_check() != CHP_EINTR)
		return;
	if (!load_relaxed(&done_b))
		return;
	word = and64_relaxed(&self->attention, ~(uint64_t)0);
	model_reached((word & AGENT_INTERRUPTED) != 0);
	if (!(word & AGENT_INTERRUPTED))
		MODEL_CHECK(plain_b == 1);
}

static void interrupt_b(void)
{
	plain_b = 1;
	if (chp_interrupt(find()) == 0)
		store_relaxed(&done_b, 1);
}

SCENARIO(agent_two_interrupts, .threads = { take_both, interrupt, interrupt_b },
	 .must_reach = 3);

/* ---- Whoever finds an agent ended comes after what it did ---- */

static void end(void)
{
	announce();
	plain = 1;
	agent_end(agent_self());
}

static void leave(void)
{
	announce();
	plain = 1;
	agent_leave(agent_self());
}

/* Its slot goes to another, who is never told what was meant for the first. */
static void move(void)
{
	struct agent *a = agent_self();

	chp__agent_set_name(a, "the first of the two");
	announce();
	plain = 1;
	agent_leave(a);
	chp__agent_start(a, chp__agent_ids(1), "another, not the first", 1000);
}

static void moved(void)
{
	struct agent *a = first.slot;

	MODEL_CHECK(!(load64_relaxed(&a->attention) & AGENT_FLAGS));
	MODEL_CHECK(agent_id(a) != first.id);
}

static void find_ended(int r)
{
	model_reached(r == CHP_ESRCH);
	if (r == CHP_ESRCH && loadp_relaxed(&known))
		MODEL_CHECK(plain == 1);
}

static void look_kind(void)
{
	chp_agent a = find();
	int r;

	if (!a.slot)
		return;
	r = chp_agent_kind_of(a);
	MODEL_CHECK(r == CHP_THREAD || r == CHP_ESRCH);
	find_ended(r);
}

static void look_flag(void)
{
	chp_agent a = find();

	if (a.slot)
		find_ended(chp_is_interrupted(a));
}

static void look_by_interrupt(void)
{
	chp_agent a = find();

	if (a.slot)
		find_ended(chp_interrupt(a));
}

static void look_name(void)
{
	chp_agent a = find();
	char name[CHP_NAME_MAX] = "as it was";
	int r;

	if (!a.slot)
		return;
	r = chp_agent_name(a, name);
	MODEL_CHECK(strcmp(name, r == CHP_ESRCH ? "as it was"
						: "the first of the two") == 0);
	find_ended(r);
}

SCENARIO(agent_end_kind, .threads = { end, look_kind }, .must_reach = 3);
SCENARIO(agent_end_interrupt, .threads = { end, look_by_interrupt },
	 .must_reach = 3);
SCENARIO(agent_leave_kind, .threads = { leave, look_kind }, .must_reach = 3);
SCENARIO(agent_leave_interrupt, .threads = { leave, look_by_interrupt },
	 .must_reach = 3);
SCENARIO(agent_move_kind, .threads = { move, look_kind }, .must_reach = 3);
SCENARIO(agent_move_flag, .threads = { move, look_flag }, .must_reach = 3);
SCENARIO(agent_move_interrupt, .threads = { move, look_by_interrupt },
	 .check = moved, .must_reach = 3);
SCENARIO(agent_move_name, .threads = { move, look_name }, .must_reach = 3);

/* The handle of nobody; and nothing stands against the caller. */
static void nobody(void)
{
	chp_agent none = { NULL, 0 };
	char name[CHP_NAME_MAX];

	MODEL_CHECK(chp_agent_kind_of(none) == CHP_ESRCH);
	MODEL_CHECK(chp_agent_name(none, name) == CHP_ESRCH);
	MODEL_CHECK(chp_is_interrupted(none) == CHP_ESRCH);
	MODEL_CHECK(chp_interrupt(none) == CHP_ESRCH);
	MODEL_CHECK(chp__agent_check(agent_self(), true) == 0);
}

SCENARIO(agent_nobody, .threads = { nobody });

/* Chance comes from the entropy of the process. */
static void random_seeded(void)
{
	uint64_t id = agent_id(agent_self()), state;

	state = ((chp__entropy() | 1) ^ id * 0x9e3779b97f4a7c15ULL) | 1;
	for (int i = 0; i < 3; i++)
		MODEL_CHECK(chp__random() == random_step(&state));
}

SCENARIO(agent_random, .threads = { random_seeded });

/* ---- A flag ends a wait ---- */

static void init_0(void)
{
	chp_semaphore_init(&s, 0, CHP_FIFO);
}

static void wait_interrupted(void)
{
	announce();
	MODEL_CHECK(chp_semaphore_acquire(&s, 1) == CHP_EINTR);
	MODEL_CHECK(plain == 1);
	MODEL_CHECK(chp_check() == 0);
}

static void wait_aborted(void)
{
	announce();
	MODEL_CHECK(chp_semaphore_acquire(&s, 1) == CHP_EABORTED);
	MODEL_CHECK(plain == 1);
	MODEL_CHECK(chp_check() == CHP_EABORTED);
}

/* Waits until the first is known: parked or not, it is told. */
static void when_known(unsigned flags)
{
	unsigned spins = 0;

	while (!loadp_acquire(&known))
		chp__relax(&spins);
	plain = 1;
	MODEL_CHECK(chp__agent_signal(find(), flags) == 0);
}

static void interrupt_known(void)
{
	when_known(AGENT_INTERRUPTED);
}

static void abort_known(void)
{
	when_known(AGENT_ABORTED);
}

SCENARIO(agent_wait_interrupted, .setup = init_0,
	 .threads = { wait_interrupted, interrupt_known });
SCENARIO(agent_wait_aborted, .setup = init_0,
	 .threads = { wait_aborted, abort_known });

/* Behind a shield a flag waits. */
static void shielded(void)
{
	announce();
	chp_shield_enter();
	MODEL_CHECK(chp_check() == 0);
	chp_shield_leave();
	saw(chp_check(), 0);
}

SCENARIO(agent_shield, .threads = { shielded, interrupt }, .must_reach = 3);
