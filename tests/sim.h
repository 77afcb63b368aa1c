/*
 * sim.h - what the suites of simulation share: running from a seed, and the
 * trace of a run.
 */
#ifndef CHAPPE_TESTS_SIM_H
#define CHAPPE_TESTS_SIM_H

#include "harness.h"

static inline chp_runtime_options with_seed(uint64_t seed)
{
	return (chp_runtime_options){ .name = "sim", .seed = seed };
}

/* Run fn(arg) from that seed; its value. */
static inline void *run_seed(uint64_t seed, void *(*fn)(void *arg), void *arg)
{
	chp_runtime_options options = with_seed(seed);
	void *value = NULL;

	CHECK_CODE(chp_run(&options, fn, arg, &value), 0);
	return value;
}

/* ---- What happened: who did what, and when ---- */

struct event {
	uint64_t task;
	chp_time now;
	int64_t what;
};

enum { EVENTS_MAX = 20000 };

struct trace {
	chp_word used;
	struct event events[EVENTS_MAX];
};

static MAYBE_UNUSED struct trace trace;

static inline void note(int64_t what)
{
	uint32_t i = h_add(&trace.used, 1);

	CHECK(i < EVENTS_MAX);
	trace.events[i] = (struct event){ chp_task_id(), chp_now(), what };
}

static inline bool same_trace(const struct trace *a, const struct trace *b)
{
	return a->used.v == b->used.v &&
	       memcmp(a->events, b->events, a->used.v * sizeof(*a->events)) ==
		       0;
}

#endif
