/*
 * test_mpsc_memory.c - where values lie, and channels when memory runs out:
 * making one is refused, and a send into an unbounded one fails with the value
 * still the sender's, with nothing lost of what was sent before.
 *
 * Memory runs out because the address space is limited for a while; sanitizers
 * cannot live with that.
 */
#include "chan.h"
#include "memory.h"

static void channels_without_memory_are_refused(void)
{
	size_t huge = (size_t)1 << 40;
	long blocks = h_blocks();
	chp_oneshot_tx otx;
	chp_oneshot_rx orx;
	chp_mpsc_tx tx;
	chp_mpsc_rx rx;

	if (!limit_memory(64 << 20))
		return;
	CHECK_CODE(chp_oneshot(huge, NULL, &otx, &orx), CHP_ENOMEM);
	CHECK_CODE(chp_mpsc_bounded(1, huge, NULL, &tx, &rx), CHP_ENOMEM);
	CHECK_CODE(chp_mpsc_bounded(1 << 20, 1 << 20, NULL, &tx, &rx),
		   CHP_ENOMEM);
	CHECK_EQ(h_blocks(), blocks);
	unlimit_memory();
}

enum { SIZE = 256 << 10 };

/* All bytes of a value say which it is. */
static void check_value(const unsigned char *v, int n)
{
	for (int i = 0; i < SIZE; i += 1000)
		CHECK_EQ(v[i], (unsigned char)n);
}

static void a_send_without_memory_keeps_the_value(void)
{
	unsigned char *v = malloc(SIZE);
	chp_send_op op;
	chp_mpsc_tx tx;
	chp_mpsc_rx rx;
	int sent = 0, r = 0;

	h_store(&drops, 0);
	CHECK_CODE(chp_mpsc_unbounded(SIZE, count_drop, &tx, &rx), 0);
	if (!limit_memory(64 << 20))
		goto out;
	for (;; sent++) {
		memset(v, sent, SIZE);
		r = sent % 2 ? chp_mpsc_send(&tx, v)
			     : chp_mpsc_try_send(&tx, v);
		if (r != 0)
			break;
		CHECK(sent < 1000);
	}
	CHECK_CODE(r, CHP_ENOMEM);
	check_value(v, sent);
	CHECK(sent > 1);
	/* Again, by hand: and still nothing of it gets in. */
	CHECK_CODE(chp_mpsc_try_send(&tx, v), CHP_ENOMEM);
	chp_mpsc_send_op(&op, &tx, v);
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_ENOMEM);
	CHECK_EQ(chp_mpsc_len(&rx), sent);
	for (int i = 0; i < sent; i++) {
		CHECK_CODE(chp_mpsc_recv(&rx, v), 0);
		check_value(v, i);
	}
	CHECK_CODE(chp_mpsc_try_recv(&rx, v), CHP_EAGAIN);
	CHECK_EQ(chp_mpsc_is_empty(&rx), 1);
	/* What was received has made room. */
	for (int i = 0; i < sent; i++) {
		memset(v, i, SIZE);
		CHECK_CODE(chp_mpsc_send(&tx, v), 0);
		CHECK_CODE(chp_mpsc_recv(&rx, v), 0);
		check_value(v, i);
	}
	unlimit_memory();
	CHECK_CODE(chp_mpsc_send(&tx, v), 0);
out:
	chp_mpsc_close(&rx);
	r = chp_mpsc_try_send(&tx, v);
	CHECK_CODE(r, CHP_ECLOSED);
	chp_mpsc_tx_drop(&tx);
	chp_mpsc_rx_drop(&rx);
	CHECK_EQ(h_load(&drops), sent > 0);
	free(v);
}

/* clang-format off */
/* ---- What the destructor is given ---- */

static void check_aligned(void *value)
{
	CHECK_EQ((uintptr_t)value % _Alignof(max_align_t), 0);
	h_add(&drops, 1);
}

static void send_sized(chp_mpsc_tx *tx, int n)
{
	char value[48] = { 0 };

	for (int i = 0; i < n; i++)
		CHECK_CODE(chp_mpsc_send(tx, value), 0);
	chp_mpsc_tx_drop(tx);
}

static void values_are_aligned_for_the_destructor(void)
{
	static const size_t sizes[] = { 9, 24, 40, 48 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		chp_mpsc_tx tx;
		chp_mpsc_rx rx;

		h_store(&drops, 0);
		CHECK_CODE(chp_mpsc_bounded(3, sizes[i], check_aligned, &tx,
					    &rx),
			   0);
		send_sized(&tx, 3);
		CHECK_CODE(chp_mpsc_recv(&rx, NULL), 0);
		chp_mpsc_rx_drop(&rx);
		CHECK_CODE(chp_mpsc_unbounded(sizes[i], check_aligned, &tx,
					      &rx),
			   0);
		send_sized(&tx, 300);
		CHECK_CODE(chp_mpsc_recv(&rx, NULL), 0);
		chp_mpsc_rx_drop(&rx);
		CHECK_EQ(h_load(&drops), 303);
	}
}

static const struct h_test tests[] = {
	TEST(channels_without_memory_are_refused, IN_THREADS),
	TEST(a_send_without_memory_keeps_the_value, IN_THREADS),
	TEST(values_are_aligned_for_the_destructor, IN_BLOCKING),
};
/* clang-format on */
H_MAIN("mpsc_memory", tests)
