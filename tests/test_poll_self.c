/*
 * test_poll_self.c - a stackless task while it runs: who it is, and what it must
 * not do.
 */
#include "stackless.h"

/* ---- Who it is ---- */

static void drop_local(void *local)
{
	/* On the task itself. */
	CHECK(chp_task_id() == *(uint64_t *)local);
	result_drops++;
}

static const chp_local_key key = { drop_local };

struct self {
	chp_coro co;
	chp_runtime *runtime;
	uint64_t id;
	chp_task child;
	int r;
};

static void check_self(struct self *s)
{
	char name[CHP_NAME_MAX];

	CHECK(chp_runtime_current() == s->runtime);
	CHECK_EQ(chp_agent_current().id, chp_task_id());
	CHECK_EQ(chp_agent_kind_of(chp_agent_current()), CHP_TASK);
	CHECK_CODE(chp_agent_name(chp_agent_current(), name), 0);
	CHECK(!strcmp(name, "stackless"));
	CHECK(chp_local_get(&key) == (s->id ? &s->id : NULL));
	CHECK(chp_waker_current().data == chp_agent_current().slot);
}

static int know_thyself(void *state, chp_poll_ctx *ctx)
{
	struct self *s = state;

	check_self(s);
	CHP_CO_BEGIN(&s->co);
	s->id = chp_task_id();
	CHECK_CODE(chp_local_set(&key, &s->id), 0);
	CHP_CO_YIELD(&s->co, ctx);
	CHECK_CODE(chp_spawn(&s->child, give_back, s), 0);
	CHECK_CODE(chp_task_detach(&s->child), 0);
	CHECK_CODE(chp_spawn_poll(&s->child, end_at_once, s), 0);
	CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
	CHP_CO_YIELD(&s->co, ctx);
	CHECK_EQ(chp_interrupted(), 1);
	CHECK_EQ(chp_interrupted(), 0);
	chp_yield();
	CHP_CO_END(&s->co, 0);
}

static void it_is_an_agent_like_others(void)
{
	chp_task_options options = { .name = "stackless" };
	struct self s = { .runtime = chp_runtime_current() };
	uint64_t id = chp_task_id();
	chp_task t;

	reset();
	CHECK_CODE(chp_spawn_poll_with(&t, know_thyself, &s, &options), 0);
	CHECK(t.agent.id != id);
	ends_as(&t, CHP_RETURNED, &s);
	CHECK_EQ(result_drops, 1);
	ends_as(&s.child, CHP_RETURNED, &s);
	CHECK_EQ(chp_task_id(), id);
	CHECK(chp_local_get(&key) == NULL);
}

static void waiters_are_listed_with_it(void)
{
	chp_waiter who;
	struct waiter w;

	reset();
	spawn_at_the_gate(&w);
	h_until(chp_semaphore_queue_length(&gate) == 1);
	CHECK_EQ(chp_semaphore_waiters(&gate, &who, 1), 1);
	CHECK_EQ(who.agent.id, w.task.agent.id);
	CHECK_EQ(who.kind, CHP_TASK);
	chp_semaphore_release(&gate, 1);
	join_waiter(&w, CHP_RETURNED, 0);
}

static int stay_here(void *state, chp_poll_ctx *ctx)
{
	pthread_t *here = state;

	if (runs++ == 0)
		*here = pthread_self();
	CHECK(pthread_equal(*here, pthread_self()));
	if (runs < 100) {
		chp_co_yield(ctx);
		return CHP_PENDING;
	}
	return 0;
}

static void pinned_it_stays_on_its_thread(void)
{
	chp_task_options options = { .pinned = 1 };
	pthread_t here;
	chp_task t;

	reset();
	CHECK_CODE(chp_spawn_poll_with(&t, stay_here, &here, &options), 0);
	while (chp_task_is_finished(&t) == 0) {
		chp_interrupt(t.agent);
		chp_yield();
	}
	ends_as(&t, CHP_RETURNED, &here);
}

/* ---- Misuse ---- */

static int wait_in_a_poll(void *state, chp_poll_ctx *ctx)
{
	(void)ctx;
	/* What need not wait works. */
	CHECK_CODE(chp_semaphore_acquire(state, 1), 0);
	chp_semaphore_acquire(state, 1);
	return 0;
}

static int block_in_a_poll(void *state, chp_poll_ctx *ctx)
{
	(void)ctx;
	chp_block_in_place(give_back, state);
	return 0;
}

static int block_on_in_a_poll(void *state, chp_poll_ctx *ctx)
{
	(void)ctx;
	CHECK_CODE(chp_runtime_block_on(state, give_back, NULL, NULL),
		   CHP_EBUSY);
	CHECK_CODE(chp_runtime_shutdown(state, 0, NULL, 0, NULL), CHP_EBUSY);
	return 0;
}

static void *spawn_the_wrong(void *fn)
{
	chp_semaphore one;
	chp_task t;

	chp_semaphore_init(&one, 1, CHP_FIFO);
	CHECK_CODE(chp_spawn_poll(&t, *(chp_poll_fn *)fn, &one), 0);
	chp_join(&t, NULL);
	return fn;
}

static void run_the_wrong(void *fn)
{
	chp_run(NULL, spawn_the_wrong, fn, NULL);
}

static int poll_again(void *state, chp_poll_ctx *ctx)
{
	struct waiter *w = state;

	CHP_CO_BEGIN(&w->co);
	(void)ctx;
	CHP_CO_END(&w->co, 0);
}

static void poll_after_the_end(void *arg)
{
	struct waiter w = { .r = 1 };

	(void)arg;
	CHECK_CODE(poll_again(&w, NULL), 0);
	poll_again(&w, NULL);
}

static void what_waits_in_a_poll_function_is_misuse(void)
{
	chp_poll_fn waits = wait_in_a_poll, blocks = block_in_a_poll;

	h_must_panic(run_the_wrong, &waits, "semaphore acquire");
	h_must_panic(run_the_wrong, &blocks, "chp_block_in_place");
	h_must_panic(poll_after_the_end, NULL, "after its end");
}

static void it_cannot_drive_a_runtime(void)
{
	chp_runtime *here = chp_runtime_current();
	chp_task t;

	CHECK_CODE(chp_spawn_poll(&t, block_on_in_a_poll, here), 0);
	ends_as(&t, CHP_RETURNED, here);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(what_waits_in_a_poll_function_is_misuse, ON_ITS_OWN),
	TEST(it_is_an_agent_like_others, IN_TASKS),
	TEST(waiters_are_listed_with_it, IN_TASKS),
	TEST(pinned_it_stays_on_its_thread, IN_TASKS),
	TEST(it_cannot_drive_a_runtime, IN_TASKS),
};
/* clang-format on */

H_MAIN("poll_self", tests)
