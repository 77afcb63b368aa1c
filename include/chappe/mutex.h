/*
 * mutex.h - a lock for tasks and threads alike.
 *
 *	static chp_mutex m;			all-zero is unlocked
 *
 *	chp_mutex_lock(&m);
 *	...					may wait, sleep, await: the lock
 *	chp_mutex_unlock(&m);			is held across all that
 *
 *	{
 *		CHP_MUTEX_SCOPED(&m);		until the end of the block
 *	}
 *
 * While it waits, a task leaves its worker to others and a thread sleeps.
 *
 *                        default                 CHP_MUTEX_FIFO
 *   like                 parking_lot, Go, nsync  tokio
 *   unlock, others wait  wakes the oldest;       hands the lock to the oldest
 *                        whoever is first locks
 *   lock, others wait    may overtake            queues
 *   a waiter overtaken   is handed the lock      cannot be
 *   for 1 ms             next
 *
 * The default is several times faster under contention, because the lock does
 * not stand still while the next owner wakes up.
 *
 * Not recursive.  Unlocked by whom it was locked, or by whom it was handed to
 * (chp_mutex_adopt).  A build with CHP_DEBUG stops, with a sentence, at an
 * unlock by somebody else, a lock by who has it, and a destroy while it is held;
 * every build stops at an unlock of what is not locked.
 *
 * Memory: an unlock happens before the next lock.  Once lock has returned, the
 * caller may unlock, destroy and free the mutex if nobody else will use it:
 * the unlock that let it in does not touch it any more.
 *
 * Not from signal handlers; not shared between processes; no priority
 * inheritance.  A thread must not end, be cancelled, jump or throw out of a
 * wait; a scoped lock is released by C++ exceptions only if the file is
 * compiled with -fexceptions, and never by longjmp or pthread_exit.  After a
 * fork the child may use only mutexes that nobody held.
 *
 * For a lock with a value behind it, guards and counted mutexes: mutex_guard.h.
 */
#ifndef CHAPPE_MUTEX_H
#define CHAPPE_MUTEX_H

#include <chappe/agent.h>
#include <chappe/pool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Strict order among waiters; nobody overtakes. */
#define CHP_MUTEX_FIFO 1u

/* All-zero: unlocked.  Fields are private. */
typedef struct chp_mutex {
	struct chp__pool pool;
	chp_word64 owner; /* agent's id; debug builds */
	uint32_t flags, reserved_32;
	void *reserved;
} chp_mutex;

/* clang-format off */
#define CHP_MUTEX_INIT(flags_) \
	{ { { 0 }, NULL, NULL, { 0 }, { 0 } }, { 0 }, (flags_), 0, NULL }
/* clang-format on */

/* flags: 0 or CHP_MUTEX_FIFO; else CHP_EINVAL. */
CHP_API int chp_mutex_init(chp_mutex *m, unsigned flags);

/* Needed only to catch mistakes: destroying one that is waited for, and in
   debug builds one that is held, is misuse. */
CHP_API void chp_mutex_destroy(chp_mutex *m);

/*
 * Lock, waiting as long as it takes.  Cannot fail: ignores interruption and
 * abort.  tokio: lock, blocking_lock.
 */
CHP_API void chp_mutex_lock(chp_mutex *m);

/*
 * Lock unless w, an interruption or an abort ends the wait: 0, or why not.
 * Cancelling loses the place in the queue and nothing else.
 */
CHP_API int chp_mutex_lock_with(chp_mutex *m, const chp_wait *w);

/* 0, or CHP_EAGAIN: locked, or (FIFO) others wait.  tokio: try_lock. */
CHP_API int chp_mutex_try_lock(chp_mutex *m);

/* Wakes or serves a waiter.  Never waits. */
CHP_API void chp_mutex_unlock(chp_mutex *m);

/* Is it locked at this moment?  For checks and messages. */
CHP_API int chp_mutex_is_locked(const chp_mutex *m);

/*
 * The caller takes over a lock that another task or thread has taken and will
 * not release.  Only debug builds need to know.
 */
CHP_API void chp_mutex_adopt(chp_mutex *m);

/*
 * Locking as an operation; result 0.  Cancelling it passes on a lock that it
 * had been handed (CHP_GAVE_BACK).  A lock taken by a poller may be released by
 * anybody.
 */
typedef struct chp_lock_op {
	union {
		chp_op op;
		chp__pool_op wait;
	};
	chp_mutex *mutex;
	struct chp_mutex_guard *guard;
	void *data;
	uint32_t owned, reserved;
} chp_lock_op;

CHP_API void chp_mutex_lock_op(chp_lock_op *op, chp_mutex *m);

/* ---- Locked until the end of the block ---- */

__attribute__((unused)) static inline void chp__mutex_leave(chp_mutex **m)
{
	if (*m)
		chp_mutex_unlock(*m);
}

__attribute__((unused)) static inline chp_mutex *chp__mutex_enter(chp_mutex *m)
{
	chp_mutex_lock(m);
	return m;
}

/* clang-format off */
#define CHP__PASTE_(a, b) a##b
#define CHP__PASTE(a, b)  CHP__PASTE_(a, b)

/* Lock now, unlock however the enclosing block is left, return included. */
#define CHP_MUTEX_SCOPED(m) \
	__attribute__((cleanup(chp__mutex_leave), unused)) \
	chp_mutex *CHP__PASTE(chp__scoped_, __LINE__) = chp__mutex_enter(m)
/* clang-format on */

#ifdef __cplusplus
}
#endif

#endif
