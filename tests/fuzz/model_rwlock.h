/*
 * model_rwlock.h - the reference of a rwlock: rwlock.h as arrays.
 */
#ifndef CHAPPE_TESTS_FUZZ_MODEL_RWLOCK_H
#define CHAPPE_TESTS_FUZZ_MODEL_RWLOCK_H

#include "model.h"

struct model_rwlock {
	int max, readers; /* -1: a writer */
	struct model_queue queue;
	bool writes[MODEL_WAITERS], granted[MODEL_WAITERS];
};

void model_rwlock_init(struct model_rwlock *m, int max);
int model_rwlock_poll(struct model_rwlock *m, int who, bool writes);
int model_rwlock_cancel(struct model_rwlock *m, int who);
int model_rwlock_try(struct model_rwlock *m, bool writes);
void model_rwlock_unlock(struct model_rwlock *m);
void model_rwlock_downgrade(struct model_rwlock *m);
int model_rwlock_try_upgrade(struct model_rwlock *m);

#endif
