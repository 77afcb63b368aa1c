/*
 * scenario_mpmc.c - the channel of many receivers: rendezvous, promises that
 * are given back, time, closing, weak handles.
 */
#include <chappe/mpmc.h>
#include <chappe/select.h>

#include "box.h"

static chp_mpmc_tx tx, tx_2;
static chp_mpmc_rx rx, rx_2;
static chp_mpmc_weak weak;
static unsigned done_before;

static void make(size_t capacity)
{
	MODEL_CHECK(chp_mpmc_bounded(capacity, sizeof(boxed), drop_box, &tx,
				     &rx) == 0);
	chp_mpmc_tx_clone(&tx, &tx_2);
	chp_mpmc_rx_clone(&rx, &rx_2);
}

static void rendezvous(void)
{
	make(0);
}

static void bounded(void)
{
	make(1);
}

static void full(void)
{
	boxed b = box(1);

	make(1);
	MODEL_CHECK(chp_mpmc_try_send(&tx, &b) == 0);
}

static void bounded_weak(void)
{
	make(1);
	chp_mpmc_tx_drop(&tx_2);
	chp_mpmc_downgrade(&tx, &weak);
}

static void drop_all(void)
{
	chp_mpmc_tx_drop(&tx);
	chp_mpmc_tx_drop(&tx_2);
	chp_mpmc_rx_drop(&rx);
	chp_mpmc_rx_drop(&rx_2);
	chp_mpmc_weak_drop(&weak);
}

/* ---- Whatever a send or receive says is true ---- */

static void send_on(chp_mpmc_tx *from)
{
	boxed b = box(1);
	int r = chp_mpmc_send(from, &b);

	MODEL_CHECK(r == 0 || r == CHP_ECLOSED);
	model_reached(r == 0);
	if (r)
		unbox(b, 1);
}

static void send_1(void)
{
	send_on(&tx);
}

static void send_2(void)
{
	send_on(&tx_2);
}

static void recv_from(chp_mpmc_rx *at)
{
	boxed b;

	MODEL_CHECK(chp_mpmc_recv(at, &b) == 0);
	unbox(b, 1);
}

static void recv_1(void)
{
	recv_from(&rx);
}

static void recv_2(void)
{
	recv_from(&rx_2);
}

static void recv_both(void)
{
	recv_1();
	recv_1();
}

SCENARIO(mpmc_rendezvous, .setup = rendezvous, .threads = { send_1, recv_1 },
	 .check = drop_all, .bound = 4);
SCENARIO(mpmc_rendezvous_two, .setup = rendezvous,
	 .threads = { send_1, send_2, recv_both }, .check = drop_all,
	 .bound = 1);
SCENARIO(mpmc_two_senders, .setup = bounded,
	 .threads = { send_1, send_2, recv_both }, .check = drop_all,
	 .bound = 1);

/* ---- Polled by hand: a promise is given back ---- */

static void poll_and_cancel_recv(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());
	chp_mpmc_op op;
	boxed b;

	chp_mpmc_recv_op(&op, &rx_2, &b);
	if (chp_op_poll(&op.op, &ctx) == 0) {
		unbox(b, 1);
		send_2();
	} else {
		model_reached(2 + (unsigned)chp_op_cancel(&op.op));
	}
}

static void poll_and_cancel_send(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());
	chp_mpmc_op op;
	boxed b = box(1);
	int r;

	chp_mpmc_send_op(&op, &tx_2, &b);
	r = chp_op_poll(&op.op, &ctx);
	if (r == CHP_PENDING)
		model_reached(2 + (unsigned)chp_op_cancel(&op.op));
	if (r != 0)
		unbox(b, 1);
	else
		recv_2(); /* whoever is behind gets its turn */
}

SCENARIO(mpmc_recv_cancel, .setup = bounded,
	 .threads = { send_1, poll_and_cancel_recv, recv_1 }, .check = drop_all,
	 .bound = 1, .must_reach = 1 << 2 | 1 << 3);
SCENARIO(mpmc_send_cancel, .setup = full,
	 .threads = { poll_and_cancel_send, recv_1 }, .check = drop_all,
	 .bound = 3, .must_reach = 1 << 2 | 1 << 3);
SCENARIO(mpmc_send_cancel_passes_on, .setup = full,
	 .threads = { poll_and_cancel_send, send_1, recv_1 }, .check = drop_all,
	 .bound = 1, .must_reach = 1 << 2 | 1 << 3);
SCENARIO(mpmc_rendezvous_cancel, .setup = rendezvous,
	 .threads = { send_1, poll_and_cancel_recv, recv_1 }, .check = drop_all,
	 .bound = 1, .must_reach = 1 << 2);
SCENARIO(mpmc_rendezvous_send_cancel, .setup = rendezvous,
	 .threads = { poll_and_cancel_send, send_1, recv_1 }, .check = drop_all,
	 .bound = 1, .must_reach = 1 << 2);

/* Both ends polled: one of the two acts. */
static void select_recv(void)
{
	boxed a, b;
	chp_mpmc_op one, two;
	chp_select_arm arms[2] = { { &one.op, 0 }, { &two.op, 0 } };
	int r;

	chp_mpmc_recv_op(&one, &rx, &a);
	chp_mpmc_recv_op(&two, &rx, &b);
	r = chp_select(arms, 2, CHP_BIASED | CHP_CANCEL_LOSERS);
	MODEL_CHECK(r == 0 || r == 1);
	MODEL_CHECK(arms[r].result == 0);
	unbox(r ? b : a, 1);
}

static void op_send(void)
{
	boxed b = box(1);
	chp_mpmc_op op;

	chp_mpmc_send_op(&op, &tx, &b);
	MODEL_CHECK(chp_op_wait(&op.op, NULL) == 0);
}

SCENARIO(mpmc_select, .setup = bounded, .threads = { send_1, select_recv },
	 .check = drop_all, .bound = 2);
SCENARIO(mpmc_rendezvous_polled, .setup = rendezvous,
	 .threads = { op_send, select_recv }, .check = drop_all, .bound = 2);

/* ---- Time ---- */

static void send_timed(void)
{
	chp_wait w = { .deadline = model_time(1) };
	boxed b = box(1);
	int r = chp_mpmc_send_with(&tx, &b, &w);

	MODEL_CHECK(r == 0 || r == CHP_ETIMEDOUT);
	model_reached(r == 0);
	if (r)
		unbox(b, 1);
}

static void recv_timed(void)
{
	chp_wait w = { .deadline = model_time(1) };
	boxed b;
	int r = chp_mpmc_recv_with(&rx, &b, &w);

	MODEL_CHECK(r == 0 || r == CHP_ETIMEDOUT);
	model_reached(r == 0);
	if (r == 0)
		unbox(b, 1);
}

SCENARIO(mpmc_send_timed, .setup = full, .threads = { send_timed, recv_2 },
	 .check = drop_all, .timed = 1, .bound = 3, .must_reach = 3);
SCENARIO(mpmc_recv_timed, .setup = bounded, .threads = { recv_timed, send_1 },
	 .check = drop_all, .timed = 1, .bound = 3, .must_reach = 3);
SCENARIO(mpmc_rendezvous_timed, .setup = rendezvous,
	 .threads = { send_timed, recv_timed }, .check = drop_all, .timed = 1,
	 .bound = 2, .must_reach = 3);

/* ---- Closing, weak handles ---- */

static void close_rx(void)
{
	done_before = 1;
	chp_mpmc_close(&rx);
}

static void wait_closed(void)
{
	MODEL_CHECK(chp_mpmc_closed(&tx_2) == 0);
	MODEL_CHECK(done_before == 1);
}

static void recv_till_closed(void)
{
	boxed b;
	int r;

	while ((r = chp_mpmc_recv(&rx_2, &b)) == 0)
		unbox(b, 1);
	MODEL_CHECK(r == CHP_ECLOSED);
}

SCENARIO(mpmc_close_send, .setup = full, .threads = { send_1, close_rx },
	 .check = drop_all, .bound = 3);
SCENARIO(mpmc_close_recv, .setup = bounded,
	 .threads = { send_1, close_rx, recv_till_closed }, .check = drop_all,
	 .bound = 1, .must_reach = 3);
SCENARIO(mpmc_close_rendezvous, .setup = rendezvous,
	 .threads = { send_1, close_rx, recv_till_closed }, .check = drop_all,
	 .bound = 1, .must_reach = 3);
SCENARIO(mpmc_closed, .setup = bounded, .threads = { close_rx, wait_closed },
	 .check = drop_all, .bound = 3);

static void upgrade(void)
{
	chp_mpmc_tx up = { 0 };
	int r = chp_mpmc_upgrade(&weak, &up);

	MODEL_CHECK(r == 0 || r == CHP_ECLOSED);
	model_reached(r == 0);
	chp_mpmc_tx_drop(&up);
}

static void drop_tx(void)
{
	chp_mpmc_tx_drop(&tx);
}

SCENARIO(mpmc_upgrade, .setup = bounded_weak,
	 .threads = { upgrade, drop_tx, recv_till_closed }, .check = drop_all,
	 .bound = 2, .must_reach = 3);
/* In few steps: up from none is refused. */
static void upgrade_and_look(void)
{
	chp_mpmc_tx up = { 0 };
	int r = chp_mpmc_upgrade(&weak, &up);

	if (r == 0)
		MODEL_CHECK(chp_mpmc_strong_count(&up) >= 1);
	model_reached(r == 0);
	chp_mpmc_tx_drop(&up);
}

SCENARIO(mpmc_upgrade_drop, .setup = bounded_weak,
	 .threads = { upgrade_and_look, drop_tx }, .check = drop_all,
	 .must_reach = 3);

/* ---- One thread: what is said at once ---- */

static void closed_at_once(void)
{
	boxed b = box(1);

	chp_mpmc_close(&rx);
	MODEL_CHECK(chp_mpmc_try_send(&tx, &b) == CHP_ECLOSED);
	MODEL_CHECK(chp_mpmc_send(&tx, &b) == CHP_ECLOSED);
	unbox(b, 1);
	MODEL_CHECK(chp_mpmc_try_recv(&rx, &b) == CHP_ECLOSED);
	MODEL_CHECK(chp_mpmc_recv(&rx, &b) == CHP_ECLOSED);
	MODEL_CHECK(chp_mpmc_closed(&tx) == 0);
}

SCENARIO(mpmc_closed_at_once, .setup = bounded, .threads = { closed_at_once },
	 .check = drop_all);
SCENARIO(mpmc_rendezvous_closed_at_once, .setup = rendezvous,
	 .threads = { closed_at_once }, .check = drop_all);

/* Two polled senders, two polled receivers: the first of each meet. */
static void meet_in_order(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());
	chp_mpmc_op send[2], recv[2];
	boxed in[2] = { box(1), box(2) }, out[2];

	for (int i = 0; i < 2; i++) {
		chp_mpmc_send_op(&send[i], &tx, &in[i]);
		MODEL_CHECK(chp_op_poll(&send[i].op, &ctx) == CHP_PENDING);
	}
	for (int i = 0; i < 2; i++) {
		chp_mpmc_recv_op(&recv[i], &rx, &out[i]);
		MODEL_CHECK(chp_op_poll(&recv[i].op, &ctx) == CHP_PENDING);
	}
	MODEL_CHECK(chp_op_poll(&send[1].op, &ctx) == CHP_PENDING);
	MODEL_CHECK(chp_op_poll(&send[0].op, &ctx) == 0);
	MODEL_CHECK(chp_op_poll(&recv[1].op, &ctx) == CHP_PENDING);
	MODEL_CHECK(chp_op_poll(&recv[0].op, &ctx) == 0);
	unbox(out[0], 1);
	MODEL_CHECK(chp_op_poll(&send[1].op, &ctx) == 0);
	MODEL_CHECK(chp_op_poll(&recv[1].op, &ctx) == 0);
	unbox(out[1], 2);
}

SCENARIO(mpmc_rendezvous_in_order, .setup = rendezvous,
	 .threads = { meet_in_order }, .check = drop_all);
