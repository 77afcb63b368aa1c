/*
 * blocking.c - a pool of threads that grows to a limit and shrinks when idle.
 *
 * A call goes to an idle thread, else to a new one, else, at the limit, into
 * the queue.  An idle thread sleeps on its own event until somebody takes it
 * off the list and so owes it one wake, as in idle.c; it ends after
 * options.blocking_idle.  A thread that ends puts itself on the dead list;
 * whoever starts the next one, or stops the pool, joins it.
 *
 * `lock` is a leaf but for the runtime's slots.  Threads are started and
 * joined without it.
 */
#include "task/blocking.h"

#include <sched.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/list.h"
#include "os/clock.h"
#include "os/event.h"
#include "os/spin.h"
#include "os/thread.h"
#include "task/overflow.h"
#include "task/worker.h"
#include "wait/process_driver.h"

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

/* ---- The class of blocking calls ---- */

static void job_park(struct agent *a, chp_time deadline)
{
	chp__event_wait(&task_of(a)->event, deadline);
}

static void job_unpark(struct agent *a)
{
	chp__event_set(&task_of(a)->event);
}

static void job_yield(struct agent *a)
{
	(void)a;
	sched_yield();
}

/* The system's clock, also beside a paused one: its thread really waits. */
static chp_time job_now(struct agent *a)
{
	(void)a;
	return chp__clock_now();
}

static chp_time job_coarse(struct agent *a)
{
	(void)a;
	return chp__clock_coarse();
}

static int job_wheel(struct agent *a, struct wheel **out)
{
	(void)a;
	return chp__process_wheel(out);
}

static int job_driver(struct agent *a, struct driver **out)
{
	*out = &task_runtime(task_of(a))->driver;
	return 0;
}

const struct agent_class chp__job_class = {
	.kind = CHP_TASK,
	.park = job_park,
	.unpark = job_unpark,
	.yield = job_yield,
	.now = job_now,
	.coarse = job_coarse,
	.wheel = job_wheel,
	.driver = job_driver,
};

/* ---- Threads ---- */

static void run_job(struct chp_runtime *rt, struct task *job)
{
	struct blocking *b = &rt->blocking;
	void **self = chp__tls_slot();
	void *outer = *self;

	*self = &job->outcome.agent;
	chp__outcome_run(&job->outcome);
	*self = outer;
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

/* The next thing to do; false: end. */
static bool next_job(struct pool_thread *t)
{
	struct chp_runtime *rt = t->rt;
	struct blocking *b = &rt->blocking;
	chp_time until =
		chp__time_add(chp__clock_now(), rt->options.blocking_idle);
	bool set;

	spin_lock(&b->lock, RANK_BLOCKING);
	t->job = job_queue_pop(&b->first, &b->last);
	if (t->job || b->stopping) {
		spin_unlock(&b->lock, RANK_BLOCKING);
		return t->job != NULL;
	}
	t->next = b->idle;
	b->idle = t;
	t->listed = true;
	b->idle_threads++;
	spin_unlock(&b->lock, RANK_BLOCKING);

	set = chp__event_wait(&t->event, until);
	if (!set) {
		spin_lock(&b->lock, RANK_BLOCKING);
		set = !t->listed;
		if (t->listed)
			unlist(b, t);
		spin_unlock(&b->lock, RANK_BLOCKING);
		/* Taken off by somebody: the wake is on its way. */
		if (set)
			chp__event_wait(&t->event, 0);
	}
	return t->job || t->worker;
}

static void *thread_main(void *arg)
{
	struct pool_thread *t = arg;
	struct chp_runtime *rt = t->rt;
	struct blocking *b = &rt->blocking;
	struct overflow_watch watch;
	char name[CHP_NAME_MAX + 8];

	snprintf(name, sizeof(name), "%s-block", rt->name);
	chp__thread_name(name);
	chp__overflow_start(&watch);
	do {
		if (t->worker)
			chp__worker_run(t->worker, NULL, NULL);
		else
			run_job(rt, t->job);
		t->job = NULL;
		t->worker = NULL;
	} while (next_job(t));
	chp__overflow_end(&watch);

	spin_lock(&b->lock, RANK_BLOCKING);
	b->threads--;
	t->next = b->dead;
	b->dead = t;
	spin_unlock(&b->lock, RANK_BLOCKING);
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
	struct blocking *b = &rt->blocking;
	struct pool_thread *t = chp__alloc_zero(sizeof(*t));
	int r = CHP_ENOMEM;

	join_dead(b);
	if (t) {
		t->rt = rt;
		t->job = job;
		t->worker = worker;
		r = chp__thread_start(&t->thread, thread_main, t);
	}
	if (r != 0) {
		chp__free(t, sizeof(*t));
		spin_lock(&b->lock, RANK_BLOCKING);
		b->threads--;
		spin_unlock(&b->lock, RANK_BLOCKING);
	}
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

int chp__blocking_submit(struct chp_runtime *rt, struct task *job)
{
	struct blocking *b = &rt->blocking;
	struct pool_thread *t = NULL;
	bool grow = false;
	int r = 0;

	spin_lock(&b->lock, RANK_BLOCKING);
	if (b->stopping || load_relaxed(&rt->state) == RT_CLOSING) {
		r = CHP_ECLOSED;
	} else {
		store_relaxed(&b->out, load_relaxed(&b->out) + 1);
		t = take_idle(b);
		grow = !t && b->threads < rt->options.blocking_max;
		if (t)
			t->job = job;
		else if (grow)
			b->threads++;
		else
			job_queue_append(&b->first, &b->last, job);
	}
	spin_unlock(&b->lock, RANK_BLOCKING);

	if (t)
		chp__event_set(&t->event);
	if (grow) {
		r = start_thread(rt, job, NULL);
		if (r != 0) {
			spin_lock(&b->lock, RANK_BLOCKING);
			store_relaxed(&b->out, load_relaxed(&b->out) - 1);
			spin_unlock(&b->lock, RANK_BLOCKING);
		}
	}
	return r;
}

int chp__blocking_take_worker(struct chp_runtime *rt, struct worker *w)
{
	struct blocking *b = &rt->blocking;
	struct pool_thread *t;

	spin_lock(&b->lock, RANK_BLOCKING);
	t = take_idle(b);
	if (t)
		t->worker = w;
	else
		b->threads++;
	spin_unlock(&b->lock, RANK_BLOCKING);

	if (!t)
		return start_thread(rt, NULL, w);
	chp__event_set(&t->event);
	return 0;
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
