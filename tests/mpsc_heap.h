/*
 * mpsc_heap.h - a channel whose ends, operations and values are on the heap,
 * and go at once when a side has its result: for races of its two ends.
 */
#ifndef CHAPPE_TESTS_MPSC_HEAP_H
#define CHAPPE_TESTS_MPSC_HEAP_H

#include "chan.h"
#include "duo.h"

/* On the heap, so that use after free is seen. */
static chp_mpsc_tx *tx;
static chp_mpsc_rx *rx;
static int sent, got, result; /* what each side was told */

/* capacity 0: an unbounded channel. */
static inline void make(size_t capacity)
{
	forget_the_last();
	sent = result = 1000;
	got = -1;
	tx = malloc(sizeof(*tx));
	rx = malloc(sizeof(*rx));
	make_ends(capacity, sizeof(int), count_drop, tx, rx);
}

static inline void make_bounded(void)
{
	make(1);
}

static inline void make_unbounded(void)
{
	make(0);
}

static inline void make_full(void)
{
	make(1);
	CHECK_CODE(chp_mpsc_try_send(tx, &(int){ 1 }), 0);
}

static inline void free_tx(void)
{
	chp_mpsc_tx_drop(tx);
	memset(tx, 0xdd, sizeof(*tx));
	free(tx);
}

static inline void free_rx(void)
{
	chp_mpsc_rx_drop(rx);
	memset(rx, 0xdd, sizeof(*rx));
	free(rx);
}

static inline void send_and_free(void)
{
	chp_send_op *op = malloc(sizeof(*op));
	int *v = malloc(sizeof(*v));

	*v = 2;
	chp_mpsc_send_op(op, tx, v);
	sent = h_wait(&op->op, NULL);
	memset(op, 0xdd, sizeof(*op));
	*v = 3;
	free(op);
	free(v);
	free_tx();
}

#endif
