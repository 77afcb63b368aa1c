/*
 * test_driver.c - an embedding loop that drives the library's timers itself:
 * chp_driver_fd() and chp_driver_turn().
 */
#include "driver.h"

/* As a foreign loop does: wait for the descriptor, take a turn. */
static int turn_until_woken(int fd, struct h_waker *w)
{
	int sum = 0, r;

	while (h_wakes(w) == 0) {
		CHECK_EQ(readable(fd, LONG_ENOUGH), 1);
		r = chp_driver_turn();
		CHECK(r >= 0);
		sum += r;
	}
	return sum;
}

static void arm(chp_sleep_op *op, struct h_waker *w, chp_time length)
{
	/* Later, so that a busy machine still finds it pending. */
	chp_sleep_until_op(op, chp_in(length + 30 * CHP_MS));
	CHECK_CODE(h_poll(&op->op, w), CHP_PENDING);
}

/* ---- Tests ---- */

CHILD(a_turn_needs_the_descriptor_first)
{
	CHECK_CODE(chp_driver_turn(), CHP_EINVAL);
	CHECK(chp_driver_fd() >= 0);
	CHECK_CODE(chp_driver_turn(), 0);
}

CHILD(timers_make_the_descriptor_readable)
{
	int fd = fd_of_driver();
	struct h_waker w[5] = { { { 0 } } }, far = { 0 };
	chp_sleep_op ops[5], never;

	CHECK(fd >= 0);
	CHECK_EQ(chp_driver_fd(), fd);
	arm(&never, &far, 3600 * CHP_SEC);
	CHECK_EQ(chp_driver_turn(), 0);
	/* From late to early: the descriptor must follow the earliest. */
	for (int i = 4; i >= 0; i--)
		arm(&ops[i], &w[i], (i + 1) * 3 * CHP_MS);
	for (int i = 0; i < 5; i++) {
		if (h_wakes(&w[i]) == 0)
			CHECK(turn_until_woken(fd, &w[i]) >= 1);
		CHECK(chp_now() >= ops[i].until);
		CHECK_CODE(h_poll(&ops[i].op, &w[i]), 0);
		CHECK_EQ(h_wakes(&w[i]), 1);
		CHECK_EQ(h_refs(&w[i]), 0);
	}
	CHECK_CODE(chp_op_cancel(&never.op), CHP_HELD_NOTHING);
	CHECK_EQ(h_refs(&far), 0);
}

CHILD(wakers_run_only_inside_a_turn)
{
	int fd = fd_of_driver();
	struct h_waker w = { 0 };
	chp_sleep_op op;

	arm(&op, &w, 2 * CHP_MS);
	CHECK_EQ(readable(fd, LONG_ENOUGH), 1);
	h_until(chp_now() > op.until + 5 * CHP_MS);
	CHECK_EQ(h_wakes(&w), 0);
	CHECK_EQ(turn_until_woken(fd, &w), 1);
	CHECK_CODE(h_poll(&op.op, &w), 0);
}

/* The library's own thread has timers when it is told to stop. */
CHILD(driving_can_be_taken_over)
{
	struct h_waker w = { 0 }, first = { 0 };
	chp_sleep_op op, earlier;
	int fd;

	arm(&earlier, &first, CHP_MS);
	arm(&op, &w, 20 * CHP_MS);
	h_until(h_wakes(&first) == 1);
	CHECK_CODE(h_poll(&earlier.op, &first), 0);
	fd = chp_driver_fd();
	CHECK(fd >= 0);
	if (h_wakes(&w) == 0)
		CHECK(turn_until_woken(fd, &w) >= 1);
	CHECK_CODE(h_poll(&op.op, &w), 0);
	/* And new ones are ours from the beginning. */
	memset(&w, 0, sizeof(w));
	arm(&op, &w, CHP_MS);
	CHECK_EQ(turn_until_woken(fd, &w), 1);
	CHECK_CODE(h_poll(&op.op, &w), 0);
}

static struct h_waker from_thread;
static chp_sleep_op armed_by_thread;

static void *arm_on_a_thread(void *arg)
{
	arm(&armed_by_thread, &from_thread, CHP_MS);
	return arg;
}

/* The loop sleeps until a far timer when another thread arms a near one. */
CHILD(other_threads_may_arm_timers)
{
	int fd = fd_of_driver();
	struct h_waker w = { 0 };
	struct h_agent a;
	chp_sleep_op far;

	arm(&far, &w, 3600 * CHP_SEC);
	CHECK_EQ(chp_driver_turn(), 0);
	h_spawn_thread(&a, arm_on_a_thread, NULL);
	CHECK_EQ(turn_until_woken(fd, &from_thread), 1);
	h_join_thread(&a);
	CHECK_CODE(h_poll(&armed_by_thread.op, &from_thread), 0);
	CHECK_CODE(chp_op_cancel(&far.op), CHP_HELD_NOTHING);
}

static int other_result;

static void *try_a_turn(void *arg)
{
	other_result = chp_driver_turn();
	return arg;
}

static void wake_while_another_turns(void *data)
{
	struct h_agent a;

	h_spawn_thread(&a, try_a_turn, NULL);
	h_join_thread(&a);
	*(int *)data = 1;
}

CHILD(only_one_thread_at_a_time_takes_a_turn)
{
	static const chp_waker_class cls = { wake_while_another_turns, h_ignore,
					     h_ignore };
	int fd = fd_of_driver(), woken = 0;
	chp_poll_ctx ctx = chp_poll_ctx_of((chp_waker){ &cls, &woken });
	chp_sleep_op op;

	chp_sleep_until_op(&op, chp_in(30 * CHP_MS));
	CHECK_CODE(chp_op_poll(&op.op, &ctx), CHP_PENDING);
	while (!woken) {
		CHECK_EQ(readable(fd, LONG_ENOUGH), 1);
		CHECK(chp_driver_turn() >= 0);
	}
	CHECK_CODE(other_result, CHP_EBUSY);
	CHECK_CODE(chp_op_poll(&op.op, NULL), 0);
}

/* Blocking threads and runtimes never needed the driver. */
CHILD(threads_and_runtimes_do_not_need_a_turn)
{
	chp_semaphore s = CHP_SEMAPHORE_INIT(0, CHP_FIFO);
	chp_wait w;

	CHECK(chp_driver_fd() >= 0);
	CHECK_CODE(chp_sleep_for(2 * CHP_MS), 0);
	w = (chp_wait){ .deadline = chp_in(2 * CHP_MS) };
	CHECK_CODE(chp_semaphore_acquire_with(&s, 1, &w), CHP_ETIMEDOUT);
	CHECK_CODE(chp_run(NULL, sleep_in_a_task, NULL, NULL), 0);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_turn_needs_the_descriptor_first, ON_ITS_OWN),
	TEST(timers_make_the_descriptor_readable, ON_ITS_OWN),
	TEST(wakers_run_only_inside_a_turn, ON_ITS_OWN),
	TEST(driving_can_be_taken_over, ON_ITS_OWN),
	TEST(other_threads_may_arm_timers, ON_ITS_OWN),
	TEST(only_one_thread_at_a_time_takes_a_turn, ON_ITS_OWN),
	TEST(threads_and_runtimes_do_not_need_a_turn, ON_ITS_OWN),
};
/* clang-format on */

H_MAIN("driver", tests)
