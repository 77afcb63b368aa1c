/*
 * clock.h - the system's monotonic clock.
 */
#ifndef CHAPPE_SRC_OS_CLOCK_H
#define CHAPPE_SRC_OS_CLOCK_H

#include <time.h>

#include <chappe/op.h>

/* Nanoseconds; always > 0. */
chp_time chp__clock_now(void);

/* The same clock, some milliseconds behind, read at a fifth of the cost. */
chp_time chp__clock_coarse(void);

/* now + length, saturating at INT64_MAX, never below 1. */
static inline chp_time chp__time_add(chp_time now, chp_time length)
{
	chp_time at;

	if (__builtin_add_overflow(now, length, &at))
		return length > 0 ? INT64_MAX : 1;
	return at > 0 ? at : 1;
}

static inline struct timespec chp__timespec(chp_time t)
{
	struct timespec ts;

	ts.tv_sec = (time_t)(t / 1000000000);
	ts.tv_nsec = (long)(t % 1000000000);
	return ts;
}

#endif
