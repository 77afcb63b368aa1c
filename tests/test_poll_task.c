/*
 * test_poll_task.c - the life of a stackless task: spawned, polled, joined by
 * all who can join, aborted and interrupted at every moment; who it is while
 * it runs; what it must not do.
 */
#include "stackless.h"

/* ---- Ending ---- */

static int end_at_once(void *state, chp_poll_ctx *ctx)
{
	(void)state;
	(void)ctx;
	runs++;
	return CHP_ECLOSED;
}

static void its_value_is_its_state(void)
{
	int state;
	chp_task t;

	reset();
	CHECK_CODE(chp_spawn_poll(&t, end_at_once, &state), 0);
	ends_as(&t, CHP_RETURNED, &state);
	CHECK_EQ(runs, 1);
	CHECK_CODE(chp_spawn_poll(NULL, end_at_once, NULL), 0);
	h_until(runs == 2);
}

static void bad_arguments_are_refused(void)
{
	chp_task t = { { NULL, 0 } };

	CHECK_CODE(chp_spawn_poll(&t, NULL, &t), CHP_EINVAL);
	CHECK_EQ(t.agent.id, 0);
}

static void without_a_runtime_one_must_be_named(void)
{
	chp_task_options options = dropping;
	struct waiter w = { .r = 1 };
	chp_task t;

	reset();
	CHECK_CODE(chp_spawn_poll(&t, end_at_once, &w), CHP_EINVAL);
	for (int i = 0; i < KINDS - 1; i++) {
		options.runtime = make_runtime(&kinds[i]);
		CHECK_CODE(chp_spawn_poll_with(&t, end_at_once, &w, &options),
			   0);
		ends_as(&t, CHP_RETURNED, &w);
		shut_down(options.runtime);
	}
	CHECK_EQ(arg_drops + result_drops, 0);
}

/* ---- Joining ---- */

static void *join_it(void *task)
{
	chp_outcome o;

	CHECK_CODE(chp_join(task, &o), 0);
	CHECK_EQ(o.fate, CHP_RETURNED);
	runs++;
	return o.value;
}

static void a_thread_and_a_task_join_it(void)
{
	struct h_agent joiner;
	struct waiter w;

	reset();
	for (long i = h_rounds(100); i > 0; i--) {
		spawn_at_the_gate(&w);
		h_spawn_thread(&joiner, join_it, &w.task);
		h_let_others_run();
		chp_semaphore_release(&gate, 1);
		h_until(runs);
		runs = 0;
		CHECK(h_join_thread(&joiner) == &w);

		spawn_at_the_gate(&w);
		h_spawn(&joiner, join_it, &w.task);
		chp_semaphore_release(&gate, 1);
		CHECK(h_join(&joiner) == &w);
		runs = 0;
	}
}

static void a_select_joins_it(void)
{
	chp_outcome outcome = { CHP_ABORTED, NULL };
	chp_sleep_op sleep;
	chp_join_op join;
	struct waiter w;
	chp_select_arm arms[] = { { .op = &join.op }, { .op = &sleep.op } };

	reset();
	spawn_at_the_gate(&w);
	chp_task_join_op(&join, &w.task, &outcome);
	chp_sleep_until_op(&sleep, chp_in(CHP_MS));
	CHECK_EQ(chp_select(arms, 2, CHP_CANCEL_LOSERS), 1);
	chp_semaphore_release(&gate, 1);
	chp_task_join_op(&join, &w.task, &outcome);
	chp_sleep_until_op(&sleep, chp_in(3600 * CHP_SEC));
	CHECK_EQ(chp_select(arms, 2, CHP_CANCEL_LOSERS), 0);
	CHECK(outcome.value == &w);
	CHECK_EQ(outcome.fate, CHP_RETURNED);
}

static void it_joins_others(void)
{
	struct waiter outer, inner;
	chp_join_op join;

	reset();
	spawn_at_the_gate(&inner);
	chp_task_join_op(&join, &inner.task, NULL);
	spawn_waiter(&outer, &join.op);
	h_until(h_load(&outer.rests));
	chp_semaphore_release(&gate, 1);
	join_waiter(&outer, CHP_RETURNED, 0);
	CHECK_EQ(inner.task.agent.id, 0);
	CHECK_CODE(inner.r, 0);
}

/* ---- What nobody takes ---- */

static void detached_its_state_is_dropped(void)
{
	chp_task_options options = dropping;
	static struct waiter w;

	for (long i = h_rounds(200); i > 0; i--) {
		reset();
		memset(&w, 0, sizeof(w));
		chp_semaphore_acquire_op(&w.acquire, &gate, 1);
		w.op = &w.acquire.op;
		CHECK_CODE(chp_spawn_poll_with(&w.task, await_it, &w, &options),
			   0);
		if (i % 2)
			h_until(h_load(&w.rests));
		CHECK_CODE(chp_task_detach(&w.task), 0);
		CHECK_EQ(result_drops, 0);
		chp_semaphore_release(&gate, 1);
		h_until(result_drops == 1);
		CHECK(dropped == &w);
	}
	CHECK_EQ(arg_drops, 0);
}

static void joined_without_an_outcome_its_state_is_dropped(void)
{
	chp_task t;

	reset();
	CHECK_CODE(chp_spawn_poll_with(&t, end_at_once, &t, &dropping), 0);
	CHECK_CODE(chp_join(&t, NULL), 0);
	CHECK_EQ(result_drops, 1);
	CHECK(dropped == &t);
}

/* ---- Aborting and interrupting ---- */

static int never_polled(void *state, chp_poll_ctx *ctx)
{
	(void)state;
	(void)ctx;
	CHECK(!"this must not run");
	return 0;
}

static void *abort_before_the_first_poll(void *arg)
{
	chp_task t;
	int state;

	reset();
	CHECK_CODE(chp_spawn_poll_with(&t, never_polled, &state, &dropping), 0);
	CHECK_CODE(chp_task_abort(&t), 0);
	ends_as(&t, CHP_NEVER_RUN, NULL);
	CHECK_EQ(arg_drops, 1);
	CHECK_EQ(result_drops, 0);
	CHECK(dropped == &state);
	return arg;
}

static void aborted_before_its_first_poll_it_never_runs(void)
{
	with_one_worker(abort_before_the_first_poll);
}

static void *interrupt_before_the_first_poll(void *arg)
{
	struct waiter w;

	reset();
	chp_semaphore_release(&gate, 1);
	spawn_at_the_gate(&w);
	CHECK_CODE(chp_interrupt(w.task.agent), 0);
	join_waiter(&w, CHP_RETURNED, CHP_EINTR);
	CHECK_EQ(chp_semaphore_available(&gate), 1);
	return arg;
}

static void interrupted_before_its_first_poll_its_await_says_so(void)
{
	with_one_worker(interrupt_before_the_first_poll);
}

static void an_abort_never_takes_a_permit_along(void)
{
	struct waiter w;
	int granted = 0;
	chp_outcome o;
	long rounds = h_rounds(3000);

	reset();
	for (long i = 0; i < rounds; i++) {
		spawn_at_the_gate(&w);
		if (i % 3)
			h_until(h_load(&w.rests));
		if (i % 2)
			chp_semaphore_release(&gate, 1);
		CHECK(chp_task_abort(&w.task) == 0 || i % 2);
		CHECK_CODE(chp_join(&w.task, &o), 0);
		if (o.fate != CHP_RETURNED)
			CHECK(o.fate == CHP_NEVER_RUN || w.r == CHP_EABORTED);
		else
			CHECK_CODE(w.r, 0);
		granted += o.fate == CHP_RETURNED;
		if (o.fate != CHP_RETURNED && i % 2)
			CHECK_CODE(chp_semaphore_try_acquire(&gate, 1), 0);
		CHECK_EQ(chp_semaphore_available(&gate), 0);
		CHECK_EQ(chp_semaphore_queue_length(&gate), 0);
	}
	CHECK(granted <= rounds / 2);
}

static void an_interrupt_does_not_undo_what_was_granted(void)
{
	struct waiter w;

	reset();
	for (long i = h_rounds(500); i > 0; i--) {
		spawn_at_the_gate(&w);
		h_until(chp_semaphore_queue_length(&gate) == 1);
		chp_semaphore_release(&gate, 1);
		chp_interrupt(w.task.agent);
		join_waiter(&w, CHP_RETURNED, 0);
	}
}

static int poll_by_hand(void *state, chp_poll_ctx *ctx)
{
	struct waiter *w = state;
	int r = chp_op_poll(w->op, ctx);

	if (r == CHP_PENDING)
		r = chp_check();
	if (r == 0 && !chp_op_is_finished(w->op)) {
		h_add(&w->rests, 1);
		return CHP_PENDING;
	}
	if (!chp_op_is_finished(w->op))
		chp_op_cancel(w->op);
	w->r = r;
	return r;
}

static void polled_by_hand_it_asks_for_itself(void)
{
	struct waiter w = { .r = 77 };

	reset();
	for (int i = 0; i < 3; i++) {
		h_store(&w.rests, 0);
		chp_semaphore_acquire_op(&w.acquire, &gate, 1);
		w.op = &w.acquire.op;
		CHECK_CODE(chp_spawn_poll(&w.task, poll_by_hand, &w), 0);
		h_until(h_load(&w.rests));
		if (i == 0)
			chp_semaphore_release(&gate, 1);
		else if (i == 1)
			CHECK_CODE(chp_interrupt(w.task.agent), 0);
		else
			CHECK_CODE(chp_task_abort(&w.task), 0);
		join_waiter(&w, i < 2 ? CHP_RETURNED : CHP_ABORTED,
			    i == 0   ? 0
			    : i == 1 ? CHP_EINTR
				     : CHP_EABORTED);
	}
	CHECK_EQ(chp_semaphore_queue_length(&gate), 0);
}

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
	TEST(its_value_is_its_state, IN_TASKS),
	TEST(bad_arguments_are_refused, IN_TASKS),
	TEST(without_a_runtime_one_must_be_named, ON_ITS_OWN),
	TEST(a_thread_and_a_task_join_it, IN_TASKS),
	TEST(a_select_joins_it, IN_TASKS),
	TEST(it_joins_others, IN_TASKS),
	TEST(detached_its_state_is_dropped, IN_TASKS),
	TEST(joined_without_an_outcome_its_state_is_dropped, IN_TASKS),
	TEST(aborted_before_its_first_poll_it_never_runs, ON_ITS_OWN),
	TEST(interrupted_before_its_first_poll_its_await_says_so, ON_ITS_OWN),
	TEST(an_abort_never_takes_a_permit_along, IN_TASKS),
	TEST(an_interrupt_does_not_undo_what_was_granted, IN_TASKS),
	TEST(polled_by_hand_it_asks_for_itself, IN_TASKS),
	TEST(it_is_an_agent_like_others, IN_TASKS),
	TEST(waiters_are_listed_with_it, IN_TASKS),
	TEST(pinned_it_stays_on_its_thread, IN_TASKS),
	TEST(it_cannot_drive_a_runtime, IN_TASKS),
};
/* clang-format on */

H_MAIN("poll_task", tests)
