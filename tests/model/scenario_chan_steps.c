/*
 * scenario_chan_steps.c - channels step by step: closing, misuse, what a
 * callback says, wakers that are replaced just then.
 */
#include <chappe/broadcast.h>
#include <chappe/mpmc.h>
#include <chappe/oneshot.h>
#include <chappe/watch.h>

#include <string.h>

#include "box.h"
#include "counted.h"
#include "hand.h"

static struct counted waker;
static unsigned zero, one = 1, two = 2;
static const chp_wait past = { .deadline = 1 };

static int poll_by(chp_op *op, uint32_t *budget)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(counted_waker(&waker));

	ctx.budget = budget;
	return chp_op_poll(op, &ctx);
}

static int poll(chp_op *op)
{
	return poll_by(op, NULL);
}

static unsigned woken(void)
{
	return load_relaxed(&waker.wakes);
}

/* ---- Oneshot: closed, which is not dropped ---- */

static chp_oneshot_tx o_tx;
static chp_oneshot_rx o_rx;

static void make_oneshot(void)
{
	MODEL_CHECK(chp_oneshot(4, NULL, &o_tx, &o_rx) == 0);
}

static void o_wait_closed(void)
{
	MODEL_CHECK(chp_oneshot_closed(&o_tx) == 0);
	MODEL_CHECK(chp_oneshot_send(&o_tx, &one) == CHP_ECLOSED);
}

static void o_close(void)
{
	chp_oneshot_close(&o_rx);
}

static void drop_oneshot(void)
{
	chp_oneshot_tx_drop(&o_tx);
	chp_oneshot_rx_drop(&o_rx);
}

SCENARIO(oneshot_close_told, .setup = make_oneshot,
	 .threads = { o_wait_closed, o_close }, .check = drop_oneshot);

/* ---- Watch ---- */

static chp_watch_tx w_tx;
static chp_watch_rx w_rx, w_rx_2;

static void make_watch(void)
{
	MODEL_CHECK(chp_watch(4, NULL, &zero, &w_tx, &w_rx) == 0);
}

static void drop_watch(void)
{
	chp_watch_tx_drop(&w_tx);
	chp_watch_rx_drop(&w_rx);
	counted_end(&waker);
}

static void w_drop_and_poll(void)
{
	static chp_watch_op op;

	chp_watch_rx_clone(&w_rx, &w_rx_2);
	chp_watch_changed_op(&op, &w_rx);
	MODEL_CHECK(poll(&op.op) == CHP_PENDING);
	chp_watch_rx_drop(&w_rx);
	poll(&op.op);
}

static void w_empty(void)
{
	chp_watch_tx no_tx = { 0 };
	chp_watch_rx no_rx = { 0 };
	chp_watch_op op;

	chp_watch_changed_op(&op, &no_rx);
	MODEL_CHECK(poll(&op.op) == CHP_EINVAL);
	chp_watch_closed_op(&op, &no_tx);
	MODEL_CHECK(poll(&op.op) == CHP_EINVAL);
}

static void w_replace_tells(void)
{
	chp_watch_ref old;
	chp_watch_op op;

	chp_watch_changed_op(&op, &w_rx);
	MODEL_CHECK(poll(&op.op) == CHP_PENDING);
	MODEL_CHECK(chp_watch_send_replace(&w_tx, &one, &old) == 0);
	MODEL_CHECK(woken() == 1);
	MODEL_CHECK(poll(&op.op) == 0);
	MODEL_CHECK(*(const unsigned *)old.value == 0);
	chp_watch_ref_release(&old);
}

/* Not yet; but there is another value by then. */
static int send_meanwhile(const void *value, void *arg)
{
	(void)arg;
	if (*(const unsigned *)value == 2)
		return 1;
	MODEL_CHECK(
		chp_watch_send(&w_tx, *(const unsigned *)value ? &two : &one) ==
		0);
	return 0;
}

static void w_out_of_budget(void)
{
	uint32_t budget = 2;
	chp_watch_op op;

	chp_watch_wait_for_op(&op, &w_rx, send_meanwhile, NULL, NULL);
	MODEL_CHECK(poll_by(&op.op, &budget) == CHP_PENDING);
	MODEL_CHECK(budget == 1 && woken() == 1);
	MODEL_CHECK(poll_by(&op.op, &budget) == 0);
}

SCENARIO(watch_drop_and_poll, .setup = make_watch,
	 .threads = { w_drop_and_poll }, .must_fail = "a handle was dropped");
SCENARIO(watch_empty, .threads = { w_empty });
SCENARIO(watch_replace_tells, .setup = make_watch,
	 .threads = { w_replace_tells }, .check = drop_watch);
SCENARIO(watch_out_of_budget, .setup = make_watch,
	 .threads = { w_out_of_budget }, .check = drop_watch);

/* ---- Broadcast ---- */

static chp_broadcast_tx b_tx, b_tx_2;
static chp_broadcast_rx b_rx, b_rx_2;

static void drop_broadcast(void)
{
	chp_broadcast_tx_drop(&b_tx);
	chp_broadcast_tx_drop(&b_tx_2);
	chp_broadcast_rx_drop(&b_rx);
	chp_broadcast_rx_drop(&b_rx_2);
	hand_end();
}

static int refuse_two(void *to, const void *from)
{
	memcpy(to, from, 4);
	return *(const unsigned *)from == 2 ? CHP_ENOMEM : 0;
}

static void make_refusing(void)
{
	static const chp_broadcast_values values = { .clone = refuse_two };

	MODEL_CHECK(chp_broadcast(2, 4, &values, &b_tx, &b_rx) == 0);
}

/* One that cannot be copied is past, at once or after those before it. */
static void b_clone_fails(void)
{
	unsigned got[2] = { 0, 0 };

	chp_broadcast_send(&b_tx, &two);
	MODEL_CHECK(chp_broadcast_try_recv(&b_rx, got, NULL) == CHP_ENOMEM);
	MODEL_CHECK(chp_broadcast_try_recv(&b_rx, got, NULL) == CHP_EAGAIN);
	chp_broadcast_send(&b_tx, &one);
	chp_broadcast_send(&b_tx, &two);
	MODEL_CHECK(chp_broadcast_recv_many(&b_rx, got, 2, NULL) == 1);
	MODEL_CHECK(got[0] == 1);
	MODEL_CHECK(chp_broadcast_try_recv(&b_rx, got, NULL) == CHP_ENOMEM);
	MODEL_CHECK(chp_broadcast_try_recv(&b_rx, got, NULL) == CHP_EAGAIN);
}

SCENARIO(broadcast_clone_fails, .setup = make_refusing,
	 .threads = { b_clone_fails }, .check = drop_broadcast);

/* The value is the receiver's, or stays the sender's. */
static const chp_broadcast_values boxes = { .drop = drop_box };

static void make_boxes(void)
{
	MODEL_CHECK(chp_broadcast(1, sizeof(boxed), &boxes, &b_tx, &b_rx) == 0);
}

static void b_send_box(void)
{
	boxed b = box(1);
	int r = chp_broadcast_send(&b_tx, &b);

	MODEL_CHECK(r == 1 || r == CHP_ECLOSED);
	model_reached(r == 1);
	if (r != 1)
		unbox(b, 1);
}

static void b_drop_rx(void)
{
	chp_broadcast_rx_drop(&b_rx);
}

/* Nothing has stayed of what was refused: the next value is the first. */
static void b_send_again(void)
{
	boxed b = box(2);

	MODEL_CHECK(chp_broadcast_subscribe(&b_tx, &b_rx_2) == 0);
	MODEL_CHECK(chp_broadcast_send(&b_tx, &b) == 1);
	drop_broadcast();
}

SCENARIO(broadcast_box_drop, .setup = make_boxes,
	 .threads = { b_send_box, b_drop_rx }, .check = b_send_again,
	 .must_reach = 3);

/*
 * Who waits for the end of the receivers is claimed, polled with another waker,
 * and has to wait on, since somebody has subscribed: the other waker is woken.
 */
static void make_broadcast(void)
{
	MODEL_CHECK(chp_broadcast(1, 4, NULL, &b_tx, &b_rx) == 0);
	chp_broadcast_tx_clone(&b_tx, &b_tx_2);
}

static void b_wait_for_none(void)
{
	chp_broadcast_op op;

	chp_broadcast_closed_op(&op, &b_tx);
	MODEL_CHECK(hand_run_other(&op.op) == 0);
}

static void b_drop_join_drop(void)
{
	chp_broadcast_rx_drop(&b_rx);
	MODEL_CHECK(chp_broadcast_subscribe(&b_tx_2, &b_rx_2) == 0);
	chp_broadcast_rx_drop(&b_rx_2);
}

SCENARIO(broadcast_none_other_waker, .setup = make_broadcast,
	 .threads = { b_wait_for_none, b_drop_join_drop },
	 .check = drop_broadcast, .bound = 2);

/* ---- Mpmc: a rendezvous ---- */

static chp_mpmc_tx q_tx;
static chp_mpmc_rx q_rx;

static void make_rendezvous(void)
{
	MODEL_CHECK(chp_mpmc_bounded(0, 4, NULL, &q_tx, &q_rx) == 0);
}

static void drop_mpmc(void)
{
	chp_mpmc_tx_drop(&q_tx);
	chp_mpmc_rx_drop(&q_rx);
}

static void q_send(void)
{
	MODEL_CHECK(chp_mpmc_send(&q_tx, &one) == 0);
}

/* The second in the queue does not take what is the first one's. */
static void q_recv_in_order(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());
	unsigned got[2] = { 0, 0 };
	chp_mpmc_op op[2];

	chp_mpmc_recv_op(&op[0], &q_rx, &got[0]);
	chp_mpmc_recv_op(&op[1], &q_rx, &got[1]);
	if (chp_op_poll(&op[0].op, &ctx) == 0)
		return;
	MODEL_CHECK(chp_op_poll(&op[1].op, &ctx) == CHP_PENDING);
	MODEL_CHECK(chp_op_poll(&op[1].op, &ctx) == CHP_PENDING);
	MODEL_CHECK(chp_op_wait(&op[0].op, NULL) == 0 && got[0] == 1);
	chp_op_cancel(&op[1].op);
}

/* A receiver that stands there is met at once, without a wait. */
static void q_send_at_once(void)
{
	int r = chp_mpmc_send_with(&q_tx, &one, &past);

	model_reached(r == 0);
	if (r != 0) {
		MODEL_CHECK(r == CHP_ETIMEDOUT);
		q_send();
	}
}

static void q_recv(void)
{
	unsigned got = 0;

	MODEL_CHECK(chp_mpmc_recv(&q_rx, &got) == 0 && got == 1);
}

SCENARIO(mpmc_rendezvous_recv_in_order, .setup = make_rendezvous,
	 .threads = { q_recv_in_order, q_send }, .check = drop_mpmc,
	 .bound = 1);
SCENARIO(mpmc_rendezvous_at_once, .setup = make_rendezvous,
	 .threads = { q_recv, q_send_at_once }, .check = drop_mpmc, .bound = 1,
	 .must_reach = 3);
