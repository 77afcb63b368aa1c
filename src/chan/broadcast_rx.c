/*
 * broadcast_rx.c - receivers' handles: subscribing, leaving, looking.
 *
 * A receiver owes what is sent while it is counted, so to join and to leave
 * are a look at the position and a change of the count under the tail's lock.
 * What a receiver leaves unread it pays off after, slot by slot; later sends
 * do not count on it.
 */
#include "base/panic.h"
#include "chan/broadcast.h"

enum { MAX_RECEIVERS = 1 << 30 };

/* ---- Subscribing ---- */

static int subscribe(struct chp__broadcast *ch, chp_broadcast_rx *rx)
{
	uint32_t n;

	*rx = (chp_broadcast_rx){ .ch = NULL };
	if (!ch)
		return CHP_EINVAL;
	tail_lock(ch);
	n = load_relaxed(&ch->receivers);
	if (n < MAX_RECEIVERS) {
		store_relaxed(&ch->receivers, n + 1);
		rx->next = load64_relaxed(&ch->pos);
		rx->ch = ch;
	}
	tail_unlock(ch);
	if (!rx->ch)
		return CHP_EOVERFLOW;
	handles_ref(&ch->handles);
	return 0;
}

int chp_broadcast_subscribe(const chp_broadcast_tx *tx, chp_broadcast_rx *rx)
{
	return subscribe(tx->ch, rx);
}

int chp_broadcast_resubscribe(const chp_broadcast_rx *rx, chp_broadcast_rx *out)
{
	return subscribe(rx->ch, out);
}

/* One more owes the value at pos, if anybody does. */
static bool owe_too(struct chp__broadcast *ch, uint64_t pos)
{
	struct slot *s = slot_at(ch, pos);
	bool owed;

	slot_lock(s);
	owed = slot_holds(s, pos) && s->remaining != 0;
	if (owed)
		s->remaining++;
	slot_unlock(s);
	return owed;
}

/*
 * Backwards from the tail: what is sent from the subscription on is owed
 * anyway, so there is no gap, and the tail's lock is not needed.
 */
int chp_broadcast_subscribe_from_oldest(const chp_broadcast_tx *tx,
					chp_broadcast_rx *rx)
{
	int r = subscribe(tx->ch, rx);

	if (r)
		return r;
	while (owe_too(rx->ch, rx->next - 1))
		rx->next--;
	return 0;
}

bool chp__broadcast_pass_over(struct chp__broadcast *ch, uint64_t pos)
{
	struct slot *s = slot_at(ch, pos);
	struct cell *cell = NULL;
	bool there;

	slot_lock(s);
	there = slot_holds(s, pos);
	if (there && --s->remaining == 0 && ch->boxed)
		cell = slot_take_cell(s);
	slot_unlock(s);
	chp__broadcast_cell_unref(cell);
	return there;
}

/* Tail locked: one receiver less.  The position up to which it owes. */
static uint64_t unsubscribe(struct chp__broadcast *ch, struct wake_batch *batch)
{
	uint32_t left = load_relaxed(&ch->receivers) - 1;

	store_relaxed(&ch->receivers, left);
	if (!left)
		claim_all(&ch->closed, batch);
	return load64_relaxed(&ch->pos);
}

void chp_broadcast_rx_drop(chp_broadcast_rx *rx)
{
	struct chp__broadcast *ch = rx->ch;
	struct wake_batch batch = { NULL, NULL };
	uint64_t next = rx->next, end;

	if (!ch)
		return;
	if (rx->pending)
		chp__panic("broadcast: receiver dropped while a receive of it "
			   "was pending");
	rx->ch = NULL;
	tail_lock(ch);
	end = unsubscribe(ch, &batch);
	tail_unlock(ch);
	batch_wake(&batch);

	/* Later sends do not count on us; earlier ones do. */
	if (end - next > ch->capacity)
		next = end - ch->capacity;
	for (; next != end; next++)
		chp__broadcast_pass_over(ch, next);
	chp__broadcast_unref(ch);
}

/* ---- Looking ---- */

uint64_t chp_broadcast_lagged(const chp_broadcast_rx *rx)
{
	return rx->lagged;
}

uint64_t chp_broadcast_len(const chp_broadcast_rx *rx)
{
	/* (Q) acquire: a completed send that we know of is counted. */
	return rx->ch ? load64_acquire(&rx->ch->pos) - rx->next : 0;
}

int chp_broadcast_is_empty(const chp_broadcast_rx *rx)
{
	return chp_broadcast_len(rx) == 0;
}

int chp_broadcast_rx_same_channel(const chp_broadcast_rx *a,
				  const chp_broadcast_rx *b)
{
	return a->ch && a->ch == b->ch;
}
