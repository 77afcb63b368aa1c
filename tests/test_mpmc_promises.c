/*
 * test_mpmc_promises.c - places and messages that were promised to a polled
 * operation: when it gives up, when the channel closes, when it loses a select.
 */
#include "mpmc_ends.h"

/* ---- Giving up ---- */

static void giving_up_a_place_leaves_no_trace(void)
{
	struct h_waker w[3] = { 0 };
	chp_mpmc_op op[3];
	int v[3] = { 1, 2, 3 };

	for (int gone = 0; gone < 3; gone++) {
		make(1);
		fill(0);
		memset(w, 0, sizeof(w));
		for (int i = 0; i < 3; i++) {
			chp_mpmc_send_op(&op[i], &tx, &v[i]);
			CHECK_CODE(h_poll(&op[i].op, &w[i]), CHP_PENDING);
		}
		CHECK_EQ(chp_op_cancel(&op[gone].op), CHP_HELD_NOTHING);
		CHECK_EQ(h_refs(&w[gone]), 0);
		CHECK_EQ(take(), 0);
		for (int i = 0; i < 3; i++) {
			if (i == gone)
				continue;
			CHECK_EQ(h_wakes(&w[i]), 1);
			CHECK_CODE(h_poll(&op[i].op, &w[i]), 0);
			CHECK_EQ(take(), i + 1);
		}
		CHECK_EQ(h_wakes(&w[gone]), 0);
		CHECK_EQ(chp_mpmc_capacity(&tx), 1);
		drop_both();
	}
}

static void a_place_given_up_goes_to_the_next_sender(void)
{
	struct h_waker w[2] = { 0 };
	chp_mpmc_op op[2];
	int v[2] = { 1, 2 };

	make(1);
	fill(0);
	for (int i = 0; i < 2; i++) {
		chp_mpmc_send_op(&op[i], &tx, &v[i]);
		CHECK_CODE(h_poll(&op[i].op, &w[i]), CHP_PENDING);
	}
	CHECK_EQ(take(), 0);
	CHECK_EQ(h_wakes(&w[0]), 1);
	CHECK_EQ(h_wakes(&w[1]), 0);
	CHECK_EQ(chp_op_cancel(&op[0].op), CHP_GAVE_BACK);
	CHECK_EQ(h_wakes(&w[1]), 1);
	CHECK_EQ(chp_op_cancel(&op[1].op), CHP_GAVE_BACK);
	CHECK_EQ(chp_mpmc_capacity(&tx), 1);
	CHECK_EQ(chp_mpmc_is_empty(&rx), 1);
	drop_both();
	CHECK_EQ(h_load(&drops), 0);
}

static void a_message_given_up_goes_to_the_next_receiver(void)
{
	struct h_waker w[3] = { 0 };
	chp_mpmc_op op[3];
	int got[3] = { 0 };

	make(2);
	for (int i = 0; i < 3; i++) {
		chp_mpmc_recv_op(&op[i], &rx, &got[i]);
		CHECK_CODE(h_poll(&op[i].op, &w[i]), CHP_PENDING);
	}
	fill(5);
	CHECK_EQ(chp_op_cancel(&op[0].op), CHP_GAVE_BACK);
	CHECK_EQ(h_wakes(&w[1]), 1);
	CHECK_EQ(h_wakes(&w[2]), 0);
	CHECK_EQ(chp_op_cancel(&op[2].op), CHP_HELD_NOTHING);
	CHECK_EQ(chp_op_cancel(&op[1].op), CHP_GAVE_BACK);
	CHECK_EQ(take(), 5);
	CHECK_EQ(got[0] + got[1] + got[2], 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(h_refs(&w[i]), 0);
	drop_both();
	CHECK_EQ(h_load(&drops), 0);
}

/* In whatever order those who were promised messages give up or come. */
static void giving_up_never_reorders(void)
{
	for (unsigned gone = 0; gone < 16; gone++) {
		for (unsigned backwards = 0; backwards < 2; backwards++) {
			chp_mpmc_op op[4];
			int got[4], expected = 0;

			make(4);
			for (int i = 0; i < 4; i++) {
				chp_mpmc_recv_op(&op[i], &rx, &got[i]);
				chp_op_poll(&op[i].op, NULL);
			}
			for (int i = 0; i < 4; i++)
				fill(i);
			for (int n = 0; n < 4; n++) {
				int i = backwards ? 3 - n : n;

				if (gone & 1u << i) {
					CHECK_EQ(chp_op_cancel(&op[i].op),
						 CHP_GAVE_BACK);
					continue;
				}
				CHECK_CODE(chp_op_poll(&op[i].op, NULL), 0);
				CHECK_EQ(got[i], expected++);
			}
			while (expected < 4)
				CHECK_EQ(take(), expected++);
			drop_both();
			CHECK_EQ(h_load(&drops), 0);
		}
	}
}

/* ---- Closing ---- */

static void closing_takes_back_a_place_not_yet_filled(void)
{
	struct h_waker w = { 0 };
	chp_mpmc_op promised, queued;
	int v = 1;

	make(1);
	fill(0);
	chp_mpmc_send_op(&promised, &tx, &v);
	chp_mpmc_send_op(&queued, &tx, &v);
	CHECK_CODE(h_poll(&promised.op, &w), CHP_PENDING);
	CHECK_EQ(take(), 0);
	CHECK_CODE(h_poll(&queued.op, &w), CHP_PENDING);
	chp_mpmc_close(&rx);
	CHECK_EQ(h_wakes(&w), 2);
	/* Nothing can come any more. */
	CHECK_CODE(chp_mpmc_try_recv(&rx, NULL), CHP_ECLOSED);
	CHECK_CODE(h_poll(&promised.op, &w), CHP_ECLOSED);
	CHECK_CODE(h_poll(&queued.op, &w), CHP_ECLOSED);
	CHECK_CODE(chp_mpmc_try_recv(&rx, NULL), CHP_ECLOSED);
	CHECK_EQ(h_refs(&w), 0);
	drop_both();
	CHECK_EQ(h_load(&drops), 0);
}

static void a_place_lost_by_closing_may_be_given_up(void)
{
	chp_mpmc_op promised, queued;
	int v = 1;

	make(1);
	fill(0);
	chp_mpmc_send_op(&promised, &tx, &v);
	chp_mpmc_send_op(&queued, &tx, &v);
	chp_op_poll(&promised.op, NULL);
	CHECK_EQ(take(), 0);
	chp_op_poll(&queued.op, NULL);
	chp_mpmc_tx_close(&tx);
	CHECK_EQ(chp_op_cancel(&promised.op), CHP_GAVE_BACK);
	CHECK_EQ(chp_op_cancel(&queued.op), CHP_HELD_NOTHING);
	drop_both();
}

/* A promised message may come back: the end is told only when it is gone. */
static void the_end_waits_for_promised_messages(void)
{
	struct h_waker w[3] = { 0 };
	chp_mpmc_op op[3];
	int got[3] = { 0 };

	for (int gives_up = 0; gives_up < 2; gives_up++) {
		make(1);
		memset(w, 0, sizeof(w));
		for (int i = 0; i < 3; i++) {
			chp_mpmc_recv_op(&op[i], &rx, &got[i]);
			CHECK_CODE(h_poll(&op[i].op, &w[i]), CHP_PENDING);
		}
		fill(8);
		chp_mpmc_tx_drop(&tx);
		CHECK_EQ(h_wakes(&w[1]) + h_wakes(&w[2]), 0);
		CHECK_CODE(chp_mpmc_try_recv(&rx, NULL), CHP_EAGAIN);
		if (gives_up) {
			CHECK_EQ(chp_op_cancel(&op[0].op), CHP_GAVE_BACK);
			CHECK_EQ(h_wakes(&w[1]), 1);
			CHECK_EQ(h_wakes(&w[2]), 0);
			CHECK_CODE(h_poll(&op[1].op, &w[1]), 0);
			CHECK_EQ(got[1], 8);
		} else {
			CHECK_CODE(h_poll(&op[0].op, &w[0]), 0);
			CHECK_EQ(got[0], 8);
			CHECK_EQ(h_wakes(&w[1]), 1);
			CHECK_CODE(h_poll(&op[1].op, &w[1]), CHP_ECLOSED);
		}
		CHECK_EQ(h_wakes(&w[2]), 1);
		CHECK_CODE(h_poll(&op[2].op, &w[2]), CHP_ECLOSED);
		drop_both();
		CHECK_EQ(h_load(&drops), 0);
	}
}

static void waiters_hear_of_the_other_ends_last_drop(void)
{
	struct h_waker w[4] = { 0 };
	chp_mpmc_op op[2];
	chp_once_op closed[2];
	chp_mpmc_rx other;
	int v = 1, got;

	make(1);
	chp_mpmc_rx_clone(&rx, &other);
	fill(0);
	for (int i = 0; i < 2; i++) {
		chp_mpmc_send_op(&op[i], &tx, &v);
		CHECK_CODE(h_poll(&op[i].op, &w[i]), CHP_PENDING);
		chp_mpmc_closed_op(&closed[i], &tx);
		CHECK_CODE(h_poll(&closed[i].op, &w[2 + i]), CHP_PENDING);
	}
	CHECK_EQ(chp_op_cancel(&closed[1].op), CHP_HELD_NOTHING);
	chp_mpmc_rx_drop(&rx);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(h_wakes(&w[i]), 0);
	chp_mpmc_rx_drop(&other);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(h_wakes(&w[i]), i < 3);
	for (int i = 0; i < 2; i++)
		CHECK_CODE(h_poll(&op[i].op, &w[i]), CHP_ECLOSED);
	CHECK_CODE(h_poll(&closed[0].op, &w[2]), 0);
	drop_both();
	CHECK_EQ(h_load(&drops), 1);

	make(UNBOUNDED);
	memset(w, 0, sizeof(w));
	for (int i = 0; i < 2; i++) {
		chp_mpmc_recv_op(&op[i], &rx, &got);
		CHECK_CODE(h_poll(&op[i].op, &w[i]), CHP_PENDING);
	}
	chp_mpmc_tx_drop(&tx);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(h_wakes(&w[i]), 1);
		CHECK_CODE(h_poll(&op[i].op, &w[i]), CHP_ECLOSED);
		CHECK_EQ(h_refs(&w[i]), 0);
	}
	drop_both();
}

/* ---- Selects ---- */

static void a_select_of_sends_and_receives_does_one_thing(void)
{
	chp_mpmc_tx tx2;
	chp_mpmc_rx rx2;
	chp_mpmc_op send, recv;
	chp_select_arm arms[2] = { { .op = &send.op }, { .op = &recv.op } };
	int v = 9, got = 0, which;

	CHECK_CODE(chp_mpmc_bounded(1, sizeof(int), NULL, &tx2, &rx2), 0);
	make(1);
	for (int round = 0; round < 40; round++) {
		/* Both ready, or only one of them. */
		bool room = round % 4 != 1, message = round % 4 != 2;

		if (!room)
			CHECK_CODE(chp_mpmc_try_send(&tx2, &(int){ 3 }), 0);
		if (message)
			fill(5);
		chp_mpmc_send_op(&send, &tx2, &v);
		chp_mpmc_recv_op(&recv, &rx, &got);
		which = h_select(arms, 2, CHP_CANCEL_LOSERS, NULL);
		CHECK(which == 0 ? room : message);
		CHECK_CODE(arms[which].result, 0);
		CHECK_EQ(chp_mpmc_len(&rx2), which == 0 || !room);
		CHECK_EQ(chp_mpmc_len(&rx), which == 0 && message);
		while (chp_mpmc_try_recv(&rx2, NULL) == 0)
			;
		while (chp_mpmc_try_recv(&rx, NULL) == 0)
			;
	}
	chp_mpmc_tx_drop(&tx2);
	chp_mpmc_rx_drop(&rx2);
	drop_both();
}

static void a_loser_that_was_promised_passes_it_on(void)
{
	chp_set_once set = CHP_SET_ONCE_INIT;
	struct h_waker w = { 0 };
	chp_mpmc_op loser, next;
	chp_once_op ready;
	chp_select_arm arms[2] = { { .op = &ready.op }, { .op = &loser.op } };
	int lost = 0, got = 0;

	make(1);
	chp_mpmc_recv_op(&loser, &rx, &lost);
	chp_mpmc_recv_op(&next, &rx, &got);
	CHECK_CODE(chp_op_poll(&loser.op, NULL), CHP_PENDING);
	CHECK_CODE(h_poll(&next.op, &w), CHP_PENDING);
	fill(6);
	chp_set_once_set(&set, NULL, NULL, 0);
	chp_set_once_wait_op(&ready, &set);
	CHECK_EQ(h_select(arms, 2, CHP_BIASED | CHP_CANCEL_LOSERS, NULL), 0);
	CHECK_EQ(h_wakes(&w), 1);
	CHECK_CODE(h_poll(&next.op, &w), 0);
	CHECK_EQ(got, 6);
	CHECK_EQ(lost, 0);
	drop_both();
}

static void a_loser_that_stays_keeps_its_promise(void)
{
	chp_mpmc_op loser;
	chp_once_op ready;
	chp_set_once set = CHP_SET_ONCE_INIT_SET;
	chp_select_arm arms[2] = { { .op = &ready.op }, { .op = &loser.op } };
	int got = 0;

	make(1);
	chp_mpmc_recv_op(&loser, &rx, &got);
	CHECK_CODE(chp_op_poll(&loser.op, NULL), CHP_PENDING);
	fill(6);
	chp_set_once_wait_op(&ready, &set);
	CHECK_EQ(h_select(arms, 2, CHP_BIASED, NULL), 0);
	CHECK_CODE(chp_mpmc_try_recv(&rx, NULL), CHP_EAGAIN);
	arms[0].op = NULL;
	CHECK_EQ(h_select(arms, 2, 0, NULL), 1);
	CHECK_CODE(arms[1].result, 0);
	CHECK_EQ(got, 6);
	drop_both();
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(giving_up_a_place_leaves_no_trace, IN_ALL),
	TEST(a_place_given_up_goes_to_the_next_sender, IN_ALL),
	TEST(a_message_given_up_goes_to_the_next_receiver, IN_ALL),
	TEST(giving_up_never_reorders, IN_ALL),
	TEST(closing_takes_back_a_place_not_yet_filled, IN_ALL),
	TEST(a_place_lost_by_closing_may_be_given_up, IN_ALL),
	TEST(the_end_waits_for_promised_messages, IN_ALL),
	TEST(waiters_hear_of_the_other_ends_last_drop, IN_ALL),
	TEST(a_select_of_sends_and_receives_does_one_thing, IN_ALL),
	TEST(a_loser_that_was_promised_passes_it_on, IN_ALL),
	TEST(a_loser_that_stays_keeps_its_promise, IN_ALL),
};
/* clang-format on */
H_MAIN("mpmc_promises", tests)
