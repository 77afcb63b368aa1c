/*
 * test_broadcast_closed.c - waiting for the last receiver to go: at once, after
 * a while, any number of waiters, and receivers that come back.
 */
#include "broadcast.h"

static chp_broadcast_tx tx;
static chp_broadcast_rx rx, rx2;

static void make(void)
{
	CHECK_CODE(chp_broadcast(2, sizeof(int), NULL, &tx, &rx), 0);
}

static void drop_both(void)
{
	chp_broadcast_tx_drop(&tx);
	chp_broadcast_rx_drop(&rx);
}

struct waiting {
	chp_broadcast_op op;
	struct h_waker w;
};

static void start(struct waiting *c)
{
	memset(c, 0, sizeof(*c));
	chp_broadcast_closed_op(&c->op, &tx);
	CHECK_CODE(h_poll(&c->op.op, &c->w), CHP_PENDING);
	CHECK_EQ(h_refs(&c->w), 1);
}

/* tokio #7629: no receiver from the start is closed, and sending agrees. */
static void a_new_sender_is_closed_till_somebody_subscribes(void)
{
	struct waiting c;

	CHECK_CODE(chp_broadcast_tx_new(2, sizeof(int), NULL, &tx), 0);
	CHECK_CODE(bc_closed(&tx, NULL), 0);
	CHECK_CODE(bc_send(&tx, 1), CHP_ECLOSED);
	CHECK_CODE(chp_broadcast_subscribe(&tx, &rx), 0);
	start(&c);
	CHECK_EQ(bc_send(&tx, 1), 1);
	CHECK_EQ(h_wakes(&c.w), 0);
	chp_broadcast_rx_drop(&rx);
	CHECK_EQ(h_wakes(&c.w), 1);
	CHECK_CODE(h_poll(&c.op.op, &c.w), 0);
	CHECK_CODE(bc_closed(&tx, NULL), 0);
	chp_broadcast_tx_drop(&tx);
}

static void only_the_last_receiver_counts(void)
{
	struct waiting c;

	make();
	CHECK_CODE(chp_broadcast_subscribe(&tx, &rx2), 0);
	start(&c);
	chp_broadcast_rx_drop(&rx);
	CHECK_EQ(h_wakes(&c.w), 0);
	CHECK_CODE(h_poll(&c.op.op, &c.w), CHP_PENDING);
	chp_broadcast_rx_drop(&rx2);
	CHECK_EQ(h_wakes(&c.w), 1);
	CHECK_CODE(h_poll(&c.op.op, &c.w), 0);
	chp_broadcast_tx_drop(&tx);
}

static void *leave(void *arg)
{
	chp_broadcast_rx_drop(arg);
	return NULL;
}

static void a_waiter_is_told(void)
{
	for (long i = h_rounds(300); i; i--) {
		struct h_agent a;

		make();
		bc_send(&tx, 1);
		h_spawn(&a, leave, &rx);
		CHECK_CODE(bc_closed(&tx, NULL), 0);
		CHECK_EQ(chp_broadcast_receiver_count(&tx), 0);
		h_join(&a);
		drop_both();
	}
}

static void one_who_subscribes_before_the_look_makes_it_wait_on(void)
{
	struct waiting c;

	make();
	start(&c);
	for (unsigned i = 1; i < 4; i++) {
		chp_broadcast_rx_drop(&rx);
		CHECK_EQ(h_wakes(&c.w), i);
		CHECK_EQ(h_refs(&c.w), 0);
		CHECK_CODE(chp_broadcast_subscribe(&tx, &rx), 0);
		CHECK_CODE(h_poll(&c.op.op, &c.w), CHP_PENDING);
		CHECK_EQ(h_refs(&c.w), 1);
	}
	chp_broadcast_rx_drop(&rx);
	CHECK_CODE(h_poll(&c.op.op, &c.w), 0);
	chp_broadcast_tx_drop(&tx);
}

/* The same, given up in between. */
static void a_woken_wait_may_be_given_up(void)
{
	struct waiting c;

	make();
	start(&c);
	chp_broadcast_rx_drop(&rx);
	CHECK_EQ(chp_op_cancel(&c.op.op), CHP_HELD_NOTHING);
	CHECK_EQ(h_refs(&c.w), 0);
	CHECK_CODE(chp_broadcast_subscribe(&tx, &rx), 0);
	start(&c);
	CHECK_EQ(chp_op_cancel(&c.op.op), CHP_HELD_NOTHING);
	CHECK_EQ(h_refs(&c.w), 0);
	chp_broadcast_rx_drop(&rx);
	CHECK_EQ(h_wakes(&c.w), 0);
	chp_broadcast_tx_drop(&tx);
}

static void all_who_wait_are_told(void)
{
	enum { WAITS = 100 };
	struct waiting *c = calloc(WAITS, sizeof(*c));

	make();
	for (int i = 0; i < WAITS; i++)
		start(&c[i]);
	for (int i = 0; i < WAITS; i += 3)
		chp_op_cancel(&c[i].op.op);
	chp_broadcast_rx_drop(&rx);
	for (int i = 0; i < WAITS; i++) {
		CHECK_EQ(h_wakes(&c[i].w), i % 3 != 0);
		CHECK_EQ(h_refs(&c[i].w), 0);
		if (i % 3)
			CHECK_CODE(h_poll(&c[i].op.op, &c[i].w), 0);
	}
	chp_broadcast_tx_drop(&tx);
	free(c);
}

static void the_newest_waker_is_woken(void)
{
	struct h_waker second = { 0 };
	struct waiting c;

	make();
	start(&c);
	CHECK_CODE(h_poll(&c.op.op, &second), CHP_PENDING);
	CHECK_EQ(h_refs(&c.w), 0);
	CHECK_EQ(h_refs(&second), 1);
	chp_broadcast_rx_drop(&rx);
	CHECK_EQ(h_wakes(&c.w), 0);
	CHECK_EQ(h_wakes(&second), 1);
	CHECK_CODE(h_poll(&c.op.op, &second), 0);
	chp_broadcast_tx_drop(&tx);
}

static void it_costs_no_budget(void)
{
	struct h_waker w = { 0 };
	uint32_t budget = 0;
	chp_broadcast_op op;

	make();
	chp_broadcast_closed_op(&op, &tx);
	CHECK_CODE(h_poll_within(&op.op, &w, &budget), CHP_PENDING);
	CHECK_EQ(h_wakes(&w), 0);
	chp_broadcast_rx_drop(&rx);
	CHECK_CODE(h_poll_within(&op.op, &w, &budget), 0);
	CHECK_EQ(budget, 0);
	chp_broadcast_tx_drop(&tx);
}

static void it_may_end_early(void)
{
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait past = { .deadline = chp_in(-1) };
	chp_wait moment = { .deadline = chp_in(2 * CHP_MS) };
	chp_wait cancelled = { .cancel = &token };

	make();
	CHECK_CODE(bc_closed(&tx, &past), CHP_ETIMEDOUT);
	CHECK_CODE(bc_closed(&tx, &moment), CHP_ETIMEDOUT);
	chp_cancel_now(&token);
	CHECK_CODE(bc_closed(&tx, &cancelled), CHP_ECANCELED);
	chp_broadcast_rx_drop(&rx);
	CHECK_CODE(bc_closed(&tx, &cancelled), CHP_ECANCELED);
	/* Closed is an answer; a deadline only ends waiting for it. */
	CHECK_CODE(bc_closed(&tx, &past), 0);
	if (h_mode() != H_POLLED) {
		chp_interrupt(chp_agent_current());
		CHECK_CODE(chp_broadcast_closed(&tx), CHP_EINTR);
		CHECK_CODE(chp_broadcast_closed(&tx), 0);
	}
	chp_broadcast_tx_drop(&tx);
	chp_cancel_destroy(&token);
}

/* ---- Beside work: what a sender does in a select ---- */

static void a_select_ends_when_nobody_listens_any_more(void)
{
	chp_broadcast_op closed, recv;
	chp_select_arm arms[2];
	int got = 0;

	make();
	chp_broadcast_closed_op(&closed, &tx);
	chp_broadcast_recv_op(&recv, &rx, &got, NULL);
	arms[0] = (chp_select_arm){ &closed.op, 1 };
	arms[1] = (chp_select_arm){ &recv.op, 1 };
	bc_send(&tx, 4);
	CHECK_EQ(h_select(arms, 2, CHP_CANCEL_LOSERS, NULL), 1);
	CHECK_EQ(got, 4);
	chp_broadcast_rx_drop(&rx);
	chp_broadcast_closed_op(&closed, &tx);
	arms[1].op = NULL;
	CHECK_EQ(h_select(arms, 2, CHP_CANCEL_LOSERS, NULL), 0);
	chp_broadcast_tx_drop(&tx);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_new_sender_is_closed_till_somebody_subscribes, IN_ALL),
	TEST(only_the_last_receiver_counts, IN_ALL),
	TEST(a_waiter_is_told, IN_ALL),
	TEST(one_who_subscribes_before_the_look_makes_it_wait_on, IN_ALL),
	TEST(a_woken_wait_may_be_given_up, IN_ALL),
	TEST(all_who_wait_are_told, IN_ALL),
	TEST(the_newest_waker_is_woken, IN_ALL),
	TEST(it_costs_no_budget, IN_ALL),
	TEST(it_may_end_early, IN_ALL),
	TEST(a_select_ends_when_nobody_listens_any_more, IN_ALL),
};
/* clang-format on */
H_MAIN("broadcast_closed", tests)
