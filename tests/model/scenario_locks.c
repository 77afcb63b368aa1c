/*
 * scenario_locks.c - mutex, rwlock, condition variable.
 */
#include <chappe/cond.h>
#include <chappe/mutex.h>
#include <chappe/mutex_guard.h>
#include <chappe/rwlock.h>

#include "counted.h"

static chp_mutex m;
static chp_rwlock l;
static chp_cond c;
static chp_mutex *heap_m;
static unsigned guarded, ready, done;

static void fifo(void)
{
	chp_mutex_init(&m, CHP_MUTEX_FIFO);
}

static void mutex_check(void)
{
	MODEL_CHECK(!chp_mutex_is_locked(&m));
	chp_mutex_destroy(&m);
}

/* ---- Mutex ---- */

static void add_locked(void)
{
	chp_mutex_lock(&m);
	guarded++;
	chp_mutex_unlock(&m);
}

static void add_timed(void)
{
	chp_wait w = { .deadline = model_time(1) };
	int r = chp_mutex_lock_with(&m, &w);

	MODEL_CHECK(r == 0 || r == CHP_ETIMEDOUT);
	model_reached(r == 0);
	if (r)
		return;
	guarded++;
	chp_mutex_unlock(&m);
}

static void add_tried(void)
{
	if (chp_mutex_try_lock(&m) != 0)
		return;
	guarded++;
	chp_mutex_unlock(&m);
}

static void check_2(void)
{
	MODEL_CHECK(guarded == 2);
	mutex_check();
}

static void check_3(void)
{
	MODEL_CHECK(guarded == 3);
	mutex_check();
}

SCENARIO(mutex_2, .threads = { add_locked, add_locked }, .check = check_2);
SCENARIO(mutex_fifo_2, .setup = fifo, .threads = { add_locked, add_locked },
	 .check = check_2);
SCENARIO(mutex_3, .threads = { add_locked, add_locked, add_locked },
	 .check = check_3, .bound = 2);
SCENARIO(mutex_fifo_3, .setup = fifo,
	 .threads = { add_locked, add_locked, add_locked }, .check = check_3,
	 .bound = 2);
SCENARIO(mutex_try, .threads = { add_locked, add_tried }, .check = mutex_check);
SCENARIO(mutex_timed, .threads = { add_locked, add_timed },
	 .check = mutex_check, .timed = 1, .must_reach = 3);
SCENARIO(mutex_fifo_timed, .setup = fifo, .threads = { add_locked, add_timed },
	 .check = mutex_check, .timed = 1, .must_reach = 3);
SCENARIO(mutex_timed_3, .threads = { add_locked, add_timed, add_locked },
	 .check = mutex_check, .timed = 1, .must_reach = 3, .bound = 2);
/* Overtaken for a millisecond: it is handed over. */
SCENARIO(mutex_overtaken, .threads = { add_locked, add_locked, add_locked },
	 .check = check_3, .ticks = 2, .bound = 1);

/* Somebody waits, was woken, and does not come: who tries passes it. */
static struct counted absent;
static chp_lock_op absent_op;

static void keep_waiting(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(counted_waker(&absent));

	chp_mutex_lock(&m);
	chp_mutex_lock_op(&absent_op, &m);
	MODEL_CHECK(chp_op_poll(&absent_op.op, &ctx) == CHP_PENDING);
	chp_mutex_unlock(&m);
}

static void end_waiting(void)
{
	MODEL_CHECK(chp_op_cancel(&absent_op.op) == CHP_HELD_NOTHING);
	MODEL_CHECK(counted_end(&absent) == 1);
	mutex_check();
}

SCENARIO(mutex_passed, .setup = keep_waiting,
	 .threads = { add_tried, add_tried }, .check = end_waiting);

/* The last of two users frees it. */
static void make_mutex(void)
{
	heap_m = model_alloc(sizeof(*heap_m));
	chp_mutex_init(heap_m, 0);
}

static void make_mutex_fifo(void)
{
	heap_m = model_alloc(sizeof(*heap_m));
	chp_mutex_init(heap_m, CHP_MUTEX_FIFO);
}

static void use_or_free(void)
{
	chp_mutex_lock(heap_m);
	if (++done < 2) {
		chp_mutex_unlock(heap_m);
		return;
	}
	chp_mutex_unlock(heap_m);
	chp_mutex_destroy(heap_m);
	model_free(heap_m, sizeof(*heap_m));
}

SCENARIO(mutex_destroy, .setup = make_mutex,
	 .threads = { use_or_free, use_or_free });
SCENARIO(mutex_fifo_destroy, .setup = make_mutex_fifo,
	 .threads = { use_or_free, use_or_free });

/* The last reference frees a counted one. */
static chp_mutex *counted;

static void make_counted(void)
{
	counted = chp_mutex_new(sizeof(unsigned), &guarded, NULL, 0);
	chp_mutex_ref(counted);
}

static void use_counted(void)
{
	chp_mutex_guard g = chp_mutex_lock_owned(counted);

	++*(unsigned *)chp_mutex_value(counted);
	chp_mutex_guard_unlock(&g);
	chp_mutex_unref(counted);
}

SCENARIO(mutex_counted, .setup = make_counted,
	 .threads = { use_counted, use_counted }, .bound = 3);

/* ---- Rwlock ---- */

static void write_1(void)
{
	chp_rwlock_write(&l);
	guarded++;
	ready = guarded;
	chp_rwlock_write_unlock(&l);
}

static void read_1(void)
{
	chp_rwlock_read(&l);
	MODEL_CHECK(ready == guarded);
	chp_rwlock_read_unlock(&l);
}

static void downgrade(void)
{
	chp_rwlock_write(&l);
	guarded++;
	chp_rwlock_downgrade(&l);
	MODEL_CHECK(guarded == 1);
	chp_rwlock_read_unlock(&l);
}

static void read_guarded(void)
{
	chp_rwlock_read(&l);
	MODEL_CHECK(guarded <= 1);
	chp_rwlock_read_unlock(&l);
}

static void upgrade(void)
{
	chp_rwlock_read(&l);
	if (chp_rwlock_try_upgrade(&l) == 0) {
		guarded++;
		ready = guarded;
		chp_rwlock_write_unlock(&l);
	} else {
		chp_rwlock_read_unlock(&l);
	}
}

static void read_timed(void)
{
	chp_wait w = { .deadline = model_time(1) };
	int r = chp_rwlock_read_with(&l, &w);

	MODEL_CHECK(r == 0 || r == CHP_ETIMEDOUT);
	if (r == 0)
		chp_rwlock_read_unlock(&l);
}

static void try_both(void)
{
	if (chp_rwlock_try_write(&l) == 0) {
		guarded++;
		ready = guarded;
		chp_rwlock_write_unlock(&l);
	} else if (chp_rwlock_try_read(&l) == 0) {
		MODEL_CHECK(ready == guarded);
		chp_rwlock_read_unlock(&l);
	}
}

static void rwlock_check(void)
{
	MODEL_CHECK(chp_rwlock_readers(&l) == 0);
	chp_rwlock_destroy(&l);
}

SCENARIO(rwlock_write_read, .threads = { write_1, read_1 },
	 .check = rwlock_check);
SCENARIO(rwlock_write_write, .threads = { write_1, write_1 },
	 .check = rwlock_check);
SCENARIO(rwlock_downgrade, .threads = { downgrade, read_guarded },
	 .check = rwlock_check);
SCENARIO(rwlock_upgrade, .threads = { upgrade, read_1 }, .check = rwlock_check);
SCENARIO(rwlock_try, .threads = { write_1, try_both }, .check = rwlock_check);
SCENARIO(rwlock_try_read, .threads = { read_1, try_both },
	 .check = rwlock_check);
SCENARIO(rwlock_upgrade_try, .threads = { upgrade, try_both },
	 .check = rwlock_check);
SCENARIO(rwlock_timed, .threads = { write_1, read_timed },
	 .check = rwlock_check, .timed = 1);
SCENARIO(rwlock_write_read_read, .threads = { write_1, read_1, read_1 },
	 .check = rwlock_check, .bound = 2);
SCENARIO(rwlock_write_write_read, .threads = { write_1, write_1, read_1 },
	 .check = rwlock_check, .bound = 2);

/* The reader of before has let a writer in between, and reads again. */
static void one_reads(void)
{
	chp_rwlock_read(&l);
}

static void write_between(void)
{
	chp_rwlock_read_unlock(&l);
	chp_rwlock_write(&l);
	guarded++;
	chp_rwlock_write_unlock(&l);
	chp_rwlock_read(&l);
}

static void read_beside(void)
{
	chp_rwlock_read(&l);
	model_reached(guarded);
	chp_rwlock_read_unlock(&l);
}

static void one_ends(void)
{
	chp_rwlock_read_unlock(&l);
	rwlock_check();
}

SCENARIO(rwlock_read_again, .setup = one_reads,
	 .threads = { write_between, read_beside }, .check = one_ends,
	 .bound = 3, .must_reach = 3);

/* ---- Condition variable ---- */

static void wait_ready(void)
{
	chp_mutex_lock(&m);
	while (!ready)
		chp_cond_wait(&c, &m);
	chp_mutex_unlock(&m);
}

static void make_ready(void)
{
	chp_mutex_lock(&m);
	ready = 1;
	chp_mutex_unlock(&m);
	chp_cond_signal(&c);
}

static void make_ready_all(void)
{
	chp_mutex_lock(&m);
	ready = 1;
	chp_cond_broadcast(&c);
	chp_mutex_unlock(&m);
}

static void wait_timed(void)
{
	chp_wait w = { .deadline = model_time(1) };
	int r = 0;

	chp_mutex_lock(&m);
	while (!ready && r == 0)
		r = chp_cond_wait_with(&c, &m, &w);
	MODEL_CHECK(ready || r == CHP_ETIMEDOUT);
	chp_mutex_unlock(&m);
}

static void cond_check(void)
{
	chp_cond_destroy(&c);
	mutex_check();
}

SCENARIO(cond_signal, .threads = { wait_ready, make_ready },
	 .check = cond_check, .bound = 3);
SCENARIO(cond_broadcast, .threads = { wait_ready, wait_ready, make_ready_all },
	 .check = cond_check, .bound = 1);
SCENARIO(cond_timed, .threads = { wait_timed, make_ready }, .check = cond_check,
	 .timed = 1, .bound = 2);

/* A signal is not lost on a waiter whose time runs out. */
static unsigned tokens;

static void take_token_timed(void)
{
	chp_wait w = { .deadline = model_time(1) };

	chp_mutex_lock(&m);
	if (!tokens && chp_cond_wait_with(&c, &m, &w) == 0)
		model_reached(0);
	if (tokens) {
		tokens--;
		done++;
	}
	chp_mutex_unlock(&m);
}

static void put_token(void)
{
	chp_mutex_lock(&m);
	tokens++;
	chp_mutex_unlock(&m);
	chp_cond_signal(&c);
}

static void token_check(void)
{
	MODEL_CHECK(tokens + done == 1);
	cond_check();
}

SCENARIO(cond_token, .threads = { take_token_timed, put_token },
	 .check = token_check, .timed = 1, .bound = 2, .must_reach = 1);
