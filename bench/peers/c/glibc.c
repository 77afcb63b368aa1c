/*
 * glibc.c - the C library's sem_t, mutex, condition variable and rwlock; a
 * semaphore and a queue made of mutex and condition variable.
 */
#include "peer.h"
#include "ring.h"

#include <gnu/libc-version.h>
#include <semaphore.h>
#include <time.h>

static sem_t s;
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;
static volatile long counter;

/* ---- A semaphore of mutex and condition variable ---- */

struct counted {
	pthread_mutex_t lock;
	pthread_cond_t some;
	long permits, waiting;
};

static struct counted n = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER,
			    1, 0 };

static void counted_acquire(struct counted *c)
{
	pthread_mutex_lock(&c->lock);
	c->waiting++;
	while (!c->permits)
		pthread_cond_wait(&c->some, &c->lock);
	c->waiting--;
	c->permits--;
	pthread_mutex_unlock(&c->lock);
}

static void counted_release(struct counted *c)
{
	bool wake;

	pthread_mutex_lock(&c->lock);
	c->permits++;
	wake = c->waiting > 0;
	pthread_mutex_unlock(&c->lock);
	if (wake)
		pthread_cond_signal(&c->some);
}

/* ---- A queue of the same ---- */

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t room, some;
	struct ring ring;
};

static void *queue_make(size_t capacity)
{
	struct queue *q = calloc(1, sizeof(*q));

	EXPECT(q != NULL);
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->room, NULL);
	pthread_cond_init(&q->some, NULL);
	ring_init(&q->ring, capacity);
	return q;
}

static bool queue_try_send(struct queue *q, uint64_t value)
{
	pthread_mutex_lock(&q->lock);
	if (ring_full(&q->ring)) {
		pthread_mutex_unlock(&q->lock);
		return false;
	}
	ring_put(&q->ring, value);
	pthread_mutex_unlock(&q->lock);
	pthread_cond_signal(&q->some);
	return true;
}

static bool queue_try_recv(struct queue *q, uint64_t *value)
{
	pthread_mutex_lock(&q->lock);
	if (!q->ring.used) {
		pthread_mutex_unlock(&q->lock);
		return false;
	}
	*value = ring_take(&q->ring);
	pthread_mutex_unlock(&q->lock);
	pthread_cond_signal(&q->room);
	return true;
}

static void queue_send(void *channel, uint64_t value)
{
	struct queue *q = channel;

	pthread_mutex_lock(&q->lock);
	while (ring_full(&q->ring))
		pthread_cond_wait(&q->room, &q->lock);
	ring_put(&q->ring, value);
	pthread_mutex_unlock(&q->lock);
	pthread_cond_signal(&q->some);
}

static uint64_t queue_recv(void *channel)
{
	struct queue *q = channel;
	uint64_t value;

	pthread_mutex_lock(&q->lock);
	while (!q->ring.used)
		pthread_cond_wait(&q->some, &q->lock);
	value = ring_take(&q->ring);
	pthread_mutex_unlock(&q->lock);
	pthread_cond_signal(&q->room);
	return value;
}

static void queue_drop(void *channel)
{
	struct queue *q = channel;

	free(q->ring.slots);
	pthread_mutex_destroy(&q->lock);
	pthread_cond_destroy(&q->room);
	pthread_cond_destroy(&q->some);
	free(q);
}

static const struct channel_class queue_class = { queue_make, queue_send,
						  queue_recv, queue_drop };

/* ---- Uncontended ---- */

/* clang-format off */
#define LOOP(name, permits, body) \
	static void name(struct pass *p) \
	{ \
		int bad = 0; \
		EXPECT(!sem_init(&s, 0, permits)); \
		peer_start(p); \
		for (long i = 0; i < p->ops; i++) { \
			body; \
		} \
		peer_stop(p); \
		peer_expect(!bad, #name); \
	}
/* clang-format on */

static int wait_a_second(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec++;
	return sem_clockwait(&s, CLOCK_MONOTONIC, &t);
}

LOOP(sem, 1, bad |= sem_wait(&s); bad |= sem_post(&s))
LOOP(sem_cond, 1, counted_acquire(&n); counted_release(&n))
LOOP(sem_try, 1, bad |= sem_trywait(&s); bad |= sem_post(&s))
LOOP(sem_tryfail, 0, bad |= !sem_trywait(&s))
LOOP(notify, 0, bad |= sem_post(&s); bad |= sem_wait(&s))
LOOP(timeout, 1, bad |= wait_a_second(); bad |= sem_post(&s))
LOOP(mutex, 0, bad |= pthread_mutex_lock(&m); counter++;
     bad |= pthread_mutex_unlock(&m))
LOOP(rw_read, 0, bad |= pthread_rwlock_rdlock(&l); counter++;
     bad |= pthread_rwlock_unlock(&l))
LOOP(rw_write, 0, bad |= pthread_rwlock_wrlock(&l); counter++;
     bad |= pthread_rwlock_unlock(&l))

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

PARTY(sem_party, sem_wait(&s), sem_post(&s))
PARTY(cond_party, counted_acquire(&n), counted_release(&n))
PARTY(mutex_party, pthread_mutex_lock(&m), pthread_mutex_unlock(&m))
PARTY(rw_party, i % 10 ? pthread_rwlock_rdlock(&l) : pthread_rwlock_wrlock(&l),
      pthread_rwlock_unlock(&l))

/* clang-format off */
#define CONTEND(name, count, fn) \
	static void name(struct pass *p) \
	{ \
		EXPECT(!sem_init(&s, 0, 1)); \
		peer_contend(p, count, fn); \
	}
#define CHANNEL(name, producers, capacity) \
	static void name(struct pass *p) \
	{ peer_channel(p, &queue_class, producers, capacity); }
/* clang-format on */

CONTEND(sem_8, 8, sem_party)
CONTEND(sem_64, 64, sem_party)
CONTEND(cond_8, 8, cond_party)
CONTEND(cond_64, 64, cond_party)
CONTEND(mutex_8, 8, mutex_party)
CONTEND(mutex_64, 64, mutex_party)
CONTEND(rw90_64, 64, rw_party)

CHANNEL(ch_1, 1, 1)
CHANNEL(ch_100, 1, 100)
CHANNEL(ch_unb, 1, 0)
CHANNEL(ch5_unb, 5, 0)

/* ---- Round trips ---- */

static sem_t there, back;

static void ask(long rounds)
{
	for (long i = 0; i < rounds; i++) {
		sem_post(&there);
		EXPECT(!sem_wait(&back));
	}
}

static void answer(long rounds)
{
	for (long i = 0; i < rounds; i++) {
		EXPECT(!sem_wait(&there));
		sem_post(&back);
	}
}

static void pp_sem(struct pass *p)
{
	EXPECT(!sem_init(&there, 0, 0) && !sem_init(&back, 0, 0));
	peer_duet(p, ask, answer);
}

static void actor(struct pass *p)
{
	peer_actor(p, &queue_class);
}

static void version(void)
{
	printf("glibc %s\n", gnu_get_libc_version());
}

static const struct workload list[] = {
	{ "glibc/sem_t", "u.sem", 5000000, sem },
	{ "glibc/mutex+cond", "u.sem", 5000000, sem_cond },
	{ "glibc/sem_t", "u.sem_try", 5000000, sem_try },
	{ "glibc/sem_t", "u.sem_tryfail", 5000000, sem_tryfail },
	{ "glibc/mutex", "u.mutex", 5000000, mutex },
	{ "glibc/rwlock", "u.rw_read", 5000000, rw_read },
	{ "glibc/rwlock", "u.rw_write", 5000000, rw_write },
	{ "glibc/sem_t", "u.notify", 5000000, notify },
	{ "glibc/mutex+cond", "u.mpsc", 2000000, mpsc },
	{ "glibc/mutex+cond", "u.mpsc_try", 2000000, mpsc_try_100 },
	{ "glibc/mutex+cond", "u.mpsc_unb", 2000000, mpsc_try_unb },
	{ "glibc/sem_clockwait", "u.timeout", 2000000, timeout },
	{ "glibc/sem_t", "c.sem.8.thr", 1, sem_8 },
	{ "glibc/mutex+cond", "c.sem.8.thr", 1, cond_8 },
	{ "glibc/sem_t", "c.sem.64.thr", 1, sem_64 },
	{ "glibc/mutex+cond", "c.sem.64.thr", 1, cond_64 },
	{ "glibc/mutex", "c.mutex.8.thr", 1, mutex_8 },
	{ "glibc/mutex", "c.mutex.64.thr", 1, mutex_64 },
	{ "glibc/rwlock", "c.rw90.64.thr", 1, rw90_64 },
	{ "glibc/mutex+cond", "ch.b1.thr", 10000, ch_1 },
	{ "glibc/mutex+cond", "ch.b100.thr", 200000, ch_100 },
	{ "glibc/mutex+cond", "ch.unb.thr", 1000000, ch_unb },
	{ "glibc/mutex+cond", "ch5.unb.thr", 1000000, ch5_unb },
	{ "glibc/sem_t", "pp.sem.t2", 10000, pp_sem },
	{ "glibc/mutex+cond+sem_t", "actor.10.thr", 100000, actor },
};

const struct peer peer_glibc = PEER(list, version);
