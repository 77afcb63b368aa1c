/*
 * set_once.h - a value that is set once and awaited by anybody.
 *
 *	CHP_SET_ONCE_DEFINE(address_once, struct address);
 *
 *	static address_once address;	// all-zero: not set
 *
 *	address_once_set(&address, bound);	// one of many may come first
 *	struct address *a;
 *	address_once_wait(&address, &a);	// elsewhere
 *
 * As a once cell (once_cell.h) whose value comes from somewhere else: nobody
 * takes a turn, whoever has the value sets it, and the first wins.  The value
 * stands beside the chp_set_once, in the caller's memory; for values of one
 * type use the macros at the end.
 *
 * Memory: what was done before the set that won happens before every call that
 * finds it set.  Destroying, and being destroyed while somebody waits: as a
 * once cell.  Not from signal handlers.  tokio: sync::SetOnce.
 */
#ifndef CHAPPE_SET_ONCE_H
#define CHAPPE_SET_ONCE_H

#include <chappe/once_cell.h>

#ifdef __cplusplus
extern "C" {
#endif

/* All-zero: not set. */
typedef struct chp_set_once {
	chp_once_cell cell; /* private */
} chp_set_once;

/* clang-format off */
#define CHP_SET_ONCE_INIT { CHP_ONCE_CELL_INIT }

/* Set from the start: its value stands beside it.  tokio: new_with. */
#define CHP_SET_ONCE_INIT_SET { CHP_ONCE_CELL_INIT_SET }
/* clang-format on */

/* Is the value there?  From then on, without end (but for take). */
CHP_API int chp_set_once_initialized(const chp_set_once *s);

/*
 * Copy `size` bytes of *value to *place, where the value lives, and tell all
 * who wait.  0: it is set now.  CHP_EALREADY: another was first; place was not
 * touched, and the value is there to be read.  (A loser that comes while the
 * winner still copies waits that long, and no longer.)  size 0: place and
 * value may be NULL.
 */
CHP_API int chp_set_once_set(chp_set_once *s, void *place, const void *value,
			     size_t size);

/* Wait until it is set.  0, or what ended the wait. */
CHP_API int chp_set_once_wait(chp_set_once *s);
CHP_API int chp_set_once_wait_with(chp_set_once *s, const chp_wait *w);

/* As an operation.  Cancelling it loses nothing; it costs no budget. */
CHP_API void chp_set_once_wait_op(chp_once_op *op, chp_set_once *s);

/* As chp_once_cell_take.  tokio: into_inner. */
CHP_API int chp_set_once_take(chp_set_once *s);

/* Needed only to catch mistakes; the value is the caller's. */
CHP_API void chp_set_once_destroy(chp_set_once *s);

/*
 * CHP_SET_ONCE_DEFINE(name, T), at file scope, makes
 *
 *	typedef struct name { chp_set_once raw; T value; } name;
 *
 *	T *name_get(name *)           the value, or NULL: one load
 *	int name_initialized(const name *)
 *	int name_set(name *, T)       0, or CHP_EALREADY: then the value stays
 *	                              the caller's, and get gives the other
 *	int name_wait(name *, T **out)            out may be NULL
 *	int name_wait_with(name *, T **out, const chp_wait *)
 *	int name_take(name *, T *out) 1: moved to *out (NULL: destroyed); 0
 *	void name_destroy(name *)     destroys the value, too
 *
 * CHP_SET_ONCE_DEFINE_DROP(name, T, drop) takes a destructor, void drop(T *).
 */
/* clang-format off */
#define CHP_SET_ONCE_DEFINE(name, T) \
	CHP__INLINE void name##__drop(T *value) { (void)value; } \
	CHP__SET_ONCE_TYPED(name, T)

#define CHP_SET_ONCE_DEFINE_DROP(name, T, drop) \
	CHP__INLINE void name##__drop(T *value) { drop(value); } \
	CHP__SET_ONCE_TYPED(name, T)

#define CHP__SET_ONCE_TYPED(name, T) \
	typedef struct name { chp_set_once raw; T value; } name; \
	CHP__INLINE int name##_initialized(const name *s) \
	{ return chp__once_is_set(&s->raw.cell); } \
	CHP__INLINE T *name##_get(name *s) \
	{ return chp__once_is_set(&s->raw.cell) ? &s->value : NULL; } \
	CHP__INLINE int name##_set(name *s, T value) \
	{ return chp_set_once_set(&s->raw, &s->value, &value, sizeof(T)); } \
	CHP__INLINE int name##_wait_with(name *s, T **out, const chp_wait *w) \
	{ \
		int r = chp_set_once_wait_with(&s->raw, w); \
		if (out) \
			*out = r == 0 ? &s->value : NULL; \
		return r; \
	} \
	CHP__INLINE int name##_wait(name *s, T **out) \
	{ return name##_wait_with(s, out, NULL); } \
	CHP__INLINE int name##_take(name *s, T *out) \
	{ \
		if (!chp_set_once_take(&s->raw)) \
			return 0; \
		if (out) \
			*out = s->value; \
		else \
			name##__drop(&s->value); \
		return 1; \
	} \
	CHP__INLINE void name##_destroy(name *s) \
	{ \
		chp_set_once_destroy(&s->raw); \
		name##_take(s, NULL); \
	} \
	struct name##__needs_a_semicolon
/* clang-format on */

#ifdef __cplusplus
}
#endif

#endif
