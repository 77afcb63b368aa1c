/*
 * mutex_guard.h - a mutex with a value behind it: guards, counted mutexes,
 * typed mutexes.
 *
 * A guard remembers what it locked and points to what the lock protects, or,
 * once mapped, to a part of it:
 *
 *	chp_mutex_guard g = chp_mutex_lock_guard(&m, &account);
 *	g = chp_mutex_guard_map(&g, balance_of, NULL);
 *	*(long *)g.data += 10;
 *	chp_mutex_guard_unlock(&g);
 *
 * It is a plain value that one owner at a time uses.  All-zero is the empty
 * guard; unlocking it does nothing.  Calls that move a guard empty their
 * source.  tokio: MutexGuard, MappedMutexGuard, and with `owned`
 * OwnedMutexGuard, OwnedMappedMutexGuard: one type for all four.
 *
 * A counted mutex lives on the heap with its value; an owned guard keeps it
 * alive.  tokio: Arc<Mutex<T>>.
 */
#ifndef CHAPPE_MUTEX_GUARD_H
#define CHAPPE_MUTEX_GUARD_H

#include <chappe/mutex.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct chp_mutex_guard {
	chp_mutex *mutex; /* read it freely; NULL: empty */
	void *data;       /* what is protected; yours */
	uint32_t owned;   /* private */
	uint32_t reserved;
} chp_mutex_guard;

/* Lock; the guard's data is `data`. */
CHP_API chp_mutex_guard chp_mutex_lock_guard(chp_mutex *m, void *data);

/* As chp_mutex_lock_with and chp_mutex_try_lock; on failure *g is empty. */
CHP_API int chp_mutex_lock_guard_with(chp_mutex *m, void *data,
				      chp_mutex_guard *g, const chp_wait *w);
CHP_API int chp_mutex_try_lock_guard(chp_mutex *m, void *data,
				     chp_mutex_guard *g);
CHP_API void chp_mutex_lock_guard_op(chp_lock_op *op, chp_mutex *m, void *data,
				     chp_mutex_guard *g);

/* Unlock, and let go of a counted mutex; *g is then empty.  tokio: drop. */
CHP_API void chp_mutex_guard_unlock(chp_mutex_guard *g);

/*
 * The guard with data = f(data, arg).  f runs with the lock held.  tokio: map.
 */
CHP_API chp_mutex_guard chp_mutex_guard_map(chp_mutex_guard *g,
					    void *(*f)(void *data, void *arg),
					    void *arg);

/* The same, but if f returns NULL: CHP_EINVAL, *out is empty and *g stays as
   it was, locked.  tokio: try_map. */
CHP_API int chp_mutex_guard_try_map(chp_mutex_guard *g,
				    void *(*f)(void *data, void *arg),
				    void *arg, chp_mutex_guard *out);

/* ---- Counted mutexes ---- */

/*
 * A mutex on the heap with one reference and a value of `size` bytes, aligned
 * as malloc's memory, copied from `value` (NULL: zeros).  drop is called on the
 * value at the end; may be NULL.  NULL: out of memory, or bad flags.
 */
CHP_API chp_mutex *chp_mutex_new(size_t size, const void *value,
				 void (*drop)(void *value), unsigned flags);
CHP_API chp_mutex *chp_mutex_ref(chp_mutex *m);

/* The last one drops the value and frees it.  NULL is ignored. */
CHP_API void chp_mutex_unref(chp_mutex *m);

/* The value; only with the lock held, or if nobody else has a reference.
   tokio: get_mut. */
CHP_API void *chp_mutex_value(chp_mutex *m);

/*
 * Lock a counted mutex; the guard's data is its value, and it holds a
 * reference.  tokio: lock_owned, blocking_lock_owned, try_lock_owned.
 */
CHP_API chp_mutex_guard chp_mutex_lock_owned(chp_mutex *m);
CHP_API int chp_mutex_lock_owned_with(chp_mutex *m, chp_mutex_guard *g,
				      const chp_wait *w);
CHP_API int chp_mutex_try_lock_owned(chp_mutex *m, chp_mutex_guard *g);

/* The operation holds a reference from its first poll to its end. */
CHP_API void chp_mutex_lock_owned_op(chp_lock_op *op, chp_mutex *m,
				     chp_mutex_guard *g);

/* ---- Typed mutexes ---- */

/*
 * CHP_MUTEX_DEFINE(name, T) makes a type name, a T behind a mutex, all-zero
 * valid; `T *name_lock(name *)` returns the way to it, which is good until
 * `name_unlock(name *)`.  name_try_lock returns NULL if it would have to wait;
 * name_lock_with returns a code and sets *out.  Use it at file scope.
 */
/* clang-format off */
#define CHP_MUTEX_DEFINE(name, T) \
	typedef struct name { chp_mutex mutex; T value; } name; \
	CHP__INLINE T *name##_lock(name *m) \
	{ chp_mutex_lock(&m->mutex); return &m->value; } \
	CHP__INLINE T *name##_try_lock(name *m) \
	{ return chp_mutex_try_lock(&m->mutex) == 0 ? &m->value : NULL; } \
	CHP__INLINE int name##_lock_with(name *m, T **out, const chp_wait *w) \
	{ \
		int r = chp_mutex_lock_with(&m->mutex, w); \
		*out = r == 0 ? &m->value : NULL; \
		return r; \
	} \
	CHP__INLINE void name##_unlock(name *m) \
	{ chp_mutex_unlock(&m->mutex); } \
	struct name##__needs_a_semicolon
/* clang-format on */

#ifdef __cplusplus
}
#endif

#endif
