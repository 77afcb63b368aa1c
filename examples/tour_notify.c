/*
 * tour_notify.c - telling a task that something has happened, without a value.
 * A notification that comes first is kept for whoever waits next.
 */
#include "tour.h"

#include <chappe/chappe.h>

#include <stdatomic.h>
#include <stdio.h>

static chp_notify bell;
static atomic_int woken;

static void *doze(void *arg)
{
	chp_notify_wait(&bell);
	woken++;
	return arg;
}

const char *tour_notify(void)
{
	chp_notified_op listening[3];
	chp_task one;

	/* Before anybody waits: one notification is kept, not two. */
	chp_notify_one(&bell);
	chp_notify_one(&bell);
	chp_spawn(&one, doze, NULL);
	chp_join(&one, NULL);
	printf("one task was woken by a bell that rang before it came\n");

	/* All who listen now, however late they come to wait. */
	for (int i = 0; i < 3; i++)
		chp_notify_notified_op(&listening[i], &bell);
	chp_notify_waiters(&bell);
	for (int i = 0; i < 3; i++)
		woken += chp_op_wait(&listening[i].op, NULL) == 0;
	printf("three listeners heard the bell for all\n");
	return woken == 4 ? NULL : "not all were woken";
}
