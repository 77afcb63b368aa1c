/*
 * scenario_streams.c - watch, broadcast, mpmc.
 */
#include <chappe/broadcast.h>
#include <chappe/mpmc.h>
#include <chappe/watch.h>

#include "base/atomic.h"
#include "scenario.h"

static unsigned zero;

/* ---- Watch ---- */

static chp_watch_tx w_tx;
static chp_watch_rx w_rx;

static void make_watch(void)
{
	MODEL_CHECK(chp_watch(4, NULL, &zero, &w_tx, &w_rx) == 0);
}

static void w_send(void)
{
	unsigned x = 1;

	model_reached(chp_watch_send(&w_tx, &x) == 0);
}

static void w_send_drop(void)
{
	w_send();
	chp_watch_tx_drop(&w_tx);
}

static void w_changed(void)
{
	unsigned x;

	MODEL_CHECK(chp_watch_changed(&w_rx) == 0);
	MODEL_CHECK(chp_watch_get_and_update(&w_rx, &x) >= 0);
	MODEL_CHECK(x == 1);
}

static void w_till_closed(void)
{
	unsigned x = 0;

	while (chp_watch_changed(&w_rx) == 0)
		MODEL_CHECK(chp_watch_get_and_update(&w_rx, &x) >= 0);
	MODEL_CHECK(x == 1);
}

static void w_closed(void)
{
	MODEL_CHECK(chp_watch_closed(&w_tx) == 0);
}

static void w_rx_drop(void)
{
	chp_watch_rx_drop(&w_rx);
}

static void drop_watch(void)
{
	chp_watch_tx_drop(&w_tx);
	chp_watch_rx_drop(&w_rx);
}

SCENARIO(watch_changed, .setup = make_watch, .threads = { w_send, w_changed },
	 .check = drop_watch, .bound = 3);
SCENARIO(watch_send_drop, .setup = make_watch,
	 .threads = { w_send_drop, w_till_closed }, .check = drop_watch,
	 .bound = 2);
SCENARIO(watch_closed, .setup = make_watch, .threads = { w_closed, w_rx_drop },
	 .check = drop_watch, .bound = 3);
SCENARIO(watch_send_rx_drop, .setup = make_watch,
	 .threads = { w_send, w_rx_drop }, .check = drop_watch, .bound = 3,
	 .must_reach = 3);

/* ---- Broadcast ---- */

static chp_broadcast_tx b_tx;
static chp_broadcast_rx b_rx, b_rx2;

static void make_broadcast(void)
{
	MODEL_CHECK(chp_broadcast(1, 4, NULL, &b_tx, &b_rx) == 0);
	chp_broadcast_subscribe(&b_tx, &b_rx2);
}

static void b_send_two(void)
{
	for (unsigned x = 1; x <= 2; x++)
		MODEL_CHECK(chp_broadcast_send(&b_tx, &x) >= 0);
	chp_broadcast_tx_drop(&b_tx);
}

static void b_send_drop(void)
{
	unsigned x = 1;

	MODEL_CHECK(chp_broadcast_send(&b_tx, &x) >= 0);
	chp_broadcast_tx_drop(&b_tx);
}

/* What was received and what was missed is all there was. */
static void b_recv(void)
{
	uint64_t missed;
	unsigned x, seen = 0;
	int r;

	while ((r = chp_broadcast_recv(&b_rx, &x, &missed)) != CHP_ECLOSED) {
		if (r == 0)
			MODEL_CHECK(x == ++seen);
		else
			seen += (unsigned)missed;
		model_reached(r == 0);
	}
	MODEL_CHECK(seen == 2);
}

static void b_recv_one(chp_broadcast_rx *rx)
{
	unsigned x;

	MODEL_CHECK(chp_broadcast_recv(rx, &x, NULL) == 0 && x == 1);
	MODEL_CHECK(chp_broadcast_recv(rx, &x, NULL) == CHP_ECLOSED);
}

static void b_recv_1(void)
{
	b_recv_one(&b_rx);
}

static void b_recv_2(void)
{
	b_recv_one(&b_rx2);
}

static void b_rx_drop(void)
{
	chp_broadcast_rx_drop(&b_rx);
}

static void drop_broadcast(void)
{
	chp_broadcast_rx_drop(&b_rx);
	chp_broadcast_rx_drop(&b_rx2);
	chp_broadcast_tx_drop(&b_tx);
}

SCENARIO(broadcast_lag, .setup = make_broadcast,
	 .threads = { b_send_two, b_recv }, .check = drop_broadcast, .bound = 2,
	 .must_reach = 3);
SCENARIO(broadcast_two, .setup = make_broadcast,
	 .threads = { b_send_drop, b_recv_1, b_recv_2 },
	 .check = drop_broadcast, .bound = 1);
SCENARIO(broadcast_rx_drop, .setup = make_broadcast,
	 .threads = { b_send_two, b_rx_drop }, .check = drop_broadcast,
	 .bound = 3);

/* ---- Mpmc ---- */

static chp_mpmc_tx q_tx;
static chp_mpmc_rx q_rx, q_rx2;
static chp_word sum;

static void make_mpmc(void)
{
	MODEL_CHECK(chp_mpmc_bounded(1, 4, NULL, &q_tx, &q_rx) == 0);
	chp_mpmc_rx_clone(&q_rx, &q_rx2);
}

static void q_send_two(void)
{
	for (unsigned x = 1; x <= 2; x++)
		MODEL_CHECK(chp_mpmc_send(&q_tx, &x) == 0);
}

static void q_send_one_drop(void)
{
	unsigned x = 3;

	MODEL_CHECK(chp_mpmc_send(&q_tx, &x) == 0);
	chp_mpmc_tx_drop(&q_tx);
}

static void q_recv(chp_mpmc_rx *rx)
{
	unsigned x;

	MODEL_CHECK(chp_mpmc_recv(rx, &x) == 0);
	add_relaxed(&sum, x);
}

static void q_recv_1(void)
{
	q_recv(&q_rx);
}

static void q_recv_2(void)
{
	q_recv(&q_rx2);
}

static void q_recv_both(void)
{
	q_recv(&q_rx);
	q_recv(&q_rx);
}

static void q_till_closed(void)
{
	unsigned x;

	while (chp_mpmc_recv(&q_rx, &x) == 0)
		add_relaxed(&sum, x);
}

static void drop_mpmc(void)
{
	MODEL_CHECK(load_relaxed(&sum) == 3);
	chp_mpmc_tx_drop(&q_tx);
	chp_mpmc_rx_drop(&q_rx);
	chp_mpmc_rx_drop(&q_rx2);
}

SCENARIO(mpmc_send_recv, .setup = make_mpmc,
	 .threads = { q_send_two, q_recv_both }, .check = drop_mpmc,
	 .bound = 2);
SCENARIO(mpmc_two_receivers, .setup = make_mpmc,
	 .threads = { q_send_two, q_recv_1, q_recv_2 }, .check = drop_mpmc,
	 .bound = 1);
SCENARIO(mpmc_drop, .setup = make_mpmc,
	 .threads = { q_send_one_drop, q_till_closed }, .check = drop_mpmc,
	 .bound = 2);
