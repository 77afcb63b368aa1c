/*
 * lock.h - what the suites of mutex, rwlock and condition variable share:
 * locking as the mode asks for, agents and pollers that queue, two parties
 * that act at the same moment, memory that tells of late touches.
 *
 * In the blocking modes the wrappers call the library's own blocking function,
 * so that it is tested; h_wait() would go around it.
 */
#ifndef CHAPPE_TESTS_LOCK_H
#define CHAPPE_TESTS_LOCK_H

#include "sem.h"

/* One test for each policy of the mutex. */
/* clang-format off */
#define BY_FLAGS(test) \
	static void test##_by_default(void) { test(0); } \
	static void test##_in_fifo(void) { test(CHP_MUTEX_FIFO); }
#define TESTS(test, modes) \
	TEST(test##_by_default, modes), TEST(test##_in_fifo, modes)
/* clang-format on */

/* ---- Looking inside ---- */

/* How many wait: locks do not tell, and tests have to know. */
static inline uint32_t queued_in(const struct chp__pool *pool)
{
	return h_load(&pool->queued);
}

#define QUEUED(lock) queued_in(&(lock)->pool)

/* ---- Letting others run ---- */

/* Whoever could go would have gone by now. */
static inline void let_others_run(void)
{
	for (int i = 0; i < 50; i++)
		rest();
}

/* ---- Tasks and threads mixed ---- */

/* Of agents 0, 1, 2, ... every third is a plain thread in every mode. */
static inline void spawn_mixed(int i, struct h_agent *a, void *(*fn)(void *),
			       void *arg)
{
	(i % 3 == 2 ? h_spawn_thread : h_spawn)(a, fn, arg);
}

/* The agents are `stride` bytes apart. */
static inline void join_mixed(struct h_agent *first, int n, size_t stride)
{
	for (int i = 0; i < n; i++) {
		struct h_agent *a =
			(void *)((char *)first + (size_t)i * stride);

		if (i % 3 != 2) {
			h_join(a);
			continue;
		}
		/* Joining blocks the thread under the tasks it may wait for. */
		while (pthread_tryjoin_np(a->thread, NULL) == EBUSY)
			rest();
	}
}

/* ---- Locking ---- */

static inline int mutex_lock_with(chp_mutex *m, const chp_wait *w)
{
	chp_lock_op op;

	if (h_mode() != H_POLLED)
		return chp_mutex_lock_with(m, w);
	chp_mutex_lock_op(&op, m);
	return h_wait(&op.op, w);
}

static inline void mutex_lock(chp_mutex *m)
{
	if (h_mode() != H_POLLED)
		chp_mutex_lock(m);
	else
		CHECK_CODE(mutex_lock_with(m, NULL), 0);
}

/* One try that keeps the queue's order: what a newcomer gets at once. */
static inline int mutex_lock_at_once(chp_mutex *m)
{
	return mutex_lock_with(m, &(chp_wait){ .deadline = 1 });
}

static inline int rwlock_with(chp_rwlock *l, bool writes, const chp_wait *w)
{
	chp_rwlock_op op;

	if (h_mode() != H_POLLED)
		return writes ? chp_rwlock_write_with(l, w)
			      : chp_rwlock_read_with(l, w);
	(writes ? chp_rwlock_write_op : chp_rwlock_read_op)(&op, l);
	return h_wait(&op.op, w);
}

static inline void rwlock_read(chp_rwlock *l)
{
	if (h_mode() != H_POLLED)
		chp_rwlock_read(l);
	else
		CHECK_CODE(rwlock_with(l, false, NULL), 0);
}

static inline void rwlock_write(chp_rwlock *l)
{
	if (h_mode() != H_POLLED)
		chp_rwlock_write(l);
	else
		CHECK_CODE(rwlock_with(l, true, NULL), 0);
}

static inline void rwlock_unlock(chp_rwlock *l, bool writes)
{
	if (writes)
		chp_rwlock_write_unlock(l);
	else
		chp_rwlock_read_unlock(l);
}

/* Ended early, it has let go of the mutex, and the blocking call has not. */
static inline int cond_wait_with(chp_cond *c, chp_mutex *m, const chp_wait *w)
{
	chp_cond_op op;
	int r;

	if (h_mode() != H_POLLED)
		return w ? chp_cond_wait_with(c, m, w) : chp_cond_wait(c, m);
	/* h_wait would not touch it; the blocking call says so with m held. */
	if (w && w->cancel && (r = chp_cancel_status(w->cancel)) != 0)
		return r;
	chp_cond_wait_op(&op, c, m);
	r = h_wait(&op.op, w);
	if (r != 0)
		mutex_lock(m);
	return r;
}

/* ---- Waiters that are polled by hand ---- */

struct poller {
	union {
		chp_op op;
		chp_lock_op lock;
		chp_rwlock_op rwlock;
		chp_cond_op cond;
	};
	struct h_waker waker;
};

static inline int poll_again(struct poller *p)
{
	return h_poll(&p->op, &p->waker);
}

/* Poll; it waits, and has a place with a waker. */
static inline void poll_pends(struct poller *p)
{
	CHECK_CODE(poll_again(p), CHP_PENDING);
	CHECK_EQ(h_refs(&p->waker), 1);
}

/* It was woken so often, finishes, and leaves no waker behind. */
static inline void poll_ends(struct poller *p, unsigned wakes)
{
	CHECK_EQ(h_wakes(&p->waker), wakes);
	CHECK_CODE(poll_again(p), 0);
	CHECK(chp_op_is_finished(&p->op));
	CHECK_EQ(h_refs(&p->waker), 0);
	CHECK_EQ(h_wakes(&p->waker), wakes);
}

static inline void cancel_finds(struct poller *p, int found)
{
	CHECK_EQ(chp_op_cancel(&p->op), found);
	CHECK_EQ(h_refs(&p->waker), 0);
	CHECK(chp_op_is_finished(&p->op));
}

static inline void start_locker(struct poller *p, chp_mutex *m)
{
	memset(p, 0, sizeof(*p));
	chp_mutex_lock_op(&p->lock, m);
}

static inline void queue_locker(struct poller *p, chp_mutex *m)
{
	start_locker(p, m);
	poll_pends(p);
}

/* Taken by a poller: then it is nobody's, and anybody may unlock it. */
static inline void hold(chp_mutex *m)
{
	struct poller p;

	start_locker(&p, m);
	poll_ends(&p, 0);
}

static inline void start_rw(struct poller *p, chp_rwlock *l, bool writes)
{
	memset(p, 0, sizeof(*p));
	(writes ? chp_rwlock_write_op : chp_rwlock_read_op)(&p->rwlock, l);
}

static inline void queue_rw(struct poller *p, chp_rwlock *l, bool writes)
{
	start_rw(p, l, writes);
	poll_pends(p);
}

/* With the mutex held; then it is not. */
static inline void queue_waiter(struct poller *p, chp_cond *c, chp_mutex *m)
{
	memset(p, 0, sizeof(*p));
	chp_cond_wait_op(&p->cond, c, m);
	poll_pends(p);
}

/* ---- Debug builds ---- */

#ifdef CHP_DEBUG
enum { DEBUG_BUILD = 1 };
#else
enum { DEBUG_BUILD = 0 };
#endif

#endif
