/*
 * tour_mutex.c - tasks and a thread share an account behind a mutex.  A task
 * that holds the lock may wait for other things meanwhile.
 */
#include "tour.h"

#include <chappe/chappe.h>

#include <pthread.h>
#include <stdio.h>

enum { TASKS = 8, EACH = 1000 };

static chp_mutex mutex; /* all-zero is unlocked */
static long balance;    /* guarded by mutex */

static void *deposit(void *arg)
{
	for (int i = 0; i < EACH; i++) {
		CHP_MUTEX_SCOPED(&mutex);
		long before = balance;

		if (i % 100 == 0)
			chp_yield(); /* others run, but not into this block */
		balance = before + 1;
	}
	return arg;
}

const char *tour_mutex(void)
{
	chp_task task[TASKS];
	pthread_t thread;

	balance = 0;
	if (pthread_create(&thread, NULL, deposit, NULL))
		return "no thread";
	for (int i = 0; i < TASKS; i++)
		if (chp_spawn(&task[i], deposit, NULL))
			return "no task";
	for (int i = 0; i < TASKS; i++)
		chp_join(&task[i], NULL);
	pthread_join(thread, NULL);

	printf("%d tasks and a thread deposited %d times each\n", TASKS, EACH);
	printf("balance = %ld\n", balance);
	return balance == (TASKS + 1) * EACH ? NULL : "deposits were lost";
}
