/*
 * test_mpsc_handles.c - handles of a channel: clones, weak senders, counts,
 * identity, empty handles, what keeps the stream and what only the memory
 * alive, and arguments that must be refused.
 */
#include "mpsc.h"

#define BOTH_KINDS(k) for (size_t k = 0; k < 2; k++)

static void check_counts(const chp_mpsc_weak *weak, size_t strong, size_t weaks)
{
	CHECK_EQ(chp_mpsc_rx_strong_count(&rx), strong);
	CHECK_EQ(chp_mpsc_rx_weak_count(&rx), weaks);
	if (weak) {
		CHECK_EQ(chp_mpsc_weak_strong_count(weak), strong);
		CHECK_EQ(chp_mpsc_weak_weak_count(weak), weaks);
	}
}

static void clones_and_weak_senders_are_counted(void)
{
	BOTH_KINDS(k)
	{
		chp_mpsc_weak weak[2];
		chp_mpsc_tx more[3];

		make(k);
		check_counts(NULL, 1, 0);
		for (size_t i = 0; i < 3; i++) {
			chp_mpsc_tx_clone(&tx, &more[i]);
			check_counts(NULL, i + 2, 0);
		}
		chp_mpsc_downgrade(&tx, &weak[0]);
		check_counts(&weak[0], 4, 1);
		chp_mpsc_weak_clone(&weak[0], &weak[1]);
		check_counts(&weak[1], 4, 2);
		CHECK_EQ(chp_mpsc_strong_count(&tx), 4);
		CHECK_EQ(chp_mpsc_weak_count(&more[2]), 2);

		chp_mpsc_tx_drop(&more[0]);
		chp_mpsc_tx_drop(&more[0]);
		check_counts(&weak[0], 3, 2);
		CHECK_CODE(chp_mpsc_upgrade(&weak[0], &more[0]), 0);
		check_counts(&weak[0], 4, 2);
		chp_mpsc_weak_drop(&weak[1]);
		chp_mpsc_weak_drop(&weak[1]);
		check_counts(&weak[0], 4, 1);
		for (int i = 0; i < 3; i++)
			chp_mpsc_tx_drop(&more[i]);
		chp_mpsc_tx_drop(&tx);
		check_counts(&weak[0], 0, 1);
		chp_mpsc_weak_drop(&weak[0]);
		check_counts(NULL, 0, 0);
		drop_both();
	}
}

static void counts_outlive_the_receiver(void)
{
	BOTH_KINDS(k)
	{
		chp_mpsc_weak weak;

		make(k);
		chp_mpsc_downgrade(&tx, &weak);
		chp_mpsc_rx_drop(&rx);
		CHECK_EQ(chp_mpsc_strong_count(&tx), 1);
		CHECK_EQ(chp_mpsc_weak_count(&tx), 1);
		CHECK_EQ(chp_mpsc_weak_strong_count(&weak), 1);
		chp_mpsc_tx_drop(&tx);
		CHECK_EQ(chp_mpsc_weak_strong_count(&weak), 0);
		chp_mpsc_weak_drop(&weak);
	}
}

static void a_clone_sends_into_the_same_channel(void)
{
	BOTH_KINDS(k)
	{
		chp_mpsc_tx other = { 0 }, foreign = { 0 };
		chp_mpsc_rx foreign_rx;
		int got = 0;

		make(k);
		CHECK_CODE(chp_mpsc_bounded(1, 0, NULL, &foreign, &foreign_rx),
			   0);
		chp_mpsc_tx_clone(&tx, &other);
		CHECK_EQ(chp_mpsc_same_channel(&tx, &other), 1);
		CHECK_EQ(chp_mpsc_same_channel(&tx, &tx), 1);
		CHECK_EQ(chp_mpsc_same_channel(&tx, &foreign), 0);
		chp_mpsc_tx_drop(&tx);
		CHECK_EQ(chp_mpsc_same_channel(&tx, &other), 0);
		CHECK_CODE(mpsc_send(&other, &(int){ 3 }, NULL), 0);
		CHECK_CODE(mpsc_recv(&rx, &got, NULL), 0);
		CHECK_EQ(got, 3);
		chp_mpsc_tx_drop(&other);
		chp_mpsc_tx_drop(&foreign);
		chp_mpsc_rx_drop(&foreign_rx);
		drop_both();
	}
}

static void a_weak_sender_does_not_keep_the_stream_open(void)
{
	BOTH_KINDS(k)
	{
		chp_mpsc_weak weak;
		chp_mpsc_tx again = { 0 };
		int got = 0;

		make(k);
		chp_mpsc_downgrade(&tx, &weak);
		CHECK_CODE(send_int(1), 0);
		chp_mpsc_tx_drop(&tx);
		CHECK_EQ(chp_mpsc_rx_is_closed(&rx), 1);
		/* Never again, though a message is still to be had. */
		CHECK_CODE(chp_mpsc_upgrade(&weak, &again), CHP_ECLOSED);
		CHECK_CODE(mpsc_recv(&rx, &got, NULL), 0);
		CHECK_CODE(mpsc_recv(&rx, &got, NULL), CHP_ECLOSED);
		CHECK_CODE(chp_mpsc_upgrade(&weak, &again), CHP_ECLOSED);
		chp_mpsc_weak_drop(&weak);
		chp_mpsc_tx_drop(&again);
		drop_both();
	}
}

static void an_upgraded_sender_keeps_the_stream_open(void)
{
	BOTH_KINDS(k)
	{
		chp_mpsc_weak weak;
		chp_mpsc_tx again;
		int got = 0;

		make(k);
		chp_mpsc_downgrade(&tx, &weak);
		CHECK_CODE(chp_mpsc_upgrade(&weak, &again), 0);
		CHECK_EQ(chp_mpsc_same_channel(&tx, &again), 1);
		chp_mpsc_weak_drop(&weak);
		chp_mpsc_tx_drop(&tx);
		CHECK_EQ(chp_mpsc_rx_is_closed(&rx), 0);
		CHECK_CODE(mpsc_send(&again, &(int){ 8 }, NULL), 0);
		CHECK_CODE(mpsc_recv(&rx, &got, NULL), 0);
		CHECK_EQ(got, 8);
		CHECK_CODE(chp_mpsc_try_recv(&rx, &got), CHP_EAGAIN);
		chp_mpsc_tx_drop(&again);
		CHECK_CODE(chp_mpsc_try_recv(&rx, &got), CHP_ECLOSED);
		drop_both();
	}
}

/* Closing ends sending, not the handles. */
static void upgrading_works_after_close_while_a_sender_lives(void)
{
	BOTH_KINDS(k)
	{
		chp_mpsc_weak weak;
		chp_mpsc_tx again;

		make(k);
		chp_mpsc_downgrade(&tx, &weak);
		chp_mpsc_close(&rx);
		CHECK_CODE(chp_mpsc_upgrade(&weak, &again), 0);
		CHECK_EQ(chp_mpsc_is_closed(&again), 1);
		CHECK_CODE(mpsc_send(&again, &(int){ 8 }, NULL), CHP_ECLOSED);
		chp_mpsc_tx_drop(&again);
		chp_mpsc_weak_drop(&weak);
		drop_both();
	}
}

static void a_weak_sender_keeps_the_memory_but_not_the_values(void)
{
	BOTH_KINDS(k)
	{
		long blocks = h_blocks();
		chp_mpsc_weak weak;
		chp_mpsc_tx again = { 0 };

		make(k);
		chp_mpsc_downgrade(&tx, &weak);
		CHECK_CODE(send_int(1), 0);
		drop_both();
		CHECK_EQ(h_load(&drops), 1);
		CHECK(h_blocks() > blocks);
		CHECK_CODE(chp_mpsc_upgrade(&weak, &again), CHP_ECLOSED);
		CHECK_EQ(chp_mpsc_weak_weak_count(&weak), 1);
		chp_mpsc_weak_drop(&weak);
		CHECK_EQ(h_blocks(), blocks);
		CHECK_EQ(h_load(&drops), 1);
	}
}

/* The last handle frees the channel, whichever that is. */
static void handles_may_be_dropped_in_any_order(void)
{
	for (int order = 0; order < 2 * 24; order++) {
		long blocks = h_blocks();
		int left[4] = { 0, 1, 2, 3 }, code = order / 2;
		chp_mpsc_weak weak;
		chp_mpsc_tx other;

		make((size_t)(order % 2));
		chp_mpsc_tx_clone(&tx, &other);
		chp_mpsc_downgrade(&other, &weak);
		CHECK_CODE(send_int(1), 0);
		for (int n = 4; n; code /= n, n--) {
			int i = code % n;

			CHECK(h_blocks() > blocks);
			if (left[i] == 0)
				chp_mpsc_tx_drop(&tx);
			else if (left[i] == 1)
				chp_mpsc_tx_drop(&other);
			else if (left[i] == 2)
				chp_mpsc_rx_drop(&rx);
			else
				chp_mpsc_weak_drop(&weak);
			memmove(&left[i], &left[i + 1],
				sizeof(int) * (size_t)(n - i - 1));
		}
		CHECK_EQ(h_blocks(), blocks);
		CHECK_EQ(h_load(&drops), 1);
	}
}

/* ---- Empty handles ---- */

static void dropped_handles_are_empty(void)
{
	chp_mpsc_weak weak;

	make(1);
	chp_mpsc_downgrade(&tx, &weak);
	drop_both();
	chp_mpsc_weak_drop(&weak);
	CHECK_CODE(send_int(1), CHP_EINVAL);
	CHECK_CODE(chp_mpsc_try_send(&tx, &(int){ 1 }), CHP_EINVAL);
	CHECK_CODE(mpsc_recv(&rx, NULL, NULL), CHP_EINVAL);
	CHECK_CODE(chp_mpsc_try_recv(&rx, NULL), CHP_EINVAL);
	drop_both();
	chp_mpsc_weak_drop(&weak);
}

static void empty_senders_answer(void)
{
	chp_mpsc_tx none = { 0 }, clone = { (void *)&none };
	chp_mpsc_weak weak = { (void *)&none }, weak_clone = weak;
	int v = 1;

	CHECK_CODE(mpsc_send(&none, &v, NULL), CHP_EINVAL);
	CHECK_CODE(chp_mpsc_try_send(&none, &v), CHP_EINVAL);
	CHECK_CODE(mpsc_closed(&none, NULL), CHP_EINVAL);
	CHECK_EQ(chp_mpsc_is_closed(&none), 1);
	CHECK_EQ(chp_mpsc_capacity(&none), 0);
	CHECK_EQ(chp_mpsc_max_capacity(&none), 0);
	CHECK_EQ(chp_mpsc_strong_count(&none), 0);
	CHECK_EQ(chp_mpsc_weak_count(&none), 0);
	chp_mpsc_tx_clone(&none, &clone);
	CHECK(!clone.ch);
	chp_mpsc_downgrade(&none, &weak);
	CHECK(!weak.ch);
	chp_mpsc_weak_clone(&weak, &weak_clone);
	CHECK(!weak_clone.ch);
	CHECK_CODE(chp_mpsc_upgrade(&weak, &clone), CHP_ECLOSED);
	CHECK_EQ(chp_mpsc_weak_strong_count(&weak), 0);
	CHECK_EQ(chp_mpsc_weak_weak_count(&weak), 0);
	chp_mpsc_weak_drop(&weak);
	chp_mpsc_tx_drop(&none);
}

static void empty_receivers_answer(void)
{
	chp_mpsc_rx none = { 0 };
	int v = 5;

	CHECK_CODE(mpsc_recv(&none, &v, NULL), CHP_EINVAL);
	CHECK_CODE(chp_mpsc_try_recv(&none, &v), CHP_EINVAL);
	CHECK_CODE(mpsc_recv_many(&none, &v, 1, NULL), CHP_EINVAL);
	CHECK_EQ(v, 5);
	CHECK_EQ(chp_mpsc_rx_is_closed(&none), 1);
	CHECK_EQ(chp_mpsc_len(&none), 0);
	CHECK_EQ(chp_mpsc_is_empty(&none), 1);
	CHECK_EQ(chp_mpsc_rx_capacity(&none), 0);
	CHECK_EQ(chp_mpsc_rx_max_capacity(&none), 0);
	CHECK_EQ(chp_mpsc_rx_strong_count(&none), 0);
	CHECK_EQ(chp_mpsc_rx_weak_count(&none), 0);
	chp_mpsc_close(&none);
	chp_mpsc_rx_drop(&none);
}

/* ---- Arguments that must be refused ---- */

static void impossible_channels_are_refused(void)
{
	long blocks = h_blocks();
	int r;

	CHECK_CODE(chp_mpsc_bounded(0, 4, NULL, &tx, &rx), CHP_EINVAL);
	CHECK_CODE(chp_mpsc_bounded(0, 0, NULL, &tx, &rx), CHP_EINVAL);
	CHECK_CODE(chp_mpsc_bounded(SIZE_MAX, 4, NULL, &tx, &rx), CHP_EINVAL);
	CHECK_CODE(chp_mpsc_bounded(SIZE_MAX, 0, NULL, &tx, &rx), CHP_EINVAL);
	/* Products that wrap around to something small. */
	for (int bit = 2; bit < 62; bit++) {
		size_t size = (size_t)1 << (64 - bit);

		r = chp_mpsc_bounded((size_t)1 << bit, size, NULL, &tx, &rx);
		CHECK(r == CHP_EINVAL || r == CHP_ENOMEM);
		r = chp_mpsc_bounded(((size_t)1 << bit) + 1, size - 1, NULL,
				     &tx, &rx);
		CHECK(r == CHP_EINVAL || r == CHP_ENOMEM);
	}
	for (size_t less = 0; less < 16; less++) {
		r = chp_mpsc_bounded(1, SIZE_MAX - less, NULL, &tx, &rx);
		CHECK(r == CHP_EINVAL || r == CHP_ENOMEM);
	}
	CHECK_EQ(h_blocks(), blocks);
}

/* A block of an unbounded channel may be made as late as the first send. */
static void an_unbounded_channel_of_impossible_values_is_refused(void)
{
	/* Blocks hold several: so many bytes must not wrap to a few. */
	static const size_t sizes[] = { SIZE_MAX,     SIZE_MAX - 15,
					SIZE_MAX / 4, SIZE_MAX / 8 + 16,
					SIZE_MAX / 8, SIZE_MAX / 16 + 1 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		size_t size = sizes[i];
		int r = chp_mpsc_unbounded(size, NULL, &tx, &rx);

		if (r == 0) {
			r = chp_mpsc_try_send(&tx, &r);
			drop_both();
		}
		CHECK(r == CHP_EINVAL || r == CHP_ENOMEM);
	}
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(clones_and_weak_senders_are_counted, IN_ALL),
	TEST(counts_outlive_the_receiver, IN_ALL),
	TEST(a_clone_sends_into_the_same_channel, IN_ALL),
	TEST(a_weak_sender_does_not_keep_the_stream_open, IN_ALL),
	TEST(an_upgraded_sender_keeps_the_stream_open, IN_ALL),
	TEST(upgrading_works_after_close_while_a_sender_lives, IN_ALL),
	TEST(a_weak_sender_keeps_the_memory_but_not_the_values, IN_ALL),
	TEST(handles_may_be_dropped_in_any_order, IN_ALL),
	TEST(dropped_handles_are_empty, IN_ALL),
	TEST(empty_senders_answer, IN_ALL),
	TEST(empty_receivers_answer, IN_ALL),
	TEST(impossible_channels_are_refused, IN_THREADS),
	TEST(an_unbounded_channel_of_impossible_values_is_refused,
	     IN_THREADS),
};
/* clang-format on */
H_MAIN("mpsc_handles", tests)
