/*
 * test_broadcast_select.c - receives as arms of a select: a loser has taken
 * nothing, from its channel or from anybody else's, and may go on.
 */
#include "broadcast.h"

static struct channel {
	chp_broadcast_tx tx;
	chp_broadcast_rx rx;
	chp_broadcast_op op;
	int got;
} a, b;

static chp_select_arm arms[2];

static void make(void)
{
	struct channel *both[] = { &a, &b };

	for (int i = 0; i < 2; i++)
		CHECK_CODE(chp_broadcast(4, sizeof(int), NULL, &both[i]->tx,
					 &both[i]->rx),
			   0);
}

static void drop(void)
{
	chp_broadcast_tx_drop(&a.tx);
	chp_broadcast_rx_drop(&a.rx);
	chp_broadcast_tx_drop(&b.tx);
	chp_broadcast_rx_drop(&b.rx);
}

static void both_arms(void)
{
	a.got = b.got = -1;
	chp_broadcast_recv_op(&a.op, &a.rx, &a.got, NULL);
	chp_broadcast_recv_op(&b.op, &b.rx, &b.got, NULL);
	arms[0] = (chp_select_arm){ &a.op.op, 1 };
	arms[1] = (chp_select_arm){ &b.op.op, 1 };
}

static void a_receive_that_loses_has_taken_nothing(void)
{
	make();
	both_arms();
	bc_send(&b.tx, 2);
	CHECK_EQ(h_select(arms, 2, CHP_CANCEL_LOSERS, NULL), 1);
	CHECK_CODE(arms[1].result, 0);
	CHECK_EQ(b.got, 2);
	bc_send(&a.tx, 3);
	CHECK_EQ(a.got, -1);
	CHECK_NEXT(&a.rx, 3);
	drop();
}

static void of_two_that_are_ready_one_takes(void)
{
	make();
	for (int i = 0; i < 200; i++) {
		unsigned biased = i < 100 ? 0 : CHP_BIASED;
		int winner;

		both_arms();
		bc_send(&a.tx, i);
		bc_send(&b.tx, i);
		winner = h_select(arms, 2, CHP_CANCEL_LOSERS | biased, NULL);
		CHECK_CODE(arms[winner].result, 0);
		CHECK_EQ(chp_broadcast_len(&a.rx), winner != 0);
		CHECK_EQ(chp_broadcast_len(&b.rx), winner == 0);
		CHECK_NEXT(winner ? &a.rx : &b.rx, i);
	}
	drop();
}

static void *send_to_a(void *arg)
{
	(void)arg;
	CHECK_EQ(bc_send(&a.tx, 1), 1);
	return NULL;
}

static void a_loser_that_is_kept_may_go_on(void)
{
	struct h_agent agent;

	make();
	both_arms();
	bc_send(&b.tx, 2);
	CHECK_EQ(h_select(arms, 2, CHP_BIASED, NULL), 1);
	CHECK(!chp_op_is_finished(&a.op.op));
	arms[1].op = NULL;
	h_spawn(&agent, send_to_a, NULL);
	CHECK_EQ(h_select(arms, 2, 0, NULL), 0);
	CHECK_EQ(a.got, 1);
	h_join(&agent);
	drop();
}

static void lagged_and_closed_win_like_values(void)
{
	uint64_t lagged = 0;

	make();
	for (int v = 0; v < 6; v++)
		bc_send(&a.tx, v);
	both_arms();
	chp_broadcast_recv_op(&a.op, &a.rx, &a.got, &lagged);
	CHECK_EQ(h_select(arms, 2, CHP_CANCEL_LOSERS, NULL), 0);
	CHECK_CODE(arms[0].result, CHP_ELAGGED);
	CHECK_EQ(lagged, 2);
	chp_broadcast_tx_drop(&b.tx);
	CHECK_EQ(bc_recv_many(&a.rx, NULL, 9, NULL, NULL), 4);
	both_arms();
	CHECK_EQ(h_select(arms, 2, CHP_CANCEL_LOSERS, NULL), 1);
	CHECK_CODE(arms[1].result, CHP_ECLOSED);
	drop();
}

static void a_select_that_times_out_takes_nothing(void)
{
	chp_wait moment = { .deadline = chp_in(2 * CHP_MS) };

	make();
	both_arms();
	CHECK_CODE(h_select(arms, 2, CHP_CANCEL_LOSERS, &moment),
		   CHP_ETIMEDOUT);
	bc_send(&a.tx, 1);
	bc_send(&b.tx, 2);
	CHECK_NEXT(&a.rx, 1);
	CHECK_NEXT(&b.rx, 2);
	drop();
}

/* ---- Agents that listen to two channels ---- */

struct listener {
	struct h_agent a;
	chp_broadcast_rx rx[2];
	int next[2];
};

static void *listen_to_both(void *arg)
{
	struct listener *l = arg;
	bool ended[2] = { false, false };

	while (!ended[0] || !ended[1]) {
		chp_broadcast_op op[2];
		chp_select_arm mine[2];
		int got[2], winner;

		for (int k = 0; k < 2; k++) {
			chp_broadcast_recv_op(&op[k], &l->rx[k], &got[k], NULL);
			mine[k] = (chp_select_arm){ ended[k] ? NULL : &op[k].op,
						    1 };
		}
		winner = h_select(mine, 2, CHP_CANCEL_LOSERS, NULL);
		CHECK(winner == 0 || winner == 1);
		ended[winner] = mine[winner].result == CHP_ECLOSED;
		if (ended[winner])
			continue;
		CHECK_CODE(mine[winner].result, 0);
		CHECK_EQ(got[winner], l->next[winner]++);
	}
	chp_broadcast_rx_drop(&l->rx[0]);
	chp_broadcast_rx_drop(&l->rx[1]);
	return NULL;
}

static void selecting_agents_lose_and_double_nothing(void)
{
	enum { AGENTS = 3, VALUES = 1024 };
	int values = (int)h_rounds(VALUES);
	struct listener l[AGENTS];
	chp_broadcast_tx tx[2];

	for (int k = 0; k < 2; k++)
		CHECK_CODE(
			chp_broadcast_tx_new(VALUES, sizeof(int), NULL, &tx[k]),
			0);
	for (int i = 0; i < AGENTS; i++) {
		memset(&l[i], 0, sizeof(l[i]));
		for (int k = 0; k < 2; k++)
			CHECK_CODE(chp_broadcast_subscribe(&tx[k], &l[i].rx[k]),
				   0);
		h_spawn(&l[i].a, listen_to_both, &l[i]);
	}
	for (int v = 0; v < values; v++) {
		CHECK_EQ(bc_send(&tx[0], v), AGENTS);
		CHECK_EQ(bc_send(&tx[1], v), AGENTS);
		if (v % 4 == 0)
			h_yield();
	}
	chp_broadcast_tx_drop(&tx[0]);
	chp_broadcast_tx_drop(&tx[1]);
	for (int i = 0; i < AGENTS; i++) {
		h_join(&l[i].a);
		CHECK_EQ(l[i].next[0], values);
		CHECK_EQ(l[i].next[1], values);
	}
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_receive_that_loses_has_taken_nothing, IN_ALL),
	TEST(of_two_that_are_ready_one_takes, IN_ALL),
	TEST(a_loser_that_is_kept_may_go_on, IN_ALL),
	TEST(lagged_and_closed_win_like_values, IN_ALL),
	TEST(a_select_that_times_out_takes_nothing, IN_ALL),
	TEST(selecting_agents_lose_and_double_nothing, IN_ALL),
};
/* clang-format on */
H_MAIN("broadcast_select", tests)
