/*
 * test_group.c - task groups: chp_group.
 */
#include "group.h"

/* ---- Waiting for all ---- */

static void finish_waits_for_all(void)
{
	begin(0);
	for (int i = 0; i < 100; i++)
		CHECK_CODE(chp_group_spawn(&group,
					   i % 2 ? add_one : pass_the_gate,
					   NULL),
			   0);
	h_until(chp_semaphore_queue_length(&gate) == 50 &&
		chp_group_count(&group) == 50);
	chp_semaphore_release(&gate, 50);
	CHECK_CODE(chp_group_finish(&group), 0);
	CHECK_EQ(ran, 100);
}

static void an_empty_group_is_finished_at_once(void)
{
	begin(0);
	CHECK_CODE(chp_group_wait(&group), 0);
	CHECK_EQ(chp_group_count(&group), 0);
	CHECK_CODE(chp_group_finish(&group), 0);
}

static void bad_arguments_are_refused(void)
{
	chp_group_result result;
	chp_group_op op;

	CHECK_CODE(chp_group_init(&group, NULL, 0, 1u << 20), CHP_EINVAL);
	begin(0);
	CHECK_CODE(chp_group_spawn(&group, NULL, NULL), CHP_EINVAL);
	CHECK_CODE(chp_group_next(&group, &result), CHP_EINVAL);
	chp_group_next_op(&op, &group, &result);
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_EINVAL);
	CHECK_CODE(chp_group_finish(&group), 0);
}

static void without_a_runtime_nothing_is_spawned(void)
{
	begin(0);
	CHECK_CODE(chp_group_spawn(&group, add_one, NULL), CHP_EINVAL);
	CHECK_EQ(chp_group_count(&group), 0);
	CHECK_CODE(chp_group_finish(&group), 0);
	CHECK_EQ(ran, 0);
}

static void a_wait_may_end_early_and_the_group_goes_on(void)
{
	chp_wait soon;

	begin(0);
	chp_group_spawn(&group, pass_the_gate, NULL);
	soon = (chp_wait){ .deadline = chp_in(2 * CHP_MS) };
	CHECK_CODE(chp_group_wait_with(&group, &soon), CHP_ETIMEDOUT);
	CHECK_EQ(chp_group_count(&group), 1);
	chp_semaphore_release(&gate, 1);
	CHECK_CODE(chp_group_finish(&group), 0);
	CHECK_EQ(ran, 1);
}

static void *wait_for_the_group(void *arg)
{
	CHECK_CODE(chp_group_wait(&group), 0);
	CHECK_EQ(ran, 1);
	return arg;
}

static void threads_and_tasks_may_wait_for_a_group(void)
{
	struct h_agent task, thread;

	begin(0);
	chp_group_spawn(&group, pass_the_gate, NULL);
	h_spawn(&task, wait_for_the_group, NULL);
	h_spawn_thread(&thread, wait_for_the_group, NULL);
	chp_semaphore_release(&gate, 1);
	h_join(&task);
	h_join_thread(&thread);
	CHECK_CODE(chp_group_finish(&group), 0);
}

/* ---- Failing, cancelling ---- */

static void the_first_failure_cancels_the_others(void)
{
	begin(0);
	for (int i = 0; i < 100; i++)
		chp_group_spawn(&group, pass_the_gate, NULL);
	chp_group_spawn(&group, fail_with, (void *)(intptr_t)-77);
	CHECK_CODE(chp_group_finish(&group), -77);
	CHECK_EQ(ran, 0);
	CHECK_EQ(chp_semaphore_queue_length(&gate), 0);
}

static void the_token_is_cancelled_with_the_group(void)
{
	int heard = 0;

	begin(0);
	chp_group_spawn(&group, wait_on_the_token, &heard);
	h_until(chp_semaphore_queue_length(&gate) == 1);
	chp_group_cancel(&group);
	CHECK_CODE(chp_group_finish(&group), CHP_ECANCELED);
	CHECK(heard == CHP_ECANCELED || heard == CHP_EABORTED);
}

static void a_cancelled_group_takes_no_more_tasks(void)
{
	begin(0);
	chp_group_cancel(&group);
	chp_group_cancel(&group);
	CHECK_CODE(chp_group_spawn(&group, add_one, NULL), CHP_ECANCELED);
	CHECK_CODE(chp_group_finish(&group), CHP_ECANCELED);
	CHECK_EQ(ran, 0);
}

static void failures_need_not_cancel(void)
{
	begin(CHP_GROUP_KEEP_GOING);
	chp_group_spawn(&group, pass_the_gate, NULL);
	chp_group_spawn(&group, fail_with, (void *)(intptr_t)-5);
	chp_group_spawn(&group, fail_with, (void *)(intptr_t)-5);
	h_until(chp_group_count(&group) == 1);
	CHECK_CODE(chp_group_spawn(&group, add_one, NULL), 0);
	chp_semaphore_release(&gate, 1);
	CHECK_CODE(chp_group_finish(&group), -5);
	CHECK_EQ(ran, 2);
}

static void tasks_that_never_ran_give_up_their_argument(void)
{
	chp_task_options options = { .arg_drop = count_drop };

	begin(0);
	for (int i = 0; i < 50; i++)
		CHECK_CODE(
			chp_group_spawn_with(&group, add_one, NULL, &options),
			0);
	chp_group_cancel(&group);
	CHECK_CODE(chp_group_finish(&group), CHP_ECANCELED);
	CHECK_EQ(ran + dropped, 50);
}

static void the_deadline_ends_the_group(void)
{
	ran = 0;
	chp_semaphore_init(&gate, 0, CHP_FIFO);
	CHECK_CODE(chp_group_init(&group, NULL, chp_in(3 * CHP_MS), 0), 0);
	for (int i = 0; i < 10; i++)
		chp_group_spawn(&group, pass_the_gate, NULL);
	CHECK_CODE(chp_group_finish(&group), CHP_ETIMEDOUT);
	CHECK_EQ(ran, 0);
}

/* Nobody has cancelled the group: who is aborted by itself has failed. */
static void one_that_is_aborted_fails(void)
{
	begin(0);
	chp_group_spawn(&group, fail_with, (void *)(intptr_t)CHP_EABORTED);
	h_until(chp_group_count(&group) == 0);
	CHECK_CODE(chp_group_finish(&group), CHP_EABORTED);
}

static void a_group_inherits_deadline_and_cancelling(void)
{
	chp_cancel outer;
	int heard = 0;

	begin(0);
	chp_group_finish(&group);
	chp_cancel_init(&outer, NULL, chp_in(3600 * CHP_SEC));
	CHECK_CODE(chp_group_init(&group, &outer, 0, 0), 0);
	CHECK_EQ(chp_cancel_deadline(chp_group_token(&group)),
		 chp_cancel_deadline(&outer));
	chp_group_spawn(&group, wait_on_the_token, &heard);
	chp_group_spawn(&group, pass_the_gate, NULL);
	h_until(chp_semaphore_queue_length(&gate) == 2);
	chp_cancel_now(&outer);
	/* That the second one says what ended it does not hide the reason. */
	CHECK_CODE(chp_group_finish(&group), CHP_ECANCELED);
	CHECK(heard == CHP_ECANCELED || heard == CHP_EABORTED);
	chp_cancel_destroy(&outer);
}

/* Also while nobody is in finish. */
static void a_parent_that_is_cancelled_refuses_new_tasks(void)
{
	chp_cancel outer = CHP_CANCEL_INIT;

	ran = 0;
	CHECK_CODE(chp_group_init(&group, &outer, 0, 0), 0);
	CHECK_CODE(chp_group_spawn(&group, add_one, NULL), 0);
	chp_cancel_now(&outer);
	CHECK_CODE(chp_group_spawn(&group, add_one, NULL), CHP_ECANCELED);
	h_until(chp_group_count(&group) == 0);
	CHECK_CODE(chp_group_finish(&group), CHP_ECANCELED);
	CHECK_EQ(ran, 1);
	chp_cancel_destroy(&outer);
}

static void a_deadline_that_has_passed_refuses_new_tasks(void)
{
	chp_task_options options = { .arg_drop = count_drop };

	ran = dropped = 0;
	CHECK_CODE(chp_group_init(&group, NULL, chp_now() - 1, 0), 0);
	CHECK_CODE(chp_group_spawn_with(&group, add_one, NULL, &options),
		   CHP_ETIMEDOUT);
	CHECK_CODE(chp_group_finish(&group), CHP_ETIMEDOUT);
	CHECK_EQ(ran, 0);
	CHECK_EQ(dropped, 0);
}

static chp_word finished;

static void *finish_the_group(void *arg)
{
	*(int *)arg = chp_group_finish(&group);
	__atomic_store_n(&finished.v, 1, __ATOMIC_SEQ_CST);
	return arg;
}

/* What interrupts the scope cancels its tasks, and they still end first. */
static int clean_up_slowly(void *token)
{
	chp_wait w = { .cancel = token };
	int r = chp_semaphore_acquire_with(&gate, 1, &w);

	chp_shield_enter();
	chp_sleep_for(2 * CHP_MS);
	chp_shield_leave();
	CHECK_EQ(__atomic_load_n(&finished.v, __ATOMIC_SEQ_CST), 0);
	ran++;
	return r;
}

static void interrupting_finish_cancels_and_still_waits(void)
{
	struct h_agent a;
	int code;

	for (int aborts = 0; aborts < 2; aborts++) {
		begin(0);
		finished.v = 0;
		for (int i = 0; i < 5; i++)
			chp_group_spawn(&group, clean_up_slowly,
					i % 2 ? chp_group_token(&group) : NULL);
		h_spawn(&a, finish_the_group, &code);
		h_until(chp_semaphore_queue_length(&gate) == 5);
		if (aborts)
			chp_abort(a.agent);
		else
			chp_interrupt(a.agent);
		h_join(&a);
		CHECK_EQ(ran, 5);
		/* Not what they say who were told by the token. */
		CHECK_CODE(code, aborts ? CHP_EABORTED : CHP_EINTR);
	}
}

/* ---- Growing from inside, storms ---- */

static int branch(void *arg)
{
	intptr_t depth = (intptr_t)arg;

	ran++;
	if (depth > 0)
		for (int i = 0; i < 2; i++)
			CHECK_CODE(chp_group_spawn(&group, branch,
						   (void *)(depth - 1)),
				   0);
	return 0;
}

static void members_spawn_members(void)
{
	begin(0);
	chp_group_spawn(&group, branch, (void *)(intptr_t)9);
	CHECK_CODE(chp_group_finish(&group), 0);
	CHECK_EQ(ran, 1023);
}

static int spawn_on(void *arg)
{
	int r = 0;

	(void)arg;
	ran++;
	for (int i = 0; i < 2 && r == 0; i++)
		r = chp_group_spawn(&group, spawn_on, NULL);
	chp_yield();
	return r == CHP_ECANCELED ? 0 : r;
}

/* A group at work on the stack: cancelled at any time, gone right after. */
static void cancelling_races_spawning_and_ending(void)
{
	for (long i = 0; i < h_rounds(1000); i++) {
		begin(i % 2 ? CHP_GROUP_RESULTS : 0);
		spawn_on(NULL);
		for (long k = 0; k < i % 6; k++)
			chp_yield();
		chp_group_cancel(&group);
		CHECK_CODE(chp_group_finish(&group), CHP_ECANCELED);
		memset(&group, 0x5a, sizeof(group));
	}
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(finish_waits_for_all, IN_TASKS),
	TEST(an_empty_group_is_finished_at_once, IN_BLOCKING),
	TEST(bad_arguments_are_refused, IN_BLOCKING),
	TEST(without_a_runtime_nothing_is_spawned, IN_THREADS),
	TEST(a_wait_may_end_early_and_the_group_goes_on, IN_TASKS),
	TEST(threads_and_tasks_may_wait_for_a_group, IN_TASKS),
	TEST(the_first_failure_cancels_the_others, IN_TASKS),
	TEST(the_token_is_cancelled_with_the_group, IN_TASKS),
	TEST(a_cancelled_group_takes_no_more_tasks, IN_TASKS),
	TEST(failures_need_not_cancel, IN_TASKS),
	TEST(tasks_that_never_ran_give_up_their_argument, IN_TASKS),
	TEST(the_deadline_ends_the_group, IN_TASKS),
	TEST(one_that_is_aborted_fails, IN_TASKS),
	TEST(a_group_inherits_deadline_and_cancelling, IN_TASKS),
	TEST(a_parent_that_is_cancelled_refuses_new_tasks, IN_TASKS),
	TEST(a_deadline_that_has_passed_refuses_new_tasks, IN_TASKS),
	TEST(interrupting_finish_cancels_and_still_waits, IN_TASKS),
	TEST(members_spawn_members, IN_TASKS),
	TEST(cancelling_races_spawning_and_ending, IN_TASKS),
};
/* clang-format on */

H_MAIN("group", tests)
