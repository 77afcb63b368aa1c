/*
 * nsync.c - nsync's mutex (which is its rwlock too) and condition variable.
 */
#include "peer.h"
#include "ring.h"

#include <nsync.h>

#ifndef NSYNC_VERSION
#define NSYNC_VERSION "?"
#endif

static nsync_mu m;
static volatile long counter;

/* ---- A semaphore of mutex and condition variable ---- */

struct counted {
	nsync_mu lock;
	nsync_cv some;
	long permits;
};

static struct counted n, there, back;

static void counted_acquire(struct counted *c)
{
	nsync_mu_lock(&c->lock);
	while (!c->permits)
		nsync_cv_wait(&c->some, &c->lock);
	c->permits--;
	nsync_mu_unlock(&c->lock);
}

static bool counted_try(struct counted *c)
{
	bool there_is;

	nsync_mu_lock(&c->lock);
	there_is = c->permits > 0;
	c->permits -= there_is;
	nsync_mu_unlock(&c->lock);
	return there_is;
}

static void counted_release(struct counted *c)
{
	nsync_mu_lock(&c->lock);
	c->permits++;
	nsync_mu_unlock(&c->lock);
	nsync_cv_signal(&c->some);
}

/* ---- A queue of the same ---- */

struct queue {
	nsync_mu lock;
	nsync_cv room, some;
	struct ring ring;
};

static void *queue_make(size_t capacity)
{
	struct queue *q = calloc(1, sizeof(*q));

	EXPECT(q != NULL);
	ring_init(&q->ring, capacity);
	return q;
}

static bool queue_try_send(struct queue *q, uint64_t value)
{
	nsync_mu_lock(&q->lock);
	if (ring_full(&q->ring)) {
		nsync_mu_unlock(&q->lock);
		return false;
	}
	ring_put(&q->ring, value);
	nsync_mu_unlock(&q->lock);
	nsync_cv_signal(&q->some);
	return true;
}

static bool queue_try_recv(struct queue *q, uint64_t *value)
{
	nsync_mu_lock(&q->lock);
	if (!q->ring.used) {
		nsync_mu_unlock(&q->lock);
		return false;
	}
	*value = ring_take(&q->ring);
	nsync_mu_unlock(&q->lock);
	nsync_cv_signal(&q->room);
	return true;
}

static void queue_send(void *channel, uint64_t value)
{
	struct queue *q = channel;

	nsync_mu_lock(&q->lock);
	while (ring_full(&q->ring))
		nsync_cv_wait(&q->room, &q->lock);
	ring_put(&q->ring, value);
	nsync_mu_unlock(&q->lock);
	nsync_cv_signal(&q->some);
}

static uint64_t queue_recv(void *channel)
{
	struct queue *q = channel;
	uint64_t value;

	nsync_mu_lock(&q->lock);
	while (!q->ring.used)
		nsync_cv_wait(&q->some, &q->lock);
	value = ring_take(&q->ring);
	nsync_mu_unlock(&q->lock);
	nsync_cv_signal(&q->room);
	return value;
}

static void queue_drop(void *channel)
{
	struct queue *q = channel;

	free(q->ring.slots);
	free(q);
}

static const struct channel_class queue_class = { queue_make, queue_send,
						  queue_recv, queue_drop };

/* ---- Uncontended ---- */

/* clang-format off */
#define LOOP(name, permits_, body) \
	static void name(struct pass *p) \
	{ \
		bool bad = false; \
		n.permits = permits_; \
		peer_start(p); \
		for (long i = 0; i < p->ops; i++) { \
			body; \
		} \
		peer_stop(p); \
		peer_expect(!bad && n.permits == permits_, #name); \
	}
/* clang-format on */

LOOP(sem, 1, counted_acquire(&n); counted_release(&n))
LOOP(sem_try, 1, bad |= !counted_try(&n); counted_release(&n))
LOOP(sem_tryfail, 0, bad |= counted_try(&n))
LOOP(notify, 0, counted_release(&n); counted_acquire(&n))
LOOP(mutex, 0, nsync_mu_lock(&m); counter++; nsync_mu_unlock(&m))
LOOP(rw_read, 0, nsync_mu_rlock(&m); counter++; nsync_mu_runlock(&m))

static void mpsc(struct pass *p)
{
	void *q = queue_make(100);
	uint64_t bad = 0;

	peer_start(p);
	for (long i = 0; i < p->ops; i++) {
		queue_send(q, (uint64_t)i);
		bad |= queue_recv(q) ^ (uint64_t)i;
	}
	peer_stop(p);
	queue_drop(q);
	EXPECT(bad == 0);
}

static void mpsc_try(struct pass *p, size_t capacity)
{
	struct queue *q = queue_make(capacity);
	uint64_t bad = 0;

	peer_start(p);
	for (long i = 0; i < p->ops; i++) {
		uint64_t value = 0;

		bad |= !queue_try_send(q, (uint64_t)i);
		bad |= !queue_try_recv(q, &value);
		bad |= value ^ (uint64_t)i;
	}
	peer_stop(p);
	queue_drop(q);
	EXPECT(bad == 0);
}

static void mpsc_try_100(struct pass *p)
{
	mpsc_try(p, 100);
}

static void mpsc_try_unb(struct pass *p)
{
	mpsc_try(p, 0);
}

/* ---- Contended ---- */

static void enter_rw90(long i)
{
	if (i % 10)
		nsync_mu_rlock(&m);
	else
		nsync_mu_lock(&m);
}

static void leave_rw90(long i)
{
	if (i % 10)
		nsync_mu_runlock(&m);
	else
		nsync_mu_unlock(&m);
}

PARTY(sem_party, counted_acquire(&n), counted_release(&n))
PARTY(mutex_party, nsync_mu_lock(&m), nsync_mu_unlock(&m))
PARTY(rw_party, enter_rw90(i), leave_rw90(i))

/* clang-format off */
#define CONTEND(name, count, fn) \
	static void name(struct pass *p) \
	{ \
		n.permits = 1; \
		peer_contend(p, count, fn); \
	}
#define CHANNEL(name, producers, capacity) \
	static void name(struct pass *p) \
	{ peer_channel(p, &queue_class, producers, capacity); }
/* clang-format on */

CONTEND(sem_8, 8, sem_party)
CONTEND(sem_64, 64, sem_party)
CONTEND(mutex_8, 8, mutex_party)
CONTEND(mutex_64, 64, mutex_party)
CONTEND(rw90_64, 64, rw_party)

CHANNEL(ch_1, 1, 1)
CHANNEL(ch_100, 1, 100)
CHANNEL(ch_unb, 1, 0)
CHANNEL(ch5_unb, 5, 0)

/* ---- Round trips ---- */

static void ask(long rounds)
{
	for (long i = 0; i < rounds; i++) {
		counted_release(&there);
		counted_acquire(&back);
	}
}

static void answer(long rounds)
{
	for (long i = 0; i < rounds; i++) {
		counted_acquire(&there);
		counted_release(&back);
	}
}

static void pp_sem(struct pass *p)
{
	peer_duet(p, ask, answer);
	EXPECT(there.permits == 0 && back.permits == 0);
}

static void version(void)
{
	printf("nsync %s\n", NSYNC_VERSION);
}

static const struct workload list[] = {
	{ "nsync/mu+cv", "u.sem", 5000000, sem },
	{ "nsync/mu+cv", "u.sem_try", 5000000, sem_try },
	{ "nsync/mu+cv", "u.sem_tryfail", 5000000, sem_tryfail },
	{ "nsync/mu", "u.mutex", 5000000, mutex },
	{ "nsync/mu", "u.rw_read", 5000000, rw_read },
	{ "nsync/mu", "u.rw_write", 5000000, mutex },
	{ "nsync/mu+cv", "u.notify", 5000000, notify },
	{ "nsync/mu+cv", "u.mpsc", 2000000, mpsc },
	{ "nsync/mu+cv", "u.mpsc_try", 2000000, mpsc_try_100 },
	{ "nsync/mu+cv", "u.mpsc_unb", 2000000, mpsc_try_unb },
	{ "nsync/mu+cv", "c.sem.8.thr", 1, sem_8 },
	{ "nsync/mu+cv", "c.sem.64.thr", 1, sem_64 },
	{ "nsync/mu", "c.mutex.8.thr", 1, mutex_8 },
	{ "nsync/mu", "c.mutex.64.thr", 1, mutex_64 },
	{ "nsync/mu", "c.rw90.64.thr", 1, rw90_64 },
	{ "nsync/mu+cv", "ch.b1.thr", 10000, ch_1 },
	{ "nsync/mu+cv", "ch.b100.thr", 200000, ch_100 },
	{ "nsync/mu+cv", "ch.unb.thr", 1000000, ch_unb },
	{ "nsync/mu+cv", "ch5.unb.thr", 1000000, ch5_unb },
	{ "nsync/mu+cv", "pp.sem.t2", 10000, pp_sem },
};

const struct peer peer_nsync = PEER(list, version);
