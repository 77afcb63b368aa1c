/*
 * scenario_races.c - what ends a wait from outside races the grant: an
 * interrupt, a token, another arm of a select, for each kind of grant.
 */
#include <chappe/agent.h>
#include <chappe/cancel.h>
#include <chappe/mpsc.h>
#include <chappe/mutex.h>
#include <chappe/notify.h>
#include <chappe/oneshot.h>
#include <chappe/select.h>
#include <chappe/semaphore.h>

#include "base/atomic.h"
#include "box.h"

static chp_ptr waiter; /* chp_agent of a waiting thread */
static chp_agent waiter_agent;
static chp_cancel token;

static void announce(void)
{
	waiter_agent = chp_agent_current();
	storep_release(&waiter, &waiter_agent);
}

static void interrupt(void)
{
	chp_agent *a = loadp_acquire(&waiter);

	if (a)
		chp_interrupt(*a);
}

static void cancel(void)
{
	chp_cancel_now(&token);
}

/* ---- An UNFAIR semaphore ---- */

static chp_semaphore s;

static void unfair_0(void)
{
	chp_semaphore_init(&s, 0, CHP_UNFAIR);
}

static void give(void)
{
	chp_semaphore_release(&s, 1);
}

static void take_or_interrupted(void)
{
	int r;

	announce();
	r = chp_semaphore_acquire(&s, 1);
	MODEL_CHECK(r == 0 || r == CHP_EINTR);
	model_reached(r == 0);
	if (r == 0)
		give();
}

static void one_left(void)
{
	MODEL_CHECK(chp_semaphore_available(&s) == 1);
	chp_semaphore_destroy(&s);
}

SCENARIO(interrupt_unfair_grant, .setup = unfair_0,
	 .threads = { take_or_interrupted, interrupt, give }, .check = one_left,
	 .bound = 2, .must_reach = 3);

/* ---- A mutex that is handed over ---- */

static chp_mutex m;
static unsigned guarded;

static void fifo(void)
{
	chp_mutex_init(&m, CHP_MUTEX_FIFO);
}

static void lock_or_interrupted(void)
{
	int r;

	announce();
	r = chp_mutex_lock_with(&m, NULL);
	MODEL_CHECK(r == 0 || r == CHP_EINTR);
	model_reached(r == 0);
	if (r)
		return;
	guarded++;
	chp_mutex_unlock(&m);
}

static void lock_unlock(void)
{
	chp_mutex_lock(&m);
	guarded++;
	chp_mutex_unlock(&m);
}

static void mutex_free(void)
{
	MODEL_CHECK(!chp_mutex_is_locked(&m));
	chp_mutex_destroy(&m);
}

SCENARIO(interrupt_mutex_fifo, .setup = fifo,
	 .threads = { lock_or_interrupted, interrupt, lock_unlock },
	 .check = mutex_free, .bound = 2, .must_reach = 3);
SCENARIO(interrupt_mutex,
	 .threads = { lock_or_interrupted, interrupt, lock_unlock },
	 .check = mutex_free, .bound = 2, .must_reach = 3);

/* ---- A value on its way: it is received, or it stays ---- */

static chp_oneshot_tx o_tx;
static chp_oneshot_rx o_rx;
static chp_mpsc_tx q_tx;
static chp_mpsc_rx q_rx;

static void make_oneshot(void)
{
	chp_oneshot(sizeof(boxed), drop_box, &o_tx, &o_rx);
}

static void o_send(void)
{
	boxed b = box(7);

	if (chp_oneshot_send(&o_tx, &b) != 0)
		unbox(b, 7);
}

static void o_recv_or_interrupted(void)
{
	boxed b;
	int r;

	announce();
	r = chp_oneshot_recv(&o_rx, &b);
	MODEL_CHECK(r == 0 || r == CHP_EINTR);
	model_reached(r == 0);
	if (r == 0)
		unbox(b, 7);
	else
		chp_oneshot_rx_drop(&o_rx);
}

SCENARIO(interrupt_oneshot, .setup = make_oneshot,
	 .threads = { o_recv_or_interrupted, interrupt, o_send }, .bound = 2,
	 .must_reach = 3);

static void make_mpsc(void)
{
	chp_mpsc_bounded(1, sizeof(boxed), drop_box, &q_tx, &q_rx);
}

static void q_send(void)
{
	boxed b = box(1);

	MODEL_CHECK(chp_mpsc_send(&q_tx, &b) == 0);
}

static void q_recv_or_cancelled(void)
{
	chp_wait w = { .cancel = &token };
	boxed b;
	int r = chp_mpsc_recv_with(&q_rx, &b, &w);

	MODEL_CHECK(r == 0 || r == CHP_ECANCELED);
	model_reached(r == 0);
	if (r)
		MODEL_CHECK(chp_mpsc_recv(&q_rx, &b) == 0);
	unbox(b, 1);
}

static void drop_mpsc(void)
{
	chp_mpsc_tx_drop(&q_tx);
	chp_mpsc_rx_drop(&q_rx);
}

SCENARIO(token_mpsc, .setup = make_mpsc,
	 .threads = { q_recv_or_cancelled, cancel, q_send }, .check = drop_mpsc,
	 .bound = 2, .must_reach = 3);

/* ---- Two arms that are ready at once: the loser has lost nothing ---- */

static chp_notify n;

static void make_arms(void)
{
	make_oneshot();
	chp_semaphore_init(&s, 0, CHP_FIFO);
}

static void select_arms(void)
{
	chp_acquire_op a;
	chp_oneshot_op o;
	chp_notified_op c;
	chp_select_arm arms[3] = { { &a.op, 0 }, { &o.op, 0 }, { &c.op, 0 } };
	boxed b;
	int r;

	chp_semaphore_acquire_op(&a, &s, 1);
	chp_oneshot_recv_op(&o, &o_rx, &b);
	chp_notify_notified_op(&c, &n);
	r = chp_select(arms, 3, CHP_BIASED | CHP_CANCEL_LOSERS);
	MODEL_CHECK(r >= 0 && arms[r].result == 0);
	model_reached((unsigned)r);
	/* Each of the others is there still. */
	if (r == 0)
		give();
	if (r == 2)
		chp_notify_one(&n);
	if (r == 1)
		unbox(b, 7);
	else if (chp_oneshot_recv(&o_rx, &b) == 0)
		unbox(b, 7);
	MODEL_CHECK(chp_semaphore_acquire(&s, 1) == 0);
	MODEL_CHECK(chp_notify_wait(&n) == 0);
}

static void give_and_send(void)
{
	give();
	o_send();
}

static void notify(void)
{
	chp_notify_one(&n);
}

SCENARIO(select_three, .setup = make_arms,
	 .threads = { select_arms, give_and_send, notify }, .bound = 2,
	 .must_reach = 7);
