/*
 * scenario_watch.c - watch: waiting for a value, modifying, borrowed values,
 * what marking and cancelling leave.
 */
#include <chappe/watch.h>

#include "box.h"

static unsigned done_before;
static unsigned one = 1, zero;

/* ---- Wait for a value, wait for the end ---- */

static chp_watch_tx w_tx, w_tx_2;
static chp_watch_rx w_rx, w_rx_2;
static chp_watch_ref w_ref;

static void make_watch(void)
{
	MODEL_CHECK(chp_watch(4, NULL, &zero, &w_tx, &w_rx) == 0);
}

static void drop_watch(void)
{
	chp_watch_ref_release(&w_ref);
	chp_watch_tx_drop(&w_tx);
	chp_watch_tx_drop(&w_tx_2);
	chp_watch_rx_drop(&w_rx);
	chp_watch_rx_drop(&w_rx_2);
}

static int is_one(const void *value, void *arg)
{
	(void)arg;
	return *(const unsigned *)value == 1;
}

static int never(const void *value, void *arg)
{
	(void)value;
	(void)arg;
	return 0;
}

static void w_send_1(void)
{
	done_before = 1;
	MODEL_CHECK(chp_watch_send(&w_tx, &one) == 0);
}

static void w_wait_for_1(void)
{
	MODEL_CHECK(chp_watch_wait_for(&w_rx, is_one, NULL, &w_ref) == 0);
	MODEL_CHECK(*(const unsigned *)w_ref.value == 1);
	MODEL_CHECK(done_before == 1);
}

static void w_tx_drop(void)
{
	done_before = 1;
	chp_watch_tx_drop(&w_tx);
}

static void w_wait_in_vain(void)
{
	MODEL_CHECK(chp_watch_wait_for(&w_rx, never, NULL, NULL) ==
		    CHP_ECLOSED);
	MODEL_CHECK(done_before == 1);
}

SCENARIO(watch_wait_for, .setup = make_watch,
	 .threads = { w_send_1, w_wait_for_1 }, .check = drop_watch,
	 .bound = 3);
SCENARIO(watch_wait_for_closed, .setup = make_watch,
	 .threads = { w_tx_drop, w_wait_in_vain }, .check = drop_watch,
	 .bound = 3);

/* ---- Who is polled, marked, cancelled ---- */

static void w_poll_mark_poll(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());
	chp_watch_op op;

	chp_watch_changed_op(&op, &w_rx);
	if (chp_op_poll(&op.op, &ctx) == 0) {
		model_reached(0);
		MODEL_CHECK(done_before == 1);
		return;
	}
	chp_watch_mark_unchanged(&w_rx);
	if (chp_op_poll(&op.op, &ctx) == 0) {
		model_reached(1);
		MODEL_CHECK(done_before == 1);
		return;
	}
	chp_op_cancel(&op.op);
	model_reached(2);
	if (chp_watch_has_changed(&w_rx) == 1)
		MODEL_CHECK(done_before == 1);
}

static void w_changed_once(void)
{
	MODEL_CHECK(chp_watch_changed(&w_rx) == 0);
	MODEL_CHECK(done_before == 1);
}

static void make_watch_2(void)
{
	make_watch();
	chp_watch_rx_clone(&w_rx, &w_rx_2);
}

static void w_changed_2(void)
{
	MODEL_CHECK(chp_watch_changed(&w_rx_2) == 0);
	MODEL_CHECK(done_before == 1);
}

static void w_changed_timed(void)
{
	chp_wait w = { .deadline = model_time(1) };
	int r = chp_watch_changed_with(&w_rx, &w);

	MODEL_CHECK(r == 0 || r == CHP_ETIMEDOUT);
	model_reached(r == 0);
	if (r)
		MODEL_CHECK(chp_watch_changed(&w_rx) == 0);
	MODEL_CHECK(done_before == 1);
}

SCENARIO(watch_marked, .setup = make_watch,
	 .threads = { w_send_1, w_poll_mark_poll }, .check = drop_watch,
	 .bound = 3, .must_reach = 7);
SCENARIO(watch_two_receivers, .setup = make_watch_2,
	 .threads = { w_send_1, w_changed_once, w_changed_2 },
	 .check = drop_watch, .bound = 1);
SCENARIO(watch_timed, .setup = make_watch,
	 .threads = { w_send_1, w_changed_timed }, .check = drop_watch,
	 .timed = 1, .bound = 2, .must_reach = 3);

/* ---- The last receiver goes, another comes ---- */

static void w_closed_timed(void)
{
	chp_wait w = { .deadline = model_time(1) };
	int r = chp_watch_closed_with(&w_tx, &w);

	MODEL_CHECK(r == 0 || r == CHP_ETIMEDOUT);
	if (r == 0)
		MODEL_CHECK(done_before == 1);
	model_reached(r == 0);
}

static void w_rx_drop(void)
{
	done_before = 1;
	chp_watch_rx_drop(&w_rx);
}

static void make_watch_tx_2(void)
{
	make_watch();
	chp_watch_tx_clone(&w_tx, &w_tx_2);
}

static void w_subscribe(void)
{
	chp_watch_subscribe(&w_tx_2, &w_rx_2);
}

SCENARIO(watch_closed_subscribe, .setup = make_watch_tx_2,
	 .threads = { w_closed_timed, w_rx_drop, w_subscribe },
	 .check = drop_watch, .timed = 1, .bound = 1, .must_reach = 3);

/* ---- Changing in place, and a send meanwhile ---- */

static void add_10(void *value, void *arg)
{
	(void)arg;
	*(unsigned *)value += 10;
}

static void w_modify(void)
{
	MODEL_CHECK(chp_watch_send_modify(&w_tx, add_10, NULL) == 0);
}

static void w_modify_2(void)
{
	MODEL_CHECK(chp_watch_send_modify(&w_tx_2, add_10, NULL) == 0);
}

static void w_send_1_from_2(void)
{
	MODEL_CHECK(chp_watch_send(&w_tx_2, &one) == 0);
}

static void w_is_20(void)
{
	unsigned x;

	MODEL_CHECK(chp_watch_get(&w_rx, &x) == 0 && x == 20);
	drop_watch();
}

static void w_is_1_or_11(void)
{
	unsigned x;

	MODEL_CHECK(chp_watch_get(&w_rx, &x) == 0 && (x == 1 || x == 11));
	drop_watch();
}

SCENARIO(watch_modify_twice, .setup = make_watch_tx_2,
	 .threads = { w_modify, w_modify_2 }, .check = w_is_20, .bound = 2);
SCENARIO(watch_modify_send, .setup = make_watch_tx_2,
	 .threads = { w_modify, w_send_1_from_2 }, .check = w_is_1_or_11,
	 .bound = 3);

/* ---- A borrowed value outlives the handles ---- */

static const chp_watch_values boxes = { .drop = drop_box };

static void make_boxes(void)
{
	boxed b = box(0);

	MODEL_CHECK(chp_watch(sizeof(b), &boxes, &b, &w_tx, &w_rx) == 0);
}

static void w_borrow_drop(void)
{
	chp_watch_ref ref;

	MODEL_CHECK(chp_watch_borrow(&w_rx, &ref) == 0);
	chp_watch_rx_drop(&w_rx);
	MODEL_CHECK(**(const boxed *)ref.value <= 1);
	chp_watch_ref_release(&ref);
}

static void w_replace_drop(void)
{
	boxed b = box(1);

	if (chp_watch_send(&w_tx, &b) != 0)
		unbox(b, 1);
	chp_watch_tx_drop(&w_tx);
}

SCENARIO(watch_borrow_drop, .setup = make_boxes,
	 .threads = { w_borrow_drop, w_replace_drop }, .bound = 3);

/* Two have borrowed a value that is not the current one any more. */
static chp_watch_ref w_ref_2;

static void make_borrowed(void)
{
	boxed b = box(1);

	make_boxes();
	MODEL_CHECK(chp_watch_borrow(&w_rx, &w_ref) == 0);
	MODEL_CHECK(chp_watch_borrow(&w_rx, &w_ref_2) == 0);
	MODEL_CHECK(chp_watch_send(&w_tx, &b) == 0);
}

static void w_give_back(chp_watch_ref *ref)
{
	MODEL_CHECK(**(const boxed *)ref->value == 0);
	chp_watch_ref_release(ref);
}

static void w_give_back_1(void)
{
	w_give_back(&w_ref);
}

static void w_give_back_2(void)
{
	w_give_back(&w_ref_2);
}

SCENARIO(watch_give_back_old, .setup = make_borrowed,
	 .threads = { w_give_back_1, w_give_back_2 }, .check = drop_watch);

/* ---- Replacing and modifying tell those who wait, and end the turn ---- */

static void w_replace_twice(void)
{
	chp_watch_ref old;

	done_before = 1;
	for (int i = 0; i < 2; i++) {
		MODEL_CHECK(chp_watch_send_replace(&w_tx, &one, &old) == 0);
		chp_watch_ref_release(&old);
	}
}

static void w_do_modify(void)
{
	done_before = 1;
	w_modify();
}

SCENARIO(watch_replace, .setup = make_watch,
	 .threads = { w_replace_twice, w_changed_once }, .check = drop_watch,
	 .bound = 2);
SCENARIO(watch_modify_told, .setup = make_watch,
	 .threads = { w_do_modify, w_changed_once }, .check = drop_watch,
	 .bound = 2);

/* ---- One thread: what is said at once, what stops ---- */

static int refuse_clone(void *to, const void *from)
{
	(void)to;
	(void)from;
	return CHP_ENOMEM;
}

static void make_uncloneable(void)
{
	static const chp_watch_values values = { .clone = refuse_clone };

	MODEL_CHECK(chp_watch(4, &values, &zero, &w_tx, &w_rx) == 0);
}

static void w_clone_fails(void)
{
	for (int i = 0; i < 2; i++)
		MODEL_CHECK(chp_watch_send_modify(&w_tx, add_10, NULL) ==
			    CHP_ENOMEM);
}

static void w_no_receiver(void)
{
	chp_wait past = { .deadline = 1 };

	w_send_1();
	w_send_1();
	MODEL_CHECK(chp_watch_closed_with(&w_tx, &past) == CHP_ETIMEDOUT);
	chp_watch_rx_drop(&w_rx);
	MODEL_CHECK(chp_watch_send(&w_tx, &one) == CHP_ECLOSED);
	MODEL_CHECK(chp_watch_closed_with(&w_tx, &past) == 0);
}

static void send_in_turn(void *value, void *arg)
{
	(void)value;
	(void)arg;
	w_modify();
}

static void w_modify_inside(void)
{
	chp_watch_send_modify(&w_tx, send_in_turn, NULL);
}

SCENARIO(watch_clone_fails, .setup = make_uncloneable,
	 .threads = { w_clone_fails }, .check = drop_watch);
SCENARIO(watch_no_receiver, .setup = make_watch, .threads = { w_no_receiver },
	 .check = drop_watch);
SCENARIO(watch_modify_inside, .setup = make_watch,
	 .threads = { w_modify_inside }, .must_fail = "its own channel");
