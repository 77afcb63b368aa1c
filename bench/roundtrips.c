/*
 * roundtrips.c - pp.*: two parties that wait for each other.  Nanoseconds per
 * round trip.
 */
#include "bench.h"

/* ---- Two semaphores ---- */

static chp_semaphore there, back;
static long rounds;

static void *answer(void *arg)
{
	for (long i = 0; i < rounds; i++) {
		chp_semaphore_acquire(&there, 1);
		chp_semaphore_release(&back, 1);
	}
	return arg;
}

static void ask(void)
{
	for (long i = 0; i < rounds; i++) {
		chp_semaphore_release(&there, 1);
		chp_semaphore_acquire(&back, 1);
	}
}

static void reset(long ops)
{
	rounds = ops;
	OK(chp_semaphore_init(&there, 0, CHP_FIFO));
	OK(chp_semaphore_init(&back, 0, CHP_FIFO));
}

static double sem_body(long ops)
{
	chp_task other;
	double start;

	reset(ops);
	OK(chp_spawn(&other, answer, NULL));
	start = bench_now();
	ask();
	start = bench_now() - start;
	OK(chp_join(&other, NULL));
	return start;
}

static double sem_ct(long ops)
{
	return bench_ct(sem_body, ops);
}

static double sem_mt(long ops)
{
	return bench_mt(sem_body, ops);
}

static double sem_t2(long ops)
{
	pthread_t other;
	double start;

	reset(ops);
	OK(pthread_create(&other, NULL, answer, NULL));
	start = bench_now();
	ask();
	start = bench_now() - start;
	pthread_join(other, NULL);
	return start;
}

/* ---- Two notifies, under a time-out that does not fire ---- */

static chp_notify ping = CHP_NOTIFY_INIT, pong = CHP_NOTIFY_INIT;

static void *answer_timed(void *arg)
{
	for (long i = 0; i < rounds; i++) {
		chp_wait w = { .timeout = CHP_SEC };

		OK(chp_notify_wait_with(&ping, &w));
		chp_notify_one(&pong);
	}
	return arg;
}

static double timed_body(long ops)
{
	chp_task other;
	double start;

	rounds = ops;
	OK(chp_spawn(&other, answer_timed, NULL));
	start = bench_now();
	for (long i = 0; i < rounds; i++) {
		chp_wait w = { .timeout = CHP_SEC };

		chp_notify_one(&ping);
		OK(chp_notify_wait_with(&pong, &w));
	}
	start = bench_now() - start;
	OK(chp_join(&other, NULL));
	return start;
}

static double timed_ct(long ops)
{
	return bench_ct(timed_body, ops);
}

static double timed_mt(long ops)
{
	return bench_mt(timed_body, ops);
}

/* ---- Two channels of capacity 1 ---- */

CHP_MPSC_DEFINE(words, uint64_t);

static words_tx to_other, to_me;
static words_rx at_other, at_me;

static void *answer_words(void *arg)
{
	uint64_t value;

	while (words_recv(&at_other, &value) == 0)
		OK(words_send(&to_me, value + 1));
	return arg;
}

static double words_body(long ops)
{
	uint64_t value = 0;
	chp_task other;
	double start;

	OK(words_bounded(1, &to_other, &at_other));
	OK(words_bounded(1, &to_me, &at_me));
	OK(chp_spawn(&other, answer_words, NULL));
	start = bench_now();
	for (long i = 0; i < ops; i++) {
		OK(words_send(&to_other, value));
		OK(words_recv(&at_me, &value));
	}
	start = bench_now() - start;
	OK(value == (uint64_t)ops ? 0 : CHP_EINVAL);
	words_tx_drop(&to_other);
	OK(chp_join(&other, NULL));
	words_tx_drop(&to_me);
	words_rx_drop(&at_other);
	words_rx_drop(&at_me);
	return start;
}

static double words_ct(long ops)
{
	return bench_ct(words_body, ops);
}

static double words_mt(long ops)
{
	return bench_mt(words_body, ops);
}

static const struct workload list[] = {
	{ "chappe", "pp.sem.ct", 500000, sem_ct },
	{ "chappe", "pp.sem.mt", 500000, sem_mt },
	{ "chappe", "pp.sem.t2", 10000, sem_t2 },
	{ "chappe", "pp.tmo.ct", 500000, timed_ct },
	{ "chappe", "pp.tmo.mt", 500000, timed_mt },
	{ "chappe", "pp.mpsc1.ct", 500000, words_ct },
	{ "chappe", "pp.mpsc1.mt", 500000, words_mt },
};

const struct workload_list bench_roundtrips = WORKLOADS(list);
