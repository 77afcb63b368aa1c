/*
 * scale.c - park.1M, sleep.1M and idle.10k: very many tasks that wait.
 */
#include "bench.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

static chp_semaphore gate;
static chp_task *tasks;
static long many;

static double resident(void)
{
	unsigned long total, pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%lu %lu", &total, &pages) != 2)
		pages = 0;
	if (f)
		fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double cpu_clock(void)
{
	return (double)clock() * 1e9 / CLOCKS_PER_SEC;
}

/* ---- Waiting for one semaphore ---- */

static void *pass_gate(void *arg)
{
	OK(chp_semaphore_acquire(&gate, 1));
	return arg;
}

static double park_body(long ops)
{
	double before = resident(), start, cpu, bytes;

	many = ops;
	OK(chp_semaphore_init(&gate, 0, CHP_FIFO));
	cpu = cpu_clock();
	start = bench_clock();
	for (long i = 0; i < many; i++)
		OK(chp_spawn(&tasks[i], pass_gate, NULL));
	while (chp_semaphore_queue_length(&gate) < (size_t)many)
		chp_yield();
	start = bench_clock() - start;
	bench_print("chappe", "park.1M.mt", (double)many, start,
		    cpu_clock() - cpu);

	bytes = (resident() - before) / (double)many;
	bench_print("chappe", "park.1M.mt.bytes", 1, bytes, 0);

	cpu = cpu_clock();
	start = bench_clock();
	OK(chp_semaphore_release(&gate, many));
	for (long i = 0; i < many; i++)
		OK(chp_join(&tasks[i], NULL));
	start = bench_clock() - start;
	bench_print("chappe", "park.1M.mt.wake", (double)many, start,
		    cpu_clock() - cpu);
	return 0;
}

static double run(double (*body)(long ops), long ops)
{
	double r;

	/* Touched before, so as not to count. */
	tasks = malloc((size_t)ops * sizeof(*tasks));
	memset(tasks, 1, (size_t)ops * sizeof(*tasks));
	r = bench_mt(body, ops);
	free(tasks);
	return r;
}

static double park(long ops)
{
	return run(park_body, ops);
}

/* ---- Sleeping ---- */

static uint64_t lateness; /* atomic: sum of nanoseconds */

static void *sleep_a_while(void *arg)
{
	uint64_t seed = (uint64_t)(uintptr_t)arg * 6364136223846793005u + 1;
	chp_time until = chp_in((chp_time)(seed >> 33) % CHP_SEC);

	OK(chp_sleep_until(until));
	__atomic_fetch_add(&lateness, (uint64_t)(chp_now() - until),
			   __ATOMIC_RELAXED);
	return NULL;
}

static double sleep_body(long ops)
{
	double start = bench_now();

	lateness = 0;
	for (long i = 0; i < ops; i++)
		OK(chp_spawn(&tasks[i], sleep_a_while,
			     (void *)(uintptr_t)(i + 1)));
	for (long i = 0; i < ops; i++)
		OK(chp_join(&tasks[i], NULL));
	start = bench_now() - start;
	bench_notes.longest_ns = (double)lateness / (double)ops;
	return start;
}

static double sleep_all(long ops)
{
	return run(sleep_body, ops);
}

/* ---- Nothing to do ---- */

static void *spawn_waiters(void *arg)
{
	for (long i = 0; i < many; i++)
		OK(chp_spawn(&tasks[i], pass_gate, NULL));
	return arg;
}

static void *join_waiters(void *arg)
{
	OK(chp_semaphore_release(&gate, many));
	for (long i = 0; i < many; i++)
		OK(chp_join(&tasks[i], NULL));
	return arg;
}

/* Processor time, in its row's column of time, while five seconds pass. */
static double idle(long ops)
{
	double cpu, seconds = 5 * bench_scale;
	chp_runtime *rt;

	(void)ops;
	many = 10000;
	tasks = malloc((size_t)many * sizeof(*tasks));
	OK(chp_semaphore_init(&gate, 0, CHP_FIFO));
	OK(chp_runtime_new(&rt, &(chp_runtime_options){ .workers = 2 }));
	OK(chp_runtime_block_on(rt, spawn_waiters, NULL, NULL));
	while (chp_semaphore_queue_length(&gate) < (size_t)many)
		usleep(1000);

	cpu = cpu_clock();
	usleep((useconds_t)(seconds * 1e6));
	cpu = cpu_clock() - cpu;
	bench_print("chappe", "idle.10k.mt", 1, cpu, cpu);

	OK(chp_runtime_block_on(rt, join_waiters, NULL, NULL));
	OK(chp_runtime_shutdown(rt, 0, NULL, 0, NULL));
	free(tasks);
	return 0;
}

static const struct workload list[] = {
	{ "chappe", "park.1M.mt", 1000000, park },
	{ "chappe", "sleep.1M.mt", 1000000, sleep_all },
	{ "chappe", "idle.10k.mt", 1, idle },
};

const struct workload_list bench_scales = WORKLOADS(list);
