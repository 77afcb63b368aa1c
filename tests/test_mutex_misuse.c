/*
 * test_mutex_misuse.c - broken rules stop the process with a sentence: an
 * unlock of what is not locked, and destroying with waiters, in every build;
 * in debug builds also an unlock by somebody else, a lock by who has it, and
 * destroying while it is held.  And what looks like misuse, and is none.
 */
#include "lock.h"

static chp_mutex m;

static void make(unsigned flags)
{
	CHECK_CODE(chp_mutex_init(&m, flags), 0);
}

/* ---- In every build ---- */

static void unlock_it(void *arg)
{
	(void)arg;
	chp_mutex_unlock(&m);
}

static void unlock_twice(void *arg)
{
	(void)arg;
	chp_mutex_lock(&m);
	chp_mutex_unlock(&m);
	chp_mutex_unlock(&m);
}

static void unlock_a_guard_by_hand_too(void *arg)
{
	chp_mutex_guard g = chp_mutex_lock_guard(&m, NULL);

	(void)arg;
	chp_mutex_unlock(&m);
	chp_mutex_guard_unlock(&g);
}

static void unlocking_what_is_not_locked(unsigned flags)
{
	make(flags);
	h_must_panic(unlock_it, NULL, "mutex");
	h_must_panic(unlock_twice, NULL, "mutex");
	h_must_panic(unlock_a_guard_by_hand_too, NULL, "mutex");
}

/* By default unlocked and waited for at once is a state of its own. */
static void unlock_with_one_woken(void *arg)
{
	struct poller p;

	(void)arg;
	hold(&m);
	queue_locker(&p, &m);
	chp_mutex_unlock(&m);
	chp_mutex_unlock(&m);
}

static void unlocking_it_while_one_has_been_woken(void)
{
	make(0);
	h_must_panic(unlock_with_one_woken, NULL, "mutex");
}

static void destroy_with_a_waiter(void *arg)
{
	struct poller p;

	(void)arg;
	hold(&m);
	queue_locker(&p, &m);
	if (arg)
		chp_mutex_unlock(&m);
	chp_mutex_destroy(&m);
}

static void destroying_what_is_waited_for(unsigned flags)
{
	make(flags);
	h_must_panic(destroy_with_a_waiter, NULL, "mutex");
	/* Woken, but it has not come yet. */
	if (!flags)
		h_must_panic(destroy_with_a_waiter, &m, "mutex");
}

static void wait_without_the_mutex(void *arg)
{
	chp_cond c = CHP_COND_INIT;

	(void)arg;
	chp_cond_wait(&c, &m);
}

static void poll_a_wait_without_the_mutex(void *arg)
{
	chp_cond c = CHP_COND_INIT;
	chp_cond_op op;

	(void)arg;
	chp_cond_wait_op(&op, &c, &m);
	chp_op_poll(&op.op, NULL);
}

static void waiting_on_a_condition_without_the_mutex(unsigned flags)
{
	make(flags);
	h_must_panic(poll_a_wait_without_the_mutex, NULL, "mutex");
	h_must_panic(wait_without_the_mutex, NULL, "mutex");
}

static void poll_what_has_ended(void *arg)
{
	struct poller p;

	(void)arg;
	start_locker(&p, &m);
	poll_ends(&p, 0);
	poll_again(&p);
}

static void polling_what_has_ended(unsigned flags)
{
	make(flags);
	h_must_panic(poll_what_has_ended, NULL, "finished");
}

/* ---- In debug builds ---- */

static void *unlock_on_a_thread(void *arg)
{
	chp_mutex_unlock(&m);
	return arg;
}

static void on_another_thread(void *(*fn)(void *))
{
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, fn, NULL), 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
}

static void unlock_by_another(void *arg)
{
	int (*lock)(void) = *(int (**)(void))arg;

	CHECK_CODE(lock(), 0);
	on_another_thread(unlock_on_a_thread);
}

static int lock_plainly(void)
{
	chp_mutex_lock(&m);
	return 0;
}

static int lock_with(void)
{
	return chp_mutex_lock_with(&m, NULL);
}

static int lock_by_trying(void)
{
	return chp_mutex_try_lock(&m);
}

static chp_mutex_guard a_guard;

static int lock_a_guard(void)
{
	a_guard = chp_mutex_lock_guard(&m, NULL);
	return 0;
}

static int try_a_guard(void)
{
	return chp_mutex_try_lock_guard(&m, NULL, &a_guard);
}

static void *hold_for_a_while(void *arg)
{
	chp_mutex_lock(&m);
	h_store(arg, 1);
	h_until(QUEUED(&m) == 1);
	chp_mutex_unlock(&m);
	return NULL;
}

/* Slowly, after a wait. */
static int lock_after_a_wait(void)
{
	chp_word held = { 0 };
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, hold_for_a_while, &held), 0);
	h_until(h_load(&held));
	chp_mutex_lock(&m);
	CHECK_EQ(pthread_join(t, NULL), 0);
	return 0;
}

/* Again, by the wait for a condition. */
static int lock_by_a_condition(void)
{
	chp_cond c = CHP_COND_INIT;

	chp_mutex_lock(&m);
	CHECK_CODE(chp_cond_wait_with(&c, &m, &(chp_wait){ .deadline = 1 }),
		   CHP_ETIMEDOUT);
	return 0;
}

static int (*const ways[])(void) = {
	lock_plainly, lock_with,         lock_by_trying,      lock_a_guard,
	try_a_guard,  lock_after_a_wait, lock_by_a_condition,
};

enum { WAYS = sizeof(ways) / sizeof(*ways) };

static bool is_a_debug_build(void)
{
	if (!DEBUG_BUILD)
		h_skip("no debug build");
	return DEBUG_BUILD;
}

static void unlocking_by_somebody_else(unsigned flags)
{
	if (!is_a_debug_build())
		return;
	make(flags);
	for (int i = 0; i < WAYS; i++)
		h_must_panic(unlock_by_another, (void *)&ways[i], "mutex");
}

static void lock_twice(void *arg)
{
	int (*lock)(void) = *(int (**)(void))arg;

	CHECK_CODE(lock(), 0);
	chp_mutex_lock(&m);
}

static void lock_with_twice(void *arg)
{
	int (*lock)(void) = *(int (**)(void))arg;

	CHECK_CODE(lock(), 0);
	CHECK_CODE(chp_mutex_lock_with(&m, NULL), 0);
}

static void locking_what_one_has(unsigned flags)
{
	if (!is_a_debug_build())
		return;
	make(flags);
	for (int i = 0; i < WAYS; i++) {
		h_must_panic(lock_twice, (void *)&ways[i], "mutex");
		h_must_panic(lock_with_twice, (void *)&ways[i], "mutex");
	}
}

static void destroy_locked(void *arg)
{
	int (*lock)(void) = *(int (**)(void))arg;

	CHECK_CODE(lock(), 0);
	chp_mutex_destroy(&m);
}

static int lock_by_a_poller(void)
{
	hold(&m);
	return 0;
}

static void destroying_what_is_held(unsigned flags)
{
	static int (*by_poller)(void) = lock_by_a_poller;

	if (!is_a_debug_build())
		return;
	make(flags);
	for (int i = 0; i < WAYS; i++)
		h_must_panic(destroy_locked, (void *)&ways[i], "mutex");
	h_must_panic(destroy_locked, &by_poller, "mutex");
}

static void *adopt_it(void *arg)
{
	chp_mutex_adopt(&m);
	return arg;
}

static void unlock_what_was_adopted_by_another(void *arg)
{
	int (*lock)(void) = *(int (**)(void))arg;

	CHECK_CODE(lock(), 0);
	on_another_thread(adopt_it);
	chp_mutex_unlock(&m);
}

static void unlocking_what_another_has_adopted(unsigned flags)
{
	if (!is_a_debug_build())
		return;
	make(flags);
	for (int i = 0; i < WAYS; i++)
		h_must_panic(unlock_what_was_adopted_by_another,
			     (void *)&ways[i], "mutex");
}

static void lock_what_i_adopted(void *arg)
{
	(void)arg;
	on_another_thread(adopt_it);
	chp_mutex_adopt(&m);
	chp_mutex_lock(&m);
}

static void locking_what_one_has_adopted(unsigned flags)
{
	if (!is_a_debug_build())
		return;
	make(flags);
	hold(&m);
	h_must_panic(lock_what_i_adopted, NULL, "mutex");
}

/* ---- What is none ---- */

/* However it was locked, its owner unlocks it and may lock it again. */
static void the_owner_may_do_everything_again(unsigned flags)
{
	make(flags);
	for (int i = 0; i < WAYS; i++)
		for (int k = 0; k < WAYS; k++) {
			CHECK_CODE(ways[i](), 0);
			chp_mutex_unlock(&m);
			CHECK_CODE(ways[k](), 0);
			chp_mutex_unlock(&m);
		}
	chp_mutex_destroy(&m);
}

/* Trying what one has: it is locked, so it cannot be had. */
static void trying_what_one_has(unsigned flags)
{
	make(flags);
	for (int i = 0; i < WAYS; i++) {
		CHECK_CODE(ways[i](), 0);
		CHECK_CODE(chp_mutex_try_lock(&m), CHP_EAGAIN);
		CHECK_CODE(try_a_guard(), CHP_EAGAIN);
		chp_mutex_unlock(&m);
	}
	chp_mutex_destroy(&m);
}

static void anybody_may_unlock_what_a_poller_locked(unsigned flags)
{
	make(flags);
	for (int i = 0; i < WAYS; i++) {
		struct poller p;

		hold(&m);
		on_another_thread(unlock_on_a_thread);
		/* Nor does the last owner stick to it. */
		CHECK_CODE(ways[i](), 0);
		queue_locker(&p, &m);
		chp_mutex_unlock(&m);
		CHECK_CODE(poll_again(&p), 0);
		on_another_thread(unlock_on_a_thread);
	}
	chp_mutex_destroy(&m);
}

static void *adopt_and_unlock(void *arg)
{
	chp_mutex_adopt(&m);
	chp_mutex_unlock(&m);
	return arg;
}

static void who_adopted_it_may_unlock(unsigned flags)
{
	make(flags);
	for (int i = 0; i < WAYS; i++) {
		CHECK_CODE(ways[i](), 0);
		on_another_thread(adopt_and_unlock);
		CHECK(!chp_mutex_is_locked(&m));
	}
	chp_mutex_destroy(&m);
}

/* A mutex that was destroyed, or whose memory is used again, is no mutex. */
static void an_unlocked_one_may_be_made_again(unsigned flags)
{
	for (int i = 0; i < 10; i++) {
		make(flags);
		chp_mutex_lock(&m);
		chp_mutex_unlock(&m);
		chp_mutex_destroy(&m);
	}
}

/* clang-format off */
BY_FLAGS(unlocking_what_is_not_locked)
BY_FLAGS(destroying_what_is_waited_for)
BY_FLAGS(waiting_on_a_condition_without_the_mutex)
BY_FLAGS(polling_what_has_ended)
BY_FLAGS(unlocking_by_somebody_else)
BY_FLAGS(locking_what_one_has)
BY_FLAGS(destroying_what_is_held)
BY_FLAGS(unlocking_what_another_has_adopted)
BY_FLAGS(locking_what_one_has_adopted)
BY_FLAGS(the_owner_may_do_everything_again)
BY_FLAGS(trying_what_one_has)
BY_FLAGS(anybody_may_unlock_what_a_poller_locked)
BY_FLAGS(who_adopted_it_may_unlock)
BY_FLAGS(an_unlocked_one_may_be_made_again)

static const struct h_test tests[] = {
	TESTS(unlocking_what_is_not_locked, ON_ITS_OWN),
	TEST(unlocking_it_while_one_has_been_woken, ON_ITS_OWN),
	TESTS(destroying_what_is_waited_for, ON_ITS_OWN),
	TESTS(waiting_on_a_condition_without_the_mutex, ON_ITS_OWN),
	TESTS(polling_what_has_ended, ON_ITS_OWN),
	TESTS(unlocking_by_somebody_else, ON_ITS_OWN),
	TESTS(locking_what_one_has, ON_ITS_OWN),
	TESTS(destroying_what_is_held, ON_ITS_OWN),
	TESTS(unlocking_what_another_has_adopted, ON_ITS_OWN),
	TESTS(locking_what_one_has_adopted, ON_ITS_OWN),
	TESTS(the_owner_may_do_everything_again, IN_BLOCKING),
	TESTS(trying_what_one_has, IN_BLOCKING),
	TESTS(anybody_may_unlock_what_a_poller_locked, IN_BLOCKING),
	TESTS(who_adopted_it_may_unlock, IN_BLOCKING),
	TESTS(an_unlocked_one_may_be_made_again, IN_BLOCKING),
};
/* clang-format on */

H_MAIN("mutex_misuse", tests)
