/*
 * tour_once.c - ten tasks need a connection; whoever is first makes it, and if
 * that fails the next one tries again.
 */
#include "tour.h"

#include <chappe/chappe.h>

#include <stdatomic.h>
#include <stdio.h>

struct connection {
	int number;
};

CHP_ONCE_CELL_DEFINE(shared_connection, struct connection);

static shared_connection connection;
static atomic_int tries, served, different;

static int connect_once(struct connection *c, void *arg)
{
	int try = ++tries;

	(void)arg;
	chp_sleep_for(CHP_MS); /* the others wait meanwhile */
	if (try == 1) {
		printf("the first try fails\n");
		return CHP_EAGAIN;
	}
	c->number = 42;
	printf("try %d succeeds\n", try);
	return 0;
}

static void *use_it(void *arg)
{
	struct connection *c;

	while (shared_connection_get_or_init(&connection, connect_once, NULL,
					     &c))
		continue;
	served++;
	different += c->number != 42;
	return arg;
}

const char *tour_once(void)
{
	chp_task task[10];

	for (int i = 0; i < 10; i++)
		chp_spawn(&task[i], use_it, NULL);
	for (int i = 0; i < 10; i++)
		chp_join(&task[i], NULL);
	printf("%d tasks share connection %d\n", served,
	       shared_connection_get(&connection)->number);
	shared_connection_destroy(&connection);
	if (different)
		return "somebody saw another connection";
	return tries == 2 ? NULL : "it was not made exactly once";
}
