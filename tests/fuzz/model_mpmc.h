/*
 * model_mpmc.h - the reference of a channel with many receivers: mpmc.h as
 * arrays, for those who poll by hand.
 */
#ifndef CHAPPE_TESTS_FUZZ_MODEL_MPMC_H
#define CHAPPE_TESTS_FUZZ_MODEL_MPMC_H

#include "model.h"

enum { MODEL_MPMC_BUFFER = 512, MODEL_MPMC_OUT = 8 };

struct model_mpmc {
	int capacity; /* 0: a rendezvous; -1: unbounded */
	bool closed;
	int senders, receivers, weak, dropped;
	struct model_queue sending, receiving;
	int places, messages; /* promised */
	bool place[MODEL_WAITERS], message[MODEL_WAITERS];
	int out[MODEL_MPMC_OUT];
	int len;
	int buffer[MODEL_MPMC_BUFFER];
};

void model_mpmc_init(struct model_mpmc *m, int capacity);
int model_mpmc_send(struct model_mpmc *m, int who, int value);
int model_mpmc_try_send(struct model_mpmc *m, int value);
/* How many, CHP_PENDING, CHP_ECLOSED. */
int model_mpmc_recv(struct model_mpmc *m, int who, int limit);
int model_mpmc_try_recv(struct model_mpmc *m);
int model_mpmc_cancel(struct model_mpmc *m, int who);
void model_mpmc_close(struct model_mpmc *m);
void model_mpmc_tx_drop(struct model_mpmc *m);
void model_mpmc_rx_drop(struct model_mpmc *m);
int model_mpmc_capacity(const struct model_mpmc *m);

#endif
