/*
 * mpsc.h - one channel of ints, and the sends and reservations that are
 * queued in front of it, polled by hand.
 */
#ifndef CHAPPE_TESTS_MPSC_H
#define CHAPPE_TESTS_MPSC_H

#include "chan.h"

MAYBE_UNUSED static chp_mpsc_tx tx;
MAYBE_UNUSED static chp_mpsc_rx rx;

/* capacity 0: an unbounded channel. */
static inline void make_of(size_t capacity, size_t size,
			   void (*drop)(void *value))
{
	forget_the_last();
	make_ends(capacity, size, drop, &tx, &rx);
}

static inline void make(size_t capacity)
{
	make_of(capacity, sizeof(int), count_drop);
}

static inline void drop_both(void)
{
	chp_mpsc_tx_drop(&tx);
	chp_mpsc_rx_drop(&rx);
}

static inline int send_int(int v)
{
	return mpsc_send(&tx, &v, NULL);
}

static inline int try_int(int v)
{
	return chp_mpsc_try_send(&tx, &v);
}

static inline int permit_int(chp_mpsc_permit *p, int v)
{
	return chp_mpsc_permit_send(p, &v);
}

/* The next value, which must be there. */
static inline int take(void)
{
	int v = -1;

	CHECK_CODE(chp_mpsc_try_recv(&rx, &v), 0);
	return v;
}

static inline chp_mpsc_permit reserved(size_t n)
{
	chp_mpsc_permit p;

	CHECK_CODE(mpsc_reserve(&tx, n, &p, NULL), 0);
	CHECK_EQ(p.count, n);
	return p;
}

/* Capacities. */
MAYBE_UNUSED static const size_t kinds[] = { 0, 1, 2, 100 };

#define EACH_KIND(k)                                                           \
	for (const size_t *k = kinds;                                          \
	     k < kinds + sizeof(kinds) / sizeof(*kinds); k++)

/* ---- Places in the senders' queue ---- */

struct queued {
	chp_send_op op;
	struct h_waker w;
	int value;
	chp_mpsc_permit permit;
};

static inline int poll_it(struct queued *q)
{
	return h_poll(&q->op.op, &q->w);
}

static inline void enqueue(struct queued *q)
{
	CHECK_CODE(poll_it(q), CHP_PENDING);
	CHECK_EQ(h_refs(&q->w), 1);
}

static inline void enqueue_send(struct queued *q, int value)
{
	memset(q, 0, sizeof(*q));
	q->value = value;
	chp_mpsc_send_op(&q->op, &tx, &q->value);
	enqueue(q);
}

static inline void enqueue_reserve(struct queued *q, size_t n)
{
	memset(q, 0, sizeof(*q));
	chp_mpsc_reserve_many_op(&q->op, &tx, n, &q->permit);
	enqueue(q);
}

#endif
