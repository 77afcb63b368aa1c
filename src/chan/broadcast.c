/*
 * broadcast.c - making channels, senders' handles, counts.
 */
#include "chan/broadcast.h"

#include "base/alloc.h"

/* ---- Making and freeing ---- */

/* The least power of two that is not below n. */
static uint64_t power_of_two(uint64_t n)
{
	uint64_t p = 1;

	while (p < n)
		p <<= 1;
	return p;
}

/* Bytes of a channel with its ring; 0: more than there can be. */
static size_t bytes_of(uint64_t n, size_t stride)
{
	size_t ring, all;

	if (n > SIZE_MAX || __builtin_mul_overflow((size_t)n, stride, &ring) ||
	    __builtin_add_overflow(ring, sizeof(struct chp__broadcast), &all))
		return 0;
	return all;
}

static struct chp__broadcast *make(size_t capacity, size_t size,
				   const chp_broadcast_values *values)
{
	bool boxed = values && (values->clone || values->drop);
	size_t room = boxed ? sizeof(struct cell *) : (size + 7) & ~(size_t)7;
	size_t stride = sizeof(struct slot) + room;
	uint64_t n = power_of_two(capacity);
	struct chp__broadcast *ch;

	if (size > SIZE_MAX / 4 || !bytes_of(n, stride))
		return NULL;
	/* Zeros are a free lock, no position, and no cell. */
	ch = chp__alloc_zero(bytes_of(n, stride));
	if (!ch)
		return NULL;
	ch->capacity = n;
	ch->size = size;
	ch->stride = stride;
	ch->boxed = boxed;
	if (boxed)
		ch->values = *values;
	store64_relaxed(&ch->pos, n);
	handles_init(&ch->handles, 1);
	return ch;
}

int chp_broadcast_tx_new(size_t capacity, size_t size,
			 const chp_broadcast_values *values,
			 chp_broadcast_tx *tx)
{
	if (!tx)
		return CHP_EINVAL;
	tx->ch = NULL;
	if (!capacity || capacity > SIZE_MAX / 2)
		return CHP_EINVAL;
	tx->ch = make(capacity, size, values);
	return tx->ch ? 0 : CHP_ENOMEM;
}

int chp_broadcast(size_t capacity, size_t size,
		  const chp_broadcast_values *values, chp_broadcast_tx *tx,
		  chp_broadcast_rx *rx)
{
	int r;

	if (!rx)
		return CHP_EINVAL;
	*rx = (chp_broadcast_rx){ .ch = NULL };
	r = chp_broadcast_tx_new(capacity, size, values, tx);
	return r ? r : chp_broadcast_subscribe(tx, rx);
}

/* No receiver is left, so no value either, and nobody waits. */
static void free_channel(struct chp__broadcast *ch)
{
	chp__free(ch, bytes_of(ch->capacity, ch->stride));
}

void chp__broadcast_unref(struct chp__broadcast *ch)
{
	if (handles_unref(&ch->handles))
		free_channel(ch);
}

/* ---- Senders ---- */

void chp_broadcast_tx_clone(const chp_broadcast_tx *tx, chp_broadcast_tx *out)
{
	struct chp__broadcast *ch = tx->ch;

	if (ch)
		handles_add_sender(&ch->handles);
	out->ch = ch;
}

void chp_broadcast_tx_drop(chp_broadcast_tx *tx)
{
	struct chp__broadcast *ch = tx->ch;
	struct wake_batch batch = { NULL, NULL };

	tx->ch = NULL;
	/* (S) releases our sends.  Who waits has either seen 0 (R), or is
	   queued before we have the lock. */
	if (!ch || !handles_drop_sender(&ch->handles)) /* (S) */
		return;
	tail_lock(ch);
	claim_all(&ch->waiting, &batch);
	tail_unlock(ch);
	batch_wake(&batch);
	chp__broadcast_unref(ch);
}

int chp_broadcast_same_channel(const chp_broadcast_tx *a,
			       const chp_broadcast_tx *b)
{
	return a->ch && a->ch == b->ch;
}

size_t chp_broadcast_receiver_count(const chp_broadcast_tx *tx)
{
	/* Relaxed: nothing is concluded about what the receivers did. */
	return tx->ch ? load_relaxed(&tx->ch->receivers) : 0;
}

/* ---- Weak senders ---- */

static void make_weak(struct chp__broadcast *ch, chp_broadcast_weak *out)
{
	if (ch)
		handles_add_weak(&ch->handles);
	out->ch = ch;
}

void chp_broadcast_downgrade(const chp_broadcast_tx *tx,
			     chp_broadcast_weak *out)
{
	make_weak(tx->ch, out);
}

void chp_broadcast_weak_clone(const chp_broadcast_weak *weak,
			      chp_broadcast_weak *out)
{
	make_weak(weak->ch, out);
}

int chp_broadcast_upgrade(const chp_broadcast_weak *weak, chp_broadcast_tx *out)
{
	struct chp__broadcast *ch = weak->ch;

	out->ch = NULL;
	if (!ch || !handles_upgrade(&ch->handles))
		return CHP_ECLOSED;
	out->ch = ch;
	return 0;
}

void chp_broadcast_weak_drop(chp_broadcast_weak *weak)
{
	struct chp__broadcast *ch = weak->ch;

	weak->ch = NULL;
	if (!ch)
		return;
	if (handles_drop_weak(&ch->handles))
		free_channel(ch);
}

/* ---- Counts ---- */

static size_t strong_of(const struct chp__broadcast *ch)
{
	return ch ? handles_strong(&ch->handles) : 0;
}

static size_t weak_of(const struct chp__broadcast *ch)
{
	return ch ? handles_weak(&ch->handles) : 0;
}

size_t chp_broadcast_strong_count(const chp_broadcast_tx *tx)
{
	return strong_of(tx->ch);
}

size_t chp_broadcast_weak_count(const chp_broadcast_tx *tx)
{
	return weak_of(tx->ch);
}

size_t chp_broadcast_rx_strong_count(const chp_broadcast_rx *rx)
{
	return strong_of(rx->ch);
}

size_t chp_broadcast_rx_weak_count(const chp_broadcast_rx *rx)
{
	return weak_of(rx->ch);
}

size_t chp_broadcast_weak_strong_count(const chp_broadcast_weak *weak)
{
	return strong_of(weak->ch);
}

size_t chp_broadcast_weak_weak_count(const chp_broadcast_weak *weak)
{
	return weak_of(weak->ch);
}

int chp_broadcast_is_closed(const chp_broadcast_rx *rx)
{
	return strong_of(rx->ch) == 0;
}
