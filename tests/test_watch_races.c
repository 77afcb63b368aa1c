/*
 * test_watch_races.c - two ends of a watch channel at the same moment, many
 * times: every wait ends, what was not seen is not marked, and whoever has its
 * answer frees operation, handle and channel at once while the other is still
 * inside the call that gave it.  Meant for the sanitizers, too.  What several
 * senders and borrowers do to the value is in test_watch_storm.c.
 */
#include "duo.h"
#include "watch.h"

static chp_watch_tx *tx; /* on the heap, so that use after free is seen */
static chp_watch_rx *rx;
static int result, sent; /* what each side was told */

static void make(void)
{
	h_store(&drops, 0);
	result = sent = 1000;
	tx = malloc(sizeof(*tx));
	rx = malloc(sizeof(*rx));
	CHECK_CODE(chp_watch(sizeof(int), &dropped, &(int){ 1 }, tx, rx), 0);
}

static void free_tx(void)
{
	chp_watch_tx_drop(tx);
	memset(tx, 0xdd, sizeof(*tx));
	free(tx);
}

static void free_rx(void)
{
	chp_watch_rx_drop(rx);
	memset(rx, 0xdd, sizeof(*rx));
	free(rx);
}

static int two = 2;

/* ---- Ends of waits, with memory that goes at once ---- */

static void send_2(void)
{
	sent = send_int(tx, 2);
}

static void send_2_and_free(void)
{
	sent = send_int(tx, 2);
	free_tx();
}

static void await_change_and_free(void)
{
	chp_watch_op *op = malloc(sizeof(*op));

	chp_watch_changed_op(op, rx);
	result = h_wait(&op->op, NULL);
	memset(op, 0xdd, sizeof(*op));
	free(op);
	if (result == 0)
		CHECK_EQ(value_of(rx), 2);
	free_rx();
}

static void the_change_was_seen(void)
{
	CHECK_CODE(sent, 0);
	CHECK_CODE(result, 0);
	CHECK_EQ(h_load(&drops), 2);
}

static void the_receiver_frees_all_right_after_a_change(void)
{
	race(make, await_change_and_free, send_2_and_free, the_change_was_seen);
	race(make, send_2_and_free, await_change_and_free, the_change_was_seen);
}

static void the_end_was_heard(void)
{
	CHECK_CODE(result, CHP_ECLOSED);
	CHECK_EQ(h_load(&drops), 1);
}

static void the_receiver_frees_all_right_after_the_end(void)
{
	race(make, await_change_and_free, free_tx, the_end_was_heard);
	race(make, free_tx, await_change_and_free, the_end_was_heard);
}

static void await_two_and_free(void)
{
	chp_watch_op *op = malloc(sizeof(*op));
	chp_watch_ref *ref = malloc(sizeof(*ref));

	chp_watch_wait_for_op(op, rx, at_least, &two, ref);
	result = h_wait(&op->op, NULL);
	memset(op, 0xdd, sizeof(*op));
	free(op);
	free_rx();
	if (result == 0)
		CHECK_EQ(*(const int *)ref->value, 2);
	chp_watch_ref_release(ref);
	free(ref);
}

static void a_fitting_value_is_held_when_all_else_is_gone(void)
{
	race(make, await_two_and_free, send_2_and_free, the_change_was_seen);
	race(make, await_two_and_free, free_tx, the_end_was_heard);
}

static void await_closed_and_free(void)
{
	chp_watch_op *op = malloc(sizeof(*op));

	chp_watch_closed_op(op, tx);
	result = h_wait(&op->op, NULL);
	memset(op, 0xdd, sizeof(*op));
	free(op);
	free_tx();
}

static void closing_was_heard(void)
{
	CHECK_CODE(result, 0);
	CHECK_EQ(h_load(&drops), 1);
}

static void the_sender_frees_all_right_after_closing(void)
{
	race(make, await_closed_and_free, free_rx, closing_was_heard);
	race(make, free_rx, await_closed_and_free, closing_was_heard);
}

static void one_value_was_dropped(void)
{
	CHECK_EQ(h_load(&drops), 1);
}

static void both_ends_may_be_dropped_at_once(void)
{
	race(make, free_tx, free_rx, one_value_was_dropped);
}

static void send_3_and_free(void)
{
	sent = send_int(tx, 3);
	free_tx();
}

static void it_was_stored_or_refused(void)
{
	CHECK(sent == 0 || sent == CHP_ECLOSED);
	CHECK_EQ(h_load(&drops), sent == 0 ? 2 : 1);
}

static void a_send_racing_the_last_receiver_is_stored_or_not(void)
{
	race(make, send_3_and_free, free_rx, it_was_stored_or_refused);
}

/* ---- Waits that are given up ---- */

static void poll_and_give_up(void)
{
	struct h_waker w = { { 0 } };

	result = 1000;
	for (uint32_t n = h_below(&left_rng, 5); n; n--) {
		chp_watch_op *op = malloc(sizeof(*op));

		if (n % 2)
			chp_watch_changed_op(op, rx);
		else
			chp_watch_wait_for_op(op, rx, at_least, &two, NULL);
		result = h_poll(&op->op, &w);
		if (result == CHP_PENDING) {
			jitter(&left_rng);
			CHECK_EQ(chp_op_cancel(&op->op), CHP_HELD_NOTHING);
			result = 1000;
		}
		memset(op, 0xdd, sizeof(*op));
		free(op);
		if (result != 1000)
			break;
	}
	if (result == 1000)
		result = watch_changed(rx, NULL);
	/* A wake on its way may come late; it keeps the waker until then. */
	h_until(h_refs(&w) == 0);
}

static void seen_exactly_once(void)
{
	CHECK_CODE(sent, 0);
	CHECK_CODE(result, 0);
	CHECK_EQ(chp_watch_has_changed(rx), 0);
	free_tx();
	free_rx();
	CHECK_EQ(h_load(&drops), 2);
}

static void a_wait_given_up_has_seen_nothing(void)
{
	race(make, poll_and_give_up, send_2, seen_exactly_once);
}

static void wait_hastily(void)
{
	do {
		chp_wait w = { .deadline = chp_in(h_below(&left_rng, 30) *
						  CHP_US) };

		result = watch_changed(rx, &w);
	} while (result == CHP_ETIMEDOUT);
}

static void a_wait_that_times_out_has_seen_nothing(void)
{
	race_of(1000, make, wait_hastily, send_2, seen_exactly_once);
}

static void poll_with_changing_wakers(void)
{
	struct h_waker w[2] = { { { 0 } }, { { 0 } } };
	struct h_waker *last = &w[0];
	chp_watch_op op;

	chp_watch_changed_op(&op, rx);
	for (uint32_t n = 1 + h_below(&left_rng, 6); n; n--) {
		last = &w[n % 2];
		result = h_poll(&op.op, last);
		if (result != CHP_PENDING)
			break;
	}
	if (result == CHP_PENDING) {
		h_until(h_wakes(last) > 0);
		result = h_poll(&op.op, last);
	}
	h_until(h_refs(&w[0]) + h_refs(&w[1]) == 0);
}

static void the_newest_waker_is_woken_by_a_racing_send(void)
{
	race(make, poll_with_changing_wakers, send_2, seen_exactly_once);
}

/* The waker is freed with its last reference: a late wake has one. */
static void counted_unref(void *data)
{
	chp_word *refs = data;

	if (h_add(refs, UINT32_MAX) == 1)
		free(refs);
}

static void counted_retain(void *data)
{
	CHECK(h_add(data, 1) > 0);
}

static const chp_waker_class counted = { counted_unref, counted_retain,
					 counted_unref };

static void poll_give_up_and_free_the_waker(void)
{
	chp_word *refs = calloc(1, sizeof(*refs));
	chp_poll_ctx ctx = chp_poll_ctx_of((chp_waker){ &counted, refs });
	chp_watch_op *op = malloc(sizeof(*op));

	h_store(refs, 1);
	chp_watch_changed_op(op, rx);
	jitter(&left_rng);
	result = chp_op_poll(&op->op, &ctx);
	if (result == CHP_PENDING) {
		jitter(&left_rng);
		chp_op_cancel(&op->op);
	}
	memset(op, 0xdd, sizeof(*op));
	free(op);
	counted_unref(refs);
	if (result == CHP_PENDING)
		result = watch_changed(rx, NULL);
}

static void a_late_wake_has_its_own_reference(void)
{
	race(make, poll_give_up_and_free_the_waker, send_2, seen_exactly_once);
}

/* ---- Closed, and opened again ---- */

static void reopen_a_few_times(void)
{
	for (int i = 0; i < 3; i++) {
		chp_watch_rx another;

		chp_watch_subscribe(tx, &another);
		CHECK_EQ(chp_watch_has_changed(&another), 0);
		chp_watch_rx_drop(&another);
	}
	free_rx();
}

static void await_closed(void)
{
	result = watch_closed(tx, NULL);
}

static void it_is_closed_in_the_end(void)
{
	CHECK_CODE(result, 0);
	CHECK_EQ(chp_watch_is_closed(tx), 1);
	free_tx();
	CHECK_EQ(h_load(&drops), 1);
}

static void closed_is_heard_through_reopening(void)
{
	race(make, await_closed, reopen_a_few_times, it_is_closed_in_the_end);
}

/* ---- The last of all ---- */

static chp_watch_ref *held;

static void release_and_free(void)
{
	chp_watch_ref_release(held);
	memset(held, 0xdd, sizeof(*held));
	free(held);
}

static void drop_handles(void)
{
	free_tx();
	free_rx();
}

static void make_held(void)
{
	make();
	held = malloc(sizeof(*held));
	if (h_below(&left_rng, 2)) {
		CHECK_CODE(chp_watch_borrow(rx, held), 0);
		if (h_below(&left_rng, 2))
			CHECK_CODE(send_int(tx, 2), 0);
	} else {
		CHECK_CODE(chp_watch_send_replace(tx, &(int){ 3 }, held), 0);
	}
}

static void every_value_was_dropped(void)
{
	CHECK(h_load(&drops) == 1 || h_load(&drops) == 2);
}

/* The harness sees that the memory went, the sanitizer that not too early. */
static void the_last_ref_may_race_the_last_handle(void)
{
	struct duo d = {
		.before = make_held,
		.left = release_and_free,
		.right = drop_handles,
		.after = every_value_was_dropped,
		.rounds = h_rounds(4000),
	};

	left_rng = h_rng(h_seed(), 4);
	run_duo(&d);
}

/* ---- Agents that end at once ---- */

struct pair {
	chp_watch_tx tx;
	chp_watch_rx rx;
};

static void *see_and_end(void *arg)
{
	struct pair *p = arg;

	CHECK_CODE(watch_changed(&p->rx, NULL), 0);
	CHECK_EQ(value_of(&p->rx), 12345);
	chp_watch_rx_drop(&p->rx);
	return NULL;
}

/* The waiting agent, its stack and its waker end while send is waking it. */
static void the_receiver_may_end_at_once(void)
{
	for (long i = h_rounds(2000); i; i--) {
		struct pair *p = malloc(sizeof(*p));
		struct h_agent a;

		CHECK_CODE(chp_watch(sizeof(int), NULL, NULL, &p->tx, &p->rx),
			   0);
		h_spawn(&a, see_and_end, p);
		CHECK_CODE(send_int(&p->tx, 12345), 0);
		chp_watch_tx_drop(&p->tx);
		h_join(&a);
		free(p);
	}
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(the_receiver_frees_all_right_after_a_change, IN_ALL),
	TEST(the_receiver_frees_all_right_after_the_end, IN_ALL),
	TEST(a_fitting_value_is_held_when_all_else_is_gone, IN_ALL),
	TEST(the_sender_frees_all_right_after_closing, IN_ALL),
	TEST(both_ends_may_be_dropped_at_once, IN_PARALLEL),
	TEST(a_send_racing_the_last_receiver_is_stored_or_not, IN_PARALLEL),
	TEST(a_wait_given_up_has_seen_nothing, IN_PARALLEL),
	TEST(a_wait_that_times_out_has_seen_nothing, IN_ALL),
	TEST(the_newest_waker_is_woken_by_a_racing_send, IN_PARALLEL),
	TEST(a_late_wake_has_its_own_reference, IN_PARALLEL),
	TEST(closed_is_heard_through_reopening, IN_ALL),
	TEST(the_last_ref_may_race_the_last_handle, IN_PARALLEL),
	TEST(the_receiver_may_end_at_once, IN_ALL),
};
/* clang-format on */
H_MAIN("watch_races", tests)
