/*
 * test_tcp.c - connecting, listening, moving bytes; what goes wrong at once.
 * Waits that are ended halfway are in test_tcp_ended.c.
 */
#include "tcp_link.h"

#include <fcntl.h>

/* ---- Addresses, connecting ---- */

static bool there_is_ipv6(void)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6,
				  .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int s = socket(AF_INET6, SOCK_STREAM, 0);
	bool yes = s >= 0 && bind(s, (struct sockaddr *)&a, sizeof(a)) == 0;

	if (s >= 0)
		close(s);
	return yes;
}

static void bytes_go_both_ways(const char *host, const char *before_port)
{
	chp_addr peer, own;
	char text[80], want[80], heard[8];
	struct link l;

	link_listen(&l, host);
	CHECK(addr_port(&l.addr) != 0);
	snprintf(want, sizeof(want), "%s:%u", before_port, addr_port(&l.addr));
	CHECK(chp_addr_text(&l.addr, text, sizeof(text)) >= 0);
	CHECK_EQ(strcmp(text, want), 0);

	CHECK_CODE(link_connect(&l.near, &l.addr), 0);
	CHECK_CODE(link_accept(&l.listener, &l.far, &peer, NULL), 0);
	own.length = sizeof(own.storage);
	CHECK_EQ(getsockname(chp_fd_number(l.near.fd),
			     (struct sockaddr *)&own.storage, &own.length),
		 0);
	CHECK_EQ(peer.length, own.length);
	CHECK_EQ(addr_port(&peer), addr_port(&own));

	CHECK_CODE(link_write_all(&l.near, "chappe", 6), 0);
	CHECK_CODE(link_read_exact(&l.far, heard, 6), 0);
	CHECK_EQ(memcmp(heard, "chappe", 6), 0);
	CHECK_CODE(link_write_all(&l.far, "claude", 6), 0);
	CHECK_CODE(link_read_exact(&l.near, heard, 6), 0);
	CHECK_EQ(memcmp(heard, "claude", 6), 0);
	link_close(&l);
}

static void bytes_go_both_ways_over_ipv4(void)
{
	bytes_go_both_ways("127.0.0.1", "127.0.0.1");
}

static void bytes_go_both_ways_over_ipv6(void)
{
	if (!there_is_ipv6()) {
		h_skip("no IPv6 here");
		return;
	}
	bytes_go_both_ways("::1", "[::1]");
}

static void connecting_by_name_finds_the_listener(void)
{
	char service[8];
	struct link l;

	link_listen(&l, "127.0.0.1");
	snprintf(service, sizeof(service), "%u", addr_port(&l.addr));
	CHECK_CODE(chp_tcp_connect(&l.near, "localhost", service), 0);
	CHECK_CODE(chp_tcp_accept(&l.listener, &l.far, NULL), 0);
	link_close(&l);
}

/* A wait that has ended connects to nobody, though the listener is there. */
static void connecting_by_name_is_a_wait_as_any(void)
{
	chp_wait patience = { .deadline = chp_in(30 * CHP_SEC) };
	chp_wait shielded = { .flags = CHP_UNINTERRUPTIBLE };
	chp_wait strange = { .flags = 1u << 31 };
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait late = { .cancel = &token };
	char port[8];
	struct link l;

	link_listen(&l, "127.0.0.1");
	snprintf(port, sizeof(port), "%u", addr_port(&l.addr));
	for (int i = 0; i < 2; i++) {
		const char *host = i ? "localhost" : "127.0.0.1";

		CHECK_CODE(chp_tcp_connect_with(&l.near, host, port, &patience),
			   0);
		CHECK_CODE(chp_tcp_accept(&l.listener, &l.far, NULL), 0);
		chp_tcp_close(&l.near);
		chp_tcp_close(&l.far);
	}

	l.near.fd = (void *)&l;
	CHECK_CODE(chp_tcp_connect_with(&l.near, "127.0.0.1", port, &strange),
		   CHP_EINVAL);
	CHECK(l.near.fd == NULL);
	chp_cancel_now(&token);
	CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
	l.near.fd = (void *)&l;
	CHECK_CODE(chp_tcp_connect_with(&l.near, "127.0.0.1", port, &late),
		   CHP_EINTR);
	CHECK(l.near.fd == NULL);
	CHECK_CODE(chp_tcp_connect_with(&l.near, "127.0.0.1", port, &late),
		   CHP_ECANCELED);
	CHECK(l.near.fd == NULL);
	CHECK_CODE(chp_tcp_accept_with(&l.listener, &l.far, NULL,
				       &(chp_wait){ .deadline = 1 }),
		   CHP_ETIMEDOUT);

	CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
	CHECK_CODE(chp_tcp_connect_with(&l.near, "127.0.0.1", port, &shielded),
		   0);
	CHECK_CODE(chp_tcp_accept(&l.listener, &l.far, NULL), CHP_EINTR);
	CHECK_CODE(chp_tcp_accept(&l.listener, &l.far, NULL), 0);
	chp_cancel_destroy(&token);
	link_close(&l);
}

static void a_refused_connection_says_so(void)
{
	char service[8];
	struct link l;
	chp_tcp t = { NULL };

	link_listen(&l, "127.0.0.1");
	chp_tcp_listener_close(&l.listener);
	snprintf(service, sizeof(service), "%u", addr_port(&l.addr));
	CHECK_CODE(chp_tcp_connect_addr_with(&t, &l.addr, NULL), -ECONNREFUSED);
	CHECK(t.fd == NULL);
	CHECK_CODE(chp_tcp_connect(&t, "127.0.0.1", service), -ECONNREFUSED);
	CHECK(t.fd == NULL);
	CHECK_CODE(chp_tcp_connect(&t, "no-such-host.invalid", "80"),
		   CHP_ERESOLVE);
	CHECK(t.fd == NULL);
}

static void a_port_in_use_is_not_listened_on_twice(void)
{
	chp_tcp_listener second = { NULL };
	char service[8];
	struct link l;

	link_listen(&l, "127.0.0.1");
	snprintf(service, sizeof(service), "%u", addr_port(&l.addr));
	CHECK_CODE(chp_tcp_listen(&second, "127.0.0.1", service, 0),
		   -EADDRINUSE);
	chp_tcp_listener_close(&l.listener);

	/* SO_REUSEADDR: the port is free again at once. */
	CHECK_CODE(chp_tcp_listen(&second, "127.0.0.1", service, 0), 0);
	chp_tcp_listener_close(&second);
}

/* A listener whose queue is full lets others knock without an answer. */
static void connecting_has_a_deadline(void)
{
	chp_tcp filler[64];
	chp_cancel token = CHP_CANCEL_INIT;
	struct link l;
	int n = 0, r;

	CHECK_CODE(chp_tcp_listen(&l.listener, "127.0.0.1", "0", 1), 0);
	CHECK_CODE(chp_tcp_listener_addr(&l.listener, &l.addr), 0);
	for (;;) {
		chp_wait w = { .deadline = chp_in(50 * CHP_MS) };

		r = chp_tcp_connect_addr_with(&filler[n], &l.addr, &w);
		if (r)
			break;
		if (++n == 64) {
			h_skip("this system's backlog has no end");
			break;
		}
	}
	if (n < 64) {
		chp_wait w = { .cancel = &token };

		CHECK_CODE(r, CHP_ETIMEDOUT);
		chp_cancel_init(&token, NULL, 0);
		chp_cancel_now(&token);
		CHECK_CODE(chp_tcp_connect_addr_with(&l.near, &l.addr, &w),
			   CHP_ECANCELED);
	}
	while (n > 0)
		chp_tcp_close(&filler[--n]);
	chp_tcp_listener_close(&l.listener);
}

/* ---- Moving bytes ---- */

static void a_read_gives_what_there_is(void)
{
	char heard[16];
	struct link l;
	int n;

	link_open(&l);
	CHECK_EQ(link_write(&l.near, "abc", 3, NULL), 3);
	CHECK_EQ(link_read(&l.far, heard, sizeof(heard), NULL), 3);
	CHECK_EQ(link_write(&l.near, "defgh", 5, NULL), 5);
	CHECK_EQ(link_read(&l.far, heard + 3, 2, NULL), 2);
	n = link_read(&l.far, heard + 5, sizeof(heard) - 5, NULL);
	CHECK_EQ(n, 3);
	CHECK_EQ(memcmp(heard, "abcdefgh", 8), 0);
	link_close(&l);
}

static void no_bytes_need_no_waiting(void)
{
	chp_wait patience = { .deadline = chp_in(5 * CHP_SEC) };
	struct link l;
	char c;

	link_open(&l);
	CHECK_EQ(link_write(&l.far, &c, 0, &patience), 0);
	CHECK_CODE(link_write_all(&l.far, &c, 0), 0);
	CHECK_CODE(link_read_exact(&l.far, &c, 0), 0);
	CHECK_EQ(link_read(&l.far, &c, 0, &patience), 0);
	link_close(&l);
}

static void shutdown_ends_one_direction_only(void)
{
	char heard[8];
	struct link l;

	link_open(&l);
	CHECK_CODE(link_write_all(&l.near, "last", 4), 0);
	CHECK_CODE(chp_tcp_shutdown(&l.near), 0);
	CHECK_CODE(link_read_exact(&l.far, heard, 4), 0);
	CHECK_EQ(link_read(&l.far, heard, sizeof(heard), NULL), 0);
	CHECK_EQ(link_read(&l.far, heard, sizeof(heard), NULL), 0);
	CHECK_CODE(link_write_all(&l.far, "answer", 6), 0);
	CHECK_CODE(link_read_exact(&l.near, heard, 6), 0);
	CHECK_EQ(memcmp(heard, "answer", 6), 0);
	CHECK_CODE(link_write(&l.near, "x", 1, NULL), -EPIPE);
	link_close(&l);
}

static void an_early_end_says_how_many_bytes_there_were(void)
{
	size_t moved = 99;
	char heard[8];
	struct link l;

	link_open(&l);
	CHECK_CODE(chp_tcp_write_all(&l.near, "abc", 3, &moved), 0);
	CHECK_EQ(moved, 3);
	chp_tcp_close(&l.near);
	CHECK_CODE(chp_tcp_read_exact(&l.far, heard, 8, &moved), CHP_ECLOSED);
	CHECK_EQ(moved, 3);
	CHECK_EQ(memcmp(heard, "abc", 3), 0);
	CHECK_CODE(chp_tcp_read_exact(&l.far, heard, 8, &moved), CHP_ECLOSED);
	CHECK_EQ(moved, 0);
	link_close(&l);
}

/* SIGPIPE would end this process. */
static void a_peer_that_resets_is_an_error_and_no_signal(void)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };
	char heard[8] = { 0 };
	struct link l;
	int r;

	link_open(&l);
	CHECK_EQ(setsockopt(chp_fd_number(l.far.fd), SOL_SOCKET, SO_LINGER,
			    &now, sizeof(now)),
		 0);
	chp_tcp_close(&l.far);
	CHECK_CODE(link_read(&l.near, heard, sizeof(heard), NULL), -ECONNRESET);
	while ((r = link_write(&l.near, heard, sizeof(heard), NULL)) > 0)
		;
	CHECK_CODE(r, -EPIPE);
	link_close(&l);
}

#define MUCH ((size_t)8 << 20)

static unsigned char *much;

static void *write_much(void *arg)
{
	size_t at = 0, piece = 1;
	int n = 0;

	/* Half of it in pieces of all sizes, the rest at once. */
	while (at < MUCH / 2) {
		n = link_write(arg, much + at, piece, NULL);
		CHECK(n > 0 && (size_t)n <= piece);
		at += (size_t)n;
		piece = piece * 7 % 65521 + 1;
	}
	CHECK_CODE(link_write_all(arg, much + at, MUCH - at), 0);
	CHECK_CODE(chp_tcp_shutdown(arg), 0);
	return NULL;
}

static void *read_much(void *arg)
{
	CHECK_EQ(read_pattern_to_end(arg, 0), MUCH);
	return NULL;
}

static void much_goes_through_both_ways_at_once(void)
{
	struct h_agent agents[4];
	struct link l;

	much = new_pattern(MUCH);
	link_open(&l);
	h_spawn(&agents[0], write_much, &l.near);
	h_spawn(&agents[1], write_much, &l.far);
	h_spawn(&agents[2], read_much, &l.near);
	h_spawn(&agents[3], read_much, &l.far);
	for (int i = 0; i < 4; i++)
		h_join(&agents[i]);
	link_close(&l);
	free(much);
}

/* ---- Many ---- */

#define CLIENTS 64

static void *echo(void *arg)
{
	char buffer[100];
	int n;

	while ((n = link_read(arg, buffer, sizeof(buffer), NULL)) > 0)
		CHECK_CODE(link_write_all(arg, buffer, (size_t)n), 0);
	CHECK_CODE(n, 0);
	return NULL;
}

static void *serve(void *arg)
{
	struct h_agent agents[CLIENTS];
	chp_tcp peers[CLIENTS];
	struct link *l = arg;

	for (int i = 0; i < CLIENTS; i++) {
		CHECK_CODE(link_accept(&l->listener, &peers[i], NULL, NULL), 0);
		h_spawn(&agents[i], echo, &peers[i]);
	}
	for (int i = 0; i < CLIENTS; i++) {
		h_join(&agents[i]);
		chp_tcp_close(&peers[i]);
	}
	return NULL;
}

static void *talk(void *arg)
{
	long rounds = h_rounds(20);
	struct link *l = arg;
	char said[300], heard[300];
	chp_tcp t;

	CHECK_CODE(link_connect(&t, &l->addr), 0);
	for (long i = 0; i < rounds; i++) {
		memset(said, 'a' + (int)(i % 26), sizeof(said));
		CHECK_CODE(link_write_all(&t, said, sizeof(said)), 0);
		CHECK_CODE(link_read_exact(&t, heard, sizeof(heard)), 0);
		CHECK_EQ(memcmp(said, heard, sizeof(said)), 0);
	}
	chp_tcp_close(&t);
	return NULL;
}

static void many_clients_hear_their_echo(void)
{
	struct h_agent server, agents[CLIENTS];
	struct link l;

	link_listen(&l, "127.0.0.1");
	h_spawn(&server, serve, &l);
	for (int i = 0; i < CLIENTS; i++)
		h_spawn(&agents[i], talk, &l);
	for (int i = 0; i < CLIENTS; i++)
		h_join(&agents[i]);
	h_join(&server);
	chp_tcp_listener_close(&l.listener);
}

/* ---- Handles ---- */

static void a_socket_taken_over_is_closed_with_the_handle(void)
{
	chp_tcp t = { NULL };
	int ends[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	CHECK_CODE(chp_tcp_from_socket(&t, ends[0]), 0);
	CHECK_EQ(chp_fd_number(t.fd), ends[0]);
	CHECK_CODE(link_write_all(&t, "x", 1), 0);
	chp_tcp_close(&t);
	CHECK(t.fd == NULL);
	chp_tcp_close(&t);
	CHECK_EQ(fcntl(ends[0], F_GETFD), -1);
	close(ends[1]);
	CHECK_CODE(chp_tcp_from_socket(&t, -1), -EBADF);
}

static void a_closed_handle_says_so(void)
{
	chp_tcp_listener listener = { NULL };
	chp_tcp t = { NULL }, other = { NULL };
	size_t moved = 99;
	chp_addr addr;
	char c = 'x';

	CHECK_CODE(link_read(&t, &c, 1, NULL), CHP_ECLOSED);
	CHECK_CODE(link_write(&t, &c, 1, NULL), CHP_ECLOSED);
	CHECK_CODE(link_accept(&listener, &other, NULL, NULL), CHP_ECLOSED);
	CHECK_CODE(chp_tcp_read_exact(&t, &c, 1, &moved), CHP_ECLOSED);
	CHECK_EQ(moved, 0);
	moved = 99;
	CHECK_CODE(chp_tcp_write_all(&t, &c, 1, &moved), CHP_ECLOSED);
	CHECK_EQ(moved, 0);
	CHECK_CODE(chp_tcp_shutdown(&t), CHP_ECLOSED);
	CHECK_CODE(chp_tcp_listener_addr(&listener, &addr), CHP_ECLOSED);
	chp_tcp_close(&t);
	chp_tcp_listener_close(&listener);
}

static const struct h_test tests[] = {
	TEST(the_driver_of_the_process_is_there, IN_POLLED),
	TEST(bytes_go_both_ways_over_ipv4, IN_ALL),
	TEST(bytes_go_both_ways_over_ipv6, IN_ALL),
	TEST(connecting_by_name_finds_the_listener, IN_BLOCKING),
	TEST(connecting_by_name_is_a_wait_as_any, IN_BLOCKING),
	TEST(a_refused_connection_says_so, IN_BLOCKING),
	TEST(a_port_in_use_is_not_listened_on_twice, IN_BLOCKING),
	TEST(connecting_has_a_deadline, IN_BLOCKING),
	TEST(a_read_gives_what_there_is, IN_ALL),
	TEST(no_bytes_need_no_waiting, IN_ALL),
	TEST(shutdown_ends_one_direction_only, IN_ALL),
	TEST(an_early_end_says_how_many_bytes_there_were, IN_BLOCKING),
	TEST(a_peer_that_resets_is_an_error_and_no_signal, IN_ALL),
	TEST(much_goes_through_both_ways_at_once, IN_ALL),
	TEST(many_clients_hear_their_echo, IN_ALL),
	TEST(a_socket_taken_over_is_closed_with_the_handle, IN_ALL),
	TEST(a_closed_handle_says_so, IN_ALL),
};
H_MAIN("tcp", tests)
