/*
 * test_budget.c - the budget of operations that finish at once: a task whose
 * waits are always ready must let the others of its worker run, after exactly
 * so many; and the same for whoever polls by hand.
 */
#include "chan.h"
#include "task.h"

/* ---- Tasks ---- */

static chp_semaphore plenty;
static atomic_int others_ran;
static unsigned budget;

static void *let_others_run(void *arg)
{
	others_ran = 1;
	return arg;
}

/*
 * Run fn on one worker with that budget, in both kinds of runtime, as a task
 * that has just begun and finds another one queued behind it.
 */
static void *spawn_both(void *arg)
{
	void *(*fn)(void *arg) = *(void *(**)(void *arg))arg;
	chp_task greedy, other;

	others_ran = 0;
	chp_semaphore_init(&plenty, 1000000, CHP_FIFO);
	CHECK_CODE(chp_spawn(&greedy, fn, NULL), 0);
	CHECK_CODE(chp_spawn(&other, let_others_run, NULL), 0);
	CHECK_CODE(chp_join(&greedy, NULL), 0);
	CHECK_CODE(chp_join(&other, NULL), 0);
	return NULL;
}

static void with_budget(unsigned n, void *(*fn)(void *arg))
{
	chp_runtime_options options = { .workers = 1, .budget = n };

	budget = n ? n : 128;
	CHECK_CODE(chp_run(&options, spawn_both, &fn, NULL), 0);
	options.kind = CHP_CURRENT_THREAD;
	CHECK_CODE(chp_run(&options, spawn_both, &fn, NULL), 0);
}

/*
 * Which of the two tasks begins is not promised.  If it was the other, this
 * task puts a new one behind itself, and starts with a new budget.
 */
static void put_one_behind(void)
{
	if (!others_ran)
		return;
	others_ran = 0;
	CHECK_CODE(chp_spawn(NULL, let_others_run, NULL), 0);
}

/* Do it until somebody else has run; how often did it finish at once? */
static unsigned until_others_ran(void (*once)(void *data), void *data)
{
	unsigned n = 0;

	put_one_behind();
	while (!others_ran) {
		once(data);
		if (!others_ran)
			n++;
		CHECK(n <= budget);
	}
	return n;
}

/* The wait that yields is the last of the budget, or the first beyond it. */
static void check_spent(unsigned n)
{
	if (n != budget && n != budget - 1)
		h_fail(__FILE__, __LINE__, "%u finished at once, budget %u", n,
		       budget);
}

static void acquire_one(void *data)
{
	(void)data;
	CHECK_CODE(chp_semaphore_acquire(&plenty, 1), 0);
}

static void *acquire_for_ever(void *arg)
{
	check_spent(until_others_ran(acquire_one, NULL));
	return arg;
}

static void a_task_yields_after_so_many_acquires(void)
{
	with_budget(0, acquire_for_ever);
	with_budget(1, acquire_for_ever);
	with_budget(7, acquire_for_ever);
	with_budget(1000, acquire_for_ever);
}

static void send_one(void *data)
{
	struct int_channel *c = data;
	int v = 1;

	CHECK_CODE(chp_mpsc_send(&c->tx, &v), 0);
}

static void receive_one(void *data)
{
	struct int_channel *c = data;
	int v;

	CHECK_CODE(chp_mpsc_recv(&c->rx, &v), 0);
	CHECK_EQ(v, 1);
}

static void *use_a_channel(void *arg)
{
	struct int_channel c;

	CHECK_CODE(chp_mpsc_bounded(1000, sizeof(int), NULL, &c.tx, &c.rx), 0);
	check_spent(until_others_ran(send_one, &c));
	for (int v = 1; chp_mpsc_try_send(&c.tx, &v) == 0;)
		;
	chp_yield();
	check_spent(until_others_ran(receive_one, &c));
	drop_channel(&c);
	return arg;
}

static void sends_and_receives_cost_as_much(void)
{
	with_budget(0, use_a_channel);
	with_budget(5, use_a_channel);
}

static void join_one(void *data)
{
	chp_task **next = data;

	CHECK_CODE(chp_join((*next)++, NULL), 0);
}

static void *join_ended_tasks(void *arg)
{
	chp_task t[100], *next = t;

	spawn_all(t, 100, give_back, NULL);
	h_until(chp_task_is_finished(&t[99]) == 1);
	for (int i = 0; i < 100; i++)
		h_until(chp_task_is_finished(&t[i]) == 1);
	chp_yield();
	check_spent(until_others_ran(join_one, &next));
	while (next < t + 100)
		CHECK_CODE(chp_join(next++, NULL), 0);
	return arg;
}

static void so_do_joins_of_ended_tasks(void)
{
	with_budget(9, join_ended_tasks);
}

static void sleep_past(void *data)
{
	chp_sleep_op op;

	(void)data;
	chp_sleep_until_op(&op, 1);
	CHECK_CODE(chp_op_wait(&op.op, NULL), 0);
}

static void select_one(void *data)
{
	chp_acquire_op acquire;
	chp_cancel_op never;
	chp_cancel token = CHP_CANCEL_INIT;
	chp_select_arm arms[2];

	(void)data;
	chp_cancel_wait_op(&never, &token);
	chp_semaphore_acquire_op(&acquire, &plenty, 1);
	arms[0] = (chp_select_arm){ .op = &never.op };
	arms[1] = (chp_select_arm){ .op = &acquire.op };
	CHECK_EQ(chp_select(arms, 2, CHP_CANCEL_LOSERS), 1);
	CHECK_CODE(arms[1].result, 0);
	chp_cancel_destroy(&token);
}

static void *select_for_ever(void *arg)
{
	CHECK(until_others_ran(select_one, NULL) >= 1);
	return arg;
}

static void *sleep_for_ever(void *arg)
{
	CHECK(until_others_ran(sleep_past, NULL) >= 1);
	return arg;
}

static void nor_can_sleeps_and_selects_starve_anybody(void)
{
	with_budget(0, sleep_for_ever);
	with_budget(0, select_for_ever);
}

static void *try_for_ever(void *arg)
{
	put_one_behind();
	for (int i = 0; i < 10000; i++) {
		CHECK_CODE(chp_semaphore_try_acquire(&plenty, 1), 0);
		CHECK_CODE(chp_semaphore_release(&plenty, 1), 0);
		CHECK_EQ(others_ran, 0);
	}
	/* And nothing was spent. */
	check_spent(until_others_ran(acquire_one, NULL));
	return arg;
}

static void tries_and_releases_cost_nothing(void)
{
	with_budget(3, try_for_ever);
}

static void *yield_between(void *arg)
{
	for (int round = 0; round < 5; round++) {
		for (unsigned i = 0; i < budget - 1; i++)
			acquire_one(NULL);
		chp_yield();
		check_spent(until_others_ran(acquire_one, NULL));
	}
	return arg;
}

static void a_yield_brings_a_new_budget(void)
{
	with_budget(20, yield_between);
}

/* Two that always wake each other must not keep out a third. */
static chp_semaphore to[2];

static void *play(void *arg)
{
	intptr_t me = (intptr_t)arg;

	while (!others_ran) {
		CHECK_CODE(chp_semaphore_acquire(&to[me], 1), 0);
		CHECK_CODE(chp_semaphore_release(&to[!me], 1), 0);
	}
	return NULL;
}

static void *watch_a_game(void *arg)
{
	chp_task player[2];

	chp_semaphore_init(&to[0], 1, CHP_FIFO);
	chp_semaphore_init(&to[1], 0, CHP_FIFO);
	others_ran = 0;
	for (intptr_t i = 0; i < 2; i++)
		CHECK_CODE(chp_spawn(&player[i], play, (void *)i), 0);
	/* Let the game begin; this task then is the third. */
	for (int i = 0; i < 100; i++)
		chp_yield();
	others_ran = 1;
	chp_semaphore_release(&to[0], 1);
	chp_semaphore_release(&to[1], 1);
	join_all(player, 2);
	return arg;
}

static void two_that_wake_each_other_do_not_keep_out_a_third(void)
{
	with_one_worker(watch_a_game);
}

/* ---- By hand ---- */

static void a_poller_without_budget_is_told_to_come_back(void)
{
	struct h_waker w = { 0 };
	chp_acquire_op op;
	uint32_t left = 3;

	chp_semaphore_init(&plenty, 10, CHP_FIFO);
	for (uint32_t i = 3; i > 0; i--) {
		CHECK_EQ(left, i);
		chp_semaphore_acquire_op(&op, &plenty, 1);
		CHECK_CODE(h_poll_within(&op.op, &w, &left), 0);
	}
	CHECK_EQ(left, 0);
	CHECK_EQ(h_wakes(&w), 0);
	chp_semaphore_acquire_op(&op, &plenty, 1);
	CHECK_CODE(h_poll_within(&op.op, &w, &left), CHP_PENDING);
	CHECK_EQ(left, 0);
	/* Nobody else will wake it, so the poll itself has to. */
	h_until(h_wakes(&w) >= 1);
	left = 1;
	CHECK_CODE(h_poll_within(&op.op, &w, &left), 0);
	CHECK_EQ(left, 0);
	CHECK_EQ(chp_semaphore_available(&plenty), 6);
	CHECK_EQ(h_refs(&w), 0);
}

static void a_poll_that_stays_pending_costs_nothing(void)
{
	struct h_waker w = { 0 };
	chp_acquire_op op;
	uint32_t left = 2;

	chp_semaphore_init(&plenty, 0, CHP_FIFO);
	chp_semaphore_acquire_op(&op, &plenty, 1);
	for (int i = 0; i < 5; i++)
		CHECK_CODE(h_poll_within(&op.op, &w, &left), CHP_PENDING);
	CHECK_EQ(left, 2);
	chp_semaphore_release(&plenty, 1);
	CHECK_CODE(h_poll_within(&op.op, &w, &left), 0);
	CHECK_EQ(left, 1);
}

static void without_budget_an_operation_can_be_cancelled(void)
{
	struct h_waker w = { 0 };
	chp_acquire_op op;
	uint32_t left = 0;

	chp_semaphore_init(&plenty, 1, CHP_FIFO);
	chp_semaphore_acquire_op(&op, &plenty, 1);
	CHECK_CODE(h_poll_within(&op.op, &w, &left), CHP_PENDING);
	CHECK(chp_op_cancel(&op.op) != CHP_TOO_LATE);
	CHECK_EQ(chp_semaphore_available(&plenty), 1);
	CHECK_EQ(chp_semaphore_has_waiters(&plenty), 0);
	CHECK_EQ(h_refs(&w), 0);
}

static void without_a_budget_there_is_no_limit(void)
{
	struct h_waker w = { 0 };
	chp_acquire_op op;

	chp_semaphore_init(&plenty, 1000, CHP_FIFO);
	for (int i = 0; i < 1000; i++) {
		chp_semaphore_acquire_op(&op, &plenty, 1);
		CHECK_CODE(h_poll_within(&op.op, &w, NULL), 0);
	}
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_task_yields_after_so_many_acquires, ON_ITS_OWN),
	TEST(sends_and_receives_cost_as_much, ON_ITS_OWN),
	TEST(so_do_joins_of_ended_tasks, ON_ITS_OWN),
	TEST(nor_can_sleeps_and_selects_starve_anybody, ON_ITS_OWN),
	TEST(tries_and_releases_cost_nothing, ON_ITS_OWN),
	TEST(a_yield_brings_a_new_budget, ON_ITS_OWN),
	TEST(two_that_wake_each_other_do_not_keep_out_a_third, ON_ITS_OWN),
	TEST(a_poller_without_budget_is_told_to_come_back, IN_ALL),
	TEST(a_poll_that_stays_pending_costs_nothing, IN_ALL),
	TEST(without_budget_an_operation_can_be_cancelled, IN_ALL),
	TEST(without_a_budget_there_is_no_limit, IN_ALL),
};
/* clang-format on */

H_MAIN("budget", tests)
