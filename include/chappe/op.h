/*
 * op.h - operations: the one way of waiting, and the door for foreign event
 * loops and other languages.
 *
 * Everything that may wait is an operation: a struct in the caller's memory
 * that begins with a chp_op.  Tasks and threads rarely see one; they call the
 * blocking functions, which poll, park and cancel an operation on their stack.
 * Whoever cannot block (an event loop, another language's runtime, a select)
 * polls by hand:
 *
 *	chp_acquire_op a;
 *	chp_semaphore_acquire_op(&a, &sem, 3);       // takes no place yet
 *	chp_poll_ctx ctx = chp_poll_ctx_of(my_waker);
 *	int r = chp_op_poll(&a.op, &ctx);            // first poll takes a place
 *	if (r == CHP_PENDING) ...                    // my_waker will be woken
 *	chp_op_cancel(&a.op);                        // or give it up
 *
 * An operation is lazy: before its first poll it holds nothing.  Poll it again
 * when woken, or at any time; the newest waker replaces the one before.  After
 * a result it is finished: polling it again is misuse.  One caller at a time
 * polls or cancels an operation; it must not move in memory while pending.
 *
 * Once poll has returned a result, or cancel has returned, nobody touches the
 * operation again: its memory may be reused at once, and whoever got the last
 * permit may destroy the semaphore at once.  (A waker that was stored is woken
 * by its own reference, which may be a moment later.)
 *
 * No wait allocates memory.  What waits for a time or a descriptor and is polled
 * outside every runtime needs the process-wide driver, which may fail to start
 * at the first such poll: driver.h.  The state of a thread that waits is there
 * for 512 threads at a time; for one more, memory is mapped at its first call,
 * and if there is none the process stops with a message.
 *
 * pthread_exit, pthread_cancel, longjmp and C++ exceptions must not leave a
 * wait: the operation would stay queued on a stack that is gone.
 */
#ifndef CHAPPE_OP_H
#define CHAPPE_OP_H

#include <chappe/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A point in time, or a length of time, in nanoseconds: see time.h. */
typedef int64_t chp_time;

typedef struct chp_cancel chp_cancel;

/* ---- Waiting arguments ---- */

/* Finish even if interrupted or aborted; the flag stays set. */
#define CHP_UNINTERRUPTIBLE 1u

/*
 * The last argument of every call whose name ends in _with.  All-zero, or a
 * NULL pointer, means: wait as long as it takes, interruptibly.
 *
 * A time-out counts from when the call finds that it must wait: one that need
 * not reads no clock.  For a loop of waits, or several that together may take so
 * long, use a deadline.  With both, the earlier one ends the wait.
 *
 * An unknown flag is CHP_EINVAL.  Order of checks: bad argument; interrupted or
 * aborted (even if the thing is free); token cancelled; one try that keeps the
 * queue's order; deadline.  While waiting, success wins over interruption,
 * cancellation and expiry.
 */
typedef struct chp_wait {
	chp_time deadline;  /* absolute; 0: none; a past one: try once */
	chp_cancel *cancel; /* cancellation token, or NULL */
	unsigned flags;     /* CHP_UNINTERRUPTIBLE */
	chp_time timeout;   /* a length; 0: none; negative: try once */
} chp_wait;

/* ---- Wakers ---- */

/*
 * How a poller is told to poll again.  wake may be called by any thread or
 * task, with none of the library's locks held; it must not block, and it may
 * poll, cancel and destroy.  Whoever stores a waker owns one reference: wake
 * consumes it, release gives it back, retain makes another.
 */
typedef struct chp_waker_class {
	void (*wake)(void *data);
	void (*retain)(void *data);
	void (*release)(void *data);
} chp_waker_class;

typedef struct chp_waker {
	const chp_waker_class *cls; /* NULL: no waker */
	void *data;
} chp_waker;

/*
 * A waker for the calling task or thread, for those who drive operations
 * themselves: park until it is woken.  Parking may end early for no reason, so
 * poll in a loop.  deadline 0: none.
 */
CHP_API chp_waker chp_waker_current(void);
CHP_API void chp_park(chp_time deadline);

/* ---- Operations ---- */

/* What a poll is given.  Make one with chp_poll_ctx_of(). */
typedef struct chp_poll_ctx {
	chp_waker waker;  /* borrowed; no class: take a place, wake nobody */
	uint32_t *budget; /* completions left before yielding; NULL: no limit */
	chp_time *wake_at; /* lowered to when the poller must poll again; NULL:
			      the operation arms a timer of its own */
	void *reserved[4];
} chp_poll_ctx;

static inline chp_poll_ctx chp_poll_ctx_of(chp_waker waker)
{
	chp_poll_ctx ctx = { waker, NULL, NULL, { NULL, NULL, NULL, NULL } };

	return ctx;
}

typedef struct chp_op chp_op;

/*
 * The two functions of an operation.  Write your own to make anything
 * waitable: a poll that cannot finish stores a retained ctx->waker and returns
 * CHP_PENDING; cancel undoes a pending operation (it is called only then).
 */
typedef struct chp_op_class {
	const char *name; /* "semaphore acquire": for messages */
	int (*poll)(chp_op *op, chp_poll_ctx *ctx);
	int (*cancel)(chp_op *op);
	unsigned flags; /* CHP_OP_UNBUDGETED, or 0 */
} chp_op_class;

/* Finishing costs nothing of the poller's budget, and needs none. */
#define CHP_OP_UNBUDGETED 1u

struct chp_op {
	const chp_op_class *cls;
	uint32_t stage; /* private: new, pending, finished */
	int32_t result; /* once finished; CHP_ECANCELED if cancelled in time */
};

/* Start an operation of your own class: new, never polled. */
CHP_API void chp_op_init(chp_op *op, const chp_op_class *cls);

/*
 * Poll.  CHP_PENDING, or the operation's result, which finishes it.
 * ctx NULL: take a place without a waker.
 */
CHP_API int chp_op_poll(chp_op *op, chp_poll_ctx *ctx);

/* What cancelling found. */
#define CHP_HELD_NOTHING 0 /* it had received nothing; its place is gone */
#define CHP_GAVE_BACK    1 /* it had been granted; passed on, no trace left */
#define CHP_TOO_LATE     2 /* it took effect and that cannot be undone */

/*
 * Give up: a new or pending operation is finished by it; a finished one is left
 * alone.  Each header says what cancelling its operations may lose;
 * CHP_TOO_LATE comes only from operations that say so, and then op->result is
 * theirs; if they leave CHP_ECANCELED there, a wait that was cut short returns
 * what cut it short.  Waits, if at all, only for another processor to finish a
 * few instructions.
 */
CHP_API int chp_op_cancel(chp_op *op);

/* Has poll returned a result, or was it cancelled? */
CHP_API int chp_op_is_finished(const chp_op *op);

/*
 * Block the calling task or thread until op finishes, or w ends the wait; in
 * the second case op has been cancelled.  Returns op's result, or CHP_EINTR,
 * CHP_EABORTED, CHP_ECANCELED, CHP_ETIMEDOUT.
 */
CHP_API int chp_op_wait(chp_op *op, const chp_wait *w);

/* private: a place in an object's queue of waiters */
typedef struct chp_node {
	struct chp_node *next, *prev;
	chp_waker waker;
	chp_word state;
	int32_t result;
	uint64_t agent_id;
	chp_time since;
} chp_node;

#ifdef __cplusplus
}
#endif

#endif
