/*
 * test_agent.c - agents: what they are, names, ends; and values that belong to
 * a task or thread (chp_local).
 *
 * Interrupts and shields are in test_interrupt.c, aborts in test_abort.c.
 */
#include "task.h"

#include <pthread.h>

/* ---- Identity ---- */

static void *keep_identity(void *arg)
{
	chp_agent self = chp_agent_current();
	bool task = h_mode() == H_CT || h_mode() == H_MT;

	CHECK(self.id != 0);
	CHECK_EQ(chp_agent_kind_of(self), task ? CHP_TASK : CHP_THREAD);
	for (int i = 0; i < 200; i++) {
		h_yield();
		CHECK_EQ(chp_agent_current().id, self.id);
		CHECK(chp_agent_current().slot == self.slot);
	}
	CHECK_EQ(chp_task_id(), task ? self.id : 0);
	return arg;
}

static void an_agent_is_the_same_all_its_life(void)
{
	struct h_agent a[4];

	for (int i = 0; i < 4; i++)
		h_spawn(&a[i], keep_identity, NULL);
	for (int i = 0; i < 4; i++) {
		for (int k = 0; k < i; k++)
			CHECK(a[i].agent.id != a[k].agent.id);
		CHECK(a[i].agent.id != chp_agent_current().id);
	}
	for (int i = 0; i < 4; i++)
		h_join(&a[i]);
}

static void check_gone(chp_agent agent)
{
	char name[CHP_NAME_MAX];

	CHECK_CODE(chp_agent_kind_of(agent), CHP_ESRCH);
	CHECK_CODE(chp_agent_name(agent, name), CHP_ESRCH);
	CHECK_CODE(chp_interrupt(agent), CHP_ESRCH);
	CHECK_CODE(chp_is_interrupted(agent), CHP_ESRCH);
	CHECK_CODE(chp_abort(agent), CHP_ESRCH);
}

static atomic_int go;

static void *wait_for_go(void *arg)
{
	h_until(go);
	CHECK_EQ(chp_interrupted(), 0);
	return arg;
}

/* Its place may be taken by a new agent; the name still means the old one. */
static void an_agent_that_has_ended_is_gone_for_good(void)
{
	chp_agent ended[20], nobody = { NULL, 0 };
	struct h_agent a[20];

	check_gone(nobody);
	go = 1;
	for (int i = 0; i < 20; i++) {
		h_spawn(&a[i], wait_for_go, NULL);
		ended[i] = a[i].agent;
		h_join(&a[i]);
		check_gone(ended[i]);
	}
	go = 0;
	for (int i = 0; i < 20; i++)
		h_spawn(&a[i], wait_for_go, NULL);
	for (int i = 0; i < 20; i++) {
		for (int k = 0; k < 20; k++)
			CHECK(a[i].agent.id != ended[k].id);
		check_gone(ended[i]);
	}
	go = 1;
	for (int i = 0; i < 20; i++)
		h_join(&a[i]);
}

static void an_agent_may_end_while_it_is_interrupted(void)
{
	for (long round = h_rounds(1000); round > 0; round--) {
		struct h_agent a;
		int r, calls = 0;

		h_spawn(&a, give_back, NULL);
		while ((r = chp_interrupt(a.agent)) == 0 && calls++ < 100)
			h_yield();
		CHECK(r == 0 || r == CHP_ESRCH);
		h_join(&a);
		check_gone(a.agent);
	}
}

/* ---- Names ---- */

static void *name_oneself(void *arg)
{
	char name[CHP_NAME_MAX];
	chp_agent self = chp_agent_current();

	CHECK_CODE(chp_agent_name(self, name), 0);
	CHECK(strcmp(name, "") == 0);
	chp_thread_set_name("worker bee");
	CHECK_CODE(chp_agent_name(self, name), 0);
	CHECK(strcmp(name, "worker bee") == 0);
	chp_thread_set_name("a worker bee with far too long a name");
	CHECK_CODE(chp_agent_name(self, name), 0);
	CHECK(strcmp(name, "a worker bee with far t") == 0);
	go = 1;
	h_until(go == 2);
	return arg;
}

static void threads_name_themselves(void)
{
	char name[CHP_NAME_MAX];
	struct h_agent a;

	go = 0;
	h_spawn_thread(&a, name_oneself, NULL);
	h_until(go == 1);
	CHECK_CODE(chp_agent_name(a.agent, name), 0);
	CHECK(strcmp(name, "a worker bee with far t") == 0);
	go = 2;
	h_join_thread(&a);
}

/* ---- Values of an agent ---- */

static atomic_int destroyed, wrong_destroyer;

struct owned {
	chp_agent owner;
	int number;
};

static void destroy_owned(void *value)
{
	struct owned *o = value;

	if (chp_agent_current().id != o->owner.id)
		wrong_destroyer++;
	destroyed++;
}

static const chp_local_key key = { destroy_owned }, other = { destroy_owned };
static const chp_local_key plain = { NULL };

static void *use_values(void *arg)
{
	struct owned *mine = arg, second = { chp_agent_current(), 2 };

	mine->owner = chp_agent_current();
	CHECK(chp_local_get(&key) == NULL);
	CHECK(chp_local_get(&plain) == NULL);
	CHECK_CODE(chp_local_set(&key, &second), 0);
	CHECK(chp_local_get(&key) == &second);
	CHECK(chp_local_get(&other) == NULL);
	/* The one before is not destroyed. */
	CHECK_CODE(chp_local_set(&key, mine), 0);
	CHECK_CODE(chp_local_set(&plain, &go), 0);
	for (int i = 0; i < 300; i++) {
		h_yield();
		CHECK(chp_local_get(&key) == mine);
		CHECK(chp_local_get(&plain) == &go);
		CHECK(chp_local_get(&other) == NULL);
	}
	return arg;
}

static void values_go_with_their_agent_and_are_destroyed_at_its_end(void)
{
	enum { AGENTS = 8 };
	struct owned mine[AGENTS];
	struct h_agent a[AGENTS];

	destroyed = wrong_destroyer = 0;
	for (int round = 1; round <= 5; round++) {
		for (int i = 0; i < AGENTS; i++)
			h_spawn(&a[i], use_values, &mine[i]);
		for (int i = 0; i < AGENTS; i++)
			h_join(&a[i]);
		CHECK_EQ(destroyed, round * AGENTS);
	}
	CHECK_EQ(wrong_destroyer, 0);
	CHECK(chp_local_get(&key) == NULL);
}

static chp_local_key many[100];
static atomic_int many_destroyed;

static void destroy_number(void *value)
{
	many_destroyed += *(int *)value;
}

static void *use_many_values(void *arg)
{
	static int numbers[100];

	for (int i = 0; i < 100; i++) {
		numbers[i] = i;
		CHECK_CODE(chp_local_set(&many[i], &numbers[i]), 0);
	}
	for (int i = 99; i >= 0; i--)
		CHECK(chp_local_get(&many[i]) == &numbers[i]);
	return arg;
}

static void an_agent_may_have_many_values(void)
{
	struct h_agent a;

	many_destroyed = 0;
	for (int i = 0; i < 100; i++)
		many[i].destroy = destroy_number;
	h_spawn(&a, use_many_values, NULL);
	h_join(&a);
	CHECK_EQ(many_destroyed, 99 * 100 / 2);
}

/* Two calls may run on one thread of the pool; they are two agents. */
static void *expect_no_value(void *arg)
{
	struct owned *mine = arg;

	CHECK(chp_local_get(&key) == NULL);
	mine->owner = chp_agent_current();
	CHECK_CODE(chp_local_set(&key, mine), 0);
	return arg;
}

static void blocking_calls_have_values_of_their_own(void)
{
	struct owned mine[10];

	destroyed = wrong_destroyer = 0;
	for (int i = 0; i < 10; i++) {
		chp_task b;

		CHECK_CODE(chp_spawn_blocking(NULL, &b, expect_no_value,
					      &mine[i], NULL),
			   0);
		CHECK_CODE(chp_join(&b, NULL), 0);
		CHECK_EQ(destroyed, i + 1);
	}
	CHECK_EQ(wrong_destroyer, 0);
}

static void *set_and_wait(void *arg)
{
	struct owned *mine = arg;
	chp_semaphore never = CHP_SEMAPHORE_INIT(0, CHP_FIFO);

	mine->owner = chp_agent_current();
	CHECK_CODE(chp_local_set(&key, mine), 0);
	go = 1;
	CHECK_CODE(chp_semaphore_acquire(&never, 1), CHP_EABORTED);
	CHECK(chp_local_get(&key) == mine);
	return arg;
}

static void an_aborted_task_destroys_its_values(void)
{
	struct owned mine;
	chp_outcome o;
	chp_task t;

	destroyed = wrong_destroyer = go = 0;
	CHECK_CODE(chp_spawn(&t, set_and_wait, &mine), 0);
	h_until(go == 1);
	CHECK_EQ(destroyed, 0);
	CHECK_CODE(chp_task_abort(&t), 0);
	CHECK_CODE(chp_join(&t, &o), 0);
	CHECK_EQ(o.fate, CHP_ABORTED);
	CHECK_EQ(destroyed, 1);
	CHECK_EQ(wrong_destroyer, 0);
}

/* ---- A thread that the library has not seen ---- */

static void *yield_first_of_all(void *arg)
{
	chp_yield();
	/* Now it is an agent. */
	*(uint64_t *)arg = chp_agent_current().id;
	chp_yield();
	CHECK_EQ(chp_agent_current().id, *(uint64_t *)arg);
	return arg;
}

static void a_thread_may_yield_first_of_all(void)
{
	uint64_t ids[2] = { 0, 0 };
	pthread_t thread;

	for (int i = 0; i < 2; i++) {
		CHECK_EQ(pthread_create(&thread, NULL, yield_first_of_all,
					&ids[i]),
			 0);
		CHECK_EQ(pthread_join(thread, NULL), 0);
		CHECK(ids[i] != 0);
	}
	CHECK(ids[0] != ids[1]);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(an_agent_is_the_same_all_its_life, IN_BLOCKING),
	TEST(an_agent_that_has_ended_is_gone_for_good, IN_BLOCKING),
	TEST(an_agent_may_end_while_it_is_interrupted, IN_BLOCKING),
	TEST(a_thread_may_yield_first_of_all, ON_ITS_OWN),
	TEST(threads_name_themselves, IN_THREADS),
	TEST(values_go_with_their_agent_and_are_destroyed_at_its_end,
	     IN_BLOCKING),
	TEST(an_agent_may_have_many_values, IN_BLOCKING),
	TEST(blocking_calls_have_values_of_their_own, IN_TASKS),
	TEST(an_aborted_task_destroys_its_values, IN_TASKS),
};
/* clang-format on */

H_MAIN("agent", tests)
