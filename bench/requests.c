/*
 * requests.c - actor.*: clients of one server over mpsc(100), a fresh oneshot
 * for each reply.  pp.oneshot: fresh oneshots both ways.
 */
#include "bench.h"

CHP_ONESHOT_DEFINE(reply, uint64_t);

struct request {
	uint64_t value;
	reply_tx tx;
};

CHP_MPSC_DEFINE(requests, struct request);

static long rounds;
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

/* The same by threads. */
static double actor_10_thr(long ops)
{
	pthread_t thread;
	double start;

	clients = 10;
	rounds = ops;
	OK(requests_bounded(100, &to_server, &at_server));
	OK(-pthread_create(&thread, NULL, server, NULL));
	start = bench_now();
	bench_threads_run(clients, client, NULL);
	start = bench_now() - start;
	requests_tx_drop(&to_server);
	pthread_join(thread, NULL);
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

/* ---- Fresh oneshots both ways ---- */

/* The reply's sender and the next request's receiver travel in a request. */
struct call;
CHP_ONESHOT_DEFINE(call, struct call *);

struct call {
	uint64_t value;
	reply_tx answer;
	call_rx next; /* empty: the last one */
};

static void *answer_calls(void *arg)
{
	call_rx rx = *(call_rx *)arg;
	struct call *c;

	while (call_recv(&rx, &c) == 0) {
		reply_tx tx = c->answer;

		rx = c->next;
		OK(reply_send(&tx, c->value + 1));
	}
	return NULL;
}

static double calls_body(long ops)
{
	uint64_t value = 0;
	call_tx tx, next;
	chp_task other;
	reply_rx back;
	double start;
	call_rx rx;

	OK(call(&tx, &rx));
	OK(chp_spawn(&other, answer_calls, &rx));
	start = bench_now();
	for (long i = 0; i < ops; i++) {
		struct call c = { .value = value };

		OK(reply(&c.answer, &back));
		OK(call(&next, &c.next));
		OK(call_send(&tx, &c));
		OK(reply_recv(&back, &value));
		tx = next;
	}
	start = bench_now() - start;
	call_tx_drop(&tx);
	OK(chp_join(&other, NULL));
	OK(value == (uint64_t)ops ? 0 : CHP_EINVAL);
	return start;
}

static double calls_mt(long ops)
{
	return bench_mt(calls_body, ops);
}

static const struct workload list[] = {
	{ "chappe", "actor.1.mt", 300000, actor_1 },
	{ "chappe", "actor.10.mt", 300000, actor_10 },
	{ "chappe", "actor.100.mt", 300000, actor_100 },
	{ "chappe", "actor.10.thr", 30000, actor_10_thr },
	{ "chappe", "pp.oneshot.mt", 300000, calls_mt },
};

const struct workload_list bench_requests = WORKLOADS(list);
