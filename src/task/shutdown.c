/*
 * shutdown.c - the end of a runtime, and counting what is in it.
 *
 * Tasks are counted without a shared counter: each worker counts what it
 * spawned and what ended on it; the inbox counts what came from outside.  To
 * see whether any is left, add up what has ended first, and what was spawned
 * after: an end happens after its spawn, and the worker's release of `finished`
 * (mark_ended() in after.h) pairs with our acquire, so every task in the first
 * sum is in the second.  Equal sums then mean that, when the first was read,
 * nothing was running; and since only running tasks and outsiders spawn, and
 * those are refused once the state is CLOSING, nothing will.
 *
 * A task that was spawned just as the state changed may have missed the
 * sweep that aborts all; so we sweep again each time we look.
 */
#include <string.h>

#include "os/clock.h"
#include "os/spin.h"
#include "task/worker.h"

#define LOOK_MIN ((chp_time)1000000)
#define LOOK_MAX ((chp_time)50000000)
#define ROUND    ((chp_time)10000000)

static uint64_t count_tasks(struct chp_runtime *rt)
{
	uint64_t finished = 0, spawned;

	for (unsigned i = 0; i < rt->worker_count; i++)
		finished += load64_acquire(&rt->workers[i].finished);
	spin_lock(&rt->lock, RANK_RUNTIME);
	spawned = load64_relaxed(&rt->remote_spawned);
	spin_unlock(&rt->lock, RANK_RUNTIME);
	for (unsigned i = 0; i < rt->worker_count; i++)
		spawned += load64_relaxed(&rt->workers[i].spawned);
	return spawned - finished;
}

/* Is a thread in block_on? */
static bool is_inside(struct chp_runtime *rt)
{
	bool inside;

	spin_lock(&rt->lock, RANK_RUNTIME);
	inside = rt->inside > 0;
	spin_unlock(&rt->lock, RANK_RUNTIME);
	return inside;
}

static bool is_quiet(struct chp_runtime *rt)
{
	struct blocking *b = &rt->blocking;
	bool quiet;

	spin_lock(&b->lock, RANK_BLOCKING);
	quiet = load_relaxed(&b->out) == 0;
	spin_unlock(&b->lock, RANK_BLOCKING);
	return quiet && count_tasks(rt) == 0 && !is_inside(rt);
}

/* A slot's agent, if it belongs to rt and has not ended; else id 0. */
static chp_agent member(struct task *t, struct chp_runtime *rt)
{
	uint64_t word = load64_acquire(&t->outcome.agent.attention);
	chp_agent agent = { NULL, 0 };

	if (task_runtime(t) != rt || word & AGENT_ENDED)
		return agent;
	agent.id = word >> AGENT_ID_SHIFT;
	agent.slot = agent.id ? t : NULL;
	return agent;
}

static void abort_one(struct task *t, void *user)
{
	/* A slot that changed hands meanwhile has another id. */
	chp__agent_signal(member(t, user), AGENT_ABORTED);
}

struct census {
	struct chp_runtime *rt;
	chp_straggler *left;
	size_t max, count;
};

static void note_one(struct task *t, void *user)
{
	struct census *c = user;
	chp_agent agent = member(t, c->rt);
	chp_straggler s;

	if (!agent.id || chp_agent_name(agent, s.name) != 0)
		return;
	s.id = agent.id;
	s.blocking = t->outcome.agent.cls == &chp__job_class;
	if (c->count < c->max)
		c->left[c->count] = s;
	c->count++;
}

struct drive {
	struct chp_runtime *rt;
	chp_time deadline; /* the runtime's clock; 0: none */
};

static bool drive_done(void *arg)
{
	struct drive *d = arg;

	return is_quiet(d->rt) ||
	       (d->deadline && chp__runtime_now(d->rt) >= d->deadline);
}

/* Until a time of the system's clock. */
static chp_time time_left(struct chp_runtime *rt, chp_time deadline)
{
	chp_time left = deadline - chp__clock_now();

	/* With a seed: what the caller meant, a moment ago. */
	if (rt->sim && left > 0)
		left += ROUND - 1 - (left - 1) % ROUND;
	return left;
}

/*
 * Nobody else runs a current-thread runtime: the caller does.  True: the
 * deadline has passed on the runtime's clock.
 */
static bool drive(struct chp_runtime *rt, chp_time deadline)
{
	struct drive d = { rt, deadline };
	chp_waker nobody = { NULL, NULL };
	chp_timer timer;

	storep_relaxed(&timer.wheel, NULL);
	if (deadline) {
		d.deadline = chp__time_add(chp__runtime_now(rt),
					   time_left(rt, deadline));
		chp__wheel_arm(&rt->workers[0].wheel, &timer, d.deadline,
			       nobody);
	}
	chp__runtime_drive(rt, drive_done, &d);
	chp__wheel_cancel(&timer);
	return deadline && chp__runtime_now(rt) >= d.deadline;
}

/* Until nothing runs: 0; or CHP_ETIMEDOUT. */
static int settle(struct chp_runtime *rt, chp_time deadline)
{
	chp_time gap = LOOK_MIN;

	for (;;) {
		chp_time look;
		bool late = false;

		chp__slot_each(abort_one, rt);
		if (rt->options.kind == CHP_CURRENT_THREAD)
			late = drive(rt, deadline) && rt->sim;
		if (is_quiet(rt))
			return 0;
		if (late || (deadline && chp__clock_now() >= deadline))
			return CHP_ETIMEDOUT;
		look = chp__time_add(chp__clock_now(), gap);
		if (deadline && deadline < look)
			look = deadline;
		chp__event_wait(&rt->quiet, look);
		if (gap < LOOK_MAX)
			gap *= 2;
	}
}

void chp__runtime_stop(struct chp_runtime *rt, unsigned started)
{
	struct worker *w;

	spin_lock(&rt->lock, RANK_RUNTIME);
	rt->stopping = true;
	spin_unlock(&rt->lock, RANK_RUNTIME);
	do {
		spin_lock(&rt->lock, RANK_RUNTIME);
		w = chp__idle_claim(rt, NULL);
		spin_unlock(&rt->lock, RANK_RUNTIME);
		if (w)
			chp__idle_notify(w);
	} while (w);

	for (unsigned i = 0; i < started; i++)
		pthread_join(rt->workers[i].thread, NULL);
	chp__blocking_stop(rt);
	chp__runtime_free(rt);
}

int chp_runtime_shutdown(chp_runtime *rt, chp_time deadline,
			 chp_straggler *left, size_t max, size_t *left_count)
{
	struct census census = { rt, left, left ? max : 0, 0 };

	if (!rt)
		return CHP_EINVAL;
	if (chp__runtime_here() == rt)
		return CHP_EBUSY;

	spin_lock(&rt->lock, RANK_RUNTIME);
	store_relaxed(&rt->state, RT_CLOSING);
	spin_unlock(&rt->lock, RANK_RUNTIME);

	if (settle(rt, deadline) != 0) {
		chp__slot_each(note_one, &census);
		if (left_count)
			*left_count = census.count;
		return CHP_ETIMEDOUT;
	}
	if (left_count)
		*left_count = 0;
	chp__runtime_stop(rt, rt->options.kind == CHP_MANY_THREADS
				      ? rt->worker_count
				      : 0);
	return 0;
}

void chp_runtime_get_stats(chp_runtime *rt, chp_runtime_stats *out)
{
	memset(out, 0, sizeof(*out));
	out->workers = rt->worker_count;
	out->idle_workers = load_relaxed(&rt->idle_count);
	spin_lock(&rt->blocking.lock, RANK_BLOCKING);
	out->blocking_threads = rt->blocking.threads;
	spin_unlock(&rt->blocking.lock, RANK_BLOCKING);
	out->tasks = (size_t)count_tasks(rt);
	chp__stack_counts(&out->stacks, &out->unguarded_stacks);
}
