/*
 * after.h - what becomes of a task when nothing of it runs any more.
 */
#ifndef CHAPPE_SRC_TASK_AFTER_H
#define CHAPPE_SRC_TASK_AFTER_H

#include "task/worker.h"

/* It waits. */
static inline void mark_parked(struct worker *w, struct task *t)
{
	uint32_t token = TOKEN_EMPTY;

	/* (X).  After it, t may run elsewhere: do not touch it.  If it was
	   woken already, its own swap acquires (T). */
	if (!cas_release(&t->token, &token, TOKEN_PARKED))
		schedule_on(w, t, NULL);
}

/* It has ended: the last touch. */
static inline void mark_ended(struct worker *w, struct task *t)
{
	w->pinned_here -= t->pinned;
	/* Relaxed load: only we write.  Release: see shutdown.c. */
	store64_release(&w->finished, load64_relaxed(&w->finished) + 1);
	chp__outcome_end(&t->outcome);
	if (unlikely(load_relaxed(&w->rt->state) == RT_CLOSING))
		chp__event_set(&w->rt->quiet);
}

#endif
