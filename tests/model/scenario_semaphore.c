/*
 * scenario_semaphore.c - acquire against release, cancel, close, resize.
 */
#include <chappe/semaphore.h>
#include <chappe/select.h>

#include "base/atomic.h"
#include "scenario.h"

static chp_semaphore s;
static chp_semaphore *heap_s;
static unsigned guarded; /* by a permit */
static chp_word results[3];

static void fifo_0(void)
{
	chp_semaphore_init(&s, 0, CHP_FIFO);
}

static void fair_0(void)
{
	chp_semaphore_init(&s, 0, CHP_FAIR);
}

static void unfair_0(void)
{
	chp_semaphore_init(&s, 0, CHP_UNFAIR);
}

static void fifo_1(void)
{
	chp_semaphore_init(&s, 1, CHP_FIFO);
}

static void unfair_1(void)
{
	chp_semaphore_init(&s, 1, CHP_UNFAIR);
}

static void empty(void)
{
	MODEL_CHECK(chp_semaphore_available(&s) == 0);
	MODEL_CHECK(chp_semaphore_queue_length(&s) == 0);
	chp_semaphore_destroy(&s);
}

static void one_left(void)
{
	MODEL_CHECK(chp_semaphore_available(&s) == 1);
	MODEL_CHECK(chp_semaphore_queue_length(&s) == 0);
	chp_semaphore_destroy(&s);
}

/* ---- Acquire and release ---- */

static void give(void)
{
	guarded = 1;
	chp_semaphore_release(&s, 1);
}

static void take(void)
{
	MODEL_CHECK(chp_semaphore_acquire(&s, 1) == 0);
	MODEL_CHECK(guarded == 1);
}

SCENARIO(semaphore_fifo_release, .setup = fifo_0, .threads = { take, give },
	 .check = empty);
SCENARIO(semaphore_fair_release, .setup = fair_0, .threads = { take, give },
	 .check = empty);
SCENARIO(semaphore_unfair_release, .setup = unfair_0, .threads = { take, give },
	 .check = empty);

/* As a lock: each holder sees what the one before wrote. */
static void hold(void)
{
	MODEL_CHECK(chp_semaphore_acquire(&s, 1) == 0);
	guarded++;
	chp_semaphore_release(&s, 1);
}

static void held_by_2(void)
{
	MODEL_CHECK(guarded == 2);
	one_left();
}

static void held_by_3(void)
{
	MODEL_CHECK(guarded == 3);
	one_left();
}

SCENARIO(semaphore_fifo_hold_2, .setup = fifo_1, .threads = { hold, hold },
	 .check = held_by_2);
SCENARIO(semaphore_unfair_hold_2, .setup = unfair_1, .threads = { hold, hold },
	 .check = held_by_2);
SCENARIO(semaphore_fifo_hold_3, .setup = fifo_1,
	 .threads = { hold, hold, hold }, .check = held_by_3, .bound = 2);
SCENARIO(semaphore_unfair_hold_3, .setup = unfair_1,
	 .threads = { hold, hold, hold }, .check = held_by_3, .bound = 2);

/* Two releases of one serve a waiter for two. */
static void give_1(void)
{
	chp_semaphore_release(&s, 1);
}

static void take_2(void)
{
	MODEL_CHECK(chp_semaphore_acquire(&s, 2) == 0);
}

SCENARIO(semaphore_fifo_two_of_one, .setup = fifo_0,
	 .threads = { take_2, give_1, give_1 }, .check = empty, .bound = 3);
SCENARIO(semaphore_unfair_two_of_one, .setup = unfair_0,
	 .threads = { take_2, give_1, give_1 }, .check = empty, .bound = 3);

/* ---- Cancelling: the permit is neither lost nor doubled ---- */

static void poll_and_cancel(void)
{
	chp_acquire_op op;
	chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());
	int r;

	chp_semaphore_acquire_op(&op, &s, 1);
	r = chp_op_poll(&op.op, &ctx);
	if (r == 0) {
		chp_semaphore_release(&s, 1);
		return;
	}
	MODEL_CHECK(r == CHP_PENDING);
	model_reached(chp_op_cancel(&op.op) == CHP_GAVE_BACK);
}

SCENARIO(semaphore_fifo_cancel, .setup = fifo_0,
	 .threads = { poll_and_cancel, give_1 }, .check = one_left,
	 .must_reach = 3);
SCENARIO(semaphore_unfair_cancel, .setup = unfair_0,
	 .threads = { poll_and_cancel, give_1 }, .check = one_left,
	 .must_reach = 1);

static void take_1(void)
{
	MODEL_CHECK(chp_semaphore_acquire(&s, 1) == 0);
}

/* What the cancelled one was to get goes to the other. */
SCENARIO(semaphore_fifo_cancel_passes_on, .setup = fifo_0,
	 .threads = { poll_and_cancel, take_1, give_1 }, .check = empty,
	 .bound = 2);
SCENARIO(semaphore_fair_cancel_passes_on, .setup = fair_0,
	 .threads = { poll_and_cancel, take_1, give_1 }, .check = empty,
	 .bound = 2);
SCENARIO(semaphore_unfair_cancel_passes_on, .setup = unfair_0,
	 .threads = { poll_and_cancel, take_1, give_1 }, .check = empty,
	 .bound = 2);

/* ---- Closing ---- */

static void take_or_closed(void)
{
	int r = chp_semaphore_acquire(&s, 1);

	MODEL_CHECK(r == 0 || r == CHP_ECLOSED);
	store_relaxed(&results[0], r == 0);
	model_reached(r == 0);
}

static void close_it(void)
{
	chp_semaphore_close(&s);
}

static void closed_check(void)
{
	MODEL_CHECK(chp_semaphore_queue_length(&s) == 0);
	MODEL_CHECK(chp_semaphore_available(&s) ==
		    1 - (int)load_relaxed(&results[0]));
}

static void no_permits_check(void)
{
	MODEL_CHECK(load_relaxed(&results[0]) == 0);
	MODEL_CHECK(chp_semaphore_available(&s) == 0);
}

SCENARIO(semaphore_close, .setup = fifo_0,
	 .threads = { take_or_closed, close_it }, .check = no_permits_check);
SCENARIO(semaphore_fifo_close_release, .setup = fifo_0,
	 .threads = { take_or_closed, close_it, give_1 }, .check = closed_check,
	 .bound = 3, .must_reach = 3);
SCENARIO(semaphore_unfair_close_release, .setup = unfair_0,
	 .threads = { take_or_closed, close_it, give_1 }, .check = closed_check,
	 .bound = 3, .must_reach = 3);

/* ---- Time ---- */

static void take_timed(void)
{
	chp_wait w = { .deadline = model_time(1) };
	int r = chp_semaphore_acquire_with(&s, 1, &w);

	MODEL_CHECK(r == 0 || r == CHP_ETIMEDOUT);
	if (r == 0)
		chp_semaphore_release(&s, 1);
	model_reached(r == 0);
}

SCENARIO(semaphore_fifo_timed, .setup = fifo_0,
	 .threads = { take_timed, give_1 }, .check = one_left, .timed = 1,
	 .must_reach = 3);
SCENARIO(semaphore_unfair_timed, .setup = unfair_0,
	 .threads = { take_timed, give_1 }, .check = one_left, .timed = 1,
	 .must_reach = 3);

/* ---- Whoever got the last permit frees the semaphore ---- */

static void make_heap_fifo(void)
{
	heap_s = model_alloc(sizeof(*heap_s));
	chp_semaphore_init(heap_s, 0, CHP_FIFO);
}

static void make_heap_unfair(void)
{
	heap_s = model_alloc(sizeof(*heap_s));
	chp_semaphore_init(heap_s, 0, CHP_UNFAIR);
}

static void take_and_free(void)
{
	MODEL_CHECK(chp_semaphore_acquire(heap_s, 1) == 0);
	chp_semaphore_destroy(heap_s);
	model_free(heap_s, sizeof(*heap_s));
}

static void give_heap(void)
{
	chp_semaphore_release(heap_s, 1);
}

SCENARIO(semaphore_fifo_destroy, .setup = make_heap_fifo,
	 .threads = { take_and_free, give_heap });
SCENARIO(semaphore_unfair_destroy, .setup = make_heap_unfair,
	 .threads = { take_and_free, give_heap });

/* ---- Resizing, draining, reducing ---- */

static void grow(void)
{
	MODEL_CHECK(chp_semaphore_resize(&s, 1) == 0);
}

SCENARIO(semaphore_resize, .setup = fifo_0, .threads = { take_1, grow },
	 .check = empty);

static void drain(void)
{
	int64_t n = chp_semaphore_drain(&s);

	MODEL_CHECK(n == 0 || n == 1);
	if (n)
		chp_semaphore_release(&s, 1);
}

SCENARIO(semaphore_drain, .setup = fifo_0, .threads = { take_1, drain, give_1 },
	 .check = empty, .bound = 2);

/* ---- The chain: a change sees what was done before the earlier ones ---- */

static unsigned done_before;

static void fifo_2(void)
{
	chp_semaphore_init(&s, 2, CHP_FIFO);
}

static void do_and_try(void)
{
	done_before = 1;
	chp_semaphore_try_acquire(&s, 1);
}

static void do_and_give(void)
{
	done_before = 1;
	chp_semaphore_release(&s, 1);
}

static void do_and_drain(void)
{
	done_before = 1;
	chp_semaphore_drain(&s);
}

/* Fewer than there were at the start, or more: the other was first. */
static void drain_and_look(void)
{
	int64_t n = chp_semaphore_drain(&s);

	if (n != 2)
		MODEL_CHECK(done_before);
	model_reached(n != 2);
}

static void try_and_look(void)
{
	if (chp_semaphore_try_acquire(&s, 3) == 0)
		MODEL_CHECK(done_before);
}

SCENARIO(semaphore_chain_try, .setup = fifo_2,
	 .threads = { do_and_try, drain_and_look }, .must_reach = 3);
SCENARIO(semaphore_chain_release, .setup = fifo_2,
	 .threads = { do_and_give, drain_and_look }, .must_reach = 3);
SCENARIO(semaphore_chain_drain, .setup = fifo_2,
	 .threads = { do_and_drain, drain_and_look }, .must_reach = 3);
SCENARIO(semaphore_chain_acquire, .setup = fifo_2,
	 .threads = { do_and_give, try_and_look });
