/*
 * ring.h - values in order, for those who have a lock but no queue.
 */
#ifndef CHAPPE_PEER_RING_H
#define CHAPPE_PEER_RING_H

#include "peer.h"

struct ring {
	uint64_t *slots;
	size_t room, first, used;
	bool grows;
};

static inline void ring_init(struct ring *r, size_t capacity)
{
	r->grows = capacity == 0;
	r->room = r->grows ? 64 : capacity;
	r->first = r->used = 0;
	r->slots = calloc(r->room, sizeof(*r->slots));
	EXPECT(r->slots != NULL);
}

static inline bool ring_full(const struct ring *r)
{
	return r->used == r->room && !r->grows;
}

static inline void ring_double(struct ring *r)
{
	uint64_t *slots = calloc(2 * r->room, sizeof(*slots));

	EXPECT(slots != NULL);
	for (size_t i = 0; i < r->used; i++)
		slots[i] = r->slots[(r->first + i) % r->room];
	free(r->slots);
	r->slots = slots;
	r->room *= 2;
	r->first = 0;
}

static inline void ring_put(struct ring *r, uint64_t value)
{
	size_t at;

	if (r->used == r->room)
		ring_double(r);
	at = r->first + r->used++;
	r->slots[at < r->room ? at : at - r->room] = value;
}

static inline uint64_t ring_take(struct ring *r)
{
	uint64_t value = r->slots[r->first];

	r->used--;
	if (++r->first == r->room)
		r->first = 0;
	return value;
}

#endif
