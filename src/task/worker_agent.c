/*
 * worker_agent.c - who runs between two tasks: the scheduler's own code, and
 * the wakers that it calls.  They must not wait.
 */
#include "base/panic.h"
#include "task/worker.h"

static void worker_park(struct agent *a, chp_time deadline)
{
	(void)a;
	(void)deadline;
	chp__panic("a waker, called by a worker, tried to wait");
}

static void worker_nothing(struct agent *a)
{
	(void)a;
}

static chp_time worker_now(struct agent *a)
{
	return chp__runtime_now(container_of(a, struct worker, agent)->rt);
}

static chp_time worker_coarse(struct agent *a)
{
	return chp__runtime_coarse(container_of(a, struct worker, agent)->rt);
}

static int worker_wheel(struct agent *a, struct wheel **out)
{
	*out = &container_of(a, struct worker, agent)->wheel;
	return 0;
}

static int worker_driver(struct agent *a, struct driver **out)
{
	*out = &container_of(a, struct worker, agent)->rt->driver;
	return 0;
}

const struct agent_class chp__worker_class = {
	.kind = CHP_THREAD,
	.park = worker_park,
	.unpark = worker_nothing,
	.yield = worker_nothing,
	.now = worker_now,
	.coarse = worker_coarse,
	.wheel = worker_wheel,
	.driver = worker_driver,
};
