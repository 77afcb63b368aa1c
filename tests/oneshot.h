/*
 * oneshot.h - one oneshot of an int.
 */
#ifndef CHAPPE_TESTS_ONESHOT_H
#define CHAPPE_TESTS_ONESHOT_H

#include "chan.h"

static chp_oneshot_tx tx;
static chp_oneshot_rx rx;

static inline void make(void (*drop)(void *value))
{
	forget_the_last();
	CHECK_CODE(chp_oneshot(sizeof(int), drop, &tx, &rx), 0);
}

static inline int send_int(int value)
{
	return chp_oneshot_send(&tx, &value);
}

/* Every path may end in these. */
static inline void drop_both(void)
{
	chp_oneshot_tx_drop(&tx);
	chp_oneshot_rx_drop(&rx);
}

#endif
