/*
 * roundtrips.c - pp.* and actor.*: two parties that wait for each other;
 * clients of one task that answers. Nanoseconds per round trip.
 */
#include "bench.h"

/* ---- Two semaphores ---- */

static chp_semaphore there, back;
static long rounds;

static void *answer(void *arg)
{
	for (long i = 0; i < rounds; i++) {
		chp_semaphore_acquire(&there, 1);
		chp_semaphore_release(&back, 1);
	}
	return arg;
}

static void ask(void)
{
	for (long i = 0; i < rounds; i++) {
		chp_semaphore_release(&there, 1);
		chp_semaphore_acquire(&back, 1);
	}
}

static void reset(long ops)
{
	rounds = ops;
	OK(chp_semaphore_init(&there, 0, CHP_FIFO));
	OK(chp_semaphore_init(&back, 0, CHP_FIFO));
}

static double sem_body(long ops)
{
	chp_task other;
	double start;

	reset(ops);
	OK(chp_spawn(&other, answer, NULL));
	start = bench_now();
	ask();
	start = bench_now() - start;
	OK(chp_join(&other, NULL));
	return start;
}

static double sem_ct(long ops)
{
	return bench_ct(sem_body, ops);
}

static double sem_mt(long ops)
{
	return bench_mt(sem_body, ops);
}

static double sem_t2(long ops)
{
	pthread_t other;
	double start;

	reset(ops);
	OK(pthread_create(&other, NULL, answer, NULL));
	start = bench_now();
	ask();
	start = bench_now() - start;
	pthread_join(other, NULL);
	return start;
}

/* ---- The same under a time-out that does not fire ---- */

static void *answer_timed(void *arg)
{
	for (long i = 0; i < rounds; i++) {
		chp_wait w = { .deadline = chp_in(CHP_SEC) };

		chp_semaphore_acquire_with(&there, 1, &w);
		chp_semaphore_release(&back, 1);
	}
	return arg;
}

static double timed_body(long ops)
{
	chp_task other;
	double start;

	reset(ops);
	OK(chp_spawn(&other, answer_timed, NULL));
	start = bench_now();
	for (long i = 0; i < rounds; i++) {
		chp_wait w = { .deadline = chp_in(CHP_SEC) };

		chp_semaphore_release(&there, 1);
		chp_semaphore_acquire_with(&back, 1, &w);
	}
	start = bench_now() - start;
	OK(chp_join(&other, NULL));
	return start;
}

static double timed_ct(long ops)
{
	return bench_ct(timed_body, ops);
}

static double timed_mt(long ops)
{
	return bench_mt(timed_body, ops);
}

/* ---- Requests: mpsc(100), a oneshot for each reply ---- */

CHP_ONESHOT_DEFINE(reply, uint64_t);

struct request {
	uint64_t value;
	reply_tx tx;
};

CHP_MPSC_DEFINE(requests, struct request);

static requests_tx to_server;
static requests_rx at_server;
static int clients;

static void *client(void *arg)
{
	requests_tx tx;

	requests_tx_clone(&to_server, &tx);
	for (long i = 0; i < rounds / clients; i++) {
		struct request q = { .value = (uint64_t)i };
		reply_rx rx;
		uint64_t got;

		OK(reply(&q.tx, &rx));
		OK(requests_send(&tx, q));
		OK(reply_recv(&rx, &got));
	}
	requests_tx_drop(&tx);
	return arg;
}

static void *server(void *arg)
{
	struct request q;

	while (requests_recv(&at_server, &q) == 0)
		OK(reply_send(&q.tx, q.value + 1));
	return arg;
}

static double actor_body(long ops)
{
	chp_task task;
	double start;

	rounds = ops;
	OK(requests_bounded(100, &to_server, &at_server));
	OK(chp_spawn(&task, server, NULL));
	start = bench_now();
	bench_tasks_run(clients, client, NULL);
	start = bench_now() - start;
	requests_tx_drop(&to_server);
	OK(chp_join(&task, NULL));
	requests_rx_drop(&at_server);
	return start;
}

static double actor_1(long ops)
{
	clients = 1;
	return bench_mt(actor_body, ops);
}

static double actor_10(long ops)
{
	clients = 10;
	return bench_mt(actor_body, ops);
}

static double actor_100(long ops)
{
	clients = 100;
	return bench_mt(actor_body, ops);
}

/* ---- A fresh oneshot each way ---- */

struct pair {
	reply_rx in;
	reply_tx out;
};

static void *echo_oneshot(void *arg)
{
	struct pair *p = arg;
	uint64_t v = 0;

	OK(reply_recv(&p->in, &v));
	OK(reply_send(&p->out, v));
	return NULL;
}

static double oneshot_body(long ops)
{
	double start = bench_now();

	for (long i = 0; i < ops; i++) {
		struct pair p;
		reply_tx tx;
		reply_rx rx;
		chp_task task;
		uint64_t v;

		OK(reply(&tx, &p.in));
		OK(reply(&p.out, &rx));
		OK(chp_spawn(&task, echo_oneshot, &p));
		OK(reply_send(&tx, 1));
		OK(reply_recv(&rx, &v));
		OK(chp_join(&task, NULL));
	}
	return bench_now() - start;
}

static double oneshot_spawn_mt(long ops)
{
	return bench_mt(oneshot_body, ops);
}

static const struct workload list[] = {
	{ "chappe", "pp.sem.ct", 500000, sem_ct },
	{ "chappe", "pp.sem.mt", 500000, sem_mt },
	{ "chappe", "pp.sem.t2", 10000, sem_t2 },
	{ "chappe", "pp.tmo.ct", 500000, timed_ct },
	{ "chappe", "pp.tmo.mt", 500000, timed_mt },
	{ "chappe", "pp.oneshot_spawn.mt", 200000, oneshot_spawn_mt },
	{ "chappe", "actor.1.mt", 300000, actor_1 },
	{ "chappe", "actor.10.mt", 300000, actor_10 },
	{ "chappe", "actor.100.mt", 300000, actor_100 },
};

const struct workload_list bench_roundtrips = WORKLOADS(list);
