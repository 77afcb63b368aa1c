/*
 * test_semaphore_look.c - looking at a semaphore: queue length, the list of
 * waiters, its name and description, saving and restoring; and the misuse of
 * destroying one that is waited for.
 */
#include "sem_queue.h"

/* ---- Queue length ---- */

static void nobody_waits(void)
{
	CHECK_EQ(chp_semaphore_queue_length(&s), 0);
	CHECK_EQ(chp_semaphore_has_waiters(&s), 0);
	CHECK_EQ(chp_semaphore_waiters(&s, NULL, 0), 0);
}

static void *look_after_each_return(void *arg)
{
	long rounds = *(long *)arg;

	for (long i = 0; i < rounds; i++) {
		CHECK_CODE(acquire_with(1, NULL), 0);
		nobody_waits();
	}
	return NULL;
}

/* Not even for a moment longer: it looks itself, as soon as it is back. */
static void a_waiter_that_has_returned_is_not_counted(chp_policy policy)
{
	long rounds = h_rounds(4000);
	struct h_agent a;

	make(0, policy);
	h_spawn(&a, look_after_each_return, &rounds);
	for (long i = 0; i < rounds; i++) {
		if (i % 2)
			h_until(chp_semaphore_has_waiters(&s));
		release(1);
	}
	h_join(&a);
	nobody_waits();
	CHECK_EQ(chp_semaphore_available(&s), 0);
}

static void a_waiter_that_has_given_up_is_not_counted(chp_policy policy)
{
	make(0, policy);
	for (long i = 0; i < h_rounds(300); i++) {
		chp_wait w = { .deadline = chp_in(i % 20 * CHP_US) };

		CHECK_CODE(acquire_with(1, &w), CHP_ETIMEDOUT);
		nobody_waits();
	}
}

static void queue_length_follows_places_taken_and_left(chp_policy policy)
{
	struct poller p[5];

	make(0, policy);
	for (int i = 0; i < 5; i++) {
		CHECK_EQ(chp_semaphore_queue_length(&s), i);
		queue_poller(&p[i], 1);
		CHECK_EQ(chp_semaphore_has_waiters(&s), 1);
	}
	/* From the middle, the front and the back. */
	chp_op_cancel(&p[2].op.op);
	CHECK_EQ(chp_semaphore_queue_length(&s), 4);
	chp_op_cancel(&p[0].op.op);
	CHECK_EQ(chp_semaphore_queue_length(&s), 3);
	chp_op_cancel(&p[4].op.op);
	CHECK_EQ(chp_semaphore_queue_length(&s), 2);
	release(2);
	CHECK_CODE(h_poll(&p[1].op.op, &p[1].waker), 0);
	CHECK_CODE(h_poll(&p[3].op.op, &p[3].waker), 0);
	nobody_waits();
}

/* ---- The list of waiters ---- */

static void since_is_between(const chp_waiter *w, chp_time from, chp_time to)
{
	CHECK(w->since >= from - 50 * CHP_MS);
	CHECK(w->since <= to + 50 * CHP_MS);
}

static void *porter(void *arg)
{
	chp_thread_set_name("porter");
	CHECK_CODE(chp_semaphore_acquire(&s, 3), 0);
	return arg;
}

static void *stoker(void *arg)
{
	CHECK_CODE(chp_semaphore_acquire(&s, 2), 0);
	return arg;
}

static void the_list_names_threads_tasks_and_pollers(chp_policy policy)
{
	chp_task_options options = { .name = "stoker" };
	chp_time before = chp_now(), after;
	struct h_agent thread;
	struct poller poller;
	chp_waiter w[4];
	chp_task task;

	make(-1, policy);
	h_spawn_thread(&thread, porter, NULL);
	h_until(chp_semaphore_queue_length(&s) == 1);
	CHECK_CODE(chp_spawn_with(&task, stoker, NULL, &options), 0);
	h_until(chp_semaphore_queue_length(&s) == 2);
	queue_poller(&poller, 0);
	after = chp_now();

	memset(w, 0xff, sizeof(w));
	CHECK_EQ(chp_semaphore_waiters(&s, w, 4), 3);
	CHECK_EQ(w[0].kind, CHP_THREAD);
	CHECK_EQ(w[0].agent.id, thread.agent.id);
	CHECK_EQ(strcmp(w[0].name, "porter"), 0);
	CHECK_EQ(w[0].permits, 3);
	CHECK_EQ(w[1].kind, CHP_TASK);
	CHECK_EQ(w[1].agent.id, task.agent.id);
	CHECK_EQ(strcmp(w[1].name, "stoker"), 0);
	CHECK_EQ(w[1].permits, 2);
	CHECK_EQ(w[2].kind, CHP_POLLER);
	CHECK_EQ(w[2].agent.id, 0);
	CHECK_EQ(strcmp(w[2].name, ""), 0);
	CHECK_EQ(w[2].permits, 0);
	for (int i = 0; i < 3; i++)
		since_is_between(&w[i], before, after);
	/* What the list says is an agent that can be spoken to. */
	CHECK_CODE(chp_agent_kind_of(w[0].agent), CHP_THREAD);
	CHECK_CODE(chp_agent_kind_of(w[1].agent), CHP_TASK);

	release(6);
	CHECK_CODE(chp_join(&task, NULL), 0);
	h_until(chp_semaphore_queue_length(&s) <= 1);
	CHECK_CODE(h_poll(&poller.op.op, &poller.waker), 0);
	h_join_thread(&thread);
	nobody_waits();
}

static void the_list_is_cut_at_max_and_counts_all(chp_policy policy)
{
	chp_waiter w[4];
	struct poller p[3];

	make(0, policy);
	CHECK_EQ(chp_semaphore_waiters(&s, w, 4), 0);
	for (int i = 0; i < 3; i++)
		queue_poller(&p[i], 10 + i);
	memset(w, 0, sizeof(w));
	w[2].permits = -77;
	CHECK_EQ(chp_semaphore_waiters(&s, NULL, 0), 3);
	CHECK_EQ(chp_semaphore_waiters(&s, w, 2), 3);
	CHECK_EQ(w[0].permits, 10);
	CHECK_EQ(w[1].permits, 11);
	CHECK_EQ(w[2].permits, -77);
	chp_op_cancel(&p[0].op.op);
	CHECK_EQ(chp_semaphore_waiters(&s, w, 4), 2);
	CHECK_EQ(w[0].permits, 11);
	CHECK_EQ(w[1].permits, 12);
	chp_op_cancel(&p[1].op.op);
	chp_op_cancel(&p[2].op.op);
	nobody_waits();
}

/* A waiter keeps its place and its time when it is polled again. */
static void polling_again_keeps_the_place(chp_policy policy)
{
	struct poller p[2];
	chp_waiter w[2];
	chp_time since;

	make(0, policy);
	queue_poller(&p[0], 5);
	queue_poller(&p[1], 6);
	CHECK_EQ(chp_semaphore_waiters(&s, w, 2), 2);
	since = w[0].since;
	for (int i = 0; i < 10; i++)
		CHECK_CODE(h_poll(&p[0].op.op, &p[0].waker), CHP_PENDING);
	CHECK_EQ(chp_semaphore_waiters(&s, w, 2), 2);
	CHECK_EQ(w[0].permits, 5);
	CHECK_EQ(w[0].since, since);
	chp_op_cancel(&p[0].op.op);
	chp_op_cancel(&p[1].op.op);
}

/* Who polls last is who waits. */
static void the_list_follows_the_waker(chp_policy policy)
{
	chp_poll_ctx own = chp_poll_ctx_of(chp_waker_current());
	chp_agent self = chp_agent_current();
	struct poller p;
	chp_waiter w;

	make(0, policy);
	queue_poller(&p, 1);
	CHECK_CODE(chp_op_poll(&p.op.op, &own), CHP_PENDING);
	CHECK_EQ(chp_semaphore_waiters(&s, &w, 1), 1);
	CHECK_EQ(w.kind, chp_agent_kind_of(self));
	CHECK(w.agent.slot == self.slot && w.agent.id == self.id);
	CHECK_CODE(h_poll(&p.op.op, &p.waker), CHP_PENDING);
	CHECK_EQ(chp_semaphore_waiters(&s, &w, 1), 1);
	CHECK_EQ(w.kind, CHP_POLLER);
	CHECK_EQ(w.agent.id, 0);
	chp_op_cancel(&p.op.op);
	nobody_waits();
}

/* ---- Text ---- */

static void describe_gives_the_name_and_the_count(void)
{
	char text[80];

	make(-3, CHP_FAIR);
	chp_semaphore_set_name(&s, "berths");
	CHECK_EQ(chp_semaphore_describe(&s, text, sizeof(text)), 20);
	CHECK_EQ(strcmp(text, "berths[Permits = -3]"), 0);
	/* As snprintf: cut, ended with a zero, the whole length returned. */
	memset(text, 'x', sizeof(text));
	CHECK_EQ(chp_semaphore_describe(&s, text, 8), 20);
	CHECK_EQ(strcmp(text, "berths["), 0);
	CHECK_EQ(text[8], 'x');
	CHECK_EQ(chp_semaphore_describe(&s, NULL, 0), 20);
	release(CHP_SEMAPHORE_MAX);
	release(3);
	chp_semaphore_describe(&s, text, sizeof(text));
	CHECK_EQ(strcmp(text, "berths[Permits = 288230376151711743]"), 0);
}

static void describe_gives_the_address_for_a_name(void)
{
	char text[80], address[40];
	size_t length;

	make(12, CHP_UNFAIR);
	snprintf(address, sizeof(address), "%p[Permits = 12]", (void *)&s);
	length = (size_t)chp_semaphore_describe(&s, text, sizeof(text));
	CHECK_EQ(length, strlen(text));
	CHECK(length >= strlen(address));
	CHECK_EQ(strcmp(text + length - strlen(address), address), 0);
}

/* ---- Saving and restoring ---- */

static void save_and_restore_keep_count_capacity_and_policy(chp_policy policy)
{
	static const int64_t counts[] = { 0, 5, -5, CHP_SEMAPHORE_MAX };
	chp_semaphore_state state;
	chp_semaphore copy;

	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		make(7, policy);
		chp_semaphore_drain(&s);
		if (counts[i] < 0)
			CHECK_CODE(chp_semaphore_reduce(&s, -counts[i]), 0);
		else
			release(counts[i]);
		memset(&state, 0xff, sizeof(state));
		chp_semaphore_save(&s, &state);
		CHECK_EQ(state.permits, counts[i]);
		CHECK_EQ(state.capacity, 7);
		CHECK_EQ(state.policy, policy);
		CHECK_EQ(state.version, 1);
		memset(&copy, 0xff, sizeof(copy));
		CHECK_CODE(chp_semaphore_restore(&copy, &state), 0);
		CHECK_EQ(chp_semaphore_available(&copy), counts[i]);
		CHECK_EQ(chp_semaphore_capacity(&copy), 7);
		CHECK_EQ(chp_semaphore_policy(&copy), policy);
		CHECK_EQ(chp_semaphore_available(&s), counts[i]);
	}
}

static void waiters_and_closing_are_not_saved(chp_policy policy)
{
	chp_semaphore_state state;
	struct poller p;
	chp_semaphore copy;

	make(2, policy);
	queue_poller(&p, 3);
	chp_semaphore_save(&s, &state);
	/* The count, not what FIFO's available() says of it. */
	CHECK_EQ(state.permits, 2);
	CHECK_CODE(chp_semaphore_restore(&copy, &state), 0);
	CHECK_EQ(chp_semaphore_queue_length(&copy), 0);
	CHECK_EQ(chp_semaphore_available(&copy), 2);
	/* The original is undisturbed. */
	CHECK_EQ(chp_semaphore_queue_length(&s), 1);
	release(1);
	CHECK_CODE(h_poll(&p.op.op, &p.waker), 0);
	chp_semaphore_close(&s);
	chp_semaphore_save(&s, &state);
	CHECK_CODE(chp_semaphore_restore(&copy, &state), 0);
	CHECK(!chp_semaphore_is_closed(&copy));
	CHECK_CODE(chp_semaphore_try_acquire(&copy, 0), 0);
	CHECK(chp_semaphore_is_closed(&s));
}

static void restore_refuses_bad_states(void)
{
	const int64_t max = CHP_SEMAPHORE_MAX;
	const chp_semaphore_state bad[] = {
		{ 1, 1, CHP_FIFO, 0 },
		{ 1, 1, CHP_FIFO, 2 },
		{ 1, 1, 3, 1 },
		{ 1, 1, UINT32_MAX, 1 },
		{ max + 1, 1, CHP_FIFO, 1 },
		{ -max - 1, 1, CHP_FAIR, 1 },
		{ 1, max + 1, CHP_FIFO, 1 },
		{ INT64_MIN, 1, CHP_UNFAIR, 1 },
		{ 1, INT64_MIN, CHP_FIFO, 1 },
	};

	make(4, CHP_FAIR);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CHECK_CODE(chp_semaphore_restore(&s, &bad[i]), CHP_EINVAL);
		CHECK_EQ(chp_semaphore_available(&s), 4);
		CHECK_EQ(chp_semaphore_policy(&s), CHP_FAIR);
	}
}

/* ---- Misuse ---- */

static void destroy_with_a_waiter(void *arg)
{
	struct poller p;

	make(0, *(chp_policy *)arg);
	chp_semaphore_set_name(&s, "berths");
	queue_poller(&p, 1);
	chp_semaphore_destroy(&s);
}

static void destroying_with_waiters_is_misuse(chp_policy policy)
{
	h_must_panic(destroy_with_a_waiter, &policy, "destroyed");
	/* The sentence names the object. */
	h_must_panic(destroy_with_a_waiter, &policy, "berths");
}

static const struct h_test tests[] = {
	TEST_BY_POLICY(a_waiter_that_has_returned_is_not_counted, IN_ALL),
	TEST_BY_POLICY(a_waiter_that_has_given_up_is_not_counted, IN_ALL),
	TEST_BY_POLICY(queue_length_follows_places_taken_and_left,
		       IN_CT | IN_POLLED),
	TEST_BY_POLICY(the_list_names_threads_tasks_and_pollers, IN_TASKS),
	TEST_BY_POLICY(the_list_is_cut_at_max_and_counts_all, IN_ALL),
	TEST_BY_POLICY(polling_again_keeps_the_place, IN_CT | IN_POLLED),
	TEST_BY_POLICY(the_list_follows_the_waker, IN_ALL),
	TEST(describe_gives_the_name_and_the_count, ON_ITS_OWN),
	TEST(describe_gives_the_address_for_a_name, ON_ITS_OWN),
	TEST_BY_POLICY(save_and_restore_keep_count_capacity_and_policy,
		       ON_ITS_OWN),
	TEST_BY_POLICY(waiters_and_closing_are_not_saved, IN_CT | IN_POLLED),
	TEST(restore_refuses_bad_states, ON_ITS_OWN),
	TEST_BY_POLICY(destroying_with_waiters_is_misuse, ON_ITS_OWN),
};

H_MAIN("semaphore_look", tests)
