/*
 * duel.h - two parties at the same moment, many times: before() alone, then
 * mine() and theirs() at once with a random delay before each, then after()
 * alone, which checks.
 *
 * In a runtime of one thread the two take turns, so a few rounds say all there
 * is to say.  In one of many threads the other party is a plain thread: two
 * tasks that yield to each other would stay on one worker and never meet.
 */
#ifndef CHAPPE_TESTS_DUEL_H
#define CHAPPE_TESTS_DUEL_H

#include "lock.h"

struct duel {
	void (*before)(void);
	void (*mine)(void);
	void (*theirs)(void);
	void (*after)(void);
	long rounds;
	chp_word turn; /* 2i + 1: round i has begun; 2i + 2: theirs is done */
};

static chp_agent me;
static chp_word round_now;

/* From nothing to a few microseconds. */
static inline void dawdle(struct h_rng *rng, uint32_t most)
{
	uint32_t n = h_below(rng, most);

	if (h_below(rng, 8) == 0)
		return;
	while (n--)
		__asm__ volatile("" ::: "memory");
}

static inline void await_turn(struct duel *d, uint32_t turn)
{
	while (h_load(&d->turn) != turn)
		rest();
}

static inline void *the_other_party(void *arg)
{
	struct duel *d = arg;
	struct h_rng rng = h_rng(2463534242, 0);

	run_on(1);
	for (long i = 0; i < d->rounds; i++) {
		await_turn(d, (uint32_t)(2 * i + 1));
		dawdle(&rng, 300);
		d->theirs();
		h_store(&d->turn, (uint32_t)(2 * i + 2));
	}
	return NULL;
}

static inline void fight(struct duel *d)
{
	struct h_rng rng = h_rng(88675123, 0);
	struct h_agent other;

	if (h_mode() == H_CT)
		d->rounds /= 10;
	d->rounds += 2;
	d->turn.v = 0;
	me = chp_agent_current();
	find_processors();
	spawn_other(&other, the_other_party, d);
	for (long i = 0; i < d->rounds; i++) {
		h_store(&round_now, (uint32_t)i);
		/* Again and again: a task may have changed threads. */
		if (i == 0 || h_mode() == H_MT)
			run_on(0);
		if (d->before)
			d->before();
		h_store(&d->turn, (uint32_t)(2 * i + 1));
		/* More, for the other one first has to see its turn. */
		dawdle(&rng, 8000);
		d->mine();
		await_turn(d, (uint32_t)(2 * i + 2));
		if (d->after)
			d->after();
	}
	join_other(&other);
	run_anywhere();
}

/* Some moment within so many nanoseconds. */
static inline void let_pass(uint32_t most)
{
	static struct h_rng rng = { 5783321 };
	chp_time at = chp_in(h_below(&rng, most));

	while (chp_now() < at)
		h_yield();
}

#endif
