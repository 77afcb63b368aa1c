/*
 * fanout.c - bc.*, bcw.*, watch.*: one sender, many receivers; nanoseconds per
 * delivery.
 */
#include "bench.h"

enum { BURST = 64 };

static chp_wait_group heard; /* receivers that have not all of the burst */
static long bursts;
static int burst;

/* ---- Broadcast ---- */

static void *hear(void *arg)
{
	chp_broadcast_rx *rx = arg;
	uint64_t value;

	for (long i = 0; i < bursts; i++) {
		for (int k = 0; k < burst; k++)
			OK(chp_broadcast_recv(rx, &value, NULL));
		chp_wait_group_done(&heard);
	}
	chp_broadcast_rx_drop(rx);
	return NULL;
}

static double broadcast_to(int n, int each, long ops)
{
	chp_broadcast_rx *rx = calloc((size_t)n, sizeof(*rx));
	chp_task *tasks = calloc((size_t)n, sizeof(*tasks));
	uint64_t value = 0;
	chp_broadcast_tx tx;
	double start;

	burst = each;
	bursts = ops / n / each + 1;
	OK(chp_wait_group_init(&heard, 0));
	OK(chp_broadcast_tx_new(BURST, sizeof(value), NULL, &tx));
	for (int i = 0; i < n; i++) {
		OK(chp_broadcast_subscribe(&tx, &rx[i]));
		OK(chp_spawn(&tasks[i], hear, &rx[i]));
	}
	start = bench_now();
	for (long i = 0; i < bursts; i++) {
		chp_wait_group_add(&heard, n);
		for (int k = 0; k < burst; k++, value++)
			chp_broadcast_send(&tx, &value);
		OK(chp_wait_group_wait(&heard));
	}
	start = bench_now() - start;
	for (int i = 0; i < n; i++)
		OK(chp_join(&tasks[i], NULL));
	chp_broadcast_tx_drop(&tx);
	free(tasks);
	free(rx);
	return start * (double)ops / ((double)bursts * burst * n);
}

/* ---- Watch ---- */

static void *follow(void *arg)
{
	chp_watch_rx *rx = arg;

	for (long i = 0; i < bursts; i++) {
		OK(chp_watch_changed(rx));
		chp_wait_group_done(&heard);
	}
	chp_watch_rx_drop(rx);
	return NULL;
}

static double watch_by(int n, long ops)
{
	chp_watch_rx *rx = calloc((size_t)n, sizeof(*rx));
	chp_task *tasks = calloc((size_t)n, sizeof(*tasks));
	uint64_t value = 0;
	chp_watch_tx tx;
	double start;

	bursts = ops / n + 1;
	OK(chp_wait_group_init(&heard, 0));
	OK(chp_watch_tx_new(sizeof(value), NULL, &value, &tx));
	for (int i = 0; i < n; i++) {
		chp_watch_subscribe(&tx, &rx[i]);
		OK(chp_spawn(&tasks[i], follow, &rx[i]));
	}
	start = bench_now();
	for (long i = 0; i < bursts; i++) {
		chp_wait_group_add(&heard, n);
		value++;
		OK(chp_watch_send(&tx, &value));
		OK(chp_wait_group_wait(&heard));
	}
	start = bench_now() - start;
	for (int i = 0; i < n; i++)
		OK(chp_join(&tasks[i], NULL));
	chp_watch_tx_drop(&tx);
	free(tasks);
	free(rx);
	return start * (double)ops / ((double)bursts * n);
}

/* clang-format off */
#define FANOUT(name, call) \
	static double name##_body(long ops) { return call; } \
	static double name(long ops) { return bench_mt(name##_body, ops); }
/* clang-format on */

FANOUT(bc_10, broadcast_to(10, BURST, ops))
FANOUT(bc_1000, broadcast_to(1000, BURST, ops))
FANOUT(bcw_10, broadcast_to(10, 1, ops))
FANOUT(bcw_1000, broadcast_to(1000, 1, ops))
FANOUT(watch_10, watch_by(10, ops))
FANOUT(watch_1000, watch_by(1000, ops))

static const struct workload list[] = {
	{ "chappe", "bc.10.mt", 2000000, bc_10 },
	{ "chappe", "bc.1000.mt", 2000000, bc_1000 },
	{ "chappe", "bcw.10.mt", 500000, bcw_10 },
	{ "chappe", "bcw.1000.mt", 500000, bcw_1000 },
	{ "chappe", "watch.10.mt", 500000, watch_10 },
	{ "chappe", "watch.1000.mt", 500000, watch_1000 },
};

const struct workload_list bench_fanout = WORKLOADS(list);
