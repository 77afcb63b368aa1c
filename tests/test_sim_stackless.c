/*
 * test_sim_stackless.c - stackless tasks of a runtime with a seed: they too may
 * lose their turn between two steps, and go on later where they were.
 */
#include "sim.h"
#include "stackless.h"

enum { TASKS = 3, STEPS = 10 };

/* Takes permits that are there, one at a time: it never waits. */
struct walker {
	chp_coro co;
	chp_acquire_op acquire;
	int step, r;
	chp_word rests;
	chp_task task;
};

static int walk_steps(struct walker *s, chp_poll_ctx *ctx)
{
	CHP_CO_BEGIN(&s->co);
	for (s->step = 0; s->step < STEPS; s->step++) {
		chp_semaphore_acquire_op(&s->acquire, &gate, 1);
		CHP_CO_AWAIT(&s->co, ctx, &s->acquire.op, s->r);
		CHECK_CODE(s->r, 0);
		note(s->step);
	}
	CHP_CO_END(&s->co, 0);
}

static int walk(void *state, chp_poll_ctx *ctx)
{
	struct walker *s = state;
	int r = walk_steps(s, ctx);

	if (r == CHP_PENDING)
		h_add(&s->rests, 1);
	return r;
}

/* How often they lost their turn. */
static void *walk_all(void *arg)
{
	static struct walker s[TASKS];
	uintptr_t rests = 0;

	CHECK_CODE(chp_semaphore_init(&gate, TASKS * STEPS, CHP_FIFO), 0);
	memset(s, 0, sizeof(s));
	for (int i = 0; i < TASKS; i++)
		CHECK_CODE(chp_spawn_poll(&s[i].task, walk, &s[i]), 0);
	for (int i = 0; i < TASKS; i++) {
		ends_as(&s[i].task, CHP_RETURNED, &s[i]);
		CHECK_EQ(s[i].step, STEPS);
		rests += s[i].rests.v;
	}
	CHECK_EQ(chp_semaphore_available(&gate), 0);
	return arg ? arg : (void *)rests;
}

static uintptr_t rests_of(uint64_t seed)
{
	trace.used.v = 0;
	return (uintptr_t)run_seed(seed, walk_all, NULL);
}

static void a_turn_may_end_between_two_steps(void)
{
	uint64_t seeds = (uint64_t)h_rounds(100);
	uintptr_t rests = 0, most = 0;

	for (uint64_t seed = 1; seed <= seeds; seed++) {
		uintptr_t n = rests_of(seed);

		CHECK_EQ(trace.used.v, TASKS * STEPS);
		rests += n;
		most = n > most ? n : most;
	}
	CHECK(rests > 0);
	/* It goes on between two losses. */
	CHECK(most <= 2 * TASKS * STEPS);
}

static void the_same_seed_ends_the_same_turns(void)
{
	struct trace *before = malloc(sizeof(*before));

	for (uint64_t seed = 1; seed <= 20; seed++) {
		uintptr_t rests = rests_of(seed);

		*before = trace;
		CHECK_EQ(rests_of(seed), rests);
		CHECK(same_trace(before, &trace));
	}
	free(before);
}

static const struct h_test tests[] = {
	TEST(a_turn_may_end_between_two_steps, ON_ITS_OWN),
	TEST(the_same_seed_ends_the_same_turns, ON_ITS_OWN),
};

H_MAIN("sim stackless", tests)
