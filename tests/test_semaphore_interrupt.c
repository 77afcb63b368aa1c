/*
 * test_semaphore_interrupt.c - waiting for permits when the waiter is
 * interrupted or aborted: what comes first, which waits it ends, what becomes
 * of the flag, the place and the permits.  For those who block; hand polling
 * and trying know no interruption.
 */
#include "sem_queue.h"

static void interrupt_myself(void)
{
	CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
}

static int am_interrupted(void)
{
	return chp_is_interrupted(chp_agent_current());
}

/* ---- Order of checks ---- */

static void a_bad_argument_comes_before_interruption(chp_policy policy)
{
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait w = { .deadline = 1, .cancel = &token };

	make(1, policy);
	chp_cancel_now(&token);
	interrupt_myself();
	CHECK_CODE(chp_semaphore_acquire(&s, -1), CHP_EINVAL);
	CHECK_CODE(chp_semaphore_acquire_with(&s, INT64_MIN, &w), CHP_EINVAL);
	CHECK_CODE(chp_semaphore_try_acquire(&s, -1), CHP_EINVAL);
	CHECK(am_interrupted());
	CHECK(chp_interrupted());
	ends_with(1);
}

static void interruption_comes_before_everything_else(chp_policy policy)
{
	chp_cancel token = CHP_CANCEL_INIT;
	const chp_wait with[] = {
		{ 0 },
		{ .deadline = chp_in(-1) },
		{ .deadline = CHP_NEVER },
		{ .cancel = &token },
	};

	make(3, policy);
	chp_cancel_now(&token);
	for (int closed = 0; closed < 2; closed++) {
		for (int64_t n = 0; n < 5; n++) {
			interrupt_myself();
			CHECK_CODE(chp_semaphore_acquire(&s, n), CHP_EINTR);
			CHECK(!am_interrupted());
			for (int i = 0; i < 4; i++) {
				interrupt_myself();
				CHECK_CODE(chp_semaphore_acquire_with(&s, n,
								      &with[i]),
					   CHP_EINTR);
				CHECK(!am_interrupted());
			}
		}
		CHECK_EQ(chp_semaphore_available(&s), 3);
		if (!closed)
			CHECK_CODE(chp_semaphore_acquire(&s, 0), 0);
		chp_semaphore_close(&s);
	}
	CHECK_CODE(chp_semaphore_acquire(&s, 1), CHP_ECLOSED);
	ends_with(3);
}

static void trying_ignores_interruption(chp_policy policy)
{
	make(1, policy);
	interrupt_myself();
	CHECK_CODE(chp_semaphore_try_acquire(&s, 1), 0);
	CHECK_CODE(chp_semaphore_try_acquire(&s, 1), CHP_EAGAIN);
	CHECK_CODE(chp_semaphore_try_acquire(&s, 0), 0);
	CHECK(chp_interrupted());
	ends_with(0);
}

/* ---- Interruption ---- */

static void interruption_ends_a_wait_and_clears_the_flag(chp_policy policy)
{
	struct waiter w[2] = { { .n = 3 }, { .n = 1 } };

	make(0, policy);
	for (int i = 0; i < 2; i++)
		queue(&w[i]);
	release(1);
	h_let_others_run();
	CHECK_EQ(chp_semaphore_queue_length(&s), 2);
	CHECK_CODE(chp_interrupt(w[0].agent.agent), 0);
	CHECK_CODE(finish(&w[0]), CHP_EINTR);
	CHECK_EQ(w[0].flag, 0);
	CHECK_CODE(finish(&w[1]), 0);
	ends_with(0);
}

static void
an_uninterruptible_wait_finishes_with_the_flag_set(chp_policy policy)
{
	struct waiter w = { .n = 2, .with.flags = CHP_UNINTERRUPTIBLE };
	chp_wait past = { .deadline = 1, .flags = CHP_UNINTERRUPTIBLE };

	make(1, policy);
	interrupt_myself();
	CHECK_CODE(chp_semaphore_acquire_with(&s, 1, &w.with), 0);
	CHECK_CODE(chp_semaphore_acquire_with(&s, 1, &past), CHP_ETIMEDOUT);
	CHECK(chp_interrupted());

	queue(&w);
	for (int i = 0; i < 5; i++) {
		CHECK_CODE(chp_interrupt(w.agent.agent), 0);
		h_let_others_run();
		CHECK_EQ(chp_semaphore_queue_length(&s), 1);
	}
	release(2);
	CHECK_CODE(finish(&w), 0);
	CHECK_EQ(w.flag, 1);
	ends_with(0);
}

/* Interrupting one who is waiting for several: none of them is kept. */
static void an_interrupted_wait_for_many_keeps_none(chp_policy policy)
{
	struct waiter w = { .n = 5 };

	make(0, policy);
	queue(&w);
	for (int i = 0; i < 4; i++)
		release(1);
	CHECK_CODE(chp_interrupt(w.agent.agent), 0);
	CHECK_CODE(finish(&w), CHP_EINTR);
	CHECK_CODE(chp_semaphore_try_acquire(&s, 4), 0);
	ends_with(0);
}

/* A flag that nobody waits with stays until the next wait. */
static void a_late_interrupt_is_for_the_next_wait(chp_policy policy)
{
	make(2, policy);
	CHECK_CODE(chp_semaphore_acquire(&s, 1), 0);
	interrupt_myself();
	release(1);
	CHECK(am_interrupted());
	CHECK_CODE(chp_semaphore_acquire(&s, 1), CHP_EINTR);
	CHECK_CODE(chp_semaphore_acquire(&s, 1), 0);
	ends_with(1);
}

static void a_shield_keeps_interruption_for_afterwards(chp_policy policy)
{
	make(3, policy);
	interrupt_myself();
	chp_shield_enter();
	chp_shield_enter();
	CHECK_CODE(chp_semaphore_acquire(&s, 1), 0);
	chp_shield_leave();
	CHECK_CODE(chp_semaphore_acquire(&s, 1), 0);
	CHECK_CODE(
		chp_semaphore_acquire_with(&s, 2, &(chp_wait){ .deadline = 1 }),
		CHP_ETIMEDOUT);
	chp_shield_leave();
	CHECK_CODE(chp_semaphore_acquire(&s, 1), CHP_EINTR);
	ends_with(1);
}

/* ---- Abort ---- */

static void *wait_until_aborted(void *arg)
{
	chp_wait never_mind = { .flags = CHP_UNINTERRUPTIBLE };

	/* It goes on saying so, whatever is free. */
	CHECK_CODE(chp_semaphore_acquire(&s, 9), CHP_EABORTED);
	CHECK_CODE(chp_semaphore_acquire(&s, 1), CHP_EABORTED);
	CHECK_CODE(chp_semaphore_acquire(&s, 0), CHP_EABORTED);
	CHECK_CODE(
		chp_semaphore_acquire_with(&s, 1, &(chp_wait){ .deadline = 1 }),
		CHP_EABORTED);
	CHECK_CODE(chp_semaphore_acquire(&s, -1), CHP_EINVAL);
	CHECK_CODE(chp_semaphore_try_acquire(&s, 1), 0);
	CHECK_CODE(chp_semaphore_acquire_with(&s, 1, &never_mind), 0);
	chp_shield_enter();
	CHECK_CODE(chp_semaphore_acquire(&s, 1), 0);
	chp_shield_leave();
	CHECK_CODE(chp_semaphore_acquire(&s, 1), CHP_EABORTED);
	release(3);
	return arg;
}

static void an_aborted_task_leaves_the_queue_for_good(chp_policy policy)
{
	struct waiter next = { .n = 3 };
	struct h_agent a;

	make(0, policy);
	h_spawn(&a, wait_until_aborted, NULL);
	h_until(chp_semaphore_has_waiters(&s));
	queue(&next);
	release(6);
	h_let_others_run();
	CHECK_EQ(chp_semaphore_queue_length(&s), 2);
	/* Three for the next, three for what the aborted one may still do. */
	CHECK_CODE(chp_task_abort(&a.task), 0);
	h_join(&a);
	CHECK_CODE(finish(&next), 0);
	ends_with(3);
}

static void *wait_uninterruptibly(void *arg)
{
	chp_wait never_mind = { .flags = CHP_UNINTERRUPTIBLE };

	CHECK_CODE(chp_semaphore_acquire_with(&s, 1, &never_mind), 0);
	CHECK_CODE(chp_check(), CHP_EABORTED);
	return arg;
}

static void an_uninterruptible_wait_survives_abort(chp_policy policy)
{
	struct h_agent a;

	make(0, policy);
	h_spawn(&a, wait_uninterruptibly, NULL);
	h_until(chp_semaphore_has_waiters(&s));
	CHECK_CODE(chp_task_abort(&a.task), 0);
	h_let_others_run();
	CHECK_EQ(chp_semaphore_queue_length(&s), 1);
	release(1);
	h_join(&a);
	ends_with(0);
}

static const struct h_test tests[] = {
	TEST_BY_POLICY(a_bad_argument_comes_before_interruption, IN_BLOCKING),
	TEST_BY_POLICY(interruption_comes_before_everything_else, IN_BLOCKING),
	TEST_BY_POLICY(trying_ignores_interruption, IN_ALL),
	TEST_BY_POLICY(interruption_ends_a_wait_and_clears_the_flag,
		       IN_BLOCKING),
	TEST_BY_POLICY(an_uninterruptible_wait_finishes_with_the_flag_set,
		       IN_BLOCKING),
	TEST_BY_POLICY(an_interrupted_wait_for_many_keeps_none, IN_BLOCKING),
	TEST_BY_POLICY(a_late_interrupt_is_for_the_next_wait, IN_BLOCKING),
	TEST_BY_POLICY(a_shield_keeps_interruption_for_afterwards, IN_BLOCKING),
	TEST_BY_POLICY(an_aborted_task_leaves_the_queue_for_good, IN_TASKS),
	TEST_BY_POLICY(an_uninterruptible_wait_survives_abort, IN_TASKS),
};

H_MAIN("semaphore_interrupt", tests)
