/*
 * test_watch.c - a watch channel without any waiting: what sends store, what
 * receivers have seen, what is closed, who is counted, when values are
 * destroyed.  Values of other sizes are in test_watch_sizes.c, borrowing in
 * test_watch_borrow.c, modifying in test_watch_modify.c, waiting in
 * test_watch_wait.c.
 */
#include "watch_ends.h"

/* ---- Sending ---- */

static void the_initial_value_is_there_and_seen(void)
{
	make();
	CHECK_EQ(value_of(&rx), 1);
	CHECK_EQ(tx_value_of(&tx), 1);
	CHECK_EQ(chp_watch_has_changed(&rx), 0);
	CHECK_EQ(h_load(&drops), 0);
	drop_both();
	CHECK_EQ(h_load(&drops), 1);
}

static void without_an_initial_value_it_is_all_zero(void)
{
	char bytes[700], zero[700] = { 0 };

	memset(bytes, 'x', sizeof(bytes));
	for (size_t size = 0; size <= sizeof(bytes); size += 35) {
		CHECK_CODE(chp_watch(size, NULL, NULL, &tx, &rx), 0);
		CHECK_CODE(chp_watch_get(&rx, bytes), 0);
		CHECK(memcmp(bytes, zero, size) == 0);
		drop_both();
	}
}

static void a_send_replaces_the_value_and_is_a_change(void)
{
	make();
	CHECK_CODE(send_int(&tx, 2), 0);
	CHECK_EQ(h_load(&drops), 1);
	CHECK_EQ(chp_watch_has_changed(&rx), 1);
	CHECK_EQ(value_of(&rx), 2);
	CHECK_EQ(tx_value_of(&tx), 2);
	/* Only the latest is kept. */
	CHECK_CODE(send_int(&tx, 3), 0);
	CHECK_CODE(send_int(&tx, 4), 0);
	CHECK_EQ(value_of(&rx), 4);
	CHECK_EQ(h_load(&drops), 3);
	drop_both();
	CHECK_EQ(h_load(&drops), 4);
}

static void an_equal_value_is_a_change(void)
{
	make();
	CHECK_CODE(send_int(&tx, 1), 0);
	CHECK_EQ(chp_watch_has_changed(&rx), 1);
	CHECK_CODE(watch_changed(&rx, NULL), 0);
	CHECK_EQ(chp_watch_has_changed(&rx), 0);
	drop_both();
}

static void a_send_without_receivers_stores_nothing(void)
{
	make();
	chp_watch_rx_drop(&rx);
	CHECK_CODE(send_int(&tx, 2), CHP_ECLOSED);
	CHECK_EQ(tx_value_of(&tx), 1);
	CHECK_EQ(h_load(&drops), 0);
	chp_watch_subscribe(&tx, &rx);
	CHECK_EQ(chp_watch_has_changed(&rx), 0);
	CHECK_CODE(send_int(&tx, 2), 0);
	CHECK_EQ(value_of(&rx), 2);
	drop_both();

	CHECK_CODE(chp_watch_tx_new(sizeof(int), NULL, &(int){ 5 }, &tx), 0);
	CHECK_CODE(send_int(&tx, 6), CHP_ECLOSED);
	CHECK_EQ(tx_value_of(&tx), 5);
	chp_watch_tx_drop(&tx);
}

static void send_replace_stores_without_receivers(void)
{
	chp_watch_ref old;

	make();
	chp_watch_rx_drop(&rx);
	CHECK_CODE(chp_watch_send_replace(&tx, &(int){ 2 }, NULL), 0);
	CHECK_EQ(h_load(&drops), 1);
	CHECK_EQ(tx_value_of(&tx), 2);
	CHECK_CODE(chp_watch_send_replace(&tx, &(int){ 3 }, &old), 0);
	CHECK_EQ(tx_value_of(&tx), 3);
	CHECK_EQ(*(const int *)old.value, 2);
	CHECK_EQ(chp_watch_ref_has_changed(&old), 0);
	CHECK_EQ(h_load(&drops), 1);
	chp_watch_ref_release(&old);
	CHECK_EQ(h_load(&drops), 2);
	chp_watch_subscribe(&tx, &rx);
	CHECK_EQ(value_of(&rx), 3);
	drop_both();
	CHECK_EQ(h_load(&drops), 3);
}

static void send_replace_is_a_change(void)
{
	chp_watch_ref old;

	make();
	CHECK_CODE(chp_watch_send_replace(&tx, &(int){ 2 }, NULL), 0);
	CHECK_EQ(chp_watch_has_changed(&rx), 1);
	chp_watch_mark_unchanged(&rx);
	CHECK_CODE(chp_watch_send_replace(&tx, &(int){ 3 }, &old), 0);
	CHECK_EQ(chp_watch_has_changed(&rx), 1);
	chp_watch_ref_release(&old);
	drop_both();
	CHECK_EQ(h_load(&drops), 3);
}

/* ---- What was seen ---- */

static void a_subscriber_has_seen_the_present_value(void)
{
	chp_watch_rx later;

	make();
	CHECK_CODE(send_int(&tx, 2), 0);
	chp_watch_subscribe(&tx, &later);
	CHECK_EQ(chp_watch_has_changed(&later), 0);
	CHECK_EQ(value_of(&later), 2);
	CHECK_CODE(send_int(&tx, 3), 0);
	CHECK_EQ(chp_watch_has_changed(&later), 1);
	chp_watch_rx_drop(&later);
	drop_both();
}

static void a_clone_has_seen_what_its_original_has(void)
{
	chp_watch_rx unseen, seen;

	make();
	CHECK_CODE(send_int(&tx, 2), 0);
	chp_watch_rx_clone(&rx, &unseen);
	chp_watch_mark_unchanged(&rx);
	chp_watch_rx_clone(&rx, &seen);
	CHECK_EQ(chp_watch_has_changed(&unseen), 1);
	CHECK_EQ(chp_watch_has_changed(&seen), 0);
	CHECK_CODE(watch_changed(&unseen, NULL), 0);
	CHECK_EQ(chp_watch_has_changed(&unseen), 0);
	/* From here on each is on its own. */
	CHECK_CODE(send_int(&tx, 3), 0);
	chp_watch_mark_unchanged(&seen);
	CHECK_EQ(chp_watch_has_changed(&unseen), 1);
	CHECK_EQ(chp_watch_has_changed(&seen), 0);
	chp_watch_rx_drop(&unseen);
	chp_watch_rx_drop(&seen);
	drop_both();
}

static void marking_needs_no_look(void)
{
	make();
	chp_watch_mark_changed(&rx);
	CHECK_EQ(chp_watch_has_changed(&rx), 1);
	CHECK_CODE(watch_changed(&rx, NULL), 0);
	CHECK_EQ(chp_watch_has_changed(&rx), 0);
	/* Twice is as once. */
	chp_watch_mark_changed(&rx);
	chp_watch_mark_changed(&rx);
	CHECK_CODE(watch_changed(&rx, NULL), 0);
	CHECK_EQ(chp_watch_has_changed(&rx), 0);
	/* No send makes up for it. */
	chp_watch_mark_changed(&rx);
	CHECK_CODE(send_int(&tx, 2), 0);
	CHECK_EQ(chp_watch_has_changed(&rx), 1);
	chp_watch_mark_unchanged(&rx);
	CHECK_EQ(chp_watch_has_changed(&rx), 0);
	drop_both();
}

static void getting_marks_as_borrowing_does(void)
{
	int got = 0;

	make_with(NULL);
	CHECK_CODE(send_int(&tx, 2), 0);
	CHECK_CODE(chp_watch_get(&rx, &got), 0);
	CHECK_EQ(got, 2);
	CHECK_EQ(chp_watch_has_changed(&rx), 1);
	CHECK_CODE(chp_watch_get_and_update(&rx, &got), 0);
	CHECK_EQ(got, 2);
	CHECK_EQ(chp_watch_has_changed(&rx), 0);
	drop_both();
}

/* ---- Closing ---- */

static void after_the_last_sender_the_value_stays(void)
{
	chp_watch_tx other;

	make();
	chp_watch_tx_clone(&tx, &other);
	CHECK_CODE(send_int(&tx, 2), 0);
	chp_watch_tx_drop(&tx);
	CHECK_EQ(chp_watch_has_changed(&rx), 1);
	chp_watch_tx_drop(&other);
	CHECK_EQ(value_of(&rx), 2);
	CHECK_EQ(h_load(&drops), 1);
	chp_watch_rx_drop(&rx);
	CHECK_EQ(h_load(&drops), 2);
}

/* has_changed: closed first.  changed: unseen first. */
static void the_order_of_unseen_and_closed(void)
{
	make();
	CHECK_CODE(send_int(&tx, 2), 0);
	chp_watch_tx_drop(&tx);
	CHECK_CODE(chp_watch_has_changed(&rx), CHP_ECLOSED);
	CHECK_CODE(watch_changed(&rx, NULL), 0);
	CHECK_CODE(watch_changed(&rx, NULL), CHP_ECLOSED);
	CHECK_CODE(chp_watch_has_changed(&rx), CHP_ECLOSED);
	CHECK_CODE(watch_changed(&rx, NULL), CHP_ECLOSED);
	drop_both();
}

static void marks_work_after_closing(void)
{
	chp_watch_ref ref;

	make();
	CHECK_CODE(send_int(&tx, 2), 0);
	chp_watch_tx_drop(&tx);
	chp_watch_mark_unchanged(&rx);
	CHECK_CODE(watch_changed(&rx, NULL), CHP_ECLOSED);
	chp_watch_mark_changed(&rx);
	CHECK_CODE(watch_changed(&rx, NULL), 0);
	CHECK_CODE(watch_changed(&rx, NULL), CHP_ECLOSED);
	chp_watch_mark_changed(&rx);
	CHECK_CODE(chp_watch_borrow_and_update(&rx, &ref), 0);
	CHECK_EQ(chp_watch_ref_has_changed(&ref), 1);
	CHECK_EQ(*(const int *)ref.value, 2);
	chp_watch_ref_release(&ref);
	CHECK_CODE(watch_changed(&rx, NULL), CHP_ECLOSED);
	drop_both();
}

static void subscribing_reopens(void)
{
	chp_watch_rx second;

	make();
	CHECK_EQ(chp_watch_is_closed(&tx), 0);
	chp_watch_subscribe(&tx, &second);
	chp_watch_rx_drop(&rx);
	CHECK_EQ(chp_watch_is_closed(&tx), 0);
	chp_watch_rx_drop(&second);
	CHECK_EQ(chp_watch_is_closed(&tx), 1);
	CHECK_CODE(watch_closed(&tx, NULL), 0);
	chp_watch_subscribe(&tx, &rx);
	CHECK_EQ(chp_watch_is_closed(&tx), 0);
	CHECK_CODE(send_int(&tx, 2), 0);
	drop_both();
}

static void handles_are_counted(void)
{
	chp_watch_tx txs[5];
	chp_watch_rx rxs[6];

	make();
	for (size_t i = 0; i < 5; i++) {
		CHECK_EQ(chp_watch_sender_count(&tx), i + 1);
		chp_watch_tx_clone(&tx, &txs[i]);
	}
	for (size_t i = 0; i < 6; i++) {
		CHECK_EQ(chp_watch_receiver_count(&tx), i + 1);
		if (i % 2)
			chp_watch_subscribe(&txs[i % 5], &rxs[i]);
		else
			chp_watch_rx_clone(&rx, &rxs[i]);
	}
	CHECK_EQ(chp_watch_sender_count(&tx), 6);
	CHECK_EQ(chp_watch_receiver_count(&tx), 7);
	for (size_t i = 0; i < 5; i++) {
		CHECK_EQ(chp_watch_same_channel(&tx, &txs[i]), 1);
		chp_watch_tx_drop(&txs[i]);
		CHECK_EQ(chp_watch_same_channel(&tx, &txs[i]), 0);
		CHECK_EQ(chp_watch_sender_count(&tx), 5 - i);
	}
	for (size_t i = 0; i < 6; i++) {
		CHECK_EQ(chp_watch_rx_same_channel(&rx, &rxs[i]), 1);
		chp_watch_rx_drop(&rxs[i]);
		CHECK_EQ(chp_watch_rx_same_channel(&rx, &rxs[i]), 0);
		CHECK_EQ(chp_watch_receiver_count(&tx), 6 - i);
	}
	drop_both();
}

static void other_channels_are_not_the_same(void)
{
	chp_watch_tx t = { 0 }, u = { 0 };
	chp_watch_rx r = { 0 }, s = { 0 };

	make();
	CHECK_EQ(chp_watch_same_channel(&tx, &t), 0);
	CHECK_EQ(chp_watch_same_channel(&t, &u), 0);
	CHECK_EQ(chp_watch_rx_same_channel(&rx, &r), 0);
	CHECK_EQ(chp_watch_rx_same_channel(&r, &s), 0);
	CHECK_CODE(chp_watch(sizeof(int), NULL, NULL, &t, &r), 0);
	CHECK_EQ(chp_watch_same_channel(&tx, &t), 0);
	CHECK_EQ(chp_watch_rx_same_channel(&rx, &r), 0);
	chp_watch_tx_drop(&t);
	chp_watch_rx_drop(&r);
	drop_both();
}

/* ---- Arguments ---- */

static int wrong_pred(const void *value, void *arg)
{
	(void)value;
	(void)arg;
	CHECK(!"called");
	return 1;
}

static void wrong_always(void *value, void *arg)
{
	wrong_pred(value, arg);
}

static int wrong_perhaps(void *value, void *arg)
{
	return wrong_pred(value, arg);
}

static void empty_handles_do_nothing(void)
{
	chp_watch_tx t = { 0 }, t2 = { (void *)&t };
	chp_watch_rx r = { 0 }, r2 = { (void *)&r, 7 };
	chp_watch_ref ref = { .value = &t, .cell = (void *)&t };
	int v = 5;

	CHECK_CODE(chp_watch_send(&t, &v), CHP_EINVAL);
	CHECK_CODE(chp_watch_send_replace(&t, &v, NULL), CHP_EINVAL);
	CHECK_CODE(chp_watch_send_replace(&t, &v, &ref), CHP_EINVAL);
	CHECK(!ref.value && !ref.cell);
	CHECK_CODE(chp_watch_send_modify(&t, wrong_always, NULL), CHP_EINVAL);
	CHECK_CODE(chp_watch_send_if_modified(&t, wrong_perhaps, NULL),
		   CHP_EINVAL);
	ref.value = ref.cell = (void *)&t;
	CHECK_CODE(chp_watch_tx_borrow(&t, &ref), CHP_EINVAL);
	CHECK(!ref.value && !ref.cell);
	chp_watch_ref_release(&ref);
	CHECK_CODE(chp_watch_ref_has_changed(&ref), CHP_EINVAL);
	CHECK_EQ(chp_watch_is_closed(&t), 1);
	CHECK_EQ(chp_watch_receiver_count(&t), 0);
	CHECK_EQ(chp_watch_sender_count(&t), 0);
	CHECK_CODE(watch_closed(&t, NULL), CHP_EINVAL);
	chp_watch_tx_clone(&t, &t2);
	CHECK(!t2.ch);
	chp_watch_subscribe(&t, &r2);
	CHECK(!r2.ch);
	chp_watch_tx_drop(&t);

	ref.value = ref.cell = (void *)&t;
	CHECK_CODE(chp_watch_borrow(&r, &ref), CHP_EINVAL);
	CHECK(!ref.value && !ref.cell);
	ref.value = ref.cell = (void *)&t;
	CHECK_CODE(chp_watch_borrow_and_update(&r, &ref), CHP_EINVAL);
	CHECK(!ref.value && !ref.cell);
	CHECK_CODE(chp_watch_get(&r, &v), CHP_EINVAL);
	CHECK_CODE(chp_watch_get_and_update(&r, &v), CHP_EINVAL);
	CHECK_CODE(chp_watch_has_changed(&r), CHP_EINVAL);
	CHECK_CODE(watch_changed(&r, NULL), CHP_EINVAL);
	CHECK_CODE(watch_wait_for(&r, wrong_pred, NULL, NULL, NULL),
		   CHP_EINVAL);
	chp_watch_mark_changed(&r);
	chp_watch_mark_unchanged(&r);
	r2.ch = (void *)&r;
	chp_watch_rx_clone(&r, &r2);
	CHECK(!r2.ch);
	chp_watch_rx_drop(&r);
	CHECK_EQ(v, 5);
}

static void bad_arguments_are_refused(void)
{
	chp_watch_tx t = { 0 };
	chp_watch_rx r = { 0 };
	long blocks = h_blocks();
	int v = 5;

	CHECK_CODE(chp_watch(sizeof(int), NULL, &v, NULL, &r), CHP_EINVAL);
	CHECK_CODE(chp_watch(sizeof(int), NULL, &v, &t, NULL), CHP_EINVAL);
	CHECK_CODE(chp_watch_tx_new(sizeof(int), NULL, &v, NULL), CHP_EINVAL);
	for (size_t less = 0; less < 300; less += 16) {
		t.ch = (void *)&t;
		r.ch = (void *)&t;
		CHECK_CODE(chp_watch(SIZE_MAX - less, NULL, &v, &t, &r),
			   CHP_ENOMEM);
		CHECK(!t.ch && !r.ch);
		CHECK_CODE(chp_watch_tx_new(SIZE_MAX - less, NULL, &v, &t),
			   CHP_ENOMEM);
	}
	CHECK_EQ(h_blocks(), blocks);

	make();
	CHECK_CODE(watch_wait_for(&rx, NULL, NULL, NULL, NULL), CHP_EINVAL);
	CHECK_CODE(chp_watch_send_modify(&tx, NULL, NULL), CHP_EINVAL);
	CHECK_CODE(chp_watch_send_if_modified(&tx, NULL, NULL), CHP_EINVAL);
	drop_both();
	make_with(&cloned);
	CHECK_CODE(chp_watch_send_modify(&tx, NULL, NULL), CHP_EINVAL);
	drop_both();
}

/* Bytes of a value that is destroyed would be a second owner. */
static void values_that_cannot_be_cloned_are_not_copied_out(void)
{
	int v = 5;

	make();
	CHECK_CODE(send_int(&tx, 2), 0);
	CHECK_CODE(chp_watch_get(&rx, &v), CHP_EINVAL);
	CHECK_CODE(chp_watch_get_and_update(&rx, &v), CHP_EINVAL);
	CHECK_EQ(v, 5);
	CHECK_EQ(chp_watch_has_changed(&rx), 1);
	CHECK_CODE(chp_watch_send_modify(&tx, wrong_always, NULL), CHP_EINVAL);
	CHECK_CODE(chp_watch_send_if_modified(&tx, wrong_perhaps, NULL),
		   CHP_EINVAL);
	drop_both();
	CHECK_EQ(h_load(&drops), 2);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(the_initial_value_is_there_and_seen, IN_ALL),
	TEST(without_an_initial_value_it_is_all_zero, IN_THREADS),
	TEST(a_send_replaces_the_value_and_is_a_change, IN_ALL),
	TEST(an_equal_value_is_a_change, IN_ALL),
	TEST(a_send_without_receivers_stores_nothing, IN_ALL),
	TEST(send_replace_stores_without_receivers, IN_ALL),
	TEST(send_replace_is_a_change, IN_ALL),
	TEST(a_subscriber_has_seen_the_present_value, IN_ALL),
	TEST(a_clone_has_seen_what_its_original_has, IN_ALL),
	TEST(marking_needs_no_look, IN_ALL),
	TEST(getting_marks_as_borrowing_does, IN_ALL),
	TEST(after_the_last_sender_the_value_stays, IN_ALL),
	TEST(the_order_of_unseen_and_closed, IN_ALL),
	TEST(marks_work_after_closing, IN_ALL),
	TEST(subscribing_reopens, IN_ALL),
	TEST(handles_are_counted, IN_ALL),
	TEST(other_channels_are_not_the_same, IN_THREADS),
	TEST(empty_handles_do_nothing, IN_ALL),
	TEST(bad_arguments_are_refused, IN_ALL),
	TEST(values_that_cannot_be_cloned_are_not_copied_out, IN_ALL),
};
/* clang-format on */
H_MAIN("watch", tests)
