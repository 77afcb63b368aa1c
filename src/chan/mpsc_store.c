/*
 * mpsc_store.c - the ring of a bounded channel, the blocks of an unbounded one.
 *
 * Blocks form a list from the receiver's to the senders'.  A sender links a new
 * one, under the lock, before it releases `pushed`; so the receiver finds the
 * link when it gets there.  The receiver hands an empty block back as the one
 * spare, or frees it: a channel at rest keeps at most two.
 */
#include "chan/mpsc.h"

#include "base/alloc.h"

enum { BLOCK_BYTES = 2048, BLOCK_MIN = 8 };

int chp__mpsc_store_init(struct chp__mpsc *ch)
{
	size_t bytes;

	ch->stride = (ch->size + 7) & ~(size_t)7;
	if (!ch->capacity) {
		ch->per_block =
			ch->stride ? BLOCK_BYTES / ch->stride : BLOCK_BYTES;
		if (ch->per_block < BLOCK_MIN)
			ch->per_block = BLOCK_MIN;
		ch->tx_index = ch->rx_index = ch->per_block;
		return 0;
	}
	if (__builtin_mul_overflow(ch->capacity, ch->stride, &bytes) ||
	    bytes > SIZE_MAX / 4)
		return CHP_ENOMEM;
	ch->ring = chp__alloc(bytes);
	return ch->ring ? 0 : CHP_ENOMEM;
}

struct block *chp__mpsc_make_block(const struct chp__mpsc *ch)
{
	struct block *b = chp__alloc(sizeof(*b) + ch->per_block * ch->stride);

	if (b)
		b->next = NULL;
	return b;
}

void chp__mpsc_free_block(const struct chp__mpsc *ch, struct block *b)
{
	chp__free(b, sizeof(*b) + ch->per_block * ch->stride);
}

void chp__mpsc_store_free(struct chp__mpsc *ch)
{
	struct block *b = ch->rx_block;

	if (ch->capacity) {
		chp__free(ch->ring, ch->capacity * ch->stride);
		return;
	}
	while (b) {
		struct block *next = b->next;

		chp__mpsc_free_block(ch, b);
		b = next;
	}
	if (ch->spare)
		chp__mpsc_free_block(ch, ch->spare);
}

void chp__mpsc_link_block(struct chp__mpsc *ch)
{
	struct block *b = ch->spare;

	ch->spare = NULL;
	b->next = NULL;
	if (ch->tx_block)
		ch->tx_block->next = b;
	else
		ch->rx_block = b;
	ch->tx_block = b;
}

void chp__mpsc_next_block(struct chp__mpsc *ch)
{
	struct block *old = ch->rx_block, *extra = old;

	ch->rx_index = 0;
	/* The very first block was set by the sender. */
	if (load64_relaxed(&ch->popped) == 0)
		return;
	ch->rx_block = old->next;
	mpsc_lock(ch);
	if (!ch->spare) {
		ch->spare = old;
		extra = NULL;
	}
	mpsc_unlock(ch);
	if (extra)
		chp__mpsc_free_block(ch, extra);
}
