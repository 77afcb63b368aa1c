/*
 * fiber_hooks.h - telling AddressSanitizer, ThreadSanitizer and Valgrind about
 * stacks and switches; nothing in other builds.
 *
 * Around every switch, by the one function that switches (worker.c):
 *
 *	fiber_leave(from, to, last)   just before; last: `from` will not return
 *	fiber_enter(now)              just after, on the other stack
 *
 * Three traps, each paid for by another project:
 *   1. ThreadSanitizer pops its shadow call stack at each function exit; so
 *      entering and leaving must happen in the same function on both sides.
 *      These are always_inline for that.
 *   2. Older runtimes crash when a fiber that never ran is destroyed: fibers
 *      belong to stacks here, are made at the first run and kept for many.
 *   3. AddressSanitizer must not be told that a stack is free before the
 *      switch away from it is over: see stack.c.
 */
#ifndef CHAPPE_SRC_TASK_FIBER_HOOKS_H
#define CHAPPE_SRC_TASK_FIBER_HOOKS_H

#include <stddef.h>

#include "base/compiler.h"
#include "base/sanitizer.h"

#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#define CHP_VALGRIND 1
#endif
#endif

#if CHP_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if CHP_TSAN
#include <sanitizer/tsan_interface.h>
#endif

/* What the tools know of one stack. */
struct fiber {
	const void *bottom; /* lowest address */
	size_t size;
	void *asan_fake;
	void *tsan_fiber;
	unsigned tsan_tasks; /* that have run on it */
	unsigned valgrind_id;
};

/* Instrumented code needs more stack. */
static inline size_t fiber_stack_scale(void)
{
#if CHP_ASAN || CHP_TSAN
	return 4;
#else
	return 1;
#endif
}

/* The stack of the calling thread, before its first switch. */
static inline void fiber_init_thread(struct fiber *f)
{
	f->bottom = NULL;
	f->size = 0;
	f->asan_fake = NULL;
	f->tsan_fiber = NULL;
#if CHP_TSAN
	f->tsan_fiber = __tsan_get_current_fiber();
#endif
}

/* A stack of ours; once for its life. */
static inline void fiber_init_stack(struct fiber *f, void *bottom, size_t size)
{
	f->bottom = bottom;
	f->size = size;
	f->asan_fake = NULL;
	f->tsan_fiber = NULL;
	f->tsan_tasks = 0;
	f->valgrind_id = 0;
#ifdef CHP_VALGRIND
	f->valgrind_id = VALGRIND_STACK_REGISTER(bottom, (char *)bottom + size);
#endif
}

/* The stack's memory goes away. */
static inline void fiber_fini(struct fiber *f)
{
	(void)f;
#if CHP_TSAN
	if (f->tsan_fiber)
		__tsan_destroy_fiber(f->tsan_fiber);
	f->tsan_fiber = NULL;
#endif
#ifdef CHP_VALGRIND
	VALGRIND_STACK_DEREGISTER(f->valgrind_id);
#endif
}

/* A task is about to run on the stack for the first time. */
static inline void fiber_start(struct fiber *f)
{
	f->asan_fake = NULL;
#if CHP_ASAN
	/* Frames of the last task that never returned left their marks. */
	ASAN_UNPOISON_MEMORY_REGION(f->bottom, f->size);
#endif
#if CHP_TSAN
	/* Each task leaves frames that never returned on the shadow call stack,
	   which would overflow after some thousand tasks. */
	if (f->tsan_fiber && ++f->tsan_tasks % 128 == 0) {
		__tsan_destroy_fiber(f->tsan_fiber);
		f->tsan_fiber = NULL;
	}
	if (!f->tsan_fiber)
		f->tsan_fiber = __tsan_create_fiber(0);
#endif
}

static ALWAYS_INLINE void fiber_leave(struct fiber *from, struct fiber *to,
				      int last)
{
	(void)from;
	(void)to;
	(void)last;
#if CHP_ASAN
	__sanitizer_start_switch_fiber(last ? NULL : &from->asan_fake,
				       to->bottom, to->size);
#endif
#if CHP_TSAN
	__tsan_switch_to_fiber(to->tsan_fiber, 0);
#endif
}

/* `before` is where we came from: a thread's stack is measured here. */
static ALWAYS_INLINE void fiber_enter(struct fiber *now, struct fiber *before)
{
	(void)now;
	(void)before;
#if CHP_ASAN
	const void *bottom;
	size_t size;

	__sanitizer_finish_switch_fiber(now->asan_fake, &bottom, &size);
	if (!before->bottom) {
		before->bottom = bottom;
		before->size = size;
	}
#endif
}

#endif
