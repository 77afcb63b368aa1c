/*
 * model_mpsc.h - the reference of a channel with one receiver: mpsc.h and
 * mpsc_permit.h as arrays.
 */
#ifndef CHAPPE_TESTS_FUZZ_MODEL_MPSC_H
#define CHAPPE_TESTS_FUZZ_MODEL_MPSC_H

#include "model.h"

enum { MODEL_MPSC_BUFFER = 512, MODEL_MPSC_OUT = 8 };

struct model_mpsc {
	bool unbounded, closed, rx_gone;
	int max, used; /* places: of messages, permits, granted waits */
	int senders, weak;
	int len, dropped;
	struct model_queue queue;
	int need[MODEL_WAITERS];
	bool granted[MODEL_WAITERS];
	int out[MODEL_MPSC_OUT]; /* what the latest receive got */
	int buffer[MODEL_MPSC_BUFFER];
};

void model_mpsc_init(struct model_mpsc *m, int max); /* 0: unbounded */
/* Waiting for places: 0 and they are the caller's. */
int model_mpsc_reserve(struct model_mpsc *m, int who, int n);
int model_mpsc_cancel(struct model_mpsc *m, int who);
int model_mpsc_try_reserve(struct model_mpsc *m, int n);
/* Into a place that is the caller's; or give places back. */
void model_mpsc_push(struct model_mpsc *m, int value);
void model_mpsc_free(struct model_mpsc *m, int places);
/* Waiting for up to limit messages: CHP_PENDING, CHP_ECLOSED, or how many. */
int model_mpsc_recv(struct model_mpsc *m, int limit);
void model_mpsc_close(struct model_mpsc *m);
void model_mpsc_rx_drop(struct model_mpsc *m);
/* Free places as chp_mpsc_capacity says. */
int model_mpsc_capacity(const struct model_mpsc *m);

#endif
