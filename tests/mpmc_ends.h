/*
 * mpmc_ends.h - one channel of ints with many receivers for a whole suite.
 */
#ifndef CHAPPE_TESTS_MPMC_ENDS_H
#define CHAPPE_TESTS_MPMC_ENDS_H

#include "mpmc.h"

MAYBE_UNUSED static chp_mpmc_tx tx;
MAYBE_UNUSED static chp_mpmc_rx rx;

static inline void make(size_t capacity)
{
	forget_the_last();
	CHECK_CODE(mpmc_make(capacity, sizeof(int), count_drop, &tx, &rx), 0);
}

static inline void drop_both(void)
{
	chp_mpmc_tx_drop(&tx);
	chp_mpmc_rx_drop(&rx);
}

static inline void fill(int v)
{
	CHECK_CODE(chp_mpmc_try_send(&tx, &v), 0);
}

/* The next value, which must be there. */
static inline int take(void)
{
	int v = -1;

	CHECK_CODE(chp_mpmc_try_recv(&rx, &v), 0);
	return v;
}

#endif
