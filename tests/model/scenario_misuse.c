/*
 * scenario_misuse.c - misuse that stops the process, and waits whose time is
 * over before they begin: one thread each, no interleavings.
 */
#include <chappe/barrier.h>
#include <chappe/cond.h>
#include <chappe/mutex.h>
#include <chappe/notify.h>
#include <chappe/once_cell.h>
#include <chappe/rwlock.h>
#include <chappe/semaphore.h>
#include <chappe/set_once.h>
#include <chappe/wait_group.h>

#include "scenario.h"

static chp_barrier b;
static chp_cond c;
static chp_mutex m;
static chp_notify n;
static chp_once_cell cell;
static chp_rwlock l;
static chp_semaphore s;
static chp_set_once once;
static chp_wait_group wg;
static unsigned place, seven = 7;

static void poll(chp_op *op)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());

	MODEL_CHECK(chp_op_poll(op, &ctx) == CHP_PENDING);
}

/* clang-format off */

/* Destroyed while somebody waits. */
#define DESTROYED(name, type, make, init, destroy) \
	static void name##_misuse(void) \
	{ \
		static type op; \
		make; \
		init; \
		poll(&op.op); \
		destroy; \
	} \
	SCENARIO(name##_destroyed, .threads = { name##_misuse }, \
		 .must_fail = "while")

DESTROYED(barrier, chp_barrier_op, chp_barrier_init(&b, 2, 0),
	  chp_barrier_wait_op(&op, &b), chp_barrier_destroy(&b));
DESTROYED(cond, chp_cond_op, chp_mutex_lock(&m),
	  chp_cond_wait_op(&op, &c, &m), chp_cond_destroy(&c));
DESTROYED(mutex, chp_lock_op, chp_mutex_lock(&m),
	  chp_mutex_lock_op(&op, &m), chp_mutex_destroy(&m));
DESTROYED(notify, chp_notified_op, ,
	  chp_notify_notified_op(&op, &n), chp_notify_destroy(&n));
DESTROYED(once, chp_once_op, ,
	  chp_once_cell_wait_op(&op, &cell), chp_once_cell_destroy(&cell));
DESTROYED(rwlock, chp_rwlock_op, chp_rwlock_write(&l),
	  chp_rwlock_read_op(&op, &l), chp_rwlock_destroy(&l));
DESTROYED(semaphore, chp_acquire_op, chp_semaphore_init(&s, 0, CHP_FIFO),
	  chp_semaphore_acquire_op(&op, &s, 1), chp_semaphore_destroy(&s));
DESTROYED(wait_group, chp_wait_group_op, chp_wait_group_init(&wg, 1),
	  chp_wait_group_wait_op(&op, &wg), chp_wait_group_destroy(&wg));
/* clang-format on */

/* What is not held is given up. */
static void mutex_unlock(void)
{
	chp_mutex_unlock(&m);
}

static void cond_wait(void)
{
	chp_cond_wait(&c, &m);
}

static void write_unlock_read(void)
{
	chp_rwlock_read(&l);
	chp_rwlock_write_unlock(&l);
}

static void read_unlock(void)
{
	chp_rwlock_read_unlock(&l);
}

static void downgrade_read(void)
{
	chp_rwlock_read(&l);
	chp_rwlock_downgrade(&l);
}

static void upgrade_written(void)
{
	chp_rwlock_write(&l);
	chp_rwlock_try_upgrade(&l);
}

static void once_finish(void)
{
	chp_once_cell_finish(&cell);
}

static void once_fail(void)
{
	chp_once_cell_fail(&cell);
}

static void done_too_often(void)
{
	chp_wait_group_done(&wg);
}

SCENARIO(mutex_not_locked, .threads = { mutex_unlock },
	 .must_fail = "not locked");
SCENARIO(cond_not_locked, .threads = { cond_wait },
	 .must_fail = "without holding");
SCENARIO(rwlock_not_written, .threads = { write_unlock_read },
	 .must_fail = "not held that way");
SCENARIO(rwlock_not_read, .threads = { read_unlock },
	 .must_fail = "not held that way");
SCENARIO(rwlock_downgrade_read, .threads = { downgrade_read },
	 .must_fail = "no writer has it");
SCENARIO(rwlock_upgrade_written, .threads = { upgrade_written },
	 .must_fail = "nobody reads it");
SCENARIO(once_finish_empty, .threads = { once_finish },
	 .must_fail = "does not have the turn");
SCENARIO(once_fail_empty, .threads = { once_fail },
	 .must_fail = "does not have the turn");
SCENARIO(wait_group_below_0, .threads = { done_too_often },
	 .must_fail = "more was done");

/* ---- A deadline in the past: one try ---- */

static const chp_wait past = { .deadline = 1 };

static void notify_past(void)
{
	MODEL_CHECK(chp_notify_wait_with(&n, &past) == CHP_ETIMEDOUT);
	chp_notify_one(&n);
	MODEL_CHECK(chp_notify_wait_with(&n, &past) == 0);
}

static void once_past(void)
{
	MODEL_CHECK(chp_once_cell_wait_with(&cell, &past) == CHP_ETIMEDOUT);
	MODEL_CHECK(chp_once_cell_try_begin(&cell) == 1);
	MODEL_CHECK(chp_once_cell_try_begin(&cell) == CHP_EBUSY);
	MODEL_CHECK(chp_once_cell_begin_with(&cell, &past) == CHP_ETIMEDOUT);
	chp_once_cell_finish(&cell);
	MODEL_CHECK(chp_once_cell_try_begin(&cell) == CHP_EALREADY);
	MODEL_CHECK(chp_once_cell_begin_with(&cell, &past) == 0);
	MODEL_CHECK(chp_once_cell_wait_with(&cell, &past) == 0);
}

static void set_once_past(void)
{
	MODEL_CHECK(chp_set_once_wait_with(&once, &past) == CHP_ETIMEDOUT);
	MODEL_CHECK(chp_set_once_set(&once, &place, &seven, 4) == 0);
	MODEL_CHECK(chp_set_once_set(&once, &place, &seven, 4) == CHP_EALREADY);
	MODEL_CHECK(chp_set_once_wait_with(&once, &past) == 0);
}

static void wait_group_past(void)
{
	chp_wait_group_add(&wg, 1);
	MODEL_CHECK(chp_wait_group_wait_with(&wg, &past) == CHP_ETIMEDOUT);
	chp_wait_group_done(&wg);
	MODEL_CHECK(chp_wait_group_wait_with(&wg, &past) == 0);
}

static void mutex_past(void)
{
	MODEL_CHECK(chp_mutex_lock_with(&m, &past) == 0);
	MODEL_CHECK(chp_mutex_try_lock(&m) == CHP_EAGAIN);
	MODEL_CHECK(chp_mutex_lock_with(&m, &past) == CHP_ETIMEDOUT);
	chp_mutex_unlock(&m);
	MODEL_CHECK(chp_mutex_try_lock(&m) == 0);
}

static void rwlock_past(void)
{
	MODEL_CHECK(chp_rwlock_read_with(&l, &past) == 0);
	MODEL_CHECK(chp_rwlock_read_with(&l, &past) == 0);
	MODEL_CHECK(chp_rwlock_try_upgrade(&l) == CHP_EAGAIN);
	MODEL_CHECK(chp_rwlock_write_with(&l, &past) == CHP_ETIMEDOUT);
	MODEL_CHECK(chp_rwlock_try_write(&l) == CHP_EAGAIN);
	MODEL_CHECK(chp_rwlock_try_read(&l) == 0);
	MODEL_CHECK(chp_rwlock_readers(&l) == 3);
	chp_rwlock_read_unlock(&l);
	chp_rwlock_read_unlock(&l);
	MODEL_CHECK(chp_rwlock_try_upgrade(&l) == 0);
	MODEL_CHECK(chp_rwlock_readers(&l) == -1);
}

static void semaphore_past(void)
{
	MODEL_CHECK(chp_semaphore_acquire_with(&s, 1, &past) == CHP_ETIMEDOUT);
	chp_semaphore_release(&s, 1);
	MODEL_CHECK(chp_semaphore_acquire_with(&s, 1, &past) == 0);
	MODEL_CHECK(chp_semaphore_try_acquire(&s, 1) == CHP_EAGAIN);
	MODEL_CHECK(chp_semaphore_forget(&s, 1) == 0);
	chp_semaphore_close(&s);
	MODEL_CHECK(chp_semaphore_acquire_with(&s, 1, &past) == CHP_ECLOSED);
}

/* Closing takes back what was handed over and is not fetched yet. */
static void close_handed(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());
	chp_acquire_op op;

	chp_semaphore_acquire_op(&op, &s, 1);
	poll(&op.op);
	chp_semaphore_release(&s, 1);
	MODEL_CHECK(chp_semaphore_available(&s) == 0);
	chp_semaphore_close(&s);
	MODEL_CHECK(chp_op_poll(&op.op, &ctx) == CHP_ECLOSED);
	MODEL_CHECK(chp_semaphore_available(&s) == 1);
}

static void too_many(void)
{
	chp_semaphore_init(&s, 1, CHP_FIFO);
	MODEL_CHECK(chp_semaphore_release(&s, CHP_SEMAPHORE_MAX - 1) == 0);
	MODEL_CHECK(chp_semaphore_release(&s, 1) == CHP_EOVERFLOW);
	MODEL_CHECK(chp_semaphore_resize(&s, 2) == CHP_EOVERFLOW);
	MODEL_CHECK(chp_semaphore_capacity(&s) == 1);
}

SCENARIO(semaphore_close_handed, .threads = { close_handed });
SCENARIO(semaphore_too_many, .threads = { too_many });
SCENARIO(notify_past, .threads = { notify_past });
SCENARIO(once_past, .threads = { once_past });
SCENARIO(set_once_past, .threads = { set_once_past });
SCENARIO(wait_group_past, .threads = { wait_group_past });
SCENARIO(mutex_past, .threads = { mutex_past });
SCENARIO(rwlock_past, .threads = { rwlock_past });
SCENARIO(semaphore_past, .threads = { semaphore_past });
