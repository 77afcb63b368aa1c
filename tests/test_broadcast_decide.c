/*
 * test_broadcast_decide.c - waits that are given up, time out or are polled by
 * another waker in the very moment in which the other end acts; receivers that
 * come back while their end is awaited; upgrades that meet the last drop.
 */
#include "duo.h"
#include "broadcast_race.h"

/* ---- Waits given up ---- */

static void poll_and_give_up(void)
{
	chp_broadcast_op *op = malloc(sizeof(*op));
	struct h_waker w = { 0 };

	chp_broadcast_recv_op(op, rx, &got, NULL);
	result = h_poll(&op->op, &w);
	jitter(&left_rng);
	if (result == CHP_PENDING)
		CHECK_EQ(chp_op_cancel(&op->op), CHP_HELD_NOTHING);
	memset(op, 0xdd, sizeof(*op));
	free(op);
	h_until(h_refs(&w) == 0);
	if (result == CHP_PENDING) {
		CHECK_EQ(got, -1);
		result = bc_recv(rx, &got, NULL, NULL);
	}
	free_rx();
}

static void a_receive_given_up_as_the_value_comes_takes_nothing(void)
{
	race(make_bytes, poll_and_give_up, send_and_free, five_was_received);
	race(make_boxed, poll_and_give_up, send_and_free, five_was_received);
}

static void a_receive_may_be_given_up_as_the_channel_closes(void)
{
	race(make_bytes, poll_and_give_up, free_tx, none_came);
}

static void receive_in_a_hurry(void)
{
	chp_wait soon = { .deadline = chp_in(h_below(&left_rng, 40) * CHP_US) };

	result = bc_recv(rx, &got, NULL, &soon);
	if (result != 0) {
		CHECK_CODE(result, CHP_ETIMEDOUT);
		CHECK_EQ(got, -1);
		result = bc_recv(rx, &got, NULL, NULL);
	}
	free_rx();
}

static void a_receive_times_out_as_the_value_comes(void)
{
	race(make_bytes, receive_in_a_hurry, send_and_free, five_was_received);
}

/* Polled by two wakers in turn until it has a result, and freed at once. */
static int poll_without_rest(void)
{
	chp_broadcast_op *op = malloc(sizeof(*op));
	struct h_waker w[2] = { 0 };
	int i = 0, r;

	chp_broadcast_recv_op(op, rx, &got, NULL);
	while ((r = h_poll(&op->op, &w[i])) == CHP_PENDING) {
		if (h_mode() == H_CT)
			h_yield();
		i ^= 1;
	}
	memset(op, 0xdd, sizeof(*op));
	free(op);
	h_until(h_refs(&w[0]) == 0 && h_refs(&w[1]) == 0);
	CHECK(h_wakes(&w[0]) + h_wakes(&w[1]) <= 1);
	return r;
}

static void send_many_and_free(void)
{
	for (int i = 0; i < 30; i++)
		CHECK_EQ(bc_send(tx, i), 1);
	free_tx();
}

static void poll_to_the_end(void)
{
	int before = -1;

	while ((result = poll_without_rest()) != CHP_ECLOSED) {
		if (result == 0)
			CHECK(got > before);
		else
			CHECK_CODE(result, CHP_ELAGGED);
		before = got;
	}
	CHECK_EQ(got, 29);
	free_rx();
}

static void the_end_was_told(void)
{
	CHECK_CODE(result, CHP_ECLOSED);
	free(rx2);
}

static void wakers_are_replaced_as_values_come(void)
{
	race(make_bytes, poll_to_the_end, send_many_and_free, the_end_was_told);
}

/* ---- The wait for the last receiver ---- */

static void await_closed_and_free(void)
{
	chp_broadcast_op *op = malloc(sizeof(*op));

	chp_broadcast_closed_op(op, tx);
	sent = h_wait(&op->op, NULL);
	memset(op, 0xdd, sizeof(*op));
	free(op);
	free_tx();
}

static void was_told(void)
{
	CHECK_CODE(sent, 0);
	free(rx2);
}

static void closed_is_heard_and_all_is_freed(void)
{
	race(make_bytes, await_closed_and_free, free_rx, was_told);
	race(make_with_one, await_closed_and_free, free_rx, was_told);
}

static void await_closed_and_give_up(void)
{
	enum { WAITS = 3 };
	chp_broadcast_op *op = malloc(WAITS * sizeof(*op));
	struct h_waker w[WAITS] = { 0 };
	int r[WAITS];

	for (int i = 0; i < WAITS; i++) {
		chp_broadcast_closed_op(&op[i], tx);
		r[i] = h_poll(&op[i].op, &w[i]);
		CHECK(r[i] == 0 || r[i] == CHP_PENDING);
	}
	jitter(&left_rng);
	for (int i = WAITS - 1; i >= 0; i--)
		if (r[i] == CHP_PENDING)
			CHECK_EQ(chp_op_cancel(&op[i].op), CHP_HELD_NOTHING);
	memset(op, 0xdd, WAITS * sizeof(*op));
	free(op);
	for (int i = 0; i < WAITS; i++)
		h_until(h_refs(&w[i]) == 0);
	sent = bc_closed(tx, NULL);
	free_tx();
}

static void waits_for_closed_may_be_given_up_as_it_closes(void)
{
	race(make_bytes, await_closed_and_give_up, free_rx, was_told);
}

/* Receivers come and go; each end is a wake, and the last one counts. */
static void come_and_go(void)
{
	for (int i = 0; i < 3; i++) {
		chp_broadcast_rx next;

		CHECK_CODE(chp_broadcast_resubscribe(rx, &next), 0);
		chp_broadcast_rx_drop(rx);
		*rx = next;
	}
	free_rx();
}

static void receivers_come_and_go_before_the_end(void)
{
	race(make_bytes, await_closed_and_free, come_and_go, was_told);
}

static void leave_and_return(void)
{
	CHECK_CODE(chp_broadcast_subscribe(tx, rx2), 0);
	free_rx2();
}

static void await_closed(void)
{
	sent = bc_closed(tx, NULL);
}

static void make_with_none(void)
{
	make_bytes();
	chp_broadcast_rx_drop(rx);
	free(rx);
}

static void was_told_at_last(void)
{
	CHECK_CODE(sent, 0);
	free_tx();
}

static void a_receiver_returns_while_its_end_is_awaited(void)
{
	race(make_with_none, await_closed, leave_and_return, was_told_at_last);
}

/* ---- Weak senders ---- */

static chp_broadcast_weak weak, weak2;

static void make_weak(void)
{
	make_bytes();
	chp_broadcast_downgrade(tx, &weak);
	chp_broadcast_weak_clone(&weak, &weak2);
}

static void upgrade_and_send(void)
{
	chp_broadcast_tx again;

	sent = chp_broadcast_upgrade(&weak, &again);
	if (sent == 0)
		CHECK_EQ(bc_send(&again, 5), 1);
	chp_broadcast_tx_drop(&again);
	free_tx();
}

static void upgrade_and_receive(void)
{
	chp_broadcast_tx again;

	result2 = chp_broadcast_upgrade(&weak2, &again);
	chp_broadcast_tx_drop(&again);
	chp_broadcast_weak_drop(&weak2);
	result = bc_recv(rx, &got, NULL, NULL);
	if (result == 0)
		CHECK_CODE(bc_recv(rx, NULL, NULL, NULL), CHP_ECLOSED);
	free_rx();
}

static void sent_and_received_agree(void)
{
	CHECK_CODE(sent, 0);
	CHECK_CODE(result, 0);
	CHECK_EQ(got, 5);
	CHECK(result2 == 0 || result2 == CHP_ECLOSED);
	chp_broadcast_weak_drop(&weak);
	free(rx2);
}

static void an_upgrade_meets_the_last_drop(void)
{
	race(make_weak, upgrade_and_send, upgrade_and_receive,
	     sent_and_received_agree);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_receive_given_up_as_the_value_comes_takes_nothing, IN_ALL),
	TEST(a_receive_may_be_given_up_as_the_channel_closes, IN_ALL),
	TEST(a_receive_times_out_as_the_value_comes, IN_ALL),
	TEST(wakers_are_replaced_as_values_come, IN_ALL),
	TEST(closed_is_heard_and_all_is_freed, IN_ALL),
	TEST(waits_for_closed_may_be_given_up_as_it_closes, IN_PARALLEL),
	TEST(receivers_come_and_go_before_the_end, IN_ALL),
	TEST(a_receiver_returns_while_its_end_is_awaited, IN_ALL),
	TEST(an_upgrade_meets_the_last_drop, IN_ALL),
};
/* clang-format on */
H_MAIN("broadcast_decide", tests)
