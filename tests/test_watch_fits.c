/*
 * test_watch_fits.c - waiting for a value that fits: which values are tried,
 * seen or not, the last one of a closed channel, and what a predicate may do.
 */
#include "watch_ends.h"

static void the_present_value_is_tried_first_seen_or_not(void)
{
	struct probe p = { .wanted = 1 };
	chp_watch_ref ref;

	make();
	CHECK_CODE(watch_wait_for(&rx, probe, &p, &ref, NULL), 0);
	CHECK_EQ(*(const int *)ref.value, 1);
	CHECK_EQ(chp_watch_ref_has_changed(&ref), 0);
	chp_watch_ref_release(&ref);

	p = (struct probe){ .wanted = 2 };
	CHECK_CODE(send_int(&tx, 2), 0);
	CHECK_CODE(watch_wait_for(&rx, probe, &p, &ref, NULL), 0);
	CHECK_EQ(*(const int *)ref.value, 2);
	CHECK_EQ(chp_watch_ref_has_changed(&ref), 1);
	CHECK_EQ(chp_watch_has_changed(&rx), 0);
	CHECK_EQ(p.calls, 1);
	chp_watch_ref_release(&ref);

	/* The ref is not asked for. */
	CHECK_CODE(watch_wait_for(&rx, probe, &p, NULL, NULL), 0);
	drop_both();
	CHECK_EQ(h_load(&drops), 2);
}

static void *await_seven(void *arg)
{
	struct probe *p = arg;
	chp_watch_ref ref;

	CHECK_CODE(watch_wait_for(&rx, probe, p, &ref, NULL), 0);
	CHECK_EQ(*(const int *)ref.value, 7);
	CHECK_EQ(chp_watch_ref_has_changed(&ref), 1);
	h_store(&progress, 1);
	chp_watch_ref_release(&ref);
	return NULL;
}

static void unseen_values_are_tried_until_one_fits(void)
{
	struct h_agent a;

	for (long round = h_rounds(100); round; round--) {
		struct probe p = { .wanted = 7 };

		make();
		h_spawn(&a, await_seven, &p);
		for (int i = 2; i < 7; i++)
			CHECK_CODE(send_int(&tx, i), 0);
		for (int i = 0; i < 5; i++)
			h_yield();
		CHECK_EQ(h_load(&progress), 0);
		CHECK_CODE(send_int(&tx, 7), 0);
		h_join(&a);
		/* Some may be skipped; none is tried twice. */
		CHECK(p.calls >= 1 && p.calls <= 7);
		for (int i = 1; i < p.calls; i++)
			CHECK(p.values[i] > p.values[i - 1]);
		CHECK_EQ(p.values[p.calls - 1], 7);
		drop_both();
		CHECK_EQ(h_load(&drops), 7);
	}
}

static void a_closed_channel_is_tried_once_more(void)
{
	struct probe p = { .wanted = 9 };
	chp_watch_ref ref = { .value = &p };

	make();
	CHECK_CODE(send_int(&tx, 2), 0);
	chp_watch_tx_drop(&tx);
	CHECK_CODE(watch_wait_for(&rx, probe, &p, &ref, NULL), CHP_ECLOSED);
	CHECK(!ref.value);
	CHECK_EQ(p.calls, 1);
	/* What was tried was seen. */
	CHECK_CODE(watch_changed(&rx, NULL), CHP_ECLOSED);
	p = (struct probe){ .wanted = 2 };
	CHECK_CODE(watch_wait_for(&rx, probe, &p, &ref, NULL), 0);
	CHECK_EQ(*(const int *)ref.value, 2);
	chp_watch_ref_release(&ref);
	drop_both();
}

static void *await_nine_in_vain(void *arg)
{
	CHECK_CODE(watch_wait_for(&rx, probe, arg, NULL, NULL), CHP_ECLOSED);
	return NULL;
}

/* An end without a new value is no reason to try the old one again. */
static void a_refused_value_is_not_tried_again(void)
{
	struct h_agent a;

	for (long round = h_rounds(100); round; round--) {
		struct probe p = { .wanted = 9 };

		make();
		h_spawn(&a, await_nine_in_vain, &p);
		if (round % 2)
			for (int i = 0; i < 5; i++)
				h_yield();
		chp_watch_tx_drop(&tx);
		h_join(&a);
		CHECK_EQ(p.calls, 1);
		drop_both();
	}
}

static void *await_the_last(void *arg)
{
	chp_watch_ref ref;

	CHECK_CODE(watch_wait_for(&rx, probe, arg, &ref, NULL), 0);
	chp_watch_rx_drop(&rx);
	CHECK_EQ(*(const int *)ref.value, 9);
	chp_watch_ref_release(&ref);
	return NULL;
}

static void the_last_value_may_fit_though_the_channel_is_closed(void)
{
	struct h_agent a;

	for (long round = h_rounds(100); round; round--) {
		struct probe p = { .wanted = 9 };

		make();
		h_spawn(&a, await_the_last, &p);
		CHECK_CODE(send_int(&tx, 9), 0);
		chp_watch_tx_drop(&tx);
		h_join(&a);
		CHECK_EQ(h_load(&drops), 2);
	}
}

/*
 * tokio #6021: a predicate there runs under the value's lock, and one that
 * panicked poisoned it.  Here it runs under none.
 */
static int use_the_channel(const void *value, void *arg)
{
	chp_watch_ref ref, old;
	chp_watch_rx another;
	int v = *(const int *)value;

	CHECK_CODE(chp_watch_borrow(&rx, &ref), 0);
	CHECK(*(const int *)ref.value >= v);
	chp_watch_subscribe(&tx, &another);
	if (v < 5) {
		CHECK_CODE(send_int(&tx, v + 1), 0);
		CHECK_EQ(chp_watch_has_changed(&another), 1);
		CHECK_EQ(chp_watch_has_changed(&rx), 1);
	} else if (v < 10) {
		CHECK_CODE(chp_watch_send_replace(&tx, &(int){ v + 1 }, &old),
			   0);
		CHECK_EQ(*(const int *)old.value, v);
		chp_watch_ref_release(&old);
	}
	chp_watch_rx_drop(&another);
	/* Our own snapshot is as it was. */
	CHECK_EQ(*(const int *)value, v);
	chp_watch_ref_release(&ref);
	++*(int *)arg;
	return v == 10;
}

static void a_predicate_may_use_the_channel(void)
{
	chp_watch_ref ref;
	int calls = 0;

	make();
	CHECK_CODE(watch_wait_for(&rx, use_the_channel, &calls, &ref, NULL), 0);
	CHECK_EQ(calls, 10);
	CHECK_EQ(*(const int *)ref.value, 10);
	chp_watch_ref_release(&ref);
	drop_both();
	CHECK_EQ(h_load(&drops), 10);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(the_present_value_is_tried_first_seen_or_not, IN_ALL),
	TEST(unseen_values_are_tried_until_one_fits, IN_ALL),
	TEST(a_closed_channel_is_tried_once_more, IN_ALL),
	TEST(a_refused_value_is_not_tried_again, IN_ALL),
	TEST(the_last_value_may_fit_though_the_channel_is_closed, IN_ALL),
	TEST(a_predicate_may_use_the_channel, IN_ALL),
};
/* clang-format on */

H_MAIN("watch_fits", tests)
