/*
 * schedule.c - where a task goes that can run: the queue of the worker at hand,
 * or, from outside, the inbox; pinned tasks go home.
 *
 * In builds for a sanitizer every wake moves the task to another worker, so
 * that what a program wrongly keeps over a wait (the address of a thread-local,
 * a thread's lock) is found.
 */
#include "base/sanitizer.h"
#include "os/spin.h"
#include "task/pick.h"

/* lock held */
static void into_inbox(struct chp_runtime *rt, struct task *t)
{
	task_queue_append(&rt->inbox_first, &rt->inbox_last, t);
	/* Relaxed: a hint; the lock decides. */
	store_relaxed(&rt->inbox_count, load_relaxed(&rt->inbox_count) + 1);
}

/* From outside, or to another worker. */
static void post(struct chp_runtime *rt, struct worker *home, struct task *t)
{
	struct worker *sleeper = NULL;

	spin_lock(&rt->lock, RANK_RUNTIME);
	if (home) {
		task_queue_append(&home->mail_first, &home->mail_last, t);
		store_relaxed(&home->mail, 1);
		if (home->idle)
			sleeper = chp__idle_claim(rt, home);
	} else {
		into_inbox(rt, t);
		sleeper = chp__idle_claim(rt, NULL);
	}
	spin_unlock(&rt->lock, RANK_RUNTIME);

	if (sleeper)
		chp__idle_notify(sleeper);
}

int chp__schedule_new(struct chp_runtime *rt, struct task *t)
{
	struct worker *sleeper = NULL;
	bool open;

	spin_lock(&rt->lock, RANK_RUNTIME);
	open = load_relaxed(&rt->state) == RT_OPEN;
	if (open) {
		/* Relaxed: read under the lock where it counts. */
		store64_relaxed(&rt->remote_spawned,
				load64_relaxed(&rt->remote_spawned) + 1);
		into_inbox(rt, t);
		sleeper = chp__idle_claim(rt, NULL);
	}
	spin_unlock(&rt->lock, RANK_RUNTIME);

	if (sleeper)
		chp__idle_notify(sleeper);
	return open ? 0 : CHP_ECLOSED;
}

/* The queue is full: the oldest, and t, to the inbox. */
COLD static void spill(struct worker *w, struct task *t)
{
	struct task *oldest[RUNQ_BATCH];
	struct chp_runtime *rt = w->rt;
	unsigned n = chp__runq_spill(&w->queue, oldest);

	if (n == 0 && runq_push(&w->queue, t, NULL))
		return;
	spin_lock(&rt->lock, RANK_RUNTIME);
	for (unsigned i = 0; i < n; i++)
		into_inbox(rt, oldest[i]);
	into_inbox(rt, t);
	spin_unlock(&rt->lock, RANK_RUNTIME);
}

void chp__schedule_slow(struct worker *w, struct task *t)
{
	if (t && t->pinned && t->worker) {
		if (t->worker != w) {
			post(w->rt, t->worker, t);
			return;
		}
		task_queue_append(&w->pinned_first, &w->pinned_last, t);
	} else if (t && !runq_push(&w->queue, t, NULL)) {
		spill(w, t);
	}
	if (load_relaxed(&w->rt->unwatched))
		chp__idle_watch(w->rt);
}

/* Not the worker that it ran on last, if there is another. */
static unsigned next_index(struct chp_runtime *rt, struct task *t)
{
	unsigned last = t->worker ? t->worker->index : 0;

	return last + 1 < rt->worker_count ? last + 1 : 0;
}

static inline bool migrates(const struct chp_runtime *rt)
{
	return MIGRATING && rt->worker_count > 1;
}

/* Whom to post it to; NULL: anybody. */
static struct worker *home_of(struct chp_runtime *rt, struct task *t)
{
	if (t->pinned)
		return t->worker;
	return migrates(rt) ? &rt->workers[next_index(rt, t)] : NULL;
}

void chp__schedule(struct task *t)
{
	struct worker *here = worker_here();
	struct chp_runtime *rt = task_runtime(t);

	if (likely(here && here->rt == rt && !migrates(rt)))
		schedule_on(here, t, t->context);
	else
		post(rt, home_of(rt, t), t);
}

void chp__schedule_later(struct worker *w, struct task *t)
{
	post(w->rt, t->pinned ? t->worker : NULL, t);
}
