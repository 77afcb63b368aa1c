/*
 * tasks.c - task.*: spawning, joining, yielding.
 */
#include "bench.h"

static void *nothing(void *arg)
{
	return arg;
}

static double spawn1_body(long ops)
{
	double start = bench_now();

	for (long i = 0; i < ops; i++) {
		chp_task task;

		chp_spawn(&task, nothing, NULL);
		chp_join(&task, NULL);
	}
	return bench_now() - start;
}

static double spawn1_ct(long ops)
{
	return bench_ct(spawn1_body, ops);
}

static double spawn1_mt(long ops)
{
	return bench_mt(spawn1_body, ops);
}

static double spawn1k_body(long ops)
{
	static chp_task tasks[1000];
	double start = bench_now();

	for (long done = 0; done < ops; done += 1000) {
		for (int i = 0; i < 1000; i++)
			chp_spawn(&tasks[i], nothing, NULL);
		for (int i = 0; i < 1000; i++)
			chp_join(&tasks[i], NULL);
	}
	return bench_now() - start;
}

static double spawn1k_ct(long ops)
{
	return bench_ct(spawn1k_body, ops);
}

static double spawn1k_mt(long ops)
{
	return bench_mt(spawn1k_body, ops);
}

static long yields;

static void *yield_loop(void *arg)
{
	for (long i = 0; i < yields; i++)
		chp_yield();
	return arg;
}

static double yield2_body(long ops)
{
	double start = bench_now();

	yields = ops / 2;
	bench_tasks_run(2, yield_loop, NULL);
	return bench_now() - start;
}

static double yield2_ct(long ops)
{
	return bench_ct(yield2_body, ops);
}

static double yield1k_body(long ops)
{
	double start = bench_now();

	yields = ops / 1000;
	bench_tasks_run(1000, yield_loop, NULL);
	return bench_now() - start;
}

static double yield1k_ct(long ops)
{
	return bench_ct(yield1k_body, ops);
}

static double yield1k_mt(long ops)
{
	return bench_mt(yield1k_body, ops);
}

static const struct workload list[] = {
	{ "chappe", "task.spawn1.ct", 300000, spawn1_ct },
	{ "chappe", "task.spawn1.mt", 300000, spawn1_mt },
	{ "chappe", "task.spawn1k.ct", 300000, spawn1k_ct },
	{ "chappe", "task.spawn1k.mt", 300000, spawn1k_mt },
	{ "chappe", "task.yield2.ct", 4000000, yield2_ct },
	{ "chappe", "task.yield1k.ct", 4000000, yield1k_ct },
	{ "chappe", "task.yield1k.mt", 4000000, yield1k_mt },
};

const struct workload_list bench_tasks = WORKLOADS(list);
