/*
 * test_watch_sizes.c - values of a watch channel of no bytes, of few and of
 * many: whole, aligned, and not by way of the stack.
 */
#include "watch_ends.h"

#include <stdalign.h>

static void a_value_of_no_bytes_is_bare_news(void)
{
	chp_watch_ref ref;
	char untouched = 'x';

	h_store(&drops, 0);
	CHECK_CODE(chp_watch(0, NULL, NULL, &tx, &rx), 0);
	CHECK_CODE(chp_watch_send(&tx, NULL), 0);
	CHECK_EQ(chp_watch_has_changed(&rx), 1);
	CHECK_CODE(chp_watch_get(&rx, &untouched), 0);
	CHECK_CODE(chp_watch_get(&rx, NULL), 0);
	CHECK_EQ(untouched, 'x');
	CHECK_CODE(chp_watch_borrow(&rx, &ref), 0);
	CHECK(ref.value != NULL);
	chp_watch_ref_release(&ref);
	drop_both();

	CHECK_CODE(chp_watch(0, &dropped, NULL, &tx, &rx), 0);
	CHECK_CODE(chp_watch_send(&tx, NULL), 0);
	CHECK_EQ(h_load(&drops), 1);
	drop_both();
	CHECK_EQ(h_load(&drops), 2);
}

static void values_of_all_sizes_keep_their_bytes(void)
{
	unsigned char in[600], out[602];
	chp_watch_ref old;

	for (size_t size = 0; size <= sizeof(in); size++) {
		for (size_t i = 0; i < size; i++)
			in[i] = (unsigned char)(size + i);
		CHECK_CODE(chp_watch(size, NULL, in, &tx, &rx), 0);
		for (int round = 0; round < 3; round++) {
			memset(out, 0xee, sizeof(out));
			CHECK_CODE(chp_watch_get(&rx, out + 1), 0);
			CHECK(memcmp(out + 1, in, size) == 0);
			CHECK_EQ(out[0], 0xee);
			CHECK_EQ(out[size + 1], 0xee);
			for (size_t i = 0; i < size; i++)
				in[i] ^= 0x55;
			if (round < 2)
				CHECK_CODE(chp_watch_send(&tx, in), 0);
			else
				CHECK_CODE(
					chp_watch_send_replace(&tx, in, &old),
					0);
		}
		chp_watch_ref_release(&old);
		drop_both();
	}
}

/* In a task too, whose stack is far smaller than the value. */
static void a_large_value_does_not_pass_through_the_stack(void)
{
	size_t size = 1 << 20;
	unsigned char *in = malloc(size), *out = calloc(size, 1);

	for (size_t i = 0; i < size; i++)
		in[i] = (unsigned char)(i * 31 + (i >> 8));
	CHECK_CODE(chp_watch(size, NULL, NULL, &tx, &rx), 0);
	CHECK_CODE(chp_watch_send(&tx, in), 0);
	CHECK_CODE(watch_changed(&rx, NULL), 0);
	CHECK_CODE(chp_watch_get(&rx, out), 0);
	CHECK(memcmp(in, out, size) == 0);
	drop_both();
	free(in);
	free(out);
}

static void values_are_aligned(void)
{
	max_align_t v[3];
	chp_watch_ref ref, ref2;

	memset(v, 0, sizeof(v));
	for (size_t n = 1; n <= 3; n++) {
		CHECK_CODE(chp_watch(n * sizeof(*v), NULL, v, &tx, &rx), 0);
		chp_watch_borrow(&rx, &ref);
		CHECK_CODE(chp_watch_send(&tx, v), 0);
		chp_watch_borrow(&rx, &ref2);
		CHECK((uintptr_t)ref.value % alignof(max_align_t) == 0);
		CHECK((uintptr_t)ref2.value % alignof(max_align_t) == 0);
		CHECK(ref.value != ref2.value);
		chp_watch_ref_release(&ref);
		chp_watch_ref_release(&ref2);
		drop_both();
	}
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_value_of_no_bytes_is_bare_news, IN_ALL),
	TEST(values_of_all_sizes_keep_their_bytes, IN_THREADS),
	TEST(a_large_value_does_not_pass_through_the_stack, IN_ALL),
	TEST(values_are_aligned, IN_THREADS),
};
/* clang-format on */

H_MAIN("watch_sizes", tests)
