/*
 * test_cancel.c - cancellation tokens: what they end, trees, deadlines, misuse.
 *
 * Waiting for a token is in test_cancel_wait.c, races in test_cancel_race.c.
 */
#include "harness.h"

static chp_semaphore s;

static int acquire(chp_cancel *token, chp_time deadline)
{
	chp_wait w = { .deadline = deadline, .cancel = token };

	return h_acquire(&s, 1, &w);
}

/* ---- Ending waits ---- */

static void *expect_cancelled(void *token)
{
	CHECK_CODE(acquire(token, 0), CHP_ECANCELED);
	CHECK_CODE(acquire(token, CHP_NEVER), CHP_ECANCELED);
	return NULL;
}

static void cancelling_ends_waits_now_and_later(void)
{
	chp_cancel token = CHP_CANCEL_INIT;
	struct h_agent a[5];

	chp_semaphore_init(&s, 0, CHP_FIFO);
	for (int i = 0; i < 5; i++)
		h_spawn(&a[i], expect_cancelled, &token);
	h_until(chp_semaphore_queue_length(&s) == 5);
	CHECK_CODE(chp_cancel_status(&token), 0);
	chp_cancel_now(&token);
	CHECK_CODE(chp_cancel_status(&token), CHP_ECANCELED);
	for (int i = 0; i < 5; i++)
		h_join(&a[i]);
	CHECK_EQ(chp_semaphore_queue_length(&s), 0);

	/* Even what is free is refused, and stays free. */
	chp_semaphore_release(&s, 1);
	CHECK_CODE(acquire(&token, 0), CHP_ECANCELED);
	CHECK_CODE(acquire(&token, 1), CHP_ECANCELED);
	CHECK_EQ(chp_semaphore_available(&s), 1);
	chp_cancel_now(&token);
	CHECK_CODE(chp_cancel_status(&token), CHP_ECANCELED);
	chp_cancel_destroy(&token);
}

static void a_token_that_is_not_cancelled_changes_nothing(void)
{
	static chp_cancel zero;

	chp_semaphore_init(&s, 1, CHP_FIFO);
	CHECK_CODE(acquire(&zero, 0), 0);
	CHECK_CODE(acquire(&zero, 1), CHP_ETIMEDOUT);
	CHECK_CODE(acquire(&zero, chp_in(CHP_MS)), CHP_ETIMEDOUT);
	CHECK_CODE(chp_cancel_status(&zero), 0);
	CHECK_EQ(chp_cancel_deadline(&zero), 0);
	chp_cancel_destroy(&zero);
}

static void *expect_the_permit(void *token)
{
	CHECK_CODE(acquire(token, 0), 0);
	CHECK_CODE(acquire(token, 0), CHP_ECANCELED);
	return NULL;
}

/* The permit was handed over before; success wins. */
static void a_grant_before_the_cancelling_wins(void)
{
	for (long round = h_rounds(300); round > 0; round--) {
		chp_cancel token = CHP_CANCEL_INIT;
		struct h_agent a;

		chp_semaphore_init(&s, 0, CHP_FIFO);
		h_spawn(&a, expect_the_permit, &token);
		h_until(chp_semaphore_queue_length(&s) == 1);
		chp_semaphore_release(&s, 1);
		chp_cancel_now(&token);
		h_join(&a);
		chp_cancel_destroy(&token);
	}
}

static void an_interrupt_is_reported_before_a_cancelled_token(void)
{
	chp_cancel token = CHP_CANCEL_INIT;

	chp_semaphore_init(&s, 1, CHP_FIFO);
	chp_cancel_now(&token);
	chp_interrupt(chp_agent_current());
	CHECK_CODE(acquire(&token, 0), CHP_EINTR);
	CHECK_CODE(acquire(&token, 0), CHP_ECANCELED);
	chp_cancel_destroy(&token);
}

static void uninterruptible_waits_end_with_their_token(void)
{
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait w = { .cancel = &token, .flags = CHP_UNINTERRUPTIBLE };

	chp_semaphore_init(&s, 0, CHP_FIFO);
	chp_cancel_now(&token);
	CHECK_CODE(chp_semaphore_acquire_with(&s, 1, &w), CHP_ECANCELED);
	chp_shield_enter();
	CHECK_CODE(acquire(&token, 0), CHP_ECANCELED);
	chp_shield_leave();
	chp_cancel_destroy(&token);
}

/* ---- Trees ---- */

static void cancelling_goes_down_the_tree_only(void)
{
	chp_cancel root, left, right, leaf, late;

	chp_cancel_init(&root, NULL, 0);
	chp_cancel_init(&left, &root, 0);
	chp_cancel_init(&right, &root, 0);
	chp_cancel_init(&leaf, &left, 0);

	chp_cancel_now(&left);
	CHECK_CODE(chp_cancel_status(&left), CHP_ECANCELED);
	CHECK_CODE(chp_cancel_status(&leaf), CHP_ECANCELED);
	CHECK_CODE(chp_cancel_status(&root), 0);
	CHECK_CODE(chp_cancel_status(&right), 0);

	chp_cancel_init(&late, &leaf, 0);
	CHECK_CODE(chp_cancel_status(&late), CHP_ECANCELED);
	chp_cancel_destroy(&late);

	chp_cancel_now(&root);
	CHECK_CODE(chp_cancel_status(&right), CHP_ECANCELED);
	chp_cancel_destroy(&leaf);
	chp_cancel_destroy(&left);
	chp_cancel_destroy(&right);
	chp_cancel_destroy(&root);
}

static void a_child_comes_and_goes_alone(void)
{
	chp_cancel root = CHP_CANCEL_INIT, child, other;

	chp_cancel_init(&other, &root, 0);
	for (int i = 0; i < 100; i++) {
		chp_cancel_init(&child, &root, 0);
		if (i % 2)
			chp_cancel_now(&child);
		chp_cancel_destroy(&child);
		memset(&child, 0xff, sizeof(child));
	}
	CHECK_CODE(chp_cancel_status(&root), 0);
	CHECK_CODE(chp_cancel_status(&other), 0);
	chp_cancel_now(&root);
	CHECK_CODE(chp_cancel_status(&other), CHP_ECANCELED);
	chp_cancel_destroy(&other);
	chp_cancel_destroy(&root);
}

static void cancelling_ends_waits_on_tokens_below(void)
{
	chp_cancel root = CHP_CANCEL_INIT, child, grandchild;
	struct h_agent a[3];

	chp_semaphore_init(&s, 0, CHP_FIFO);
	chp_cancel_init(&child, &root, 0);
	chp_cancel_init(&grandchild, &child, 0);
	h_spawn(&a[0], expect_cancelled, &root);
	h_spawn(&a[1], expect_cancelled, &child);
	h_spawn(&a[2], expect_cancelled, &grandchild);
	h_until(chp_semaphore_queue_length(&s) == 3);
	chp_cancel_now(&root);
	for (int i = 0; i < 3; i++)
		h_join(&a[i]);
	chp_cancel_destroy(&grandchild);
	chp_cancel_destroy(&child);
	chp_cancel_destroy(&root);
}

static void a_thousand_children_hear_of_it(void)
{
	enum { CHILDREN = 1000 };
	chp_cancel *c = calloc(CHILDREN, sizeof(*c));
	chp_cancel_op *ops = calloc(CHILDREN, sizeof(*ops));
	chp_cancel root = CHP_CANCEL_INIT;
	struct h_waker w = { 0 };

	/* A tree with eight branches at each fork, and every leaf waits. */
	for (int i = 0; i < CHILDREN; i++) {
		chp_cancel_init(&c[i], i < 8 ? &root : &c[i / 8 - 1], 0);
		chp_cancel_wait_op(&ops[i], &c[i]);
		CHECK_CODE(h_poll(&ops[i].op, &w), CHP_PENDING);
	}
	chp_cancel_now(&root);
	CHECK_EQ(h_wakes(&w), CHILDREN);
	for (int i = CHILDREN - 1; i >= 0; i--) {
		CHECK_CODE(chp_cancel_status(&c[i]), CHP_ECANCELED);
		CHECK_CODE(h_poll(&ops[i].op, &w), 0);
		chp_cancel_destroy(&c[i]);
	}
	CHECK_EQ(h_refs(&w), 0);
	chp_cancel_destroy(&root);
	free(ops);
	free(c);
}

/* ---- Deadlines ---- */

static void of_own_and_inherited_deadline_the_earlier_counts(void)
{
	chp_time soon = chp_in(100 * CHP_SEC), late = chp_in(200 * CHP_SEC);
	chp_cancel root, plain, earlier, later, below;

	chp_cancel_init(&root, NULL, late);
	chp_cancel_init(&plain, &root, 0);
	chp_cancel_init(&earlier, &root, soon);
	chp_cancel_init(&below, &earlier, late);
	chp_cancel_init(&later, &root, chp_in(300 * CHP_SEC));
	CHECK_EQ(chp_cancel_deadline(&root), late);
	CHECK_EQ(chp_cancel_deadline(&plain), late);
	CHECK_EQ(chp_cancel_deadline(&earlier), soon);
	CHECK_EQ(chp_cancel_deadline(&below), soon);
	CHECK_EQ(chp_cancel_deadline(&later), late);
	CHECK_CODE(chp_cancel_status(&below), 0);
	chp_cancel_destroy(&below);
	chp_cancel_destroy(&later);
	chp_cancel_destroy(&earlier);
	chp_cancel_destroy(&plain);
	chp_cancel_destroy(&root);
}

static void a_deadline_that_passes_ends_waits_on_the_tree(void)
{
	chp_cancel root, child;
	chp_time deadline = chp_in(5 * CHP_MS);

	chp_semaphore_init(&s, 0, CHP_FIFO);
	chp_cancel_init(&root, NULL, deadline);
	chp_cancel_init(&child, &root, chp_in(60 * CHP_SEC));
	CHECK_CODE(acquire(&child, 0), CHP_ETIMEDOUT);
	CHECK(chp_now() >= deadline);
	CHECK_CODE(chp_cancel_status(&child), CHP_ETIMEDOUT);
	CHECK_CODE(chp_cancel_status(&root), CHP_ETIMEDOUT);
	/* For good, even for what is free. */
	chp_semaphore_release(&s, 1);
	CHECK_CODE(acquire(&root, 0), CHP_ETIMEDOUT);
	CHECK_CODE(acquire(&child, CHP_NEVER), CHP_ETIMEDOUT);
	CHECK_EQ(chp_semaphore_available(&s), 1);
	chp_cancel_destroy(&child);
	chp_cancel_init(&child, &root, 0);
	CHECK_CODE(chp_cancel_status(&child), CHP_ETIMEDOUT);
	chp_cancel_destroy(&child);
	chp_cancel_destroy(&root);
}

static void a_token_may_be_late_from_the_start(void)
{
	chp_cancel token;

	chp_semaphore_init(&s, 1, CHP_FIFO);
	chp_cancel_init(&token, NULL, 1);
	CHECK_CODE(chp_cancel_status(&token), CHP_ETIMEDOUT);
	CHECK_CODE(acquire(&token, 0), CHP_ETIMEDOUT);
	chp_cancel_destroy(&token);
}

static void the_wait_may_have_an_earlier_deadline(void)
{
	chp_cancel token;
	chp_time soon = chp_in(2 * CHP_MS);

	chp_semaphore_init(&s, 0, CHP_FIFO);
	chp_cancel_init(&token, NULL, chp_in(60 * CHP_SEC));
	CHECK_CODE(acquire(&token, soon), CHP_ETIMEDOUT);
	CHECK(chp_now() >= soon);
	CHECK_CODE(chp_cancel_status(&token), 0);
	chp_cancel_destroy(&token);
}

static void once_cancelled_a_token_does_not_time_out(void)
{
	chp_cancel token;
	chp_time soon = chp_in(CHP_MS);

	chp_semaphore_init(&s, 1, CHP_FIFO);
	chp_cancel_init(&token, NULL, soon);
	chp_cancel_now(&token);
	if (chp_now() < soon) {
		h_until(chp_now() > soon);
		CHECK_CODE(chp_cancel_status(&token), CHP_ECANCELED);
		CHECK_CODE(acquire(&token, 0), CHP_ECANCELED);
	}
	chp_cancel_destroy(&token);
}

/* ---- Misuse ---- */

static void destroy_with_a_waiter(void *arg)
{
	chp_cancel token = CHP_CANCEL_INIT;
	chp_cancel_op op;

	(void)arg;
	chp_cancel_wait_op(&op, &token);
	chp_op_poll(&op.op, NULL);
	chp_cancel_destroy(&token);
}

static void destroy_with_a_child(void *arg)
{
	chp_cancel token = CHP_CANCEL_INIT, child;

	(void)arg;
	chp_cancel_init(&child, &token, 0);
	chp_cancel_destroy(&token);
}

static void a_token_in_use_must_not_be_destroyed(void)
{
	h_must_panic(destroy_with_a_waiter, NULL, "destroyed");
	h_must_panic(destroy_with_a_child, NULL, "destroyed");
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_token_in_use_must_not_be_destroyed, ON_ITS_OWN),
	TEST(cancelling_ends_waits_now_and_later, IN_ALL),
	TEST(a_token_that_is_not_cancelled_changes_nothing, IN_ALL),
	TEST(a_grant_before_the_cancelling_wins, IN_BLOCKING),
	TEST(an_interrupt_is_reported_before_a_cancelled_token, IN_BLOCKING),
	TEST(uninterruptible_waits_end_with_their_token, IN_BLOCKING),
	TEST(cancelling_goes_down_the_tree_only, IN_ALL),
	TEST(a_child_comes_and_goes_alone, IN_ALL),
	TEST(cancelling_ends_waits_on_tokens_below, IN_ALL),
	TEST(a_thousand_children_hear_of_it, IN_ALL),
	TEST(of_own_and_inherited_deadline_the_earlier_counts, IN_ALL),
	TEST(a_deadline_that_passes_ends_waits_on_the_tree, IN_ALL),
	TEST(a_token_may_be_late_from_the_start, IN_ALL),
	TEST(the_wait_may_have_an_earlier_deadline, IN_ALL),
	TEST(once_cancelled_a_token_does_not_time_out, IN_ALL),
};
/* clang-format on */

H_MAIN("cancel", tests)
