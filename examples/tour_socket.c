/*
 * tour_socket.c - many tasks send over one socket.  A socket is not something
 * to write to from ten places at once: so one task owns it, and the others
 * send it what they want written through a channel.
 */
#include "tour.h"

#include <chappe/chappe.h>

#include <stdio.h>
#include <string.h>

#define WRITERS 10

static const char data[] = "data to write";

struct bytes {
	const void *start;
	size_t size;
};

CHP_MPSC_DEFINE(lines, struct bytes);

static void *writer(void *arg)
{
	lines_tx *tx = arg;

	lines_send(tx, (struct bytes){ data, strlen(data) });
	lines_tx_drop(tx);
	return NULL;
}

/* The other end of the connection, and what it has seen. */
struct server {
	chp_tcp_listener listener;
	size_t received, wrong;
};

static void *serve(void *arg)
{
	struct server *s = arg;
	chp_tcp peer;
	char buffer[64];
	int n;

	if (chp_tcp_accept(&s->listener, &peer, NULL))
		return NULL;

	/* Pieces come in any sizes; 0 is the end of the stream. */
	while ((n = chp_tcp_read(&peer, buffer, sizeof(buffer))) > 0)
		for (int i = 0; i < n; i++) {
			size_t at = s->received++ % strlen(data);

			s->wrong += buffer[i] != data[at];
		}
	chp_tcp_close(&peer);
	return NULL;
}

/* Own the socket: connect, write what the writers send, close. */
static int own_socket(const chp_addr *addr, lines_rx *rx)
{
	struct bytes line;
	chp_tcp socket;
	int r;

	r = chp_tcp_connect_addr_with(&socket, addr, NULL);
	if (r)
		return r;
	while (r == 0 && lines_recv(rx, &line) == 0)
		r = chp_tcp_write_all(&socket, line.start, line.size, NULL);
	chp_tcp_close(&socket);
	return r;
}

const char *tour_socket(void)
{
	struct server s = { 0 };
	chp_task server, writers[WRITERS] = { 0 };
	lines_tx tx, clones[WRITERS];
	lines_rx rx;
	chp_addr addr;
	char text[64];
	int r;

	/* Service "0": any port that is free.  Then ask which one it is. */
	if (chp_tcp_listen(&s.listener, "127.0.0.1", "0", 0))
		return "cannot listen";
	if (chp_tcp_listener_addr(&s.listener, &addr))
		return "the listener has no address";
	if (chp_spawn(&server, serve, &s) || lines_bounded(100, &tx, &rx))
		return "no task or no channel";

	for (int i = 0; i < WRITERS; i++) {
		/* Each task needs a sender of its own. */
		lines_tx_clone(&tx, &clones[i]);
		if (chp_spawn(&writers[i], writer, &clones[i]))
			lines_tx_drop(&clones[i]);
	}

	/* The stream ends once all senders are dropped: so drop the original,
	   or the owner would wait for it for ever. */
	lines_tx_drop(&tx);

	r = own_socket(&addr, &rx);
	lines_rx_drop(&rx);
	for (int i = 0; i < WRITERS; i++)
		chp_join(&writers[i], NULL);
	if (r)
		chp_task_abort(&server);
	chp_join(&server, NULL);
	chp_tcp_listener_close(&s.listener);
	if (r)
		return chp_strerror(r);

	chp_addr_text(&addr, text, sizeof(text));
	printf("%s received %zu bytes, %zu of them wrong\n", text, s.received,
	       s.wrong);
	if (s.received != WRITERS * strlen(data) || s.wrong)
		return "the server received something else";
	return NULL;
}
