/*
 * test_group_next.c - how the members of a task group ended, one after the
 * other.
 */
#include "group.h"

static void next_gives_each_once_in_order(void)
{
	chp_group_result result;

	begin(CHP_GROUP_RESULTS | CHP_GROUP_KEEP_GOING);
	for (intptr_t i = 1; i <= 20; i++) {
		chp_group_spawn(&group, fail_with, (void *)-i);
		h_until(chp_group_count(&group) == 0);
	}
	for (intptr_t i = 1; i <= 20; i++) {
		CHECK_EQ(chp_group_next(&group, &result), 1);
		CHECK_EQ(result.code, -i);
		CHECK(result.arg == (void *)-i);
		CHECK(result.id != 0);
	}
	CHECK_EQ(chp_group_next(&group, &result), 0);
	CHECK_CODE(chp_group_finish(&group), -1);
}

static void next_waits(void)
{
	chp_group_result result;
	int got = 0;

	begin(CHP_GROUP_RESULTS);
	for (int i = 0; i < 64; i++)
		chp_group_spawn(&group, i % 4 ? add_one : pass_the_gate, NULL);
	chp_semaphore_release(&gate, 16);
	while (chp_group_next(&group, &result) == 1)
		got++;
	CHECK_EQ(got, 64);
	CHECK_CODE(chp_group_finish(&group), 0);
}

static void a_next_that_ends_early_takes_nothing(void)
{
	chp_wait past = { .deadline = 1 };
	chp_group_result result;

	begin(0);
	CHECK_CODE(chp_group_next_with(&group, &result, NULL), CHP_EINVAL);
	CHECK_CODE(chp_group_finish(&group), 0);
	begin(CHP_GROUP_RESULTS);
	CHECK_CODE(chp_group_next_with(&group, NULL, NULL), CHP_EINVAL);
	chp_group_spawn(&group, pass_the_gate, NULL);
	CHECK_CODE(chp_group_next_with(&group, &result, &past), CHP_ETIMEDOUT);
	CHECK_EQ(chp_group_count(&group), 1);
	chp_semaphore_release(&gate, 1);
	CHECK_CODE(chp_group_next_with(&group, &result, NULL), 1);
	CHECK_CODE(result.code, 0);
	CHECK_CODE(chp_group_next_with(&group, &result, NULL), 0);
	CHECK_CODE(chp_group_finish(&group), 0);
}

static void results_that_nobody_fetches_are_freed(void)
{
	begin(CHP_GROUP_RESULTS);
	for (int i = 0; i < 20; i++)
		chp_group_spawn(&group, add_one, NULL);
	CHECK_CODE(chp_group_finish(&group), 0);
	CHECK_EQ(ran, 20);
}

/* By hand: a result that was handed over and not fetched goes back in front. */
static void a_cancelled_next_loses_nothing(void)
{
	struct h_waker waker = { { 0 } };
	chp_group_result result, other;
	chp_group_op first, second;

	begin(CHP_GROUP_RESULTS | CHP_GROUP_KEEP_GOING);
	chp_group_spawn(&group, pass_the_gate, NULL);
	chp_group_next_op(&first, &group, &result);
	CHECK_CODE(h_poll(&first.op, &waker), CHP_PENDING);
	CHECK_CODE(h_poll(&first.op, &waker), CHP_PENDING);
	chp_group_next_op(&second, &group, &other);
	CHECK_CODE(h_poll(&second.op, &waker), CHP_PENDING);
	CHECK_CODE(chp_op_cancel(&second.op), CHP_HELD_NOTHING);

	chp_semaphore_release(&gate, 1);
	h_until(h_wakes(&waker) == 1);
	chp_group_spawn(&group, fail_with, (void *)(intptr_t)-9);
	h_until(chp_group_count(&group) == 0);
	CHECK_CODE(chp_op_cancel(&first.op), CHP_GAVE_BACK);
	CHECK_EQ(chp_group_next(&group, &result), 1);
	CHECK_EQ(result.code, 0);
	CHECK_EQ(chp_group_next(&group, &result), 1);
	CHECK_EQ(result.code, -9);
	CHECK_CODE(chp_group_finish(&group), -9);
	h_until(h_refs(&waker) == 0);
}

/* Who was served has no more business with the group: it may be over. */
static void what_was_served_outlives_the_group(void)
{
	struct h_waker waker = { { 0 } }, another = { { 0 } };
	chp_group_op next, none, all, given_up;
	chp_group_result result = { .code = 1 };

	begin(CHP_GROUP_RESULTS);
	chp_group_spawn(&group, pass_the_gate, NULL);
	chp_group_next_op(&next, &group, &result);
	CHECK_CODE(h_poll(&next.op, &waker), CHP_PENDING);
	chp_group_next_op(&none, &group, &result);
	CHECK_CODE(h_poll(&none.op, &waker), CHP_PENDING);
	chp_group_wait_op(&all, &group);
	CHECK_CODE(h_poll(&all.op, &waker), CHP_PENDING);
	chp_group_wait_op(&given_up, &group);
	CHECK_CODE(h_poll(&given_up.op, &waker), CHP_PENDING);
	chp_semaphore_release(&gate, 1);
	CHECK_CODE(chp_group_finish(&group), 0);
	h_until(h_wakes(&waker) == 4);
	memset(&group, 0xa5, sizeof(group));
	CHECK_CODE(h_poll(&next.op, &waker), 1);
	CHECK_CODE(result.code, 0);
	CHECK_CODE(h_poll(&none.op, &another), 0);
	CHECK_CODE(h_poll(&all.op, &waker), 0);
	CHECK_CODE(chp_op_cancel(&given_up.op), CHP_HELD_NOTHING);
	CHECK_EQ(h_refs(&waker), 0);
	CHECK_EQ(h_refs(&another), 0);
}

/* In whichever order those give up who were handed the results. */
static void results_that_come_back_keep_their_order(void)
{
	enum { N = 3 };

	for (int order = 0; order < 6; order++) {
		static const int orders[][N] = { { 0, 1, 2 }, { 0, 2, 1 },
						 { 1, 0, 2 }, { 1, 2, 0 },
						 { 2, 0, 1 }, { 2, 1, 0 } };
		struct h_waker waker = { { 0 } };
		chp_group_result results[N], result;
		chp_group_op ops[N];

		begin(CHP_GROUP_RESULTS | CHP_GROUP_KEEP_GOING);
		chp_group_spawn(&group, pass_the_gate, NULL);
		for (int i = 0; i < N; i++) {
			chp_group_next_op(&ops[i], &group, &results[i]);
			CHECK_CODE(h_poll(&ops[i].op, &waker), CHP_PENDING);
		}
		for (int i = 0; i < N; i++) {
			chp_group_spawn(&group, fail_with,
					(void *)(intptr_t)(-1 - i));
			h_until(chp_group_count(&group) == 1);
		}
		for (int i = 0; i < N; i++)
			CHECK_CODE(chp_op_cancel(&ops[orders[order][i]].op),
				   CHP_GAVE_BACK);
		for (int i = 0; i < N; i++) {
			CHECK_EQ(chp_group_next(&group, &result), 1);
			CHECK_EQ(result.code, -1 - i);
		}
		chp_semaphore_release(&gate, 1);
		CHECK_CODE(chp_group_finish(&group), -1);
		h_until(h_refs(&waker) == 0);
	}
}

static void *fetch_all(void *arg)
{
	chp_group_result result;
	intptr_t got = 0;

	while (chp_group_next(&group, &result) == 1)
		got++;
	(void)arg;
	return (void *)got;
}

static void several_share_the_results(void)
{
	struct h_agent a[3];
	intptr_t sum = 0;
	long n = h_rounds(2000);

	begin(CHP_GROUP_RESULTS);
	chp_group_spawn(&group, pass_the_gate, NULL);
	for (int i = 0; i < 3; i++)
		h_spawn(&a[i], fetch_all, NULL);
	for (long i = 0; i < n; i++)
		chp_group_spawn(&group, add_one, NULL);
	chp_semaphore_release(&gate, 1);
	for (int i = 0; i < 3; i++)
		sum += (intptr_t)h_join(&a[i]);
	CHECK_EQ(sum, n + 1);
	CHECK_CODE(chp_group_finish(&group), 0);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(next_gives_each_once_in_order, IN_TASKS),
	TEST(next_waits, IN_TASKS),
	TEST(a_next_that_ends_early_takes_nothing, IN_TASKS),
	TEST(results_that_nobody_fetches_are_freed, IN_TASKS),
	TEST(what_was_served_outlives_the_group, IN_TASKS),
	TEST(results_that_come_back_keep_their_order, IN_TASKS),
	TEST(a_cancelled_next_loses_nothing, IN_TASKS),
	TEST(several_share_the_results, IN_TASKS),
};
/* clang-format on */

H_MAIN("group_next", tests)
