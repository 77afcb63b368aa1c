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

static inline uint32_t random_below(uint32_t *seed, uint32_t n)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed % n;
}

/* From nothing to a few microseconds. */
static inline void dawdle(uint32_t *seed, uint32_t most)
{
	uint32_t n = random_below(seed, most);

	if (random_below(seed, 8) == 0)
		return;
	while (n--)
		__asm__ volatile("" ::: "memory");
}

static inline void await_turn(struct duel *d, uint32_t turn)
{
	while (get(&d->turn) != turn)
		rest();
}

/*
 * Each party has its processor: left alone, two threads that yield to each
 * other may share one for a whole test, and never meet.
 */
static cpu_set_t processors;

static inline void find_processors(void)
{
	CHECK_EQ(sched_getaffinity(0, sizeof(processors), &processors), 0);
}

static inline void run_on(int which)
{
	cpu_set_t one;

	if (h_mode() == H_CT || CPU_COUNT(&processors) < 2)
		return;
	CPU_ZERO(&one);
	for (int i = 0; i < CPU_SETSIZE && which >= 0; i++)
		if (CPU_ISSET(i, &processors) && which-- == 0)
			CPU_SET(i, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

/* Workers end with their runtime; the other threads are used again. */
static inline void run_anywhere(void)
{
	if (h_mode() != H_MT)
		sched_setaffinity(0, sizeof(processors), &processors);
}

static inline void spawn_other(struct h_agent *a, void *(*fn)(void *),
			       void *arg)
{
	(h_mode() == H_MT ? h_spawn_thread : h_spawn)(a, fn, arg);
}

static inline void join_other(struct h_agent *a)
{
	(h_mode() == H_MT ? h_join_thread : h_join)(a);
}

static inline void *the_other_party(void *arg)
{
	struct duel *d = arg;
	uint32_t seed = 2463534242u;

	run_on(1);
	for (long i = 0; i < d->rounds; i++) {
		await_turn(d, (uint32_t)(2 * i + 1));
		dawdle(&seed, 300);
		d->theirs();
		set(&d->turn, (uint32_t)(2 * i + 2));
	}
	return NULL;
}

static inline void fight(struct duel *d)
{
	uint32_t seed = 88675123u;
	struct h_agent other;

	if (h_mode() == H_CT)
		d->rounds /= 10;
	d->rounds += 2;
	d->turn.v = 0;
	me = chp_agent_current();
	find_processors();
	spawn_other(&other, the_other_party, d);
	for (long i = 0; i < d->rounds; i++) {
		set(&round_now, (uint32_t)i);
		/* Again and again: a task may have changed threads. */
		if (i == 0 || h_mode() == H_MT)
			run_on(0);
		if (d->before)
			d->before();
		set(&d->turn, (uint32_t)(2 * i + 1));
		/* More, for the other one first has to see its turn. */
		dawdle(&seed, 8000);
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
	static uint32_t seed = 5783321u;
	chp_time at = chp_in(random_below(&seed, most));

	while (chp_now() < at)
		h_yield();
}

#endif
