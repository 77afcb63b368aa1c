/*
 * scenario_destroy.c - who has been told may free the object at once, while
 * the one that told is still on its way out.
 */
#include <chappe/barrier.h>
#include <chappe/once_cell.h>
#include <chappe/rwlock.h>
#include <chappe/semaphore.h>
#include <chappe/set_once.h>

#include "scenario.h"

/* ---- Barrier: the leader, or the other one, frees it ---- */

static chp_barrier *b;
static unsigned leader_frees;

static void make_barrier(void)
{
	b = model_alloc(sizeof(*b));
	chp_barrier_init(b, 2, 0);
}

static void make_barrier_leader(void)
{
	make_barrier();
	leader_frees = 1;
}

static void arrive(void)
{
	unsigned leads = (unsigned)chp_barrier_wait(b);

	MODEL_CHECK(leads <= 1);
	model_reached(leads);
	if (leads != leader_frees)
		return;
	chp_barrier_destroy(b);
	model_free(b, sizeof(*b));
}

SCENARIO(barrier_destroy, .setup = make_barrier, .threads = { arrive, arrive },
	 .must_reach = 3);
SCENARIO(barrier_leader_destroy, .setup = make_barrier_leader,
	 .threads = { arrive, arrive }, .must_reach = 3);

/* ---- Barrier: arrivals that are given up ---- */

static chp_barrier g;

static void withdrawing(void)
{
	chp_barrier_init(&g, 2, CHP_BARRIER_WITHDRAW);
}

static void counting(void)
{
	chp_barrier_init(&g, 2, 0);
}

static void arrive_and_cancel(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());
	chp_barrier_op op;
	int found;

	chp_barrier_wait_op(&op, &g);
	if (chp_op_poll(&op.op, &ctx) != CHP_PENDING) {
		model_reached(0);
		return;
	}
	found = chp_op_cancel(&op.op);
	if (found != CHP_HELD_NOTHING)
		MODEL_CHECK(op.op.result == 0 || op.op.result == CHP_ECANCELED);
	model_reached(found == CHP_HELD_NOTHING ? 1 : 2);
}

/* Arrives as one of two; it may be the only one, so it must not wait. */
static void arrive_only(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());
	chp_barrier_op op;

	chp_barrier_wait_op(&op, &g);
	if (chp_op_poll(&op.op, &ctx) == CHP_PENDING)
		chp_op_cancel(&op.op);
}

static void withdrawn_check(void)
{
	MODEL_CHECK(chp_barrier_arrived(&g) == 0);
	chp_barrier_destroy(&g);
}

static void arrive_and_wait(void)
{
	MODEL_CHECK(chp_barrier_wait(&g) >= 0);
}

SCENARIO(barrier_withdraw, .setup = withdrawing,
	 .threads = { arrive_and_cancel, arrive_only },
	 .check = withdrawn_check, .must_reach = 7);
/* An arrival that stays lets the other one through. */
SCENARIO(barrier_given_up, .setup = counting,
	 .threads = { arrive_and_cancel, arrive_and_wait },
	 .check = withdrawn_check, .must_reach = 5);

/* ---- Once cell, set once ---- */

static chp_once_cell *cell;
static chp_set_once *once;
static unsigned plain, place;

static void make_cell(void)
{
	cell = model_alloc(sizeof(*cell));
	*cell = (chp_once_cell)CHP_ONCE_CELL_INIT;
	MODEL_CHECK(chp_once_cell_begin(cell) == 1);
}

static void finish(void)
{
	plain = 1;
	chp_once_cell_finish(cell);
}

static void free_cell(void)
{
	MODEL_CHECK(plain == 1);
	chp_once_cell_destroy(cell);
	model_free(cell, sizeof(*cell));
}

static void wait_and_free(void)
{
	MODEL_CHECK(chp_once_cell_wait(cell) == 0);
	free_cell();
}

static void begin_and_free(void)
{
	MODEL_CHECK(chp_once_cell_begin(cell) == 0);
	free_cell();
}

SCENARIO(once_wait_destroy, .setup = make_cell,
	 .threads = { finish, wait_and_free });
SCENARIO(once_begin_destroy, .setup = make_cell,
	 .threads = { finish, begin_and_free });

static void make_once(void)
{
	once = model_alloc(sizeof(*once));
	*once = (chp_set_once){ 0 };
}

static void set_it(void)
{
	unsigned x = 7;

	MODEL_CHECK(chp_set_once_set(once, &place, &x, sizeof(x)) == 0);
}

static void wait_set_and_free(void)
{
	MODEL_CHECK(chp_set_once_wait(once) == 0);
	MODEL_CHECK(place == 7);
	chp_set_once_destroy(once);
	model_free(once, sizeof(*once));
}

SCENARIO(set_once_destroy, .setup = make_once,
	 .threads = { set_it, wait_set_and_free });

/* ---- Rwlock, semaphore ---- */

static chp_rwlock *l;
static chp_semaphore *s;
static unsigned done;

static void make_rwlock(void)
{
	l = model_alloc(sizeof(*l));
	chp_rwlock_init(l, 2);
}

static void write_or_free(void)
{
	unsigned last;

	chp_rwlock_write(l);
	last = ++done == 2;
	chp_rwlock_write_unlock(l);
	if (!last)
		return;
	chp_rwlock_destroy(l);
	model_free(l, sizeof(*l));
}

static void write_once(void)
{
	chp_rwlock_write(l);
	done = 1;
	chp_rwlock_write_unlock(l);
}

/* If the writer was there, nobody else comes. */
static void read_and_free(void)
{
	unsigned last;

	chp_rwlock_read(l);
	last = done;
	chp_rwlock_read_unlock(l);
	model_reached(last);
	if (!last)
		return;
	chp_rwlock_destroy(l);
	model_free(l, sizeof(*l));
	l = NULL;
}

static void free_rwlock(void)
{
	if (l)
		model_free(l, sizeof(*l));
}

SCENARIO(rwlock_destroy, .setup = make_rwlock,
	 .threads = { write_or_free, write_or_free });
SCENARIO(rwlock_read_destroy, .setup = make_rwlock,
	 .threads = { write_once, read_and_free }, .check = free_rwlock,
	 .must_reach = 3);

static void make_fair(void)
{
	s = model_alloc(sizeof(*s));
	chp_semaphore_init(s, 0, CHP_FAIR);
}

static void take_and_free(void)
{
	MODEL_CHECK(chp_semaphore_acquire(s, 1) == 0);
	chp_semaphore_destroy(s);
	model_free(s, sizeof(*s));
}

static void give(void)
{
	chp_semaphore_release(s, 1);
}

SCENARIO(semaphore_fair_destroy, .setup = make_fair,
	 .threads = { take_and_free, give });
