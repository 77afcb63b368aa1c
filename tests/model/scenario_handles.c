/*
 * scenario_handles.c - the last handles of a channel go at the same time, and
 * who hears that they have gone sees what was done before.
 *
 * The same four scenarios for each kind of channel.
 */
#include <chappe/broadcast.h>
#include <chappe/mpmc.h>
#include <chappe/mpsc.h>
#include <chappe/watch.h>

#include "base/atomic.h"
#include "scenario.h"

static const unsigned zero;
static unsigned before_1, before_2, before_rx;

static int receive_mpsc(chp_mpsc_rx *rx)
{
	return chp_mpsc_recv(rx, NULL);
}

static int receive_mpmc(chp_mpmc_rx *rx)
{
	return chp_mpmc_recv(rx, NULL);
}

static int receive_broadcast(chp_broadcast_rx *rx)
{
	unsigned x;

	return chp_broadcast_recv(rx, &x, NULL);
}

static int receive_watch(chp_watch_rx *rx)
{
	return chp_watch_changed(rx);
}

static int rx_closed_watch(const chp_watch_rx *rx)
{
	return chp_watch_has_changed(rx) == CHP_ECLOSED;
}

/* The count of receivers promises nothing; being told does. */
static int tx_closed_broadcast(chp_broadcast_tx *tx)
{
	return chp_broadcast_closed(tx) == 0;
}

/* clang-format off */
#define HANDLES(kind, make, rx_closed, tx_closed) \
	static chp_##kind##_tx kind##_tx_1, kind##_tx_2; \
	static chp_##kind##_rx kind##_rx_1; \
	static void kind##_make(void) \
	{ \
		MODEL_CHECK(make == 0); \
		chp_##kind##_tx_clone(&kind##_tx_1, &kind##_tx_2); \
	} \
	static void kind##_drop_1(void) \
	{ \
		before_1 = 1; \
		chp_##kind##_tx_drop(&kind##_tx_1); \
	} \
	static void kind##_drop_2(void) \
	{ \
		before_2 = 1; \
		chp_##kind##_tx_drop(&kind##_tx_2); \
	} \
	static void kind##_drop_rx(void) \
	{ \
		before_rx = 1; \
		chp_##kind##_rx_drop(&kind##_rx_1); \
	} \
	static void kind##_hear(void) \
	{ \
		MODEL_CHECK(receive_##kind(&kind##_rx_1) == CHP_ECLOSED); \
		MODEL_CHECK(before_1 && before_2); \
	} \
	static void kind##_look(void) \
	{ \
		int gone = rx_closed(&kind##_rx_1); \
		if (gone) \
			MODEL_CHECK(before_1 && before_2); \
		model_reached(gone != 0); \
	} \
	static void kind##_tx_look(void) \
	{ \
		int gone = tx_closed(&kind##_tx_2); \
		if (gone) \
			MODEL_CHECK(before_rx); \
		model_reached(gone != 0); \
	} \
	static void kind##_drop_all(void) \
	{ \
		chp_##kind##_tx_drop(&kind##_tx_1); \
		chp_##kind##_tx_drop(&kind##_tx_2); \
		chp_##kind##_rx_drop(&kind##_rx_1); \
	} \
	SCENARIO(kind##_last_handles, .setup = kind##_make, \
		 .threads = { kind##_drop_1, kind##_drop_2, kind##_drop_rx }, \
		 .bound = 2); \
	SCENARIO(kind##_last_sender_heard, .setup = kind##_make, \
		 .threads = { kind##_drop_1, kind##_drop_2, kind##_hear }, \
		 .check = kind##_drop_all, .bound = 2); \
	SCENARIO(kind##_last_sender_seen, .setup = kind##_make, \
		 .threads = { kind##_drop_1, kind##_drop_2, kind##_look }, \
		 .check = kind##_drop_all, .bound = 2, .must_reach = 3); \
	SCENARIO(kind##_receiver_seen, .setup = kind##_make, \
		 .threads = { kind##_drop_rx, kind##_tx_look }, \
		 .check = kind##_drop_all, .must_reach = 2)

HANDLES(mpsc, chp_mpsc_bounded(1, 4, NULL, &mpsc_tx_1, &mpsc_rx_1),
	chp_mpsc_rx_is_closed, chp_mpsc_is_closed);
HANDLES(mpmc, chp_mpmc_bounded(1, 4, NULL, &mpmc_tx_1, &mpmc_rx_1),
	chp_mpmc_rx_is_closed, chp_mpmc_is_closed);
HANDLES(broadcast,
	chp_broadcast(1, 4, NULL, &broadcast_tx_1, &broadcast_rx_1),
	chp_broadcast_is_closed, tx_closed_broadcast);
HANDLES(watch, chp_watch(4, NULL, &zero, &watch_tx_1, &watch_rx_1),
	rx_closed_watch, chp_watch_is_closed);
/* clang-format on */

/* ---- Two receivers of one queue, unread messages ---- */

static chp_mpmc_tx q_tx;
static chp_mpmc_rx q_rx_1, q_rx_2;

static void drop_value(void *value)
{
	unsigned *block = *(unsigned **)value;

	model_free(block, sizeof(*block));
}

static void make_queue(void)
{
	unsigned *block = model_alloc(sizeof(*block));

	MODEL_CHECK(chp_mpmc_unbounded(sizeof(block), drop_value, &q_tx,
				       &q_rx_1) == 0);
	chp_mpmc_rx_clone(&q_rx_1, &q_rx_2);
	chp_mpmc_try_send(&q_tx, &block);
}

static void drop_rx_1(void)
{
	chp_mpmc_rx_drop(&q_rx_1);
}

static void drop_rx_2(void)
{
	unsigned *block;

	if (chp_mpmc_try_recv(&q_rx_2, &block) == 0)
		model_free(block, sizeof(*block));
	chp_mpmc_rx_drop(&q_rx_2);
}

static void drop_tx(void)
{
	chp_mpmc_tx_drop(&q_tx);
}

SCENARIO(mpmc_last_receivers, .setup = make_queue,
	 .threads = { drop_rx_1, drop_rx_2, drop_tx }, .bound = 2);

/* ---- Values that own memory, read by several ---- */

static chp_broadcast_tx b_tx;
static chp_broadcast_rx b_rx_1, b_rx_2;

static int clone_value(void *to, const void *from)
{
	unsigned *block = model_alloc(sizeof(*block));

	*block = **(unsigned *const *)from;
	*(unsigned **)to = block;
	return 0;
}

static void make_owning(void)
{
	static const chp_broadcast_values values = { .clone = clone_value,
						     .drop = drop_value };
	unsigned *block = model_alloc(sizeof(*block));

	*block = 7;
	MODEL_CHECK(chp_broadcast(1, sizeof(block), &values, &b_tx, &b_rx_1) ==
		    0);
	chp_broadcast_subscribe(&b_tx, &b_rx_2);
	MODEL_CHECK(chp_broadcast_send(&b_tx, &block) >= 0);
}

static void read_value(chp_broadcast_rx *rx)
{
	unsigned *block;

	if (chp_broadcast_try_recv(rx, &block, NULL) == 0) {
		MODEL_CHECK(*block == 7);
		model_free(block, sizeof(*block));
	}
	chp_broadcast_rx_drop(rx);
}

static void read_value_1(void)
{
	read_value(&b_rx_1);
}

static void read_value_2(void)
{
	read_value(&b_rx_2);
}

static void overwrite(void)
{
	unsigned *block = model_alloc(sizeof(*block));

	*block = 7;
	if (chp_broadcast_send(&b_tx, &block) < 0)
		model_free(block, sizeof(*block));
	chp_broadcast_tx_drop(&b_tx);
}

SCENARIO(broadcast_owned_values, .setup = make_owning,
	 .threads = { read_value_1, read_value_2, overwrite }, .bound = 2);
