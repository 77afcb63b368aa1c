/*
 * test_broadcast_destroy.c - two ends of a channel at the same moment,
 * thousands of times: what is decided then, that nothing is lost or doubled,
 * and that whoever has its result may free operation, handle and channel at
 * once, while the other is still inside the call that gave it.  Meant for
 * AddressSanitizer and ThreadSanitizer, too.
 */
#include "broadcast.h"

enum { N = 2 };

static chp_broadcast_tx *tx; /* on the heap, so that use after free is seen */
static chp_broadcast_rx *rx, *rx2;
static chp_broadcast_weak weak, weak2;
static int sent, got, result, got2, result2; /* what each side was told */
static struct rng left_rng;

/* Boxed, so that destructions are counted; a value in count is destroyed. */
static const chp_broadcast_values counted = { .drop = count_drop };

static void make_boxed(void)
{
	store(&drops, 0);
	sent = result = result2 = 1000;
	got = got2 = -1;
	tx = calloc(1, sizeof(*tx));
	rx = calloc(1, sizeof(*rx));
	rx2 = calloc(1, sizeof(*rx2));
	CHECK_CODE(chp_broadcast(N, sizeof(int), &counted, tx, rx), 0);
}

static void make_bytes(void)
{
	make_boxed();
	chp_broadcast_tx_drop(tx);
	chp_broadcast_rx_drop(rx);
	CHECK_CODE(chp_broadcast(N, sizeof(int), NULL, tx, rx), 0);
}

static void make_two(void)
{
	make_boxed();
	CHECK_CODE(chp_broadcast_subscribe(tx, rx2), 0);
}

static void free_tx(void)
{
	chp_broadcast_tx_drop(tx);
	memset(tx, 0xdd, sizeof(*tx));
	free(tx);
}

static void free_one(chp_broadcast_rx *one)
{
	chp_broadcast_rx_drop(one);
	memset(one, 0xdd, sizeof(*one));
	free(one);
}

static void free_rx(void)
{
	free_one(rx);
}

static void free_rx2(void)
{
	free_one(rx2);
}

static void race(void (*before)(void), void (*left)(void), void (*right)(void),
		 void (*after)(void))
{
	struct duo d = {
		.before = before,
		.left = left,
		.right = right,
		.after = after,
		.rounds = h_rounds(3000),
	};

	left_rng = rng_of(seed_of_run(), 3);
	run_duo(&d);
}

/* ---- Values, and memory that goes at once ---- */

static void send_five(void)
{
	int *v = malloc(sizeof(*v));

	*v = 5;
	sent = chp_broadcast_send(tx, v);
	*v = 6;
	free(v);
}

static void send_and_free(void)
{
	send_five();
	free_tx();
}

static int receive_by_op(chp_broadcast_rx *from, int *value)
{
	chp_broadcast_op *op = malloc(sizeof(*op));
	int *out = malloc(sizeof(*out)), r;

	*out = -1;
	chp_broadcast_recv_op(op, from, out, NULL);
	r = h_wait(&op->op, NULL);
	*value = *out;
	memset(op, 0xdd, sizeof(*op));
	free(op);
	free(out);
	return r;
}

static void receive_and_free(void)
{
	result = receive_by_op(rx, &got);
	free_rx();
}

static void five_was_received(void)
{
	CHECK_EQ(sent, 1);
	CHECK_CODE(result, 0);
	CHECK_EQ(got, 5);
	free(rx2);
}

static void the_receiver_frees_all_right_after_its_value(void)
{
	race(make_bytes, send_and_free, receive_and_free, five_was_received);
	race(make_boxed, send_and_free, receive_and_free, five_was_received);
	race(make_boxed, receive_and_free, send_and_free, five_was_received);
}

static void none_came(void)
{
	CHECK_CODE(result, CHP_ECLOSED);
	CHECK_EQ(load(&drops), 0);
	free(rx2);
}

static void the_receiver_frees_all_right_after_the_end(void)
{
	race(make_bytes, free_tx, receive_and_free, none_came);
	race(make_boxed, free_tx, receive_and_free, none_came);
}

static void make_with_one(void)
{
	make_boxed();
	send_five();
}

static void one_was_destroyed(void)
{
	CHECK_EQ(load(&drops), 1);
	free(rx2);
}

static void both_ends_may_be_dropped_at_once(void)
{
	race(make_with_one, free_tx, free_rx, one_was_destroyed);
}

/* ---- A send and the ends of receivers ---- */

static void all_that_was_sent_is_destroyed(void)
{
	CHECK(sent == 1 || sent == CHP_ECLOSED);
	CHECK_EQ(load(&drops), sent == 1);
	free_tx();
	free(rx2);
}

static void a_send_meets_the_last_receivers_drop(void)
{
	race(make_boxed, send_five, free_rx, all_that_was_sent_is_destroyed);
}

/* Four are sent into a ring of two, while both receivers leave. */
static void send_four(void)
{
	sent = 0;
	for (int i = 0; i < 4; i++) {
		int r = chp_broadcast_send(tx, &i);

		CHECK(r == 1 || r == 2 || r == CHP_ECLOSED);
		sent += r > 0;
	}
	free_rx2();
}

static void those_sent_are_destroyed(void)
{
	CHECK_EQ(load(&drops), sent);
	free_tx();
}

static void overwriting_meets_leaving(void)
{
	race(make_two, send_four, free_rx, those_sent_are_destroyed);
}

static void read_until_there_is_no_more(void)
{
	do
		result = chp_broadcast_try_recv(rx, &got, NULL);
	while (result == 0 || result == CHP_ELAGGED);
	CHECK_CODE(result, CHP_EAGAIN);
	free_rx();
}

static void overwriting_meets_reading(void)
{
	race(make_two, send_four, read_until_there_is_no_more,
	     those_sent_are_destroyed);
}

/* ---- Last readers ---- */

static void make_two_with_one(void)
{
	make_two();
	send_five();
}

static void read_rx(void)
{
	result = chp_broadcast_try_recv(rx, &got, NULL);
	free_rx();
}

static void read_rx2(void)
{
	result2 = chp_broadcast_try_recv(rx2, &got2, NULL);
	free_rx2();
}

static void both_read_five(void)
{
	CHECK_CODE(result, 0);
	CHECK_CODE(result2, 0);
	CHECK_EQ(got, 5);
	CHECK_EQ(got2, 5);
	CHECK_EQ(load(&drops), 1);
	free_tx();
}

static void two_last_readers_destroy_once(void)
{
	race(make_two_with_one, read_rx, read_rx2, both_read_five);
}

static void five_was_read_by_one(void)
{
	CHECK_CODE(result, 0);
	CHECK_EQ(got, 5);
	CHECK_EQ(load(&drops), 1);
	free_tx();
}

static void a_reader_and_a_leaver_destroy_once(void)
{
	race(make_two_with_one, read_rx, free_rx2, five_was_read_by_one);
}

/* From the oldest: it is there for both, or the first had read it before. */
static void join_and_read(void)
{
	CHECK_CODE(chp_broadcast_subscribe_from_oldest(tx, rx2), 0);
	result2 = chp_broadcast_try_recv(rx2, &got2, NULL);
	free_rx2();
}

static void the_late_one_read_it_or_not(void)
{
	CHECK_CODE(result, 0);
	CHECK(result2 == 0 || result2 == CHP_EAGAIN);
	CHECK_EQ(got2, result2 == 0 ? 5 : -1);
	CHECK_EQ(load(&drops), 1);
	free_tx();
}

static void joining_meets_the_last_reading(void)
{
	race(make_with_one, join_and_read, read_rx,
	     the_late_one_read_it_or_not);
}

static void send_more_and_free(void)
{
	for (int i = 6; i < 9; i++)
		CHECK(bc_send(tx, i) > 0);
	free_tx();
}

static void join_and_read_all(void)
{
	int v, before = 0, code;

	CHECK_CODE(chp_broadcast_resubscribe(rx, rx2), 0);
	while ((code = bc_recv(rx2, &v, NULL, NULL)) != CHP_ECLOSED) {
		if (code == 0)
			CHECK(v > before);
		else
			CHECK_CODE(code, CHP_ELAGGED);
		before = code == 0 ? v : before;
	}
	free_rx2();
	free_rx();
}

static void four_were_destroyed(void)
{
	CHECK_EQ(load(&drops), 4);
}

static void joining_meets_sending(void)
{
	race(make_with_one, send_more_and_free, join_and_read_all,
	     four_were_destroyed);
}

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
	chp_wait soon = { .deadline = chp_in(below(&left_rng, 40) * CHP_US) };

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

/* Polled again by another waker, again and again, until it is there. */
static void replace_wakers(void)
{
	struct h_waker w[2] = { 0 };
	chp_broadcast_op op;
	int i = 0;

	chp_broadcast_recv_op(&op, rx, &got, NULL);
	while ((result = h_poll(&op.op, &w[i])) == CHP_PENDING) {
		if (h_mode() == H_CT)
			h_yield();
		i ^= 1;
	}
	h_until(h_refs(&w[0]) == 0 && h_refs(&w[1]) == 0);
	CHECK(h_wakes(&w[0]) + h_wakes(&w[1]) <= 1);
	free_rx();
}

static void wakers_are_replaced_as_the_value_comes(void)
{
	race(make_bytes, replace_wakers, send_and_free, five_was_received);
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
	TEST(the_receiver_frees_all_right_after_its_value, IN_ALL),
	TEST(the_receiver_frees_all_right_after_the_end, IN_ALL),
	TEST(both_ends_may_be_dropped_at_once, IN_PARALLEL),
	TEST(a_send_meets_the_last_receivers_drop, IN_PARALLEL),
	TEST(overwriting_meets_leaving, IN_PARALLEL),
	TEST(overwriting_meets_reading, IN_PARALLEL),
	TEST(two_last_readers_destroy_once, IN_PARALLEL),
	TEST(a_reader_and_a_leaver_destroy_once, IN_PARALLEL),
	TEST(joining_meets_the_last_reading, IN_PARALLEL),
	TEST(joining_meets_sending, IN_ALL),
	TEST(a_receive_given_up_as_the_value_comes_takes_nothing, IN_ALL),
	TEST(a_receive_may_be_given_up_as_the_channel_closes, IN_ALL),
	TEST(a_receive_times_out_as_the_value_comes, IN_ALL),
	TEST(wakers_are_replaced_as_the_value_comes, IN_ALL),
	TEST(closed_is_heard_and_all_is_freed, IN_ALL),
	TEST(waits_for_closed_may_be_given_up_as_it_closes, IN_PARALLEL),
	TEST(receivers_come_and_go_before_the_end, IN_ALL),
	TEST(a_receiver_returns_while_its_end_is_awaited, IN_ALL),
	TEST(an_upgrade_meets_the_last_drop, IN_ALL),
};
/* clang-format on */
H_MAIN("broadcast_destroy", tests)
