/*
 * runtime.c - making a runtime, and running something in it.
 *
 * A runtime and its workers are pages from the system: their alignment
 * matters, and they are few.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/list.h"
#include "base/panic.h"
#include "os/clock.h"
#include "os/pages.h"
#include "os/spin.h"
#include "os/thread.h"
#include "task/overflow.h"
#include "task/worker.h"
#include "wait/block.h"

enum { WORKERS_MAX = 1024, BUDGET = 128, BLOCKING_MAX = 512 };

static size_t runtime_size(unsigned workers)
{
	return sizeof(struct chp_runtime) + workers * sizeof(struct worker) +
	       (size_t)workers * workers * sizeof(uint64_t);
}

static int resolve(chp_runtime_options *o)
{
	if ((unsigned)o->kind > CHP_CURRENT_THREAD ||
	    (unsigned)o->guard > CHP_GUARD_BUDGET || o->workers > WORKERS_MAX ||
	    o->blocking_idle < 0 || chp__stack_class(o->stack_size) < 0)
		return CHP_EINVAL;
	if (o->seed) {
		if (o->workers > 1)
			return CHP_EINVAL;
		o->kind = CHP_CURRENT_THREAD;
		o->paused_clock = 1;
	}
	if (o->kind == CHP_CURRENT_THREAD)
		o->workers = 1;
	else if (o->paused_clock)
		return CHP_EINVAL;
	if (!o->workers)
		o->workers = chp__cpu_count();
	if (!o->budget)
		o->budget = BUDGET;
	if (!o->blocking_max)
		o->blocking_max = BLOCKING_MAX;
	if (!o->blocking_idle)
		o->blocking_idle = 10 * CHP_SEC;
	return 0;
}

static void init_worker(struct chp_runtime *rt, unsigned i, uint64_t *seen)
{
	struct worker *w = &rt->workers[i];
	chp_time now = chp__runtime_now(rt);

	w->agent.cls = &chp__worker_class;
	/* No id: it is nobody's to interrupt. */
	chp__agent_start(&w->agent, 0, rt->name, UINT32_MAX);
	w->rt = rt;
	w->alone = rt->worker_count == 1;
	w->index = i;
	w->interval = 16;
	w->ticks = w->interval;
	w->random = chp__entropy() | 1;
	w->seen = seen + (size_t)i * rt->worker_count;
	chp__wheel_init(&w->wheel, now, NULL);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct overflow_watch watch;
	char name[CHP_NAME_MAX + 16];

	snprintf(name, sizeof(name), "%s-%u", w->rt->name, w->index);
	chp__thread_name(name);
	chp__overflow_start(&watch);
	chp__worker_run(w, NULL, NULL);
	chp__overflow_end(&watch);
	return NULL;
}

/* Start `count` worker threads; on failure how many there are is in *count. */
static int start_workers(struct chp_runtime *rt, unsigned *count)
{
	for (unsigned i = 0; i < rt->worker_count; i++) {
		struct worker *w = &rt->workers[i];
		int r = chp__thread_start(&w->thread, worker_main, w);

		if (r != 0) {
			*count = i;
			return r;
		}
	}
	*count = rt->worker_count;
	return 0;
}

int chp_runtime_new(chp_runtime **out, const chp_runtime_options *options)
{
	chp_runtime_options o = { 0 };
	struct chp_runtime *rt;
	unsigned started;
	int r;

	if (options)
		o = *options;
	r = resolve(&o);
	if (r)
		return r;
	rt = chp__pages_map(runtime_size(o.workers), 0);
	if (!rt)
		return CHP_ENOMEM;

	rt->options = o;
	snprintf(rt->name, sizeof(rt->name), "%s", o.name ? o.name : "chappe");
	rt->options.name = rt->name;
	rt->worker_count = o.workers;
	rt->workers = (struct worker *)(rt + 1);
	rt->stack_class = chp__stack_class(o.stack_size);
	if (o.paused_clock)
		store64_relaxed(&rt->virtual_now,
				o.seed ? (uint64_t)SIM_START
				       : (uint64_t)chp__clock_now());
	for (unsigned i = 0; i < o.workers; i++)
		init_worker(rt, i, (uint64_t *)(rt->workers + o.workers));

	if (o.seed) {
		rt->sim = chp__sim_new(o.seed, o.budget);
		if (!rt->sim) {
			chp__pages_unmap(rt, runtime_size(o.workers));
			return CHP_ENOMEM;
		}
	}

	r = chp__driver_open(&rt->driver);
	if (r) {
		chp__sim_free(rt->sim);
		chp__pages_unmap(rt, runtime_size(o.workers));
		return r;
	}
	if (o.kind == CHP_MANY_THREADS) {
		r = start_workers(rt, &started);
		if (r) {
			chp__runtime_stop(rt, started);
			return r;
		}
	}
	*out = rt;
	return 0;
}

void chp__runtime_free(struct chp_runtime *rt)
{
	for (unsigned i = 0; i < rt->worker_count; i++) {
		struct worker *w = &rt->workers[i];

		if (chp__wheel_is_armed(&w->wheel))
			chp__panic(
				"runtime \"%s\" shut down while an operation "
				"on time, begun in it, is pending",
				rt->name);
		chp__slot_flush(w->slots);
		while (w->stacks) {
			struct stack *s = w->stacks;

			w->stacks = s->next;
			chp__stack_put(s);
		}
	}
	chp__driver_close(&rt->driver);
	chp__sim_free(rt->sim);
	chp__pages_unmap(rt, runtime_size(rt->worker_count));
}

/* ---- Running something ----
 *
 * A current-thread runtime is driven by one of the threads that are inside
 * block_on; the others sleep until their root has ended, or it is their turn.
 * Whoever stops driving, or leaves, passes the turn on to the first of them.
 */

struct turn_waiter {
	struct turn_waiter *next, *prev;
	struct agent *agent;
	bool listed; /* guarded by rt->lock */
};

DEFINE_LIST(turn_list, struct turn_waiter);

/* If nobody drives, tell the first who would. */
static void pass_turn(struct chp_runtime *rt)
{
	struct turn_waiter *first = NULL;
	struct agent *agent = NULL;

	spin_lock(&rt->lock, RANK_RUNTIME);
	if (!rt->driven)
		first = rt->turn_first;
	if (first) {
		turn_list_remove(&rt->turn_first, &rt->turn_last, first);
		first->listed = false;
		agent = first->agent;
	}
	spin_unlock(&rt->lock, RANK_RUNTIME);
	/* An agent's slot stays, whatever became of the waiter. */
	if (agent)
		agent->cls->unpark(agent);
}

bool chp__runtime_drive(struct chp_runtime *rt, bool (*done)(void *arg),
			void *arg)
{
	struct overflow_watch watch;
	bool ours;

	spin_lock(&rt->lock, RANK_RUNTIME);
	ours = !rt->driven;
	rt->driven = true;
	spin_unlock(&rt->lock, RANK_RUNTIME);
	if (!ours)
		return false;

	chp__overflow_start(&watch);
	chp__worker_run(&rt->workers[0], done, arg);
	chp__overflow_end(&watch);

	spin_lock(&rt->lock, RANK_RUNTIME);
	rt->driven = false;
	spin_unlock(&rt->lock, RANK_RUNTIME);
	pass_turn(rt);
	return true;
}

static bool root_done(void *arg)
{
	return chp_task_is_finished(arg) == 1;
}

/* Another thread drives: sleep until our root has ended, or it stopped. */
static void wait_for_turn(struct chp_runtime *rt, struct agent *self)
{
	struct turn_waiter waiter = { .agent = self };
	bool driven;

	spin_lock(&rt->lock, RANK_RUNTIME);
	driven = rt->driven;
	if (driven) {
		waiter.listed = true;
		turn_list_append(&rt->turn_first, &rt->turn_last, &waiter);
	}
	spin_unlock(&rt->lock, RANK_RUNTIME);
	if (!driven)
		return;

	self->cls->park(self, 0);

	spin_lock(&rt->lock, RANK_RUNTIME);
	if (waiter.listed)
		turn_list_remove(&rt->turn_first, &rt->turn_last, &waiter);
	spin_unlock(&rt->lock, RANK_RUNTIME);
}

static void drive_to_end(struct chp_runtime *rt, chp_task *root,
			 chp_outcome *outcome)
{
	struct agent *self = agent_self();
	chp_poll_ctx ctx = chp_poll_ctx_of(agent_waker(self));
	chp_join_op join;

	chp_task_join_op(&join, root, outcome);
	while (chp_op_poll(&join.op, &ctx) == CHP_PENDING)
		if (!chp__runtime_drive(rt, root_done, root))
			wait_for_turn(rt, self);
	/* The turn may have come to us though we did not need it any more. */
	pass_turn(rt);
}

static void go_inside(struct chp_runtime *rt)
{
	spin_lock(&rt->lock, RANK_RUNTIME);
	rt->inside++;
	spin_unlock(&rt->lock, RANK_RUNTIME);
}

/*
 * A shutdown waits until nobody is inside; then the runtime goes away.  So it
 * is told under the lock, against the rule, or by the token of a sleeper that
 * was claimed there: a current-thread runtime's, which sleeps in its scheduler.
 */
static void go_outside(struct chp_runtime *rt)
{
	struct worker *sleeper = NULL;

	spin_lock(&rt->lock, RANK_RUNTIME);
	rt->inside--;
	if (load_relaxed(&rt->state) == RT_CLOSING) {
		chp__event_set(&rt->quiet);
		sleeper = chp__idle_kick_locked(rt);
	}
	spin_unlock(&rt->lock, RANK_RUNTIME);
	if (sleeper)
		chp__idle_notify(sleeper);
}

int chp_runtime_block_on(chp_runtime *rt, void *(*fn)(void *arg), void *arg,
			 void **result)
{
	static const chp_wait whatever = { .flags = CHP_UNINTERRUPTIBLE };
	chp_task_options options = { .name = "main", .runtime = rt };
	chp_outcome outcome = { CHP_RETURNED, NULL };
	chp_task root;
	int r;

	if (!rt || !fn)
		return CHP_EINVAL;
	if (worker_here() || agent_self()->cls == &chp__task_class)
		return CHP_EBUSY;
	go_inside(rt);
	r = chp_spawn_with(&root, fn, arg, &options);
	if (r == 0 && rt->options.kind == CHP_CURRENT_THREAD)
		drive_to_end(rt, &root, &outcome);
	else if (r == 0)
		r = chp_join_with(&root, &outcome, &whatever);
	go_outside(rt);
	if (result && r == 0)
		*result = outcome.value;
	return r;
}

int chp_run(const chp_runtime_options *options, void *(*fn)(void *arg),
	    void *arg, void **result)
{
	chp_runtime *rt;
	int r = chp_runtime_new(&rt, options);

	if (r)
		return r;
	r = chp_runtime_block_on(rt, fn, arg, result);
	chp_runtime_shutdown(rt, 0, NULL, 0, NULL);
	return r;
}
