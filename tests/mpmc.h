/*
 * mpmc.h - what the suites of channels with many receivers share: blocking
 * calls that become polling where the mode asks for it.
 */
#ifndef CHAPPE_TESTS_MPMC_H
#define CHAPPE_TESTS_MPMC_H

#include "chan.h"

enum { UNBOUNDED = 1000000 }; /* as a capacity */

MAYBE_UNUSED static int mpmc_make(size_t capacity, size_t size,
				  void (*drop)(void *value), chp_mpmc_tx *tx,
				  chp_mpmc_rx *rx)
{
	return capacity == UNBOUNDED
		       ? chp_mpmc_unbounded(size, drop, tx, rx)
		       : chp_mpmc_bounded(capacity, size, drop, tx, rx);
}

MAYBE_UNUSED static int mpmc_send(chp_mpmc_tx *tx, const void *value,
				  const chp_wait *w)
{
	chp_mpmc_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_mpmc_send_with(tx, value, w)
			 : chp_mpmc_send(tx, value);
	chp_mpmc_send_op(&op, tx, value);
	return h_wait(&op.op, w);
}

MAYBE_UNUSED static int mpmc_recv(chp_mpmc_rx *rx, void *out, const chp_wait *w)
{
	chp_mpmc_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_mpmc_recv_with(rx, out, w)
			 : chp_mpmc_recv(rx, out);
	chp_mpmc_recv_op(&op, rx, out);
	return h_wait(&op.op, w);
}

MAYBE_UNUSED static int mpmc_recv_many(chp_mpmc_rx *rx, void *out, size_t limit,
				       const chp_wait *w)
{
	chp_mpmc_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_mpmc_recv_many_with(rx, out, limit, w)
			 : chp_mpmc_recv_many(rx, out, limit);
	chp_mpmc_recv_many_op(&op, rx, out, limit);
	return h_wait(&op.op, w);
}

MAYBE_UNUSED static int mpmc_closed(chp_mpmc_tx *tx, const chp_wait *w)
{
	chp_once_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_mpmc_closed_with(tx, w) : chp_mpmc_closed(tx);
	chp_mpmc_closed_op(&op, tx);
	return h_wait(&op.op, w);
}

#endif
