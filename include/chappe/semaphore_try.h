/*
 * semaphore_try.h - private: chp_semaphore_try_acquire(), where it takes one
 * step or none, compiled into the caller.  Nothing to call here; see
 * semaphore.h.
 *
 * The layout that it knows is that of CHP_SEMAPHORE_INIT.
 */
#ifndef CHAPPE_SEMAPHORE_TRY_H
#define CHAPPE_SEMAPHORE_TRY_H

#include <chappe/semaphore.h>

#if defined(__ELF__) && !defined(CHP__NO_INLINE)

#ifdef __cplusplus
extern "C" {
#endif

/* The library's, by another name. */
CHP_API int
chp__semaphore_try_acquire(chp_semaphore *s,
			   int64_t n) __asm__("chp_semaphore_try_acquire");

extern inline __attribute__((gnu_inline)) int
chp_semaphore_try_acquire(chp_semaphore *s, int64_t n)
{
	uint64_t *at = &s->pool.word.v;
	uint64_t word = __atomic_load_n(at, __ATOMIC_RELAXED);

	if (!(word & CHP__POOL_FLAGS) && n >= 0) {
		if ((int64_t)word >> CHP__POOL_SHIFT < n)
			return CHP_EAGAIN;
		if (__atomic_compare_exchange_n(
			    at, &word, word - ((uint64_t)n << CHP__POOL_SHIFT),
			    0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return 0;
	}
	return chp__semaphore_try_acquire(s, n);
}

#ifdef __cplusplus
}
#endif

#endif

#endif
