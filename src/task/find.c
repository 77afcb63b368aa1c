/*
 * find.c - what a worker runs next.
 *
 * Between two turns a worker only pops its own queue.  A turn serves timers,
 * inbox, mail and, not more often than DRIVER_GAP, descriptors.  How many tasks
 * lie between two turns is adapted to how long they run, so that a turn comes
 * about every TURN_GAP: often enough for timers, seldom enough to cost nothing.
 */
#include <sched.h>

#include "os/clock.h"
#include "os/spin.h"
#include "task/pick.h"
#include "wait/random.h"

#define TURN_GAP   ((chp_time)200000)
#define DRIVER_GAP ((chp_time)50000)

enum { INTERVAL_MIN = 1, INTERVAL_MAX = 256, GRAB_MAX = 64 };

/* Pinned tasks that others woke. */
static void take_mail(struct worker *w)
{
	struct chp_runtime *rt = w->rt;
	struct task *t;

	/* Relaxed: a hint; the lock decides. */
	if (likely(!load_relaxed(&w->mail)))
		return;
	spin_lock(&rt->lock, RANK_RUNTIME);
	while ((t = task_queue_pop(&w->mail_first, &w->mail_last)))
		task_queue_append(&w->pinned_first, &w->pinned_last, t);
	store_relaxed(&w->mail, 0);
	spin_unlock(&rt->lock, RANK_RUNTIME);
}

/* This worker's share of the inbox. */
static void take_inbox(struct worker *w)
{
	struct chp_runtime *rt = w->rt;
	uint32_t count = load_relaxed(&rt->inbox_count), n;
	struct task *first = NULL, *last = NULL, *t;

	if (likely(!count))
		return;
	n = count / rt->worker_count + 1;
	if (n > GRAB_MAX)
		n = GRAB_MAX;

	spin_lock(&rt->lock, RANK_RUNTIME);
	for (count = 0; count < n; count++) {
		t = task_queue_pop(&rt->inbox_first, &rt->inbox_last);
		if (!t)
			break;
		task_queue_append(&first, &last, t);
	}
	store_relaxed(&rt->inbox_count, load_relaxed(&rt->inbox_count) - count);
	spin_unlock(&rt->lock, RANK_RUNTIME);

	while ((t = task_queue_pop(&first, &last)))
		schedule_on(w, t, t->context);
}

void chp__find_posted(struct worker *w)
{
	take_mail(w);
	take_inbox(w);
}

static void adapt(struct worker *w, chp_time gap)
{
	if (gap > 2 * TURN_GAP && w->interval > INTERVAL_MIN)
		w->interval /= 2;
	else if (gap < TURN_GAP / 2 && w->interval < INTERVAL_MAX)
		w->interval *= 2;
}

static void turn(struct worker *w)
{
	chp_time now = chp__clock_now();

	if (w->ticks == 0)
		adapt(w, now - w->last_turn);
	w->last_turn = now;

	chp__wheel_expire(&w->wheel, chp__runtime_now(w->rt));
	chp__find_posted(w);
	if (now - w->last_driver >= DRIVER_GAP) {
		w->last_driver = now;
		chp__idle_poll(w);
		/* A task that keeps coming back alone may be waiting, by
		   yielding, for another thread: let the kernel run that. */
		if (w->ticks == 0 && runq_length(&w->queue) <= 1)
			sched_yield();
	}
	w->ticks = w->interval;
}

/*
 * From a worker that has more than it can start at once.  A single task is left
 * to its worker, which is likely to run it before we could: idle.c sees to it
 * that it is not left for long.
 */
static struct task *steal(struct worker *w)
{
	struct chp_runtime *rt = w->rt;
	unsigned n = rt->worker_count;
	unsigned i = random_step(&w->random) % n;

	for (unsigned k = 0; k < n; k++, i = i + 1 == n ? 0 : i + 1) {
		struct worker *victim = &rt->workers[i];

		if (victim != w && runq_length(&victim->queue) >= 2 &&
		    chp__steal_from(w, victim))
			return pick_own(w);
	}
	return NULL;
}

bool chp__steal_from(struct worker *w, struct worker *victim)
{
	struct task *loot[RUNQ_BATCH];
	unsigned n = chp__runq_steal(&victim->queue, loot, ARRAY_LEN(loot));

	for (unsigned i = 0; i < n; i++)
		schedule_on(w, loot[i], loot[i]->context);
	return n > 0;
}

struct task *chp__find(struct worker *w)
{
	struct task *t = NULL;

	if (unlikely(w->rt->sim != NULL))
		return chp__sim_find(w);
	if (w->ticks > 0)
		t = pick_own(w);
	if (t)
		return t;
	turn(w);
	t = pick_own(w);
	if (!t && w->rt->worker_count > 1)
		t = steal(w);
	return t;
}
