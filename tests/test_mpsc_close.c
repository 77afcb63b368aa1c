/*
 * test_mpsc_close.c - how a channel ends: the last sender's drop, the
 * receiver's close and drop, who hears of it, what is still delivered, what
 * becomes of values that nobody receives, and any number of waits for closed.
 */
#include "mpsc.h"

enum { SENDERS = 70 };

/* ---- Ends of the stream ---- */

static void dropping_the_last_sender_ends_the_stream(void)
{
	EACH_KIND(k)
	{
		chp_mpsc_tx other;
		int got = -1;

		make(*k);
		chp_mpsc_tx_clone(&tx, &other);
		CHECK_CODE(send_int(1), 0);
		chp_mpsc_tx_drop(&tx);
		CHECK_EQ(chp_mpsc_rx_is_closed(&rx), 0);
		CHECK_CODE(mpsc_recv(&rx, &got, NULL), 0);
		CHECK_CODE(chp_mpsc_try_recv(&rx, &got), CHP_EAGAIN);
		CHECK_CODE(mpsc_send(&other, &(int){ 2 }, NULL), 0);
		chp_mpsc_tx_drop(&other);
		CHECK_EQ(chp_mpsc_rx_is_closed(&rx), 1);
		/* The end is not a message. */
		CHECK_EQ(chp_mpsc_len(&rx), 1);
		CHECK_EQ(chp_mpsc_is_empty(&rx), 0);
		CHECK_EQ(take(), 2);
		CHECK_EQ(chp_mpsc_len(&rx), 0);
		CHECK_EQ(chp_mpsc_is_empty(&rx), 1);
		for (int i = 0; i < 3; i++) {
			CHECK_CODE(mpsc_recv(&rx, &got, NULL), CHP_ECLOSED);
			CHECK_CODE(chp_mpsc_try_recv(&rx, &got), CHP_ECLOSED);
		}
		CHECK_EQ(got, 1);
		drop_both();
	}
}

static void a_waiting_receiver_hears_of_the_last_drop(void)
{
	EACH_KIND(k)
	{
		struct h_waker w = { 0 };
		chp_mpsc_tx other;
		chp_recv_op op;
		int got = -1;

		make(*k);
		chp_mpsc_tx_clone(&tx, &other);
		chp_mpsc_recv_op(&op, &rx, &got);
		CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
		chp_mpsc_tx_drop(&tx);
		CHECK_EQ(h_wakes(&w), 0);
		chp_mpsc_tx_drop(&other);
		CHECK_EQ(h_wakes(&w), 1);
		CHECK_EQ(h_refs(&w), 0);
		CHECK_CODE(h_poll(&op.op, &w), CHP_ECLOSED);
		CHECK_EQ(got, -1);
		drop_both();
	}
}

static void closing_keeps_what_is_buffered(void)
{
	const size_t some[] = { 0, 3, 100 };

	for (int i = 0; i < 3; i++) {
		make(some[i]);
		for (int v = 0; v < 3; v++)
			CHECK_CODE(send_int(v), 0);
		CHECK_EQ(chp_mpsc_is_closed(&tx), 0);
		CHECK_EQ(chp_mpsc_rx_is_closed(&rx), 0);
		chp_mpsc_close(&rx);
		chp_mpsc_close(&rx);
		CHECK_EQ(chp_mpsc_is_closed(&tx), 1);
		CHECK_EQ(chp_mpsc_rx_is_closed(&rx), 1);
		/* Closed wins over full. */
		CHECK_CODE(try_int(9), CHP_ECLOSED);
		CHECK_CODE(send_int(9), CHP_ECLOSED);
		CHECK_EQ(chp_mpsc_len(&rx), 3);
		for (int v = 0; v < 3; v++)
			CHECK_EQ(take(), v);
		/* Disconnected, not empty, although the sender lives: #7686. */
		CHECK_CODE(chp_mpsc_try_recv(&rx, NULL), CHP_ECLOSED);
		CHECK_CODE(mpsc_recv(&rx, NULL, NULL), CHP_ECLOSED);
		drop_both();
		CHECK_EQ(h_load(&drops), 0);
	}
}

static void closing_ends_a_wait_of_the_receiver(void)
{
	EACH_KIND(k)
	{
		make(*k);
		chp_mpsc_close(&rx);
		CHECK_CODE(mpsc_recv(&rx, NULL, NULL), CHP_ECLOSED);
		drop_both();
	}
}

static void closing_or_dropping_fails_the_waiting_senders(void)
{
	static struct queued q[SENDERS];

	for (int dropped = 0; dropped < 2; dropped++) {
		make(1);
		CHECK_CODE(send_int(0), 0);
		for (int i = 0; i < SENDERS; i++)
			enqueue_send(&q[i], i);
		if (dropped)
			chp_mpsc_rx_drop(&rx);
		else
			chp_mpsc_close(&rx);
		for (int i = 0; i < SENDERS; i++) {
			CHECK_EQ(h_wakes(&q[i].w), 1);
			CHECK_EQ(h_refs(&q[i].w), 0);
			CHECK_CODE(h_poll(&q[i].op.op, &q[i].w), CHP_ECLOSED);
		}
		CHECK_EQ(h_load(&drops), dropped);
		if (!dropped)
			CHECK_EQ(take(), 0);
		drop_both();
		CHECK_EQ(h_load(&drops), dropped);
	}
}

struct producer {
	struct h_agent a;
	chp_mpsc_tx tx;
	int value;
};

static void *wait_to_send(void *arg)
{
	struct producer *p = arg;

	CHECK_CODE(mpsc_send(&p->tx, &p->value, NULL), CHP_ECLOSED);
	chp_mpsc_tx_drop(&p->tx);
	return NULL;
}

static void blocked_senders_hear_of_the_receivers_drop(void)
{
	struct producer p[8];

	make(2);
	CHECK_CODE(send_int(0), 0);
	CHECK_CODE(send_int(1), 0);
	for (int i = 0; i < 8; i++) {
		p[i].value = i;
		chp_mpsc_tx_clone(&tx, &p[i].tx);
		h_spawn(&p[i].a, wait_to_send, &p[i]);
	}
	chp_mpsc_rx_drop(&rx);
	for (int i = 0; i < 8; i++)
		h_join(&p[i].a);
	CHECK_EQ(h_load(&drops), 2);
	CHECK_EQ(chp_mpsc_strong_count(&tx), 1);
	drop_both();
}

/* tokio #8095: the receiver's waker must not live as long as the senders. */
static void dropping_the_receiver_releases_its_waker(void)
{
	EACH_KIND(k)
	{
		struct h_waker w = { 0 };
		chp_recv_op op;

		make(*k);
		chp_mpsc_recv_op(&op, &rx, NULL);
		CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
		CHECK_EQ(h_refs(&w), 1);
		chp_mpsc_rx_drop(&rx);
		CHECK_EQ(h_refs(&w), 0);
		CHECK_EQ(chp_op_cancel(&op.op), CHP_HELD_NOTHING);
		CHECK_CODE(send_int(1), CHP_ECLOSED);
		drop_both();
	}
}

/* One that is kept after it lost a select, say: it must hear of the end. */
static void closing_wakes_a_receive_that_is_pending(void)
{
	EACH_KIND(k)
	{
		struct h_waker w = { 0 };
		chp_recv_op op;

		make(*k);
		chp_mpsc_recv_op(&op, &rx, NULL);
		CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
		chp_mpsc_close(&rx);
		CHECK_EQ(h_wakes(&w), 1);
		CHECK_CODE(h_poll(&op.op, &w), CHP_ECLOSED);
		CHECK_EQ(h_refs(&w), 0);
		drop_both();
	}
}

/* ---- Values that nobody receives ---- */

static void receiving_into_nothing_destroys(void)
{
	EACH_KIND(k)
	{
		make(*k);
		CHECK_CODE(send_int(1), 0);
		CHECK_CODE(mpsc_recv(&rx, NULL, NULL), 0);
		CHECK_EQ(h_load(&drops), 1);
		CHECK_CODE(send_int(2), 0);
		CHECK_CODE(chp_mpsc_try_recv(&rx, NULL), 0);
		CHECK_EQ(h_load(&drops), 2);
		drop_both();
		CHECK_EQ(h_load(&drops), 2);
	}
}

static void dropping_the_receiver_destroys_what_is_buffered_at_once(void)
{
	for (int n = 0; n <= 100; n++) {
		/* Alternate kinds; start somewhere inside the buffer. */
		make(n % 2 ? 100 : 0);
		for (int i = 0; i < n / 3; i++) {
			CHECK_CODE(send_int(i), 0);
			CHECK_EQ(take(), i);
		}
		for (int i = 0; i < n; i++)
			CHECK_CODE(send_int(i), 0);
		CHECK_EQ(h_load(&drops), 0);
		chp_mpsc_rx_drop(&rx);
		CHECK_EQ(h_load(&drops), n);
		CHECK_EQ(chp_mpsc_is_closed(&tx), 1);
		CHECK_CODE(send_int(1), CHP_ECLOSED);
		CHECK_CODE(try_int(1), CHP_ECLOSED);
		drop_both();
		CHECK_EQ(h_load(&drops), n);
	}
}

static void values_outlive_their_senders(void)
{
	EACH_KIND(k)
	{
		make(*k);
		CHECK_CODE(send_int(1), 0);
		chp_mpsc_tx_drop(&tx);
		CHECK_EQ(h_load(&drops), 0);
		chp_mpsc_rx_drop(&rx);
		CHECK_EQ(h_load(&drops), 1);
	}
}

/* ---- closed() ---- */

static void *await_closed(void *arg)
{
	struct producer *p = arg;

	CHECK_CODE(mpsc_closed(&p->tx, NULL), 0);
	CHECK_EQ(chp_mpsc_is_closed(&p->tx), 1);
	CHECK_CODE(mpsc_closed(&p->tx, NULL), 0);
	chp_mpsc_tx_drop(&p->tx);
	return NULL;
}

static void everyone_who_waits_for_closed_is_told(void)
{
	enum { WAITERS = 20 };
	struct producer p[WAITERS];

	EACH_KIND(k)
	{
		make(*k);
		for (int i = 0; i < WAITERS; i++) {
			chp_mpsc_tx_clone(&tx, &p[i].tx);
			h_spawn(&p[i].a, await_closed, &p[i]);
		}
		if (k == kinds + 1)
			chp_mpsc_rx_drop(&rx);
		else
			chp_mpsc_close(&rx);
		for (int i = 0; i < WAITERS; i++)
			h_join(&p[i].a);
		drop_both();
	}
}

static void many_may_wait_for_closed_on_one_handle(void)
{
	enum { WAITERS = 100 };
	static chp_closed_op op[WAITERS];
	static struct h_waker w[WAITERS];

	EACH_KIND(k)
	{
		memset(w, 0, sizeof(w));
		make(*k);
		for (int i = 0; i < WAITERS; i++) {
			chp_mpsc_closed_op(&op[i], &tx);
			CHECK_CODE(h_poll(&op[i].op, &w[i]), CHP_PENDING);
		}
		/* Another waker for one; another gives up. */
		CHECK_CODE(h_poll(&op[50].op, &w[0]), CHP_PENDING);
		CHECK_EQ(h_refs(&w[50]), 0);
		CHECK_EQ(h_refs(&w[0]), 2);
		CHECK_EQ(chp_op_cancel(&op[7].op), CHP_HELD_NOTHING);
		CHECK_EQ(h_refs(&w[7]), 0);
		/* Messages and their end are nothing to them. */
		CHECK_CODE(send_int(1), 0);
		CHECK_EQ(take(), 1);
		CHECK_EQ(h_wakes(&w[99]), 0);
		chp_mpsc_close(&rx);
		for (int i = 0; i < WAITERS; i++) {
			int told = i == 7 || i == 50 ? 0 : i == 0 ? 2 : 1;

			CHECK_EQ(h_wakes(&w[i]), told);
			CHECK_EQ(h_refs(&w[i]), 0);
			if (i != 7)
				CHECK_CODE(h_poll(&op[i].op, &w[i]), 0);
		}
		drop_both();
	}
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(dropping_the_last_sender_ends_the_stream, IN_ALL),
	TEST(a_waiting_receiver_hears_of_the_last_drop, IN_THREADS | IN_MT),
	TEST(closing_keeps_what_is_buffered, IN_ALL),
	TEST(closing_ends_a_wait_of_the_receiver, IN_ALL),
	TEST(closing_or_dropping_fails_the_waiting_senders,
	     IN_THREADS | IN_MT),
	TEST(dropping_the_receiver_releases_its_waker, IN_THREADS | IN_MT),
	TEST(closing_wakes_a_receive_that_is_pending, IN_THREADS | IN_MT),
	TEST(blocked_senders_hear_of_the_receivers_drop, IN_ALL),
	TEST(receiving_into_nothing_destroys, IN_ALL),
	TEST(dropping_the_receiver_destroys_what_is_buffered_at_once, IN_ALL),
	TEST(values_outlive_their_senders, IN_ALL),
	TEST(everyone_who_waits_for_closed_is_told, IN_ALL),
	TEST(many_may_wait_for_closed_on_one_handle, IN_THREADS | IN_MT),
};
/* clang-format on */
H_MAIN("mpsc_close", tests)
