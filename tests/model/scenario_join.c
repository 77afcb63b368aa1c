/*
 * scenario_join.c - the end of a task against those who have its handle: join,
 * by hand and twice at once, ask, detach; a value that must be destroyed, once,
 * by the right one.  The ender is a thread that does what the task and its
 * worker do last.
 */
#include "hand.h"
#include "os/relax.h"
#include "task/task.h"

static struct task slot;
static chp_task handle;
static int plain; /* what the task did before it ended */
static chp_word drops, joined, refused;
static bool has_ended; /* the ender touches the slot no more */

static void drop(void *value)
{
	MODEL_CHECK(value == &plain && plain == 1);
	add_relaxed(&drops, 1);
}

static void make_with(void (*result_drop)(void *value), enum end_state state)
{
	struct outcome *o = &slot.outcome;

	chp__agent_start(&o->agent, 100, "", 128);
	o->end.v = end_word(100, state);
	o->result_drop = result_drop;
	handle.agent = agent_handle(&o->agent);
}

static void make(void)
{
	make_with(NULL, RUNNING);
}

static void make_droppable(void)
{
	make_with(drop, RUNNING);
}

static void finish(void)
{
	plain = 1;
	chp__outcome_finish(&slot.outcome, true, &plain);
	chp__outcome_end(&slot.outcome);
}

static void is_right(int r, const chp_outcome *outcome)
{
	MODEL_CHECK(r == 0);
	MODEL_CHECK(outcome->fate == CHP_RETURNED && outcome->value == &plain);
	MODEL_CHECK(plain == 1);
	MODEL_CHECK(!handle.agent.id);
	add_relaxed(&joined, 1);
}

/* ---- One joins ---- */

static chp_outcome got;

BY_HAND(join, chp_join_op, make(), chp_task_join_op(&op, &handle, &got),
	is_right(r, &got), finish(),
	MODEL_CHECK(load64_relaxed(&slot.outcome.end) ==
		    (load_relaxed(&joined) ? 0 : end_word(100, DONE))));
BY_HAND(join_droppable, chp_join_op, make_droppable(),
	chp_task_join_op(&op, &handle, &got), is_right(r, &got), finish(),
	MODEL_CHECK(load_relaxed(&drops) == 0));

/* Nobody wants the value. */
static void join_for_nothing(void)
{
	MODEL_CHECK(chp_join(&handle, NULL) == 0);
	MODEL_CHECK(plain == 1 && load_relaxed(&drops) == 1);
}

static void was_dropped(void)
{
	MODEL_CHECK(load_relaxed(&drops) == 1);
	MODEL_CHECK(load64_relaxed(&slot.outcome.end) == 0);
}

SCENARIO(join_for_nothing, .setup = make_droppable,
	 .threads = { join_for_nothing, finish }, .check = was_dropped,
	 .bound = 3);

/* ---- Two with the same handle ---- */

static void join_copy(void)
{
	chp_task copy = handle;
	chp_outcome outcome;
	int r = chp_join(&copy, &outcome);

	if (r == 0) {
		MODEL_CHECK(outcome.value == &plain && plain == 1);
		MODEL_CHECK(!copy.agent.id);
		add_relaxed(&joined, 1);
	} else {
		MODEL_CHECK(r == CHP_EINVAL);
		add_relaxed(&refused, 1);
	}
}

static void one_joined(void)
{
	model_reached(load_relaxed(&refused));
	MODEL_CHECK(load_relaxed(&joined) == 1);
	MODEL_CHECK(load_relaxed(&refused) == 1);
	MODEL_CHECK(load64_relaxed(&slot.outcome.end) == 0);
}

SCENARIO(join_twice, .setup = make, .threads = { join_copy, join_copy, finish },
	 .check = one_joined, .bound = 2);

/* ---- Asking ---- */

static void ask(void)
{
	unsigned spins = 0;

	while (!chp_task_is_finished(&handle))
		chp__relax(&spins);
	MODEL_CHECK(plain == 1);
}

SCENARIO(join_is_finished, .setup = make, .threads = { ask, finish },
	 .bound = 3);
SCENARIO(join_is_finished_droppable, .setup = make_droppable,
	 .threads = { ask, finish }, .bound = 3);

/* ---- Detaching ---- */

static void detach(void)
{
	MODEL_CHECK(chp_task_detach(&handle) == 0);
	MODEL_CHECK(!handle.agent.id);
}

/* By whoever is last; by nobody's scheduler. */
static void end_or_drop(void)
{
	finish();
	has_ended = true;
}

static void detached(void)
{
	MODEL_CHECK(has_ended);
	was_dropped();
}

SCENARIO(join_detach, .setup = make_droppable,
	 .threads = { detach, end_or_drop }, .check = detached, .bound = 3);

static void make_detached(void)
{
	make_with(drop, DETACHED);
}

SCENARIO(join_detached, .setup = make_detached, .threads = { end_or_drop },
	 .check = detached);

static void detach_copy(void)
{
	chp_task copy = handle;
	int r = chp_task_detach(&copy);

	MODEL_CHECK(r == 0 || r == CHP_EINVAL);
	add_relaxed(r ? &refused : &joined, 1);
}

static void join_or_drop_copy(void)
{
	chp_task copy = handle;
	int r = chp_join(&copy, NULL);

	MODEL_CHECK(r == 0 || r == CHP_EINVAL);
	add_relaxed(r ? &refused : &joined, 1);
}

SCENARIO(join_or_detach, .setup = make_droppable,
	 .threads = { detach_copy, join_or_drop_copy, finish },
	 .check = one_joined, .bound = 2);

/* ---- A joiner that gives up ---- */

static void give_up(void)
{
	chp_join_op op;

	chp_task_join_op(&op, &handle, NULL);
	if (hand_poll_with(&op.op, &hand_first) == CHP_PENDING) {
		chp_op_cancel(&op.op);
		model_reached(0);
		/* Free to do otherwise. */
		MODEL_CHECK(chp_task_detach(&handle) == 0);
	}
	MODEL_CHECK(!handle.agent.id);
}

static void gave_up(void)
{
	hand_end();
	was_dropped();
}

SCENARIO(join_give_up_detach, .setup = make_droppable,
	 .threads = { give_up, finish }, .check = gave_up, .bound = 3,
	 .must_reach = 1);

static void gave_up_nothing(void)
{
	hand_end();
	MODEL_CHECK(load64_relaxed(&slot.outcome.end) == 0);
}

SCENARIO(join_give_up_detach_plain, .setup = make,
	 .threads = { give_up, finish }, .check = gave_up_nothing, .bound = 3,
	 .must_reach = 1);

/* One after the other, or one is refused. */
static void give_up_copy(void)
{
	chp_task copy = handle;
	chp_join_op op;
	int r;

	chp_task_join_op(&op, &copy, NULL);
	r = hand_poll_with(&op.op, &hand_first);
	MODEL_CHECK(r == CHP_PENDING || r == CHP_EINVAL);
	if (r == CHP_PENDING)
		chp_op_cancel(&op.op);
	add_relaxed(r ? &refused : &joined, 1);
}

static void still_running(void)
{
	hand_end();
	MODEL_CHECK(load64_relaxed(&slot.outcome.end) ==
		    end_word(100, RUNNING));
}

SCENARIO(join_give_up_twice, .setup = make,
	 .threads = { give_up_copy, give_up_copy }, .check = still_running,
	 .bound = 3);

/* ---- Aborted before it runs ---- */

static int reason;

static void never_run(void *arg)
{
	MODEL_CHECK(arg == &plain && reason == 1);
	add_relaxed(&drops, 1);
}

static void *run_it(void *arg)
{
	return arg;
}

static void make_abortable(void)
{
	struct outcome *o = &slot.outcome;

	make();
	o->agent.cls = &chp__task_class;
	o->fn = run_it;
	o->arg = &plain;
	o->arg_drop = never_run;
}

static void run_and_end(void)
{
	chp__outcome_run(&slot.outcome);
	chp__outcome_end(&slot.outcome);
}

static void abort_it(void)
{
	reason = 1;
	chp_task_abort(&handle);
}

/* Never run, or returned. */
static void ran_or_dropped(void)
{
	chp_outcome outcome;
	unsigned n = load_relaxed(&drops);

	MODEL_CHECK(chp_join(&handle, &outcome) == 0);
	MODEL_CHECK(outcome.fate == (n ? CHP_NEVER_RUN : CHP_RETURNED));
	MODEL_CHECK(outcome.value == (n ? NULL : &plain));
	model_reached(n);
}

SCENARIO(join_aborted, .setup = make_abortable,
	 .threads = { run_and_end, abort_it }, .check = ran_or_dropped,
	 .must_reach = 3);
