/*
 * net.c - echo.*: connections over loopback, client and server in the process,
 * 64 bytes there and back, one request in flight on each.
 */
#include "bench.h"

#include <string.h>

enum { MOST = 1000, SIZE = 64 };

static int connections;
static long each;
static chp_semaphore gate;
static chp_tcp server_ends[MOST], client_ends[MOST];

static void *serve(void *arg)
{
	chp_tcp *t = arg;
	char buffer[SIZE];
	int n;

	while ((n = chp_tcp_read(t, buffer, sizeof(buffer))) > 0)
		OK(chp_tcp_write_all(t, buffer, (size_t)n, NULL));
	OK(n);
	return NULL;
}

static void *ask(void *arg)
{
	chp_tcp *t = arg;
	char out[SIZE] = "ping", in[SIZE];
	size_t got;

	OK(chp_semaphore_acquire(&gate, 1));
	for (long i = 0; i < each; i++) {
		memcpy(out + 8, &i, sizeof(i));
		OK(chp_tcp_write_all(t, out, sizeof(out), NULL));
		OK(chp_tcp_read_exact(t, in, sizeof(in), &got));
		OK(memcmp(in, out, sizeof(in)) ? CHP_EINVAL : 0);
	}
	return NULL;
}

static void connect_all(void)
{
	chp_tcp_listener listener;
	chp_addr addr;

	OK(chp_tcp_listen(&listener, "127.0.0.1", "0", MOST));
	OK(chp_tcp_listener_addr(&listener, &addr));
	for (int i = 0; i < connections; i++) {
		OK(chp_tcp_connect_addr_with(&client_ends[i], &addr, NULL));
		OK(chp_tcp_accept(&listener, &server_ends[i], NULL));
	}
	chp_tcp_listener_close(&listener);
}

static double body(long ops)
{
	static chp_task servers[MOST], clients[MOST];
	double start;

	each = ops / connections + 1;
	bench_notes.ops = (double)each * connections;
	OK(chp_semaphore_init(&gate, 0, CHP_FIFO));
	connect_all();
	for (int i = 0; i < connections; i++) {
		OK(chp_spawn(&servers[i], serve, &server_ends[i]));
		OK(chp_spawn(&clients[i], ask, &client_ends[i]));
	}
	while (chp_semaphore_queue_length(&gate) < (size_t)connections)
		chp_yield();
	start = bench_now();
	OK(chp_semaphore_release(&gate, (size_t)connections));
	for (int i = 0; i < connections; i++)
		OK(chp_join(&clients[i], NULL));
	start = bench_now() - start;
	for (int i = 0; i < connections; i++) {
		chp_tcp_close(&client_ends[i]);
		OK(chp_join(&servers[i], NULL));
		chp_tcp_close(&server_ends[i]);
	}
	chp_semaphore_destroy(&gate);
	return start;
}

static double echo_64_mt(long ops)
{
	connections = 64;
	return bench_mt(body, ops);
}

static double echo_64_ct(long ops)
{
	connections = 64;
	return bench_ct(body, ops);
}

static double echo_1000_mt(long ops)
{
	connections = 1000;
	return bench_mt(body, ops);
}

static double echo_1000_ct(long ops)
{
	connections = 1000;
	return bench_ct(body, ops);
}

static const struct workload list[] = {
	{ "chappe", "echo.64.mt", 200000, echo_64_mt },
	{ "chappe", "echo.64.ct", 200000, echo_64_ct },
	{ "chappe", "echo.1000.mt", 200000, echo_1000_mt },
	{ "chappe", "echo.1000.ct", 200000, echo_1000_ct },
};

const struct workload_list bench_net = WORKLOADS(list);
