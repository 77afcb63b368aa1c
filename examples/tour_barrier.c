/*
 * tour_barrier.c - ten tasks begin the second half when all have finished the
 * first.
 */
#include "tour.h"

#include <chappe/chappe.h>

#include <stdatomic.h>
#include <stdio.h>

static chp_barrier barrier = CHP_BARRIER_INIT(10);
static atomic_int before, after, leaders, too_early;

static void *work(void *arg)
{
	before++;
	chp_yield();
	if (chp_barrier_wait(&barrier) == 1) {
		leaders++;
		printf("the last one of %d arrives\n", before);
	}
	too_early += before < 10;
	after++;
	return arg;
}

const char *tour_barrier(void)
{
	chp_task task[10];

	for (int i = 0; i < 10; i++)
		chp_spawn(&task[i], work, NULL);
	for (int i = 0; i < 10; i++)
		chp_join(&task[i], NULL);
	printf("%d tasks passed, %d of them as leader\n", after, leaders);
	if (too_early)
		return "somebody passed too early";
	return leaders == 1 ? NULL : "there was not one leader";
}
