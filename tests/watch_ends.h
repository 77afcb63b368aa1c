/*
 * watch_ends.h - one watch channel of ints for a whole suite, which begins with
 * 1, and what to wait for.
 */
#ifndef CHAPPE_TESTS_WATCH_ENDS_H
#define CHAPPE_TESTS_WATCH_ENDS_H

#include "watch.h"

MAYBE_UNUSED static chp_watch_tx tx;
MAYBE_UNUSED static chp_watch_rx rx;

static inline void make_with(const chp_watch_values *values)
{
	forget_the_last();
	CHECK_CODE(chp_watch(sizeof(int), values, &(int){ 1 }, &tx, &rx), 0);
}

static inline void make(void)
{
	make_with(&dropped);
}

static inline void drop_both(void)
{
	chp_watch_tx_drop(&tx);
	chp_watch_rx_drop(&rx);
}

/* A predicate that one value fits, and what it was asked. */
struct probe {
	int wanted;
	int calls;
	int values[16];
};

static inline int probe(const void *value, void *arg)
{
	struct probe *p = arg;

	p->values[p->calls++ % 16] = *(const int *)value;
	return *(const int *)value == p->wanted;
}

#endif
