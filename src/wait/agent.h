/*
 * agent.h - the waiting side of tasks and threads, seen alike.
 *
 * Primitives know wakers only.  What blocks (block.c) knows agents only.  The
 * scheduler gives its tasks a class; threads have theirs in thread_agent.c.
 *
 * Slots.  An agent lives in a slot of process-wide memory that is never given
 * to another use: whoever kept a stale pointer and unparks it causes at worst
 * one early return of a park, which every wait expects.  So an agent's waker
 * needs no reference, and destroy-safety needs no hazard pointers.
 *
 * attention, one word per agent, is all that a wait looks at before it starts:
 *
 *	bits 8..63   the agent's id; 0 while the slot is free
 *	bit 0        INTERRUPTED   set by anyone, cleared by the agent
 *	bit 1        ABORTED       set by anyone, never cleared
 *	bit 2        ENDED         set by the agent: calls by handle fail
 *	bit 3        PREEMPT       set and cleared by its scheduler: the next
 *	                           wait lets others run before it starts
 *
 * Flags are set by a cas that checks the id, so a handle that outlived its
 * agent can do no harm.  Setting is a release (F) that pairs with the acquire
 * (G) of the agent's slow path; then the agent is unparked, whose token makes
 * sure that it looks.
 */
#ifndef CHAPPE_SRC_WAIT_AGENT_H
#define CHAPPE_SRC_WAIT_AGENT_H

#include <chappe/agent.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "os/tls.h"

struct agent;
struct wheel;
struct driver;

struct agent_class {
	chp_agent_kind kind;
	/* Sleep until unparked or `deadline` (0: none).  May end early.
	   Leaves errno as it was. */
	void (*park)(struct agent *a, chp_time deadline);
	/* Make the present or the next park return.  From anywhere. */
	void (*unpark)(struct agent *a);
	void (*yield)(struct agent *a);
	chp_time (*now)(struct agent *a);
	/* Now or some milliseconds before, at a fifth of the cost. */
	chp_time (*coarse)(struct agent *a);
	/* Who drives its timers and descriptors: 0, or why nobody can. */
	int (*wheel)(struct agent *a, struct wheel **out);
	int (*driver)(struct agent *a, struct driver **out);
};

enum {
	AGENT_INTERRUPTED = 1,
	AGENT_ABORTED = 2,
	AGENT_ENDED = 4,
	AGENT_PREEMPT = 8,
	AGENT_FLAGS = 0xff,
	AGENT_ID_SHIFT = 8,
};

struct agent {
	const struct agent_class *cls; /* fixed for the life of the slot */
	chp_word64 attention;          /* atomic: see above */
	uint32_t budget;               /* owner only */
	uint32_t budget_full;          /* set once before it runs */
	uint32_t shield;               /* owner only: nesting depth */
	uint32_t saw_abort;            /* owner only: a wait said EABORTED */
	struct local *locals;          /* owner only */
	uint64_t random;               /* owner only: state; 0: unseeded */
	const chp_op *waits_for; /* while parked in a wait; NULL: by hand */
	chp_word64 name[CHP_NAME_MAX / 8]; /* written by owner; see agent.c */
};

/* The waker class of all agents; data is the struct agent. */
extern const chp_waker_class chp__agent_waker;

static inline chp_waker agent_waker(struct agent *a)
{
	chp_waker w = { &chp__agent_waker, a };

	return w;
}

/* Make the calling thread's agent. */
struct agent *chp__thread_agent_make(void);

/* The calling task or thread. */
static inline struct agent *agent_self(void)
{
	struct agent *a = chp__tls_agent();

	return likely(a != NULL) ? a : chp__thread_agent_make();
}

static inline uint64_t agent_id(const struct agent *a)
{
	/* Relaxed: the id does not change while we may ask. */
	return load64_relaxed(&a->attention) >> AGENT_ID_SHIFT;
}

/* Make its present or next park return. */
static inline void agent_unpark(struct agent *a)
{
	a->cls->unpark(a);
}

/* A flag is up?  Relaxed: a hint; the slow path acquires. */
static inline bool agent_attention(const struct agent *a)
{
	return (load64_relaxed(&a->attention) & AGENT_FLAGS) != 0;
}

/*
 * Has this time come?  Reads the clock exactly only when it is near.  A coarse
 * clock that lags more than it should makes the answer late, never early.
 */
static inline bool agent_passed(struct agent *a, chp_time at)
{
	chp_time t = a->cls->coarse(a);

	return t >= at || (at - t < 20000000 && a->cls->now(a) >= at);
}

static inline chp_agent agent_handle(struct agent *a)
{
	chp_agent h = { a, agent_id(a) };

	return h;
}

/* Ids are never used again; `count` of them at once. */
uint64_t chp__agent_ids(uint64_t count);

/* A new agent moves into the slot. */
void chp__agent_start(struct agent *a, uint64_t id, const char *name,
		      uint32_t budget);

/*
 * It has ended, but its slot is not free yet; then it moves out and handles
 * are stale.  Stores: a flag set at this moment may be lost, and the cas of one
 * that comes later finds the word changed.  Release (E), as when the next agent
 * moves in: whoever acquires a word that says that an agent has ended comes
 * after all that it did.
 */
static inline void agent_end(struct agent *a)
{
	store64_release(&a->attention,
			agent_id(a) << AGENT_ID_SHIFT | AGENT_ENDED);
}

static inline void agent_leave(struct agent *a)
{
	store64_release(&a->attention, 0);
}

/* Destroy the locals; on the agent itself, before agent_end. */
void chp__locals_destroy(struct agent *a);

/*
 * The code an interruptible wait must return now, or 0.  `consume` clears the
 * interrupt flag if that is the reason.  Looks past no shield.
 */
int chp__agent_check(struct agent *a, bool consume);

/* Set flags of the agent if its id is still this one, and unpark it. */
int chp__agent_signal(chp_agent handle, unsigned flags);

/* Cut to fit; NULL gives "". */
void chp__agent_set_name(struct agent *a, const char *name);
void chp__agent_get_name(const struct agent *a, char *name);

/* What an agent that yields waits for. */
extern const chp_op chp__yielded;

/* The budget is used up: refill it and let others run. */
void chp__budget_spent(struct agent *a);

/*
 * The calling task or thread, if nothing stands against a wait that can finish
 * at once; NULL: take the long way.  For the first lines of a blocking call.
 */
static inline struct agent *agent_unhindered(void)
{
	struct agent *a = chp__tls_agent();

	return likely(a && !agent_attention(a)) ? a : NULL;
}

/* The same for the first lines of a call: false, if that would use it up; then
   nothing has been spent, and the long way does it. */
static inline bool agent_spend_little(struct agent *a)
{
	if (unlikely(a->budget == 1))
		return false;
	a->budget--;
	return true;
}

/* One more wait: when the budget is used up, others run first. */
static inline void agent_spend(struct agent *a)
{
	if (unlikely(--a->budget == 0))
		chp__budget_spent(a);
}

#endif
