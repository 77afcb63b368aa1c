/*
 * atomic.h - the only way to touch a shared word.
 *
 * Each name carries its memory order; there is no default.  Prefixless names
 * are for chp_word (32 bits); load64_... for chp_word64; loadp_... for chp_ptr.
 *
 *	load_, store_   relaxed | acquire | release
 *	swap_           relaxed | acquire | release | acq_rel
 *	cas_            relaxed | acquire | release | acq_rel   (strong; on
 *	                failure *expected is what was read, relaxed, except
 *	                that acquire and acq_rel acquire on failure as well)
 *	add_ or_ and_   relaxed | acquire | release | acq_rel   (old value)
 *
 * There is no fence and no seq_cst: a store that must come before a load of
 * another word is written as a read-modify-write of one word that both sides
 * touch.  That keeps ThreadSanitizer exact and the proofs local.
 *
 * The model checker of tests/model is the other body of this header.
 */
#ifndef CHAPPE_SRC_BASE_ATOMIC_H
#define CHAPPE_SRC_BASE_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

#include <chappe/base.h>

/* clang-format off */

#define ATOMIC_LOAD(n, W, T, order, ORDER) \
	static inline T load##n##_##order(const W *w) \
	{ return __atomic_load_n(&w->v, ORDER); }

#define ATOMIC_STORE(n, W, T, order, ORDER) \
	static inline void store##n##_##order(W *w, T x) \
	{ __atomic_store_n(&w->v, x, ORDER); }

#define ATOMIC_RMW(n, W, T, order, ORDER, FAIL) \
	static inline T swap##n##_##order(W *w, T x) \
	{ return __atomic_exchange_n(&w->v, x, ORDER); } \
	static inline bool cas##n##_##order(W *w, T *expected, T x) \
	{ \
		return __atomic_compare_exchange_n(&w->v, expected, x, 0, \
						   ORDER, FAIL); \
	}

#define ATOMIC_MATH(n, W, T, order, ORDER) \
	static inline T add##n##_##order(W *w, T x) \
	{ return __atomic_fetch_add(&w->v, x, ORDER); } \
	static inline T or##n##_##order(W *w, T x) \
	{ return __atomic_fetch_or(&w->v, x, ORDER); } \
	static inline T and##n##_##order(W *w, T x) \
	{ return __atomic_fetch_and(&w->v, x, ORDER); }

#define ATOMIC_ALL(n, W, T) \
	ATOMIC_LOAD(n, W, T, relaxed, __ATOMIC_RELAXED) \
	ATOMIC_LOAD(n, W, T, acquire, __ATOMIC_ACQUIRE) \
	ATOMIC_STORE(n, W, T, relaxed, __ATOMIC_RELAXED) \
	ATOMIC_STORE(n, W, T, release, __ATOMIC_RELEASE) \
	ATOMIC_RMW(n, W, T, relaxed, __ATOMIC_RELAXED, __ATOMIC_RELAXED) \
	ATOMIC_RMW(n, W, T, acquire, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE) \
	ATOMIC_RMW(n, W, T, release, __ATOMIC_RELEASE, __ATOMIC_RELAXED) \
	ATOMIC_RMW(n, W, T, acq_rel, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)

#define ATOMIC_ALL_MATH(n, W, T) \
	ATOMIC_MATH(n, W, T, relaxed, __ATOMIC_RELAXED) \
	ATOMIC_MATH(n, W, T, acquire, __ATOMIC_ACQUIRE) \
	ATOMIC_MATH(n, W, T, release, __ATOMIC_RELEASE) \
	ATOMIC_MATH(n, W, T, acq_rel, __ATOMIC_ACQ_REL)

ATOMIC_ALL(, chp_word, uint32_t)
ATOMIC_ALL_MATH(, chp_word, uint32_t)
ATOMIC_ALL(64, chp_word64, uint64_t)
ATOMIC_ALL_MATH(64, chp_word64, uint64_t)
ATOMIC_ALL(p, chp_ptr, void *)

/* clang-format on */

#endif
