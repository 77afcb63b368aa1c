/*
 * stack.h - stacks for tasks: pooled, guarded, never in short supply.
 *
 * A stack's descriptor lies at its top end, in the page that is touched anyway.
 * Stacks come in classes by size, sixteen KiB times a power of two, from slabs
 * of 64 that stay mapped; pools belong to the process, so that a stack outlives
 * the runtime that used it.
 */
#ifndef CHAPPE_SRC_TASK_STACK_H
#define CHAPPE_SRC_TASK_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <chappe/runtime.h>

#include "task/fiber_hooks.h"

enum stack_guard_kind { STACK_MARKER, STACK_PROTECTED, STACK_CANARY };

struct stack {
	struct stack *next; /* in a cache or a slab's free list */
	struct slab *slab;
	char *low; /* lowest address, where the guard is */
	uint8_t cls;
	uint8_t guard; /* enum stack_guard_kind */
	struct fiber fiber;
} __attribute__((aligned(16))); /* as a context's start must be */

#define STACK_SIZE_MIN     ((size_t)16 << 10)
#define STACK_SIZE_DEFAULT ((size_t)64 << 10)
#define STACK_SIZE_MAX     ((size_t)1 << 30)

/* The size class for `size` bytes (0: the default); -1: too large. */
int chp__stack_class(size_t size);

/* A stack of the class, or NULL when out of memory. */
struct stack *chp__stack_get(int cls, bool budget_only);

/* Nobody runs on it any more. */
void chp__stack_put(struct stack *s);

/* Where a context may start. */
static inline void *stack_top(struct stack *s)
{
	return s;
}

/* Is the address in the guard of this stack? */
bool chp__stack_guards(const struct stack *s, const void *address);

/* Has the stack been overrun, as far as its canary shows? */
bool chp__stack_overrun(const struct stack *s);

static inline bool stack_canary_dead(const struct stack *s)
{
	return unlikely(s->guard == STACK_CANARY) && chp__stack_overrun(s);
}

/* In use or kept, of all runtimes; and without a guard. */
void chp__stack_counts(size_t *total, size_t *unguarded);

#endif
