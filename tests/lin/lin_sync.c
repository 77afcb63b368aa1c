/*
 * lin_sync.c - mutexes, rwlocks, once cells, notify: what threads saw.
 */
#include "lin_tests.h"

#include "model_mutex.h"
#include "model_notify.h"
#include "model_once.h"
#include "model_rwlock.h"

/* ---- Mutexes ---- */

enum { LOCK, TRY_LOCK, UNLOCK };

static const char *const lock_names[] = { "lock", "try", "unlock" };

static enum lin_answer step_lock(void *model, const struct lin_call *c)
{
	struct model_mutex *m = model;

	switch (c->what) {
	case LOCK:
		return lin_compare(model_mutex_poll(m, c->thread), c);
	case TRY_LOCK:
		return lin_compare(model_mutex_try(m), c);
	default:
		model_mutex_unlock(m);
		return LIN_SAME;
	}
}

static void cancel_lock(void *model, const struct lin_call *c)
{
	model_mutex_cancel(model, c->thread);
}

static const struct lin_spec lock_spec = { "mutex", sizeof(struct model_mutex),
					   step_lock, cancel_lock, lock_names };

static chp_mutex mutex;
static bool mutex_fifo;

static void begin_lock(struct lin_rounds *r, void *model)
{
	(void)r;
	CHECK_CODE(chp_mutex_init(&mutex, mutex_fifo ? CHP_MUTEX_FIFO : 0), 0);
	model_mutex_init(model, mutex_fifo);
}

/* Two calls each: lock somehow, and unlock. */
static void act_lock(struct lin_thread *t, int i)
{
	bool tries = h_below(&t->rng, 3) == 0;
	chp_wait w = lin_limit(t);
	struct lin_call *c = lin_begin(t, tries ? TRY_LOCK : LOCK, 0);
	int r = tries ? chp_mutex_try_lock(&mutex)
		      : chp_mutex_lock_with(&mutex, &w);

	(void)i;
	lin_end(c, r);
	if (r != 0)
		return;
	c = lin_begin(t, UNLOCK, 0);
	chp_mutex_unlock(&mutex);
	lin_end(c, 0);
}

static void end_lock(struct lin_rounds *r)
{
	(void)r;
	chp_mutex_destroy(&mutex);
}

static void run_lock(bool fifo)
{
	static struct lin_rounds r;

	mutex_fifo = fifo;
	r = (struct lin_rounds){ .spec = &lock_spec,
				 .threads = 4,
				 .calls = 3,
				 .must_explain = true,
				 .begin = begin_lock,
				 .act = act_lock,
				 .end = end_lock };
	CHECK_EQ(lin_run(&r, h_rounds(500)), 0);
}

void mutexes_are_linearizable(void)
{
	run_lock(false);
	run_lock(true);
}

/* ---- Once cells ---- */

enum { BEGIN, TRY_BEGIN, FINISH, FAIL, WAIT };

static const char *const once_names[] = { "begin", "try", "finish", "fail",
					  "wait" };

static enum lin_answer step_once(void *model, const struct lin_call *c)
{
	struct model_once *m = model;

	switch (c->what) {
	case BEGIN:
		return lin_compare(model_once_begin(m, c->thread), c);
	case TRY_BEGIN:
		return lin_compare(model_once_try_begin(m), c);
	case WAIT:
		return lin_compare(model_once_wait(m, c->thread), c);
	case FINISH:
		model_once_finish(m);
		return LIN_SAME;
	default:
		model_once_fail(m);
		return LIN_SAME;
	}
}

static void cancel_once(void *model, const struct lin_call *c)
{
	model_once_cancel(model, c->thread);
}

static const struct lin_spec once_spec = { "once cell",
					   sizeof(struct model_once), step_once,
					   cancel_once, once_names };

static chp_once_cell cell;

static void begin_once(struct lin_rounds *r, void *model)
{
	(void)r;
	(void)model;
	cell = (chp_once_cell)CHP_ONCE_CELL_INIT;
}

static void act_once(struct lin_thread *t, int i)
{
	chp_wait w = lin_limit(t);
	int what = (int)h_below(&t->rng, 4), r;
	struct lin_call *c;

	(void)i;
	what = what == 0 ? TRY_BEGIN : what == 1 ? WAIT : BEGIN;
	c = lin_begin(t, what, 0);
	r = what == TRY_BEGIN ? chp_once_cell_try_begin(&cell)
	    : what == WAIT    ? chp_once_cell_wait_with(&cell, &w)
			      : chp_once_cell_begin_with(&cell, &w);
	lin_end(c, r);
	if (r != 1)
		return;
	what = h_below(&t->rng, 3) ? FAIL : FINISH;
	c = lin_begin(t, what, 0);
	if (what == FAIL)
		chp_once_cell_fail(&cell);
	else
		chp_once_cell_finish(&cell);
	lin_end(c, 0);
}

static void end_once(struct lin_rounds *r)
{
	(void)r;
	chp_once_cell_destroy(&cell);
}

void once_cells_are_linearizable(void)
{
	static struct lin_rounds r;

	r = (struct lin_rounds){ .spec = &once_spec,
				 .threads = 4,
				 .calls = 3,
				 .must_explain = true,
				 .begin = begin_once,
				 .act = act_once,
				 .end = end_once };
	CHECK_EQ(lin_run(&r, h_rounds(500)), 0);
}

/* ---- Notify ---- */

/* A wait hears of calls for all waiters from when it is made, so that is a call
   of its own. */
enum { NOTIFIED, ONE, LAST, WAITERS, MAKE };

static const char *const notify_names[] = { "wait", "one", "last", "waiters",
					    "make" };

static enum lin_answer step_notify(void *model, const struct lin_call *c)
{
	struct model_notify *m = model;

	switch (c->what) {
	case MAKE:
		model_notify_make(m, c->thread);
		return LIN_SAME;
	case NOTIFIED:
		return lin_compare(model_notify_poll(m, c->thread), c);
	case ONE:
		model_notify_one(m);
		return LIN_SAME;
	case LAST:
		model_notify_last(m);
		return LIN_SAME;
	default:
		model_notify_waiters(m);
		return LIN_SAME;
	}
}

static void cancel_notify(void *model, const struct lin_call *c)
{
	model_notify_cancel(model, c->thread);
}

static const struct lin_spec notify_spec = { "notify",
					     sizeof(struct model_notify),
					     step_notify, cancel_notify,
					     notify_names };

static chp_notify notify;

static void begin_notify(struct lin_rounds *r, void *model)
{
	(void)r;
	(void)model;
	chp_notify_init(&notify);
}

static void act_notify(struct lin_thread *t, int i)
{
	chp_wait w = lin_limit(t);
	int what = (int)h_below(&t->rng, 6);
	chp_notified_op op;
	struct lin_call *c;

	(void)i;
	c = lin_begin(t, what == NOTIFIED || what > WAITERS ? MAKE : what, 0);
	switch (c->what) {
	case MAKE:
		chp_notify_notified_op(&op, &notify);
		lin_end(c, 0);
		c = lin_begin(t, NOTIFIED, 0);
		lin_end(c, chp_op_wait(&op.op, &w));
		return;
	case ONE:
		chp_notify_one(&notify);
		break;
	case LAST:
		chp_notify_last(&notify);
		break;
	default:
		chp_notify_waiters(&notify);
	}
	lin_end(c, 0);
}

static void end_notify(struct lin_rounds *r)
{
	(void)r;
	chp_notify_destroy(&notify);
}

void notify_is_linearizable(void)
{
	static struct lin_rounds r;

	r = (struct lin_rounds){ .spec = &notify_spec,
				 .threads = 4,
				 .calls = 3,
				 .must_explain = true,
				 .begin = begin_notify,
				 .act = act_notify,
				 .end = end_notify };
	CHECK_EQ(lin_run(&r, h_rounds(500)), 0);
}

/* ---- Rwlocks ---- */

enum { READ, WRITE, TRY_READ, TRY_WRITE, READ_UNLOCK, WRITE_UNLOCK, DOWNGRADE };

static const char *const rwlock_names[] = { "read",        "write",
					    "try_read",    "try_write",
					    "read_unlock", "write_unlock",
					    "downgrade" };

static enum lin_answer step_rwlock(void *model, const struct lin_call *c)
{
	struct model_rwlock *m = model;

	switch (c->what) {
	case READ:
	case WRITE:
		return lin_compare(
			model_rwlock_poll(m, c->thread, c->what == WRITE), c);
	case TRY_READ:
	case TRY_WRITE:
		return lin_compare(model_rwlock_try(m, c->what == TRY_WRITE),
				   c);
	case DOWNGRADE:
		model_rwlock_downgrade(m);
		return LIN_SAME;
	default:
		model_rwlock_unlock(m);
		return LIN_SAME;
	}
}

static void cancel_rwlock(void *model, const struct lin_call *c)
{
	model_rwlock_cancel(model, c->thread);
}

static const struct lin_spec rwlock_spec = { "rwlock",
					     sizeof(struct model_rwlock),
					     step_rwlock, cancel_rwlock,
					     rwlock_names };

static chp_rwlock rwlock;

static void begin_rwlock(struct lin_rounds *r, void *model)
{
	(void)r;
	CHECK_CODE(chp_rwlock_init(&rwlock, 2), 0);
	model_rwlock_init(model, 2);
}

static int lock_somehow(struct lin_thread *t, int what)
{
	chp_wait w = lin_limit(t);
	struct lin_call *c = lin_begin(t, what, 0);
	int r = what == READ       ? chp_rwlock_read_with(&rwlock, &w)
		: what == WRITE    ? chp_rwlock_write_with(&rwlock, &w)
		: what == TRY_READ ? chp_rwlock_try_read(&rwlock)
				   : chp_rwlock_try_write(&rwlock);

	lin_end(c, r);
	return r;
}

/* Up to three calls each: lock somehow, perhaps downgrade, unlock. */
static void act_rwlock(struct lin_thread *t, int i)
{
	int what = (int)h_below(&t->rng, 4);
	bool writes = what == WRITE || what == TRY_WRITE;
	struct lin_call *c;

	(void)i;
	if (lock_somehow(t, what) != 0)
		return;
	if (writes && h_below(&t->rng, 2)) {
		c = lin_begin(t, DOWNGRADE, 0);
		chp_rwlock_downgrade(&rwlock);
		lin_end(c, 0);
		writes = false;
	}
	c = lin_begin(t, writes ? WRITE_UNLOCK : READ_UNLOCK, 0);
	if (writes)
		chp_rwlock_write_unlock(&rwlock);
	else
		chp_rwlock_read_unlock(&rwlock);
	lin_end(c, 0);
}

static void end_rwlock(struct lin_rounds *r)
{
	(void)r;
	chp_rwlock_destroy(&rwlock);
}

void rwlocks_are_linearizable(void)
{
	static struct lin_rounds r;

	r = (struct lin_rounds){ .spec = &rwlock_spec,
				 .threads = 4,
				 .calls = 2,
				 .must_explain = true,
				 .begin = begin_rwlock,
				 .act = act_rwlock,
				 .end = end_rwlock };
	CHECK_EQ(lin_run(&r, h_rounds(500)), 0);
}
