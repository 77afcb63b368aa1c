/*
 * test_semaphore_select.c - acquiring as one of several operations: as an arm
 * of a select, under a time limit, within a budget.  Whatever does not win has
 * had no effect on any count.
 */
#include "harness.h"

/* clang-format off */
/* One test for each policy. */
#define BY_POLICY(test) \
	static void test##_in_fifo(void) { test(CHP_FIFO); } \
	static void test##_in_fair(void) { test(CHP_FAIR); } \
	static void test##_in_unfair(void) { test(CHP_UNFAIR); }
#define TESTS(test, modes) \
	TEST(test##_in_fifo, modes), TEST(test##_in_fair, modes), \
	TEST(test##_in_unfair, modes)
/* clang-format on */

static chp_semaphore s, t;

static void make(int64_t s_permits, int64_t t_permits, chp_policy policy)
{
	CHECK_CODE(chp_semaphore_init(&s, s_permits, policy), 0);
	CHECK_CODE(chp_semaphore_init(&t, t_permits, policy), 0);
}

static void ends_with(int64_t s_permits, int64_t t_permits)
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

	make(2, 1, policy);
	chp_semaphore_acquire_op(&a, &s, 3);
	chp_semaphore_acquire_op(&b, &t, 1);
	CHECK_EQ(select_of(&a, &b, CHP_CANCEL_LOSERS, &r), 1);
	CHECK_CODE(r, 0);
	CHECK(chp_op_is_finished(&a.op));
	ends_with(2, 0);
}

static void an_arm_that_is_not_reached_takes_nothing(chp_policy policy)
{
	chp_acquire_op a, b;
	int r;

	make(5, 5, policy);
	chp_semaphore_acquire_op(&a, &s, 2);
	chp_semaphore_acquire_op(&b, &t, 2);
	CHECK_EQ(select_of(&a, &b, CHP_CANCEL_LOSERS | CHP_BIASED, &r), 0);
	CHECK_CODE(r, 0);
	ends_with(3, 5);
}

static void a_loser_that_stays_keeps_its_place(chp_policy policy)
{
	struct h_waker waker = { { 0 }, { 0 } };
	chp_acquire_op a, b, behind;
	int r;

	make(0, 1, policy);
	chp_semaphore_acquire_op(&a, &s, 1);
	chp_semaphore_acquire_op(&b, &t, 1);
	chp_semaphore_acquire_op(&behind, &s, 1);
	CHECK_EQ(select_of(&a, &b, CHP_BIASED, &r), 1);
	CHECK_CODE(r, 0);
	CHECK_EQ(chp_semaphore_queue_length(&s), 1);
	CHECK_CODE(h_poll(&behind.op, &waker), CHP_PENDING);
	/* Granted and not polled: the one behind has to wait. */
	CHECK_CODE(chp_semaphore_release(&s, 1), 0);
	if (policy != CHP_UNFAIR)
		CHECK_CODE(h_poll(&behind.op, &waker), CHP_PENDING);
	/* Selected again, it wins with the place that it kept. */
	chp_semaphore_acquire_op(&b, &t, 1);
	CHECK_EQ(select_of(&a, &b, CHP_CANCEL_LOSERS, &r), 0);
	CHECK_CODE(r, 0);
	CHECK_CODE(chp_semaphore_release(&s, 1), 0);
	CHECK_CODE(h_poll(&behind.op, &waker), 0);
	CHECK_EQ(h_refs(&waker), 0);
	ends_with(0, 0);
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

		make(0, 0, policy);
		h_spawn(&agent, release_when_waited_for, &releaser);
		chp_semaphore_acquire_op(&a, &s, 2);
		chp_semaphore_acquire_op(&b, &t, 2);
		CHECK_EQ(select_of(&a, &b, CHP_CANCEL_LOSERS, &r), which);
		CHECK_CODE(r, 0);
		h_join(&agent);
		ends_with(0, 0);
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

	make(1, 0, policy);
	if (!overtakes)
		h_spawn(&agent, release_when_waited_for, &releaser);
	chp_semaphore_acquire_op(&a, &s, 3);
	chp_semaphore_acquire_op(&b, &s, 1);
	CHECK_EQ(select_of(&a, &b, CHP_CANCEL_LOSERS | CHP_BIASED, &r),
		 overtakes ? 1 : 0);
	CHECK_CODE(r, 0);
	if (!overtakes)
		h_join(&agent);
	ends_with(0, 0);
}

static void closing_wins_a_select_too(chp_policy policy)
{
	chp_acquire_op a, b;
	int r;

	make(0, 0, policy);
	chp_semaphore_close(&t);
	chp_semaphore_acquire_op(&a, &s, 1);
	chp_semaphore_acquire_op(&b, &t, 1);
	CHECK_EQ(select_of(&a, &b, CHP_CANCEL_LOSERS, &r), 1);
	CHECK_CODE(r, CHP_ECLOSED);
	ends_with(0, 0);
}

/* ---- A time limit ---- */

static void a_time_limit_cancels_the_acquire(chp_policy policy)
{
	chp_time deadline = chp_in(2 * CHP_MS);
	chp_timeout_op limit;
	chp_acquire_op a;

	make(1, 0, policy);
	chp_semaphore_acquire_op(&a, &s, 2);
	chp_timeout_init(&limit, &a.op, deadline);
	CHECK_CODE(h_wait(&limit.op, NULL), CHP_ETIMEDOUT);
	CHECK(chp_now() >= deadline);
	CHECK(chp_op_is_finished(&a.op));
	ends_with(1, 0);
}

static void a_free_permit_beats_a_time_limit_in_the_past(chp_policy policy)
{
	chp_timeout_op limit;
	chp_acquire_op a;

	make(1, 0, policy);
	chp_semaphore_acquire_op(&a, &s, 1);
	chp_timeout_init(&limit, &a.op, chp_in(-CHP_SEC));
	CHECK_CODE(h_wait(&limit.op, NULL), 0);
	chp_semaphore_acquire_op(&a, &s, 1);
	chp_timeout_init(&limit, &a.op, chp_in(-CHP_SEC));
	CHECK_CODE(h_wait(&limit.op, NULL), CHP_ETIMEDOUT);
	ends_with(0, 0);
}

static void cancelling_a_time_limit_cancels_what_is_inside(chp_policy policy)
{
	struct h_waker waker = { { 0 }, { 0 } };
	chp_timeout_op limit;
	chp_acquire_op a;

	make(0, 0, policy);
	chp_semaphore_acquire_op(&a, &s, 1);
	chp_timeout_init(&limit, &a.op, chp_in(3600 * CHP_SEC));
	CHECK_CODE(h_poll(&limit.op, &waker), CHP_PENDING);
	CHECK_CODE(chp_semaphore_release(&s, 1), 0);
	chp_op_cancel(&limit.op);
	CHECK_EQ(h_refs(&waker), 0);
	ends_with(1, 0);
}

/* ---- A budget ---- */

static int poll_within(chp_acquire_op *op, struct h_waker *w, uint32_t *budget)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(h_waker(w));

	ctx.budget = budget;
	return chp_op_poll(&op->op, &ctx);
}

/* Out of budget is not out of permits: pending, but woken to come again. */
static void an_empty_budget_takes_nothing_and_wakes(chp_policy policy)
{
	struct h_waker waker = { { 0 }, { 0 } };
	uint32_t budget = 2;
	chp_acquire_op op;

	make(5, 0, policy);
	for (int i = 0; i < 2; i++) {
		chp_semaphore_acquire_op(&op, &s, 1);
		CHECK_CODE(poll_within(&op, &waker, &budget), 0);
	}
	CHECK_EQ(budget, 0);
	chp_semaphore_acquire_op(&op, &s, 1);
	CHECK_CODE(poll_within(&op, &waker, &budget), CHP_PENDING);
	CHECK_EQ(h_wakes(&waker), 1);
	CHECK_EQ(chp_semaphore_available(&s), 3);
	budget = 1;
	CHECK_CODE(poll_within(&op, &waker, &budget), 0);
	/* Waiting costs nothing; it is finishing that is counted. */
	budget = 1;
	chp_semaphore_acquire_op(&op, &s, 3);
	CHECK_CODE(poll_within(&op, &waker, &budget), CHP_PENDING);
	CHECK_EQ(budget, 1);
	CHECK_CODE(chp_semaphore_release(&s, 1), 0);
	CHECK_CODE(poll_within(&op, &waker, &budget), 0);
	CHECK_EQ(budget, 0);
	CHECK_EQ(h_refs(&waker), 0);
	ends_with(0, 0);
}

static void what_was_handed_over_survives_an_empty_budget(chp_policy policy)
{
	struct h_waker waker = { { 0 }, { 0 } };
	uint32_t budget = 1;
	chp_acquire_op op;

	make(0, 0, policy);
	chp_semaphore_acquire_op(&op, &s, 1);
	CHECK_CODE(poll_within(&op, &waker, &budget), CHP_PENDING);
	CHECK_CODE(chp_semaphore_release(&s, 1), 0);
	budget = 0;
	CHECK_CODE(poll_within(&op, &waker, &budget), CHP_PENDING);
	CHECK_EQ(h_wakes(&waker), 2);
	budget = 1;
	CHECK_CODE(poll_within(&op, &waker, &budget), 0);
	CHECK_EQ(h_refs(&waker), 0);
	ends_with(0, 0);
}

/* clang-format off */
BY_POLICY(a_cancelled_loser_leaves_no_trace)
BY_POLICY(an_arm_that_is_not_reached_takes_nothing)
BY_POLICY(a_loser_that_stays_keeps_its_place)
BY_POLICY(a_select_wakes_for_whichever_is_released)
BY_POLICY(two_arms_of_one_semaphore_keep_its_order)
BY_POLICY(closing_wins_a_select_too)
BY_POLICY(a_time_limit_cancels_the_acquire)
BY_POLICY(a_free_permit_beats_a_time_limit_in_the_past)
BY_POLICY(cancelling_a_time_limit_cancels_what_is_inside)
BY_POLICY(an_empty_budget_takes_nothing_and_wakes)
BY_POLICY(what_was_handed_over_survives_an_empty_budget)

static const struct h_test tests[] = {
	TESTS(a_cancelled_loser_leaves_no_trace, IN_ALL),
	TESTS(an_arm_that_is_not_reached_takes_nothing, IN_ALL),
	TESTS(a_loser_that_stays_keeps_its_place, IN_ALL),
	TESTS(a_select_wakes_for_whichever_is_released, IN_ALL),
	TESTS(two_arms_of_one_semaphore_keep_its_order, IN_ALL),
	TESTS(closing_wins_a_select_too, IN_ALL),
	TESTS(a_time_limit_cancels_the_acquire, IN_ALL),
	TESTS(a_free_permit_beats_a_time_limit_in_the_past, IN_ALL),
	TESTS(cancelling_a_time_limit_cancels_what_is_inside, IN_ALL),
	TESTS(an_empty_budget_takes_nothing_and_wakes, IN_ALL),
	TESTS(what_was_handed_over_survives_an_empty_budget, IN_ALL),
};
/* clang-format on */

H_MAIN("semaphore_select", tests)
