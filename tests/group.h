/*
 * group.h - what the suites of task groups share.
 */
#ifndef CHAPPE_TESTS_GROUP_H
#define CHAPPE_TESTS_GROUP_H

#include "harness.h"

#include <stdatomic.h>
#include <string.h>

static chp_group group;
static chp_semaphore gate;
static atomic_int ran, dropped;

static inline void begin(unsigned flags)
{
	ran = dropped = 0;
	chp_semaphore_init(&gate, 0, CHP_FIFO);
	CHECK_CODE(chp_group_init(&group, NULL, 0, flags), 0);
}

static inline int add_one(void *arg)
{
	(void)arg;
	ran++;
	return 0;
}

static inline int pass_the_gate(void *arg)
{
	int r = chp_semaphore_acquire(&gate, 1);

	(void)arg;
	if (r == 0)
		ran++;
	return r;
}

static inline int fail_with(void *arg)
{
	return (int)(intptr_t)arg;
}

static inline int wait_on_the_token(void *arg)
{
	chp_wait w = { .cancel = chp_group_token(&group) };

	*(int *)arg = chp_semaphore_acquire_with(&gate, 1, &w);
	return 0;
}

static inline void count_drop(void *arg)
{
	(void)arg;
	dropped++;
}

#endif
