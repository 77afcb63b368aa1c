/*
 * test_once_cell_wait.c - waiting for a once cell: what it costs, and what may
 * end it.
 */
#include "once.h"

static chp_once_cell cell;

static void new_cell(void)
{
	memset(&cell, 0, sizeof(cell));
}

/* Takes the turn, so that others queue. */
static void occupy(void)
{
	new_cell();
	CHECK_EQ(chp_once_cell_try_begin(&cell), 1);
}

/* ---- Budget ---- */

static void the_turn_costs_budget_and_looking_does_not(void)
{
	struct h_waker w = { 0 };
	chp_once_op op;
	uint32_t budget = 1;

	new_cell();
	chp_once_cell_begin_op(&op, &cell);
	CHECK_EQ(h_poll_within(&op.op, &w, &budget), 1);
	CHECK_EQ(budget, 0);
	chp_once_cell_fail(&cell);

	chp_once_cell_begin_op(&op, &cell);
	CHECK_CODE(h_poll_within(&op.op, &w, &budget), CHP_PENDING);
	CHECK_EQ(h_wakes(&w), 1);
	check_empty(&cell);
	CHECK_EQ(chp_op_cancel(&op.op), CHP_HELD_NOTHING);

	occupy();
	chp_once_cell_wait_op(&op, &cell);
	CHECK_CODE(h_poll_within(&op.op, &w, &budget), CHP_PENDING);
	chp_once_cell_finish(&cell);
	CHECK_CODE(h_poll_within(&op.op, &w, &budget), 0);
	for (int i = 0; i < 300; i++) {
		chp_once_cell_wait_op(&op, &cell);
		CHECK_CODE(h_poll_within(&op.op, &w, &budget), 0);
		chp_once_cell_begin_op(&op, &cell);
		CHECK_CODE(h_poll_within(&op.op, &w, &budget), 0);
	}
	CHECK_EQ(h_refs(&w), 0);
}

static chp_word others_ran;

static void *run_once(void *arg)
{
	h_store(&others_ran, 1);
	return arg;
}

/* Take the turn until others run, at most `limit` times; how often? */
static unsigned turns_until_others_run(unsigned limit)
{
	unsigned n = 0;

	while (!h_load(&others_ran) && n < limit) {
		CHECK_EQ(chp_once_cell_begin(&cell), 1);
		chp_once_cell_fail(&cell);
		n++;
	}
	return n;
}

static unsigned waits_until_others_run(unsigned limit)
{
	unsigned n = 0;

	while (!h_load(&others_ran) && n < limit) {
		CHECK_CODE(chp_once_cell_begin(&cell), 0);
		CHECK_CODE(chp_once_cell_wait(&cell), 0);
		n++;
	}
	return n;
}

static void *be_greedy(void *arg)
{
	chp_task other;

	new_cell();
	h_store(&others_ran, 0);
	CHECK_CODE(chp_spawn(&other, run_once, NULL), 0);
	CHECK(turns_until_others_run(1000) <= 129);
	CHECK_CODE(chp_join(&other, NULL), 0);

	CHECK_EQ(chp_once_cell_begin(&cell), 1);
	chp_once_cell_finish(&cell);
	h_store(&others_ran, 0);
	CHECK_CODE(chp_spawn(&other, run_once, NULL), 0);
	CHECK_EQ(waits_until_others_run(1000), 1000);
	CHECK_CODE(chp_join(&other, NULL), 0);
	return arg;
}

static void a_task_yields_after_so_many_turns(void)
{
	chp_runtime_options options = { .kind = CHP_CURRENT_THREAD };

	CHECK_CODE(chp_run(&options, be_greedy, NULL, NULL), 0);
}

/* ---- What ends a wait ---- */

static void a_wait_ends_by_deadline_or_token(void)
{
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait past = { .deadline = chp_in(-1) };
	chp_wait soon = { .deadline = chp_in(CHP_MS) };
	chp_wait by_token = { .cancel = &token };

	/* A past deadline still takes what is free. */
	new_cell();
	CHECK_EQ(cell_begin(&cell, &past), 1);
	CHECK_CODE(cell_begin(&cell, &past), CHP_ETIMEDOUT);
	CHECK_CODE(cell_wait(&cell, &past), CHP_ETIMEDOUT);
	CHECK_CODE(cell_begin(&cell, &soon), CHP_ETIMEDOUT);
	soon.deadline = chp_in(CHP_MS);
	CHECK_CODE(cell_wait(&cell, &soon), CHP_ETIMEDOUT);
	CHECK(!has_waiters(&cell));
	chp_once_cell_finish(&cell);
	CHECK_CODE(cell_begin(&cell, &past), 0);
	CHECK_CODE(cell_wait(&cell, &past), 0);

	chp_cancel_now(&token);
	CHECK_CODE(cell_begin(&cell, &by_token), CHP_ECANCELED);
	CHECK_CODE(cell_wait(&cell, &by_token), CHP_ECANCELED);
	CHECK_EQ(chp_once_cell_take(&cell), 1);
	CHECK_CODE(cell_begin(&cell, &by_token), CHP_ECANCELED);
	check_empty(&cell);
	chp_cancel_destroy(&token);
}

struct waiter {
	struct h_agent a;
	chp_wait w;
	int result;
};

static void *wait_to_begin(void *arg)
{
	struct waiter *w = arg;

	w->result = cell_begin(&cell, &w->w);
	return NULL;
}

static void *wait_for_value(void *arg)
{
	struct waiter *w = arg;

	w->result = cell_wait(&cell, &w->w);
	return NULL;
}

static void *(*const waits[])(void *) = { wait_to_begin, wait_for_value };

static void a_token_ends_waits_that_are_under_way(void)
{
	for (int i = 0; i < 2; i++) {
		chp_cancel token = CHP_CANCEL_INIT;
		struct waiter w = { .w.cancel = &token };

		occupy();
		h_spawn(&w.a, waits[i], &w);
		h_until(has_waiters(&cell));
		chp_cancel_now(&token);
		h_join(&w.a);
		CHECK_CODE(w.result, CHP_ECANCELED);
		CHECK(!has_waiters(&cell));
		chp_cancel_destroy(&token);
	}
}

static void an_interrupt_ends_a_wait_but_not_a_shielded_one(void)
{
	for (int i = 0; i < 2; i++) {
		struct waiter w = { .w.flags = 0 };

		occupy();
		h_spawn(&w.a, waits[i], &w);
		h_until(has_waiters(&cell));
		CHECK_CODE(chp_interrupt(w.a.agent), 0);
		h_join(&w.a);
		CHECK_CODE(w.result, CHP_EINTR);
		CHECK(!has_waiters(&cell));

		w.w.flags = CHP_UNINTERRUPTIBLE;
		h_spawn(&w.a, waits[i], &w);
		h_until(has_waiters(&cell));
		CHECK_CODE(chp_interrupt(w.a.agent), 0);
		for (int n = 0; n < 20; n++)
			h_yield();
		CHECK(has_waiters(&cell));
		chp_once_cell_finish(&cell);
		h_join(&w.a);
		CHECK_CODE(w.result, 0);
	}
}

static void an_abort_ends_a_wait(void)
{
	for (int i = 0; i < 2; i++) {
		struct waiter w = { .w.flags = 0 };

		occupy();
		h_spawn(&w.a, waits[i], &w);
		h_until(has_waiters(&cell));
		CHECK_CODE(chp_abort(w.a.agent), 0);
		h_join(&w.a);
		CHECK_CODE(w.result, CHP_EABORTED);
		CHECK(!has_waiters(&cell));
	}
}

CHP_ONCE_CELL_DEFINE(int_cell, int);

static int_cell shared;
static chp_semaphore never;

static int make_after_a_wait(int *value, void *arg)
{
	(void)arg;
	*value = 1;
	return chp_semaphore_acquire(&never, 1);
}

static void *make_or_unwind(void *arg)
{
	*(int *)arg =
		int_cell_get_or_init(&shared, make_after_a_wait, NULL, NULL);
	return NULL;
}

/* As a running initializer that is cancelled in tokio: the next has a go. */
static void an_aborted_init_passes_the_turn_on(void)
{
	struct h_agent a;
	struct h_waker w = { 0 };
	chp_once_op next;
	int result = 0;

	memset(&shared, 0, sizeof(shared));
	chp_semaphore_init(&never, 0, CHP_FIFO);
	h_spawn(&a, make_or_unwind, &result);
	h_until(chp_semaphore_has_waiters(&never));
	chp_once_cell_begin_op(&next, &shared.raw);
	CHECK_CODE(h_poll(&next.op, &w), CHP_PENDING);
	CHECK_CODE(chp_abort(a.agent), 0);
	h_join(&a);
	CHECK_CODE(result, CHP_EABORTED);
	CHECK_EQ(h_wakes(&w), 1);
	CHECK_EQ(h_poll(&next.op, &w), 1);
	chp_once_cell_finish(&shared.raw);
	int_cell_destroy(&shared);
	chp_semaphore_destroy(&never);
}

static int make_two(int *value, void *arg)
{
	(void)arg;
	*value = 2;
	return 0;
}

static void interruption_comes_before_trying_but_not_before_looking(void)
{
	int_cell c = { .raw = CHP_ONCE_CELL_INIT };
	int *p;

	CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
	CHECK_CODE(int_cell_get_or_init(&c, make_two, NULL, &p), CHP_EINTR);
	CHECK(p == NULL);
	check_empty(&c.raw);
	CHECK_CODE(int_cell_get_or_init(&c, make_two, NULL, &p), 0);

	CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
	CHECK_CODE(int_cell_get_or_init(&c, make_two, NULL, &p), 0);
	CHECK_EQ(*p, 2);
	CHECK_CODE(int_cell_wait(&c, &p), CHP_EINTR);
	CHECK(p == NULL);
	CHECK_CODE(int_cell_wait(&c, &p), 0);
	CHECK_EQ(*p, 2);
	CHECK_CODE(chp_once_cell_begin_with(&c.raw, &(chp_wait){ .flags = 8 }),
		   CHP_EINVAL);
	CHECK_CODE(int_cell_wait_with(&c, &p, &(chp_wait){ .flags = 8 }),
		   CHP_EINVAL);
	int_cell_destroy(&c);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(the_turn_costs_budget_and_looking_does_not, IN_THREADS),
	TEST(a_task_yields_after_so_many_turns, ON_ITS_OWN),
	TEST(a_wait_ends_by_deadline_or_token, IN_ALL),
	TEST(a_token_ends_waits_that_are_under_way, IN_ALL),
	TEST(an_interrupt_ends_a_wait_but_not_a_shielded_one, IN_BLOCKING),
	TEST(an_abort_ends_a_wait, IN_TASKS),
	TEST(an_aborted_init_passes_the_turn_on, IN_TASKS),
	TEST(interruption_comes_before_trying_but_not_before_looking,
	     IN_BLOCKING),
};
/* clang-format on */
H_MAIN("once_cell_wait", tests)
