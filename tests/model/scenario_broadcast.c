/*
 * scenario_broadcast.c - broadcast: trying, joining in the middle, upgrading,
 * what a cancelled receive leaves.
 */
#include <chappe/broadcast.h>

#include "scenario.h"

static unsigned one = 1;
static chp_broadcast_tx b_tx, b_tx_2;
static chp_broadcast_rx b_rx, b_rx_2;
static chp_broadcast_weak b_weak;

static void make_broadcast(void)
{
	MODEL_CHECK(chp_broadcast(1, 4, NULL, &b_tx, &b_rx) == 0);
}

static void drop_broadcast(void)
{
	chp_broadcast_rx_drop(&b_rx);
	chp_broadcast_rx_drop(&b_rx_2);
	chp_broadcast_tx_drop(&b_tx);
	chp_broadcast_tx_drop(&b_tx_2);
	chp_broadcast_weak_drop(&b_weak);
}

static void b_send_1(void)
{
	MODEL_CHECK(chp_broadcast_send(&b_tx, &one) >= 0);
}

static void b_send_2(void)
{
	b_send_1();
	b_send_1();
}

/* What is not there yet is said to be so, and never asked for for ever. */
static void b_try(void)
{
	uint64_t missed = 0;
	unsigned x = 0;
	int r = chp_broadcast_try_recv(&b_rx, &x, &missed);

	MODEL_CHECK(r == CHP_EAGAIN || (r == 0 && x == 1) ||
		    (r == CHP_ELAGGED && missed == 1));
	model_reached(r == 0 ? 0 : r == CHP_EAGAIN ? 1 : 2);
}

SCENARIO(broadcast_try, .setup = make_broadcast, .threads = { b_send_1, b_try },
	 .check = drop_broadcast, .must_reach = 3);
SCENARIO(broadcast_try_lag, .setup = make_broadcast,
	 .threads = { b_send_2, b_try }, .check = drop_broadcast,
	 .must_reach = 7);

static void b_recv_timed(void)
{
	chp_wait w = { .deadline = model_time(1) };
	unsigned x = 0;
	int r = chp_broadcast_recv_with(&b_rx, &x, NULL, &w);

	MODEL_CHECK((r == 0 && x == 1) || r == CHP_ETIMEDOUT);
	model_reached(r == 0);
}

SCENARIO(broadcast_timed, .setup = make_broadcast,
	 .threads = { b_send_1, b_recv_timed }, .check = drop_broadcast,
	 .timed = 1, .bound = 3, .must_reach = 3);

static void b_poll_and_cancel(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());
	chp_broadcast_op op;
	unsigned x = 0;

	chp_broadcast_recv_op(&op, &b_rx, &x, NULL);
	if (chp_op_poll(&op.op, &ctx) == CHP_PENDING)
		chp_op_cancel(&op.op);
	else
		MODEL_CHECK(x == 1);
	chp_broadcast_rx_drop(&b_rx);
}

static void b_send_maybe(void)
{
	int r = chp_broadcast_send(&b_tx, &one);

	MODEL_CHECK(r == 1 || r == CHP_ECLOSED);
	model_reached(r == 1);
}

SCENARIO(broadcast_cancel_drop, .setup = make_broadcast,
	 .threads = { b_poll_and_cancel, b_send_maybe },
	 .check = drop_broadcast, .bound = 3, .must_reach = 3);

/* Subscribed in the middle of it: the first value, or the second, in order. */
static void b_send_each(void)
{
	for (unsigned x = 1; x <= 2; x++)
		MODEL_CHECK(chp_broadcast_send(&b_tx, &x) >= 1);
	chp_broadcast_tx_drop(&b_tx);
}

static void b_join(void)
{
	uint64_t missed;
	unsigned x, next = 0;
	int r;

	MODEL_CHECK(chp_broadcast_resubscribe(&b_rx, &b_rx_2) == 0);
	while ((r = chp_broadcast_recv(&b_rx_2, &x, &missed)) != CHP_ECLOSED) {
		if (r != 0)
			continue;
		MODEL_CHECK(x == next || !next);
		next = x + 1;
	}
	model_reached(next);
}

SCENARIO(broadcast_subscribe, .setup = make_broadcast,
	 .threads = { b_send_each, b_join }, .check = drop_broadcast,
	 .bound = 2, .must_reach = 9);

static void make_broadcast_weak(void)
{
	make_broadcast();
	chp_broadcast_downgrade(&b_tx, &b_weak);
}

static void b_upgrade(void)
{
	int r = chp_broadcast_upgrade(&b_weak, &b_tx_2);

	MODEL_CHECK(r == 0 || r == CHP_ECLOSED);
	model_reached(r == 0);
	chp_broadcast_tx_drop(&b_tx_2);
}

static void b_drop(void)
{
	chp_broadcast_tx_drop(&b_tx);
}

static void b_closed(void)
{
	MODEL_CHECK(chp_broadcast_recv(&b_rx, NULL, NULL) == CHP_ECLOSED);
}

SCENARIO(broadcast_upgrade, .setup = make_broadcast_weak,
	 .threads = { b_upgrade, b_drop, b_closed }, .check = drop_broadcast,
	 .bound = 2, .must_reach = 3);
/* The same without the receiver, in few steps: up from none is refused. */
static void b_upgrade_and_look(void)
{
	int r = chp_broadcast_upgrade(&b_weak, &b_tx_2);

	if (r == 0)
		MODEL_CHECK(chp_broadcast_strong_count(&b_tx_2) >= 1);
	model_reached(r == 0);
	chp_broadcast_tx_drop(&b_tx_2);
}

SCENARIO(broadcast_upgrade_drop, .setup = make_broadcast_weak,
	 .threads = { b_upgrade_and_look, b_drop }, .check = drop_broadcast,
	 .must_reach = 3);

/* ---- Woken by a send, with a sender left ---- */

static void b_recv_one(void)
{
	unsigned x = 0;

	MODEL_CHECK(chp_broadcast_recv(&b_rx, &x, NULL) == 0 && x == 1);
}

SCENARIO(broadcast_send_recv, .setup = make_broadcast,
	 .threads = { b_send_1, b_recv_one }, .check = drop_broadcast,
	 .bound = 3);

/* The value is taken beside a pending receive, which then waits on. */
static void b_try_beside(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());
	chp_broadcast_op op;
	unsigned x = 0;
	int r;

	chp_broadcast_recv_op(&op, &b_rx, &x, NULL);
	r = chp_op_poll(&op.op, &ctx);
	if (r == CHP_PENDING) {
		model_reached(chp_broadcast_try_recv(&b_rx, &x, NULL) == 0);
		r = chp_op_poll(&op.op, &ctx);
	}
	if (r == CHP_PENDING)
		chp_op_cancel(&op.op);
	MODEL_CHECK(r == CHP_PENDING || x == 1);
}

SCENARIO(broadcast_try_beside, .setup = make_broadcast,
	 .threads = { b_send_1, b_try_beside }, .check = drop_broadcast,
	 .bound = 2, .must_reach = 3);

/* ---- The last receiver goes, another comes: who waits for none goes on ---- */

static void make_broadcast_tx_2(void)
{
	make_broadcast();
	chp_broadcast_tx_clone(&b_tx, &b_tx_2);
}

static void b_wait_for_none(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());
	chp_broadcast_op op;
	int r;

	chp_broadcast_closed_op(&op, &b_tx);
	r = chp_op_poll(&op.op, &ctx);
	for (int i = 0; i < 2 && r == CHP_PENDING; i++)
		r = chp_op_poll(&op.op, &ctx);
	if (r == CHP_PENDING)
		chp_op_cancel(&op.op);
	model_reached(r == 0);
}

static void b_leave_and_join(void)
{
	chp_broadcast_rx_drop(&b_rx);
	MODEL_CHECK(chp_broadcast_subscribe(&b_tx_2, &b_rx_2) == 0);
}

SCENARIO(broadcast_none_subscribe, .setup = make_broadcast_tx_2,
	 .threads = { b_wait_for_none, b_leave_and_join },
	 .check = drop_broadcast, .bound = 2, .must_reach = 3);

/* ---- What is owed ---- */

static void make_broadcast_sent(void)
{
	make_broadcast();
	b_send_1();
	MODEL_CHECK(chp_broadcast_tx_len(&b_tx) == 1);
}

static void b_look_len(void)
{
	size_t len = chp_broadcast_tx_len(&b_tx);

	MODEL_CHECK(len <= 1);
	model_reached((unsigned)len);
}

static void nothing_owed(void)
{
	MODEL_CHECK(chp_broadcast_tx_len(&b_tx) == 0);
	MODEL_CHECK(chp_broadcast_tx_is_empty(&b_tx) == 1);
	drop_broadcast();
}

SCENARIO(broadcast_owed, .setup = make_broadcast_sent,
	 .threads = { b_recv_one, b_look_len }, .check = nothing_owed,
	 .must_reach = 3);

/* ---- One thread: several values at once ---- */

static void make_broadcast_of_2(void)
{
	MODEL_CHECK(chp_broadcast(2, 4, NULL, &b_tx, &b_rx) == 0);
}

static void b_recv_many(void)
{
	unsigned x[3] = { 0, 0, 0 };

	b_send_2();
	MODEL_CHECK(chp_broadcast_recv_many(&b_rx, x, 3, NULL) == 2);
	MODEL_CHECK(x[0] == 1 && x[1] == 1 && x[2] == 0);
}

SCENARIO(broadcast_many, .setup = make_broadcast_of_2,
	 .threads = { b_recv_many }, .check = drop_broadcast);
