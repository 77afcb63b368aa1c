/*
 * notify.h - tell waiters that something has changed, without a value.
 *
 * A notify holds at most one permit.  chp_notify_one() releases the waiter that
 * has waited longest; if there is none it stores the permit, and the next wait
 * takes it and returns at once.  chp_notify_waiters() releases everybody who
 * waits now and stores nothing.
 *
 *	static chp_notify changed = CHP_NOTIFY_INIT;
 *
 *	// consumer                            // producer
 *	while (!queue_pop(&q, &item))          queue_push(&q, item);
 *		chp_notify_wait(&changed);     chp_notify_one(&changed);
 *
 * With chp_notify_waiters() nothing is stored for who comes late, so make the
 * operation first and look at the condition after: the operation hears every
 * chp_notify_waiters() since it was made, polled or not.  notify_one and
 * notify_last it hears from its first poll on, or from chp_notified_enable().
 *
 *	chp_notified_op op;
 *	chp_notify_notified_op(&op, &changed);
 *	if (ready(&thing))
 *		chp_op_cancel(&op.op);
 *	else
 *		r = chp_op_wait(&op.op, NULL);
 *
 * Memory: a notify_one, notify_last or notify_waiters happens before the return
 * of each wait that it releases; and as permits merge, a wait that takes the
 * permit sees what was done before every call that left it there.  Making an
 * operation sees what was done before each notify_waiters() that it is too late
 * for.
 *
 * Destroying: once a wait has returned, its caller may destroy and free the
 * notify, if it knows that no other call is in progress but the one that
 * released it, and no other operation will be polled or cancelled.
 *
 * Notifying never waits, and waiting costs no budget.  Not from signal
 * handlers; not shared between processes.  tokio: sync::Notify.
 */
#ifndef CHAPPE_NOTIFY_H
#define CHAPPE_NOTIFY_H

#include <chappe/op.h>

#ifdef __cplusplus
extern "C" {
#endif

/* All-zero: no permit, nobody waits.  Fields are private. */
typedef struct chp_notify {
	chp_word64 word; /* lock, permit, calls: src/sync/notify.c */
	chp_node *first, *last;
	void *reserved[2];
} chp_notify;

/* clang-format off */
#define CHP_NOTIFY_INIT { { 0 }, NULL, NULL, { NULL, NULL } }
/* clang-format on */

/* tokio: Notify::new. */
CHP_API void chp_notify_init(chp_notify *n);

/* Needed only to catch mistakes: destroying with waiters is misuse. */
CHP_API void chp_notify_destroy(chp_notify *n);

/* ---- Notifying ---- */

/*
 * Release the waiter that came first; with none, store the permit.  Several
 * calls that find nobody leave one permit.  tokio: notify_one.
 */
CHP_API void chp_notify_one(chp_notify *n);

/* The same for the waiter that came last.  tokio: notify_last. */
CHP_API void chp_notify_last(chp_notify *n);

/*
 * Release every operation made before this call, polled or not, and everybody
 * who waits, in one step: once one of them is seen to be released, all are.  A
 * permit that is stored stays.  tokio: notify_waiters.
 */
CHP_API void chp_notify_waiters(chp_notify *n);

/* ---- Waiting ---- */

/*
 * Wait for a notification.  0, or what ended the wait; then one that was on its
 * way has been passed on.  tokio: notified().await.
 */
CHP_API int chp_notify_wait(chp_notify *n);
CHP_API int chp_notify_wait_with(chp_notify *n, const chp_wait *w);

/*
 * Waiting as an operation; its result is 0.  Its first poll looks in this
 * order: chp_notify_waiters() was called since it was made (the permit stays
 * where it is); the permit is there (it takes it); else it joins the queue.
 *
 * Cancelling loses the place.  If notify_one or notify_last had chosen it, the
 * notification goes on in the same manner, to the first or the last of those
 * who wait, or becomes the permit (CHP_GAVE_BACK).
 */
typedef struct chp_notified_op {
	chp_op op;
	chp_notify *notify;
	uint64_t calls;
	chp_node node;
	uint32_t ready, owned;
	void *reserved[2];
} chp_notified_op;

/* tokio: Notify::notified. */
CHP_API void chp_notify_notified_op(chp_notified_op *op, chp_notify *n);

/*
 * Join the queue now, without a waker, as if polled: after it the operation
 * hears notify_one and notify_last, too.  1: it is ready, and has taken what
 * made it so: the next poll or wait returns 0 at once, and cancelling gives
 * nothing back (CHP_TOO_LATE, with the result 0).  0: not yet.  May be called
 * again, at any time before cancelling; a waker of an earlier poll stays.
 * tokio: Notified::enable.
 */
CHP_API int chp_notified_enable(chp_notified_op *op);

/* ---- Counted ---- */

/* A notify on the heap with one reference; NULL: out of memory. */
CHP_API chp_notify *chp_notify_new(void);
CHP_API chp_notify *chp_notify_ref(chp_notify *n);

/* The last one frees it; with waiters that is misuse.  NULL is ignored. */
CHP_API void chp_notify_unref(chp_notify *n);

/*
 * The operation holds a reference from its first poll or enable until it is
 * ready or cancelled.  Only for counted ones.  tokio: notified_owned.
 */
CHP_API void chp_notify_notified_owned_op(chp_notified_op *op, chp_notify *n);

#ifdef __cplusplus
}
#endif

#endif
