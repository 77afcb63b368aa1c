/*
 * tour_group.c - a task group: when one of its tasks fails the others are
 * cancelled, and none of them outlives the group.
 */
#include "tour.h"

#include <chappe/chappe.h>

#include <stdatomic.h>
#include <stdio.h>

#define OUT_OF_STOCK (-1000)

static chp_group order;
static atomic_int at_work;

static int fetch(void *arg)
{
	int r;

	at_work++;
	r = chp_sleep_for(3600 * CHP_SEC);
	printf("%s: %s\n", (const char *)arg, chp_strerror(r));
	at_work--;
	return r;
}

static int check_stock(void *arg)
{
	while (at_work < 3)
		chp_yield();
	printf("%s: out of stock\n", (const char *)arg);
	return OUT_OF_STOCK;
}

const char *tour_group(void)
{
	int r;

	chp_group_init(&order, NULL, 0, 0);
	chp_group_spawn(&order, fetch, "flour");
	chp_group_spawn(&order, fetch, "water");
	chp_group_spawn(&order, fetch, "salt");
	chp_group_spawn(&order, check_stock, "yeast");

	r = chp_group_finish(&order);
	printf("the order ended with %d, tasks at work = %d\n", r, at_work);
	if (at_work)
		return "a task outlived its group";
	return r == OUT_OF_STOCK ? NULL : "it ended with something else";
}
