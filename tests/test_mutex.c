/*
 * test_mutex.c - locking and unlocking by hand, where each step has one
 * outcome: who is woken, who gets the lock, what a newcomer gets, what giving
 * up leaves behind.
 */
#include "lock.h"

static chp_mutex m;

static void make(unsigned flags)
{
	CHECK_CODE(chp_mutex_init(&m, flags), 0);
}

static void ends_unlocked(void)
{
	CHECK_EQ(QUEUED(&m), 0);
	CHECK(!chp_mutex_is_locked(&m));
	CHECK_CODE(chp_mutex_try_lock(&m), 0);
	chp_mutex_unlock(&m);
	chp_mutex_destroy(&m);
}

static void cannot_be_had(void)
{
	struct poller p;

	CHECK(chp_mutex_is_locked(&m));
	CHECK_CODE(chp_mutex_try_lock(&m), CHP_EAGAIN);
	queue_locker(&p, &m);
	cancel_finds(&p, CHP_HELD_NOTHING);
}

/* ---- Making ---- */

static chp_mutex zero;
static chp_mutex made = CHP_MUTEX_INIT(0);
static chp_mutex made_fifo = CHP_MUTEX_INIT(CHP_MUTEX_FIFO);

static void all_zero_and_initialised_are_unlocked(void)
{
	chp_mutex *all[] = { &zero, &made, &made_fifo };
	chp_mutex automatic = { 0 }, set_up;

	for (size_t i = 0; i < 3; i++) {
		CHECK(!chp_mutex_is_locked(all[i]));
		mutex_lock(all[i]);
		CHECK(chp_mutex_is_locked(all[i]));
		CHECK_CODE(chp_mutex_try_lock(all[i]), CHP_EAGAIN);
		chp_mutex_unlock(all[i]);
		CHECK(!chp_mutex_is_locked(all[i]));
	}
	CHECK_EQ(memcmp(&zero, &made, sizeof(zero)), 0);
	chp_mutex_destroy(&automatic);
	memset(&set_up, 0x5a, sizeof(set_up));
	CHECK_CODE(chp_mutex_init(&set_up, 0), 0);
	mutex_lock(&set_up);
	chp_mutex_unlock(&set_up);
	chp_mutex_destroy(&set_up);
}

static void an_unknown_flag_is_refused(void)
{
	CHECK_CODE(chp_mutex_init(&m, CHP_MUTEX_FIFO << 1), CHP_EINVAL);
	CHECK_CODE(chp_mutex_init(&m, CHP_MUTEX_FIFO | 2), CHP_EINVAL);
	CHECK_CODE(chp_mutex_init(&m, ~0u), CHP_EINVAL);
	CHECK_CODE(chp_mutex_init(&m, 1u << 31), CHP_EINVAL);
}

/* ---- Locking ---- */

static void a_lock_excludes(unsigned flags)
{
	make(flags);
	for (int i = 0; i < 1000; i++) {
		mutex_lock(&m);
		cannot_be_had();
		chp_mutex_unlock(&m);
		CHECK_CODE(mutex_lock_with(&m, NULL), 0);
		cannot_be_had();
		chp_mutex_unlock(&m);
		CHECK_CODE(chp_mutex_try_lock(&m), 0);
		cannot_be_had();
		chp_mutex_unlock(&m);
		hold(&m);
		cannot_be_had();
		chp_mutex_unlock(&m);
		CHECK(!chp_mutex_is_locked(&m));
	}
	ends_unlocked();
}

static void two_mutexes_know_nothing_of_each_other(unsigned flags)
{
	chp_mutex other;

	make(flags);
	CHECK_CODE(chp_mutex_init(&other, flags), 0);
	mutex_lock(&m);
	CHECK_CODE(mutex_lock_with(&other, NULL), 0);
	chp_mutex_unlock(&m);
	CHECK(chp_mutex_is_locked(&other));
	CHECK_CODE(chp_mutex_try_lock(&other), CHP_EAGAIN);
	chp_mutex_unlock(&other);
	ends_unlocked();
}

static void nothing_allocates(unsigned flags)
{
	long before = h_allocs();
	struct poller p;

	make(flags);
	mutex_lock(&m);
	queue_locker(&p, &m);
	chp_mutex_unlock(&m);
	poll_ends(&p, 1);
	CHECK_CODE(mutex_lock_with(&m, &(chp_wait){ .deadline = 1 }),
		   CHP_ETIMEDOUT);
	chp_mutex_unlock(&m);
	ends_unlocked();
	if (h_mode() != H_POLLED)
		CHECK_EQ(h_allocs(), before);
}

/* ---- Unlocking with waiters ---- */

enum { MANY = 300 };

static struct poller p[MANY];

static void unlock_wakes_the_oldest_and_nobody_else(unsigned flags)
{
	make(flags);
	hold(&m);
	for (int i = 0; i < MANY; i++)
		queue_locker(&p[i], &m);
	CHECK_EQ(QUEUED(&m), MANY);
	for (int i = 0; i < MANY; i++) {
		chp_mutex_unlock(&m);
		if (i + 1 < MANY)
			CHECK_EQ(h_wakes(&p[i + 1].waker), 0);
		poll_ends(&p[i], 1);
		CHECK(chp_mutex_is_locked(&m));
	}
	chp_mutex_unlock(&m);
	ends_unlocked();
}

/* tokio: fails also when unlocked but assigned to a waiter. */
static void in_fifo_the_lock_is_the_waiters_before_it_polls(void)
{
	struct poller a, b;

	make(CHP_MUTEX_FIFO);
	hold(&m);
	queue_locker(&a, &m);
	chp_mutex_unlock(&m);
	cannot_be_had();
	CHECK_CODE(mutex_lock_at_once(&m), CHP_ETIMEDOUT);
	queue_locker(&b, &m);
	poll_ends(&a, 1);
	/* Unlocking and locking again: to the back. */
	chp_mutex_unlock(&m);
	queue_locker(&a, &m);
	poll_ends(&b, 1);
	chp_mutex_unlock(&m);
	poll_ends(&a, 1);
	chp_mutex_unlock(&m);
	ends_unlocked();
}

static void by_default_a_newcomer_may_overtake(void)
{
	struct poller a, b;

	make(0);
	hold(&m);
	queue_locker(&a, &m);
	queue_locker(&b, &m);
	chp_mutex_unlock(&m);
	CHECK(!chp_mutex_is_locked(&m));
	CHECK_EQ(h_wakes(&a.waker), 1);
	CHECK_CODE(mutex_lock_at_once(&m), 0);
	/* It keeps its place before the other one. */
	CHECK_CODE(poll_again(&a), CHP_PENDING);
	CHECK_EQ(h_refs(&a.waker), 1);
	CHECK_EQ(QUEUED(&m), 2);
	chp_mutex_unlock(&m);
	CHECK_EQ(h_wakes(&a.waker), 2);
	CHECK_EQ(h_wakes(&b.waker), 0);
	/* A spurious poll of the second takes nothing from the first. */
	CHECK_CODE(poll_again(&b), CHP_PENDING);
	poll_ends(&a, 2);
	chp_mutex_unlock(&m);
	poll_ends(&b, 1);
	chp_mutex_unlock(&m);
	ends_unlocked();
}

/* ---- Giving up ---- */

static void one_who_gave_up_is_passed_over(unsigned flags)
{
	/* Which of three gives up. */
	for (int who = 0; who < 3; who++) {
		int first = who == 0 ? 1 : 0, last = who == 2 ? 1 : 2;

		make(flags);
		hold(&m);
		for (int i = 0; i < 3; i++)
			queue_locker(&p[i], &m);
		cancel_finds(&p[who], CHP_HELD_NOTHING);
		CHECK_EQ(QUEUED(&m), 2);
		chp_mutex_unlock(&m);
		poll_ends(&p[first], 1);
		chp_mutex_unlock(&m);
		poll_ends(&p[last], 1);
		chp_mutex_unlock(&m);
		CHECK_EQ(h_wakes(&p[who].waker), 0);
		CHECK_EQ(chp_op_cancel(&p[who].op), CHP_HELD_NOTHING);
		ends_unlocked();
	}
}

/* In FIFO it was handed the lock, by default only woken. */
static void one_who_gives_up_too_late_passes_it_on(unsigned flags)
{
	int found = flags ? CHP_GAVE_BACK : CHP_HELD_NOTHING;
	struct poller a, b, c;

	make(flags);
	hold(&m);
	queue_locker(&a, &m);
	queue_locker(&b, &m);
	queue_locker(&c, &m);
	chp_mutex_unlock(&m);
	CHECK_EQ(h_wakes(&a.waker), 1);
	cancel_finds(&a, found);
	CHECK_EQ(h_wakes(&b.waker), 1);
	cancel_finds(&b, found);
	poll_ends(&c, 1);
	chp_mutex_unlock(&m);
	CHECK_EQ(h_wakes(&a.waker) + h_wakes(&b.waker), 2);
	ends_unlocked();
}

static void the_last_who_gives_up_leaves_it_unlocked(unsigned flags)
{
	struct poller a;

	make(flags);
	hold(&m);
	queue_locker(&a, &m);
	chp_mutex_unlock(&m);
	cancel_finds(&a, flags ? CHP_GAVE_BACK : CHP_HELD_NOTHING);
	ends_unlocked();
}

static void what_was_never_polled_holds_nothing(unsigned flags)
{
	struct poller a, b;

	make(flags);
	start_locker(&a, &m);
	start_locker(&b, &m);
	CHECK(!chp_mutex_is_locked(&m));
	cancel_finds(&a, CHP_HELD_NOTHING);
	CHECK(!chp_mutex_is_locked(&m));
	hold(&m);
	CHECK_EQ(QUEUED(&m), 0);
	cancel_finds(&b, CHP_HELD_NOTHING);
	chp_mutex_unlock(&m);
	ends_unlocked();
}

/* By default: woken, beaten by a newcomer, gives up.  The next is not lost. */
static void a_beaten_one_who_gives_up_loses_no_wake(void)
{
	struct poller a, b;

	make(0);
	hold(&m);
	queue_locker(&a, &m);
	queue_locker(&b, &m);
	chp_mutex_unlock(&m);
	hold(&m);
	cancel_finds(&a, CHP_HELD_NOTHING);
	chp_mutex_unlock(&m);
	poll_ends(&b, h_wakes(&b.waker));
	CHECK(h_wakes(&b.waker) >= 1);
	chp_mutex_unlock(&m);
	ends_unlocked();
}

/* ---- Wakers ---- */

static void the_newest_waker_is_woken(unsigned flags)
{
	struct h_waker old = { 0 };
	struct poller a;

	make(flags);
	hold(&m);
	start_locker(&a, &m);
	CHECK_CODE(h_poll(&a.op, &old), CHP_PENDING);
	CHECK_EQ(h_refs(&old), 1);
	poll_pends(&a);
	CHECK_EQ(h_refs(&old), 0);
	poll_pends(&a);
	CHECK_CODE(chp_op_poll(&a.op, NULL), CHP_PENDING);
	CHECK_EQ(h_refs(&a.waker), 0);
	poll_pends(&a);
	CHECK_EQ(QUEUED(&m), 1);
	chp_mutex_unlock(&m);
	CHECK_EQ(h_wakes(&old), 0);
	poll_ends(&a, 1);
	chp_mutex_unlock(&m);
	ends_unlocked();
}

static void a_poll_without_waker_takes_a_place(unsigned flags)
{
	struct poller a, b;

	make(flags);
	hold(&m);
	start_locker(&a, &m);
	CHECK_CODE(chp_op_poll(&a.op, NULL), CHP_PENDING);
	queue_locker(&b, &m);
	chp_mutex_unlock(&m);
	CHECK_EQ(h_wakes(&b.waker), 0);
	CHECK_CODE(chp_op_poll(&a.op, NULL), 0);
	chp_mutex_unlock(&m);
	poll_ends(&b, 1);
	chp_mutex_unlock(&m);
	ends_unlocked();
}

/* ---- Budget ---- */

static void locking_costs_of_the_budget(unsigned flags)
{
	uint32_t left = 2;
	struct poller a;

	make(flags);
	for (uint32_t i = 2; i > 0; i--) {
		start_locker(&a, &m);
		CHECK_EQ(left, i);
		CHECK_CODE(h_poll_within(&a.op, &a.waker, &left), 0);
		chp_mutex_unlock(&m);
	}
	CHECK_EQ(left, 0);
	start_locker(&a, &m);
	CHECK_CODE(h_poll_within(&a.op, &a.waker, &left), CHP_PENDING);
	h_until(h_wakes(&a.waker) == 1);
	/* It may have a place, but it has not locked. */
	left = 1;
	CHECK_CODE(h_poll_within(&a.op, &a.waker, &left), 0);
	CHECK_EQ(left, 0);
	CHECK_EQ(h_refs(&a.waker), 0);
	/* Staying pending costs nothing. */
	left = 5;
	queue_locker(&p[0], &m);
	CHECK_CODE(h_poll_within(&p[0].op, &p[0].waker, &left), CHP_PENDING);
	CHECK_EQ(left, 5);
	chp_mutex_unlock(&m);
	CHECK_CODE(h_poll_within(&p[0].op, &p[0].waker, &left), 0);
	CHECK_EQ(left, 4);
	chp_mutex_unlock(&m);
	ends_unlocked();
}

static void *set_flag(void *arg)
{
	h_store(arg, 1);
	return NULL;
}

/* How often fn() goes at once before another task of this worker runs. */
static int before_others_run(void (*fn)(void))
{
	chp_word flag = { 0 };
	chp_task other;
	int i;

	CHECK_CODE(chp_spawn(&other, set_flag, &flag), 0);
	for (i = 0; i < 1000 && !h_load(&flag); i++)
		fn();
	CHECK_CODE(chp_join(&other, NULL), 0);
	return i;
}

static void lock_and_unlock(void)
{
	chp_mutex_lock(&m);
	chp_mutex_unlock(&m);
}

static void try_and_unlock(void)
{
	CHECK_CODE(chp_mutex_try_lock(&m), 0);
	chp_mutex_unlock(&m);
}

static void a_task_that_locks_lets_others_run(unsigned flags)
{
	make(flags);
	CHECK(before_others_run(lock_and_unlock) <= 129);
	/* Trying is free. */
	CHECK_EQ(before_others_run(try_and_unlock), 1000);
	ends_unlocked();
}

/* clang-format off */
BY_FLAGS(a_lock_excludes)
BY_FLAGS(two_mutexes_know_nothing_of_each_other)
BY_FLAGS(nothing_allocates)
BY_FLAGS(unlock_wakes_the_oldest_and_nobody_else)
BY_FLAGS(one_who_gave_up_is_passed_over)
BY_FLAGS(one_who_gives_up_too_late_passes_it_on)
BY_FLAGS(the_last_who_gives_up_leaves_it_unlocked)
BY_FLAGS(what_was_never_polled_holds_nothing)
BY_FLAGS(the_newest_waker_is_woken)
BY_FLAGS(a_poll_without_waker_takes_a_place)
BY_FLAGS(locking_costs_of_the_budget)
BY_FLAGS(a_task_that_locks_lets_others_run)

static const struct h_test tests[] = {
	TEST(all_zero_and_initialised_are_unlocked, IN_ALL),
	TEST(an_unknown_flag_is_refused, ON_ITS_OWN),
	TESTS(a_lock_excludes, IN_ALL),
	TESTS(two_mutexes_know_nothing_of_each_other, IN_ALL),
	TESTS(nothing_allocates, IN_ALL),
	TESTS(unlock_wakes_the_oldest_and_nobody_else, IN_ALL),
	TEST(in_fifo_the_lock_is_the_waiters_before_it_polls, IN_ALL),
	TEST(by_default_a_newcomer_may_overtake, IN_ALL),
	TESTS(one_who_gave_up_is_passed_over, IN_ALL),
	TESTS(one_who_gives_up_too_late_passes_it_on, IN_ALL),
	TESTS(the_last_who_gives_up_leaves_it_unlocked, IN_ALL),
	TESTS(what_was_never_polled_holds_nothing, IN_ALL),
	TEST(a_beaten_one_who_gives_up_loses_no_wake, IN_ALL),
	TESTS(the_newest_waker_is_woken, IN_ALL),
	TESTS(a_poll_without_waker_takes_a_place, IN_ALL),
	TESTS(locking_costs_of_the_budget, IN_ALL),
	TESTS(a_task_that_locks_lets_others_run, IN_CT),
};
/* clang-format on */

H_MAIN("mutex", tests)
