/*
 * test_fd.c - descriptors: a wait returns when, and only when, the descriptor
 * is ready, whoever else waits on it.
 *
 * The readers and writers of these tests try, wait when told EAGAIN, and try
 * again.  If one of them is left waiting although there is data, room or an
 * end, the test hangs and its watchdog ends it.
 */
#include "fd.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

/* What read says once it does not say EAGAIN any more. */
static ssize_t get(chp_fd *f, void *out, size_t size)
{
	ssize_t n;

	while ((n = read(chp_fd_number(f), out, size)) < 0 && errno == EAGAIN)
		CHECK_EQ(wait_fd(f, CHP_READABLE, NULL), CHP_READABLE);
	return n;
}

static ssize_t put(chp_fd *f, const void *data, size_t size)
{
	ssize_t n;

	while ((n = send(chp_fd_number(f), data, size, MSG_NOSIGNAL)) < 0 &&
	       errno == EAGAIN)
		CHECK_EQ(wait_fd(f, CHP_WRITABLE, NULL), CHP_WRITABLE);
	return n;
}

static void make_sockets(int ends[2])
{
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
}

/* Send until there is no room; how much that was. */
static size_t fill(int fd)
{
	static const char block[4096];
	size_t sum = 0;
	ssize_t n;

	while ((n = send(fd, block, sizeof(block), MSG_DONTWAIT)) > 0)
		sum += (size_t)n;
	CHECK_EQ(errno, EAGAIN);
	return sum;
}

static void drain(int fd)
{
	char block[4096];

	while (recv(fd, block, sizeof(block), MSG_DONTWAIT) > 0)
		;
}

/* ---- One waiter ---- */

struct player {
	chp_fd *f;
	long rounds;
};

static void *return_balls(void *arg)
{
	struct player *p = arg;
	char c;

	for (long i = 0; i < p->rounds; i++) {
		CHECK_EQ(get(p->f, &c, 1), 1);
		CHECK_EQ(put(p->f, &c, 1), 1);
	}
	return NULL;
}

static void ping_pong_misses_no_byte(void)
{
	struct player p = { .rounds = h_rounds(3000) };
	struct h_agent a;
	chp_fd *f;
	int ends[2];
	char c;

	make_sockets(ends);
	f = registered(ends[0]);
	p.f = registered(ends[1]);
	h_spawn(&a, return_balls, &p);
	for (long i = 0; i < p.rounds; i++) {
		c = (char)i;
		CHECK_EQ(put(f, &c, 1), 1);
		c = 0;
		CHECK_EQ(get(f, &c, 1), 1);
		CHECK_EQ(c, (char)i);
	}
	h_join(&a);
	chp_fd_free(f);
	chp_fd_free(p.f);
	close(ends[0]);
	close(ends[1]);
}

static void *add_one(void *arg)
{
	CHECK_EQ(eventfd_write(*(int *)arg, 1), 0);
	return NULL;
}

static void an_eventfd_becomes_readable(void)
{
	int e = eventfd(0, EFD_CLOEXEC);
	chp_fd *f = registered(e);
	struct h_agent a;
	uint64_t n;

	CHECK(fcntl(e, F_GETFL) & O_NONBLOCK);
	h_spawn(&a, add_one, &e);
	CHECK_EQ(get(f, &n, sizeof(n)), sizeof(n));
	CHECK_EQ(n, 1);
	h_join(&a);
	chp_fd_free(f);
	close(e);
}

static void *read_to_the_end(void *arg)
{
	intptr_t n = 0;
	char c;

	while (get(arg, &c, 1) == 1)
		n++;
	return (void *)n;
}

static void the_end_of_a_pipe_is_readable(void)
{
	struct h_agent a;
	int ends[2];
	chp_fd *f;

	f = open_pipe(ends);
	h_spawn(&a, read_to_the_end, f);
	CHECK_EQ(write(ends[1], "ab", 2), 2);
	close(ends[1]);
	CHECK_EQ((intptr_t)h_join(&a), 2);
	chp_fd_free(f);
	close(ends[0]);
}

static void *put_one(void *arg)
{
	return (void *)(intptr_t)(put(arg, "x", 1) == 1 ? 0 : errno);
}

static void room_and_hangup_are_writable(void)
{
	struct h_agent a;
	int ends[2];
	chp_fd *f;

	make_sockets(ends);
	f = registered(ends[0]);
	for (int round = 0; round < 20; round++) {
		fill(ends[0]);
		h_spawn(&a, put_one, f);
		drain(ends[1]);
		CHECK_EQ((intptr_t)h_join(&a), 0);
	}
	fill(ends[0]);
	h_spawn(&a, put_one, f);
	close(ends[1]);
	CHECK_EQ((intptr_t)h_join(&a), EPIPE);
	chp_fd_free(f);
	close(ends[0]);
}

static void *get_one(void *arg)
{
	char c;

	return (void *)(intptr_t)(get(arg, &c, 1) == 1 ? c : -1);
}

static void both_directions_wait_apart(void)
{
	struct h_agent reader, writer;
	int ends[2];
	chp_fd *f;

	make_sockets(ends);
	f = registered(ends[0]);
	for (int round = 0; round < 20; round++) {
		fill(ends[0]);
		h_spawn(&reader, get_one, f);
		h_spawn(&writer, put_one, f);
		/* Either may come first; neither may end the other's wait. */
		if (round & 1) {
			drain(ends[1]);
			CHECK_EQ((intptr_t)h_join(&writer), 0);
			CHECK_EQ(write(ends[1], "r", 1), 1);
			CHECK_EQ((intptr_t)h_join(&reader), 'r');
		} else {
			CHECK_EQ(write(ends[1], "r", 1), 1);
			CHECK_EQ((intptr_t)h_join(&reader), 'r');
			drain(ends[1]);
			CHECK_EQ((intptr_t)h_join(&writer), 0);
		}
	}
	free_and_close(f, ends);
}

static void either_direction_says_which(void)
{
	int ends[2];
	chp_fd *f;

	make_sockets(ends);
	f = registered(ends[0]);
	fill(ends[0]);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(wait_fd(f, CHP_READABLE | CHP_WRITABLE, NULL), CHP_READABLE);
	drain(ends[1]);
	CHECK_EQ(wait_fd(f, CHP_READABLE | CHP_WRITABLE, NULL),
		 CHP_READABLE | CHP_WRITABLE);
	free_and_close(f, ends);
}

static void what_is_ready_stays_ready_until_it_is_used(void)
{
	chp_wait once = { .deadline = 1 };
	int ends[2];
	chp_fd *f;
	char c;

	make_sockets(ends);
	f = registered(ends[0]);
	CHECK_EQ(wait_fd(f, CHP_WRITABLE, NULL), CHP_WRITABLE);
	for (int i = 0; i < 100; i++) {
		CHECK_CODE(wait_fd(f, CHP_READABLE, &once), CHP_ETIMEDOUT);
		CHECK_EQ(write(ends[1], "x", 1), 1);
		CHECK_EQ(wait_fd(f, CHP_READABLE, NULL), CHP_READABLE);
		CHECK_EQ(wait_fd(f, CHP_READABLE, &once), CHP_READABLE);
		CHECK_EQ(read(ends[0], &c, 1), 1);
	}
	CHECK_CODE(wait_fd(f, CHP_READABLE, &once), CHP_ETIMEDOUT);
	CHECK_EQ(wait_fd(f, CHP_READABLE | CHP_WRITABLE, NULL), CHP_WRITABLE);
	free_and_close(f, ends);
}

/* ---- Several waiters ---- */

static void all_readers_together_get_each_byte_once(void)
{
	long bytes = h_rounds(2000), sum = 0;
	struct h_agent readers[4];
	int ends[2];
	chp_fd *f;

	f = open_pipe(ends);
	for (int i = 0; i < 4; i++)
		h_spawn(&readers[i], read_to_the_end, f);
	for (long i = 0; i < bytes; i++) {
		CHECK_EQ(write(ends[1], "x", 1), 1);
		if (i % 3 == 0)
			h_yield();
	}
	/* Each of them must hear of the end, though it happens only once. */
	close(ends[1]);
	for (int i = 0; i < 4; i++)
		sum += (intptr_t)h_join(&readers[i]);
	CHECK_EQ(sum, bytes);
	chp_fd_free(f);
	close(ends[0]);
}

static void one_event_wakes_all_who_wait(void)
{
	struct h_waker wakers[3] = { 0 };
	chp_fd_op ops[3];
	int ends[2];
	chp_fd *f;

	f = open_pipe(ends);
	for (int i = 0; i < 3; i++) {
		chp_fd_wait_op(&ops[i], f, CHP_READABLE);
		CHECK_CODE(h_poll(&ops[i].op, &wakers[i]), CHP_PENDING);
	}
	CHECK_EQ(write(ends[1], "xyz", 3), 3);
	for (int i = 0; i < 3; i++) {
		int r;

		while ((r = h_poll(&ops[i].op, &wakers[i])) == CHP_PENDING)
			h_yield();
		CHECK_EQ(r, CHP_READABLE);
	}
	for (int i = 0; i < 3; i++)
		h_until(h_refs(&wakers[i]) == 0);
	free_and_close(f, ends);
}

/*
 * Two have tried, and been told EAGAIN, before the news came.  That the first
 * has been told since must not keep the news from the second.  (Two tasks that
 * accept from one listener meet like this.)
 */
static void wait_after_another_was_told(const char *bytes)
{
	chp_wait patience = { .deadline = chp_in(10 * CHP_SEC) };
	int ends[2];
	chp_fd *f;
	char c;

	f = open_pipe(ends);
	CHECK_EQ(read(ends[0], &c, 1), -1); /* the first's try */
	CHECK_EQ(read(ends[0], &c, 1), -1); /* the second's try */
	CHECK_EQ(write(ends[1], bytes, strlen(bytes)), strlen(bytes));
	if (!*bytes)
		close(ends[1]);
	CHECK_EQ(wait_fd(f, CHP_READABLE, &patience), CHP_READABLE);
	CHECK_EQ(read(ends[0], &c, 1), *bytes != 0);
	CHECK_EQ(wait_fd(f, CHP_READABLE, &patience), CHP_READABLE);
	CHECK_EQ(read(ends[0], &c, 1), *bytes != 0);
	chp_fd_free(f);
	close(ends[0]);
	if (*bytes)
		close(ends[1]);
}

static void the_end_is_not_missed_because_another_heard_of_it(void)
{
	wait_after_another_was_told("");
}

static void bytes_are_not_missed_because_another_heard_of_them(void)
{
	wait_after_another_was_told("xy");
}

static const struct h_test tests[] = {
	TEST(the_driver_of_the_process_is_there, IN_POLLED),
	TEST(ping_pong_misses_no_byte, IN_ALL),
	TEST(an_eventfd_becomes_readable, IN_ALL),
	TEST(the_end_of_a_pipe_is_readable, IN_ALL),
	TEST(room_and_hangup_are_writable, IN_ALL),
	TEST(both_directions_wait_apart, IN_ALL),
	TEST(either_direction_says_which, IN_ALL),
	TEST(what_is_ready_stays_ready_until_it_is_used, IN_ALL),
	TEST(one_event_wakes_all_who_wait, IN_ALL),
	TEST(all_readers_together_get_each_byte_once, IN_ALL),
	TEST(the_end_is_not_missed_because_another_heard_of_it, IN_ALL),
	TEST(bytes_are_not_missed_because_another_heard_of_them, IN_ALL),
};
H_MAIN("fd", tests)
