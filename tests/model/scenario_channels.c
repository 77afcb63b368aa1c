/*
 * scenario_channels.c - oneshot and mpsc.
 */
#include <chappe/mpsc.h>
#include <chappe/mpsc_permit.h>
#include <chappe/oneshot.h>

#include "base/atomic.h"
#include "scenario.h"

/* A value that owns memory: losing it is a leak, doubling it a double free. */
typedef unsigned *boxed;

static boxed box(unsigned x)
{
	boxed b = model_alloc(sizeof(*b));

	*b = x;
	return b;
}

static void unbox(boxed b, unsigned x)
{
	MODEL_CHECK(*b == x);
	model_free(b, sizeof(*b));
}

static void drop_box(void *value)
{
	boxed b = *(boxed *)value;

	model_free(b, sizeof(*b));
}

/* ---- Oneshot ---- */

static chp_oneshot_tx one_tx;
static chp_oneshot_rx one_rx;

static void make_oneshot(void)
{
	chp_oneshot(sizeof(boxed), drop_box, &one_tx, &one_rx);
}

static void one_send(void)
{
	boxed b = box(7);
	int r = chp_oneshot_send(&one_tx, &b);

	model_reached(r == 0);
	if (r != 0)
		unbox(b, 7);
}

static void one_recv(void)
{
	boxed b;

	MODEL_CHECK(chp_oneshot_recv(&one_rx, &b) == 0);
	unbox(b, 7);
}

static void one_recv_timed(void)
{
	chp_wait w = { .deadline = model_time(1) };
	boxed b;
	int r = chp_oneshot_recv_with(&one_rx, &b, &w);

	MODEL_CHECK(r == 0 || r == CHP_ETIMEDOUT);
	if (r == 0)
		unbox(b, 7);
	else
		chp_oneshot_rx_drop(&one_rx);
}

static void one_recv_closed(void)
{
	MODEL_CHECK(chp_oneshot_recv(&one_rx, NULL) == CHP_ECLOSED);
}

static void one_try_recv(void)
{
	boxed b;
	int r = chp_oneshot_try_recv(&one_rx, &b);

	if (r == 0)
		unbox(b, 7);
	chp_oneshot_rx_drop(&one_rx);
}

static void one_close_recv(void)
{
	boxed b;

	chp_oneshot_close(&one_rx);
	if (chp_oneshot_try_recv(&one_rx, &b) == 0)
		unbox(b, 7);
	chp_oneshot_rx_drop(&one_rx);
}

static void one_rx_drop(void)
{
	chp_oneshot_rx_drop(&one_rx);
}

static void one_tx_drop(void)
{
	chp_oneshot_tx_drop(&one_tx);
}

static void one_wait_closed(void)
{
	MODEL_CHECK(chp_oneshot_closed(&one_tx) == 0);
	one_send();
}

SCENARIO(oneshot_send_recv, .setup = make_oneshot,
	 .threads = { one_send, one_recv });
SCENARIO(oneshot_send_recv_timed, .setup = make_oneshot,
	 .threads = { one_send, one_recv_timed }, .timed = 1, .must_reach = 3);
SCENARIO(oneshot_send_try_recv, .setup = make_oneshot,
	 .threads = { one_send, one_try_recv }, .must_reach = 3);
SCENARIO(oneshot_send_close, .setup = make_oneshot,
	 .threads = { one_send, one_close_recv }, .must_reach = 3);
SCENARIO(oneshot_send_drop, .setup = make_oneshot,
	 .threads = { one_send, one_rx_drop }, .must_reach = 3);
SCENARIO(oneshot_drop_recv, .setup = make_oneshot,
	 .threads = { one_tx_drop, one_recv_closed });
SCENARIO(oneshot_drop_drop, .setup = make_oneshot,
	 .threads = { one_tx_drop, one_rx_drop });
SCENARIO(oneshot_closed, .setup = make_oneshot,
	 .threads = { one_wait_closed, one_rx_drop }, .must_reach = 1);

/* ---- Mpsc ---- */

static chp_mpsc_tx tx, tx2;
static chp_mpsc_rx rx;
static chp_mpsc_weak weak;

static void make_bounded(void)
{
	chp_mpsc_bounded(1, sizeof(boxed), drop_box, &tx, &rx);
}

static void make_full(void)
{
	boxed b = box(1);

	make_bounded();
	chp_mpsc_try_send(&tx, &b);
}

static void make_unbounded(void)
{
	chp_mpsc_unbounded(sizeof(boxed), drop_box, &tx, &rx);
}

static void make_unbounded_2(void)
{
	make_unbounded();
	chp_mpsc_tx_clone(&tx, &tx2);
}

static void make_bounded_2(void)
{
	make_bounded();
	chp_mpsc_tx_clone(&tx, &tx2);
}

static void make_weak(void)
{
	make_bounded();
	chp_mpsc_downgrade(&tx, &weak);
}

static void drop_all(void)
{
	chp_mpsc_tx_drop(&tx);
	chp_mpsc_tx_drop(&tx2);
	chp_mpsc_rx_drop(&rx);
	chp_mpsc_weak_drop(&weak);
}

static void send(unsigned x)
{
	boxed b = box(x);
	int r = chp_mpsc_send(&tx, &b);

	model_reached(r == 0);
	if (r != 0) {
		MODEL_CHECK(r == CHP_ECLOSED);
		unbox(b, x);
	}
}

static void send_1(void)
{
	send(1);
}

static void send_2(void)
{
	send(2);
}

static void send_1_drop(void)
{
	send(1);
	chp_mpsc_tx_drop(&tx);
}

static void recv(unsigned x)
{
	boxed b;

	MODEL_CHECK(chp_mpsc_recv(&rx, &b) == 0);
	unbox(b, x);
}

static void recv_1(void)
{
	recv(1);
}

static void recv_1_2(void)
{
	recv(1);
	recv(2);
}

static void recv_till_closed(void)
{
	boxed b;

	while (chp_mpsc_recv(&rx, &b) == 0)
		unbox(b, 1);
}

static void recv_timed(void)
{
	chp_wait w = { .deadline = model_time(1) };
	boxed b;
	int r = chp_mpsc_recv_with(&rx, &b, &w);

	MODEL_CHECK(r == 0 || r == CHP_ETIMEDOUT);
	if (r == 0)
		unbox(b, 1);
}

static void send_timed(void)
{
	chp_wait w = { .deadline = model_time(1) };
	boxed b = box(2);
	int r = chp_mpsc_send_with(&tx, &b, &w);

	MODEL_CHECK(r == 0 || r == CHP_ETIMEDOUT);
	model_reached(r == 0);
	if (r != 0)
		unbox(b, 2);
}

static void poll_and_cancel_send(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());
	chp_send_op op;
	boxed b = box(2);

	chp_mpsc_send_op(&op, &tx, &b);
	if (chp_op_poll(&op.op, &ctx) == 0)
		return;
	chp_op_cancel(&op.op);
	unbox(b, 2);
}

static void drop_2(void)
{
	chp_mpsc_tx_drop(&tx2);
}

static void drop_tx(void)
{
	chp_mpsc_tx_drop(&tx);
}

static void drop_rx(void)
{
	chp_mpsc_rx_drop(&rx);
}

static void close_rx(void)
{
	boxed b;

	chp_mpsc_close(&rx);
	while (chp_mpsc_recv(&rx, &b) == 0)
		unbox(b, 1);
}

SCENARIO(mpsc_send_recv, .setup = make_bounded, .threads = { send_1, recv_1 },
	 .check = drop_all);
SCENARIO(mpsc_full_send_recv, .setup = make_full,
	 .threads = { send_2, recv_1_2 }, .check = drop_all, .bound = 3);
SCENARIO(mpsc_send_drop_recv, .setup = make_bounded,
	 .threads = { send_1_drop, recv_till_closed }, .check = drop_all,
	 .bound = 3);
SCENARIO(mpsc_recv_timed, .setup = make_bounded,
	 .threads = { send_1, recv_timed }, .check = drop_all, .timed = 1,
	 .bound = 3);
SCENARIO(mpsc_send_timed, .setup = make_full, .threads = { send_timed, recv_1 },
	 .check = drop_all, .timed = 1, .bound = 3, .must_reach = 3);
SCENARIO(mpsc_send_cancel, .setup = make_full,
	 .threads = { poll_and_cancel_send, recv_1 }, .check = drop_all,
	 .bound = 3);
SCENARIO(mpsc_send_rx_drop, .setup = make_full, .threads = { send_2, drop_rx },
	 .check = drop_all);
SCENARIO(mpsc_send_close, .setup = make_bounded,
	 .threads = { send_1, close_rx }, .check = drop_all, .bound = 3,
	 .must_reach = 3);
SCENARIO(mpsc_drop_drop, .setup = make_bounded_2,
	 .threads = { drop_tx, drop_2, recv_till_closed }, .check = drop_all,
	 .bound = 2);
SCENARIO(mpsc_unbounded_send_recv, .setup = make_unbounded,
	 .threads = { send_1, recv_1 }, .check = drop_all);
SCENARIO(mpsc_unbounded_drop_recv, .setup = make_unbounded,
	 .threads = { send_1_drop, recv_till_closed }, .check = drop_all,
	 .bound = 3);
SCENARIO(mpsc_unbounded_rx_drop, .setup = make_unbounded,
	 .threads = { send_1_drop, drop_rx }, .check = drop_all);

static void send_1_from_2(void)
{
	boxed b = box(1);

	MODEL_CHECK(chp_mpsc_send(&tx2, &b) == 0);
}

static void recv_1_1(void)
{
	recv(1);
	recv(1);
}

SCENARIO(mpsc_two_senders, .setup = make_bounded_2,
	 .threads = { send_1, send_1_from_2, recv_1_1 }, .check = drop_all,
	 .bound = 1);
SCENARIO(mpsc_unbounded_two_senders, .setup = make_unbounded_2,
	 .threads = { send_1, send_1_from_2, recv_1_1 }, .check = drop_all,
	 .bound = 2);

/* ---- Permits and weak handles ---- */

static void reserve_send(void)
{
	chp_mpsc_permit permit = { 0 };
	boxed b;

	if (chp_mpsc_reserve(&tx, &permit) != 0)
		return;
	b = box(1);
	MODEL_CHECK(chp_mpsc_permit_send(&permit, &b) == 0);
}

static void reserve_drop(void)
{
	chp_mpsc_permit permit = { 0 };

	if (chp_mpsc_reserve(&tx, &permit) == 0)
		chp_mpsc_permit_drop(&permit);
}

static void reserve_drop_2(void)
{
	chp_mpsc_permit permit = { 0 };

	MODEL_CHECK(chp_mpsc_reserve(&tx2, &permit) == 0);
	chp_mpsc_permit_drop(&permit);
}

SCENARIO(mpsc_permit_close, .setup = make_bounded,
	 .threads = { reserve_send, close_rx }, .check = drop_all, .bound = 3);
SCENARIO(mpsc_permit_drop_close, .setup = make_bounded,
	 .threads = { reserve_drop, close_rx }, .check = drop_all, .bound = 3);
SCENARIO(mpsc_permit_drop_send, .setup = make_bounded_2,
	 .threads = { reserve_drop, reserve_drop_2 }, .check = drop_all,
	 .bound = 4);

static void upgrade(void)
{
	chp_mpsc_tx got = { 0 };
	int r = chp_mpsc_upgrade(&weak, &got);

	MODEL_CHECK(r == 0 || r == CHP_ECLOSED);
	model_reached(r == 0);
	chp_mpsc_tx_drop(&got);
}

SCENARIO(mpsc_upgrade_drop, .setup = make_weak, .threads = { upgrade, drop_tx },
	 .check = drop_all, .must_reach = 3);
SCENARIO(mpsc_upgrade_drop_recv, .setup = make_weak,
	 .threads = { upgrade, drop_tx, recv_till_closed }, .check = drop_all,
	 .bound = 2, .must_reach = 3);
