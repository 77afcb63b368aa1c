/*
 * test_mpsc_permit_close.c - permits and queued reservations on a channel that
 * the receiver has closed or dropped: what they still deliver, and that the
 * last place given back wakes a receiver that waits for the end.
 */
#include "mpsc.h"

/* tokio #8074, #7686: empty while a permit is out, disconnected after. */
static void permits_deliver_after_close(void)
{
	chp_mpsc_permit p;

	make(4);
	CHECK_CODE(send_int(1), 0);
	p = reserved(2);
	chp_mpsc_close(&rx);
	CHECK_EQ(take(), 1);
	CHECK_CODE(chp_mpsc_try_recv(&rx, NULL), CHP_EAGAIN);
	CHECK_CODE(permit_int(&p, 2), 0);
	CHECK_EQ(take(), 2);
	CHECK_CODE(chp_mpsc_try_recv(&rx, NULL), CHP_EAGAIN);
	CHECK_CODE(permit_int(&p, 3), 0);
	CHECK_EQ(chp_mpsc_len(&rx), 1);
	CHECK_EQ(take(), 3);
	CHECK_CODE(chp_mpsc_try_recv(&rx, NULL), CHP_ECLOSED);
	CHECK_CODE(mpsc_recv(&rx, NULL, NULL), CHP_ECLOSED);
	drop_both();
	CHECK_EQ(h_load(&drops), 0);
}

static void what_permits_send_after_the_receiver_is_destroyed_at_once(void)
{
	chp_mpsc_permit p;

	make(4);
	p = reserved(3);
	chp_mpsc_rx_drop(&rx);
	CHECK_EQ(h_load(&drops), 0);
	CHECK_CODE(permit_int(&p, 1), 0);
	CHECK_EQ(h_load(&drops), 1);
	CHECK_CODE(permit_int(&p, 2), 0);
	CHECK_EQ(h_load(&drops), 2);
	chp_mpsc_permit_drop(&p);
	drop_both();
	CHECK_EQ(h_load(&drops), 2);
}

/* A receive that is polled by hand, on a closed channel with places out. */
struct closing {
	chp_recv_op op;
	struct h_waker w;
};

static void close_and_wait(struct closing *c)
{
	memset(c, 0, sizeof(*c));
	chp_mpsc_close(&rx);
	chp_mpsc_recv_op(&c->op, &rx, NULL);
	CHECK_CODE(h_poll(&c->op.op, &c->w), CHP_PENDING);
}

static void check_told(struct closing *c)
{
	CHECK(h_wakes(&c->w) >= 1);
	CHECK_CODE(h_poll(&c->op.op, &c->w), CHP_ECLOSED);
	CHECK_EQ(h_refs(&c->w), 0);
	drop_both();
}

static void dropping_the_last_permit_tells_a_closed_receiver(void)
{
	chp_mpsc_permit p, q;
	struct closing c;

	make(4);
	p = reserved(2);
	q = reserved(1);
	close_and_wait(&c);
	chp_mpsc_permit_drop(&p);
	CHECK_CODE(h_poll(&c.op.op, &c.w), CHP_PENDING);
	chp_mpsc_permit_drop(&q);
	check_told(&c);
}

static void sending_by_the_last_permit_wakes_a_closed_receiver(void)
{
	chp_mpsc_permit p;
	struct closing c;

	make(4);
	p = reserved(1);
	close_and_wait(&c);
	CHECK_CODE(permit_int(&p, 1), 0);
	CHECK_EQ(h_wakes(&c.w), 1);
	CHECK_CODE(h_poll(&c.op.op, &c.w), 0);
	CHECK_EQ(h_load(&drops), 1);
	CHECK_CODE(chp_mpsc_try_recv(&rx, NULL), CHP_ECLOSED);
	drop_both();
}

/*
 * tokio #8260: a queued reservation holds some places when the channel closes;
 * however it ends, the receiver hears of the last place.
 */
static void a_queued_reservation_that_ends_tells_a_closed_receiver(void)
{
	for (int how = 0; how < 4; how++) {
		chp_mpsc_permit p;
		struct queued q;
		struct closing c;

		make(3);
		p = reserved(1);
		enqueue_reserve(&q, 3);
		close_and_wait(&c);
		CHECK_EQ(h_wakes(&q.w), 1);
		if (how & 1)
			chp_mpsc_permit_drop(&p);
		if (how & 2)
			chp_op_cancel(&q.op.op);
		else
			CHECK_CODE(poll_it(&q), CHP_ECLOSED);
		CHECK(!q.permit.ch && q.permit.count == 0);
		chp_mpsc_permit_drop(&p);
		check_told(&c);
	}
}

/* Granted but not polled when the channel closes: fails, as all who wait. */
static void a_grant_not_yet_polled_fails_when_the_channel_closes(void)
{
	for (int how = 0; how < 2; how++) {
		chp_mpsc_permit p;
		struct queued q;

		make(1);
		p = reserved(1);
		enqueue_reserve(&q, 1);
		chp_mpsc_permit_drop(&p);
		CHECK_EQ(h_wakes(&q.w), 1);
		chp_mpsc_close(&rx);
		if (how)
			chp_op_cancel(&q.op.op);
		else
			CHECK_CODE(poll_it(&q), CHP_ECLOSED);
		CHECK(!q.permit.ch);
		CHECK_CODE(chp_mpsc_try_recv(&rx, NULL), CHP_ECLOSED);
		drop_both();
	}
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(permits_deliver_after_close, IN_ALL),
	TEST(what_permits_send_after_the_receiver_is_destroyed_at_once, IN_ALL),
	TEST(dropping_the_last_permit_tells_a_closed_receiver,
	     IN_THREADS | IN_MT),
	TEST(sending_by_the_last_permit_wakes_a_closed_receiver,
	     IN_THREADS | IN_MT),
	TEST(a_queued_reservation_that_ends_tells_a_closed_receiver,
	     IN_THREADS | IN_MT),
	TEST(a_grant_not_yet_polled_fails_when_the_channel_closes,
	     IN_THREADS | IN_MT),
};
/* clang-format on */
H_MAIN("mpsc_permit_close", tests)
