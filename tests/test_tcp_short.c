/*
 * test_tcp_short.c - what a read that stops short, or does not, says about the
 * next one: it must find what there is, and the end, all the same.
 *
 * A read that waits although there is something to read hangs its test.  What
 * there is, is there before the read, and has been reported: only then is there
 * no later report that would hide the mistake.
 */
#include "tcp_link.h"

#include <sys/timerfd.h>

/* All that has happened to descriptors before has been reported: the report of
   a timer that ends later has come. */
static void let_reports_come(void)
{
	struct itimerspec soon = { .it_value = { .tv_nsec = 2000000 } };
	chp_fd_op op;
	chp_fd *f;
	int t = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	CHECK(t >= 0);
	CHECK_CODE(chp_fd_new(&f, t), 0);
	CHECK_EQ(timerfd_settime(t, 0, &soon, NULL), 0);
	chp_fd_wait_op(&op, f, CHP_READABLE);
	CHECK_EQ(h_wait(&op.op, NULL), CHP_READABLE);
	chp_fd_free(f);
	close(t);
}

static void send_raw(const chp_tcp *t, const char *text, int flags)
{
	ssize_t size = (ssize_t)strlen(text);

	CHECK_EQ(send(chp_fd_number(t->fd), text, (size_t)size, flags), size);
}

static void expect_read(chp_tcp *t, const char *text)
{
	char buffer[64] = { 0 };
	int size = (int)strlen(text);

	CHECK_EQ(link_read(t, buffer, sizeof(buffer), NULL), size);
	CHECK_EQ(memcmp(buffer, text, (size_t)size), 0);
}

/* ---- After a short read ---- */

static void the_end_is_seen_that_came_with_the_bytes(void)
{
	struct link l;

	link_open(&l);
	send_raw(&l.near, "last", 0);
	CHECK_CODE(chp_tcp_shutdown(&l.near), 0);
	let_reports_come();
	expect_read(&l.far, "last");
	expect_read(&l.far, "");
	expect_read(&l.far, "");
	link_close(&l);
}

static void the_end_is_seen_that_comes_later(void)
{
	struct link l;

	link_open(&l);
	send_raw(&l.near, "last", 0);
	expect_read(&l.far, "last");
	CHECK_CODE(chp_tcp_shutdown(&l.near), 0);
	expect_read(&l.far, "");
	link_close(&l);
}

static void a_reset_is_seen_that_comes_later(void)
{
	struct linger now = { 1, 0 };
	struct link l;
	char c[2];

	link_open(&l);
	send_raw(&l.near, "a", 0);
	expect_read(&l.far, "a");
	CHECK_EQ(setsockopt(chp_fd_number(l.near.fd), SOL_SOCKET, SO_LINGER,
			    &now, sizeof(now)),
		 0);
	chp_tcp_close(&l.near);
	CHECK_CODE(link_read(&l.far, c, sizeof(c), NULL), -ECONNRESET);
	link_close(&l);
}

static void a_read_stops_at_an_urgent_byte_and_goes_on(void)
{
	struct link l;

	link_open(&l);
	send_raw(&l.near, "before", 0);
	send_raw(&l.near, "!", MSG_OOB);
	send_raw(&l.near, "after", 0);
	let_reports_come();
	expect_read(&l.far, "before");
	expect_read(&l.far, "after");
	link_close(&l);
}

/* A read of packets, or one that a passed descriptor ends, stops short too. */
static void other_sockets_are_asked(void)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)),
				  .cmsg_level = SOL_SOCKET,
				  .cmsg_type = SCM_RIGHTS } };
	struct iovec bytes = { (char[]){ "with" }, 4 };
	struct msghdr message = { .msg_iov = &bytes,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	chp_tcp t, from;
	int ends[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	CHECK_CODE(chp_tcp_from_socket(&from, ends[0]), 0);
	CHECK_CODE(chp_tcp_from_socket(&t, ends[1]), 0);
	send_raw(&from, "one", 0);
	send_raw(&from, "two", 0);
	let_reports_come();
	expect_read(&t, "one");
	expect_read(&t, "two");
	chp_tcp_close(&t);
	chp_tcp_close(&from);

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	memcpy(CMSG_DATA(&control.header), &ends[0], sizeof(int));
	CHECK_CODE(chp_tcp_from_socket(&from, ends[0]), 0);
	CHECK_CODE(chp_tcp_from_socket(&t, ends[1]), 0);
	CHECK_EQ(sendmsg(ends[0], &message, 0), 4);
	send_raw(&from, "without", 0);
	let_reports_come();
	expect_read(&t, "with");
	expect_read(&t, "without");
	chp_tcp_close(&t);
	chp_tcp_close(&from);
}

/* ---- Many messages ---- */

struct talk {
	chp_tcp *t;
	long rounds;
	size_t buffer; /* how much a read asks for */
};

enum { MOST = 64 };

static size_t length_of(long round)
{
	return 1 + (size_t)round * 7 % MOST;
}

/* Reads up to `most` at a time until size bytes are there. */
static void hear(chp_tcp *t, char *to, size_t size, size_t most)
{
	for (size_t got = 0; got < size;) {
		char bytes[2 * MOST];
		int n;

		n = link_read(t, bytes, most < MOST ? size - got : most, NULL);
		CHECK(n > 0 && got + (size_t)n <= size);
		memcpy(to + got, bytes, (size_t)n);
		got += (size_t)n;
	}
}

static void *answer_all(void *arg)
{
	struct talk *talk = arg;
	char bytes[MOST];

	for (long i = 0; i < talk->rounds; i++) {
		hear(talk->t, bytes, length_of(i), talk->buffer);
		CHECK_CODE(link_write_all(talk->t, bytes, length_of(i)), 0);
	}
	return NULL;
}

static void ask_all(struct talk *talk)
{
	char out[MOST], in[MOST];

	for (long i = 0; i < talk->rounds; i++) {
		size_t size = length_of(i), half = i % 5 ? size : size / 2;

		memset(out, (int)(i % 251), size);
		CHECK_CODE(link_write_all(talk->t, out, half), 0);
		CHECK_CODE(link_write_all(talk->t, out + half, size - half), 0);
		hear(talk->t, in, size, talk->buffer);
		CHECK_EQ(memcmp(in, out, size), 0);
	}
}

static void questions_are_answered(size_t buffer)
{
	struct talk near = { .rounds = h_rounds(2000), .buffer = buffer };
	struct talk far = near;
	struct h_agent a;
	struct link l;

	link_open(&l);
	near.t = &l.near;
	far.t = &l.far;
	h_spawn(&a, answer_all, &far);
	ask_all(&near);
	h_join(&a);
	link_close(&l);
}

static void questions_are_answered_by_who_asks_for_more(void)
{
	questions_are_answered(2 * MOST);
}

static void questions_are_answered_by_who_asks_for_all(void)
{
	questions_are_answered(0);
}

/* Who has waited at each read, for long, then finds much at once. */
static void *take_one_by_one(void *arg)
{
	struct talk *talk = arg;
	char c;

	for (long i = 0; i < talk->rounds; i++) {
		CHECK_CODE(link_read_exact(talk->t, &c, 1), 0);
		CHECK_EQ((unsigned char)c, (unsigned char)i);
		if (i < talk->rounds / 2)
			CHECK_CODE(link_write_all(talk->t, &c, 1), 0);
	}
	return NULL;
}

static void a_habit_is_given_up(void)
{
	struct talk far = { .rounds = 400 };
	struct h_agent a;
	struct link l;
	char c;

	link_open(&l);
	far.t = &l.far;
	h_spawn(&a, take_one_by_one, &far);
	for (long i = 0; i < far.rounds; i++) {
		c = (char)i;
		CHECK_CODE(link_write_all(&l.near, &c, 1), 0);
		if (i < far.rounds / 2) {
			CHECK_CODE(link_read_exact(&l.near, &c, 1), 0);
			CHECK_EQ((unsigned char)c, (unsigned char)i);
		}
	}
	h_join(&a);
	link_close(&l);
}

static const struct h_test tests[] = {
	TEST(the_driver_of_the_process_is_there, IN_POLLED),
	TEST(the_end_is_seen_that_came_with_the_bytes, IN_ALL),
	TEST(the_end_is_seen_that_comes_later, IN_ALL),
	TEST(a_reset_is_seen_that_comes_later, IN_ALL),
	TEST(a_read_stops_at_an_urgent_byte_and_goes_on, IN_ALL),
	TEST(other_sockets_are_asked, IN_ALL),
	TEST(questions_are_answered_by_who_asks_for_more, IN_ALL),
	TEST(questions_are_answered_by_who_asks_for_all, IN_ALL),
	TEST(a_habit_is_given_up, IN_ALL),
};
H_MAIN("tcp_short", tests)
