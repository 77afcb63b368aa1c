/*
 * model_barrier.h - the references of a barrier and of a wait group.
 */
#ifndef CHAPPE_TESTS_FUZZ_MODEL_BARRIER_H
#define CHAPPE_TESTS_FUZZ_MODEL_BARRIER_H

#include "model.h"

struct model_barrier {
	int parties, arrived;
	bool withdraw;
	struct model_queue queue;
	bool released[MODEL_WAITERS];
};

int model_barrier_poll(struct model_barrier *m, int who);
int model_barrier_cancel(struct model_barrier *m, int who);

struct model_wait_group {
	int64_t count;
	struct model_queue queue;
	bool released[MODEL_WAITERS];
};

int model_wait_group_poll(struct model_wait_group *m, int who);
int model_wait_group_cancel(struct model_wait_group *m, int who);
void model_wait_group_add(struct model_wait_group *m, int64_t n);

#endif
