/*
 * test_sim.c - running from a seed: what it takes, that a seed gives the same
 * run again, and that another gives another.
 */
#include "sim.h"
#include "task.h"

static uint64_t seeds(uint64_t full)
{
	return (uint64_t)h_rounds((long)full);
}

/* ---- Options ---- */

static int try_options(chp_runtime_options options)
{
	chp_runtime *rt = NULL;
	int r = chp_runtime_new(&rt, &options);

	if (r == 0)
		CHECK_CODE(chp_runtime_shutdown(rt, 0, NULL, 0, NULL), 0);
	return r;
}

static void a_seed_means_one_thread(void)
{
	chp_runtime_options options = { .seed = 1 };

	CHECK_CODE(try_options(options), 0);
	options.kind = CHP_CURRENT_THREAD;
	options.paused_clock = 1;
	options.workers = 1;
	CHECK_CODE(try_options(options), 0);
	options.workers = 2;
	CHECK_CODE(try_options(options), CHP_EINVAL);
	options.kind = CHP_MANY_THREADS;
	CHECK_CODE(try_options(options), CHP_EINVAL);
	/* As before there was a seed. */
	if (sizeof(void *) == 8)
		CHECK_EQ(sizeof(options), 104);
}

static void *count_threads(void *arg)
{
	chp_runtime_stats stats;

	*(int *)arg = h_threads();
	chp_runtime_get_stats(chp_runtime_current(), &stats);
	CHECK_EQ(stats.workers, 1);
	CHECK_EQ(stats.blocking_threads, 0);
	return arg;
}

static void *count_threads_in_a_call(void *arg)
{
	chp_task call;

	CHECK_CODE(chp_spawn_blocking(NULL, &call, count_threads, arg, NULL),
		   0);
	CHECK_CODE(chp_join(&call, NULL), 0);
	return arg;
}

static void calls_of_the_pool_run_on_the_same_thread(void)
{
	int threads = 0, before = h_threads();

	run_seed(1, count_threads_in_a_call, &threads);
	CHECK_EQ(threads, before);
}

/* ---- The same run again ---- */

enum { WORKERS = 5, TURNS = 20 };

static chp_mutex mutex;
static chp_mpsc_tx tx;
static chp_mpsc_rx rx;

static void *lock_and_sleep(void *arg)
{
	for (int i = 0; i < TURNS; i++) {
		chp_mutex_lock(&mutex);
		note(i);
		if (i % 3 == 0)
			chp_yield();
		chp_mutex_unlock(&mutex);
		if (i % 4 == 0)
			chp_sleep_for((chp_time)(i % 7) * CHP_MS);
	}
	return arg;
}

static void *with_locks(void *arg)
{
	chp_task t[WORKERS];

	chp_mutex_init(&mutex, 0);
	for (int i = 0; i < WORKERS; i++)
		CHECK_CODE(chp_spawn(&t[i], lock_and_sleep, NULL), 0);
	join_all(t, WORKERS);
	note(-1);
	return arg;
}

static void *send_some(void *arg)
{
	int from = *(int *)arg;

	for (int i = 0; i < TURNS; i++) {
		int value = from * 1000 + i;

		CHECK_CODE(chp_mpsc_send(&tx, &value), 0);
		note(value);
	}
	return NULL;
}

static void *with_a_channel(void *arg)
{
	int number[WORKERS], value;
	chp_task t[WORKERS];

	CHECK_CODE(chp_mpsc_bounded(3, sizeof(int), NULL, &tx, &rx), 0);
	for (int i = 0; i < WORKERS; i++) {
		number[i] = i;
		CHECK_CODE(chp_spawn(&t[i], send_some, &number[i]), 0);
	}
	for (int i = 0; i < WORKERS * TURNS; i++) {
		chp_wait soon = { .deadline = chp_in(CHP_MS) };

		while (chp_mpsc_recv_with(&rx, &value, &soon) != 0) {
			note(-1);
			soon.deadline = chp_in(CHP_MS);
		}
		note(value);
	}
	join_all(t, WORKERS);
	chp_mpsc_tx_drop(&tx);
	chp_mpsc_rx_drop(&rx);
	return arg;
}

static void *select_one(void *arg)
{
	chp_sleep_op sleep[3];
	chp_select_arm arms[3];

	for (int i = 0; i < TURNS; i++) {
		for (int k = 0; k < 3; k++) {
			chp_sleep_until_op(&sleep[k], chp_in(i % 2));
			arms[k] = (chp_select_arm){ .op = &sleep[k].op };
		}
		note(chp_select(arms, 3, CHP_CANCEL_LOSERS));
	}
	return arg;
}

static void *with_select(void *arg)
{
	chp_task t[2];

	CHECK_CODE(chp_spawn(&t[0], select_one, NULL), 0);
	CHECK_CODE(chp_spawn(&t[1], select_one, NULL), 0);
	join_all(t, 2);
	return arg;
}

static void *wait_to_be_aborted(void *arg)
{
	int r = chp_sleep_for((chp_time)(uintptr_t)arg * CHP_MS);

	note(r);
	return NULL;
}

static void *spawn_and_abort(void *arg)
{
	for (uintptr_t i = 0; i < TURNS; i++) {
		chp_outcome outcome;
		chp_task t;

		CHECK_CODE(chp_spawn(&t, wait_to_be_aborted, (void *)i), 0);
		if (i % 2)
			chp_sleep_for(10 * CHP_MS);
		chp_task_abort(&t);
		CHECK_CODE(chp_join(&t, &outcome), 0);
		note(outcome.fate);
	}
	return arg;
}

static void *with_aborts(void *arg)
{
	chp_task t[3];

	for (int i = 0; i < 3; i++)
		CHECK_CODE(chp_spawn(&t[i], spawn_and_abort, NULL), 0);
	join_all(t, 3);
	/* These are aborted by the shutdown. */
	for (uintptr_t i = 0; i < 100; i++)
		chp_spawn(NULL, wait_to_be_aborted, (void *)(1000 + i));
	return arg;
}

static void *block_for_a_while(void *arg)
{
	note(chp_sleep_for(CHP_MS));
	chp_mutex_lock(&mutex);
	note(1);
	chp_mutex_unlock(&mutex);
	return arg;
}

static void *with_blocking_calls(void *arg)
{
	chp_task t[2 * WORKERS];

	chp_mutex_init(&mutex, 0);
	for (int i = 0; i < WORKERS; i++) {
		CHECK_CODE(chp_spawn_blocking(NULL, &t[i], block_for_a_while,
					      NULL, NULL),
			   0);
		CHECK_CODE(chp_spawn(&t[i + WORKERS], lock_and_sleep, NULL), 0);
	}
	join_all(t, 2 * WORKERS);
	return arg;
}

static void *(*const programs[])(void *) = {
	with_locks,  with_a_channel,      with_select,
	with_aborts, with_blocking_calls,
};

static void fresh_run(uint64_t seed, void *(*fn)(void *))
{
	trace.used.v = 0;
	run_seed(seed, fn, NULL);
}

/* A run must not depend on what the process has done before. */
static void *mess_about(void *arg)
{
	chp_task t[7];

	for (int i = 0; i < 7; i++)
		CHECK_CODE(chp_spawn(&t[i], wait_to_be_aborted, NULL), 0);
	join_all(t, 7);
	return arg;
}

static void a_seed_gives_the_same_run_again(void)
{
	struct trace *before = malloc(sizeof(*before));

	for (size_t p = 0; p < sizeof(programs) / sizeof(*programs); p++)
		for (uint64_t seed = 1; seed <= seeds(60); seed++) {
			fresh_run(seed, programs[p]);
			*before = trace;
			CHECK(before->used.v > 0);
			run_seed(seed + 1, mess_about, NULL);
			CHECK_CODE(chp_run(NULL, mess_about, NULL, NULL), 0);
			fresh_run(seed, programs[p]);
			if (!same_trace(before, &trace))
				h_fail(__FILE__, __LINE__,
				       "program %zu, seed %" PRIu64
				       " ran otherwise",
				       p, seed);
		}
	free(before);
}

static void another_seed_gives_another_run(void)
{
	struct trace *before = malloc(sizeof(*before));

	for (size_t p = 0; p < sizeof(programs) / sizeof(*programs); p++) {
		uint64_t different = 0;

		for (uint64_t seed = 1; seed <= 40; seed += 2) {
			fresh_run(seed, programs[p]);
			*before = trace;
			fresh_run(seed + 1, programs[p]);
			different += !same_trace(before, &trace);
		}
		CHECK(different >= 15);
	}
	free(before);
}

/* ---- Coverage ---- */

enum { RUNNERS = 4, ORDERS = 4 * 3 * 2 };

static chp_word arrived;
static int place[RUNNERS];

static void *arrive(void *arg)
{
	place[h_add(&arrived, 1)] = (int)(intptr_t)arg;
	return NULL;
}

static void *race(void *arg)
{
	chp_task t[RUNNERS];

	arrived.v = 0;
	for (intptr_t i = 0; i < RUNNERS; i++)
		CHECK_CODE(chp_spawn(&t[i], arrive, (void *)i), 0);
	join_all(t, RUNNERS);
	CHECK_EQ(h_load(&arrived), RUNNERS);
	return arg;
}

static void every_order_is_seen(void)
{
	bool seen[256] = { false };
	int orders = 0;

	for (uint64_t seed = 1; seed <= 1000 && orders < ORDERS; seed++) {
		int order = 0;

		run_seed(seed, race, NULL);
		for (int i = 0; i < RUNNERS; i++)
			order = order * 4 + place[i];
		orders += !seen[order];
		seen[order] = true;
	}
	CHECK_EQ(orders, ORDERS);
}

/* Each arm of a select must be the first to be asked under some seed. */
static void *select_once(void *arg)
{
	chp_sleep_op sleep[3];
	chp_select_arm arms[3];

	for (int k = 0; k < 3; k++) {
		chp_sleep_until_op(&sleep[k], chp_now());
		arms[k] = (chp_select_arm){ .op = &sleep[k].op };
	}
	*(int *)arg = chp_select(arms, 3, CHP_CANCEL_LOSERS);
	return NULL;
}

static void select_begins_anywhere(void)
{
	int seen[3] = { 0 }, won;

	for (uint64_t seed = 1; seed <= 100; seed++) {
		run_seed(seed, select_once, &won);
		CHECK(won >= 0 && won < 3);
		seen[won]++;
	}
	CHECK(seen[0] && seen[1] && seen[2]);
}

/* A wait that could finish at once is a place where others run. */
static chp_word inside, together;

static void *check_then_act(void *arg)
{
	chp_semaphore *s = arg;

	h_add(&inside, 1);
	chp_semaphore_acquire(s, 1);
	h_add(&together, h_load(&inside) == 2);
	chp_semaphore_acquire(s, 1);
	h_sub(&inside, 1);
	return NULL;
}

static void *two_that_do_not_wait(void *arg)
{
	chp_semaphore s = CHP_SEMAPHORE_INIT(100, CHP_FIFO);
	chp_task t[2];

	for (int i = 0; i < 2; i++)
		CHECK_CODE(chp_spawn(&t[i], check_then_act, &s), 0);
	join_all(t, 2);
	return arg;
}

static void tasks_are_switched_where_they_need_not_wait(void)
{
	uint64_t met = 0;

	for (uint64_t seed = 1; seed <= 100; seed++) {
		inside.v = together.v = 0;
		run_seed(seed, two_that_do_not_wait, NULL);
		met += together.v > 0;
	}
	/* In some, and not in all. */
	CHECK(met >= 20 && met <= 95);
}

/* ---- Spurious wakes ---- */

static void *park_once(void *arg)
{
	bool *woken = arg;

	chp_park(chp_in(CHP_SEC));
	*woken = chp_now() < 1000001 * CHP_SEC;
	return NULL;
}

static void parks_end_early_under_some_seeds(void)
{
	int early = 0;
	bool woken;

	for (uint64_t seed = 1; seed <= 400; seed++) {
		run_seed(seed, park_once, &woken);
		early += woken;
	}
	/* Calm seeds must remain, where a lost wake is not made up for. */
	CHECK(early >= 10 && early <= 200);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_seed_means_one_thread, ON_ITS_OWN),
	TEST(calls_of_the_pool_run_on_the_same_thread, ON_ITS_OWN),
	TEST(a_seed_gives_the_same_run_again, ON_ITS_OWN),
	TEST(another_seed_gives_another_run, ON_ITS_OWN),
	TEST(every_order_is_seen, ON_ITS_OWN),
	TEST(select_begins_anywhere, ON_ITS_OWN),
	TEST(tasks_are_switched_where_they_need_not_wait, ON_ITS_OWN),
	TEST(parks_end_early_under_some_seeds, ON_ITS_OWN),
};
/* clang-format on */

H_MAIN("sim", tests)
