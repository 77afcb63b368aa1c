/*
 * test_oneshot_select.c - a oneshot's waits as arms of a select, where losing
 * must have no effect; budgets; and that a finished operation must not be
 * polled.
 */
#include "oneshot.h"

static void a_receive_that_loses_a_select_loses_nothing(void)
{
	chp_oneshot_tx other_tx;
	chp_oneshot_rx other_rx;
	chp_oneshot_op mine, other;
	chp_select_arm arms[2] = { { &mine.op, 0 }, { &other.op, 0 } };
	int got = 0, other_got = 0;

	for (unsigned flags = 0; flags < 4; flags++) {
		make(count_drop);
		CHECK_CODE(chp_oneshot(sizeof(int), NULL, &other_tx, &other_rx),
			   0);
		chp_oneshot_recv_op(&mine, &rx, &got);
		chp_oneshot_recv_op(&other, &other_rx, &other_got);
		CHECK_CODE(chp_oneshot_send(&other_tx, &(int){ 2 }), 0);
		CHECK_EQ(h_select(arms, 2, flags, NULL), 1);
		CHECK_CODE(arms[1].result, 0);
		CHECK_EQ(other_got, 2);
		CHECK_EQ(chp_oneshot_is_terminated(&rx), 0);
		if (!(flags & CHP_CANCEL_LOSERS))
			CHECK(!chp_op_is_finished(&mine.op));
		else
			chp_oneshot_recv_op(&mine, &rx, &got);
		got = 0;
		CHECK_CODE(send_int(1), 0);
		arms[1].op = NULL;
		CHECK_EQ(h_select(arms, 2, flags, NULL), 0);
		CHECK_EQ(got, 1);
		arms[1].op = &other.op;
	}
}

static void a_sender_selects_between_work_and_closed(void)
{
	chp_oneshot_op closed;
	chp_sleep_op work;
	chp_select_arm arms[2] = { { &work.op, 0 }, { &closed.op, 0 } };

	make(count_drop);
	chp_sleep_until_op(&work, CHP_NEVER);
	chp_oneshot_closed_op(&closed, &tx);
	chp_oneshot_close(&rx);
	CHECK_EQ(h_select(arms, 2, CHP_CANCEL_LOSERS, NULL), 1);
	CHECK_CODE(arms[1].result, 0);
	drop_both();
}

static void without_budget_a_ready_wait_pends_and_is_woken(void)
{
	struct h_waker w = { 0 };
	chp_oneshot_op op;
	uint32_t budget = 5;
	int got = 0;

	make(count_drop);
	chp_oneshot_recv_op(&op, &rx, &got);
	CHECK_CODE(h_poll_within(&op.op, &w, &budget), CHP_PENDING);
	CHECK_EQ(budget, 5); /* only completing costs */
	CHECK_CODE(send_int(3), 0);
	CHECK_EQ(h_wakes(&w), 1);
	budget = 0;
	CHECK_CODE(h_poll_within(&op.op, &w, &budget), CHP_PENDING);
	CHECK_EQ(h_wakes(&w), 2);
	CHECK_EQ(got, 0);
	budget = 1;
	CHECK_CODE(h_poll_within(&op.op, &w, &budget), 0);
	CHECK_EQ(budget, 0);
	CHECK_EQ(got, 3);
	CHECK_EQ(h_refs(&w), 0);

	make(count_drop);
	chp_oneshot_close(&rx);
	chp_oneshot_closed_op(&op, &tx);
	CHECK_CODE(h_poll_within(&op.op, &w, &budget), CHP_PENDING);
	CHECK_EQ(h_wakes(&w), 3);
	budget = 1;
	CHECK_CODE(h_poll_within(&op.op, &w, &budget), 0);
	CHECK_EQ(budget, 0);
	CHECK_EQ(h_refs(&w), 0);
	drop_both();
}

static void poll_twice(void *arg)
{
	chp_oneshot_op op;

	make(count_drop);
	chp_oneshot_recv_op(&op, &rx, arg);
	send_int(1);
	chp_op_poll(&op.op, NULL);
	chp_op_poll(&op.op, NULL);
}

static void poll_after_cancel(void *arg)
{
	chp_oneshot_op op;

	make(count_drop);
	chp_oneshot_recv_op(&op, &rx, arg);
	chp_op_cancel(&op.op);
	chp_op_poll(&op.op, NULL);
}

static void polling_a_finished_receive_is_misuse(void)
{
	h_must_panic(poll_after_cancel, NULL, "finished");
	h_must_panic(poll_twice, NULL, "oneshot");
	h_must_panic(poll_twice, NULL, "finished");
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_receive_that_loses_a_select_loses_nothing, IN_ALL),
	TEST(a_sender_selects_between_work_and_closed, IN_ALL),
	TEST(without_budget_a_ready_wait_pends_and_is_woken,
	     IN_THREADS | IN_MT),
	TEST(polling_a_finished_receive_is_misuse, ON_ITS_OWN),
};
/* clang-format on */
H_MAIN("oneshot_select", tests)
