/*
 * tour_broadcast.c - every receiver gets every value; one that is too slow is
 * told how many it has missed.
 */
#include "tour.h"

#include <chappe/chappe.h>

#include <stdio.h>

CHP_BROADCAST_DEFINE(numbers, int);

static void *hear_two(void *arg)
{
	numbers_rx *rx = arg;
	int first = 0, second = 0;

	numbers_recv(rx, &first, NULL);
	numbers_recv(rx, &second, NULL);
	printf("a receiver heard %d and %d\n", first, second);
	numbers_rx_drop(rx);
	return first == 10 && second == 20 ? rx : NULL;
}

static const char *be_slow(void)
{
	uint64_t missed = 0;
	numbers_tx tx;
	numbers_rx rx;
	int n = 0, r;

	if (numbers(4, &tx, &rx))
		return "no channel";
	for (int i = 1; i <= 10; i++)
		numbers_send(&tx, i);
	numbers_tx_drop(&tx);

	r = numbers_recv(&rx, &n, &missed);
	printf("the slow one: %s, %d values\n", chp_strerror(r), (int)missed);
	if (r != CHP_ELAGGED || missed != 6)
		return "it should have missed six";
	printf("it goes on with");
	while (numbers_recv(&rx, &n, NULL) == 0)
		printf(" %d", n);
	printf("\n");
	numbers_rx_drop(&rx);
	return n == 10 ? NULL : "it did not hear the last";
}

const char *tour_broadcast(void)
{
	chp_outcome one, two;
	numbers_rx rx1, rx2;
	chp_task task1, task2;
	numbers_tx tx;

	if (numbers(16, &tx, &rx1) || numbers_subscribe(&tx, &rx2))
		return "no channel";
	chp_spawn(&task1, hear_two, &rx1);
	chp_spawn(&task2, hear_two, &rx2);
	numbers_send(&tx, 10);
	numbers_send(&tx, 20);
	chp_join(&task1, &one);
	chp_join(&task2, &two);
	numbers_tx_drop(&tx);
	if (!one.value || !two.value)
		return "a receiver heard something else";
	return be_slow();
}
