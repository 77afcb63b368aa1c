/*
 * poll.h - stackless tasks: functions that are polled, beside the tasks of
 * task.h, on the same workers, at a fraction of the memory.
 *
 * A task of task.h has a stack and may wait anywhere.  A stackless task has a
 * state, which is yours, and a poll function, which must not wait: it polls
 * operations (op.h) kept in the state and returns CHP_PENDING; it is called
 * again when it was woken.  Beside its state it takes 192 bytes.  Where a
 * million of something wait, make them stackless; write everything else with
 * stacks.
 *
 *	struct client {
 *		chp_coro co;
 *		chp_acquire_op turn;
 *		chp_sleep_op think;
 *		int r;
 *	};
 *
 *	static int client(void *state, chp_poll_ctx *ctx)
 *	{
 *		struct client *c = state;
 *
 *		CHP_CO_BEGIN(&c->co);
 *		chp_sleep_until_op(&c->think, chp_in(CHP_SEC));
 *		CHP_CO_AWAIT(&c->co, ctx, &c->think.op, c->r);
 *		if (c->r == 0) {
 *			chp_semaphore_acquire_op(&c->turn, &turns, 1);
 *			CHP_CO_AWAIT(&c->co, ctx, &c->turn.op, c->r);
 *		}
 *		CHP_CO_END(&c->co, c->r);
 *	}
 */
#ifndef CHAPPE_POLL_H
#define CHAPPE_POLL_H

#include <chappe/task.h>
#include <chappe/time.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * CHP_PENDING: poll again when ctx->waker has been woken, or for no reason.
 * Anything else ends the task.  What it ends with is the state's business: the
 * code is not kept, so write into the state what a joiner shall find there.
 *
 * ctx is good for this one call.  Its waker may be retained and woken by
 * anybody, also while the function runs; its budget is full at each call, and
 * an operation that finds it used up lets the other tasks run first (op.h).
 *
 * Inside, the task is the calling agent: its name, id, locals, interrupt and
 * abort are its own, and spawn, release, try_ calls and the like work.  A
 * blocking call that need not wait (a free mutex) works, too; one that would
 * have to wait is misuse, as is chp_block_in_place().  chp_yield() does
 * nothing.  The function runs on the stack of the worker's thread, so it may go
 * as deep as a thread may.  errno is not kept from one call to the next.
 *
 * An interrupted or aborted task is polled again.  What awaits by the macros
 * below is told there, by CHP_EINTR or CHP_EABORTED, as a blocking call would;
 * a function that polls by hand asks chp_check(), and before it returns it must
 * cancel the operations that are pending.
 */
typedef int (*chp_poll_fn)(void *state, chp_poll_ctx *ctx);

/*
 * Spawn a stackless task.  Its handle is like any other (task.h): join it, also
 * by an operation, abort, detach.  The value of its outcome is `state`; the
 * fate is CHP_ABORTED if it saw CHP_EABORTED.  The state must stay in place
 * until the task has ended.  What one call of fn did happens before the next.
 *
 * Results as of chp_spawn_with().  Of the options, arg_drop is for the state of
 * a task that was aborted before its first poll, and result_drop for the state
 * of one that nobody joins; stack_size means nothing.  tokio: spawn of a
 * hand-written Future.
 */
CHP_API int chp_spawn_poll(chp_task *task, chp_poll_fn fn, void *state);
CHP_API int chp_spawn_poll_with(chp_task *task, chp_poll_fn fn, void *state,
				const chp_task_options *options);

/* ---- Writing one as if it waited ---- */

/*
 * Where such a function goes on: keep one in the state, all-zero to begin with.
 * All other variables that live across an await belong in the state as well:
 * those of the function are lost there.  An await must not stand inside a
 * switch of yours, nor two on one line.  Once its end is reached, polling it
 * again is misuse, until its chp_coro is all-zero again.
 *
 * Such functions can be polled by hand, too, or by another one, with a chp_coro
 * each (CHP_CO_POLL).  Interrupt and abort are those of the calling agent,
 * and are looked at where ctx->waker is that agent's own.
 */
typedef struct chp_coro {
	uint32_t line;  /* private: 0: the beginning */
	uint32_t stage; /* private: of an await */
} chp_coro;

#define CHP_CO_BEGIN(co)                                                       \
	switch ((co)->line) {                                                  \
	default:                                                               \
		chp_co_ended();                                                \
	case 0:

/*
 * Wait for an operation that has been initialised; its result goes to `result`,
 * an int of the state.  Interrupt and abort are as of chp_op_wait(): looked at
 * before, even if the operation could finish at once; while it is pending,
 * success wins; told, the operation has been cancelled.  `op` and `ctx` are
 * evaluated at each poll.
 */
#define CHP_CO_AWAIT(co, ctx, op, result)                                      \
	CHP_CO_POLL(co, chp_co_await(co, ctx, op), result)

/*
 * The same with a deadline, a token, flags: as chp_op_wait(op, w).  limit is a
 * chp_co_limit of the state, w a chp_wait that lives as long.
 */
#define CHP_CO_AWAIT_WITH(co, ctx, op, limit, w, result)                       \
	CHP_CO_POLL(co, chp_co_await_with(co, ctx, op, limit, w), result)

/* Whatever returns CHP_PENDING until it is done: another such function. */
#define CHP_CO_POLL(co, call, result)                                          \
	do {                                                                   \
		(co)->line = __LINE__;                                         \
		CHP__FALLTHROUGH;                                              \
	case __LINE__:                                                         \
		if (((result) = (call)) == CHP_PENDING)                        \
			return CHP_PENDING;                                    \
	} while (0)

/* Let the other tasks run first. */
#define CHP_CO_YIELD(co, ctx)                                                  \
	do {                                                                   \
		(co)->line = __LINE__;                                         \
		chp_co_yield(ctx);                                             \
		return CHP_PENDING;                                            \
	case __LINE__:;                                                        \
	} while (0)

#define CHP_CO_RETURN(co, code)                                                \
	do {                                                                   \
		(co)->line = CHP__CO_ENDED;                                    \
		return (code);                                                 \
	} while (0)

/* The end of the function, which returns `code`. */
#define CHP_CO_END(co, code)                                                   \
	}                                                                      \
	CHP_CO_RETURN(co, code)

/* What a wait with a deadline or a token needs.  All fields are private. */
typedef struct chp_co_limit {
	chp_sleep_op sleep;
	chp_node place;
} chp_co_limit;

/* private: what the macros stand on */
CHP_API int chp_co_await(chp_coro *co, chp_poll_ctx *ctx, chp_op *op);
CHP_API int chp_co_await_with(chp_coro *co, chp_poll_ctx *ctx, chp_op *op,
			      chp_co_limit *limit, const chp_wait *w);
CHP_API void chp_co_yield(chp_poll_ctx *ctx);
CHP_API void chp_co_ended(void) __attribute__((noreturn));

#define CHP__CO_ENDED    UINT32_MAX
#define CHP__FALLTHROUGH __attribute__((fallthrough))

#ifdef __cplusplus
}
#endif

#endif
