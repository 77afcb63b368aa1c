/*
 * model_broadcast.h - the reference of a broadcast channel: broadcast.h as
 * arrays.  All values ever sent are kept; each knows who has still to read it.
 */
#ifndef CHAPPE_TESTS_FUZZ_MODEL_BROADCAST_H
#define CHAPPE_TESTS_FUZZ_MODEL_BROADCAST_H

#include "model.h"

enum {
	MODEL_BROADCAST_RX = 4,
	MODEL_BROADCAST_SENDS = 512,
	MODEL_BROADCAST_OUT = 8,
};

struct model_broadcast {
	int ring; /* a power of two */
	int senders, weak, receivers;
	int sent;    /* how many values */
	int dropped; /* destroyed by the channel */
	struct model_broadcast_rx {
		bool alive;
		int next;
		uint64_t lagged; /* latest */
	} rx[MODEL_BROADCAST_RX];
	int out[MODEL_BROADCAST_OUT];
	int value[MODEL_BROADCAST_SENDS];
	uint8_t owed[MODEL_BROADCAST_SENDS]; /* bits of receivers */
};

void model_broadcast_init(struct model_broadcast *m, int capacity);
int model_broadcast_send(struct model_broadcast *m, int value);
void model_broadcast_subscribe(struct model_broadcast *m, int rx);
void model_broadcast_subscribe_oldest(struct model_broadcast *m, int rx);
void model_broadcast_rx_drop(struct model_broadcast *m, int rx);
/* How many, CHP_PENDING, CHP_ELAGGED, CHP_ECLOSED. */
int model_broadcast_recv(struct model_broadcast *m, int rx, int limit);
int model_broadcast_tx_len(const struct model_broadcast *m);

#endif
