/*
 * agent.h - who waits: the tasks and threads of the process, named alike.
 *
 * An agent is a task of a runtime or an OS thread.  A chp_agent is a small
 * value that names one.  It holds nothing alive and never dangles: once the
 * agent has ended, every call says CHP_ESRCH.
 *
 * Interruption is Java's: a flag.  The agent's current or next interruptible
 * wait returns CHP_EINTR and clears it.  Abort is for tasks and stays set:
 * every later interruptible wait of the task returns CHP_EABORTED, so that it
 * unwinds through its own error paths; a task aborted before its first run
 * never runs.  Neither touches a wait that has already succeeded.
 *
 * As in Java, what the interrupter or aborter did before happens before whatever
 * finds that flag (a wait that returns CHP_EINTR or CHP_EABORTED, chp_check,
 * chp_interrupted, chp_is_interrupted); and what an agent did happens before a
 * call here that finds it ended.
 *
 * None of these calls waits.  None may be called from a signal handler.
 */
#ifndef CHAPPE_AGENT_H
#define CHAPPE_AGENT_H

#include <chappe/op.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CHP_NAME_MAX 24 /* longest name kept, with its terminating zero */

typedef enum chp_agent_kind {
	CHP_THREAD = 1,
	CHP_TASK = 2,
	CHP_POLLER = 3, /* in lists of waiters: polled by hand */
} chp_agent_kind;

typedef struct chp_agent {
	void *slot;  /* private */
	uint64_t id; /* unique in the process, never used again; 0: nobody */
} chp_agent;

/* The calling task, or the calling thread. */
CHP_API chp_agent chp_agent_current(void);

/* Task or thread?  CHP_ESRCH once it has ended. */
CHP_API int chp_agent_kind_of(chp_agent agent);

/*
 * Copy the agent's name ("" if it has none) into name[CHP_NAME_MAX].  Tasks
 * are named when spawned; a thread names itself.  Longer names are cut.
 */
CHP_API int chp_agent_name(chp_agent agent, char *name);
CHP_API void chp_thread_set_name(const char *name);

/*
 * Set the agent's interrupt flag and wake it if it waits interruptibly.
 * 0 or CHP_ESRCH.  Java: Thread.interrupt.
 */
CHP_API int chp_interrupt(chp_agent agent);

/* Is the flag of the caller (of an agent) set?  Java: isInterrupted. */
CHP_API int chp_is_interrupted(chp_agent agent);

/* Was the caller's flag set?  Clears it.  Java: Thread.interrupted. */
CHP_API int chp_interrupted(void);

/*
 * Check the caller: CHP_EABORTED, or CHP_EINTR (which clears the flag), or 0:
 * what an interruptible wait would say at its start.  For long computations.
 */
CHP_API int chp_check(void);

/*
 * Let the other tasks of this worker run first.  On a thread: sched_yield.
 * tokio: yield_now.
 */
CHP_API void chp_yield(void);

/*
 * Between enter and leave, waits of the caller ignore interruption and abort,
 * which stay set for afterwards: for clean-up that must wait.  Nests.  A leave
 * without an enter is misuse.
 */
CHP_API void chp_shield_enter(void);
CHP_API void chp_shield_leave(void);

/*
 * Values of the calling task or thread, by key: a thread-local that moves
 * with its task.  Define keys as static objects.  The destructor, if any, runs
 * when the agent ends, on the agent itself (a task that is ending may not
 * wait there).
 */
typedef struct chp_local_key {
	void (*destroy)(void *value);
} chp_local_key;

/* NULL if never set. */
CHP_API void *chp_local_get(const chp_local_key *key);

/* 0 or CHP_ENOMEM.  The old value, if any, is not destroyed. */
CHP_API int chp_local_set(const chp_local_key *key, void *value);

#ifdef __cplusplus
}
#endif

#endif
