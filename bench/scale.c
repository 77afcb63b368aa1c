/*
 * scale.c - park.1M, sleep.1M and idle.10k: very many tasks that wait.
 *
 * chappe/poll: stackless tasks.  What they weigh is said beside their state,
 * which for park is one chp_acquire_op of 136 bytes, and the program's.
 */
#include "bench.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

static chp_semaphore gate;
static chp_task *tasks;
static void *states; /* of stackless ones */
static long many;

static double resident(void)
{
	unsigned long total, pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%lu %lu", &total, &pages) != 2)
		pages = 0;
	if (f)
		fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double cpu_clock(void)
{
	return (double)clock() * 1e9 / CLOCKS_PER_SEC;
}

/* Spawns the i-th. */
typedef void spawner(long i);

/* ---- Waiting for one semaphore ---- */

static void *pass_gate(void *arg)
{
	OK(chp_semaphore_acquire(&gate, 1));
	return arg;
}

static void spawn_at_gate(long i)
{
	OK(chp_spawn(&tasks[i], pass_gate, NULL));
}

static int poll_gate(void *state, chp_poll_ctx *ctx)
{
	chp_acquire_op *op = state;
	int r = chp_op_poll(&op->op, ctx);

	if (r != CHP_PENDING)
		OK(r);
	return r;
}

static void spawn_poll_at_gate(long i)
{
	chp_acquire_op *op = (chp_acquire_op *)states + i;

	chp_semaphore_acquire_op(op, &gate, 1);
	OK(chp_spawn_poll(&tasks[i], poll_gate, op));
}

static void park_all(const char *impl, spawner *spawn, long ops)
{
	double before = resident(), start, cpu, bytes;

	many = ops;
	OK(chp_semaphore_init(&gate, 0, CHP_FIFO));
	cpu = cpu_clock();
	start = bench_clock();
	for (long i = 0; i < many; i++)
		spawn(i);
	while (chp_semaphore_queue_length(&gate) < (size_t)many)
		chp_yield();
	start = bench_clock() - start;
	bench_print(impl, "park.1M.mt", (double)many, start, cpu_clock() - cpu);

	bytes = (resident() - before) / (double)many;
	bench_print(impl, "park.1M.mt.bytes", 1, bytes, 0);

	cpu = cpu_clock();
	start = bench_clock();
	OK(chp_semaphore_release(&gate, many));
	for (long i = 0; i < many; i++)
		OK(chp_join(&tasks[i], NULL));
	start = bench_clock() - start;
	bench_print(impl, "park.1M.mt.wake", (double)many, start,
		    cpu_clock() - cpu);
}

static double park_body(long ops)
{
	park_all("chappe", spawn_at_gate, ops);
	return 0;
}

static double park_poll_body(long ops)
{
	park_all("chappe/poll", spawn_poll_at_gate, ops);
	return 0;
}

static double run(double (*body)(long ops), long ops, size_t state)
{
	double r;

	/* Touched before, so as not to count. */
	tasks = malloc((size_t)ops * sizeof(*tasks));
	memset(tasks, 1, (size_t)ops * sizeof(*tasks));
	states = malloc((size_t)ops * state + 1);
	bench_use(states);
	memset(states, 0, (size_t)ops * state + 1);
	r = bench_mt(body, ops);
	free(states);
	free(tasks);
	return r;
}

static double park(long ops)
{
	return run(park_body, ops, 0);
}

static double park_poll(long ops)
{
	return run(park_poll_body, ops, sizeof(chp_acquire_op));
}

/* ---- Sleeping ---- */

static uint64_t lateness; /* atomic: sum of nanoseconds */

/* Within a second. */
static chp_time wake_time(long i)
{
	uint64_t seed = (uint64_t)i * 6364136223846793005u + 1;

	return chp_in((chp_time)(seed >> 33) % CHP_SEC);
}

static void note_lateness(chp_time until)
{
	__atomic_fetch_add(&lateness, (uint64_t)(chp_now() - until),
			   __ATOMIC_RELAXED);
}

static void *sleep_a_while(void *arg)
{
	chp_time until = wake_time((long)(intptr_t)arg);

	OK(chp_sleep_until(until));
	note_lateness(until);
	return NULL;
}

static void spawn_sleeper(long i)
{
	OK(chp_spawn(&tasks[i], sleep_a_while, (void *)(intptr_t)(i + 1)));
}

struct sleeper {
	chp_coro co;
	chp_sleep_op op;
	long index;
	int r;
};

static int poll_a_while(void *state, chp_poll_ctx *ctx)
{
	struct sleeper *s = state;

	CHP_CO_BEGIN(&s->co);
	chp_sleep_until_op(&s->op, wake_time(s->index));
	CHP_CO_AWAIT(&s->co, ctx, &s->op.op, s->r);
	OK(s->r);
	note_lateness(s->op.until);
	CHP_CO_END(&s->co, 0);
}

static void spawn_poll_sleeper(long i)
{
	struct sleeper *s = (struct sleeper *)states + i;

	s->index = i + 1;
	OK(chp_spawn_poll(&tasks[i], poll_a_while, s));
}

static double sleep_in(spawner *spawn, long ops)
{
	double start = bench_now();

	lateness = 0;
	for (long i = 0; i < ops; i++)
		spawn(i);
	for (long i = 0; i < ops; i++)
		OK(chp_join(&tasks[i], NULL));
	start = bench_now() - start;
	bench_notes.longest_ns = (double)lateness / (double)ops;
	return start;
}

static double sleep_body(long ops)
{
	return sleep_in(spawn_sleeper, ops);
}

static double sleep_poll_body(long ops)
{
	return sleep_in(spawn_poll_sleeper, ops);
}

static double sleep_all(long ops)
{
	return run(sleep_body, ops, 0);
}

static double sleep_poll_all(long ops)
{
	return run(sleep_poll_body, ops, sizeof(struct sleeper));
}

/* ---- Nothing to do ---- */

static void *spawn_waiters(void *arg)
{
	for (long i = 0; i < many; i++)
		OK(chp_spawn(&tasks[i], pass_gate, NULL));
	return arg;
}

static void *join_waiters(void *arg)
{
	OK(chp_semaphore_release(&gate, many));
	for (long i = 0; i < many; i++)
		OK(chp_join(&tasks[i], NULL));
	return arg;
}

/* Processor time, in its row's column of time, while five seconds pass. */
static double idle(long ops)
{
	double cpu, seconds = 5 * bench_scale;
	chp_runtime *rt;

	(void)ops;
	many = 10000;
	tasks = malloc((size_t)many * sizeof(*tasks));
	OK(chp_semaphore_init(&gate, 0, CHP_FIFO));
	OK(chp_runtime_new(&rt, &(chp_runtime_options){ .workers = 2 }));
	OK(chp_runtime_block_on(rt, spawn_waiters, NULL, NULL));
	while (chp_semaphore_queue_length(&gate) < (size_t)many)
		usleep(1000);

	cpu = cpu_clock();
	usleep((useconds_t)(seconds * 1e6));
	cpu = cpu_clock() - cpu;
	bench_print("chappe", "idle.10k.mt", 1, cpu, cpu);

	OK(chp_runtime_block_on(rt, join_waiters, NULL, NULL));
	OK(chp_runtime_shutdown(rt, 0, NULL, 0, NULL));
	free(tasks);
	return 0;
}

static const struct workload list[] = {
	{ "chappe", "park.1M.mt", 1000000, park },
	{ "chappe/poll", "park.1M.mt", 1000000, park_poll },
	{ "chappe", "sleep.1M.mt", 1000000, sleep_all },
	{ "chappe/poll", "sleep.1M.mt", 1000000, sleep_poll_all },
	{ "chappe", "idle.10k.mt", 1, idle },
};

const struct workload_list bench_scales = WORKLOADS(list);
