/*
 * test_interval.c - intervals: what is scheduled when, what happens to ticks
 * that nobody took in time, resetting, and ticks that are given up.
 *
 * With the paused clock, so that "late by 35 ms" is exact.
 */
#include "clock.h"

enum { PERIOD = 10 };

/* Times are told in milliseconds after this. */
static chp_time start;
static chp_interval iv;

static chp_time at(long ms)
{
	return start + ms * CHP_MS;
}

static void begin(chp_missed missed)
{
	start = chp_now();
	CHECK_CODE(chp_interval_init(&iv, start, PERIOD * CHP_MS, missed), 0);
}

/* The next tick is the one of that time, and comes then or, if late, now. */
static void check_tick(chp_time expected)
{
	chp_time before = chp_now(), scheduled = 0;

	CHECK_CODE(chp_interval_tick(&iv, &scheduled), 0);
	if (scheduled != expected)
		h_fail(__FILE__, __LINE__, "scheduled at %g ms, not %g",
		       (double)(scheduled - start) / CHP_MS,
		       (double)(expected - start) / CHP_MS);
	if (scheduled <= before)
		CHECK_EQ(chp_now(), before);
	CHECK(chp_now() >= scheduled);
	CHECK(chp_now() <= (scheduled > before ? scheduled : before) + CHP_MS);
}

static void sleep_to(long ms)
{
	CHECK_CODE(chp_sleep_until(at(ms)), 0);
}

/* ---- In time ---- */

static void *tick_in_time(void *arg)
{
	for (int missed = 0; missed < 3; missed++) {
		begin((chp_missed)missed);
		for (long i = 0; i < 20; i++)
			check_tick(at(i * PERIOD));
	}
	return arg;
}

static void ticks_come_every_period_beginning_at_once(void)
{
	paused(tick_in_time);
}

static void *start_now_or_later(void *arg)
{
	chp_time scheduled;

	start = chp_now();
	CHECK_CODE(chp_interval_init(&iv, 0, PERIOD * CHP_MS, CHP_MISSED_BURST),
		   0);
	CHECK_CODE(chp_interval_tick(&iv, &scheduled), 0);
	CHECK_EQ(chp_now(), start);
	CHECK(scheduled > start - CHP_MS && scheduled <= start);
	check_tick(scheduled + PERIOD * CHP_MS);

	start = chp_now();
	CHECK_CODE(chp_interval_init(&iv, at(500), PERIOD * CHP_MS,
				     CHP_MISSED_SKIP),
		   0);
	CHECK_CODE(chp_interval_tick(&iv, NULL), 0);
	CHECK(chp_now() >= at(500));
	check_tick(at(510));
	return arg;
}

static void the_first_tick_is_at_the_start(void)
{
	paused(start_now_or_later);
}

static void a_period_must_be_positive(void)
{
	CHECK_CODE(chp_interval_init(&iv, 0, 0, CHP_MISSED_BURST), CHP_EINVAL);
	CHECK_CODE(chp_interval_init(&iv, 0, -1, CHP_MISSED_SKIP), CHP_EINVAL);
	CHECK_CODE(chp_interval_init(&iv, 0, INT64_MIN, CHP_MISSED_DELAY),
		   CHP_EINVAL);
	CHECK_CODE(chp_interval_init(&iv, 0, 1, CHP_MISSED_BURST), 0);
	CHECK_CODE(chp_interval_init(&iv, 0, CHP_NEVER, CHP_MISSED_BURST), 0);
}

/* ---- Too late ---- */

static void *miss_and_burst(void *arg)
{
	begin(CHP_MISSED_BURST);
	check_tick(at(0));
	sleep_to(35);
	check_tick(at(10));
	check_tick(at(20));
	check_tick(at(30));
	check_tick(at(40));
	check_tick(at(50));
	return arg;
}

static void burst_catches_up_and_is_back_in_step(void)
{
	paused(miss_and_burst);
}

static void *miss_and_delay(void *arg)
{
	chp_time taken;

	begin(CHP_MISSED_DELAY);
	check_tick(at(0));
	sleep_to(35);
	taken = chp_now();
	check_tick(at(10));
	for (int i = 1; i < 5; i++)
		check_tick(taken + i * PERIOD * CHP_MS);
	return arg;
}

static void delay_goes_on_one_period_after_the_late_tick(void)
{
	paused(miss_and_delay);
}

static void *miss_and_skip(void *arg)
{
	begin(CHP_MISSED_SKIP);
	check_tick(at(0));
	sleep_to(35);
	check_tick(at(10));
	check_tick(at(40));
	check_tick(at(50));
	sleep_to(76);
	check_tick(at(60));
	check_tick(at(80));
	return arg;
}

static void skip_drops_ticks_and_stays_in_step(void)
{
	paused(miss_and_skip);
}

/* Up to 5 ms late is in time, whatever the policy; more is missed. */
static void *be_a_little_late(void *arg)
{
	for (int missed = 0; missed < 3; missed++) {
		chp_time taken;

		begin((chp_missed)missed);
		check_tick(at(0));
		sleep_to(14);
		check_tick(at(10));
		check_tick(at(20));
		sleep_to(37);
		taken = chp_now();
		check_tick(at(30));
		check_tick(missed == CHP_MISSED_DELAY ? taken + 10 * CHP_MS
						      : at(40));
	}
	return arg;
}

static void a_tick_a_little_late_is_not_missed(void)
{
	paused(be_a_little_late);
}

static void *tick_faster_than_the_clock(void *arg)
{
	start = chp_now();
	CHECK_CODE(
		chp_interval_init(&iv, start, 100 * CHP_US, CHP_MISSED_BURST),
		0);
	for (long i = 0; i < 1000; i++)
		check_tick(start + i * 100 * CHP_US);
	CHECK(chp_now() >= at(99));
	CHECK(chp_now() <= at(101));
	return arg;
}

static void periods_below_a_millisecond_keep_step(void)
{
	paused(tick_faster_than_the_clock);
}

/* ---- Reset ---- */

static void *reset_it(void *arg)
{
	chp_time now;

	for (int missed = 0; missed < 3; missed++) {
		begin((chp_missed)missed);
		check_tick(at(0));
		sleep_to(47);
		now = chp_now();
		chp_interval_reset(&iv);
		check_tick(now + 10 * CHP_MS);
		check_tick(now + 20 * CHP_MS);
		chp_interval_reset_at(&iv, at(500));
		check_tick(at(500));
		check_tick(at(510));
		now = chp_now();
		chp_interval_reset_at(&iv, now - CHP_MS);
		check_tick(now - CHP_MS);
		check_tick(now + 9 * CHP_MS);
	}
	return arg;
}

static void reset_begins_anew(void)
{
	paused(reset_it);
}

/* ---- Giving up ---- */

static void *give_up(void *arg)
{
	chp_wait early, past = { .deadline = 1 };
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait cancelled = { .cancel = &token };
	chp_time scheduled = 7;

	begin(CHP_MISSED_BURST);
	early = (chp_wait){ .deadline = at(5) };
	check_tick(at(0));
	CHECK_CODE(chp_interval_tick_with(&iv, &scheduled, &early),
		   CHP_ETIMEDOUT);
	CHECK_CODE(chp_interval_tick_with(&iv, &scheduled, &past),
		   CHP_ETIMEDOUT);
	chp_interrupt(chp_agent_current());
	CHECK_CODE(chp_interval_tick(&iv, &scheduled), CHP_EINTR);
	chp_cancel_now(&token);
	CHECK_CODE(chp_interval_tick_with(&iv, &scheduled, &cancelled),
		   CHP_ECANCELED);
	CHECK_EQ(scheduled, 7);
	check_tick(at(10));
	/* A tick that is due is taken even past the deadline. */
	sleep_to(21);
	CHECK_CODE(chp_interval_tick_with(&iv, &scheduled, &past), 0);
	CHECK_EQ(scheduled, at(20));
	check_tick(at(30));
	return arg;
}

static void a_wait_that_fails_takes_no_tick(void)
{
	paused(give_up);
}

static void *select_ticks(void *arg)
{
	chp_semaphore s = CHP_SEMAPHORE_INIT(1, CHP_FIFO);
	chp_acquire_op acquire;
	chp_time scheduled = 7;
	chp_tick_op tick;
	chp_select_arm arms[2];

	begin(CHP_MISSED_BURST);
	check_tick(at(0));
	chp_interval_tick_op(&tick, &iv, &scheduled);
	chp_semaphore_acquire_op(&acquire, &s, 1);
	arms[0] = (chp_select_arm){ .op = &tick.op };
	arms[1] = (chp_select_arm){ .op = &acquire.op };
	CHECK_EQ(chp_select(arms, 2, CHP_CANCEL_LOSERS), 1);
	CHECK_EQ(scheduled, 7);
	/* The tick that lost is the one that comes next. */
	chp_interval_tick_op(&tick, &iv, &scheduled);
	chp_semaphore_acquire_op(&acquire, &s, 1);
	CHECK_EQ(chp_select(arms, 2, CHP_CANCEL_LOSERS), 0);
	CHECK_CODE(arms[0].result, 0);
	CHECK_EQ(scheduled, at(10));
	check_tick(at(20));

	/* As an operation that was polled, and is cancelled when it is due. */
	chp_interval_tick_op(&tick, &iv, &scheduled);
	CHECK_CODE(chp_op_poll(&tick.op, NULL), CHP_PENDING);
	sleep_to(31);
	CHECK(chp_op_cancel(&tick.op) != CHP_TOO_LATE);
	CHECK_EQ(scheduled, at(10));
	check_tick(at(30));
	return arg;
}

static void a_tick_that_loses_a_select_is_not_taken(void)
{
	paused(select_ticks);
}

/* ---- With the real clock, for every kind of caller ---- */

static void ticks_never_come_early(void)
{
	chp_time begun = chp_now(), scheduled;
	chp_tick_op op;

	CHECK_CODE(chp_interval_init(&iv, begun, 2 * CHP_MS, CHP_MISSED_BURST),
		   0);
	for (int i = 0; i < 10; i++) {
		chp_interval_tick_op(&op, &iv, &scheduled);
		CHECK_CODE(h_wait(&op.op, NULL), 0);
		CHECK_EQ(scheduled, begun + i * 2 * CHP_MS);
		CHECK(chp_now() >= scheduled);
	}
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(ticks_come_every_period_beginning_at_once, ON_ITS_OWN),
	TEST(the_first_tick_is_at_the_start, ON_ITS_OWN),
	TEST(a_period_must_be_positive, ON_ITS_OWN),
	TEST(burst_catches_up_and_is_back_in_step, ON_ITS_OWN),
	TEST(delay_goes_on_one_period_after_the_late_tick, ON_ITS_OWN),
	TEST(skip_drops_ticks_and_stays_in_step, ON_ITS_OWN),
	TEST(a_tick_a_little_late_is_not_missed, ON_ITS_OWN),
	TEST(periods_below_a_millisecond_keep_step, ON_ITS_OWN),
	TEST(reset_begins_anew, ON_ITS_OWN),
	TEST(a_wait_that_fails_takes_no_tick, ON_ITS_OWN),
	TEST(a_tick_that_loses_a_select_is_not_taken, ON_ITS_OWN),
	TEST(ticks_never_come_early, IN_ALL),
};
/* clang-format on */

H_MAIN("interval", tests)
