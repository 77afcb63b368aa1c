/*
 * ck.c - Concurrency Kit's spinning locks and its rings: limits, for nobody
 * sleeps. Who finds a ring full or empty spins, and then yields the processor.
 */
#include "peer.h"

#include <ck_pr.h>
#include <ck_ring.h>
#include <ck_rwlock.h>
#include <ck_spinlock.h>
#include <sched.h>

#ifndef CK_VERSION
#define CK_VERSION "?"
#endif

enum { SPINS = 100 };

static ck_spinlock_fas_t fas = CK_SPINLOCK_FAS_INITIALIZER;
static ck_rwlock_t l = CK_RWLOCK_INITIALIZER;
static volatile long counter;

/* ---- Uncontended ---- */

/* clang-format off */
#define LOOP(name, body) \
	static void name(struct pass *p) \
	{ \
		long first = counter; \
		peer_start(p); \
		for (long i = 0; i < p->ops; i++) { \
			body; \
		} \
		peer_stop(p); \
		peer_expect(counter == first + p->ops, #name); \
	}
/* clang-format on */

LOOP(mutex, ck_spinlock_fas_lock(&fas); counter++; ck_spinlock_fas_unlock(&fas))
LOOP(rw_read, ck_rwlock_read_lock(&l); counter++; ck_rwlock_read_unlock(&l))
LOOP(rw_write, ck_rwlock_write_lock(&l); counter++; ck_rwlock_write_unlock(&l))

/* ---- Rings: of one producer, or of many ---- */

struct queue {
	ck_ring_t ring;
	ck_ring_buffer_t *slots;
};

/* A ring's size is a power of two, and it holds one less. */
static void *queue_make(size_t capacity)
{
	struct queue *q = calloc(1, sizeof(*q));
	unsigned size = 4;

	EXPECT(q != NULL);
	while (size <= capacity)
		size *= 2;
	q->slots = calloc(size, sizeof(*q->slots));
	EXPECT(q->slots != NULL);
	ck_ring_init(&q->ring, size);
	return q;
}

static void relax(int *turns)
{
	if (++*turns < SPINS)
		ck_pr_stall();
	else
		sched_yield();
}

/* A ring has pointers in it: 0 is as good as another. */
static void *to_pointer(uint64_t value)
{
	return (void *)(uintptr_t)value;
}

/* clang-format off */
#define QUEUE(kind) \
	static bool kind##_try_send(struct queue *q, uint64_t value) \
	{ \
		return ck_ring_enqueue_##kind(&q->ring, q->slots, \
					      to_pointer(value)); \
	} \
	static bool kind##_try_recv(struct queue *q, uint64_t *value) \
	{ \
		void *got; \
		if (!ck_ring_dequeue_##kind(&q->ring, q->slots, &got)) \
			return false; \
		*value = (uint64_t)(uintptr_t)got; \
		return true; \
	} \
	static void kind##_send(void *channel, uint64_t value) \
	{ \
		int turns = 0; \
		while (!kind##_try_send(channel, value)) \
			relax(&turns); \
	} \
	static uint64_t kind##_recv(void *channel) \
	{ \
		uint64_t value; \
		int turns = 0; \
		while (!kind##_try_recv(channel, &value)) \
			relax(&turns); \
		return value; \
	} \
	static const struct channel_class kind##_class = { \
		queue_make, kind##_send, kind##_recv, queue_drop \
	}; \
	static void kind##_ch_100(struct pass *p) \
	{ peer_channel(p, &kind##_class, 1, 100); } \
	static void kind##_mpsc_try(struct pass *p) \
	{ \
		struct queue *q = queue_make(100); \
		uint64_t bad = 0; \
		peer_start(p); \
		for (long i = 0; i < p->ops; i++) { \
			uint64_t value = 0; \
			bad |= !kind##_try_send(q, (uint64_t)i); \
			bad |= !kind##_try_recv(q, &value); \
			bad |= value ^ (uint64_t)i; \
		} \
		peer_stop(p); \
		queue_drop(q); \
		EXPECT(bad == 0); \
	}
/* clang-format on */

static void queue_drop(void *channel)
{
	struct queue *q = channel;

	free(q->slots);
	free(q);
}

QUEUE(spsc)
QUEUE(mpsc)

/* ---- Contended: the back-off's lock, of those that barge ---- */

PARTY(fas_party, ck_spinlock_fas_lock_eb(&fas), ck_spinlock_fas_unlock(&fas))

static void mutex_8(struct pass *p)
{
	peer_contend(p, 8, fas_party);
}

static void mutex_64(struct pass *p)
{
	peer_contend(p, 64, fas_party);
}

static void version(void)
{
	printf("ck %s\n", CK_VERSION);
}

static const struct workload list[] = {
	{ "ck/spinlock-fas", "u.mutex", 5000000, mutex },
	{ "ck/rwlock", "u.rw_read", 5000000, rw_read },
	{ "ck/rwlock", "u.rw_write", 5000000, rw_write },
	{ "ck/ring-spsc", "u.mpsc_try", 5000000, spsc_mpsc_try },
	{ "ck/ring-mpsc", "u.mpsc_try", 5000000, mpsc_mpsc_try },
	{ "ck/spinlock-fas", "c.mutex.8.thr", 1, mutex_8 },
	{ "ck/spinlock-fas", "c.mutex.64.thr", 1, mutex_64 },
	{ "ck/ring-spsc", "ch.b100.thr", 1000000, spsc_ch_100 },
	{ "ck/ring-mpsc", "ch.b100.thr", 1000000, mpsc_ch_100 },
};

const struct peer peer_ck = PEER(list, version);
