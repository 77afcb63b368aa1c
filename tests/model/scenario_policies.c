/*
 * scenario_policies.c - semaphores of each policy, and locks: closing, time
 * limits, resizing, and handing over with others in the queue.
 */
#include <chappe/mutex.h>
#include <chappe/rwlock.h>
#include <chappe/semaphore.h>

#include "base/atomic.h"
#include "scenario.h"

static chp_semaphore s;
static unsigned guarded;
static chp_word got;

/* clang-format off */
#define SEMAPHORE(name, permits, policy) \
	static void name(void) { chp_semaphore_init(&s, permits, policy); }
/* clang-format on */

SEMAPHORE(fifo_0, 0, CHP_FIFO)
SEMAPHORE(fair_0, 0, CHP_FAIR)
SEMAPHORE(unfair_0, 0, CHP_UNFAIR)
SEMAPHORE(fair_1, 1, CHP_FAIR)

static void left(int64_t n)
{
	MODEL_CHECK(chp_semaphore_available(&s) == n);
	MODEL_CHECK(chp_semaphore_queue_length(&s) == 0);
	chp_semaphore_destroy(&s);
}

static void none_left(void)
{
	left(0);
}

static void one_left(void)
{
	left(1);
}

static void take(void)
{
	MODEL_CHECK(chp_semaphore_acquire(&s, 1) == 0);
}

static void give(void)
{
	MODEL_CHECK(chp_semaphore_release(&s, 1) == 0);
}

/* ---- Fair: what the others have in scenario_semaphore.c ---- */

static void hold(void)
{
	take();
	guarded++;
	give();
}

/* Tries may overtake who waits. */
static void hold_tried(void)
{
	int r = chp_semaphore_try_acquire(&s, 1);

	MODEL_CHECK(r == 0 || r == CHP_EAGAIN);
	model_reached(r == 0);
	if (r)
		return;
	guarded++;
	give();
}

static void poll_and_cancel(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());
	chp_acquire_op op;

	chp_semaphore_acquire_op(&op, &s, 1);
	if (chp_op_poll(&op.op, &ctx) == 0)
		give();
	else
		model_reached(chp_op_cancel(&op.op) == CHP_GAVE_BACK);
}

SCENARIO(semaphore_fair_hold_2, .setup = fair_1, .threads = { hold, hold },
	 .check = one_left);
SCENARIO(semaphore_fair_hold_3, .setup = fair_1,
	 .threads = { hold, hold, hold }, .check = one_left, .bound = 2);
SCENARIO(semaphore_fair_try, .setup = fair_1,
	 .threads = { hold, hold, hold_tried }, .check = one_left, .bound = 2,
	 .must_reach = 3);
SCENARIO(semaphore_fair_cancel, .setup = fair_0,
	 .threads = { poll_and_cancel, give }, .check = one_left,
	 .must_reach = 3);

/* One release for two: the first that takes its part wakes the second. */
static void give_two(void)
{
	MODEL_CHECK(chp_semaphore_release(&s, 2) == 0);
}

SCENARIO(semaphore_unfair_two_waiters, .setup = unfair_0,
	 .threads = { take, take, give_two }, .check = none_left, .bound = 1);
SCENARIO(semaphore_fifo_two_waiters, .setup = fifo_0,
	 .threads = { take, take, give_two }, .check = none_left, .bound = 1);

/* ---- Closing ---- */

static void take_or_closed(void)
{
	int r = chp_semaphore_acquire(&s, 1);

	MODEL_CHECK(r == 0 || r == CHP_ECLOSED);
	add_relaxed(&got, r == 0);
	model_reached(r == 0);
}

static void close_it(void)
{
	chp_semaphore_close(&s);
}

/* Polled by hand, cancelled while it is handed a permit, or closed. */
static void poll_and_cancel_closed(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());
	chp_acquire_op op;
	int r;

	chp_semaphore_acquire_op(&op, &s, 1);
	r = chp_op_poll(&op.op, &ctx);
	MODEL_CHECK(r == 0 || r == CHP_ECLOSED || r == CHP_PENDING);
	add_relaxed(&got, r == 0);
	if (r == CHP_PENDING)
		model_reached((unsigned)chp_op_cancel(&op.op));
}

static void one_but_got(void)
{
	left(1 - (int)load_relaxed(&got));
}

static void all_closed(void)
{
	MODEL_CHECK(load_relaxed(&got) == 0);
	left(0);
}

SCENARIO(semaphore_fair_close, .setup = fair_0,
	 .threads = { take_or_closed, close_it }, .check = all_closed);
SCENARIO(semaphore_unfair_close, .setup = unfair_0,
	 .threads = { take_or_closed, close_it }, .check = all_closed);
SCENARIO(semaphore_close_two, .setup = fifo_0,
	 .threads = { take_or_closed, take_or_closed, close_it },
	 .check = all_closed, .bound = 2);
SCENARIO(semaphore_fair_close_release, .setup = fair_0,
	 .threads = { take_or_closed, close_it, give }, .check = one_but_got,
	 .bound = 3, .must_reach = 3);
SCENARIO(semaphore_fifo_close_cancel, .setup = fifo_0,
	 .threads = { poll_and_cancel_closed, close_it, give },
	 .check = one_but_got, .bound = 2, .must_reach = 3);
SCENARIO(semaphore_unfair_close_cancel, .setup = unfair_0,
	 .threads = { poll_and_cancel_closed, close_it, give },
	 .check = one_but_got, .bound = 2);

/* ---- Time ---- */

static void take_timed(void)
{
	chp_wait w = { .deadline = model_time(1) };
	int r = chp_semaphore_acquire_with(&s, 1, &w);

	MODEL_CHECK(r == 0 || r == CHP_ETIMEDOUT);
	if (r == 0)
		give();
	model_reached(r == 0);
}

SCENARIO(semaphore_fair_timed, .setup = fair_0, .threads = { take_timed, give },
	 .check = one_left, .timed = 1, .must_reach = 3);
/* Who gives up behind, or before, another one. */
SCENARIO(semaphore_fifo_timed_passes_on, .setup = fifo_0,
	 .threads = { take_timed, take, give }, .check = none_left, .timed = 1,
	 .bound = 1, .must_reach = 3);
SCENARIO(semaphore_fair_timed_passes_on, .setup = fair_0,
	 .threads = { take_timed, take, give }, .check = none_left, .timed = 1,
	 .bound = 1, .must_reach = 3);
SCENARIO(semaphore_unfair_timed_passes_on, .setup = unfair_0,
	 .threads = { take_timed, take, give }, .check = none_left, .timed = 1,
	 .bound = 1, .must_reach = 3);

/* ---- Resizing ---- */

static void grow(void)
{
	MODEL_CHECK(chp_semaphore_resize(&s, 1) == 0);
}

static void shrink(void)
{
	MODEL_CHECK(chp_semaphore_resize(&s, 0) == 0);
}

static void shrink_and_grow(void)
{
	shrink();
	grow();
}

SCENARIO(semaphore_fair_resize, .setup = fair_0, .threads = { take, grow },
	 .check = none_left);
SCENARIO(semaphore_unfair_resize, .setup = unfair_0, .threads = { take, grow },
	 .check = none_left);
SCENARIO(semaphore_shrink, .setup = fair_1, .threads = { hold_tried, shrink },
	 .check = none_left, .must_reach = 3);
SCENARIO(semaphore_shrink_grow, .setup = fair_1,
	 .threads = { hold, shrink_and_grow }, .check = one_left);

/* ---- Mutex: who gives up in the queue ---- */

static chp_mutex m;

static void fifo(void)
{
	chp_mutex_init(&m, CHP_MUTEX_FIFO);
}

static void lock_unlock(void)
{
	chp_mutex_lock(&m);
	guarded++;
	chp_mutex_unlock(&m);
}

static void lock_cancelled(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());
	chp_lock_op op;

	chp_mutex_lock_op(&op, &m);
	if (chp_op_poll(&op.op, &ctx) == 0) {
		guarded++;
		chp_mutex_unlock(&m);
	} else {
		model_reached(chp_op_cancel(&op.op) == CHP_GAVE_BACK);
	}
}

static void mutex_free(void)
{
	MODEL_CHECK(!chp_mutex_is_locked(&m));
	chp_mutex_destroy(&m);
}

SCENARIO(mutex_cancel, .threads = { lock_unlock, lock_cancelled, lock_unlock },
	 .check = mutex_free, .bound = 2, .must_reach = 1);
SCENARIO(mutex_fifo_cancel, .setup = fifo,
	 .threads = { lock_unlock, lock_cancelled, lock_unlock },
	 .check = mutex_free, .bound = 2, .must_reach = 3);

/* ---- Rwlock: handed over to readers, to a writer, to who is left ---- */

static chp_rwlock l;

static void write_1(void)
{
	chp_rwlock_write(&l);
	guarded++;
	chp_rwlock_write_unlock(&l);
}

static void read_1(void)
{
	chp_rwlock_read(&l);
	MODEL_CHECK(guarded <= 2);
	chp_rwlock_read_unlock(&l);
}

/* As one who has read on sees it: nobody wrote in between. */
static void downgrade(void)
{
	unsigned x;

	chp_rwlock_write(&l);
	x = ++guarded;
	chp_rwlock_downgrade(&l);
	MODEL_CHECK(guarded == x);
	chp_rwlock_read_unlock(&l);
}

static void upgrade(void)
{
	unsigned x;

	chp_rwlock_read(&l);
	x = guarded;
	if (chp_rwlock_try_upgrade(&l) == 0) {
		MODEL_CHECK(guarded == x);
		guarded++;
		chp_rwlock_write_unlock(&l);
		model_reached(0);
	} else {
		chp_rwlock_read_unlock(&l);
		model_reached(1);
	}
}

static void write_timed(void)
{
	chp_wait w = { .deadline = model_time(1) };
	int r = chp_rwlock_write_with(&l, &w);

	MODEL_CHECK(r == 0 || r == CHP_ETIMEDOUT);
	model_reached(r == 0);
	if (r == 0) {
		guarded++;
		chp_rwlock_write_unlock(&l);
	}
}

static void one_reader(void)
{
	chp_rwlock_init(&l, 1);
}

/* Relaxed: readers are not ordered among themselves. */
static void alone(void)
{
	chp_rwlock_read(&l);
	MODEL_CHECK(add_relaxed(&got, 1) == 0);
	add_relaxed(&got, -1u);
	chp_rwlock_read_unlock(&l);
}

static void rwlock_free(void)
{
	MODEL_CHECK(chp_rwlock_readers(&l) == 0);
	chp_rwlock_destroy(&l);
}

SCENARIO(rwlock_downgrade_3, .threads = { downgrade, read_1, write_1 },
	 .check = rwlock_free, .bound = 2);
SCENARIO(rwlock_upgrade_3, .threads = { upgrade, write_1, read_1 },
	 .check = rwlock_free, .bound = 2, .must_reach = 3);
SCENARIO(rwlock_writer_timed, .threads = { read_1, write_timed, read_1 },
	 .check = rwlock_free, .timed = 1, .bound = 1, .must_reach = 3);
SCENARIO(rwlock_one_reader, .setup = one_reader, .threads = { alone, alone },
	 .check = rwlock_free);
