/*
 * scenario_block.c - what stands against a wait, at its start and while it
 * lasts; time limits; budgets.
 */
#include <chappe/agent.h>
#include <chappe/cancel.h>
#include <chappe/select.h>
#include <chappe/semaphore.h>

#include "counted.h"
#include "wait/agent.h"

static chp_semaphore s;
static chp_cancel token;
static struct counted waker;
static chp_ptr known;
static chp_agent first;
static unsigned plain;

static void init_0(void)
{
	chp_semaphore_init(&s, 0, CHP_FIFO);
}

static void init_1(void)
{
	chp_semaphore_init(&s, 1, CHP_FIFO);
}

static void one_left(void)
{
	MODEL_CHECK(chp_semaphore_available(&s) == 1);
	MODEL_CHECK(chp_semaphore_queue_length(&s) == 0);
}

static void give(void)
{
	plain = 1;
	chp_semaphore_release(&s, 1);
}

static void cancel(void)
{
	plain = 1;
	chp_cancel_now(&token);
}

static int take(chp_cancel *c, unsigned flags)
{
	chp_wait w = { .cancel = c, .flags = flags };
	int r = chp_semaphore_acquire_with(&s, 1, &w);

	if (r == 0)
		chp_semaphore_release(&s, 1);
	return r;
}

static int interrupt_self(void)
{
	return chp_interrupt(chp_agent_current());
}

/* Takes what it takes of the budget: one, whatever comes of it. */
static int take_for_one(chp_cancel *c, unsigned flags)
{
	uint32_t before = agent_self()->budget;
	int r = take(c, flags);

	MODEL_CHECK(agent_self()->budget == before - 1);
	return r;
}

/* ---- At the start, although there is a permit ---- */

static void at_the_start(void)
{
	MODEL_CHECK(take_for_one(NULL, 0) == 0);
	MODEL_CHECK(take_for_one(&token, 0) == 0);

	interrupt_self();
	MODEL_CHECK(take_for_one(NULL, 0) == CHP_EINTR);
	MODEL_CHECK(take_for_one(NULL, 0) == 0);
	interrupt_self();
	MODEL_CHECK(take_for_one(NULL, CHP_UNINTERRUPTIBLE) == 0);
	MODEL_CHECK(take_for_one(&token, CHP_UNINTERRUPTIBLE) == 0);
	MODEL_CHECK(chp_semaphore_acquire(&s, 1) == CHP_EINTR);

	cancel();
	MODEL_CHECK(take_for_one(&token, 0) == CHP_ECANCELED);
	interrupt_self();
	MODEL_CHECK(take_for_one(&token, 0) == CHP_EINTR);
}

/* An operation that was polled before has a result after all, or is told. */
static void wait_for_polled(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(counted_waker(&waker));
	chp_acquire_op op;
	int r;

	chp_semaphore_acquire_op(&op, &s, 1);
	r = chp_op_poll(&op.op, &ctx);
	if (r == CHP_PENDING) {
		interrupt_self();
		r = chp_op_wait(&op.op, NULL);
		MODEL_CHECK(r == CHP_EINTR);
		MODEL_CHECK(!chp_interrupted());
	} else {
		chp_semaphore_release(&s, 1);
	}
	model_reached(r == 0);
}

static void one_left_and_no_waker(void)
{
	one_left();
	counted_end(&waker);
}

SCENARIO(block_start, .setup = init_1, .threads = { at_the_start },
	 .check = one_left);
SCENARIO(block_polled, .setup = init_0, .threads = { wait_for_polled, give },
	 .check = one_left_and_no_waker, .must_reach = 3);

/* ---- While it lasts ---- */

static void announce(void)
{
	first = chp_agent_current();
	storep_release(&known, &first);
}

static void interrupt_and_give(void)
{
	const chp_agent *a = loadp_acquire(&known);

	if (a)
		chp_interrupt(*a);
	give();
}

static void take_uninterruptible(void)
{
	announce();
	MODEL_CHECK(take(NULL, CHP_UNINTERRUPTIBLE) == 0);
	MODEL_CHECK(plain == 1);
	model_reached((unsigned)chp_interrupted());
}

/* Interrupted behind a shield: the token is still looked at. */
static void take_shielded(void)
{
	chp_wait w = { .cancel = &token };

	interrupt_self();
	chp_shield_enter();
	MODEL_CHECK(chp_semaphore_acquire_with(&s, 1, &w) == CHP_ECANCELED);
	MODEL_CHECK(plain == 1);
	chp_shield_leave();
	MODEL_CHECK(chp_interrupted());
}

SCENARIO(block_uninterruptible, .setup = init_0,
	 .threads = { take_uninterruptible, interrupt_and_give },
	 .check = one_left, .must_reach = 3);
SCENARIO(block_shield_token, .setup = init_0,
	 .threads = { take_shielded, cancel });

/* ---- Time limits ---- */

static void take_limited(void)
{
	chp_wait w = { .deadline = model_time(1) };
	int r = chp_semaphore_acquire_with(&s, 1, &w);

	MODEL_CHECK(r == 0 || r == CHP_ETIMEDOUT);
	model_reached(r == 0);
	if (r == 0)
		chp_semaphore_release(&s, 1);
}

/* As an operation around another. */
static void take_composed(void)
{
	chp_acquire_op inner;
	chp_timeout_op op;
	int r;

	chp_semaphore_acquire_op(&inner, &s, 1);
	chp_timeout_init(&op, &inner.op, model_time(1));
	r = chp_op_wait(&op.op, NULL);
	MODEL_CHECK(r == 0 || r == CHP_ETIMEDOUT);
	model_reached(r == 0);
	if (r == 0)
		chp_semaphore_release(&s, 1);
}

SCENARIO(timeout_grant, .setup = init_0, .threads = { take_limited, give },
	 .check = one_left, .timed = 1, .must_reach = 3);
SCENARIO(timeout_composed, .setup = init_0, .threads = { take_composed, give },
	 .check = one_left, .timed = 1, .must_reach = 3);

/* ---- Out of budget: not even tried, and told to come back ---- */

static void poll_without_budget(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(counted_waker(&waker));
	uint32_t budget = 0;
	chp_acquire_op op;

	ctx.budget = &budget;
	chp_semaphore_acquire_op(&op, &s, 1);
	MODEL_CHECK(chp_op_poll(&op.op, &ctx) == CHP_PENDING);
	MODEL_CHECK(counted_end(&waker) == 1);
	budget = 1;
	MODEL_CHECK(chp_op_poll(&op.op, &ctx) == 0);
	MODEL_CHECK(budget == 0);
	chp_semaphore_release(&s, 1);
}

SCENARIO(block_budget, .setup = init_1, .threads = { poll_without_budget },
	 .check = one_left);
