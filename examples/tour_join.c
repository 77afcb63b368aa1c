/*
 * tour_join.c - when the result is the last thing that a task makes, no
 * channel is needed: a task returns a value, and joining it gives that value.
 */
#include "tour.h"

#include <chappe/chappe.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char the_result[] = "the result of the computation";

/* The value is memory of its own, that whoever joins has to free. */
static void *some_computation(void *arg)
{
	(void)arg;
	return strdup(the_result);
}

const char *tour_join(void)
{
	/* What to do with the value should nobody ever join. */
	chp_task_options options = { .name = "computation",
				     .result_drop = free };
	const char *why = NULL;
	chp_outcome outcome;
	chp_task task;
	int r;

	if (chp_spawn_with(&task, some_computation, NULL, &options))
		return "no task";

	printf("doing other work meanwhile\n");

	/* The returned code speaks of the wait, the outcome of the task: did it
	   return, was it aborted, did it never run? */
	r = chp_join(&task, &outcome);
	if (r)
		return chp_strerror(r);
	if (outcome.fate != CHP_RETURNED || !outcome.value)
		return "the task did not return its value";

	printf("joined: %s\n", (char *)outcome.value);
	if (strcmp(outcome.value, the_result))
		why = "joined something else";
	free(outcome.value);
	return why;
}
