/*
 * tour_abort.c - aborting a task ends its waits.  Nothing is torn out of its
 * hands: the wait returns CHP_EABORTED, and the task leaves through its own
 * error path, cleaning up as it always does.
 */
#include "tour.h"

#include <chappe/chappe.h>

#include <stdio.h>
#include <string.h>

CHP_MPSC_DEFINE(reports, const char *);

struct worker {
	chp_semaphore resource;
	reports_tx tx;
	int why; /* what its wait said */
};

static void *work(void *arg)
{
	struct worker *me = arg;

	if (chp_semaphore_acquire(&me->resource, 1))
		goto out;
	reports_send(&me->tx, "has the resource and waits");

	me->why = chp_sleep_until(CHP_NEVER);

	/* From here on every wait would say CHP_EABORTED at once.  Clean-up
	   that has to wait goes under a shield. */
	chp_shield_enter();
	reports_send(&me->tx, "cleans up, and may even wait for that");
	chp_sleep_for(5 * CHP_MS);
	chp_shield_leave();

	chp_semaphore_release(&me->resource, 1);
out:
	reports_tx_drop(&me->tx);
	return me;
}

const char *tour_abort(void)
{
	struct worker worker = {
		.resource = CHP_SEMAPHORE_INIT(1, CHP_FIFO),
	};
	const char *report;
	chp_outcome outcome;
	chp_task task;
	reports_rx rx;
	int n = 0;

	if (reports_bounded(1, &worker.tx, &rx) ||
	    chp_spawn(&task, work, &worker))
		return "no channel or no task";

	/* A task aborted before its first run never runs: let it start. */
	while (reports_recv(&rx, &report) == 0) {
		printf("the task %s\n", report);
		if (n++ == 0)
			chp_task_abort(&task);
	}
	reports_rx_drop(&rx);
	chp_join(&task, &outcome);

	printf("its wait said: %s\n", chp_strerror(worker.why));
	if (n != 2 || worker.why != CHP_EABORTED)
		return "the task did not go the way of the aborted";
	if (outcome.fate != CHP_ABORTED || outcome.value != &worker)
		return "the outcome should say so, and have the value";
	if (chp_semaphore_available(&worker.resource) != 1)
		return "the resource was not given back";
	return NULL;
}
