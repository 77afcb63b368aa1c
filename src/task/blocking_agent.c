/*
 * blocking_agent.c - how a blocking call waits: on its thread's event, with the
 * process-wide driver's timers and the runtime's descriptors.
 */
#include <sched.h>

#include "os/clock.h"
#include "os/event.h"
#include "task/blocking.h"
#include "task/worker.h"
#include "wait/process_driver.h"

static void job_park(struct agent *a, chp_time deadline)
{
	chp__event_wait(&task_of(a)->event, deadline);
}

static void job_unpark(struct agent *a)
{
	chp__event_set(&task_of(a)->event);
}

static void job_yield(struct agent *a)
{
	(void)a;
	sched_yield();
}

/* The system's clock, also beside a paused one: its thread really waits. */
static chp_time job_now(struct agent *a)
{
	(void)a;
	return chp__clock_now();
}

static chp_time job_coarse(struct agent *a)
{
	(void)a;
	return chp__clock_coarse();
}

static int job_wheel(struct agent *a, struct wheel **out)
{
	(void)a;
	return chp__process_wheel(out);
}

static int job_driver(struct agent *a, struct driver **out)
{
	*out = &task_runtime(task_of(a))->driver;
	return 0;
}

const struct agent_class chp__job_class = {
	.kind = CHP_TASK,
	.park = job_park,
	.unpark = job_unpark,
	.yield = job_yield,
	.now = job_now,
	.coarse = job_coarse,
	.wheel = job_wheel,
	.driver = job_driver,
};
