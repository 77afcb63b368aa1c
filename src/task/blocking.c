/*
 * blocking.c - a pool of threads that grows to a limit and shrinks when idle.
 *
 * A call goes to an idle thread, else to a new one, else, at the limit or if no
 * thread can be started, into the queue.  An idle thread sleeps on its own
 * event until somebody takes it off the list and so owes it one wake, as in
 * idle.c; it ends after options.blocking_idle.  A thread that ends puts itself
 * on the dead list; whoever starts the next one, or stops the pool, joins it.
 *
 * What is in the queue is looked for by a thread that is certain: it runs, it
 * is for calls and not a carrier of a worker, and it decides to end, and is no
 * longer counted, in the critical section in which it has seen the queue empty.
 * A call is queued only while there is such a thread.
 *
 * `lock` is a leaf but for the runtime's slots.  Threads are started and
 * joined without it.
 */
#include "task/blocking.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/list.h"
#include "os/clock.h"
#include "os/event.h"
#include "os/relax.h"
#include "os/spin.h"
#include "os/thread.h"
#include "task/overflow.h"
#include "task/worker.h"

DEFINE_LIST_SINGLE(job_queue, struct task);

struct pool_thread {
	struct pool_thread *next; /* idle or dead list */
	struct chp_runtime *rt;
	struct task *job;      /* first or handed over; NULL: look */
	struct worker *worker; /* to run instead */
	bool listed;           /* on the idle list; guarded by lock */
	struct os_event event;
	pthread_t thread;
};

/* ---- Threads ---- */

static void run_job(struct chp_runtime *rt, struct task *job)
{
	struct blocking *b = &rt->blocking;
	struct tls *tls = chp__tls_here();
	void *outer = tls->agent;

	tls->agent = &job->outcome.agent;
	chp__outcome_run(&job->outcome);
	tls->agent = outer;
	chp__outcome_end(&job->outcome);

	spin_lock(&b->lock, RANK_BLOCKING);
	/* (O): after whom it woke was queued. */
	store_release(&b->out, load_relaxed(&b->out) - 1);
	spin_unlock(&b->lock, RANK_BLOCKING);
	if (load_relaxed(&rt->state) == RT_CLOSING)
		chp__event_set(&rt->quiet);
	/* A paused clock may have stood still for us, or a thread that shuts a
	   current-thread runtime down waits in its scheduler. */
	if (rt->options.kind == CHP_CURRENT_THREAD)
		chp__idle_kick(rt);
}

/* lock held */
static void unlist(struct blocking *b, struct pool_thread *t)
{
	struct pool_thread **link = &b->idle;

	while (*link != t)
		link = &(*link)->next;
	*link = t->next;
	t->listed = false;
	b->idle_threads--;
}

/* lock held: t is not counted any more, and will be joined */
static void retire(struct blocking *b, struct pool_thread *t)
{
	b->threads--;
	t->next = b->dead;
	b->dead = t;
}

/* lock held: threads for calls, and those of them that surely run */
static unsigned callers(const struct blocking *b)
{
	return b->threads - b->carriers;
}

static unsigned certain(const struct blocking *b)
{
	return callers(b) - b->starting;
}

enum next { JOB, IDLE, RETIRED };

/* A call, or a place among the idle: from then on others may give it one. */
static enum next look(struct pool_thread *t)
{
	struct chp_runtime *rt = t->rt;
	struct blocking *b = &rt->blocking;
	enum next next = JOB;
	bool too_many;

	spin_lock(&b->lock, RANK_BLOCKING);
	b->carriers -= t->worker != NULL;
	t->worker = NULL;
	/* Back from a worker it may be one too many. */
	too_many = callers(b) > rt->options.blocking_max;
	t->job = too_many ? NULL : job_queue_pop(&b->first, &b->last);
	if (!t->job && (too_many || b->stopping)) {
		next = RETIRED;
		retire(b, t);
	} else if (!t->job) {
		next = IDLE;
		t->next = b->idle;
		b->idle = t;
		t->listed = true;
		b->idle_threads++;
	}
	spin_unlock(&b->lock, RANK_BLOCKING);
	return next;
}

/* Idle: until there is something to do; false: t has retired. */
static bool rest(struct pool_thread *t)
{
	struct chp_runtime *rt = t->rt;
	struct blocking *b = &rt->blocking;
	chp_time until =
		chp__time_add(chp__clock_now(), rt->options.blocking_idle);
	bool set = chp__event_wait(&t->event, until), late;

	spin_lock(&b->lock, RANK_BLOCKING);
	late = t->listed;
	if (late) {
		unlist(b, t);
		retire(b, t);
	}
	spin_unlock(&b->lock, RANK_BLOCKING);
	if (late)
		return false;
	/* Taken off by somebody: the wake is on its way. */
	if (!set)
		chp__event_wait(&t->event, 0);
	if (t->job || t->worker)
		return true;

	spin_lock(&b->lock, RANK_BLOCKING);
	retire(b, t);
	spin_unlock(&b->lock, RANK_BLOCKING);
	return false;
}

/* The next thing to do; false: t has retired. */
static bool next_job(struct pool_thread *t)
{
	enum next next = look(t);

	return next == JOB || (next == IDLE && rest(t));
}

/* It runs, so it is certain. */
static void has_started(struct pool_thread *t)
{
	struct blocking *b = &t->rt->blocking;

	spin_lock(&b->lock, RANK_BLOCKING);
	b->starting -= t->job != NULL;
	spin_unlock(&b->lock, RANK_BLOCKING);
}

static void *thread_main(void *arg)
{
	struct pool_thread *t = arg;
	struct chp_runtime *rt = t->rt;
	struct overflow_watch watch;
	char name[CHP_NAME_MAX + 8];

	snprintf(name, sizeof(name), "%s-block", rt->name);
	chp__thread_name(name);
	has_started(t);
	chp__overflow_start(&watch);
	do {
		if (t->worker)
			chp__worker_run(t->worker, NULL, NULL);
		else
			run_job(rt, t->job);
	} while (next_job(t));
	chp__overflow_end(&watch);
	/* We are joined before the runtime goes away. */
	chp__event_set(&rt->quiet);
	return NULL;
}

static void join_dead(struct blocking *b)
{
	struct pool_thread *dead;

	spin_lock(&b->lock, RANK_BLOCKING);
	dead = b->dead;
	b->dead = NULL;
	spin_unlock(&b->lock, RANK_BLOCKING);

	while (dead) {
		struct pool_thread *t = dead;

		dead = t->next;
		pthread_join(t->thread, NULL);
		chp__free(t, sizeof(*t));
	}
}

/* A new thread, which the caller has counted already. */
static int start_thread(struct chp_runtime *rt, struct task *job,
			struct worker *worker)
{
	struct pool_thread *t = chp__alloc_zero(sizeof(*t));
	int r;

	join_dead(&rt->blocking);
	if (!t)
		return CHP_ENOMEM;
	t->rt = rt;
	t->job = job;
	t->worker = worker;
	r = chp__thread_start(&t->thread, thread_main, t);
	if (r != 0)
		chp__free(t, sizeof(*t));
	return r;
}

/* lock held: an idle thread, off its list, or NULL */
static struct pool_thread *take_idle(struct blocking *b)
{
	struct pool_thread *t = b->idle;

	if (t)
		unlist(b, t);
	return t;
}

/* Where a call has gone. */
enum place { NOWHERE, HANDED_OVER, QUEUED };

/* lock held: to a thread that is there */
static enum place place(struct blocking *b, struct task *job,
			struct pool_thread **t)
{
	*t = take_idle(b);
	if (*t) {
		(*t)->job = job;
		return HANDED_OVER;
	}
	if (!certain(b))
		return NOWHERE;
	job_queue_append(&b->first, &b->last, job);
	return QUEUED;
}

/* A thread of its own for the call, counted already; else the others'. */
static int start_for(struct chp_runtime *rt, struct task *job)
{
	struct blocking *b = &rt->blocking;
	struct pool_thread *t;
	enum place where;
	int r = start_thread(rt, job, NULL);

	if (r == 0)
		return 0;
	spin_lock(&b->lock, RANK_BLOCKING);
	b->threads--;
	b->starting--;
	where = place(b, job, &t);
	if (where == NOWHERE)
		store_relaxed(&b->out, load_relaxed(&b->out) - 1);
	spin_unlock(&b->lock, RANK_BLOCKING);
	if (where == HANDED_OVER)
		chp__event_set(&t->event);
	return where == NOWHERE ? r : 0;
}

/* lock held: count one more thread, to be started for a call? */
static bool may_grow(struct blocking *b, unsigned max)
{
	if (b->idle || callers(b) >= max)
		return false;
	b->threads++;
	b->starting++;
	return true;
}

int chp__blocking_submit(struct chp_runtime *rt, struct task *job)
{
	struct blocking *b = &rt->blocking;
	enum place where = NOWHERE;
	struct pool_thread *t;
	unsigned spins = 0;
	bool grow, open;

	/* Again: as many as may be are starting, and none runs yet. */
	for (;; chp__relax(&spins)) {
		spin_lock(&b->lock, RANK_BLOCKING);
		open = !b->stopping && load_relaxed(&rt->state) != RT_CLOSING;
		grow = open && may_grow(b, rt->options.blocking_max);
		if (open && !grow)
			where = place(b, job, &t);
		if (grow || where != NOWHERE)
			store_relaxed(&b->out, load_relaxed(&b->out) + 1);
		spin_unlock(&b->lock, RANK_BLOCKING);
		if (!open)
			return CHP_ECLOSED;
		if (grow)
			return start_for(rt, job);
		if (where == HANDED_OVER)
			chp__event_set(&t->event);
		if (where != NOWHERE)
			return 0;
	}
}

int chp__blocking_take_worker(struct chp_runtime *rt, struct worker *w)
{
	struct blocking *b = &rt->blocking;
	struct pool_thread *t;
	int r = 0;

	spin_lock(&b->lock, RANK_BLOCKING);
	b->carriers++;
	t = take_idle(b);
	if (t)
		t->worker = w;
	else
		b->threads++;
	spin_unlock(&b->lock, RANK_BLOCKING);

	if (t)
		chp__event_set(&t->event);
	else
		r = start_thread(rt, NULL, w);
	if (r != 0) {
		spin_lock(&b->lock, RANK_BLOCKING);
		b->carriers--;
		b->threads--;
		spin_unlock(&b->lock, RANK_BLOCKING);
	}
	return r;
}

void chp__blocking_stop(struct chp_runtime *rt)
{
	struct blocking *b = &rt->blocking;
	struct pool_thread *idle;
	unsigned left;

	spin_lock(&b->lock, RANK_BLOCKING);
	b->stopping = true;
	spin_unlock(&b->lock, RANK_BLOCKING);

	for (;;) {
		spin_lock(&b->lock, RANK_BLOCKING);
		idle = take_idle(b);
		left = b->threads;
		spin_unlock(&b->lock, RANK_BLOCKING);
		if (idle)
			chp__event_set(&idle->event);
		else if (left)
			chp__event_wait(&rt->quiet, 0);
		else
			break;
	}
	join_dead(b);
}
