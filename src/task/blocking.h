/*
 * blocking.h - the threads of a runtime for calls that block.
 */
#ifndef CHAPPE_SRC_TASK_BLOCKING_H
#define CHAPPE_SRC_TASK_BLOCKING_H

#include <stdbool.h>

#include <chappe/runtime.h>

#include "base/atomic.h"

struct task;
struct worker;
struct pool_thread;

struct blocking {
	chp_word lock;
	struct task *first, *last;      /* calls that wait for a thread */
	struct pool_thread *idle;       /* last in, first out */
	struct pool_thread *dead;       /* ended, not yet joined */
	unsigned threads, idle_threads; /* dead ones are not counted */
	unsigned starting; /* of threads: for a call, and may yet fail to */
	unsigned carriers; /* of threads: for a worker, not for calls */
	bool stopping;
	/* all above guarded by lock */
	chp_word out; /* calls spawned and not ended; written under lock */
};

/* Queue a call.  0; CHP_ECLOSED; or why not one thread could be started. */
int chp__blocking_submit(struct chp_runtime *rt, struct task *job);

/* A thread to run the worker, now.  0 or why not. */
int chp__blocking_take_worker(struct chp_runtime *rt, struct worker *w);

/* Calls are out?  Whom those that have ended woke is then queued. */
static inline bool chp__blocking_busy(const struct blocking *b)
{
	return load_acquire(&b->out) != 0; /* (O) */
}

/* Tell the threads to end, and wait for them.  No call may be left. */
void chp__blocking_stop(struct chp_runtime *rt);

#endif
