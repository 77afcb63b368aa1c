/*
 * test_broadcast_wakers.c - receivers polled by hand: which waker is woken and
 * how often, many of them, and wakers that poll, cancel, send and destroy from
 * inside the call that wakes them.
 */
#include "broadcast.h"

static chp_broadcast_tx tx;
static chp_broadcast_rx rx;

static void make(size_t capacity)
{
	CHECK_CODE(chp_broadcast(capacity, sizeof(int), NULL, &tx, &rx), 0);
}

static void drop_both(void)
{
	chp_broadcast_tx_drop(&tx);
	chp_broadcast_rx_drop(&rx);
}

/* A receiver of its own, and a receive by it. */
struct waiting {
	chp_broadcast_rx rx;
	chp_broadcast_op op;
	struct h_waker w;
	uint64_t lagged;
	int got;
};

static void begin(struct waiting *r)
{
	memset(&r->w, 0, sizeof(r->w));
	r->got = -1;
	chp_broadcast_recv_op(&r->op, &r->rx, &r->got, &r->lagged);
	CHECK_CODE(h_poll(&r->op.op, &r->w), CHP_PENDING);
	CHECK_EQ(h_refs(&r->w), 1);
}

static void enter(struct waiting *r)
{
	memset(r, 0, sizeof(*r));
	CHECK_CODE(chp_broadcast_subscribe(&tx, &r->rx), 0);
	begin(r);
}

static void leave(struct waiting *r)
{
	chp_op_cancel(&r->op.op);
	CHECK_EQ(h_refs(&r->w), 0);
	chp_broadcast_rx_drop(&r->rx);
}

/* ---- One receiver ---- */

static void the_newest_waker_is_woken_once(void)
{
	struct h_waker second = { 0 };
	struct waiting r;

	make(4);
	enter(&r);
	CHECK_CODE(h_poll(&r.op.op, &second), CHP_PENDING);
	CHECK_EQ(h_refs(&r.w), 0);
	CHECK_EQ(h_refs(&second), 1);
	CHECK_CODE(h_poll(&r.op.op, &second), CHP_PENDING);
	CHECK_EQ(h_refs(&second), 1);
	bc_send(&tx, 3);
	bc_send(&tx, 4);
	CHECK_EQ(h_wakes(&r.w), 0);
	CHECK_EQ(h_wakes(&second), 1);
	CHECK_EQ(h_refs(&second), 0);
	CHECK_EQ(r.got, -1);
	CHECK_CODE(h_poll(&r.op.op, &r.w), 0);
	CHECK_EQ(r.got, 3);
	CHECK_EQ(h_refs(&r.w), 0);
	CHECK_NEXT(&r.rx, 4);
	leave(&r);
	drop_both();
}

static void a_poll_without_waker_keeps_the_place(void)
{
	struct waiting r;

	make(4);
	enter(&r);
	CHECK_CODE(chp_op_poll(&r.op.op, NULL), CHP_PENDING);
	CHECK_EQ(h_refs(&r.w), 0);
	bc_send(&tx, 1);
	CHECK_EQ(h_wakes(&r.w), 0);
	CHECK_CODE(chp_op_poll(&r.op.op, NULL), 0);
	CHECK_EQ(r.got, 1);
	leave(&r);
	drop_both();
}

/* Woken, then given up: the value is still there. */
static void a_cancelled_receive_has_taken_nothing(void)
{
	struct waiting r;

	make(4);
	enter(&r);
	CHECK_EQ(chp_op_cancel(&r.op.op), CHP_HELD_NOTHING);
	CHECK_EQ(h_refs(&r.w), 0);
	begin(&r);
	bc_send(&tx, 5);
	CHECK_EQ(h_wakes(&r.w), 1);
	CHECK_EQ(chp_op_cancel(&r.op.op), CHP_HELD_NOTHING);
	CHECK_EQ(r.got, -1);
	CHECK_NEXT(&r.rx, 5);
	/* An operation that was never polled holds nothing either. */
	chp_broadcast_recv_op(&r.op, &r.rx, &r.got, NULL);
	leave(&r);
	drop_both();
}

static void a_woken_receive_may_find_that_it_lags(void)
{
	struct waiting r;

	make(2);
	enter(&r);
	for (int v = 0; v < 7; v++)
		bc_send(&tx, v);
	CHECK_EQ(h_wakes(&r.w), 1);
	CHECK_CODE(h_poll(&r.op.op, &r.w), CHP_ELAGGED);
	CHECK_EQ(r.lagged, 5);
	CHECK_NEXT(&r.rx, 5);
	leave(&r);
	drop_both();
}

static void a_woken_receive_may_find_the_end(void)
{
	struct waiting r;

	make(2);
	enter(&r);
	chp_broadcast_tx_drop(&tx);
	CHECK_EQ(h_wakes(&r.w), 1);
	CHECK_CODE(h_poll(&r.op.op, &r.w), CHP_ECLOSED);
	leave(&r);
	drop_both();
}

/* Two receives of one receiver: what one takes the other does not. */
static void a_second_receive_of_the_same_receiver_waits_on(void)
{
	struct h_waker w = { 0 };
	chp_broadcast_op second;
	struct waiting r;
	int got = -1;

	make(4);
	enter(&r);
	chp_broadcast_recv_op(&second, &r.rx, &got, NULL);
	CHECK_CODE(h_poll(&second.op, &w), CHP_PENDING);
	bc_send(&tx, 1);
	CHECK_EQ(h_wakes(&r.w), 1);
	CHECK_EQ(h_wakes(&w), 1);
	CHECK_CODE(h_poll(&second.op, &w), 0);
	CHECK_EQ(got, 1);
	CHECK_CODE(h_poll(&r.op.op, &r.w), CHP_PENDING);
	CHECK_EQ(h_refs(&r.w), 1);
	bc_send(&tx, 2);
	CHECK_EQ(h_wakes(&r.w), 2);
	CHECK_CODE(h_poll(&r.op.op, &r.w), 0);
	CHECK_EQ(r.got, 2);
	CHECK_EQ(h_refs(&w), 0);
	leave(&r);
	drop_both();
}

/* ---- Many receivers (tokio #5925) ---- */

static void each_of_many_is_woken_once_by_a_send(void)
{
	int many = (int)h_rounds(5000) + 100;
	struct waiting *r = calloc((size_t)many, sizeof(*r));

	make(4);
	for (int i = 0; i < many; i++)
		enter(&r[i]);
	for (int round = 0; round < 3; round++) {
		CHECK_EQ(bc_send(&tx, round), many + 1);
		for (int i = 0; i < many; i++) {
			CHECK_EQ(h_wakes(&r[i].w), 1);
			CHECK_EQ(h_refs(&r[i].w), 0);
			CHECK_CODE(h_poll(&r[i].op.op, &r[i].w), 0);
			CHECK_EQ(r[i].got, round);
			begin(&r[i]);
		}
	}
	/* Some leave, from anywhere in the queue. */
	for (int i = 0; i < many; i += 3)
		leave(&r[i]);
	CHECK_EQ(bc_send(&tx, 9), many + 1 - (many + 2) / 3);
	for (int i = 0; i < many; i++) {
		CHECK_EQ(h_wakes(&r[i].w), i % 3 != 0);
		if (i % 3)
			leave(&r[i]);
	}
	drop_both();
	free(r);
}

static void each_of_many_is_told_of_the_end(void)
{
	enum { MANY = 200 };
	struct waiting *r = calloc(MANY, sizeof(*r));

	make(4);
	for (int i = 0; i < MANY; i++)
		enter(&r[i]);
	chp_broadcast_tx_drop(&tx);
	for (int i = 0; i < MANY; i++) {
		CHECK_EQ(h_wakes(&r[i].w), 1);
		CHECK_CODE(h_poll(&r[i].op.op, &r[i].w), CHP_ECLOSED);
		leave(&r[i]);
	}
	drop_both();
	free(r);
}

/* ---- Receivers that deal with themselves when woken ---- */

enum { ACTORS = 100 };

struct actor {
	chp_broadcast_rx rx;
	chp_broadcast_op op;
	int got, refs;
	bool gone;
	void (*act)(struct actor *self);
};

static int woken, received, ended, alive;
static struct actor *actors[ACTORS];

static void actor_unref(void *data)
{
	struct actor *a = data;

	if (--a->refs)
		return;
	alive--;
	free(a);
}

static void actor_wake(void *data)
{
	struct actor *a = data;

	woken++;
	if (!a->gone)
		a->act(a);
	actor_unref(a);
}

static void actor_retain(void *data)
{
	((struct actor *)data)->refs++;
}

static const chp_waker_class actor_class = { actor_wake, actor_retain,
					     actor_unref };

static void start_actors(void (*act)(struct actor *))
{
	woken = received = ended = 0;
	alive = ACTORS;
	for (int i = 0; i < ACTORS; i++) {
		struct actor *a = actors[i] = calloc(1, sizeof(*a));
		chp_poll_ctx ctx =
			chp_poll_ctx_of((chp_waker){ &actor_class, a });

		a->act = act;
		a->refs = 1;
		CHECK_CODE(chp_broadcast_subscribe(&tx, &a->rx), 0);
		chp_broadcast_recv_op(&a->op, &a->rx, &a->got, NULL);
		CHECK_CODE(chp_op_poll(&a->op.op, &ctx), CHP_PENDING);
	}
}

static void vanish(struct actor *a)
{
	chp_broadcast_rx_drop(&a->rx);
	memset(&a->op, 0xdd, sizeof(a->op));
	a->gone = true;
	actor_unref(a);
}

static void finish(struct actor *a)
{
	int r = chp_op_poll(&a->op.op, NULL);

	received += r == 0;
	ended += r == CHP_ECLOSED;
	if (r == 0)
		CHECK_EQ(a->got, 5);
	vanish(a);
}

static void give_up(struct actor *a)
{
	CHECK_EQ(chp_op_cancel(&a->op.op), CHP_HELD_NOTHING);
	vanish(a);
}

/* The first to be woken ends the others, whether they are woken or not. */
static void finish_all(struct actor *self)
{
	(void)self;
	for (int i = 0; i < ACTORS; i++)
		if (!actors[i]->gone)
			finish(actors[i]);
}

static void look_around_and_finish(struct actor *a)
{
	chp_broadcast_rx extra;

	/* With none of the library's locks held, all this is allowed. */
	chp_broadcast_tx_len(&tx);
	CHECK_CODE(chp_broadcast_subscribe_from_oldest(&tx, &extra), 0);
	CHECK(bc_send(&tx, 6) > 0);
	chp_broadcast_rx_drop(&extra);
	finish(a);
}

static void receivers_may_finish_in_their_wakers(void)
{
	make(2 * ACTORS);
	start_actors(finish);
	CHECK_EQ(bc_send(&tx, 5), ACTORS + 1);
	CHECK_EQ(woken, ACTORS);
	CHECK_EQ(received, ACTORS);
	CHECK_EQ(chp_broadcast_receiver_count(&tx), 1);

	start_actors(look_around_and_finish);
	CHECK_EQ(bc_send(&tx, 5), ACTORS + 1);
	CHECK_EQ(woken, ACTORS);
	CHECK_EQ(received, ACTORS);

	start_actors(finish);
	chp_broadcast_tx_drop(&tx);
	CHECK_EQ(woken, ACTORS);
	CHECK_EQ(ended, ACTORS);
	drop_both();
}

static void receivers_may_give_up_in_their_wakers(void)
{
	make(4);
	start_actors(give_up);
	CHECK_EQ(bc_send(&tx, 5), ACTORS + 1);
	CHECK_EQ(woken, ACTORS);
	CHECK_EQ(alive, 0);
	CHECK_EQ(chp_broadcast_tx_len(&tx), 1);
	CHECK_NEXT(&rx, 5);
	CHECK_EQ(chp_broadcast_tx_len(&tx), 0);
	drop_both();
}

/* Whose turn has not come needs no wake any more; nobody is left behind. */
static void one_waker_may_finish_all_the_others(void)
{
	make(4);
	start_actors(finish_all);
	/* Ours, so that they can be looked at when they are gone. */
	for (int i = 0; i < ACTORS; i++)
		actors[i]->refs++;
	CHECK_EQ(bc_send(&tx, 5), ACTORS + 1);
	CHECK_EQ(received, ACTORS);
	CHECK(woken > 0 && woken <= ACTORS);
	CHECK_EQ(alive, ACTORS);
	for (int i = 0; i < ACTORS; i++)
		actor_unref(actors[i]);
	CHECK_EQ(alive, 0);
	CHECK_EQ(chp_broadcast_receiver_count(&tx), 1);
	drop_both();
}

/* The sender itself goes while it is at work. */
static void drop_the_sender_and_finish(struct actor *a)
{
	chp_broadcast_tx_drop(&tx);
	finish(a);
}

static void the_sender_may_be_dropped_by_a_waker(void)
{
	make(4);
	chp_broadcast_rx_drop(&rx);
	start_actors(drop_the_sender_and_finish);
	CHECK_EQ(bc_send(&tx, 5), ACTORS);
	CHECK_EQ(woken, ACTORS);
	CHECK_EQ(received, ACTORS);
	CHECK(!tx.ch);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(the_newest_waker_is_woken_once, IN_ALL),
	TEST(a_poll_without_waker_keeps_the_place, IN_ALL),
	TEST(a_cancelled_receive_has_taken_nothing, IN_ALL),
	TEST(a_woken_receive_may_find_that_it_lags, IN_ALL),
	TEST(a_woken_receive_may_find_the_end, IN_ALL),
	TEST(a_second_receive_of_the_same_receiver_waits_on, IN_ALL),
	TEST(each_of_many_is_woken_once_by_a_send, IN_ALL),
	TEST(each_of_many_is_told_of_the_end, IN_ALL),
	TEST(receivers_may_finish_in_their_wakers, IN_ALL),
	TEST(receivers_may_give_up_in_their_wakers, IN_ALL),
	TEST(one_waker_may_finish_all_the_others, IN_ALL),
	TEST(the_sender_may_be_dropped_by_a_waker, IN_ALL),
};
/* clang-format on */
H_MAIN("broadcast_wakers", tests)
