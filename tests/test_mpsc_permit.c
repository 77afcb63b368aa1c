/*
 * test_mpsc_permit.c - reserving places: one or several, in the senders'
 * queue, partly collected, given up; every place given back serves the next.
 * The receiver's close and drop are in test_mpsc_permit_close.c, owned permits
 * in test_mpsc_owned.c.
 */
#include "mpsc.h"

/* ---- Places ---- */

static void a_permit_is_a_place_taken(void)
{
	chp_mpsc_permit p;

	make(3);
	if (h_mode() == H_POLLED)
		p = reserved(1);
	else
		CHECK_CODE(chp_mpsc_reserve(&tx, &p), 0);
	CHECK_EQ(p.count, 1);
	CHECK_EQ(chp_mpsc_capacity(&tx), 2);
	CHECK_EQ(chp_mpsc_rx_capacity(&rx), 2);
	CHECK_EQ(chp_mpsc_len(&rx), 0);
	CHECK_EQ(chp_mpsc_strong_count(&tx), 1);
	CHECK_CODE(chp_mpsc_try_recv(&rx, NULL), CHP_EAGAIN);
	CHECK_CODE(permit_int(&p, 4), 0);
	CHECK_EQ(p.count, 0);
	CHECK_EQ(chp_mpsc_capacity(&tx), 2);
	CHECK_EQ(chp_mpsc_len(&rx), 1);
	CHECK_CODE(permit_int(&p, 5), CHP_EINVAL);
	CHECK_EQ(take(), 4);
	CHECK_EQ(chp_mpsc_capacity(&tx), 3);
	chp_mpsc_permit_drop(&p);
	chp_mpsc_permit_drop(&p);
	CHECK_EQ(chp_mpsc_capacity(&tx), 3);
	drop_both();
	CHECK_EQ(h_load(&drops), 0);
}

static void permits_fill_a_channel(void)
{
	chp_mpsc_permit p, more;

	make(4);
	p = reserved(3);
	CHECK_EQ(chp_mpsc_capacity(&tx), 1);
	CHECK_CODE(chp_mpsc_try_reserve_many(&tx, 2, &more), CHP_EAGAIN);
	CHECK_CODE(chp_mpsc_try_reserve_many(&tx, 1, &more), 0);
	CHECK_EQ(more.count, 1);
	CHECK_CODE(chp_mpsc_try_send(&tx, &(int){ 9 }), CHP_EAGAIN);
	CHECK_CODE(permit_int(&p, 1), 0);
	CHECK_CODE(permit_int(&more, 2), 0);
	CHECK_CODE(permit_int(&p, 3), 0);
	CHECK_EQ(p.count, 1);
	/* In the order sent, not reserved. */
	for (int i = 1; i <= 3; i++)
		CHECK_EQ(take(), i);
	CHECK_EQ(chp_mpsc_capacity(&tx), 3);
	chp_mpsc_permit_drop(&p);
	CHECK_EQ(p.count, 0);
	CHECK_CODE(permit_int(&p, 4), CHP_EINVAL);
	CHECK_EQ(chp_mpsc_capacity(&tx), 4);
	drop_both();
}

static void reserving_nothing_succeeds_even_when_full(void)
{
	struct queued q;
	chp_mpsc_permit p = { (void *)&q, 9 };

	make(1);
	CHECK_CODE(send_int(1), 0);
	CHECK_CODE(mpsc_reserve(&tx, 0, &p, NULL), 0);
	CHECK_EQ(p.count, 0);
	CHECK_CODE(permit_int(&p, 1), CHP_EINVAL);
	chp_mpsc_permit_drop(&p);
	CHECK_CODE(chp_mpsc_try_reserve_many(&tx, 0, &p), 0);
	CHECK_EQ(p.count, 0);
	enqueue_reserve(&q, 1);
	CHECK_CODE(mpsc_reserve(&tx, 0, &p, NULL), 0);
	CHECK_EQ(chp_op_cancel(&q.op.op), CHP_HELD_NOTHING);

	chp_mpsc_close(&rx);
	CHECK_CODE(mpsc_reserve(&tx, 0, &p, NULL), CHP_ECLOSED);
	CHECK_CODE(chp_mpsc_try_reserve_many(&tx, 0, &p), CHP_ECLOSED);
	CHECK_EQ(take(), 1);
	CHECK_CODE(chp_mpsc_try_recv(&rx, NULL), CHP_ECLOSED);
	drop_both();
}

static void reserving_more_than_fits_fails_at_once(void)
{
	const size_t too_many[] = { 5, 6, SIZE_MAX / 2, SIZE_MAX };
	chp_mpsc_permit p;

	make(4);
	for (int closed = 0; closed < 2; closed++) {
		for (int i = 0; i < 4; i++) {
			p = (chp_mpsc_permit){ (void *)&p, 9 };
			CHECK_CODE(mpsc_reserve(&tx, too_many[i], &p, NULL),
				   CHP_ECLOSED);
			CHECK(!p.ch && p.count == 0);
			p = (chp_mpsc_permit){ (void *)&p, 9 };
			CHECK_CODE(
				chp_mpsc_try_reserve_many(&tx, too_many[i], &p),
				CHP_EAGAIN);
			CHECK(!p.ch && p.count == 0);
		}
		CHECK_EQ(chp_mpsc_capacity(&tx), 4);
		chp_mpsc_close(&rx);
		CHECK_CODE(chp_mpsc_try_reserve_many(&tx, 4, &p), CHP_ECLOSED);
		CHECK_CODE(mpsc_reserve(&tx, 4, &p, NULL), CHP_ECLOSED);
	}
	drop_both();
}

static void places_cannot_be_reserved_where_there_are_none(void)
{
	chp_mpsc_tx none = { 0 };
	chp_mpsc_permit p = { (void *)&none, 9 };

	CHECK_CODE(mpsc_reserve(&none, 1, &p, NULL), CHP_EINVAL);
	CHECK(!p.ch && p.count == 0);
	CHECK_CODE(chp_mpsc_try_reserve_many(&none, 1, &p), CHP_EINVAL);
	CHECK_CODE(chp_mpsc_unbounded(4, NULL, &tx, &rx), 0);
	p = (chp_mpsc_permit){ (void *)&none, 9 };
	CHECK_CODE(mpsc_reserve(&tx, 1, &p, NULL), CHP_EINVAL);
	CHECK(!p.ch && p.count == 0);
	CHECK_CODE(mpsc_reserve(&tx, 0, &p, NULL), CHP_EINVAL);
	CHECK_CODE(chp_mpsc_try_reserve_many(&tx, 1, &p), CHP_EINVAL);
	p = (chp_mpsc_permit){ 0 };
	CHECK_CODE(permit_int(&p, 1), CHP_EINVAL);
	chp_mpsc_permit_drop(&p);
	drop_both();
}

/* ---- The queue ---- */

static void the_head_collects_places_and_those_behind_wait(void)
{
	struct queued three, one;

	make(3);
	CHECK_CODE(send_int(1), 0);
	CHECK_CODE(send_int(2), 0);
	enqueue_reserve(&three, 3);
	/* The free place is the head's now. */
	CHECK_EQ(chp_mpsc_capacity(&tx), 0);
	CHECK_CODE(chp_mpsc_try_send(&tx, &(int){ 9 }), CHP_EAGAIN);
	enqueue_reserve(&one, 1);
	CHECK_EQ(take(), 1);
	CHECK_EQ(h_wakes(&three.w), 0);
	CHECK_EQ(h_wakes(&one.w), 0);
	CHECK_EQ(take(), 2);
	CHECK_EQ(h_wakes(&three.w), 1);
	CHECK_EQ(h_wakes(&one.w), 0);
	CHECK_CODE(poll_it(&three), 0);
	CHECK_EQ(three.permit.count, 3);
	CHECK_CODE(poll_it(&one), CHP_PENDING);
	CHECK_CODE(permit_int(&three.permit, 3), 0);
	CHECK_EQ(h_wakes(&one.w), 0);
	chp_mpsc_permit_drop(&three.permit);
	CHECK_EQ(h_wakes(&one.w), 1);
	CHECK_CODE(poll_it(&one), 0);
	CHECK_EQ(chp_mpsc_capacity(&tx), 1);
	chp_mpsc_permit_drop(&one.permit);
	CHECK_EQ(chp_mpsc_capacity(&tx), 2);
	drop_both();
	CHECK_EQ(h_load(&drops), 1);
}

static void a_reservation_given_up_passes_its_part_on(void)
{
	struct queued three, one[3];

	make(3);
	CHECK_CODE(send_int(1), 0);
	enqueue_reserve(&three, 3);
	for (int i = 0; i < 3; i++)
		enqueue_reserve(&one[i], 1);
	chp_op_cancel(&three.op.op);
	CHECK_EQ(h_refs(&three.w), 0);
	CHECK(!three.permit.ch && three.permit.count == 0);
	CHECK_EQ(h_wakes(&one[0].w), 1);
	CHECK_EQ(h_wakes(&one[1].w), 1);
	CHECK_EQ(h_wakes(&one[2].w), 0);
	/* Granted, and given up: passed on to the third. */
	CHECK_EQ(chp_op_cancel(&one[0].op.op), CHP_GAVE_BACK);
	CHECK_EQ(h_wakes(&one[2].w), 1);
	CHECK_CODE(poll_it(&one[1]), 0);
	CHECK_CODE(poll_it(&one[2]), 0);
	chp_mpsc_permit_drop(&one[1].permit);
	chp_mpsc_permit_drop(&one[2].permit);
	CHECK_EQ(chp_mpsc_capacity(&tx), 2);
	drop_both();
}

static void dropped_places_serve_as_many_senders(void)
{
	chp_mpsc_permit p;
	struct queued q[5];

	make(4);
	p = reserved(4);
	for (int i = 0; i < 5; i++)
		enqueue_reserve(&q[i], 1);
	chp_mpsc_permit_drop(&p);
	for (int i = 0; i < 5; i++) {
		CHECK_EQ(h_wakes(&q[i].w), i < 4);
		if (i < 4)
			CHECK_CODE(poll_it(&q[i]), 0);
	}
	/* A place used and received serves the fifth. */
	CHECK_CODE(permit_int(&q[2].permit, 1), 0);
	CHECK_EQ(h_wakes(&q[4].w), 0);
	CHECK_EQ(take(), 1);
	CHECK_EQ(h_wakes(&q[4].w), 1);
	CHECK_CODE(poll_it(&q[4]), 0);
	for (int i = 0; i < 5; i++)
		chp_mpsc_permit_drop(&q[i].permit);
	CHECK_EQ(chp_mpsc_capacity(&tx), 4);
	drop_both();
}

struct reserver {
	struct h_agent a;
	chp_mpsc_tx tx;
	int first;
};

static void *reserve_and_send(void *arg)
{
	struct reserver *r = arg;
	chp_mpsc_permit p;

	CHECK_CODE(mpsc_reserve(&r->tx, 3, &p, NULL), 0);
	for (int i = 0; i < 3; i++)
		CHECK_CODE(permit_int(&p, r->first + i), 0);
	chp_mpsc_permit_drop(&p);
	chp_mpsc_tx_drop(&r->tx);
	return NULL;
}

static void blocked_reservations_are_served_by_the_receiver(void)
{
	enum { AGENTS = 12 };
	struct reserver r[AGENTS];
	int sum = 0, n = 0, v;

	make(4);
	for (int i = 0; i < AGENTS; i++) {
		r[i].first = 3 * i;
		chp_mpsc_tx_clone(&tx, &r[i].tx);
		h_spawn(&r[i].a, reserve_and_send, &r[i]);
	}
	chp_mpsc_tx_drop(&tx);
	for (; mpsc_recv(&rx, &v, NULL) == 0; n++)
		sum += v;
	CHECK_EQ(n, 3 * AGENTS);
	CHECK_EQ(sum, n * (n - 1) / 2);
	for (int i = 0; i < AGENTS; i++)
		h_join(&r[i].a);
	drop_both();
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_permit_is_a_place_taken, IN_ALL),
	TEST(permits_fill_a_channel, IN_ALL),
	TEST(reserving_nothing_succeeds_even_when_full, IN_ALL),
	TEST(reserving_more_than_fits_fails_at_once, IN_ALL),
	TEST(places_cannot_be_reserved_where_there_are_none, IN_ALL),
	TEST(the_head_collects_places_and_those_behind_wait,
	     IN_THREADS | IN_MT),
	TEST(a_reservation_given_up_passes_its_part_on, IN_THREADS | IN_MT),
	TEST(dropped_places_serve_as_many_senders, IN_THREADS | IN_MT),
	TEST(blocked_reservations_are_served_by_the_receiver, IN_ALL),
};
/* clang-format on */
H_MAIN("mpsc_permit", tests)
