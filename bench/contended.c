/*
 * contended.c - c.*: N tasks on two workers, or N threads, each in a loop:
 * acquire, about 25 ns of work, release.
 */
#include "bench.h"

enum kind {
	FIFO = CHP_FIFO,
	FAIR = CHP_FAIR,
	UNFAIR = CHP_UNFAIR,
	MUTEX,
	MUTEX_FIFO,
	RW90
};

static chp_semaphore s;
static chp_mutex m;
static chp_rwlock l;
static enum kind kind;
static long each;
static int yielding;

static void hold(void)
{
	bench_work();
	if (yielding)
		chp_yield();
}

static void once(long i)
{
	switch (kind) {
	case MUTEX:
	case MUTEX_FIFO:
		chp_mutex_lock(&m);
		hold();
		chp_mutex_unlock(&m);
		return;
	case RW90:
		if (i % 10) {
			chp_rwlock_read(&l);
			hold();
			chp_rwlock_read_unlock(&l);
		} else {
			chp_rwlock_write(&l);
			hold();
			chp_rwlock_write_unlock(&l);
		}
		return;
	default:
		chp_semaphore_acquire(&s, 1);
		hold();
		chp_semaphore_release(&s, 1);
	}
}

static void *work(void *arg)
{
	for (long i = 0; i < each; i++)
		once(i);
	return arg;
}

static void make(enum kind k)
{
	kind = k;
	if (k <= UNFAIR)
		OK(chp_semaphore_init(&s, 1, (chp_policy)k));
	OK(chp_mutex_init(&m, k == MUTEX_FIFO ? CHP_MUTEX_FIFO : 0));
	OK(chp_rwlock_init(&l, CHP_RWLOCK_MAX_READERS));
}

static int parties;

static double tasks_body(long ops)
{
	double start = bench_now();

	each = ops / parties;
	bench_tasks_run(parties, work, NULL);
	return bench_now() - start;
}

static double run_mt(enum kind k, int n, int yields, long ops)
{
	make(k);
	parties = n;
	yielding = yields;
	return bench_mt(tasks_body, ops);
}

static double run_thr(enum kind k, int n, long ops)
{
	double start;

	make(k);
	yielding = 0;
	each = ops / n;
	start = bench_now();
	bench_threads_run(n, work, NULL);
	return bench_now() - start;
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
	{ return run_thr(kind, n, ops); }
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
MT(MUTEX, 64)
MT(MUTEX_FIFO, 64)
MTY(MUTEX, 64)
MT(RW90, 64)
THR(MUTEX, 8)
THR(MUTEX, 64)
THR(RW90, 64)

static const struct workload list[] = {
	{ "chappe/fifo", "c.sem.2.mt", 500000, mt_FIFO_2 },
	{ "chappe/unfair", "c.sem.2.mt", 500000, mt_UNFAIR_2 },
	{ "chappe/fifo", "c.sem.64.mt", 500000, mt_FIFO_64 },
	{ "chappe/unfair", "c.sem.64.mt", 500000, mt_UNFAIR_64 },
	{ "chappe/fifo", "c.sem.1000.mt", 500000, mt_FIFO_1000 },
	{ "chappe/unfair", "c.sem.1000.mt", 500000, mt_UNFAIR_1000 },
	{ "chappe/fifo", "c.semy.64.mt", 300000, mty_FIFO_64 },
	{ "chappe/unfair", "c.semy.64.mt", 300000, mty_UNFAIR_64 },
	{ "chappe/fifo", "c.sem.8.thr", 20000, thr_FIFO_8 },
	{ "chappe/unfair", "c.sem.8.thr", 2000000, thr_UNFAIR_8 },
	{ "chappe/unfair", "c.sem.64.thr", 2000000, thr_UNFAIR_64 },
	{ "chappe", "c.mutex.64.mt", 500000, mt_MUTEX_64 },
	{ "chappe/fifo", "c.mutex.64.mt", 500000, mt_MUTEX_FIFO_64 },
	{ "chappe", "c.mutexy.64.mt", 300000, mty_MUTEX_64 },
	{ "chappe", "c.rw90.64.mt", 500000, mt_RW90_64 },
	{ "chappe", "c.mutex.8.thr", 2000000, thr_MUTEX_8 },
	{ "chappe", "c.mutex.64.thr", 2000000, thr_MUTEX_64 },
	{ "chappe", "c.rw90.64.thr", 200000, thr_RW90_64 },
};

const struct workload_list bench_contended = WORKLOADS(list);
