/*
 * test_mpsc_destroy.c - two ends of a channel at the same moment, thousands of
 * times: whoever has its result frees operation, handle and channel at once,
 * while the other is still inside the call that gave it.  Meant for
 * AddressSanitizer and ThreadSanitizer.  What is decided in such moments is in
 * test_mpsc_decide.c.
 */
#include "duo.h"
#include "mpsc_heap.h"

/* ---- Sends and receives whose memory goes at once ---- */

static void receive_and_free(void)
{
	chp_recv_op *op = malloc(sizeof(*op));
	int *out = malloc(sizeof(*out));

	chp_mpsc_recv_op(op, rx, out);
	result = h_wait(&op->op, NULL);
	got = *out;
	memset(op, 0xdd, sizeof(*op));
	free(op);
	free(out);
	free_rx();
}

static void two_was_received(void)
{
	CHECK_CODE(sent, 0);
	CHECK_CODE(result, 0);
	CHECK_EQ(got, 2);
	CHECK_EQ(h_load(&drops), 0);
}

static void the_receiver_frees_all_right_after_its_message(void)
{
	race(make_bounded, send_and_free, receive_and_free, two_was_received);
	race(make_unbounded, send_and_free, receive_and_free, two_was_received);
	race(make_bounded, receive_and_free, send_and_free, two_was_received);
}

static void receive_two_and_free(void)
{
	int v = 0;

	CHECK_CODE(mpsc_recv(rx, &v, NULL), 0);
	CHECK_EQ(v, 1);
	receive_and_free();
}

static void a_sender_frees_all_right_after_its_place(void)
{
	race(make_full, send_and_free, receive_two_and_free, two_was_received);
	race(make_full, receive_two_and_free, send_and_free, two_was_received);
}

static void receive_one_and_free(void)
{
	result = mpsc_recv(rx, &got, NULL);
	free_rx();
}

/* The grant and the end of the receiver come together. */
static void sent_or_refused(void)
{
	CHECK_CODE(result, 0);
	CHECK_EQ(got, 1);
	CHECK(sent == 0 || sent == CHP_ECLOSED);
	CHECK_EQ(h_load(&drops), sent == 0);
}

static void a_sender_is_granted_and_closed_at_once(void)
{
	race(make_full, send_and_free, receive_one_and_free, sent_or_refused);
}

static void none_came(void)
{
	CHECK_CODE(result, CHP_ECLOSED);
	CHECK_EQ(h_load(&drops), 0);
}

static void the_last_sender_and_the_receiver_go_together(void)
{
	race(make_bounded, free_tx, receive_and_free, none_came);
	race(make_unbounded, free_tx, receive_and_free, none_came);
}

static void nothing_came(void)
{
	CHECK_EQ(h_load(&drops), 0);
}

static void both_ends_may_be_dropped_at_once(void)
{
	race(make_bounded, free_tx, free_rx, nothing_came);
	race(make_unbounded, free_tx, free_rx, nothing_came);
}

/* ---- Ends of permits, and of waits for the end ---- */

static chp_mpsc_permit permit;

static void make_reserved(void)
{
	make(1);
	CHECK_CODE(chp_mpsc_try_reserve_many(tx, 1, &permit), 0);
}

static void drop_permit_and_free(void)
{
	chp_mpsc_permit_drop(&permit);
	free_tx();
}

static void close_receive_and_free(void)
{
	chp_mpsc_close(rx);
	receive_and_free();
}

static void the_last_permit_ends_a_closed_channel(void)
{
	race(make_reserved, drop_permit_and_free, close_receive_and_free,
	     none_came);
}

static void send_by_permit_and_free(void)
{
	sent = chp_mpsc_permit_send(&permit, &(int){ 2 });
	free_tx();
}

static void a_permit_delivers_into_a_closing_channel(void)
{
	race(make_reserved, send_by_permit_and_free, close_receive_and_free,
	     two_was_received);
}

static void await_closed_and_free(void)
{
	chp_closed_op *op = malloc(sizeof(*op));

	chp_mpsc_closed_op(op, tx);
	sent = h_wait(&op->op, NULL);
	memset(op, 0xdd, sizeof(*op));
	free(op);
	free_tx();
}

static void was_told(void)
{
	CHECK_CODE(sent, 0);
}

static void closed_is_heard_and_all_is_freed(void)
{
	race(make_bounded, await_closed_and_free, free_rx, was_told);
	race(make_unbounded, await_closed_and_free, free_rx, was_told);
}

/* Several wait, and give up in the moment of the close. */
static void await_closed_and_give_up(void)
{
	enum { WAITS = 3 };
	chp_closed_op *op = malloc(WAITS * sizeof(*op));
	struct h_waker w[WAITS] = { 0 };
	int r[WAITS];

	for (int i = 0; i < WAITS; i++) {
		chp_mpsc_closed_op(&op[i], tx);
		r[i] = h_poll(&op[i].op, &w[i]);
		CHECK(r[i] == 0 || r[i] == CHP_PENDING);
	}
	jitter(&left_rng);
	for (int i = WAITS - 1; i >= 0; i--)
		if (r[i] == CHP_PENDING)
			CHECK(chp_op_cancel(&op[i].op) != CHP_TOO_LATE);
	memset(op, 0xdd, WAITS * sizeof(*op));
	free(op);
	for (int i = 0; i < WAITS; i++)
		h_until(h_refs(&w[i]) == 0);
	sent = mpsc_closed(tx, NULL);
	free_tx();
}

static void close_and_free(void)
{
	chp_mpsc_close(rx);
	free_rx();
}

static void waits_for_closed_may_be_given_up_as_it_closes(void)
{
	race(make_bounded, await_closed_and_give_up, free_rx, was_told);
	race(make_unbounded, await_closed_and_give_up, close_and_free,
	     was_told);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(the_receiver_frees_all_right_after_its_message, IN_ALL),
	TEST(a_sender_frees_all_right_after_its_place, IN_ALL),
	TEST(a_sender_is_granted_and_closed_at_once, IN_ALL),
	TEST(the_last_sender_and_the_receiver_go_together, IN_ALL),
	TEST(both_ends_may_be_dropped_at_once, IN_PARALLEL),
	TEST(the_last_permit_ends_a_closed_channel, IN_ALL),
	TEST(a_permit_delivers_into_a_closing_channel, IN_ALL),
	TEST(closed_is_heard_and_all_is_freed, IN_ALL),
	TEST(waits_for_closed_may_be_given_up_as_it_closes, IN_PARALLEL),
};
/* clang-format on */
H_MAIN("mpsc_destroy", tests)
