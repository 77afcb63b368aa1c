/*
 * once_cell.h - a value that is made once, by whoever comes first.
 *
 *	CHP_ONCE_CELL_DEFINE(config_cell, struct config);
 *
 *	static config_cell config;	// all-zero: empty
 *
 *	struct config *c;
 *	if (config_cell_get_or_init(&config, load_config, path, &c) == 0)
 *		use(c);
 *
 * The first caller gets the turn and runs its init; those who come meanwhile
 * wait.  If init succeeds, all of them have the value.  If it fails, its caller
 * alone gets the error, and the one that has waited longest gets the turn and
 * runs its own init.  So it goes on, first come, first served, until one
 * succeeds.
 *
 * The cell stands beside its value and does not know it: chp_once_cell is the
 * turn, the value's storage is the caller's.  For values of one type, use the
 * macros at the end.  An init may wait; it runs outside all locks.  One that
 * uses its own cell waits for itself for ever.  An init must return: not by
 * longjmp, pthread_exit or a C++ exception.  (A task that is aborted has its
 * waits fail, so its init fails, and the turn goes on.)
 *
 * Memory: what was done before finish happens before every call that finds the
 * cell initialized; what was done before fail, before the next turn.
 *
 * Destroying: whoever has been told that the cell is initialized may destroy
 * it at once, if it knows that nobody else uses it.  While somebody waits or
 * has the turn, destroying and taking are misuse.
 *
 * Not from signal handlers.  tokio: sync::OnceCell; wait has no like there.
 */
#ifndef CHAPPE_ONCE_CELL_H
#define CHAPPE_ONCE_CELL_H

#include <chappe/op.h>

#ifdef __cplusplus
extern "C" {
#endif

/* All-zero: empty.  Fields are private. */
typedef struct chp_once_cell {
	chp_word word; /* src/sync/once.h */
	chp_node *first, *last;
	chp_node *watch_first, *watch_last;
	void *reserved[2];
} chp_once_cell;

/* clang-format off */
#define CHP__ONCE_SET 2u

#define CHP_ONCE_CELL_INIT \
	{ { 0 }, NULL, NULL, NULL, NULL, { NULL, NULL } }

/* Initialized from the start: its value stands beside it.  tokio: new_with. */
#define CHP_ONCE_CELL_INIT_SET \
	{ { CHP__ONCE_SET }, NULL, NULL, NULL, NULL, { NULL, NULL } }
/* clang-format on */

/* Is the value there?  From then on, without end (but for take). */
CHP_API int chp_once_cell_initialized(const chp_once_cell *c);

/* private: the same, inline, for the wrappers */
static inline int chp__once_is_set(const chp_once_cell *c)
{
	/* Acquire: pairs with the release that sets it, in src/sync/once.h. */
	return (__atomic_load_n(&c->word.v, __ATOMIC_ACQUIRE) &
		CHP__ONCE_SET) != 0;
}

/* ---- The turn ---- */

/*
 * Ask for the turn, waiting while another has it, in the order of first
 * waiting.  1: it is yours; make the value, then end it by finish or by fail.
 * 0: the cell is initialized.  Or what ended the wait.
 */
CHP_API int chp_once_cell_begin(chp_once_cell *c);
CHP_API int chp_once_cell_begin_with(chp_once_cell *c, const chp_wait *w);

/*
 * 1: the turn is yours.  CHP_EALREADY: the cell is initialized.  CHP_EBUSY:
 * another has the turn, or was given it and has not fetched it yet.
 */
CHP_API int chp_once_cell_try_begin(chp_once_cell *c);

/*
 * End the turn; neither waits.  Any task or thread may do it for the one that
 * began.  finish: the value is there; all who wait are told.  fail: it is not;
 * the next in line gets the turn, or the cell is empty as before.  Without the
 * turn both are misuse.
 */
CHP_API void chp_once_cell_finish(chp_once_cell *c);
CHP_API void chp_once_cell_fail(chp_once_cell *c);

/* ---- Looking on ---- */

/*
 * Wait until the cell is initialized, without ever taking the turn: across
 * failures, and before anybody has begun.  0, or what ended the wait.
 */
CHP_API int chp_once_cell_wait(chp_once_cell *c);
CHP_API int chp_once_cell_wait_with(chp_once_cell *c, const chp_wait *w);

/*
 * Both waits as operations.  Cancelling a begin loses its place; a turn that
 * it had been given goes to the next (CHP_GAVE_BACK).  A begin costs budget
 * unless the cell is initialized when it is made; a wait costs none.
 */
typedef struct chp_once_op {
	chp_op op;
	chp_once_cell *cell;
	chp_node node;
	void *reserved[2];
} chp_once_op;

CHP_API void chp_once_cell_begin_op(chp_once_op *op, chp_once_cell *c);
CHP_API void chp_once_cell_wait_op(chp_once_op *op, chp_once_cell *c);

/* ---- Emptying and destroying: for whoever alone uses the cell ---- */

/*
 * Make the cell empty, ready for another round.  1: it was initialized, and
 * the value is the caller's to keep or destroy.  0: it was empty already.
 * tokio: take, into_inner.
 */
CHP_API int chp_once_cell_take(chp_once_cell *c);

/* Needed only to catch mistakes; the value is the caller's. */
CHP_API void chp_once_cell_destroy(chp_once_cell *c);

/*
 * ---- Cells of one type ----
 *
 * CHP_ONCE_CELL_DEFINE(name, T), at file scope, makes
 *
 *	typedef struct name { chp_once_cell raw; T value; } name;
 *
 *	T *name_get(name *)           the value, or NULL: one load
 *	int name_initialized(const name *)
 *	int name_set(name *, T)       0, CHP_EALREADY or CHP_EBUSY: see
 *	                              try_begin; then the value stays the
 *	                              caller's
 *	int name_get_or_init(name *, int (*init)(T *value, void *arg),
 *	                     void *arg, T **out)
 *	                              0: *out is the value (out may be NULL).
 *	                              Else *out is NULL; it is what the
 *	                              caller's init returned, or what ended
 *	                              the wait.  If there is a value, no more
 *	                              is asked: neither budget nor interrupt.
 *	int name_wait(name *, T **out)
 *	int name_take(name *, T *out) 1: moved to *out (NULL: destroyed); 0
 *	void name_destroy(name *)     destroys the value, too
 *
 * and name_get_or_init_with, name_wait_with.  init makes the value in place
 * and returns 0; anything else is a failure, and leaves nothing to destroy.
 * One call serves tokio's get_or_init and get_or_try_init.  All-zero cells are
 * empty; one with a value: { CHP_ONCE_CELL_INIT_SET, ... }.  What has no
 * wrapper takes &cell.raw.
 *
 * CHP_ONCE_CELL_DEFINE_DROP(name, T, drop) takes a destructor, void drop(T *).
 */
/* clang-format off */
#define CHP_ONCE_CELL_DEFINE(name, T) \
	CHP__INLINE void name##__drop(T *value) { (void)value; } \
	CHP__ONCE_CELL_TYPED(name, T)

#define CHP_ONCE_CELL_DEFINE_DROP(name, T, drop) \
	CHP__INLINE void name##__drop(T *value) { drop(value); } \
	CHP__ONCE_CELL_TYPED(name, T)

#define CHP__ONCE_CELL_TYPED(name, T) \
	typedef struct name { chp_once_cell raw; T value; } name; \
	CHP__INLINE int name##_initialized(const name *c) \
	{ return chp__once_is_set(&c->raw); } \
	CHP__INLINE T *name##_get(name *c) \
	{ return chp__once_is_set(&c->raw) ? &c->value : NULL; } \
	CHP__INLINE int name##_set(name *c, T value) \
	{ \
		int r = chp_once_cell_try_begin(&c->raw); \
		if (r != 1) \
			return r; \
		c->value = value; \
		chp_once_cell_finish(&c->raw); \
		return 0; \
	} \
	CHP__INLINE int name##_get_or_init_with(name *c, \
		int (*init)(T *value, void *arg), void *arg, T **out, \
		const chp_wait *w) \
	{ \
		int r = chp__once_is_set(&c->raw) ? 0 : \
			chp_once_cell_begin_with(&c->raw, w); \
		if (r == 1) { \
			r = init(&c->value, arg); \
			if (r == 0) \
				chp_once_cell_finish(&c->raw); \
			else \
				chp_once_cell_fail(&c->raw); \
		} \
		if (out) \
			*out = r == 0 ? &c->value : NULL; \
		return r; \
	} \
	CHP__INLINE int name##_get_or_init(name *c, \
		int (*init)(T *value, void *arg), void *arg, T **out) \
	{ return name##_get_or_init_with(c, init, arg, out, NULL); } \
	CHP__INLINE int name##_wait_with(name *c, T **out, const chp_wait *w) \
	{ \
		int r = chp_once_cell_wait_with(&c->raw, w); \
		if (out) \
			*out = r == 0 ? &c->value : NULL; \
		return r; \
	} \
	CHP__INLINE int name##_wait(name *c, T **out) \
	{ return name##_wait_with(c, out, NULL); } \
	CHP__INLINE int name##_take(name *c, T *out) \
	{ \
		if (!chp_once_cell_take(&c->raw)) \
			return 0; \
		if (out) \
			*out = c->value; \
		else \
			name##__drop(&c->value); \
		return 1; \
	} \
	CHP__INLINE void name##_destroy(name *c) \
	{ \
		chp_once_cell_destroy(&c->raw); \
		name##_take(c, NULL); \
	} \
	struct name##__needs_a_semicolon
/* clang-format on */

#ifdef __cplusplus
}
#endif

#endif
