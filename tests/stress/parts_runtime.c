/*
 * parts_runtime.c - runtimes that come and go.
 *
 * Now and then a thread makes a runtime, lets a few visitors take steps in it,
 * with everybody else's objects, and shuts it down around them: they are
 * aborted wherever they are.  One such runtime at a time, since visitors have
 * fixed places among the agents.
 */
#include "stress.h"

static chp_word busy;
static chp_word64 made, timeouts;

static void *visit(void *agent)
{
	struct agent *a = agent;
	chp_runtime_stats stats;

	chp_runtime_get_stats(chp_runtime_current(), &stats);
	agent_begin(a, stats.workers ? MT_TASK : CT_TASK);
	agent_steps(a, 1 + (long)(a->beats.v % 300));
	agent_end(a);
	return NULL;
}

static void *stay_a_while(void *until)
{
	chp_wait whatever = { .flags = CHP_UNINTERRUPTIBLE };

	CHECK_CODE(chp_sleep_until_with(*(chp_time *)until, &whatever), 0);
	return until;
}

static void shut_down(struct agent *a, chp_runtime *rt)
{
	chp_straggler left[2];
	size_t count;
	int r;

	do {
		at(a, "shutting down");
		r = chp_runtime_shutdown(rt, chance(a, 50) ? soon(a) : 0, left,
					 2, &count);
		CHECK(r == 0 || r == CHP_ETIMEDOUT);
		if (r)
			__atomic_add_fetch(&timeouts.v, 1, __ATOMIC_RELAXED);
	} while (r);
}

static void live_and_die(struct agent *a)
{
	chp_runtime_options options = {
		.kind = chance(a, 50) ? CHP_MANY_THREADS : CHP_CURRENT_THREAD,
		.workers = 1 + below(a, 2),
		.blocking_max = 2,
		.budget = 1 + below(a, 64),
		.name = "visited",
	};
	chp_time until;
	chp_runtime *rt;
	void *result;

	if (options.kind == CHP_CURRENT_THREAD)
		options.workers = 0;
	at(a, "making a runtime");
	CHECK_CODE(chp_runtime_new(&rt, &options), 0);
	for (unsigned i = 0; i < agent_count; i++) {
		chp_task_options visitor = { .runtime = rt,
					     .name = "visitor",
					     .stack_size = 128 * 1024 };

		if (agents[i].visitor)
			CHECK_CODE(chp_spawn_with(NULL, visit, &agents[i],
						  &visitor),
				   0);
	}
	until = soon(a);
	at(a, "running a runtime");
	CHECK_CODE(chp_runtime_block_on(rt, stay_a_while, &until, &result), 0);
	CHECK(result == &until);
	shut_down(a, rt);
	for (unsigned i = 0; i < agent_count; i++)
		CHECK(!agents[i].visitor || !load(&agents[i].running));
	__atomic_add_fetch(&made.v, 1, __ATOMIC_RELAXED);
}

/* Rarely, since it is much work; and a visitor has no visitors. */
static void runtime_step(struct agent *a)
{
	if (a->kind != THREAD || !chance(a, 5) ||
	    __atomic_exchange_n(&busy.v, 1, __ATOMIC_ACQUIRE))
		return;
	live_and_die(a);
	count(a, 0);
	store(&busy, 0);
}

static void runtime_report(void)
{
	fprintf(stderr,
		"  %" PRIu64 " made, %" PRIu64 " shutdowns out of time\n",
		made.v, timeouts.v);
}

const struct part part_runtime = {
	.name = "runtime",
	.step = runtime_step,
	.report = runtime_report,
};
