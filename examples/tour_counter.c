/*
 * tour_counter.c - mpsc and oneshot together make request and response.  One
 * task owns a counter; others send it commands, and with each command the
 * sender of a oneshot on which they want the answer.
 */
#include "tour.h"

#include <chappe/chappe.h>

#include <stdio.h>

#define CLIENTS 10

CHP_ONESHOT_DEFINE(reply, uint64_t);

struct command {
	enum { INCREMENT /* more commands can be added here */ } kind;
	reply_tx response;
};

/* A command that nobody receives: tell the client that waits for it. */
static void command_drop(struct command *c)
{
	reply_tx_drop(&c->response);
}

CHP_MPSC_DEFINE_DROP(commands, struct command, command_drop);

/* Nobody else touches the counter, so it needs no lock. */
static void *manage_counter(void *arg)
{
	commands_rx *rx = arg;
	uint64_t counter = 0;
	struct command c;

	while (commands_recv(rx, &c) == 0) {
		switch (c.kind) {
		case INCREMENT:
			/* A client that no longer listens is no error. */
			reply_send(&c.response, counter++);
			break;
		}
	}
	commands_rx_drop(rx);
	return NULL;
}

struct client {
	commands_tx tx;
	uint64_t previous;
	int result;
};

static void *increment(void *arg)
{
	struct client *me = arg;
	struct command c = { .kind = INCREMENT };
	reply_rx rx;

	me->result = reply(&c.response, &rx);
	if (me->result == 0) {
		/* A send that fails leaves the command, and so the response's
		   sender, with us. */
		me->result = commands_send(&me->tx, c);
		if (me->result)
			command_drop(&c);
		else
			me->result = reply_recv(&rx, &me->previous);
		reply_rx_drop(&rx); /* empty by now, or the send failed */
	}
	commands_tx_drop(&me->tx);
	if (me->result == 0)
		printf("previous value = %d\n", (int)me->previous);
	return NULL;
}

const char *tour_counter(void)
{
	struct client clients[CLIENTS];
	chp_task manager, tasks[CLIENTS] = { 0 };
	int seen[CLIENTS] = { 0 };
	const char *why = NULL;
	commands_tx tx;
	commands_rx rx;

	if (commands_bounded(100, &tx, &rx) ||
	    chp_spawn(&manager, manage_counter, &rx))
		return "no channel or no task";

	for (int i = 0; i < CLIENTS; i++) {
		/* Each task needs a sender of its own. */
		commands_tx_clone(&tx, &clients[i].tx);
		clients[i].result =
			chp_spawn(&tasks[i], increment, &clients[i]);
		if (clients[i].result)
			commands_tx_drop(&clients[i].tx);
	}
	commands_tx_drop(&tx);

	for (int i = 0; i < CLIENTS; i++) {
		chp_join(&tasks[i], NULL);
		if (clients[i].result)
			why = chp_strerror(clients[i].result);
		else if (clients[i].previous >= CLIENTS ||
			 seen[clients[i].previous]++)
			why = "a value came twice, or is out of range";
	}
	chp_join(&manager, NULL);
	return why;
}
