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

#include "wait/agent.h"
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
 * Poll op until it finishes or w ends the wait; the checks above have been
 * made.
 */
int chp__block(struct agent *self, chp_op *op, const chp_wait *w);

#endif
