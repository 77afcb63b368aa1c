/*
 * scenario_passed.c - a first waiter that was woken and does not come: those
 * who go past it count, look at the clock (sync/passes.h: at each second one),
 * and after a millisecond leave it what they give back.
 */
#include <chappe/mutex.h>
#include <chappe/semaphore.h>

#include "counted.h"

static chp_mutex m;
static chp_semaphore s;
static chp_lock_op lock_op;
static chp_acquire_op acquire_op;
static struct counted absent;
static unsigned guarded; /* by who holds it */
static int result;       /* of the waiter */

static chp_poll_ctx of_absent(void)
{
	return chp_poll_ctx_of(counted_waker(&absent));
}

/* The waiter's own turn, if it has one. */
static void unlock(void)
{
	guarded++;
	chp_mutex_unlock(&m);
}

static void release(void)
{
	guarded++;
	MODEL_CHECK(chp_semaphore_release(&s, 1) == 0);
}

/* clang-format off */
#define PASSED(name, make, init, op_, try, give) \
	static void name##_make(void) \
	{ \
		chp_poll_ctx ctx = of_absent(); \
		make; \
		MODEL_CHECK(try == 0); \
		init; \
		result = chp_op_poll(&(op_)->op, &ctx); \
		MODEL_CHECK(result == CHP_PENDING); \
		give(); \
		MODEL_CHECK(load_relaxed(&absent.wakes) == 1); \
	} \
	static void name##_pass(void) \
	{ \
		MODEL_CHECK(try == 0); \
		MODEL_AT_MOST(3, 3, 0, give()); \
		for (int i = 0; i < 4; i++) { \
			if (try != 0) { \
				model_reached(0); \
				return; \
			} \
			give(); \
		} \
		model_reached(1); \
	} \
	static void name##_pass_beside(void) \
	{ \
		for (int i = 0; i < 4; i++) { \
			if (try != 0) \
				return; \
			give(); \
		} \
	} \
	static void name##_come(void) \
	{ \
		chp_poll_ctx ctx = of_absent(); \
		result = chp_op_poll(&(op_)->op, &ctx); \
		if (result == 0) \
			give(); \
	} \
	/* Handed over, or still waiting: nothing was lost. */ \
	static void name##_end(void) \
	{ \
		if (result == CHP_PENDING) \
			name##_come(); \
		MODEL_CHECK(result == 0); \
		MODEL_CHECK(try == 0); \
		give(); \
		counted_end(&absent); \
	} \
	SCENARIO(name, .setup = name##_make, .threads = { name##_pass }, \
		 .check = name##_end, .ticks = 2, .must_reach = 3); \
	SCENARIO(name##_beside, .setup = name##_make, \
		 .threads = { name##_pass_beside, name##_come }, \
		 .check = name##_end, .ticks = 2, .bound = 3)
/* clang-format on */

PASSED(mutex_passed_over, (void)0, chp_mutex_lock_op(&lock_op, &m), &lock_op,
       chp_mutex_try_lock(&m), unlock);
PASSED(semaphore_passed_over, chp_semaphore_init(&s, 1, CHP_UNFAIR),
       chp_semaphore_acquire_op(&acquire_op, &s, 1), &acquire_op,
       chp_semaphore_try_acquire(&s, 1), release);

/*
 * A mutex knows that it goes past a waiter, and that it does so no more: its
 * changes do not fail first.
 */
static void mutex_knows(void)
{
	chp_poll_ctx ctx = of_absent();

	MODEL_AT_MOST(2, 2, 0, MODEL_CHECK(chp_mutex_try_lock(&m) == 0));
	MODEL_AT_MOST(2, 3, 0, unlock());
	MODEL_AT_MOST(2, 1, 0, MODEL_CHECK(chp_mutex_try_lock(&m) == 0));
	MODEL_AT_MOST(5, 5, 1, unlock()); /* it has looked at the clock */
	MODEL_CHECK(chp_mutex_try_lock(&m) == 0);
	unlock();
	result = chp_op_poll(&lock_op.op, &ctx);
	MODEL_CHECK(result == 0);
	unlock(); /* nobody waits any more */
	MODEL_AT_MOST(1, 1, 0, MODEL_CHECK(chp_mutex_try_lock(&m) == 0));
	MODEL_AT_MOST(1, 1, 0, unlock());
}

SCENARIO(mutex_knows_of_passing, .setup = mutex_passed_over_make,
	 .threads = { mutex_knows }, .check = mutex_passed_over_end);

/*
 * Past a waiter as well a release is in the chain of changes: that there is room
 * for it again tells of the drain before.
 */
static unsigned plain;

static void full_make(void)
{
	chp_poll_ctx ctx = of_absent();

	chp_semaphore_init(&s, 0, CHP_UNFAIR);
	chp_semaphore_acquire_op(&acquire_op, &s, 1);
	MODEL_CHECK(chp_op_poll(&acquire_op.op, &ctx) == CHP_PENDING);
	MODEL_CHECK(chp_semaphore_release(&s, CHP_SEMAPHORE_MAX) == 0);
}

static void do_and_drain(void)
{
	plain = 1;
	chp_semaphore_drain(&s);
}

static void give_and_look(void)
{
	int r = chp_semaphore_release(&s, 1);

	if (r == 0)
		MODEL_CHECK(plain == 1);
	else
		MODEL_CHECK(r == CHP_EOVERFLOW);
	model_reached(r == 0);
}

static void full_end(void)
{
	chp_op_cancel(&acquire_op.op);
	counted_end(&absent);
}

SCENARIO(semaphore_passed_over_room, .setup = full_make,
	 .threads = { do_and_drain, give_and_look }, .check = full_end,
	 .must_reach = 3);
