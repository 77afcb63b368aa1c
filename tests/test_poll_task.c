/*
 * test_poll_task.c - the life of a stackless task: spawned, polled, joined by
 * all who can join, aborted and interrupted at every moment.
 */
#include "stackless.h"

/* ---- Ending ---- */

static void its_value_is_its_state(void)
{
	int state;
	chp_task t;

	reset();
	CHECK_CODE(chp_spawn_poll(&t, end_at_once, &state), 0);
	ends_as(&t, CHP_RETURNED, &state);
	CHECK_EQ(runs, 1);
	CHECK_CODE(chp_spawn_poll(NULL, end_at_once, NULL), 0);
	h_until(runs == 2);
}

static void bad_arguments_are_refused(void)
{
	chp_task t = { { NULL, 0 } };

	CHECK_CODE(chp_spawn_poll(&t, NULL, &t), CHP_EINVAL);
	CHECK_EQ(t.agent.id, 0);
}

static void without_a_runtime_one_must_be_named(void)
{
	chp_task_options options = dropping;
	struct waiter w = { .r = 1 };
	chp_task t;

	reset();
	CHECK_CODE(chp_spawn_poll(&t, end_at_once, &w), CHP_EINVAL);
	for (int i = 0; i < KINDS - 1; i++) {
		options.runtime = make_runtime(&kinds[i]);
		CHECK_CODE(chp_spawn_poll_with(&t, end_at_once, &w, &options),
			   0);
		ends_as(&t, CHP_RETURNED, &w);
		shut_down(options.runtime);
	}
	CHECK_EQ(arg_drops + result_drops, 0);
}

/* ---- Joining ---- */

static void *join_it(void *task)
{
	chp_outcome o;

	CHECK_CODE(chp_join(task, &o), 0);
	CHECK_EQ(o.fate, CHP_RETURNED);
	runs++;
	return o.value;
}

static void a_thread_and_a_task_join_it(void)
{
	struct h_agent joiner;
	struct waiter w;

	reset();
	for (long i = h_rounds(100); i > 0; i--) {
		spawn_at_the_gate(&w);
		h_spawn_thread(&joiner, join_it, &w.task);
		h_let_others_run();
		chp_semaphore_release(&gate, 1);
		h_until(runs);
		runs = 0;
		CHECK(h_join_thread(&joiner) == &w);

		spawn_at_the_gate(&w);
		h_spawn(&joiner, join_it, &w.task);
		chp_semaphore_release(&gate, 1);
		CHECK(h_join(&joiner) == &w);
		runs = 0;
	}
}

static void a_select_joins_it(void)
{
	chp_outcome outcome = { CHP_ABORTED, NULL };
	chp_sleep_op sleep;
	chp_join_op join;
	struct waiter w;
	chp_select_arm arms[] = { { .op = &join.op }, { .op = &sleep.op } };

	reset();
	spawn_at_the_gate(&w);
	chp_task_join_op(&join, &w.task, &outcome);
	chp_sleep_until_op(&sleep, chp_in(CHP_MS));
	CHECK_EQ(chp_select(arms, 2, CHP_CANCEL_LOSERS), 1);
	chp_semaphore_release(&gate, 1);
	chp_task_join_op(&join, &w.task, &outcome);
	chp_sleep_until_op(&sleep, chp_in(3600 * CHP_SEC));
	CHECK_EQ(chp_select(arms, 2, CHP_CANCEL_LOSERS), 0);
	CHECK(outcome.value == &w);
	CHECK_EQ(outcome.fate, CHP_RETURNED);
}

static void it_joins_others(void)
{
	struct waiter outer, inner;
	chp_join_op join;

	reset();
	spawn_at_the_gate(&inner);
	chp_task_join_op(&join, &inner.task, NULL);
	spawn_waiter(&outer, &join.op);
	h_until(h_load(&outer.rests));
	chp_semaphore_release(&gate, 1);
	join_waiter(&outer, CHP_RETURNED, 0);
	CHECK_EQ(inner.task.agent.id, 0);
	CHECK_CODE(inner.r, 0);
}

/* ---- What nobody takes ---- */

static void detached_its_state_is_dropped(void)
{
	chp_task_options options = dropping;
	static struct waiter w;

	for (long i = h_rounds(200); i > 0; i--) {
		reset();
		memset(&w, 0, sizeof(w));
		chp_semaphore_acquire_op(&w.acquire, &gate, 1);
		w.op = &w.acquire.op;
		CHECK_CODE(chp_spawn_poll_with(&w.task, await_it, &w, &options),
			   0);
		if (i % 2)
			h_until(h_load(&w.rests));
		CHECK_CODE(chp_task_detach(&w.task), 0);
		CHECK_EQ(result_drops, 0);
		chp_semaphore_release(&gate, 1);
		h_until(result_drops == 1);
		CHECK(dropped == &w);
	}
	CHECK_EQ(arg_drops, 0);
}

static void joined_without_an_outcome_its_state_is_dropped(void)
{
	chp_task t;

	reset();
	CHECK_CODE(chp_spawn_poll_with(&t, end_at_once, &t, &dropping), 0);
	CHECK_CODE(chp_join(&t, NULL), 0);
	CHECK_EQ(result_drops, 1);
	CHECK(dropped == &t);
}

/* ---- Aborting and interrupting ---- */

static int never_polled(void *state, chp_poll_ctx *ctx)
{
	(void)state;
	(void)ctx;
	CHECK(!"this must not run");
	return 0;
}

static void *abort_before_the_first_poll(void *arg)
{
	chp_task t;
	int state;

	reset();
	CHECK_CODE(chp_spawn_poll_with(&t, never_polled, &state, &dropping), 0);
	CHECK_CODE(chp_task_abort(&t), 0);
	ends_as(&t, CHP_NEVER_RUN, NULL);
	CHECK_EQ(arg_drops, 1);
	CHECK_EQ(result_drops, 0);
	CHECK(dropped == &state);
	return arg;
}

static void aborted_before_its_first_poll_it_never_runs(void)
{
	with_one_worker(abort_before_the_first_poll);
}

static void *interrupt_before_the_first_poll(void *arg)
{
	struct waiter w;

	reset();
	chp_semaphore_release(&gate, 1);
	spawn_at_the_gate(&w);
	CHECK_CODE(chp_interrupt(w.task.agent), 0);
	join_waiter(&w, CHP_RETURNED, CHP_EINTR);
	CHECK_EQ(chp_semaphore_available(&gate), 1);
	return arg;
}

static void interrupted_before_its_first_poll_its_await_says_so(void)
{
	with_one_worker(interrupt_before_the_first_poll);
}

static void an_abort_never_takes_a_permit_along(void)
{
	struct waiter w;
	int granted = 0;
	chp_outcome o;
	long rounds = h_rounds(3000);

	reset();
	for (long i = 0; i < rounds; i++) {
		spawn_at_the_gate(&w);
		if (i % 3)
			h_until(h_load(&w.rests));
		if (i % 2)
			chp_semaphore_release(&gate, 1);
		CHECK(chp_task_abort(&w.task) == 0 || i % 2);
		CHECK_CODE(chp_join(&w.task, &o), 0);
		if (o.fate != CHP_RETURNED)
			CHECK(o.fate == CHP_NEVER_RUN || w.r == CHP_EABORTED);
		else
			CHECK_CODE(w.r, 0);
		granted += o.fate == CHP_RETURNED;
		if (o.fate != CHP_RETURNED && i % 2)
			CHECK_CODE(chp_semaphore_try_acquire(&gate, 1), 0);
		CHECK_EQ(chp_semaphore_available(&gate), 0);
		CHECK_EQ(chp_semaphore_queue_length(&gate), 0);
	}
	CHECK(granted <= rounds / 2);
}

static void an_interrupt_does_not_undo_what_was_granted(void)
{
	struct waiter w;

	reset();
	for (long i = h_rounds(500); i > 0; i--) {
		spawn_at_the_gate(&w);
		h_until(chp_semaphore_queue_length(&gate) == 1);
		chp_semaphore_release(&gate, 1);
		chp_interrupt(w.task.agent);
		join_waiter(&w, CHP_RETURNED, 0);
	}
}

static int poll_by_hand(void *state, chp_poll_ctx *ctx)
{
	struct waiter *w = state;
	int r = chp_op_poll(w->op, ctx);

	if (r == CHP_PENDING)
		r = chp_check();
	if (r == 0 && !chp_op_is_finished(w->op)) {
		h_add(&w->rests, 1);
		return CHP_PENDING;
	}
	if (!chp_op_is_finished(w->op))
		chp_op_cancel(w->op);
	w->r = r;
	return r;
}

static void polled_by_hand_it_asks_for_itself(void)
{
	struct waiter w = { .r = 77 };

	reset();
	for (int i = 0; i < 3; i++) {
		h_store(&w.rests, 0);
		chp_semaphore_acquire_op(&w.acquire, &gate, 1);
		w.op = &w.acquire.op;
		CHECK_CODE(chp_spawn_poll(&w.task, poll_by_hand, &w), 0);
		h_until(h_load(&w.rests));
		if (i == 0)
			chp_semaphore_release(&gate, 1);
		else if (i == 1)
			CHECK_CODE(chp_interrupt(w.task.agent), 0);
		else
			CHECK_CODE(chp_task_abort(&w.task), 0);
		join_waiter(&w, i < 2 ? CHP_RETURNED : CHP_ABORTED,
			    i == 0   ? 0
			    : i == 1 ? CHP_EINTR
				     : CHP_EABORTED);
	}
	CHECK_EQ(chp_semaphore_queue_length(&gate), 0);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(its_value_is_its_state, IN_TASKS),
	TEST(bad_arguments_are_refused, IN_TASKS),
	TEST(without_a_runtime_one_must_be_named, ON_ITS_OWN),
	TEST(a_thread_and_a_task_join_it, IN_TASKS),
	TEST(a_select_joins_it, IN_TASKS),
	TEST(it_joins_others, IN_TASKS),
	TEST(detached_its_state_is_dropped, IN_TASKS),
	TEST(joined_without_an_outcome_its_state_is_dropped, IN_TASKS),
	TEST(aborted_before_its_first_poll_it_never_runs, ON_ITS_OWN),
	TEST(interrupted_before_its_first_poll_its_await_says_so, ON_ITS_OWN),
	TEST(an_abort_never_takes_a_permit_along, IN_TASKS),
	TEST(an_interrupt_does_not_undo_what_was_granted, IN_TASKS),
	TEST(polled_by_hand_it_asks_for_itself, IN_TASKS),
};
/* clang-format on */

H_MAIN("poll_task", tests)
