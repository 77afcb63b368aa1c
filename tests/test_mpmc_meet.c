/*
 * test_mpmc_meet.c - a channel without a buffer where one side is polled by
 * hand, or both: it acts only when polled, and what that means for the other.
 */
#include "mpmc.h"

static chp_mpmc_tx tx;
static chp_mpmc_rx rx;

static void make(void)
{
	h_store(&drops, 0);
	CHECK_CODE(chp_mpmc_bounded(0, sizeof(int), count_drop, &tx, &rx), 0);
}

static void drop_both(void)
{
	chp_mpmc_tx_drop(&tx);
	chp_mpmc_rx_drop(&rx);
}

struct waiter {
	struct h_agent a;
	int value, result;
};

static void *be_sender(void *arg)
{
	struct waiter *w = arg;

	w->result = mpmc_send(&tx, &w->value, NULL);
	return NULL;
}

static void *be_receiver(void *arg)
{
	struct waiter *w = arg;

	w->result = mpmc_recv(&rx, &w->value, NULL);
	return NULL;
}

/* ---- One side blocks, the other is polled ---- */

/* It has its value only when it is polled, and the sender waits that long. */
static void a_polled_receiver_takes_when_it_is_polled(void)
{
	struct waiter s = { .value = 3 };
	struct h_waker w[2] = { 0 };
	chp_mpmc_op op[2];
	int got[2] = { 0 };

	make();
	for (int i = 0; i < 2; i++) {
		chp_mpmc_recv_op(&op[i], &rx, &got[i]);
		CHECK_CODE(h_poll(&op[i].op, &w[i]), CHP_PENDING);
	}
	h_spawn(&s.a, be_sender, &s);
	h_until(h_wakes(&w[0]) == 1);
	CHECK_EQ(chp_mpmc_len(&rx), 0);
	/* It gives up: the next is woken, and nothing was sent. */
	CHECK_EQ(chp_op_cancel(&op[0].op), CHP_HELD_NOTHING);
	h_until(h_wakes(&w[1]) == 1);
	CHECK_CODE(chp_mpmc_try_recv(&rx, NULL), CHP_EAGAIN);
	CHECK_CODE(h_poll(&op[1].op, &w[1]), 0);
	CHECK_EQ(got[1], 3);
	CHECK_EQ(got[0], 0);
	h_join(&s.a);
	CHECK_CODE(s.result, 0);
	CHECK_EQ(h_refs(&w[0]) + h_refs(&w[1]), 0);
	drop_both();
	CHECK_EQ(h_load(&drops), 0);
}

static void a_sender_that_gives_up_leaves_a_woken_receiver_waiting(void)
{
	struct waiter s = { .value = 3 };
	struct h_waker w = { 0 };
	chp_mpmc_op op;
	int got = 0;

	make();
	chp_mpmc_recv_op(&op, &rx, &got);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	h_spawn(&s.a, be_sender, &s);
	h_until(h_wakes(&w) == 1);
	CHECK_CODE(chp_interrupt(s.a.agent), 0);
	h_join(&s.a);
	CHECK_CODE(s.result, CHP_EINTR);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	CHECK_EQ(h_refs(&w), 1);
	/* And is woken again for the next. */
	h_spawn(&s.a, be_sender, &s);
	h_until(h_wakes(&w) == 2);
	CHECK_CODE(h_poll(&op.op, &w), 0);
	CHECK_EQ(got, 3);
	h_join(&s.a);
	drop_both();
}

static void a_polled_sender_hands_over_when_it_is_polled(void)
{
	struct waiter r = { .value = 0 };
	struct h_waker w[2] = { 0 };
	chp_mpmc_op op[2];
	int v[2] = { 1, 2 };

	make();
	for (int i = 0; i < 2; i++) {
		chp_mpmc_send_op(&op[i], &tx, &v[i]);
		CHECK_CODE(h_poll(&op[i].op, &w[i]), CHP_PENDING);
	}
	/* A try cannot make it act. */
	CHECK_CODE(chp_mpmc_try_recv(&rx, NULL), CHP_EAGAIN);
	CHECK_EQ(h_wakes(&w[0]), 0);
	h_spawn(&r.a, be_receiver, &r);
	h_until(h_wakes(&w[0]) == 1);
	/* Nobody overtakes it, not even the one behind. */
	CHECK_CODE(h_poll(&op[1].op, &w[1]), CHP_PENDING);
	CHECK_CODE(chp_mpmc_try_send(&tx, &(int){ 9 }), CHP_EAGAIN);
	CHECK_EQ(chp_op_cancel(&op[0].op), CHP_HELD_NOTHING);
	h_until(h_wakes(&w[1]) == 1);
	CHECK_CODE(h_poll(&op[1].op, &w[1]), 0);
	h_join(&r.a);
	CHECK_CODE(r.result, 0);
	CHECK_EQ(r.value, 2);
	CHECK_EQ(h_refs(&w[0]) + h_refs(&w[1]), 0);
	drop_both();
}

/* ---- Both are polled ---- */

static void two_polled_ones_meet_through_the_channel(void)
{
	struct h_waker sw = { 0 }, rw = { 0 };
	chp_mpmc_op send, recv;
	int v = 6, got = 0;

	for (int sender_first = 0; sender_first < 2; sender_first++) {
		make();
		memset(&sw, 0, sizeof(sw));
		memset(&rw, 0, sizeof(rw));
		chp_mpmc_send_op(&send, &tx, &v);
		chp_mpmc_recv_op(&recv, &rx, &got);
		if (sender_first) {
			CHECK_CODE(h_poll(&send.op, &sw), CHP_PENDING);
			CHECK_CODE(h_poll(&recv.op, &rw), CHP_PENDING);
			CHECK_EQ(h_wakes(&sw), 1);
			/* It is for the sender to act. */
			CHECK_CODE(h_poll(&recv.op, &rw), CHP_PENDING);
			CHECK_EQ(h_wakes(&rw), 0);
		} else {
			CHECK_CODE(h_poll(&recv.op, &rw), CHP_PENDING);
		}
		CHECK_CODE(h_poll(&send.op, &sw), 0);
		CHECK_EQ(h_wakes(&rw), 1);
		CHECK_EQ(chp_mpmc_len(&rx), 1);
		CHECK_CODE(chp_mpmc_try_recv(&rx, NULL), CHP_EAGAIN);
		CHECK_CODE(h_poll(&recv.op, &rw), 0);
		CHECK_EQ(got, 6);
		CHECK_EQ(h_refs(&sw) + h_refs(&rw), 0);
		drop_both();
		CHECK_EQ(h_load(&drops), 0);
	}
}

static void a_value_left_for_one_who_gives_up_goes_to_the_next(void)
{
	struct h_waker w[2] = { 0 };
	chp_mpmc_op op[2], send;
	int got[2] = { 0 }, v = 8;

	make();
	for (int i = 0; i < 2; i++) {
		chp_mpmc_recv_op(&op[i], &rx, &got[i]);
		CHECK_CODE(h_poll(&op[i].op, &w[i]), CHP_PENDING);
	}
	CHECK_CODE(chp_mpmc_try_send(&tx, &(int){ 7 }), 0);
	/* One at a time. */
	CHECK_CODE(chp_mpmc_try_send(&tx, &v), CHP_EAGAIN);
	chp_mpmc_send_op(&send, &tx, &v);
	CHECK_CODE(chp_op_poll(&send.op, NULL), CHP_PENDING);
	CHECK_EQ(chp_op_cancel(&op[0].op), CHP_GAVE_BACK);
	CHECK_EQ(h_wakes(&w[1]), 1);
	CHECK_EQ(chp_op_cancel(&op[1].op), CHP_GAVE_BACK);
	/* Nobody is left; the value is, before all that come later. */
	CHECK_EQ(chp_mpmc_len(&rx), 1);
	CHECK_CODE(chp_op_poll(&send.op, NULL), CHP_PENDING);
	chp_mpmc_recv_op(&op[0], &rx, &got[0]);
	CHECK_CODE(h_poll(&op[0].op, &w[0]), 0);
	CHECK_EQ(got[0], 7);
	CHECK_CODE(chp_op_poll(&send.op, NULL), CHP_PENDING);
	CHECK_EQ(chp_op_cancel(&send.op), CHP_HELD_NOTHING);
	drop_both();
	CHECK_EQ(h_load(&drops), 0);
}

static void a_value_left_in_the_channel_outlives_closing(void)
{
	chp_mpmc_op op;
	int got = 0;

	for (int taken_after = 0; taken_after < 2; taken_after++) {
		make();
		chp_mpmc_recv_op(&op, &rx, &got);
		CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_PENDING);
		CHECK_CODE(chp_mpmc_try_send(&tx, &(int){ 7 }), 0);
		CHECK_EQ(chp_op_cancel(&op.op), CHP_GAVE_BACK);
		chp_mpmc_tx_drop(&tx);
		if (taken_after) {
			CHECK_CODE(mpmc_recv(&rx, &got, NULL), 0);
			CHECK_EQ(got, 7);
			CHECK_CODE(mpmc_recv(&rx, &got, NULL), CHP_ECLOSED);
		}
		drop_both();
		CHECK_EQ(h_load(&drops), !taken_after);
	}
}

/* Go's select with a send and a receive on both sides. */
static chp_mpmc_tx tx2;
static chp_mpmc_rx rx2;
static chp_word left_sent, left_got, right_sent, right_got;

/* Send on one channel or receive from the other, so often. */
static void send_or_receive(chp_mpmc_tx *to, chp_mpmc_rx *from, chp_word *sent,
			    chp_word *got, int rounds)
{
	while (rounds) {
		chp_mpmc_op send, recv;
		chp_select_arm arms[2] = { { .op = &send.op },
					   { .op = &recv.op } };
		chp_wait soon = { .deadline = chp_in(CHP_MS) };
		int v = 1, in = 0, which;

		chp_mpmc_send_op(&send, to, &v);
		chp_mpmc_recv_op(&recv, from, &in);
		which = h_select(arms, 2, CHP_CANCEL_LOSERS, &soon);
		if (which < 0) {
			CHECK_CODE(which, CHP_ETIMEDOUT);
			rounds--;
			continue;
		}
		CHECK_CODE(arms[which].result, 0);
		if (which == 1)
			CHECK_EQ(in, 1);
		h_add(which ? got : sent, 1);
		rounds--;
	}
}

static void *right_side(void *arg)
{
	send_or_receive(&tx2, &rx, &right_sent, &right_got, *(int *)arg);
	return NULL;
}

static void selects_on_both_sides_meet_and_lose_nothing(void)
{
	int rounds = (int)h_rounds(300);
	struct h_agent a;
	uint32_t left = 0, right = 0;

	make();
	CHECK_CODE(chp_mpmc_bounded(0, sizeof(int), NULL, &tx2, &rx2), 0);
	h_store(&left_sent, 0);
	h_store(&left_got, 0);
	h_store(&right_sent, 0);
	h_store(&right_got, 0);
	h_spawn(&a, right_side, &rounds);
	send_or_receive(&tx, &rx2, &left_sent, &left_got, rounds);
	h_join(&a);
	while (chp_mpmc_try_recv(&rx, NULL) == 0)
		left++;
	while (chp_mpmc_try_recv(&rx2, NULL) == 0)
		right++;
	CHECK(left <= 1 && right <= 1);
	CHECK_EQ(h_load(&left_sent), h_load(&right_got) + left);
	CHECK_EQ(h_load(&right_sent), h_load(&left_got) + right);
	CHECK(h_load(&left_sent) + h_load(&right_sent) > 0);
	chp_mpmc_tx_drop(&tx2);
	chp_mpmc_rx_drop(&rx2);
	drop_both();
}

static void a_channel_of_signals_has_no_value(void)
{
	struct h_waker w = { 0 };
	chp_mpmc_op recv;

	CHECK_CODE(chp_mpmc_bounded(0, 0, NULL, &tx, &rx), 0);
	chp_mpmc_recv_op(&recv, &rx, NULL);
	CHECK_CODE(h_poll(&recv.op, &w), CHP_PENDING);
	CHECK_CODE(chp_mpmc_try_send(&tx, NULL), 0);
	CHECK_CODE(h_poll(&recv.op, &w), 0);
	drop_both();
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_polled_receiver_takes_when_it_is_polled, IN_BLOCKING),
	TEST(a_sender_that_gives_up_leaves_a_woken_receiver_waiting,
	     IN_BLOCKING),
	TEST(a_polled_sender_hands_over_when_it_is_polled, IN_BLOCKING),
	TEST(two_polled_ones_meet_through_the_channel, IN_ALL),
	TEST(a_value_left_for_one_who_gives_up_goes_to_the_next, IN_ALL),
	TEST(a_value_left_in_the_channel_outlives_closing, IN_ALL),
	TEST(selects_on_both_sides_meet_and_lose_nothing, IN_ALL),
	TEST(a_channel_of_signals_has_no_value, IN_ALL),
};
/* clang-format on */
H_MAIN("mpmc_meet", tests)
