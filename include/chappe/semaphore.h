/*
 * semaphore.h - a counting semaphore for tasks, threads and pollers alike.
 *
 * It holds a signed number of permits.  acquire takes n of them, all or none,
 * and waits while there are fewer; release adds n.  Whoever releases need not
 * have acquired.  All that tokio's Semaphore and Java's Semaphore do, with the
 * order among waiters chosen per object:
 *
 *                          CHP_FIFO        CHP_FAIR        CHP_UNFAIR
 *   like                   tokio           Java, fair      Java, default
 *   waiters go             in order        in order        in order
 *   acquire, others wait   queues          queues          takes what is free
 *   try, others wait       CHP_EAGAIN      takes           takes
 *   acquire(0), count>=0   passes          queues if       passes
 *                          the queue       others wait
 *   acquire(0), count<0    waits           waits           waits
 *   available, others wait at most 0 (1)   the count       the count
 *   drain, others wait     takes none (1)  takes           takes
 *   release, others wait   hands over      hands over      adds, wakes the
 *                                                          oldest to compete
 *   closed                 acquire and try: CHP_ECLOSED; all else goes on
 *
 *   (1) what is there is reserved for the oldest waiter.
 *
 * In every mode a waiter that wants many holds up those behind it, and a
 * request larger than will ever be there waits for ever.  An UNFAIR waiter
 * overtaken for 1 ms is handed the permits next (bounded barging).
 *
 *	static chp_semaphore slots = CHP_SEMAPHORE_INIT(100, CHP_FAIR);
 *
 *	if (chp_semaphore_acquire(&slots, 1) == 0) {
 *		use_one();
 *		chp_semaphore_release(&slots, 1);
 *	}
 *
 * Memory: acquires, releases and all other changes of the count form one chain
 * in which each sees everything before the earlier ones; so an acquire fed by
 * several releases sees all of them.  A failed try promises nothing.
 *
 * Destroying: once an acquire has returned, its caller may destroy and free
 * the semaphore, if it knows that no other call is in progress but the release
 * that fed it.  Destroying it with waiters is misuse.
 *
 * Not from signal handlers; not shared between processes; no priority
 * inheritance.  Where the JDK class is known to misbehave, this one does what
 * its page says: a count never wraps (64-bit, checked), a drain of a negative
 * count wakes waiters for 0, short timed tries cannot livelock.
 */
#ifndef CHAPPE_SEMAPHORE_H
#define CHAPPE_SEMAPHORE_H

#include <chappe/agent.h>
#include <chappe/pool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum chp_policy {
	CHP_FIFO = 0,
	CHP_FAIR = 1,
	CHP_UNFAIR = 2,
} chp_policy;

/* The count stays within -CHP_SEMAPHORE_MAX .. CHP_SEMAPHORE_MAX. */
#define CHP_SEMAPHORE_MAX CHP__POOL_MAX

/* All-zero: no permits, CHP_FIFO.  Fields are private. */
typedef struct chp_semaphore {
	struct chp__pool pool;
	chp_word64 capacity;
	uint32_t policy;
	uint32_t reserved_32;
	const char *name;
	void *reserved[2];
} chp_semaphore;

/* clang-format off */
#define CHP_SEMAPHORE_INIT(permits, policy_) \
	{ { { (uint64_t)(int64_t)(permits) << CHP__POOL_SHIFT }, NULL, NULL, { 0 }, { 0 } }, \
	  { (uint64_t)(int64_t)(permits) }, (policy_), 0, NULL, \
	  { NULL, NULL } }
/* clang-format on */

/*
 * permits may be negative: then releases must come first.  CHP_EINVAL if it
 * is out of range or the policy unknown.  Java: Semaphore(permits, fair).
 */
CHP_API int chp_semaphore_init(chp_semaphore *s, int64_t permits,
			       chp_policy policy);

/* Needed only to catch mistakes: destroying with waiters is misuse. */
CHP_API void chp_semaphore_destroy(chp_semaphore *s);

/* ---- Acquiring ---- */

/*
 * Take n permits, waiting for them.  0; CHP_EINVAL if n < 0; CHP_ECLOSED; or
 * what ended the wait, and then nothing is held.  n may be 0: see the table.
 * tokio: acquire_many, blocking_acquire_many.  Java: acquire(n); with
 * CHP_UNINTERRUPTIBLE acquireUninterruptibly(n); with a deadline
 * tryAcquire(n, timeout, unit), which keeps the queue's order.
 */
CHP_API int chp_semaphore_acquire(chp_semaphore *s, int64_t n);
CHP_API int chp_semaphore_acquire_with(chp_semaphore *s, int64_t n,
				       const chp_wait *w);

/*
 * Take n permits if that needs no waiting, else CHP_EAGAIN.  Ignores
 * interruption.  tokio: try_acquire_many.  Java: tryAcquire(n).
 */
CHP_API int chp_semaphore_try_acquire(chp_semaphore *s, int64_t n);

/*
 * Acquiring as an operation.  Result 0 or CHP_ECLOSED.  Cancelling it loses
 * its place; permits that it had been handed go to those behind it, or back to
 * the count (CHP_GAVE_BACK).  n < 0: the first poll returns CHP_EINVAL.
 */
typedef struct chp_acquire_op {
	union {
		chp_op op;
		chp__pool_op wait;
	};
	chp_semaphore *semaphore;
	struct chp_permit *permit;
	uint32_t owned, reserved;
} chp_acquire_op;

CHP_API void chp_semaphore_acquire_op(chp_acquire_op *op, chp_semaphore *s,
				      int64_t n);

/* ---- Changing the count; none of these waits ---- */

/*
 * Add n permits and serve waiters.  Allowed after close.  0; CHP_EINVAL if
 * n < 0; CHP_EOVERFLOW, and no change.  n = 0 is legal and does nothing.
 * tokio: add_permits.  Java: release(n).
 */
CHP_API int chp_semaphore_release(chp_semaphore *s, int64_t n);

/*
 * Take every permit that is available and return how many; a negative count
 * is set to 0 and returned.  Java: drainPermits.
 */
CHP_API int64_t chp_semaphore_drain(chp_semaphore *s);

/*
 * Subtract n without waiting; the count may become negative.  0, CHP_EINVAL if
 * n < 0, CHP_EOVERFLOW and no change.  Java: reducePermits.
 */
CHP_API int chp_semaphore_reduce(chp_semaphore *s, int64_t n);

/*
 * Take away up to n available permits; returns how many, or CHP_EINVAL if
 * n < 0.  tokio: forget_permits.
 */
CHP_API int64_t chp_semaphore_forget(chp_semaphore *s, int64_t n);

/*
 * The capacity is what init set; no acquire or release changes it.  resize
 * sets it and adds the difference to the count: growing serves waiters,
 * shrinking below what is in use makes the count negative until enough is
 * released.  0, CHP_EINVAL if capacity < 0, CHP_EOVERFLOW and no change.
 */
CHP_API int64_t chp_semaphore_capacity(const chp_semaphore *s);
CHP_API int chp_semaphore_resize(chp_semaphore *s, int64_t capacity);

/*
 * Fail every acquire, present and future, with CHP_ECLOSED, for good.  Permits
 * that were handed to a waiter that has not fetched them yet go back to the
 * count when it is polled again or cancelled (CHP_HELD_NOTHING).  tokio: close.
 */
CHP_API void chp_semaphore_close(chp_semaphore *s);
CHP_API int chp_semaphore_is_closed(const chp_semaphore *s);

/* ---- Looking: each true at some moment during the call ---- */

/* tokio: available_permits.  Java: availablePermits. */
CHP_API int64_t chp_semaphore_available(const chp_semaphore *s);

CHP_API chp_policy chp_semaphore_policy(const chp_semaphore *s);

/* Waiters served strictly in order?  1 for CHP_FIFO, CHP_FAIR.  Java: isFair */
CHP_API int chp_semaphore_is_fair(const chp_semaphore *s);

/*
 * How many wait, and whether anyone does.  A waiter whose call has returned is
 * not counted.  Java: getQueueLength, hasQueuedThreads.
 */
CHP_API size_t chp_semaphore_queue_length(const chp_semaphore *s);
CHP_API int chp_semaphore_has_waiters(const chp_semaphore *s);

typedef struct chp_waiter {
	chp_agent_kind kind;
	chp_agent agent; /* {0} for a poller */
	char name[CHP_NAME_MAX];
	int64_t permits; /* wanted */
	chp_time since;  /* when it queued, to within some milliseconds */
} chp_waiter;

/*
 * The first `max` waiters, oldest first, into out[]; returns how many waiters
 * there are.  Holds up releases while it copies.  Java: getQueuedThreads.
 */
CHP_API size_t chp_semaphore_waiters(chp_semaphore *s, chp_waiter *out,
				     size_t max);

/* A name for messages and for describe; static text. */
CHP_API void chp_semaphore_set_name(chp_semaphore *s, const char *name);

/*
 * "name[Permits = N]", or the address for a name, as snprintf writes it.
 * Java: toString.
 */
CHP_API int chp_semaphore_describe(const chp_semaphore *s, char *text,
				   size_t size);

/* What survives saving: count, capacity, policy.  Not: waiters, closing. */
typedef struct chp_semaphore_state {
	int64_t permits;
	int64_t capacity;
	uint32_t policy;
	uint32_t version; /* 1 */
} chp_semaphore_state;

/* The semaphore is undisturbed.  Java: serialization. */
CHP_API void chp_semaphore_save(const chp_semaphore *s,
				chp_semaphore_state *state);

/* Initialise *s from a saved state.  0, or CHP_EINVAL for a bad one. */
CHP_API int chp_semaphore_restore(chp_semaphore *s,
				  const chp_semaphore_state *state);

#ifdef __cplusplus
}
#endif

#include <chappe/semaphore_try.h>

#endif
