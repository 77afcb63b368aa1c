/*
 * tour_stream.c - an mpsc channel streams the results of a series of
 * computations.  The capacity bounds how far the sender may run ahead: when
 * 100 results wait to be received, the next send waits for a place.
 */
#include "tour.h"

#include <chappe/chappe.h>

#include <stdio.h>
#include <string.h>

struct text {
	char chars[48];
};

/* Values are copied into the channel and out of it, so nothing is shared. */
CHP_MPSC_DEFINE(texts, struct text);

static struct text some_computation(int input)
{
	struct text t;

	snprintf(t.chars, sizeof(t.chars), "the result of computation %d",
		 input);
	return t;
}

static void *compute(void *arg)
{
	texts_tx *tx = arg;

	for (int i = 0; i < 10; i++)
		if (texts_send(tx, some_computation(i)))
			break; /* the receiver has gone */

	/* No sender is left: the receiver gets what is buffered, then hears
	   that the stream has ended. */
	texts_tx_drop(tx);
	return NULL;
}

const char *tour_stream(void)
{
	const char *why = NULL;
	struct text res;
	texts_tx tx;
	texts_rx rx;
	chp_task task;
	int r, n = 0;

	if (texts_bounded(100, &tx, &rx))
		return "no channel";
	if (chp_spawn(&task, compute, &tx))
		return "no task";

	while ((r = texts_recv(&rx, &res)) == 0) {
		printf("got = %s\n", res.chars);
		if (strcmp(res.chars, some_computation(n++).chars))
			why = "a result is out of order";
	}

	texts_rx_drop(&rx);
	chp_join(&task, NULL);
	if (r != CHP_ECLOSED)
		return chp_strerror(r);
	if (n != 10)
		return "there should have been ten results";
	return why;
}
