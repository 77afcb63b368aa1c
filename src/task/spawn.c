/*
 * spawn.c - new tasks and new blocking calls.
 */
#include <string.h>

#include "os/clock.h"
#include "task/worker.h"

enum { ID_BLOCK = 64 };

static uint64_t new_id(struct worker *w, struct chp_runtime *rt)
{
	if (unlikely(rt->sim != NULL))
		return chp__sim_id(rt->sim);
	if (!w)
		return chp__agent_ids(1);
	if (w->next_id == w->last_id) {
		w->next_id = chp__agent_ids(ID_BLOCK);
		w->last_id = w->next_id + ID_BLOCK;
	}
	return w->next_id++;
}

struct chp_runtime *chp__runtime_here(void)
{
	struct agent *self = chp__tls_agent();

	if (!self)
		return NULL;
	if (self->cls->kind == CHP_TASK)
		return task_runtime(task_of(self));
	if (self->cls == &chp__worker_class)
		return container_of(self, struct worker, agent)->rt;
	return NULL;
}

chp_runtime *chp_runtime_current(void)
{
	return chp__runtime_here();
}

/* A slot with everything but its place in a queue. */
static void fill(struct task *t, struct worker *here, struct chp_runtime *rt,
		 void *arg, const chp_task_options *options, chp_task *handle)
{
	struct outcome *o = &t->outcome;
	uint64_t id = new_id(here, rt);

	/* The token needs nothing: it is EMPTY, or a late wake's NOTIFIED,
	   which ends the first park early. */
	t->pinned = options->pinned != 0;
	t->worker = NULL;
	o->arg = arg;
	o->value = NULL;
	o->arg_drop = options->arg_drop;
	o->result_drop = options->result_drop;
	store64_relaxed(&o->end, end_word(id, handle ? RUNNING : DETACHED));
	storep_relaxed(&o->runtime, rt);
	chp__agent_start(&o->agent, id, options->name,
			 o->agent.cls == &chp__job_class ? UINT32_MAX
							 : rt->options.budget);
	if (handle) {
		handle->agent.slot = &o->agent;
		handle->agent.id = id;
	}
}

/* The slot was not needed after all. */
static void unfill(struct task *t, chp_task *handle)
{
	if (handle)
		memset(handle, 0, sizeof(*handle));
	chp__slot_free(&t->outcome);
}

static const chp_task_options defaults;

static int check(bool has_fn, const chp_task_options **options,
		 struct chp_runtime **rt)
{
	if (!*options)
		*options = &defaults;
	if (!*rt)
		*rt = chp__runtime_here();
	if (!has_fn || !*rt)
		return CHP_EINVAL;
	/* Relaxed: the answer may be out of date anyway; shutdown.c knows. */
	return load_relaxed(&(*rt)->state) == RT_OPEN ? 0 : CHP_ECLOSED;
}

/* Let it run. */
static int launch(struct task *t, struct worker *here, struct chp_runtime *rt,
		  chp_task *handle)
{
	int r;

	if (likely(here && here->rt == rt)) {
		/* Relaxed: shutdown.c counts it no later than its end. */
		store64_relaxed(&here->spawned,
				load64_relaxed(&here->spawned) + 1);
		schedule_on(here, t, NULL);
		return 0;
	}
	r = chp__schedule_new(rt, t);
	if (r)
		unfill(t, handle);
	return r;
}

int chp_spawn_with(chp_task *task, void *(*fn)(void *arg), void *arg,
		   const chp_task_options *options)
{
	struct chp_runtime *rt = options ? options->runtime : NULL;
	struct worker *here;
	struct task *t;
	int cls, r = check(fn, &options, &rt);

	if (r)
		return r;
	cls = options->stack_size ? chp__stack_class(options->stack_size)
				  : rt->stack_class;
	if (cls < 0)
		return CHP_EINVAL;
	here = worker_here();
	t = chp__slot_get(SLOT_TASK, here ? here->slots : NULL);
	if (!t)
		return CHP_ENOMEM;
	t->stack_class = (uint8_t)cls;
	stackful_of(t)->stack = NULL;
	t->outcome.fn = fn;
	fill(t, here, rt, arg, options, task);
	return launch(t, here, rt, task);
}

int chp_spawn(chp_task *task, void *(*fn)(void *arg), void *arg)
{
	return chp_spawn_with(task, fn, arg, NULL);
}

int chp_spawn_poll_with(chp_task *task, chp_poll_fn fn, void *state,
			const chp_task_options *options)
{
	struct chp_runtime *rt = options ? options->runtime : NULL;
	int r = check(fn, &options, &rt);
	struct worker *here;
	struct task *t;

	if (r)
		return r;
	here = worker_here();
	t = chp__slot_get(SLOT_STACKLESS, here ? here->slots : NULL);
	if (!t)
		return CHP_ENOMEM;
	t->outcome.poll = fn;
	fill(t, here, rt, state, options, task);
	return launch(t, here, rt, task);
}

int chp_spawn_poll(chp_task *task, chp_poll_fn fn, void *state)
{
	return chp_spawn_poll_with(task, fn, state, NULL);
}

/* With a seed: a task, like everything. */
static int spawn_on_stack(struct chp_runtime *rt, chp_task *task,
			  void *(*fn)(void *arg), void *arg,
			  const chp_task_options *options)
{
	chp_task_options o = *options;

	o.runtime = rt;
	o.pinned = 0;
	if (o.stack_size < SIM_BLOCKING_STACK)
		o.stack_size = SIM_BLOCKING_STACK;
	return chp_spawn_with(task, fn, arg, &o);
}

int chp_spawn_blocking(chp_runtime *rt, chp_task *task, void *(*fn)(void *arg),
		       void *arg, const chp_task_options *options)
{
	struct task *t;
	int r;

	if (!rt && options)
		rt = options->runtime;
	r = check(fn, &options, &rt);
	if (r)
		return r;
	if (unlikely(rt->sim != NULL))
		return spawn_on_stack(rt, task, fn, arg, options);
	t = chp__slot_get(SLOT_JOB, NULL);
	if (!t)
		return CHP_ENOMEM;
	t->outcome.fn = fn;
	fill(t, NULL, rt, arg, options, task);
	r = chp__blocking_submit(rt, t);
	if (r)
		unfill(t, task);
	return r;
}
