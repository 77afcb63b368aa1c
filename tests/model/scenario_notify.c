/*
 * scenario_notify.c - notify: what the first polls hear, enable, last, owned
 * operations, what a cancelled one passes on.
 */
#include <chappe/notify.h>
#include <chappe/select.h>

#include "base/atomic.h"
#include "counted.h"

static chp_notify n;
static chp_notify *heap_n;
static unsigned plain;
static chp_word told;

static void notify_check(void)
{
	chp_notify_destroy(&n);
}

static void no_permit(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());
	chp_notified_op op;

	chp_notify_notified_op(&op, &n);
	MODEL_CHECK(chp_op_poll(&op.op, &ctx) == CHP_PENDING);
	chp_op_cancel(&op.op);
	notify_check();
}

static void one(void)
{
	chp_notify_one(&n);
}

static void last(void)
{
	chp_notify_last(&n);
}

static void wait_one(void)
{
	MODEL_CHECK(chp_notify_wait(&n) == 0);
}

/* ---- A first poll that finds itself called already ---- */

static void make_then_wait(void)
{
	chp_notified_op op;

	chp_notify_notified_op(&op, &n);
	if (load_acquire(&told)) {
		chp_op_cancel(&op.op);
	} else {
		MODEL_CHECK(chp_op_wait(&op.op, NULL) == 0);
		MODEL_CHECK(plain == 1);
		model_reached(0);
	}
}

static void tell_all(void)
{
	store_release(&told, 1);
	plain = 1;
	chp_notify_waiters(&n);
}

SCENARIO(notify_waiters_told, .threads = { make_then_wait, tell_all },
	 .check = notify_check, .must_reach = 1);

/* Called, and the permit taken by somebody else, between the look and the step
   that was to take it. */
static void wait_at_once(void)
{
	chp_wait w = { .deadline = 1 };
	int r = chp_notify_wait_with(&n, &w);

	MODEL_CHECK(r == 0 || r == CHP_ETIMEDOUT);
	/* With the permit nobody else writes it. */
	if (r == 0)
		model_reached(plain);
}

static void take_then_tell(void)
{
	chp_wait w = { .deadline = 1 };

	if (chp_notify_wait_with(&n, &w) == 0)
		tell_all();
}

SCENARIO(notify_waiters_between, .setup = one,
	 .threads = { wait_at_once, take_then_tell }, .check = notify_check,
	 .must_reach = 3);

/*
 * The permit was taken and given again between the look at it and taking it.
 * Who does that writes only if it had the first one, so only if the other one
 * takes the second.
 */
static unsigned seen;

static void give_twice(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());
	chp_notified_op op;

	chp_notify_one(&n);
	chp_notify_notified_op(&op, &n);
	if (chp_op_poll(&op.op, &ctx) == 0) {
		plain = 1;
		chp_notify_one(&n);
	} else {
		chp_op_cancel(&op.op);
	}
}

static void take_second(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());
	chp_notified_op op;

	chp_notify_notified_op(&op, &n);
	if (chp_op_poll(&op.op, &ctx) == 0)
		seen = plain;
	else
		chp_op_cancel(&op.op);
	model_reached(seen);
}

SCENARIO(notify_permit_again, .threads = { give_twice, take_second },
	 .check = notify_check, .bound = 3, .must_reach = 3);

/* The permit as a lock, taken at once by either way of waiting. */
static void count_by_permit(int r)
{
	MODEL_CHECK(r == 0);
	plain++;
	chp_notify_one(&n);
}

static void count_by_wait(void)
{
	count_by_permit(chp_notify_wait(&n));
}

static void count_by_wait_with(void)
{
	count_by_permit(chp_notify_wait_with(&n, NULL));
}

static void both_counted(void)
{
	MODEL_CHECK(plain == 2);
	wait_one();
	no_permit();
}

SCENARIO(notify_permit_wait, .setup = one,
	 .threads = { count_by_wait, count_by_wait }, .check = both_counted,
	 .bound = 3);
SCENARIO(notify_permit_wait_with, .setup = one,
	 .threads = { count_by_wait_with, count_by_wait_with },
	 .check = both_counted, .bound = 3);

/* ---- Enable: notify_one is heard before the first poll ---- */

static void enable_then_look(void)
{
	chp_notified_op op;

	chp_notify_notified_op(&op, &n);
	if (chp_notified_enable(&op)) {
		MODEL_CHECK(plain == 1);
		MODEL_CHECK(chp_op_wait(&op.op, NULL) == 0);
		model_reached(0);
	} else if (load_acquire(&told)) {
		model_reached(1 + (unsigned)chp_op_cancel(&op.op));
	} else {
		MODEL_CHECK(chp_op_wait(&op.op, NULL) == 0);
		MODEL_CHECK(plain == 1);
		model_reached(5);
	}
}

static void tell_one(void)
{
	store_release(&told, 1);
	plain = 1;
	chp_notify_one(&n);
}

SCENARIO(notify_enable, .threads = { enable_then_look, tell_one },
	 .check = notify_check, .must_reach = 1 | 32);

/* ---- Last: of two who wait, the one that came second ---- */

static void wait_for_either(void)
{
	chp_notified_op a, b;
	chp_select_arm arms[2] = { { &a.op, 0 }, { &b.op, 0 } };
	int r;

	chp_notify_notified_op(&a, &n);
	chp_notify_notified_op(&b, &n);
	r = chp_select(arms, 2, CHP_BIASED | CHP_CANCEL_LOSERS);
	MODEL_CHECK(r == 0 || r == 1);
	model_reached((unsigned)r);
}

SCENARIO(notify_last, .threads = { wait_for_either, last }, .check = no_permit,
	 .must_reach = 3);
/* Were it one, the second would hear nothing. */
SCENARIO(notify_first, .threads = { wait_for_either, one }, .check = no_permit,
	 .must_reach = 1);

/* ---- Cancelled ---- */

static void poll_and_cancel(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());
	chp_notified_op op;

	chp_notify_notified_op(&op, &n);
	if (chp_op_poll(&op.op, &ctx) == 0)
		chp_notify_one(&n);
	else
		model_reached((unsigned)chp_op_cancel(&op.op));
}

static void waiters(void)
{
	chp_notify_waiters(&n);
}

/* What was for all is not passed on; what was for one is. */
static void poll_and_cancel_plain(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());
	chp_notified_op op;

	chp_notify_notified_op(&op, &n);
	if (chp_op_poll(&op.op, &ctx) == CHP_PENDING)
		MODEL_CHECK(chp_op_cancel(&op.op) == CHP_HELD_NOTHING);
}

SCENARIO(notify_cancel_waiters, .threads = { poll_and_cancel_plain, waiters },
	 .check = no_permit);
SCENARIO(notify_last_cancel_passes_on,
	 .threads = { poll_and_cancel, wait_one, last }, .check = no_permit,
	 .bound = 2, .must_reach = 3);
SCENARIO(notify_one_and_waiters, .threads = { wait_one, one, waiters },
	 .check = notify_check, .bound = 2);

/* ---- An operation that holds a reference ---- */

static void make_notify(void)
{
	heap_n = chp_notify_new();
	chp_notify_ref(heap_n);
}

static void wait_owned(void)
{
	chp_notified_op op;

	chp_notify_notified_owned_op(&op, heap_n);
	chp_notified_enable(&op);
	chp_notify_unref(heap_n);
	MODEL_CHECK(chp_op_wait(&op.op, NULL) == 0);
}

static void notify_and_unref(void)
{
	chp_notify_one(heap_n);
	chp_notify_unref(heap_n);
}

SCENARIO(notify_owned, .setup = make_notify,
	 .threads = { wait_owned, notify_and_unref });

/* A poller is woken as a task or a thread is. */
static struct counted poller;
static chp_notified_op polled;

static void poll_it(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(counted_waker(&poller));

	chp_notify_notified_op(&polled, &n);
	MODEL_CHECK(chp_op_poll(&polled.op, &ctx) == CHP_PENDING);
}

static void woken_once(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(counted_waker(&poller));

	MODEL_CHECK(counted_end(&poller) == 1);
	MODEL_CHECK(chp_op_poll(&polled.op, &ctx) == 0);
	notify_check();
}

SCENARIO(notify_one_polled, .setup = poll_it, .threads = { one },
	 .check = woken_once);
