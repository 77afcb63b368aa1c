/*
 * test_task.c - spawning and ending tasks: who runs when, what becomes of the
 * argument and of the value, names and ids, storms.
 *
 * Joining is in test_join.c, aborting in test_abort.c, and what a task switch
 * must preserve in test_switch.c.
 */
#include "task.h"

/* ---- Spawning ---- */

static void *spawn_and_look(void *arg)
{
	chp_task t[100];

	reset();
	spawn_all(t, 100, count_run, NULL);
	CHECK_EQ(runs, 0);
	join_all(t, 100);
	CHECK_EQ(runs, 100);
	return arg;
}

static void spawning_never_switches_to_the_task(void)
{
	with_one_worker(spawn_and_look);
}

static void a_task_without_a_handle_runs(void)
{
	reset();
	CHECK_CODE(chp_spawn(NULL, count_run, NULL), 0);
	h_until(runs == 1);
}

static void spawning_without_a_runtime_is_refused(void)
{
	chp_task t;
	int thing;

	reset();
	CHECK_CODE(chp_spawn(&t, count_run, &thing), CHP_EINVAL);
	CHECK_CODE(chp_spawn_with(&t, count_run, &thing, &dropping),
		   CHP_EINVAL);
	CHECK_CODE(chp_spawn_blocking(NULL, &t, count_run, &thing, &dropping),
		   CHP_EINVAL);
	/* A failed spawn leaves the argument with the caller. */
	CHECK_EQ(arg_drops, 0);
	CHECK_EQ(runs, 0);
}

static void *spawn_from_outside(void *arg)
{
	chp_task_options options = { .runtime = arg };
	chp_task t[10];
	chp_outcome o;

	for (long round = h_rounds(100); round > 0; round--) {
		for (int i = 0; i < 10; i++)
			CHECK_CODE(chp_spawn_with(&t[i], count_run, &t[i],
						  &options),
				   0);
		for (int i = 0; i < 10; i++) {
			CHECK_CODE(chp_join(&t[i], &o), 0);
			CHECK(o.value == &t[i]);
		}
	}
	return NULL;
}

static void plain_threads_spawn_by_naming_a_runtime(void)
{
	chp_runtime_options options = { .workers = 2 };
	struct h_agent a[3];
	chp_runtime *rt;

	reset();
	CHECK_CODE(chp_runtime_new(&rt, &options), 0);
	for (int i = 0; i < 3; i++)
		h_spawn_thread(&a[i], spawn_from_outside, rt);
	for (int i = 0; i < 3; i++)
		h_join_thread(&a[i]);
	CHECK_EQ(runs, 3 * 10 * h_rounds(100));
	CHECK_CODE(chp_runtime_shutdown(rt, 0, NULL, 0, NULL), 0);
}

/* Where does a task spawned by a task of another runtime go? */
static void *here(void *arg)
{
	(void)arg;
	return chp_runtime_current();
}

static void *spawn_here_and_there(void *arg)
{
	chp_task_options there = { .runtime = arg };
	chp_outcome o;
	chp_task t;

	CHECK_CODE(chp_spawn(&t, here, NULL), 0);
	CHECK_CODE(chp_join(&t, &o), 0);
	CHECK(o.value == chp_runtime_current());
	CHECK(o.value != arg);
	CHECK_CODE(chp_spawn_with(&t, here, NULL, &there), 0);
	CHECK_CODE(chp_join(&t, &o), 0);
	CHECK(o.value == arg);
	return NULL;
}

static void a_task_runs_in_the_runtime_that_was_named(void)
{
	chp_runtime_options options = { .workers = 1 };
	chp_runtime *rt;

	CHECK_CODE(chp_runtime_new(&rt, &options), 0);
	CHECK_CODE(chp_run(&options, spawn_here_and_there, rt, NULL), 0);
	CHECK_CODE(chp_runtime_shutdown(rt, 0, NULL, 0, NULL), 0);
	CHECK(chp_runtime_current() == NULL);
}

/* ---- Values ---- */

static void a_joined_value_is_not_dropped(void)
{
	chp_outcome o;
	chp_task t;
	int thing;

	reset();
	CHECK_CODE(chp_spawn_with(&t, count_run, &thing, &dropping), 0);
	CHECK_CODE(chp_join(&t, &o), 0);
	CHECK_EQ(o.fate, CHP_RETURNED);
	CHECK(o.value == &thing);
	CHECK_EQ(t.agent.id, 0);
	CHECK_EQ(result_drops, 0);
	CHECK_EQ(arg_drops, 0);
}

static void joining_without_an_outcome_drops_the_value(void)
{
	chp_task t;
	int thing;

	reset();
	CHECK_CODE(chp_spawn_with(&t, count_run, &thing, &dropping), 0);
	CHECK_CODE(chp_join(&t, NULL), 0);
	CHECK_EQ(result_drops, 1);
	CHECK(dropped == &thing);
	CHECK_EQ(arg_drops, 0);
}

static void detaching_a_running_task_drops_its_value_when_it_ends(void)
{
	chp_task t;
	int thing;

	reset();
	CHECK_CODE(chp_spawn_with(&t, wait_at_the_gate, &thing, &dropping), 0);
	h_until(chp_semaphore_queue_length(&gate) == 1);
	CHECK_CODE(chp_task_detach(&t), 0);
	CHECK_EQ(t.agent.id, 0);
	CHECK_EQ(result_drops, 0);
	chp_semaphore_release(&gate, 1);
	h_until(result_drops == 1);
	CHECK(dropped == &thing);
}

static void detaching_an_ended_task_drops_its_value(void)
{
	chp_task t;
	int thing;

	reset();
	CHECK_CODE(chp_spawn_with(&t, count_run, &thing, &dropping), 0);
	h_until(chp_task_is_finished(&t) == 1);
	CHECK_EQ(result_drops, 0);
	CHECK_CODE(chp_task_detach(&t), 0);
	h_until(result_drops == 1);
	CHECK(dropped == &thing);
}

static void a_value_without_a_handle_is_dropped(void)
{
	int thing;

	reset();
	CHECK_CODE(chp_spawn_with(NULL, count_run, &thing, &dropping), 0);
	h_until(result_drops == 1);
	CHECK(dropped == &thing);
	CHECK_EQ(arg_drops, 0);
}

/* Detaching races the end of the task: still dropped once, never twice. */
static void values_of_detached_tasks_are_dropped_exactly_once(void)
{
	long rounds = h_rounds(5000);
	int thing;

	reset();
	for (long i = 0; i < rounds; i++) {
		chp_task t;

		CHECK_CODE(chp_spawn_with(&t, count_run, &thing, &dropping), 0);
		if (i % 3 == 0)
			h_yield();
		CHECK_CODE(chp_task_detach(&t), 0);
	}
	h_until(result_drops >= rounds);
	h_until(runs == rounds);
	h_let_others_run();
	CHECK_EQ(result_drops, rounds);
}

/* ---- Names and ids ---- */

static void names_are_copied_and_cut(void)
{
	char name[] = "a name that is longer than any name may be";
	chp_task_options options = { .name = name };
	char kept[CHP_NAME_MAX];
	chp_task named, plain;

	reset();
	CHECK_CODE(chp_spawn_with(&named, wait_at_the_gate, NULL, &options), 0);
	CHECK_CODE(chp_spawn(&plain, wait_at_the_gate, NULL), 0);
	memset(name, 'x', sizeof(name) - 1);
	CHECK_CODE(chp_agent_name(named.agent, kept), 0);
	CHECK(strcmp(kept, "a name that is longer t") == 0);
	CHECK_EQ(strlen(kept), CHP_NAME_MAX - 1);
	CHECK_CODE(chp_agent_name(plain.agent, kept), 0);
	CHECK(strcmp(kept, "") == 0);
	chp_semaphore_release(&gate, 2);
	CHECK_CODE(chp_join(&named, NULL), 0);
	CHECK_CODE(chp_join(&plain, NULL), 0);
}

static void *own_id(void *arg)
{
	uint64_t *id = arg;

	*id = chp_task_id();
	CHECK_EQ(chp_agent_current().id, *id);
	CHECK(chp_runtime_current() != NULL);
	return NULL;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void ids_are_unique_and_never_used_again(void)
{
	enum { BATCH = 100 };
	long n = h_rounds(5000) / BATCH * BATCH + BATCH;
	uint64_t *ids = calloc((size_t)n, sizeof(*ids));
	chp_task t[BATCH];

	for (long i = 0; i < n; i++) {
		chp_task *slot = &t[i % BATCH];

		CHECK_CODE(chp_spawn(slot, own_id, &ids[i]), 0);
		if (i % BATCH != BATCH - 1)
			continue;
		for (int k = 0; k < BATCH; k++) {
			uint64_t id = t[k].agent.id;

			CHECK_CODE(chp_join(&t[k], NULL), 0);
			CHECK_EQ(ids[i - (BATCH - 1) + k], id);
		}
	}
	qsort(ids, (size_t)n, sizeof(*ids), by_number);
	CHECK(ids[0] != 0);
	for (long i = 1; i < n; i++)
		CHECK(ids[i] != ids[i - 1]);
	free(ids);
}

static void a_thread_has_no_task_id(void)
{
	CHECK_EQ(chp_task_id(), 0);
	CHECK(chp_runtime_current() == NULL);
	CHECK(chp_agent_current().id != 0);
	CHECK_EQ(chp_agent_kind_of(chp_agent_current()), CHP_THREAD);
}

/* ---- Many ---- */

/* Plain memory both ways: ThreadSanitizer checks the two edges. */
struct sum {
	long in, out;
};

static void *add_one(void *arg)
{
	struct sum *s = arg;

	s->out = s->in + 1;
	return s;
}

static void *spawn_and_join_many(void *arg)
{
	enum { BATCH = 50 };
	struct sum sums[BATCH];
	chp_task t[BATCH];
	chp_outcome o;

	for (long round = h_rounds(200); round > 0; round--) {
		for (int i = 0; i < BATCH; i++) {
			sums[i].in = round + i;
			CHECK_CODE(chp_spawn(&t[i], add_one, &sums[i]), 0);
		}
		for (int i = BATCH - 1; i >= 0; i--) {
			CHECK_CODE(chp_join(&t[i], &o), 0);
			CHECK(o.value == &sums[i]);
			CHECK_EQ(sums[i].out, round + i + 1);
		}
	}
	return arg;
}

static void storms_of_tasks_lose_no_value(void)
{
	struct h_agent a[4];

	for (int i = 0; i < 4; i++)
		h_spawn(&a[i], spawn_and_join_many, NULL);
	for (int i = 0; i < 4; i++)
		h_join(&a[i]);
}

/* A tree of tasks: each joins the two that it spawned. */
static void *count_leaves(void *arg)
{
	intptr_t depth = (intptr_t)arg;
	chp_outcome left, right;
	chp_task l, r;

	if (depth == 0)
		return (void *)1;
	CHECK_CODE(chp_spawn(&l, count_leaves, (void *)(depth - 1)), 0);
	CHECK_CODE(chp_spawn(&r, count_leaves, (void *)(depth - 1)), 0);
	CHECK_CODE(chp_join(&l, &left), 0);
	CHECK_CODE(chp_join(&r, &right), 0);
	return (void *)((intptr_t)left.value + (intptr_t)right.value);
}

static void a_tree_of_tasks_adds_up(void)
{
	intptr_t depth = h_rounds(10) == 10 ? 13 : 9;

	CHECK_EQ((intptr_t)count_leaves((void *)depth), (intptr_t)1 << depth);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(spawning_never_switches_to_the_task, ON_ITS_OWN),
	TEST(a_task_without_a_handle_runs, IN_TASKS),
	TEST(spawning_without_a_runtime_is_refused, ON_ITS_OWN),
	TEST(plain_threads_spawn_by_naming_a_runtime, ON_ITS_OWN),
	TEST(a_task_runs_in_the_runtime_that_was_named, ON_ITS_OWN),
	TEST(a_joined_value_is_not_dropped, IN_TASKS),
	TEST(joining_without_an_outcome_drops_the_value, IN_TASKS),
	TEST(detaching_a_running_task_drops_its_value_when_it_ends, IN_TASKS),
	TEST(detaching_an_ended_task_drops_its_value, IN_TASKS),
	TEST(a_value_without_a_handle_is_dropped, IN_TASKS),
	TEST(values_of_detached_tasks_are_dropped_exactly_once, IN_TASKS),
	TEST(names_are_copied_and_cut, IN_TASKS),
	TEST(ids_are_unique_and_never_used_again, IN_TASKS),
	TEST(a_thread_has_no_task_id, IN_THREADS),
	TEST(storms_of_tasks_lose_no_value, IN_TASKS),
	TEST(a_tree_of_tasks_adds_up, IN_TASKS),
};
/* clang-format on */

H_MAIN("task", tests)
