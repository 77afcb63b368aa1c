/*
 * store.c - the ring and the blocks of a store.
 */
#include "chan/store.h"

#include "base/alloc.h"

enum { BLOCK_BYTES = 2048, BLOCK_MIN = 8 };

int chp__store_init(struct store *s, size_t places, size_t size)
{
	size_t bytes;

	s->places = places;
	s->size = size;
	/* Aligned as malloc's memory: what has at most 8 bytes needs no more. */
	s->stride =
		size <= 8 ? (size + 7) & ~(size_t)7 : (size + 15) & ~(size_t)15;
	if (!places) {
		s->per_block =
			s->stride ? BLOCK_BYTES / s->stride : BLOCK_BYTES;
		if (s->per_block < BLOCK_MIN)
			s->per_block = BLOCK_MIN;
		s->tx_index = s->rx_index = s->per_block;
		return s->stride > SIZE_MAX / 2 / s->per_block ? CHP_ENOMEM : 0;
	}
	if (__builtin_mul_overflow(places, s->stride, &bytes) ||
	    bytes > SIZE_MAX / 4)
		return CHP_ENOMEM;
	s->ring = chp__alloc(bytes);
	return s->ring ? 0 : CHP_ENOMEM;
}

struct block *chp__store_make_block(const struct store *s)
{
	struct block *b = chp__alloc(sizeof(*b) + s->per_block * s->stride);

	if (b)
		b->next = NULL;
	return b;
}

void chp__store_free_block(const struct store *s, struct block *b)
{
	chp__free(b, sizeof(*b) + s->per_block * s->stride);
}

void chp__store_free(struct store *s)
{
	struct block *b = s->rx_block;

	if (s->places) {
		chp__free(s->ring, s->places * s->stride);
		return;
	}
	while (b) {
		struct block *next = b->next;

		chp__store_free_block(s, b);
		b = next;
	}
	if (s->spare)
		chp__store_free_block(s, s->spare);
}

void chp__store_link_block(struct store *s)
{
	struct block *b = s->spare;

	s->spare = NULL;
	b->next = NULL;
	if (s->tx_block)
		s->tx_block->next = b;
	else
		s->rx_block = b;
	s->tx_block = b;
}

struct block *chp__store_next_block(struct store *s)
{
	struct block *old = s->rx_block;

	s->rx_index = 0;
	/* The very first block was set by the pushing side. */
	if (load64_relaxed(&s->popped) == 0)
		return NULL;
	s->rx_block = old->next;
	return old;
}
