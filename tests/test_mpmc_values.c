/*
 * test_mpmc_values.c - what a channel with many receivers does with values:
 * sizes, alignment, who destroys them, and the memory that they take.
 */
#include "mpmc.h"

#include <stdalign.h>

static chp_mpmc_tx tx;
static chp_mpmc_rx rx;

static void drop_both(void)
{
	chp_mpmc_tx_drop(&tx);
	chp_mpmc_rx_drop(&rx);
}

static size_t least_alignment, dropped_size;
static unsigned char pattern;

static void look_at_value(void *value)
{
	uintptr_t at = (uintptr_t)value;
	unsigned char *bytes = value;

	if (at & -at && (at & -at) < least_alignment)
		least_alignment = at & -at;
	for (size_t i = 0; i < dropped_size; i++)
		CHECK_EQ(bytes[i], (unsigned char)(pattern + i));
	h_add(&drops, 1);
}

/* Small and large, by every way that there is: whole, aligned, once. */
static void receiving_into_nothing_destroys(void)
{
	static const size_t sizes[] = { 0, 16, 48, 256, 272, 100000 };
	unsigned char *v = malloc(100000);
	chp_mpmc_op op;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		size_t size = dropped_size = sizes[i];

		h_store(&drops, 0);
		least_alignment = 4096;
		CHECK_CODE(chp_mpmc_bounded(5, size, look_at_value, &tx, &rx),
			   0);
		for (size_t b = 0; b < size; b++)
			v[b] = (unsigned char)(pattern + b);
		for (int n = 0; n < 5; n++)
			CHECK_CODE(chp_mpmc_try_send(&tx, v), 0);
		CHECK_CODE(chp_mpmc_try_recv(&rx, NULL), 0);
		CHECK_CODE(mpmc_recv(&rx, NULL, NULL), 0);
		CHECK_EQ(mpmc_recv_many(&rx, NULL, 4, NULL), 1);
		chp_mpmc_recv_op(&op, &rx, NULL);
		CHECK_CODE(chp_op_poll(&op.op, NULL), 0);
		CHECK_EQ(h_load(&drops), 4);
		/* Also one that waits first. */
		CHECK_CODE(mpmc_recv(&rx, NULL, NULL), 0);
		chp_mpmc_recv_op(&op, &rx, NULL);
		CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_PENDING);
		CHECK_CODE(chp_mpmc_try_send(&tx, v), 0);
		CHECK_CODE(chp_op_poll(&op.op, NULL), 0);
		CHECK_EQ(h_load(&drops), 6);
		CHECK_CODE(chp_mpmc_try_send(&tx, v), 0);
		drop_both();
		CHECK_EQ(h_load(&drops), 7);
		CHECK(least_alignment >= alignof(max_align_t));
		pattern++;
	}
	free(v);
}

static void without_a_destructor_nothing_is_called(void)
{
	int v = 1;

	CHECK_CODE(chp_mpmc_bounded(3, sizeof(int), NULL, &tx, &rx), 0);
	for (int i = 0; i < 3; i++)
		CHECK_CODE(chp_mpmc_try_send(&tx, &v), 0);
	CHECK_CODE(chp_mpmc_try_recv(&rx, NULL), 0);
	CHECK_CODE(mpmc_recv(&rx, NULL, NULL), 0);
	drop_both();
}

static void values_of_all_sizes_keep_their_bytes(void)
{
	unsigned char in[300], out[302];

	for (size_t size = 0; size <= sizeof(in); size++) {
		memset(out, 0xee, sizeof(out));
		for (size_t i = 0; i < size; i++)
			in[i] = (unsigned char)(size + i);
		CHECK_CODE(size % 3 ? chp_mpmc_bounded(2, size, NULL, &tx, &rx)
				    : chp_mpmc_unbounded(size, NULL, &tx, &rx),
			   0);
		for (int n = 0; n < 4; n++) {
			CHECK_CODE(chp_mpmc_try_send(&tx, in), 0);
			CHECK_CODE(chp_mpmc_try_recv(&rx, out + 1), 0);
			CHECK(memcmp(out + 1, in, size) == 0);
			CHECK_EQ(out[0], 0xee);
			CHECK_EQ(out[size + 1], 0xee);
		}
		drop_both();
	}
}

static void a_value_of_no_bytes_is_a_signal(void)
{
	char untouched = 'x';

	for (int limited = 0; limited < 2; limited++) {
		h_store(&drops, 0);
		CHECK_CODE(mpmc_make(limited ? 3 : UNBOUNDED, 0, count_drop,
				     &tx, &rx),
			   0);
		for (int i = 0; i < 3; i++)
			CHECK_CODE(mpmc_send(&tx, NULL, NULL), 0);
		CHECK_CODE(chp_mpmc_try_send(&tx, NULL),
			   limited ? CHP_EAGAIN : 0);
		CHECK_CODE(mpmc_recv(&rx, &untouched, NULL), 0);
		CHECK_EQ(untouched, 'x');
		CHECK_EQ(h_load(&drops), 0);
		drop_both();
		CHECK_EQ(h_load(&drops), limited ? 2 : 3);
	}
}

/* In a task too, whose stack is far smaller than the value. */
static void a_large_value_does_not_pass_through_the_stack(void)
{
	size_t size = 1 << 20;
	unsigned char *in = malloc(size), *out = calloc(size, 1);

	for (size_t i = 0; i < size; i++)
		in[i] = (unsigned char)(i * 31 + (i >> 8));
	h_store(&drops, 0);
	CHECK_CODE(chp_mpmc_bounded(2, size, count_drop, &tx, &rx), 0);
	CHECK_CODE(mpmc_send(&tx, in, NULL), 0);
	CHECK_CODE(mpmc_send(&tx, in, NULL), 0);
	CHECK_CODE(mpmc_recv(&rx, out, NULL), 0);
	CHECK(memcmp(in, out, size) == 0);
	CHECK_CODE(mpmc_recv(&rx, NULL, NULL), 0);
	CHECK_EQ(h_load(&drops), 1);
	drop_both();
	free(in);
	free(out);
}

static void a_bounded_channel_allocates_when_it_is_made(void)
{
	chp_mpmc_op send, recv;
	long allocs;
	int v = 1;

	CHECK_CODE(chp_mpmc_bounded(4, sizeof(int), NULL, &tx, &rx), 0);
	allocs = h_allocs();
	for (int i = 0; i < 100; i++) {
		CHECK_CODE(chp_mpmc_send(&tx, &v), 0);
		CHECK_CODE(chp_mpmc_recv(&rx, i % 2 ? &v : NULL), 0);
		chp_mpmc_recv_op(&recv, &rx, &v);
		CHECK_CODE(chp_op_poll(&recv.op, NULL), CHP_PENDING);
		chp_mpmc_send_op(&send, &tx, &v);
		CHECK_CODE(chp_op_poll(&send.op, NULL), 0);
		CHECK_CODE(chp_op_poll(&recv.op, NULL), 0);
	}
	CHECK_EQ(h_allocs(), allocs);
	drop_both();
}

/* A burst's blocks go; at rest two are kept at most. */
static void an_unbounded_channel_gives_memory_back(void)
{
	long blocks;
	int v = -1;

	CHECK_CODE(chp_mpmc_unbounded(sizeof(int), NULL, &tx, &rx), 0);
	blocks = h_blocks();
	for (int i = 0; i < 100000; i++)
		CHECK_CODE(chp_mpmc_try_send(&tx, &i), 0);
	CHECK(h_blocks() > blocks + 50);
	for (int i = 0; i < 100000; i++) {
		CHECK_CODE(chp_mpmc_try_recv(&rx, &v), 0);
		CHECK_EQ(v, i);
	}
	CHECK(h_blocks() <= blocks + 2);
	drop_both();
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(receiving_into_nothing_destroys, IN_ALL),
	TEST(without_a_destructor_nothing_is_called, IN_ALL),
	TEST(values_of_all_sizes_keep_their_bytes, IN_THREADS),
	TEST(a_value_of_no_bytes_is_a_signal, IN_ALL),
	TEST(a_large_value_does_not_pass_through_the_stack, IN_ALL),
	TEST(a_bounded_channel_allocates_when_it_is_made, IN_THREADS),
	TEST(an_unbounded_channel_gives_memory_back, IN_THREADS),
};
/* clang-format on */
H_MAIN("mpmc_values", tests)
