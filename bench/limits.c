/*
 * limits.c - what the machine allows: the units that the bars are written in.
 */
#include "bench.h"

#include "task/context.h"

static double run_rmw(long ops)
{
	static uint64_t word;
	double start = bench_now();

	for (long i = 0; i < ops; i++)
		__atomic_fetch_add(&word, 1, __ATOMIC_ACQ_REL);
	return bench_now() - start;
}

static double run_clock(long ops)
{
	double start = bench_now();

	for (long i = 0; i < ops; i++) {
		chp_time now = chp_now();

		bench_use(&now);
	}
	return bench_now() - start;
}

/* A bare switch to and fro: two contexts, one call site. */

static void *contexts[2], *outside;
static long switches_left;
static int current;

static __attribute__((noinline)) void switch_over(void)
{
	int me = current;

	current = !me;
	chp__context_switch(&contexts[me], contexts[current], 0, NULL);
}

static void spin(void *pointer, uintptr_t word, struct onward *on)
{
	(void)pointer;
	(void)word;
	while (--switches_left > 0)
		switch_over();
	*on = (struct onward){ .to = outside };
}

static double run_switch(long ops)
{
	static char stacks[2][16384] __attribute__((aligned(16)));
	double start;

	for (int i = 0; i < 2; i++)
		contexts[i] =
			chp__context_make(stacks[i] + sizeof(stacks[i]), spin);
	switches_left = ops;
	current = 0;
	start = bench_now();
	chp__context_switch(&outside, contexts[0], 0, NULL);
	return bench_now() - start;
}

static const struct workload list[] = {
	{ "limit", "rmw", 20000000, run_rmw },
	{ "limit", "switch", 10000000, run_switch },
	{ "limit", "clock", 2000000, run_clock },
};

const struct workload_list bench_limits = WORKLOADS(list);
