/*
 * model_notify.h - the reference of a notify: notify.h as arrays.
 */
#ifndef CHAPPE_TESTS_FUZZ_MODEL_NOTIFY_H
#define CHAPPE_TESTS_FUZZ_MODEL_NOTIFY_H

#include "model.h"

enum model_told { NOT_TOLD, TOLD_FIRST, TOLD_LAST, TOLD_ALL, TOLD_READY };

struct model_notify {
	bool permit;
	uint64_t calls; /* of notify_waiters */
	struct model_queue queue;
	uint64_t made[MODEL_WAITERS]; /* calls when the operation was made */
	enum model_told told[MODEL_WAITERS];
};

void model_notify_make(struct model_notify *m, int who);
int model_notify_poll(struct model_notify *m, int who);
int model_notify_enable(struct model_notify *m, int who);
int model_notify_cancel(struct model_notify *m, int who);
void model_notify_one(struct model_notify *m);
void model_notify_last(struct model_notify *m);
void model_notify_waiters(struct model_notify *m);

#endif
