/*
 * wheel.c - a hierarchical timer wheel.
 *
 * Time is cut into ticks of 2^16 ns.  A timer due at time `at` belongs to the
 * tick ceil(at / tick), and fires once the clock is past that tick's start: so
 * never early, and less than a tick late by the wheel's doing.
 *
 * Level L has 64 slots of 64^L ticks each.  A timer sits on the level of the
 * highest 6-bit digit in which its tick differs from the wheel's, in the slot
 * that this digit names.  So
 *
 *   - on each level all occupied slots lie ahead of the wheel's own digit, and
 *     none wraps: the first one is the lowest set bit of occupied[L];
 *   - whatever is on level L is due before anything on level L + 1.
 *
 * Reaching a slot of level 0 fires it; reaching one of a higher level deals its
 * timers out again on lower levels, those due at its very first tick into the
 * level 0 slot of the wheel's own digit, which is fired next.  Between, the
 * wheel's tick may jump ahead freely, as long as it passes no slot's start: so
 * the level of a timer can be worked out anew at any time.
 *
 * The lock guards everything but `next`, which is written under it and read
 * anywhere.  t->wheel says whether t is armed: written under the lock; (W)
 * release of NULL is the last touch of a fired timer and pairs with the
 * owner's acquire (V).  A spin lock, a leaf; wakers run after it is given up.
 */
#include "wait/wheel.h"

#include <string.h>

#include "base/compiler.h"
#include "os/spin.h"
#include "wait/op.h"

enum { BATCH = 32 };

void chp__wheel_init(struct wheel *w, chp_time now,
		     void (*earlier)(struct wheel *w))
{
	memset(w, 0, sizeof(*w));
	w->tick = (uint64_t)now >> WHEEL_TICK_BITS;
	w->earlier = earlier;
	store64_relaxed(&w->next, UINT64_MAX);
}

static uint64_t tick_of(chp_time at)
{
	uint64_t one = (uint64_t)1 << WHEEL_TICK_BITS;

	return ((uint64_t)(at > 0 ? at : 0) + one - 1) >> WHEEL_TICK_BITS;
}

static unsigned level_of(const struct wheel *w, uint64_t tick)
{
	uint64_t differ = (w->tick ^ tick) | 1;

	return (63u - (unsigned)__builtin_clzll(differ)) / WHEEL_SLOT_BITS;
}

static unsigned digit(uint64_t tick, unsigned level)
{
	return (unsigned)(tick >> (level * WHEEL_SLOT_BITS)) %
	       (unsigned)WHEEL_SLOTS;
}

static void insert(struct wheel *w, chp_timer *t)
{
	unsigned level, slot;
	chp_timer **head;

	level = level_of(w, t->tick);
	slot = digit(t->tick, level);
	head = &w->slots[level][slot];

	t->prev = NULL;
	t->next = *head;
	if (t->next)
		t->next->prev = t;
	*head = t;
	w->occupied[level] |= (uint64_t)1 << slot;
}

/* The start of the first occupied slot, in ticks; UINT64_MAX: none. */
static uint64_t first_slot(const struct wheel *w, unsigned *level,
			   unsigned *slot)
{
	for (unsigned l = 0; l < WHEEL_LEVELS; l++) {
		unsigned shift = l * WHEEL_SLOT_BITS;
		uint64_t above;

		if (!w->occupied[l])
			continue;
		*level = l;
		*slot = (unsigned)__builtin_ctzll(w->occupied[l]);
		above = l + 1 < WHEEL_LEVELS
				? w->tick >> (shift + WHEEL_SLOT_BITS)
				: 0;
		return (above << WHEEL_SLOT_BITS | *slot) << shift;
	}
	return UINT64_MAX;
}

static void publish_next(struct wheel *w)
{
	unsigned level, slot;
	uint64_t tick = first_slot(w, &level, &slot);

	/* Relaxed: a hint, see wheel_next. */
	store64_relaxed(&w->next, tick == UINT64_MAX ? UINT64_MAX
						     : tick << WHEEL_TICK_BITS);
}

void chp__wheel_arm(struct wheel *w, chp_timer *t, chp_time at, chp_waker waker)
{
	uint64_t start;
	bool earlier;

	waker_store(&t->waker, waker);
	t->at = at;
	t->tick = tick_of(at);

	spin_lock(&w->lock, RANK_WHEEL);
	/* Its tick has been served: the next one. */
	if (t->tick <= w->tick)
		t->tick = w->tick + 1;
	insert(w, t);
	/* Relaxed: the owner reads its own store. */
	storep_relaxed(&t->wheel, w);
	/* At most as late as the slot's start: a bound is all we need. */
	start = t->tick << WHEEL_TICK_BITS;
	earlier = start < load64_relaxed(&w->next);
	if (earlier)
		store64_relaxed(&w->next, start);
	spin_unlock(&w->lock, RANK_WHEEL);

	if (earlier && w->earlier)
		w->earlier(w);
}

/* Lock held, t armed in w. */
static void remove(struct wheel *w, chp_timer *t)
{
	unsigned level = level_of(w, t->tick);
	unsigned slot = digit(t->tick, level);

	if (t->prev)
		t->prev->next = t->next;
	else
		w->slots[level][slot] = t->next;
	if (t->next)
		t->next->prev = t->prev;
	if (!w->slots[level][slot])
		w->occupied[level] &= ~((uint64_t)1 << slot);
}

bool chp__wheel_cancel(chp_timer *t)
{
	struct wheel *w = loadp_acquire(&t->wheel); /* (V) */
	bool armed;

	if (!w)
		return false;
	spin_lock(&w->lock, RANK_WHEEL);
	armed = loadp_relaxed(&t->wheel) != NULL;
	if (armed) {
		remove(w, t);
		storep_relaxed(&t->wheel, NULL);
	}
	spin_unlock(&w->lock, RANK_WHEEL);
	return armed;
}

bool chp__wheel_is_armed(struct wheel *w)
{
	unsigned level, slot;
	bool armed;

	spin_lock(&w->lock, RANK_WHEEL);
	armed = first_slot(w, &level, &slot) != UINT64_MAX;
	spin_unlock(&w->lock, RANK_WHEEL);
	return armed;
}

/* Deal the timers of a slot out again; those on level 0 are due. */
static void cascade(struct wheel *w, unsigned level, unsigned slot)
{
	chp_timer *t = w->slots[level][slot];

	w->slots[level][slot] = NULL;
	w->occupied[level] &= ~((uint64_t)1 << slot);
	while (t) {
		chp_timer *next = t->next;

		insert(w, t);
		t = next;
	}
}

/* Fire up to BATCH timers due at tick `end`; false when none is left. */
static bool collect(struct wheel *w, uint64_t end, chp_waker *wakers,
		    unsigned *count)
{
	*count = 0;
	for (;;) {
		unsigned level = 0, slot = 0;
		uint64_t start = first_slot(w, &level, &slot);
		chp_timer *t;

		if (start > end) {
			if (end > w->tick)
				w->tick = end;
			return false;
		}
		w->tick = start;
		if (level > 0) {
			cascade(w, level, slot);
			continue;
		}
		while ((t = w->slots[0][slot])) {
			if (*count == BATCH)
				return true;
			wakers[(*count)++] = t->waker;
			remove(w, t);
			storep_release(&t->wheel, NULL); /* (W) */
		}
	}
}

unsigned chp__wheel_expire(struct wheel *w, chp_time now)
{
	uint64_t end = (uint64_t)now >> WHEEL_TICK_BITS;
	chp_waker wakers[BATCH];
	unsigned count, total = 0;
	bool more;

	if (now < wheel_next(w))
		return 0;
	do {
		spin_lock(&w->lock, RANK_WHEEL);
		more = collect(w, end, wakers, &count);
		publish_next(w);
		spin_unlock(&w->lock, RANK_WHEEL);

		for (unsigned i = 0; i < count; i++)
			waker_wake(wakers[i]);
		total += count;
	} while (more);
	return total;
}
