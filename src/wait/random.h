/*
 * random.h - cheap random numbers: where to start, whom to ask first.
 */
#ifndef CHAPPE_SRC_WAIT_RANDOM_H
#define CHAPPE_SRC_WAIT_RANDOM_H

#include <stdint.h>

/* One step of xorshift64*: state must not be 0. */
static inline uint32_t random_step(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return (uint32_t)((x * 0x2545f4914f6cdd1dULL) >> 32);
}

/* From the calling agent's own state. */
uint32_t chp__random(void);

#endif
