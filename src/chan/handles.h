/*
 * handles.h - the handles of a channel that has weak senders.
 *
 *	strong   senders; it never rises from 0: then the stream has ended
 *	weak     weak senders; for those who ask
 *	refs     who keeps the memory: one for all senders together, each weak
 *	         one, and what the channel counts besides
 *
 * Counts only grow by handles that exist, and have 64 bits: they cannot wrap.
 */
#ifndef CHAPPE_SRC_CHAN_HANDLES_H
#define CHAPPE_SRC_CHAN_HANDLES_H

#include <stddef.h>

#include "base/atomic.h"

struct handles {
	chp_word64 strong, weak, refs;
};

/* One sender, and so many references in all. */
static inline void handles_init(struct handles *h, unsigned refs)
{
	store64_relaxed(&h->strong, 1);
	store64_relaxed(&h->weak, 0);
	store64_relaxed(&h->refs, refs);
}

static inline void handles_ref(struct handles *h)
{
	/* Relaxed: made from a handle, so the count is not 0. */
	add64_relaxed(&h->refs, 1);
}

/* True: that was the last; free. */
static inline bool handles_unref(struct handles *h)
{
	/* Release what we did; the last one acquires it all. */
	return add64_acq_rel(&h->refs, (uint64_t)-1) == 1;
}

static inline void handles_add_sender(struct handles *h)
{
	/* Relaxed: made from a handle, so the count is not 0. */
	add64_relaxed(&h->strong, 1);
}

/* True: that was the last, and the senders' reference is the caller's to
   forget.  Release: its sends; who sees 0 acquires all of them. */
static inline bool handles_drop_sender(struct handles *h)
{
	return add64_acq_rel(&h->strong, (uint64_t)-1) == 1;
}

static inline void handles_add_weak(struct handles *h)
{
	/* Relaxed: made from a handle. */
	add64_relaxed(&h->weak, 1);
	handles_ref(h);
}

/* True: that was the last reference; free. */
static inline bool handles_drop_weak(struct handles *h)
{
	add64_relaxed(&h->weak, (uint64_t)-1);
	return handles_unref(h);
}

/* A weak sender wants to be one: false, the stream has ended. */
static inline bool handles_upgrade(struct handles *h)
{
	uint64_t strong = load64_relaxed(&h->strong);

	do {
		if (!strong)
			return false;
	} while (!cas64_relaxed(&h->strong, &strong, strong + 1));
	return true;
}

/* Acquire: what others did with handles that are no longer counted. */
static inline size_t handles_strong(const struct handles *h)
{
	return (size_t)load64_acquire(&h->strong);
}

/* Relaxed: weak handles do nothing that one could ask about. */
static inline size_t handles_weak(const struct handles *h)
{
	return (size_t)load64_relaxed(&h->weak);
}

#endif
