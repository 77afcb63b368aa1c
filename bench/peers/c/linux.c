/*
 * linux.c - what a program does that knows its one job: a ping-pong by two
 * words in memory, an echo by epoll loops written by hand.
 */
#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

/* ---- Two words ---- */

static struct word {
	long value;
} __attribute__((aligned(128))) there, back;

static void await(const struct word *w, long value)
{
	while (__atomic_load_n(&w->value, __ATOMIC_ACQUIRE) != value)
		;
}

static void tell(struct word *w, long value)
{
	__atomic_store_n(&w->value, value, __ATOMIC_RELEASE);
}

static void ask(long rounds)
{
	for (long i = 1; i <= rounds; i++) {
		tell(&there, i);
		await(&back, i);
	}
}

static void answer(long rounds)
{
	for (long i = 1; i <= rounds; i++) {
		await(&there, i);
		tell(&back, i);
	}
}

static void spin(struct pass *p)
{
	there.value = back.value = 0;
	peer_duet(p, ask, answer);
}

/* ---- Echo ---- */

enum { MOST = 1000, SIZE = 64 };

struct end {
	int fd;
	int got; /* bytes of the answer; of a server's end: unused */
	bool server;
	unsigned char sent;
};

static struct end ends[2 * MOST];
static int connections;
static long to_send, to_hear; /* requests, of all connections */

static int set_up_socket(int fd)
{
	int on = 1;

	EXPECT(fd >= 0);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static void watch(int epoll, struct end *e)
{
	struct epoll_event v = { .events = EPOLLIN, .data.ptr = e };

	EXPECT(!epoll_ctl(epoll, EPOLL_CTL_ADD, e->fd, &v));
}

/* Pairs of ends: even ones are the client's, odd ones the server's. */
static void connect_all(int client_epoll, int server_epoll)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t length = sizeof(a);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	EXPECT(!bind(listener, (struct sockaddr *)&a, sizeof(a)));
	EXPECT(!listen(listener, connections));
	EXPECT(!getsockname(listener, (struct sockaddr *)&a, &length));
	for (int i = 0; i < 2 * connections; i += 2) {
		int fd = set_up_socket(socket(AF_INET, SOCK_STREAM, 0));

		EXPECT(!connect(fd, (struct sockaddr *)&a, sizeof(a)));
		ends[i] = (struct end){ .fd = fd };
		fd = set_up_socket(accept(listener, NULL, NULL));
		ends[i + 1] = (struct end){ .fd = fd, .server = true };
		watch(client_epoll, &ends[i]);
		watch(server_epoll, &ends[i + 1]);
	}
	close(listener);
}

static void ask_over(struct end *e)
{
	char request[SIZE];

	if (!to_send)
		return;
	to_send--;
	e->got = 0;
	memset(request, ++e->sent, SIZE);
	EXPECT(send(e->fd, request, SIZE, 0) == SIZE);
}

static void hear_answer(struct end *e)
{
	unsigned char answer[SIZE];
	ssize_t n = recv(e->fd, answer, (size_t)(SIZE - e->got), 0);

	peer_expect(n > 0 && answer[0] == e->sent && answer[n - 1] == e->sent,
		    "the echo is what was sent");
	e->got += (int)n;
	if (e->got < SIZE)
		return;
	to_hear--;
	ask_over(e);
}

/* False when the client has closed. */
static bool echo(const struct end *e)
{
	char bytes[SIZE];
	ssize_t n = recv(e->fd, bytes, SIZE, 0);

	if (n == 0)
		return false;
	EXPECT(n > 0 && send(e->fd, bytes, (size_t)n, 0) == n);
	return true;
}

static int wait_for(int epoll, struct epoll_event *v)
{
	int n = epoll_wait(epoll, v, 2 * MOST, -1);

	EXPECT(n > 0 || errno == EINTR);
	return n;
}

/* The client's loop, and the server's as well if both are in one epoll. */
static void client_loop(int epoll)
{
	struct epoll_event v[2 * MOST];

	while (to_hear)
		for (int i = wait_for(epoll, v) - 1; i >= 0; i--) {
			struct end *e = v[i].data.ptr;

			if (e->server)
				echo(e);
			else
				hear_answer(e);
		}
}

static void server_loop(void *arg)
{
	struct epoll_event v[2 * MOST];
	const int *epoll = arg;

	for (int open = connections; open;)
		for (int i = wait_for(*epoll, v) - 1; i >= 0; i--) {
			struct end *e = v[i].data.ptr;

			if (echo(e))
				continue;
			epoll_ctl(*epoll, EPOLL_CTL_DEL, e->fd, NULL);
			open--;
		}
}

static void run_echo(struct pass *p, int client_epoll, struct crowd *server)
{
	to_send = to_hear = p->ops;
	if (server)
		crowd_go(server, p);
	else
		peer_start(p);
	for (int i = 0; i < 2 * connections; i += 2)
		ask_over(&ends[i]);
	client_loop(client_epoll);
	peer_stop(p);
	for (int i = 0; i < 2 * connections; i += 2)
		shutdown(ends[i].fd, SHUT_WR);
}

static void hang_up(void)
{
	for (int i = 0; i < 2 * connections; i++)
		close(ends[i].fd);
}

static void echo_1thr(struct pass *p, int count)
{
	int epoll = epoll_create1(0);

	EXPECT(epoll >= 0);
	connections = count;
	connect_all(epoll, epoll);
	run_echo(p, epoll, NULL);
	hang_up();
	close(epoll);
}

static void echo_2thr(struct pass *p, int count)
{
	int client = epoll_create1(0), server = epoll_create1(0);
	struct crowd crowd;

	EXPECT(client >= 0 && server >= 0);
	connections = count;
	connect_all(client, server);
	crowd_make(&crowd, 1, server_loop, &server, 0);
	run_echo(p, client, &crowd);
	crowd_join(&crowd);
	hang_up();
	close(client);
	close(server);
}

static void echo_64_1thr(struct pass *p)
{
	echo_1thr(p, 64);
}

static void echo_64_2thr(struct pass *p)
{
	echo_2thr(p, 64);
}

static void echo_1000_1thr(struct pass *p)
{
	echo_1thr(p, 1000);
}

static void echo_1000_2thr(struct pass *p)
{
	echo_2thr(p, 1000);
}

static void version(void)
{
	struct utsname u;

	uname(&u);
	printf("linux %s\n", u.release);
	printf("spin (two words in memory)\n");
}

static const struct workload list[] = {
	{ "spin", "pp.notify.t2", 1000000, spin },
	{ "linux/epoll-1thr", "echo.64.ct", 200000, echo_64_1thr },
	{ "linux/epoll-2thr", "echo.64.mt", 200000, echo_64_2thr },
	{ "linux/epoll-1thr", "echo.1000.ct", 200000, echo_1000_1thr },
	{ "linux/epoll-2thr", "echo.1000.mt", 200000, echo_1000_2thr },
};

const struct peer peer_linux = PEER(list, version);
