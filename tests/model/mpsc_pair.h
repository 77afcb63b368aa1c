/*
 * mpsc_pair.h - a bounded channel of numbers with two senders, and two wakers
 * that count: for scenarios of mpsc step by step.
 */
#ifndef CHAPPE_TESTS_MODEL_MPSC_PAIR_H
#define CHAPPE_TESTS_MODEL_MPSC_PAIR_H

#include <chappe/mpsc.h>
#include <chappe/mpsc_permit.h>

#include "counted.h"

static chp_mpsc_tx tx, tx_2;
static chp_mpsc_rx rx;
static struct counted waker, waker_2;
static unsigned one = 1, two = 2;

static inline void make(size_t capacity)
{
	MODEL_CHECK(chp_mpsc_bounded(capacity, 4, NULL, &tx, &rx) == 0);
	chp_mpsc_tx_clone(&tx, &tx_2);
}

static inline void make_1(void)
{
	make(1);
}

static inline void drop_all(void)
{
	chp_mpsc_tx_drop(&tx);
	chp_mpsc_tx_drop(&tx_2);
	chp_mpsc_rx_drop(&rx);
	counted_end(&waker);
	counted_end(&waker_2);
}

static inline int poll_with(chp_op *op, struct counted *by)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(counted_waker(by));

	return chp_op_poll(op, &ctx);
}

static inline unsigned woken(const struct counted *c)
{
	return load_relaxed(&c->wakes);
}

#endif
