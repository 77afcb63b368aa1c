/*
 * test_poll_runtime.c - what runtimes do with stackless tasks: shut down, and
 * run from a seed.
 */
#include "stackless.h"
#include "sim.h"

/* ---- Shutdown ---- */

enum { PENDING = 100 };

static struct waiter pending[PENDING];

static void *leave_them_pending(void *arg)
{
	chp_runtime_stats stats;

	for (int i = 0; i < PENDING; i++)
		spawn_at_the_gate(&pending[i]);
	for (int i = 0; i < PENDING / 2; i++)
		while (!h_load(&pending[i].rests))
			chp_yield();
	chp_runtime_get_stats(chp_runtime_current(), &stats);
	CHECK_EQ(stats.tasks, PENDING + 1);
	for (int i = 0; i < PENDING; i++)
		CHECK_CODE(chp_task_detach(&pending[i].task), 0);
	return arg;
}

static void a_shutdown_aborts_those_that_are_pending(void)
{
	reset();
	for (int i = 0; i < KINDS; i++) {
		chp_runtime *rt = make_runtime(&kinds[i]);
		int told = 0;

		block_on(rt, leave_them_pending, NULL);
		shut_down(rt);
		for (int k = 0; k < PENDING; k++)
			told += pending[k].r == CHP_EABORTED;
		CHECK(told >= PENDING / 2);
		CHECK_EQ(chp_semaphore_queue_length(&gate), 0);
	}
}

static atomic_int let_go;

static int never_ends(void *state, chp_poll_ctx *ctx)
{
	(void)state;
	if (let_go)
		return 0;
	chp_co_yield(ctx);
	return CHP_PENDING;
}

static void *spawn_one_that_never_ends(void *arg)
{
	chp_task_options options = { .name = "stubborn" };

	CHECK_CODE(chp_spawn_poll_with(NULL, never_ends, NULL, &options), 0);
	chp_yield();
	return arg;
}

static void one_that_does_not_listen_is_a_straggler(void)
{
	for (int i = 0; i < KINDS; i++) {
		chp_runtime *rt = make_runtime(&kinds[i]);
		chp_straggler who;
		size_t left = 0;

		let_go = 0;
		block_on(rt, spawn_one_that_never_ends, NULL);
		CHECK_CODE(chp_runtime_shutdown(rt, chp_in(10 * CHP_MS), &who,
						1, &left),
			   CHP_ETIMEDOUT);
		CHECK_EQ(left, 1);
		CHECK(!strcmp(who.name, "stubborn"));
		CHECK_EQ(who.blocking, 0);
		let_go = 1;
		shut_down(rt);
	}
}

/* ---- Simulation ---- */

struct player {
	chp_coro co;
	chp_acquire_op acquire;
	chp_sleep_op sleep;
	int i, r;
};

static int play(void *state, chp_poll_ctx *ctx)
{
	struct player *p = state;

	CHP_CO_BEGIN(&p->co);
	for (p->i = 0; p->i < 5; p->i++) {
		chp_semaphore_acquire_op(&p->acquire, &gate, 1);
		CHP_CO_AWAIT(&p->co, ctx, &p->acquire.op, p->r);
		CHECK_CODE(p->r, 0);
		note(p->i);
		chp_sleep_until_op(&p->sleep, chp_in(p->i * CHP_MS));
		CHP_CO_AWAIT(&p->co, ctx, &p->sleep.op, p->r);
		note(100 + p->i);
		chp_semaphore_release(&gate, 1);
		CHP_CO_YIELD(&p->co, ctx);
	}
	CHP_CO_END(&p->co, 0);
}

static void *play_on_a_stack(void *arg)
{
	for (int i = 0; i < 5; i++) {
		CHECK_CODE(chp_semaphore_acquire(&gate, 1), 0);
		note(i);
		chp_sleep_for(i * CHP_MS);
		note(200 + i);
		chp_semaphore_release(&gate, 1);
		chp_yield();
	}
	return arg;
}

static void *game(void *arg)
{
	struct player players[4] = { { .r = 0 } };
	chp_task t[6];

	reset();
	chp_semaphore_release(&gate, 2);
	for (int i = 0; i < 4; i++)
		CHECK_CODE(chp_spawn_poll(&t[i], play, &players[i]), 0);
	spawn_all(&t[4], 2, play_on_a_stack, NULL);
	join_all(t, 6);
	return arg;
}

static void one_seed_gives_one_run(void)
{
	static struct trace first, last;
	int differing = 0;

	for (uint64_t seed = 1; seed <= (uint64_t)h_rounds(100); seed++) {
		trace.used.v = 0;
		run_seed(seed, game, NULL);
		first = trace;
		CHECK_EQ(first.used.v, 60);
		trace.used.v = 0;
		run_seed(seed, game, NULL);
		CHECK(same_trace(&first, &trace));
		differing += seed > 1 && !same_trace(&first, &last);
		last = first;
	}
	CHECK(differing > 0);
}

static void *wait_for_ever(void *arg)
{
	static struct waiter w;

	reset();
	spawn_at_the_gate(&w);
	return chp_join(&w.task, NULL) ? NULL : arg;
}

static void run_stuck(void *arg)
{
	run_seed(7, wait_for_ever, arg);
}

static void a_deadlock_names_what_it_waits_for(void)
{
	h_must_panic(run_stuck, NULL, "\"\" waits for semaphore acquire");
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_deadlock_names_what_it_waits_for, ON_ITS_OWN),
	TEST(a_shutdown_aborts_those_that_are_pending, ON_ITS_OWN),
	TEST(one_that_does_not_listen_is_a_straggler, ON_ITS_OWN),
	TEST(one_seed_gives_one_run, ON_ITS_OWN),
};
/* clang-format on */

H_MAIN("poll_runtime", tests)
