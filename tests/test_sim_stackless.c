/*
 * test_sim_stackless.c - stackless tasks of a runtime with a seed: they too may
 * lose their turn between two steps, and go on later where they were.
 */
#include "sim.h"
#include "stackless.h"

enum { TASKS = 3, STEPS = 10 };

/*
 * It never waits: in turn it takes a permit that is there, and hears a notify
 * that was called before, which costs no budget.
 */
struct walker {
	chp_coro co;
	chp_notify call;
	chp_acquire_op acquire;
	chp_notified_op hear;
	int step, r;
	uintptr_t rests[2]; /* at either kind of step */
	chp_task task;
};

static int walk_steps(struct walker *s, chp_poll_ctx *ctx)
{
	CHP_CO_BEGIN(&s->co);
	for (s->step = 0; s->step < STEPS; s->step++) {
		if (s->step % 2) {
			chp_notify_one(&s->call);
			chp_notify_notified_op(&s->hear, &s->call);
			CHP_CO_AWAIT(&s->co, ctx, &s->hear.op, s->r);
		} else {
			chp_semaphore_acquire_op(&s->acquire, &gate, 1);
			CHP_CO_AWAIT(&s->co, ctx, &s->acquire.op, s->r);
		}
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
		s->rests[s->step % 2]++;
	return r;
}

/* How often they lost their turn, into arg. */
static void *walk_all(void *arg)
{
	static struct walker s[TASKS];
	uintptr_t *rests = arg;

	CHECK_CODE(chp_semaphore_init(&gate, TASKS * STEPS / 2, CHP_FIFO), 0);
	memset(s, 0, sizeof(s));
	for (int i = 0; i < TASKS; i++)
		CHECK_CODE(chp_spawn_poll(&s[i].task, walk, &s[i]), 0);
	for (int i = 0; i < TASKS; i++) {
		ends_as(&s[i].task, CHP_RETURNED, &s[i]);
		CHECK_EQ(s[i].step, STEPS);
		rests[0] += s[i].rests[0];
		rests[1] += s[i].rests[1];
		chp_notify_destroy(&s[i].call);
	}
	CHECK_EQ(chp_semaphore_available(&gate), 0);
	return arg;
}

static void walk_from(uint64_t seed, uintptr_t rests[2])
{
	trace.used.v = 0;
	rests[0] = rests[1] = 0;
	run_seed(seed, walk_all, rests);
	CHECK_EQ(trace.used.v, TASKS * STEPS);
}

static void a_turn_may_end_between_two_steps(void)
{
	uint64_t seeds = (uint64_t)h_rounds(100);
	uintptr_t all[2] = { 0, 0 };

	for (uint64_t seed = 1; seed <= seeds; seed++) {
		uintptr_t rests[2];

		walk_from(seed, rests);
		all[0] += rests[0];
		all[1] += rests[1];
		/* It goes on between two losses. */
		CHECK(rests[0] + rests[1] <= 2 * TASKS * STEPS);
	}
	CHECK(all[0] > 0);
	CHECK(all[1] > 0);
}

static void the_same_seed_ends_the_same_turns(void)
{
	struct trace *before = malloc(sizeof(*before));

	for (uint64_t seed = 1; seed <= 20; seed++) {
		uintptr_t first[2], then[2];

		walk_from(seed, first);
		*before = trace;
		walk_from(seed, then);
		CHECK(!memcmp(first, then, sizeof(first)));
		CHECK(same_trace(before, &trace));
	}
	free(before);
}

static const struct h_test tests[] = {
	TEST(a_turn_may_end_between_two_steps, ON_ITS_OWN),
	TEST(the_same_seed_ends_the_same_turns, ON_ITS_OWN),
};

H_MAIN("sim stackless", tests)
