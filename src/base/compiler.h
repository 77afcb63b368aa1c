/*
 * compiler.h - the few compiler extensions the sources use, named once.
 */
#ifndef CHAPPE_SRC_BASE_COMPILER_H
#define CHAPPE_SRC_BASE_COMPILER_H

#include <stddef.h>

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* It holds, as the compiler cannot know. */
#define ASSUME(x) ((x) ? (void)0 : __builtin_unreachable())

#define NOINLINE      __attribute__((noinline))
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define COLD          __attribute__((cold, noinline))
/* The compiler must have x in a register, alone, here. */
#define IN_REGISTER(x) __asm__("" : "+r"(x))
#define CACHE_LINE     64
#define CACHE_ALIGNED  __attribute__((aligned(CACHE_LINE)))

/* The struct of type T whose member `member` is at p. */
#define container_of(p, T, member) ((T *)((char *)(p)-offsetof(T, member)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Costly checks of misuse. */
#ifdef CHP_DEBUG
enum { CHECKING = 1 };
#else
enum { CHECKING = 0 };
#endif

#endif
