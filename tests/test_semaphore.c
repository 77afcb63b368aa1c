/*
 * test_semaphore.c - the table at the head of semaphore.h, row by row: how a
 * semaphore is made, who goes when, and what each policy lets overtake.
 *
 * Waiters are agents of the mode.  A test that says "still waits" gives the
 * others every chance to run first; what it then checks is that nobody who has
 * to wait has gone.
 *
 * Elsewhere: test_semaphore_count.c (changing the count), _close.c, _look.c,
 * _wait.c (deadlines, tokens, interruption), _op.c (polling by hand).
 */
#include "sem_queue.h"

/* ---- Making one ---- */

static void init_sets_count_capacity_and_policy(void)
{
	static const int64_t counts[] = { 0,
					  1,
					  7,
					  -1,
					  -9,
					  (int64_t)1 << 40,
					  CHP_SEMAPHORE_MAX,
					  -CHP_SEMAPHORE_MAX };

	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		for (int p = CHP_FIFO; p <= CHP_UNFAIR; p++) {
			memset(&s, 0xff, sizeof(s));
			make(counts[i], (chp_policy)p);
			CHECK_EQ(chp_semaphore_available(&s), counts[i]);
			CHECK_EQ(chp_semaphore_capacity(&s), counts[i]);
			CHECK_EQ(chp_semaphore_policy(&s), p);
			CHECK(!chp_semaphore_is_closed(&s));
			CHECK(!chp_semaphore_has_waiters(&s));
			ends_with(counts[i]);
		}
	}
}

static void init_refuses_counts_out_of_range_and_unknown_policies(void)
{
	static const int64_t bad[] = { CHP_SEMAPHORE_MAX + 1,
				       -CHP_SEMAPHORE_MAX - 1, INT64_MAX,
				       INT64_MIN };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		for (int p = CHP_FIFO; p <= CHP_UNFAIR; p++)
			CHECK_CODE(
				chp_semaphore_init(&s, bad[i], (chp_policy)p),
				CHP_EINVAL);
	CHECK_CODE(chp_semaphore_init(&s, 1, (chp_policy)3), CHP_EINVAL);
	CHECK_CODE(chp_semaphore_init(&s, 1, (chp_policy)-1), CHP_EINVAL);
}

static void all_zero_is_an_empty_fifo_semaphore(void)
{
	struct waiter w;

	memset(&s, 0, sizeof(s));
	CHECK_EQ(chp_semaphore_available(&s), 0);
	CHECK_EQ(chp_semaphore_capacity(&s), 0);
	CHECK_EQ(chp_semaphore_policy(&s), CHP_FIFO);
	CHECK_CODE(chp_semaphore_try_acquire(&s, 1), CHP_EAGAIN);
	CHECK_CODE(chp_semaphore_try_acquire(&s, 0), 0);
	queue_for(&w, 2, NULL);
	release(1);
	CHECK_EQ(chp_semaphore_available(&s), 0);
	release(4);
	CHECK_CODE(finish(&w), 0);
	ends_with(3);
}

static void the_static_initialiser_does_what_init_does(void)
{
	static chp_semaphore made[] = {
		CHP_SEMAPHORE_INIT(3, CHP_FIFO),
		CHP_SEMAPHORE_INIT(3, CHP_FAIR),
		CHP_SEMAPHORE_INIT(3, CHP_UNFAIR),
		CHP_SEMAPHORE_INIT(-4, CHP_FIFO),
		CHP_SEMAPHORE_INIT(-4, CHP_FAIR),
		CHP_SEMAPHORE_INIT(0, CHP_UNFAIR),
		CHP_SEMAPHORE_INIT(CHP_SEMAPHORE_MAX, CHP_FAIR),
		CHP_SEMAPHORE_INIT(-CHP_SEMAPHORE_MAX, CHP_UNFAIR),
	};

	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++) {
		chp_semaphore *m = &made[i];

		make(chp_semaphore_available(m), chp_semaphore_policy(m));
		CHECK_EQ(chp_semaphore_capacity(m), chp_semaphore_capacity(&s));
		CHECK_EQ(chp_semaphore_is_closed(m), 0);
		CHECK_EQ(chp_semaphore_has_waiters(m), 0);
	}
	CHECK_EQ(chp_semaphore_available(&made[3]), -4);
	CHECK_EQ(chp_semaphore_policy(&made[4]), CHP_FAIR);
	CHECK_EQ(chp_semaphore_available(&made[6]), CHP_SEMAPHORE_MAX);
	CHECK_CODE(chp_semaphore_try_acquire(&made[2], 3), 0);
	CHECK_CODE(chp_semaphore_try_acquire(&made[2], 1), CHP_EAGAIN);
	CHECK_CODE(chp_semaphore_release(&made[3], 5), 0);
	CHECK_CODE(chp_semaphore_acquire(&made[3], 1), 0);
}

static void the_strict_policies_are_fair(void)
{
	make(1, CHP_FIFO);
	CHECK_EQ(chp_semaphore_is_fair(&s), 1);
	make(1, CHP_FAIR);
	CHECK_EQ(chp_semaphore_is_fair(&s), 1);
	make(1, CHP_UNFAIR);
	CHECK_EQ(chp_semaphore_is_fair(&s), 0);
}

/* ---- Nobody else waits ---- */

static void acquire_takes_all_or_none(chp_policy policy)
{
	make(5, policy);
	CHECK_CODE(acquire_with(3, NULL), 0);
	CHECK_EQ(chp_semaphore_available(&s), 2);
	CHECK_CODE(chp_semaphore_try_acquire(&s, 3), CHP_EAGAIN);
	CHECK_CODE(acquire_at_once(3), CHP_ETIMEDOUT);
	CHECK_EQ(chp_semaphore_available(&s), 2);
	CHECK_CODE(chp_semaphore_try_acquire(&s, 2), 0);
	CHECK_CODE(acquire_at_once(0), 0);
	CHECK_CODE(acquire_with(0, NULL), 0);
	CHECK_CODE(chp_semaphore_try_acquire(&s, 0), 0);
	ends_with(0);
}

/* ---- Waiters go in order ---- */

static void waiters_go_in_order(chp_policy policy)
{
	struct waiter w[6];

	make(0, policy);
	for (int i = 0; i < 6; i++)
		queue_for(&w[i], 1, NULL);
	for (int i = 0; i < 6; i++) {
		release(1);
		h_until(is_done(&w[i]));
		h_let_others_run();
		for (int k = i + 1; k < 6; k++)
			CHECK(!is_done(&w[k]));
		CHECK_EQ(chp_semaphore_queue_length(&s), 5 - i);
		CHECK_CODE(finish(&w[i]), 0);
	}
	ends_with(0);
}

static void one_release_serves_all_it_can(chp_policy policy)
{
	struct waiter w[4];

	make(0, policy);
	for (int i = 0; i < 4; i++)
		queue_for(&w[i], i + 1, NULL);
	release(8);
	for (int i = 0; i < 3; i++)
		CHECK_CODE(finish(&w[i]), 0);
	h_let_others_run();
	CHECK(!is_done(&w[3]));
	CHECK_EQ(chp_semaphore_queue_length(&s), 1);
	release(10);
	CHECK_CODE(finish(&w[3]), 0);
	ends_with(8);
}

static void a_large_request_holds_up_the_small_ones_behind(chp_policy policy)
{
	struct waiter large, small;

	make(0, policy);
	queue_for(&large, 3, NULL);
	queue_for(&small, 1, NULL);
	for (int i = 0; i < 2; i++) {
		release(1);
		h_let_others_run();
		CHECK_EQ(chp_semaphore_queue_length(&s), 2);
		CHECK(!is_done(&large) && !is_done(&small));
	}
	release(1);
	CHECK_CODE(finish(&large), 0);
	h_let_others_run();
	CHECK(!is_done(&small));
	release(1);
	CHECK_CODE(finish(&small), 0);
	ends_with(0);
}

static void a_head_that_leaves_lets_the_next_go(chp_policy policy)
{
	chp_cancel token = CHP_CANCEL_INIT;
	struct waiter large, small[2];

	make(0, policy);
	start(&large, 3, &token);
	h_until(chp_semaphore_queue_length(&s) == 1);
	queue_for(&small[0], 1, NULL);
	queue_for(&small[1], 1, NULL);
	release(1);
	h_let_others_run();
	CHECK_EQ(chp_semaphore_queue_length(&s), 3);
	chp_cancel_now(&token);
	CHECK_CODE(finish(&large), CHP_ECANCELED);
	CHECK_CODE(finish(&small[0]), 0);
	h_let_others_run();
	CHECK(!is_done(&small[1]));
	release(1);
	CHECK_CODE(finish(&small[1]), 0);
	ends_with(0);
}

/* ---- Newcomers ---- */

static void a_newcomer_overtakes_only_when_unfair(chp_policy policy)
{
	bool overtakes = policy == CHP_UNFAIR;
	struct waiter head, newcomer;

	make(1, policy);
	queue_for(&head, 2, NULL);
	CHECK_CODE(acquire_at_once(1), overtakes ? 0 : CHP_ETIMEDOUT);
	if (overtakes)
		release(1);
	if (overtakes) {
		start(&newcomer, 1, NULL);
		CHECK_CODE(finish(&newcomer), 0);
		CHECK_EQ(chp_semaphore_available(&s), 0);
		release(2);
		CHECK_CODE(finish(&head), 0);
	} else {
		queue_for(&newcomer, 1, NULL);
		h_let_others_run();
		CHECK(!is_done(&head) && !is_done(&newcomer));
		release(1);
		CHECK_CODE(finish(&head), 0);
		h_let_others_run();
		CHECK(!is_done(&newcomer));
		release(1);
		CHECK_CODE(finish(&newcomer), 0);
	}
	ends_with(0);
}

static void a_try_overtakes_except_in_fifo(chp_policy policy)
{
	struct waiter head;

	make(2, policy);
	queue_for(&head, 4, NULL);
	if (policy == CHP_FIFO) {
		CHECK_CODE(chp_semaphore_try_acquire(&s, 1), CHP_EAGAIN);
		CHECK_CODE(chp_semaphore_try_acquire(&s, 2), CHP_EAGAIN);
	} else {
		CHECK_CODE(chp_semaphore_try_acquire(&s, 3), CHP_EAGAIN);
		CHECK_CODE(chp_semaphore_try_acquire(&s, 2), 0);
		release(2);
	}
	/* What a try took and gave back feeds the head like any other. */
	release(2);
	CHECK_CODE(finish(&head), 0);
	ends_with(0);
}

static void what_is_free_is_reserved_in_fifo_only(chp_policy policy)
{
	chp_cancel token = CHP_CANCEL_INIT;
	struct waiter head;

	make(2, policy);
	start(&head, 5, &token);
	h_until(chp_semaphore_queue_length(&s) == 1);
	release(1);
	if (policy == CHP_FIFO) {
		CHECK_EQ(chp_semaphore_available(&s), 0);
		CHECK_EQ(chp_semaphore_drain(&s), 0);
		CHECK_EQ(chp_semaphore_available(&s), 0);
	} else {
		CHECK_EQ(chp_semaphore_available(&s), 3);
		CHECK_EQ(chp_semaphore_drain(&s), 3);
		CHECK_EQ(chp_semaphore_available(&s), 0);
		release(3);
	}
	/* The head leaves: everything it held up is there for anyone. */
	chp_cancel_now(&token);
	CHECK_CODE(finish(&head), CHP_ECANCELED);
	CHECK_EQ(chp_semaphore_available(&s), 3);
	CHECK_CODE(chp_semaphore_try_acquire(&s, 3), 0);
	ends_with(0);
}

static const struct h_test tests[] = {
	TEST(init_sets_count_capacity_and_policy, ON_ITS_OWN),
	TEST(init_refuses_counts_out_of_range_and_unknown_policies, ON_ITS_OWN),
	TEST(all_zero_is_an_empty_fifo_semaphore, IN_ALL),
	TEST(the_static_initialiser_does_what_init_does, ON_ITS_OWN),
	TEST(the_strict_policies_are_fair, ON_ITS_OWN),
	TEST_BY_POLICY(acquire_takes_all_or_none, IN_ALL),
	TEST_BY_POLICY(waiters_go_in_order, IN_ALL),
	TEST_BY_POLICY(one_release_serves_all_it_can, IN_ALL),
	TEST_BY_POLICY(a_large_request_holds_up_the_small_ones_behind, IN_ALL),
	TEST_BY_POLICY(a_head_that_leaves_lets_the_next_go, IN_ALL),
	TEST_BY_POLICY(a_newcomer_overtakes_only_when_unfair, IN_ALL),
	TEST_BY_POLICY(a_try_overtakes_except_in_fifo, IN_ALL),
	TEST_BY_POLICY(what_is_free_is_reserved_in_fifo_only, IN_ALL),
};

H_MAIN("semaphore", tests)
