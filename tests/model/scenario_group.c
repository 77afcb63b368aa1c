/*
 * scenario_group.c - task groups: members that end, fail, are aborted before
 * they run, against the one who finishes the group and then frees it.
 */
#include "group_pair.h"

static void make_two(void)
{
	pair_make_two(0, 0);
}

static void finish_well(void)
{
	pair_finish(0);
}

SCENARIO(group_finish, .setup = make_two,
	 .threads = { finish_well, pair_member_0, pair_member_1 },
	 .check = pair_all_ran, .bound = 2);

/* ---- One fails: the other is aborted, or has run before ---- */

static void make_one_fails(void)
{
	pair_make_two(0, 1);
}

static void finish_badly(void)
{
	pair_finish(-5);
}

static void aborted_or_not(void)
{
	pair_slots_free();
	model_reached(load_relaxed(&dropped));
}

SCENARIO(group_fail, .setup = make_one_fails,
	 .threads = { finish_badly, pair_member_0, pair_member_1 },
	 .check = aborted_or_not, .bound = 2, .must_reach = 3);

static void make_keeps_going(void)
{
	pair_make_two(CHP_GROUP_KEEP_GOING, 1);
}

SCENARIO(group_keep_going, .setup = make_keeps_going,
	 .threads = { finish_badly, pair_member_0, pair_member_1 },
	 .check = pair_all_ran, .bound = 2);

/* Whoever cancels does so before it is finished. */
static void cancel_and_finish(void)
{
	int r;

	chp_group_cancel(group);
	r = chp_group_finish(group);
	MODEL_CHECK(r == CHP_ECANCELED || r == 0);
	model_free(group, sizeof(*group));
}

SCENARIO(group_cancel, .setup = make_two,
	 .threads = { cancel_and_finish, pair_member_0, pair_member_1 },
	 .check = aborted_or_not, .bound = 2, .must_reach = 7);

/* ---- Whoever finishes is interrupted: that is why, not what is said by a
   member that has heard of it by the token ---- */

static int heed_the_token(void *arg)
{
	*(unsigned *)arg = 1;
	add_relaxed(&ran, 1);
	return chp_cancel_status(chp_group_token(group));
}

static void make_heeding(void)
{
	chp_task_options options = { .arg_drop = pair_drop };

	pair_make(0);
	MODEL_CHECK(chp_group_spawn_with(group, heed_the_token, &plain[0],
					 &options) == 0);
}

static void finish_interrupted(void)
{
	MODEL_CHECK(chp_interrupt(chp_agent_current()) == 0);
	pair_finish(CHP_EINTR);
}

static void heard_or_not(void)
{
	model_reached(load_relaxed(&ran));
}

SCENARIO(group_interrupted, .setup = make_heeding,
	 .threads = { finish_interrupted, pair_member_0 },
	 .check = heard_or_not, .bound = 3, .must_reach = 2);

/* ---- Spawned while the group is cancelled ---- */

static void make_empty(void)
{
	pair_make(0);
}

static void spawn_and_finish(void)
{
	chp_task_options options = { .arg_drop = pair_drop };
	int r = chp_group_spawn_with(group, pair_work, &plain[0], &options);

	MODEL_CHECK(r == 0 || r == CHP_ECANCELED);
	if (r)
		chp__event_set(&members[0].spawned);
	model_reached(r == 0);
	/* Behind the one who cancels. */
	chp__event_wait(&members[1].spawned, 0);
	r = chp_group_finish(group);
	MODEL_CHECK(r == CHP_ECANCELED || r == 0);
	model_free(group, sizeof(*group));
}

static void cancel(void)
{
	chp_group_cancel(group);
	chp__event_set(&members[1].spawned);
}

static void member_if_spawned(void)
{
	struct outcome *o = &members[0].task.outcome;

	chp__event_wait(&members[0].spawned, 0);
	if (!spawned)
		return;
	chp__outcome_run(o);
	chp__outcome_end(o);
}

SCENARIO(group_spawn_cancel, .setup = make_empty,
	 .threads = { spawn_and_finish, cancel, member_if_spawned },
	 .check = aborted_or_not, .bound = 2, .must_reach = 3);

/* ---- A spawn that fails, and was all that one waited for ---- */

static void make_refusing(void)
{
	pair_make(0);
	refuse = true;
}

static void spawn_in_vain(void)
{
	MODEL_CHECK(chp_group_spawn(group, pair_work, &plain[0]) == CHP_ENOMEM);
}

static void wait_for_all(void)
{
	MODEL_CHECK(chp_group_wait(group) == 0);
}

static void none_left(void)
{
	MODEL_CHECK(chp_group_count(group) == 0);
	pair_finish(0);
}

SCENARIO(group_refused, .setup = make_refusing,
	 .threads = { spawn_in_vain, wait_for_all }, .check = none_left,
	 .bound = 3);
