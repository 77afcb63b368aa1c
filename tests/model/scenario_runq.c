/*
 * scenario_runq.c - a run queue that is full: pushing, stealing, spilling.  A
 * queue of a few tasks is in scenario_wait.c.
 */
#include "scenario.h"
#include "task/runq.h"

static struct runq queue;
static unsigned tasks[RUNQ_SIZE + 2]; /* how often it was run, by its runner */
static unsigned stored;               /* tasks that were let in */

static void run(struct task *t)
{
	(*(unsigned *)(void *)t)++;
}

static struct task *task(unsigned i)
{
	return (struct task *)(void *)&tasks[i];
}

/* Written as a whole: it has 256 places. */
static void fill(void)
{
	for (unsigned i = 0; i < RUNQ_SIZE; i++)
		queue.slots[i].v = task(i);
	queue.tail.v = RUNQ_SIZE;
	stored = RUNQ_SIZE;
}

static void push_one_more(void)
{
	bool pushed = runq_push(&queue, task(stored), NULL);

	stored += pushed;
	model_reached(pushed);
}

static void steal(unsigned max)
{
	struct task *out[RUNQ_BATCH];
	unsigned n = chp__runq_steal(&queue, out, max);

	for (unsigned i = 0; i < n; i++) {
		ptrdiff_t k = (unsigned *)(void *)out[i] - tasks;

		/* Task k was pushed as the k-th. */
		model_used(&queue.slots[k % RUNQ_SIZE], sizeof(void *));
	}
	for (unsigned i = 0; i < n; i++)
		run(out[i]);
}

static void steal_one(void)
{
	steal(1);
}

static void steal_most(void)
{
	steal(RUNQ_BATCH);
	steal(RUNQ_BATCH);
}

static void spill(void)
{
	struct task *out[RUNQ_BATCH];
	unsigned n = chp__runq_spill(&queue, out);

	MODEL_CHECK(n == 0 || n == RUNQ_BATCH);
	for (unsigned i = 0; i < n; i++)
		run(out[i]);
	model_reached(n > 0);
}

static void spill_and_push(void)
{
	spill();
	push_one_more();
}

/* Each of those that were let in is run once; the rest is run here. */
static void run_rest(void)
{
	uint64_t head = load64_relaxed(&queue.head);
	uint64_t tail = load64_relaxed(&queue.tail);

	MODEL_CHECK(head <= tail && tail - head <= RUNQ_SIZE);
	for (uint64_t i = head; i < tail; i++)
		run(loadp_relaxed(&queue.slots[i % RUNQ_SIZE]));
	for (unsigned i = 0; i < RUNQ_SIZE + 2; i++)
		MODEL_CHECK(tasks[i] == (i < stored));
}

SCENARIO(runq_full_push, .setup = fill, .threads = { push_one_more, steal_one },
	 .check = run_rest, .must_reach = 3);
SCENARIO(runq_full_spill, .setup = fill,
	 .threads = { spill_and_push, steal_one }, .check = run_rest,
	 .must_reach = 3);
SCENARIO(runq_spill_late, .setup = fill, .threads = { spill, steal_most },
	 .check = run_rest, .bound = 1, .must_reach = 3);

/* One is left, or none; behind it are pointers of the last round. */
static void fill_one(void)
{
	fill();
	queue.head.v = RUNQ_SIZE - 1;
	for (unsigned i = 0; i < RUNQ_SIZE - 1; i++)
		tasks[i] = 1;
}

static void pop(void)
{
	struct task *t = runq_pop(&queue, false);

	model_reached(t != NULL);
	if (t)
		run(t);
	MODEL_CHECK(!runq_pop(&queue, false));
	MODEL_CHECK(runq_length(&queue) == 0);
}

SCENARIO(runq_last, .setup = fill_one, .threads = { pop, steal_one },
	 .check = run_rest, .must_reach = 3);
