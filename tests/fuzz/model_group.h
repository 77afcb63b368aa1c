/*
 * model_group.h - the reference of a task group: group.h as arrays.  When a
 * member ends, and with what, is told from outside.
 */
#ifndef CHAPPE_TESTS_FUZZ_MODEL_GROUP_H
#define CHAPPE_TESTS_FUZZ_MODEL_GROUP_H

#include "model.h"

enum { MODEL_MEMBERS = 16 };

struct model_group {
	bool keep_going, results, cancelled;
	int running, code; /* of the first that failed */
	int ended;         /* whose end nobody has been told */
	int who[MODEL_MEMBERS], with[MODEL_MEMBERS]; /* in order of `when` */
	int when[MODEL_MEMBERS], ends; /* by member: which end of all it was */
	struct model_queue next, wait;
	int given[MODEL_WAITERS]; /* 1 + the member; 0: nothing */
	int given_with[MODEL_WAITERS];
	bool told[MODEL_WAITERS]; /* that none is left */
	int out, out_with;
};

int model_group_spawn(struct model_group *m);
void model_group_end(struct model_group *m, int member, int code);
/* 1: out and out_with; 0: none is left. */
int model_group_next(struct model_group *m, int who);
int model_group_cancel_next(struct model_group *m, int who);
int model_group_wait(struct model_group *m, int who);

#endif
