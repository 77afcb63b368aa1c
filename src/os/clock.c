/*
 * clock.c - clock_gettime, as nanoseconds.
 */
#include "os/clock.h"

#ifndef CLOCK_MONOTONIC_COARSE
#define CLOCK_MONOTONIC_COARSE CLOCK_MONOTONIC
#endif

static chp_time read_clock(clockid_t id)
{
	struct timespec t;
	chp_time now;

	clock_gettime(id, &t);
	now = (chp_time)t.tv_sec * 1000000000 + t.tv_nsec;
	return now > 0 ? now : 1;
}

chp_time chp__clock_now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

chp_time chp__clock_coarse(void)
{
	return read_clock(CLOCK_MONOTONIC_COARSE);
}
