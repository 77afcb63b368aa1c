/*
 * sanitizer.h - is this a build for a sanitizer, and which?  The one file that
 * asks the compiler.
 */
#ifndef CHAPPE_SRC_BASE_SANITIZER_H
#define CHAPPE_SRC_BASE_SANITIZER_H

#ifdef __has_feature
#define CHP_HAS_FEATURE(feature) __has_feature(feature)
#else
#define CHP_HAS_FEATURE(feature) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || CHP_HAS_FEATURE(address_sanitizer)
#define CHP_ASAN 1
#else
#define CHP_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__) || CHP_HAS_FEATURE(thread_sanitizer)
#define CHP_TSAN 1
#else
#define CHP_TSAN 0
#endif

/* It needs to see every write, so no system call that it does not know. */
#if CHP_HAS_FEATURE(memory_sanitizer)
#define CHP_MSAN 1
#else
#define CHP_MSAN 0
#endif

enum {
	/* Give memory back at once, so that a use after that is seen. */
	WATCHED = CHP_ASAN || CHP_TSAN || CHP_MSAN,
	/* Every wake moves a task to another worker: see schedule.c. */
	MIGRATING = WATCHED,
};

#endif
