/*
 * op.h - stages of an operation, and handling wakers.
 */
#ifndef CHAPPE_SRC_WAIT_OP_H
#define CHAPPE_SRC_WAIT_OP_H

#include <chappe/op.h>

#include "wait/agent.h"

enum op_stage { OP_NEW, OP_PENDING, OP_FINISHED };

static inline bool waker_is_agent(chp_waker w)
{
	return w.cls == &chp__agent_waker;
}

static inline bool waker_same(chp_waker a, chp_waker b)
{
	return a.cls == b.cls && a.data == b.data;
}

/*
 * Word by word: its words were stored so a moment ago, and a load of both at
 * once would wait until they have left the processor's store buffer.
 */
static inline void waker_store(chp_waker *to, chp_waker w)
{
	IN_REGISTER(w.cls);
	IN_REGISTER(w.data);
	*to = w;
}

/* The waker of a context, loaded the same way. */
static inline chp_waker ctx_waker(const chp_poll_ctx *ctx)
{
	chp_waker w;

	waker_store(&w, ctx->waker);
	return w;
}

/* Agents' wakers need no counting; skip the call. */
static inline void waker_retain(chp_waker w)
{
	if (w.cls && !waker_is_agent(w))
		w.cls->retain(w.data);
}

static inline void waker_release(chp_waker w)
{
	if (w.cls && !waker_is_agent(w))
		w.cls->release(w.data);
}

static inline void waker_wake(chp_waker w)
{
	if (w.cls)
		w.cls->wake(w.data);
}

/* chp_op_init(), in place. */
static inline void op_init(chp_op *op, const chp_op_class *cls)
{
	op->cls = cls;
	op->stage = OP_NEW;
	op->result = 0;
}

/* Stops the process if it has finished. */
void chp__op_check_open(const chp_op *op);

/* Poll one that has not finished, without a budget. */
static inline int op_poll(chp_op *op, chp_poll_ctx *ctx)
{
	int r = op->cls->poll(op, ctx);

	if (r == CHP_PENDING) {
		op->stage = OP_PENDING;
	} else {
		op->stage = OP_FINISHED;
		op->result = r;
	}
	return r;
}

/* Poll a part of an operation, which counts once in the budget. */
static inline int op_poll_part(chp_op *op, chp_poll_ctx *ctx)
{
	uint32_t *budget = ctx->budget;
	int r;

	if (!budget)
		return chp_op_poll(op, ctx);
	ctx->budget = NULL;
	r = chp_op_poll(op, ctx);
	ctx->budget = budget;
	return r;
}

/*
 * For an operation that gives something up when it is cancelled also before its
 * first poll: a composed one its parts, which may have been polled before, the
 * wait for a condition its mutex.  Its class's cancel is then called as for a
 * pending one.
 */
static inline void op_init_engaged(chp_op *op, const chp_op_class *cls)
{
	op_init(op, cls);
	op->stage = OP_PENDING;
}

/*
 * Cancel; true if the operation has finished after all, with op->result.  One
 * that took effect and has nothing to tell (an arrival at a barrier) leaves
 * CHP_ECANCELED there: what it ends with is why it was cancelled.
 */
static inline bool op_cancel_finds_result(chp_op *op)
{
	return chp_op_cancel(op) == CHP_TOO_LATE && op->result != CHP_ECANCELED;
}

/* Wake without giving up the caller's reference. */
static inline void waker_wake_copy(chp_waker w)
{
	waker_retain(w);
	waker_wake(w);
}

#endif
