/*
 * scenario_cost_chan.c - what the short ways of channels cost: one thread, and
 * how many steps and calls it makes at most.
 */
#include <chappe/broadcast.h>
#include <chappe/mpmc.h>
#include <chappe/mpsc.h>
#include <chappe/watch.h>

#include "chan/broadcast.h"
#include "chan/mpmc.h"
#include "counted.h"

static struct counted waker;
static unsigned one = 1, x;
static uint64_t lagged;

static int poll(chp_op *op)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(counted_waker(&waker));

	return chp_op_poll(op, &ctx);
}

static void no_drop(void *value)
{
	(void)value;
}

static const chp_broadcast_values values = { .drop = no_drop };

/* ---- Broadcast ---- */

static chp_broadcast_tx b_tx;
static chp_broadcast_rx b_rx, b_rx_2;

static void make_bytes(void)
{
	MODEL_CHECK(chp_broadcast(2, 4, NULL, &b_tx, &b_rx) == 0);
}

static void make_boxed(void)
{
	MODEL_CHECK(chp_broadcast(2, 4, &values, &b_tx, &b_rx) == 0);
}

static void drop_broadcast(void)
{
	chp_broadcast_rx_drop(&b_rx);
	chp_broadcast_rx_drop(&b_rx_2);
	chp_broadcast_tx_drop(&b_tx);
	MODEL_CHECK(counted_end(&waker) == 0);
}

static void receive_none(void)
{
	/* The slot that the next send needs is left alone. */
	MODEL_AT_MOST(3, 0, 0,
		      MODEL_CHECK(chp_broadcast_try_recv(&b_rx, &x, &lagged) ==
				  CHP_EAGAIN));
}

SCENARIO(cost_broadcast_empty, .setup = make_bytes, .threads = { receive_none },
	 .check = drop_broadcast);
SCENARIO(cost_broadcast_empty_boxed, .setup = make_boxed,
	 .threads = { receive_none }, .check = drop_broadcast);

/* Who waits for the end of all hears nothing of one. */
static void drop_one_of_two(void)
{
	chp_broadcast_op op;

	MODEL_CHECK(chp_broadcast_subscribe(&b_tx, &b_rx_2) == 0);
	chp_broadcast_closed_op(&op, &b_tx);
	MODEL_CHECK(poll(&op.op) == CHP_PENDING);
	chp_broadcast_rx_drop(&b_rx);
	MODEL_CHECK(load_relaxed(&waker.wakes) == 0);
	chp_op_cancel(&op.op);
}

SCENARIO(cost_broadcast_not_the_last, .setup = make_bytes,
	 .threads = { drop_one_of_two }, .check = drop_broadcast);

static void subscribe_too_many(void)
{
	uint32_t n = load_relaxed(&b_tx.ch->receivers);

	store_relaxed(&b_tx.ch->receivers, 1 << 30);
	MODEL_CHECK(chp_broadcast_subscribe(&b_tx, &b_rx_2) == CHP_EOVERFLOW);
	MODEL_CHECK(load_relaxed(&b_tx.ch->receivers) == 1 << 30);
	store_relaxed(&b_tx.ch->receivers, n);
}

SCENARIO(broadcast_too_many, .setup = make_bytes,
	 .threads = { subscribe_too_many }, .check = drop_broadcast);

static void send_to_none(void)
{
	chp_broadcast_rx_drop(&b_rx);
	/* No memory for a value that nobody gets. */
	MODEL_AT_MOST(
		1, 0, 0,
		MODEL_CHECK(chp_broadcast_send(&b_tx, &one) == CHP_ECLOSED));
}

SCENARIO(cost_broadcast_to_none, .setup = make_boxed,
	 .threads = { send_to_none }, .check = drop_broadcast);

/* It was told: its place need not be looked for. */
static void leave_served(void)
{
	chp_broadcast_op op;

	chp_broadcast_recv_op(&op, &b_rx, &x, &lagged);
	MODEL_CHECK(poll(&op.op) == CHP_PENDING);
	MODEL_CHECK(chp_broadcast_send(&b_tx, &one) == 1);
	MODEL_CHECK(load_relaxed(&waker.wakes) == 1);
	store_relaxed(&waker.wakes, 0);
	MODEL_AT_MOST(3, 1, 0, chp_op_cancel(&op.op));
}

SCENARIO(cost_broadcast_leave, .setup = make_bytes, .threads = { leave_served },
	 .check = drop_broadcast);

/* ---- MPMC ---- */

static chp_mpmc_tx q_tx;
static chp_mpmc_rx q_rx;
static char large[512]; /* a block holds a few of them */

static void make_mpmc(void)
{
	MODEL_CHECK(chp_mpmc_bounded(1, 4, NULL, &q_tx, &q_rx) == 0);
}

static void make_mpmc_unbounded(void)
{
	MODEL_CHECK(chp_mpmc_unbounded(sizeof(large), NULL, &q_tx, &q_rx) == 0);
}

static void drop_mpmc(void)
{
	chp_mpmc_tx_drop(&q_tx);
	chp_mpmc_rx_drop(&q_rx);
	MODEL_CHECK(counted_end(&waker) == 0);
}

static void send_closed(void)
{
	for (size_t i = 0; i < q_tx.ch->store.per_block; i++)
		MODEL_CHECK(chp_mpmc_try_send(&q_tx, large) == 0);
	chp_mpmc_tx_close(&q_tx);
	/* No block for what will not be pushed. */
	MODEL_AT_MOST(
		7, 2, 0,
		MODEL_CHECK(chp_mpmc_try_send(&q_tx, large) == CHP_ECLOSED));
}

SCENARIO(cost_mpmc_closed, .setup = make_mpmc_unbounded,
	 .threads = { send_closed }, .check = drop_mpmc);

static void poll_again(void)
{
	chp_mpmc_op op;

	chp_mpmc_recv_op(&op, &q_rx, &x);
	MODEL_CHECK(poll(&op.op) == CHP_PENDING);
	MODEL_AT_MOST(1, 0, 0, MODEL_CHECK(poll(&op.op) == CHP_PENDING));
	chp_op_cancel(&op.op);
}

SCENARIO(cost_mpmc_poll_again, .setup = make_mpmc, .threads = { poll_again },
	 .check = drop_mpmc);

/* ---- MPSC ---- */

static chp_mpsc_tx tx;
static chp_mpsc_rx rx;

static void make_mpsc(void)
{
	MODEL_CHECK(chp_mpsc_bounded(2, 4, NULL, &tx, &rx) == 0);
}

static void make_mpsc_unbounded(void)
{
	MODEL_CHECK(chp_mpsc_unbounded(4, NULL, &tx, &rx) == 0);
}

static void drop_mpsc(void)
{
	chp_mpsc_tx_drop(&tx);
	chp_mpsc_rx_drop(&rx);
	MODEL_CHECK(counted_end(&waker) == 0);
}

static void closed_again(void)
{
	chp_closed_op op;

	chp_mpsc_closed_op(&op, &tx);
	MODEL_CHECK(poll(&op.op) == CHP_PENDING);
	chp_mpsc_close(&rx);
	MODEL_CHECK(load_relaxed(&waker.wakes) == 1);
	store_relaxed(&waker.wakes, 0);
	MODEL_AT_MOST(1, 0, 0, MODEL_CHECK(poll(&op.op) == 0));
}

SCENARIO(cost_mpsc_closed, .setup = make_mpsc, .threads = { closed_again },
	 .check = drop_mpsc);

/* One by one, and what is not there. */
static void send_and_receive(void)
{
	MODEL_AT_MOST(3, 3, 0, MODEL_CHECK(chp_mpsc_send(&tx, &one) == 0));
	MODEL_AT_MOST(3, 3, 0, MODEL_CHECK(chp_mpsc_send(&tx, &one) == 0));
	MODEL_AT_MOST(3, 2, 0, MODEL_CHECK(chp_mpsc_try_recv(&rx, &x) == 0));
	/* That it is there is known. */
	MODEL_AT_MOST(2, 2, 0, MODEL_CHECK(chp_mpsc_try_recv(&rx, &x) == 0));
	MODEL_AT_MOST(4, 0, 0,
		      MODEL_CHECK(chp_mpsc_try_recv(&rx, &x) == CHP_EAGAIN));
}

SCENARIO(cost_mpsc_bounded, .setup = make_mpsc, .threads = { send_and_receive },
	 .check = drop_mpsc);

static void send_and_receive_freely(void)
{
	MODEL_CHECK(chp_mpsc_send(&tx, &one) == 0);
	MODEL_AT_MOST(3, 3, 0, MODEL_CHECK(chp_mpsc_send(&tx, &one) == 0));
	MODEL_AT_MOST(4, 1, 0, MODEL_CHECK(chp_mpsc_try_recv(&rx, &x) == 0));
	MODEL_AT_MOST(2, 1, 0, MODEL_CHECK(chp_mpsc_try_recv(&rx, &x) == 0));
}

SCENARIO(cost_mpsc_unbounded, .setup = make_mpsc_unbounded,
	 .threads = { send_and_receive_freely }, .check = drop_mpsc);

/* ---- Watch ---- */

static chp_watch_tx w_tx;
static chp_watch_rx w_rx;

static void make_watch(void)
{
	MODEL_CHECK(chp_watch(4, NULL, &one, &w_tx, &w_rx) == 0);
}

static void drop_watch(void)
{
	chp_watch_tx_drop(&w_tx);
	chp_watch_rx_drop(&w_rx);
	MODEL_CHECK(counted_end(&waker) == 0);
}

/* All that was borrowed is back: nothing to count. */
static void send_over(void)
{
	chp_watch_ref ref;

	MODEL_CHECK(chp_watch_borrow(&w_rx, &ref) == 0);
	chp_watch_ref_release(&ref);
	MODEL_AT_MOST(5, 8, 1, MODEL_CHECK(chp_watch_send(&w_tx, &one) == 0));
}

SCENARIO(cost_watch_send, .setup = make_watch, .threads = { send_over },
	 .check = drop_watch);

static void cancel_told(void)
{
	chp_watch_op op;

	chp_watch_changed_op(&op, &w_rx);
	MODEL_CHECK(poll(&op.op) == CHP_PENDING);
	MODEL_CHECK(chp_watch_send(&w_tx, &one) == 0);
	MODEL_CHECK(load_relaxed(&waker.wakes) == 1);
	store_relaxed(&waker.wakes, 0);
	MODEL_AT_MOST(3, 1, 0, chp_op_cancel(&op.op));
}

SCENARIO(cost_watch_leave, .setup = make_watch, .threads = { cancel_told },
	 .check = drop_watch);
