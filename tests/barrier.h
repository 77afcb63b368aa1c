/*
 * barrier.h - what the suites of barrier share: the one they try, and parties
 * that are polled by hand.
 */
#ifndef CHAPPE_TESTS_BARRIER_H
#define CHAPPE_TESTS_BARRIER_H

#include "sync.h"

static chp_barrier b;

MAYBE_UNUSED static void make(uint32_t parties, unsigned flags)
{
	CHECK_CODE(chp_barrier_init(&b, parties, flags), 0);
}

MAYBE_UNUSED static void end(void)
{
	CHECK_EQ(QUEUED(&b), 0);
	chp_barrier_destroy(&b);
}

MAYBE_UNUSED static int wait_for(const chp_wait *w)
{
	chp_barrier_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_barrier_wait_with(&b, w) : chp_barrier_wait(&b);
	chp_barrier_wait_op(&op, &b);
	return h_wait(&op.op, w);
}

/* One that is polled by hand. */
struct poller {
	chp_barrier_op op;
	struct h_waker waker;
};

MAYBE_UNUSED static void come(struct poller *p)
{
	memset(p, 0, sizeof(*p));
	chp_barrier_wait_op(&p->op, &b);
}

MAYBE_UNUSED static void arrive(struct poller *p)
{
	come(p);
	poll_pends(&p->op.op, &p->waker);
}

MAYBE_UNUSED static void leads(struct poller *p)
{
	come(p);
	poll_at_once(&p->op.op, 1);
}

MAYBE_UNUSED static void waits(struct poller *p)
{
	poll_pends(&p->op.op, &p->waker);
}

MAYBE_UNUSED static void goes(struct poller *p)
{
	poll_ends(&p->op.op, &p->waker, 0);
}

MAYBE_UNUSED static int cancel(struct poller *p, int result)
{
	int found = cancel_op(&p->op.op, &p->waker);

	CHECK_CODE(p->op.op.result, result);
	memset(&p->op, PATTERN, sizeof(p->op));
	return found;
}

#endif
