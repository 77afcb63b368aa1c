/*
 * scenario_mpsc_steps.c - mpsc step by step: what a promise that is used or
 * given back leaves, who is woken and who is not.  Most are of one thread.
 */
#include "mpsc_pair.h"

static void make_full(void)
{
	make(1);
	MODEL_CHECK(chp_mpsc_try_send(&tx, &one) == 0);
}

static int poll(chp_op *op)
{
	return poll_with(op, &waker);
}

/* It gives x, and has nothing then. */
static void receive_only(unsigned x)
{
	unsigned got = 0;

	MODEL_CHECK(chp_mpsc_try_recv(&rx, &got) == 0 && got == x);
	MODEL_CHECK(chp_mpsc_try_recv(&rx, &got) == CHP_EAGAIN);
}

/* ---- A send that was promised a place ---- */

static void promise(chp_send_op *op)
{
	unsigned got = 0;

	chp_mpsc_send_op(op, &tx, &two);
	MODEL_CHECK(poll(&op->op) == CHP_PENDING);
	MODEL_CHECK(chp_mpsc_try_recv(&rx, &got) == 0 && got == 1);
	MODEL_CHECK(woken(&waker) == 1);
	MODEL_CHECK(chp_mpsc_capacity(&tx_2) == 0);
}

static void promise_used(void)
{
	chp_send_op op;

	promise(&op);
	MODEL_CHECK(poll(&op.op) == 0);
	receive_only(2);
	MODEL_CHECK(chp_mpsc_capacity(&tx_2) == 1);
}

static void promise_cancelled(void)
{
	chp_send_op op;

	promise(&op);
	MODEL_CHECK(chp_op_cancel(&op.op) == CHP_GAVE_BACK);
	MODEL_CHECK(chp_mpsc_capacity(&tx_2) == 1);
}

/* The place is given back, so the receiver is at the end. */
static void promise_closed(void)
{
	unsigned got;
	chp_send_op op;

	promise(&op);
	chp_mpsc_close(&rx);
	MODEL_CHECK(chp_mpsc_try_recv(&rx, &got) == CHP_EAGAIN);
	MODEL_CHECK(poll(&op.op) == CHP_ECLOSED);
	MODEL_CHECK(chp_mpsc_try_recv(&rx, &got) == CHP_ECLOSED);
}

SCENARIO(mpsc_promise_used, .setup = make_full, .threads = { promise_used },
	 .check = drop_all);
SCENARIO(mpsc_promise_cancelled, .setup = make_full,
	 .threads = { promise_cancelled }, .check = drop_all);
SCENARIO(mpsc_promise_closed, .setup = make_full, .threads = { promise_closed },
	 .check = drop_all);

/* ---- The receiver is woken when there is something, and not before ---- */

static void permit_dropped(void)
{
	chp_mpsc_permit permit;
	chp_recv_op op;
	unsigned got = 0;

	MODEL_CHECK(chp_mpsc_try_reserve(&tx, &permit) == 0);
	chp_mpsc_recv_op(&op, &rx, &got);
	MODEL_CHECK(poll(&op.op) == CHP_PENDING);
	chp_mpsc_permit_drop(&permit);
	MODEL_CHECK(woken(&waker) == 0);
	MODEL_CHECK(chp_mpsc_try_send(&tx, &one) == 0);
	MODEL_CHECK(woken(&waker) == 1);
	MODEL_CHECK(poll(&op.op) == 0 && got == 1);
}

static void close_while_waiting(void)
{
	chp_recv_op op;
	unsigned got;

	chp_mpsc_recv_op(&op, &rx, &got);
	MODEL_CHECK(poll(&op.op) == CHP_PENDING);
	chp_mpsc_close(&rx);
	MODEL_CHECK(woken(&waker) == 1);
	MODEL_CHECK(poll(&op.op) == CHP_ECLOSED);
}

/* Closed, but for one who may still send. */
static void close_with_permit(void)
{
	chp_mpsc_permit permit;
	chp_recv_op op;
	unsigned got;

	MODEL_CHECK(chp_mpsc_try_reserve(&tx, &permit) == 0);
	chp_mpsc_recv_op(&op, &rx, &got);
	MODEL_CHECK(poll(&op.op) == CHP_PENDING);
	chp_mpsc_close(&rx);
	MODEL_CHECK(woken(&waker) == 0);
	chp_mpsc_permit_drop(&permit);
	MODEL_CHECK(woken(&waker) == 1);
	MODEL_CHECK(poll(&op.op) == CHP_ECLOSED);
}

SCENARIO(mpsc_permit_dropped, .setup = make_1, .threads = { permit_dropped },
	 .check = drop_all);
SCENARIO(mpsc_close_while_waiting, .setup = make_1,
	 .threads = { close_while_waiting }, .check = drop_all);
SCENARIO(mpsc_close_with_permit, .setup = make_1,
	 .threads = { close_with_permit }, .check = drop_all);

static void owned_release(void)
{
	chp_mpsc_owned_permit permit;

	MODEL_CHECK(chp_mpsc_try_reserve_owned(&tx, &permit) == 0);
	MODEL_CHECK(chp_mpsc_capacity(&tx_2) == 0);
	chp_mpsc_owned_permit_release(&permit, &tx);
	MODEL_CHECK(chp_mpsc_capacity(&tx_2) == 1);
}

SCENARIO(mpsc_owned_release, .setup = make_1, .threads = { owned_release },
	 .check = drop_all);

/* ---- Who destroys a message makes room as well ---- */

static void send_two(void)
{
	MODEL_CHECK(chp_mpsc_send(&tx, &two) == 0);
}

static void destroy_and_receive(void)
{
	unsigned got = 0;

	MODEL_CHECK(chp_mpsc_recv(&rx, NULL) == 0);
	MODEL_CHECK(chp_mpsc_recv(&rx, &got) == 0 && got == 2);
}

static void destroy_serves(void)
{
	chp_send_op op;

	chp_mpsc_send_op(&op, &tx, &two);
	MODEL_CHECK(poll(&op.op) == CHP_PENDING);
	MODEL_CHECK(chp_mpsc_try_recv(&rx, NULL) == 0);
	MODEL_CHECK(woken(&waker) == 1);
	MODEL_CHECK(poll(&op.op) == 0);
	receive_only(2);
}

SCENARIO(mpsc_destroy_recv, .setup = make_full,
	 .threads = { send_two, destroy_and_receive }, .check = drop_all,
	 .bound = 2);
SCENARIO(mpsc_destroy_serves, .setup = make_full, .threads = { destroy_serves },
	 .check = drop_all);

/* ---- Who leaves the queue lets those behind pass ---- */

static chp_mpsc_permit held, wanted;
static chp_send_op first;

/* One of two places is taken, and the first in the queue wants both. */
static void make_queue(void)
{
	make(2);
	MODEL_CHECK(chp_mpsc_try_reserve(&tx_2, &held) == 0);
	chp_mpsc_reserve_many_op(&first, &tx_2, 2, &wanted);
	MODEL_CHECK(poll(&first.op) == CHP_PENDING);
}

static void drop_queue(void)
{
	chp_mpsc_permit_drop(&held);
	MODEL_CHECK(chp_mpsc_capacity(&tx) == 2);
	drop_all();
}

static void leave_queue(void)
{
	MODEL_CHECK(chp_op_cancel(&first.op) == CHP_HELD_NOTHING);
}

static void receive_two(void)
{
	unsigned got = 0;

	MODEL_CHECK(chp_mpsc_recv(&rx, &got) == 0 && got == 2);
}

/* The sender's value is moved for it, and the receiver told. */
SCENARIO(mpsc_leave_queue, .setup = make_queue,
	 .threads = { send_two, receive_two, leave_queue }, .check = drop_queue,
	 .bound = 1);

static void leave_and_look(void)
{
	chp_mpsc_permit permit;
	chp_send_op op;

	chp_mpsc_reserve_op(&op, &tx, &permit);
	MODEL_CHECK(poll_with(&op.op, &waker_2) == CHP_PENDING);
	leave_queue();
	MODEL_CHECK(woken(&waker) == 0 && woken(&waker_2) == 1);
	MODEL_CHECK(poll_with(&op.op, &waker_2) == 0);
	chp_mpsc_permit_drop(&permit);
}

SCENARIO(mpsc_leave_queue_woken, .setup = make_queue,
	 .threads = { leave_and_look }, .check = drop_queue);

/* ---- Blocks: the next one, and one that is used again ---- */

struct large {
	unsigned x[64]; /* eight in a block */
};

static void many_blocks(void)
{
	struct large in = { { 0 } }, out;

	MODEL_CHECK(chp_mpsc_unbounded(sizeof(in), NULL, &tx, &rx) == 0);
	for (int round = 0; round < 2; round++) {
		for (in.x[0] = 0; in.x[0] < 17; in.x[0]++)
			MODEL_CHECK(chp_mpsc_send(&tx, &in) == 0);
		for (unsigned x = 0; x < 17; x++)
			MODEL_CHECK(chp_mpsc_try_recv(&rx, &out) == 0 &&
				    out.x[0] == x);
		MODEL_CHECK(chp_mpsc_is_empty(&rx));
	}
}

/* The sender goes on to a new block while the receiver empties the old. */
static void make_block(void)
{
	struct large in = { { 1 } };

	MODEL_CHECK(chp_mpsc_unbounded(sizeof(in), NULL, &tx, &rx) == 0);
	for (int i = 0; i < 7; i++)
		MODEL_CHECK(chp_mpsc_send(&tx, &in) == 0);
	for (int i = 0; i < 7; i++)
		MODEL_CHECK(chp_mpsc_try_recv(&rx, &in) == 0);
}

static void send_large(void)
{
	struct large in = { { 1 } };

	for (int i = 0; i < 2; i++)
		MODEL_CHECK(chp_mpsc_send(&tx, &in) == 0);
}

static void receive_large(void)
{
	struct large out = { { 0 } };

	for (int i = 0; i < 2; i++) {
		MODEL_CHECK(chp_mpsc_recv(&rx, &out) == 0 && out.x[0] == 1);
		out.x[0] = 0;
	}
}

SCENARIO(mpsc_many_blocks, .threads = { many_blocks }, .check = drop_all);
SCENARIO(mpsc_next_block, .setup = make_block,
	 .threads = { send_large, receive_large }, .check = drop_all,
	 .bound = 2);
