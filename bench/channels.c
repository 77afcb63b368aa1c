/*
 * channels.c - ch.*: producers to one consumer, nanoseconds per message.
 */
#include "bench.h"

struct run {
	int producers;
	size_t capacity; /* 0: unbounded */
	size_t size;
	long each;
	chp_mpsc_tx tx;
	chp_mpsc_rx rx;
};

static struct run run;

static void *produce(void *arg)
{
	char value[1024] = { 0 };
	chp_mpsc_tx tx;

	chp_mpsc_tx_clone(&run.tx, &tx);
	for (long i = 0; i < run.each; i++)
		OK(chp_mpsc_send(&tx, value));
	chp_mpsc_tx_drop(&tx);
	return arg;
}

static void consume(void)
{
	char value[1024];

	for (long i = 0; i < run.each * run.producers; i++)
		OK(chp_mpsc_recv(&run.rx, value));
}

static void set_up(long ops)
{
	run.each = ops / run.producers;
	OK(run.capacity ? chp_mpsc_bounded(run.capacity, run.size, NULL,
					   &run.tx, &run.rx)
			: chp_mpsc_unbounded(run.size, NULL, &run.tx, &run.rx));
}

static void tear_down(void)
{
	chp_mpsc_tx_drop(&run.tx);
	chp_mpsc_rx_drop(&run.rx);
}

static double task_body(long ops)
{
	chp_task tasks[8];
	double start;

	set_up(ops);
	start = bench_now();
	for (int i = 0; i < run.producers; i++)
		OK(chp_spawn(&tasks[i], produce, NULL));
	consume();
	start = bench_now() - start;
	for (int i = 0; i < run.producers; i++)
		OK(chp_join(&tasks[i], NULL));
	tear_down();
	return start;
}

static double thread_body(long ops)
{
	pthread_t threads[8];
	double start;

	set_up(ops);
	start = bench_now();
	for (int i = 0; i < run.producers; i++)
		OK(pthread_create(&threads[i], NULL, produce, NULL));
	consume();
	start = bench_now() - start;
	for (int i = 0; i < run.producers; i++)
		pthread_join(threads[i], NULL);
	tear_down();
	return start;
}

/* clang-format off */
#define RUN(name, producers_, capacity_, size_, how) \
	static double name(long ops) \
	{ \
		run = (struct run){ .producers = producers_, \
				    .capacity = capacity_, .size = size_ }; \
		return how; \
	}
/* clang-format on */

RUN(b1_mt, 1, 1, 8, bench_mt(task_body, ops))
RUN(b1_ct, 1, 1, 8, bench_ct(task_body, ops))
RUN(b100_mt, 1, 100, 8, bench_mt(task_body, ops))
RUN(b100_ct, 1, 100, 8, bench_ct(task_body, ops))
RUN(b1000_mt, 1, 1000, 8, bench_mt(task_body, ops))
RUN(unb_mt, 1, 0, 8, bench_mt(task_body, ops))
RUN(unb_ct, 1, 0, 8, bench_ct(task_body, ops))
RUN(five_b100_mt, 5, 100, 8, bench_mt(task_body, ops))
RUN(five_unb_mt, 5, 0, 8, bench_mt(task_body, ops))
RUN(b100_mt_1k, 1, 100, 1024, bench_mt(task_body, ops))
RUN(b1_thr, 1, 1, 8, thread_body(ops))
RUN(b100_thr, 1, 100, 8, thread_body(ops))
RUN(unb_thr, 1, 0, 8, thread_body(ops))
RUN(five_unb_thr, 5, 0, 8, thread_body(ops))

static const struct workload list[] = {
	{ "chappe", "ch.b1.mt", 1000000, b1_mt },
	{ "chappe", "ch.b1.ct", 1000000, b1_ct },
	{ "chappe", "ch.b100.mt", 2000000, b100_mt },
	{ "chappe", "ch.b100.ct", 2000000, b100_ct },
	{ "chappe", "ch.b1000.mt", 2000000, b1000_mt },
	{ "chappe", "ch.unb.mt", 2000000, unb_mt },
	{ "chappe", "ch.unb.ct", 2000000, unb_ct },
	{ "chappe", "ch5.b100.mt", 2000000, five_b100_mt },
	{ "chappe", "ch5.unb.mt", 2000000, five_unb_mt },
	{ "chappe", "ch.b100.mt.1k", 500000, b100_mt_1k },
	{ "chappe", "ch.b1.thr", 20000, b1_thr },
	{ "chappe", "ch.b100.thr", 500000, b100_thr },
	{ "chappe", "ch.unb.thr", 1000000, unb_thr },
	{ "chappe", "ch5.unb.thr", 1000000, five_unb_thr },
};

const struct workload_list bench_channels = WORKLOADS(list);
