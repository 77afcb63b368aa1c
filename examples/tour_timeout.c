/*
 * tour_timeout.c - a wait with a deadline.  Deadlines are points in time, not
 * lengths: so one deadline can cover several waits.
 */
#include "tour.h"

#include <chappe/chappe.h>

#include <stdio.h>

static chp_semaphore permits = CHP_SEMAPHORE_INIT(2, CHP_FIFO);

const char *tour_timeout(void)
{
	chp_time start = chp_now();
	chp_wait w = { .deadline = chp_in(30 * CHP_MS) };
	chp_time waited;
	int r;

	/* This one needs no waiting. */
	r = chp_semaphore_acquire_with(&permits, 2, &w);
	printf("the first acquire: %s\n", chp_strerror(r));
	if (r)
		return "it should have succeeded";

	/* Nobody will release, so this one lasts until the deadline. */
	r = chp_semaphore_acquire_with(&permits, 1, &w);
	waited = chp_now() - start;
	printf("the second acquire: %s\n", chp_strerror(r));
	if (r != CHP_ETIMEDOUT)
		return "it should have timed out";
	if (waited < 30 * CHP_MS)
		return "it gave up too early";

	/* Who gives up leaves no trace: no place in the queue, no permit. */
	if (chp_semaphore_has_waiters(&permits))
		return "it left something in the queue";
	chp_semaphore_release(&permits, 2);
	printf("permits at the end = %d\n",
	       (int)chp_semaphore_available(&permits));
	if (chp_semaphore_available(&permits) != 2)
		return "permits were lost";
	return NULL;
}
