/*
 * sem.h - what the semaphore suites share that names no semaphore: another
 * party that runs at the same time, a processor for each, empty permits.  One
 * semaphore and its waiters are in sem_queue.h.
 */
#ifndef CHAPPE_TESTS_SEM_H
#define CHAPPE_TESTS_SEM_H

#include "harness.h"

#include <sched.h>

/* ---- Another party ---- */

/*
 * In a runtime of many threads the other party is a plain thread: two tasks
 * that yield to each other would stay on one worker and never meet.
 */
static inline void spawn_other(struct h_agent *a, void *(*fn)(void *),
			       void *arg)
{
	(h_mode() == H_MT ? h_spawn_thread : h_spawn)(a, fn, arg);
}

static inline void join_other(struct h_agent *a)
{
	(h_mode() == H_MT ? h_join_thread : h_join)(a);
}

/* Let others run, also those that share the processor with this worker. */
static inline void rest(void)
{
	h_yield();
	if (h_mode() == H_MT)
		sched_yield();
}

/*
 * Each party has its processor: left alone, two threads that yield to each
 * other may share one for a whole test, and never meet.
 */
MAYBE_UNUSED static cpu_set_t processors;

static inline void find_processors(void)
{
	CHECK_EQ(sched_getaffinity(0, sizeof(processors), &processors), 0);
}

static inline void run_on(int which)
{
	cpu_set_t one;

	if (h_mode() == H_CT || CPU_COUNT(&processors) < 2)
		return;
	CPU_ZERO(&one);
	for (int i = 0; i < CPU_SETSIZE && which >= 0; i++)
		if (CPU_ISSET(i, &processors) && which-- == 0)
			CPU_SET(i, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

/* Workers end with their runtime; the other threads are used again. */
static inline void run_anywhere(void)
{
	if (h_mode() != H_MT)
		sched_setaffinity(0, sizeof(processors), &processors);
}

/* ---- Permits ---- */

static inline void is_empty(const chp_permit *permit)
{
	CHECK_EQ(chp_permit_count(permit), 0);
	CHECK(permit->semaphore == NULL);
}

/* What is not the empty permit, to see that it is overwritten. */
static inline chp_permit garbage(void)
{
	chp_permit permit;

	memset(&permit, 0x5a, sizeof(permit));
	return permit;
}

#endif
