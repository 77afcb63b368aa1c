/*
 * test_join.c - joining: as a call and as an operation, by tasks, threads and
 * pollers; waits that end early; handles that are dead; joiners that race.
 */
#include "task.h"

static chp_runtime *runtime; /* for callers that have none of their own */

static void begin(void)
{
	chp_runtime_options options = { .workers = 2 };

	chp_semaphore_init(&gate, 0, CHP_FIFO);
	runtime = NULL;
	if (h_mode() == H_THREADS || h_mode() == H_POLLED)
		CHECK_CODE(chp_runtime_new(&runtime, &options), 0);
}

static void end(void)
{
	if (runtime)
		CHECK_CODE(chp_runtime_shutdown(runtime, 0, NULL, 0, NULL), 0);
}

static void spawn(chp_task *t, void *(*fn)(void *arg), void *arg)
{
	chp_task_options options = { .runtime = runtime };

	CHECK_CODE(chp_spawn_with(t, fn, arg, &options), 0);
}

static int join(chp_task *t, chp_outcome *o, const chp_wait *w)
{
	chp_join_op op;

	if (h_mode() != H_POLLED)
		return chp_join_with(t, o, w);
	chp_task_join_op(&op, t, o);
	return h_wait(&op.op, w);
}

/* Spawn a task that ends when the gate is opened for it. */
static void spawn_behind_the_gate(chp_task *t, void *arg)
{
	spawn(t, wait_at_the_gate, arg);
	h_until(chp_semaphore_queue_length(&gate) == 1);
}

static void open_and_join(chp_task *t, void *expected)
{
	chp_outcome o;

	chp_semaphore_release(&gate, 1);
	CHECK_CODE(join(t, &o, NULL), 0);
	CHECK_EQ(o.fate, CHP_RETURNED);
	CHECK(o.value == expected);
}

/* ---- The plain case ---- */

static void *open_the_gate(void *arg)
{
	(void)arg;
	h_let_others_run();
	chp_semaphore_release(&gate, 1);
	return NULL;
}

static void join_waits_for_the_end_and_takes_the_value(void)
{
	struct h_agent opener;
	chp_outcome o;
	chp_task t;

	begin();
	for (long i = h_rounds(200); i > 0; i--) {
		spawn_behind_the_gate(&t, &t);
		CHECK_EQ(chp_task_is_finished(&t), 0);
		h_spawn(&opener, open_the_gate, NULL);
		CHECK_CODE(join(&t, &o, NULL), 0);
		CHECK_EQ(o.fate, CHP_RETURNED);
		CHECK(o.value == &t);
		CHECK_EQ(t.agent.id, 0);
		h_join(&opener);
	}
	end();
}

static void an_ended_task_is_joined_even_past_the_deadline(void)
{
	chp_wait late = { .deadline = 1 };
	chp_outcome o;
	chp_task t;

	begin();
	spawn(&t, give_back, &gate);
	h_until(chp_task_is_finished(&t) == 1);
	CHECK_CODE(join(&t, &o, &late), 0);
	CHECK(o.value == &gate);
	end();
}

/* ---- Dead handles ---- */

static void check_dead(chp_task *t)
{
	chp_outcome o;

	CHECK_CODE(join(t, &o, NULL), CHP_EINVAL);
	CHECK_CODE(chp_task_is_finished(t), CHP_EINVAL);
	CHECK_CODE(chp_task_detach(t), CHP_EINVAL);
	CHECK_CODE(chp_task_abort(t), CHP_ESRCH);
	CHECK_CODE(chp_abort(t->agent), CHP_ESRCH);
}

static void a_handle_is_good_for_one_join_or_detach(void)
{
	chp_task t, copy, zero = { { NULL, 0 } };

	begin();
	check_dead(&zero);
	spawn(&t, give_back, NULL);
	copy = t;
	CHECK_CODE(join(&t, NULL, NULL), 0);
	check_dead(&t);
	check_dead(&copy);

	spawn(&t, wait_at_the_gate, NULL);
	copy = t;
	CHECK_CODE(chp_task_detach(&t), 0);
	CHECK_CODE(join(&t, NULL, NULL), CHP_EINVAL);
	CHECK_CODE(join(&copy, NULL, NULL), CHP_EINVAL);
	CHECK_CODE(chp_task_detach(&copy), CHP_EINVAL);
	/* Asking by chp_abort() aborts it: it must have its permit by then. */
	h_until(chp_semaphore_queue_length(&gate) == 1);
	chp_semaphore_release(&gate, 1);
	h_until(chp_abort(copy.agent) == CHP_ESRCH);
	check_dead(&copy);
	end();
}

/* Old handles must not reach tasks that were put in the same place later. */
static void a_stale_handle_does_not_reach_a_later_task(void)
{
	chp_task old, t[64];
	chp_outcome o;

	begin();
	spawn(&old, give_back, NULL);
	t[0] = old;
	CHECK_CODE(join(&t[0], NULL, NULL), 0);
	for (int i = 0; i < 64; i++)
		spawn(&t[i], wait_at_the_gate, &t[i]);
	check_dead(&old);
	h_until(chp_semaphore_queue_length(&gate) == 64);
	chp_semaphore_release(&gate, 64);
	for (int i = 0; i < 64; i++) {
		CHECK_CODE(join(&t[i], &o, NULL), 0);
		CHECK_EQ(o.fate, CHP_RETURNED);
		CHECK(o.value == &t[i]);
	}
	end();
}

/* ---- Waits that end early ---- */

static void a_timed_out_join_leaves_the_handle(void)
{
	chp_wait late = { .deadline = 1 };
	chp_wait soon = { .deadline = chp_in(5 * CHP_MS) };
	chp_task t;

	begin();
	spawn_behind_the_gate(&t, &t);
	CHECK_CODE(join(&t, NULL, &late), CHP_ETIMEDOUT);
	CHECK_CODE(join(&t, NULL, &soon), CHP_ETIMEDOUT);
	CHECK(chp_now() >= soon.deadline);
	CHECK_EQ(chp_task_is_finished(&t), 0);
	open_and_join(&t, &t);
	end();
}

static void a_cancelled_join_leaves_the_handle(void)
{
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait w = { .cancel = &token };
	struct h_agent canceller;
	chp_task t;

	begin();
	spawn_behind_the_gate(&t, &t);
	h_spawn(&canceller, h_cancel_later, &token);
	CHECK_CODE(join(&t, NULL, &w), CHP_ECANCELED);
	CHECK_CODE(join(&t, NULL, &w), CHP_ECANCELED);
	h_join(&canceller);
	open_and_join(&t, &t);
	end();
}

static void an_interrupted_join_leaves_the_handle(void)
{
	chp_agent self = chp_agent_current();
	struct h_agent interrupter;
	chp_task t;

	begin();
	spawn_behind_the_gate(&t, &t);
	chp_interrupt(self);
	CHECK_CODE(chp_join(&t, NULL), CHP_EINTR);
	h_spawn(&interrupter, h_interrupt_later, &self);
	CHECK_CODE(chp_join(&t, NULL), CHP_EINTR);
	h_join(&interrupter);
	open_and_join(&t, &t);
	end();
}

/* ---- More than one joiner ---- */

static void a_second_joiner_is_refused_until_the_first_gives_up(void)
{
	struct h_waker waker = { 0 };
	chp_outcome o;
	chp_join_op op;
	chp_task t, copy;

	begin();
	spawn_behind_the_gate(&t, &t);
	copy = t;
	chp_task_join_op(&op, &t, &o);
	CHECK_CODE(h_poll(&op.op, &waker), CHP_PENDING);
	CHECK_CODE(join(&copy, NULL, NULL), CHP_EINVAL);
	CHECK_CODE(chp_op_cancel(&op.op), CHP_HELD_NOTHING);
	CHECK_EQ(h_refs(&waker), 0);
	open_and_join(&copy, &t);
	CHECK_EQ(h_wakes(&waker), 0);
	end();
}

static chp_task shared;
static atomic_int won, ready;

static void *race_for_it(void *arg)
{
	chp_task mine = shared;
	chp_outcome o;
	int r;

	ready++;
	h_until(ready == 3);
	r = join(&mine, &o, NULL);
	if (r == 0) {
		won++;
		CHECK(o.value == arg);
	} else {
		CHECK_CODE(r, CHP_EINVAL);
	}
	return NULL;
}

static void of_joiners_at_once_exactly_one_gets_the_value(void)
{
	struct h_agent a[3];
	int token;

	begin();
	for (long round = h_rounds(300); round > 0; round--) {
		won = ready = 0;
		spawn(&shared, round % 2 ? give_back : wait_at_the_gate,
		      &token);
		chp_semaphore_release(&gate, round % 2 ? 0 : 1);
		for (int i = 0; i < 3; i++)
			h_spawn(&a[i], race_for_it, &token);
		for (int i = 0; i < 3; i++)
			h_join(&a[i]);
		CHECK_EQ(won, 1);
	}
	end();
}

/* ---- As an operation ---- */

static void the_operation_wakes_its_poller_once(void)
{
	struct h_waker first = { 0 }, second = { 0 };
	chp_outcome o;
	chp_join_op op;
	chp_task t;

	begin();
	spawn_behind_the_gate(&t, &t);
	chp_task_join_op(&op, &t, &o);
	CHECK_CODE(h_poll(&op.op, &first), CHP_PENDING);
	CHECK_CODE(h_poll(&op.op, &second), CHP_PENDING);
	CHECK_EQ(h_refs(&first), 0);
	chp_semaphore_release(&gate, 1);
	h_until(h_wakes(&second) == 1);
	CHECK_CODE(h_poll(&op.op, &second), 0);
	CHECK_EQ(o.fate, CHP_RETURNED);
	CHECK(o.value == &t);
	CHECK_EQ(t.agent.id, 0);
	CHECK_EQ(h_wakes(&first), 0);
	CHECK_EQ(h_wakes(&second), 1);
	CHECK_EQ(h_refs(&second), 0);
	end();
}

static void cancelling_after_the_end_leaves_the_outcome(void)
{
	struct h_waker waker = { 0 };
	chp_outcome o = { CHP_NEVER_RUN, NULL };
	chp_join_op op;
	chp_task t;

	begin();
	spawn_behind_the_gate(&t, &t);
	chp_task_join_op(&op, &t, &o);
	CHECK_CODE(h_poll(&op.op, &waker), CHP_PENDING);
	chp_semaphore_release(&gate, 1);
	h_until(h_wakes(&waker) == 1);
	CHECK(chp_op_cancel(&op.op) != CHP_TOO_LATE);
	CHECK(o.value == NULL);
	CHECK_EQ(chp_task_is_finished(&t), 1);
	CHECK_CODE(join(&t, &o, NULL), 0);
	CHECK(o.value == &t);
	end();
}

static void an_unpolled_operation_holds_nothing(void)
{
	chp_join_op op;
	chp_task t;

	begin();
	spawn_behind_the_gate(&t, &t);
	chp_task_join_op(&op, &t, NULL);
	CHECK_CODE(chp_op_cancel(&op.op), CHP_HELD_NOTHING);
	open_and_join(&t, &t);
	end();
}

static int select_two(chp_op *a, chp_op *b, unsigned flags)
{
	chp_select_arm arms[] = { { .op = a }, { .op = b } };
	chp_select_op op;
	int r;

	CHECK_CODE(chp_select_init(&op, arms, 2, flags), 0);
	r = h_wait(&op.op, NULL);
	CHECK(r == 0 || r == 1);
	CHECK_CODE(arms[r].result, 0);
	return r;
}

static void a_join_that_loses_a_select_can_be_selected_again(void)
{
	chp_acquire_op acquire, again;
	chp_outcome o;
	chp_join_op op;
	chp_semaphore s;
	chp_task t;

	begin();
	chp_semaphore_init(&s, 1, CHP_FIFO);
	spawn_behind_the_gate(&t, &t);
	chp_task_join_op(&op, &t, &o);
	chp_semaphore_acquire_op(&acquire, &s, 1);
	CHECK_EQ(select_two(&op.op, &acquire.op, CHP_BIASED), 1);
	chp_semaphore_acquire_op(&again, &s, 1);
	chp_semaphore_release(&gate, 1);
	CHECK_EQ(select_two(&op.op, &again.op, CHP_CANCEL_LOSERS), 0);
	CHECK(o.value == &t);
	CHECK_EQ(t.agent.id, 0);
	CHECK_EQ(chp_semaphore_has_waiters(&s), 0);
	end();
}

static void a_join_cancelled_by_a_select_leaves_the_handle(void)
{
	chp_outcome o;
	chp_sleep_op sleep;
	chp_join_op op;
	chp_task t;

	begin();
	spawn_behind_the_gate(&t, &t);
	chp_task_join_op(&op, &t, &o);
	chp_sleep_until_op(&sleep, chp_in(2 * CHP_MS));
	CHECK_EQ(select_two(&op.op, &sleep.op, CHP_CANCEL_LOSERS), 1);
	CHECK(chp_op_is_finished(&op.op));
	open_and_join(&t, &t);
	end();
}

/* ---- Giving up while it ends ---- */

static chp_word drops;

static void count_drop(void *value)
{
	(void)value;
	__atomic_add_fetch(&drops.v, 1, __ATOMIC_SEQ_CST);
}

static chp_word started;

static void *end_soon(void *arg)
{
	__atomic_store_n(&started.v, 1, __ATOMIC_SEQ_CST);
	for (volatile long n = 300; n; n--)
		;
	return arg;
}

/* Whoever gives up joining and detaches, when the task has just seen that it
   is joined: nobody would have dropped the value. */
static void a_value_is_dropped_if_its_joiner_gives_up_and_detaches(void)
{
	long rounds = h_rounds(20000);

	begin();
	drops.v = 0;
	for (long i = 0; i < rounds; i++) {
		chp_task_options options = { .runtime = runtime,
					     .result_drop = count_drop };
		struct h_waker waker = { 0 };
		chp_join_op op;
		chp_task t;

		started.v = 0;
		CHECK_CODE(chp_spawn_with(&t, end_soon, &t, &options), 0);
		h_until(__atomic_load_n(&started.v, __ATOMIC_SEQ_CST));
		chp_task_join_op(&op, &t, NULL);
		if (h_poll(&op.op, &waker) == CHP_PENDING) {
			for (volatile long n = i % 500; n; n--)
				;
			chp_op_cancel(&op.op);
			CHECK_CODE(chp_task_detach(&t), 0);
		}
		h_until(h_refs(&waker) == 0);
	}
	h_until(__atomic_load_n(&drops.v, __ATOMIC_SEQ_CST) == rounds);
	end();
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(join_waits_for_the_end_and_takes_the_value, IN_ALL),
	TEST(an_ended_task_is_joined_even_past_the_deadline, IN_ALL),
	TEST(a_handle_is_good_for_one_join_or_detach, IN_ALL),
	TEST(a_stale_handle_does_not_reach_a_later_task, IN_ALL),
	TEST(a_timed_out_join_leaves_the_handle, IN_ALL),
	TEST(a_cancelled_join_leaves_the_handle, IN_ALL),
	TEST(an_interrupted_join_leaves_the_handle, IN_BLOCKING),
	TEST(a_second_joiner_is_refused_until_the_first_gives_up, IN_ALL),
	TEST(of_joiners_at_once_exactly_one_gets_the_value, IN_ALL),
	TEST(the_operation_wakes_its_poller_once, IN_ALL),
	TEST(cancelling_after_the_end_leaves_the_outcome, IN_ALL),
	TEST(an_unpolled_operation_holds_nothing, IN_ALL),
	TEST(a_join_that_loses_a_select_can_be_selected_again, IN_ALL),
	TEST(a_join_cancelled_by_a_select_leaves_the_handle, IN_ALL),
	TEST(a_value_is_dropped_if_its_joiner_gives_up_and_detaches,
	     IN_ALL),
};
/* clang-format on */

H_MAIN("join", tests)
