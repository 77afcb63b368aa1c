/*
 * test_mpsc_owned.c - owned permits: a place and the sender in one.  What
 * becomes of the sender on success and on failure, that the pair counts as a
 * sender and keeps the stream open, and whom sending and releasing wake.
 */
#include "mpsc.h"

/* Waits where the mode may: there is no operation for it. */
static chp_mpsc_owned_permit owned(void)
{
	chp_mpsc_owned_permit p = { 0 };

	if (h_mode() == H_POLLED)
		CHECK_CODE(chp_mpsc_try_reserve_owned(&tx, &p), 0);
	else
		CHECK_CODE(chp_mpsc_reserve_owned(&tx, &p), 0);
	CHECK(!tx.ch);
	return p;
}

static int owned_int(chp_mpsc_owned_permit *p, int v, chp_mpsc_tx *back)
{
	return chp_mpsc_owned_permit_send(p, &v, back);
}

static void sending_gives_the_sender_back(void)
{
	chp_mpsc_owned_permit p;
	chp_mpsc_tx other;

	make(2);
	chp_mpsc_tx_clone(&tx, &other);
	p = owned();
	CHECK_EQ(chp_mpsc_owned_permit_same_channel(&p, &other), 1);
	CHECK_EQ(chp_mpsc_capacity(&other), 1);
	CHECK_EQ(chp_mpsc_strong_count(&other), 2);
	CHECK_CODE(owned_int(&p, 7, &tx), 0);
	CHECK(tx.ch);
	CHECK(!p.ch);
	CHECK_EQ(chp_mpsc_same_channel(&tx, &other), 1);
	CHECK_EQ(chp_mpsc_strong_count(&tx), 2);
	CHECK_EQ(chp_mpsc_capacity(&tx), 1);
	CHECK_EQ(take(), 7);
	CHECK_EQ(chp_mpsc_capacity(&tx), 2);
	CHECK_CODE(mpsc_send(&tx, &(int){ 8 }, NULL), 0);
	CHECK_EQ(take(), 8);
	chp_mpsc_tx_drop(&other);
	drop_both();
	CHECK_EQ(h_load(&drops), 0);
}

static void sending_into_nothing_drops_the_sender(void)
{
	chp_mpsc_owned_permit p;

	make(2);
	p = owned();
	CHECK_CODE(owned_int(&p, 7, NULL), 0);
	CHECK_EQ(chp_mpsc_rx_strong_count(&rx), 0);
	CHECK_EQ(chp_mpsc_rx_is_closed(&rx), 1);
	CHECK_EQ(take(), 7);
	CHECK_CODE(chp_mpsc_try_recv(&rx, NULL), CHP_ECLOSED);
	CHECK_EQ(chp_mpsc_rx_capacity(&rx), 2);
	drop_both();
}

static void releasing_gives_place_and_sender_back(void)
{
	chp_mpsc_owned_permit p;

	make(2);
	p = owned();
	chp_mpsc_owned_permit_release(&p, &tx);
	CHECK(!p.ch);
	CHECK_EQ(chp_mpsc_strong_count(&tx), 1);
	CHECK_EQ(chp_mpsc_capacity(&tx), 2);
	/* Again: it is empty now. */
	chp_mpsc_owned_permit_release(&p, NULL);
	CHECK_EQ(chp_mpsc_strong_count(&tx), 1);

	p = owned();
	chp_mpsc_owned_permit_release(&p, NULL);
	CHECK_EQ(chp_mpsc_rx_is_closed(&rx), 1);
	CHECK_EQ(chp_mpsc_rx_capacity(&rx), 2);
	CHECK_CODE(mpsc_recv(&rx, NULL, NULL), CHP_ECLOSED);
	drop_both();
}

static void an_owned_permit_keeps_the_stream_open(void)
{
	chp_mpsc_owned_permit p;
	struct h_waker w = { 0 };
	chp_recv_op op;

	make(2);
	p = owned();
	CHECK_EQ(chp_mpsc_rx_strong_count(&rx), 1);
	CHECK_EQ(chp_mpsc_rx_is_closed(&rx), 0);
	CHECK_CODE(chp_mpsc_try_recv(&rx, NULL), CHP_EAGAIN);
	chp_mpsc_recv_op(&op, &rx, NULL);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	chp_mpsc_owned_permit_release(&p, NULL);
	CHECK(h_wakes(&w) >= 1);
	CHECK_CODE(h_poll(&op.op, &w), CHP_ECLOSED);
	CHECK_EQ(h_refs(&w), 0);
	drop_both();
}

static void a_weak_sender_upgrades_while_an_owned_permit_is_out(void)
{
	chp_mpsc_owned_permit p;
	chp_mpsc_weak weak;

	make(2);
	chp_mpsc_downgrade(&tx, &weak);
	p = owned();
	CHECK_CODE(chp_mpsc_upgrade(&weak, &tx), 0);
	CHECK_EQ(chp_mpsc_strong_count(&tx), 2);
	chp_mpsc_owned_permit_release(&p, NULL);
	CHECK_EQ(chp_mpsc_strong_count(&tx), 1);
	chp_mpsc_weak_drop(&weak);
	drop_both();
}

static void a_failed_reservation_leaves_the_sender(void)
{
	chp_wait moment = { .deadline = chp_in(CHP_MS) };
	chp_mpsc_owned_permit p = { 0 };

	make(1);
	CHECK_CODE(mpsc_send(&tx, &(int){ 1 }, NULL), 0);
	CHECK_CODE(chp_mpsc_try_reserve_owned(&tx, &p), CHP_EAGAIN);
	CHECK(tx.ch && !p.ch);
	if (h_mode() != H_POLLED)
		CHECK_CODE(chp_mpsc_reserve_owned_with(&tx, &p, &moment),
			   CHP_ETIMEDOUT);
	CHECK(tx.ch && !p.ch);
	CHECK_EQ(chp_mpsc_strong_count(&tx), 1);
	CHECK_EQ(take(), 1);
	CHECK_EQ(chp_mpsc_capacity(&tx), 1);
	chp_mpsc_close(&rx);
	CHECK_CODE(chp_mpsc_try_reserve_owned(&tx, &p), CHP_ECLOSED);
	if (h_mode() != H_POLLED)
		CHECK_CODE(chp_mpsc_reserve_owned(&tx, &p), CHP_ECLOSED);
	CHECK(tx.ch && !p.ch);
	CHECK_EQ(chp_mpsc_strong_count(&tx), 1);
	drop_both();
}

static void *close_the_channel(void *arg)
{
	chp_mpsc_close(&rx);
	return arg;
}

/* tokio loses the sender here. */
static void a_reservation_ended_by_close_leaves_the_sender(void)
{
	for (long i = h_rounds(100); i; i--) {
		chp_mpsc_owned_permit p = { 0 };
		struct h_agent a;

		make(1);
		CHECK_CODE(mpsc_send(&tx, &(int){ 1 }, NULL), 0);
		h_spawn(&a, close_the_channel, NULL);
		CHECK_CODE(chp_mpsc_reserve_owned(&tx, &p), CHP_ECLOSED);
		CHECK(tx.ch && !p.ch);
		CHECK_EQ(chp_mpsc_strong_count(&tx), 1);
		h_join(&a);
		drop_both();
	}
}

static void *receive_two(void *arg)
{
	for (int i = 1; i <= 2; i++) {
		int v = 0;

		CHECK_CODE(mpsc_recv(&rx, &v, NULL), 0);
		CHECK_EQ(v, i);
	}
	return arg;
}

static void a_reservation_waits_for_a_place(void)
{
	for (long i = h_rounds(100); i; i--) {
		chp_mpsc_owned_permit p;
		struct h_agent a;

		make(1);
		CHECK_CODE(mpsc_send(&tx, &(int){ 1 }, NULL), 0);
		h_spawn(&a, receive_two, NULL);
		p = owned();
		CHECK_CODE(owned_int(&p, 2, &tx), 0);
		h_join(&a);
		drop_both();
	}
}

static void reservations_are_refused_without_channel_or_bound(void)
{
	chp_mpsc_owned_permit p = { 0 };
	chp_mpsc_tx none = { 0 };

	CHECK_CODE(chp_mpsc_try_reserve_owned(&none, &p), CHP_EINVAL);
	CHECK_CODE(owned_int(&p, 1, NULL), CHP_EINVAL);
	CHECK_EQ(chp_mpsc_owned_permit_same_channel(&p, &none), 0);
	chp_mpsc_owned_permit_release(&p, NULL);
	CHECK_CODE(chp_mpsc_unbounded(4, NULL, &tx, &rx), 0);
	CHECK_CODE(chp_mpsc_try_reserve_owned(&tx, &p), CHP_EINVAL);
	if (h_mode() != H_POLLED) {
		CHECK_CODE(chp_mpsc_reserve_owned(&none, &p), CHP_EINVAL);
		CHECK_CODE(chp_mpsc_reserve_owned(&tx, &p), CHP_EINVAL);
	}
	CHECK(tx.ch && !p.ch);
	drop_both();
}

static void an_owned_permit_is_in_the_senders_queue(void)
{
	chp_mpsc_owned_permit p;
	chp_mpsc_tx other;
	struct h_waker w = { 0 };
	chp_send_op op;
	int v = 5;

	make(1);
	chp_mpsc_tx_clone(&tx, &other);
	p = owned();
	chp_mpsc_send_op(&op, &other, &v);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	chp_mpsc_owned_permit_release(&p, &tx);
	CHECK_EQ(h_wakes(&w), 1);
	/* The place is the one's that waited. */
	CHECK_CODE(chp_mpsc_try_reserve_owned(&tx, &p), CHP_EAGAIN);
	CHECK_CODE(h_poll(&op.op, &w), 0);
	CHECK_EQ(take(), 5);
	chp_mpsc_tx_drop(&other);
	drop_both();
}

/* ---- After close and drop ---- */

/* tokio #8075: by release as well as by send. */
static void the_end_of_an_owned_permit_tells_a_closed_receiver(void)
{
	for (int how = 0; how < 4; how++) {
		chp_mpsc_owned_permit p;
		struct h_waker w = { 0 };
		chp_recv_op op;
		chp_mpsc_tx other;

		make(2);
		chp_mpsc_tx_clone(&tx, &other);
		p = owned();
		chp_mpsc_close(&rx);
		CHECK_CODE(chp_mpsc_try_recv(&rx, NULL), CHP_EAGAIN);
		chp_mpsc_recv_op(&op, &rx, NULL);
		CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
		if (how & 1)
			chp_mpsc_owned_permit_release(&p, how & 2 ? &tx : NULL);
		else
			CHECK_CODE(owned_int(&p, 9, how & 2 ? &tx : NULL), 0);
		CHECK(h_wakes(&w) >= 1);
		if (!(how & 1)) {
			CHECK_CODE(h_poll(&op.op, &w), 0);
			CHECK_EQ(h_load(&drops), 1);
			CHECK_CODE(mpsc_recv(&rx, NULL, NULL), CHP_ECLOSED);
		} else {
			CHECK_CODE(h_poll(&op.op, &w), CHP_ECLOSED);
		}
		CHECK_EQ(chp_mpsc_strong_count(&other), how & 2 ? 2 : 1);
		chp_mpsc_tx_drop(&other);
		drop_both();
	}
}

static void what_it_sends_after_the_receiver_is_destroyed_at_once(void)
{
	chp_mpsc_owned_permit p;

	make(2);
	p = owned();
	chp_mpsc_rx_drop(&rx);
	CHECK_CODE(owned_int(&p, 9, &tx), 0);
	CHECK_EQ(h_load(&drops), 1);
	CHECK_EQ(chp_mpsc_is_closed(&tx), 1);
	drop_both();

	make(2);
	p = owned();
	chp_mpsc_rx_drop(&rx);
	CHECK_CODE(owned_int(&p, 9, NULL), 0);
	CHECK_EQ(h_load(&drops), 1);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(sending_gives_the_sender_back, IN_ALL),
	TEST(sending_into_nothing_drops_the_sender, IN_ALL),
	TEST(releasing_gives_place_and_sender_back, IN_ALL),
	TEST(an_owned_permit_keeps_the_stream_open, IN_ALL),
	TEST(a_weak_sender_upgrades_while_an_owned_permit_is_out, IN_ALL),
	TEST(a_failed_reservation_leaves_the_sender, IN_ALL),
	TEST(a_reservation_ended_by_close_leaves_the_sender, IN_BLOCKING),
	TEST(a_reservation_waits_for_a_place, IN_BLOCKING),
	TEST(reservations_are_refused_without_channel_or_bound, IN_ALL),
	TEST(an_owned_permit_is_in_the_senders_queue, IN_ALL),
	TEST(the_end_of_an_owned_permit_tells_a_closed_receiver, IN_ALL),
	TEST(what_it_sends_after_the_receiver_is_destroyed_at_once, IN_ALL),
};
/* clang-format on */
H_MAIN("mpsc_owned", tests)
