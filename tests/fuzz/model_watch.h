/*
 * model_watch.h - the reference of a watch: watch.h as a version and a value.
 */
#ifndef CHAPPE_TESTS_FUZZ_MODEL_WATCH_H
#define CHAPPE_TESTS_FUZZ_MODEL_WATCH_H

#include "model.h"

enum { MODEL_WATCH_RX = 4 };

struct model_watch {
	int value, version, senders, receivers;
	struct model_watch_rx {
		bool alive;
		int seen;   /* a version; -1: taken for unseen */
		bool waits; /* in wait_for, and has tried a value */
	} rx[MODEL_WATCH_RX];
};

int model_watch_send(struct model_watch *m, int value);
void model_watch_replace(struct model_watch *m, int value, bool tell);
/* Mark the value seen; was it not? */
bool model_watch_see(struct model_watch *m, int rx);
int model_watch_has_changed(const struct model_watch *m, int rx);
int model_watch_changed(struct model_watch *m, int rx);
/* Wait for a value of that remainder by three. */
int model_watch_wait_for(struct model_watch *m, int rx, int remainder);

#endif
