/*
 * contended.c - c.*: N tasks on two workers, or N threads, each in a loop:
 * acquire, about 25 ns of work, release.
 */
#include "bench.h"

static chp_semaphore s;
static long each;
static int yielding;

static void *work(void *arg)
{
	for (long i = 0; i < each; i++) {
		chp_semaphore_acquire(&s, 1);
		bench_work();
		if (yielding)
			chp_yield();
		chp_semaphore_release(&s, 1);
	}
	return arg;
}

static int parties;

static double tasks_body(long ops)
{
	double start = bench_now();

	each = ops / parties;
	bench_tasks_run(parties, work, NULL);
	return bench_now() - start;
}

static double run_mt(chp_policy policy, int n, int yields, long ops)
{
	OK(chp_semaphore_init(&s, 1, policy));
	parties = n;
	yielding = yields;
	return bench_mt(tasks_body, ops);
}

static double run_thr(chp_policy policy, int n, long ops)
{
	double start;

	OK(chp_semaphore_init(&s, 1, policy));
	yielding = 0;
	each = ops / n;
	start = bench_now();
	bench_threads_run(n, work, NULL);
	return bench_now() - start;
}

/* clang-format off */
#define MT(policy, n) \
	static double mt_##policy##_##n(long ops) \
	{ return run_mt(CHP_##policy, n, 0, ops); }
#define MTY(policy, n) \
	static double mty_##policy##_##n(long ops) \
	{ return run_mt(CHP_##policy, n, 1, ops); }
#define THR(policy, n) \
	static double thr_##policy##_##n(long ops) \
	{ return run_thr(CHP_##policy, n, ops); }
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
};

const struct workload_list bench_contended = WORKLOADS(list);
