/*
 * relax.h - waiting for another processor to finish a few instructions.
 */
#ifndef CHAPPE_SRC_OS_RELAX_H
#define CHAPPE_SRC_OS_RELAX_H

/*
 * Call it in a loop that re-reads what it waits for, with *spins 0 before the
 * first call.  First some processor hints, more each time, then sched_yield(),
 * then sleeps that grow to a millisecond: so it neither burns a processor nor
 * locks out a thread of lower priority that must run for the wait to end.
 */
void chp__relax(unsigned *spins);

#endif
