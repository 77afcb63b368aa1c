/*
 * model_semaphore.h - the reference of a semaphore: semaphore.h as arrays.
 */
#ifndef CHAPPE_TESTS_FUZZ_MODEL_SEMAPHORE_H
#define CHAPPE_TESTS_FUZZ_MODEL_SEMAPHORE_H

#include "model.h"

struct model_semaphore {
	chp_policy policy;
	bool closed;
	int64_t count, capacity;
	struct model_queue queue;
	/* By number: what it wants, and whether it was handed that. */
	int64_t want[MODEL_WAITERS];
	bool granted[MODEL_WAITERS];
};

void model_semaphore_init(struct model_semaphore *m, int64_t permits,
			  chp_policy policy);
int model_semaphore_poll(struct model_semaphore *m, int who, int64_t n);
int model_semaphore_cancel(struct model_semaphore *m, int who);
int model_semaphore_try(struct model_semaphore *m, int64_t n);
int model_semaphore_release(struct model_semaphore *m, int64_t n);
int64_t model_semaphore_drain(struct model_semaphore *m);
int model_semaphore_reduce(struct model_semaphore *m, int64_t n);
int64_t model_semaphore_forget(struct model_semaphore *m, int64_t n);
int model_semaphore_resize(struct model_semaphore *m, int64_t capacity);
void model_semaphore_close(struct model_semaphore *m);
int64_t model_semaphore_available(const struct model_semaphore *m);

#endif
