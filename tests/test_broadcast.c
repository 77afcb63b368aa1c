/*
 * test_broadcast.c - a broadcast channel's plain life: making one, every
 * receiver gets every value, many at once, what its ends and its counts say,
 * empty handles.  Being lagged is in test_broadcast_lag.c, values with
 * callbacks in test_broadcast_values.c.
 */
#include "broadcast.h"

static chp_broadcast_tx tx;
static chp_broadcast_rx rx, rx2;

static void make(size_t capacity)
{
	CHECK_CODE(chp_broadcast(capacity, sizeof(int), NULL, &tx, &rx), 0);
}

static void drop_both(void)
{
	chp_broadcast_tx_drop(&tx);
	chp_broadcast_rx_drop(&rx);
}

/* ---- Making ---- */

static void bad_arguments_are_refused(void)
{
	long blocks = h_blocks();

	CHECK_CODE(chp_broadcast(0, 4, NULL, &tx, &rx), CHP_EINVAL);
	CHECK(!tx.ch && !rx.ch);
	CHECK_CODE(chp_broadcast(SIZE_MAX / 2 + 1, 4, NULL, &tx, &rx),
		   CHP_EINVAL);
	CHECK_CODE(chp_broadcast(SIZE_MAX, 4, NULL, &tx, &rx), CHP_EINVAL);
	CHECK_CODE(chp_broadcast(1, 4, NULL, NULL, &rx), CHP_EINVAL);
	CHECK_CODE(chp_broadcast(1, 4, NULL, &tx, NULL), CHP_EINVAL);
	CHECK_CODE(chp_broadcast_tx_new(0, 4, NULL, &tx), CHP_EINVAL);
	CHECK_CODE(chp_broadcast_tx_new(1, 4, NULL, NULL), CHP_EINVAL);
	/* Legal numbers, but no such memory: the arithmetic must not wrap. */
	CHECK_CODE(chp_broadcast(SIZE_MAX / 2, 4, NULL, &tx, &rx), CHP_ENOMEM);
	CHECK_CODE(chp_broadcast(SIZE_MAX / 4 + 1, 8, NULL, &tx, &rx),
		   CHP_ENOMEM);
	CHECK_CODE(chp_broadcast(1, SIZE_MAX, NULL, &tx, &rx), CHP_ENOMEM);
	CHECK_CODE(chp_broadcast(1, SIZE_MAX - 8, NULL, &tx, &rx), CHP_ENOMEM);
	CHECK_CODE(chp_broadcast(8, SIZE_MAX / 4, NULL, &tx, &rx), CHP_ENOMEM);
	CHECK(!tx.ch && !rx.ch);
	CHECK_EQ(h_blocks(), blocks);
}

/* Rounded up to a power of two: so many are kept, one more is not. */
static void the_capacity_is_rounded_up_to_a_power_of_two(void)
{
	static const size_t asked[] = { 1, 2, 3, 4, 5, 8, 9, 100 };
	static const int kept[] = { 1, 2, 4, 4, 8, 8, 16, 128 };

	for (int i = 0; i < 8; i++) {
		make(asked[i]);
		for (int v = 0; v < kept[i]; v++)
			CHECK_EQ(bc_send(&tx, v), 1);
		CHECK_EQ(chp_broadcast_tx_len(&tx), kept[i]);
		for (int v = 0; v < kept[i]; v++)
			CHECK_NEXT(&rx, v);
		for (int v = 0; v <= kept[i]; v++)
			CHECK_EQ(bc_send(&tx, v), 1);
		CHECK_EQ(chp_broadcast_tx_len(&tx), kept[i]);
		CHECK_LAGGED(&rx, 1);
		drop_both();
	}
}

static void all_memory_is_taken_when_it_is_made(void)
{
	long blocks = h_blocks(), allocs;

	make(16);
	CHECK_EQ(h_blocks(), blocks + 1);
	allocs = h_allocs();
	for (int v = 0; v < 100; v++) {
		CHECK_EQ(bc_send(&tx, v), 1);
		CHECK_CODE(bc_recv(&rx, NULL, NULL, NULL), 0);
	}
	CHECK_CODE(chp_broadcast_subscribe(&tx, &rx2), 0);
	chp_broadcast_rx_drop(&rx2);
	CHECK_EQ(h_allocs(), allocs);
	drop_both();
	CHECK_EQ(h_blocks(), blocks);
}

/* ---- Everybody gets everything ---- */

static void every_receiver_gets_every_value_in_order(void)
{
	make(8);
	CHECK_CODE(chp_broadcast_subscribe(&tx, &rx2), 0);
	for (int v = 0; v < 8; v++)
		CHECK_EQ(bc_send(&tx, v), 2);
	for (int v = 0; v < 8; v++) {
		int a = -1, b = -1;

		CHECK_CODE(bc_recv(&rx, &a, NULL, NULL), 0);
		CHECK_CODE(bc_recv(&rx2, &b, NULL, NULL), 0);
		CHECK_EQ(a, v);
		CHECK_EQ(b, v);
	}
	CHECK_NO_NEXT(&rx, CHP_EAGAIN);
	CHECK_NO_NEXT(&rx2, CHP_EAGAIN);
	chp_broadcast_rx_drop(&rx2);
	drop_both();
}

static void a_receiver_gets_what_is_sent_after_it_subscribed(void)
{
	make(4);
	CHECK_EQ(bc_send(&tx, 1), 1);
	CHECK_CODE(chp_broadcast_subscribe(&tx, &rx2), 0);
	CHECK_EQ(chp_broadcast_len(&rx2), 0);
	CHECK_NO_NEXT(&rx2, CHP_EAGAIN);
	CHECK_EQ(bc_send(&tx, 2), 2);
	CHECK_NEXT(&rx2, 2);
	CHECK_NEXT(&rx, 1);
	CHECK_NEXT(&rx, 2);
	chp_broadcast_rx_drop(&rx2);
	CHECK_EQ(bc_send(&tx, 3), 1);
	drop_both();
}

struct listener {
	struct h_agent a;
	chp_broadcast_rx rx;
	long sum;
	int values;
};

static void *listen_to_the_end(void *arg)
{
	struct listener *l = arg;
	int v, code;

	while ((code = bc_recv(&l->rx, &v, NULL, NULL)) == 0) {
		CHECK_EQ(v, l->values);
		l->values++;
		l->sum += v;
	}
	CHECK_CODE(code, CHP_ECLOSED);
	chp_broadcast_rx_drop(&l->rx);
	return NULL;
}

static void waiting_receivers_are_all_woken(void)
{
	enum { LISTENERS = 5, VALUES = 200 };
	struct listener l[LISTENERS];

	make(256);
	for (int i = 0; i < LISTENERS; i++) {
		memset(&l[i], 0, sizeof(l[i]));
		CHECK_CODE(chp_broadcast_subscribe(&tx, &l[i].rx), 0);
		h_spawn(&l[i].a, listen_to_the_end, &l[i]);
	}
	for (int v = 0; v < VALUES; v++) {
		CHECK_EQ(bc_send(&tx, v), LISTENERS + 1);
		if (v % 16 == 0)
			h_yield();
	}
	chp_broadcast_tx_drop(&tx);
	for (int i = 0; i < LISTENERS; i++) {
		h_join(&l[i].a);
		CHECK_EQ(l[i].values, VALUES);
		CHECK_EQ(l[i].sum, VALUES * (VALUES - 1) / 2);
	}
	chp_broadcast_rx_drop(&rx);
}

/* ---- Sizes ---- */

static void values_of_any_size_arrive_whole(void)
{
	static const size_t sizes[] = { 1,  3,  4,   7,   8,    9,    12,
					16, 17, 100, 255, 1000, 10000 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		size_t size = sizes[i];
		unsigned char *in = malloc(size), *out = malloc(size);

		CHECK_CODE(chp_broadcast(4, size, NULL, &tx, &rx), 0);
		for (int v = 0; v < 10; v++) {
			for (size_t k = 0; k < size; k++)
				in[k] = (unsigned char)(k * 7 + (size_t)v);
			CHECK_EQ(chp_broadcast_send(&tx, in), 1);
			memset(out, 0, size);
			CHECK_CODE(bc_recv(&rx, out, NULL, NULL), 0);
			CHECK(memcmp(in, out, size) == 0);
		}
		drop_both();
		free(in);
		free(out);
	}
}

static void values_of_no_size_are_signals(void)
{
	CHECK_CODE(chp_broadcast(2, 0, NULL, &tx, &rx), 0);
	CHECK_EQ(chp_broadcast_send(&tx, NULL), 1);
	CHECK_EQ(chp_broadcast_send(&tx, NULL), 1);
	CHECK_CODE(bc_recv(&rx, NULL, NULL, NULL), 0);
	CHECK_EQ(bc_recv_many(&rx, &(char){ 0 }, 9, NULL, NULL), 1);
	CHECK_NO_NEXT(&rx, CHP_EAGAIN);
	drop_both();
}

static void no_place_for_the_value_passes_it_over(void)
{
	make(4);
	CHECK_CODE(chp_broadcast_subscribe(&tx, &rx2), 0);
	for (int v = 0; v < 4; v++)
		bc_send(&tx, v);
	CHECK_CODE(bc_recv(&rx, NULL, NULL, NULL), 0);
	CHECK_CODE(chp_broadcast_try_recv(&rx, NULL, NULL), 0);
	CHECK_NEXT(&rx, 2);
	CHECK_EQ(bc_recv_many(&rx2, NULL, 3, NULL, NULL), 3);
	CHECK_NEXT(&rx2, 3);
	CHECK_CODE(chp_broadcast_try_recv(&rx2, NULL, NULL), CHP_EAGAIN);
	chp_broadcast_rx_drop(&rx2);
	drop_both();
}

/* ---- Many at once ---- */

static void many_are_received_at_once(void)
{
	int v[8];

	make(8);
	CHECK_EQ(bc_recv_many(&rx, v, 0, NULL, NULL), 0);
	for (int i = 0; i < 7; i++)
		bc_send(&tx, i);
	CHECK_EQ(bc_recv_many(&rx, v, 0, NULL, NULL), 0);
	CHECK_EQ(bc_recv_many(&rx, v, 3, NULL, NULL), 3);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(v[i], i);
	v[4] = 99;
	CHECK_EQ(bc_recv_many(&rx, v, SIZE_MAX, NULL, NULL), 4);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(v[i], i + 3);
	CHECK_EQ(v[4], 99);
	bc_send(&tx, 7);
	chp_broadcast_tx_drop(&tx);
	CHECK_EQ(bc_recv_many(&rx, v, 8, NULL, NULL), 1);
	CHECK_EQ(v[0], 7);
	CHECK_CODE(bc_recv_many(&rx, v, 8, NULL, NULL), CHP_ECLOSED);
	CHECK_EQ(bc_recv_many(&rx, v, 0, NULL, NULL), 0);
	drop_both();
}

static void *send_three(void *arg)
{
	for (int i = 0; i < 3; i++)
		CHECK_EQ(bc_send(arg, i), 1);
	return NULL;
}

static void receiving_many_waits_for_the_first(void)
{
	struct h_agent a;
	int v[4], n = 0;

	make(4);
	h_spawn(&a, send_three, &tx);
	while (n < 3) {
		int r = bc_recv_many(&rx, v + n, (size_t)(4 - n), NULL, NULL);

		CHECK(r > 0 && r <= 3 - n);
		n += r;
	}
	for (int i = 0; i < 3; i++)
		CHECK_EQ(v[i], i);
	h_join(&a);
	drop_both();
}

/* ---- Ends ---- */

static void the_last_senders_drop_closes(void)
{
	chp_broadcast_tx other;
	int got = -1;

	make(4);
	chp_broadcast_tx_clone(&tx, &other);
	bc_send(&tx, 1);
	chp_broadcast_tx_drop(&tx);
	CHECK_EQ(chp_broadcast_is_closed(&rx), 0);
	CHECK_NEXT(&rx, 1);
	CHECK_NO_NEXT(&rx, CHP_EAGAIN);
	bc_send(&other, 2);
	bc_send(&other, 3);
	chp_broadcast_tx_drop(&other);
	/* Closed, though there is something to read. */
	CHECK_EQ(chp_broadcast_is_closed(&rx), 1);
	CHECK_EQ(chp_broadcast_len(&rx), 2);
	CHECK_CODE(bc_recv(&rx, &got, NULL, NULL), 0);
	CHECK_EQ(got, 2);
	CHECK_NEXT(&rx, 3);
	for (int i = 0; i < 3; i++) {
		CHECK_NO_NEXT(&rx, CHP_ECLOSED);
		CHECK_CODE(bc_recv(&rx, &got, NULL, NULL), CHP_ECLOSED);
	}
	CHECK_EQ(got, 2);
	drop_both();
}

static void *drop_its_sender(void *arg)
{
	chp_broadcast_tx_drop(arg);
	return NULL;
}

static void waiting_receivers_hear_of_the_close(void)
{
	struct h_agent a;

	for (long i = h_rounds(200); i; i--) {
		int got = -1;

		make(2);
		h_spawn(&a, drop_its_sender, &tx);
		CHECK_CODE(bc_recv(&rx, &got, NULL, NULL), CHP_ECLOSED);
		h_join(&a);
		drop_both();
	}
}

static void without_receivers_a_send_fails(void)
{
	int v = 5;

	CHECK_CODE(chp_broadcast_tx_new(2, sizeof(int), NULL, &tx), 0);
	CHECK_EQ(chp_broadcast_receiver_count(&tx), 0);
	CHECK_CODE(chp_broadcast_send(&tx, &v), CHP_ECLOSED);
	CHECK_EQ(chp_broadcast_tx_is_empty(&tx), 1);
	/* Only as long as there is none. */
	CHECK_CODE(chp_broadcast_subscribe(&tx, &rx), 0);
	CHECK_EQ(chp_broadcast_receiver_count(&tx), 1);
	CHECK_EQ(chp_broadcast_send(&tx, &v), 1);
	chp_broadcast_rx_drop(&rx);
	CHECK_CODE(chp_broadcast_send(&tx, &v), CHP_ECLOSED);
	CHECK_CODE(chp_broadcast_subscribe(&tx, &rx), 0);
	CHECK_NO_NEXT(&rx, CHP_EAGAIN);
	CHECK_EQ(chp_broadcast_send(&tx, &(int){ 6 }), 1);
	CHECK_NEXT(&rx, 6);
	drop_both();
}

/* ---- Many receivers ---- */

static void a_send_counts_its_receivers(void)
{
	enum { MANY = 1000 };
	chp_broadcast_rx *many = calloc(MANY, sizeof(*many));

	make(2);
	for (int i = 0; i < MANY; i++) {
		CHECK_EQ(bc_send(&tx, i), i + 1);
		CHECK_CODE(chp_broadcast_subscribe(&tx, &many[i]), 0);
		CHECK_EQ(chp_broadcast_receiver_count(&tx), i + 2);
	}
	CHECK_EQ(bc_send(&tx, -1), MANY + 1);
	for (int i = 0; i < MANY; i++) {
		CHECK_EQ(chp_broadcast_len(&many[i]), MANY - i);
		if (i < MANY - 2)
			CHECK_LAGGED(&many[i], MANY - i - 2);
		if (i < MANY - 1)
			CHECK_NEXT(&many[i], MANY - 1);
		CHECK_NEXT(&many[i], -1);
		CHECK_NO_NEXT(&many[i], CHP_EAGAIN);
	}
	for (int i = 0; i < MANY; i++) {
		chp_broadcast_rx_drop(&many[i]);
		CHECK_EQ(bc_send(&tx, i), MANY - i);
		CHECK_EQ(chp_broadcast_receiver_count(&tx), MANY - i);
	}
	drop_both();
	free(many);
}

/* ---- Empty handles ---- */

static void empty_handles_are_harmless(void)
{
	chp_broadcast_tx no_tx = { 0 }, out_tx;
	chp_broadcast_rx no_rx = { 0 }, out_rx;
	chp_broadcast_weak no_weak = { 0 }, out_weak;
	struct h_waker w = { 0 };
	chp_broadcast_op op;
	int v = 3;

	CHECK_CODE(chp_broadcast_send(&no_tx, &v), CHP_EINVAL);
	CHECK_CODE(chp_broadcast_subscribe(&no_tx, &out_rx), CHP_EINVAL);
	CHECK(!out_rx.ch);
	CHECK_CODE(chp_broadcast_subscribe_from_oldest(&no_tx, &out_rx),
		   CHP_EINVAL);
	CHECK_CODE(chp_broadcast_resubscribe(&no_rx, &out_rx), CHP_EINVAL);
	CHECK_CODE(bc_recv(&no_rx, &v, NULL, NULL), CHP_EINVAL);
	CHECK_CODE(chp_broadcast_try_recv(&no_rx, &v, NULL), CHP_EINVAL);
	CHECK_CODE(bc_recv_many(&no_rx, &v, 1, NULL, NULL), CHP_EINVAL);
	CHECK_CODE(bc_recv_many(&no_rx, &v, 0, NULL, NULL), CHP_EINVAL);
	CHECK_CODE(bc_closed(&no_tx, NULL), CHP_EINVAL);
	chp_broadcast_recv_op(&op, &no_rx, &v, NULL);
	CHECK_CODE(h_poll(&op.op, &w), CHP_EINVAL);
	chp_broadcast_closed_op(&op, &no_tx);
	CHECK_CODE(h_poll(&op.op, &w), CHP_EINVAL);
	CHECK_EQ(h_refs(&w), 0);

	CHECK_EQ(chp_broadcast_tx_len(&no_tx), 0);
	CHECK_EQ(chp_broadcast_tx_is_empty(&no_tx), 1);
	CHECK_EQ(chp_broadcast_receiver_count(&no_tx), 0);
	CHECK_EQ(chp_broadcast_len(&no_rx), 0);
	CHECK_EQ(chp_broadcast_is_empty(&no_rx), 1);
	CHECK_EQ(chp_broadcast_is_closed(&no_rx), 1);
	CHECK_EQ(chp_broadcast_lagged(&no_rx), 0);
	CHECK_EQ(chp_broadcast_strong_count(&no_tx), 0);
	CHECK_EQ(chp_broadcast_weak_count(&no_tx), 0);
	CHECK_EQ(chp_broadcast_rx_strong_count(&no_rx), 0);
	CHECK_EQ(chp_broadcast_rx_weak_count(&no_rx), 0);
	CHECK_EQ(chp_broadcast_weak_strong_count(&no_weak), 0);
	CHECK_EQ(chp_broadcast_weak_weak_count(&no_weak), 0);
	CHECK_EQ(chp_broadcast_same_channel(&no_tx, &no_tx), 0);
	CHECK_EQ(chp_broadcast_rx_same_channel(&no_rx, &no_rx), 0);

	chp_broadcast_tx_clone(&no_tx, &out_tx);
	CHECK(!out_tx.ch);
	chp_broadcast_downgrade(&no_tx, &out_weak);
	CHECK(!out_weak.ch);
	chp_broadcast_weak_clone(&no_weak, &out_weak);
	CHECK_CODE(chp_broadcast_upgrade(&no_weak, &out_tx), CHP_ECLOSED);
	CHECK(!out_tx.ch);
	chp_broadcast_tx_drop(&no_tx);
	chp_broadcast_rx_drop(&no_rx);
	chp_broadcast_weak_drop(&no_weak);
	/* A dropped one is empty. */
	make(1);
	drop_both();
	drop_both();
	CHECK_CODE(bc_send(&tx, 1), CHP_EINVAL);
	CHECK_CODE(chp_broadcast_try_recv(&rx, &v, NULL), CHP_EINVAL);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(bad_arguments_are_refused, ON_ITS_OWN),
	TEST(the_capacity_is_rounded_up_to_a_power_of_two, ON_ITS_OWN),
	TEST(all_memory_is_taken_when_it_is_made, IN_THREADS | IN_CT),
	TEST(every_receiver_gets_every_value_in_order, IN_ALL),
	TEST(a_receiver_gets_what_is_sent_after_it_subscribed, IN_ALL),
	TEST(waiting_receivers_are_all_woken, IN_ALL),
	TEST(values_of_any_size_arrive_whole, IN_ALL),
	TEST(values_of_no_size_are_signals, IN_ALL),
	TEST(no_place_for_the_value_passes_it_over, IN_ALL),
	TEST(many_are_received_at_once, IN_ALL),
	TEST(receiving_many_waits_for_the_first, IN_ALL),
	TEST(the_last_senders_drop_closes, IN_ALL),
	TEST(waiting_receivers_hear_of_the_close, IN_ALL),
	TEST(without_receivers_a_send_fails, IN_ALL),
	TEST(a_send_counts_its_receivers, IN_ALL),
	TEST(empty_handles_are_harmless, IN_ALL),
};
/* clang-format on */
H_MAIN("broadcast", tests)
