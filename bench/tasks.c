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

/* ---- Stackless: chappe/poll ---- */

static int poll_nothing(void *state, chp_poll_ctx *ctx)
{
	(void)state;
	(void)ctx;
	return 0;
}

static double poll1k_body(long ops)
{
	static chp_task tasks[1000];
	double start = bench_now();

	for (long done = 0; done < ops; done += 1000) {
		for (int i = 0; i < 1000; i++)
			chp_spawn_poll(&tasks[i], poll_nothing, NULL);
		for (int i = 0; i < 1000; i++)
			chp_join(&tasks[i], NULL);
	}
	return bench_now() - start;
}

static double poll1k_ct(long ops)
{
	return bench_ct(poll1k_body, ops);
}

static double poll1k_mt(long ops)
{
	return bench_mt(poll1k_body, ops);
}

static long yields;

struct yielder {
	chp_coro co;
	long i;
};

static int poll_yield(void *state, chp_poll_ctx *ctx)
{
	struct yielder *y = state;

	CHP_CO_BEGIN(&y->co);
	for (y->i = 0; y->i < yields; y->i++)
		CHP_CO_YIELD(&y->co, ctx);
	CHP_CO_END(&y->co, 0);
}

static double poll_yield1k_body(long ops)
{
	struct yielder *y = calloc(1000, sizeof(*y));
	static chp_task tasks[1000];
	double start = bench_now();

	yields = ops / 1000;
	for (int i = 0; i < 1000; i++)
		OK(chp_spawn_poll(&tasks[i], poll_yield, &y[i]));
	for (int i = 0; i < 1000; i++)
		OK(chp_join(&tasks[i], NULL));
	start = bench_now() - start;
	free(y);
	return start;
}

static double poll_yield1k_ct(long ops)
{
	return bench_ct(poll_yield1k_body, ops);
}

static double poll_yield1k_mt(long ops)
{
	return bench_mt(poll_yield1k_body, ops);
}

/* ---- Yielding ---- */

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
	{ "chappe/poll", "task.spawn1k.ct", 300000, poll1k_ct },
	{ "chappe/poll", "task.spawn1k.mt", 300000, poll1k_mt },
	{ "chappe", "task.yield2.ct", 4000000, yield2_ct },
	{ "chappe", "task.yield1k.ct", 4000000, yield1k_ct },
	{ "chappe", "task.yield1k.mt", 4000000, yield1k_mt },
	{ "chappe/poll", "task.yield1k.ct", 4000000, poll_yield1k_ct },
	{ "chappe/poll", "task.yield1k.mt", 4000000, poll_yield1k_mt },
};

const struct workload_list bench_tasks = WORKLOADS(list);
