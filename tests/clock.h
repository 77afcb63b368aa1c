/*
 * clock.h - what the suites of time share: the system's clocks, a runtime
 * whose clock is paused.
 */
#ifndef CHAPPE_TESTS_CLOCK_H
#define CHAPPE_TESTS_CLOCK_H

#include "harness.h"

#include <time.h>

/* Far enough that a busy machine still finds it pending. */
#define SOON (50 * CHP_MS)

static inline chp_time system_clock(clockid_t which)
{
	struct timespec t;

	clock_gettime(which, &t);
	return t.tv_sec * CHP_SEC + t.tv_nsec;
}

static inline chp_time real_time(void)
{
	return system_clock(CLOCK_MONOTONIC);
}

/* Run fn with a paused clock; it must not take long by the real one. */
static inline void paused(void *(*fn)(void *arg))
{
	chp_runtime_options options = {
		.kind = CHP_CURRENT_THREAD,
		.paused_clock = 1,
	};
	chp_time before = real_time();

	CHECK_CODE(chp_run(&options, fn, NULL, NULL), 0);
	CHECK(real_time() - before < 10 * CHP_SEC);
}

#endif
