/*
 * duo.h - two agents that act at the same moment, many times.
 */
#ifndef CHAPPE_TESTS_DUO_H
#define CHAPPE_TESTS_DUO_H

#include "harness.h"

#include <sched.h>

/* Shift this agent by a random few hundred cycles against the others. */
static inline void jitter(struct h_rng *r)
{
	for (volatile uint32_t turns = h_below(r, 4) ? h_below(r, 1000) : 0;
	     turns; turns--)
		;
}

struct duo {
	void (*before)(void); /* alone, before each round; may be NULL */
	void (*left)(void);   /* the caller's part */
	void (*right)(void);  /* the other agent's, at the same time */
	void (*after)(void);  /* alone again: checks */
	long rounds;
	chp_word go, done;
};

/*
 * Awake, for a while: who yields comes back too late to meet the other.  Where
 * the two share one thread, spinning would only keep the other away.
 */
static inline void meet(const chp_word *w, uint32_t v)
{
	for (int spins = h_mode() == H_CT ? 0 : 5000; h_load(w) != v; spins--)
		if (spins <= 0) {
			h_yield();
			/* The other may be a thread without a processor. */
			sched_yield();
		}
}

static inline void *duo_right(void *arg)
{
	struct duo *d = arg;
	struct h_rng r = h_rng(h_seed(), 1);

	for (uint32_t i = 1; i <= d->rounds; i++) {
		meet(&d->go, i);
		jitter(&r);
		d->right();
		h_store(&d->done, i);
	}
	return NULL;
}

static inline void duo_left(struct duo *d)
{
	struct h_rng r = h_rng(h_seed(), 2);

	for (uint32_t i = 1; i <= d->rounds; i++) {
		if (d->before)
			d->before();
		h_store(&d->go, i);
		jitter(&r);
		d->left();
		meet(&d->done, i);
		d->after();
	}
}

/*
 * On a many-thread runtime the two tasks may well stay on one worker, so there
 * the other agent is a plain thread for half of the rounds.
 */
static inline void run_duo(struct duo *d)
{
	struct h_agent a;

	h_spawn(&a, duo_right, d);
	duo_left(d);
	h_join(&a);
	if (h_mode() != H_MT)
		return;
	h_store(&d->go, 0);
	h_store(&d->done, 0);
	h_spawn_thread(&a, duo_right, d);
	duo_left(d);
	h_join_thread(&a);
}

/* ---- Races ---- */

/* More of chance, for the two parts. */
MAYBE_UNUSED static struct h_rng left_rng, right_rng;

static inline void race_of(long rounds, void (*before)(void),
			   void (*left)(void), void (*right)(void),
			   void (*after)(void))
{
	struct duo d = {
		.before = before,
		.left = left,
		.right = right,
		.after = after,
		.rounds = h_rounds(rounds),
	};
	uint64_t seed = h_seed(); /* before there are two who ask */

	left_rng = h_rng(seed, 3);
	right_rng = h_rng(seed, 4);
	run_duo(&d);
}

static inline void race(void (*before)(void), void (*left)(void),
			void (*right)(void), void (*after)(void))
{
	race_of(3000, before, left, right, after);
}

/* For parts so short that they seldom meet. */
static inline void race_often(void (*before)(void), void (*left)(void),
			      void (*right)(void), void (*after)(void))
{
	race_of(h_mode() == H_CT ? 500 : 10000, before, left, right, after);
}

#endif
