/*
 * test_once_cell_op.c - waiting for a once cell by polling: order, giving up,
 * wakers.
 */
#include "once.h"

static chp_once_cell cell;

static void new_cell(void)
{
	memset(&cell, 0, sizeof(cell));
}

/* Takes the turn, so that others queue. */
static void occupy(void)
{
	new_cell();
	CHECK_EQ(chp_once_cell_try_begin(&cell), 1);
}

/* ---- Order and places ---- */

static void the_turn_goes_round_in_the_order_of_first_polls(void)
{
	enum { N = 4 };
	static const int order[N] = { 2, 0, 3, 1 };
	struct h_waker w[N] = { 0 };
	chp_once_op op[N];

	occupy();
	for (int i = 0; i < N; i++)
		chp_once_cell_begin_op(&op[i], &cell);
	for (int i = 0; i < N; i++)
		CHECK_CODE(h_poll(&op[order[i]].op, &w[order[i]]), CHP_PENDING);
	/* Polling again does not change the order. */
	CHECK_CODE(h_poll(&op[1].op, &w[1]), CHP_PENDING);
	for (int i = 0; i < N; i++) {
		int next = order[i];

		chp_once_cell_fail(&cell);
		CHECK_CODE(chp_once_cell_try_begin(&cell), CHP_EBUSY);
		for (int k = i + 1; k < N; k++) {
			CHECK_EQ(h_wakes(&w[order[k]]), 0);
			CHECK_CODE(h_poll(&op[order[k]].op, &w[order[k]]),
				   CHP_PENDING);
		}
		CHECK_EQ(h_wakes(&w[next]), 1);
		CHECK_EQ(h_poll(&op[next].op, &w[next]), 1);
		CHECK_EQ(h_refs(&w[next]), 0);
	}
	chp_once_cell_fail(&cell);
	check_empty(&cell);
}

static void an_operation_holds_nothing_before_its_first_poll(void)
{
	struct h_waker w = { 0 };
	chp_once_op begin, watch;

	new_cell();
	chp_once_cell_begin_op(&begin, &cell);
	chp_once_cell_wait_op(&watch, &cell);
	check_empty(&cell);
	CHECK_EQ(chp_once_cell_try_begin(&cell), 1);
	chp_once_cell_finish(&cell);
	/* And what it finds then decides. */
	CHECK_CODE(h_poll(&begin.op, &w), 0);
	CHECK_CODE(h_poll(&watch.op, &w), 0);
	CHECK_EQ(h_wakes(&w) + h_refs(&w), 0);
	chp_once_cell_begin_op(&begin, &cell);
	CHECK_EQ(chp_op_cancel(&begin.op), CHP_HELD_NOTHING);
	CHECK_EQ(chp_once_cell_take(&cell), 1);
}

static void the_newest_waker_is_woken(void)
{
	struct h_waker w[2][3] = { { { { 0 } } } };
	chp_once_op op[2];

	occupy();
	chp_once_cell_begin_op(&op[0], &cell);
	chp_once_cell_wait_op(&op[1], &cell);
	for (int k = 0; k < 2; k++) {
		CHECK_CODE(chp_op_poll(&op[k].op, NULL), CHP_PENDING);
		for (int i = 0; i < 3; i++)
			CHECK_CODE(h_poll(&op[k].op, &w[k][i]), CHP_PENDING);
		CHECK_EQ(h_refs(&w[k][0]) + h_refs(&w[k][1]), 0);
		CHECK_EQ(h_refs(&w[k][2]), 1);
	}
	chp_once_cell_finish(&cell);
	for (int k = 0; k < 2; k++) {
		CHECK_EQ(h_wakes(&w[k][0]) + h_wakes(&w[k][1]), 0);
		CHECK_EQ(h_wakes(&w[k][2]), 1);
		CHECK_EQ(h_refs(&w[k][2]), 0);
		/* Any waker may ask for what is there. */
		CHECK_CODE(h_poll(&op[k].op, &w[k][0]), 0);
		CHECK_EQ(h_refs(&w[k][0]), 0);
	}
}

static void a_place_may_be_taken_without_a_waker(void)
{
	chp_once_op op;

	occupy();
	chp_once_cell_begin_op(&op, &cell);
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_PENDING);
	chp_once_cell_fail(&cell);
	CHECK_EQ(chp_op_poll(&op.op, NULL), 1);
	chp_once_cell_fail(&cell);
	check_empty(&cell);
}

/* ---- Giving up ---- */

static void giving_up_a_place_leaves_no_trace(void)
{
	struct h_waker w[3] = { 0 };
	chp_once_op op[3];

	/* The first, one between, the last. */
	for (int gone = 0; gone < 3; gone++) {
		occupy();
		memset(w, 0, sizeof(w));
		for (int i = 0; i < 3; i++) {
			chp_once_cell_begin_op(&op[i], &cell);
			CHECK_CODE(h_poll(&op[i].op, &w[i]), CHP_PENDING);
		}
		CHECK_EQ(chp_op_cancel(&op[gone].op), CHP_HELD_NOTHING);
		CHECK_EQ(h_refs(&w[gone]), 0);
		for (int i = 0; i < 3; i++) {
			if (i == gone)
				continue;
			chp_once_cell_fail(&cell);
			CHECK_EQ(h_wakes(&w[i]), 1);
			CHECK_EQ(h_poll(&op[i].op, &w[i]), 1);
		}
		CHECK_EQ(h_wakes(&w[gone]), 0);
		chp_once_cell_fail(&cell);
		check_empty(&cell);
	}
}

static void a_turn_given_and_not_fetched_goes_to_the_next(void)
{
	struct h_waker w[3] = { 0 };
	chp_once_op op[3];

	occupy();
	for (int i = 0; i < 3; i++) {
		chp_once_cell_begin_op(&op[i], &cell);
		CHECK_CODE(h_poll(&op[i].op, &w[i]), CHP_PENDING);
	}
	chp_once_cell_fail(&cell);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(h_wakes(&w[i]), 1);
		CHECK_CODE(chp_once_cell_try_begin(&cell), CHP_EBUSY);
		CHECK_EQ(chp_op_cancel(&op[i].op), CHP_GAVE_BACK);
	}
	/* To nobody, in the end. */
	check_empty(&cell);
	CHECK_EQ(chp_once_cell_try_begin(&cell), 1);
	chp_once_cell_finish(&cell);
}

static void giving_up_after_the_value_came_gives_nothing_back(void)
{
	struct h_waker w[2] = { 0 };
	chp_once_op op[2];

	occupy();
	chp_once_cell_begin_op(&op[0], &cell);
	chp_once_cell_wait_op(&op[1], &cell);
	for (int i = 0; i < 2; i++)
		CHECK_CODE(h_poll(&op[i].op, &w[i]), CHP_PENDING);
	chp_once_cell_finish(&cell);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(chp_op_cancel(&op[i].op), CHP_HELD_NOTHING);
		CHECK_EQ(h_refs(&w[i]), 0);
	}
	CHECK_EQ(chp_once_cell_initialized(&cell), 1);
	CHECK_CODE(chp_once_cell_try_begin(&cell), CHP_EALREADY);
}

static void a_watcher_gives_up_at_any_time(void)
{
	struct h_waker w[3] = { 0 };
	chp_once_op op[3];

	new_cell();
	for (int i = 0; i < 3; i++) {
		chp_once_cell_wait_op(&op[i], &cell);
		CHECK_CODE(h_poll(&op[i].op, &w[i]), CHP_PENDING);
	}
	CHECK_EQ(chp_op_cancel(&op[1].op), CHP_HELD_NOTHING);
	CHECK_EQ(chp_once_cell_try_begin(&cell), 1);
	CHECK_EQ(chp_op_cancel(&op[0].op), CHP_HELD_NOTHING);
	chp_once_cell_fail(&cell);
	CHECK_EQ(chp_op_cancel(&op[2].op), CHP_HELD_NOTHING);
	check_empty(&cell);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(h_wakes(&w[i]) + h_refs(&w[i]), 0);
}

static void a_loser_of_a_select_passes_its_turn_on(void)
{
	chp_once_cell other = CHP_ONCE_CELL_INIT_SET;
	struct h_waker w = { 0 };
	chp_once_op turn, next, ready;
	chp_select_arm arms[2] = { { .op = &ready.op }, { .op = &turn.op } };

	occupy();
	chp_once_cell_begin_op(&turn, &cell);
	chp_once_cell_begin_op(&next, &cell);
	chp_once_cell_wait_op(&ready, &other);
	CHECK_CODE(chp_op_poll(&turn.op, NULL), CHP_PENDING);
	CHECK_CODE(h_poll(&next.op, &w), CHP_PENDING);
	chp_once_cell_fail(&cell);
	CHECK_EQ(h_wakes(&w), 0);
	CHECK_EQ(h_select(arms, 2, CHP_BIASED | CHP_CANCEL_LOSERS, NULL), 0);
	CHECK_EQ(h_wakes(&w), 1);
	CHECK_EQ(h_poll(&next.op, &w), 1);
	chp_once_cell_finish(&cell);
	chp_once_cell_destroy(&cell);
}

/* ---- Many, and wakers that do things ---- */

enum { MANY = 150 };

static chp_once_op many[MANY];
static int told;

static void finish_in_waker(void *data)
{
	chp_once_op *o = data;

	told += chp_op_poll(&o->op, NULL) == 0;
	memset(o, 0xdd, sizeof(*o));
}

static void give_up_in_waker(void *data)
{
	chp_once_op *o = data;

	told += chp_op_cancel(&o->op) == CHP_HELD_NOTHING;
	memset(o, 0xdd, sizeof(*o));
}

static void pass_on_in_waker(void *data)
{
	chp_once_op *o = data;

	told += chp_op_cancel(&o->op) == CHP_GAVE_BACK;
	memset(o, 0xdd, sizeof(*o));
}

static void nothing(void *data)
{
	(void)data;
}

static void start_many(void (*in_waker)(void *data), bool watchers)
{
	static chp_waker_class cls;

	cls = (chp_waker_class){ in_waker, nothing, nothing };
	told = 0;
	for (int i = 0; i < MANY; i++) {
		chp_poll_ctx ctx =
			chp_poll_ctx_of((chp_waker){ &cls, &many[i] });

		if (watchers && i % 3)
			chp_once_cell_wait_op(&many[i], &cell);
		else
			chp_once_cell_begin_op(&many[i], &cell);
		CHECK_CODE(chp_op_poll(&many[i].op, &ctx), CHP_PENDING);
	}
}

static void wakers_may_poll_cancel_and_spoil_all_at_once(void)
{
	occupy();
	start_many(finish_in_waker, true);
	chp_once_cell_finish(&cell);
	CHECK_EQ(told, MANY);
	CHECK_EQ(chp_once_cell_take(&cell), 1);

	occupy();
	start_many(give_up_in_waker, true);
	chp_once_cell_finish(&cell);
	CHECK_EQ(told, MANY);
	CHECK_EQ(chp_once_cell_take(&cell), 1);
}

/* Each from inside the wake of the one before. */
static void a_turn_may_go_through_the_whole_queue_in_wakers(void)
{
	occupy();
	start_many(pass_on_in_waker, false);
	chp_once_cell_fail(&cell);
	CHECK_EQ(told, MANY);
	check_empty(&cell);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(the_turn_goes_round_in_the_order_of_first_polls, IN_ALL),
	TEST(an_operation_holds_nothing_before_its_first_poll, IN_ALL),
	TEST(the_newest_waker_is_woken, IN_ALL),
	TEST(a_place_may_be_taken_without_a_waker, IN_ALL),
	TEST(giving_up_a_place_leaves_no_trace, IN_ALL),
	TEST(a_turn_given_and_not_fetched_goes_to_the_next, IN_ALL),
	TEST(giving_up_after_the_value_came_gives_nothing_back, IN_ALL),
	TEST(a_watcher_gives_up_at_any_time, IN_ALL),
	TEST(a_loser_of_a_select_passes_its_turn_on, IN_ALL),
	TEST(wakers_may_poll_cancel_and_spoil_all_at_once, IN_THREADS | IN_MT),
	TEST(a_turn_may_go_through_the_whole_queue_in_wakers, IN_THREADS),
};
/* clang-format on */
H_MAIN("once_cell_op", tests)
