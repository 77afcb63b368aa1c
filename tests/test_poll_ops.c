/*
 * test_poll_ops.c - every operation but the channels' and those of
 * test_poll_system.c, awaited by a stackless task: it rests until it is served,
 * and, aborted or interrupted, it leaves no trace.
 */
#include "stackless.h"

static int value;

/* ---- Time and tokens ---- */

static chp_sleep_op nap;
static chp_interval interval;
static chp_tick_op tick;
static chp_cancel token;
static chp_cancel_op cancelled;

static chp_op *make_sleep(void)
{
	chp_sleep_until_op(&nap, chp_in(length));
	return &nap.op;
}

static chp_op *make_tick(void)
{
	chp_interval_init(&interval, chp_in(length), CHP_SEC, CHP_MISSED_BURST);
	chp_interval_tick_op(&tick, &interval, NULL);
	return &tick.op;
}

static chp_op *make_cancelled(void)
{
	if (!is_up)
		chp_cancel_init(&token, NULL, 0);
	chp_cancel_wait_op(&cancelled, &token);
	return &cancelled.op;
}

static void cancel_token(void)
{
	chp_cancel_now(&token);
}

static void destroy_token(void)
{
	chp_cancel_destroy(&token);
}

/* ---- Semaphores and locks ---- */

static chp_semaphore s;
static chp_permit permit;
static chp_acquire_op acquire;
static chp_mutex m;
static chp_lock_op lock;
static chp_cond c;
static chp_rwlock rw;
static chp_rwlock_op rwlock;

static chp_op *make_acquire(void)
{
	chp_semaphore_init(&s, 1, CHP_FAIR);
	chp_semaphore_acquire_op(&acquire, &s, 3);
	return &acquire.op;
}

static void release_two(void)
{
	chp_semaphore_release(&s, 2);
}

static chp_op *make_permit(void)
{
	chp_semaphore_init(&s, 1, CHP_FIFO);
	chp_semaphore_acquire_permit_op(&acquire, &s, 3, &permit);
	return &acquire.op;
}

static void give_back_permit(void)
{
	chp_permit_release(&permit);
	CHECK_EQ(chp_semaphore_available(&s), 3);
}

static chp_op *make_lock(void)
{
	if (!is_up)
		chp_mutex_lock(&m);
	chp_mutex_lock_op(&lock, &m);
	return &lock.op;
}

static void unlock(void)
{
	chp_mutex_unlock(&m);
}

/* What the task that has ended had locked. */
static void unlock_for_it(void)
{
	chp_mutex_adopt(&m);
	chp_mutex_unlock(&m);
}

struct sleeper {
	chp_coro co;
	chp_cond_op op;
	chp_word rests;
	int r;
};

static int cond_steps(struct sleeper *z, chp_poll_ctx *ctx)
{
	CHP_CO_BEGIN(&z->co);
	CHECK_CODE(chp_mutex_try_lock(&m), 0);
	chp_cond_wait_op(&z->op, &c, &m);
	CHP_CO_AWAIT(&z->co, ctx, &z->op.op, z->r);
	if (z->r == 0)
		chp_mutex_unlock(&m);
	CHP_CO_END(&z->co, 0);
}

static int await_signal(void *state, chp_poll_ctx *ctx)
{
	struct sleeper *z = state;
	int r = cond_steps(z, ctx);

	if (r == CHP_PENDING)
		h_add(&z->rests, 1);
	return r;
}

/* The mutex is the task's own when it waits, and afterwards. */
static void conditions(void)
{
	struct sleeper z;
	chp_task t;

	memset(&m, 0, sizeof(m));
	memset(&c, 0, sizeof(c));
	for (int i = 0; i < 2; i++) {
		memset(&z, 0, sizeof(z));
		CHECK_CODE(chp_spawn_poll(&t, await_signal, &z), 0);
		h_until(h_load(&z.rests));
		if (i)
			chp_task_abort(&t);
		chp_mutex_lock(&m);
		chp_cond_signal(&c);
		chp_mutex_unlock(&m);
		CHECK_CODE(chp_join(&t, NULL), 0);
		CHECK(z.r == 0 || (i && z.r == CHP_EABORTED));
		CHECK_EQ(chp_mutex_is_locked(&m), 0);
	}
}

static chp_op *make_read(void)
{
	if (!is_up)
		chp_rwlock_write(&rw);
	chp_rwlock_read_op(&rwlock, &rw);
	return &rwlock.op;
}

static void write_unlock(void)
{
	chp_rwlock_write_unlock(&rw);
}

static void read_unlock(void)
{
	chp_rwlock_read_unlock(&rw);
}

static chp_op *make_write(void)
{
	if (!is_up)
		chp_rwlock_read(&rw);
	chp_rwlock_write_op(&rwlock, &rw);
	return &rwlock.op;
}

/* ---- Meeting ---- */

static chp_notify bell;
static chp_notified_op rung;
static chp_barrier barrier;
static chp_barrier_op met;
static chp_wait_group wg;
static chp_wait_group_op all_done;
static chp_once_cell cell;
static chp_set_once set_once;
static int got;
static chp_once_op once;

static chp_op *make_rung(void)
{
	chp_notify_notified_op(&rung, &bell);
	return &rung.op;
}

static void ring(void)
{
	chp_notify_one(&bell);
}

static chp_op *make_met(void)
{
	if (!is_up)
		CHECK_CODE(chp_barrier_init(&barrier, 2, 0), 0);
	chp_barrier_wait_op(&met, &barrier);
	return &met.op;
}

static void meet(void)
{
	CHECK(chp_barrier_wait(&barrier) >= 0);
}

static chp_op *make_all_done(void)
{
	if (!is_up)
		chp_wait_group_add(&wg, 1);
	chp_wait_group_wait_op(&all_done, &wg);
	return &all_done.op;
}

static void be_done(void)
{
	chp_wait_group_done(&wg);
}

static chp_op *make_turn(void)
{
	if (!is_up)
		CHECK_EQ(chp_once_cell_begin(&cell), 1);
	chp_once_cell_begin_op(&once, &cell);
	return &once.op;
}

static void fail(void)
{
	chp_once_cell_fail(&cell);
}

static void finish(void)
{
	chp_once_cell_finish(&cell);
	chp_once_cell_take(&cell);
}

static chp_op *make_initialized(void)
{
	if (!is_up)
		CHECK_EQ(chp_once_cell_begin(&cell), 1);
	chp_once_cell_wait_op(&once, &cell);
	return &once.op;
}

static void initialize(void)
{
	chp_once_cell_finish(&cell);
}

static void empty_cell(void)
{
	chp_once_cell_take(&cell);
}

static chp_op *make_set(void)
{
	chp_set_once_wait_op(&once, &set_once);
	return &once.op;
}

static void set(void)
{
	CHECK_CODE(chp_set_once_set(&set_once, &got, &value, sizeof(got)), 0);
}

static void unset(void)
{
	chp_set_once_take(&set_once);
}

/* ---- Composed ---- */

static chp_select_arm arms[2];
static chp_select_op select_op;
static chp_timeout_op limited;

static chp_op *make_select(void)
{
	arms[0].op = make_acquire();
	arms[1].op = make_rung();
	chp_select_init(&select_op, arms, 2, CHP_CANCEL_LOSERS);
	return &select_op.op;
}

static chp_op *make_timeout(void)
{
	chp_timeout_init(&limited, make_rung(), chp_in(length));
	return &limited.op;
}

/* ---- All of them ---- */

static void time_and_tokens(void)
{
	static const struct kind list[] = {
		{ "sleep", make_sleep, NULL, 0, NULL },
		{ "tick", make_tick, NULL, 0, NULL },
		{ "token", make_cancelled, cancel_token, 0, destroy_token },
	};

	AWAIT_EACH(list);
}

static void semaphores_and_locks(void)
{
	static const struct kind list[] = {
		{ "acquire", make_acquire, release_two, 0, NULL },
		{ "permit", make_permit, release_two, 0, give_back_permit },
		{ "mutex", make_lock, unlock, 0, unlock_for_it },
		{ "read", make_read, write_unlock, 0, read_unlock },
		{ "write", make_write, read_unlock, 0, write_unlock },
	};

	memset(&m, 0, sizeof(m));
	memset(&rw, 0, sizeof(rw));
	AWAIT_EACH(list);
}

static void meetings(void)
{
	static const struct kind list[] = {
		{ "notify", make_rung, ring, 0, NULL },
		{ "wait group", make_all_done, be_done, 0, NULL },
		{ "once cell's turn", make_turn, fail, 1, finish },
		{ "once cell", make_initialized, initialize, 0, empty_cell },
		{ "set once", make_set, set, 0, unset },
	};
	struct waiter w;

	memset(&bell, 0, sizeof(bell));
	memset(&wg, 0, sizeof(wg));
	memset(&cell, 0, sizeof(cell));
	memset(&set_once, 0, sizeof(set_once));
	AWAIT_EACH(list);

	/* Who gives up at a barrier has still arrived. */
	is_up = false;
	come_to_rest(&w, &(struct kind){ .make = make_met });
	meet();
	ends_as(&w.task, CHP_RETURNED, &w);
	CHECK(w.r >= 0);
}

static void composed(void)
{
	static const struct kind list[] = {
		{ "select", make_select, ring, 1, NULL },
		{ "timeout, in time", make_timeout, ring, 0, NULL },
		{ "timeout", make_timeout, NULL, CHP_ETIMEDOUT, NULL },
	};

	memset(&bell, 0, sizeof(bell));
	AWAIT_EACH(list);
	CHECK_EQ(chp_semaphore_available(&s), 1);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(time_and_tokens, IN_TASKS),
	TEST(semaphores_and_locks, IN_TASKS),
	TEST(conditions, IN_TASKS),
	TEST(meetings, IN_TASKS),
	TEST(composed, IN_TASKS),
};
/* clang-format on */

H_MAIN("poll_ops", tests)
