/*
 * scenario_token.c - cancellation tokens polled by hand, and trees of them.
 * Tokens that end blocking waits are in scenario_wait.c and scenario_block.c.
 */
#include <string.h>

#include <chappe/cancel.h>

#include "counted.h"
#include "wait/wheel.h"

static chp_cancel token, child_a, child_b;
static struct counted waker, other_waker;
static unsigned plain;
static chp_cancel_op op;
static bool pending;

static void cancel(void)
{
	plain = 1;
	chp_cancel_now(&token);
}

static int poll_with(struct counted *c)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(counted_waker(c));
	int r = chp_op_poll(&op.op, &ctx);

	MODEL_CHECK(r == 0 || r == CHP_PENDING);
	if (r == 0)
		MODEL_CHECK(plain == 1);
	return r;
}

static void poll_and_leave(void)
{
	chp_cancel_wait_op(&op, &token);
	if (poll_with(&waker) == CHP_PENDING)
		chp_op_cancel(&op.op);
	memset(&op, 0xff, sizeof(op));
}

static void poll_twice(void)
{
	int r;

	chp_cancel_wait_op(&op, &token);
	r = poll_with(&waker);
	if (r == CHP_PENDING)
		r = poll_with(&waker);
	pending = r == CHP_PENDING;
	model_reached(pending);
}

static void poll_with_another(void)
{
	int r;

	chp_cancel_wait_op(&op, &token);
	r = poll_with(&waker);
	if (r == CHP_PENDING)
		r = poll_with(&other_waker);
	pending = r == CHP_PENDING;
	model_reached(pending);
}

static void no_references(void)
{
	counted_end(&waker);
	counted_end(&other_waker);
	chp_cancel_destroy(&token);
}

/* What is left pending has been woken, by the waker it was given last. */
static void woken(void)
{
	if (pending)
		MODEL_CHECK(counted_end(&waker) == 1);
	no_references();
}

static void another_woken(void)
{
	if (pending)
		MODEL_CHECK(counted_end(&other_waker) == 1);
	no_references();
}

SCENARIO(token_polled, .threads = { poll_twice, cancel }, .check = woken,
	 .must_reach = 3);
SCENARIO(token_left, .threads = { poll_and_leave, cancel },
	 .check = no_references);
SCENARIO(token_another_waker, .threads = { poll_with_another, cancel },
	 .check = another_woken, .must_reach = 3);

/* One that was cancelled before. */
static void poll_once(void)
{
	chp_cancel_wait_op(&op, &token);
	MODEL_CHECK(poll_with(&waker) == 0);
	MODEL_CHECK(token.waiters == NULL);
}

SCENARIO(token_before, .setup = cancel, .threads = { poll_once },
	 .check = no_references);

/* ---- One that has a deadline, against the wheel ---- */

static void init_deadline(void)
{
	chp_cancel_init(&token, NULL, model_time(1));
}

static void expire(void)
{
	chp__wheel_expire(the_wheel(), model_time(2));
}

static void disarmed(void)
{
	MODEL_CHECK(!chp__wheel_is_armed(the_wheel()));
	no_references();
}

SCENARIO(token_deadline_left, .setup = init_deadline,
	 .threads = { poll_and_leave, expire }, .check = disarmed);
SCENARIO(token_deadline_cancel, .setup = init_deadline,
	 .threads = { poll_and_leave, expire, cancel }, .check = disarmed,
	 .bound = 2);

/* ---- A tree ---- */

static void make_tree(void)
{
	chp_cancel_init(&token, NULL, 0);
	chp_cancel_init(&child_a, &token, 0);
	chp_cancel_init(&child_b, &child_a, 0);
}

static void look_and_destroy(void)
{
	if (chp_cancel_status(&child_b) == CHP_ECANCELED)
		MODEL_CHECK(plain == 1);
	chp_cancel_destroy(&child_b);
	memset(&child_b, 0xff, sizeof(child_b));
}

static void wait_and_destroy(void)
{
	MODEL_CHECK(chp_cancel_wait(&child_b) == 0);
	MODEL_CHECK(plain == 1);
	chp_cancel_destroy(&child_b);
	memset(&child_b, 0xff, sizeof(child_b));
}

static void destroy_rest(void)
{
	MODEL_CHECK(chp_cancel_status(&child_a) == CHP_ECANCELED);
	chp_cancel_destroy(&child_a);
	chp_cancel_destroy(&token);
}

SCENARIO(token_tree_look, .setup = make_tree,
	 .threads = { look_and_destroy, cancel }, .check = destroy_rest);
SCENARIO(token_tree_wait, .setup = make_tree,
	 .threads = { wait_and_destroy, cancel }, .check = destroy_rest);
