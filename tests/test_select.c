/*
 * test_select.c - who wins a select, and what becomes of the losers.
 *
 * How a select ends without a winner, nesting and races are in
 * test_select_end.c.
 */
#include "harness.h"

static int choose(chp_select_arm *arms, size_t count, unsigned flags)
{
	return h_select(arms, count, flags, NULL);
}

/* ---- One arm of each kind ---- */

enum { ACQUIRE, RECV, SLEEP, JOIN, TOKEN, KINDS };

/* Everything that a select can wait for, none of it ready. */
struct mix {
	chp_semaphore s;
	chp_mpsc_tx tx;
	chp_mpsc_rx rx;
	chp_cancel token;
	chp_semaphore gate; /* at which the task waits */
	chp_runtime *rt;
	chp_task task;

	chp_acquire_op acquire;
	chp_recv_op recv;
	chp_sleep_op sleep;
	chp_join_op join;
	chp_cancel_op cancelled;
	chp_select_arm arms[KINDS];
	chp_outcome outcome;
	int value;
	int winner;
};

static void *pass_the_gate(void *arg)
{
	struct mix *m = arg;

	CHECK_CODE(chp_semaphore_acquire(&m->gate, 1), 0);
	return m;
}

static void mix_init(struct mix *m)
{
	chp_runtime_options options = { .workers = 1 };
	chp_task_options in = { 0 };

	memset(m, 0, sizeof(*m));
	CHECK_CODE(chp_mpsc_bounded(4, sizeof(int), NULL, &m->tx, &m->rx), 0);
	if (h_mode() == H_THREADS || h_mode() == H_POLLED)
		CHECK_CODE(chp_runtime_new(&m->rt, &options), 0);
	in.runtime = m->rt;
	CHECK_CODE(chp_spawn_with(&m->task, pass_the_gate, m, &in), 0);
	h_until(chp_semaphore_queue_length(&m->gate) == 1);
}

/* New operations, in the order of the enum above. */
static void mix_arm(struct mix *m, chp_time until)
{
	chp_semaphore_acquire_op(&m->acquire, &m->s, 1);
	chp_mpsc_recv_op(&m->recv, &m->rx, &m->value);
	chp_sleep_until_op(&m->sleep, until);
	chp_task_join_op(&m->join, &m->task, &m->outcome);
	chp_cancel_wait_op(&m->cancelled, &m->token);
	m->arms[ACQUIRE].op = &m->acquire.op;
	m->arms[RECV].op = &m->recv.op;
	m->arms[SLEEP].op = &m->sleep.op;
	m->arms[JOIN].op = &m->join.op;
	m->arms[TOKEN].op = &m->cancelled.op;
}

static void mix_make_ready(struct mix *m, int arm)
{
	switch (arm) {
	case ACQUIRE:
		chp_semaphore_release(&m->s, 1);
		break;
	case RECV:
		CHECK_CODE(chp_mpsc_try_send(&m->tx, &arm), 0);
		break;
	case JOIN:
		chp_semaphore_release(&m->gate, 1);
		break;
	case TOKEN:
		chp_cancel_now(&m->token);
		break;
	}
}

static void mix_destroy(struct mix *m)
{
	if (m->task.agent.id) {
		chp_semaphore_release(&m->gate, 1);
		h_until(chp_task_is_finished(&m->task) == 1);
		CHECK_CODE(chp_task_detach(&m->task), 0);
	}
	if (m->rt)
		CHECK_CODE(chp_runtime_shutdown(m->rt, 0, NULL, 0, NULL), 0);
	chp_mpsc_tx_drop(&m->tx);
	chp_mpsc_rx_drop(&m->rx);
	chp_cancel_destroy(&m->token);
	chp_semaphore_destroy(&m->s);
}

/* The winner has taken effect, and nothing else has happened. */
static void mix_check(struct mix *m, int winner)
{
	CHECK_CODE(m->arms[winner].result, 0);
	CHECK_EQ(chp_semaphore_available(&m->s), 0);
	CHECK_EQ(chp_mpsc_len(&m->rx), 0);
	CHECK_EQ(m->value, winner == RECV ? RECV : 0);
	CHECK_EQ(m->task.agent.id == 0, winner == JOIN);
	CHECK(m->outcome.value == (winner == JOIN ? m : NULL));
	CHECK_EQ(chp_semaphore_has_waiters(&m->s), 0);
	for (int i = 0; i < KINDS; i++)
		CHECK(chp_op_is_finished(m->arms[i].op));
}

static void whatever_is_ready_first_wins_alone(void)
{
	for (int winner = 0; winner < KINDS; winner++) {
		struct mix m;

		mix_init(&m);
		mix_arm(&m, winner == SLEEP ? chp_in(CHP_MS) : CHP_NEVER);
		mix_make_ready(&m, winner);
		CHECK_EQ(choose(m.arms, KINDS, CHP_CANCEL_LOSERS), winner);
		mix_check(&m, winner);
		mix_destroy(&m);
	}
}

static void *make_ready_later(void *arg)
{
	struct mix *m = arg;

	h_let_others_run();
	mix_make_ready(m, m->winner);
	return NULL;
}

static void what_becomes_ready_meanwhile_wins_alone(void)
{
	struct h_agent a;

	for (int winner = 0; winner < KINDS; winner++) {
		struct mix m;

		if (winner == SLEEP)
			continue; /* nobody makes it ready */
		mix_init(&m);
		mix_arm(&m, CHP_NEVER);
		m.winner = winner;
		h_spawn(&a, make_ready_later, &m);
		CHECK_EQ(choose(m.arms, KINDS, CHP_CANCEL_LOSERS), winner);
		h_join(&a);
		mix_check(&m, winner);
		mix_destroy(&m);
	}
}

static void all_ready(struct mix *m, int first)
{
	mix_init(m);
	for (int i = 0; i < KINDS; i++)
		mix_make_ready(m, i);
	h_until(chp_task_is_finished(&m->task) == 1);
	mix_arm(m, 1);
	/* Rotate, so that another kind is the first. */
	for (int i = 0; i < first; i++) {
		chp_select_arm arm = m->arms[0];

		memmove(&m->arms[0], &m->arms[1], (KINDS - 1) * sizeof(arm));
		m->arms[KINDS - 1] = arm;
	}
}

static void of_all_ready_a_biased_select_takes_the_first(void)
{
	for (int first = 0; first < KINDS; first++) {
		struct mix m;

		all_ready(&m, first);
		CHECK_EQ(choose(m.arms, KINDS, CHP_BIASED | CHP_CANCEL_LOSERS),
			 0);
		CHECK_CODE(m.arms[0].result, 0);
		CHECK_EQ(chp_semaphore_available(&m.s), first != ACQUIRE);
		CHECK_EQ(chp_mpsc_len(&m.rx), first != RECV);
		CHECK_EQ(m.task.agent.id == 0, first == JOIN);
		mix_destroy(&m);
	}
}

static void of_all_ready_a_plain_select_takes_each_in_time(void)
{
	enum { ARMS = 8 };
	int wins[ARMS] = { 0 };

	for (int round = 0; round < 800; round++) {
		chp_semaphore s = CHP_SEMAPHORE_INIT(ARMS, CHP_FIFO);
		chp_acquire_op ops[ARMS];
		chp_select_arm arms[ARMS];
		int r;

		for (int i = 0; i < ARMS; i++) {
			chp_semaphore_acquire_op(&ops[i], &s, 1);
			arms[i].op = &ops[i].op;
		}
		r = choose(arms, ARMS, CHP_CANCEL_LOSERS);
		CHECK(r >= 0 && r < ARMS);
		CHECK_EQ(chp_semaphore_available(&s), ARMS - 1);
		wins[r]++;
	}
	/* A hundred are expected; a tenth of that is no accident. */
	for (int i = 0; i < ARMS; i++)
		CHECK(wins[i] > 10);
}

/* ---- Arguments ---- */

static void disabled_arms_are_passed_over(void)
{
	chp_semaphore s = CHP_SEMAPHORE_INIT(1, CHP_FIFO);
	chp_select_arm arms[5] = { { 0 } };
	chp_acquire_op op;

	chp_semaphore_acquire_op(&op, &s, 1);
	arms[3].op = &op.op;
	CHECK_EQ(choose(arms, 5, 0), 3);
	arms[3].op = NULL;
	CHECK_CODE(choose(arms, 5, 0), CHP_EDISABLED);
	CHECK_CODE(choose(arms, 5, CHP_BIASED | CHP_CANCEL_LOSERS),
		   CHP_EDISABLED);
	CHECK_CODE(choose(arms, 0, 0), CHP_EDISABLED);
}

static void bad_arguments_are_refused(void)
{
	chp_semaphore s = CHP_SEMAPHORE_INIT(1, CHP_FIFO);
	chp_select_arm arms[CHP_SELECT_MAX + 1] = { { 0 } };
	chp_acquire_op op;

	chp_semaphore_acquire_op(&op, &s, 1);
	arms[CHP_SELECT_MAX - 1].op = &op.op;
	CHECK_CODE(choose(arms, CHP_SELECT_MAX + 1, 0), CHP_EINVAL);
	CHECK_CODE(choose(arms, SIZE_MAX, 0), CHP_EINVAL);
	CHECK_CODE(choose(arms, CHP_SELECT_MAX, 4u), CHP_EINVAL);
	CHECK_CODE(choose(arms, CHP_SELECT_MAX, 1u << 31), CHP_EINVAL);
	CHECK_CODE(choose(NULL, 1, 0), CHP_EINVAL);
	CHECK_EQ(chp_semaphore_available(&s), 1);
	CHECK_EQ(choose(arms, CHP_SELECT_MAX, 0), CHP_SELECT_MAX - 1);
	CHECK_EQ(chp_semaphore_available(&s), 0);
}

/* ---- Losers ---- */

/* b is ready, a is not: a loses, and stays pending or not. */
static void lose(chp_acquire_op *a, chp_semaphore *s, unsigned flags)
{
	chp_semaphore ready = CHP_SEMAPHORE_INIT(1, CHP_FIFO);
	chp_acquire_op b;
	chp_select_arm arms[2];

	chp_semaphore_acquire_op(a, s, 1);
	chp_semaphore_acquire_op(&b, &ready, 1);
	arms[0] = (chp_select_arm){ .op = &a->op };
	arms[1] = (chp_select_arm){ .op = &b.op };
	CHECK_EQ(choose(arms, 2, CHP_BIASED | flags), 1);
}

static int choose_one(chp_op *op)
{
	chp_select_arm arm = { .op = op };
	int r = choose(&arm, 1, 0);

	return r == 0 ? arm.result : r;
}

static void a_loser_keeps_its_place_and_is_selected_later(void)
{
	chp_semaphore s = CHP_SEMAPHORE_INIT(0, CHP_FIFO);
	struct h_waker waker = { 0 };
	chp_acquire_op loser, behind;

	lose(&loser, &s, 0);
	CHECK(!chp_op_is_finished(&loser.op));
	CHECK_EQ(chp_semaphore_queue_length(&s), 1);
	chp_semaphore_acquire_op(&behind, &s, 1);
	CHECK_CODE(h_poll(&behind.op, &waker), CHP_PENDING);
	/* The permit is the loser's, and it is not there. */
	chp_semaphore_release(&s, 1);
	CHECK_EQ(h_wakes(&waker), 0);
	CHECK_CODE(h_poll(&behind.op, &waker), CHP_PENDING);
	CHECK_CODE(choose_one(&loser.op), 0);
	chp_semaphore_release(&s, 1);
	CHECK_EQ(h_wakes(&waker), 1);
	CHECK_CODE(h_poll(&behind.op, &waker), 0);
	CHECK_EQ(chp_semaphore_available(&s), 0);
}

static void a_loser_that_is_granted_can_hand_it_on(void)
{
	chp_semaphore s = CHP_SEMAPHORE_INIT(0, CHP_FIFO);
	struct h_waker waker = { 0 };
	chp_acquire_op loser, behind;

	lose(&loser, &s, 0);
	chp_semaphore_acquire_op(&behind, &s, 1);
	CHECK_CODE(h_poll(&behind.op, &waker), CHP_PENDING);
	chp_semaphore_release(&s, 1);
	CHECK_CODE(chp_op_cancel(&loser.op), CHP_GAVE_BACK);
	CHECK_EQ(h_wakes(&waker), 1);
	CHECK_CODE(h_poll(&behind.op, &waker), 0);
}

static void losers_are_cancelled_if_that_is_wished(void)
{
	chp_semaphore s = CHP_SEMAPHORE_INIT(0, CHP_FIFO);
	chp_acquire_op loser;

	lose(&loser, &s, CHP_CANCEL_LOSERS);
	CHECK(chp_op_is_finished(&loser.op));
	CHECK_EQ(chp_semaphore_queue_length(&s), 0);
	chp_semaphore_release(&s, 1);
	CHECK_EQ(chp_semaphore_available(&s), 1);
}

/* A loser that is granted later wakes the caller from another wait. */
static void *grant_the_loser_first(void *arg)
{
	chp_semaphore *s = arg;

	h_until(chp_semaphore_queue_length(&s[1]) == 1);
	chp_semaphore_release(&s[0], 1);
	h_let_others_run();
	CHECK_EQ(chp_semaphore_queue_length(&s[1]), 1);
	chp_semaphore_release(&s[1], 1);
	return NULL;
}

static void a_grant_to_a_loser_ends_no_other_wait(void)
{
	for (long round = h_rounds(100); round > 0; round--) {
		chp_semaphore s[2];
		chp_acquire_op loser, other;
		struct h_agent a;

		chp_semaphore_init(&s[0], 0, CHP_FIFO);
		chp_semaphore_init(&s[1], 0, CHP_FIFO);
		lose(&loser, &s[0], 0);
		h_spawn(&a, grant_the_loser_first, s);
		chp_semaphore_acquire_op(&other, &s[1], 1);
		CHECK_CODE(h_wait(&other.op, NULL), 0);
		CHECK_CODE(h_wait(&loser.op, NULL), 0);
		h_join(&a);
	}
}

static void select_one_finished(void *arg)
{
	chp_semaphore s = CHP_SEMAPHORE_INIT(1, CHP_FIFO);
	chp_acquire_op op;
	chp_select_arm arm = { .op = &op.op };

	(void)arg;
	chp_semaphore_acquire_op(&op, &s, 1);
	CHECK_EQ(chp_select(&arm, 1, 0), 0);
	chp_select(&arm, 1, 0);
}

static void an_arm_that_is_finished_is_misuse(void)
{
	h_must_panic(select_one_finished, NULL, "finished");
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(an_arm_that_is_finished_is_misuse, ON_ITS_OWN),
	TEST(whatever_is_ready_first_wins_alone, IN_ALL),
	TEST(what_becomes_ready_meanwhile_wins_alone, IN_ALL),
	TEST(of_all_ready_a_biased_select_takes_the_first, IN_ALL),
	TEST(of_all_ready_a_plain_select_takes_each_in_time, IN_ALL),
	TEST(disabled_arms_are_passed_over, IN_ALL),
	TEST(bad_arguments_are_refused, IN_ALL),
	TEST(a_loser_keeps_its_place_and_is_selected_later, IN_ALL),
	TEST(a_loser_that_is_granted_can_hand_it_on, IN_ALL),
	TEST(losers_are_cancelled_if_that_is_wished, IN_ALL),
	TEST(a_grant_to_a_loser_ends_no_other_wait, IN_ALL),
};
/* clang-format on */

H_MAIN("select", tests)
