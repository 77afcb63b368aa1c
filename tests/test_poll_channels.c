/*
 * test_poll_channels.c - the operations of channels and sockets, awaited by a
 * stackless task.
 */
#include "stackless.h"

static int value, out;

/* ---- Channels ---- */

static chp_oneshot_tx one_tx;
static chp_oneshot_rx one_rx;
static chp_oneshot_op one;
static chp_mpsc_tx tx;
static chp_mpsc_rx rx;
static chp_send_op send_op;
static chp_recv_op recv_op;
static chp_closed_op closed_op;
static chp_mpsc_permit place;
static chp_mpmc_tx many_tx;
static chp_mpmc_rx many_rx;
static chp_mpmc_op many;
static chp_broadcast_tx all_tx;
static chp_broadcast_rx all_rx;
static chp_broadcast_op all;
static chp_watch_tx watch_tx;
static chp_watch_rx watch_rx;
static chp_watch_op watch;

static chp_op *make_one_recv(void)
{
	chp_oneshot_recv_op(&one, &one_rx, &out);
	return &one.op;
}

static void one_send(void)
{
	CHECK_CODE(chp_oneshot_send(&one_tx, &value), 0);
}

static void one_is_right(void)
{
	CHECK_EQ(out, value);
	CHECK_CODE(chp_oneshot(sizeof(int), NULL, &one_tx, &one_rx), 0);
}

static chp_op *make_one_closed(void)
{
	chp_oneshot_closed_op(&one, &one_tx);
	return &one.op;
}

static void one_drop(void)
{
	chp_oneshot_rx_drop(&one_rx);
}

static chp_op *make_recv(void)
{
	chp_mpsc_recv_op(&recv_op, &rx, &out);
	return &recv_op.op;
}

static chp_op *make_recv_many(void)
{
	chp_mpsc_recv_many_op(&recv_op, &rx, &out, 1);
	return &recv_op.op;
}

static void mpsc_send(void)
{
	CHECK_CODE(chp_mpsc_try_send(&tx, &value), 0);
}

static void received(void)
{
	CHECK_EQ(out, value++);
}

static chp_op *make_send(void)
{
	if (!is_up)
		mpsc_send();
	chp_mpsc_send_op(&send_op, &tx, &value);
	return &send_op.op;
}

static void take_one(void)
{
	CHECK_CODE(chp_mpsc_try_recv(&rx, &out), 0);
}

static chp_op *make_reserve(void)
{
	if (!is_up)
		mpsc_send();
	chp_mpsc_reserve_op(&send_op, &tx, &place);
	return &send_op.op;
}

static void give_place_back(void)
{
	chp_mpsc_permit_drop(&place);
}

static chp_op *make_closed(void)
{
	chp_mpsc_closed_op(&closed_op, &tx);
	return &closed_op.op;
}

static void close_it(void)
{
	chp_mpsc_close(&rx);
}

static chp_op *make_many_recv(void)
{
	chp_mpmc_recv_op(&many, &many_rx, &out);
	return &many.op;
}

/* Capacity 0: it meets the one that rests. */
static void many_send(void)
{
	CHECK_CODE(chp_mpmc_try_send(&many_tx, &value), 0);
}

static chp_op *make_many_send(void)
{
	chp_mpmc_send_op(&many, &many_tx, &value);
	return &many.op;
}

static void many_take(void)
{
	CHECK_CODE(chp_mpmc_recv(&many_rx, &out), 0);
}

static chp_op *make_all_recv(void)
{
	chp_broadcast_recv_op(&all, &all_rx, &out, NULL);
	return &all.op;
}

static void all_send(void)
{
	CHECK(chp_broadcast_send(&all_tx, &value) >= 0);
}

static chp_op *make_all_closed(void)
{
	chp_broadcast_closed_op(&all, &all_tx);
	return &all.op;
}

static void all_drop(void)
{
	chp_broadcast_rx_drop(&all_rx);
}

static chp_op *make_changed(void)
{
	chp_watch_changed_op(&watch, &watch_rx);
	return &watch.op;
}

static void watch_send(void)
{
	CHECK_CODE(chp_watch_send(&watch_tx, &value), 0);
}

static void channels(void)
{
	static const struct kind list[] = {
		{ "oneshot", make_one_recv, one_send, 0, one_is_right },
		{ "oneshot closed", make_one_closed, one_drop, 0, NULL },
		{ "mpsc", make_recv, mpsc_send, 0, received },
		{ "mpsc many", make_recv_many, mpsc_send, 1, received },
		{ "mpsc send", make_send, take_one, 0, take_one },
		{ "mpsc reserve", make_reserve, take_one, 0, give_place_back },
		{ "mpsc closed", make_closed, close_it, 0, NULL },
		{ "mpmc", make_many_recv, many_send, 0, received },
		{ "mpmc send", make_many_send, many_take, 0, received },
		{ "broadcast", make_all_recv, all_send, 0, received },
		{ "broadcast closed", make_all_closed, all_drop, 0, NULL },
		{ "watch", make_changed, watch_send, 0, NULL },
	};

	value = 7;
	CHECK_CODE(chp_oneshot(sizeof(int), NULL, &one_tx, &one_rx), 0);
	CHECK_CODE(chp_mpsc_bounded(1, sizeof(int), NULL, &tx, &rx), 0);
	CHECK_CODE(chp_mpmc_bounded(0, sizeof(int), NULL, &many_tx, &many_rx),
		   0);
	CHECK_CODE(chp_broadcast(2, sizeof(int), NULL, &all_tx, &all_rx), 0);
	CHECK_CODE(chp_watch(sizeof(int), NULL, &value, &watch_tx, &watch_rx),
		   0);
	AWAIT_EACH(list);
	chp_oneshot_tx_drop(&one_tx);
	chp_mpsc_tx_drop(&tx);
	chp_mpsc_rx_drop(&rx);
	chp_mpmc_tx_drop(&many_tx);
	chp_mpmc_rx_drop(&many_rx);
	chp_broadcast_tx_drop(&all_tx);
	chp_watch_tx_drop(&watch_tx);
	chp_watch_rx_drop(&watch_rx);
}

/* ---- TCP ---- */

struct echo {
	chp_coro co;
	chp_tcp_listener listener;
	chp_tcp tcp;
	chp_io_op io;
	char buffer[16];
	int r;
};

/* Accept, send back what comes, until the end. */
static int echo(void *state, chp_poll_ctx *ctx)
{
	struct echo *e = state;

	CHP_CO_BEGIN(&e->co);
	chp_tcp_accept_op(&e->io, &e->listener, &e->tcp, NULL);
	CHP_CO_AWAIT(&e->co, ctx, &e->io.op, e->r);
	CHECK_CODE(e->r, 0);
	for (;;) {
		chp_tcp_read_op(&e->io, &e->tcp, e->buffer, sizeof(e->buffer));
		CHP_CO_AWAIT(&e->co, ctx, &e->io.op, e->r);
		if (e->r <= 0)
			break;
		chp_tcp_write_op(&e->io, &e->tcp, e->buffer, (size_t)e->r);
		CHP_CO_AWAIT(&e->co, ctx, &e->io.op, e->r);
		CHECK(e->r > 0);
	}
	chp_tcp_close(&e->tcp);
	CHP_CO_END(&e->co, e->r);
}

static void tcp(void)
{
	struct echo e = { .r = 1 };
	char answer[4];
	chp_addr addr;
	chp_tcp t;
	chp_task task;

	CHECK_CODE(chp_tcp_listen(&e.listener, "127.0.0.1", "0", 0), 0);
	CHECK_CODE(chp_tcp_listener_addr(&e.listener, &addr), 0);
	CHECK_CODE(chp_spawn_poll(&task, echo, &e), 0);
	CHECK_CODE(chp_tcp_connect_addr_with(&t, &addr, NULL), 0);
	for (int i = 0; i < 50; i++) {
		CHECK_CODE(chp_tcp_write_all(&t, "ping", 4, NULL), 0);
		CHECK_CODE(chp_tcp_read_exact(&t, answer, 4, NULL), 0);
		CHECK(!memcmp(answer, "ping", 4));
	}
	chp_tcp_close(&t);
	ends_as(&task, CHP_RETURNED, &e);
	CHECK_EQ(e.r, 0);
	chp_tcp_listener_close(&e.listener);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(channels, IN_TASKS),
	TEST(tcp, IN_TASKS),
};
/* clang-format on */

H_MAIN("poll_channels", tests)
