/*
 * scenario_self.c - the checker checked: small programs whose faults it must
 * find, and weak behaviour that it must allow.
 */
#include "base/atomic.h"
#include "os/futex.h"
#include "os/spin.h"
#include "scenario.h"

static chp_word x, y, flag;
static uint32_t r1, r2;
static unsigned plain;
static unsigned *block;

/* ---- Store buffering: both may read 0 ---- */

static void sb_1(void)
{
	store_relaxed(&x, 1);
	r1 = load_acquire(&y);
}

static void sb_2(void)
{
	store_release(&y, 1);
	r2 = load_relaxed(&x);
}

static void sb_check(void)
{
	model_reached(r1 * 2 + r2);
}

SCENARIO(self_store_buffering, .threads = { sb_1, sb_2 }, .check = sb_check,
	 .must_reach = 15);

/* Two writers, two readers who see them in different orders. */
static chp_word seen;

static void iriw_x(void)
{
	store_release(&x, 1);
}

static void iriw_y(void)
{
	store_release(&y, 1);
}

static void iriw_xy(void)
{
	if (load_acquire(&x) && !load_acquire(&y))
		or_relaxed(&seen, 1);
}

static void iriw_yx(void)
{
	if (load_acquire(&y) && !load_acquire(&x))
		or_relaxed(&seen, 2);
}

static void iriw_check(void)
{
	model_reached(load_relaxed(&seen));
}

SCENARIO(self_independent_writes,
	 .threads = { iriw_x, iriw_y, iriw_xy, iriw_yx }, .check = iriw_check,
	 .must_reach = 15);

/* ---- Message passing ---- */

static void mp_send_relaxed(void)
{
	plain = 1;
	store_relaxed(&flag, 1);
}

static void mp_send(void)
{
	plain = 1;
	store_release(&flag, 1);
}

static void mp_receive(void)
{
	if (load_acquire(&flag)) {
		MODEL_CHECK(plain == 1);
		model_reached(0);
	}
}

static void mp_receive_relaxed(void)
{
	if (load_relaxed(&flag))
		MODEL_CHECK(plain == 1);
}

SCENARIO(self_message, .threads = { mp_send, mp_receive }, .must_reach = 1);
SCENARIO(self_message_relaxed_store, .threads = { mp_send_relaxed, mp_receive },
	 .must_fail = "data race");
SCENARIO(self_message_relaxed_load, .threads = { mp_send, mp_receive_relaxed },
	 .must_fail = "data race");

/* A store that was seen may not be unseen; an older one may be read. */
static void coherence_write(void)
{
	store_relaxed(&x, 1);
	store_relaxed(&x, 2);
}

static void coherence_read(void)
{
	r1 = load_relaxed(&x);
	r2 = load_relaxed(&x);
	MODEL_CHECK(r1 <= r2);
	model_reached(r1 * 3 + r2);
}

SCENARIO(self_coherence, .threads = { coherence_write, coherence_read },
	 .must_reach = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 4 | 1 << 5 | 1 << 8);

/* A release sequence goes on through a relaxed read-modify-write. */
static void sequence_add(void)
{
	add_relaxed(&flag, 1);
}

static void sequence_receive(void)
{
	if (load_acquire(&flag) == 2)
		MODEL_CHECK(plain == 1);
}

SCENARIO(self_release_sequence,
	 .threads = { mp_send, sequence_add, sequence_receive });

/* ---- Locks ---- */

static void lock_good(void)
{
	spin_lock(&x, RANK_OBJECT);
	plain++;
	spin_unlock(&x, RANK_OBJECT);
}

static void lock_relaxed_unlock(void)
{
	spin_lock(&x, RANK_OBJECT);
	plain++;
	store_relaxed(&x, 0);
}

static void lock_check(void)
{
	MODEL_CHECK(plain == 3);
}

SCENARIO(self_lock, .threads = { lock_good, lock_good, lock_good },
	 .check = lock_check);
SCENARIO(self_lock_bounded, .threads = { lock_good, lock_good, lock_good },
	 .check = lock_check, .bound = 2);
SCENARIO(self_lock_relaxed_unlock,
	 .threads = { lock_relaxed_unlock, lock_relaxed_unlock },
	 .must_fail = "data race");

/* Two locks in two orders. */
static void order_1(void)
{
	spin_lock(&x, RANK_OBJECT);
	spin_lock(&y, RANK_OBJECT);
	spin_unlock(&y, RANK_OBJECT);
	spin_unlock(&x, RANK_OBJECT);
}

static void order_2(void)
{
	spin_lock(&y, RANK_OBJECT);
	spin_lock(&x, RANK_OBJECT);
	spin_unlock(&x, RANK_OBJECT);
	spin_unlock(&y, RANK_OBJECT);
}

SCENARIO(self_lock_order, .threads = { order_1, order_2 },
	 .must_fail = "deadlock");

/* ---- Sleeping ---- */

static void sleep_wait(void)
{
	while (!load_acquire(&flag))
		chp__futex_wait(&flag, 0, 0);
}

static void sleep_wake(void)
{
	store_release(&flag, 1);
	chp__futex_wake(&flag);
}

SCENARIO(self_sleep, .threads = { sleep_wait, sleep_wake });

/* The waker looks for a sleeper before it says what happened. */
static void lost_wait(void)
{
	store_relaxed(&x, 1);
	while (!load_acquire(&flag))
		chp__futex_wait(&flag, 0, 0);
}

static void lost_wake(void)
{
	store_release(&flag, 1);
	if (load_acquire(&x))
		chp__futex_wake(&flag);
}

SCENARIO(self_lost_wake, .threads = { lost_wait, lost_wake },
	 .must_fail = "a wake was lost");

/* A time limit may pass, and need not. */
static void timed_wait(void)
{
	chp__futex_wait(&flag, 0, model_time(1));
	model_reached(load_acquire(&flag));
}

SCENARIO(self_timed_sleep, .threads = { timed_wait, sleep_wake },
	 .must_reach = 3, .timed = 1);

/* ---- Memory ---- */

static void race_add(void)
{
	plain++;
}

SCENARIO(self_race, .threads = { race_add, race_add },
	 .must_fail = "data race");

static void mixed_store(void)
{
	store_relaxed(&x, 1);
}

static void mixed_plain(void)
{
	x.v = 2;
}

SCENARIO(self_mixed, .threads = { mixed_store, mixed_plain },
	 .must_fail = "data race");

static void make_block(void)
{
	block = model_alloc(sizeof(*block));
	*block = 0;
}

static void use_block(void)
{
	if (load_relaxed(&flag) == 0)
		(*block)++;
}

static void free_block(void)
{
	store_relaxed(&flag, 1);
	model_free(block, sizeof(*block));
}

static void free_again(void)
{
	model_free(block, sizeof(*block));
}

SCENARIO(self_use_after_free, .setup = make_block,
	 .threads = { use_block, free_block }, .must_fail = "of heap");
SCENARIO(self_double_free, .setup = make_block, .threads = { free_block },
	 .check = free_again, .must_fail = "freed twice");
SCENARIO(self_leak, .setup = make_block, .threads = { use_block },
	 .must_fail = "leak");

/* A pointer into a frame that has been left. */
static chp_ptr into;

__attribute__((noinline)) static void leave_frame(void)
{
	chp_word here = { 0 };

	storep_release(&into, &here);
	store_relaxed(&here, 1);
}

static void frame_owner(void)
{
	leave_frame();
	store_release(&flag, 1);
}

static void frame_user(void)
{
	chp_word *p = loadp_acquire(&into);

	if (p && load_acquire(&flag))
		store_relaxed(p, 2);
}

SCENARIO(self_left_frame, .threads = { frame_owner, frame_user },
	 .must_fail = "frame");

/* Never ends, without spinning in a way that we could see. */
static void live_1(void)
{
	while (!swap_relaxed(&x, 0))
		;
}

SCENARIO(self_livelock, .threads = { live_1, live_1 }, .must_fail = "too long");
