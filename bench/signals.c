/*
 * signals.c - u.notify, u.watch, u.bcast and pp.notify: telling others, alone
 * and with somebody on the other side.
 */
#include "bench.h"

#include <sched.h>

static chp_notify ping, pong;

/* ---- Alone ---- */

static double notify_body(long ops)
{
	double start = bench_now();

	for (long i = 0; i < ops; i++) {
		chp_notify_one(&ping);
		OK(chp_notify_wait(&ping));
	}
	return bench_now() - start;
}

static double notify(long ops)
{
	return bench_ct(notify_body, ops);
}

static double watch_loop(long ops, int sends)
{
	uint64_t value = 1;
	chp_watch_ref ref;
	chp_watch_tx tx;
	chp_watch_rx rx;
	double start;

	OK(chp_watch(sizeof(value), NULL, &value, &tx, &rx));
	start = bench_now();
	for (long i = 0; i < ops; i++) {
		if (sends)
			OK(chp_watch_send(&tx, &value));
		OK(chp_watch_borrow(&rx, &ref));
		bench_use(ref.value);
		chp_watch_ref_release(&ref);
	}
	start = bench_now() - start;
	chp_watch_tx_drop(&tx);
	chp_watch_rx_drop(&rx);
	return start;
}

static double watch_body(long ops)
{
	return watch_loop(ops, 1);
}

static double watch(long ops)
{
	return bench_ct(watch_body, ops);
}

static double borrow_body(long ops)
{
	return watch_loop(ops, 0);
}

static double borrow(long ops)
{
	return bench_ct(borrow_body, ops);
}

static double broadcast_body(long ops)
{
	uint64_t value = 1;
	chp_broadcast_tx tx;
	chp_broadcast_rx rx;
	double start;

	OK(chp_broadcast(16, sizeof(value), NULL, &tx, &rx));
	start = bench_now();
	for (long i = 0; i < ops; i++) {
		chp_broadcast_send(&tx, &value);
		OK(chp_broadcast_try_recv(&rx, &value, NULL));
	}
	start = bench_now() - start;
	chp_broadcast_tx_drop(&tx);
	chp_broadcast_rx_drop(&rx);
	return start;
}

static double broadcast(long ops)
{
	return bench_ct(broadcast_body, ops);
}

/* The same with 10,000 receivers that are not waiting. */
static double crowd_body(long ops)
{
	enum { CROWD = 10000 };
	chp_broadcast_rx *crowd = calloc(CROWD, sizeof(*crowd));
	uint64_t value = 1;
	chp_broadcast_tx tx;
	double start;

	OK(chp_broadcast_tx_new(16, sizeof(value), NULL, &tx));
	for (int i = 0; i < CROWD; i++)
		OK(chp_broadcast_subscribe(&tx, &crowd[i]));
	start = bench_now();
	for (long i = 0; i < ops; i++)
		chp_broadcast_send(&tx, &value);
	start = bench_now() - start;
	for (int i = 0; i < CROWD; i++)
		chp_broadcast_rx_drop(&crowd[i]);
	chp_broadcast_tx_drop(&tx);
	free(crowd);
	return start;
}

static double crowd(long ops)
{
	return bench_ct(crowd_body, ops);
}

/* ---- Two notifies ---- */

static long rounds;

static void *answer(void *arg)
{
	for (long i = 0; i < rounds; i++) {
		OK(chp_notify_wait(&ping));
		chp_notify_one(&pong);
	}
	return arg;
}

static double ask(void)
{
	double start = bench_now();

	for (long i = 0; i < rounds; i++) {
		chp_notify_one(&ping);
		OK(chp_notify_wait(&pong));
	}
	return bench_now() - start;
}

static double pp_body(long ops)
{
	chp_task other;
	double ns;

	rounds = ops;
	OK(chp_spawn(&other, answer, NULL));
	ns = ask();
	OK(chp_join(&other, NULL));
	return ns;
}

static double pp_ct(long ops)
{
	return bench_ct(pp_body, ops);
}

static double pp_mt(long ops)
{
	return bench_mt(pp_body, ops);
}

static double pp_t2(long ops)
{
	pthread_t other;
	double ns;

	rounds = ops;
	OK(pthread_create(&other, NULL, answer, NULL));
	ns = ask();
	pthread_join(other, NULL);
	return ns;
}

/* Two current-thread runtimes, each on a processor of its own. */

static void pin_to(int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static double ask_body(long ops)
{
	(void)ops;
	return ask();
}

static double answer_body(long ops)
{
	(void)ops;
	answer(NULL);
	return 0;
}

static void *answering_runtime(void *arg)
{
	pin_to(1);
	bench_ct(answer_body, 0);
	return arg;
}

static double pp_x2(long ops)
{
	cpu_set_t before;
	pthread_t other;
	double ns;

	sched_getaffinity(0, sizeof(before), &before);
	rounds = ops;
	OK(-pthread_create(&other, NULL, answering_runtime, NULL));
	pin_to(0);
	ns = bench_ct(ask_body, ops);
	pthread_join(other, NULL);
	sched_setaffinity(0, sizeof(before), &before);
	return ns;
}

static const struct workload list[] = {
	{ "chappe", "u.notify", 5000000, notify },
	{ "chappe", "u.watch", 3000000, watch },
	{ "chappe", "u.watch_borrow", 5000000, borrow },
	{ "chappe", "u.bcast", 3000000, broadcast },
	{ "chappe", "u.bcast_10k", 1000000, crowd },
	{ "chappe", "pp.notify.ct", 1000000, pp_ct },
	{ "chappe", "pp.notify.mt", 500000, pp_mt },
	{ "chappe", "pp.notify.t2", 20000, pp_t2 },
	{ "chappe", "pp.notify.x2", 20000, pp_x2 },
};

const struct workload_list bench_signals = WORKLOADS(list);
