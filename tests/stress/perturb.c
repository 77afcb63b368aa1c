/*
 * perturb.c - see perturb.h.
 */
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <time.h>

void chp__perturb(void)
{
	static _Thread_local uint32_t random;
	uint32_t r;
	int saved = errno;

	if (!random)
		random = (uint32_t)(uintptr_t)&random | 1;
	random ^= random << 13;
	random ^= random >> 17;
	random ^= random << 5;
	r = random;
	if (r % 32768 < 4)
		nanosleep(&(struct timespec){ .tv_nsec = (r >> 16) * 8 }, NULL);
	else if (r % 4096 < 4)
		sched_yield();
	else if (r % 256 < 4)
		for (volatile uint32_t n = (r >> 16) % 2048; n; n--)
			;
	errno = saved;
}
