/*
 * store.h - where a channel keeps its values: a ring of fixed size, or a list
 * of blocks that grows.  It knows no waiters and takes no lock.
 *
 * Two sides.  Whoever pushes excludes others who push, and whoever pops others
 * who pop, by means of the channel's.  The sides may work at once if the place
 * of a push is known to be free (a ring: by the channel's count of room) and
 * the value of a pop to be there: a push's release of `pushed` (P) publishes
 * it, store_look() acquires it (Q).  What each side writes, and what both only
 * read, lie on cache lines of their own.
 *
 * Blocks go from the popping side to the pushing one.  A new one is linked
 * before `pushed` is released, so the popping side finds the link when it gets
 * there.  What it has used up it may hand back as the one `spare`, which
 * belongs to the pushing side: a store at rest keeps at most two.
 */
#ifndef CHAPPE_SRC_CHAN_STORE_H
#define CHAPPE_SRC_CHAN_STORE_H

#include "base/atomic.h"
#include "base/compiler.h"
#include "chan/value.h"

struct block {
	struct block *next;
	char values[] __attribute__((aligned(16)));
};

struct store {
	/* the pushing side's */
	chp_word64 pushed; /* values ever; the other side reads it */
	size_t tx_index;   /* in the ring, or in tx_block */
	struct block *tx_block, *spare;

	char apart[CACHE_LINE];

	/* set once */
	size_t places; /* of the ring; 0: blocks */
	size_t size;   /* of a value */
	size_t stride; /* from one value to the next */
	size_t per_block;
	char *ring;

	char apart_too[CACHE_LINE];

	/* the popping side's */
	chp_word64 popped; /* values ever; others read it */
	uint64_t seen;     /* `pushed`, as store_look() knows it */
	size_t rx_index;
	struct block *rx_block;
};

/* places 0: blocks.  The store is all-zero.  0 or CHP_ENOMEM. */
int chp__store_init(struct store *s, size_t places, size_t size);
void chp__store_free(struct store *s);

/* Memory for a block, or NULL; and back.  For no lock to be held. */
struct block *chp__store_make_block(const struct store *s);
void chp__store_free_block(const struct store *s, struct block *b);

/* The pushing side: go on to the spare block, which is there. */
void chp__store_link_block(struct store *s);

/* The popping side is at the end of its block, and there is a value: go on to
   the next.  Returns the block that is used up; NULL: there was none. */
struct block *chp__store_next_block(struct store *s);

/* Must a spare block be there before the next push? */
static inline bool store_needs_block(const struct store *s)
{
	return !s->places && s->tx_index == s->per_block && !s->spare;
}

/* There is room.  Copies the value in. */
static inline void store_push(struct store *s, const void *value)
{
	size_t i = s->tx_index;
	char *place;

	if (s->places) {
		place = s->ring + i * s->stride;
		s->tx_index = i + 1 == s->places ? 0 : i + 1;
	} else {
		if (unlikely(i == s->per_block)) {
			chp__store_link_block(s);
			i = 0;
		}
		place = s->tx_block->values + i * s->stride;
		s->tx_index = i + 1;
	}
	value_copy(place, value, s->size);
	store64_release(&s->pushed, load64_relaxed(&s->pushed) + 1); /* (P) */
}

/* Must chp__store_next_block() come before store_front()? */
static inline bool store_at_end(const struct store *s)
{
	return !s->places && s->rx_index == s->per_block;
}

/* Where the oldest value is, which is there. */
static inline void *store_front(const struct store *s)
{
	char *values = s->places ? s->ring : s->rx_block->values;

	return values + s->rx_index * s->stride;
}

/* Forget the oldest value. */
static inline void store_pop(struct store *s)
{
	size_t i = s->rx_index + 1;

	s->rx_index = s->places && i == s->places ? 0 : i;
	/* Release, so that store_count() of another thread, which acquires it,
	   is not behind what it knows. */
	store64_release(&s->popped, load64_relaxed(&s->popped) + 1);
}

/* The popping side: how many values are there, counting up to limit.  Does not
   touch what the pushing side writes as long as it knows of so many. */
static inline size_t store_look(struct store *s, size_t limit)
{
	uint64_t popped = load64_relaxed(&s->popped);

	if (s->seen - popped < limit)
		s->seen = load64_acquire(&s->pushed); /* (Q) */
	return s->seen - popped < limit ? (size_t)(s->seen - popped) : limit;
}

/* How many values are in it. */
static inline size_t store_count(const struct store *s)
{
	/* popped first, so that the difference is never negative; acquire so
	   that a completed send that we know of is counted. */
	uint64_t popped = load64_acquire(&s->popped);

	/* Relaxed: who takes what it counts holds the lock by which it was
	   pushed, or held it since, or looks with store_look(). */
	return (size_t)(load64_relaxed(&s->pushed) - popped);
}

#endif
