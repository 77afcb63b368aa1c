/*
 * mpsc_hold.h - one place of a channel and the sender that reserves it, as a
 * permit or as an owned permit.
 */
#ifndef CHAPPE_TESTS_MPSC_HOLD_H
#define CHAPPE_TESTS_MPSC_HOLD_H

#include "mpsc.h"

enum way { BORROWED, OWNED };

/* A sender of its own, and what it has reserved. */
struct hold {
	enum way way;
	chp_mpsc_tx tx;
	chp_mpsc_permit place;
	chp_mpsc_owned_permit owned;
	struct h_waker w;
	chp_send_op place_op;
	chp_reserve_owned_op owned_op;
};

/* The permits hold rubbish, which every call has to replace. */
static inline void hold_new(struct hold *h, enum way way)
{
	memset(h, 0, sizeof(*h));
	h->way = way;
	h->place = (chp_mpsc_permit){ (void *)h, 9 };
	h->owned = (chp_mpsc_owned_permit){ (void *)h };
	chp_mpsc_tx_clone(&tx, &h->tx);
}

static inline int hold_try(struct hold *h)
{
	return h->way == OWNED ? chp_mpsc_try_reserve_owned(&h->tx, &h->owned)
			       : chp_mpsc_try_reserve(&h->tx, &h->place);
}

static inline chp_op *hold_op(struct hold *h)
{
	if (h->way == OWNED) {
		chp_mpsc_reserve_owned_op(&h->owned_op, &h->tx, &h->owned);
		return &h->owned_op.op;
	}
	chp_mpsc_reserve_op(&h->place_op, &h->tx, &h->place);
	return &h->place_op.op;
}

static inline int hold_wait(struct hold *h, const chp_wait *w)
{
	if (h_mode() == H_POLLED)
		return h_wait(hold_op(h), w);
	if (h->way == OWNED)
		return w ? chp_mpsc_reserve_owned_with(&h->tx, &h->owned, w)
			 : chp_mpsc_reserve_owned(&h->tx, &h->owned);
	return w ? chp_mpsc_reserve_with(&h->tx, &h->place, w)
		 : chp_mpsc_reserve(&h->tx, &h->place);
}

static inline bool has_place(const struct hold *h)
{
	return h->way == OWNED ? h->owned.ch && !h->tx.ch
			       : h->place.count == 1 && h->tx.ch;
}

static inline bool has_nothing(const struct hold *h)
{
	return h->tx.ch && (h->way == OWNED ? !h->owned.ch
					    : !h->place.ch && !h->place.count);
}

static inline void hold_give_back(struct hold *h)
{
	CHECK(has_place(h));
	if (h->way == OWNED)
		chp_mpsc_owned_permit_release(&h->owned, &h->tx);
	else
		chp_mpsc_permit_drop(&h->place);
	CHECK(has_nothing(h));
}

static inline void hold_send(struct hold *h, int v)
{
	CHECK(has_place(h));
	CHECK_CODE(h->way == OWNED
			   ? chp_mpsc_owned_permit_send(&h->owned, &v, &h->tx)
			   : chp_mpsc_permit_send(&h->place, &v),
		   0);
}

/* Polled once, it waits in the senders' queue. */
static inline chp_op *hold_queue(struct hold *h, enum way way)
{
	chp_op *op;

	hold_new(h, way);
	op = hold_op(h);
	CHECK_CODE(h_poll(op, &h->w), CHP_PENDING);
	CHECK_EQ(h_refs(&h->w), 1);
	CHECK(has_nothing(h));
	return op;
}

static inline void make_full(void)
{
	make(1);
	CHECK_CODE(try_int(1), 0);
}

#endif
