/*
 * broadcast_owned.h - a broadcast channel of values that own something: each is
 * an int of its own on the heap, so that a missing or a second destruction is
 * seen by the counts here and by AddressSanitizer.
 */
#ifndef CHAPPE_TESTS_BROADCAST_OWNED_H
#define CHAPPE_TESTS_BROADCAST_OWNED_H

#include "broadcast.h"

enum { N = 4 };

struct owned {
	int *p;
};

static chp_broadcast_tx tx;
static chp_broadcast_rx rx, rx2;
static chp_word clones, live;
static int destroyed[64]; /* by number; by one agent at a time */

static struct owned own(int v)
{
	struct owned o = { malloc(sizeof(int)) };

	*o.p = v;
	h_add(&live, 1);
	return o;
}

MAYBE_UNUSED static void destroy(void *value)
{
	struct owned *o = value;

	if (*o->p >= 0 && *o->p < 64)
		destroyed[*o->p]++;
	free(o->p);
	o->p = NULL;
	h_add(&live, -1u);
}

static int copy(void *to, const void *from)
{
	h_add(&clones, 1);
	*(struct owned *)to = own(*((const struct owned *)from)->p);
	return 0;
}

static int (*during_clone)(const struct owned *from);
MAYBE_UNUSED static void (*during_drop)(int v);

static int act_and_copy(void *to, const void *from)
{
	int r = during_clone ? during_clone(from) : 0;

	return r < 0 ? r : copy(to, from);
}

MAYBE_UNUSED static void act_and_destroy(void *value)
{
	int v = *((struct owned *)value)->p;

	destroy(value);
	if (during_drop)
		during_drop(v);
}

static const chp_broadcast_values values = {
	.clone = act_and_copy,
	.drop = act_and_destroy,
};

MAYBE_UNUSED static void make(size_t capacity)
{
	h_store(&clones, 0);
	h_store(&live, 0);
	memset(destroyed, 0, sizeof(destroyed));
	during_clone = NULL;
	during_drop = NULL;
	CHECK_CODE(chp_broadcast(capacity, sizeof(struct owned), &values, &tx,
				 &rx),
		   0);
}

MAYBE_UNUSED static void drop_both(void)
{
	chp_broadcast_tx_drop(&tx);
	chp_broadcast_rx_drop(&rx);
	CHECK_EQ(h_load(&live), 0);
}

MAYBE_UNUSED static int send_owned(int v)
{
	struct owned o = own(v);
	int r = chp_broadcast_send(&tx, &o);

	if (r < 0)
		destroy(&o);
	return r;
}

/* The next value is v; it is ours, so it goes. */
MAYBE_UNUSED static void take(chp_broadcast_rx *from, int v)
{
	struct owned o = { NULL };

	CHECK_CODE(bc_recv(from, &o, NULL, NULL), 0);
	CHECK_EQ(*o.p, v);
	free(o.p);
	h_add(&live, -1u);
}

#endif
