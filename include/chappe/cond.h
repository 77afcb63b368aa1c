/*
 * cond.h - a condition variable on a chp_mutex, for tasks and threads.
 *
 *	static chp_mutex m;
 *	static chp_cond nonempty;		all-zero is valid
 *
 *	chp_mutex_lock(&m);
 *	while (list_is_empty(&list) && r == 0)
 *		r = chp_cond_wait(&nonempty, &m);	0, or why it ended
 *	...
 *	chp_mutex_unlock(&m);
 *
 * As pthread_cond_t, but: it also wakes up when its task or thread is
 * interrupted or aborted, and then says so; nothing wakes up for no reason,
 * though another may have been faster than the one that was woken, so the
 * condition is checked in a loop all the same.  Waiters are woken in order.
 *
 * However a blocking wait ends, the mutex is held again when it returns.  Use
 * one mutex for all waiters at a time.
 *
 * Memory: a signal happens before the return of the wait that it ends.
 *
 * Destroying: whoever knows that nobody waits any more and nobody will signal
 * may destroy and free the condition variable at once: a waiter that has
 * returned, or who signalled.  Those who were served and have not returned yet
 * do not count, unless one of them may be giving up, or is polled with another
 * waker, at that moment, or is an operation that will be cancelled.
 *
 * Not from signal handlers; not shared between processes; not to be left by
 * longjmp, pthread_exit or an exception.
 *
 * For tokio, which has none: the wait of a Notify, tied to a lock.
 */
#ifndef CHAPPE_COND_H
#define CHAPPE_COND_H

#include <chappe/mutex.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Fields are private. */
typedef struct chp_cond {
	chp_word lock;
	chp_word waiting; /* how many wait */
	chp_node *first, *last;
	void *reserved[2];
} chp_cond;

/* clang-format off */
#define CHP_COND_INIT { { 0 }, { 0 }, NULL, NULL, { NULL, NULL } }
/* clang-format on */

/* Needed only to catch mistakes: destroying it with waiters is misuse. */
CHP_API void chp_cond_destroy(chp_cond *c);

/*
 * With m held: unlock it, wait for a signal, lock it again.  0; or CHP_EINTR,
 * CHP_EABORTED, CHP_ECANCELED, CHP_ETIMEDOUT, with m held.  A signal that has
 * come wins over all of them; locking again ignores them.
 */
CHP_API int chp_cond_wait(chp_cond *c, chp_mutex *m);
CHP_API int chp_cond_wait_with(chp_cond *c, chp_mutex *m, const chp_wait *w);

/*
 * Wake the oldest waiter, or all; if none waits, nothing is remembered.  With
 * or without the mutex held; never waits.
 */
CHP_API void chp_cond_signal(chp_cond *c);
CHP_API void chp_cond_broadcast(chp_cond *c);

/*
 * Waiting as an operation.  The first poll, with m held, queues and unlocks;
 * the result is 0, with m held.  Cancelling it, also before its first poll,
 * leaves m unlocked; a signal that it had got goes to the next waiter, a lock
 * to the next locker (CHP_GAVE_BACK).  Its part of a broadcast goes to nobody:
 * all that it was for have theirs; cancelling says CHP_GAVE_BACK then as well.
 */
typedef struct chp_cond_op {
	chp_op op;
	chp_cond *cond;
	chp_mutex *mutex;
	chp_node node;
	chp_lock_op lock;
	uint32_t phase, reserved_32;
	void *reserved[2];
} chp_cond_op;

CHP_API void chp_cond_wait_op(chp_cond_op *op, chp_cond *c, chp_mutex *m);

#ifdef __cplusplus
}
#endif

#endif
