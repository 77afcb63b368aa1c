/*
 * task.h - the scheduler's side of a task.
 *
 *   token      meaning                             leaves by
 *   EMPTY      running, or on its way to park      unparker -> NOTIFIED; the
 *                                                  worker that has left its
 *                                                  stack -> PARKED
 *   PARKED     off its stack, in no queue          unparker -> NOTIFIED
 *   BLOCKED    its thread sleeps on the token:     unparker -> NOTIFIED, and a
 *              it blocks in place                  futex wake
 *   NOTIFIED   woken: in a queue, or running and   the task, as it returns
 *              about to find out                   from park -> EMPTY
 *
 * Who takes PARKED to NOTIFIED puts the task in a queue: exactly one does.  A
 * task is marked PARKED only after its stack has been left (worker.c), so it
 * never runs twice.
 *
 * (T) the unparker's swap releases what it did before; the task's swap to EMPTY
 * acquires it.  That one is a swap, too, for the reason told in os/event.c.
 * (X) the step to PARKED releases the saved context; the unparker's swap
 * acquires it and passes it on through the run queue.
 *
 * Slots are process-wide memory that is never put to another use (see
 * wait/agent.h).  A slot is free, or belongs to one task from spawn until its
 * outcome has been taken.
 */
#ifndef CHAPPE_SRC_TASK_TASK_H
#define CHAPPE_SRC_TASK_TASK_H

#include <chappe/runtime.h>
#include <chappe/time.h>

#include "os/event.h"
#include "task/outcome.h"
#include "task/runq.h"
#include "task/stack.h"

enum token {
	TOKEN_EMPTY = OS_EVENT_EMPTY,
	TOKEN_PARKED = OS_EVENT_WAITING,
	TOKEN_NOTIFIED = OS_EVENT_SET,
	TOKEN_BLOCKED,
};

/*
 * What all tasks have.  One with a stack of its own is a struct stackful; one
 * without is no more than this: a stackless task (stackless.c), and a blocking
 * call, whose token is the event on which its thread sleeps (blocking.c).
 */
struct task {
	struct outcome outcome; /* first */
	union {
		chp_word token;
		struct os_event event;
	};
	uint8_t stack_class; /* of one with a stack; set once before it runs */
	uint8_t pinned;      /* set once before it runs */
	struct worker *worker; /* that runs it; pinned: that will; or NULL */
	struct task *next;     /* in a list: whose, that list's lock says */
	void *context;         /* of one with a stack, from its first run on:
				  what it left there; before (X) */
};

struct stackful {
	struct task task;    /* first */
	struct stack *stack; /* from its first run on */
	chp_timer timer;     /* of its timed parks */
} CACHE_ALIGNED;

extern const struct agent_class chp__task_class;
extern const struct agent_class chp__stackless_class;
extern const struct agent_class chp__job_class;

/* What runq.h fetches. */
_Static_assert(sizeof(struct stackful) <= RUNQ_FETCH_TASK, "all of it");

/* What a stackless task weighs: poll.h says so. */
_Static_assert(sizeof(struct task) <= 192, "three cache lines");

static inline struct task *task_of(struct agent *a)
{
	return (struct task *)a;
}

/* Must the scheduler poll it? */
static inline bool is_stackless(const struct task *t)
{
	return t->outcome.agent.cls == &chp__stackless_class;
}

/* Of a task that has a stack. */
static inline struct stackful *stackful_of(struct task *t)
{
	return (struct stackful *)t;
}

static inline struct chp_runtime *task_runtime(const struct task *t)
{
	/* Relaxed: does not change while the task is there. */
	return loadp_relaxed(&t->outcome.runtime);
}

/* Has it run?  Of a blocking call nobody asks. */
static inline bool task_has_begun(struct task *t)
{
	return is_stackless(t) ? t->worker != NULL : t->context != NULL;
}

/* ---- Slots: slot.c ---- */

/* A slot's class and size never change, so there is a pool for each. */
enum slot_kind {
	SLOT_TASK,
	SLOT_STACKLESS,
	SLOT_CACHES, /* workers keep slots of those before */
	SLOT_JOB = SLOT_CACHES
};

/* Slots that a worker keeps for itself. */
struct slot_cache {
	struct task *first;
	unsigned count;
};

/* NULL when out of memory.  caches, of the worker, may be NULL. */
struct task *chp__slot_get(enum slot_kind kind, struct slot_cache *caches);

/* Give all back, for good. */
void chp__slot_flush(struct slot_cache *caches);

/*
 * Call fn for every slot that ever was, free ones too; fn must check what it
 * finds, as it may change meanwhile.
 */
void chp__slot_each(void (*fn)(struct task *t, void *user), void *user);

#endif
