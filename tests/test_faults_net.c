/*
 * test_faults_net.c - descriptors, sockets, names and signals while calls
 * fail, are interrupted, or move a few bytes only.
 */
#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

enum { BYTES = 20000 };

static int say_in(unsigned workers, void *(*fn)(void *arg))
{
	chp_runtime_options options = { .workers = workers };
	void *said = NULL;
	int r;

	if (workers == 1)
		options.kind = CHP_CURRENT_THREAD;
	r = chp_run(&options, fn, NULL, &said);
	return r ? r : (int)(intptr_t)said;
}

/* ---- A connection ---- */

static unsigned char byte_at(size_t i)
{
	return (unsigned char)(i * 7 + i / 251);
}

/* Take BYTES from one connection, and send them back. */
static int echo(chp_tcp_listener *l)
{
	static char bytes[BYTES];
	size_t moved;
	chp_tcp t;
	int r = chp_tcp_accept(l, &t, NULL);

	if (r)
		return r;
	r = chp_tcp_read_exact(&t, bytes, BYTES, &moved);
	CHECK(r != 0 || moved == BYTES);
	if (r == 0)
		r = chp_tcp_write_all(&t, bytes, BYTES, &moved);
	CHECK(r != 0 || moved == BYTES);
	chp_tcp_close(&t);
	return r;
}

static void *serve(void *listener)
{
	chp_tcp_listener *l = listener;
	int r = echo(l);

	/* Nobody waits for us in the backlog. */
	chp_tcp_listener_close(l);
	return (void *)(intptr_t)r;
}

static int exchange(chp_tcp *t)
{
	static unsigned char out[BYTES], in[BYTES];
	int r;

	for (size_t i = 0; i < BYTES; i++)
		out[i] = byte_at(i);
	memset(in, 0, sizeof(in));
	r = chp_tcp_write_all(t, out, BYTES, NULL);
	if (r == 0)
		r = chp_tcp_shutdown(t);
	if (r == 0)
		r = chp_tcp_read_exact(t, in, BYTES, NULL);
	CHECK(r != 0 || memcmp(in, out, BYTES) == 0);
	return r;
}

static int ask(const char *host, const char *service)
{
	chp_tcp t;
	int r = chp_tcp_connect(&t, host, service);

	if (r == 0)
		r = exchange(&t);
	chp_tcp_close(&t);
	return r;
}

/* Is this what one side sees when the other has failed? */
static bool is_consequence(int r)
{
	return r == 0 || r == CHP_ECLOSED || r == CHP_EABORTED ||
	       r == -ECONNRESET || r == -ECONNREFUSED || r == -EPIPE;
}

static int with_server(chp_tcp_listener *l, const char *host)
{
	chp_outcome outcome;
	char service[8];
	chp_task server;
	chp_addr addr;
	int r = chp_tcp_listener_addr(l, &addr), told;

	if (r == 0)
		r = chp_spawn(&server, serve, l);
	if (r)
		return r;
	snprintf(service, sizeof(service), "%u",
		 ntohs(((struct sockaddr_in *)&addr.storage)->sin_port));
	r = ask(host, service);
	if (r)
		chp_task_abort(&server);
	CHECK_CODE(chp_join(&server, &outcome), 0);
	if (outcome.fate == CHP_NEVER_RUN)
		return r;
	told = (int)(intptr_t)outcome.value;
	return is_consequence(told) ? r : told;
}

static void *talk_to(const char *host)
{
	chp_tcp_listener l;
	int r = chp_tcp_listen(&l, "127.0.0.1", "0", 0);

	if (r == 0)
		r = with_server(&l, host);
	chp_tcp_listener_close(&l);
	return (void *)(intptr_t)r;
}

static void *talk(void *arg)
{
	(void)arg;
	return talk_to("127.0.0.1");
}

static void *talk_by_name(void *arg)
{
	(void)arg;
	return talk_to("localhost");
}

static int connection_on_one_thread(void)
{
	return say_in(1, talk);
}

static int connection_on_many_threads(void)
{
	return say_in(3, talk);
}

static int connection_by_name(void)
{
	return say_in(1, talk_by_name);
}

static void connections(void)
{
	fault_each(connection_on_one_thread, FAULT_HEALS | FAULT_ANY_MAPS);
	fault_each(connection_on_many_threads, FAULT_HEALS | FAULT_ANY_MAPS);
	fault_each(connection_by_name, FAULT_HEALS | FAULT_ANY_MAPS);
}

/* ---- Descriptors and signals, by the process-wide driver ---- */

static int write_byte(int fd)
{
	ssize_t n;

	do
		n = write(fd, "", 1);
	while (n < 0 && errno == EINTR);
	return n == 1 ? 0 : -errno;
}

/* A failed registration leaves the descriptor as it was. */
static int wait_for(const int ends[2])
{
	chp_fd *f;
	int r = chp_fd_new(&f, ends[0]);

	if (r) {
		int flags = fcntl(ends[0], F_GETFL);

		CHECK(flags < 0 || !(flags & O_NONBLOCK));
		return r;
	}
	r = write_byte(ends[1]);
	if (r == 0)
		r = chp_fd_wait(f, CHP_READABLE);
	chp_fd_free(f);
	return r == CHP_READABLE ? 0 : r;
}

static int descriptor(void)
{
	int ends[2], r;

	if (pipe(ends) != 0)
		return -errno;
	r = wait_for(ends);
	close(ends[0]);
	close(ends[1]);
	return r;
}

static int signals(void)
{
	chp_signal s;
	int r = chp_signal_open(&s, SIGUSR1);

	if (r)
		return r;
	for (int i = 0; r == 0 && i < 3; i++) {
		CHECK_EQ(raise(SIGUSR1), 0);
		r = chp_signal_wait(&s);
	}
	return r;
}

/* The program's loop drives the time. */
static int embedded(void)
{
	struct pollfd p = { .fd = chp_driver_fd(), .events = POLLIN };
	chp_sleep_op sleep;
	int r;

	if (p.fd < 0)
		return p.fd == CHP_ENOSYS ? 0 : p.fd;
	chp_sleep_until_op(&sleep, chp_in(CHP_MS));
	while ((r = chp_op_poll(&sleep.op, NULL)) == CHP_PENDING) {
		/* Readable when there is something to do, and not never. */
		if (poll(&p, 1, 10000) == 0)
			h_fail(__FILE__, __LINE__, "no alarm");
		CHECK(chp_driver_turn() >= 0);
	}
	return r;
}

static void by_the_driver_of_the_process(void)
{
	fault_each(descriptor, 0);
	fault_each(signals, 0);
	fault_each(embedded, 0);
}

/* ---- Interruptions and short transfers ---- */

static void noise_changes_nothing(void)
{
	enum { ROUNDS = 8 };

	fault_noisily(connection_on_one_thread, ROUNDS);
	fault_noisily(connection_on_many_threads, ROUNDS);
	fault_noisily(connection_by_name, ROUNDS);
	fault_noisily(descriptor, 4 * ROUNDS);
	fault_noisily(signals, 4 * ROUNDS);
	fault_noisily(embedded, 4 * ROUNDS);
}

static const struct h_test tests[] = {
	TEST(connections, ON_ITS_OWN),
	TEST(by_the_driver_of_the_process, ON_ITS_OWN),
	TEST(noise_changes_nothing, ON_ITS_OWN),
};

H_MAIN("faults_net", tests)
