/*
 * curves.c - what an operation costs beside N others: the workloads of
 * chappe-curves.
 *
 * The name says what there are N of, what is done, and N: waiters.join.1000.
 * Waiters and timers are operations polled by hand, so that there may be many.
 */
#include "bench.h"
#include "contended.h"

#include <string.h>

/* N, of the workload that runs. */
static long size(void)
{
	return atol(strrchr(bench_running->name, '.') + 1);
}

static void *many(size_t each)
{
	void *list = calloc((size_t)size(), each);

	OK(list ? 0 : CHP_ENOMEM);
	return list;
}

static void pending(int result)
{
	OK(result == CHP_PENDING ? 0 : CHP_EINVAL);
}

/* A waker that is there and does nothing. */

static void ignore(void *data)
{
	(void)data;
}

static const chp_waker_class ignoring = { ignore, ignore, ignore };

static chp_poll_ctx ignoring_ctx(void)
{
	return chp_poll_ctx_of((chp_waker){ &ignoring, NULL });
}

/* ---- Waiters of one semaphore ---- */

static chp_semaphore s;

static void queue_up(chp_acquire_op *op)
{
	chp_poll_ctx ctx = ignoring_ctx();

	chp_semaphore_acquire_op(op, &s, 1);
	pending(chp_op_poll(&op->op, &ctx));
}

/*
 * In the queue, whoever stands next lies elsewhere in memory: so far on, and
 * round again.  A prime that has no factor in common with any N.
 */
enum { STRIDE = 514229 };

static chp_acquire_op *queue_many(void)
{
	chp_acquire_op *waiters = many(sizeof(*waiters));
	long n = size();

	OK(chp_semaphore_init(&s, 0, CHP_FIFO));
	for (long i = 0; i < n; i++)
		queue_up(&waiters[i * STRIDE % n]);
	return waiters;
}

static void withdraw_many(chp_acquire_op *waiters)
{
	for (long i = 0; i < size(); i++)
		chp_op_cancel(&waiters[i].op);
	chp_semaphore_destroy(&s);
	free(waiters);
}

/* One more queues and withdraws. */
static double join(long ops)
{
	chp_acquire_op *waiters = queue_many();
	double start = bench_now();

	for (long i = 0; i < ops; i++) {
		chp_acquire_op op;

		queue_up(&op);
		chp_op_cancel(&op.op);
	}
	start = bench_now() - start;
	withdraw_many(waiters);
	return start;
}

/* A release to the oldest, who takes what it got and queues again. */
static double serve(long ops)
{
	chp_acquire_op *waiters = queue_many();
	chp_poll_ctx ctx = ignoring_ctx();
	long oldest = 0, n = size(), stride = STRIDE % n;
	double start = bench_now();

	for (long i = 0; i < ops; i++) {
		chp_acquire_op *op = &waiters[oldest];

		chp_semaphore_release(&s, 1);
		OK(chp_op_poll(&op->op, &ctx));
		queue_up(op);
		oldest += stride;
		oldest -= oldest < n ? 0 : n;
	}
	start = bench_now() - start;
	withdraw_many(waiters);
	return start;
}

/* ---- Receivers of a broadcast, none of which waits ---- */

static double announce(long ops)
{
	chp_broadcast_rx *receivers = many(sizeof(*receivers));
	uint64_t value = 1;
	chp_broadcast_tx tx;
	double start;

	OK(chp_broadcast_tx_new(16, sizeof(value), NULL, &tx));
	for (long i = 0; i < size(); i++)
		OK(chp_broadcast_subscribe(&tx, &receivers[i]));
	start = bench_now();
	for (long i = 0; i < ops; i++)
		chp_broadcast_send(&tx, &value);
	start = bench_now() - start;
	for (long i = 0; i < size(); i++)
		chp_broadcast_rx_drop(&receivers[i]);
	chp_broadcast_tx_drop(&tx);
	free(receivers);
	return start;
}

/* ---- Timers ---- */

/* Between 10 and about 1000 seconds from a point in time. */
static chp_time some_time(chp_time from, uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return from + 10 * CHP_SEC + (chp_time)(*seed >> 24);
}

static void set_timer(chp_sleep_op *op, chp_time until)
{
	chp_poll_ctx ctx = ignoring_ctx();

	chp_sleep_until_op(op, until);
	pending(chp_op_poll(&op->op, &ctx));
}

static double arm_body(long ops)
{
	chp_sleep_op *timers = many(sizeof(*timers));
	chp_time from = chp_now();
	uint64_t seed = 1;
	double start;

	for (long i = 0; i < size(); i++)
		set_timer(&timers[i], some_time(from, &seed));
	start = bench_now();
	for (long i = 0; i < ops; i++) {
		chp_sleep_op op;

		set_timer(&op, some_time(from, &seed));
		chp_op_cancel(&op.op);
	}
	start = bench_now() - start;
	for (long i = 0; i < size(); i++)
		chp_op_cancel(&timers[i].op);
	free(timers);
	return start;
}

static double arm(long ops)
{
	return bench_ct(arm_body, ops);
}

/* ---- Threads ---- */

static double mutex(long ops)
{
	(void)ops;
	return contend_threads(MUTEX, (int)size());
}

static double unfair(long ops)
{
	(void)ops;
	return contend_threads(UNFAIR, (int)size());
}

static double read(long ops)
{
	(void)ops;
	return contend_threads(RW_READ, (int)size());
}

/* ---- Tasks that yield ---- */

static chp_semaphore gate, finished;
static long yields;

static void *yield_loop(void *arg)
{
	OK(chp_semaphore_acquire(&gate, 1));
	for (long i = 0; i < yields; i++)
		chp_yield();
	chp_semaphore_release(&finished, 1);
	return arg;
}

static double yield_body(long ops)
{
	chp_task *tasks = many(sizeof(*tasks));
	long n = size();
	double start;

	yields = ops / n + 1;
	OK(chp_semaphore_init(&gate, 0, CHP_FIFO));
	OK(chp_semaphore_init(&finished, 0, CHP_FIFO));
	for (long i = 0; i < n; i++)
		OK(chp_spawn(&tasks[i], yield_loop, NULL));
	while (chp_semaphore_queue_length(&gate) < (size_t)n)
		chp_yield();
	start = bench_now();
	chp_semaphore_release(&gate, n);
	OK(chp_semaphore_acquire(&finished, n));
	start = bench_now() - start;
	for (long i = 0; i < n; i++)
		OK(chp_join(&tasks[i], NULL));
	free(tasks);
	bench_notes.ops = (double)yields * (double)n;
	return start;
}

static double yield_ct(long ops)
{
	return bench_ct(yield_body, ops);
}

static double yield_mt(long ops)
{
	return bench_mt(yield_body, ops);
}

/* clang-format off */
#define POINT(name, n, ops, run) { "chappe", name "." #n, (ops), (run) }
#define TO_10K(name, ops, run) \
	POINT(name, 1, ops, run), \
	POINT(name, 10, ops, run), \
	POINT(name, 100, ops, run), \
	POINT(name, 1000, ops, run), \
	POINT(name, 10000, ops, run)
#define TO_100K(name, ops, run) \
	TO_10K(name, ops, run), \
	POINT(name, 100000, ops, run)
#define TO_1M(name, ops, run) \
	TO_100K(name, ops, run), \
	POINT(name, 1000000, ops, run)
#define TO_64(name, run) \
	POINT(name, 1, 1, run), \
	POINT(name, 2, 1, run), \
	POINT(name, 4, 1, run), \
	POINT(name, 8, 1, run), \
	POINT(name, 16, 1, run), \
	POINT(name, 32, 1, run), \
	POINT(name, 64, 1, run)
/* clang-format on */

static const struct workload list[] = {
	TO_1M("waiters.join", 2000000, join),
	TO_1M("waiters.serve", 2000000, serve),
	TO_10K("receivers.send", 2000000, announce),
	TO_1M("timers.arm", 2000000, arm),
	TO_64("threads.mutex", mutex),
	TO_64("threads.sem_unfair", unfair),
	TO_64("threads.rw_read", read),
	TO_100K("tasks.yield_ct", 10000000, yield_ct),
	TO_100K("tasks.yield_mt", 10000000, yield_mt),
};

static const struct workload_list all = WORKLOADS(list);

const struct workload_list *const bench_lists[] = { &all, NULL };
