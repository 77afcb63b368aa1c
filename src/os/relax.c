/*
 * relax.c - hints, twice as many each time, then yields, then sleeps.
 */
#include "os/relax.h"

#include <sched.h>
#include <time.h>

#include "os/cpu.h"

/* Up to which call it hints, and yields. */
enum { HINTS = 7, YIELDS = 27, LONGEST_SLEEP_US = 1000 };

void chp__relax(unsigned *spins)
{
	unsigned n = (*spins)++;

	if (n < HINTS) {
		/* Ever longer: who looks often takes the line from the holder,
		   who then cannot work on it. */
		for (unsigned i = 0; i < 1u << n; i++)
			chp__cpu_relax();
	} else if (n < YIELDS) {
		sched_yield();
	} else {
		unsigned us = 20u << (n - YIELDS < 6 ? n - YIELDS : 6);
		struct timespec t = { 0, 0 };

		if (us > LONGEST_SLEEP_US)
			us = LONGEST_SLEEP_US;
		t.tv_nsec = (long)us * 1000;
		nanosleep(&t, NULL);
	}
}
