/*
 * scenario_mpsc_places.c - mpsc: places that become free one by one while
 * senders wait for several, and waits of the receiver that are given up.
 */
#include "mpsc_pair.h"

/* ---- Of two waits of the receiver the first is given up ---- */

static void cancel_the_first(void)
{
	chp_recv_op first, second;
	unsigned x = 0;

	chp_mpsc_recv_op(&first, &rx, &x);
	chp_mpsc_recv_op(&second, &rx, &x);
	MODEL_CHECK(poll_with(&first.op, &waker) == CHP_PENDING);
	MODEL_CHECK(poll_with(&second.op, &waker_2) == CHP_PENDING);
	MODEL_CHECK(chp_op_cancel(&first.op) == CHP_HELD_NOTHING);
	MODEL_CHECK(chp_mpsc_try_send(&tx, &one) == 0);
	MODEL_CHECK(woken(&waker) == 0 && woken(&waker_2) == 1);
	MODEL_CHECK(poll_with(&second.op, &waker_2) == 0 && x == 1);
}

SCENARIO(mpsc_cancel_the_first, .setup = make_1,
	 .threads = { cancel_the_first }, .check = drop_all);

/* ---- Two places, which become free one by one ---- */

static void make_full_2(void)
{
	make(2);
	MODEL_CHECK(chp_mpsc_try_send(&tx, &one) == 0);
	MODEL_CHECK(chp_mpsc_try_send(&tx, &one) == 0);
}

static void reserve_both(void)
{
	chp_mpsc_permit permit;

	MODEL_CHECK(chp_mpsc_reserve_many(&tx, 2, &permit) == 0);
	MODEL_CHECK(chp_mpsc_permit_send(&permit, &two) == 0);
	chp_mpsc_permit_drop(&permit);
}

static void receive_three(void)
{
	unsigned x = 0;

	for (int i = 0; i < 3; i++) {
		MODEL_CHECK(chp_mpsc_recv(&rx, &x) == 0);
		MODEL_CHECK(x == (i < 2 ? one : two));
	}
	MODEL_CHECK(chp_mpsc_try_recv(&rx, &x) == CHP_EAGAIN);
}

/* One may be ahead in the queue, and gives up. */
static void send_two(void)
{
	MODEL_CHECK(chp_mpsc_send(&tx, &two) == 0);
}

static void send_or_leave(void)
{
	chp_send_op op;

	chp_mpsc_send_op(&op, &tx_2, &one);
	if (poll_with(&op.op, &waker) == CHP_PENDING)
		chp_op_cancel(&op.op);
	else
		model_reached(0);
}

static void receive_two(void)
{
	unsigned x = 0;

	for (int i = 0; i < 2; i++)
		MODEL_CHECK(chp_mpsc_recv(&rx, &x) == 0 && x == one);
}

static void drop_two_filled(void)
{
	MODEL_CHECK(chp_mpsc_capacity(&tx) + chp_mpsc_len(&rx) == 2);
	drop_all();
}

SCENARIO(mpsc_reserve_one_by_one, .setup = make_full_2,
	 .threads = { reserve_both, receive_three }, .check = drop_all,
	 .bound = 3);
SCENARIO(mpsc_leave_or_free, .setup = make_full_2,
	 .threads = { send_or_leave, send_two, receive_two },
	 .check = drop_two_filled, .bound = 2, .must_reach = 1);
