/*
 * scenario_group.c - task groups: members that end, fail, are aborted before
 * they run, and are given to those who wait for the next, against the one who
 * finishes the group and then frees it.  Members are threads that do what the
 * scheduler does with a task; they have been spawned, or are while they run.
 */
#include <chappe/group.h>

#include "hand.h"
#include "task/task.h"

enum { MEMBERS = 2 };

static struct member {
	struct task task;
	struct os_event spawned;
} members[MEMBERS];

static chp_group *group;
static unsigned spawned, codes, plain[MEMBERS];
static bool refuse;
static chp_word ran, dropped, served;

/* The group's: the member's record. */
int chp_spawn_with(chp_task *task, void *(*fn)(void *arg), void *arg,
		   const chp_task_options *options)
{
	struct member *m = &members[spawned];
	struct outcome *o = &m->task.outcome;

	if (refuse)
		return CHP_ENOMEM;
	o->agent.cls = &chp__task_class;
	chp__agent_start(&o->agent, 200 + spawned++, NULL, 128);
	o->fn = fn;
	o->arg = arg;
	o->arg_drop = options->arg_drop;
	o->result_drop = options->result_drop;
	store64_relaxed(&o->end, end_word(agent_id(&o->agent), RUNNING));
	/* A wake by who aborts it finds a token, and nobody asleep. */
	store_relaxed(&m->task.token, TOKEN_EMPTY);
	task->agent = agent_handle(&o->agent);
	chp__event_set(&m->spawned);
	return 0;
}

/* ---- Members ---- */

/* Bit i of codes: member i fails. */
static int work(void *arg)
{
	unsigned i = (unsigned)((unsigned *)arg - plain);

	plain[i] = 1;
	add_relaxed(&ran, 1);
	return codes & 1u << i ? -5 : (int)i + 1;
}

static void drop(void *arg)
{
	*(unsigned *)arg = 2;
	add_relaxed(&dropped, 1);
}

static void spawn(unsigned i)
{
	chp_task_options options = { .arg_drop = drop };

	MODEL_CHECK(chp_group_spawn_with(group, work, &plain[i], &options) ==
		    0);
}

static void be_member(unsigned i)
{
	struct outcome *o = &members[i].task.outcome;

	chp__event_wait(&members[i].spawned, 0);
	chp__outcome_run(o);
	chp__outcome_end(o);
}

static void member_0(void)
{
	be_member(0);
}

static void member_1(void)
{
	be_member(1);
}

/* ---- Groups ---- */

static void make(unsigned flags)
{
	group = model_alloc(sizeof(*group));
	MODEL_CHECK(chp_group_init(group, NULL, 0, flags) == 0);
}

static void make_two_with(unsigned flags, unsigned failing)
{
	make(flags);
	codes = failing;
	for (unsigned i = 0; i < MEMBERS; i++)
		spawn(i);
}

static void make_two(void)
{
	make_two_with(0, 0);
}

/* What members did comes before; nothing touches the group any more. */
static void finish(int code)
{
	MODEL_CHECK(chp_group_finish(group) == code);
	for (unsigned i = 0; i < spawned; i++)
		MODEL_CHECK(plain[i] == 1 || plain[i] == 2);
	model_free(group, sizeof(*group));
}

static void finish_well(void)
{
	finish(0);
}

static void all_slots_free(void)
{
	for (unsigned i = 0; i < spawned; i++)
		MODEL_CHECK(!load64_relaxed(&members[i].task.outcome.end));
	MODEL_CHECK(load_relaxed(&ran) + load_relaxed(&dropped) == spawned);
}

static void all_ran(void)
{
	all_slots_free();
	MODEL_CHECK(!load_relaxed(&dropped));
}

SCENARIO(group_finish, .setup = make_two,
	 .threads = { finish_well, member_0, member_1 }, .check = all_ran,
	 .bound = 2);

/* ---- One fails: the other is aborted, or has run before ---- */

static void make_one_fails(void)
{
	make_two_with(0, 1);
}

static void finish_badly(void)
{
	finish(-5);
}

static void aborted_or_not(void)
{
	all_slots_free();
	model_reached(load_relaxed(&dropped));
}

SCENARIO(group_fail, .setup = make_one_fails,
	 .threads = { finish_badly, member_0, member_1 },
	 .check = aborted_or_not, .bound = 2, .must_reach = 3);

static void make_keeps_going(void)
{
	make_two_with(CHP_GROUP_KEEP_GOING, 1);
}

SCENARIO(group_keep_going, .setup = make_keeps_going,
	 .threads = { finish_badly, member_0, member_1 }, .check = all_ran,
	 .bound = 2);

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
	 .threads = { cancel_and_finish, member_0, member_1 },
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
	chp_task_options options = { .arg_drop = drop };

	make(0);
	MODEL_CHECK(chp_group_spawn_with(group, heed_the_token, &plain[0],
					 &options) == 0);
}

static void finish_interrupted(void)
{
	MODEL_CHECK(chp_interrupt(chp_agent_current()) == 0);
	finish(CHP_EINTR);
}

static void heard_or_not(void)
{
	model_reached(load_relaxed(&ran));
}

SCENARIO(group_interrupted, .setup = make_heeding,
	 .threads = { finish_interrupted, member_0 }, .check = heard_or_not,
	 .bound = 3, .must_reach = 2);

/* ---- Spawned while the group is cancelled ---- */

static void make_empty(void)
{
	make(0);
}

static void spawn_and_finish(void)
{
	chp_task_options options = { .arg_drop = drop };
	int r = chp_group_spawn_with(group, work, &plain[0], &options);

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

/* ---- The next ---- */

static void make_results(void)
{
	make_two_with(CHP_GROUP_RESULTS, 0);
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
	finish(0);
}

SCENARIO(group_next, .setup = make_results,
	 .threads = { take_all, member_0, member_1 }, .check = all_ran,
	 .bound = 2);

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
	all_ran();
}

SCENARIO(group_next_given_up, .setup = make_results,
	 .threads = { give_up_then_take_all, member_0, member_1 },
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
	finish(0);
}

/* Both members, one after the other. */
static void both_members(void)
{
	for (unsigned i = 0; i < MEMBERS; i++) {
		chp__outcome_run(&members[i].task.outcome);
		chp__outcome_end(&members[i].task.outcome);
	}
}

static void make_results_of_both(void)
{
	make_results();
	/* Told otherwise: they have been spawned. */
	chp__event_wait(&members[0].spawned, 0);
}

SCENARIO(group_next_two, .setup = make_results_of_both,
	 .threads = { ask_until_none, ask_and_finish, both_members },
	 .check = all_ran, .bound = 2);

/* ---- By hand ---- */

static void are_done(int r)
{
	MODEL_CHECK(r == 0 && plain[0] == 1 && plain[1] == 1);
}

BY_HAND(group_all, chp_group_op, make_two(), chp_group_wait_op(&op, group),
	are_done(r), both_members(), finish(0));

static chp_group_result got;

static void is_one(int r)
{
	MODEL_CHECK(r == 1);
	is_result(&got);
}

BY_HAND(group_one, chp_group_op, make_results(),
	chp_group_next_op(&op, group, &got), is_one(r), both_members(),
	finish(0));

/* Another waker, once; then it is that one that must come. */
static void wait_with_another(void)
{
	chp_group_op op;
	int r;

	chp_group_wait_op(&op, group);
	r = hand_poll_with(&op.op, &hand_first);
	if (r == CHP_PENDING)
		r = hand_poll_with(&op.op, &hand_second);
	while (r == CHP_PENDING) {
		chp__event_wait(&hand_second.event, 0);
		r = hand_poll_with(&op.op, &hand_second);
	}
	are_done(r);
}

static void finished_by_hand(void)
{
	hand_end();
	finish(0);
}

SCENARIO(group_all_another, .setup = make_two,
	 .threads = { wait_with_another, both_members },
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
	member_0();
	chp__event_wait(&first_served, 0);
	member_1();
}

SCENARIO(group_given_back, .setup = make_results,
	 .threads = { give_up, take_what_is_left, members_in_turn },
	 .check = finished_by_hand, .bound = 2, .must_reach = 3);

/* ---- A spawn that fails, and was all that one waited for ---- */

static void make_refusing(void)
{
	make(0);
	refuse = true;
}

static void spawn_in_vain(void)
{
	MODEL_CHECK(chp_group_spawn(group, work, &plain[0]) == CHP_ENOMEM);
}

static void wait_for_all(void)
{
	MODEL_CHECK(chp_group_wait(group) == 0);
}

static void none_left(void)
{
	MODEL_CHECK(chp_group_count(group) == 0);
	finish(0);
}

SCENARIO(group_refused, .setup = make_refusing,
	 .threads = { spawn_in_vain, wait_for_all }, .check = none_left,
	 .bound = 3);
