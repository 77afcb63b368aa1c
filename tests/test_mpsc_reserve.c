/*
 * test_mpsc_reserve.c - one place reserved, as a permit and as an owned permit
 * alike: at once, by trying, waiting or polling; in the senders' queue; given
 * up, closed, out of budget.  Waits that end are in test_mpsc_reserve_wait.c,
 * several places at once in test_mpsc_permit.c, and what becomes of an owned
 * permit's sender later in test_mpsc_owned.c.
 */
#include "mpsc_hold.h"

/* ---- A place that is free ---- */

static void a_free_place_is_reserved_at_once(void)
{
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait once = { .deadline = 1 }, with = { .cancel = &token };
	struct hold h;

	for (enum way way = BORROWED; way <= OWNED; way++) {
		make(2);
		hold_new(&h, way);
		for (int how = 0; how < 4; how++) {
			CHECK_CODE(how == 0   ? hold_try(&h)
				   : how == 1 ? hold_wait(&h, NULL)
				   : how == 2 ? hold_wait(&h, &once)
					      : hold_wait(&h, &with),
				   0);
			CHECK(has_place(&h));
			CHECK_EQ(chp_mpsc_capacity(&tx), 1);
			CHECK_EQ(chp_mpsc_len(&rx), 0);
			CHECK_EQ(chp_mpsc_strong_count(&tx), 2);
			if (how & 1)
				hold_send(&h, how);
			else
				hold_give_back(&h);
			if (how & 1)
				CHECK_EQ(take(), how);
			CHECK_EQ(chp_mpsc_capacity(&tx), 2);
		}
		chp_mpsc_tx_drop(&h.tx);
		drop_both();
		CHECK_EQ(h_load(&drops), 0);
	}
	chp_cancel_destroy(&token);
}

static void refused(struct hold *h, int by_trying, int by_waiting)
{
	CHECK_CODE(hold_try(h), by_trying);
	CHECK(!h->place.ch || h->way == OWNED);
	CHECK(!h->owned.ch || h->way == BORROWED);
	h->place = (chp_mpsc_permit){ (void *)h, 9 };
	h->owned = (chp_mpsc_owned_permit){ (void *)h };
	CHECK_CODE(hold_wait(h, NULL), by_waiting);
	CHECK(!h->place.ch || h->way == OWNED);
	CHECK(!h->owned.ch || h->way == BORROWED);
}

static void where_there_are_no_places_none_is_reserved(void)
{
	chp_wait strange = { .flags = 1u << 31 };
	struct hold h;

	for (enum way way = BORROWED; way <= OWNED; way++) {
		tx = (chp_mpsc_tx){ NULL };
		hold_new(&h, way);
		refused(&h, CHP_EINVAL, CHP_EINVAL);
		make(0);
		hold_new(&h, way);
		refused(&h, CHP_EINVAL, CHP_EINVAL);
		CHECK(has_nothing(&h));
		chp_mpsc_tx_drop(&h.tx);
		drop_both();

		make(1);
		hold_new(&h, way);
		if (h_mode() != H_POLLED) {
			CHECK_CODE(hold_wait(&h, &strange), CHP_EINVAL);
			CHECK(has_nothing(&h));
		}
		chp_mpsc_close(&rx);
		refused(&h, CHP_ECLOSED, CHP_ECLOSED);
		CHECK(has_nothing(&h));
		CHECK_EQ(chp_mpsc_strong_count(&tx), 2);
		chp_mpsc_tx_drop(&h.tx);
		drop_both();
	}
}

/* ---- The queue, polled by hand ---- */

static void reservations_and_sends_are_one_queue(void)
{
	struct hold first, third, late;
	struct queued second;
	chp_op *one, *three;

	make_full();
	one = hold_queue(&first, OWNED);
	enqueue_send(&second, 22);
	three = hold_queue(&third, BORROWED);
	hold_new(&late, BORROWED);

	CHECK_EQ(take(), 1);
	CHECK_EQ(h_wakes(&first.w), 1);
	CHECK_EQ(h_wakes(&second.w) + h_wakes(&third.w), 0);
	/* Its place, though it has not come for it. */
	CHECK_CODE(hold_try(&late), CHP_EAGAIN);
	CHECK_CODE(try_int(9), CHP_EAGAIN);
	CHECK_CODE(h_poll(three, &third.w), CHP_PENDING);
	CHECK_CODE(h_poll(one, &first.w), 0);
	CHECK(has_place(&first));
	hold_give_back(&first);
	CHECK_EQ(h_wakes(&second.w), 1);
	CHECK_EQ(h_wakes(&third.w), 0);
	CHECK_CODE(poll_it(&second), 0);
	CHECK_EQ(take(), 22);
	CHECK_EQ(h_wakes(&third.w), 1);
	CHECK_CODE(h_poll(three, &third.w), 0);
	CHECK_CODE(hold_try(&late), CHP_EAGAIN);
	hold_send(&third, 33);
	CHECK_EQ(take(), 33);
	CHECK_CODE(hold_try(&late), 0);
	hold_give_back(&late);
	chp_mpsc_tx_drop(&first.tx);
	chp_mpsc_tx_drop(&third.tx);
	chp_mpsc_tx_drop(&late.tx);
	drop_both();
}

static void a_reservation_given_up_serves_the_next(void)
{
	for (enum way way = BORROWED; way <= OWNED; way++) {
		struct hold a, b, c;
		chp_op *first, *second, *third;

		make_full();
		first = hold_queue(&a, way);
		second = hold_queue(&b, way);
		third = hold_queue(&c, !way);
		CHECK_EQ(chp_op_cancel(first), CHP_HELD_NOTHING);
		CHECK_EQ(h_refs(&a.w) + h_wakes(&a.w), 0);
		CHECK(has_nothing(&a));
		CHECK_EQ(take(), 1);
		CHECK_EQ(h_wakes(&b.w), 1);
		/* Granted, but not fetched. */
		CHECK_EQ(chp_op_cancel(second), CHP_GAVE_BACK);
		CHECK(has_nothing(&b));
		CHECK_EQ(h_wakes(&c.w), 1);
		CHECK_CODE(h_poll(third, &c.w), 0);
		CHECK(has_place(&c));
		CHECK_EQ(chp_mpsc_strong_count(&tx), 4);
		hold_give_back(&c);
		CHECK_EQ(chp_mpsc_capacity(&tx), 1);

		/* Given up before its first poll. */
		CHECK_EQ(chp_op_cancel(hold_op(&a)), CHP_HELD_NOTHING);
		CHECK(has_nothing(&a));
		CHECK_EQ(chp_mpsc_capacity(&tx), 1);
		chp_mpsc_tx_drop(&a.tx);
		chp_mpsc_tx_drop(&b.tx);
		chp_mpsc_tx_drop(&c.tx);
		drop_both();
	}
}

static void closing_takes_back_a_place_not_yet_fetched(void)
{
	for (enum way way = BORROWED; way <= OWNED; way++) {
		for (int cancel = 0; cancel < 2; cancel++) {
			struct hold h;
			chp_op *op;

			make_full();
			op = hold_queue(&h, way);
			CHECK_EQ(take(), 1);
			chp_mpsc_close(&rx);
			/* It counts as taken so long. */
			CHECK_EQ(chp_mpsc_rx_capacity(&rx), 0);
			CHECK_CODE(chp_mpsc_try_recv(&rx, NULL), CHP_EAGAIN);
			if (cancel)
				CHECK_EQ(chp_op_cancel(op), CHP_GAVE_BACK);
			else
				CHECK_CODE(h_poll(op, &h.w), CHP_ECLOSED);
			CHECK(has_nothing(&h));
			CHECK_EQ(h_refs(&h.w), 0);
			CHECK_EQ(chp_mpsc_rx_capacity(&rx), 1);
			CHECK_CODE(chp_mpsc_try_recv(&rx, NULL), CHP_ECLOSED);
			chp_mpsc_tx_drop(&h.tx);
			drop_both();
		}
	}
}

static void the_newest_waker_of_a_reservation_is_woken(void)
{
	for (enum way way = BORROWED; way <= OWNED; way++) {
		struct h_waker other = { 0 };
		struct hold h;
		chp_op *op;

		make_full();
		op = hold_queue(&h, way);
		CHECK_CODE(h_poll(op, &other), CHP_PENDING);
		CHECK_EQ(h_refs(&h.w), 0);
		CHECK_EQ(h_refs(&other), 1);
		CHECK_EQ(take(), 1);
		CHECK_EQ(h_wakes(&h.w), 0);
		CHECK_EQ(h_wakes(&other), 1);
		/* Nor does it need one. */
		CHECK_CODE(chp_op_poll(op, NULL), 0);
		CHECK(has_place(&h));
		hold_send(&h, 5);
		CHECK_EQ(take(), 5);
		chp_mpsc_tx_drop(&h.tx);
		drop_both();
	}
}

static void a_reservation_costs_one_of_the_budget(void)
{
	for (enum way way = BORROWED; way <= OWNED; way++) {
		uint32_t budget = 0;
		struct hold h;
		chp_op *op;

		make(1);
		hold_new(&h, way);
		op = hold_op(&h);
		CHECK_CODE(h_poll_within(op, &h.w, &budget), CHP_PENDING);
		CHECK_EQ(h_wakes(&h.w), 1);
		CHECK_EQ(chp_mpsc_capacity(&tx), 1);
		CHECK(has_nothing(&h));
		budget = 3;
		CHECK_CODE(h_poll_within(op, &h.w, &budget), 0);
		CHECK_EQ(budget, 2);

		/* Pending, out of budget when it is served, and given up. */
		budget = 1;
		hold_give_back(&h);
		CHECK_CODE(try_int(1), 0);
		op = hold_op(&h);
		CHECK_CODE(h_poll_within(op, &h.w, &budget), CHP_PENDING);
		CHECK_EQ(budget, 1);
		budget = 0;
		CHECK_EQ(take(), 1);
		CHECK_CODE(h_poll_within(op, &h.w, &budget), CHP_PENDING);
		CHECK_EQ(chp_op_cancel(op), CHP_GAVE_BACK);
		CHECK(has_nothing(&h));
		CHECK_EQ(chp_mpsc_capacity(&tx), 1);
		CHECK_EQ(h_refs(&h.w), 0);
		chp_mpsc_tx_drop(&h.tx);
		drop_both();
	}
}

static void drop_a_sender_that_reserves(void *arg)
{
	struct hold h;
	chp_op *op;

	make_full();
	op = hold_queue(&h, *(enum way *)arg);
	chp_mpsc_tx_drop(&h.tx);
	chp_op_cancel(op);
}

static void dropping_a_sender_that_reserves_is_misuse(void)
{
	for (enum way way = BORROWED; way <= OWNED; way++)
		h_must_panic(drop_a_sender_that_reserves, &way,
			     "mpsc: sender dropped");
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(dropping_a_sender_that_reserves_is_misuse, ON_ITS_OWN),
	TEST(a_free_place_is_reserved_at_once, IN_ALL),
	TEST(where_there_are_no_places_none_is_reserved, IN_ALL),
	TEST(reservations_and_sends_are_one_queue, IN_THREADS | IN_MT),
	TEST(a_reservation_given_up_serves_the_next, IN_THREADS | IN_MT),
	TEST(closing_takes_back_a_place_not_yet_fetched, IN_THREADS | IN_MT),
	TEST(the_newest_waker_of_a_reservation_is_woken, IN_THREADS | IN_MT),
	TEST(a_reservation_costs_one_of_the_budget, IN_THREADS | IN_MT),
};
/* clang-format on */
H_MAIN("mpsc_reserve", tests)
