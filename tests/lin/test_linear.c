/*
 * test_linear.c - what threads saw of an object is what some order of their
 * calls, one after the other, would have shown them: lin.h.
 */
#include "lin_tests.h"

#include "model_mpsc.h"

/* ---- The checker itself ---- */

enum { PUSH, POP };

static const char *const names[] = { "push", "pop" };

static enum lin_answer step_queue(void *model, const struct lin_call *c)
{
	struct model_mpsc *m = model;

	if (c->what == PUSH) {
		model_mpsc_try_reserve(m, 1);
		model_mpsc_push(m, c->value);
		return LIN_SAME;
	}
	if (model_mpsc_recv(m, 1) != 1)
		return LIN_WAITS;
	return m->out[0] == c->value ? LIN_SAME : LIN_NO;
}

static void cancel_queue(void *model, const struct lin_call *c)
{
	(void)model;
	(void)c;
}

static const struct lin_spec queue_spec = { "queue", sizeof(struct model_mpsc),
					    step_queue, cancel_queue, names };

static bool explained(struct lin_call *calls, int count)
{
	struct lin_history h = { .count = count };
	struct model_mpsc m;

	memcpy(h.calls, calls, sizeof(*calls) * (size_t)count);
	model_mpsc_init(&m, 0);
	return lin_explained(&queue_spec, &m, &h);
}

static void pushes_at_the_same_time_may_come_in_either_order(void)
{
	struct lin_call calls[] = { { 0, 3, 0, PUSH, 0, 0, 1 },
				    { 1, 2, 1, PUSH, 0, 0, 2 },
				    { 4, 5, 2, POP, 0, 0, 2 },
				    { 6, 7, 2, POP, 0, 0, 1 } };

	CHECK(explained(calls, 4));
}

static void pushes_one_after_the_other_may_not(void)
{
	struct lin_call calls[] = { { 0, 1, 0, PUSH, 0, 0, 1 },
				    { 2, 3, 1, PUSH, 0, 0, 2 },
				    { 4, 5, 2, POP, 0, 0, 2 },
				    { 6, 7, 2, POP, 0, 0, 1 } };

	CHECK(!explained(calls, 4));
}

static void a_pop_may_wait_for_a_push_that_begins_later(void)
{
	struct lin_call calls[] = { { 0, 3, 0, POP, 0, 0, 1 },
				    { 1, 2, 1, PUSH, 0, 0, 1 } };

	CHECK(explained(calls, 2));
}

static void a_pop_cannot_return_before_the_push_begins(void)
{
	struct lin_call calls[] = { { 0, 1, 0, POP, 0, 0, 1 },
				    { 2, 3, 1, PUSH, 0, 0, 1 } };

	CHECK(!explained(calls, 2));
}

static void a_value_is_popped_once(void)
{
	struct lin_call calls[] = { { 0, 5, 0, PUSH, 0, 0, 1 },
				    { 1, 3, 1, POP, 0, 0, 1 },
				    { 2, 4, 2, POP, 0, 0, 1 } };

	CHECK(!explained(calls, 3));
}

static const struct h_test tests[] = {
	TEST(pushes_at_the_same_time_may_come_in_either_order, ON_ITS_OWN),
	TEST(pushes_one_after_the_other_may_not, ON_ITS_OWN),
	TEST(a_pop_may_wait_for_a_push_that_begins_later, ON_ITS_OWN),
	TEST(a_pop_cannot_return_before_the_push_begins, ON_ITS_OWN),
	TEST(a_value_is_popped_once, ON_ITS_OWN),
	TEST(who_gives_up_may_have_been_granted, ON_ITS_OWN),
	TEST(a_semaphore_that_takes_twice_is_refused, ON_ITS_OWN),
	TEST(a_stack_that_claims_to_be_a_queue_is_refused, ON_ITS_OWN),
	TEST_BY_POLICY(semaphores_are_linearizable, ON_ITS_OWN),
	TEST(mutexes_are_linearizable, ON_ITS_OWN),
	TEST(rwlocks_are_linearizable, ON_ITS_OWN),
	TEST(once_cells_are_linearizable, ON_ITS_OWN),
	TEST(notify_is_linearizable, ON_ITS_OWN),
	TEST(mpsc_is_linearizable, ON_ITS_OWN),
	TEST(mpmc_is_linearizable, ON_ITS_OWN),
	TEST(oneshots_are_linearizable, ON_ITS_OWN),
	TEST(broadcast_is_linearizable, ON_ITS_OWN),
	TEST(watch_is_linearizable, ON_ITS_OWN),
};

H_MAIN("linear", tests)
