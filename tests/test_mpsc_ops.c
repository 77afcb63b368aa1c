/*
 * test_mpsc_ops.c - a channel's waits as operations: lazy, polled again with
 * other wakers or with none, given up and started anew; budgets, by hand and
 * of tasks.
 */
#include "chan.h"

static struct int_channel a;

static void an_operation_takes_its_place_at_its_first_poll(void)
{
	struct h_waker w = { 0 };
	chp_send_op first, second;
	int one = 1, two = 2;

	make_channel(&a, 1);
	chp_mpsc_send_op(&first, &a.tx, &one);
	CHECK_EQ(chp_mpsc_capacity(&a.tx), 1);
	CHECK_EQ(chp_mpsc_len(&a.rx), 0);
	put_int(&a, 0);
	chp_mpsc_send_op(&second, &a.tx, &two);
	CHECK_CODE(h_poll(&second.op, &w), CHP_PENDING);
	CHECK_CODE(h_poll(&first.op, &w), CHP_PENDING);
	CHECK(!chp_op_is_finished(&second.op));
	/* Polling again does not change the order. */
	CHECK_CODE(h_poll(&second.op, &w), CHP_PENDING);
	CHECK_EQ(take_int(&a), 0);
	CHECK_CODE(h_poll(&first.op, &w), CHP_PENDING);
	CHECK_CODE(h_poll(&second.op, &w), 0);
	CHECK(chp_op_is_finished(&second.op));
	CHECK_EQ(take_int(&a), 2);
	CHECK_CODE(h_poll(&first.op, &w), 0);
	CHECK_EQ(take_int(&a), 1);
	CHECK_EQ(h_refs(&w), 0);
	drop_channel(&a);
}

static void the_newest_waker_of_an_operation_is_woken(void)
{
	struct h_waker w[3] = { 0 };
	chp_send_op send;
	chp_recv_op recv;
	int v = 1, got = 0;

	make_channel(&a, 1);
	chp_mpsc_recv_op(&recv, &a.rx, &got);
	for (int i = 0; i < 3; i++)
		CHECK_CODE(h_poll(&recv.op, &w[i]), CHP_PENDING);
	CHECK_EQ(h_refs(&w[0]) + h_refs(&w[1]), 0);
	CHECK_EQ(h_refs(&w[2]), 1);
	put_int(&a, 1);
	CHECK_EQ(h_wakes(&w[0]) + h_wakes(&w[1]), 0);
	CHECK_EQ(h_wakes(&w[2]), 1);
	CHECK_CODE(h_poll(&recv.op, &w[0]), 0);
	CHECK_EQ(got, 1);

	put_int(&a, 2);
	chp_mpsc_send_op(&send, &a.tx, &v);
	for (int i = 2; i >= 0; i--)
		CHECK_CODE(h_poll(&send.op, &w[i]), CHP_PENDING);
	CHECK_EQ(h_refs(&w[0]), 1);
	CHECK_EQ(take_int(&a), 2);
	CHECK_EQ(h_wakes(&w[0]), 1);
	CHECK_EQ(h_wakes(&w[2]), 1);
	CHECK_CODE(h_poll(&send.op, &w[1]), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(h_refs(&w[i]), 0);
	drop_channel(&a);
}

static void a_place_may_be_taken_without_a_waker(void)
{
	chp_send_op op;
	int v = 1;

	make_channel(&a, 1);
	put_int(&a, 0);
	chp_mpsc_send_op(&op, &a.tx, &v);
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_PENDING);
	CHECK_EQ(take_int(&a), 0);
	CHECK_CODE(chp_mpsc_try_send(&a.tx, &v), CHP_EAGAIN);
	/* The poll that returns 0 is the one that copies. */
	v = 2;
	CHECK_CODE(chp_op_poll(&op.op, NULL), 0);
	v = 3;
	CHECK_EQ(take_int(&a), 2);
	drop_channel(&a);
}

static void a_receive_given_up_can_be_started_again(void)
{
	struct h_waker w = { 0 };
	chp_recv_op op;
	int got = 0;

	make_channel(&a, 0);
	for (int i = 0; i < 3; i++) {
		chp_mpsc_recv_op(&op, &a.rx, &got);
		CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
		CHECK_EQ(h_refs(&w), 1);
		if (i == 2)
			put_int(&a, 9);
		CHECK_EQ(chp_op_cancel(&op.op), CHP_HELD_NOTHING);
		CHECK(chp_op_is_finished(&op.op));
		CHECK_EQ(h_refs(&w), 0);
		CHECK_EQ(got, 0);
	}
	chp_mpsc_recv_op(&op, &a.rx, &got);
	CHECK_CODE(h_poll(&op.op, &w), 0);
	CHECK_EQ(got, 9);
	drop_channel(&a);
}

static void poll_twice(void *arg)
{
	chp_send_op op;

	make_channel(&a, 2);
	chp_mpsc_send_op(&op, &a.tx, arg);
	chp_op_poll(&op.op, NULL);
	chp_op_poll(&op.op, NULL);
}

static void polling_a_finished_send_is_misuse(void)
{
	int v = 1;

	h_must_panic(poll_twice, &v, "mpsc");
	h_must_panic(poll_twice, &v, "finished");
}

static void drop_a_waiting_sender(void *arg)
{
	chp_send_op op;
	int v = 1;

	make_channel(&a, 1);
	CHECK_CODE(chp_mpsc_try_send(&a.tx, &v), 0);
	chp_mpsc_send_op(&op, &a.tx, &v);
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_PENDING);
	chp_mpsc_tx_drop(&a.tx);
	arg ? chp_op_cancel(&op.op) : chp_op_poll(&op.op, NULL);
}

static void drop_a_sender_given_a_place(void *arg)
{
	chp_send_op op;
	int v = 1;

	make_channel(&a, 1);
	CHECK_CODE(chp_mpsc_try_send(&a.tx, &v), 0);
	chp_mpsc_send_op(&op, &a.tx, &v);
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_PENDING);
	CHECK_CODE(chp_mpsc_try_recv(&a.rx, &v), 0);
	chp_mpsc_tx_drop(&a.tx);
	arg ? chp_op_cancel(&op.op) : chp_op_poll(&op.op, NULL);
}

static void drop_a_sender_that_waits_for_closing(void *arg)
{
	chp_closed_op op;

	make_channel(&a, 1);
	chp_mpsc_closed_op(&op, &a.tx);
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_PENDING);
	chp_mpsc_tx_drop(&a.tx);
	arg ? chp_op_cancel(&op.op) : chp_op_poll(&op.op, NULL);
}

static void dropping_a_sender_that_waits_is_misuse(void)
{
	static int cancel;

	h_must_panic(drop_a_waiting_sender, &cancel, "mpsc: sender dropped");
	h_must_panic(drop_a_sender_given_a_place, NULL, "mpsc: sender dropped");
	h_must_panic(drop_a_sender_given_a_place, &cancel,
		     "mpsc: sender dropped");
	h_must_panic(drop_a_sender_that_waits_for_closing, NULL,
		     "mpsc: sender dropped");
	h_must_panic(drop_a_sender_that_waits_for_closing, &cancel,
		     "mpsc: sender dropped");
}

/* ---- Budgets ---- */

/* Ready, and out of budget: pending, woken, nothing done.  Then it costs 1. */
static void check_budget(chp_op *op, int result)
{
	struct h_waker w = { 0 };
	uint32_t budget = 0;
	size_t len = chp_mpsc_len(&a.rx), places = chp_mpsc_capacity(&a.tx);

	CHECK_CODE(h_poll_within(op, &w, &budget), CHP_PENDING);
	CHECK_EQ(h_wakes(&w), 1);
	CHECK_EQ(chp_mpsc_len(&a.rx), len);
	CHECK_EQ(chp_mpsc_capacity(&a.tx), places);
	CHECK_CODE(h_poll_within(op, &w, &budget), CHP_PENDING);
	CHECK_EQ(h_wakes(&w), 2);
	budget = 3;
	CHECK_EQ(h_poll_within(op, &w, &budget), result);
	CHECK_EQ(budget, 2);
	CHECK_EQ(h_refs(&w), 0);
}

static void without_budget_a_ready_wait_pends_and_is_woken(void)
{
	struct h_waker w = { 0 };
	chp_mpsc_permit p;
	chp_send_op send;
	chp_recv_op recv;
	uint32_t budget = 5;
	int v = 1, out[4];

	make_channel(&a, 4);
	chp_mpsc_send_op(&send, &a.tx, &v);
	check_budget(&send.op, 0);
	CHECK_EQ(chp_mpsc_len(&a.rx), 1);
	chp_mpsc_recv_op(&recv, &a.rx, out);
	check_budget(&recv.op, 0);
	chp_mpsc_reserve_many_op(&send, &a.tx, 3, &p);
	check_budget(&send.op, 0);
	CHECK_EQ(p.count, 3);
	chp_mpsc_permit_drop(&p);
	for (int i = 0; i < 4; i++)
		put_int(&a, i);
	/* A batch costs one, whatever its size. */
	chp_mpsc_recv_many_op(&recv, &a.rx, out, 4);
	check_budget(&recv.op, 4);

	/* A wait that is not over costs nothing. */
	chp_mpsc_recv_op(&recv, &a.rx, out);
	CHECK_CODE(h_poll_within(&recv.op, &w, &budget), CHP_PENDING);
	CHECK_EQ(budget, 5);
	CHECK_EQ(chp_op_cancel(&recv.op), CHP_HELD_NOTHING);
	drop_channel(&a);
}

/* tokio: waiting for closed is not budgeted. */
static void closed_needs_no_budget(void)
{
	struct h_waker w = { 0 };
	chp_closed_op closed;
	uint32_t budget = 0;

	make_channel(&a, 0);
	chp_mpsc_close(&a.rx);
	chp_mpsc_closed_op(&closed, &a.tx);
	CHECK_CODE(h_poll_within(&closed.op, &w, &budget), 0);
	CHECK_EQ(budget, 0);
	CHECK_EQ(h_refs(&w), 0);
	drop_channel(&a);
}

/* It never waits, so nobody should be made to poll it twice. */
static void an_unbounded_send_needs_no_budget(void)
{
	struct h_waker w = { 0 };
	chp_send_op send;
	uint32_t budget = 0;
	int v = 1;

	make_channel(&a, 0);
	chp_mpsc_send_op(&send, &a.tx, &v);
	CHECK_CODE(h_poll_within(&send.op, &w, &budget), 0);
	drop_channel(&a);
}

static chp_word stop, turns;

static void *take_turns(void *arg)
{
	while (!h_load(&stop)) {
		h_add(&turns, 1);
		h_yield();
	}
	return arg;
}

/* A task that never has to wait still lets others run now and then. */
static void a_task_of_ready_receives_lets_others_run(void)
{
	enum { MESSAGES = 2000, BUDGET = 128 };
	struct h_agent other;
	uint32_t before;
	int v;

	h_store(&stop, 0);
	h_store(&turns, 0);
	make_channel(&a, 0);
	for (int i = 0; i < MESSAGES; i++)
		put_int(&a, i);
	h_spawn(&other, take_turns, NULL);
	before = h_load(&turns);
	for (int i = 0; i < MESSAGES; i++)
		CHECK_CODE(chp_mpsc_recv(&a.rx, &v), 0);
	CHECK(h_load(&turns) - before >= MESSAGES / BUDGET - 1);
	h_store(&stop, 1);
	h_join(&other);
	drop_channel(&a);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(an_operation_takes_its_place_at_its_first_poll,
	     IN_THREADS | IN_MT),
	TEST(the_newest_waker_of_an_operation_is_woken, IN_THREADS | IN_MT),
	TEST(a_place_may_be_taken_without_a_waker, IN_THREADS | IN_MT),
	TEST(a_receive_given_up_can_be_started_again, IN_THREADS | IN_MT),
	TEST(polling_a_finished_send_is_misuse, ON_ITS_OWN),
	TEST(dropping_a_sender_that_waits_is_misuse, ON_ITS_OWN),
	TEST(without_budget_a_ready_wait_pends_and_is_woken,
	     IN_THREADS | IN_MT),
	TEST(a_task_of_ready_receives_lets_others_run, IN_CT),
	TEST(closed_needs_no_budget, IN_THREADS | IN_MT),
	TEST(an_unbounded_send_needs_no_budget, IN_THREADS | IN_MT),
};
/* clang-format on */
H_MAIN("mpsc_ops", tests)
