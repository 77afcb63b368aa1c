/*
 * test_runtimes.c - runtimes looked at from outside: statistics, many of them,
 * several that talk, and that an idle one uses no processor time.
 */
#include "clock.h"
#include "task.h"

/* ---- Statistics ---- */

static void *count_tasks(void *arg)
{
	const chp_runtime_options *options = arg;
	chp_runtime *rt = chp_runtime_current();
	chp_runtime_stats stats;
	chp_task t[50], b;

	chp_semaphore_init(&gate, 0, CHP_FIFO);
	spawn_all(t, 50, wait_at_the_gate, NULL);
	h_until(chp_semaphore_queue_length(&gate) == 50);
	chp_runtime_get_stats(rt, &stats);
	CHECK_EQ(stats.tasks, 51);
	CHECK(stats.stacks >= 51);
	CHECK(stats.unguarded_stacks <= stats.stacks);
	CHECK_EQ(stats.blocking_threads, 0);
	if (options->kind == CHP_MANY_THREADS) {
		CHECK_EQ(stats.workers, options->workers);
		CHECK(stats.idle_workers < stats.workers);
		/* The caller's own worker is busy; in time, only that. */
		do {
			chp_yield();
			chp_runtime_get_stats(rt, &stats);
		} while (stats.idle_workers != stats.workers - 1);
	}
	CHECK_CODE(chp_spawn_blocking(NULL, &b, wait_at_the_gate, NULL, NULL),
		   0);
	h_until(chp_semaphore_queue_length(&gate) == 51);
	chp_runtime_get_stats(rt, &stats);
	CHECK_EQ(stats.blocking_threads, 1);
	chp_semaphore_release(&gate, 51);
	join_all(t, 50);
	CHECK_CODE(chp_join(&b, NULL), 0);
	chp_runtime_get_stats(rt, &stats);
	CHECK_EQ(stats.tasks, 1);
	return NULL;
}

static void statistics_count_what_is_there(void)
{
	for (int i = 0; i < KINDS; i++)
		CHECK_CODE(chp_run(&kinds[i], count_tasks, (void *)&kinds[i],
				   NULL),
			   0);
}

/* ---- Several runtimes ---- */

static void *look_around(void *arg)
{
	CHECK(chp_runtime_current() == arg);
	return NULL;
}

static void *spawn_a_few(void *arg)
{
	chp_task t[5];

	spawn_all(t, 5, look_around, arg);
	join_all(t, 5);
	return NULL;
}

/* The harness counts descriptors and blocks that are left. */
static void many_runtimes_come_and_go(void)
{
	for (long i = 0; i < h_rounds(300); i++) {
		chp_runtime *rt = make_runtime(&kinds[i % KINDS]);

		if (i % 2)
			block_on(rt, spawn_a_few, rt);
		shut_down(rt);
	}
}

static chp_mpsc_tx numbers_tx;
static chp_mpsc_rx numbers_rx;
static chp_semaphore answers;

static void *send_numbers(void *arg)
{
	long n = h_rounds(5000);

	for (long i = 0; i < n; i++) {
		CHECK_CODE(chp_mpsc_send(&numbers_tx, &i), 0);
		CHECK_CODE(chp_semaphore_acquire(&answers, 1), 0);
	}
	chp_mpsc_tx_drop(&numbers_tx);
	return arg;
}

static void *receive_numbers(void *arg)
{
	long expected = 0, i;

	while (chp_mpsc_recv(&numbers_rx, &i) == 0) {
		CHECK_EQ(i, expected++);
		chp_semaphore_release(&answers, 1);
	}
	CHECK_EQ(expected, h_rounds(5000));
	chp_mpsc_rx_drop(&numbers_rx);
	return arg;
}

static void *run_receiver(void *arg)
{
	return block_on(arg, receive_numbers, NULL);
}

static void runtimes_talk_to_each_other(void)
{
	for (int i = 0; i < KINDS * KINDS; i++) {
		chp_runtime *a = make_runtime(&kinds[i / KINDS]);
		chp_runtime *b = make_runtime(&kinds[i % KINDS]);
		struct h_agent thread;

		chp_semaphore_init(&answers, 0, CHP_FIFO);
		CHECK_CODE(chp_mpsc_bounded(1, sizeof(long), NULL, &numbers_tx,
					    &numbers_rx),
			   0);
		h_spawn_thread(&thread, run_receiver, b);
		block_on(a, send_numbers, NULL);
		h_join_thread(&thread);
		shut_down(a);
		shut_down(b);
	}
}

/* ---- At rest ---- */

static void *sleep_long(void *arg)
{
	CHECK_CODE(chp_sleep_for(3600 * CHP_SEC), CHP_EABORTED);
	return arg;
}

static void *rest_for_a_second(void *arg)
{
	/* Sanitizers have a thread of their own that looks round. */
	int64_t limit = h_rounds(100) == 100 ? 5 * CHP_MS : 50 * CHP_MS;
	int64_t before;

	chp_semaphore_init(&gate, 0, CHP_FIFO);
	for (int i = 0; i < 100; i++)
		CHECK_CODE(chp_spawn(NULL, wait_at_the_gate, NULL), 0);
	for (int i = 0; i < 10; i++)
		CHECK_CODE(chp_spawn(NULL, sleep_long, NULL), 0);
	h_until(chp_semaphore_queue_length(&gate) == 100);
	CHECK_CODE(chp_sleep_for(20 * CHP_MS), 0);
	before = system_clock(CLOCK_PROCESS_CPUTIME_ID);
	CHECK_CODE(chp_sleep_for(CHP_SEC), 0);
	before = system_clock(CLOCK_PROCESS_CPUTIME_ID) - before;
	if (before >= limit)
		h_fail(__FILE__, __LINE__, "idle for 1 s took %g ms",
		       (double)before / CHP_MS);
	chp_semaphore_release(&gate, 100);
	h_until(chp_semaphore_available(&gate) == 0);
	return arg;
}

static void an_idle_runtime_uses_no_processor_time(void)
{
	for (int i = 1; i < KINDS; i++)
		CHECK_CODE(chp_run(&kinds[i], rest_for_a_second, NULL, NULL),
			   0);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(statistics_count_what_is_there, ON_ITS_OWN),
	TEST(many_runtimes_come_and_go, ON_ITS_OWN),
	TEST(runtimes_talk_to_each_other, ON_ITS_OWN),
	TEST(an_idle_runtime_uses_no_processor_time, ON_ITS_OWN),
};
/* clang-format on */

H_MAIN("runtimes", tests)
