/*
 * scenario_hand_chan.c - each operation of src/chan polled by hand.
 */
#include <chappe/broadcast.h>
#include <chappe/mpmc.h>
#include <chappe/mpsc.h>
#include <chappe/mpsc_permit.h>
#include <chappe/oneshot.h>
#include <chappe/watch.h>

#include "hand.h"

static unsigned got, one = 1, plain;

/* clang-format off */

/* ---- Oneshot ---- */

static chp_oneshot_tx o_tx;
static chp_oneshot_rx o_rx;

#define O_DROP chp_oneshot_tx_drop(&o_tx); chp_oneshot_rx_drop(&o_rx)

BY_HAND(oneshot_recv, chp_oneshot_op,
	chp_oneshot(4, NULL, &o_tx, &o_rx),
	chp_oneshot_recv_op(&op, &o_rx, &got),
	MODEL_CHECK(r == 0 && got == 1),
	chp_oneshot_send(&o_tx, &one),
	O_DROP);

BY_HAND(oneshot_recv_end, chp_oneshot_op,
	chp_oneshot(4, NULL, &o_tx, &o_rx),
	chp_oneshot_recv_op(&op, &o_rx, &got),
	MODEL_CHECK(r == CHP_ECLOSED),
	chp_oneshot_tx_drop(&o_tx),
	O_DROP);

BY_HAND(oneshot_closed, chp_oneshot_op,
	chp_oneshot(4, NULL, &o_tx, &o_rx),
	chp_oneshot_closed_op(&op, &o_tx),
	MODEL_CHECK(r == 0 && plain == 1),
	plain = 1; chp_oneshot_rx_drop(&o_rx),
	O_DROP);

/* ---- Mpsc ---- */

static chp_mpsc_tx s_tx, s_tx_2;
static chp_mpsc_rx s_rx;

#define S_DROP \
	chp_mpsc_tx_drop(&s_tx); chp_mpsc_tx_drop(&s_tx_2); \
	chp_mpsc_rx_drop(&s_rx)
#define S_FULL \
	chp_mpsc_bounded(1, 4, NULL, &s_tx, &s_rx); \
	chp_mpsc_tx_clone(&s_tx, &s_tx_2); \
	MODEL_CHECK(chp_mpsc_try_send(&s_tx, &one) == 0)

BY_HAND(mpsc_recv, chp_recv_op,
	chp_mpsc_bounded(1, 4, NULL, &s_tx, &s_rx),
	chp_mpsc_recv_op(&op, &s_rx, &got),
	MODEL_CHECK(r == 0 && got == 1),
	MODEL_CHECK(chp_mpsc_send(&s_tx, &one) == 0),
	S_DROP);

BY_HAND(mpsc_unbounded_recv, chp_recv_op,
	chp_mpsc_unbounded(4, NULL, &s_tx, &s_rx),
	chp_mpsc_recv_op(&op, &s_rx, &got),
	MODEL_CHECK(r == 0 && got == 1),
	MODEL_CHECK(chp_mpsc_send(&s_tx, &one) == 0),
	S_DROP);

BY_HAND(mpsc_recv_end, chp_recv_op,
	chp_mpsc_bounded(1, 4, NULL, &s_tx, &s_rx),
	chp_mpsc_recv_op(&op, &s_rx, &got),
	MODEL_CHECK(r == CHP_ECLOSED),
	chp_mpsc_tx_drop(&s_tx),
	S_DROP);

BY_HAND(mpsc_send, chp_send_op,
	S_FULL,
	chp_mpsc_send_op(&op, &s_tx, &one),
	MODEL_CHECK(r == 0),
	MODEL_CHECK(chp_mpsc_recv(&s_rx, &got) == 0),
	S_DROP);

BY_HAND(mpsc_send_closed, chp_send_op,
	S_FULL,
	chp_mpsc_send_op(&op, &s_tx, &one),
	MODEL_CHECK(r == CHP_ECLOSED),
	chp_mpsc_close(&s_rx),
	S_DROP);

BY_HAND(mpsc_closed, chp_closed_op,
	chp_mpsc_bounded(1, 4, NULL, &s_tx, &s_rx),
	chp_mpsc_closed_op(&op, &s_tx),
	MODEL_CHECK(r == 0 && plain == 1),
	plain = 1; chp_mpsc_close(&s_rx),
	S_DROP);

/* ---- Mpmc ---- */

static chp_mpmc_tx q_tx;
static chp_mpmc_rx q_rx;

#define Q_DROP chp_mpmc_tx_drop(&q_tx); chp_mpmc_rx_drop(&q_rx)

BY_HAND(mpmc_recv, chp_mpmc_op,
	chp_mpmc_bounded(1, 4, NULL, &q_tx, &q_rx),
	chp_mpmc_recv_op(&op, &q_rx, &got),
	MODEL_CHECK(r == 0 && got == 1),
	MODEL_CHECK(chp_mpmc_send(&q_tx, &one) == 0),
	Q_DROP);

BY_HAND(mpmc_recv_end, chp_mpmc_op,
	chp_mpmc_bounded(1, 4, NULL, &q_tx, &q_rx),
	chp_mpmc_recv_op(&op, &q_rx, &got),
	MODEL_CHECK(r == CHP_ECLOSED),
	chp_mpmc_tx_drop(&q_tx),
	Q_DROP);

BY_HAND(mpmc_send, chp_mpmc_op,
	chp_mpmc_bounded(1, 4, NULL, &q_tx, &q_rx);
	MODEL_CHECK(chp_mpmc_try_send(&q_tx, &one) == 0),
	chp_mpmc_send_op(&op, &q_tx, &one),
	MODEL_CHECK(r == 0 && chp_mpmc_len(&q_rx) == 1),
	MODEL_CHECK(chp_mpmc_recv(&q_rx, &got) == 0),
	Q_DROP);

BY_HAND(mpmc_send_closed, chp_mpmc_op,
	chp_mpmc_bounded(1, 4, NULL, &q_tx, &q_rx);
	MODEL_CHECK(chp_mpmc_try_send(&q_tx, &one) == 0),
	chp_mpmc_send_op(&op, &q_tx, &one),
	MODEL_CHECK(r == CHP_ECLOSED),
	chp_mpmc_close(&q_rx),
	Q_DROP);

BY_HAND_RUN(mpmc_rendezvous_recv, chp_mpmc_op,
	chp_mpmc_bounded(0, 4, NULL, &q_tx, &q_rx),
	chp_mpmc_recv_op(&op, &q_rx, &got),
	MODEL_CHECK(r == 0 && got == 1),
	MODEL_CHECK(chp_mpmc_send(&q_tx, &one) == 0),
	Q_DROP);

BY_HAND_RUN(mpmc_rendezvous_send, chp_mpmc_op,
	chp_mpmc_bounded(0, 4, NULL, &q_tx, &q_rx),
	chp_mpmc_send_op(&op, &q_tx, &one),
	MODEL_CHECK(r == 0),
	MODEL_CHECK(chp_mpmc_recv(&q_rx, &got) == 0 && got == 1),
	Q_DROP);

/* ---- Watch ---- */

static chp_watch_tx w_tx;
static chp_watch_rx w_rx;

static int is_one(const void *value, void *arg)
{
	(void)arg;
	return *(const unsigned *)value == 1;
}

#define W_MAKE chp_watch(4, NULL, NULL, &w_tx, &w_rx)
#define W_DROP chp_watch_tx_drop(&w_tx); chp_watch_rx_drop(&w_rx)

BY_HAND(watch_changed, chp_watch_op,
	W_MAKE,
	chp_watch_changed_op(&op, &w_rx),
	MODEL_CHECK(r == 0 && plain == 1),
	plain = 1; MODEL_CHECK(chp_watch_send(&w_tx, &one) == 0),
	W_DROP);

BY_HAND(watch_changed_end, chp_watch_op,
	W_MAKE,
	chp_watch_changed_op(&op, &w_rx),
	MODEL_CHECK(r == CHP_ECLOSED && plain == 1),
	plain = 1; chp_watch_tx_drop(&w_tx),
	W_DROP);

BY_HAND(watch_wait_for, chp_watch_op,
	W_MAKE,
	chp_watch_wait_for_op(&op, &w_rx, is_one, NULL, NULL),
	MODEL_CHECK(r == 0 && plain == 1),
	plain = 1; MODEL_CHECK(chp_watch_send(&w_tx, &one) == 0),
	W_DROP);

BY_HAND(watch_closed, chp_watch_op,
	W_MAKE,
	chp_watch_closed_op(&op, &w_tx),
	MODEL_CHECK(r == 0 && plain == 1),
	plain = 1; chp_watch_rx_drop(&w_rx),
	W_DROP);

/* ---- Broadcast ---- */

static chp_broadcast_tx b_tx;
static chp_broadcast_rx b_rx;

#define B_DROP chp_broadcast_tx_drop(&b_tx); chp_broadcast_rx_drop(&b_rx)

BY_HAND(broadcast_recv, chp_broadcast_op,
	chp_broadcast(1, 4, NULL, &b_tx, &b_rx),
	chp_broadcast_recv_op(&op, &b_rx, &got, NULL),
	MODEL_CHECK(r == 0 && got == 1),
	MODEL_CHECK(chp_broadcast_send(&b_tx, &one) == 1),
	B_DROP);

BY_HAND(broadcast_recv_end, chp_broadcast_op,
	chp_broadcast(1, 4, NULL, &b_tx, &b_rx),
	chp_broadcast_recv_op(&op, &b_rx, &got, NULL),
	MODEL_CHECK(r == CHP_ECLOSED && plain == 1),
	plain = 1; chp_broadcast_tx_drop(&b_tx),
	B_DROP);

BY_HAND(broadcast_closed, chp_broadcast_op,
	chp_broadcast(1, 4, NULL, &b_tx, &b_rx),
	chp_broadcast_closed_op(&op, &b_tx),
	MODEL_CHECK(r == 0 && plain == 1),
	plain = 1; chp_broadcast_rx_drop(&b_rx),
	B_DROP);
/* clang-format on */
