/*
 * test_broadcast_handles.c - handles: subscribing from the tail and from the
 * oldest value, what senders count, weak senders, same_channel, misuse.
 */
#include "broadcast.h"

enum { N = 4 };

static chp_broadcast_tx tx;
static chp_broadcast_rx rx, rx2, rx3;

static void make(void)
{
	CHECK_CODE(chp_broadcast(N, sizeof(int), NULL, &tx, &rx), 0);
}

static void drop_both(void)
{
	chp_broadcast_tx_drop(&tx);
	chp_broadcast_rx_drop(&rx);
}

static void send_from(int from, int to)
{
	for (int v = from; v < to; v++)
		CHECK(bc_send(&tx, v) > 0);
}

/* ---- What the senders see ---- */

static void a_sender_counts_what_somebody_has_to_read(void)
{
	make();
	CHECK_EQ(chp_broadcast_tx_len(&tx), 0);
	CHECK_EQ(chp_broadcast_tx_is_empty(&tx), 1);
	for (int v = 0; v < 3 * N; v++) {
		send_from(v, v + 1);
		CHECK_EQ(chp_broadcast_tx_len(&tx), v < N ? v + 1 : N);
		CHECK_EQ(chp_broadcast_tx_is_empty(&tx), 0);
	}
	CHECK_LAGGED(&rx, 2 * N);
	CHECK_EQ(chp_broadcast_tx_len(&tx), N);
	for (int left = N - 1; left >= 0; left--) {
		CHECK_CODE(bc_recv(&rx, NULL, NULL, NULL), 0);
		CHECK_EQ(chp_broadcast_tx_len(&tx), left);
		CHECK_EQ(chp_broadcast_tx_is_empty(&tx), left == 0);
	}
	drop_both();
}

static void the_slowest_receiver_decides(void)
{
	make();
	send_from(0, 1);
	CHECK_CODE(chp_broadcast_subscribe(&tx, &rx2), 0);
	send_from(1, 3);
	CHECK_EQ(chp_broadcast_len(&rx), 3);
	CHECK_EQ(chp_broadcast_len(&rx2), 2);
	CHECK_EQ(chp_broadcast_tx_len(&tx), 3);
	CHECK_NEXT(&rx2, 1);
	CHECK_NEXT(&rx2, 2);
	CHECK_EQ(chp_broadcast_is_empty(&rx2), 1);
	CHECK_EQ(chp_broadcast_tx_len(&tx), 3);
	/* Leaving gives up what was not read. */
	chp_broadcast_rx_drop(&rx);
	CHECK_EQ(chp_broadcast_tx_len(&tx), 0);
	CHECK_EQ(chp_broadcast_tx_is_empty(&tx), 1);
	chp_broadcast_rx_drop(&rx2);
	chp_broadcast_tx_drop(&tx);
}

/* ---- Subscribing ---- */

static void resubscribing_starts_at_the_tail(void)
{
	make();
	send_from(0, 3);
	CHECK_CODE(chp_broadcast_resubscribe(&rx, &rx2), 0);
	CHECK_EQ(chp_broadcast_receiver_count(&tx), 2);
	CHECK_NO_NEXT(&rx2, CHP_EAGAIN);
	CHECK_EQ(bc_send(&tx, 3), 2);
	CHECK_NEXT(&rx2, 3);
	CHECK_NEXT(&rx, 0);
	/* Of one that lags it takes over nothing. */
	send_from(4, 4 + 3 * N);
	CHECK_CODE(chp_broadcast_resubscribe(&rx, &rx3), 0);
	CHECK_EQ(chp_broadcast_lagged(&rx3), 0);
	CHECK_EQ(chp_broadcast_len(&rx3), 0);
	chp_broadcast_rx_drop(&rx3);
	/* Of a closed channel it hears only that. */
	chp_broadcast_tx_drop(&tx);
	CHECK_CODE(chp_broadcast_resubscribe(&rx, &rx3), 0);
	CHECK_NO_NEXT(&rx3, CHP_ECLOSED);
	CHECK_EQ(chp_broadcast_is_closed(&rx3), 1);
	chp_broadcast_rx_drop(&rx3);
	chp_broadcast_rx_drop(&rx2);
	drop_both();
}

static void the_oldest_is_what_somebody_has_to_read(void)
{
	make();
	CHECK_CODE(chp_broadcast_subscribe_from_oldest(&tx, &rx2), 0);
	CHECK_NO_NEXT(&rx2, CHP_EAGAIN);
	chp_broadcast_rx_drop(&rx2);

	send_from(0, 3);
	CHECK_NEXT(&rx, 0);
	CHECK_CODE(chp_broadcast_subscribe_from_oldest(&tx, &rx2), 0);
	CHECK_EQ(chp_broadcast_len(&rx2), 2);
	CHECK_NEXT(&rx, 1);
	CHECK_NEXT(&rx, 2);
	/* Its own debt keeps the values for the next one. */
	CHECK_CODE(chp_broadcast_subscribe_from_oldest(&tx, &rx3), 0);
	CHECK_EQ(chp_broadcast_tx_len(&tx), 2);
	CHECK_NEXT(&rx2, 1);
	CHECK_NEXT(&rx2, 2);
	CHECK_EQ(chp_broadcast_tx_len(&tx), 2);
	CHECK_NEXT(&rx3, 1);
	CHECK_NEXT(&rx3, 2);
	CHECK_EQ(chp_broadcast_tx_len(&tx), 0);
	chp_broadcast_rx_drop(&rx2);
	chp_broadcast_rx_drop(&rx3);
	/* All read: nothing is retained. */
	CHECK_CODE(chp_broadcast_subscribe_from_oldest(&tx, &rx2), 0);
	CHECK_EQ(chp_broadcast_len(&rx2), 0);
	chp_broadcast_rx_drop(&rx2);
	drop_both();
}

static void the_oldest_is_at_most_a_ring_behind(void)
{
	make();
	for (int sent = 1; sent < 4 * N; sent++) {
		int kept = sent < N ? sent : N;

		send_from(sent - 1, sent);
		CHECK_CODE(chp_broadcast_subscribe_from_oldest(&tx, &rx2), 0);
		CHECK_EQ(chp_broadcast_len(&rx2), kept);
		for (int v = sent - kept; v < sent; v++)
			CHECK_NEXT(&rx2, v);
		CHECK_NO_NEXT(&rx2, CHP_EAGAIN);
		chp_broadcast_rx_drop(&rx2);
	}
	/* It may lag like any other. */
	CHECK_CODE(chp_broadcast_subscribe_from_oldest(&tx, &rx2), 0);
	send_from(100, 102);
	CHECK_LAGGED(&rx2, 2);
	CHECK_NEXT(&rx2, 4 * N - 3);
	chp_broadcast_rx_drop(&rx2);
	drop_both();
}

struct joiner {
	struct h_agent a;
	chp_word *stop;
	struct h_rng r;
};

/* Whatever it starts with, from there on there is no gap. */
static void *join_and_leave(void *arg)
{
	struct joiner *j = arg;

	while (!h_load(j->stop)) {
		chp_broadcast_rx mine;
		int first = -1, v;

		CHECK_CODE(chp_broadcast_subscribe_from_oldest(&tx, &mine), 0);
		for (uint32_t n = h_below(&j->r, 6); n; n--) {
			int code = chp_broadcast_try_recv(&mine, &v, NULL);

			if (code == CHP_ELAGGED)
				first = -1;
			if (code != 0)
				continue;
			if (first >= 0)
				CHECK_EQ(v, first + 1);
			first = v;
		}
		chp_broadcast_rx_drop(&mine);
		h_yield();
	}
	return NULL;
}

static void those_who_join_while_others_send_and_read_see_no_gap(void)
{
	enum { JOINERS = 3 };
	struct joiner j[JOINERS];
	chp_word stop = { 0 };

	make();
	for (int i = 0; i < JOINERS; i++) {
		j[i].stop = &stop;
		j[i].r = h_rng(h_seed(), (uint64_t)i);
		h_spawn(&j[i].a, join_and_leave, &j[i]);
	}
	for (int v = 0; v < h_rounds(50000); v++) {
		CHECK(bc_send(&tx, v) >= 1);
		if (v % 3 == 0)
			CHECK_NEXT(&rx, v);
		else
			CHECK_CODE(bc_recv(&rx, NULL, NULL, NULL), 0);
		if (v % 16 == 0)
			h_yield();
	}
	h_store(&stop, 1);
	for (int i = 0; i < JOINERS; i++)
		h_join(&j[i].a);
	/* Everybody paid what he owed. */
	CHECK_EQ(chp_broadcast_receiver_count(&tx), 1);
	CHECK_EQ(chp_broadcast_tx_len(&tx), 0);
	for (int v = 0; v < N; v++) {
		CHECK_EQ(bc_send(&tx, v), 1);
		CHECK_CODE(bc_recv(&rx, NULL, NULL, NULL), 0);
		CHECK_EQ(chp_broadcast_tx_len(&tx), 0);
	}
	drop_both();
}

/* ---- Weak senders, counts, identity ---- */

static void handles_are_counted(void)
{
	chp_broadcast_tx more;
	chp_broadcast_weak weak, weaker;

	make();
	CHECK_EQ(chp_broadcast_strong_count(&tx), 1);
	CHECK_EQ(chp_broadcast_weak_count(&tx), 0);
	chp_broadcast_tx_clone(&tx, &more);
	chp_broadcast_downgrade(&tx, &weak);
	chp_broadcast_weak_clone(&weak, &weaker);
	CHECK_EQ(chp_broadcast_strong_count(&tx), 2);
	CHECK_EQ(chp_broadcast_weak_count(&more), 2);
	CHECK_EQ(chp_broadcast_rx_strong_count(&rx), 2);
	CHECK_EQ(chp_broadcast_rx_weak_count(&rx), 2);
	CHECK_EQ(chp_broadcast_weak_strong_count(&weak), 2);
	CHECK_EQ(chp_broadcast_weak_weak_count(&weaker), 2);
	chp_broadcast_weak_drop(&weaker);
	chp_broadcast_tx_drop(&more);
	CHECK_EQ(chp_broadcast_strong_count(&tx), 1);
	CHECK_EQ(chp_broadcast_weak_count(&tx), 1);
	chp_broadcast_weak_drop(&weak);
	CHECK_EQ(chp_broadcast_weak_count(&tx), 0);
	drop_both();
}

static void a_weak_sender_does_not_keep_the_channel_open(void)
{
	chp_broadcast_weak weak;
	chp_broadcast_tx again;

	make();
	chp_broadcast_downgrade(&tx, &weak);
	CHECK_CODE(chp_broadcast_upgrade(&weak, &again), 0);
	chp_broadcast_tx_drop(&tx);
	CHECK_EQ(chp_broadcast_is_closed(&rx), 0);
	CHECK_EQ(bc_send(&again, 1), 1);
	chp_broadcast_tx_drop(&again);
	CHECK_EQ(chp_broadcast_is_closed(&rx), 1);
	/* For good. */
	CHECK_CODE(chp_broadcast_upgrade(&weak, &again), CHP_ECLOSED);
	CHECK(!again.ch);
	CHECK_NEXT(&rx, 1);
	CHECK_NO_NEXT(&rx, CHP_ECLOSED);
	chp_broadcast_rx_drop(&rx);
	/* The memory lives as long as it does. */
	CHECK_EQ(chp_broadcast_weak_strong_count(&weak), 0);
	CHECK_EQ(chp_broadcast_weak_weak_count(&weak), 1);
	chp_broadcast_weak_drop(&weak);
}

static void handles_know_their_channel(void)
{
	chp_broadcast_tx other_tx, more;
	chp_broadcast_rx other_rx;

	make();
	CHECK_CODE(chp_broadcast(1, 4, NULL, &other_tx, &other_rx), 0);
	chp_broadcast_tx_clone(&tx, &more);
	CHECK_CODE(chp_broadcast_subscribe(&more, &rx2), 0);
	CHECK_EQ(chp_broadcast_same_channel(&tx, &more), 1);
	CHECK_EQ(chp_broadcast_same_channel(&tx, &other_tx), 0);
	CHECK_EQ(chp_broadcast_rx_same_channel(&rx, &rx2), 1);
	CHECK_EQ(chp_broadcast_rx_same_channel(&rx, &other_rx), 0);
	chp_broadcast_tx_drop(&more);
	chp_broadcast_rx_drop(&rx2);
	chp_broadcast_tx_drop(&other_tx);
	chp_broadcast_rx_drop(&other_rx);
	drop_both();
}

/* ---- Misuse ---- */

static void drop_a_waiting_receiver(void *arg)
{
	chp_broadcast_op op;

	(void)arg;
	make();
	chp_broadcast_recv_op(&op, &rx, NULL, NULL);
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_PENDING);
	chp_broadcast_rx_drop(&rx);
}

static void drop_a_waiting_sender(void *arg)
{
	chp_broadcast_op op;

	(void)arg;
	make();
	chp_broadcast_closed_op(&op, &tx);
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_PENDING);
	chp_broadcast_tx_drop(&tx);
	chp_op_cancel(&op.op);
}

static void poll_for_a_dropped_sender(void *arg)
{
	chp_broadcast_op op;

	(void)arg;
	make();
	chp_broadcast_closed_op(&op, &tx);
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_PENDING);
	drop_both();
	chp_op_poll(&op.op, NULL);
}

static void misuse_stops_with_a_sentence(void)
{
	h_must_panic(drop_a_waiting_receiver, NULL,
		     "broadcast: receiver dropped while a receive of it was "
		     "pending");
	h_must_panic(drop_a_waiting_sender, NULL,
		     "broadcast: sender dropped while a wait of it was "
		     "pending");
	h_must_panic(poll_for_a_dropped_sender, NULL,
		     "broadcast: sender dropped while a wait of it was "
		     "pending");
}

static void a_receiver_may_go_once_its_receive_has_ended(void)
{
	struct h_waker w = { 0 };
	chp_broadcast_op op;
	int got = 0;

	make();
	chp_broadcast_recv_op(&op, &rx, &got, NULL);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	chp_op_cancel(&op.op);
	chp_broadcast_recv_op(&op, &rx, &got, NULL);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	bc_send(&tx, 1);
	CHECK_CODE(h_poll(&op.op, &w), 0);
	chp_broadcast_recv_op(&op, &rx, &got, NULL);
	bc_send(&tx, 1);
	CHECK_CODE(h_poll(&op.op, &w), 0);
	CHECK_EQ(h_refs(&w), 0);
	drop_both();
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_sender_counts_what_somebody_has_to_read, IN_ALL),
	TEST(the_slowest_receiver_decides, IN_ALL),
	TEST(resubscribing_starts_at_the_tail, IN_ALL),
	TEST(the_oldest_is_what_somebody_has_to_read, IN_ALL),
	TEST(the_oldest_is_at_most_a_ring_behind, IN_ALL),
	TEST(those_who_join_while_others_send_and_read_see_no_gap, IN_ALL),
	TEST(handles_are_counted, IN_ALL),
	TEST(a_weak_sender_does_not_keep_the_channel_open, IN_ALL),
	TEST(handles_know_their_channel, IN_ALL),
	TEST(misuse_stops_with_a_sentence, ON_ITS_OWN),
	TEST(a_receiver_may_go_once_its_receive_has_ended, IN_ALL),
};
/* clang-format on */
H_MAIN("broadcast_handles", tests)
