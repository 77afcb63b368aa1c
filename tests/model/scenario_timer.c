/*
 * scenario_timer.c - timers and sleeping.  The first ones are in
 * scenario_wait.c.
 */
#include <string.h>

#include <chappe/time.h>

#include "counted.h"
#include "wait/wheel.h"

static struct counted waker, other_waker;
static chp_sleep_op op;
static bool pending;

static int poll_with(struct counted *c)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(counted_waker(c));

	return chp_op_poll(&op.op, &ctx);
}

static void expire(void)
{
	chp__wheel_expire(the_wheel(), model_time(2));
}

/* ---- Sleeping, polled by hand, while the wheel turns ---- */

static void sleep_polled(void)
{
	chp_sleep_until_op(&op, model_time(1));
	MODEL_CHECK(poll_with(&waker) == CHP_PENDING);
	MODEL_CHECK(poll_with(&waker) == CHP_PENDING);
	pending = true;
}

static void sleep_another(void)
{
	chp_sleep_until_op(&op, model_time(1));
	MODEL_CHECK(poll_with(&waker) == CHP_PENDING);
	MODEL_CHECK(poll_with(&other_waker) == CHP_PENDING);
	pending = true;
}

static void sleep_left(void)
{
	chp_sleep_until_op(&op, model_time(1));
	MODEL_CHECK(poll_with(&waker) == CHP_PENDING);
	chp_op_cancel(&op.op);
	memset(&op, 0xff, sizeof(op));
}

static void sleep_reset(void)
{
	chp_sleep_until_op(&op, model_time(1));
	MODEL_CHECK(poll_with(&waker) == CHP_PENDING);
	chp_sleep_reset(&op, model_time(5));
	MODEL_CHECK(poll_with(&other_waker) == CHP_PENDING);
	pending = true;
}

/* What is left pending is woken by the waker that it was given last. */
static void all_fired(void)
{
	unsigned last;

	chp__wheel_expire(the_wheel(), model_time(6));
	MODEL_CHECK(!chp__wheel_is_armed(the_wheel()));
	MODEL_CHECK(wheel_next(the_wheel()) == CHP_NEVER);
	last = counted_end(&other_waker) ? 2 : counted_end(&waker);
	MODEL_CHECK(last > 0 || !pending);
	model_reached(last);
}

static void other_fired(void)
{
	all_fired();
	MODEL_CHECK(counted_end(&waker) <= 1);
	MODEL_CHECK(counted_end(&other_waker) == 1);
}

SCENARIO(sleep_polled, .threads = { sleep_polled, expire }, .check = all_fired,
	 .must_reach = 6);
SCENARIO(sleep_another_waker, .threads = { sleep_another, expire },
	 .check = other_fired);
SCENARIO(sleep_left, .threads = { sleep_left, expire }, .check = all_fired,
	 .must_reach = 3);
SCENARIO(sleep_reset, .threads = { sleep_reset, expire }, .check = other_fired);

/* ---- A blocking sleep ends in time, and is not too early ---- */

static void sleeper(void)
{
	MODEL_CHECK(chp_sleep_until(model_time(1)) == 0);
	MODEL_CHECK(chp_now() >= model_time(1));
	MODEL_CHECK(chp_sleep_until(model_time(1)) == 0);
}

static void sleeper_later(void)
{
	MODEL_CHECK(chp_sleep_until(model_time(3)) == 0);
	MODEL_CHECK(chp_now() >= model_time(3));
}

SCENARIO(sleep_blocking, .threads = { sleeper, sleeper_later }, .timed = 1);

/* ---- The wheel alone ---- */

enum { MANY = 34 }; /* more than are fired at once */

static struct wheel wheel;
static chp_timer timers[MANY];
static unsigned told; /* of an earlier time */

static void told_earlier(struct wheel *w)
{
	MODEL_CHECK(w == &wheel);
	told++;
}

static void arm(unsigned i, int ms)
{
	counted_retain(&waker);
	chp__wheel_arm(&wheel, &timers[i], model_time(ms),
		       counted_waker(&waker));
}

static void fired(unsigned wakes)
{
	MODEL_CHECK(load_relaxed(&waker.wakes) == wakes);
}

static bool between(chp_time low, chp_time high)
{
	chp_time next = wheel_next(&wheel);

	return next >= low && next <= high;
}

/* The hint never says later than the first timer. */
static void wheel_alone(void)
{
	chp__wheel_init(&wheel, model_time(0), told_earlier);
	MODEL_CHECK(wheel_next(&wheel) == CHP_NEVER);
	arm(0, 3);
	MODEL_CHECK(told == 1 && between(1, model_time(4)));
	arm(1, 6);
	MODEL_CHECK(told == 1 && between(1, model_time(4)));
	arm(2, 1);
	MODEL_CHECK(told == 2 && between(1, model_time(2)));

	MODEL_CHECK(chp__wheel_expire(&wheel, model_time(0)) == 0);
	MODEL_CHECK(chp__wheel_expire(&wheel, model_time(2)) == 1);
	fired(1);
	MODEL_CHECK(between(model_time(2), model_time(4)));
	MODEL_CHECK(!chp__wheel_cancel(&timers[2]));
	MODEL_CHECK(chp__wheel_cancel(&timers[1]));
	counted_release(&waker);
	MODEL_CHECK(chp__wheel_expire(&wheel, model_time(10)) == 1);
	fired(2);
	MODEL_CHECK(wheel_next(&wheel) == CHP_NEVER);
}

/* Without anybody to tell; and more timers at one time than fit. */
static void wheel_many(void)
{
	chp__wheel_init(&wheel, model_time(0), NULL);
	for (unsigned i = 0; i < MANY; i++)
		arm(i, 1);
	MODEL_CHECK(chp__wheel_expire(&wheel, model_time(2)) == MANY);
	fired(MANY);
	counted_end(&waker);
	MODEL_CHECK(!chp__wheel_is_armed(&wheel));
}

SCENARIO(wheel_alone, .threads = { wheel_alone });
SCENARIO(wheel_many, .threads = { wheel_many });

/* Two expire at once: each timer fires once. */
static void arm_two(void)
{
	chp__wheel_init(&wheel, model_time(0), NULL);
	arm(0, 1);
	arm(1, 4);
}

static void expire_2(void)
{
	chp__wheel_expire(&wheel, model_time(2));
}

static void expire_5(void)
{
	chp__wheel_expire(&wheel, model_time(5));
}

static void two_fired(void)
{
	MODEL_CHECK(counted_end(&waker) == 2);
	MODEL_CHECK(wheel_next(&wheel) == CHP_NEVER);
}

SCENARIO(wheel_two_expire, .setup = arm_two, .threads = { expire_2, expire_5 },
	 .check = two_fired);

/* The last of a slot is its owner's once it has fired: nobody links it again. */
static void arm_same(void)
{
	chp__wheel_init(&wheel, model_time(0), NULL);
	arm(0, 1);
	arm(1, 1);
}

static void cancel_one(void)
{
	bool armed = chp__wheel_cancel(&timers[1]);

	model_reached(armed);
	if (armed)
		counted_release(&waker);
	memset(&timers[1], 0xff, sizeof(timers[1]));
}

static void expire_and_own(void)
{
	chp__wheel_expire(&wheel, model_time(2));
	MODEL_CHECK(!chp__wheel_cancel(&timers[0]));
	memset(&timers[0], 0xff, sizeof(timers[0]));
}

static void none_armed(void)
{
	counted_end(&waker);
	MODEL_CHECK(!chp__wheel_is_armed(&wheel));
}

SCENARIO(wheel_same_slot, .setup = arm_same,
	 .threads = { cancel_one, expire_and_own }, .check = none_armed,
	 .must_reach = 3);
