/*
 * test_cancel_wait.c - waiting for a token: until it is cancelled, or late, or
 * its parent is; what else ends the wait; as an operation.
 */
#include "harness.h"

static int wait_for(chp_cancel *token, const chp_wait *w)
{
	chp_cancel_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_cancel_wait_with(token, w)
			 : chp_cancel_wait(token);
	chp_cancel_wait_op(&op, token);
	return h_wait(&op.op, w);
}

/* ---- Until it has come ---- */

static void what_has_come_is_not_waited_for(void)
{
	chp_wait once = { .deadline = 1 };
	chp_cancel token = CHP_CANCEL_INIT, late, below;

	CHECK_CODE(wait_for(&token, &once), CHP_ETIMEDOUT);
	chp_cancel_now(&token);
	CHECK_CODE(wait_for(&token, NULL), 0);
	CHECK_CODE(wait_for(&token, &once), 0);

	chp_cancel_init(&late, NULL, 1);
	CHECK_CODE(wait_for(&late, NULL), 0);
	CHECK_CODE(wait_for(&late, &once), 0);
	chp_cancel_init(&below, &late, CHP_NEVER);
	CHECK_CODE(wait_for(&below, NULL), 0);
	chp_cancel_destroy(&below);
	chp_cancel_init(&below, &token, 0);
	CHECK_CODE(wait_for(&below, NULL), 0);
	chp_cancel_destroy(&below);
	chp_cancel_destroy(&late);
	chp_cancel_destroy(&token);
}

static void a_token_can_be_waited_for(void)
{
	chp_cancel token = CHP_CANCEL_INIT, timed;
	chp_wait soon = { .deadline = chp_in(2 * CHP_MS) };
	struct h_agent a;

	CHECK_CODE(wait_for(&token, &soon), CHP_ETIMEDOUT);
	CHECK(chp_now() >= soon.deadline);
	h_spawn(&a, h_cancel_later, &token);
	CHECK_CODE(wait_for(&token, NULL), 0);
	CHECK_CODE(wait_for(&token, &soon), 0);
	h_join(&a);
	chp_cancel_destroy(&token);

	chp_cancel_init(&timed, NULL, chp_in(2 * CHP_MS));
	CHECK_CODE(wait_for(&timed, NULL), 0);
	CHECK(chp_now() >= chp_cancel_deadline(&timed));
	chp_cancel_destroy(&timed);
}

static void a_hand_polled_wait_is_woken_once(void)
{
	chp_cancel token = CHP_CANCEL_INIT;
	struct h_waker first = { 0 }, second = { 0 }, third = { 0 };
	chp_cancel_op a, b;

	chp_cancel_wait_op(&a, &token);
	chp_cancel_wait_op(&b, &token);
	CHECK_CODE(h_poll(&a.op, &first), CHP_PENDING);
	CHECK_CODE(h_poll(&a.op, &second), CHP_PENDING);
	CHECK_EQ(h_refs(&first), 0);
	CHECK_CODE(h_poll(&b.op, &third), CHP_PENDING);
	CHECK_CODE(chp_op_cancel(&b.op), CHP_HELD_NOTHING);
	CHECK_EQ(h_refs(&third), 0);
	chp_cancel_now(&token);
	CHECK_EQ(h_wakes(&first), 0);
	CHECK_EQ(h_wakes(&second), 1);
	CHECK_EQ(h_wakes(&third), 0);
	CHECK_CODE(h_poll(&a.op, &second), 0);
	CHECK_EQ(h_refs(&second), 0);
	chp_cancel_destroy(&token);
}

static void *wait_for_it(void *token)
{
	return (void *)(intptr_t)wait_for(token, NULL);
}

static void cancelling_a_parent_ends_the_wait_of_many(void)
{
	chp_cancel root = CHP_CANCEL_INIT, child;
	struct h_agent a[6];

	chp_cancel_init(&child, &root, 0);
	for (int i = 0; i < 6; i++)
		h_spawn(&a[i], wait_for_it, i & 1 ? &child : &root);
	h_let_others_run();
	chp_cancel_now(&root);
	for (int i = 0; i < 6; i++)
		CHECK_CODE((int)(intptr_t)h_join(&a[i]), 0);
	chp_cancel_destroy(&child);
	chp_cancel_destroy(&root);
}

/* ---- What ends the wait before ---- */

static void another_token_ends_the_wait(void)
{
	chp_cancel token = CHP_CANCEL_INIT, other = CHP_CANCEL_INIT;
	chp_wait w = { .cancel = &other };
	struct h_agent a;

	h_spawn(&a, h_cancel_later, &other);
	CHECK_CODE(wait_for(&token, &w), CHP_ECANCELED);
	h_join(&a);
	/* Asked for before: nothing is waited for, cancelled or not. */
	CHECK_CODE(wait_for(&token, &w), CHP_ECANCELED);
	chp_cancel_now(&token);
	CHECK_CODE(wait_for(&token, &w), CHP_ECANCELED);
	CHECK_CODE(wait_for(&token, NULL), 0);
	chp_cancel_destroy(&other);
	chp_cancel_destroy(&token);
}

static void a_token_may_end_the_wait_for_itself(void)
{
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait w = { .cancel = &token };
	struct h_agent a;
	int r;

	h_spawn(&a, h_cancel_later, &token);
	r = wait_for(&token, &w);
	/* Success wins, unless it was cancelled before the wait began. */
	CHECK(r == 0 || r == CHP_ECANCELED);
	h_join(&a);
	CHECK_CODE(wait_for(&token, &w), CHP_ECANCELED);
	chp_cancel_destroy(&token);
}

static void interruption_comes_before_a_cancelled_token(void)
{
	chp_wait shielded = { .flags = CHP_UNINTERRUPTIBLE };
	chp_wait strange = { .flags = 1u << 31 };
	chp_cancel token = CHP_CANCEL_INIT;

	chp_cancel_now(&token);
	CHECK_CODE(chp_cancel_wait_with(&token, &strange), CHP_EINVAL);
	CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
	CHECK_CODE(chp_cancel_wait_with(&token, &shielded), 0);
	CHECK_CODE(chp_cancel_wait(&token), CHP_EINTR);
	CHECK_CODE(chp_cancel_wait(&token), 0);
	chp_cancel_destroy(&token);
}

static void interrupt_and_abort_end_the_wait(void)
{
	chp_cancel token = CHP_CANCEL_INIT;
	struct h_agent a;

	h_spawn(&a, wait_for_it, &token);
	CHECK_CODE(chp_interrupt(a.agent), 0);
	CHECK_CODE((int)(intptr_t)h_join(&a), CHP_EINTR);
	if (chp_task_id() != 0) {
		h_spawn(&a, wait_for_it, &token);
		CHECK_CODE(chp_abort(a.agent), 0);
		CHECK_CODE((int)(intptr_t)h_join(&a), CHP_EABORTED);
	}
	CHECK_CODE(chp_cancel_status(&token), 0);
	chp_cancel_destroy(&token);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(what_has_come_is_not_waited_for, IN_ALL),
	TEST(a_token_can_be_waited_for, IN_ALL),
	TEST(a_hand_polled_wait_is_woken_once, IN_ALL),
	TEST(cancelling_a_parent_ends_the_wait_of_many, IN_ALL),
	TEST(another_token_ends_the_wait, IN_ALL),
	TEST(a_token_may_end_the_wait_for_itself, IN_ALL),
	TEST(interruption_comes_before_a_cancelled_token, IN_BLOCKING),
	TEST(interrupt_and_abort_end_the_wait, IN_BLOCKING),
};
/* clang-format on */

H_MAIN("cancel_wait", tests)
