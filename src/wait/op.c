/*
 * op.c - the life of an operation: new, pending, finished.
 */
#include "wait/op.h"

#include "base/panic.h"
#include "wait/agent.h"

void chp_op_init(chp_op *op, const chp_op_class *cls)
{
	op_init(op, cls);
}

void chp__op_check_open(const chp_op *op)
{
	if (unlikely(op->stage == OP_FINISHED))
		chp__panic("%s: operation polled after it had finished",
			   op->cls->name);
}

int chp_op_poll(chp_op *op, chp_poll_ctx *ctx)
{
	chp_poll_ctx nobody = { .waker = { NULL, NULL } };
	uint32_t *budget;
	int r;

	chp__op_check_open(op);
	if (!ctx)
		ctx = &nobody;

	/* Out of budget: not even tried; come back when others had a turn. */
	budget = op->cls->flags & CHP_OP_UNBUDGETED ? NULL : ctx->budget;
	if (budget && *budget == 0) {
		waker_wake_copy(ctx->waker);
		return CHP_PENDING;
	}

	r = op_poll(op, ctx);
	if (budget && r != CHP_PENDING)
		--*budget;
	return r;
}

int chp_op_cancel(chp_op *op)
{
	enum op_stage stage = op->stage;
	int found = CHP_HELD_NOTHING;

	if (stage == OP_FINISHED)
		return found;
	op->result = CHP_ECANCELED;
	op->stage = OP_FINISHED;
	if (stage == OP_PENDING)
		found = op->cls->cancel(op);
	return found;
}

int chp_op_is_finished(const chp_op *op)
{
	return op->stage == OP_FINISHED;
}
