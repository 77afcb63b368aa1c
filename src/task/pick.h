/*
 * pick.h - the next task from the worker's own queues: the few lines between
 * two tasks.
 */
#ifndef CHAPPE_SRC_TASK_PICK_H
#define CHAPPE_SRC_TASK_PICK_H

#include "base/list.h"
#include "task/worker.h"

DEFINE_LIST_SINGLE(task_queue, struct task);

/* The owner: pinned tasks every other time, so that neither kind starves. */
static inline struct task *pick_own(struct worker *w)
{
	struct task *t;

	if (unlikely(w->pinned_first && w->ticks % 2))
		return task_queue_pop(&w->pinned_first, &w->pinned_last);
	t = runq_pop(&w->queue, w->alone);
	if (unlikely(!t && w->pinned_first))
		t = task_queue_pop(&w->pinned_first, &w->pinned_last);
	return t;
}

/* The next task without looking far; NULL: ask chp__find().  When the turn has
   come, chp__find() must be asked before this is called again. */
static inline struct task *pick(struct worker *w)
{
	if (unlikely(--w->ticks == 0))
		return NULL;
	return pick_own(w);
}

#endif
