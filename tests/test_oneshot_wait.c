/*
 * test_oneshot_wait.c - waiting on a oneshot, from both ends: who is woken by
 * what, what ends a wait early and that it loses nothing, wakers and their
 * references, operations given up and used again.  Select and budgets are in
 * test_oneshot_select.c.
 */
#include "oneshot.h"

/* ---- Both ends wait ---- */

static void *receive_42(void *arg)
{
	int got = 0;

	CHECK_CODE(oneshot_recv(&rx, &got, arg), 0);
	CHECK_EQ(got, 42);
	return NULL;
}

static void a_waiting_receiver_gets_the_value(void)
{
	struct h_agent a;

	for (long i = h_rounds(200); i; i--) {
		make(count_drop);
		h_spawn(&a, receive_42, NULL);
		CHECK_CODE(send_int(42), 0);
		h_join(&a);
		CHECK_EQ(chp_oneshot_is_terminated(&rx), 1);
		CHECK_EQ(h_load(&drops), 0);
	}
}

static void *receive_closed(void *arg)
{
	int got = 5;

	CHECK_CODE(oneshot_recv(&rx, &got, arg), CHP_ECLOSED);
	CHECK_EQ(got, 5);
	return NULL;
}

static void a_waiting_receiver_hears_of_a_dropped_sender(void)
{
	struct h_agent a;

	for (long i = h_rounds(200); i; i--) {
		make(count_drop);
		h_spawn(&a, receive_closed, NULL);
		chp_oneshot_tx_drop(&tx);
		h_join(&a);
		CHECK_EQ(chp_oneshot_is_terminated(&rx), 1);
	}
}

static void *wait_for_closed(void *arg)
{
	CHECK_CODE(oneshot_closed(&tx, arg), 0);
	CHECK_EQ(chp_oneshot_is_closed(&tx), 1);
	/* Waiting again returns at once; the sender is not used up. */
	CHECK_CODE(oneshot_closed(&tx, arg), 0);
	CHECK_CODE(send_int(1), CHP_ECLOSED);
	return NULL;
}

static void a_waiting_sender_hears_of_a_closed_receiver(void)
{
	struct h_agent a;

	for (long i = h_rounds(200); i; i--) {
		make(count_drop);
		h_spawn(&a, wait_for_closed, NULL);
		chp_oneshot_close(&rx);
		h_join(&a);
		drop_both();
	}
}

static void a_waiting_sender_hears_of_a_dropped_receiver(void)
{
	struct h_agent a;

	for (long i = h_rounds(200); i; i--) {
		make(count_drop);
		h_spawn(&a, wait_for_closed, NULL);
		chp_oneshot_rx_drop(&rx);
		h_join(&a);
	}
}

/* ---- What ends a wait early ---- */

static void a_wait_that_ends_early_loses_nothing(void)
{
	chp_wait in_a_moment = { .deadline = chp_in(2 * CHP_MS) };
	chp_wait past = { .deadline = chp_in(-CHP_SEC) };
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait cancelled = { .cancel = &token, .deadline = chp_in(-CHP_SEC) };
	int got = 5;

	make(count_drop);
	CHECK_CODE(oneshot_recv(&rx, &got, &in_a_moment), CHP_ETIMEDOUT);
	CHECK_CODE(oneshot_recv(&rx, &got, &past), CHP_ETIMEDOUT);
	CHECK_CODE(oneshot_closed(&tx, &past), CHP_ETIMEDOUT);
	chp_cancel_now(&token);
	CHECK_CODE(oneshot_recv(&rx, &got, &cancelled), CHP_ECANCELED);
	CHECK_CODE(oneshot_closed(&tx, &cancelled), CHP_ECANCELED);
	CHECK_EQ(chp_oneshot_is_terminated(&rx), 0);
	CHECK_EQ(chp_oneshot_is_closed(&tx), 0);

	/* The token wins over a value that is there; a past deadline not. */
	CHECK_CODE(send_int(6), 0);
	CHECK_CODE(oneshot_recv(&rx, &got, &cancelled), CHP_ECANCELED);
	CHECK_EQ(got, 5);
	CHECK_CODE(oneshot_recv(&rx, &got, &past), 0);
	CHECK_EQ(got, 6);
	CHECK_EQ(h_load(&drops), 0);
	chp_cancel_destroy(&token);
}

static void interruption_comes_before_the_value(void)
{
	chp_wait stubborn = { .flags = CHP_UNINTERRUPTIBLE };
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait cancelled = { .cancel = &token };
	int got = 5;

	make(count_drop);
	CHECK_CODE(send_int(6), 0);
	chp_cancel_now(&token);
	chp_interrupt(chp_agent_current());
	/* A bad argument comes first, and leaves the flag. */
	CHECK_CODE(chp_oneshot_closed(&tx), CHP_EINVAL);
	CHECK_CODE(chp_oneshot_recv_with(&rx, &got, &cancelled), CHP_EINTR);
	CHECK_CODE(chp_oneshot_recv_with(&rx, &got, &cancelled), CHP_ECANCELED);
	CHECK_EQ(got, 5);

	chp_interrupt(chp_agent_current());
	CHECK_CODE(chp_oneshot_recv_with(&rx, &got, &stubborn), 0);
	CHECK_EQ(got, 6);
	CHECK_EQ(chp_interrupted(), 1);
	chp_cancel_destroy(&token);
}

static void *be_interrupted_then_receive(void *arg)
{
	int got = 0;

	CHECK_CODE(chp_oneshot_recv(&rx, &got), CHP_EINTR);
	h_store(&progress, 1);
	CHECK_CODE(chp_oneshot_recv(&rx, &got), 0);
	CHECK_EQ(got, 42);
	return arg;
}

static void an_interrupted_receiver_can_go_on(void)
{
	struct h_agent a;

	make(count_drop);
	h_spawn(&a, be_interrupted_then_receive, NULL);
	CHECK_CODE(chp_interrupt(a.agent), 0);
	h_until(h_load(&progress) == 1);
	CHECK_CODE(send_int(42), 0);
	h_join(&a);
}

static void *be_aborted(void *arg)
{
	int got = 0;

	CHECK_CODE(chp_oneshot_recv(&rx, &got), CHP_EABORTED);
	CHECK_CODE(chp_oneshot_recv(&rx, &got), CHP_EABORTED);
	h_store(&progress, 1);
	chp_shield_enter();
	CHECK_CODE(chp_oneshot_recv(&rx, &got), 0);
	chp_shield_leave();
	CHECK_EQ(got, 42);
	return arg;
}

static void an_aborted_receiver_may_receive_under_a_shield(void)
{
	struct h_agent a;

	make(count_drop);
	h_spawn(&a, be_aborted, NULL);
	CHECK_CODE(chp_abort(a.agent), 0);
	h_until(h_load(&progress) == 1);
	CHECK_CODE(send_int(42), 0);
	h_join(&a);
}

static void *wait_under_a_token(void *arg)
{
	chp_wait w = { .cancel = arg };
	int got = 5;

	CHECK_CODE(oneshot_recv(&rx, &got, &w), CHP_ECANCELED);
	CHECK_EQ(got, 5);
	return NULL;
}

static void a_token_ends_the_wait(void)
{
	chp_cancel token = CHP_CANCEL_INIT;
	struct h_agent a;
	int got = 0;

	make(count_drop);
	h_spawn(&a, wait_under_a_token, &token);
	chp_cancel_now(&token);
	h_join(&a);
	CHECK_CODE(send_int(8), 0);
	CHECK_CODE(chp_oneshot_try_recv(&rx, &got), 0);
	CHECK_EQ(got, 8);
	chp_cancel_destroy(&token);
}

/* ---- Wakers ---- */

static void a_send_wakes_the_newest_waker_only(void)
{
	struct h_waker first = { 0 }, second = { 0 };
	chp_oneshot_op op;
	int got = 0;

	make(count_drop);
	chp_oneshot_recv_op(&op, &rx, &got);
	CHECK_CODE(h_poll(&op.op, &first), CHP_PENDING);
	CHECK_EQ(h_refs(&first), 1);
	CHECK_CODE(h_poll(&op.op, &first), CHP_PENDING);
	CHECK_EQ(h_refs(&first), 1);
	CHECK_CODE(h_poll(&op.op, &second), CHP_PENDING);
	CHECK_EQ(h_refs(&first), 0);
	CHECK_EQ(h_refs(&second), 1);
	CHECK(!chp_op_is_finished(&op.op));
	CHECK_CODE(send_int(3), 0);
	CHECK_EQ(h_wakes(&first), 0);
	CHECK_EQ(h_wakes(&second), 1);
	CHECK_EQ(h_refs(&second), 0);
	/* Only the poll takes it. */
	CHECK_EQ(got, 0);
	CHECK_CODE(h_poll(&op.op, &first), 0);
	CHECK_EQ(got, 3);
	CHECK(chp_op_is_finished(&op.op));
	CHECK_EQ(chp_op_cancel(&op.op), CHP_HELD_NOTHING);
	CHECK_EQ(h_refs(&first), 0);
	drop_both();
}

static void a_dropped_sender_wakes_the_receiver(void)
{
	struct h_waker w = { 0 };
	chp_oneshot_op op;

	make(count_drop);
	chp_oneshot_recv_op(&op, &rx, NULL);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	chp_oneshot_tx_drop(&tx);
	CHECK_EQ(h_wakes(&w), 1);
	CHECK_EQ(h_refs(&w), 0);
	CHECK_CODE(h_poll(&op.op, &w), CHP_ECLOSED);
	CHECK_EQ(chp_oneshot_is_terminated(&rx), 1);
}

static void closing_wakes_the_senders_newest_waker(void)
{
	struct h_waker first = { 0 }, second = { 0 };
	chp_oneshot_op op;

	for (int dropped = 0; dropped < 2; dropped++) {
		memset(&second, 0, sizeof(second));
		make(count_drop);
		chp_oneshot_closed_op(&op, &tx);
		CHECK_CODE(h_poll(&op.op, &first), CHP_PENDING);
		CHECK_CODE(h_poll(&op.op, &second), CHP_PENDING);
		CHECK_EQ(h_refs(&first), 0);
		if (dropped)
			chp_oneshot_rx_drop(&rx);
		else
			chp_oneshot_close(&rx);
		CHECK_EQ(h_wakes(&first), 0);
		CHECK_EQ(h_wakes(&second), 1);
		CHECK_EQ(h_refs(&second), 0);
		CHECK_CODE(h_poll(&op.op, &second), 0);
		drop_both();
	}
}

/* tokio #7886: the receiver's waker must not live as long as the sender. */
static void closing_or_dropping_the_receiver_releases_its_waker(void)
{
	for (int dropped = 0; dropped < 2; dropped++) {
		struct h_waker w = { 0 };
		chp_oneshot_op op;
		int got = 5;

		make(count_drop);
		chp_oneshot_recv_op(&op, &rx, &got);
		CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
		CHECK_EQ(h_refs(&w), 1);
		if (dropped)
			chp_oneshot_rx_drop(&rx);
		else
			chp_oneshot_close(&rx);
		CHECK_EQ(h_refs(&w), 0);
		if (dropped)
			CHECK_EQ(chp_op_cancel(&op.op), CHP_HELD_NOTHING);
		else
			CHECK_CODE(h_poll(&op.op, &w), CHP_ECLOSED);
		CHECK_CODE(send_int(1), CHP_ECLOSED);
		CHECK_EQ(h_refs(&w), 0);
		CHECK_EQ(got, 5);
		drop_both();
	}
}

static void a_wait_given_up_leaves_the_channel_as_it_was(void)
{
	struct h_waker w = { 0 };
	chp_oneshot_op recv, closed;
	int got = 0;

	make(count_drop);
	for (int i = 0; i < 3; i++) {
		chp_oneshot_recv_op(&recv, &rx, &got);
		chp_oneshot_closed_op(&closed, &tx);
		CHECK_CODE(h_poll(&recv.op, &w), CHP_PENDING);
		CHECK_CODE(h_poll(&closed.op, &w), CHP_PENDING);
		CHECK_EQ(h_refs(&w), 2);
		CHECK_EQ(chp_op_cancel(&recv.op), CHP_HELD_NOTHING);
		CHECK_EQ(chp_op_cancel(&closed.op), CHP_HELD_NOTHING);
		CHECK_EQ(h_refs(&w), 0);
		CHECK(chp_op_is_finished(&recv.op));
	}
	CHECK_EQ(h_wakes(&w), 0);

	/* Given up when the value is there already: it stays there. */
	chp_oneshot_recv_op(&recv, &rx, &got);
	CHECK_CODE(h_poll(&recv.op, &w), CHP_PENDING);
	CHECK_CODE(send_int(4), 0);
	chp_op_cancel(&recv.op);
	CHECK_EQ(got, 0);
	CHECK_EQ(h_load(&drops), 0);
	chp_oneshot_recv_op(&recv, &rx, &got);
	CHECK_CODE(h_poll(&recv.op, &w), 0);
	CHECK_EQ(got, 4);
	CHECK_EQ(h_refs(&w), 0);
}

static void cancelling_finishes_even_a_new_operation(void)
{
	chp_oneshot_op op;
	int got = 0;

	make(count_drop);
	chp_oneshot_recv_op(&op, &rx, &got);
	CHECK(!chp_op_is_finished(&op.op));
	CHECK_EQ(chp_op_cancel(&op.op), CHP_HELD_NOTHING);
	CHECK(chp_op_is_finished(&op.op));
	CHECK_CODE(op.op.result, CHP_ECANCELED);
	CHECK_EQ(chp_op_cancel(&op.op), CHP_HELD_NOTHING);
	/* Made anew, it works; and leaves its result behind as well. */
	chp_oneshot_recv_op(&op, &rx, &got);
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_PENDING);
	chp_oneshot_tx_drop(&tx);
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_ECLOSED);
	CHECK_CODE(op.op.result, CHP_ECLOSED);
	CHECK_EQ(chp_op_cancel(&op.op), CHP_HELD_NOTHING);
	CHECK_CODE(op.op.result, CHP_ECLOSED);
	drop_both();
}

static void a_poll_without_a_waker_waits_too(void)
{
	chp_oneshot_op op;
	int got = 0;

	make(count_drop);
	chp_oneshot_recv_op(&op, &rx, &got);
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_PENDING);
	CHECK_CODE(send_int(4), 0);
	CHECK_CODE(chp_op_poll(&op.op, NULL), 0);
	CHECK_EQ(got, 4);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_waiting_receiver_gets_the_value, IN_ALL),
	TEST(a_waiting_receiver_hears_of_a_dropped_sender, IN_ALL),
	TEST(a_waiting_sender_hears_of_a_closed_receiver, IN_ALL),
	TEST(a_waiting_sender_hears_of_a_dropped_receiver, IN_ALL),
	TEST(a_wait_that_ends_early_loses_nothing, IN_ALL),
	TEST(interruption_comes_before_the_value, IN_BLOCKING),
	TEST(an_interrupted_receiver_can_go_on, IN_BLOCKING),
	TEST(an_aborted_receiver_may_receive_under_a_shield, IN_TASKS),
	TEST(a_token_ends_the_wait, IN_ALL),
	TEST(a_send_wakes_the_newest_waker_only, IN_THREADS | IN_MT),
	TEST(a_dropped_sender_wakes_the_receiver, IN_THREADS | IN_MT),
	TEST(closing_wakes_the_senders_newest_waker, IN_THREADS | IN_MT),
	TEST(closing_or_dropping_the_receiver_releases_its_waker,
	     IN_THREADS | IN_MT),
	TEST(a_wait_given_up_leaves_the_channel_as_it_was, IN_THREADS | IN_MT),
	TEST(a_poll_without_a_waker_waits_too, IN_THREADS | IN_MT),
	TEST(cancelling_finishes_even_a_new_operation, IN_THREADS),
};
/* clang-format on */
H_MAIN("oneshot_wait", tests)
