/*
 * test_mpmc_op.c - sends and receives that are polled by hand, on a channel
 * with a buffer: when they take places, in which order promises come; wakers
 * and budgets.  What becomes of promises when somebody gives up or the channel
 * closes is in test_mpmc_promises.c.
 */
#include "mpmc_ends.h"

/* ---- Places ---- */

static void an_operation_takes_its_place_at_its_first_poll(void)
{
	struct h_waker w = { 0 };
	chp_mpmc_op first, second;
	int one = 1, two = 2;

	make(1);
	chp_mpmc_send_op(&first, &tx, &one);
	CHECK_EQ(chp_mpmc_capacity(&tx), 1);
	fill(0);
	chp_mpmc_send_op(&second, &tx, &two);
	CHECK_CODE(h_poll(&second.op, &w), CHP_PENDING);
	CHECK_CODE(h_poll(&first.op, &w), CHP_PENDING);
	CHECK_CODE(h_poll(&second.op, &w), CHP_PENDING);
	CHECK_EQ(take(), 0);
	CHECK_EQ(h_wakes(&w), 1);
	CHECK_CODE(h_poll(&first.op, &w), CHP_PENDING);
	CHECK_CODE(h_poll(&second.op, &w), 0);
	CHECK_EQ(take(), 2);
	CHECK_CODE(h_poll(&first.op, &w), 0);
	CHECK_EQ(take(), 1);
	CHECK_EQ(h_refs(&w), 0);
	drop_both();
}

static void receivers_are_promised_messages_in_order(void)
{
	enum { N = 4 };
	struct h_waker w[N] = { 0 };
	chp_mpmc_op op[N];
	int got[N];

	for (int limited = 0; limited < 2; limited++) {
		make(limited ? N : UNBOUNDED);
		memset(w, 0, sizeof(w));
		for (int i = 0; i < N; i++) {
			chp_mpmc_recv_op(&op[i], &rx, &got[i]);
			CHECK_CODE(h_poll(&op[i].op, &w[i]), CHP_PENDING);
		}
		for (int i = 0; i < N; i++) {
			fill(i);
			for (int k = 0; k < N; k++)
				CHECK_EQ(h_wakes(&w[k]), k <= i);
			/* It is promised: a try does not get it. */
			CHECK_CODE(chp_mpmc_try_recv(&rx, NULL), CHP_EAGAIN);
			CHECK_EQ(chp_mpmc_len(&rx), i + 1);
		}
		/* Whoever comes takes the oldest. */
		for (int i = 0; i < N; i++) {
			CHECK_CODE(h_poll(&op[N - 1 - i].op, &w[0]), 0);
			CHECK_EQ(got[N - 1 - i], i);
			CHECK_EQ(h_refs(&w[i]), 0);
		}
		CHECK_EQ(chp_mpmc_is_empty(&rx), 1);
		drop_both();
	}
}

static void who_comes_later_waits_behind_promises(void)
{
	struct h_waker w[2] = { 0 };
	chp_mpmc_op op[2];
	int got[2];

	make(5);
	for (int i = 0; i < 2; i++) {
		chp_mpmc_recv_op(&op[i], &rx, &got[i]);
		if (i == 1)
			fill(1);
		CHECK_CODE(h_poll(&op[i].op, &w[i]), CHP_PENDING);
	}
	CHECK_EQ(h_wakes(&w[0]), 1);
	CHECK_EQ(h_wakes(&w[1]), 0);
	fill(2);
	CHECK_EQ(h_wakes(&w[1]), 1);
	/* A third message is free for anybody. */
	fill(3);
	CHECK_EQ(take(), 1);
	CHECK_CODE(chp_mpmc_try_recv(&rx, NULL), CHP_EAGAIN);
	CHECK_CODE(h_poll(&op[0].op, &w[0]), 0);
	CHECK_CODE(h_poll(&op[1].op, &w[1]), 0);
	CHECK_EQ(got[0], 2);
	CHECK_EQ(got[1], 3);
	drop_both();
}

static void the_newest_waker_is_woken(void)
{
	struct h_waker w[3] = { 0 };
	chp_mpmc_op op;
	int v = 7, got = 0;

	make(1);
	chp_mpmc_recv_op(&op, &rx, &got);
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_PENDING);
	for (int i = 0; i < 3; i++)
		CHECK_CODE(h_poll(&op.op, &w[i]), CHP_PENDING);
	CHECK_EQ(h_refs(&w[0]) + h_refs(&w[1]), 0);
	CHECK_EQ(h_refs(&w[2]), 1);
	fill(1);
	CHECK_EQ(h_wakes(&w[0]) + h_wakes(&w[1]), 0);
	CHECK_EQ(h_wakes(&w[2]), 1);
	CHECK_CODE(h_poll(&op.op, &w[0]), 0);
	CHECK_EQ(got, 1);

	fill(2);
	chp_mpmc_send_op(&op, &tx, &v);
	for (int i = 2; i >= 0; i--)
		CHECK_CODE(h_poll(&op.op, &w[i]), CHP_PENDING);
	CHECK_EQ(take(), 2);
	CHECK_EQ(h_wakes(&w[0]), 1);
	CHECK_CODE(chp_op_poll(&op.op, NULL), 0);
	CHECK_EQ(take(), 7);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(h_refs(&w[i]), 0);
	drop_both();
}

static void the_poll_that_returns_0_copies(void)
{
	chp_mpmc_op op;
	int v = 1;

	make(1);
	fill(0);
	chp_mpmc_send_op(&op, &tx, &v);
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_PENDING);
	CHECK_EQ(take(), 0);
	CHECK_CODE(chp_mpmc_try_send(&tx, &v), CHP_EAGAIN);
	CHECK_EQ(chp_mpmc_capacity(&tx), 0);
	v = 2;
	CHECK_CODE(chp_op_poll(&op.op, NULL), 0);
	v = 3;
	CHECK_EQ(take(), 2);
	drop_both();
}

static void a_handle_may_move_while_its_operation_waits(void)
{
	chp_mpmc_op op;
	chp_mpmc_rx moved;
	int got = 0;

	make(1);
	chp_mpmc_recv_op(&op, &rx, &got);
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_PENDING);
	moved = rx;
	memset(&rx, 0xdd, sizeof(rx));
	fill(4);
	CHECK_CODE(chp_op_poll(&op.op, NULL), 0);
	CHECK_EQ(got, 4);
	rx = moved;
	drop_both();
}

static void recv_many_takes_its_promise_and_what_is_free(void)
{
	struct h_waker w = { 0 };
	chp_mpmc_op many, other;
	int out[8], got;

	make(8);
	chp_mpmc_recv_many_op(&many, &rx, out, 8);
	chp_mpmc_recv_op(&other, &rx, &got);
	CHECK_CODE(h_poll(&many.op, &w), CHP_PENDING);
	CHECK_CODE(h_poll(&other.op, &w), CHP_PENDING);
	for (int i = 0; i < 5; i++)
		fill(i);
	/* One is promised to the other. */
	CHECK_EQ(h_poll(&many.op, &w), 4);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(out[i], i);
	CHECK_CODE(h_poll(&other.op, &w), 0);
	CHECK_EQ(got, 4);

	/* And where others wait, it leaves what comes after to them. */
	chp_mpmc_recv_many_op(&many, &rx, out, 8);
	chp_mpmc_recv_op(&other, &rx, &got);
	CHECK_CODE(h_poll(&many.op, &w), CHP_PENDING);
	CHECK_CODE(h_poll(&other.op, &w), CHP_PENDING);
	fill(10);
	CHECK_EQ(h_poll(&many.op, &w), 1);
	CHECK_EQ(chp_op_cancel(&other.op), CHP_HELD_NOTHING);
	drop_both();
}

/* ---- Budgets ---- */

/* Ready, and out of budget: pending, woken, nothing done.  Then it costs 1. */
static void check_budget(chp_op *op, int result)
{
	struct h_waker w = { 0 };
	uint32_t budget = 0;
	size_t len = chp_mpmc_len(&rx), places = chp_mpmc_capacity(&tx);

	CHECK_CODE(h_poll_within(op, &w, &budget), CHP_PENDING);
	CHECK_EQ(h_wakes(&w), 1);
	CHECK_EQ(chp_mpmc_len(&rx), len);
	CHECK_EQ(chp_mpmc_capacity(&tx), places);
	budget = 3;
	CHECK_EQ(h_poll_within(op, &w, &budget), result);
	CHECK_EQ(budget, 2);
	CHECK_EQ(h_refs(&w), 0);
}

static void waits_cost_budget_as_mpsc_does(void)
{
	struct h_waker w = { 0 };
	chp_mpmc_op op;
	chp_once_op closed;
	uint32_t budget = 5, none = 0;
	int v = 1, out[4];

	make(4);
	chp_mpmc_send_op(&op, &tx, &v);
	check_budget(&op.op, 0);
	chp_mpmc_recv_op(&op, &rx, out);
	check_budget(&op.op, 0);
	for (int i = 0; i < 4; i++)
		fill(i);
	chp_mpmc_recv_many_op(&op, &rx, out, 4);
	check_budget(&op.op, 4);
	chp_mpmc_recv_op(&op, &rx, out);
	CHECK_CODE(h_poll_within(&op.op, &w, &budget), CHP_PENDING);
	CHECK_EQ(budget, 5);
	CHECK_EQ(chp_op_cancel(&op.op), CHP_HELD_NOTHING);
	chp_mpmc_close(&rx);
	chp_mpmc_closed_op(&closed, &tx);
	CHECK_CODE(h_poll_within(&closed.op, &w, &none), 0);
	drop_both();

	make(UNBOUNDED);
	chp_mpmc_send_op(&op, &tx, &v);
	CHECK_CODE(h_poll_within(&op.op, &w, &none), 0);
	drop_both();
}

static void poll_twice(void *arg)
{
	chp_mpmc_op op;

	make(2);
	chp_mpmc_send_op(&op, &tx, arg);
	chp_op_poll(&op.op, NULL);
	chp_op_poll(&op.op, NULL);
}

static void polling_a_finished_send_is_misuse(void)
{
	int v = 1;

	h_must_panic(poll_twice, &v,
		     "mpmc send: operation polled after it had finished");
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(an_operation_takes_its_place_at_its_first_poll, IN_ALL),
	TEST(receivers_are_promised_messages_in_order, IN_ALL),
	TEST(who_comes_later_waits_behind_promises, IN_ALL),
	TEST(the_newest_waker_is_woken, IN_ALL),
	TEST(the_poll_that_returns_0_copies, IN_ALL),
	TEST(a_handle_may_move_while_its_operation_waits, IN_ALL),
	TEST(recv_many_takes_its_promise_and_what_is_free, IN_ALL),
	TEST(waits_cost_budget_as_mpsc_does, IN_ALL),
	TEST(polling_a_finished_send_is_misuse, ON_ITS_OWN),
};
/* clang-format on */
H_MAIN("mpmc_op", tests)
