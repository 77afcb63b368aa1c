/*
 * task.h - tasks: functions that run beside each other, each on a small stack
 * of its own, and may wait anywhere.
 *
 *	static void *work(void *arg) { ...; return result; }
 *
 *	chp_task t;
 *	int r = chp_spawn(&t, work, arg);
 *	...
 *	chp_outcome o;
 *	r = chp_join(&t, &o);         // o.value is what work returned
 *
 * Spawning puts the task in a queue and returns; it never switches to it.  A
 * task handle is joined or detached exactly once; a second time is answered
 * with CHP_EINVAL, not with a crash.  What a task did happens before its join
 * returns; what the spawner did before happens before the task.
 *
 * A stack overflow stops the process with the task's name.
 */
#ifndef CHAPPE_TASK_H
#define CHAPPE_TASK_H

#include <chappe/agent.h>

#ifdef __cplusplus
extern "C" {
#endif

struct chp_runtime;

/* A handle on a task, or on a blocking call. */
typedef struct chp_task {
	chp_agent agent; /* read it freely; {0} once joined or detached */
} chp_task;

typedef struct chp_task_options {
	const char *name; /* copied; longer than CHP_NAME_MAX - 1: cut */
	struct chp_runtime *runtime; /* NULL: the caller's */
	size_t stack_size;           /* 0: the runtime's */
	int pinned;                  /* stay on the thread that runs it first */

	/* Destructors, or NULL: for the argument of a task that never runs, and
	   for a value that nobody joins. */
	void (*arg_drop)(void *arg);
	void (*result_drop)(void *value);
	void *reserved[4];
} chp_task_options;

/*
 * Spawn fn(arg) on the caller's runtime.  task NULL: detached from the start.
 * 0; CHP_ENOMEM; CHP_ECLOSED while the runtime shuts down; CHP_EINVAL without
 * a runtime (on a plain thread name one in the options).  On failure arg stays
 * the caller's and arg_drop is not called.
 *
 * The stack comes when the task is first run.  If there is no memory for it
 * then, the task waits, and is tried again and again, until another task leaves
 * its stack or the system has memory.  tokio: spawn.
 */
CHP_API int chp_spawn(chp_task *task, void *(*fn)(void *arg), void *arg);
CHP_API int chp_spawn_with(chp_task *task, void *(*fn)(void *arg), void *arg,
			   const chp_task_options *options);

/* How a task ended. */
typedef enum chp_fate {
	CHP_RETURNED = 0,  /* value is what it returned */
	CHP_ABORTED = 1,   /* it saw CHP_EABORTED, then returned value */
	CHP_NEVER_RUN = 2, /* aborted before its first run; value is NULL */
} chp_fate;

typedef struct chp_outcome {
	chp_fate fate;
	void *value;
} chp_outcome;

/*
 * Wait for the task and take its outcome; *task is then {0}.  outcome may be
 * NULL (the value then goes to result_drop).  The result speaks of the wait:
 * 0, or CHP_EINVAL (not a live handle, or somebody else is joining it), or
 * what ended the wait, and then the handle is as before.
 * tokio: JoinHandle.
 */
CHP_API int chp_join(chp_task *task, chp_outcome *outcome);
CHP_API int chp_join_with(chp_task *task, chp_outcome *outcome,
			  const chp_wait *w);

/* Joining as an operation.  Cancelling it leaves the handle as it was. */
typedef struct chp_join_op {
	chp_op op;
	chp_task *task;
	chp_outcome *outcome;
	chp_waker waker;
	void *reserved[2];
} chp_join_op;

CHP_API void chp_task_join_op(chp_join_op *op, chp_task *task,
			      chp_outcome *outcome);

/* Has it ended?  1, 0, or CHP_EINVAL for a dead handle. */
CHP_API int chp_task_is_finished(const chp_task *task);

/* Let it run without a handle.  0 or CHP_EINVAL. */
CHP_API int chp_task_detach(chp_task *task);

/*
 * Ask the task to stop: see agent.h.  0, or CHP_ESRCH if it has ended.
 * Idempotent.  The second form needs no handle.  tokio: abort, AbortHandle.
 */
CHP_API int chp_task_abort(const chp_task *task);
CHP_API int chp_abort(chp_agent agent);

/* The id of the calling task; 0 on a thread.  tokio: task::id. */
CHP_API uint64_t chp_task_id(void);

#ifdef __cplusplus
}
#endif

#endif
