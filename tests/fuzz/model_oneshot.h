/*
 * model_oneshot.h - the reference of a oneshot: oneshot.h as a few flags.
 */
#ifndef CHAPPE_TESTS_FUZZ_MODEL_ONESHOT_H
#define CHAPPE_TESTS_FUZZ_MODEL_ONESHOT_H

#include "model.h"

struct model_oneshot {
	bool tx, rx; /* the handles are not empty */
	bool sent;   /* and not received */
	bool closed; /* rx closed or dropped */
	int value, dropped;
};

int model_oneshot_send(struct model_oneshot *m, int value);
/* CHP_PENDING, or the final result; then rx is empty. */
int model_oneshot_recv(struct model_oneshot *m);
void model_oneshot_rx_drop(struct model_oneshot *m);

#endif
