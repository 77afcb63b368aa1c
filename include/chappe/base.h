/*
 * base.h - what every other Chappe header stands on: result codes, the shared
 * words inside public objects, the allocator hook, the version.
 *
 * Results.  Calls that can fail return int: 0 or a count or an index on
 * success, else one of the negative codes below.  Codes equal -errno where an
 * errno value fits.  errno itself is never an output; a call that waits leaves
 * it as it found it.
 *
 * Misuse.  A bad argument comes back as CHP_EINVAL.  A broken rule that leaves
 * no caller to tell (destroying an object that has waiters, polling a finished
 * operation) writes one sentence to stderr and calls abort(), in every build.
 *
 * After fork() in a process with more than one thread, the child may use no
 * Chappe object and no call except to exec or _exit: other threads' waits and
 * wakes do not exist there.
 */
#ifndef CHAPPE_BASE_H
#define CHAPPE_BASE_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CHP_VERSION_MAJOR 0
#define CHP_VERSION_MINOR 1
#define CHP_VERSION_PATCH 0

/* Marks what the library exports. */
#define CHP_API __attribute__((visibility("default")))

/* private: for what typed wrappers expand to */
#define CHP__INLINE __attribute__((unused)) static inline

/* The version of the library that is running, as "0.1.0". */
CHP_API const char *chp_version(void);

/* Result codes.  Stable: a code keeps its name, its sign and its meaning. */
#define CHP_EINVAL    (-EINVAL)    /* a bad argument; nothing was done */
#define CHP_ENOMEM    (-ENOMEM)    /* out of memory, or of address space */
#define CHP_EAGAIN    (-EAGAIN)    /* a try_ call would have had to wait */
#define CHP_ETIMEDOUT (-ETIMEDOUT) /* the deadline passed */
#define CHP_EINTR     (-EINTR)     /* the caller was interrupted */
#define CHP_ECANCELED (-ECANCELED) /* the cancellation token was cancelled */
#define CHP_EOVERFLOW (-EOVERFLOW) /* a count would leave its range */
#define CHP_EBUSY     (-EBUSY)     /* in use in a way that excludes this */
#define CHP_EALREADY  (-EALREADY)  /* done before, and once is all there is */
#define CHP_ESRCH     (-ESRCH)     /* no such task or thread any more */
#define CHP_ECLOSED   (-EPIPE)     /* the object or the other end is closed */
#define CHP_ENOSYS    (-ENOSYS)    /* not available on this system */
#define CHP_EABORTED  (-20001)     /* the calling task was aborted */
#define CHP_ELAGGED   (-20002)     /* values were overwritten before receipt */
#define CHP_EDISABLED (-20003)     /* every arm of a select is disabled */
#define CHP_ERESOLVE  (-20004)     /* a host name could not be resolved */

/* Not an error: the operation is not finished, a wake will follow. */
#define CHP_PENDING (-20000)

/*
 * A sentence for a result code ("the deadline passed"), and its name
 * ("CHP_ETIMEDOUT").  Any -errno is understood.  Never NULL; static text.
 */
CHP_API const char *chp_strerror(int code);
CHP_API const char *chp_errname(int code);

/*
 * Words that several tasks and threads touch.  Structs, so that no plain `==`
 * or `++` compiles on them by accident.  Private: only the library reads or
 * writes them.
 */
typedef struct chp_word {
	uint32_t v;
} chp_word;

typedef struct chp_word64 {
	uint64_t v;
} __attribute__((aligned(8))) chp_word64;

typedef struct chp_ptr {
	void *v;
} chp_ptr;

/*
 * The allocator for everything that the library puts on a heap: channels,
 * shared objects, runtimes.  (Stacks and the slots of tasks and threads are
 * pages from the system and stay with the process.  With malloc, a thread keeps
 * some small blocks that it frees until it ends.)  alloc returns memory
 * aligned as malloc's, or NULL; free_ is given the size that was asked for.
 */
typedef struct chp_allocator {
	void *(*alloc)(size_t size, void *user);
	void (*free_)(void *memory, size_t size, void *user);
	void *user;
} chp_allocator;

/*
 * Replace malloc and free.  Call it before anything else of the library, from
 * one thread; allocator is copied.  CHP_EBUSY once the library has allocated;
 * CHP_EINVAL if a function is NULL.
 */
CHP_API int chp_set_allocator(const chp_allocator *allocator);

#ifdef __cplusplus
}
#endif

#endif
