/*
 * list.h - a doubly linked list through the elements, with a head in the
 * object.  Guarded by whatever guards the object.
 *
 * DEFINE_LIST(name, T) makes static functions for lists of T, whose links are
 * the members `next` and `prev`; a list is two pointers, first and last.
 */
#ifndef CHAPPE_SRC_BASE_LIST_H
#define CHAPPE_SRC_BASE_LIST_H

#include <stddef.h>

/* clang-format off */
#define DEFINE_LIST(name, T) \
	static inline void name##_append(T **first, T **last, T *e) \
	{ \
		e->next = NULL; \
		e->prev = *last; \
		if (*last) \
			(*last)->next = e; \
		else \
			*first = e; \
		*last = e; \
	} \
	__attribute__((unused)) static inline void name##_prepend( \
		T **first, T **last, T *e) \
	{ \
		e->prev = NULL; \
		e->next = *first; \
		if (*first) \
			(*first)->prev = e; \
		else \
			*last = e; \
		*first = e; \
	} \
	static inline void name##_remove(T **first, T **last, T *e) \
	{ \
		if (e->prev) \
			e->prev->next = e->next; \
		else \
			*first = e->next; \
		if (e->next) \
			e->next->prev = e->prev; \
		else \
			*last = e->prev; \
		e->next = e->prev = NULL; \
	} \
	struct name##_needs_a_semicolon

/* A queue through `next` alone. */
#define DEFINE_LIST_SINGLE(name, T) \
	static inline void name##_append(T **first, T **last, T *e) \
	{ \
		e->next = NULL; \
		if (*first) \
			(*last)->next = e; \
		else \
			*first = e; \
		*last = e; \
	} \
	__attribute__((unused)) static inline T *name##_pop(T **first, \
							    T **last) \
	{ \
		T *e = *first; \
		(void)last; \
		if (e) \
			*first = e->next; \
		return e; \
	} \
	struct name##_needs_a_semicolon
/* clang-format on */

#endif
