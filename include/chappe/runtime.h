/*
 * runtime.h - where tasks run.
 *
 * A runtime is a set of workers that run tasks (task.h), drive their timers
 * and descriptors, and keep a pool of threads for blocking calls.  Two kinds:
 * many threads with work stealing, or the current thread, where tasks run only
 * while somebody is inside chp_runtime_block_on().
 *
 *	static void *first(void *arg) { ... spawn, send, receive ... }
 *	int main(void) { return chp_run(NULL, first, NULL, NULL); }
 *
 * What a task may not assume: a task moves between threads when it waits (pin
 * it to prevent that: task.h).  So do not keep the address of a thread-local
 * variable, or a lock that belongs to a thread (pthread_mutex_t), across a
 * wait.  The floating-point environment (rounding mode, exception masks)
 * belongs to the worker: put it back before you wait.  Signals are handled on
 * the stack of whatever runs.
 *
 * An idle runtime uses no processor time.
 */
#ifndef CHAPPE_RUNTIME_H
#define CHAPPE_RUNTIME_H

#include <chappe/task.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct chp_runtime chp_runtime;

typedef enum chp_runtime_kind {
	CHP_MANY_THREADS = 0,
	CHP_CURRENT_THREAD = 1,
} chp_runtime_kind;

/* How stacks are guarded against overflow. */
typedef enum chp_guard {
	CHP_GUARD_AUTO = 0,   /* the best the kernel has */
	CHP_GUARD_BUDGET = 1, /* guard pages for so many, canaries for the rest,
				 even where the kernel could guard them all */
} chp_guard;

/* All-zero means defaults.  Always start from that, for later versions. */
typedef struct chp_runtime_options {
	chp_runtime_kind kind;
	unsigned workers;  /* threads; 0: processors this process may use */
	size_t stack_size; /* bytes per task; 0: 64 KiB; rounded up to a power
				 of two of at least 16 KiB */
	unsigned blocking_max;  /* threads for blocking calls; 0: 512.  Those
				   that relieve chp_block_in_place() are extra */
	chp_time blocking_idle; /* after which one of them ends; 0: 10 s */
	unsigned budget;        /* waits that may finish at once before a task
				   yields; 0: 128 */
	chp_guard guard;
	int paused_clock; /* CHP_CURRENT_THREAD only: time stands still, and
			     jumps to the next timer when nothing can run; held
			     back while a blocking call is out */
	const char *name; /* for threads and messages; copied */
	uint64_t seed;    /* 0: off; else simulate, see below */
	void *reserved[5];
} chp_runtime_options;

/*
 * Make a runtime.  options NULL: defaults.  0, CHP_EINVAL, CHP_ENOMEM, or the
 * -errno of a thread or descriptor that could not be made.
 */
CHP_API int chp_runtime_new(chp_runtime **out,
			    const chp_runtime_options *options);

/*
 * Run fn(arg) as a task and wait for it; its value goes to *result, if not
 * NULL.  A current-thread runtime runs its tasks in here and stops when fn
 * returns; the others stay parked.  Called by a thread, not by a task
 * (CHP_EBUSY).  The wait itself cannot be interrupted.  0, CHP_ENOMEM, or
 * CHP_ECLOSED if the runtime is shutting down.  tokio: Runtime::block_on.
 */
CHP_API int chp_runtime_block_on(chp_runtime *rt, void *(*fn)(void *arg),
				 void *arg, void **result);

/*
 * Simulation, for testing programs: docs/simulation.md.  With a seed the whole
 * program runs on one thread, by chance: which task runs next, who is held
 * back though it could run, whose wait returns early to be tried again, where
 * a task is preempted (before and after waits, also those that need not wait),
 * how late a timer fires.  The same seed gives the same run: order, times, and
 * ids of tasks, which count from 1000000000001.
 *
 * A seed means CHP_CURRENT_THREAD and paused_clock; CHP_EINVAL with more than
 * one worker.  Time begins at 1,000,000 s and moves when nothing can run (and
 * after 1,000 mere yields in a row, or 100,000 switches at one time).
 *
 * Blocking calls (chp_spawn_blocking) run on the same thread, as tasks with a
 * stack of 1 MiB: one that really blocks stops everything; it must not call
 * chp_runtime_block_on; time is the runtime's.
 *
 * When nothing can run, no timer is set, no descriptor is registered, and no
 * other thread wakes a task within a second of real time, the run is stuck: the
 * process stops with the names of the tasks and what each waits for.  Real
 * descriptors, signals and other threads work, but what comes from them is not
 * part of what the seed repeats.
 *
 * All runs of one seed have the same ids: keep no handle from one to the next.
 */

/* What a shutdown could not stop. */
typedef struct chp_straggler {
	uint64_t id;
	char name[CHP_NAME_MAX];
	int blocking; /* a blocking call, not a task */
} chp_straggler;

/*
 * Abort every task, wait until all tasks and blocking calls have ended, stop
 * the threads, free the runtime.  deadline 0: as long as it takes.
 *
 * CHP_ETIMEDOUT when the deadline passes first: nothing is freed, the first
 * `max` of what still runs are in `left` (may be NULL), their number in
 * *left_count; call it again.  Tasks spawned meanwhile get CHP_ECLOSED.
 * CHP_EBUSY from inside one of the runtime's own tasks.
 */
CHP_API int chp_runtime_shutdown(chp_runtime *rt, chp_time deadline,
				 chp_straggler *left, size_t max,
				 size_t *left_count);

/*
 * Make a runtime, run fn(arg) as its first task, shut it down when fn returns
 * (aborting what still runs).  Returns 0 or why it could not be made.
 * tokio: #[tokio::main].
 */
CHP_API int chp_run(const chp_runtime_options *options, void *(*fn)(void *arg),
		    void *arg, void **result);

/* The runtime of the calling task; NULL on a thread. */
CHP_API chp_runtime *chp_runtime_current(void);

/*
 * Run fn(arg) on a thread where blocking is harmless.  Handled like a task:
 * join it, detach it.  Abort reaches it only before it starts, and as
 * CHP_EABORTED in its own waits.  rt NULL: the caller's.
 *
 * If no further thread can be started, those there are run it.  Fails if there
 * is none: CHP_ENOMEM, or the -errno of the thread (-EAGAIN); else as
 * chp_spawn_with().  On failure arg stays the caller's, without arg_drop.
 * tokio: spawn_blocking.
 */
CHP_API int chp_spawn_blocking(chp_runtime *rt, chp_task *task,
			       void *(*fn)(void *arg), void *arg,
			       const chp_task_options *options);

/*
 * Call fn(arg), which may block, from a task, on its own stack: another thread
 * takes over the worker's other tasks meanwhile.  On a current-thread runtime,
 * on a worker that has pinned tasks, on a thread, and if no other thread can be
 * started, it just calls fn.
 * tokio: block_in_place.
 */
CHP_API void *chp_block_in_place(void *(*fn)(void *arg), void *arg);

/* Numbers for monitoring; each exact at some moment during the call. */
typedef struct chp_runtime_stats {
	unsigned workers;          /* worker threads */
	unsigned idle_workers;     /* of these, asleep */
	unsigned blocking_threads; /* threads of the blocking pool */
	size_t tasks;              /* spawned and not yet ended */
	size_t stacks;             /* stacks mapped, by all runtimes */
	size_t unguarded_stacks;   /* of these, with a canary only */
	uint64_t reserved[6];
} chp_runtime_stats;

CHP_API void chp_runtime_get_stats(chp_runtime *rt, chp_runtime_stats *out);

#ifdef __cplusplus
}
#endif

#endif
