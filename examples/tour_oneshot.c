/*
 * tour_oneshot.c - a oneshot channel carries the result of a computation from
 * the task that makes it to the task that waits for it.
 */
#include "tour.h"

#include <chappe/chappe.h>

#include <stdio.h>
#include <string.h>

/* A channel for one const char *: types result_tx and result_rx. */
CHP_ONESHOT_DEFINE(result, const char *);

static const char *some_computation(void)
{
	return "represents the result of the computation";
}

static void *compute(void *arg)
{
	result_tx *tx = arg;

	/* Sending never waits.  It uses the sender up, so there is nothing to
	   drop afterwards. */
	result_send(tx, some_computation());
	return NULL;
}

const char *tour_oneshot(void)
{
	const char *text = NULL;
	result_tx tx;
	result_rx rx;
	chp_task task;
	int r;

	if (result(&tx, &rx))
		return "no channel";

	if (chp_spawn(&task, compute, &tx))
		return "no task";

	printf("doing other work meanwhile\n");

	/* Waits for the value.  Had the task dropped tx without sending, this
	   would say CHP_ECLOSED. */
	r = result_recv(&rx, &text);

	/* The task was lent tx, which is on this stack: let it end first. */
	chp_join(&task, NULL);

	if (r)
		return chp_strerror(r);
	printf("received: %s\n", text);
	if (strcmp(text, some_computation()))
		return "received something else";
	return NULL;
}
