/*
 * contended.c - c.*: N tasks on two workers, or N threads, each in a loop:
 * acquire, 40 cycles of work, release.  They run for a time, and how often
 * each had its turn is counted; then again with a clock, for the longest wait.
 */
#include "contended.h"

#include <stdbool.h>
#include <string.h>

static chp_semaphore s;
static chp_mutex m;
static chp_rwlock l;
static enum kind kind;
static int yielding;

/* As in the peers' programs a loop knows its object, and decides nothing. */
#define ALWAYS static inline __attribute__((always_inline))

ALWAYS void acquire(enum kind k, bool write)
{
	if (write)
		chp_rwlock_write(&l);
	else if (k >= RW90)
		chp_rwlock_read(&l);
	else if (k >= MUTEX)
		chp_mutex_lock(&m);
	else
		chp_semaphore_acquire(&s, 1);
}

ALWAYS void release(enum kind k, bool write)
{
	if (write)
		chp_rwlock_write_unlock(&l);
	else if (k >= RW90)
		chp_rwlock_read_unlock(&l);
	else if (k >= MUTEX)
		chp_mutex_unlock(&m);
	else
		chp_semaphore_release(&s, 1);
}

static void make(enum kind k)
{
	kind = k;
	if (k <= UNFAIR)
		OK(chp_semaphore_init(&s, 1, (chp_policy)k));
	OK(chp_mutex_init(&m, k == MUTEX_FIFO ? CHP_MUTEX_FIFO : 0));
	OK(chp_rwlock_init(&l, CHP_RWLOCK_MAX_READERS));
}

/* ---- The parties ---- */

enum { MOST = 1000 };

static struct party {
	long turns;
	double longest;
	unsigned seed;
} __attribute__((aligned(64))) parties[MOST];

static int count;
static int stop;   /* atomic */
static int timing; /* read the clock around each acquire */

ALWAYS void turn(struct party *p, enum kind k)
{
	bool write = k == RW90 && p->turns % 10 == 0;

	acquire(k, write);
	bench_work(&p->seed);
	if (yielding)
		chp_yield();
	release(k, write);
}

ALWAYS void timed_turn(struct party *p, enum kind k)
{
	bool write = k == RW90 && p->turns % 10 == 0;
	double start = bench_clock(), waited;

	acquire(k, write);
	waited = bench_clock() - start;
	if (waited > p->longest)
		p->longest = waited;
	bench_work(&p->seed);
	if (yielding)
		chp_yield();
	release(k, write);
}

ALWAYS void run(struct party *p, enum kind k)
{
	for (; !__atomic_load_n(&stop, __ATOMIC_RELAXED); p->turns++)
		if (timing)
			timed_turn(p, k);
		else
			turn(p, k);
}

static void *work(void *arg)
{
	switch (kind) {
	case MUTEX:
	case MUTEX_FIFO:
		run(arg, MUTEX);
		break;
	case RW90:
		run(arg, RW90);
		break;
	case RW_READ:
		run(arg, RW_READ);
		break;
	default:
		run(arg, FIFO);
	}
	return NULL;
}

/* Let them run for so long; by tasks, or by threads. */
static void phase(bool tasks, int with_clock, double seconds)
{
	static union {
		chp_task task;
		pthread_t thread;
	} handles[MOST];

	timing = with_clock;
	__atomic_store_n(&stop, 0, __ATOMIC_RELAXED);
	for (int i = 0; i < count; i++) {
		if (tasks)
			OK(chp_spawn(&handles[i].task, work, &parties[i]));
		else
			OK(pthread_create(&handles[i].thread, NULL, work,
					  &parties[i]));
	}
	OK(chp_sleep_for((chp_time)(seconds * 1e9)));
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < count; i++) {
		if (tasks)
			OK(chp_join(&handles[i].task, NULL));
		else
			OK(-pthread_join(handles[i].thread, NULL));
	}
}

static double measure(bool tasks)
{
	double start, total = 0, least, longest = 0;

	memset(parties, 0, sizeof(parties));
	start = bench_now();
	phase(tasks, 0, bench_scale);
	start = bench_now() - start;
	least = (double)parties[0].turns;
	for (int i = 0; i < count; i++) {
		double turns = (double)parties[i].turns;

		total += turns;
		least = turns < least ? turns : least;
	}
	phase(tasks, 1, 0.3 * bench_scale);
	for (int i = 0; i < count; i++)
		if (parties[i].longest > longest)
			longest = parties[i].longest;
	bench_notes.ops = total;
	bench_notes.fairness = least * count / total;
	bench_notes.longest_ns = longest;
	return start;
}

static double tasks_body(long ops)
{
	(void)ops;
	return measure(true);
}

static double run_mt(enum kind k, int n, int yields, long ops)
{
	make(k);
	count = n;
	yielding = yields;
	return bench_mt(tasks_body, ops);
}

double contend_threads(enum kind k, int n)
{
	make(k);
	count = n;
	yielding = 0;
	return measure(false);
}

/* clang-format off */
#define MT(kind, n) \
	static double mt_##kind##_##n(long ops) \
	{ return run_mt(kind, n, 0, ops); }
#define MTY(kind, n) \
	static double mty_##kind##_##n(long ops) \
	{ return run_mt(kind, n, 1, ops); }
#define THR(kind, n) \
	static double thr_##kind##_##n(long ops) \
	{ (void)ops; return contend_threads(kind, n); }
/* clang-format on */

MT(FIFO, 2)
MT(FIFO, 64)
MT(FIFO, 1000)
MT(UNFAIR, 2)
MT(UNFAIR, 64)
MT(UNFAIR, 1000)
MTY(FIFO, 64)
MTY(UNFAIR, 64)
THR(FIFO, 8)
THR(UNFAIR, 8)
THR(UNFAIR, 64)
THR(FIFO, 64)
MT(MUTEX, 64)
MT(MUTEX_FIFO, 64)
MTY(MUTEX, 64)
MT(RW90, 64)
THR(MUTEX, 8)
THR(MUTEX, 64)
THR(RW90, 64)

static const struct workload list[] = {
	{ "chappe/fifo", "c.sem.2.mt", 1, mt_FIFO_2 },
	{ "chappe/unfair", "c.sem.2.mt", 1, mt_UNFAIR_2 },
	{ "chappe/fifo", "c.sem.64.mt", 1, mt_FIFO_64 },
	{ "chappe/unfair", "c.sem.64.mt", 1, mt_UNFAIR_64 },
	{ "chappe/fifo", "c.sem.1000.mt", 1, mt_FIFO_1000 },
	{ "chappe/unfair", "c.sem.1000.mt", 1, mt_UNFAIR_1000 },
	{ "chappe/fifo", "c.semy.64.mt", 1, mty_FIFO_64 },
	{ "chappe/unfair", "c.semy.64.mt", 1, mty_UNFAIR_64 },
	{ "chappe/fifo", "c.sem.8.thr", 1, thr_FIFO_8 },
	{ "chappe/fifo", "c.sem.64.thr", 1, thr_FIFO_64 },
	{ "chappe/unfair", "c.sem.8.thr", 1, thr_UNFAIR_8 },
	{ "chappe/unfair", "c.sem.64.thr", 1, thr_UNFAIR_64 },
	{ "chappe", "c.mutex.64.mt", 1, mt_MUTEX_64 },
	{ "chappe/fifo", "c.mutex.64.mt", 1, mt_MUTEX_FIFO_64 },
	{ "chappe", "c.mutexy.64.mt", 1, mty_MUTEX_64 },
	{ "chappe", "c.rw90.64.mt", 1, mt_RW90_64 },
	{ "chappe", "c.mutex.8.thr", 1, thr_MUTEX_8 },
	{ "chappe", "c.mutex.64.thr", 1, thr_MUTEX_64 },
	{ "chappe", "c.rw90.64.thr", 1, thr_RW90_64 },
};

const struct workload_list bench_contended = WORKLOADS(list);
