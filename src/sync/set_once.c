/*
 * set_once.c - a once cell whose value is copied in under its lock: it goes
 * from EMPTY to SET, and is never RUNNING (once.h).
 *
 * So a set that comes second, while the first still copies, waits for the lock
 * and finds the word SET: there is no moment at which it is told that another
 * was first and the value is not there.
 */
#include <string.h>

#include "sync/once.h"
#include "wait/block.h"

int chp_set_once_initialized(const chp_set_once *s)
{
	return chp__once_is_set(&s->cell);
}

int chp_set_once_set(chp_set_once *s, void *place, const void *value,
		     size_t size)
{
	if (once_lock(&s->cell) & SET)
		return CHP_EALREADY;
	if (size)
		memcpy(place, value, size);
	chp__once_publish(&s->cell);
	return 0;
}

static const chp_op_class wait_class = {
	.name = "set once wait",
	.poll = chp__once_poll_wait,
	.cancel = chp__once_cancel_wait,
	.flags = CHP_OP_UNBUDGETED,
};

void chp_set_once_wait_op(chp_once_op *op, chp_set_once *s)
{
	op_init(&op->op, &wait_class);
	op->cell = &s->cell;
}

int chp_set_once_wait_with(chp_set_once *s, const chp_wait *w)
{
	struct agent *self = agent_self();
	chp_once_op op;
	int r = wait_check(self, w);

	if (unlikely(r))
		return r;
	if (chp__once_is_set(&s->cell))
		return 0;
	if (wait_expired(self, w))
		return CHP_ETIMEDOUT;
	chp_set_once_wait_op(&op, s);
	return chp__block(self, &op.op, w);
}

int chp_set_once_wait(chp_set_once *s)
{
	return chp_set_once_wait_with(s, NULL);
}

int chp_set_once_take(chp_set_once *s)
{
	chp__once_check_alone(&s->cell, "set once", "emptied");
	return chp__once_take(&s->cell);
}

void chp_set_once_destroy(chp_set_once *s)
{
	chp__once_check_alone(&s->cell, "set once", "destroyed");
}
