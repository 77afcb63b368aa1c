/*
 * contended.h - parties that want one object: contended.c, for the curves too.
 */
#ifndef CHAPPE_CONTENDED_H
#define CHAPPE_CONTENDED_H

#include "bench.h"

/* A semaphore by its policy, or a lock; of the last two, every tenth writes,
   or nobody does. */
enum kind {
	FIFO = CHP_FIFO,
	FAIR = CHP_FAIR,
	UNFAIR = CHP_UNFAIR,
	MUTEX,
	MUTEX_FIFO,
	RW90,
	RW_READ
};

/* n threads, for a time; what a workload returns. */
double contend_threads(enum kind k, int n);

#endif
