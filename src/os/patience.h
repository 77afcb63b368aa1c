/*
 * patience.h - looking again for a while before sleeping.
 *
 * A sleep and its wake cost more than most partners on another processor take
 * to answer.  So a thread that is about to sleep first spins some microseconds,
 * then lets other threads run some times, and looks.  Each of the two is a bet,
 * made as long as it pays: what waits for long costs nothing, and a machine
 * that is full of other work is not kept from it.
 *
 *	spin    some bets lost in a row, and only every eighth wait makes one.
 *	        But two partners that both sleep never win one, as each has to
 *	        wake the other: so now and then one spins for as long as a wake
 *	        takes, ever more seldom, down to every 64th wait, until short
 *	        ones are won again, many in a row.  In the end that is about two
 *	        microseconds for each sleep.
 *	yield   the same, without the long ones; and when other threads, once let
 *	        run, keep the processor for long, the bet is off at once.
 */
#ifndef CHAPPE_SRC_OS_PATIENCE_H
#define CHAPPE_SRC_OS_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

#include <chappe/time.h>

/* One for each that waits, its own only; all zero: a new one. */
struct patience {
	uint32_t spins_won, spins_lost; /* in a row */
	uint32_t yields_lost;
	uint32_t gap;       /* how many waits lie between two long spins */
	uint32_t since;     /* waits since the last one, while none are won */
	uint32_t unyielded; /* waits since the last yields */
};

/* Look again until ready(arg), which must be cheap; false: sleep now.  Not if
   the sleep must end soon; 0: it need not. */
bool chp__patience(struct patience *p, bool (*ready)(const void *arg),
		   const void *arg, chp_time deadline);

#endif
