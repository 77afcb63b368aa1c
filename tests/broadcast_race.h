/*
 * broadcast_race.h - for suites in which two ends of a broadcast channel act at
 * the same moment: the channel, what each side was told, and what is common to
 * several races.
 */
#ifndef CHAPPE_TESTS_BROADCAST_RACE_H
#define CHAPPE_TESTS_BROADCAST_RACE_H

#include "duo.h"
#include "broadcast.h"

enum { N = 2 };

static chp_broadcast_tx *tx; /* on the heap, so that use after free is seen */
static chp_broadcast_rx *rx, *rx2;
/* What each side was told. */
MAYBE_UNUSED static int sent, got, result, got2, result2;

/* Values so made are destroyed by count. */
static const chp_broadcast_values counted = { .drop = count_drop };

MAYBE_UNUSED static void make_boxed(void)
{
	h_store(&drops, 0);
	sent = result = result2 = 1000;
	got = got2 = -1;
	tx = calloc(1, sizeof(*tx));
	rx = calloc(1, sizeof(*rx));
	rx2 = calloc(1, sizeof(*rx2));
	CHECK_CODE(chp_broadcast(N, sizeof(int), &counted, tx, rx), 0);
}

MAYBE_UNUSED static void make_bytes(void)
{
	make_boxed();
	chp_broadcast_tx_drop(tx);
	chp_broadcast_rx_drop(rx);
	CHECK_CODE(chp_broadcast(N, sizeof(int), NULL, tx, rx), 0);
}

MAYBE_UNUSED static void make_two(void)
{
	make_boxed();
	CHECK_CODE(chp_broadcast_subscribe(tx, rx2), 0);
}

MAYBE_UNUSED static void free_tx(void)
{
	chp_broadcast_tx_drop(tx);
	memset(tx, 0xdd, sizeof(*tx));
	free(tx);
}

MAYBE_UNUSED static void free_one(chp_broadcast_rx *one)
{
	chp_broadcast_rx_drop(one);
	memset(one, 0xdd, sizeof(*one));
	free(one);
}

MAYBE_UNUSED static void free_rx(void)
{
	free_one(rx);
}

MAYBE_UNUSED static void free_rx2(void)
{
	free_one(rx2);
}

MAYBE_UNUSED static void send_five(void)
{
	int *v = malloc(sizeof(*v));

	*v = 5;
	sent = chp_broadcast_send(tx, v);
	*v = 6;
	free(v);
}

MAYBE_UNUSED static void send_and_free(void)
{
	send_five();
	free_tx();
}

MAYBE_UNUSED static void make_with_one(void)
{
	make_boxed();
	send_five();
}

/* ---- What must be so afterwards ---- */

MAYBE_UNUSED static void five_was_received(void)
{
	CHECK_EQ(sent, 1);
	CHECK_CODE(result, 0);
	CHECK_EQ(got, 5);
	free(rx2);
}

MAYBE_UNUSED static void none_came(void)
{
	CHECK_CODE(result, CHP_ECLOSED);
	CHECK_EQ(h_load(&drops), 0);
	free(rx2);
}

#endif
