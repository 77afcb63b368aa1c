/*
 * test_oneshot.c - the states of a oneshot: what each call says after each
 * order of sends, receives, closes and drops; who owns the value in the end,
 * and who destroys it.  Nothing here waits for long: waiting, wakers and races
 * are in test_oneshot_wait.c, all orders of calls in test_oneshot_model.c.
 */
#include "oneshot.h"

#include <stdalign.h>

static int destroyed;      /* the value last destroyed */
static uint64_t destroyer; /* and by whom */

static void drop_int(void *value)
{
	destroyed = *(int *)value;
	destroyer = chp_agent_current().id;
	h_add(&drops, 1);
}

static void begin(void)
{
	destroyed = 0;
	make(drop_int);
}

static void a_sent_value_is_received(void)
{
	int got = 0;

	begin();
	CHECK_CODE(send_int(42), 0);
	CHECK_CODE(oneshot_recv(&rx, &got, NULL), 0);
	CHECK_EQ(got, 42);
	drop_both();
	CHECK_EQ(h_load(&drops), 0);
}

static void sending_uses_up_the_sender(void)
{
	begin();
	CHECK_EQ(chp_oneshot_is_closed(&tx), 0);
	CHECK_CODE(send_int(1), 0);
	CHECK_EQ(chp_oneshot_is_closed(&tx), 1);
	CHECK_CODE(send_int(2), CHP_EINVAL);
	CHECK_CODE(oneshot_closed(&tx, NULL), CHP_EINVAL);
	/* A drop of the empty sender does not end the channel. */
	chp_oneshot_tx_drop(&tx);
	CHECK_EQ(chp_oneshot_is_empty(&rx), 0);
	drop_both();
	CHECK_EQ(h_load(&drops), 1);
	CHECK_EQ(destroyed, 1);
}

static void receiving_uses_up_the_receiver(void)
{
	int got = 0;

	begin();
	CHECK_CODE(send_int(7), 0);
	CHECK_EQ(chp_oneshot_is_terminated(&rx), 0);
	CHECK_CODE(chp_oneshot_try_recv(&rx, &got), 0);
	CHECK_EQ(got, 7);
	CHECK_EQ(chp_oneshot_is_terminated(&rx), 1);
	CHECK_EQ(chp_oneshot_is_empty(&rx), 1);
	CHECK_CODE(chp_oneshot_try_recv(&rx, &got), CHP_ECLOSED);
	CHECK_CODE(oneshot_recv(&rx, &got, NULL), CHP_EINVAL);
	chp_oneshot_close(&rx);
	CHECK_EQ(got, 7);
	drop_both();
}

static void a_dropped_sender_closes_the_receiver(void)
{
	int got = 5;

	begin();
	CHECK_CODE(chp_oneshot_try_recv(&rx, &got), CHP_EAGAIN);
	chp_oneshot_tx_drop(&tx);
	CHECK_EQ(chp_oneshot_is_empty(&rx), 1);
	/* The end is final only once it has been read. */
	CHECK_EQ(chp_oneshot_is_terminated(&rx), 0);
	CHECK_CODE(oneshot_recv(&rx, &got, NULL), CHP_ECLOSED);
	CHECK_EQ(chp_oneshot_is_terminated(&rx), 1);
	CHECK_CODE(oneshot_recv(&rx, &got, NULL), CHP_EINVAL);
	CHECK_EQ(got, 5);
	drop_both();
}

static void try_recv_of_a_dropped_sender_uses_up_the_receiver(void)
{
	int got = 5;

	begin();
	chp_oneshot_tx_drop(&tx);
	CHECK_CODE(chp_oneshot_try_recv(&rx, &got), CHP_ECLOSED);
	CHECK_EQ(chp_oneshot_is_terminated(&rx), 1);
	CHECK_CODE(chp_oneshot_try_recv(&rx, &got), CHP_ECLOSED);
	drop_both();
}

static void a_send_to_a_dropped_receiver_leaves_the_value(void)
{
	begin();
	chp_oneshot_rx_drop(&rx);
	CHECK_EQ(chp_oneshot_is_terminated(&rx), 1);
	CHECK_EQ(chp_oneshot_is_closed(&tx), 1);
	CHECK_CODE(send_int(3), CHP_ECLOSED);
	/* It is used up nevertheless. */
	CHECK_CODE(send_int(3), CHP_EINVAL);
	drop_both();
	CHECK_EQ(h_load(&drops), 0);
}

static void a_send_to_a_closed_receiver_leaves_the_value(void)
{
	int got = 5;

	begin();
	chp_oneshot_close(&rx);
	CHECK_EQ(chp_oneshot_is_closed(&tx), 1);
	CHECK_CODE(send_int(3), CHP_ECLOSED);
	CHECK_EQ(chp_oneshot_is_terminated(&rx), 0);
	CHECK_CODE(chp_oneshot_try_recv(&rx, &got), CHP_ECLOSED);
	CHECK_EQ(chp_oneshot_is_terminated(&rx), 1);
	CHECK_EQ(got, 5);
	drop_both();
	CHECK_EQ(h_load(&drops), 0);
}

static void closing_keeps_a_value_that_was_sent(void)
{
	int got = 0;

	begin();
	CHECK_CODE(send_int(9), 0);
	chp_oneshot_close(&rx);
	chp_oneshot_close(&rx);
	CHECK_EQ(chp_oneshot_is_empty(&rx), 0);
	CHECK_CODE(oneshot_recv(&rx, &got, NULL), 0);
	CHECK_EQ(got, 9);
	drop_both();
	CHECK_EQ(h_load(&drops), 0);
}

static void closing_ends_the_receivers_own_wait(void)
{
	int got = 5;

	begin();
	chp_oneshot_close(&rx);
	CHECK_CODE(oneshot_recv(&rx, &got, NULL), CHP_ECLOSED);
	CHECK_EQ(chp_oneshot_is_terminated(&rx), 1);
	drop_both();
}

static void dropping_the_receiver_destroys_the_value_at_once(void)
{
	begin();
	CHECK_CODE(send_int(11), 0);
	CHECK_EQ(h_load(&drops), 0);
	chp_oneshot_rx_drop(&rx);
	CHECK_EQ(h_load(&drops), 1);
	CHECK_EQ(destroyed, 11);
	drop_both();
	CHECK_EQ(h_load(&drops), 1);
}

static void *drop_the_receiver(void *arg)
{
	chp_oneshot_rx_drop(&rx);
	CHECK_EQ(h_load(&drops), 1);
	return arg;
}

/* tokio #6558: not by the sender, whoever holds the memory last. */
static void the_receivers_side_destroys_the_value(void)
{
	struct h_agent a;

	begin();
	CHECK_CODE(send_int(11), 0);
	h_spawn(&a, drop_the_receiver, NULL);
	h_join(&a);
	CHECK_EQ(destroyed, 11);
	CHECK(destroyer == a.agent.id);
}

static void receiving_into_nothing_destroys_the_value(void)
{
	begin();
	CHECK_CODE(send_int(12), 0);
	CHECK_CODE(oneshot_recv(&rx, NULL, NULL), 0);
	CHECK_EQ(h_load(&drops), 1);
	CHECK_EQ(destroyed, 12);
	drop_both();

	begin();
	CHECK_CODE(send_int(13), 0);
	CHECK_CODE(chp_oneshot_try_recv(&rx, NULL), 0);
	CHECK_EQ(h_load(&drops), 1);
	CHECK_EQ(destroyed, 13);
	drop_both();
	CHECK_EQ(h_load(&drops), 1);
}

static void empty_handles_do_nothing(void)
{
	chp_oneshot_tx t = { 0 };
	chp_oneshot_rx r = { 0 };
	int v = 5;

	chp_oneshot_tx_drop(&t);
	chp_oneshot_rx_drop(&r);
	chp_oneshot_close(&r);
	CHECK_CODE(chp_oneshot_send(&t, &v), CHP_EINVAL);
	CHECK_EQ(chp_oneshot_is_closed(&t), 1);
	CHECK_CODE(oneshot_closed(&t, NULL), CHP_EINVAL);
	CHECK_CODE(oneshot_recv(&r, &v, NULL), CHP_EINVAL);
	CHECK_CODE(chp_oneshot_try_recv(&r, &v), CHP_ECLOSED);
	CHECK_EQ(chp_oneshot_is_empty(&r), 1);
	CHECK_EQ(chp_oneshot_is_terminated(&r), 1);
	CHECK_EQ(v, 5);
}

static void a_size_beyond_memory_is_refused(void)
{
	long blocks = h_blocks();

	/* Header and value together would wrap around. */
	for (size_t less = 0; less < 16; less++)
		CHECK_CODE(chp_oneshot(SIZE_MAX - less, NULL, &tx, &rx),
			   CHP_ENOMEM);
	CHECK_EQ(h_blocks(), blocks);
}

static void a_value_of_no_bytes_is_a_signal(void)
{
	char untouched = 'x';

	h_store(&drops, 0);
	CHECK_CODE(chp_oneshot(0, count_drop, &tx, &rx), 0);
	CHECK_CODE(chp_oneshot_try_recv(&rx, NULL), CHP_EAGAIN);
	CHECK_CODE(chp_oneshot_send(&tx, NULL), 0);
	CHECK_EQ(chp_oneshot_is_empty(&rx), 0);
	CHECK_CODE(oneshot_recv(&rx, &untouched, NULL), 0);
	CHECK_EQ(untouched, 'x');
	drop_both();
	CHECK_EQ(h_load(&drops), 0);

	CHECK_CODE(chp_oneshot(0, count_drop, &tx, &rx), 0);
	CHECK_CODE(chp_oneshot_send(&tx, NULL), 0);
	chp_oneshot_rx_drop(&rx);
	CHECK_EQ(h_load(&drops), 1);

	CHECK_CODE(chp_oneshot(0, count_drop, &tx, &rx), 0);
	chp_oneshot_tx_drop(&tx);
	CHECK_CODE(oneshot_recv(&rx, NULL, NULL), CHP_ECLOSED);
	CHECK_EQ(h_load(&drops), 1);
}

/* In a task too, whose stack is far smaller than the value. */
static void a_large_value_does_not_pass_through_the_stack(void)
{
	size_t size = 1 << 20;
	unsigned char *in = malloc(size), *out = calloc(size, 1);

	for (size_t i = 0; i < size; i++)
		in[i] = (unsigned char)(i * 31 + (i >> 8));
	CHECK_CODE(chp_oneshot(size, NULL, &tx, &rx), 0);
	CHECK_CODE(chp_oneshot_send(&tx, in), 0);
	CHECK_CODE(oneshot_recv(&rx, out, NULL), 0);
	CHECK(memcmp(in, out, size) == 0);
	free(in);
	free(out);
}

static void values_of_all_sizes_keep_their_bytes(void)
{
	unsigned char in[300], out[302];

	for (size_t size = 0; size <= sizeof(in); size++) {
		memset(out, 0xee, sizeof(out));
		for (size_t i = 0; i < size; i++)
			in[i] = (unsigned char)(size + i);
		CHECK_CODE(chp_oneshot(size, NULL, &tx, &rx), 0);
		CHECK_CODE(chp_oneshot_send(&tx, in), 0);
		CHECK_CODE(chp_oneshot_try_recv(&rx, out + 1), 0);
		CHECK(memcmp(out + 1, in, size) == 0);
		CHECK_EQ(out[0], 0xee);
		CHECK_EQ(out[size + 1], 0xee);
	}
}

/* A destructor is handed a T *, so the value must stand where a T may. */
static void a_destructor_gets_an_aligned_value(void)
{
	max_align_t v[3];

	memset(v, 0, sizeof(v));
	least_alignment = 4096;
	for (size_t n = 1; n <= 3; n++) {
		CHECK_CODE(chp_oneshot(n * sizeof(*v), look_at_alignment, &tx,
				       &rx),
			   0);
		CHECK_CODE(chp_oneshot_send(&tx, v), 0);
		chp_oneshot_rx_drop(&rx);
	}
	CHECK(least_alignment >= alignof(max_align_t));
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_sent_value_is_received, IN_ALL),
	TEST(sending_uses_up_the_sender, IN_ALL),
	TEST(receiving_uses_up_the_receiver, IN_ALL),
	TEST(a_dropped_sender_closes_the_receiver, IN_ALL),
	TEST(try_recv_of_a_dropped_sender_uses_up_the_receiver, IN_ALL),
	TEST(a_send_to_a_dropped_receiver_leaves_the_value, IN_ALL),
	TEST(a_send_to_a_closed_receiver_leaves_the_value, IN_ALL),
	TEST(closing_keeps_a_value_that_was_sent, IN_ALL),
	TEST(closing_ends_the_receivers_own_wait, IN_ALL),
	TEST(dropping_the_receiver_destroys_the_value_at_once, IN_ALL),
	TEST(the_receivers_side_destroys_the_value, IN_ALL),
	TEST(receiving_into_nothing_destroys_the_value, IN_ALL),
	TEST(empty_handles_do_nothing, IN_ALL),
	TEST(a_size_beyond_memory_is_refused, IN_THREADS),
	TEST(a_value_of_no_bytes_is_a_signal, IN_ALL),
	TEST(a_large_value_does_not_pass_through_the_stack, IN_ALL),
	TEST(values_of_all_sizes_keep_their_bytes, IN_THREADS),
	TEST(a_destructor_gets_an_aligned_value, IN_THREADS),
};
/* clang-format on */
H_MAIN("oneshot", tests)
