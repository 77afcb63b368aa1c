/*
 * sync.h - what the suites of notify, barrier and wait group share: operations
 * that are polled by hand with a waker of their own, how many wait, and memory
 * that shows when it is touched too late.
 */
#ifndef CHAPPE_TESTS_SYNC_H
#define CHAPPE_TESTS_SYNC_H

#include "chan.h"

/* ---- Looking inside ---- */

/* The lock of an object is bit 0 of its word: take it as the library does. */
MAYBE_UNUSED static size_t queued(chp_word64 *word, chp_node *const *first)
{
	uint64_t seen;
	size_t count = 0;

	do
		seen = __atomic_load_n(&word->v, __ATOMIC_RELAXED) & ~1ull;
	while (!__atomic_compare_exchange_n(&word->v, &seen, seen | 1, 0,
					    __ATOMIC_ACQUIRE,
					    __ATOMIC_RELAXED));
	for (const chp_node *n = *first; n; n = n->next)
		count++;
	__atomic_store_n(&word->v, seen, __ATOMIC_RELEASE);
	return count;
}

/* How many wait in the queue of an object. */
#define QUEUED(object) queued(&(object)->word, &(object)->first)

/* ---- Polling by hand ---- */

/* Poll; then the waker has as many references as a queue place holds. */
MAYBE_UNUSED static void poll_pends(chp_op *op, struct h_waker *w)
{
	CHECK_EQ(h_wakes(w), 0);
	CHECK_CODE(h_poll(op, w), CHP_PENDING);
	CHECK_EQ(h_refs(w), 1);
}

/* It was woken once, finishes, and no waker is left behind. */
MAYBE_UNUSED static void poll_ends(chp_op *op, struct h_waker *w, int result)
{
	CHECK_EQ(h_wakes(w), 1);
	CHECK_CODE(h_poll(op, w), result);
	CHECK(chp_op_is_finished(op));
	CHECK_EQ(h_refs(w), 0);
	CHECK_EQ(h_wakes(w), 1);
}

/* Finishes in its first poll, with nothing to wait for. */
MAYBE_UNUSED static void poll_at_once(chp_op *op, int result)
{
	struct h_waker w = { 0 };

	CHECK_CODE(h_poll(op, &w), result);
	CHECK_EQ(h_refs(&w), 0);
	CHECK_EQ(h_wakes(&w), 0);
}

/* Cancel; no waker is left behind. */
MAYBE_UNUSED static int cancel_op(chp_op *op, struct h_waker *w)
{
	int found = chp_op_cancel(op);

	CHECK_EQ(h_refs(w), 0);
	CHECK(chp_op_is_finished(op));
	return found;
}

/* Let others run, also those that share the processor with this worker. */
MAYBE_UNUSED static void rest(void)
{
	h_yield();
	if (h_mode() == H_MT)
		sched_yield();
}

/* ---- Graves ---- */

/*
 * dig() gives memory, bury() takes it back at once, while others may still be
 * on their way out of it.  Under a sanitizer that is malloc and free.
 * Otherwise what is buried is filled with a pattern, and must be unharmed when
 * its turn comes again: GRAVES rounds later.
 */
enum { GRAVES = 64, GRAVE = 1024, PATTERN = 0xa5 };

enum { GRAVES_ARE_HEAP = SANITIZED };

static union grave {
	unsigned char bytes[GRAVE];
	max_align_t align;
} graves[GRAVES];

MAYBE_UNUSED static void open_graves(void)
{
	memset(graves, PATTERN, sizeof(graves));
}

/* One at a time digs; the number of the round says where. */
MAYBE_UNUSED static void *dig(size_t size, uint32_t round)
{
	unsigned char *grave = graves[round % GRAVES].bytes;

	CHECK(size <= GRAVE);
	if (GRAVES_ARE_HEAP) {
		void *p = malloc(size);

		CHECK(p);
		return memset(p, 0, size);
	}
	for (size_t i = 0; i < GRAVE; i++)
		CHECK_EQ(grave[i], PATTERN);
	return memset(grave, 0, size);
}

MAYBE_UNUSED static void bury(void *p, size_t size)
{
	memset(p, PATTERN, size);
	if (GRAVES_ARE_HEAP)
		free(p);
}

#endif
