/*
 * test_mutex_policy.c - order and overtaking, counted.  While a waiter is
 * queued, one party unlocks and at once locks again, many times: by default it
 * overtakes, in FIFO never; and by default not for ever: a waiter overtaken for
 * about a millisecond is next.
 */
#include "lock.h"

#include <time.h>

static chp_mutex m;

static void make(unsigned flags)
{
	CHECK_CODE(chp_mutex_init(&m, flags), 0);
}

static void ends_unlocked(void)
{
	CHECK_EQ(QUEUED(&m), 0);
	CHECK(!chp_mutex_is_locked(&m));
	chp_mutex_destroy(&m);
}

/* ---- Order among agents that wait ---- */

enum { AGENTS = 12 };

struct in_line {
	struct h_agent agent;
	int number;
};

static int order[AGENTS], locked_so_far; /* guarded by m */

static void *wait_in_line(void *arg)
{
	struct in_line *a = arg;

	mutex_lock(&m);
	order[locked_so_far++] = a->number;
	chp_mutex_unlock(&m);
	return NULL;
}

static void agents_get_it_in_the_order_they_came(unsigned flags)
{
	static struct in_line a[AGENTS];

	make(flags);
	locked_so_far = 0;
	mutex_lock(&m);
	for (int i = 0; i < AGENTS; i++) {
		a[i].number = i;
		/* Threads and tasks stand in one line. */
		spawn_mixed(i, &a[i].agent, wait_in_line, &a[i]);
		h_until(QUEUED(&m) == (uint32_t)i + 1);
	}
	chp_mutex_unlock(&m);
	join_mixed(&a[0].agent, AGENTS, sizeof(a[0]));
	for (int i = 0; i < AGENTS; i++)
		CHECK_EQ(order[i], i);
	ends_unlocked();
}

/* ---- Overtaking by agents ---- */

static chp_word turns; /* how often the waiter has had the lock */
static chp_word over;

static void *want_it_all_the_time(void *arg)
{
	while (!h_load(&over)) {
		mutex_lock(&m);
		h_add(&turns, 1);
		chp_mutex_unlock(&m);
	}
	return arg;
}

/*
 * By default it overtakes whenever it is still on its processor, nearly always;
 * but the waiter that it wakes may get the processor in its place, time after
 * time when the two share one, and then there is nobody to overtake it.  So as
 * many rounds as it takes until it has; were it never to, the watchdog ends
 * this.  By hand, below, the same is counted where nobody else runs.
 */
static void an_unlocker_that_locks_again(unsigned flags)
{
	long rounds = h_rounds(500), overtaken = 0;
	struct h_agent a;

	make(flags);
	mutex_lock(&m);
	turns.v = over.v = 0;
	h_spawn(&a, want_it_all_the_time, NULL);
	for (long i = 0; i < rounds || (flags == 0 && !overtaken); i++) {
		uint32_t before;

		h_until(QUEUED(&m) != 0);
		before = h_load(&turns);
		chp_mutex_unlock(&m);
		mutex_lock(&m);
		overtaken += h_load(&turns) == before;
	}
	h_store(&over, 1);
	chp_mutex_unlock(&m);
	h_join(&a);
	CHECK(flags == 0 || overtaken == 0);
	ends_unlocked();
}

/* Nobody lets the waiter through but the mutex. */
static void an_agent_is_not_overtaken_for_ever(unsigned flags)
{
	struct h_agent a;

	make(flags);
	mutex_lock(&m);
	turns.v = over.v = 0;
	h_spawn(&a, want_it_all_the_time, NULL);
	h_until(QUEUED(&m) != 0);
	for (uint32_t turn = 0; turn < 20; turn++) {
		chp_time start = chp_now();

		while (h_load(&turns) == turn) {
			chp_mutex_unlock(&m);
			mutex_lock(&m);
		}
		CHECK(chp_now() - start < 5 * CHP_SEC);
		if (h_load(&turns) > turn + 1)
			turn = h_load(&turns) - 1;
	}
	h_store(&over, 1);
	chp_mutex_unlock(&m);
	h_join(&a);
	ends_unlocked();
}

/* The same where the one that overtakes tries. */
static void nor_by_one_that_tries(unsigned flags)
{
	struct h_agent a;

	make(flags);
	mutex_lock(&m);
	turns.v = over.v = 0;
	h_spawn(&a, want_it_all_the_time, NULL);
	h_until(QUEUED(&m) != 0);
	for (uint32_t turn = 0; turn < 20; turn++) {
		chp_time start = chp_now();

		while (h_load(&turns) <= turn) {
			chp_mutex_unlock(&m);
			while (chp_mutex_try_lock(&m) != 0)
				rest();
			/* Held: so that a waiter sees that it lost. */
			rest();
		}
		CHECK(chp_now() - start < 5 * CHP_SEC);
		turn = h_load(&turns) - 1;
	}
	h_store(&over, 1);
	chp_mutex_unlock(&m);
	h_join(&a);
	ends_unlocked();
}

/*
 * In a runtime with a paused clock the millisecond of tasks does not pass; a
 * waiter must not starve for that.
 */
static void *hog_in_paused_time(void *arg)
{
	chp_task t;
	struct timespec start, now;

	mutex_lock(&m);
	turns.v = over.v = 0;
	CHECK_CODE(chp_spawn(&t, want_it_all_the_time, NULL), 0);
	h_until(QUEUED(&m) != 0);
	clock_gettime(CLOCK_MONOTONIC, &start);
	while (h_load(&turns) == 0) {
		chp_mutex_unlock(&m);
		mutex_lock(&m);
		chp_yield();
		clock_gettime(CLOCK_MONOTONIC, &now);
		CHECK(now.tv_sec - start.tv_sec < 5);
	}
	h_store(&over, 1);
	chp_mutex_unlock(&m);
	CHECK_CODE(chp_join(&t, NULL), 0);
	return arg;
}

static void a_paused_clock_starves_nobody(unsigned flags)
{
	chp_runtime_options options = { .kind = CHP_CURRENT_THREAD,
					.paused_clock = 1 };

	make(flags);
	CHECK_CODE(chp_run(&options, hog_in_paused_time, NULL, NULL), 0);
	ends_unlocked();
}

/* ---- By hand, where each round has one outcome ---- */

static int poll_as_newcomer(void)
{
	chp_lock_op op;
	int r;

	chp_mutex_lock_op(&op, &m);
	r = chp_op_poll(&op.op, NULL);
	if (r == CHP_PENDING)
		CHECK_EQ(chp_op_cancel(&op.op), CHP_HELD_NOTHING);
	return r;
}

static int try_as_newcomer(void)
{
	return chp_mutex_try_lock(&m);
}

static int wait_as_newcomer(void)
{
	return mutex_lock_at_once(&m);
}

/*
 * How often a newcomer gets the lock when it is unlocked before the waiter,
 * who polls whenever it is woken.
 */
static long newcomers(long rounds, int (*newcomer)(void))
{
	struct poller w;
	long overtaken = 0;

	hold(&m);
	queue_locker(&w, &m);
	for (long i = 0; i < rounds; i++) {
		int r;

		chp_mutex_unlock(&m);
		r = newcomer();
		overtaken += r == 0;
		CHECK((r == 0) == (poll_again(&w) == CHP_PENDING));
		if (r == 0)
			continue;
		CHECK_EQ(h_refs(&w.waker), 0);
		/* What was taken by a poller anybody may unlock. */
		queue_locker(&w, &m);
	}
	cancel_finds(&w, CHP_HELD_NOTHING);
	chp_mutex_unlock(&m);
	return overtaken;
}

static void newcomers_overtake_only_by_default(unsigned flags)
{
	static int (*const ways[])(void) = { poll_as_newcomer, try_as_newcomer,
					     wait_as_newcomer };
	long rounds = h_rounds(20000) + 40;

	for (int i = 0; i < 3; i++) {
		long overtaken;

		make(flags);
		overtaken = newcomers(rounds, ways[i]);
		if (flags == 0) {
			CHECK(overtaken * 2 > rounds);
			CHECK(overtaken < rounds || rounds < 10000);
		} else {
			CHECK_EQ(overtaken, 0);
		}
		ends_unlocked();
	}
}

/* How long newcomers overtake one waiter, who polls whenever it is woken. */
static chp_time overtaken_for(void)
{
	chp_time start = chp_now();
	struct poller w;

	hold(&m);
	queue_locker(&w, &m);
	do {
		chp_mutex_unlock(&m);
		if (chp_mutex_try_lock(&m) != 0) {
			CHECK_CODE(poll_again(&w), 0);
			chp_mutex_unlock(&m);
			return chp_now() - start;
		}
		CHECK_CODE(poll_again(&w), CHP_PENDING);
	} while (chp_now() - start < 10 * CHP_SEC);
	h_fail(__FILE__, __LINE__, "overtaken for ten seconds");
}

static void a_waiter_is_overtaken_for_about_a_millisecond(void)
{
	chp_time shortest = CHP_NEVER;

	make(0);
	/* The shortest of some: others share this processor. */
	for (int i = 0; i < 20; i++) {
		chp_time length = overtaken_for();

		if (length < shortest)
			shortest = length;
	}
	CHECK(shortest >= 300 * CHP_US);
	CHECK(shortest <= 20 * CHP_MS);
	ends_unlocked();
}

/* Overtaken until the next unlock hands it the lock. */
static void overtake_until_handed(struct poller *w)
{
	for (;;) {
		chp_mutex_unlock(&m);
		if (chp_mutex_try_lock(&m) != 0)
			return;
		CHECK_CODE(poll_again(w), CHP_PENDING);
	}
}

/* Handed over at last, and then it gives up: the lock is for the next. */
static void what_an_overtaken_waiter_was_handed_is_passed_on(void)
{
	struct poller w, next;

	make(0);
	hold(&m);
	queue_locker(&w, &m);
	queue_locker(&next, &m);
	overtake_until_handed(&w);
	CHECK(chp_mutex_is_locked(&m));
	CHECK_EQ(h_wakes(&next.waker), 0);
	cancel_finds(&w, CHP_GAVE_BACK);
	poll_ends(&next, 1);
	chp_mutex_unlock(&m);
	ends_unlocked();
}

static void an_overtaken_waiter_that_gives_up_leaves_no_debt(void)
{
	struct poller w, next;

	make(0);
	hold(&m);
	queue_locker(&w, &m);
	overtake_until_handed(&w);
	cancel_finds(&w, CHP_GAVE_BACK);
	CHECK(!chp_mutex_is_locked(&m));
	/* Newcomers overtake again. */
	CHECK_CODE(chp_mutex_try_lock(&m), 0);
	queue_locker(&next, &m);
	chp_mutex_unlock(&m);
	CHECK_CODE(chp_mutex_try_lock(&m), 0);
	CHECK_CODE(poll_again(&next), CHP_PENDING);
	chp_mutex_unlock(&m);
	poll_ends(&next, 2);
	chp_mutex_unlock(&m);
	ends_unlocked();
}

/* It was to be handed the lock, but gave up before anybody unlocked. */
static void one_who_gives_up_before_its_turn_leaves_no_debt(void)
{
	chp_time start;
	struct poller w, next;

	make(0);
	hold(&m);
	queue_locker(&w, &m);
	chp_mutex_unlock(&m);
	CHECK_CODE(chp_mutex_try_lock(&m), 0);
	CHECK_CODE(poll_again(&w), CHP_PENDING);
	for (start = chp_now(); chp_now() < start + 3 * CHP_MS;)
		CHECK_CODE(poll_again(&w), CHP_PENDING);
	queue_locker(&next, &m);
	cancel_finds(&w, CHP_HELD_NOTHING);
	chp_mutex_unlock(&m);
	CHECK(!chp_mutex_is_locked(&m));
	poll_ends(&next, 1);
	chp_mutex_unlock(&m);
	CHECK_CODE(chp_mutex_try_lock(&m), 0);
	chp_mutex_unlock(&m);
	ends_unlocked();
}

/* clang-format off */
BY_FLAGS(agents_get_it_in_the_order_they_came)
BY_FLAGS(an_unlocker_that_locks_again)
BY_FLAGS(an_agent_is_not_overtaken_for_ever)
BY_FLAGS(nor_by_one_that_tries)
BY_FLAGS(a_paused_clock_starves_nobody)
BY_FLAGS(newcomers_overtake_only_by_default)

static const struct h_test tests[] = {
	TESTS(agents_get_it_in_the_order_they_came, IN_ALL),
	TESTS(an_unlocker_that_locks_again, IN_ALL),
	TESTS(an_agent_is_not_overtaken_for_ever, IN_ALL),
	TESTS(nor_by_one_that_tries, IN_ALL),
	TESTS(a_paused_clock_starves_nobody, ON_ITS_OWN),
	TESTS(newcomers_overtake_only_by_default, IN_ALL),
	TEST(a_waiter_is_overtaken_for_about_a_millisecond, ON_ITS_OWN),
	TEST(what_an_overtaken_waiter_was_handed_is_passed_on, ON_ITS_OWN),
	TEST(an_overtaken_waiter_that_gives_up_leaves_no_debt, ON_ITS_OWN),
	TEST(one_who_gives_up_before_its_turn_leaves_no_debt, ON_ITS_OWN),
};
/* clang-format on */

H_MAIN("mutex_policy", tests)
