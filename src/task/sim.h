/*
 * sim.h - a runtime that runs from a seed: deterministic simulation.
 *
 * What it promises its users is in docs/simulation.md.
 */
#ifndef CHAPPE_SRC_TASK_SIM_H
#define CHAPPE_SRC_TASK_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include <chappe/time.h>

struct sim;
struct task;
struct worker;

/* When a run begins: 1,000,000 s. */
#define SIM_START ((chp_time)1000000 * CHP_SEC)

/* How long, really, a run that is stuck waits for somebody outside it. */
#define SIM_PATIENCE CHP_SEC

/* What a blocking call may use, which runs as a task. */
#define SIM_BLOCKING_STACK ((size_t)1 << 20)

/* NULL when out of memory. */
struct sim *chp__sim_new(uint64_t seed, unsigned budget);
void chp__sim_free(struct sim *s);

/* The id of the next new task: the same in each run. */
uint64_t chp__sim_id(struct sim *s);

/*
 * chp__find() of a runtime with a seed; NULL: ask again, after SIM_PATIENCE in
 * the poller if it is idle.
 */
struct task *chp__sim_find(struct worker *w);
bool chp__sim_is_idle(const struct sim *s);

#endif
