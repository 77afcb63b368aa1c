/*
 * watch.c - making channels; handles and their counts.
 */
#include "chan/watch.h"

#include "base/alloc.h"
#include "base/panic.h"

/* ---- Making ---- */

static struct chp__watch *make(size_t size, const chp_watch_values *values,
			       const void *initial)
{
	struct chp__watch *ch = NULL;
	struct chp__watch_cell *cell;

	if (size <= SIZE_MAX / 2)
		ch = chp__alloc(sizeof(*ch) + sizeof(*cell) + size);
	if (!ch)
		return NULL;
	memset(ch, 0, sizeof(*ch));
	ch->size = size;
	if (values) {
		ch->clone = values->clone;
		ch->drop = values->drop;
	}
	chp_semaphore_init(&ch->turn, 1, CHP_FIFO);

	cell = watch_first_cell(ch);
	cell->ch = ch;
	watch_make_current(ch, cell);
	if (initial)
		value_copy(cell->value, initial, size);
	else
		memset(cell->value, 0, size);
	store64_relaxed(&ch->senders, 1);
	return ch;
}

int chp_watch(size_t size, const chp_watch_values *values, const void *initial,
	      chp_watch_tx *tx, chp_watch_rx *rx)
{
	struct chp__watch *ch;

	if (!tx || !rx)
		return CHP_EINVAL;
	ch = make(size, values, initial);
	tx->ch = rx->ch = ch;
	rx->seen = 0;
	if (!ch)
		return CHP_ENOMEM;
	store64_relaxed(&ch->receivers, 1);
	return 0;
}

int chp_watch_tx_new(size_t size, const chp_watch_values *values,
		     const void *initial, chp_watch_tx *tx)
{
	if (!tx)
		return CHP_EINVAL;
	tx->ch = make(size, values, initial);
	return tx->ch ? 0 : CHP_ENOMEM;
}

/* ---- Handles ---- */

void chp_watch_tx_clone(const chp_watch_tx *tx, chp_watch_tx *out)
{
	struct chp__watch *ch = tx->ch;

	if (ch) {
		watch_lock(ch);
		watch_count(&ch->senders, 1);
		watch_unlock(ch);
	}
	out->ch = ch;
}

void chp_watch_rx_clone(const chp_watch_rx *rx, chp_watch_rx *out)
{
	struct chp__watch *ch = rx->ch;

	if (ch) {
		watch_lock(ch);
		watch_count(&ch->receivers, 1);
		watch_unlock(ch);
	}
	*out = *rx;
}

void chp_watch_subscribe(const chp_watch_tx *tx, chp_watch_rx *out)
{
	struct chp__watch *ch = tx->ch;

	out->ch = ch;
	out->seen = 0;
	if (!ch)
		return;
	watch_lock(ch);
	watch_count(&ch->receivers, 1);
	out->seen = watch_version(ch);
	watch_unlock(ch);
}

/* Lock held: the last handle goes, and with it the value. */
static void end(struct chp__watch *ch)
{
	struct chp__watch_cell *cell = ch->current;
	bool last = watch_settle(cell);

	ch->current = NULL;
	watch_unlock(ch);
	if (last)
		chp__watch_retire(cell);
}

void chp_watch_tx_drop(chp_watch_tx *tx)
{
	struct chp__watch *ch = tx->ch;
	struct wake_batch batch = { NULL, NULL };

	if (!ch)
		return;
	tx->ch = NULL;
	watch_lock(ch);
	if (watch_count(&ch->senders, -1) == 0) {
		if (ch->closed.first)
			chp__panic("watch: the last sender was dropped while "
				   "it waits for receivers to go");
		store64_release(&ch->version, load64_relaxed(&ch->version) |
						      CLOSED); /* (V) */
		/* Relaxed: under the lock. */
		if (load64_relaxed(&ch->receivers) == 0) {
			end(ch);
			return;
		}
		watch_claim_all(&ch->changed, &batch);
	}
	watch_unlock(ch);
	batch_wake(&batch);
}

void chp_watch_rx_drop(chp_watch_rx *rx)
{
	struct chp__watch *ch = rx->ch;
	struct wake_batch batch = { NULL, NULL };

	if (!ch)
		return;
	rx->ch = NULL;
	watch_lock(ch);
	if (watch_count(&ch->receivers, -1) == 0) {
		if (ch->changed.first)
			chp__panic("watch: the last receiver was dropped "
				   "while it waits");
		/* Relaxed: under the lock. */
		if (load64_relaxed(&ch->senders) == 0) {
			end(ch);
			return;
		}
		watch_claim_all(&ch->closed, &batch);
	}
	watch_unlock(ch);
	batch_wake(&batch);
}

/* ---- Looking ---- */

int chp_watch_same_channel(const chp_watch_tx *a, const chp_watch_tx *b)
{
	return a->ch && a->ch == b->ch;
}

int chp_watch_rx_same_channel(const chp_watch_rx *a, const chp_watch_rx *b)
{
	return a->ch && a->ch == b->ch;
}

size_t chp_watch_receiver_count(const chp_watch_tx *tx)
{
	return tx->ch ? (size_t)load64_acquire(&tx->ch->receivers) : 0;
}

size_t chp_watch_sender_count(const chp_watch_tx *tx)
{
	return tx->ch ? (size_t)load64_acquire(&tx->ch->senders) : 0;
}

int chp_watch_is_closed(const chp_watch_tx *tx)
{
	return chp_watch_receiver_count(tx) == 0;
}

int chp_watch_has_changed(const chp_watch_rx *rx)
{
	uint64_t version;

	if (!rx->ch)
		return CHP_EINVAL;
	version = load64_acquire(&rx->ch->version); /* (W) */
	if (version & CLOSED)
		return CHP_ECLOSED;
	return version != rx->seen;
}

void chp_watch_mark_changed(chp_watch_rx *rx)
{
	/* One change back: no version to come equals it. */
	rx->seen -= CHANGE;
}

void chp_watch_mark_unchanged(chp_watch_rx *rx)
{
	if (rx->ch)
		/* Relaxed: what it is to have seen it learns by no other way
		   than a later look, which acquires. */
		rx->seen = load64_relaxed(&rx->ch->version) & ~(uint64_t)CLOSED;
}
