/*
 * test_tcp_ended.c - reads, writes and accepts that a deadline, a token, an
 * interrupt, an abort or a select ends halfway: no byte and no connection is
 * lost, and what was moved is told exactly.
 */
#include "tcp_link.h"

/* More than all buffers between two ends of a connection hold. */
#define MUCH ((size_t)16 << 20)

/* ---- write_all, read_exact ---- */

enum ending { DEADLINE, TOKEN, INTERRUPT, ABORT };

struct mover {
	chp_tcp *t;
	unsigned char *bytes;
	size_t size;
	chp_wait w;
	size_t moved;
	int result;
};

static void *write_bytes(void *arg)
{
	struct mover *m = arg;

	m->result = chp_tcp_write_all_with(m->t, m->bytes, m->size, &m->moved,
					   &m->w);
	return NULL;
}

static void *read_bytes(void *arg)
{
	struct mover *m = arg;

	m->result = chp_tcp_read_exact_with(m->t, m->bytes, m->size, &m->moved,
					    &m->w);
	return NULL;
}

static int code_of(enum ending e)
{
	static const int codes[] = { CHP_ETIMEDOUT, CHP_ECANCELED, CHP_EINTR,
				     CHP_EABORTED };

	return codes[e];
}

static void end_it(struct h_agent *a, struct mover *m, enum ending e)
{
	if (e == TOKEN)
		chp_cancel_now(m->w.cancel);
	else if (e == INTERRUPT)
		CHECK_CODE(chp_interrupt(a->agent), 0);
	else if (e == ABORT)
		CHECK_CODE(chp_task_abort(&a->task), 0);
}

/* Yield until some bytes have arrived at t. */
static void until_bytes_arrive(chp_tcp *t)
{
	int n = 0;

	while (n == 0) {
		CHECK_EQ(ioctl(chp_fd_number(t->fd), FIONREAD, &n), 0);
		h_yield();
	}
}

/*
 * Nobody reads, so the write gets stuck; it is ended while it is under way.
 * Then the peer counts.  With `go_on`, the rest is sent after that.
 */
static void end_a_write(enum ending e, bool go_on)
{
	chp_cancel token = CHP_CANCEL_INIT;
	struct mover m = { .size = MUCH, .moved = MUCH + 1 };
	struct h_agent a, rest;
	struct link l;
	size_t moved;

	link_open(&l);
	m.t = &l.near;
	m.bytes = new_pattern(MUCH);
	m.w.cancel = &token;
	if (e == DEADLINE)
		m.w.deadline = chp_in(20 * CHP_MS);
	h_spawn(&a, write_bytes, &m);
	if (e != DEADLINE)
		until_bytes_arrive(&l.far);
	end_it(&a, &m, e);
	h_join(&a);
	CHECK_CODE(m.result, code_of(e));
	CHECK(m.moved < MUCH);
	CHECK(e == DEADLINE || m.moved > 0);
	moved = m.moved;
	if (go_on) {
		struct mover more = { .t = &l.near,
				      .bytes = m.bytes + moved,
				      .size = MUCH - moved };

		h_spawn(&rest, write_bytes, &more);
		for (size_t at = 0; at < MUCH;) {
			unsigned char block[1 << 14];
			int n = link_read(&l.far, block, sizeof(block), NULL);

			CHECK(n > 0);
			for (int i = 0; i < n; i++)
				CHECK_EQ(block[i], pattern(at++));
		}
		h_join(&rest);
		CHECK_CODE(more.result, 0);
		CHECK_EQ(more.moved, MUCH - moved);
		moved = MUCH;
	}
	CHECK_CODE(chp_tcp_shutdown(&l.near), 0);
	CHECK_EQ(read_pattern_to_end(&l.far, go_on ? MUCH : 0), moved);
	free(m.bytes);
	link_close(&l);
	chp_cancel_destroy(&token);
}

static void a_write_past_its_deadline_says_what_went_out(void)
{
	end_a_write(DEADLINE, false);
}

static void a_cancelled_write_says_what_went_out(void)
{
	end_a_write(TOKEN, false);
}

static void an_interrupted_write_says_what_went_out(void)
{
	end_a_write(INTERRUPT, false);
}

static void an_aborted_write_says_what_went_out(void)
{
	end_a_write(ABORT, false);
}

static void an_ended_write_can_be_taken_up(void)
{
	end_a_write(TOKEN, true);
}

#define WHOLE 1000
#define PART  137

/* The peer sends a part only; the read is ended, and finished later. */
static void end_a_read(enum ending e)
{
	unsigned char *bytes = new_pattern(WHOLE), heard[WHOLE];
	chp_cancel token = CHP_CANCEL_INIT;
	struct mover m = { .size = WHOLE, .bytes = heard, .moved = WHOLE + 1 };
	struct h_agent a;
	struct link l;
	size_t more;

	link_open(&l);
	m.t = &l.far;
	m.w.cancel = &token;
	CHECK_CODE(link_write_all(&l.near, bytes, PART), 0);
	if (e == DEADLINE)
		m.w.deadline = chp_in(20 * CHP_MS);
	h_spawn(&a, read_bytes, &m);
	/* Interrupted or aborted before it began, it has read nothing. */
	end_it(&a, &m, e);
	h_join(&a);
	CHECK_CODE(m.result, code_of(e));
	CHECK(m.moved == PART || (e != DEADLINE && m.moved == 0));

	CHECK_CODE(link_write_all(&l.near, bytes + PART, WHOLE - PART), 0);
	CHECK_CODE(chp_tcp_read_exact(&l.far, heard + m.moved, WHOLE - m.moved,
				      &more),
		   0);
	CHECK_EQ(m.moved + more, WHOLE);
	CHECK_EQ(memcmp(heard, bytes, WHOLE), 0);
	free(bytes);
	link_close(&l);
	chp_cancel_destroy(&token);
}

static void a_read_past_its_deadline_loses_nothing(void)
{
	end_a_read(DEADLINE);
}

static void a_cancelled_read_loses_nothing(void)
{
	for (int i = 0; i < 20; i++)
		end_a_read(TOKEN);
}

static void an_interrupted_read_loses_nothing(void)
{
	for (int i = 0; i < 20; i++)
		end_a_read(INTERRUPT);
}

static void an_aborted_read_loses_nothing(void)
{
	for (int i = 0; i < 20; i++)
		end_a_read(ABORT);
}

/* ---- read, accept ---- */

static void ended_waits_say_why(void)
{
	chp_wait w = { .deadline = chp_in(5 * CHP_MS) };
	chp_cancel token = CHP_CANCEL_INIT;
	chp_tcp none = { NULL };
	struct link l;
	char c;

	link_open(&l);
	CHECK_CODE(link_read(&l.far, &c, 1, &w), CHP_ETIMEDOUT);
	CHECK_CODE(link_accept(&l.listener, &none, NULL, &w), CHP_ETIMEDOUT);
	CHECK(none.fd == NULL);
	chp_cancel_now(&token);
	w = (chp_wait){ .cancel = &token };
	CHECK_CODE(link_read(&l.far, &c, 1, &w), CHP_ECANCELED);
	CHECK_CODE(link_accept(&l.listener, &none, NULL, &w), CHP_ECANCELED);
	CHECK(none.fd == NULL);

	CHECK_CODE(link_write_all(&l.near, "x", 1), 0);
	CHECK_EQ(link_read(&l.far, &c, 1, NULL), 1);
	chp_tcp_close(&l.near);
	chp_tcp_close(&l.far);
	CHECK_CODE(link_connect(&l.near, &l.addr), 0);
	CHECK_CODE(link_accept(&l.listener, &l.far, NULL, NULL), 0);
	link_close(&l);
	chp_cancel_destroy(&token);
}

static void *accept_one(void *arg)
{
	chp_tcp t = { NULL };
	int r = chp_tcp_accept(arg, &t, NULL);

	chp_tcp_close(&t);
	return (void *)(intptr_t)r;
}

static void interrupt_and_abort_end_an_accept(void)
{
	struct h_agent a;
	struct link l;

	link_listen(&l, "127.0.0.1");
	h_spawn(&a, accept_one, &l.listener);
	CHECK_CODE(chp_interrupt(a.agent), 0);
	CHECK_CODE((int)(intptr_t)h_join(&a), CHP_EINTR);
	if (chp_task_id() != 0) {
		h_spawn(&a, accept_one, &l.listener);
		CHECK_CODE(chp_task_abort(&a.task), 0);
		CHECK_CODE((int)(intptr_t)h_join(&a), CHP_EABORTED);
	}
	chp_tcp_listener_close(&l.listener);
}

/* ---- Operations ---- */

static void a_cancelled_operation_moves_nothing(void)
{
	struct h_waker w = { 0 };
	char heard = 'a';
	struct link l;
	chp_io_op op;

	link_open(&l);
	chp_tcp_read_op(&op, &l.far, &heard, 1);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	CHECK_CODE(link_write_all(&l.near, "x", 1), 0);
	h_until(h_wakes(&w) == 1);
	CHECK(chp_op_cancel(&op.op) != CHP_TOO_LATE);
	CHECK_EQ(heard, 'a');
	CHECK_EQ(link_read(&l.far, &heard, 1, NULL), 1);
	CHECK_EQ(heard, 'x');

	chp_tcp_close(&l.far);
	chp_tcp_close(&l.near);
	chp_tcp_accept_op(&op, &l.listener, &l.far, NULL);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	CHECK_CODE(link_connect(&l.near, &l.addr), 0);
	h_until(h_wakes(&w) == 2);
	CHECK(chp_op_cancel(&op.op) != CHP_TOO_LATE);
	CHECK(l.far.fd == NULL);
	CHECK_CODE(link_accept(&l.listener, &l.far, NULL, NULL), 0);
	h_until(h_refs(&w) == 0);
	link_close(&l);
}

/* Accept and read in one select, over and over; each time one of them wins,
   and the other, pending or cancelled, has not taken what came for it. */
static void losers_of_a_select_are_unharmed(unsigned flags)
{
	chp_io_op accept, read;
	chp_select_arm arms[2] = { { .op = &accept.op }, { .op = &read.op } };
	chp_select_op select;
	chp_tcp near, far;
	struct link l;
	char c;

	link_open(&l);
	chp_tcp_accept_op(&accept, &l.listener, &far, NULL);
	chp_tcp_read_op(&read, &l.far, &c, 1);
	for (int round = 0; round < 20; round++) {
		int wins = round % 3 ? 1 : 0;

		if (flags & CHP_CANCEL_LOSERS) {
			chp_tcp_accept_op(&accept, &l.listener, &far, NULL);
			chp_tcp_read_op(&read, &l.far, &c, 1);
		}
		if (wins == 0)
			CHECK_CODE(link_connect(&near, &l.addr), 0);
		else
			CHECK_CODE(link_write_all(&l.near, "x", 1), 0);
		CHECK_CODE(chp_select_init(&select, arms, 2, flags), 0);
		CHECK_EQ(h_wait(&select.op, NULL), wins);
		CHECK_EQ(arms[wins].result, wins);
		if (wins == 0) {
			chp_tcp_close(&near);
			chp_tcp_close(&far);
			chp_tcp_accept_op(&accept, &l.listener, &far, NULL);
		} else {
			CHECK_EQ(c, 'x');
			c = 0;
			chp_tcp_read_op(&read, &l.far, &c, 1);
		}
	}
	chp_op_cancel(&accept.op);
	chp_op_cancel(&read.op);
	link_close(&l);
}

static void losers_that_stay_pending_are_unharmed(void)
{
	losers_of_a_select_are_unharmed(0);
}

static void losers_that_are_cancelled_are_unharmed(void)
{
	losers_of_a_select_are_unharmed(CHP_CANCEL_LOSERS);
}

/* A write waits for room while a read of the same connection wins.  (The write
   may win first: buffers grow.)  The peer counts that each write that won went
   out once, and the one that lost not at all. */
static void a_write_that_loses_sends_nothing(void)
{
	static unsigned char block[4096];
	chp_io_op read, write;
	chp_select_arm arms[2] = { { .op = &read.op }, { .op = &write.op } };
	chp_select_op select;
	size_t sum = 0, heard = 0;
	struct link l;
	ssize_t n;
	int won;
	char c;

	link_open(&l);
	while ((n = send(chp_fd_number(l.near.fd), block, sizeof(block),
			 MSG_DONTWAIT)) > 0)
		sum += (size_t)n;
	CHECK_CODE(link_write_all(&l.far, "x", 1), 0);
	do {
		chp_tcp_read_op(&read, &l.near, &c, 1);
		chp_tcp_write_op(&write, &l.near, "z", 1);
		CHECK_CODE(chp_select_init(&select, arms, 2, CHP_CANCEL_LOSERS),
			   0);
		won = h_wait(&select.op, NULL);
		CHECK(won >= 0);
		CHECK_EQ(arms[won].result, 1);
		sum += won == 1;
	} while (won == 1);
	CHECK_EQ(c, 'x');

	CHECK_CODE(chp_tcp_shutdown(&l.near), 0);
	while ((n = link_read(&l.far, block, sizeof(block), NULL)) > 0)
		heard += (size_t)n;
	CHECK_EQ(heard, sum);
	link_close(&l);
}

static const struct h_test tests[] = {
	TEST(the_driver_of_the_process_is_there, IN_POLLED),
	TEST(a_write_past_its_deadline_says_what_went_out, IN_BLOCKING),
	TEST(a_cancelled_write_says_what_went_out, IN_BLOCKING),
	TEST(an_interrupted_write_says_what_went_out, IN_BLOCKING),
	TEST(an_aborted_write_says_what_went_out, IN_TASKS),
	TEST(an_ended_write_can_be_taken_up, IN_BLOCKING),
	TEST(a_read_past_its_deadline_loses_nothing, IN_BLOCKING),
	TEST(a_cancelled_read_loses_nothing, IN_BLOCKING),
	TEST(an_interrupted_read_loses_nothing, IN_BLOCKING),
	TEST(an_aborted_read_loses_nothing, IN_TASKS),
	TEST(ended_waits_say_why, IN_ALL),
	TEST(interrupt_and_abort_end_an_accept, IN_BLOCKING),
	TEST(a_cancelled_operation_moves_nothing, IN_ALL),
	TEST(losers_that_stay_pending_are_unharmed, IN_ALL),
	TEST(losers_that_are_cancelled_are_unharmed, IN_ALL),
	TEST(a_write_that_loses_sends_nothing, IN_ALL),
};
H_MAIN("tcp_ended", tests)
