/*
 * patience.c - see patience.h.
 */
#include "os/patience.h"

#include <sched.h>

#include "base/atomic.h"
#include "os/clock.h"
#include "os/cpu.h"
#include "os/thread.h"

enum {
	SPINS = 100, /* two to four microseconds */
	YIELDS = 8,
	LOST_MAX = 4, /* bets in a row, then no more */
	STREAK = 16,  /* bets won in a row: it really pays */
	GAP_MIN = 8,
	GAP_MAX = 64,
	SHORT_EVERY = 8,
	YIELD_EVERY = 64, /* waits, to find out whether things have changed */
};

/* As long as a wake takes, and an answer. */
#define LONG_SPIN ((chp_time)100000)

/* What all yields together may take. */
#define YIELDS_LONGEST ((chp_time)30000)

/* Who is to wake sooner than twice that must not be kept. */
#define LONGEST (2 * (LONG_SPIN + YIELDS_LONGEST))

/* Nobody else can run while we spin? */
static bool one_processor(void)
{
	static chp_word known; /* how many, if not 0 */
	uint32_t n = load_relaxed(&known);

	if (!n) {
		n = chp__cpu_count();
		store_relaxed(&known, n);
	}
	return n == 1;
}

static bool spin(bool (*ready)(const void *arg), const void *arg)
{
	for (int i = 0; i < SPINS; i++) {
		chp__cpu_relax();
		if (ready(arg))
			return true;
	}
	return false;
}

static bool spin_long(bool (*ready)(const void *arg), const void *arg)
{
	chp_time end = chp__clock_now() + LONG_SPIN;

	while (chp__clock_now() < end)
		if (spin(ready, arg))
			return true;
	return false;
}

static bool bet_on_spin(struct patience *p, bool (*ready)(const void *arg),
			const void *arg)
{
	if (p->spins_lost < LOST_MAX) {
		if (spin(ready, arg)) {
			p->spins_lost = 0;
			if (++p->spins_won >= STREAK)
				p->gap = 0;
			return true;
		}
		p->spins_won = 0;
		p->spins_lost++;
		p->since = 0;
		return false;
	}
	if (p->gap < GAP_MIN)
		p->gap = GAP_MIN;
	if (++p->since < p->gap) {
		if (p->since % SHORT_EVERY || !spin(ready, arg))
			return false;
		p->spins_lost = 0;
		return true;
	}
	p->since = 0;
	if (p->gap < GAP_MAX)
		p->gap *= 2;
	if (!spin_long(ready, arg))
		return false;
	/* Now both are awake: the next ones show. */
	p->spins_lost = 0;
	return true;
}

static bool bet_on_yield(struct patience *p, bool (*ready)(const void *arg),
			 const void *arg)
{
	chp_time end;

	if (p->yields_lost >= LOST_MAX && ++p->unyielded < YIELD_EVERY)
		return false;
	p->unyielded = 0;
	end = chp__clock_now() + YIELDS_LONGEST;
	for (int i = 0; i < YIELDS; i++) {
		bool is_ready, late;

		sched_yield();
		is_ready = ready(arg);
		late = chp__clock_now() >= end;
		if (late)
			p->yields_lost = LOST_MAX;
		else if (is_ready)
			p->yields_lost = 0;
		if (is_ready || late)
			return is_ready;
	}
	p->yields_lost++;
	return false;
}

bool chp__patience(struct patience *p, bool (*ready)(const void *arg),
		   const void *arg, chp_time deadline)
{
	if (deadline && deadline - chp__clock_now() < LONGEST)
		return false;
	return (!one_processor() && bet_on_spin(p, ready, arg)) ||
	       bet_on_yield(p, ready, arg);
}
