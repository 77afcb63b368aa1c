/*
 * model_cancel.h - the reference of cancellation tokens: cancel.h as a tree of
 * flags.  Time is told from outside.
 */
#ifndef CHAPPE_TESTS_FUZZ_MODEL_CANCEL_H
#define CHAPPE_TESTS_FUZZ_MODEL_CANCEL_H

#include "model.h"

enum { MODEL_TOKENS = 5 };

struct model_cancel {
	struct model_token {
		bool made;
		int parent;        /* -1: none */
		chp_time deadline; /* the effective one */
		int status;
	} token[MODEL_TOKENS];
};

void model_cancel_make(struct model_cancel *m, int t, int parent,
		       chp_time deadline, chp_time now);
void model_cancel_now(struct model_cancel *m, int t);
int model_cancel_status(struct model_cancel *m, int t, chp_time now);

#endif
