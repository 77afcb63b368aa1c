/*
 * task.h - what the suites of tasks, runtimes and blocking calls share: a gate
 * at which tasks wait, counts of what ran and what was dropped, and runtimes
 * of all kinds.
 */
#ifndef CHAPPE_TESTS_TASK_H
#define CHAPPE_TESTS_TASK_H

#include "harness.h"

#include <stdatomic.h>

/* ---- What tasks do ---- */

MAYBE_UNUSED static chp_semaphore gate;
MAYBE_UNUSED static atomic_int runs;

static inline void *give_back(void *arg)
{
	return arg;
}

static inline void *count_run(void *arg)
{
	runs++;
	return arg;
}

static inline void *never(void *arg)
{
	(void)arg;
	CHECK(!"this must not run");
	return NULL;
}

static inline void *wait_at_the_gate(void *arg)
{
	CHECK_CODE(chp_semaphore_acquire(&gate, 1), 0);
	return arg;
}

static inline void *release_it(void *semaphore)
{
	CHECK_CODE(chp_semaphore_release(semaphore, 1), 0);
	return semaphore;
}

static inline int acquire_whatever_happens(chp_semaphore *s)
{
	chp_wait w = { .flags = CHP_UNINTERRUPTIBLE };

	return chp_semaphore_acquire_with(s, 1, &w);
}

/* ---- Arguments and values that nobody takes ---- */

MAYBE_UNUSED static atomic_int arg_drops, result_drops;
MAYBE_UNUSED static _Atomic(void *) dropped; /* the last of them */

static inline void drop_arg(void *arg)
{
	dropped = arg;
	arg_drops++;
}

static inline void drop_result(void *value)
{
	dropped = value;
	result_drops++;
}

MAYBE_UNUSED static const chp_task_options dropping = {
	.arg_drop = drop_arg,
	.result_drop = drop_result,
};

/* Each test begins with this. */
static inline void reset(void)
{
	chp_semaphore_init(&gate, 0, CHP_FIFO);
	runs = arg_drops = result_drops = 0;
	dropped = NULL;
}

/* ---- Spawning and joining ---- */

static inline void call(chp_task *t, void *(*fn)(void *arg), void *arg)
{
	chp_task_options options = dropping;

	options.name = "a blocking call";
	CHECK_CODE(chp_spawn_blocking(NULL, t, fn, arg, &options), 0);
}

/* Join it: that was its fate, and its value. */
static inline void ends_as(chp_task *t, chp_fate fate, void *value)
{
	chp_outcome o;

	CHECK_CODE(chp_join(t, &o), 0);
	CHECK_EQ(o.fate, fate);
	CHECK(o.value == value);
	CHECK_EQ(t->agent.id, 0);
}

static inline void spawn_all(chp_task *t, int n, void *(*fn)(void *arg),
			     void *arg)
{
	for (int i = 0; i < n; i++)
		CHECK_CODE(chp_spawn(&t[i], fn, arg), 0);
}

static inline void join_all(chp_task *t, int n)
{
	for (int i = 0; i < n; i++)
		CHECK_CODE(chp_join(&t[i], NULL), 0);
}

/* ---- Runtimes ---- */

MAYBE_UNUSED static const chp_runtime_options kinds[] = {
	{ .kind = CHP_MANY_THREADS, .workers = 1 },
	{ .kind = CHP_MANY_THREADS, .workers = 3 },
	{ .kind = CHP_CURRENT_THREAD },
};

enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

static inline chp_runtime *make_runtime(const chp_runtime_options *options)
{
	chp_runtime *made = NULL;

	CHECK_CODE(chp_runtime_new(&made, options), 0);
	CHECK(made != NULL);
	return made;
}

static inline void shut_down(chp_runtime *r)
{
	size_t left = 77;

	CHECK_CODE(chp_runtime_shutdown(r, 0, NULL, 0, &left), 0);
	CHECK_EQ(left, 0);
}

static inline void *block_on(chp_runtime *r, void *(*fn)(void *arg), void *arg)
{
	void *value = NULL;

	CHECK_CODE(chp_runtime_block_on(r, fn, arg, &value), 0);
	return value;
}

/* Run fn as a task where nobody else runs until it waits. */
static inline void with_one_worker(void *(*fn)(void *arg))
{
	chp_runtime_options many = { .workers = 1 };
	chp_runtime_options current = { .kind = CHP_CURRENT_THREAD };

	CHECK_CODE(chp_run(&many, fn, NULL, NULL), 0);
	CHECK_CODE(chp_run(&current, fn, NULL, NULL), 0);
}

#endif
