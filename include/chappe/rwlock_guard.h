/*
 * rwlock_guard.h - a rwlock with a value behind it: guards, counted rwlocks,
 * typed rwlocks.
 *
 * A guard remembers what it locked and how, and points to what the lock
 * protects, or, once mapped, to a part of it.  It is a plain value that one
 * owner at a time uses.  All-zero is the empty guard; unlocking it does
 * nothing.  Calls that move a guard empty their source.  tokio:
 * RwLockReadGuard, RwLockWriteGuard, RwLockMappedWriteGuard and the three Owned
 * ones: one type for all six.
 *
 *	chp_rwlock_guard g = chp_rwlock_write_guard(&l, &table);
 *	...
 *	g = chp_rwlock_guard_downgrade_map(&g, row, &key);
 *	...					others may read now, too
 *	chp_rwlock_guard_unlock(&g);
 */
#ifndef CHAPPE_RWLOCK_GUARD_H
#define CHAPPE_RWLOCK_GUARD_H

#include <chappe/rwlock.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct chp_rwlock_guard {
	chp_rwlock *rwlock; /* read it freely; NULL: empty */
	void *data;         /* what is protected; const for readers */
	uint32_t owned;     /* private */
	uint16_t writes;    /* read it freely: 1 for a writer's */
	uint16_t mapped;    /* private */
} chp_rwlock_guard;

/* Lock; the guard's data is `data`. */
CHP_API chp_rwlock_guard chp_rwlock_read_guard(chp_rwlock *l, void *data);
CHP_API chp_rwlock_guard chp_rwlock_write_guard(chp_rwlock *l, void *data);

/* As the rwlock.h calls of like names; on failure *g is empty. */
CHP_API int chp_rwlock_read_guard_with(chp_rwlock *l, void *data,
				       chp_rwlock_guard *g, const chp_wait *w);
CHP_API int chp_rwlock_write_guard_with(chp_rwlock *l, void *data,
					chp_rwlock_guard *g, const chp_wait *w);
CHP_API int chp_rwlock_try_read_guard(chp_rwlock *l, void *data,
				      chp_rwlock_guard *g);
CHP_API int chp_rwlock_try_write_guard(chp_rwlock *l, void *data,
				       chp_rwlock_guard *g);
CHP_API void chp_rwlock_read_guard_op(chp_rwlock_op *op, chp_rwlock *l,
				      void *data, chp_rwlock_guard *g);
CHP_API void chp_rwlock_write_guard_op(chp_rwlock_op *op, chp_rwlock *l,
				       void *data, chp_rwlock_guard *g);

/* Release it, and let go of a counted lock; *g is then empty. */
CHP_API void chp_rwlock_guard_unlock(chp_rwlock_guard *g);

/*
 * The guard with data = f(data, arg).  f runs with the lock held.  tokio: map
 * of a reader's, map and into_mapped of a writer's.
 */
CHP_API chp_rwlock_guard chp_rwlock_guard_map(chp_rwlock_guard *g,
					      void *(*f)(void *data, void *arg),
					      void *arg);

/* The same, but if f returns NULL: CHP_EINVAL, *out is empty and *g stays as
   it was.  tokio: try_map. */
CHP_API int chp_rwlock_guard_try_map(chp_rwlock_guard *g,
				     void *(*f)(void *data, void *arg),
				     void *arg, chp_rwlock_guard *out);

/*
 * A writer's guard becomes a reader's, with no writer in between.  A reader's
 * is moved as it is.  Not for mapped ones: misuse, as tokio does not have it.
 */
CHP_API chp_rwlock_guard chp_rwlock_guard_downgrade(chp_rwlock_guard *g);

/* The same with data = f(data, arg); f still has it for itself. */
CHP_API chp_rwlock_guard chp_rwlock_guard_downgrade_map(
	chp_rwlock_guard *g, void *(*f)(void *data, void *arg), void *arg);

/* The same, but if f returns NULL: CHP_EINVAL, *out is empty and *g still
   writes. */
CHP_API int
chp_rwlock_guard_try_downgrade_map(chp_rwlock_guard *g,
				   void *(*f)(void *data, void *arg), void *arg,
				   chp_rwlock_guard *out);

/*
 * A reader's guard becomes the writer's, if nobody else reads: 0; CHP_EAGAIN,
 * and it still reads; CHP_EINVAL: it is empty, or writes.
 */
CHP_API int chp_rwlock_guard_try_upgrade(chp_rwlock_guard *g);

/* ---- Counted rwlocks ---- */

/*
 * On the heap, with one reference and a value: see chp_mutex_new.
 * max_readers 0: CHP_RWLOCK_MAX_READERS.  NULL: out of memory, or too many.
 * tokio: Arc<RwLock<T>>.
 */
CHP_API chp_rwlock *chp_rwlock_new(size_t size, const void *value,
				   void (*drop)(void *value),
				   uint32_t max_readers);
CHP_API chp_rwlock *chp_rwlock_ref(chp_rwlock *l);

/* The last one drops the value and frees it.  NULL is ignored. */
CHP_API void chp_rwlock_unref(chp_rwlock *l);

/* The value; only with the lock held, or if nobody else has a reference. */
CHP_API void *chp_rwlock_value(chp_rwlock *l);

/*
 * The guard's data is the value, and it holds a reference.  tokio: read_owned,
 * write_owned, try_read_owned, try_write_owned.
 */
CHP_API chp_rwlock_guard chp_rwlock_read_owned(chp_rwlock *l);
CHP_API chp_rwlock_guard chp_rwlock_write_owned(chp_rwlock *l);
CHP_API int chp_rwlock_read_owned_with(chp_rwlock *l, chp_rwlock_guard *g,
				       const chp_wait *w);
CHP_API int chp_rwlock_write_owned_with(chp_rwlock *l, chp_rwlock_guard *g,
					const chp_wait *w);
CHP_API int chp_rwlock_try_read_owned(chp_rwlock *l, chp_rwlock_guard *g);
CHP_API int chp_rwlock_try_write_owned(chp_rwlock *l, chp_rwlock_guard *g);

/* The operations hold a reference from their first poll to their end. */
CHP_API void chp_rwlock_read_owned_op(chp_rwlock_op *op, chp_rwlock *l,
				      chp_rwlock_guard *g);
CHP_API void chp_rwlock_write_owned_op(chp_rwlock_op *op, chp_rwlock *l,
				       chp_rwlock_guard *g);

/* ---- Typed rwlocks ---- */

/*
 * CHP_RWLOCK_DEFINE(name, T) makes a type name, a T behind a rwlock, all-zero
 * valid.  Readers get a const T *, writers a T *, each good until its unlock.
 * name_try_... return NULL if they would have to wait, or (try_upgrade) if
 * others read; name_..._with return a code and set *out.  Use it at file scope.
 */
/* clang-format off */
#define CHP_RWLOCK_DEFINE(name, T) \
	typedef struct name { chp_rwlock rwlock; T value; } name; \
	CHP__INLINE T const *name##_read(name *l) \
	{ chp_rwlock_read(&l->rwlock); return &l->value; } \
	CHP__INLINE T *name##_write(name *l) \
	{ chp_rwlock_write(&l->rwlock); return &l->value; } \
	CHP__INLINE T const *name##_try_read(name *l) \
	{ return chp_rwlock_try_read(&l->rwlock) == 0 ? &l->value : NULL; } \
	CHP__INLINE T *name##_try_write(name *l) \
	{ return chp_rwlock_try_write(&l->rwlock) == 0 ? &l->value : NULL; } \
	CHP__INLINE int name##_read_with(name *l, T const **out, \
					 const chp_wait *w) \
	{ \
		int r = chp_rwlock_read_with(&l->rwlock, w); \
		*out = r == 0 ? &l->value : NULL; \
		return r; \
	} \
	CHP__INLINE int name##_write_with(name *l, T **out, \
					  const chp_wait *w) \
	{ \
		int r = chp_rwlock_write_with(&l->rwlock, w); \
		*out = r == 0 ? &l->value : NULL; \
		return r; \
	} \
	CHP__INLINE T const *name##_downgrade(name *l) \
	{ chp_rwlock_downgrade(&l->rwlock); return &l->value; } \
	CHP__INLINE T *name##_try_upgrade(name *l) \
	{ \
		return chp_rwlock_try_upgrade(&l->rwlock) == 0 ? &l->value \
							       : NULL; \
	} \
	CHP__INLINE void name##_read_unlock(name *l) \
	{ chp_rwlock_read_unlock(&l->rwlock); } \
	CHP__INLINE void name##_write_unlock(name *l) \
	{ chp_rwlock_write_unlock(&l->rwlock); } \
	struct name##__needs_a_semicolon
/* clang-format on */

#ifdef __cplusplus
}
#endif

#endif
