/*
 * mpmc_side.h - a queued send or receive that is polled again or cancelled: the
 * same for both sides of the channel.
 */
#ifndef CHAPPE_SRC_CHAN_MPMC_SIDE_H
#define CHAPPE_SRC_CHAN_MPMC_SIDE_H

#include "chan/mpmc.h"
#include "wait/op.h"

/* What the sides differ in.  A constant where it is used, so that all this is
   compiled into each of them. */
struct side {
	chp_node **first, **last; /* the queue */
	size_t *promised;         /* how much to those who left it */
	/* Lock held, first in the queue, polled: do it.  Or CHP_EAGAIN. */
	int (*act)(chp_mpmc_op *o, struct service *sv);
	/* No longer queued: the result. */
	int (*collect)(chp_mpmc_op *o);
};

/* Lock held, queued, there is no buffer: act, if it is our turn and the other
   side is there; else wait with this waker. */
static ALWAYS_INLINE int side_act(const struct side *side, chp_mpmc_op *o,
				  chp_waker *waker, struct service *sv)
{
	chp_node *n = &o->node;
	int r = CHP_EAGAIN;

	if (*side->first == n && !mpmc_is_blocking(o))
		r = side->act(o, sv);
	*waker = mpmc_rearm(n, *waker);
	if (r == CHP_EAGAIN)
		return CHP_PENDING;
	node_list_remove(side->first, side->last, n);
	store_relaxed(&n->state, NODE_IDLE);
	return r;
}

static ALWAYS_INLINE int side_poll_again(const struct side *side,
					 chp_mpmc_op *o, chp_waker waker)
{
	struct service sv = NO_SERVICE;
	struct chp__mpmc *ch = o->ch;
	chp_waker old = waker;
	bool queued;
	int r = 0;

	if (node_is_done(&o->node))
		return side->collect(o);
	/* What it waits for is promised: nothing to look at. */
	if ((ch->capacity || mpmc_is_blocking(o)) &&
	    waker_same(o->node.waker, waker))
		return CHP_PENDING;

	waker_retain(waker);
	mpmc_lock(ch);
	/* Relaxed: leaves QUEUED under the lock only. */
	queued = load_relaxed(&o->node.state) == NODE_QUEUED;
	if (queued)
		r = side_act(side, o, &old, &sv);
	chp__mpmc_leave(ch, &sv);
	waker_release(old);
	if (!queued)
		return side->collect(o);
	if (r != CHP_PENDING)
		waker_release(waker);
	return r;
}

static ALWAYS_INLINE int side_cancel(const struct side *side, chp_mpmc_op *o)
{
	struct service sv = NO_SERVICE;
	struct chp__mpmc *ch = o->ch;

	if (!node_is_done(&o->node) &&
	    chp__mpmc_withdraw(o, side->first, side->last))
		return CHP_HELD_NOTHING;
	node_settle(&o->node);
	if (o->node.result != 0)
		return CHP_HELD_NOTHING;
	if (mpmc_is_blocking(o)) {
		o->op.result = 0;
		return CHP_TOO_LATE;
	}
	mpmc_lock(ch);
	--*side->promised;
	chp__mpmc_leave(ch, &sv);
	return CHP_GAVE_BACK;
}

#endif
