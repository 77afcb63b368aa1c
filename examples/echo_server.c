/*
 * echo_server.c - a TCP server that sends back what it gets.
 *
 *	echo_server [port]      default 7007; end it with Ctrl-C or SIGTERM
 *	echo_server --self-test
 *
 * One task accepts; every connection has a task of its own, which reads and
 * writes as if it blocked.  What is worth copying is the way down:
 *
 *	1. a signal cancels a token, which ends the accepting;
 *	2. the same token ends the reads of connections that are idle, while
 *	   those in the middle of an echo finish it;
 *	3. the server waits until all of them have gone, but not for ever;
 *	4. who is left at the deadline is aborted, as chp_run() returns.
 */
#include <chappe/chappe.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_CONNECTIONS 1000
#define GRACE           (2 * CHP_SEC)

struct server {
	chp_tcp_listener listener;
	chp_signal interrupt, terminate;
	chp_cancel stopping;

	/* A permit for each connection that may be open.  It bounds their
	   number, and whoever holds all permits knows that none is open. */
	chp_semaphore slots;
	unsigned served;
};

/* Outlives every task of the runtime, also those aborted at the end. */
static struct server server = {
	.stopping = CHP_CANCEL_INIT,
	.slots = CHP_SEMAPHORE_INIT(MAX_CONNECTIONS, CHP_FIFO),
};

/* ---- A connection ---- */

/* A connection has gone.  Also for one whose task never ran. */
static void connection_drop(void *arg)
{
	chp_tcp *t = arg;

	chp_tcp_close(t);
	free(t);
	chp_semaphore_release(&server.slots, 1);
}

static void *echo(void *arg)
{
	/* Reading stops when the server does.  Writing does not: what we have
	   read goes back. */
	chp_wait until_stopping = { .cancel = &server.stopping };
	chp_tcp *t = arg;
	char buffer[4096];
	int n;

	while ((n = chp_tcp_read_with(t, buffer, sizeof(buffer),
				      &until_stopping)) > 0)
		if (chp_tcp_write_all(t, buffer, (size_t)n, NULL))
			break;
	connection_drop(t);
	return NULL;
}

/* ---- The server ---- */

/* Start a task for a connection; the caller has taken a slot for it. */
static void serve(const chp_tcp *accepted)
{
	chp_task_options options = { .name = "connection",
				     .arg_drop = connection_drop };
	chp_tcp *t = malloc(sizeof(*t));
	chp_tcp lost = *accepted;

	if (!t) {
		chp_tcp_close(&lost);
		chp_semaphore_release(&server.slots, 1);
		return;
	}
	*t = *accepted;
	if (chp_spawn_with(NULL, echo, t, &options))
		connection_drop(t);
	else
		server.served++;
}

/* Accept until the server stops. */
static void *accept_all(void *arg)
{
	chp_wait until_stopping = { .cancel = &server.stopping };
	chp_tcp t;
	int r;

	(void)arg;
	/* First a slot, then a connection to put in it. */
	while (chp_semaphore_acquire_with(&server.slots, 1, &until_stopping) ==
	       0) {
		r = chp_tcp_accept_with(&server.listener, &t, NULL,
					&until_stopping);
		if (r == 0) {
			serve(&t);
			continue;
		}
		chp_semaphore_release(&server.slots, 1);

		/* Out of descriptors, or the peer has gone already: no reason
		   to stop, but none to try again at once either. */
		chp_sleep_for(r == CHP_ECANCELED ? 0 : 10 * CHP_MS);
	}
	return NULL;
}

/* Wait for Ctrl-C or SIGTERM, whichever comes first. */
static int wait_for_signal(void)
{
	chp_signal_op interrupt, terminate;
	chp_select_arm arms[] = { { .op = &interrupt.op },
				  { .op = &terminate.op } };

	chp_signal_wait_op(&interrupt, &server.interrupt);
	chp_signal_wait_op(&terminate, &server.terminate);
	return chp_select(arms, 2, CHP_CANCEL_LOSERS);
}

static int open_all(const char *port)
{
	chp_addr addr;
	char text[64];
	int r;

	if ((r = chp_signal_open(&server.interrupt, SIGINT)) ||
	    (r = chp_signal_open(&server.terminate, SIGTERM)) ||
	    (r = chp_tcp_listen(&server.listener, "127.0.0.1", port, 0)))
		return r;
	chp_tcp_listener_addr(&server.listener, &addr);
	chp_addr_text(&addr, text, sizeof(text));
	printf("listening on %s\n", text);
	return 0;
}

/* Serve until a signal comes, then go down gracefully. */
static int run(void)
{
	chp_task acceptor;
	chp_wait grace = { 0 };
	int r;

	r = chp_spawn(&acceptor, accept_all, NULL);
	if (r)
		return r;
	wait_for_signal();
	chp_cancel_now(&server.stopping);
	chp_join(&acceptor, NULL);
	chp_tcp_listener_close(&server.listener);

	printf("stopping: %u connections served, %d open\n", server.served,
	       MAX_CONNECTIONS - (int)chp_semaphore_available(&server.slots));
	grace.deadline = chp_in(GRACE);
	r = chp_semaphore_acquire_with(&server.slots, MAX_CONNECTIONS, &grace);
	printf("%s\n", r ? "some did not end in time" : "all have ended");
	return r;
}

static void *first(void *arg)
{
	int r = open_all(arg);

	if (r == 0)
		r = run();
	if (r)
		fprintf(stderr, "echo_server: %s\n", chp_strerror(r));
	return r ? &server : NULL; /* anything but NULL: it went wrong */
}

/* ---- The self-test ---- */

#define CLIENTS 100
#define LINES   20

/* One client: says LINES lines and wants to hear each of them again. */
static void *client(void *arg)
{
	chp_addr addr;
	char said[64], heard[64];
	size_t length;
	chp_tcp t = { NULL };
	int r;

	chp_tcp_listener_addr(&server.listener, &addr);
	r = chp_tcp_connect_addr_with(&t, &addr, NULL);
	for (int i = 0; r == 0 && i < LINES; i++) {
		length = (size_t)snprintf(said, sizeof(said),
					  "client %zu, line %d\n", (size_t)arg,
					  i);
		r = chp_tcp_write_all(&t, said, length, NULL);
		if (r == 0)
			r = chp_tcp_read_exact(&t, heard, length, NULL);
		if (r == 0 && memcmp(said, heard, length))
			r = CHP_EINVAL;
	}
	chp_tcp_close(&t);
	return r == 0 ? &server : NULL;
}

static void *serve_task(void *arg)
{
	(void)arg;
	return run() ? NULL : &server;
}

/* One more client, which is idle when the server stops: it must see the end of
   the stream, not be left hanging. */
static int stop_while_idle(void)
{
	chp_addr addr;
	chp_tcp t;
	char byte;
	int r;

	chp_tcp_listener_addr(&server.listener, &addr);
	r = chp_tcp_connect_addr_with(&t, &addr, NULL);
	if (r)
		return r;
	r = chp_tcp_write_all(&t, "x", 1, NULL);
	if (r == 0)
		r = chp_tcp_read_exact(&t, &byte, 1, NULL);

	/* Not from a task: the runtime's threads block signals. */
	kill(getpid(), SIGTERM);
	if (r == 0)
		r = chp_tcp_read(&t, &byte, 1);
	printf("the idle client: %s\n", r ? "no end" : "end of stream");
	chp_tcp_close(&t);
	return r;
}

/* The main thread drives this: a thread may spawn, join, read and write just
   as a task does. */
static int self_test(void)
{
	chp_task_options options = { 0 };
	chp_task task, clients[CLIENTS];
	chp_outcome o;
	int good = 0, r;

	r = chp_runtime_new(&options.runtime, NULL);
	if (r == 0)
		r = open_all("0");
	if (r == 0)
		r = chp_spawn_with(&task, serve_task, NULL, &options);
	for (size_t i = 0; r == 0 && i < CLIENTS; i++)
		r = chp_spawn_with(&clients[i], client, (void *)i, &options);
	if (r) {
		fprintf(stderr, "echo_server: %s\n", chp_strerror(r));
		return 1;
	}

	for (size_t i = 0; i < CLIENTS; i++)
		good += chp_join(&clients[i], &o) == 0 && o.value;
	printf("%d of %d clients heard what they said\n", good, CLIENTS);

	r = stop_while_idle();
	chp_join(&task, &o);
	chp_runtime_shutdown(options.runtime, 0, NULL, 0, NULL);
	return r || !o.value || good != CLIENTS || server.served != CLIENTS + 1;
}

int main(int argc, char **argv)
{
	const char *port = argc > 1 ? argv[1] : "7007";
	void *bad = NULL;
	int r;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(port, "--self-test"))
		return self_test();
	r = chp_run(NULL, first, (void *)port, &bad);
	if (r)
		fprintf(stderr, "echo_server: %s\n", chp_strerror(r));
	return r || bad;
}
