/*
 * wheel.h - timers: arm and cancel in constant time.
 */
#ifndef CHAPPE_SRC_WAIT_WHEEL_H
#define CHAPPE_SRC_WAIT_WHEEL_H

#include <chappe/time.h>

#include "base/atomic.h"

enum {
	WHEEL_TICK_BITS = 16, /* a tick is 65.5 us */
	WHEEL_SLOT_BITS = 6,
	WHEEL_SLOTS = 1 << WHEEL_SLOT_BITS,
	WHEEL_LEVELS = 8, /* 16 + 8 * 6 bits: every time there is */
};

struct wheel {
	chp_word lock;
	chp_word64 next; /* no timer is due before; UINT64_MAX: none at all */
	uint64_t tick;   /* every earlier tick has been served */
	uint64_t occupied[WHEEL_LEVELS];
	chp_timer *slots[WHEEL_LEVELS][WHEEL_SLOTS];
	/* Called without the lock when `next` moved to an earlier time. */
	void (*earlier)(struct wheel *w);
};

/* All-zero but for this. */
void chp__wheel_init(struct wheel *w, chp_time now,
		     void (*earlier)(struct wheel *w));

/*
 * Wake `waker`, of which the wheel takes over a reference, at `at` or soon
 * after, never before.  The timer is not armed.
 */
void chp__wheel_arm(struct wheel *w, chp_timer *t, chp_time at,
		    chp_waker waker);

/*
 * Disarm.  Afterwards nobody touches the timer.  True if it had not fired; its
 * waker's reference is then the caller's again.
 */
bool chp__wheel_cancel(chp_timer *t);

/* Fire what is due at `now`; returns how many wakers ran. */
unsigned chp__wheel_expire(struct wheel *w, chp_time now);

/* Is any timer armed? */
bool chp__wheel_is_armed(struct wheel *w);

/* When to look again; CHP_NEVER: nothing is armed.  From any thread. */
static inline chp_time wheel_next(const struct wheel *w)
{
	/* Relaxed: a hint; whoever must not miss a timer holds the lock or
	   is the one that arms. */
	uint64_t next = load64_relaxed(&w->next);

	return next > (uint64_t)INT64_MAX ? CHP_NEVER : (chp_time)next;
}

#endif
