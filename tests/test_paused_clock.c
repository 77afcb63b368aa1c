/*
 * test_paused_clock.c - a runtime whose clock is paused: time stands still
 * while anything can run, then jumps to the next timer; and it waits for
 * blocking calls.
 */
#include "clock.h"
#include "task.h"

#include <unistd.h>

#define HOUR (3600 * CHP_SEC)

/* At or just after t: timers may be rounded up to a millisecond. */
static void check_now(chp_time t)
{
	chp_time now = chp_now();

	if (now < t || now > t + CHP_MS)
		h_fail(__FILE__, __LINE__, "off by %jd ns",
		       (intmax_t)(now - t));
}

/* ---- Standing still, and jumping ---- */

static void *work_and_look(void *arg)
{
	chp_time now = chp_now();

	CHECK(now > 0);
	for (int i = 0; i < 100; i++) {
		usleep(20);
		chp_yield();
		CHECK_EQ(chp_now(), now);
	}
	CHECK_EQ(chp_in(HOUR), now + HOUR);
	CHECK_CODE(chp_sleep_for(0), 0);
	CHECK_CODE(chp_sleep_until(now), 0);
	CHECK_EQ(chp_now(), now);
	return arg;
}

static void time_stands_still_while_tasks_run(void)
{
	paused(work_and_look);
}

static void *sleep_long(void *arg)
{
	static const chp_time lengths[] = { 1,    CHP_US, CHP_MS,
					    HOUR, 17,     1000 * HOUR };

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		chp_time until = chp_in(lengths[i]);

		CHECK_CODE(chp_sleep_until(until), 0);
		check_now(until);
	}
	return arg;
}

static void when_nothing_can_run_time_jumps_to_the_next_timer(void)
{
	paused(sleep_long);
}

static void *tick_for_ten_hours(void *arg)
{
	chp_time start = chp_now(), scheduled;
	chp_interval iv;

	CHECK_CODE(chp_interval_init(&iv, start, CHP_SEC, CHP_MISSED_BURST), 0);
	for (int i = 0; i <= 36000; i++) {
		CHECK_CODE(chp_interval_tick(&iv, &scheduled), 0);
		CHECK_EQ(scheduled, start + i * CHP_SEC);
	}
	check_now(start + 10 * HOUR);
	return arg;
}

static void ten_hours_pass_in_no_time(void)
{
	paused(tick_for_ten_hours);
}

/* ---- Several timers ---- */

enum { SLEEPERS = 50 };

static int woken[SLEEPERS], woken_count;

struct sleeper {
	int number;
	chp_time until;
};

static void *sleep_and_sign(void *arg)
{
	struct sleeper *s = arg;

	CHECK_CODE(chp_sleep_until(s->until), 0);
	check_now(s->until);
	woken[woken_count++] = s->number;
	return NULL;
}

static void *sleep_in_every_order(void *arg)
{
	struct sleeper s[SLEEPERS];
	chp_task t[SLEEPERS];

	woken_count = 0;
	for (int i = 0; i < SLEEPERS; i++) {
		/* 7 and 50 have no common divisor. */
		s[i].number = i * 7 % SLEEPERS;
		s[i].until = chp_in((s[i].number + 1) * 10 * CHP_MS);
		CHECK_CODE(chp_spawn(&t[i], sleep_and_sign, &s[i]), 0);
	}
	join_all(t, SLEEPERS);
	for (int i = 0; i < SLEEPERS; i++)
		CHECK_EQ(woken[i], i);
	return arg;
}

static void timers_fire_in_the_order_of_their_deadlines(void)
{
	paused(sleep_in_every_order);
}

static void *wait_in_vain(void *arg)
{
	chp_semaphore s = CHP_SEMAPHORE_INIT(0, CHP_FIFO);
	chp_wait w = { .deadline = chp_in(HOUR) };
	chp_cancel token;

	CHECK_CODE(chp_semaphore_acquire_with(&s, 1, &w), CHP_ETIMEDOUT);
	check_now(w.deadline);

	chp_cancel_init(&token, NULL, chp_in(HOUR));
	w = (chp_wait){ .cancel = &token };
	CHECK_CODE(chp_semaphore_acquire_with(&s, 1, &w), CHP_ETIMEDOUT);
	check_now(chp_cancel_deadline(&token));
	chp_cancel_destroy(&token);
	return arg;
}

static void deadlines_and_tokens_follow_the_paused_clock(void)
{
	paused(wait_in_vain);
}

static void *hand_on_after_an_hour(void *arg)
{
	CHECK_CODE(chp_sleep_for(HOUR), 0);
	chp_semaphore_release(arg, 1);
	return NULL;
}

static void *wait_for_the_first_of_two(void *arg)
{
	chp_semaphore s = CHP_SEMAPHORE_INIT(0, CHP_FIFO);
	chp_time start = chp_now();
	chp_wait longer = { .deadline = chp_in(2 * HOUR) };
	chp_task t;

	CHECK_CODE(chp_spawn(&t, hand_on_after_an_hour, &s), 0);
	CHECK_CODE(chp_semaphore_acquire_with(&s, 1, &longer), 0);
	check_now(start + HOUR);
	CHECK_CODE(chp_join(&t, NULL), 0);
	return arg;
}

static void time_jumps_no_further_than_the_next_timer(void)
{
	paused(wait_for_the_first_of_two);
}

static void *queue_after_an_hour(void *arg)
{
	chp_semaphore s = CHP_SEMAPHORE_INIT(0, CHP_FIFO);
	chp_acquire_op op;
	chp_waiter waiter;

	CHECK_CODE(chp_sleep_for(HOUR), 0);
	chp_semaphore_acquire_op(&op, &s, 1);
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_PENDING);
	CHECK_EQ(chp_semaphore_waiters(&s, &waiter, 1), 1);
	CHECK_EQ(waiter.since, chp_now());
	chp_op_cancel(&op.op);
	return arg;
}

static void a_waiter_queued_at_a_time_of_the_paused_clock(void)
{
	paused(queue_after_an_hour);
}

/* ---- From outside ---- */

static void *wait_for_a_thread(void *arg)
{
	chp_semaphore s = CHP_SEMAPHORE_INIT(0, CHP_FIFO);
	chp_wait never = { .deadline = CHP_NEVER };
	chp_time now = chp_now();
	struct h_agent a;

	for (int i = 0; i < 20; i++) {
		h_spawn_thread(&a, release_it, &s);
		CHECK_CODE(chp_semaphore_acquire_with(&s, 1, &never), 0);
		h_join_thread(&a);
	}
	CHECK_EQ(chp_now(), now);
	return arg;
}

static void time_never_jumps_to_never(void)
{
	paused(wait_for_a_thread);
}

/* ---- Blocking calls ---- */

static atomic_int call_ended;

static void *work_outside(void *arg)
{
	for (int i = 0; i < 5; i++) {
		usleep(2000);
		chp_semaphore_release(arg, 1);
	}
	usleep(2000);
	call_ended = 1;
	return &call_ended;
}

static void *sleep_beside_a_call(void *arg)
{
	CHECK_CODE(chp_sleep_for(HOUR), 0);
	/* An hour has passed, so nobody was out any more. */
	CHECK_EQ(call_ended, 1);
	return arg;
}

static void *call_and_sleep(void *arg)
{
	chp_semaphore s = CHP_SEMAPHORE_INIT(0, CHP_FIFO);
	chp_time start = chp_now();
	chp_wait soon = { .deadline = start + CHP_SEC };
	chp_task call, sleeper;
	chp_outcome o;

	call_ended = 0;
	CHECK_CODE(chp_spawn(&sleeper, sleep_beside_a_call, NULL), 0);
	CHECK_CODE(chp_spawn_blocking(NULL, &call, work_outside, &s, NULL), 0);
	for (int i = 0; i < 5; i++)
		CHECK_CODE(chp_semaphore_acquire_with(&s, 1, &soon), 0);
	CHECK_CODE(chp_join_with(&call, &o, &soon), 0);
	CHECK(o.value == &call_ended);
	CHECK_EQ(chp_now(), start);
	CHECK_CODE(chp_join(&sleeper, NULL), 0);
	check_now(start + HOUR);
	return arg;
}

static void time_waits_for_blocking_calls(void)
{
	for (int i = 0; i < 5; i++)
		paused(call_and_sleep);
}

/* Also for one that is detached: it may still send a message. */
static void *call_detached(void *arg)
{
	chp_semaphore s = CHP_SEMAPHORE_INIT(0, CHP_FIFO);
	chp_time start = chp_now();

	call_ended = 0;
	CHECK_CODE(chp_spawn_blocking(NULL, NULL, work_outside, &s, NULL), 0);
	CHECK_CODE(chp_sleep_for(HOUR), 0);
	CHECK_EQ(call_ended, 1);
	check_now(start + HOUR);
	return arg;
}

static void time_waits_for_detached_calls_too(void)
{
	for (int i = 0; i < 5; i++)
		paused(call_detached);
}

static void *look_at_the_clock(void *arg)
{
	*(chp_time *)arg = chp_now();
	return NULL;
}

static void *jump_and_compare(void *arg)
{
	chp_time theirs;
	struct h_agent a;

	CHECK_CODE(chp_sleep_for(HOUR), 0);
	h_spawn_thread(&a, look_at_the_clock, &theirs);
	h_join_thread(&a);
	CHECK(theirs >= real_time() - 60 * CHP_SEC);
	CHECK(theirs <= real_time());
	return arg;
}

static void plain_threads_keep_the_real_clock(void)
{
	paused(jump_and_compare);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(time_stands_still_while_tasks_run, ON_ITS_OWN),
	TEST(when_nothing_can_run_time_jumps_to_the_next_timer, ON_ITS_OWN),
	TEST(ten_hours_pass_in_no_time, ON_ITS_OWN),
	TEST(timers_fire_in_the_order_of_their_deadlines, ON_ITS_OWN),
	TEST(deadlines_and_tokens_follow_the_paused_clock, ON_ITS_OWN),
	TEST(time_jumps_no_further_than_the_next_timer, ON_ITS_OWN),
	TEST(a_waiter_queued_at_a_time_of_the_paused_clock, ON_ITS_OWN),
	TEST(time_never_jumps_to_never, ON_ITS_OWN),
	TEST(time_waits_for_blocking_calls, ON_ITS_OWN),
	TEST(time_waits_for_detached_calls_too, ON_ITS_OWN),
	TEST(plain_threads_keep_the_real_clock, ON_ITS_OWN),
};
/* clang-format on */

H_MAIN("paused_clock", tests)
