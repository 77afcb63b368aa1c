/*
 * test_broadcast_lag.c - receivers that fall behind: how many values they are
 * told to have missed, where they go on, and what comes first when the channel
 * is closed as well.
 */
#include "broadcast.h"

enum { N = 4 };

static chp_broadcast_tx tx;
static chp_broadcast_rx rx, rx2;

static void make(void)
{
	CHECK_CODE(chp_broadcast(N, sizeof(int), NULL, &tx, &rx), 0);
}

static void drop_both(void)
{
	chp_broadcast_tx_drop(&tx);
	chp_broadcast_rx_drop(&rx);
}

/* Send the numbers from..to - 1. */
static void send_from(int from, int to)
{
	for (int v = from; v < to; v++)
		CHECK(bc_send(&tx, v) > 0);
}

static void exactly_full_is_not_lagged(void)
{
	make();
	send_from(0, N);
	CHECK_EQ(chp_broadcast_len(&rx), N);
	for (int v = 0; v < N; v++)
		CHECK_NEXT(&rx, v);
	CHECK_EQ(chp_broadcast_lagged(&rx), 0);
	/* Nor is it when the ring goes round. */
	for (int v = 100; v < 200; v += N) {
		send_from(v, v + N);
		for (int i = 0; i < N; i++)
			CHECK_NEXT(&rx, v + i);
	}
	CHECK_EQ(chp_broadcast_lagged(&rx), 0);
	drop_both();
}

static void the_count_is_exact(void)
{
	for (int behind = N + 1; behind < 5 * N; behind++) {
		make();
		send_from(0, behind);
		/* len counts what is lost, too. */
		CHECK_EQ(chp_broadcast_len(&rx), behind);
		CHECK_LAGGED(&rx, behind - N);
		CHECK_EQ(chp_broadcast_len(&rx), N);
		for (int v = behind - N; v < behind; v++)
			CHECK_NEXT(&rx, v);
		CHECK_NO_NEXT(&rx, CHP_EAGAIN);
		CHECK_EQ(chp_broadcast_lagged(&rx), behind - N);
		drop_both();
	}
}

static void every_kind_of_receive_tells_it(void)
{
	int got = 7, many[N] = { 7 };
	uint64_t lagged = 0;
	chp_broadcast_op op;
	struct h_waker w = { 0 };

	make();
	send_from(0, N + 3);
	CHECK_CODE(bc_recv(&rx, &got, &lagged, NULL), CHP_ELAGGED);
	CHECK_EQ(lagged, 3);
	send_from(0, 5);
	CHECK_CODE(bc_recv_many(&rx, many, N, &lagged, NULL), CHP_ELAGGED);
	CHECK_EQ(lagged, 5);
	send_from(0, 6);
	chp_broadcast_recv_op(&op, &rx, &got, &lagged);
	CHECK_CODE(h_poll(&op.op, &w), CHP_ELAGGED);
	CHECK_EQ(lagged, 6);
	send_from(0, 7);
	CHECK_CODE(bc_recv(&rx, NULL, &lagged, NULL), CHP_ELAGGED);
	CHECK_EQ(lagged, 7);
	/* Told or not, it goes on. */
	send_from(0, 8);
	CHECK_CODE(bc_recv(&rx, &got, NULL, NULL), CHP_ELAGGED);
	CHECK_EQ(chp_broadcast_lagged(&rx), 8);
	CHECK_EQ(got, 7);
	CHECK_EQ(many[0], 7);
	CHECK_CODE(bc_recv(&rx, &got, &lagged, NULL), 0);
	CHECK_EQ(got, 4);
	CHECK_EQ(lagged, 7);
	drop_both();
}

static void one_that_is_overtaken_again_is_told_the_rest(void)
{
	make();
	send_from(0, N + 2);
	CHECK_LAGGED(&rx, 2);
	send_from(N + 2, N + 3);
	CHECK_LAGGED(&rx, 1);
	CHECK_NEXT(&rx, 3);
	send_from(N + 3, N + 6);
	CHECK_LAGGED(&rx, 2);
	send_from(N + 6, 30 * N);
	CHECK_LAGGED(&rx, 29 * N - 6);
	for (int v = 29 * N; v < 30 * N; v++)
		CHECK_NEXT(&rx, v);
	drop_both();
}

static void lagged_comes_before_closed(void)
{
	int got = -1;

	make();
	send_from(0, N + 1);
	chp_broadcast_tx_drop(&tx);
	CHECK_EQ(chp_broadcast_is_closed(&rx), 1);
	CHECK_LAGGED(&rx, 1);
	/* What is kept is still there. */
	for (int v = 1; v <= N; v++) {
		CHECK_CODE(bc_recv(&rx, &got, NULL, NULL), 0);
		CHECK_EQ(got, v);
	}
	CHECK_NO_NEXT(&rx, CHP_ECLOSED);
	drop_both();
}

static void each_receiver_lags_for_itself(void)
{
	make();
	CHECK_CODE(chp_broadcast_subscribe(&tx, &rx2), 0);
	send_from(0, 2);
	CHECK_NEXT(&rx2, 0);
	CHECK_NEXT(&rx2, 1);
	send_from(2, N + 2);
	CHECK_LAGGED(&rx, 2);
	CHECK_NEXT(&rx2, 2);
	CHECK_NEXT(&rx, 2);
	CHECK_EQ(chp_broadcast_lagged(&rx2), 0);
	chp_broadcast_rx_drop(&rx2);
	drop_both();
}

static void many_stop_before_what_is_lost(void)
{
	uint64_t lagged = 0;
	int v[2 * N];

	make();
	send_from(0, N);
	CHECK_EQ(bc_recv_many(&rx, v, 2, &lagged, NULL), 2);
	send_from(N, 2 * N);
	CHECK_CODE(bc_recv_many(&rx, v, 2 * N, &lagged, NULL), CHP_ELAGGED);
	CHECK_EQ(lagged, 2);
	CHECK_EQ(bc_recv_many(&rx, v, 2 * N, &lagged, NULL), N);
	for (int i = 0; i < N; i++)
		CHECK_EQ(v[i], N + i);
	drop_both();
}

static void a_ring_of_one_keeps_the_latest(void)
{
	CHECK_CODE(chp_broadcast(1, sizeof(int), NULL, &tx, &rx), 0);
	send_from(0, 1);
	CHECK_NEXT(&rx, 0);
	send_from(1, 10);
	CHECK_LAGGED(&rx, 8);
	CHECK_NEXT(&rx, 9);
	CHECK_NO_NEXT(&rx, CHP_EAGAIN);
	chp_broadcast_tx_drop(&tx);
	CHECK_NO_NEXT(&rx, CHP_ECLOSED);
	drop_both();
}

/* ---- While senders run ---- */

struct sender {
	struct h_agent a;
	chp_broadcast_tx tx;
	int from, to;
};

static void *send_all(void *arg)
{
	struct sender *s = arg;

	for (int v = s->from; v < s->to; v++) {
		CHECK_EQ(bc_send(&s->tx, v), 1);
		if (v % 8 == 0)
			h_yield();
	}
	chp_broadcast_tx_drop(&s->tx);
	return NULL;
}

/* What is received and what is reported lost add up, without a gap. */
static void count_what_comes(size_t capacity)
{
	struct sender s;
	uint64_t lagged, at = 0;
	int v = -1, code;

	CHECK_CODE(chp_broadcast(capacity, sizeof(int), NULL, &tx, &rx), 0);
	s.from = 0;
	s.to = (int)h_rounds(50000);
	chp_broadcast_tx_clone(&tx, &s.tx);
	chp_broadcast_tx_drop(&tx);
	h_spawn(&s.a, send_all, &s);
	while ((code = bc_recv(&rx, &v, &lagged, NULL)) != CHP_ECLOSED) {
		if (code == CHP_ELAGGED) {
			CHECK(lagged > 0);
			at += lagged;
			continue;
		}
		CHECK_CODE(code, 0);
		CHECK_EQ(v, at);
		at++;
	}
	CHECK_EQ(at, s.to);
	h_join(&s.a);
	drop_both();
}

static void nothing_is_lost_untold(void)
{
	count_what_comes(1);
	count_what_comes(2);
	count_what_comes(N);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(exactly_full_is_not_lagged, IN_ALL),
	TEST(the_count_is_exact, IN_ALL),
	TEST(every_kind_of_receive_tells_it, IN_ALL),
	TEST(one_that_is_overtaken_again_is_told_the_rest, IN_ALL),
	TEST(lagged_comes_before_closed, IN_ALL),
	TEST(each_receiver_lags_for_itself, IN_ALL),
	TEST(many_stop_before_what_is_lost, IN_ALL),
	TEST(a_ring_of_one_keeps_the_latest, IN_ALL),
	TEST(nothing_is_lost_untold, IN_ALL),
};
/* clang-format on */
H_MAIN("broadcast_lag", tests)
