/*
 * random.c - a generator per agent, seeded from its id and the process's
 * entropy; no two threads share a word of state.
 */
#include "wait/random.h"

#include "os/thread.h"
#include "wait/agent.h"

uint32_t chp__random(void)
{
	static chp_word64 seed;
	struct agent *self = agent_self();

	if (!self->random) {
		uint64_t s = load64_relaxed(&seed);

		if (!s) {
			s = chp__entropy() | 1;
			store64_relaxed(&seed, s);
		}
		self->random = (s ^ agent_id(self) * 0x9e3779b97f4a7c15ULL) | 1;
	}
	return random_step(&self->random);
}
