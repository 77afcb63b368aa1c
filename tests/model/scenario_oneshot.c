/*
 * scenario_oneshot.c - send, receive, close, drop of either half.
 */
#include <chappe/oneshot.h>

#include "box.h"

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

/* Whoever is told by looking knows what was done before. */
static unsigned done_before;

static void one_do_send(void)
{
	done_before = 1;
	one_send();
}

static void one_do_drop(void)
{
	done_before = 1;
	chp_oneshot_rx_drop(&one_rx);
}

static void one_look_empty(void)
{
	if (!chp_oneshot_is_empty(&one_rx))
		MODEL_CHECK(done_before == 1);
}

static void one_look_closed(void)
{
	if (chp_oneshot_is_closed(&one_tx))
		MODEL_CHECK(done_before == 1);
}

static void one_drop_both(void)
{
	chp_oneshot_tx_drop(&one_tx);
	chp_oneshot_rx_drop(&one_rx);
}

SCENARIO(oneshot_look_empty, .setup = make_oneshot,
	 .threads = { one_do_send, one_look_empty }, .check = one_drop_both);
SCENARIO(oneshot_look_closed, .setup = make_oneshot,
	 .threads = { one_do_drop, one_look_closed }, .check = one_drop_both);
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
