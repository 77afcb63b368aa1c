/*
 * test_mpsc_many.c - many values: receiving in batches, values of all sizes
 * (none, odd, a kibibyte), and an unbounded channel's blocks, whose borders
 * must not show.
 */
#include "mpsc.h"

#include <stdalign.h>

static void send_ints(int from, int to)
{
	for (int i = from; i < to; i++)
		CHECK_CODE(mpsc_send(&tx, &i, NULL), 0);
}

/* ---- Batches ---- */

static void a_batch_takes_what_is_there(void)
{
	const size_t capacities[] = { 0, 10 };

	for (int k = 0; k < 2; k++) {
		int out[12];

		make(capacities[k]);
		send_ints(0, 10);
		memset(out, 0xff, sizeof(out));
		CHECK_EQ(mpsc_recv_many(&rx, out, 4, NULL), 4);
		CHECK_EQ(out[3], 3);
		CHECK_EQ(out[4], -1);
		CHECK_EQ(chp_mpsc_len(&rx), 6);
		/* More than there are: it does not wait to fill. */
		CHECK_EQ(mpsc_recv_many(&rx, out + 4, SIZE_MAX, NULL), 6);
		for (int i = 0; i < 10; i++)
			CHECK_EQ(out[i], i);
		CHECK_EQ(out[10], -1);
		CHECK_EQ(chp_mpsc_is_empty(&rx), 1);
		send_ints(20, 21);
		CHECK_EQ(mpsc_recv_many(&rx, out, 1, NULL), 1);
		CHECK_EQ(out[0], 20);
		drop_both();
		CHECK_EQ(h_load(&drops), 0);
	}
}

static void a_batch_of_none_returns_at_once(void)
{
	int out = 5;

	for (size_t k = 0; k < 2; k++) {
		make(k);
		CHECK_EQ(mpsc_recv_many(&rx, &out, 0, NULL), 0);
		send_ints(0, 1);
		CHECK_EQ(mpsc_recv_many(&rx, &out, 0, NULL), 0);
		CHECK_EQ(chp_mpsc_len(&rx), 1);
		chp_mpsc_close(&rx);
		CHECK_EQ(mpsc_recv_many(&rx, &out, 0, NULL), 0);
		CHECK_EQ(out, 5);
		drop_both();
	}
}

/* tokio #7991: told of the end by the result, not by what the buffer holds. */
static void a_batch_on_a_closed_channel_says_closed(void)
{
	for (int k = 0; k < 4; k++) {
		int out[4] = { 1, 2, 3, 4 };

		make(k % 2 ? 4 : 0);
		send_ints(10, 11);
		if (k < 2)
			chp_mpsc_close(&rx);
		else
			chp_mpsc_tx_drop(&tx);
		CHECK_EQ(mpsc_recv_many(&rx, out + 2, 2, NULL), 1);
		CHECK_CODE(mpsc_recv_many(&rx, out + 3, 1, NULL), CHP_ECLOSED);
		CHECK_CODE(mpsc_recv_many(&rx, out, 4, NULL), CHP_ECLOSED);
		CHECK_EQ(out[0], 1);
		CHECK_EQ(out[1], 2);
		CHECK_EQ(out[2], 10);
		CHECK_EQ(out[3], 4);
		drop_both();
	}
}

static void a_batch_frees_all_its_places(void)
{
	enum { PLACES = 40, WAITING = 50 };
	static chp_send_op op[WAITING];
	static struct h_waker w[WAITING];
	int value[WAITING], out[PLACES + WAITING];

	memset(w, 0, sizeof(w));
	make(PLACES);
	send_ints(0, PLACES);
	for (int i = 0; i < WAITING; i++) {
		value[i] = PLACES + i;
		chp_mpsc_send_op(&op[i], &tx, &value[i]);
		CHECK_CODE(h_poll(&op[i].op, &w[i]), CHP_PENDING);
	}
	CHECK_EQ(mpsc_recv_many(&rx, out, PLACES, NULL), PLACES);
	for (int i = 0; i < WAITING; i++)
		CHECK_EQ(h_wakes(&w[i]), i < PLACES);
	for (int i = 0; i < PLACES; i++)
		CHECK_CODE(h_poll(&op[i].op, &w[i]), 0);
	CHECK_EQ(mpsc_recv_many(&rx, out + PLACES, WAITING, NULL), PLACES);
	for (int i = PLACES; i < WAITING; i++)
		CHECK_CODE(h_poll(&op[i].op, &w[i]), 0);
	CHECK_EQ(chp_mpsc_capacity(&tx), 2 * PLACES - WAITING);
	CHECK_EQ(mpsc_recv_many(&rx, out + 2 * PLACES, WAITING, NULL),
		 WAITING - PLACES);
	for (int i = 0; i < PLACES + WAITING; i++)
		CHECK_EQ(out[i], i);
	CHECK_EQ(chp_mpsc_capacity(&tx), PLACES);
	drop_both();
}

static void *send_some(void *arg)
{
	int n = *(int *)arg;

	for (int i = 0; i < n; i++) {
		CHECK_CODE(mpsc_send(&tx, &i, NULL), 0);
		if (i % 13 == 0)
			h_yield();
	}
	chp_mpsc_tx_drop(&tx);
	return NULL;
}

static void batches_keep_the_order_and_lose_nothing(void)
{
	const size_t capacities[] = { 0, 1, 7, 64 };

	for (int k = 0; k < 4; k++) {
		int n = (int)h_rounds(20000), next = 0, out[16], r;
		struct h_agent a;

		make(capacities[k]);
		h_spawn(&a, send_some, &n);
		while ((r = mpsc_recv_many(&rx, out, 16, NULL)) > 0) {
			CHECK(r <= 16);
			for (int i = 0; i < r; i++)
				CHECK_EQ(out[i], next++);
		}
		CHECK_CODE(r, CHP_ECLOSED);
		CHECK_EQ(next, n);
		h_join(&a);
		drop_both();
		CHECK_EQ(h_load(&drops), 0);
	}
}

static void a_waiting_batch_takes_all_that_came_before_its_poll(void)
{
	struct h_waker w = { 0 };
	chp_recv_op op;
	int out[4] = { 0 };

	make(0);
	chp_mpsc_recv_many_op(&op, &rx, out, 4);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	send_ints(1, 4);
	CHECK_EQ(h_wakes(&w), 1);
	CHECK_EQ(h_poll(&op.op, &w), 3);
	CHECK_EQ(out[0] + out[1] + out[2], 6);
	drop_both();
}

/* ---- Borders of blocks ---- */

/* tokio #6603: is_empty and len at a border of two blocks. */
static void borders_of_blocks_do_not_show(void)
{
	make(0);
	for (int step = 1; step <= 130; step++) {
		for (int i = 0; i < step; i++) {
			CHECK_EQ(chp_mpsc_len(&rx), i);
			CHECK_EQ(chp_mpsc_is_empty(&rx), i == 0);
			send_ints(i, i + 1);
		}
		for (int i = 0; i < step; i++) {
			int v = -1;

			CHECK_EQ(chp_mpsc_is_empty(&rx), 0);
			CHECK_EQ(chp_mpsc_len(&rx), step - i);
			CHECK_CODE(chp_mpsc_try_recv(&rx, &v), 0);
			CHECK_EQ(v, i);
		}
		CHECK_EQ(chp_mpsc_is_empty(&rx), 1);
		CHECK_EQ(chp_mpsc_len(&rx), 0);
		CHECK_CODE(chp_mpsc_try_recv(&rx, NULL), CHP_EAGAIN);
	}
	drop_both();
	CHECK_EQ(h_load(&drops), 0);
}

/* The end of the stream at and around every multiple of any likely size. */
static void the_stream_may_end_at_any_border(void)
{
	for (int n = 0; n <= 200; n++) {
		int v = -1;

		make(0);
		send_ints(0, n);
		chp_mpsc_tx_drop(&tx);
		CHECK_EQ(chp_mpsc_len(&rx), n);
		CHECK_EQ(chp_mpsc_is_empty(&rx), n == 0);
		for (int i = 0; i < n; i++) {
			CHECK_CODE(chp_mpsc_try_recv(&rx, &v), 0);
			CHECK_EQ(v, i);
			CHECK_EQ(chp_mpsc_is_empty(&rx), i == n - 1);
		}
		CHECK_CODE(chp_mpsc_try_recv(&rx, &v), CHP_ECLOSED);
		CHECK_EQ(chp_mpsc_is_empty(&rx), 1);
		drop_both();
	}
}

static void a_long_backlog_is_kept_and_given_back(void)
{
	int n = (int)h_rounds(100000), v, half = n / 2;
	long blocks = h_blocks();

	make(0);
	send_ints(0, n);
	CHECK_EQ(chp_mpsc_len(&rx), n);
	for (int i = 0; i < half; i++) {
		CHECK_CODE(mpsc_recv(&rx, &v, NULL), 0);
		CHECK_EQ(v, i);
	}
	CHECK_EQ(chp_mpsc_len(&rx), n - half);
	drop_both();
	CHECK_EQ(h_load(&drops), n - half);
	CHECK_EQ(h_blocks(), blocks);
}

/* One in, one out, for long, must not eat memory. */
static void a_steady_stream_uses_a_steady_amount_of_memory(void)
{
	long most;

	make(0);
	send_ints(0, 500);
	most = h_blocks();
	for (int i = 0; i < 20000; i++) {
		int v = -1;

		CHECK_CODE(mpsc_recv(&rx, &v, NULL), 0);
		CHECK_EQ(v, i);
		send_ints(i + 500, i + 501);
		CHECK(h_blocks() <= most + 8);
	}
	drop_both();
}

/* ---- Sizes ---- */

static void values_of_all_sizes_keep_their_bytes(void)
{
	static const size_t sizes[] = { 0,  1,  2,  3,  4,   5,   7,   8,
					9,  12, 15, 16, 17,  24,  31,  32,
					33, 48, 63, 64, 100, 127, 128, 1024 };
	unsigned char in[1024], out[1026];

	for (size_t s = 0; s < 2 * sizeof(sizes) / sizeof(*sizes); s++) {
		size_t size = sizes[s / 2];

		make_of(s % 2 ? 37 : 0, size, NULL);
		for (int round = 0; round < 3; round++) {
			for (int i = 0; i < 37; i++) {
				memset(in, i + round, sizeof(in));
				CHECK_CODE(mpsc_send(&tx, in, NULL), 0);
			}
			for (int i = 0; i < 37; i++) {
				memset(in, i + round, sizeof(in));
				memset(out, 0xee, sizeof(out));
				CHECK_CODE(mpsc_recv(&rx, out + 1, NULL), 0);
				CHECK(memcmp(out + 1, in, size) == 0);
				CHECK_EQ(out[0], 0xee);
				CHECK_EQ(out[size + 1], 0xee);
			}
		}
		drop_both();
	}
}

/* In a task too, whose stack is smaller than a value. */
static void values_larger_than_a_stack_go_through(void)
{
	size_t size = 1 << 20;
	unsigned char *in = malloc(size), *out = calloc(size, 1);

	for (size_t i = 0; i < size; i++)
		in[i] = (unsigned char)(i * 31 + (i >> 8));
	for (size_t k = 0; k < 2; k++) {
		memset(out, 0, size);
		make_of(k, size, NULL);
		CHECK_CODE(mpsc_send(&tx, in, NULL), 0);
		CHECK_CODE(mpsc_recv(&rx, out, NULL), 0);
		CHECK(memcmp(in, out, size) == 0);
		drop_both();
	}
	free(in);
	free(out);
}

static void values_of_no_bytes_are_counted_like_others(void)
{
	for (size_t k = 0; k < 2; k++) {
		char untouched = 'x';

		make_of(k * 50, 0, count_drop);
		for (int i = 0; i < 50; i++)
			CHECK_CODE(mpsc_send(&tx, NULL, NULL), 0);
		CHECK_EQ(chp_mpsc_len(&rx), 50);
		if (k)
			CHECK_CODE(chp_mpsc_try_send(&tx, NULL), CHP_EAGAIN);
		CHECK_CODE(mpsc_recv(&rx, &untouched, NULL), 0);
		CHECK_EQ(untouched, 'x');
		CHECK_EQ(mpsc_recv_many(&rx, &untouched, 9, NULL), 9);
		CHECK_EQ(untouched, 'x');
		CHECK_EQ(h_load(&drops), 0);
		CHECK_CODE(mpsc_recv(&rx, NULL, NULL), 0);
		CHECK_EQ(h_load(&drops), 1);
		drop_both();
		CHECK_EQ(h_load(&drops), 40);
	}
}

/* A destructor is handed a T *, so each value must stand where a T may. */
static void a_destructor_gets_aligned_values(void)
{
	max_align_t v[3];

	memset(v, 0, sizeof(v));
	for (size_t size = 8; size <= sizeof(v); size += 8) {
		size_t needed = size & -size;

		if (needed > alignof(max_align_t))
			needed = alignof(max_align_t);
		for (size_t k = 0; k < 2; k++) {
			least_alignment = 4096;
			make_of(k * 40, size, look_at_alignment);
			for (int i = 0; i < 40; i++)
				CHECK_CODE(mpsc_send(&tx, v, NULL), 0);
			drop_both();
			CHECK(least_alignment >= needed);
		}
	}
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_batch_takes_what_is_there, IN_ALL),
	TEST(a_batch_of_none_returns_at_once, IN_ALL),
	TEST(a_batch_on_a_closed_channel_says_closed, IN_ALL),
	TEST(a_batch_frees_all_its_places, IN_THREADS | IN_MT),
	TEST(batches_keep_the_order_and_lose_nothing, IN_ALL),
	TEST(a_waiting_batch_takes_all_that_came_before_its_poll,
	     IN_THREADS | IN_MT),
	TEST(borders_of_blocks_do_not_show, IN_THREADS | IN_MT),
	TEST(the_stream_may_end_at_any_border, IN_THREADS | IN_MT),
	TEST(a_long_backlog_is_kept_and_given_back, IN_ALL),
	TEST(a_steady_stream_uses_a_steady_amount_of_memory, IN_THREADS),
	TEST(values_of_all_sizes_keep_their_bytes, IN_THREADS | IN_MT),
	TEST(values_larger_than_a_stack_go_through, IN_ALL),
	TEST(values_of_no_bytes_are_counted_like_others, IN_ALL),
	TEST(a_destructor_gets_aligned_values, IN_THREADS),
};
/* clang-format on */
H_MAIN("mpsc_many", tests)
