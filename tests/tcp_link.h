/*
 * tcp_link.h - a TCP connection to this process itself, for tests in every
 * mode: by the blocking calls, or, for those who poll by hand, by operations.
 */
#ifndef CHAPPE_TESTS_TCP_LINK_H
#define CHAPPE_TESTS_TCP_LINK_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "harness.h"

static inline unsigned addr_port(const chp_addr *a)
{
	return ntohs(((const struct sockaddr_in *)&a->storage)->sin_port);
}

/* There is no operation that connects: who polls takes over a socket. */
static inline int link_connect(chp_tcp *t, const chp_addr *addr)
{
	int s;

	if (h_mode() != H_POLLED)
		return chp_tcp_connect_addr_with(t, addr, NULL);
	s = socket(addr->storage.ss_family, SOCK_STREAM, 0);
	CHECK(s >= 0);
	CHECK_EQ(connect(s, (const struct sockaddr *)&addr->storage,
			 addr->length),
		 0);
	return chp_tcp_from_socket(t, s);
}

static inline int link_accept(chp_tcp_listener *l, chp_tcp *t, chp_addr *peer,
			      const chp_wait *w)
{
	chp_io_op op;

	if (h_mode() != H_POLLED)
		return chp_tcp_accept_with(l, t, peer, w);
	chp_tcp_accept_op(&op, l, t, peer);
	return h_wait(&op.op, w);
}

static inline int link_read(chp_tcp *t, void *buffer, size_t size,
			    const chp_wait *w)
{
	chp_io_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_tcp_read_with(t, buffer, size, w)
			 : chp_tcp_read(t, buffer, size);
	chp_tcp_read_op(&op, t, buffer, size);
	return h_wait(&op.op, w);
}

static inline int link_write(chp_tcp *t, const void *data, size_t size,
			     const chp_wait *w)
{
	chp_io_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_tcp_write_with(t, data, size, w)
			 : chp_tcp_write(t, data, size);
	chp_tcp_write_op(&op, t, data, size);
	return h_wait(&op.op, w);
}

static inline int link_write_all(chp_tcp *t, const void *data, size_t size)
{
	const char *at = data;
	int n;

	if (h_mode() != H_POLLED)
		return chp_tcp_write_all(t, data, size, NULL);
	for (; size > 0; at += n, size -= (size_t)n)
		if ((n = link_write(t, at, size, NULL)) < 0)
			return n;
	return 0;
}

static inline int link_read_exact(chp_tcp *t, void *buffer, size_t size)
{
	char *at = buffer;
	int n;

	if (h_mode() != H_POLLED)
		return chp_tcp_read_exact(t, buffer, size, NULL);
	for (; size > 0; at += n, size -= (size_t)n)
		if ((n = link_read(t, at, size, NULL)) <= 0)
			return n < 0 ? n : CHP_ECLOSED;
	return 0;
}

/* A listener and the two ends of a connection through it. */
struct link {
	chp_tcp_listener listener;
	chp_addr addr;
	chp_tcp near, far;
};

static inline void link_listen(struct link *l, const char *host)
{
	CHECK_CODE(chp_tcp_listen(&l->listener, host, "0", 0), 0);
	CHECK_CODE(chp_tcp_listener_addr(&l->listener, &l->addr), 0);
}

static inline void link_open(struct link *l)
{
	link_listen(l, "127.0.0.1");
	CHECK_CODE(link_connect(&l->near, &l->addr), 0);
	CHECK_CODE(link_accept(&l->listener, &l->far, NULL, NULL), 0);
}

static inline void link_close(struct link *l)
{
	chp_tcp_close(&l->near);
	chp_tcp_close(&l->far);
	chp_tcp_listener_close(&l->listener);
}

/* First in the list, so that the harness starts the process-wide driver, whose
   descriptors stay open, before threads begin to use it. */
static inline void the_driver_of_the_process_is_there(void)
{
	struct link l;

	link_open(&l);
	link_close(&l);
}

/* What byte number i of a long stream is. */
static inline unsigned char pattern(size_t i)
{
	return (unsigned char)(i * 31 + (i >> 8) + (i >> 16));
}

static inline unsigned char *new_pattern(size_t size)
{
	unsigned char *p = malloc(size);

	CHECK(p != NULL);
	for (size_t i = 0; i < size; i++)
		p[i] = pattern(i);
	return p;
}

/* Read to the end, checking each byte against the pattern from `at` on;
   returns where the end was. */
static inline size_t read_pattern_to_end(chp_tcp *t, size_t at)
{
	unsigned char block[1 << 14];
	int n;

	while ((n = link_read(t, block, sizeof(block), NULL)) > 0)
		for (int i = 0; i < n; i++)
			CHECK_EQ(block[i], pattern(at++));
	CHECK_CODE(n, 0);
	return at;
}

#endif
