/*
 * counted.h - objects on the heap with a count of references and a value.
 *
 *	| struct counted | object | value |
 *
 * The release that drops the last reference (R) pairs with the acquire of
 * whoever then frees (A).
 */
#ifndef CHAPPE_SRC_SYNC_COUNTED_H
#define CHAPPE_SRC_SYNC_COUNTED_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "base/atomic.h"

/* refs has 64 bits, so that it cannot wrap. */
struct counted {
	chp_word64 refs;
	size_t object_size; /* rounded up */
	size_t value_size;
	void (*drop)(void *value);
} __attribute__((aligned(16)));

static inline struct counted *counted_of(const void *object)
{
	return (struct counted *)(uintptr_t)object - 1;
}

static inline void *counted_value(const void *object)
{
	return (char *)(uintptr_t)object + counted_of(object)->object_size;
}

static inline size_t counted_size(const struct counted *c)
{
	return sizeof(*c) + c->object_size + c->value_size;
}

/* All-zero but for the value; NULL: out of memory. */
static inline void *counted_new(size_t object_size, size_t value_size,
				const void *value, void (*drop)(void *value))
{
	size_t rounded = (object_size + 15) / 16 * 16;
	struct counted *c;

	if (value_size > SIZE_MAX / 2)
		return NULL;
	c = chp__alloc_zero(sizeof(*c) + rounded + value_size);
	if (!c)
		return NULL;
	store64_relaxed(&c->refs, 1);
	c->object_size = rounded;
	c->value_size = value_size;
	c->drop = drop;
	if (value && value_size)
		memcpy(counted_value(c + 1), value, value_size);
	return c + 1;
}

static inline void counted_ref(const void *object)
{
	/* Relaxed: made from a reference, so it cannot be the last. */
	add64_relaxed(&counted_of(object)->refs, 1);
}

/* True: that was the last; destroy the object, then counted_free(). */
static inline bool counted_unref(const void *object)
{
	/* (R) for all but the last, (A) for the last. */
	return add64_acq_rel(&counted_of(object)->refs, (uint64_t)-1) == 1;
}

static inline void counted_free(void *object)
{
	struct counted *c = counted_of(object);

	if (c->drop)
		c->drop(counted_value(object));
	chp__free(c, counted_size(c));
}

#endif
