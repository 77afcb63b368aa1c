/*
 * test_mutex_races.c - two parties at the same moment: one unlocks, the other
 * gives up.  Whoever wins, afterwards the lock is in one place, and nobody who
 * waits has been forgotten.
 */
#include "duel.h"

static chp_mutex m, other;
static int result; /* of mine */

static void make(unsigned flags)
{
	CHECK_CODE(chp_mutex_init(&m, flags), 0);
	CHECK_CODE(chp_mutex_init(&other, flags), 0);
}

static void unlock_it(void)
{
	chp_mutex_unlock(&m);
}

static void hold_it(void)
{
	hold(&m);
}

/* It was unlocked: the lock is mine, or nobody's. */
static void mine_or_nobodys(void)
{
	CHECK_EQ(QUEUED(&m), 0);
	CHECK_EQ(chp_mutex_is_locked(&m), result == 0);
	if (result == 0)
		chp_mutex_unlock(&m);
	CHECK_CODE(chp_mutex_try_lock(&m), 0);
	chp_mutex_unlock(&m);
}

/* ---- Cancelling ---- */

static struct poller a, b;

static void queue_one(void)
{
	hold(&m);
	queue_locker(&a, &m);
}

/* Give up, but half of the time have a look first. */
static void cancel_it(void)
{
	result = CHP_PENDING;
	if (h_load(&round_now) % 2)
		result = poll_again(&a);
	if (result == CHP_PENDING)
		CHECK(chp_op_cancel(&a.op) != CHP_TOO_LATE);
}

static void no_waker_is_left(void)
{
	CHECK_EQ(h_refs(&a.waker), 0);
	CHECK(h_wakes(&a.waker) <= 1);
	CHECK_EQ(h_refs(&b.waker), 0);
	mine_or_nobodys();
}

static void cancel_meets_unlock(unsigned flags)
{
	struct duel d = { queue_one,        cancel_it,      unlock_it,
			  no_waker_is_left, h_rounds(6000), { 0 } };

	make(flags);
	fight(&d);
}

static void queue_two(void)
{
	queue_one();
	queue_locker(&b, &m);
}

/* The one behind has it, or is woken for it, if the one in front has not. */
static void it_went_to_one_of_two(void)
{
	CHECK_EQ(h_refs(&a.waker), 0);
	if (result == 0) {
		CHECK_EQ(h_wakes(&b.waker), 0);
		CHECK_CODE(poll_again(&b), CHP_PENDING);
		chp_mutex_unlock(&m);
	}
	poll_ends(&b, 1);
	chp_mutex_unlock(&m);
	CHECK(!chp_mutex_is_locked(&m));
	CHECK_EQ(QUEUED(&m), 0);
}

static void cancel_meets_unlock_with_another_behind(unsigned flags)
{
	struct duel d = { queue_two,      cancel_it,
			  unlock_it,      it_went_to_one_of_two,
			  h_rounds(6000), { 0 } };

	make(flags);
	fight(&d);
}

/* Both give up at once, after an unlock. */
static void queue_two_and_unlock(void)
{
	queue_two();
	chp_mutex_unlock(&m);
}

static void cancel_the_other(void)
{
	CHECK(chp_op_cancel(&b.op) != CHP_TOO_LATE);
}

static void cancel_meets_cancel(unsigned flags)
{
	struct duel d = { queue_two_and_unlock, cancel_it,
			  cancel_the_other,     no_waker_is_left,
			  h_rounds(6000),       { 0 } };

	make(flags);
	fight(&d);
}

/* ---- A newcomer ---- */

static struct h_waker second;

/* Polled all the time, with one waker and another. */
static void poll_until_locked(void)
{
	memset(&second, 0, sizeof(second));
	start_locker(&a, &m);
	do
		result = h_poll(&a.op,
				h_load(&round_now) % 2 ? &second : &a.waker);
	while (result == CHP_PENDING &&
	       (result = poll_again(&a)) == CHP_PENDING &&
	       (h_mode() != H_CT || (h_yield(), true)));
}

static void both_wakers_are_gone(void)
{
	CHECK_CODE(result, 0);
	CHECK_EQ(h_refs(&second), 0);
	CHECK_EQ(h_refs(&a.waker), 0);
	mine_or_nobodys();
}

static void polling_meets_unlock(unsigned flags)
{
	struct duel d = { hold_it,        poll_until_locked,
			  unlock_it,      both_wakers_are_gone,
			  h_rounds(6000), { 0 } };

	make(flags);
	fight(&d);
}

/* By default: the waiter is woken while a newcomer takes the lock. */
static void try_it(void)
{
	result = chp_mutex_try_lock(&m);
	if (result == 0)
		chp_mutex_unlock(&m);
}

static void poll_the_waiter(void)
{
	if (poll_again(&a) == 0)
		chp_mutex_unlock(&m);
}

static void queue_one_and_unlock(void)
{
	queue_one();
	chp_mutex_unlock(&m);
}

/* If it lost, it was woken again when the other one unlocked. */
static void the_waiter_was_not_forgotten(void)
{
	if (!chp_op_is_finished(&a.op)) {
		CHECK_EQ(h_wakes(&a.waker), 2);
		CHECK_CODE(poll_again(&a), 0);
		chp_mutex_unlock(&m);
	}
	CHECK_EQ(h_refs(&a.waker), 0);
	CHECK_EQ(QUEUED(&m), 0);
	CHECK(!chp_mutex_is_locked(&m));
}

static void a_newcomer_meets_the_one_that_was_woken(unsigned flags)
{
	struct duel d = {
		queue_one_and_unlock,         poll_the_waiter, try_it,
		the_waiter_was_not_forgotten, h_rounds(6000),  { 0 }
	};

	make(flags);
	fight(&d);
}

/* ---- Deadline, token, interruption ---- */

static void lock_for_a_moment(void)
{
	static struct h_rng rng = { 521288629 };

	result = mutex_lock_with(
		&m, &(chp_wait){ .deadline = chp_in(h_below(&rng, 20000)) });
	if (result != CHP_ETIMEDOUT)
		CHECK_CODE(result, 0);
}

static void unlock_in_a_moment(void)
{
	let_pass(120000);
	chp_mutex_unlock(&m);
}

static void expiry_meets_unlock(unsigned flags)
{
	struct duel d = {
		hold_it,         lock_for_a_moment, unlock_in_a_moment,
		mine_or_nobodys, h_rounds(700),     { 0 }
	};

	make(flags);
	fight(&d);
}

static chp_cancel token;

static void hold_and_renew_the_token(void)
{
	chp_cancel_init(&token, NULL, 0);
	hold(&m);
}

static void lock_with_the_token(void)
{
	result = mutex_lock_with(&m, &(chp_wait){ .cancel = &token });
	if (result != CHP_ECANCELED)
		CHECK_CODE(result, 0);
}

static void unlock_and_cancel_the_token(void)
{
	if (h_load(&round_now) % 2)
		chp_cancel_now(&token);
	chp_mutex_unlock(&m);
	chp_cancel_now(&token);
}

static void a_token_meets_unlock(unsigned flags)
{
	struct duel d = { hold_and_renew_the_token,
			  lock_with_the_token,
			  unlock_and_cancel_the_token,
			  mine_or_nobodys,
			  h_rounds(2000),
			  { 0 } };

	make(flags);
	fight(&d);
}

static void lock_interruptibly(void)
{
	result = chp_mutex_lock_with(&m, NULL);
	if (result != CHP_EINTR)
		CHECK_CODE(result, 0);
}

static void unlock_and_interrupt(void)
{
	if (h_load(&round_now) % 2)
		CHECK_CODE(chp_interrupt(me), 0);
	chp_mutex_unlock(&m);
	if (h_load(&round_now) % 2 == 0)
		CHECK_CODE(chp_interrupt(me), 0);
}

/* The interrupt took effect in the wait, or it is still to be had. */
static void one_lock_and_one_interrupt(void)
{
	CHECK_EQ(chp_interrupted(), result == 0 ? 1 : 0);
	mine_or_nobodys();
}

static void an_interrupt_meets_unlock(unsigned flags)
{
	struct duel d = { hold_it,
			  lock_interruptibly,
			  unlock_and_interrupt,
			  one_lock_and_one_interrupt,
			  h_rounds(2000),
			  { 0 } };

	make(flags);
	fight(&d);
}

static void lock_plainly(void)
{
	chp_mutex_lock(&m);
	result = 0;
}

static void a_plain_lock_is_not_ended_by_an_interrupt(unsigned flags)
{
	struct duel d = { hold_it,
			  lock_plainly,
			  unlock_and_interrupt,
			  one_lock_and_one_interrupt,
			  h_rounds(2000),
			  { 0 } };

	make(flags);
	fight(&d);
}

/* ---- Two mutexes ---- */

static int won;

static void hold_both(void)
{
	hold(&m);
	hold(&other);
}

static void select_one_of_two(void)
{
	chp_lock_op first, then;
	chp_select_arm arms[2] = { { &first.op, 0 }, { &then.op, 0 } };
	chp_select_op select;

	chp_mutex_lock_op(&first, &m);
	chp_mutex_lock_op(&then, &other);
	CHECK_CODE(chp_select_init(&select, arms, 2, CHP_CANCEL_LOSERS), 0);
	won = h_wait(&select.op, NULL);
	CHECK(won == 0 || won == 1);
	CHECK_CODE(arms[won].result, 0);
}

static void unlock_both(void)
{
	bool odd = h_load(&round_now) % 2;

	chp_mutex_unlock(odd ? &m : &other);
	chp_mutex_unlock(odd ? &other : &m);
}

static void the_other_one_is_unlocked(void)
{
	CHECK_EQ(QUEUED(&m), 0);
	CHECK_EQ(QUEUED(&other), 0);
	CHECK_EQ(chp_mutex_is_locked(&m), won == 0);
	CHECK_EQ(chp_mutex_is_locked(&other), won == 1);
	chp_mutex_unlock(won == 0 ? &m : &other);
}

static void a_select_takes_one_of_two(unsigned flags)
{
	struct duel d = { hold_both,      select_one_of_two,
			  unlock_both,    the_other_one_is_unlocked,
			  h_rounds(2000), { 0 } };

	make(flags);
	fight(&d);
}

/* clang-format off */
BY_FLAGS(cancel_meets_unlock)
BY_FLAGS(cancel_meets_unlock_with_another_behind)
BY_FLAGS(cancel_meets_cancel)
BY_FLAGS(polling_meets_unlock)
BY_FLAGS(a_newcomer_meets_the_one_that_was_woken)
BY_FLAGS(expiry_meets_unlock)
BY_FLAGS(a_token_meets_unlock)
BY_FLAGS(an_interrupt_meets_unlock)
BY_FLAGS(a_plain_lock_is_not_ended_by_an_interrupt)
BY_FLAGS(a_select_takes_one_of_two)

static const struct h_test tests[] = {
	TESTS(cancel_meets_unlock, IN_ALL),
	TESTS(cancel_meets_unlock_with_another_behind, IN_ALL),
	TESTS(cancel_meets_cancel, IN_ALL),
	TESTS(polling_meets_unlock, IN_ALL),
	TESTS(a_newcomer_meets_the_one_that_was_woken, IN_ALL),
	TESTS(expiry_meets_unlock, IN_ALL),
	TESTS(a_token_meets_unlock, IN_ALL),
	TESTS(an_interrupt_meets_unlock, IN_BLOCKING),
	TESTS(a_plain_lock_is_not_ended_by_an_interrupt, IN_BLOCKING),
	TESTS(a_select_takes_one_of_two, IN_ALL),
};
/* clang-format on */

H_MAIN("mutex_races", tests)
