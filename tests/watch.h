/*
 * watch.h - what the watch suites share: a channel of ints on the heap, so that
 * use after free is seen, and waits that become polling where the mode asks for
 * it.
 */
#ifndef CHAPPE_TESTS_WATCH_H
#define CHAPPE_TESTS_WATCH_H

#include "chan.h"

MAYBE_UNUSED static int watch_changed(chp_watch_rx *rx, const chp_wait *w)
{
	chp_watch_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_watch_changed_with(rx, w)
			 : chp_watch_changed(rx);
	chp_watch_changed_op(&op, rx);
	return h_wait(&op.op, w);
}

MAYBE_UNUSED static int watch_wait_for(chp_watch_rx *rx,
				       int (*pred)(const void *, void *),
				       void *arg, chp_watch_ref *ref,
				       const chp_wait *w)
{
	chp_watch_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_watch_wait_for_with(rx, pred, arg, ref, w)
			 : chp_watch_wait_for(rx, pred, arg, ref);
	chp_watch_wait_for_op(&op, rx, pred, arg, ref);
	return h_wait(&op.op, w);
}

MAYBE_UNUSED static int watch_closed(const chp_watch_tx *tx, const chp_wait *w)
{
	chp_watch_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_watch_closed_with(tx, w) : chp_watch_closed(tx);
	chp_watch_closed_op(&op, tx);
	return h_wait(&op.op, w);
}

/* ---- Channels of ints ---- */

MAYBE_UNUSED static int copy_int(void *to, const void *from)
{
	*(int *)to = *(const int *)from;
	return 0;
}

MAYBE_UNUSED static const chp_watch_values dropped = { .drop = count_drop };
MAYBE_UNUSED static const chp_watch_values cloned = { .clone = copy_int,
						      .drop = count_drop };

MAYBE_UNUSED static int send_int(const chp_watch_tx *tx, int value)
{
	return chp_watch_send(tx, &value);
}

/* The value of a channel, by whichever end. */
MAYBE_UNUSED static int value_of(const chp_watch_rx *rx)
{
	chp_watch_ref ref;
	int v;

	CHECK_CODE(chp_watch_borrow(rx, &ref), 0);
	v = *(const int *)ref.value;
	chp_watch_ref_release(&ref);
	return v;
}

MAYBE_UNUSED static int tx_value_of(const chp_watch_tx *tx)
{
	chp_watch_ref ref;
	int v;

	CHECK_CODE(chp_watch_tx_borrow(tx, &ref), 0);
	v = *(const int *)ref.value;
	chp_watch_ref_release(&ref);
	return v;
}

/* Is the value `arg` or more? */
MAYBE_UNUSED static int at_least(const void *value, void *arg)
{
	return *(const int *)value >= *(const int *)arg;
}

MAYBE_UNUSED static void add_to(void *value, void *arg)
{
	*(int *)value += *(const int *)arg;
}

#endif
