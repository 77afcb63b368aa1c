/*
 * test_semaphore_policy.c - overtaking, counted.  While a waiter is queued,
 * one party releases a permit and at once acquires again, thousands of times:
 * in UNFAIR it nearly always overtakes, in FIFO and FAIR never; and in UNFAIR
 * not for ever: a waiter overtaken for about a millisecond is next.
 */
#include "sem_queue.h"

/* ---- Agents ---- */

static chp_word turns; /* how often the waiter has had the permit */
static chp_word over;

static void *want_it_all_the_time(void *arg)
{
	while (!h_load(&over)) {
		CHECK_CODE(acquire_with(1, NULL), 0);
		h_add(&turns, 1);
		release(1);
	}
	return arg;
}

static int patiently(void)
{
	return acquire_with(1, NULL);
}

/* Java: tryAcquire(timeout) keeps the order, as acquire does. */
static int with_a_deadline(void)
{
	return acquire_with(1, &(chp_wait){ .deadline = CHP_NEVER });
}

static void overtakes(chp_policy policy, int (*acquire)(void))
{
	long rounds = 500, overtaken = 0;
	struct h_agent a;

	make(0, policy);
	turns.v = over.v = 0;
	h_spawn(&a, want_it_all_the_time, NULL);
	for (long i = 0; i < rounds; i++) {
		uint32_t before;

		h_until(chp_semaphore_has_waiters(&s));
		before = h_load(&turns);
		release(1);
		CHECK_CODE(acquire(), 0);
		overtaken += h_load(&turns) == before;
	}
	h_store(&over, 1);
	release(1);
	h_join(&a);
	/*
	 * Unfair, who is first is the machine's choice: the one that was woken
	 * may well run before the one that woke it, hundreds of times.  That
	 * newcomers overtake is shown by hand, below.
	 */
	if (policy != CHP_UNFAIR)
		CHECK_EQ(overtaken, 0);
	ends_with(1);
}

static void a_releaser_that_acquires_again(chp_policy policy)
{
	overtakes(policy, patiently);
}

static void a_releaser_that_acquires_with_a_deadline(chp_policy policy)
{
	overtakes(policy, with_a_deadline);
}

/* Nobody lets the waiter through but the semaphore. */
static void an_agent_is_not_overtaken_for_ever(chp_policy policy)
{
	struct h_agent a;

	make(0, policy);
	turns.v = over.v = 0;
	h_spawn(&a, want_it_all_the_time, NULL);
	h_until(chp_semaphore_has_waiters(&s));
	for (uint32_t turn = 0; turn < 20; turn++) {
		chp_time start = chp_now();

		while (h_load(&turns) == turn) {
			release(1);
			CHECK_CODE(acquire_with(1, NULL), 0);
		}
		CHECK(chp_now() - start < 5 * CHP_SEC);
		if (h_load(&turns) > turn + 1)
			turn = h_load(&turns) - 1;
	}
	h_store(&over, 1);
	release(1);
	h_join(&a);
	ends_with(1);
}

/* ---- By hand, where each round has one outcome ---- */

static int poll_as_newcomer(void)
{
	chp_acquire_op op;
	int r;

	chp_semaphore_acquire_op(&op, &s, 1);
	r = chp_op_poll(&op.op, NULL);
	if (r == CHP_PENDING)
		CHECK_EQ(chp_op_cancel(&op.op), CHP_HELD_NOTHING);
	return r;
}

static int try_as_newcomer(void)
{
	return chp_semaphore_try_acquire(&s, 1);
}

/* It would wait, but its time is up: CHP_ETIMEDOUT. */
static int wait_as_newcomer(void)
{
	return acquire_at_once(1);
}

/*
 * How often a newcomer gets the permit that was released for the waiter, who
 * polls whenever it is woken.
 */
static long newcomers(long rounds, int (*acquire)(void))
{
	struct poller w;
	long overtaken = 0;

	queue_poller(&w, 1);
	for (long i = 0; i < rounds; i++) {
		int r;

		release(1);
		r = acquire();
		overtaken += r == 0;
		CHECK((r == 0) == (h_poll(&w.op.op, &w.waker) == CHP_PENDING));
		if (r == 0)
			continue;
		CHECK_EQ(h_refs(&w.waker), 0);
		queue_poller(&w, 1);
	}
	CHECK_EQ(chp_op_cancel(&w.op.op), CHP_HELD_NOTHING);
	CHECK_EQ(h_refs(&w.waker), 0);
	return overtaken;
}

static void newcomers_overtake_only_when_unfair(chp_policy policy)
{
	long rounds = h_rounds(10000);
	int (*const ways[])(void) = { poll_as_newcomer, try_as_newcomer,
				      wait_as_newcomer };

	for (int i = 0; i < 3; i++) {
		long overtaken;

		make(0, policy);
		overtaken = newcomers(rounds, ways[i]);
		if (policy == CHP_UNFAIR)
			CHECK(overtaken * 10 >= rounds * 9);
		else
			CHECK_EQ(overtaken, 0);
		ends_with(0);
	}
}

/* Who may wait for ever need not: nobody else runs who could let it in. */
static void a_newcomer_overtakes_one_that_was_just_woken(void)
{
	struct poller w;

	for (long i = 0; i < h_rounds(1000); i++) {
		make(0, CHP_UNFAIR);
		queue_poller(&w, 1);
		release(1);
		CHECK_EQ(h_wakes(&w.waker), 1);
		CHECK_CODE(patiently(), 0);
		CHECK_CODE(h_poll(&w.op.op, &w.waker), CHP_PENDING);
		release(1);
		CHECK_CODE(with_a_deadline(), 0);
		CHECK_CODE(h_poll(&w.op.op, &w.waker), CHP_PENDING);
		CHECK_EQ(chp_op_cancel(&w.op.op), CHP_HELD_NOTHING);
		CHECK_EQ(h_refs(&w.waker), 0);
		ends_with(0);
	}
}

/* The head wants more than there is; a newcomer wants what there is. */
static void overtaking_a_head_that_cannot_go(chp_policy policy)
{
	struct poller head;

	make(1, policy);
	queue_poller(&head, 2);
	for (long i = 0; i < h_rounds(10000); i++) {
		int tried = try_as_newcomer(), polled;

		CHECK_CODE(tried, policy == CHP_FIFO ? CHP_EAGAIN : 0);
		if (tried == 0)
			release(1);
		polled = poll_as_newcomer();
		CHECK_CODE(polled, policy == CHP_UNFAIR ? 0 : CHP_PENDING);
		if (polled == 0)
			release(1);
		CHECK_CODE(h_poll(&head.op.op, &head.waker), CHP_PENDING);
	}
	release(1);
	CHECK_CODE(h_poll(&head.op.op, &head.waker), 0);
	CHECK_EQ(h_refs(&head.waker), 0);
	ends_with(0);
}

/* How long newcomers overtake one waiter, who polls whenever it is woken. */
static chp_time overtaken_for(int64_t n)
{
	chp_time start = chp_now();
	struct poller w;

	queue_poller(&w, n);
	do {
		release(n);
		if (chp_semaphore_try_acquire(&s, n) != 0) {
			CHECK_CODE(h_poll(&w.op.op, &w.waker), 0);
			CHECK_EQ(h_refs(&w.waker), 0);
			return chp_now() - start;
		}
		CHECK_CODE(h_poll(&w.op.op, &w.waker), CHP_PENDING);
	} while (chp_now() - start < 10 * CHP_SEC);
	h_fail(__FILE__, __LINE__, "overtaken for ten seconds");
}

static void a_waiter_is_overtaken_for_about_a_millisecond(void)
{
	for (int64_t n = 1; n <= 3; n += 2) {
		chp_time shortest = CHP_NEVER;

		make(0, CHP_UNFAIR);
		/* The shortest of some: others share this processor. */
		for (int i = 0; i < 20; i++) {
			chp_time length = overtaken_for(n);

			if (length < shortest)
				shortest = length;
		}
		CHECK(shortest >= 300 * CHP_US);
		CHECK(shortest <= 20 * CHP_MS);
		ends_with(0);
	}
}

/* Handed over at last, and then it gives up: the permit is for the next. */
static void what_an_overtaken_waiter_was_handed_comes_back(void)
{
	struct poller w, next;

	make(0, CHP_UNFAIR);
	queue_poller(&w, 1);
	queue_poller(&next, 1);
	for (;;) {
		release(1);
		if (chp_semaphore_try_acquire(&s, 1) != 0)
			break;
		CHECK_CODE(h_poll(&w.op.op, &w.waker), CHP_PENDING);
		CHECK_EQ(h_wakes(&next.waker), 0);
	}
	CHECK_EQ(chp_op_cancel(&w.op.op), CHP_GAVE_BACK);
	CHECK_EQ(h_refs(&w.waker), 0);
	CHECK_EQ(h_wakes(&next.waker), 1);
	CHECK_CODE(h_poll(&next.op.op, &next.waker), 0);
	CHECK_EQ(h_refs(&next.waker), 0);
	ends_with(0);
}

/* One that was woken and lost keeps its place before those behind it. */
static void a_loser_keeps_its_place(void)
{
	struct poller first, second;

	make(0, CHP_UNFAIR);
	queue_poller(&first, 1);
	queue_poller(&second, 1);
	release(1);
	CHECK_EQ(h_wakes(&first.waker), 1);
	CHECK_CODE(chp_semaphore_try_acquire(&s, 1), 0);
	CHECK_CODE(h_poll(&first.op.op, &first.waker), CHP_PENDING);
	CHECK_EQ(h_refs(&first.waker), 1);
	/* A spurious poll of the second must not take what is the first's. */
	release(1);
	CHECK_EQ(h_wakes(&first.waker), 2);
	CHECK_EQ(h_wakes(&second.waker), 0);
	CHECK_CODE(h_poll(&second.op.op, &second.waker), CHP_PENDING);
	CHECK_CODE(h_poll(&first.op.op, &first.waker), 0);
	release(1);
	CHECK_EQ(h_wakes(&second.waker), 1);
	CHECK_CODE(h_poll(&second.op.op, &second.waker), 0);
	CHECK_EQ(h_refs(&first.waker) + h_refs(&second.waker), 0);
	ends_with(0);
}

static const struct h_test tests[] = {
	TEST_BY_POLICY(a_releaser_that_acquires_again, IN_ALL),
	TEST_BY_POLICY(a_releaser_that_acquires_with_a_deadline, IN_ALL),
	TEST_BY_POLICY(an_agent_is_not_overtaken_for_ever, IN_ALL),
	TEST_BY_POLICY(newcomers_overtake_only_when_unfair, IN_ALL),
	TEST(a_newcomer_overtakes_one_that_was_just_woken, IN_ALL),
	TEST_BY_POLICY(overtaking_a_head_that_cannot_go, IN_ALL),
	TEST(a_waiter_is_overtaken_for_about_a_millisecond, ON_ITS_OWN),
	TEST(what_an_overtaken_waiter_was_handed_comes_back, ON_ITS_OWN),
	TEST(a_loser_keeps_its_place, IN_ALL),
};

H_MAIN("semaphore_policy", tests)
