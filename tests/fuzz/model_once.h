/*
 * model_once.h - the reference of a once cell: once_cell.h as arrays.  A set
 * once is one without turns.
 */
#ifndef CHAPPE_TESTS_FUZZ_MODEL_ONCE_H
#define CHAPPE_TESTS_FUZZ_MODEL_ONCE_H

#include "model.h"

enum model_turn { NO_TURN, TURN_OF_A_WAITER, TURN_TAKEN };

struct model_once {
	bool set;
	enum model_turn turn;
	struct model_queue begin, watch;
	bool given[MODEL_WAITERS]; /* the turn */
	bool told[MODEL_WAITERS];  /* that it is set */
};

/* 1: the turn; 0: set. */
int model_once_begin(struct model_once *m, int who);
int model_once_cancel(struct model_once *m, int who);
int model_once_try_begin(struct model_once *m);
void model_once_fail(struct model_once *m);
void model_once_finish(struct model_once *m);
int model_once_wait(struct model_once *m, int who);
int model_once_set(struct model_once *m);

#endif
