/*
 * test_broadcast_values.c - values that own something: when each is cloned and
 * when it is destroyed, and by whom; one callback without the other; what a
 * clone that fails does.  What the callbacks themselves may do is in
 * test_broadcast_callbacks.c.
 */
#include "broadcast_owned.h"

/* ---- When a value is destroyed ---- */

static void the_last_reader_destroys(void)
{
	make(N);
	CHECK_CODE(chp_broadcast_subscribe(&tx, &rx2), 0);
	CHECK_EQ(send_owned(1), 2);
	take(&rx, 1);
	CHECK_EQ(destroyed[1], 0);
	take(&rx2, 1);
	CHECK_EQ(destroyed[1], 1);
	CHECK_EQ(h_load(&clones), 2);
	CHECK_EQ(h_load(&live), 0);
	chp_broadcast_rx_drop(&rx2);
	drop_both();
}

static void those_who_come_later_do_not_delay_it(void)
{
	make(N);
	CHECK_EQ(send_owned(1), 1);
	CHECK_CODE(chp_broadcast_subscribe(&tx, &rx2), 0);
	take(&rx, 1);
	CHECK_EQ(destroyed[1], 1);
	chp_broadcast_rx_drop(&rx2);
	drop_both();
}

static void an_overwritten_value_is_destroyed_by_the_send(void)
{
	make(N);
	for (int v = 0; v < N; v++)
		send_owned(v);
	CHECK_EQ(h_load(&live), N);
	for (int v = N; v < 3 * N; v++) {
		CHECK_EQ(destroyed[v - N], 0);
		send_owned(v);
		CHECK_EQ(destroyed[v - N], 1);
		CHECK_EQ(h_load(&live), N);
	}
	CHECK_LAGGED(&rx, 2 * N);
	take(&rx, 2 * N);
	drop_both();
	CHECK_EQ(h_load(&clones), 1);
}

static void a_dropped_receiver_destroys_what_it_was_last_for(void)
{
	make(N);
	CHECK_CODE(chp_broadcast_subscribe(&tx, &rx2), 0);
	for (int v = 0; v < 3; v++)
		send_owned(v);
	take(&rx, 0);
	take(&rx2, 0);
	take(&rx2, 1);
	chp_broadcast_rx_drop(&rx2);
	/* The first one owes them still. */
	CHECK_EQ(destroyed[1] + destroyed[2], 0);
	chp_broadcast_rx_drop(&rx);
	CHECK_EQ(destroyed[1], 1);
	CHECK_EQ(destroyed[2], 1);
	/* So the channel is empty, and may be used again. */
	CHECK_EQ(chp_broadcast_tx_is_empty(&tx), 1);
	CHECK_CODE(chp_broadcast_subscribe(&tx, &rx), 0);
	send_owned(3);
	take(&rx, 3);
	drop_both();
}

static void a_dropped_receiver_that_lags_destroys_what_is_kept(void)
{
	for (int n = N; n < 4 * N; n++) {
		make(N);
		for (int v = 0; v < n; v++)
			send_owned(v);
		CHECK_EQ(h_load(&live), N);
		chp_broadcast_tx_drop(&tx);
		CHECK_EQ(h_load(&live), N);
		chp_broadcast_rx_drop(&rx);
		for (int v = 0; v < n; v++)
			CHECK_EQ(destroyed[v], 1);
		CHECK_EQ(h_load(&live), 0);
	}
}

static void passing_over_destroys_without_a_clone(void)
{
	make(N);
	for (int v = 0; v < 3; v++)
		send_owned(v);
	CHECK_CODE(bc_recv(&rx, NULL, NULL, NULL), 0);
	CHECK_EQ(destroyed[0], 1);
	CHECK_EQ(bc_recv_many(&rx, NULL, 9, NULL, NULL), 2);
	CHECK_EQ(destroyed[2], 1);
	CHECK_EQ(h_load(&clones), 0);
	drop_both();
}

static void a_send_that_fails_leaves_the_value(void)
{
	struct owned o;
	long blocks;

	make(N);
	chp_broadcast_rx_drop(&rx);
	blocks = h_blocks();
	o = own(9);
	CHECK_CODE(chp_broadcast_send(&tx, &o), CHP_ECLOSED);
	CHECK_EQ(*o.p, 9);
	CHECK_EQ(destroyed[9], 0);
	CHECK_EQ(h_blocks(), blocks);
	destroy(&o);
	drop_both();
}

/* The ring of such values is small; one of them fits nowhere. */
static void a_send_without_memory_leaves_the_value(void)
{
	chp_broadcast_values plain_drop = { .drop = destroy };

	if (SANITIZED) {
		h_skip("sanitizers end the process for such a size");
		return;
	}
	CHECK_CODE(chp_broadcast(2, SIZE_MAX / 8, &plain_drop, &tx, &rx), 0);
	CHECK_CODE(chp_broadcast_send(&tx, ""), CHP_ENOMEM);
	CHECK_EQ(chp_broadcast_len(&rx), 0);
	CHECK_CODE(chp_broadcast_try_recv(&rx, NULL, NULL), CHP_EAGAIN);
	/* Without receivers no memory is asked for. */
	chp_broadcast_rx_drop(&rx);
	CHECK_CODE(chp_broadcast_send(&tx, ""), CHP_ECLOSED);
	chp_broadcast_tx_drop(&tx);
}

/* ---- One callback without the other ---- */

static void without_a_clone_the_bytes_are_copied(void)
{
	chp_broadcast_values counted = { .drop = count_drop };
	int got = 0;

	h_store(&drops, 0);
	CHECK_CODE(chp_broadcast(2, sizeof(int), &counted, &tx, &rx), 0);
	CHECK_CODE(chp_broadcast_subscribe(&tx, &rx2), 0);
	bc_send(&tx, 5);
	CHECK_CODE(bc_recv(&rx, &got, NULL, NULL), 0);
	CHECK_EQ(got, 5);
	CHECK_EQ(h_load(&drops), 0);
	CHECK_NEXT(&rx2, 5);
	CHECK_EQ(h_load(&drops), 1);
	bc_send(&tx, 6);
	chp_broadcast_rx_drop(&rx2);
	chp_broadcast_tx_drop(&tx);
	CHECK_EQ(h_load(&drops), 1);
	chp_broadcast_rx_drop(&rx);
	CHECK_EQ(h_load(&drops), 2);
}

static int add_one_hundred(void *to, const void *from)
{
	*(int *)to = *(const int *)from + 100;
	return 0;
}

static void without_a_destructor_a_clone_is_still_made(void)
{
	chp_broadcast_values shifted = { .clone = add_one_hundred };
	chp_broadcast_values nothing = { 0 };
	int got[2];

	CHECK_CODE(chp_broadcast(2, sizeof(int), &shifted, &tx, &rx), 0);
	bc_send(&tx, 1);
	bc_send(&tx, 2);
	bc_send(&tx, 3);
	CHECK_LAGGED(&rx, 1);
	CHECK_EQ(bc_recv_many(&rx, got, 2, NULL, NULL), 2);
	CHECK_EQ(got[0], 102);
	CHECK_EQ(got[1], 103);
	chp_broadcast_tx_drop(&tx);
	chp_broadcast_rx_drop(&rx);
	/* Neither: plain bytes. */
	CHECK_CODE(chp_broadcast(2, sizeof(int), &nothing, &tx, &rx), 0);
	bc_send(&tx, 1);
	CHECK_NEXT(&rx, 1);
	chp_broadcast_tx_drop(&tx);
	chp_broadcast_rx_drop(&rx);
}

/* ---- A clone that fails ---- */

static int fail_odd(const struct owned *from)
{
	return *from->p % 2 ? -5000 - *from->p : 0;
}

static void a_failed_clone_skips_the_value(void)
{
	struct owned o = { NULL };

	make(N);
	CHECK_CODE(chp_broadcast_subscribe(&tx, &rx2), 0);
	for (int v = 0; v < 3; v++)
		send_owned(v);
	during_clone = fail_odd;
	take(&rx, 0);
	CHECK_EQ(bc_recv(&rx, &o, NULL, NULL), -5001);
	CHECK(!o.p);
	take(&rx, 2);
	/* It is skipped for this receiver, not for the other. */
	CHECK_EQ(destroyed[1], 0);
	during_clone = NULL;
	take(&rx2, 0);
	take(&rx2, 1);
	take(&rx2, 2);
	CHECK_EQ(destroyed[1], 1);
	/* The last one's failure destroys, too. */
	during_clone = fail_odd;
	send_owned(3);
	CHECK_EQ(chp_broadcast_try_recv(&rx, &o, NULL), -5003);
	CHECK_EQ(chp_broadcast_try_recv(&rx2, &o, NULL), -5003);
	CHECK_EQ(destroyed[3], 1);
	CHECK_CODE(chp_broadcast_try_recv(&rx2, &o, NULL), CHP_EAGAIN);
	chp_broadcast_rx_drop(&rx2);
	drop_both();
}

static void among_many_it_is_reported_by_the_next_receive(void)
{
	struct owned o[8];

	make(8);
	during_clone = fail_odd;
	send_owned(0);
	send_owned(2);
	send_owned(3);
	send_owned(4);
	CHECK_EQ(bc_recv_many(&rx, o, 8, NULL, NULL), 2);
	CHECK_EQ(*o[1].p, 2);
	destroy(&o[0]);
	destroy(&o[1]);
	CHECK_EQ(destroyed[3], 1);
	CHECK_EQ(bc_recv_many(&rx, o, 8, NULL, NULL), -5003);
	CHECK_EQ(bc_recv_many(&rx, o, 8, NULL, NULL), 1);
	CHECK_EQ(*o[0].p, 4);
	destroy(&o[0]);
	/* A single receive tells it as well, once. */
	send_owned(6);
	send_owned(7);
	CHECK_EQ(bc_recv_many(&rx, o, 8, NULL, NULL), 1);
	destroy(&o[0]);
	CHECK_EQ(bc_recv(&rx, o, NULL, NULL), -5007);
	CHECK_CODE(chp_broadcast_try_recv(&rx, o, NULL), CHP_EAGAIN);
	drop_both();
}

static int what_it_says;

static int say_it(const struct owned *from)
{
	(void)from;
	return what_it_says;
}

/* The codes by which the channel itself speaks are not misunderstood. */
static void a_clone_may_fail_with_any_code(void)
{
	static const int codes[] = { CHP_EAGAIN, CHP_ECLOSED, CHP_ELAGGED,
				     CHP_EINTR, CHP_ETIMEDOUT };
	struct owned o;

	make(N);
	during_clone = say_it;
	for (int i = 0; i < 5; i++) {
		what_it_says = codes[i];
		send_owned(i);
		send_owned(10 + i);
		CHECK_CODE(bc_recv(&rx, &o, NULL, NULL), codes[i]);
		CHECK_EQ(chp_broadcast_len(&rx), 1);
		CHECK_CODE(chp_broadcast_try_recv(&rx, &o, NULL), codes[i]);
		CHECK_EQ(chp_broadcast_len(&rx), 0);
	}
	/* But one, which would make the receive wait. */
	what_it_says = CHP_PENDING;
	send_owned(1);
	CHECK_CODE(bc_recv(&rx, &o, NULL, NULL), CHP_EINVAL);
	drop_both();
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(the_last_reader_destroys, IN_ALL),
	TEST(those_who_come_later_do_not_delay_it, IN_ALL),
	TEST(an_overwritten_value_is_destroyed_by_the_send, IN_ALL),
	TEST(a_dropped_receiver_destroys_what_it_was_last_for, IN_ALL),
	TEST(a_dropped_receiver_that_lags_destroys_what_is_kept, IN_ALL),
	TEST(passing_over_destroys_without_a_clone, IN_ALL),
	TEST(a_send_that_fails_leaves_the_value, IN_ALL),
	TEST(a_send_without_memory_leaves_the_value, ON_ITS_OWN),
	TEST(without_a_clone_the_bytes_are_copied, IN_ALL),
	TEST(without_a_destructor_a_clone_is_still_made, IN_ALL),
	TEST(a_failed_clone_skips_the_value, IN_ALL),
	TEST(among_many_it_is_reported_by_the_next_receive, IN_ALL),
	TEST(a_clone_may_fail_with_any_code, IN_ALL),
};
/* clang-format on */
H_MAIN("broadcast_values", tests)
