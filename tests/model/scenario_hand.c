/*
 * scenario_hand.c - each operation of src/sync polled by hand.
 */
#include <chappe/barrier.h>
#include <chappe/cond.h>
#include <chappe/notify.h>
#include <chappe/once_cell.h>
#include <chappe/rwlock.h>
#include <chappe/semaphore.h>
#include <chappe/set_once.h>
#include <chappe/wait_group.h>

#include "hand.h"

static unsigned plain;

/* clang-format off */

/* ---- Semaphores ---- */

static chp_semaphore s;

#define SEMAPHORE(name, policy) \
	BY_HAND(name, chp_acquire_op, \
		chp_semaphore_init(&s, 0, policy), \
		chp_semaphore_acquire_op(&op, &s, 1), \
		MODEL_CHECK(r == 0 && plain == 1); \
		chp_semaphore_release(&s, 1), \
		plain = 1; chp_semaphore_release(&s, 1), \
		MODEL_CHECK(chp_semaphore_available(&s) == 1); \
		MODEL_CHECK(chp_semaphore_queue_length(&s) == 0); \
		chp_semaphore_destroy(&s))

SEMAPHORE(semaphore_fifo, CHP_FIFO);
SEMAPHORE(semaphore_fair, CHP_FAIR);
SEMAPHORE(semaphore_unfair, CHP_UNFAIR);

BY_HAND(semaphore_closed, chp_acquire_op,
	chp_semaphore_init(&s, 0, CHP_UNFAIR),
	chp_semaphore_acquire_op(&op, &s, 1),
	MODEL_CHECK(r == CHP_ECLOSED),
	chp_semaphore_close(&s),
	MODEL_CHECK(chp_semaphore_queue_length(&s) == 0));

/* ---- Locks ---- */

static chp_mutex m;
static chp_rwlock l;

#define MUTEX(name, flags) \
	BY_HAND(name, chp_lock_op, \
		chp_mutex_init(&m, flags); chp_mutex_lock(&m), \
		chp_mutex_lock_op(&op, &m), \
		MODEL_CHECK(r == 0 && plain == 1); chp_mutex_unlock(&m), \
		plain = 1; chp_mutex_adopt(&m); chp_mutex_unlock(&m), \
		MODEL_CHECK(!chp_mutex_is_locked(&m)); \
		chp_mutex_destroy(&m))

MUTEX(mutex, 0);
MUTEX(mutex_fifo, CHP_MUTEX_FIFO);

#define RWLOCK(name, kind) \
	BY_HAND(name, chp_rwlock_op, \
		chp_rwlock_write(&l), \
		chp_rwlock_##kind##_op(&op, &l), \
		MODEL_CHECK(r == 0 && plain == 1); \
		chp_rwlock_##kind##_unlock(&l), \
		plain = 1; chp_rwlock_write_unlock(&l), \
		MODEL_CHECK(chp_rwlock_readers(&l) == 0); \
		chp_rwlock_destroy(&l))

RWLOCK(rwlock_write, write);
RWLOCK(rwlock_read, read);

/* ---- Events ---- */

static chp_notify n;
static chp_barrier b;
static chp_wait_group wg;
static chp_once_cell cell;
static chp_set_once once;
static unsigned place, seven = 7;

BY_HAND(notify, chp_notified_op, ,
	chp_notify_notified_op(&op, &n),
	MODEL_CHECK(r == 0 && plain == 1),
	plain = 1; chp_notify_one(&n),
	chp_notify_destroy(&n));

BY_HAND(barrier, chp_barrier_op,
	chp_barrier_init(&b, 2, 0),
	chp_barrier_wait_op(&op, &b),
	MODEL_CHECK(r == 0 || r == 1),
	MODEL_CHECK(chp_barrier_wait(&b) >= 0),
	MODEL_CHECK(chp_barrier_arrived(&b) == 0); chp_barrier_destroy(&b));

BY_HAND(wait_group, chp_wait_group_op,
	chp_wait_group_init(&wg, 1),
	chp_wait_group_wait_op(&op, &wg),
	MODEL_CHECK(r == 0 && plain == 1),
	plain = 1; chp_wait_group_done(&wg),
	chp_wait_group_destroy(&wg));

BY_HAND(once_begin, chp_once_op,
	MODEL_CHECK(chp_once_cell_begin(&cell) == 1),
	chp_once_cell_begin_op(&op, &cell),
	MODEL_CHECK(r == 0 && plain == 1),
	plain = 1; chp_once_cell_finish(&cell),
	MODEL_CHECK(chp_once_cell_take(&cell) == 1));

BY_HAND(once_turn, chp_once_op,
	MODEL_CHECK(chp_once_cell_begin(&cell) == 1),
	chp_once_cell_begin_op(&op, &cell),
	MODEL_CHECK(r == 1 && plain == 1); chp_once_cell_fail(&cell),
	plain = 1; chp_once_cell_fail(&cell),
	MODEL_CHECK(chp_once_cell_take(&cell) == 0));

BY_HAND(once_wait, chp_once_op,
	MODEL_CHECK(chp_once_cell_begin(&cell) == 1),
	chp_once_cell_wait_op(&op, &cell),
	MODEL_CHECK(r == 0 && plain == 1),
	plain = 1; chp_once_cell_finish(&cell),
	MODEL_CHECK(chp_once_cell_take(&cell) == 1));

BY_HAND(set_once, chp_once_op, ,
	chp_set_once_wait_op(&op, &once),
	MODEL_CHECK(r == 0 && place == 7),
	chp_set_once_set(&once, &place, &seven, sizeof(seven)),
	MODEL_CHECK(chp_set_once_take(&once) == 1));
/* clang-format on */

/* ---- Condition variable ---- */

static chp_cond c;
static unsigned ready;

static void cond_run(void)
{
	chp_cond_op op;

	chp_mutex_lock(&m);
	while (!ready) {
		chp_cond_wait_op(&op, &c, &m);
		MODEL_CHECK(hand_run(&op.op) == 0);
		chp_mutex_adopt(&m);
	}
	chp_mutex_unlock(&m);
}

static void cond_cancel(void)
{
	chp_cond_op op;

	chp_mutex_lock(&m);
	chp_cond_wait_op(&op, &c, &m);
	if (hand_poll(&op.op) == CHP_PENDING) {
		chp_op_cancel(&op.op);
	} else {
		chp_mutex_adopt(&m);
		chp_mutex_unlock(&m);
	}
}

static void cond_act(void)
{
	chp_mutex_lock(&m);
	ready = 1;
	chp_mutex_unlock(&m);
	chp_cond_signal(&c);
}

static void cond_check(void)
{
	hand_end();
	MODEL_CHECK(!chp_mutex_is_locked(&m));
	chp_cond_destroy(&c);
}

static void cond_alone(void)
{
	cond_cancel();
	cond_act();
}

SCENARIO(cond_by_hand, .threads = { cond_run, cond_act }, .check = cond_check,
	 .bound = 2);
SCENARIO(cond_hand_alone, .threads = { cond_alone }, .check = cond_check);
SCENARIO(cond_hand_cancel, .threads = { cond_cancel, cond_act },
	 .check = cond_check, .bound = 2);
