/*
 * scenario_cost_sync.c - what the short ways of locks and of waiting cost: one
 * thread, and how many steps and calls it makes at most.
 */
#include <chappe/agent.h>
#include <chappe/cancel.h>
#include <chappe/cond.h>
#include <chappe/notify.h>
#include <chappe/semaphore.h>
#include <chappe/time.h>
#include <chappe/wait_group.h>

#include "counted.h"
#include "os/event.h"
#include "wait/agent.h"
#include "wait/cancel.h"
#include "wait/node.h"
#include "wait/op.h"
#include "wait/random.h"
#include "wait/wheel.h"

static struct counted waker;

static int poll(chp_op *op)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(counted_waker(&waker));

	return chp_op_poll(op, &ctx);
}

/* ---- Nobody waits: one step, no lock ---- */

static chp_semaphore s;
static chp_notify n;
static chp_cond c;
static chp_wait_group wg;

static void take_and_give(void)
{
	chp_semaphore_init(&s, 3, CHP_FIFO);
	MODEL_AT_MOST(2, 1, 0, MODEL_CHECK(chp_semaphore_acquire(&s, 1) == 0));
	MODEL_AT_MOST(1, 1, 0,
		      MODEL_CHECK(chp_semaphore_try_acquire(&s, 1) == 0));
	MODEL_AT_MOST(1, 1, 0, MODEL_CHECK(chp_semaphore_release(&s, 2) == 0));
	MODEL_AT_MOST(1, 1, 0, MODEL_CHECK(chp_semaphore_drain(&s) == 3));
	MODEL_AT_MOST(1, 1, 0, MODEL_CHECK(chp_semaphore_reduce(&s, 1) == 0));
	MODEL_AT_MOST(1, 1, 0, MODEL_CHECK(chp_semaphore_drain(&s) == -1));
}

static void notify_nobody(void)
{
	MODEL_AT_MOST(1, 1, 0, chp_notify_waiters(&n));
	MODEL_AT_MOST(1, 1, 0, chp_notify_one(&n));
}

static void signal_nobody(void)
{
	MODEL_AT_MOST(1, 0, 0, chp_cond_signal(&c));
	MODEL_AT_MOST(1, 0, 0, chp_cond_broadcast(&c));
}

static void wait_for_zero(void)
{
	chp_wait_group_op op;

	MODEL_AT_MOST(2, 0, 0, MODEL_CHECK(chp_wait_group_wait(&wg) == 0));
	chp_wait_group_wait_op(&op, &wg);
	MODEL_AT_MOST(1, 0, 0, MODEL_CHECK(poll(&op.op) == 0));
}

SCENARIO(cost_semaphore, .threads = { take_and_give });
SCENARIO(cost_notify, .threads = { notify_nobody });
SCENARIO(cost_cond, .threads = { signal_nobody });
SCENARIO(cost_wait_group, .threads = { wait_for_zero });

/* ---- Served: its place is not looked for ---- */

static void cancel_served(void)
{
	chp_notified_op op;

	chp_notify_notified_op(&op, &n);
	MODEL_CHECK(poll(&op.op) == CHP_PENDING);
	chp_notify_waiters(&n);
	MODEL_CHECK(counted_end(&waker) == 1);
	MODEL_AT_MOST(2, 1, 0, chp_op_cancel(&op.op));
}

static void settle_done(void)
{
	static chp_node node;

	store_release(&node.state, NODE_DONE);
	MODEL_AT_MOST(1, 1, 0, node_settle(&node));
}

SCENARIO(cost_notify_leave, .threads = { cancel_served });
SCENARIO(cost_node_settle, .threads = { settle_done });

/* ---- Tokens: the place of a cancelled one is nobody's ---- */

static chp_cancel token;

static void wait_cancelled(void)
{
	chp_wait w = { .cancel = &token };
	chp_cancel_op op;

	chp_cancel_init(&token, NULL, 0);
	chp_cancel_now(&token);
	chp_cancel_wait_op(&op, &token);
	MODEL_AT_MOST(5, 5, 0, MODEL_CHECK(poll(&op.op) == 0));
	MODEL_CHECK(counted_end(&waker) == 0);
	MODEL_AT_MOST(
		4, 0, 0,
		MODEL_CHECK(chp_notify_wait_with(&n, &w) == CHP_ECANCELED));
	chp_cancel_destroy(&token);
}

static void enter_cancelled(void)
{
	chp_node place;

	chp_cancel_init(&token, NULL, 0);
	chp_cancel_now(&token);
	MODEL_AT_MOST(2, 5, 0,
		      chp__cancel_enter(&token, &place, counted_waker(&waker)));
	MODEL_AT_MOST(1, 0, 0, chp__cancel_leave(&token, &place));
	MODEL_CHECK(counted_end(&waker) == 0);
	chp_cancel_destroy(&token);
}

SCENARIO(cost_token_cancelled, .threads = { wait_cancelled });
SCENARIO(cost_token_enter, .threads = { enter_cancelled });

/* ---- Waits that need not wait ---- */

static void wait_with_token(void)
{
	chp_wait w = { .cancel = &token };

	chp_cancel_init(&token, NULL, 0);
	chp_semaphore_init(&s, 2, CHP_FIFO);
	/* Without a yield. */
	MODEL_AT_MOST(5, 1, 0,
		      MODEL_CHECK(chp_semaphore_acquire_with(&s, 1, &w) == 0));
	w.cancel = NULL;
	MODEL_AT_MOST(2, 1, 0,
		      MODEL_CHECK(chp_semaphore_acquire_with(&s, 1, &w) == 0));
	chp_cancel_destroy(&token);
}

static void ask_attention(void)
{
	chp_agent_current();
	MODEL_AT_MOST(1, 0, 0, MODEL_CHECK(!chp_interrupted()));
	MODEL_AT_MOST(1, 0, 0, MODEL_CHECK(chp_check() == 0));
}

SCENARIO(cost_block, .threads = { wait_with_token });
SCENARIO(cost_interrupt, .threads = { ask_attention });

/* ---- Events and threads: no call of the system for nothing ---- */

static struct os_event event;

static void set_and_wait(void)
{
	MODEL_AT_MOST(0, 1, 0, chp__event_set(&event));
	MODEL_AT_MOST(0, 2, 0, MODEL_CHECK(chp__event_wait(&event, 0)));
}

/* Unparked before: it sleeps not, nor looks again before it sleeps. */
static void park_unparked(void)
{
	chp_waker w = chp_waker_current();

	MODEL_AT_MOST(0, 1, 0, waker_wake(w));
	MODEL_AT_MOST(1, 2, 0, chp_park(0));
}

/* Else it does look again. */
static void park_in_vain(void)
{
	unsigned before;

	waker_release(chp_waker_current());
	before = model_cost().calls;
	chp_park(model_time(1));
	MODEL_CHECK(model_cost().calls - before == 3);
}

SCENARIO(cost_event, .threads = { set_and_wait });
SCENARIO(cost_agent_unparked, .threads = { park_unparked });
SCENARIO(cost_agent_park, .threads = { park_in_vain }, .timed = 1);

/* ---- Once for all ---- */

static void draw(void)
{
	chp__random();
	agent_self()->random = 0;
	MODEL_AT_MOST(2, 0, 0, chp__random());
}

SCENARIO(cost_agent_random, .threads = { draw });

/* ---- Timers ---- */

static void poll_sleep(void)
{
	chp_sleep_op op;

	chp_sleep_until_op(&op, model_time(2));
	MODEL_CHECK(poll(&op.op) == CHP_PENDING);
	MODEL_AT_MOST(1, 0, 1, MODEL_CHECK(poll(&op.op) == CHP_PENDING));
	MODEL_AT_MOST(1, 0, 0,
		      MODEL_CHECK(chp__wheel_expire(the_wheel(),
						    model_time(1)) == 0));
	chp_op_cancel(&op.op);
	MODEL_CHECK(counted_end(&waker) == 0);
}

SCENARIO(cost_sleep_wheel, .threads = { poll_sleep });
