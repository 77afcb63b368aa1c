/*
 * test_fd_ended.c - waits for descriptors that are cancelled, time out, are
 * interrupted, lose a select, or should not have begun.
 */
#include "fd.h"

/* ---- Giving up ---- */

static void a_cancelled_wait_leaves_readiness_to_others(void)
{
	struct h_waker w = { 0 };
	int ends[2], found;
	chp_fd_op op;
	chp_fd *f;

	f = open_pipe(ends);
	chp_fd_wait_op(&op, f, CHP_READABLE);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	CHECK_EQ(chp_op_cancel(&op.op), CHP_HELD_NOTHING);
	CHECK_EQ(h_refs(&w), 0);
	CHECK_EQ(h_wakes(&w), 0);

	chp_fd_wait_op(&op, f, CHP_READABLE);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	h_until(h_wakes(&w) == 1);
	found = chp_op_cancel(&op.op);
	CHECK(found == CHP_GAVE_BACK || found == CHP_HELD_NOTHING);
	CHECK_EQ(h_refs(&w), 0);

	CHECK_EQ(wait_fd(f, CHP_READABLE, NULL), CHP_READABLE);
	free_and_close(f, ends);
}

static void a_wait_that_is_ended_says_why(void)
{
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait w = { .deadline = chp_in(5 * CHP_MS) };
	int ends[2];
	chp_fd *f;

	f = open_pipe(ends);
	CHECK_CODE(wait_fd(f, CHP_READABLE, &w), CHP_ETIMEDOUT);
	CHECK(chp_now() >= w.deadline);
	chp_cancel_now(&token);
	w = (chp_wait){ .cancel = &token };
	CHECK_CODE(wait_fd(f, CHP_READABLE, &w), CHP_ECANCELED);
	chp_cancel_destroy(&token);

	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(wait_fd(f, CHP_READABLE, NULL), CHP_READABLE);
	free_and_close(f, ends);
}

static void interrupt_and_abort_end_waits(void)
{
	struct h_agent a;
	int ends[2];
	chp_fd *f;

	f = open_pipe(ends);
	h_spawn(&a, wait_readable, f);
	CHECK_CODE(chp_interrupt(a.agent), 0);
	CHECK_CODE((int)(intptr_t)h_join(&a), CHP_EINTR);
	if (chp_task_id() != 0) {
		h_spawn(&a, wait_readable, f);
		CHECK_CODE(chp_task_abort(&a.task), 0);
		CHECK_CODE((int)(intptr_t)h_join(&a), CHP_EABORTED);
	}
	free_and_close(f, ends);
}

/* Order of checks: bad argument, interruption, token; then readiness, which
   wins over a past deadline. */
static void what_ends_a_wait_comes_before_readiness(void)
{
	chp_wait once = { .deadline = 1 };
	chp_wait shielded = { .flags = CHP_UNINTERRUPTIBLE };
	chp_wait strange = { .flags = 1u << 31 };
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait late = { .cancel = &token };
	int ends[2];
	chp_fd *f;

	f = open_pipe(ends);
	CHECK_CODE(chp_fd_wait_with(f, CHP_READABLE, &once), CHP_ETIMEDOUT);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	chp_cancel_now(&token);
	CHECK_CODE(chp_fd_wait_with(f, CHP_READABLE, &strange), CHP_EINVAL);
	CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
	CHECK_CODE(chp_fd_wait_with(f, 0, &late), CHP_EINVAL);
	CHECK_CODE(chp_fd_wait_with(f, CHP_READABLE, &late), CHP_EINTR);
	CHECK_CODE(chp_fd_wait_with(f, CHP_READABLE, &late), CHP_ECANCELED);
	CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
	CHECK_EQ(chp_fd_wait_with(f, CHP_READABLE, &shielded), CHP_READABLE);
	CHECK_CODE(chp_fd_wait(f, CHP_READABLE), CHP_EINTR);
	CHECK_EQ(chp_fd_wait_with(f, CHP_READABLE, &once), CHP_READABLE);
	chp_cancel_destroy(&token);
	free_and_close(f, ends);
}

static void a_descriptor_that_loses_a_select_keeps_its_readiness(void)
{
	int ends[2], never[2];
	chp_fd_op ops[2];
	chp_select_arm arms[2] = { { .op = &ops[0].op }, { .op = &ops[1].op } };
	chp_select_op select;
	chp_fd *f, *g;

	f = open_pipe(ends);
	g = open_pipe(never);
	for (int round = 0; round < 10; round++) {
		char c;

		chp_fd_wait_op(&ops[0], f, CHP_READABLE);
		chp_fd_wait_op(&ops[1], g, CHP_READABLE);
		CHECK_CODE(chp_select_init(&select, arms, 2, CHP_CANCEL_LOSERS),
			   0);
		CHECK_EQ(write(ends[1], "x", 1), 1);
		CHECK_EQ(h_wait(&select.op, NULL), 0);
		CHECK_EQ(arms[0].result, CHP_READABLE);
		CHECK_EQ(read(ends[0], &c, 1), 1);
	}
	CHECK_EQ(write(never[1], "x", 1), 1);
	CHECK_EQ(wait_fd(g, CHP_READABLE, NULL), CHP_READABLE);
	free_and_close(f, ends);
	free_and_close(g, never);
}

/* ---- Bad arguments, misuse ---- */

static void what_cannot_be_waited_for_is_refused(void)
{
	char path[] = "/tmp/chappe-test-XXXXXX";
	int file = mkstemp(path), ends[2];
	chp_fd *f = NULL, *again = NULL;

	CHECK(file >= 0);
	unlink(path);
	CHECK_CODE(chp_fd_new(&f, file), -EPERM);
	close(file);
	CHECK_CODE(chp_fd_new(&f, -1), -EBADF);

	f = open_pipe(ends);
	CHECK_CODE(chp_fd_new(&again, ends[0]), -EEXIST);
	CHECK_CODE(wait_fd(f, 0, NULL), CHP_EINVAL);
	CHECK_CODE(wait_fd(f, 8, NULL), CHP_EINVAL);
	chp_fd_free(f);
	chp_fd_free(NULL);

	/* Once freed, it may be registered again, and works. */
	f = registered(ends[0]);
	close(ends[1]);
	CHECK_EQ(wait_fd(f, CHP_READABLE, NULL), CHP_READABLE);
	chp_fd_free(f);
	close(ends[0]);
}

static void *free_with_a_waiter(void *arg)
{
	struct h_waker w = { 0 };
	int ends[2];
	chp_fd_op op;
	chp_fd *f;

	(void)arg;
	f = open_pipe(ends);
	chp_fd_wait_op(&op, f, CHP_READABLE);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	chp_fd_free(f);
	return NULL;
}

static void call_free_with_a_waiter(void *arg)
{
	chp_runtime_options options = { .kind = CHP_CURRENT_THREAD };
	chp_runtime *rt;

	CHECK_CODE(chp_runtime_new(&rt, &options), 0);
	chp_runtime_block_on(rt, free_with_a_waiter, arg, NULL);
}

static void freeing_with_waiters_is_misuse(void)
{
	h_must_panic(call_free_with_a_waiter, NULL, "wait");
}

static const struct h_test tests[] = {
	TEST(freeing_with_waiters_is_misuse, ON_ITS_OWN), /* forks: first */
	TEST(the_driver_of_the_process_is_there, IN_POLLED),
	TEST(a_cancelled_wait_leaves_readiness_to_others, IN_ALL),
	TEST(a_wait_that_is_ended_says_why, IN_ALL),
	TEST(interrupt_and_abort_end_waits, IN_BLOCKING),
	TEST(what_ends_a_wait_comes_before_readiness, IN_BLOCKING),
	TEST(a_descriptor_that_loses_a_select_keeps_its_readiness, IN_ALL),
	TEST(what_cannot_be_waited_for_is_refused, IN_ALL),
};
H_MAIN("fd_ended", tests)
