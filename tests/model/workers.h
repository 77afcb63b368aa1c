/*
 * workers.h - a runtime of one or two workers, for scenarios: the scheduler's
 * own loop, switches and all, on virtual threads.
 *
 * Tasks, workers and the runtime are variables.  A scenario makes them in its
 * setup; worker_0 and worker_1 are threads that run until somebody stops the
 * runtime; task_ended(), at the end of each task, does so after the last one.
 */
#ifndef CHAPPE_TESTS_MODEL_WORKERS_H
#define CHAPPE_TESTS_MODEL_WORKERS_H

#include "scenario.h"
#include "task/worker.h"

enum { WORKERS = 2, TASKS = 3 };

extern struct chp_runtime runtime;
extern struct worker workers[WORKERS];
extern struct stackful tasks[TASKS];

/* `count` workers, and so many tasks, which run fn(their index). */
void workers_make(unsigned count, unsigned task_count,
		  void *(*fn)(void *index));

/* Task i, in a worker's queue when the threads start. */
void task_queued(unsigned i, unsigned worker);

/* From outside, for the first time. */
void task_spawn(unsigned i);

/* Whoever has the token of task i: its agent is unparked. */
void task_wake(unsigned i);

/* What a task does as its last. */
void task_ended(void);

/* As chp__runtime_stop(). */
void workers_stop(void);

void worker_0(void);
void worker_1(void);

/* The same; then the last of them frees the runtime: all of it is written. */
void worker_0_free(void);
void worker_1_free(void);

/* For check: nothing is left over, all tasks have ended. */
void workers_end(void);

/* ---- runtime.c ---- */

/* Wakes of the poller that nobody has taken. */
unsigned poller_tokens(void);

#endif
