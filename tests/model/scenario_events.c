/*
 * scenario_events.c - notify, barrier, once cell, set once, wait group.
 */
#include <chappe/barrier.h>
#include <chappe/notify.h>
#include <chappe/once_cell.h>
#include <chappe/set_once.h>
#include <chappe/wait_group.h>

#include "base/atomic.h"
#include "scenario.h"

static unsigned plain;
static chp_word count;

/* ---- Notify ---- */

static chp_notify n;
static chp_notify *heap_n;

static void notify_wait(void)
{
	MODEL_CHECK(chp_notify_wait(&n) == 0);
	MODEL_CHECK(plain == 1);
}

static void notify_one(void)
{
	plain = 1;
	chp_notify_one(&n);
}

static void just_notify(void)
{
	chp_notify_one(&n);
}

static void just_wait(void)
{
	MODEL_CHECK(chp_notify_wait(&n) == 0);
}

static void wait_timed_pass_on(void)
{
	chp_wait w = { .deadline = model_time(1) };
	int r = chp_notify_wait_with(&n, &w);

	MODEL_CHECK(r == 0 || r == CHP_ETIMEDOUT);
	model_reached(r == 0);
	if (r == 0)
		chp_notify_one(&n);
}

static void poll_and_cancel_wait(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());
	chp_notified_op op;

	chp_notify_notified_op(&op, &n);
	if (chp_op_poll(&op.op, &ctx) == 0)
		chp_notify_one(&n);
	else
		model_reached((unsigned)chp_op_cancel(&op.op));
}

/* Made before the condition is looked at: no call is missed. */
static void enable_then_look(void)
{
	chp_notified_op op;

	chp_notify_notified_op(&op, &n);
	if (load_acquire(&count))
		chp_op_cancel(&op.op);
	else
		MODEL_CHECK(chp_op_wait(&op.op, NULL) == 0);
}

static void say_to_all(void)
{
	store_release(&count, 1);
	chp_notify_waiters(&n);
}

static void notify_check(void)
{
	chp_notify_destroy(&n);
}

/* One permit is there at the end. */
static void notify_left(void)
{
	just_wait();
	notify_check();
}

static void notify_twice(void)
{
	chp_notify_one(&n);
	chp_notify_one(&n);
}

SCENARIO(notify_one, .threads = { notify_wait, notify_one },
	 .check = notify_check);
SCENARIO(notify_cancel, .threads = { poll_and_cancel_wait, just_notify },
	 .check = notify_left, .must_reach = 3);
SCENARIO(notify_timed, .threads = { wait_timed_pass_on, just_notify },
	 .check = notify_left, .timed = 1, .must_reach = 3);
SCENARIO(notify_cancel_passes_on,
	 .threads = { poll_and_cancel_wait, just_wait, just_notify },
	 .check = notify_check, .bound = 2);
SCENARIO(notify_waiters, .threads = { enable_then_look, say_to_all },
	 .check = notify_check);
SCENARIO(notify_waiters_two,
	 .threads = { enable_then_look, enable_then_look, say_to_all },
	 .check = notify_check, .bound = 2);
SCENARIO(notify_one_each, .threads = { just_wait, just_wait, notify_twice },
	 .bound = 2, .must_fail = "a wake was lost"); /* permits merge */

static void make_notify(void)
{
	heap_n = chp_notify_new();
}

static void wait_and_free(void)
{
	MODEL_CHECK(chp_notify_wait(heap_n) == 0);
	chp_notify_unref(heap_n);
}

static void notify_heap(void)
{
	chp_notify_one(heap_n);
}

SCENARIO(notify_destroy, .setup = make_notify,
	 .threads = { wait_and_free, notify_heap });

/* ---- Barrier ---- */

static chp_barrier b;
static unsigned before[2];

static void barrier_setup(void)
{
	chp_barrier_init(&b, 2, 0);
}

static void arrive(unsigned i)
{
	before[i] = 1;
	model_reached(chp_barrier_wait(&b) != 0);
	MODEL_CHECK(before[1 - i] == 1);
	chp_barrier_wait(&b);
	before[i] = 0;
}

static void arrive_0(void)
{
	arrive(0);
}

static void arrive_1(void)
{
	arrive(1);
}

static void barrier_check(void)
{
	MODEL_CHECK(chp_barrier_arrived(&b) == 0);
	chp_barrier_destroy(&b);
}

SCENARIO(barrier_two_rounds, .setup = barrier_setup,
	 .threads = { arrive_0, arrive_1 }, .check = barrier_check, .bound = 4,
	 .must_reach = 3);

/* ---- Once cell ---- */

static chp_once_cell cell;
static chp_set_once once;
static unsigned tries; /* by whoever has the turn */

static void init_cell(void)
{
	int r = chp_once_cell_begin(&cell);

	MODEL_CHECK(r == 0 || r == 1);
	if (r == 1) {
		tries++;
		plain++;
		chp_once_cell_finish(&cell);
	}
	MODEL_CHECK(plain == 1);
}

static void fail_to_init(void)
{
	if (chp_once_cell_begin(&cell) == 1) {
		tries++;
		chp_once_cell_fail(&cell);
	}
}

static void try_to_init(void)
{
	if (chp_once_cell_try_begin(&cell) == 1) {
		tries++;
		chp_once_cell_fail(&cell);
	}
}

static void cancel_init(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());
	chp_once_op op;
	int r;

	chp_once_cell_begin_op(&op, &cell);
	r = chp_op_poll(&op.op, &ctx);
	if (r == 1)
		chp_once_cell_fail(&cell);
	else if (r == CHP_PENDING)
		chp_op_cancel(&op.op);
}

static void wait_cell(void)
{
	MODEL_CHECK(chp_once_cell_wait(&cell) == 0);
	MODEL_CHECK(plain == 1);
}

static void look_at_cell(void)
{
	if (chp__once_is_set(&cell))
		MODEL_CHECK(plain == 1);
}

static void cell_check(void)
{
	MODEL_CHECK(plain == 1 && chp_once_cell_take(&cell) == 1);
	chp_once_cell_destroy(&cell);
}

SCENARIO(once_two, .threads = { init_cell, init_cell }, .check = cell_check);
SCENARIO(once_fail, .threads = { init_cell, fail_to_init },
	 .check = cell_check);
SCENARIO(once_cancel, .threads = { init_cell, cancel_init, fail_to_init },
	 .check = cell_check, .bound = 2);
SCENARIO(once_try, .threads = { init_cell, try_to_init }, .check = cell_check);
SCENARIO(once_wait, .threads = { init_cell, wait_cell }, .check = cell_check);
SCENARIO(once_look, .threads = { init_cell, look_at_cell },
	 .check = cell_check);

static unsigned place;

static void set_it(void)
{
	unsigned x = 7;

	add_relaxed(&count, chp_set_once_set(&once, &place, &x, 4) == 0);
}

static void wait_set(void)
{
	MODEL_CHECK(chp_set_once_wait(&once) == 0);
	MODEL_CHECK(place == 7);
}

static void set_check(void)
{
	MODEL_CHECK(load_relaxed(&count) == 1);
}

SCENARIO(set_once_wait, .threads = { set_it, wait_set }, .check = set_check);
SCENARIO(set_once_two, .threads = { set_it, set_it, wait_set },
	 .check = set_check, .bound = 2);

/* ---- Wait group ---- */

static chp_wait_group wg;
static chp_wait_group *heap_wg;

static void wg_setup(void)
{
	chp_wait_group_init(&wg, 2);
}

static void wg_done(void)
{
	add_relaxed(&count, 1);
	chp_wait_group_done(&wg);
}

static void wg_wait(void)
{
	MODEL_CHECK(chp_wait_group_wait(&wg) == 0);
	MODEL_CHECK(load_relaxed(&count) == 2);
}

static void wg_check(void)
{
	chp_wait_group_destroy(&wg);
}

SCENARIO(wait_group, .setup = wg_setup,
	 .threads = { wg_done, wg_done, wg_wait }, .check = wg_check,
	 .bound = 3);

static void make_wg(void)
{
	heap_wg = model_alloc(sizeof(*heap_wg));
	chp_wait_group_init(heap_wg, 1);
}

static void heap_done(void)
{
	chp_wait_group_done(heap_wg);
}

static void heap_wait(void)
{
	MODEL_CHECK(chp_wait_group_wait(heap_wg) == 0);
	chp_wait_group_destroy(heap_wg);
	model_free(heap_wg, sizeof(*heap_wg));
}

SCENARIO(wait_group_destroy, .setup = make_wg,
	 .threads = { heap_done, heap_wait });
