/*
 * test_mpmc.c - the states of a channel with many receivers: what each call
 * says after each order of sends, receives, closes and drops; handles.  Nothing
 * here waits for long.  Values are in test_mpmc_values.c, channels without a
 * buffer in test_mpmc_rendezvous.c.
 */
#include "mpmc.h"

static chp_mpmc_tx tx;
static chp_mpmc_rx rx;
static int last_dropped;

static void drop_int(void *value)
{
	last_dropped = *(int *)value;
	h_add(&drops, 1);
}

static void make(size_t capacity)
{
	h_store(&drops, 0);
	last_dropped = 0;
	CHECK_CODE(mpmc_make(capacity, sizeof(int), drop_int, &tx, &rx), 0);
}

static void drop_both(void)
{
	chp_mpmc_tx_drop(&tx);
	chp_mpmc_rx_drop(&rx);
}

static int try_send(int v)
{
	return chp_mpmc_try_send(&tx, &v);
}

static int take_from(chp_mpmc_rx *from)
{
	int v = -1;

	CHECK_CODE(chp_mpmc_try_recv(from, &v), 0);
	return v;
}

/* ---- Messages ---- */

static void each_message_goes_to_one_receiver_in_order(void)
{
	chp_mpmc_rx other;

	for (int limited = 0; limited < 2; limited++) {
		make(limited ? 10 : UNBOUNDED);
		chp_mpmc_rx_clone(&rx, &other);
		for (int i = 0; i < 10; i++)
			CHECK_CODE(mpmc_send(&tx, &i, NULL), 0);
		for (int i = 0; i < 10; i += 2) {
			CHECK_EQ(take_from(&rx), i);
			CHECK_EQ(take_from(&other), i + 1);
		}
		CHECK_CODE(chp_mpmc_try_recv(&other, NULL), CHP_EAGAIN);
		chp_mpmc_rx_drop(&other);
		drop_both();
		CHECK_EQ(h_load(&drops), 0);
	}
}

static void a_full_channel_takes_no_more(void)
{
	make(2);
	CHECK_EQ(chp_mpmc_capacity(&tx), 2);
	CHECK_CODE(try_send(1), 0);
	CHECK_EQ(chp_mpmc_capacity(&tx), 1);
	CHECK_CODE(try_send(2), 0);
	CHECK_EQ(chp_mpmc_capacity(&tx), 0);
	CHECK_EQ(chp_mpmc_rx_capacity(&rx), 0);
	CHECK_CODE(try_send(3), CHP_EAGAIN);
	CHECK_EQ(chp_mpmc_len(&rx), 2);
	CHECK_EQ(take_from(&rx), 1);
	CHECK_CODE(try_send(4), 0);
	CHECK_EQ(take_from(&rx), 2);
	CHECK_EQ(take_from(&rx), 4);
	CHECK_EQ(chp_mpmc_max_capacity(&tx), 2);
	CHECK_EQ(chp_mpmc_rx_max_capacity(&rx), 2);
	drop_both();
	CHECK_EQ(h_load(&drops), 0);
}

/* Over many blocks, with the spare one coming and going. */
static void an_unbounded_channel_takes_any_number(void)
{
	int sent = 0, taken = 0;

	make(UNBOUNDED);
	CHECK(chp_mpmc_capacity(&tx) == SIZE_MAX);
	CHECK(chp_mpmc_rx_max_capacity(&rx) == SIZE_MAX);
	for (int wave = 1; wave < 5000; wave = wave * 3 + 1) {
		for (int i = 0; i < wave; i++)
			CHECK_CODE(try_send(sent++), 0);
		for (int i = 0; i < wave / 2; i++)
			CHECK_EQ(take_from(&rx), taken++);
		CHECK_EQ(chp_mpmc_len(&rx), sent - taken);
	}
	while (taken < sent - 700)
		CHECK_EQ(take_from(&rx), taken++);
	drop_both();
	CHECK_EQ(h_load(&drops), 700);
	CHECK_EQ(last_dropped, sent - 1);
}

static void recv_many_takes_what_is_there(void)
{
	int out[1000];

	for (int limited = 0; limited < 2; limited++) {
		make(limited ? 700 : UNBOUNDED);
		CHECK_EQ(mpmc_recv_many(&rx, out, 0, NULL), 0);
		for (int i = 0; i < 700; i++)
			CHECK_CODE(try_send(i), 0);
		CHECK_EQ(mpmc_recv_many(&rx, out, 3, NULL), 3);
		CHECK_EQ(mpmc_recv_many(&rx, out + 3, 1, NULL), 1);
		CHECK_EQ(mpmc_recv_many(&rx, out + 4, 900, NULL), 696);
		for (int i = 0; i < 700; i++)
			CHECK_EQ(out[i], i);
		CHECK_CODE(try_send(1), 0);
		CHECK_EQ(mpmc_recv_many(&rx, NULL, 5, NULL), 1);
		CHECK_EQ(h_load(&drops), 1);
		chp_mpmc_tx_drop(&tx);
		CHECK_CODE(mpmc_recv_many(&rx, out, 5, NULL), CHP_ECLOSED);
		CHECK_EQ(mpmc_recv_many(&rx, out, 0, NULL), 0);
		drop_both();
	}
}

/* ---- The ends ---- */

static void the_last_sender_ends_the_stream(void)
{
	chp_mpmc_tx other;
	int v;

	make(5);
	chp_mpmc_tx_clone(&tx, &other);
	CHECK_CODE(try_send(1), 0);
	chp_mpmc_tx_drop(&tx);
	CHECK_EQ(chp_mpmc_rx_is_closed(&rx), 0);
	v = 2;
	CHECK_CODE(chp_mpmc_try_send(&other, &v), 0);
	chp_mpmc_tx_drop(&other);
	CHECK_EQ(chp_mpmc_rx_is_closed(&rx), 1);
	CHECK_EQ(chp_mpmc_len(&rx), 2);
	CHECK_CODE(mpmc_recv(&rx, &v, NULL), 0);
	CHECK_EQ(v, 1);
	CHECK_EQ(take_from(&rx), 2);
	v = 77;
	CHECK_CODE(mpmc_recv(&rx, &v, NULL), CHP_ECLOSED);
	CHECK_CODE(chp_mpmc_try_recv(&rx, &v), CHP_ECLOSED);
	CHECK_EQ(v, 77);
	drop_both();
	CHECK_EQ(h_load(&drops), 0);
}

static void the_last_receiver_closes_and_destroys(void)
{
	chp_mpmc_rx other;

	make(5);
	chp_mpmc_rx_clone(&rx, &other);
	CHECK_CODE(try_send(1), 0);
	CHECK_CODE(try_send(2), 0);
	chp_mpmc_rx_drop(&rx);
	CHECK_EQ(h_load(&drops), 0);
	CHECK_EQ(chp_mpmc_is_closed(&tx), 0);
	CHECK_CODE(try_send(3), 0);
	CHECK_EQ(take_from(&other), 1);
	chp_mpmc_rx_drop(&other);
	CHECK_EQ(h_load(&drops), 2);
	CHECK_EQ(last_dropped, 3);
	CHECK_EQ(chp_mpmc_is_closed(&tx), 1);
	CHECK_CODE(try_send(4), CHP_ECLOSED);
	CHECK_CODE(mpmc_send(&tx, &(int){ 5 }, NULL), CHP_ECLOSED);
	CHECK_CODE(mpmc_closed(&tx, NULL), 0);
	drop_both();
	CHECK_EQ(h_load(&drops), 2);
}

static void either_end_may_close_and_messages_stay(void)
{
	for (int by_sender = 0; by_sender < 2; by_sender++) {
		for (int limited = 0; limited < 2; limited++) {
			make(limited ? 2 : UNBOUNDED);
			CHECK_CODE(try_send(1), 0);
			CHECK_CODE(try_send(2), 0);
			for (int twice = 0; twice < 2; twice++) {
				if (by_sender)
					chp_mpmc_tx_close(&tx);
				else
					chp_mpmc_close(&rx);
			}
			CHECK_EQ(chp_mpmc_is_closed(&tx), 1);
			CHECK_EQ(chp_mpmc_rx_is_closed(&rx), 1);
			CHECK_CODE(mpmc_closed(&tx, NULL), 0);
			/* Closed wins over full, and over out of memory. */
			CHECK_CODE(try_send(3), CHP_ECLOSED);
			CHECK_CODE(mpmc_send(&tx, &(int){ 3 }, NULL),
				   CHP_ECLOSED);
			CHECK_EQ(take_from(&rx), 1);
			CHECK_EQ(take_from(&rx), 2);
			CHECK_CODE(mpmc_recv(&rx, NULL, NULL), CHP_ECLOSED);
			CHECK_CODE(chp_mpmc_try_recv(&rx, NULL), CHP_ECLOSED);
			drop_both();
			CHECK_EQ(h_load(&drops), 0);
		}
	}
}

static void what_is_left_in_a_closed_channel_is_destroyed(void)
{
	make(3);
	CHECK_CODE(try_send(1), 0);
	CHECK_CODE(try_send(2), 0);
	chp_mpmc_tx_close(&tx);
	chp_mpmc_tx_drop(&tx);
	CHECK_EQ(h_load(&drops), 0);
	chp_mpmc_rx_drop(&rx);
	CHECK_EQ(h_load(&drops), 2);
}

static void empty_handles_do_nothing(void)
{
	chp_mpmc_tx t = { 0 }, t2 = { (void *)&t };
	chp_mpmc_rx r = { 0 }, r2 = { (void *)&r };
	chp_mpmc_weak w = { 0 }, w2 = { (void *)&w };
	chp_mpmc_op op;
	chp_once_op closed;
	int v = 5;

	CHECK_CODE(mpmc_send(&t, &v, NULL), CHP_EINVAL);
	CHECK_CODE(chp_mpmc_try_send(&t, &v), CHP_EINVAL);
	CHECK_CODE(mpmc_recv(&r, &v, NULL), CHP_EINVAL);
	CHECK_CODE(mpmc_recv_many(&r, &v, 1, NULL), CHP_EINVAL);
	CHECK_CODE(chp_mpmc_try_recv(&r, &v), CHP_EINVAL);
	CHECK_CODE(mpmc_closed(&t, NULL), CHP_EINVAL);
	chp_mpmc_send_op(&op, &t, &v);
	CHECK_EQ(chp_op_cancel(&op.op), CHP_HELD_NOTHING);
	chp_mpmc_closed_op(&closed, &t);
	CHECK_CODE(chp_op_poll(&closed.op, NULL), CHP_EINVAL);
	chp_mpmc_close(&r);
	chp_mpmc_tx_close(&t);
	CHECK_EQ(chp_mpmc_is_closed(&t), 1);
	CHECK_EQ(chp_mpmc_rx_is_closed(&r), 1);
	CHECK_EQ(chp_mpmc_len(&r), 0);
	CHECK_EQ(chp_mpmc_is_empty(&r), 1);
	CHECK_EQ(chp_mpmc_capacity(&t) + chp_mpmc_max_capacity(&t), 0);
	CHECK_EQ(chp_mpmc_rx_capacity(&r) + chp_mpmc_rx_max_capacity(&r), 0);
	CHECK_EQ(chp_mpmc_strong_count(&t) + chp_mpmc_receiver_count(&t), 0);
	CHECK_EQ(chp_mpmc_rx_strong_count(&r) + chp_mpmc_rx_receiver_count(&r),
		 0);
	CHECK_EQ(chp_mpmc_weak_count(&t) + chp_mpmc_rx_weak_count(&r), 0);
	CHECK_EQ(chp_mpmc_weak_strong_count(&w) + chp_mpmc_weak_weak_count(&w),
		 0);
	CHECK_EQ(chp_mpmc_same_channel(&t, &t), 0);
	CHECK_EQ(chp_mpmc_rx_same_channel(&r, &r), 0);
	chp_mpmc_tx_clone(&t, &t2);
	chp_mpmc_rx_clone(&r, &r2);
	chp_mpmc_downgrade(&t, &w2);
	CHECK(!t2.ch && !r2.ch && !w2.ch);
	w2.ch = (void *)&w;
	chp_mpmc_weak_clone(&w, &w2);
	t2.ch = (void *)&t;
	CHECK_CODE(chp_mpmc_upgrade(&w, &t2), CHP_ECLOSED);
	CHECK(!t2.ch && !w2.ch);
	chp_mpmc_tx_drop(&t);
	chp_mpmc_rx_drop(&r);
	chp_mpmc_weak_drop(&w);
	CHECK_EQ(v, 5);
}

static void bad_arguments_are_refused(void)
{
	long blocks = h_blocks();

	CHECK_CODE(chp_mpmc_bounded(1, 4, NULL, NULL, &rx), CHP_EINVAL);
	CHECK_CODE(chp_mpmc_bounded(1, 4, NULL, &tx, NULL), CHP_EINVAL);
	CHECK_CODE(chp_mpmc_unbounded(4, NULL, NULL, NULL), CHP_EINVAL);
	CHECK_CODE(chp_mpmc_bounded((SIZE_MAX >> 3) + 1, 4, NULL, &tx, &rx),
		   CHP_EINVAL);
	tx.ch = rx.ch = (void *)&tx;
	CHECK_CODE(chp_mpmc_bounded(SIZE_MAX >> 3, 64, NULL, &tx, &rx),
		   CHP_ENOMEM);
	CHECK(!tx.ch && !rx.ch);
	for (size_t less = 0; less < 20; less++) {
		CHECK_CODE(chp_mpmc_bounded(0, SIZE_MAX - less, NULL, &tx, &rx),
			   CHP_ENOMEM);
		CHECK_CODE(chp_mpmc_unbounded(SIZE_MAX - less, NULL, &tx, &rx),
			   CHP_ENOMEM);
	}
	CHECK_EQ(h_blocks(), blocks);
}

/* ---- Handles ---- */

static void handles_are_counted(void)
{
	chp_mpmc_tx tx2;
	chp_mpmc_rx rx2, rx3;
	chp_mpmc_weak weak, weak2;

	make(1);
	chp_mpmc_tx_clone(&tx, &tx2);
	chp_mpmc_rx_clone(&rx, &rx2);
	chp_mpmc_rx_clone(&rx2, &rx3);
	chp_mpmc_downgrade(&tx, &weak);
	chp_mpmc_weak_clone(&weak, &weak2);
	CHECK_EQ(chp_mpmc_strong_count(&tx), 2);
	CHECK_EQ(chp_mpmc_rx_strong_count(&rx), 2);
	CHECK_EQ(chp_mpmc_weak_strong_count(&weak), 2);
	CHECK_EQ(chp_mpmc_receiver_count(&tx), 3);
	CHECK_EQ(chp_mpmc_rx_receiver_count(&rx3), 3);
	CHECK_EQ(chp_mpmc_weak_count(&tx), 2);
	CHECK_EQ(chp_mpmc_rx_weak_count(&rx), 2);
	CHECK_EQ(chp_mpmc_weak_weak_count(&weak2), 2);
	CHECK_EQ(chp_mpmc_same_channel(&tx, &tx2), 1);
	CHECK_EQ(chp_mpmc_rx_same_channel(&rx, &rx3), 1);
	chp_mpmc_rx_drop(&rx2);
	chp_mpmc_rx_drop(&rx2);
	chp_mpmc_tx_drop(&tx2);
	chp_mpmc_weak_drop(&weak2);
	chp_mpmc_weak_drop(&weak2);
	CHECK_EQ(chp_mpmc_strong_count(&tx), 1);
	CHECK_EQ(chp_mpmc_receiver_count(&tx), 2);
	CHECK_EQ(chp_mpmc_weak_count(&tx), 1);
	chp_mpmc_rx_drop(&rx3);
	drop_both();
	CHECK_EQ(chp_mpmc_weak_strong_count(&weak), 0);
	chp_mpmc_weak_drop(&weak);
}

static void different_channels_are_not_the_same(void)
{
	chp_mpmc_tx tx2;
	chp_mpmc_rx rx2;

	make(1);
	CHECK_CODE(chp_mpmc_bounded(1, 4, NULL, &tx2, &rx2), 0);
	CHECK_EQ(chp_mpmc_same_channel(&tx, &tx2), 0);
	CHECK_EQ(chp_mpmc_rx_same_channel(&rx, &rx2), 0);
	chp_mpmc_tx_drop(&tx2);
	chp_mpmc_rx_drop(&rx2);
	drop_both();
}

static void a_weak_sender_keeps_the_memory_not_the_stream(void)
{
	chp_mpmc_weak weak;
	chp_mpmc_tx again;
	int v = 2;

	make(3);
	chp_mpmc_downgrade(&tx, &weak);
	CHECK_CODE(chp_mpmc_upgrade(&weak, &again), 0);
	chp_mpmc_tx_drop(&tx);
	CHECK_CODE(chp_mpmc_try_send(&again, &v), 0);
	CHECK_EQ(chp_mpmc_rx_is_closed(&rx), 0);
	chp_mpmc_tx_drop(&again);
	CHECK_EQ(chp_mpmc_rx_is_closed(&rx), 1);
	CHECK_CODE(chp_mpmc_upgrade(&weak, &again), CHP_ECLOSED);
	CHECK(!again.ch);
	CHECK_EQ(take_from(&rx), 2);
	CHECK_CODE(chp_mpmc_try_recv(&rx, &v), CHP_ECLOSED);
	chp_mpmc_rx_drop(&rx);
	CHECK_CODE(chp_mpmc_upgrade(&weak, &again), CHP_ECLOSED);
	chp_mpmc_weak_drop(&weak);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(each_message_goes_to_one_receiver_in_order, IN_ALL),
	TEST(a_full_channel_takes_no_more, IN_ALL),
	TEST(an_unbounded_channel_takes_any_number, IN_THREADS | IN_MT),
	TEST(recv_many_takes_what_is_there, IN_ALL),
	TEST(the_last_sender_ends_the_stream, IN_ALL),
	TEST(the_last_receiver_closes_and_destroys, IN_ALL),
	TEST(either_end_may_close_and_messages_stay, IN_ALL),
	TEST(what_is_left_in_a_closed_channel_is_destroyed, IN_ALL),
	TEST(empty_handles_do_nothing, IN_ALL),
	TEST(bad_arguments_are_refused, IN_THREADS),
	TEST(handles_are_counted, IN_ALL),
	TEST(different_channels_are_not_the_same, IN_THREADS),
	TEST(a_weak_sender_keeps_the_memory_not_the_stream, IN_ALL),
};
/* clang-format on */
H_MAIN("mpmc", tests)
