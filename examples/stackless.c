/*
 * stackless.c - 100,000 clients without stacks, and one server with a stack.
 *
 * Each client thinks for a while, sends its number to the server over a bounded
 * channel, and waits for the answer, which comes over a oneshot.  The clients
 * are functions that are polled: they say what they wait for by CHP_CO_AWAIT
 * and keep what they need meanwhile in a struct.  So each takes some hundred
 * bytes, where a stack takes pages.  The server, of which there is one, is
 * written as one writes C.
 *
 * The exit status is 0 if everybody was answered, and rightly.
 */
#include <chappe/chappe.h>

#include <stdio.h>
#include <stdlib.h>

enum { CLIENTS = 100000, THINK_MS = 200 };

struct request {
	long number;
	chp_oneshot_tx answer;
};

struct client {
	chp_coro co; /* where it goes on */
	long number, answer;
	int r;
	struct request request;
	chp_oneshot_rx rx;
	/* It waits for one thing at a time, so they share their memory. */
	union {
		chp_sleep_op think;
		chp_send_op send;
		chp_oneshot_op receive;
	};
};

static chp_mpsc_tx requests;
static chp_mpsc_rx requests_rx;

/* ---- The clients ---- */

static int client(void *state, chp_poll_ctx *ctx)
{
	struct client *c = state;

	CHP_CO_BEGIN(&c->co);

	chp_sleep_until_op(&c->think,
			   chp_in(c->number * 7919 % THINK_MS * CHP_MS));
	CHP_CO_AWAIT(&c->co, ctx, &c->think.op, c->r);
	if (c->r)
		CHP_CO_RETURN(&c->co, c->r);

	c->request.number = c->number;
	c->r = chp_oneshot(sizeof(long), NULL, &c->request.answer, &c->rx);
	if (c->r)
		CHP_CO_RETURN(&c->co, c->r);

	chp_mpsc_send_op(&c->send, &requests, &c->request);
	CHP_CO_AWAIT(&c->co, ctx, &c->send.op, c->r);
	if (c->r) {
		/* Not sent: both ends are still ours. */
		chp_oneshot_tx_drop(&c->request.answer);
	} else {
		chp_oneshot_recv_op(&c->receive, &c->rx, &c->answer);
		CHP_CO_AWAIT(&c->co, ctx, &c->receive.op, c->r);
	}
	chp_oneshot_rx_drop(&c->rx);

	CHP_CO_END(&c->co, c->r);
}

/* ---- The server ---- */

static void *serve(void *arg)
{
	struct request request;
	long served = 0;

	while (chp_mpsc_recv(&requests_rx, &request) == 0) {
		long answer = request.number * 2;

		chp_oneshot_send(&request.answer, &answer);
		served++;
	}
	*(long *)arg = served;
	return NULL;
}

/* ---- Both ---- */

/* Spawn all, wait for all; how many were answered rightly. */
static long run_clients(struct client *clients, chp_task *tasks)
{
	long spawned = 0, right = 0;

	while (spawned < CLIENTS) {
		struct client *c = &clients[spawned];

		c->number = spawned;
		if (chp_spawn_poll(&tasks[spawned], client, c))
			break;
		spawned++;
	}
	for (long i = 0; i < spawned; i++) {
		chp_join(&tasks[i], NULL);
		right += clients[i].r == 0 && clients[i].answer == 2 * i;
	}
	return right;
}

static void *run(void *arg)
{
	struct client *clients = calloc(CLIENTS, sizeof(*clients));
	chp_task *tasks = calloc(CLIENTS, sizeof(*tasks));
	long right = 0, served = 0;
	chp_task server;
	int r;

	(void)arg;
	r = chp_mpsc_bounded(64, sizeof(struct request), NULL, &requests,
			     &requests_rx);
	if (r == 0)
		r = chp_spawn(&server, serve, &served);
	if (r == 0 && clients && tasks) {
		right = run_clients(clients, tasks);
		/* No sender is left: the server ends. */
		chp_mpsc_tx_drop(&requests);
		chp_join(&server, NULL);
	}
	printf("%d clients of %zu bytes each, and 192 for the task\n", CLIENTS,
	       sizeof(*clients));
	printf("%ld requests served, %ld answered rightly\n", served, right);
	chp_mpsc_rx_drop(&requests_rx);
	free(tasks);
	free(clients);
	return right == CLIENTS && served == CLIENTS ? &requests : NULL;
}

int main(void)
{
	void *well = NULL;
	int r = chp_run(NULL, run, NULL, &well);

	if (r)
		fprintf(stderr, "no runtime: %s\n", chp_strerror(r));
	return !well;
}
