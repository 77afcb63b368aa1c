/*
 * test_mpsc_select.c - sends and receives as arms of a select: a loser has had
 * no effect, neither sent nor received; it keeps its place if asked to.
 */
#include "chan.h"

static struct int_channel a, b;

/* A send into a, a receive from b. */
static chp_send_op send_a;
static chp_recv_op recv_b;
static int sent_a, got_b;
static chp_select_arm arms[2];

static void both_arms(int v)
{
	sent_a = v;
	got_b = 0;
	chp_mpsc_send_op(&send_a, &a.tx, &sent_a);
	chp_mpsc_recv_op(&recv_b, &b.rx, &got_b);
	arms[0] = (chp_select_arm){ &send_a.op, 1 };
	arms[1] = (chp_select_arm){ &recv_b.op, 1 };
}

static void a_send_that_loses_has_sent_nothing(void)
{
	for (unsigned biased = 0; biased < 2; biased++) {
		make_channel(&a, 1);
		make_channel(&b, 1);
		put_int(&a, 1);
		put_int(&b, 2);
		both_arms(99);
		CHECK_EQ(h_select(arms, 2, CHP_CANCEL_LOSERS | biased, NULL),
			 1);
		CHECK_CODE(arms[1].result, 0);
		CHECK_EQ(got_b, 2);
		CHECK_EQ(take_int(&a), 1);
		CHECK_EQ(chp_mpsc_capacity(&a.tx), 1);
		CHECK_CODE(chp_mpsc_try_recv(&a.rx, NULL), CHP_EAGAIN);
		drop_channel(&a);
		drop_channel(&b);
	}
}

static void a_receive_that_loses_has_taken_nothing(void)
{
	make_channel(&a, 1);
	make_channel(&b, 1);
	both_arms(5);
	CHECK_EQ(h_select(arms, 2, CHP_CANCEL_LOSERS, NULL), 0);
	CHECK_CODE(arms[0].result, 0);
	CHECK_EQ(take_int(&a), 5);
	put_int(&b, 3);
	CHECK_EQ(got_b, 0);
	CHECK_EQ(take_int(&b), 3);
	drop_channel(&a);
	drop_channel(&b);
}

static void of_two_that_are_ready_one_has_an_effect(void)
{
	long won[2] = { 0, 0 };

	make_channel(&a, 1);
	make_channel(&b, 1);
	put_int(&b, 4);
	for (int i = 0; i < 400; i++) {
		unsigned biased = i < 200 ? 0 : CHP_BIASED;
		int winner;

		both_arms(i);
		winner = h_select(arms, 2, CHP_CANCEL_LOSERS | biased, NULL);
		CHECK_CODE(arms[winner].result, 0);
		CHECK_EQ(chp_mpsc_len(&a.rx), winner == 0);
		CHECK_EQ(chp_mpsc_len(&b.rx), winner == 0);
		CHECK_EQ(got_b, winner == 0 ? 0 : 4);
		if (winner == 0)
			CHECK_EQ(take_int(&a), i);
		else
			put_int(&b, 4);
		won[winner]++;
		if (biased)
			CHECK_EQ(winner, 0);
	}
	/* The start is random: neither arm starves. */
	CHECK(won[1] > 20 && won[0] > 220);
	drop_channel(&a);
	drop_channel(&b);
}

static void a_loser_that_is_kept_keeps_its_place(void)
{
	chp_mpsc_permit p;

	make_channel(&a, 1);
	make_channel(&b, 1);
	put_int(&a, 1);
	put_int(&b, 2);
	both_arms(99);
	CHECK_EQ(h_select(arms, 2, CHP_BIASED, NULL), 1);
	CHECK(!chp_op_is_finished(&send_a.op));
	CHECK_EQ(take_int(&a), 1);
	/* Granted; it keeps the place until somebody asks it. */
	CHECK_CODE(chp_mpsc_try_reserve_many(&a.tx, 1, &p), CHP_EAGAIN);
	CHECK_EQ(chp_mpsc_len(&a.rx), 0);
	arms[1].op = NULL;
	CHECK_EQ(h_select(arms, 2, 0, NULL), 0);
	CHECK_CODE(arms[0].result, 0);
	CHECK_EQ(take_int(&a), 99);
	CHECK_CODE(chp_mpsc_try_reserve_many(&a.tx, 1, &p), 0);
	chp_mpsc_permit_drop(&p);
	drop_channel(&a);
	drop_channel(&b);
}

static void a_select_that_times_out_has_no_effect(void)
{
	chp_wait past = { .deadline = chp_in(-1) };
	chp_wait moment = { .deadline = chp_in(2 * CHP_MS) };

	make_channel(&a, 1);
	make_channel(&b, 1);
	put_int(&a, 1);
	both_arms(99);
	CHECK_CODE(h_select(arms, 2, CHP_CANCEL_LOSERS, &past), CHP_ETIMEDOUT);
	both_arms(99);
	CHECK_CODE(h_select(arms, 2, CHP_CANCEL_LOSERS, &moment),
		   CHP_ETIMEDOUT);
	put_int(&b, 2);
	CHECK_EQ(take_int(&a), 1);
	CHECK_EQ(got_b, 0);
	CHECK_EQ(take_int(&b), 2);
	CHECK_EQ(chp_mpsc_capacity(&a.tx), 1);
	CHECK_EQ(chp_mpsc_len(&a.rx), 0);
	drop_channel(&a);
	drop_channel(&b);
}

/* The receive frees a place and the send behind it is granted: a loser. */
static void a_send_granted_by_the_winner_gives_its_place_back(void)
{
	chp_send_op send;
	chp_recv_op recv;
	int v = 99, got = 0;

	make_channel(&a, 1);
	put_int(&a, 1);
	chp_mpsc_send_op(&send, &a.tx, &v);
	chp_mpsc_recv_op(&recv, &a.rx, &got);
	arms[0] = (chp_select_arm){ &send.op, 1 };
	arms[1] = (chp_select_arm){ &recv.op, 1 };
	CHECK_EQ(h_select(arms, 2, CHP_BIASED | CHP_CANCEL_LOSERS, NULL), 1);
	CHECK_EQ(got, 1);
	CHECK_EQ(chp_mpsc_len(&a.rx), 0);
	CHECK_EQ(chp_mpsc_capacity(&a.tx), 1);
	drop_channel(&a);
}

/* Agents that send into either of two channels. */
struct shuttle {
	struct h_agent a;
	chp_mpsc_tx tx[2];
	int id;
};

static void *shuttle(void *arg)
{
	struct shuttle *s = arg;
	chp_select_arm either[2];
	chp_send_op op[2];

	for (long i = h_rounds(1500); i; i--) {
		int winner;

		for (int k = 0; k < 2; k++) {
			chp_mpsc_send_op(&op[k], &s->tx[k], &s->id);
			either[k] = (chp_select_arm){ &op[k].op, 1 };
		}
		winner = h_select(either, 2, CHP_CANCEL_LOSERS, NULL);
		CHECK_CODE(either[winner].result, 0);
	}
	chp_mpsc_tx_drop(&s->tx[0]);
	chp_mpsc_tx_drop(&s->tx[1]);
	return NULL;
}

static void selecting_agents_lose_and_double_nothing(void)
{
	enum { AGENTS = 4 };
	struct shuttle s[AGENTS];
	long count[AGENTS] = { 0 };
	bool ended[2] = { false, false };
	int got[2], winner;

	make_channel(&a, 1);
	make_channel(&b, 2);
	for (int i = 0; i < AGENTS; i++) {
		s[i].id = i;
		chp_mpsc_tx_clone(&a.tx, &s[i].tx[0]);
		chp_mpsc_tx_clone(&b.tx, &s[i].tx[1]);
		h_spawn(&s[i].a, shuttle, &s[i]);
	}
	chp_mpsc_tx_drop(&a.tx);
	chp_mpsc_tx_drop(&b.tx);
	while (!ended[0] || !ended[1]) {
		chp_recv_op op[2];

		chp_mpsc_recv_op(&op[0], &a.rx, &got[0]);
		chp_mpsc_recv_op(&op[1], &b.rx, &got[1]);
		for (int k = 0; k < 2; k++)
			arms[k].op = ended[k] ? NULL : &op[k].op;
		winner = h_select(arms, 2, CHP_CANCEL_LOSERS, NULL);
		CHECK(winner == 0 || winner == 1);
		if (arms[winner].result == 0)
			count[got[winner]]++;
		else
			CHECK_CODE(arms[winner].result, CHP_ECLOSED);
		ended[winner] = arms[winner].result != 0;
	}
	for (int i = 0; i < AGENTS; i++) {
		h_join(&s[i].a);
		CHECK_EQ(count[i], h_rounds(1500));
	}
	drop_channel(&a);
	drop_channel(&b);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_send_that_loses_has_sent_nothing, IN_ALL),
	TEST(a_receive_that_loses_has_taken_nothing, IN_ALL),
	TEST(of_two_that_are_ready_one_has_an_effect, IN_ALL),
	TEST(a_loser_that_is_kept_keeps_its_place, IN_ALL),
	TEST(a_select_that_times_out_has_no_effect, IN_ALL),
	TEST(a_send_granted_by_the_winner_gives_its_place_back, IN_ALL),
	TEST(selecting_agents_lose_and_double_nothing, IN_ALL),
};
/* clang-format on */
H_MAIN("mpsc_select", tests)
