/*
 * atomic.h - base/atomic.h as the model checker sees it: the same names, each
 * a step of the explorer.  Fetching ahead is only counted.
 */
#ifndef CHAPPE_SRC_BASE_ATOMIC_H
#define CHAPPE_SRC_BASE_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

#include <chappe/base.h>

enum { MODEL_ACQUIRE = 1, MODEL_RELEASE = 2 };
enum { MODEL_SWAP, MODEL_ADD, MODEL_OR, MODEL_AND };

uint64_t model_load(const void *at, unsigned width, unsigned order);
void model_store(void *at, unsigned width, uint64_t x, unsigned order);
uint64_t model_rmw(void *at, unsigned width, unsigned what, uint64_t x,
		   unsigned order);
bool model_cas(void *at, unsigned width, uint64_t *expected, uint64_t x,
	       unsigned order);

void model_prefetch(const void *p);
#define __builtin_prefetch model_prefetch

/* clang-format off */

#define MODEL_LOAD(n, W, T, order, ORDER) \
	static inline T load##n##_##order(const W *w) \
	{ return (T)model_load(&w->v, sizeof(w->v), ORDER); }

#define MODEL_STORE(n, W, T, order, ORDER) \
	static inline void store##n##_##order(W *w, T x) \
	{ model_store(&w->v, sizeof(w->v), (uint64_t)(x), ORDER); }

#define MODEL_RMW_(n, W, T, name, order, WHAT, ORDER) \
	static inline T name##n##_##order(W *w, T x) \
	{ return (T)model_rmw(&w->v, sizeof(w->v), WHAT, (uint64_t)(x), \
			      ORDER); }

#define MODEL_CAS(n, W, T, order, ORDER) \
	static inline bool cas##n##_##order(W *w, T *expected, T x) \
	{ \
		uint64_t was = (uint64_t)(*expected); \
		if (model_cas(&w->v, sizeof(w->v), &was, (uint64_t)(x), ORDER)) \
			return true; \
		*expected = (T)was; \
		return false; \
	}

#define MODEL_ORDERED(M, ...) \
	M(__VA_ARGS__, relaxed, 0) \
	M(__VA_ARGS__, acquire, MODEL_ACQUIRE) \
	M(__VA_ARGS__, release, MODEL_RELEASE) \
	M(__VA_ARGS__, acq_rel, MODEL_ACQUIRE | MODEL_RELEASE)

#define MODEL_RMW(n, W, T, name, WHAT) \
	MODEL_RMW_(n, W, T, name, relaxed, WHAT, 0) \
	MODEL_RMW_(n, W, T, name, acquire, WHAT, MODEL_ACQUIRE) \
	MODEL_RMW_(n, W, T, name, release, WHAT, MODEL_RELEASE) \
	MODEL_RMW_(n, W, T, name, acq_rel, WHAT, MODEL_ACQUIRE | MODEL_RELEASE)

#define MODEL_ALL(n, W, T) \
	MODEL_LOAD(n, W, T, relaxed, 0) \
	MODEL_LOAD(n, W, T, acquire, MODEL_ACQUIRE) \
	MODEL_STORE(n, W, T, relaxed, 0) \
	MODEL_STORE(n, W, T, release, MODEL_RELEASE) \
	MODEL_ORDERED(MODEL_CAS, n, W, T) \
	MODEL_RMW(n, W, T, swap, MODEL_SWAP)

#define MODEL_MATH(n, W, T) \
	MODEL_RMW(n, W, T, add, MODEL_ADD) \
	MODEL_RMW(n, W, T, or, MODEL_OR) \
	MODEL_RMW(n, W, T, and, MODEL_AND)

MODEL_ALL(, chp_word, uint32_t)
MODEL_MATH(, chp_word, uint32_t)
MODEL_ALL(64, chp_word64, uint64_t)
MODEL_MATH(64, chp_word64, uint64_t)
MODEL_ALL(p, chp_ptr, void *)

/* clang-format on */

#endif
