/*
 * scenario_group_next.c - the members of a task group, given to those who wait
 * for the next that ends; and groups waited for by hand.
 */
#include "group_pair.h"

static chp_word served;

static void make_two(void)
{
	pair_make_two(0, 0);
}

/* ---- The next ---- */

static void make_results(void)
{
	pair_make_two(CHP_GROUP_RESULTS, 0);
}

static void is_result(const chp_group_result *result)
{
	unsigned i = (unsigned)((unsigned *)result->arg - plain);

	MODEL_CHECK(result->code == (int)i + 1 && plain[i] == 1);
	MODEL_CHECK(!(or_relaxed(&served, 1u << i) & 1u << i));
}

static void take_all(void)
{
	chp_group_result result;

	while (chp_group_next(group, &result) == 1)
		is_result(&result);
	MODEL_CHECK(load_relaxed(&served) == 3);
	pair_finish(0);
}

SCENARIO(group_next, .setup = make_results,
	 .threads = { take_all, pair_member_0, pair_member_1 },
	 .check = pair_all_ran, .bound = 2);

/* One who gives up after it may have been given a member; the member is for
   the next who asks. */
static void give_up_then_take_all(void)
{
	chp_group_result result;
	chp_group_op op;
	int r;

	chp_group_next_op(&op, group, &result);
	r = hand_poll(&op.op);
	if (r == 1)
		is_result(&result);
	else
		model_reached(chp_op_cancel(&op.op) == CHP_GAVE_BACK);
	take_all();
}

static void gave_up(void)
{
	hand_end();
	pair_all_ran();
}

SCENARIO(group_next_given_up, .setup = make_results,
	 .threads = { give_up_then_take_all, pair_member_0, pair_member_1 },
	 .check = gave_up, .bound = 2, .must_reach = 3);

/* Two who ask: one may get both, none gets the other's. */
static void ask_until_none(void)
{
	chp_group_result result;

	while (chp_group_next(group, &result) == 1)
		is_result(&result);
	chp__event_set(&members[0].spawned);
}

static void ask_and_finish(void)
{
	chp_group_result result;

	while (chp_group_next(group, &result) == 1)
		is_result(&result);
	/* The other has returned, too. */
	chp__event_wait(&members[0].spawned, 0);
	MODEL_CHECK(load_relaxed(&served) == 3);
	pair_finish(0);
}

static void make_results_of_both(void)
{
	make_results();
	/* Told otherwise: they have been spawned. */
	chp__event_wait(&members[0].spawned, 0);
}

SCENARIO(group_next_two, .setup = make_results_of_both,
	 .threads = { ask_until_none, ask_and_finish, pair_both_members },
	 .check = pair_all_ran, .bound = 2);

/* ---- By hand ---- */

static void are_done(int r)
{
	MODEL_CHECK(r == 0 && plain[0] == 1 && plain[1] == 1);
}

BY_HAND(group_all, chp_group_op, make_two(), chp_group_wait_op(&op, group),
	are_done(r), pair_both_members(), pair_finish(0));

static chp_group_result got;

static void is_one(int r)
{
	MODEL_CHECK(r == 1);
	is_result(&got);
}

BY_HAND(group_one, chp_group_op, make_results(),
	chp_group_next_op(&op, group, &got), is_one(r), pair_both_members(),
	pair_finish(0));

static void wait_with_another(void)
{
	chp_group_op op;

	chp_group_wait_op(&op, group);
	are_done(hand_run_other(&op.op));
}

static void finished_by_hand(void)
{
	hand_end();
	pair_finish(0);
}

SCENARIO(group_all_another, .setup = make_two,
	 .threads = { wait_with_another, pair_both_members },
	 .check = finished_by_hand, .bound = 2);

/* What one is given, and gives up, the one that waits has at once: before the
   other member ends. */
static struct os_event first_served;

static void give_up(void)
{
	chp_group_op op;

	chp_group_next_op(&op, group, &got);
	if (hand_poll_with(&op.op, &hand_first) == 1) {
		is_result(&got);
		chp__event_set(&first_served);
	} else {
		model_reached(chp_op_cancel(&op.op) == CHP_GAVE_BACK);
	}
}

static void take_what_is_left(void)
{
	chp_group_result result;

	while (chp_group_next(group, &result) == 1) {
		is_result(&result);
		chp__event_set(&first_served);
	}
}

static void members_in_turn(void)
{
	pair_member_0();
	chp__event_wait(&first_served, 0);
	pair_member_1();
}

SCENARIO(group_given_back, .setup = make_results,
	 .threads = { give_up, take_what_is_left, members_in_turn },
	 .check = finished_by_hand, .bound = 2, .must_reach = 3);
