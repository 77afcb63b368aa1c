/*
 * outcome.h - what tasks and blocking calls have in common: an agent, a
 * function, and an end that somebody may wait for.
 *
 *   end        meaning                          leaves by
 *   RUNNING    not ended, nobody joins          joiner -> JOINING, by way of
 *                                               SETTING; ender -> DONE, ENDING;
 *                                               detach -> DETACHED
 *   JOINING    a waker is there                 joiner -> RUNNING, also with
 *                                               SETTING; ender -> CLAIMED
 *   CLAIMED    the waker is the ender's         ender -> DONE
 *   ENDING     the value will be public soon    ender -> DONE
 *   DONE       fate and value are public        whoever has the handle -> 0,
 *                                               then takes them, frees the slot
 *   DETACHED   no handle                        ender frees the slot
 *
 * SETTING is a flag beside RUNNING, ENDING and DONE: a joiner writes its waker.
 * It alone takes the flag away, and until then nobody takes what is DONE.
 *
 * (E) the ender's release into DONE publishes fate and value and all that the
 * task did; it pairs with the joiner's acquire (J).  It is the ender's last
 * touch of the slot.  The joiner's release into JOINING publishes the waker
 * for the ender's acquire into CLAIMED.
 *
 * A value that has a destructor must not be dropped by the scheduler, which
 * ends detached tasks: so the task itself drops it, or goes to ENDING (with a
 * joiner: to CLAIMED), after which a detach waits for DONE and drops it.
 *
 * The word holds the task's id above the state, and everybody changes it by a
 * cas from a value with the id of his handle: so a handle that is used twice,
 * or at once by two, finds another value and is refused; it can do no harm to
 * the slot's next task.  One handle, so one joiner at a time: a second finds
 * SETTING or JOINING.
 */
#ifndef CHAPPE_SRC_TASK_OUTCOME_H
#define CHAPPE_SRC_TASK_OUTCOME_H

#include <chappe/poll.h>

#include "wait/agent.h"
#include "wait/op.h"

enum end_state {
	RUNNING,
	JOINING,
	CLAIMED,
	ENDING,
	DONE,
	DETACHED,
	SETTING = 0x10,
};

enum { END_SHIFT = 8 };

static inline uint64_t end_word(uint64_t id, unsigned state)
{
	return id << END_SHIFT | state;
}

struct outcome {
	struct agent agent; /* first; id 0: the slot is free */
	chp_word64 end;     /* id << END_SHIFT | state; 0: the slot is free */
	chp_fate fate;      /* before (E) */
	chp_ptr runtime;    /* set before the id; NULL while free */
	chp_waker joiner;   /* see the table */
	union {
		void *(*fn)(void *arg); /* set once before it runs */
		chp_poll_fn poll;       /* the same, of a stackless task */
	};
	void *arg;
	void *value;                 /* before (E) */
	void (*arg_drop)(void *arg); /* set once before it runs */
	void (*result_drop)(void *value);
};

/*
 * Run the function, or not if it was aborted before: sets fate and value.  On
 * the agent itself.  Destroys its locals.
 */
void chp__outcome_run(struct outcome *o);

/*
 * The two halves of it, for who calls the function himself: before the first
 * call, false if there must be none; and after the last.
 */
bool chp__outcome_begin(struct outcome *o);
void chp__outcome_finish(struct outcome *o, bool ran, void *value);

/* It has ended: publish, wake a joiner, or free the slot.  The last touch. */
void chp__outcome_end(struct outcome *o);

/* The outcome has been taken, or nobody wants it: slot.c. */
void chp__slot_free(struct outcome *o);

#endif
