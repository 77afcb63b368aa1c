/*
 * habit.h - what the reads of a connection usually find.
 *
 * Who reads whole messages and answers each finds nothing at the next read: it
 * costs a system call to hear that, and later a wake.  Neither is needed if the
 * bytes come while other tasks run that can.  So when reads that follow a full
 * one (which leaves open whether there is more) have found nothing for a while,
 * a task lets others go first, and reads then.  Every so often it does not, and
 * so finds out whether it still is so; if not, the habit is forgotten.
 *
 * Two turns, not one: of two tasks that talk to each other, the one that is
 * just ahead of the other in the queue would come just before its bytes, and
 * not only once but in every round.
 *
 *	FULL    the last read returned as much as it asked for
 *	LATE    others went first, for the read to come
 *	VAIN    how many reads after a full one found nothing, in a row, as far
 *	        as ENOUGH
 *	CREDIT  how many reads may be late before one must not
 *
 * The word belongs to who reads: one at a time (tcp.h).  Relaxed, for who does
 * not keep to that spoils a guess.
 */
#ifndef CHAPPE_SRC_NET_HABIT_H
#define CHAPPE_SRC_NET_HABIT_H

#include <stdbool.h>

#include "base/atomic.h"

enum {
	HABIT_FULL = 1,
	HABIT_LATE = 2,
	HABIT_VAIN = 4,
	HABIT_ENOUGH = 2 * HABIT_VAIN,
	HABIT_VAIN_MASK = 3 * HABIT_VAIN,
	HABIT_CREDIT = 16,
	HABIT_TURNS = 2,
};

/* Between two reads that are not late. */
#define HABIT_PERIOD (31 * HABIT_CREDIT)

/* Should others go first? */
static inline bool habit_is_late(chp_word *habit)
{
	uint32_t h = load_relaxed(habit);

	if (!(h & HABIT_FULL) || h < HABIT_CREDIT)
		return false;
	store_relaxed(habit, (h - HABIT_CREDIT) | HABIT_LATE);
	return true;
}

/* A read has ended: found nothing, or was full, or neither. */
static inline void habit_note(chp_word *habit, bool nothing, bool full)
{
	uint32_t h = load_relaxed(habit), was = h;

	if ((h & (HABIT_FULL | HABIT_LATE)) == HABIT_FULL) {
		if (!nothing)
			h = 0;
		else if ((h & HABIT_VAIN_MASK) < HABIT_ENOUGH)
			h += HABIT_VAIN;
		else
			h = (h & HABIT_VAIN_MASK) | HABIT_PERIOD;
	}
	h = (h & ~(uint32_t)(HABIT_FULL | HABIT_LATE)) |
	    (full ? HABIT_FULL : 0);
	if (h != was)
		store_relaxed(habit, h);
}

#endif
