/*
 * permit.h - permits as objects, and semaphores kept alive by them.
 *
 * A chp_permit remembers what was acquired, so that it can be split, merged,
 * handed on and given back in one call:
 *
 *	chp_permit p;
 *	if (chp_semaphore_acquire_permit(&s, 3, &p) == 0) {
 *		...
 *		chp_permit_release(&p);
 *	}
 *
 * It is a plain value that one owner at a time uses: hand it on by copying it
 * and forgetting the copy you had.  All-zero is the empty permit; releasing or
 * forgetting it does nothing.  Calls that move permits empty their source.
 *
 * A semaphore made by chp_semaphore_new() is counted.  An owned permit keeps
 * it alive: whoever holds one needs no other reference.
 * tokio: SemaphorePermit, OwnedSemaphorePermit, Arc<Semaphore>.
 */
#ifndef CHAPPE_PERMIT_H
#define CHAPPE_PERMIT_H

#include <chappe/semaphore.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct chp_permit {
	chp_semaphore *semaphore; /* read it freely */
	int64_t count;            /* private: use chp_permit_count */
	uint32_t owned;           /* private */
	uint32_t reserved;
} chp_permit;

/*
 * As the semaphore.h calls of the same names; on success *permit holds the
 * permits, on failure it is empty.
 */
CHP_API int chp_semaphore_acquire_permit(chp_semaphore *s, int64_t n,
					 chp_permit *permit);
CHP_API int chp_semaphore_acquire_permit_with(chp_semaphore *s, int64_t n,
					      chp_permit *permit,
					      const chp_wait *w);
CHP_API int chp_semaphore_try_acquire_permit(chp_semaphore *s, int64_t n,
					     chp_permit *permit);
CHP_API void chp_semaphore_acquire_permit_op(chp_acquire_op *op,
					     chp_semaphore *s, int64_t n,
					     chp_permit *permit);

/* Give all back; the permit is then empty.  tokio: drop. */
CHP_API void chp_permit_release(chp_permit *permit);

/* Empty it without giving anything back.  tokio: forget. */
CHP_API void chp_permit_forget(chp_permit *permit);

/* tokio: num_permits. */
CHP_API int64_t chp_permit_count(const chp_permit *permit);

/*
 * Move n permits of `from` into *out, which is overwritten.  n = 0 makes an
 * object of the same semaphore with no permits.  0, or CHP_EINVAL if n < 0 or
 * more than it holds, or out is from.  tokio: split.
 */
CHP_API int chp_permit_split(chp_permit *from, int64_t n, chp_permit *out);

/*
 * Move everything of `from` into `into`; `from` is then empty.  An empty
 * `into` takes over from's semaphore.  0; CHP_EINVAL if they are of different
 * semaphores, or the same object, or one is owned and the other not.
 * tokio: merge.
 */
CHP_API int chp_permit_merge(chp_permit *into, chp_permit *from);

/* ---- Counted semaphores ---- */

/* A semaphore on the heap with one reference; NULL: out of memory, or bad
   arguments as for init. */
CHP_API chp_semaphore *chp_semaphore_new(int64_t permits, chp_policy policy);
CHP_API chp_semaphore *chp_semaphore_ref(chp_semaphore *s);

/* The last one frees it; with waiters that is misuse.  NULL is ignored. */
CHP_API void chp_semaphore_unref(chp_semaphore *s);

/* As above, and *permit holds a reference.  Only for counted semaphores. */
CHP_API int chp_semaphore_acquire_owned(chp_semaphore *s, int64_t n,
					chp_permit *permit);
CHP_API int chp_semaphore_acquire_owned_with(chp_semaphore *s, int64_t n,
					     chp_permit *permit,
					     const chp_wait *w);
CHP_API int chp_semaphore_try_acquire_owned(chp_semaphore *s, int64_t n,
					    chp_permit *permit);

/* The operation holds a reference from its first poll to its end. */
CHP_API void chp_semaphore_acquire_owned_op(chp_acquire_op *op,
					    chp_semaphore *s, int64_t n,
					    chp_permit *permit);

#ifdef __cplusplus
}
#endif

#endif
