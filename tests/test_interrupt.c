/*
 * test_interrupt.c - the interrupt flag of tasks and threads: what reports it,
 * what leaves it set, what it never undoes; shields.
 */
#include "task.h"

static chp_semaphore s;

static void interrupt_self(void)
{
	CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
}

/* ---- The flag ---- */

static void the_flag_is_set_once_and_cleared_once(void)
{
	chp_agent self = chp_agent_current();

	CHECK_EQ(chp_is_interrupted(self), 0);
	CHECK_EQ(chp_interrupted(), 0);
	interrupt_self();
	interrupt_self();
	CHECK_EQ(chp_is_interrupted(self), 1);
	CHECK_EQ(chp_is_interrupted(self), 1);
	CHECK_EQ(chp_interrupted(), 1);
	CHECK_EQ(chp_interrupted(), 0);
	CHECK_EQ(chp_is_interrupted(self), 0);
	CHECK_CODE(chp_check(), 0);
	interrupt_self();
	CHECK_CODE(chp_check(), CHP_EINTR);
	CHECK_CODE(chp_check(), 0);
	CHECK_EQ(chp_interrupted(), 0);
}

static void the_next_wait_fails_even_if_it_need_not_wait(void)
{
	chp_wait late = { .deadline = 1 };

	chp_semaphore_init(&s, 1, CHP_FIFO);
	interrupt_self();
	CHECK_CODE(chp_semaphore_acquire(&s, 1), CHP_EINTR);
	CHECK_EQ(chp_semaphore_available(&s), 1);
	CHECK_CODE(chp_semaphore_acquire(&s, 1), 0);
	interrupt_self();
	CHECK_CODE(chp_semaphore_acquire_with(&s, 1, &late), CHP_EINTR);
	CHECK_CODE(chp_semaphore_acquire_with(&s, 1, &late), CHP_ETIMEDOUT);
	/* A bad argument is reported first, and leaves the flag. */
	interrupt_self();
	CHECK_CODE(chp_semaphore_acquire(&s, -1), CHP_EINVAL);
	CHECK_EQ(chp_interrupted(), 1);
}

static void what_does_not_wait_does_not_look(void)
{
	struct h_waker w = { 0 };
	chp_acquire_op op;

	chp_semaphore_init(&s, 2, CHP_FIFO);
	interrupt_self();
	CHECK_CODE(chp_semaphore_try_acquire(&s, 1), 0);
	chp_semaphore_acquire_op(&op, &s, 1);
	CHECK_CODE(h_poll(&op.op, &w), 0);
	h_yield();
	CHECK_EQ(chp_interrupted(), 1);
}

static void uninterruptible_waits_leave_the_flag(void)
{
	chp_wait w = { .deadline = chp_in(CHP_MS),
		       .flags = CHP_UNINTERRUPTIBLE };
	chp_agent self = chp_agent_current();

	chp_semaphore_init(&s, 1, CHP_FIFO);
	interrupt_self();
	CHECK_CODE(acquire_whatever_happens(&s), 0);
	CHECK_EQ(chp_is_interrupted(self), 1);
	CHECK_CODE(chp_semaphore_acquire_with(&s, 1, &w), CHP_ETIMEDOUT);
	CHECK(chp_now() >= w.deadline);
	CHECK_EQ(chp_is_interrupted(self), 1);
	CHECK_CODE(chp_semaphore_acquire(&s, 1), CHP_EINTR);
}

/* ---- From others ---- */

static atomic_int stage;

static void *wait_and_be_interrupted(void *arg)
{
	CHECK_CODE(chp_semaphore_acquire(&s, 1), CHP_EINTR);
	CHECK_EQ(chp_interrupted(), 0);
	stage = 1;
	CHECK_CODE(chp_semaphore_acquire(&s, 1), 0);
	return arg;
}

static void an_interrupt_ends_the_current_wait_and_no_other(void)
{
	struct h_agent a;

	for (long round = h_rounds(200); round > 0; round--) {
		chp_semaphore_init(&s, 0, CHP_FIFO);
		stage = 0;
		h_spawn(&a, wait_and_be_interrupted, NULL);
		h_until(chp_semaphore_queue_length(&s) == 1);
		CHECK_CODE(chp_interrupt(a.agent), 0);
		h_until(stage == 1 && chp_semaphore_queue_length(&s) == 1);
		CHECK_EQ(chp_is_interrupted(a.agent), 0);
		chp_semaphore_release(&s, 1);
		h_join(&a);
		CHECK_EQ(chp_semaphore_available(&s), 0);
	}
}

static void *wait_uninterruptibly(void *arg)
{
	CHECK_CODE(acquire_whatever_happens(&s), 0);
	CHECK_EQ(chp_interrupted(), 1);
	return arg;
}

static void an_interrupt_does_not_end_an_uninterruptible_wait(void)
{
	struct h_agent a;

	chp_semaphore_init(&s, 0, CHP_FIFO);
	h_spawn(&a, wait_uninterruptibly, NULL);
	h_until(chp_semaphore_queue_length(&s) == 1);
	for (int i = 0; i < 20; i++) {
		CHECK_CODE(chp_interrupt(a.agent), 0);
		h_yield();
	}
	CHECK_EQ(chp_semaphore_queue_length(&s), 1);
	CHECK_EQ(chp_is_interrupted(a.agent), 1);
	chp_semaphore_release(&s, 1);
	h_join(&a);
}

static void *wait_for_grant(void *arg)
{
	CHECK_CODE(chp_semaphore_acquire(&s, 1), 0);
	h_until(stage == 1);
	CHECK_EQ(chp_interrupted(), 1);
	return arg;
}

/* Granted first and interrupted then: success, and the flag stays. */
static void an_interrupt_does_not_undo_a_wait_that_has_succeeded(void)
{
	struct h_agent a;

	for (long round = h_rounds(300); round > 0; round--) {
		chp_semaphore_init(&s, 0, CHP_FIFO);
		stage = 0;
		h_spawn(&a, wait_for_grant, NULL);
		h_until(chp_semaphore_queue_length(&s) == 1);
		chp_semaphore_release(&s, 1);
		CHECK_CODE(chp_interrupt(a.agent), 0);
		stage = 1;
		h_join(&a);
	}
}

/* ---- Storms ---- */

enum { WAITERS = 4 };

static atomic_long taken, interrupts_seen;
static atomic_int stop;

static void *take_whenever_possible(void *arg)
{
	while (!stop) {
		int r = chp_semaphore_acquire(&s, 1);

		if (r == 0) {
			taken++;
			chp_semaphore_release(&s, 1);
			taken--;
		} else {
			CHECK_CODE(r, CHP_EINTR);
			interrupts_seen++;
		}
		h_yield();
	}
	return arg;
}

static void storm(chp_policy policy)
{
	struct h_agent a[WAITERS];

	chp_semaphore_init(&s, 1, policy);
	taken = interrupts_seen = 0;
	stop = 0;
	for (int i = 0; i < WAITERS; i++)
		h_spawn(&a[i], take_whenever_possible, NULL);
	for (long i = 0; i < h_rounds(5000) || interrupts_seen == 0; i++) {
		CHECK_CODE(chp_interrupt(a[i % WAITERS].agent), 0);
		if (i % 3 == 0)
			h_yield();
	}
	stop = 1;
	/* One may wait for a permit of one that was interrupted. */
	chp_semaphore_release(&s, 1);
	for (int i = 0; i < WAITERS; i++)
		h_join(&a[i]);
	CHECK_EQ(chp_semaphore_available(&s), 2);
	CHECK_EQ(chp_semaphore_has_waiters(&s), 0);
	CHECK_EQ(taken, 0);
}

static void storms_of_interrupts_lose_no_permit(void)
{
	storm(CHP_FIFO);
	storm(CHP_FAIR);
	storm(CHP_UNFAIR);
}

static void *count_interrupts(void *arg)
{
	chp_semaphore never = CHP_SEMAPHORE_INIT(0, CHP_FIFO);

	for (long i = 0; i < h_rounds(2000); i++) {
		CHECK_CODE(chp_semaphore_acquire(&never, 1), CHP_EINTR);
		stage = 1;
	}
	return arg;
}

/* None is lost: each, sent when the one before was seen, is seen. */
static void every_interrupt_is_seen(void)
{
	struct h_agent a;

	stage = 0;
	h_spawn(&a, count_interrupts, NULL);
	for (long i = 0; i < h_rounds(2000); i++) {
		CHECK_CODE(chp_interrupt(a.agent), 0);
		h_until(stage == 1);
		stage = 0;
	}
	h_join(&a);
}

static void *find_flag_set(void *arg)
{
	CHECK_EQ(chp_is_interrupted(chp_agent_current()), 1);
	CHECK_CODE(chp_sleep_for(0), CHP_EINTR);
	CHECK_CODE(chp_sleep_for(0), 0);
	return arg;
}

static void *interrupt_one_that_has_not_run(void *arg)
{
	chp_task t;

	CHECK_CODE(chp_spawn(&t, find_flag_set, &t), 0);
	CHECK_CODE(chp_interrupt(t.agent), 0);
	ends_as(&t, CHP_RETURNED, &t);
	return arg;
}

static void an_interrupt_before_the_first_run_is_for_the_first_wait(void)
{
	with_one_worker(interrupt_one_that_has_not_run);
}

/* ---- Shields ---- */

static void a_shield_holds_interrupts_off_until_it_is_left(void)
{
	chp_wait soon = { .deadline = chp_in(CHP_MS) };
	chp_agent self = chp_agent_current();

	chp_semaphore_init(&s, 2, CHP_FIFO);
	interrupt_self();
	chp_shield_enter();
	CHECK_CODE(chp_check(), 0);
	CHECK_CODE(chp_semaphore_acquire(&s, 1), 0);
	chp_shield_enter();
	interrupt_self();
	CHECK_CODE(chp_sleep_for(0), 0);
	CHECK_CODE(chp_semaphore_acquire(&s, 1), 0);
	chp_shield_leave();
	CHECK_CODE(chp_semaphore_acquire_with(&s, 1, &soon), CHP_ETIMEDOUT);
	CHECK(chp_now() >= soon.deadline);
	CHECK_EQ(chp_is_interrupted(self), 1);
	chp_shield_leave();
	CHECK_EQ(chp_is_interrupted(self), 1);
	CHECK_CODE(chp_sleep_for(0), CHP_EINTR);
	CHECK_CODE(chp_sleep_for(0), 0);
}

static void *wait_behind_a_shield(void *arg)
{
	chp_shield_enter();
	CHECK_CODE(chp_semaphore_acquire(&s, 1), 0);
	chp_shield_leave();
	CHECK_CODE(chp_semaphore_acquire(&s, 1), CHP_EINTR);
	return arg;
}

static void a_shield_is_the_callers_alone(void)
{
	struct h_agent shielded, open;

	chp_semaphore_init(&s, 0, CHP_FIFO);
	stage = 0;
	h_spawn(&shielded, wait_behind_a_shield, NULL);
	h_until(chp_semaphore_queue_length(&s) == 1);
	h_spawn(&open, wait_and_be_interrupted, NULL);
	h_until(chp_semaphore_queue_length(&s) == 2);
	CHECK_CODE(chp_interrupt(shielded.agent), 0);
	CHECK_CODE(chp_interrupt(open.agent), 0);
	h_until(stage == 1 && chp_semaphore_queue_length(&s) == 2);
	CHECK_EQ(chp_is_interrupted(shielded.agent), 1);
	chp_semaphore_release(&s, 2);
	h_join(&shielded);
	h_join(&open);
	CHECK_EQ(chp_semaphore_available(&s), 0);
}

static void leave_without_enter(void *arg)
{
	chp_shield_enter();
	chp_shield_leave();
	chp_shield_leave();
	(void)arg;
}

static void *leave_in_a_task(void *arg)
{
	leave_without_enter(arg);
	return arg;
}

static void leave_in_a_runtime(void *arg)
{
	chp_run(arg, leave_in_a_task, NULL, NULL);
}

static void leaving_a_shield_without_entering_is_misuse(void)
{
	chp_runtime_options current = { .kind = CHP_CURRENT_THREAD };

	h_must_panic(leave_without_enter, NULL, "shield");
	h_must_panic(leave_in_a_runtime, NULL, "shield");
	h_must_panic(leave_in_a_runtime, &current, "shield");
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(leaving_a_shield_without_entering_is_misuse, ON_ITS_OWN),
	TEST(the_flag_is_set_once_and_cleared_once, IN_BLOCKING),
	TEST(the_next_wait_fails_even_if_it_need_not_wait, IN_BLOCKING),
	TEST(what_does_not_wait_does_not_look, IN_ALL),
	TEST(uninterruptible_waits_leave_the_flag, IN_BLOCKING),
	TEST(an_interrupt_ends_the_current_wait_and_no_other, IN_BLOCKING),
	TEST(an_interrupt_does_not_end_an_uninterruptible_wait, IN_BLOCKING),
	TEST(an_interrupt_does_not_undo_a_wait_that_has_succeeded, IN_BLOCKING),
	TEST(storms_of_interrupts_lose_no_permit, IN_BLOCKING),
	TEST(every_interrupt_is_seen, IN_BLOCKING),
	TEST(an_interrupt_before_the_first_run_is_for_the_first_wait,
	     ON_ITS_OWN),
	TEST(a_shield_holds_interrupts_off_until_it_is_left, IN_BLOCKING),
	TEST(a_shield_is_the_callers_alone, IN_BLOCKING),
};
/* clang-format on */

H_MAIN("interrupt", tests)
