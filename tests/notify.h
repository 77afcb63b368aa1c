/*
 * notify.h - what the suites of notify share: the one they try, blocking and
 * polled waits for it, and whether the permit is there.
 */
#ifndef CHAPPE_TESTS_NOTIFY_H
#define CHAPPE_TESTS_NOTIFY_H

#include "sync.h"

static chp_notify n;

MAYBE_UNUSED static int wait_for(const chp_wait *w)
{
	chp_notified_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_notify_wait_with(&n, w) : chp_notify_wait(&n);
	chp_notify_notified_op(&op, &n);
	return h_wait(&op.op, w);
}

/* Takes it. */
MAYBE_UNUSED static bool has_permit(void)
{
	chp_notified_op op;
	int r;

	chp_notify_notified_op(&op, &n);
	r = chp_op_poll(&op.op, NULL);
	if (r == CHP_PENDING)
		CHECK_EQ(chp_op_cancel(&op.op), CHP_HELD_NOTHING);
	return r == 0;
}

MAYBE_UNUSED static void begin(void)
{
	memset(&n, 0, sizeof(n));
}

/* Nobody waits, and no permit is left. */
MAYBE_UNUSED static void end(void)
{
	CHECK_EQ(QUEUED(&n), 0);
	CHECK(!has_permit());
	chp_notify_destroy(&n);
}

/* One that is polled by hand. */
struct poller {
	chp_notified_op op;
	struct h_waker waker;
};

MAYBE_UNUSED static void make(struct poller *p)
{
	memset(p, 0, sizeof(*p));
	chp_notify_notified_op(&p->op, &n);
}

MAYBE_UNUSED static void join_queue(struct poller *p)
{
	make(p);
	poll_pends(&p->op.op, &p->waker);
}

MAYBE_UNUSED static void waits(struct poller *p)
{
	poll_pends(&p->op.op, &p->waker);
}

MAYBE_UNUSED static void goes(struct poller *p)
{
	poll_ends(&p->op.op, &p->waker, 0);
}

/* Cancel; its memory may be reused at once. */
MAYBE_UNUSED static int cancel(struct poller *p)
{
	int found = cancel_op(&p->op.op, &p->waker);

	CHECK_CODE(p->op.op.result, found == CHP_TOO_LATE ? 0 : CHP_ECANCELED);
	memset(&p->op, PATTERN, sizeof(p->op));
	return found;
}

/* A waker whose data is not counted. */
MAYBE_UNUSED static void no_count(void *data)
{
	(void)data;
}

#endif
