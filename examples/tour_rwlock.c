/*
 * tour_rwlock.c - many readers at once, one writer alone; and a writer that
 * goes on as a reader, so that nobody changes what it has just written.
 */
#include "tour.h"

#include <chappe/chappe.h>

#include <stdio.h>

CHP_RWLOCK_DEFINE(price, int);

static price bread = { .value = 200 };
static chp_semaphore reading, go_on;

static void *look(void *arg)
{
	const int *cents = price_read(&bread);

	chp_semaphore_release(&reading, 1);
	chp_semaphore_acquire(&go_on, 1); /* all five are in here at once */
	printf("a customer reads %d\n", *cents);
	price_read_unlock(&bread);
	return arg;
}

static void *raise_it(void *arg)
{
	int *cents = price_write(&bread);
	const int *now;

	*cents += 50;
	now = price_downgrade(&bread);
	*(int *)arg = *now;
	printf("the baker wrote and reads %d\n", *now);
	price_read_unlock(&bread);
	return NULL;
}

const char *tour_rwlock(void)
{
	chp_task customer[5], baker;
	int seen = 0;

	for (int i = 0; i < 5; i++)
		chp_spawn(&customer[i], look, NULL);
	chp_semaphore_acquire(&reading, 5);
	printf("%d customers read at once\n",
	       (int)chp_rwlock_readers(&bread.rwlock));
	chp_spawn(&baker, raise_it, &seen);

	chp_semaphore_release(&go_on, 5);
	for (int i = 0; i < 5; i++)
		chp_join(&customer[i], NULL);
	chp_join(&baker, NULL);
	return seen == 250 ? NULL : "the price was changed in between";
}
