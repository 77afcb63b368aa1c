/*
 * broadcast.h - what the broadcast suites share: blocking calls that become
 * polling where the mode asks for it, and channels of ints.
 */
#ifndef CHAPPE_TESTS_BROADCAST_H
#define CHAPPE_TESTS_BROADCAST_H

#include "chan.h"

MAYBE_UNUSED static int bc_recv(chp_broadcast_rx *rx, void *out,
				uint64_t *lagged, const chp_wait *w)
{
	chp_broadcast_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_broadcast_recv_with(rx, out, lagged, w)
			 : chp_broadcast_recv(rx, out, lagged);
	chp_broadcast_recv_op(&op, rx, out, lagged);
	return h_wait(&op.op, w);
}

MAYBE_UNUSED static int bc_recv_many(chp_broadcast_rx *rx, void *out,
				     size_t limit, uint64_t *lagged,
				     const chp_wait *w)
{
	chp_broadcast_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_broadcast_recv_many_with(rx, out, limit, lagged,
							w)
			 : chp_broadcast_recv_many(rx, out, limit, lagged);
	chp_broadcast_recv_many_op(&op, rx, out, limit, lagged);
	return h_wait(&op.op, w);
}

MAYBE_UNUSED static int bc_closed(chp_broadcast_tx *tx, const chp_wait *w)
{
	chp_broadcast_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_broadcast_closed_with(tx, w)
			 : chp_broadcast_closed(tx);
	chp_broadcast_closed_op(&op, tx);
	return h_wait(&op.op, w);
}

MAYBE_UNUSED static int bc_send(chp_broadcast_tx *tx, int v)
{
	return chp_broadcast_send(tx, &v);
}

/* The next value is v. */
#define CHECK_NEXT(rx, v)                                                      \
	do {                                                                   \
		int got_ = INT32_MIN;                                          \
		CHECK_CODE(chp_broadcast_try_recv((rx), &got_, NULL), 0);      \
		CHECK_EQ(got_, (v));                                           \
	} while (0)

/* The next try says so, and touches nothing. */
#define CHECK_NO_NEXT(rx, code)                                                \
	do {                                                                   \
		int got_ = 77;                                                 \
		uint64_t lag_ = 88;                                            \
		CHECK_CODE(chp_broadcast_try_recv((rx), &got_, &lag_),         \
			   (code));                                            \
		CHECK_EQ(got_, 77);                                            \
		CHECK_EQ(lag_, 88);                                            \
	} while (0)

/* The next try says that n values were lost. */
#define CHECK_LAGGED(rx, n)                                                    \
	do {                                                                   \
		int got_ = 77;                                                 \
		uint64_t lag_ = 88;                                            \
		CHECK_CODE(chp_broadcast_try_recv((rx), &got_, &lag_),         \
			   CHP_ELAGGED);                                       \
		CHECK_EQ(got_, 77);                                            \
		CHECK_EQ(lag_, (n));                                           \
		CHECK_EQ(chp_broadcast_lagged(rx), (n));                       \
	} while (0)

#endif
