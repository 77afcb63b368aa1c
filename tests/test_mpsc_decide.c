/*
 * test_mpsc_decide.c - two calls on a channel at the same moment, of which one
 * must come first, and both must agree on which: sent or closed, sent or
 * destroyed, granted or given up, upgraded or ended.
 */
#include "duo.h"
#include "mpsc_heap.h"

static chp_mpsc_weak weak;

static void try_and_free(void)
{
	sent = chp_mpsc_try_send(tx, &(int){ 2 });
	free_tx();
}

static void sent_if_received(void)
{
	CHECK(sent == 0 || sent == CHP_ECLOSED);
	CHECK_CODE(result, sent);
	CHECK_EQ(got, sent == 0 ? 2 : -1);
	CHECK_EQ(h_load(&drops), 0);
}

static void close_and_drain(void)
{
	chp_mpsc_close(rx);
	result = mpsc_recv(rx, &got, NULL);
	if (result == 0)
		CHECK_CODE(mpsc_recv(rx, NULL, NULL), CHP_ECLOSED);
	free_rx();
}

/* Closed, drained and told the end: a send must not slip in behind. */
static void a_send_racing_a_close_is_received_or_refused(void)
{
	race(make_bounded, try_and_free, close_and_drain, sent_if_received);
	race(make_unbounded, try_and_free, close_and_drain, sent_if_received);
	race(make_bounded, send_and_free, close_and_drain, sent_if_received);
	race(make_unbounded, send_and_free, close_and_drain, sent_if_received);
}

static void destroyed_if_sent(void)
{
	CHECK(sent == 0 || sent == CHP_ECLOSED);
	CHECK_EQ(h_load(&drops), sent == 0);
}

static void a_send_racing_a_drop_is_destroyed_or_refused(void)
{
	race(make_bounded, try_and_free, free_rx, destroyed_if_sent);
	race(make_unbounded, try_and_free, free_rx, destroyed_if_sent);
}

static void poll_then_give_up(void)
{
	chp_send_op *op = malloc(sizeof(*op));
	struct h_waker w = { 0 };
	int v = 2;

	chp_mpsc_send_op(op, tx, &v);
	for (uint32_t n = 1 + h_below(&left_rng, 3); n; n--) {
		jitter(&left_rng);
		sent = h_poll(&op->op, &w);
		if (sent != CHP_PENDING)
			break;
	}
	if (sent == CHP_PENDING) {
		CHECK(chp_op_cancel(&op->op) != CHP_TOO_LATE);
		sent = CHP_ECANCELED;
	}
	memset(op, 0xdd, sizeof(*op));
	free(op);
	h_until(h_refs(&w) == 0);
}

static void receive_one(void)
{
	result = mpsc_recv(rx, &got, NULL);
}

/* Given up in the moment of the grant: the place must not be lost. */
static void place_is_there(void)
{
	int v = 0;

	CHECK_CODE(result, 0);
	CHECK_EQ(got, 1);
	CHECK_EQ(chp_mpsc_len(rx), sent == 0);
	if (sent == 0)
		CHECK_CODE(chp_mpsc_try_recv(rx, &v), 0);
	else
		CHECK_CODE(sent, CHP_ECANCELED);
	CHECK_EQ(v, sent == 0 ? 2 : 0);
	CHECK_EQ(chp_mpsc_capacity(tx), 1);
	free_tx();
	free_rx();
}

static void a_send_given_up_when_granted_loses_no_place(void)
{
	race(make_full, poll_then_give_up, receive_one, place_is_there);
}

static void make_weak(void)
{
	make(1);
	chp_mpsc_downgrade(tx, &weak);
}

static void upgrade_and_send(void)
{
	chp_mpsc_tx again = { 0 };

	sent = chp_mpsc_upgrade(&weak, &again);
	if (sent == 0)
		CHECK_CODE(chp_mpsc_try_send(&again, &(int){ 2 }), 0);
	chp_mpsc_tx_drop(&again);
	chp_mpsc_weak_drop(&weak);
}

static void ended_after_what_was_sent(void)
{
	CHECK(sent == 0 || sent == CHP_ECLOSED);
	CHECK_EQ(chp_mpsc_rx_strong_count(rx), 0);
	if (sent == 0)
		CHECK_CODE(chp_mpsc_try_recv(rx, &got), 0);
	CHECK_CODE(chp_mpsc_try_recv(rx, &got), CHP_ECLOSED);
	free_rx();
}

static void the_last_drop_racing_an_upgrade_is_decided(void)
{
	race(make_weak, upgrade_and_send, free_tx, ended_after_what_was_sent);
}

static void upgrade_send_and_go(void)
{
	upgrade_and_send();
	free_tx();
}

static void receive_till_the_end(void)
{
	int v;

	result = 0;
	while (mpsc_recv(rx, &v, NULL) == 0)
		result++;
	free_rx();
}

static void one_was_sent(void)
{
	CHECK_CODE(sent, 0);
	CHECK_EQ(result, 1);
}

static void a_waiting_receiver_sees_each_end(void)
{
	race(make_weak, upgrade_send_and_go, receive_till_the_end,
	     one_was_sent);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_send_racing_a_close_is_received_or_refused, IN_PARALLEL),
	TEST(a_send_racing_a_drop_is_destroyed_or_refused, IN_PARALLEL),
	TEST(a_send_given_up_when_granted_loses_no_place, IN_PARALLEL),
	TEST(the_last_drop_racing_an_upgrade_is_decided, IN_PARALLEL),
	TEST(a_waiting_receiver_sees_each_end, IN_ALL),
};
/* clang-format on */
H_MAIN("mpsc_decide", tests)
