/*
 * test_watch_op.c - a watch's waits as operations: lazy, newest waker wins,
 * given up without a trace; arms of a select; waits that are woken in vain; and
 * what is misuse.  Fast senders and budgets are in test_watch_budget.c.
 */
#include "watch_ends.h"

static int calls; /* of the predicate */

static int more_than(const void *value, void *arg)
{
	calls++;
	return *(const int *)value > *(const int *)arg;
}

/* ---- The three waits, seen alike ---- */

enum wait { CHANGED, WAIT_FOR, CLOSED, WAITS };

static int limit = 1;

static void start(enum wait which, chp_watch_op *op)
{
	if (which == CHANGED)
		chp_watch_changed_op(op, &rx);
	else if (which == WAIT_FOR)
		chp_watch_wait_for_op(op, &rx, more_than, &limit, NULL);
	else
		chp_watch_closed_op(op, &tx);
}

/* Make it end with 0. */
static void fulfil(enum wait which)
{
	if (which == CLOSED)
		chp_watch_rx_drop(&rx);
	else
		CHECK_CODE(send_int(&tx, 2), 0);
}

static void the_newest_waker_is_woken_once(void)
{
	for (enum wait which = 0; which < WAITS; which++) {
		struct h_waker first = { 0 }, second = { 0 };
		chp_watch_op op;

		make();
		start(which, &op);
		CHECK_EQ(h_refs(&first), 0);
		CHECK_CODE(h_poll(&op.op, &first), CHP_PENDING);
		CHECK_EQ(h_refs(&first), 1);
		CHECK_CODE(h_poll(&op.op, &first), CHP_PENDING);
		CHECK_EQ(h_refs(&first), 1);
		CHECK_CODE(h_poll(&op.op, &second), CHP_PENDING);
		CHECK_EQ(h_refs(&first), 0);
		CHECK_EQ(h_refs(&second), 1);
		CHECK(!chp_op_is_finished(&op.op));
		fulfil(which);
		CHECK_EQ(h_wakes(&first), 0);
		CHECK_EQ(h_wakes(&second), 1);
		CHECK_EQ(h_refs(&second), 0);
		/* Only the poll sees it. */
		if (which != CLOSED) {
			CHECK_EQ(chp_watch_has_changed(&rx), 1);
			CHECK_CODE(send_int(&tx, 3), 0);
			CHECK_EQ(h_wakes(&second), 1);
		}
		CHECK_CODE(h_poll(&op.op, &first), 0);
		CHECK(chp_op_is_finished(&op.op));
		CHECK_EQ(chp_op_cancel(&op.op), CHP_HELD_NOTHING);
		CHECK_EQ(h_refs(&first), 0);
		if (which != CLOSED)
			CHECK_EQ(chp_watch_has_changed(&rx), 0);
		drop_both();
	}
}

static void an_operation_is_lazy(void)
{
	for (enum wait which = 0; which < WAITS; which++) {
		struct h_waker w = { 0 };
		chp_watch_op op;

		make();
		start(which, &op);
		calls = 0;
		fulfil(which);
		CHECK_EQ(calls, 0);
		CHECK_CODE(h_poll(&op.op, &w), 0);
		CHECK_EQ(h_wakes(&w), 0);
		CHECK_EQ(h_refs(&w), 0);
		drop_both();

		make();
		start(which, &op);
		CHECK_EQ(chp_op_cancel(&op.op), CHP_HELD_NOTHING);
		CHECK(chp_op_is_finished(&op.op));
		drop_both();
	}
}

static void the_end_of_the_senders_wakes_receivers(void)
{
	for (enum wait which = 0; which < CLOSED; which++) {
		struct h_waker w = { 0 };
		chp_watch_op op;

		make();
		start(which, &op);
		CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
		chp_watch_tx_drop(&tx);
		CHECK_EQ(h_wakes(&w), 1);
		CHECK_CODE(h_poll(&op.op, &w), CHP_ECLOSED);
		CHECK_EQ(h_refs(&w), 0);
		drop_both();
	}
}

static void a_wait_given_up_leaves_no_trace(void)
{
	for (enum wait which = 0; which < WAITS; which++) {
		struct h_waker w = { 0 };
		chp_watch_op op;

		make();
		for (int i = 0; i < 3; i++) {
			start(which, &op);
			CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
			CHECK_EQ(h_refs(&w), 1);
			CHECK_EQ(chp_op_cancel(&op.op), CHP_HELD_NOTHING);
			CHECK_EQ(h_refs(&w), 0);
		}
		CHECK_EQ(h_wakes(&w), 0);

		/* Given up when it has happened: it is still to be seen. */
		start(which, &op);
		CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
		fulfil(which);
		CHECK_EQ(chp_op_cancel(&op.op), CHP_HELD_NOTHING);
		CHECK_EQ(h_wakes(&w), 1);
		CHECK_EQ(h_refs(&w), 0);
		if (which != CLOSED)
			CHECK_EQ(chp_watch_has_changed(&rx), 1);
		start(which, &op);
		CHECK_CODE(h_poll(&op.op, &w), 0);
		drop_both();
	}
}

static void a_poll_without_a_waker_waits_too(void)
{
	for (enum wait which = 0; which < WAITS; which++) {
		struct h_waker w = { 0 };
		chp_watch_op op;

		make();
		start(which, &op);
		CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_PENDING);
		CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_PENDING);
		CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
		CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_PENDING);
		CHECK_EQ(h_refs(&w), 0);
		fulfil(which);
		CHECK_CODE(chp_op_poll(&op.op, NULL), 0);
		CHECK_EQ(h_wakes(&w), 0);
		drop_both();
	}
}

/* ---- Woken in vain ---- */

static void a_change_that_is_marked_seen_is_waited_out(void)
{
	struct h_waker w = { 0 };
	chp_watch_op op;

	make();
	chp_watch_changed_op(&op, &rx);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	CHECK_CODE(send_int(&tx, 2), 0);
	CHECK_EQ(h_wakes(&w), 1);
	chp_watch_mark_unchanged(&rx);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	CHECK_EQ(h_refs(&w), 1);
	CHECK_CODE(send_int(&tx, 3), 0);
	CHECK_EQ(h_wakes(&w), 2);
	CHECK_CODE(h_poll(&op.op, &w), 0);
	CHECK_EQ(h_refs(&w), 0);
	drop_both();
}

static void a_mark_ends_a_wait_at_its_next_poll(void)
{
	for (enum wait which = 0; which < CLOSED; which++) {
		struct h_waker w = { 0 };
		chp_watch_op op;

		make();
		start(which, &op);
		CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
		calls = 0;
		chp_watch_mark_changed(&rx);
		CHECK_EQ(h_wakes(&w), 0);
		CHECK_CODE(h_poll(&op.op, &w),
			   which == CHANGED ? 0 : CHP_PENDING);
		if (which == WAIT_FOR) {
			CHECK_EQ(calls, 1);
			CHECK_EQ(chp_op_cancel(&op.op), CHP_HELD_NOTHING);
		}
		CHECK_EQ(h_refs(&w), 0);
		drop_both();
	}
}

/* tokio: "may miss a brief closed moment". */
static void who_hears_of_closing_too_late_waits_on(void)
{
	struct h_waker w = { 0 };
	chp_watch_op op;

	make();
	chp_watch_closed_op(&op, &tx);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	chp_watch_rx_drop(&rx);
	CHECK_EQ(h_wakes(&w), 1);
	chp_watch_subscribe(&tx, &rx);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	CHECK_EQ(h_refs(&w), 1);
	chp_watch_rx_drop(&rx);
	CHECK_EQ(h_wakes(&w), 2);
	CHECK_CODE(h_poll(&op.op, &w), 0);
	CHECK_EQ(h_refs(&w), 0);
	drop_both();
}

static void a_value_that_is_refused_is_waited_out(void)
{
	struct h_waker w = { 0 };
	chp_watch_ref ref;
	chp_watch_op op;
	int four = 4;

	make();
	calls = 0;
	chp_watch_wait_for_op(&op, &rx, more_than, &four, &ref);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	for (int i = 2; i <= 4; i++) {
		CHECK_CODE(send_int(&tx, i), 0);
		CHECK_EQ(h_wakes(&w), i - 1);
		CHECK_EQ(chp_watch_has_changed(&rx), 1);
		CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
		/* Refused is seen. */
		CHECK_EQ(chp_watch_has_changed(&rx), 0);
		CHECK_EQ(calls, i);
		CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
		CHECK_EQ(calls, i);
		CHECK(!ref.value);
	}
	CHECK_CODE(send_int(&tx, 5), 0);
	CHECK_CODE(h_poll(&op.op, &w), 0);
	CHECK_EQ(*(const int *)ref.value, 5);
	CHECK_EQ(calls, 5);
	chp_watch_ref_release(&ref);
	CHECK_EQ(h_refs(&w), 0);
	drop_both();
}

/* ---- Budget ---- */

static void without_budget_a_ready_wait_pends_and_is_woken(void)
{
	for (enum wait which = 0; which < WAITS; which++) {
		struct h_waker w = { 0 };
		uint32_t budget = 5;
		chp_watch_op op;

		make();
		start(which, &op);
		CHECK_CODE(h_poll_within(&op.op, &w, &budget), CHP_PENDING);
		CHECK_EQ(budget, 5); /* only completing costs */
		fulfil(which);
		CHECK_EQ(h_wakes(&w), 1);
		budget = 0;
		CHECK_CODE(h_poll_within(&op.op, &w, &budget), CHP_PENDING);
		CHECK_EQ(h_wakes(&w), 2);
		budget = 1;
		CHECK_CODE(h_poll_within(&op.op, &w, &budget), 0);
		CHECK_EQ(budget, 0);
		CHECK_EQ(h_refs(&w), 0);
		drop_both();
	}
}

/* ---- Select ---- */

static void an_arm_that_loses_has_seen_nothing(void)
{
	chp_watch_tx other_tx;
	chp_watch_rx other_rx;
	chp_watch_op mine, other;
	chp_select_arm arms[2] = { { &mine.op, 0 }, { &other.op, 0 } };

	for (unsigned flags = 0; flags < 4; flags++) {
		make();
		CHECK_CODE(chp_watch(sizeof(int), NULL, NULL, &other_tx,
				     &other_rx),
			   0);
		chp_watch_changed_op(&mine, &rx);
		chp_watch_changed_op(&other, &other_rx);
		CHECK_CODE(send_int(&other_tx, 2), 0);
		CHECK_EQ(h_select(arms, 2, flags, NULL), 1);
		CHECK_CODE(arms[1].result, 0);
		CHECK_EQ(chp_watch_has_changed(&rx), 0);
		CHECK_CODE(send_int(&tx, 2), 0);
		if (flags & CHP_CANCEL_LOSERS)
			chp_watch_changed_op(&mine, &rx);
		else
			CHECK(!chp_op_is_finished(&mine.op));
		CHECK_EQ(chp_watch_has_changed(&rx), 1);
		arms[1].op = NULL;
		CHECK_EQ(h_select(arms, 2, flags, NULL), 0);
		CHECK_CODE(arms[0].result, 0);
		CHECK_EQ(chp_watch_has_changed(&rx), 0);
		arms[1].op = &other.op;
		chp_watch_tx_drop(&other_tx);
		chp_watch_rx_drop(&other_rx);
		drop_both();
	}
}

static void *send_two(void *arg)
{
	CHECK_CODE(send_int(&tx, 2), 0);
	return arg;
}

static void a_waiting_select_is_woken_by_its_arm(void)
{
	for (enum wait which = 0; which < CLOSED; which++) {
		chp_watch_op op;
		chp_sleep_op never;
		chp_select_arm arms[2] = { { &op.op, 0 }, { &never.op, 0 } };
		struct h_agent a;

		make();
		start(which, &op);
		chp_sleep_until_op(&never, CHP_NEVER);
		h_spawn(&a, send_two, NULL);
		CHECK_EQ(h_select(arms, 2, CHP_CANCEL_LOSERS, NULL), 0);
		CHECK_CODE(arms[0].result, 0);
		h_join(&a);
		drop_both();
	}
}

/* ---- Misuse ---- */

static void poll_twice(void *arg)
{
	chp_watch_op op;

	make();
	start(*(enum wait *)arg, &op);
	fulfil(*(enum wait *)arg);
	chp_op_poll(&op.op, NULL);
	chp_op_poll(&op.op, NULL);
}

/* The handle is dropped while the operation is in the queue. */
static void drop_while_waiting(void *arg)
{
	enum wait which = *(enum wait *)arg;
	chp_watch_op op;

	make();
	start(which, &op);
	chp_op_poll(&op.op, NULL);
	if (which == CLOSED)
		chp_watch_tx_drop(&tx);
	else
		chp_watch_rx_drop(&rx);
}

static void drop_one_while_waiting(void *arg)
{
	enum wait which = *(enum wait *)arg;
	chp_watch_op op;
	chp_watch_tx t;
	chp_watch_rx r;

	make();
	chp_watch_tx_clone(&tx, &t);
	chp_watch_rx_clone(&rx, &r);
	start(which, &op);
	chp_op_poll(&op.op, NULL);
	chp_watch_tx_drop(&tx);
	chp_watch_rx_drop(&rx);
	chp_op_cancel(&op.op);
}

static void poll_after_the_drop(void *arg)
{
	enum wait which = *(enum wait *)arg;
	chp_watch_op op;
	chp_watch_tx t;
	chp_watch_rx r;

	make();
	chp_watch_tx_clone(&tx, &t);
	chp_watch_rx_clone(&rx, &r);
	start(which, &op);
	chp_op_poll(&op.op, NULL);
	chp_watch_tx_drop(&tx);
	chp_watch_rx_drop(&rx);
	chp_op_poll(&op.op, NULL);
}

static void misuse_stops_with_a_sentence(void)
{
	for (enum wait which = 0; which < WAITS; which++) {
		h_must_panic(poll_twice, &which, "watch ");
		h_must_panic(poll_twice, &which, "finished");
		h_must_panic(drop_while_waiting, &which,
			     which == CLOSED ? "watch: the last sender was "
					       "dropped while it waits"
					     : "watch: the last receiver was "
					       "dropped while it waits");
		h_must_panic(drop_one_while_waiting, &which,
			     "watch: a handle was dropped");
		h_must_panic(poll_after_the_drop, &which,
			     "watch: a handle was dropped");
	}
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(the_newest_waker_is_woken_once, IN_THREADS | IN_MT),
	TEST(an_operation_is_lazy, IN_THREADS | IN_MT),
	TEST(the_end_of_the_senders_wakes_receivers, IN_THREADS | IN_MT),
	TEST(a_wait_given_up_leaves_no_trace, IN_THREADS | IN_MT),
	TEST(a_poll_without_a_waker_waits_too, IN_THREADS | IN_MT),
	TEST(a_change_that_is_marked_seen_is_waited_out, IN_THREADS | IN_MT),
	TEST(a_mark_ends_a_wait_at_its_next_poll, IN_THREADS | IN_MT),
	TEST(who_hears_of_closing_too_late_waits_on, IN_THREADS | IN_MT),
	TEST(a_value_that_is_refused_is_waited_out, IN_THREADS | IN_MT),
	TEST(without_budget_a_ready_wait_pends_and_is_woken,
	     IN_THREADS | IN_MT),
	TEST(an_arm_that_loses_has_seen_nothing, IN_ALL),
	TEST(a_waiting_select_is_woken_by_its_arm, IN_ALL),
	TEST(misuse_stops_with_a_sentence, ON_ITS_OWN),
};
/* clang-format on */
H_MAIN("watch_op", tests)
