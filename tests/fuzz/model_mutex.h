/*
 * model_mutex.h - the reference of a mutex of both kinds, with a condition
 * variable on it: mutex.h and cond.h as arrays.
 */
#ifndef CHAPPE_TESTS_FUZZ_MODEL_MUTEX_H
#define CHAPPE_TESTS_FUZZ_MODEL_MUTEX_H

#include "model.h"

enum model_cond_phase { COND_NEW, COND_WAITS, COND_SIGNALLED, COND_LOCKS };

struct model_mutex {
	bool fifo, locked;
	struct model_queue queue;
	bool granted[MODEL_WAITERS]; /* FIFO: handed to, locked all the time */

	struct model_queue cond;
	enum model_cond_phase phase[MODEL_WAITERS];
	bool by_all[MODEL_WAITERS]; /* signalled by a broadcast */
};

void model_mutex_init(struct model_mutex *m, bool fifo);
int model_mutex_poll(struct model_mutex *m, int who);
int model_mutex_cancel(struct model_mutex *m, int who);
int model_mutex_try(struct model_mutex *m);
void model_mutex_unlock(struct model_mutex *m);

int model_cond_poll(struct model_mutex *m, int who);
int model_cond_cancel(struct model_mutex *m, int who);
void model_cond_signal(struct model_mutex *m);
void model_cond_broadcast(struct model_mutex *m);

#endif
