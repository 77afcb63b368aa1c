/*
 * chan.h - what the channel suites share: blocking calls that become polling
 * where the mode asks for it, destructors that count and look, channels of
 * ints.  One channel for a whole suite is in mpsc.h and oneshot.h.
 *
 * In the blocking modes the wrappers call the library's own blocking function,
 * so that it is tested; h_wait() would go around it.
 */
#ifndef CHAPPE_TESTS_CHAN_H
#define CHAPPE_TESTS_CHAN_H

#include "harness.h"

/* ---- What a test counts ---- */

MAYBE_UNUSED static chp_word drops; /* values the library has destroyed */

MAYBE_UNUSED static chp_word progress; /* how far another agent has come */

static inline void forget_the_last(void)
{
	h_store(&drops, 0);
	h_store(&progress, 0);
}

static inline void count_drop(void *value)
{
	(void)value;
	h_add(&drops, 1);
}

MAYBE_UNUSED static size_t least_alignment;

static inline void look_at_alignment(void *value)
{
	uintptr_t at = (uintptr_t)value;

	if (at & -at && (at & -at) < least_alignment)
		least_alignment = at & -at;
}

/* ---- Channels ---- */

/* capacity 0: an unbounded channel. */
static inline void make_ends(size_t capacity, size_t size,
			     void (*drop)(void *value), chp_mpsc_tx *to,
			     chp_mpsc_rx *from)
{
	CHECK_CODE(capacity ? chp_mpsc_bounded(capacity, size, drop, to, from)
			    : chp_mpsc_unbounded(size, drop, to, from),
		   0);
}

/* For those who need several: of ints. */
struct int_channel {
	chp_mpsc_tx tx;
	chp_mpsc_rx rx;
};

static inline void make_channel(struct int_channel *c, size_t capacity)
{
	make_ends(capacity, sizeof(int), count_drop, &c->tx, &c->rx);
}

static inline void drop_channel(struct int_channel *c)
{
	chp_mpsc_tx_drop(&c->tx);
	chp_mpsc_rx_drop(&c->rx);
}

static inline void put_int(struct int_channel *c, int v)
{
	CHECK_CODE(chp_mpsc_try_send(&c->tx, &v), 0);
}

/* The next value, which must be there. */
static inline int take_int(struct int_channel *c)
{
	int v = -1;

	CHECK_CODE(chp_mpsc_try_recv(&c->rx, &v), 0);
	return v;
}

/* ---- Waiting ---- */

static inline int mpsc_send(chp_mpsc_tx *tx, const void *value,
			    const chp_wait *w)
{
	chp_send_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_mpsc_send_with(tx, value, w)
			 : chp_mpsc_send(tx, value);
	chp_mpsc_send_op(&op, tx, value);
	return h_wait(&op.op, w);
}

static inline int mpsc_recv(chp_mpsc_rx *rx, void *out, const chp_wait *w)
{
	chp_recv_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_mpsc_recv_with(rx, out, w)
			 : chp_mpsc_recv(rx, out);
	chp_mpsc_recv_op(&op, rx, out);
	return h_wait(&op.op, w);
}

static inline int mpsc_recv_many(chp_mpsc_rx *rx, void *out, size_t limit,
				 const chp_wait *w)
{
	chp_recv_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_mpsc_recv_many_with(rx, out, limit, w)
			 : chp_mpsc_recv_many(rx, out, limit);
	chp_mpsc_recv_many_op(&op, rx, out, limit);
	return h_wait(&op.op, w);
}

static inline int mpsc_reserve(chp_mpsc_tx *tx, size_t n,
			       chp_mpsc_permit *permit, const chp_wait *w)
{
	chp_send_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_mpsc_reserve_many_with(tx, n, permit, w)
			 : chp_mpsc_reserve_many(tx, n, permit);
	chp_mpsc_reserve_many_op(&op, tx, n, permit);
	return h_wait(&op.op, w);
}

static inline int mpsc_closed(chp_mpsc_tx *tx, const chp_wait *w)
{
	chp_closed_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_mpsc_closed_with(tx, w) : chp_mpsc_closed(tx);
	chp_mpsc_closed_op(&op, tx);
	return h_wait(&op.op, w);
}

static inline int oneshot_recv(chp_oneshot_rx *rx, void *out, const chp_wait *w)
{
	chp_oneshot_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_oneshot_recv_with(rx, out, w)
			 : chp_oneshot_recv(rx, out);
	chp_oneshot_recv_op(&op, rx, out);
	return h_wait(&op.op, w);
}

static inline int oneshot_closed(chp_oneshot_tx *tx, const chp_wait *w)
{
	chp_oneshot_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_oneshot_closed_with(tx, w)
			 : chp_oneshot_closed(tx);
	chp_oneshot_closed_op(&op, tx);
	return h_wait(&op.op, w);
}

#endif
