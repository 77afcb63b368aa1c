/*
 * rwlock.h - a lock with many readers or one writer, for tasks and threads.
 *
 *	static chp_rwlock l;			all-zero is free
 *
 *	chp_rwlock_read(&l);    ...  chp_rwlock_read_unlock(&l);
 *	chp_rwlock_write(&l);   ...  chp_rwlock_write_unlock(&l);
 *
 * One queue for both kinds, strictly in order: a reader never passes a writer
 * that queued before it, so writers do not starve; readers that queue one after
 * the other come in together.  tokio: RwLock.
 *
 * So a task or thread that reads must not ask to read again while it does: if
 * a writer has queued in between, it waits for itself.  (An inner
 * chp_rwlock_try_read fails instead.)
 *
 * At most max_readers at once, CHP_RWLOCK_MAX_READERS if not said; the next
 * one waits.
 *
 * Memory: a write_unlock happens before each later read and write; a
 * read_unlock before each later write.  Once read or write has returned, the
 * caller may release, destroy and free the lock if nobody else will use it.
 *
 * Not from signal handlers; not shared between processes; no priority
 * inheritance; not to be left by longjmp, pthread_exit or an exception.  After
 * a fork the child may use only locks that nobody held.
 *
 * For a lock with a value behind it, and for guards: rwlock_guard.h.
 */
#ifndef CHAPPE_RWLOCK_H
#define CHAPPE_RWLOCK_H

#include <chappe/agent.h>
#include <chappe/pool.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CHP_RWLOCK_MAX_READERS ((uint32_t)-1 >> 3)

/* All-zero: free.  Fields are private. */
typedef struct chp_rwlock {
	struct chp__pool pool;
	uint32_t max_readers; /* 0: CHP_RWLOCK_MAX_READERS */
	uint32_t reserved_32;
	void *reserved[2];
} chp_rwlock;

/* clang-format off */
#define CHP_RWLOCK_INIT(max_readers_) \
	{ { { 0 }, NULL, NULL, { 0 }, { 0 } }, (max_readers_), 0, { NULL, NULL } }
/* clang-format on */

/* 1 .. CHP_RWLOCK_MAX_READERS; else CHP_EINVAL.  tokio: with_max_readers. */
CHP_API int chp_rwlock_init(chp_rwlock *l, uint32_t max_readers);

/* Needed only to catch mistakes: destroying one that is waited for is misuse. */
CHP_API void chp_rwlock_destroy(chp_rwlock *l);

/* ---- Waiting for it ---- */

/*
 * Wait as long as it takes.  Cannot fail: ignore interruption and abort.
 * tokio: read, write, blocking_read, blocking_write.
 */
CHP_API void chp_rwlock_read(chp_rwlock *l);
CHP_API void chp_rwlock_write(chp_rwlock *l);

/*
 * Unless w, an interruption or an abort ends the wait: 0, or why not.
 * Cancelling loses the place in the queue; if it was a writer's, the readers
 * behind it come in.
 */
CHP_API int chp_rwlock_read_with(chp_rwlock *l, const chp_wait *w);
CHP_API int chp_rwlock_write_with(chp_rwlock *l, const chp_wait *w);

/* As operations; result 0.  A lock that it had been handed is passed on when it
   is cancelled (CHP_GAVE_BACK). */
typedef struct chp_rwlock_op {
	union {
		chp_op op;
		chp__pool_op wait;
	};
	chp_rwlock *rwlock;
	struct chp_rwlock_guard *guard;
	void *data;
	uint32_t owned, writes;
} chp_rwlock_op;

CHP_API void chp_rwlock_read_op(chp_rwlock_op *op, chp_rwlock *l);
CHP_API void chp_rwlock_write_op(chp_rwlock_op *op, chp_rwlock *l);

/* ---- Not waiting ---- */

/*
 * 0, or CHP_EAGAIN.  try_read fails if a writer has it or waits for it, or as
 * many read as may.  tokio: try_read, try_write.
 */
CHP_API int chp_rwlock_try_read(chp_rwlock *l);
CHP_API int chp_rwlock_try_write(chp_rwlock *l);

/* Releasing what is not held that way stops the process. */
CHP_API void chp_rwlock_read_unlock(chp_rwlock *l);
CHP_API void chp_rwlock_write_unlock(chp_rwlock *l);

/*
 * Go on as a reader, with no writer in between.  Readers at the front of the
 * queue come in.  tokio: downgrade.
 */
CHP_API void chp_rwlock_downgrade(chp_rwlock *l);

/*
 * Go on as the writer, if nobody else reads: 0, or CHP_EAGAIN and the caller
 * still reads.  Comes before writers that wait.
 */
CHP_API int chp_rwlock_try_upgrade(chp_rwlock *l);

/* How many read at this moment; -1: a writer has it. */
CHP_API int64_t chp_rwlock_readers(const chp_rwlock *l);

#ifdef __cplusplus
}
#endif

#endif
