/*
 * test_semaphore_select.c - acquiring as one of several operations: as an arm
 * of a select, under a time limit, within a budget.  Whatever does not win has
 * had no effect on any count.
 */
#include "sem_queue.h"

static chp_semaphore t;

static void make_both(int64_t s_permits, int64_t t_permits, chp_policy policy)
{
	make(s_permits, policy);
	CHECK_CODE(chp_semaphore_init(&t, t_permits, policy), 0);
}

static void end_with(int64_t s_permits, int64_t t_permits)
{
	CHECK_EQ(chp_semaphore_queue_length(&s), 0);
	CHECK_EQ(chp_semaphore_queue_length(&t), 0);
	CHECK_EQ(chp_semaphore_available(&s), s_permits);
	CHECK_EQ(chp_semaphore_available(&t), t_permits);
	chp_semaphore_destroy(&s);
	chp_semaphore_destroy(&t);
}

/* Select over acquires, as this mode's caller waits. */
static int select_of(chp_acquire_op *a, chp_acquire_op *b, unsigned flags,
		     int *result)
{
	chp_select_arm arms[2] = { { &a->op, 0 }, { &b->op, 0 } };
	chp_select_op op;
	int won;

	CHECK_CODE(chp_select_init(&op, arms, 2, flags), 0);
	won = h_wait(&op.op, NULL);
	CHECK(won == 0 || won == 1);
	*result = arms[won].result;
	return won;
}

/* ---- select ---- */

static void a_cancelled_loser_leaves_no_trace(chp_policy policy)
{
	chp_acquire_op a, b;
	int r;

	make_both(2, 1, policy);
	chp_semaphore_acquire_op(&a, &s, 3);
	chp_semaphore_acquire_op(&b, &t, 1);
	CHECK_EQ(select_of(&a, &b, CHP_CANCEL_LOSERS, &r), 1);
	CHECK_CODE(r, 0);
	CHECK(chp_op_is_finished(&a.op));
	end_with(2, 0);
}

static void an_arm_that_is_not_reached_takes_nothing(chp_policy policy)
{
	chp_acquire_op a, b;
	int r;

	make_both(5, 5, policy);
	chp_semaphore_acquire_op(&a, &s, 2);
	chp_semaphore_acquire_op(&b, &t, 2);
	CHECK_EQ(select_of(&a, &b, CHP_CANCEL_LOSERS | CHP_BIASED, &r), 0);
	CHECK_CODE(r, 0);
	end_with(3, 5);
}

static void a_loser_that_stays_keeps_its_place(chp_policy policy)
{
	struct h_waker waker = { { 0 } };
	chp_acquire_op a, b, behind;
	int r;

	make_both(0, 1, policy);
	chp_semaphore_acquire_op(&a, &s, 1);
	chp_semaphore_acquire_op(&b, &t, 1);
	chp_semaphore_acquire_op(&behind, &s, 1);
	CHECK_EQ(select_of(&a, &b, CHP_BIASED, &r), 1);
	CHECK_CODE(r, 0);
	CHECK_EQ(chp_semaphore_queue_length(&s), 1);
	CHECK_CODE(h_poll(&behind.op, &waker), CHP_PENDING);
	/* Granted and not polled: the one behind has to wait. */
	release(1);
	if (policy != CHP_UNFAIR)
		CHECK_CODE(h_poll(&behind.op, &waker), CHP_PENDING);
	/* Selected again, it wins with the place that it kept. */
	chp_semaphore_acquire_op(&b, &t, 1);
	CHECK_EQ(select_of(&a, &b, CHP_CANCEL_LOSERS, &r), 0);
	CHECK_CODE(r, 0);
	release(1);
	CHECK_CODE(h_poll(&behind.op, &waker), 0);
	CHECK_EQ(h_refs(&waker), 0);
	end_with(0, 0);
}

struct releaser {
	chp_semaphore *semaphore;
	int64_t n;
};

static void *release_when_waited_for(void *arg)
{
	struct releaser *r = arg;

	h_until(chp_semaphore_has_waiters(r->semaphore));
	CHECK_CODE(chp_semaphore_release(r->semaphore, r->n), 0);
	return NULL;
}

static void a_select_wakes_for_whichever_is_released(chp_policy policy)
{
	for (int which = 0; which < 2; which++) {
		struct releaser releaser = { which ? &t : &s, 2 };
		struct h_agent agent;
		chp_acquire_op a, b;
		int r;

		make_both(0, 0, policy);
		h_spawn(&agent, release_when_waited_for, &releaser);
		chp_semaphore_acquire_op(&a, &s, 2);
		chp_semaphore_acquire_op(&b, &t, 2);
		CHECK_EQ(select_of(&a, &b, CHP_CANCEL_LOSERS, &r), which);
		CHECK_CODE(r, 0);
		h_join(&agent);
		end_with(0, 0);
	}
}

/* Two arms on one semaphore: the queue's order holds between them too. */
static void two_arms_of_one_semaphore_keep_its_order(chp_policy policy)
{
	struct releaser releaser = { &s, 2 };
	bool overtakes = policy == CHP_UNFAIR;
	struct h_agent agent;
	chp_acquire_op a, b;
	int r;

	make_both(1, 0, policy);
	if (!overtakes)
		h_spawn(&agent, release_when_waited_for, &releaser);
	chp_semaphore_acquire_op(&a, &s, 3);
	chp_semaphore_acquire_op(&b, &s, 1);
	CHECK_EQ(select_of(&a, &b, CHP_CANCEL_LOSERS | CHP_BIASED, &r),
		 overtakes ? 1 : 0);
	CHECK_CODE(r, 0);
	if (!overtakes)
		h_join(&agent);
	end_with(0, 0);
}

static void closing_wins_a_select_too(chp_policy policy)
{
	chp_acquire_op a, b;
	int r;

	make_both(0, 0, policy);
	chp_semaphore_close(&t);
	chp_semaphore_acquire_op(&a, &s, 1);
	chp_semaphore_acquire_op(&b, &t, 1);
	CHECK_EQ(select_of(&a, &b, CHP_CANCEL_LOSERS, &r), 1);
	CHECK_CODE(r, CHP_ECLOSED);
	end_with(0, 0);
}

/* ---- A time limit ---- */

static void a_time_limit_cancels_the_acquire(chp_policy policy)
{
	chp_time deadline = chp_in(2 * CHP_MS);
	chp_timeout_op limit;
	chp_acquire_op a;

	make_both(1, 0, policy);
	chp_semaphore_acquire_op(&a, &s, 2);
	chp_timeout_init(&limit, &a.op, deadline);
	CHECK_CODE(h_wait(&limit.op, NULL), CHP_ETIMEDOUT);
	CHECK(chp_now() >= deadline);
	CHECK(chp_op_is_finished(&a.op));
	end_with(1, 0);
}

static void a_free_permit_beats_a_time_limit_in_the_past(chp_policy policy)
{
	chp_timeout_op limit;
	chp_acquire_op a;

	make_both(1, 0, policy);
	chp_semaphore_acquire_op(&a, &s, 1);
	chp_timeout_init(&limit, &a.op, chp_in(-CHP_SEC));
	CHECK_CODE(h_wait(&limit.op, NULL), 0);
	chp_semaphore_acquire_op(&a, &s, 1);
	chp_timeout_init(&limit, &a.op, chp_in(-CHP_SEC));
	CHECK_CODE(h_wait(&limit.op, NULL), CHP_ETIMEDOUT);
	end_with(0, 0);
}

static void cancelling_a_time_limit_cancels_what_is_inside(chp_policy policy)
{
	struct h_waker waker = { { 0 } };
	chp_timeout_op limit;
	chp_acquire_op a;

	make_both(0, 0, policy);
	chp_semaphore_acquire_op(&a, &s, 1);
	chp_timeout_init(&limit, &a.op, chp_in(3600 * CHP_SEC));
	CHECK_CODE(h_poll(&limit.op, &waker), CHP_PENDING);
	release(1);
	chp_op_cancel(&limit.op);
	CHECK_EQ(h_refs(&waker), 0);
	end_with(1, 0);
}

/* ---- A budget ---- */

/* Out of budget is not out of permits: pending, but woken to come again. */
static void an_empty_budget_takes_nothing_and_wakes(chp_policy policy)
{
	struct h_waker waker = { { 0 } };
	uint32_t budget = 2;
	chp_acquire_op op;

	make_both(5, 0, policy);
	for (int i = 0; i < 2; i++) {
		chp_semaphore_acquire_op(&op, &s, 1);
		CHECK_CODE(h_poll_within(&op.op, &waker, &budget), 0);
	}
	CHECK_EQ(budget, 0);
	chp_semaphore_acquire_op(&op, &s, 1);
	CHECK_CODE(h_poll_within(&op.op, &waker, &budget), CHP_PENDING);
	CHECK_EQ(h_wakes(&waker), 1);
	CHECK_EQ(chp_semaphore_available(&s), 3);
	budget = 1;
	CHECK_CODE(h_poll_within(&op.op, &waker, &budget), 0);
	/* Waiting costs nothing; it is finishing that is counted. */
	budget = 1;
	chp_semaphore_acquire_op(&op, &s, 3);
	CHECK_CODE(h_poll_within(&op.op, &waker, &budget), CHP_PENDING);
	CHECK_EQ(budget, 1);
	release(1);
	CHECK_CODE(h_poll_within(&op.op, &waker, &budget), 0);
	CHECK_EQ(budget, 0);
	CHECK_EQ(h_refs(&waker), 0);
	end_with(0, 0);
}

static void what_was_handed_over_survives_an_empty_budget(chp_policy policy)
{
	struct h_waker waker = { { 0 } };
	uint32_t budget = 1;
	chp_acquire_op op;

	make_both(0, 0, policy);
	chp_semaphore_acquire_op(&op, &s, 1);
	CHECK_CODE(h_poll_within(&op.op, &waker, &budget), CHP_PENDING);
	release(1);
	budget = 0;
	CHECK_CODE(h_poll_within(&op.op, &waker, &budget), CHP_PENDING);
	CHECK_EQ(h_wakes(&waker), 2);
	budget = 1;
	CHECK_CODE(h_poll_within(&op.op, &waker, &budget), 0);
	CHECK_EQ(h_refs(&waker), 0);
	end_with(0, 0);
}

static const struct h_test tests[] = {
	TEST_BY_POLICY(a_cancelled_loser_leaves_no_trace, IN_ALL),
	TEST_BY_POLICY(an_arm_that_is_not_reached_takes_nothing, IN_ALL),
	TEST_BY_POLICY(a_loser_that_stays_keeps_its_place, IN_ALL),
	TEST_BY_POLICY(a_select_wakes_for_whichever_is_released, IN_ALL),
	TEST_BY_POLICY(two_arms_of_one_semaphore_keep_its_order, IN_ALL),
	TEST_BY_POLICY(closing_wins_a_select_too, IN_ALL),
	TEST_BY_POLICY(a_time_limit_cancels_the_acquire, IN_ALL),
	TEST_BY_POLICY(a_free_permit_beats_a_time_limit_in_the_past, IN_ALL),
	TEST_BY_POLICY(cancelling_a_time_limit_cancels_what_is_inside, IN_ALL),
	TEST_BY_POLICY(an_empty_budget_takes_nothing_and_wakes, IN_ALL),
	TEST_BY_POLICY(what_was_handed_over_survives_an_empty_budget, IN_ALL),
};

H_MAIN("semaphore_select", tests)
