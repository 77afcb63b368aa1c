/*
 * test_mpsc.c - sending and receiving, bounded and unbounded: order, places
 * and how they are counted, the queue of senders and that no try overtakes it.
 * Ends are in test_mpsc_close.c, handles in test_mpsc_handles.c, batches and
 * sizes in test_mpsc_many.c.
 */
#include "mpsc.h"

/* ---- One after the other ---- */

static void a_value_goes_through(void)
{
	EACH_KIND(k)
	{
		int got = -1;

		make(*k);
		CHECK_CODE(send_int(5), 0);
		CHECK_CODE(mpsc_recv(&rx, &got, NULL), 0);
		CHECK_EQ(got, 5);
		CHECK_CODE(try_int(6), 0);
		CHECK_CODE(chp_mpsc_try_recv(&rx, &got), 0);
		CHECK_EQ(got, 6);
		CHECK_CODE(chp_mpsc_try_recv(&rx, &got), CHP_EAGAIN);
		drop_both();
		CHECK_EQ(h_load(&drops), 0);
	}
}

static void len_and_capacity_add_up(void)
{
	chp_mpsc_tx other;
	size_t max = 5;

	make(max);
	chp_mpsc_tx_clone(&tx, &other);
	/* Several times round the buffer. */
	for (int i = 0; i < 13; i++) {
		for (size_t n = 0; n < max; n++) {
			CHECK_EQ(chp_mpsc_len(&rx), n);
			CHECK_EQ(chp_mpsc_is_empty(&rx), n == 0);
			CHECK_EQ(chp_mpsc_capacity(&other), max - n);
			CHECK_EQ(chp_mpsc_rx_capacity(&rx), max - n);
			CHECK_CODE(send_int((int)n), 0);
		}
		CHECK_EQ(chp_mpsc_capacity(&tx), 0);
		CHECK_EQ(chp_mpsc_max_capacity(&tx), max);
		CHECK_EQ(chp_mpsc_rx_max_capacity(&rx), max);
		CHECK_CODE(try_int(99), CHP_EAGAIN);
		CHECK_EQ(take(), 0);
		CHECK_EQ(chp_mpsc_capacity(&tx), 1);
		for (int n = 1; n < (int)max; n++)
			CHECK_EQ(take(), n);
		CHECK_CODE(send_int(1), 0);
		CHECK_EQ(take(), 1);
	}
	CHECK_EQ(chp_mpsc_is_empty(&rx), 1);
	chp_mpsc_tx_drop(&other);
	drop_both();

	make(0);
	CHECK_CODE(send_int(1), 0);
	CHECK_EQ(chp_mpsc_capacity(&tx), SIZE_MAX);
	CHECK_EQ(chp_mpsc_max_capacity(&tx), SIZE_MAX);
	CHECK_EQ(chp_mpsc_rx_capacity(&rx), SIZE_MAX);
	CHECK_EQ(chp_mpsc_rx_max_capacity(&rx), SIZE_MAX);
	drop_both();
}

static void sending_into_a_bounded_channel_allocates_nothing(void)
{
	long allocs;

	make(8);
	allocs = h_allocs();
	for (int i = 0; i < 200; i++) {
		CHECK_CODE(send_int(i), 0);
		CHECK_EQ(take(), i);
	}
	for (int i = 0; i < 8; i++)
		CHECK_CODE(send_int(i), 0);
	CHECK_EQ(h_allocs(), allocs);
	drop_both();
}

/* ---- The queue of senders ---- */

enum { SENDERS = 70 };

static void waiting_senders_get_places_in_their_order(void)
{
	static struct queued q[SENDERS];

	make(1);
	CHECK_CODE(send_int(-2), 0);
	for (int i = 0; i < SENDERS; i++)
		enqueue_send(&q[i], i);
	for (int i = 0; i < SENDERS; i++) {
		CHECK_EQ(take(), i == 0 ? -2 : i - 1);
		for (int k = 0; k < SENDERS; k++)
			CHECK_EQ(h_wakes(&q[k].w), k <= i);
		CHECK_EQ(chp_mpsc_len(&rx), 0);
		CHECK_CODE(h_poll(&q[i].op.op, &q[i].w), 0);
		CHECK_EQ(h_refs(&q[i].w), 0);
	}
	CHECK_EQ(take(), SENDERS - 1);
	CHECK_EQ(chp_mpsc_capacity(&tx), 1);
	drop_both();
	CHECK_EQ(h_load(&drops), 0);
}

static void a_try_never_overtakes_a_waiting_sender(void)
{
	struct queued q;

	make(2);
	CHECK_CODE(send_int(0), 0);
	CHECK_CODE(send_int(1), 0);
	enqueue_send(&q, 2);
	CHECK_EQ(take(), 0);
	/* The place is the waiting sender's, though it has not come yet. */
	CHECK_CODE(try_int(99), CHP_EAGAIN);
	CHECK_EQ(chp_mpsc_capacity(&tx), 0);
	CHECK_CODE(h_poll(&q.op.op, &q.w), 0);
	CHECK_CODE(try_int(99), CHP_EAGAIN);
	CHECK_EQ(take(), 1);
	CHECK_CODE(try_int(3), 0);
	CHECK_EQ(take(), 2);
	CHECK_EQ(take(), 3);
	drop_both();
}

static void a_sender_that_gives_up_passes_its_place_on(void)
{
	struct queued q[4];

	make(1);
	CHECK_CODE(send_int(0), 0);
	for (int i = 0; i < 4; i++)
		enqueue_send(&q[i], 10 + i);
	/* One that has nothing yet just leaves. */
	CHECK_EQ(chp_op_cancel(&q[1].op.op), CHP_HELD_NOTHING);
	CHECK_EQ(h_refs(&q[1].w), 0);
	CHECK_EQ(take(), 0);
	CHECK_EQ(h_wakes(&q[0].w), 1);
	CHECK_EQ(chp_op_cancel(&q[0].op.op), CHP_GAVE_BACK);
	CHECK_EQ(h_wakes(&q[1].w), 0);
	CHECK_EQ(h_wakes(&q[2].w), 1);
	CHECK_EQ(h_wakes(&q[3].w), 0);
	CHECK_CODE(h_poll(&q[2].op.op, &q[2].w), 0);
	CHECK_EQ(take(), 12);
	CHECK_EQ(chp_op_cancel(&q[3].op.op), CHP_GAVE_BACK);
	CHECK_EQ(chp_mpsc_capacity(&tx), 1);
	CHECK_CODE(chp_mpsc_try_recv(&rx, NULL), CHP_EAGAIN);
	drop_both();
	CHECK_EQ(h_load(&drops), 0);
}

struct producer {
	struct h_agent a;
	chp_mpsc_tx tx;
	int id, count;
};

static void *produce(void *arg)
{
	struct producer *p = arg;

	for (int i = 0; i < p->count; i++) {
		int v = p->id << 20 | i;

		CHECK_CODE(mpsc_send(&p->tx, &v, NULL), 0);
	}
	chp_mpsc_tx_drop(&p->tx);
	return NULL;
}

static void values_of_one_sender_arrive_in_its_order(void)
{
	enum { PRODUCERS = 6 };
	struct producer p[PRODUCERS];
	int count = (int)h_rounds(3000);

	EACH_KIND(k)
	{
		int next[PRODUCERS] = { 0 }, v, r;

		make(*k);
		for (int i = 0; i < PRODUCERS; i++) {
			p[i].id = i;
			p[i].count = count;
			chp_mpsc_tx_clone(&tx, &p[i].tx);
			h_spawn(&p[i].a, produce, &p[i]);
		}
		chp_mpsc_tx_drop(&tx);
		while ((r = mpsc_recv(&rx, &v, NULL)) == 0) {
			CHECK_EQ(v & 0xfffff, next[v >> 20]);
			next[v >> 20]++;
		}
		CHECK_CODE(r, CHP_ECLOSED);
		for (int i = 0; i < PRODUCERS; i++) {
			CHECK_EQ(next[i], count);
			h_join(&p[i].a);
		}
		drop_both();
		CHECK_EQ(h_load(&drops), 0);
	}
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_value_goes_through, IN_ALL),
	TEST(len_and_capacity_add_up, IN_ALL),
	TEST(sending_into_a_bounded_channel_allocates_nothing, IN_THREADS),
	TEST(waiting_senders_get_places_in_their_order, IN_THREADS | IN_MT),
	TEST(a_try_never_overtakes_a_waiting_sender, IN_THREADS | IN_MT),
	TEST(a_sender_that_gives_up_passes_its_place_on, IN_THREADS | IN_MT),
	TEST(values_of_one_sender_arrive_in_its_order, IN_ALL),
};
/* clang-format on */
H_MAIN("mpsc", tests)
