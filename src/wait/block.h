/*
 * block.h - blocking calls over operations: poll, park, poll again.
 *
 * A primitive writes its blocking call as
 *
 *	self = agent_self();
 *	r = wait_check(self, w);            interrupted, aborted, cancelled?
 *	if (r) return r;
 *	agent_spend(self);
 *	if (try at once) return 0;
 *	if (wait_expired(self, w)) return CHP_ETIMEDOUT;
 *	chp_x_op op; chp_x_op_init(&op, ...);
 *	return chp__block(self, &op.op, w);
 */
#ifndef CHAPPE_SRC_WAIT_BLOCK_H
#define CHAPPE_SRC_WAIT_BLOCK_H

#include "os/clock.h"
#include "wait/agent.h"
#include "wait/cancel.h"
#include "wait/op.h"

int chp__wait_check(struct agent *self, const chp_wait *w);
bool chp__wait_expired(struct agent *self, const chp_wait *w);

/* What must be said before anything is tried: 0 to go on. */
static inline int wait_check(struct agent *self, const chp_wait *w)
{
	if (likely(!agent_attention(self) && (!w || (!w->cancel && !w->flags))))
		return 0;
	return chp__wait_check(self, w);
}

/* Has the deadline passed already, so that not even a place is taken? */
static inline bool wait_expired(struct agent *self, const chp_wait *w)
{
	if (!w || (!w->deadline && !w->cancel && w->timeout >= 0))
		return false;
	return chp__wait_expired(self, w);
}

/* For a call that waits several times: w with its time-out as a deadline. */
const chp_wait *chp__wait_fix(const chp_wait *w, chp_wait *copy);

/*
 * The checks have said r: the operation is cancelled.  r, or what it turns out
 * to have finished with.  self may be NULL if r is not for it to know.
 */
int chp__wait_refused(struct agent *self, chp_op *op, int r);

/* Of two points in time, of which 0 is none. */
static inline chp_time wait_earlier(chp_time a, chp_time b)
{
	return !a || (b && b < a) ? b : a;
}

/* The deadline of the wait and its token; 0: none.  Without the time-out. */
static inline chp_time wait_deadline(const chp_wait *w)
{
	chp_time at = w ? w->deadline : 0;

	return w && w->cancel ? wait_earlier(at, w->cancel->deadline) : at;
}

/* When a wait that begins now must end; 0: never. */
static inline chp_time wait_end(struct agent *self, const chp_wait *w)
{
	chp_time at = wait_deadline(w);

	if (!w || likely(!w->timeout))
		return at;
	return wait_earlier(
		at, w->timeout < 0
			    ? 1
			    : chp__time_add(self->cls->now(self), w->timeout));
}

/*
 * Why the wait must end now; 0: it need not.  `consume` clears the interrupt
 * flag if that is why.  self NULL: its flags do not count.
 */
static inline int wait_reason(struct agent *self, const chp_wait *w,
			      chp_time deadline, bool consume)
{
	int r;

	if (self && agent_attention(self) &&
	    !(w && w->flags & CHP_UNINTERRUPTIBLE)) {
		r = chp__agent_check(self, consume);
		if (r)
			return r;
	}
	if (w && w->cancel && cancel_is_set(w->cancel))
		return CHP_ECANCELED;
	if (deadline && agent_passed(self, deadline))
		return CHP_ETIMEDOUT;
	return 0;
}

/*
 * Poll op until it finishes or w ends the wait; the checks above have been
 * made.
 */
int chp__block(struct agent *self, chp_op *op, const chp_wait *w);

#endif
