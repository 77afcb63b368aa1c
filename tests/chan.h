/*
 * chan.h - what the channel suites share: blocking calls that become polling
 * where the mode asks for it, a destructor that counts, random numbers with a
 * printed seed, and two agents that act at the same moment.
 *
 * In the blocking modes the wrappers call the library's own blocking function,
 * so that it is tested; h_wait() would go around it.
 */
#ifndef CHAPPE_TESTS_CHAN_H
#define CHAPPE_TESTS_CHAN_H

#include "harness.h"

#include <sched.h>

#define MAYBE_UNUSED __attribute__((unused))

/* ---- Words shared by agents ---- */

MAYBE_UNUSED static uint32_t load(const chp_word *w)
{
	return __atomic_load_n(&w->v, __ATOMIC_SEQ_CST);
}

MAYBE_UNUSED static void store(chp_word *w, uint32_t v)
{
	__atomic_store_n(&w->v, v, __ATOMIC_SEQ_CST);
}

/* Returns what was there before. */
MAYBE_UNUSED static uint32_t add(chp_word *w, uint32_t n)
{
	return __atomic_fetch_add(&w->v, n, __ATOMIC_SEQ_CST);
}

/* ---- Values that are destroyed ---- */

static chp_word drops; /* how many values the library has destroyed */

MAYBE_UNUSED static void count_drop(void *value)
{
	(void)value;
	add(&drops, 1);
}

/* ---- Waiting ---- */

MAYBE_UNUSED static int mpsc_send(chp_mpsc_tx *tx, const void *value,
				  const chp_wait *w)
{
	chp_send_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_mpsc_send_with(tx, value, w)
			 : chp_mpsc_send(tx, value);
	chp_mpsc_send_op(&op, tx, value);
	return h_wait(&op.op, w);
}

MAYBE_UNUSED static int mpsc_recv(chp_mpsc_rx *rx, void *out, const chp_wait *w)
{
	chp_recv_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_mpsc_recv_with(rx, out, w)
			 : chp_mpsc_recv(rx, out);
	chp_mpsc_recv_op(&op, rx, out);
	return h_wait(&op.op, w);
}

MAYBE_UNUSED static int mpsc_recv_many(chp_mpsc_rx *rx, void *out, size_t limit,
				       const chp_wait *w)
{
	chp_recv_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_mpsc_recv_many_with(rx, out, limit, w)
			 : chp_mpsc_recv_many(rx, out, limit);
	chp_mpsc_recv_many_op(&op, rx, out, limit);
	return h_wait(&op.op, w);
}

MAYBE_UNUSED static int mpsc_reserve(chp_mpsc_tx *tx, size_t n,
				     chp_mpsc_permit *permit, const chp_wait *w)
{
	chp_send_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_mpsc_reserve_many_with(tx, n, permit, w)
			 : chp_mpsc_reserve_many(tx, n, permit);
	chp_mpsc_reserve_many_op(&op, tx, n, permit);
	return h_wait(&op.op, w);
}

MAYBE_UNUSED static int mpsc_closed(chp_mpsc_tx *tx, const chp_wait *w)
{
	chp_closed_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_mpsc_closed_with(tx, w) : chp_mpsc_closed(tx);
	chp_mpsc_closed_op(&op, tx);
	return h_wait(&op.op, w);
}

MAYBE_UNUSED static int oneshot_recv(chp_oneshot_rx *rx, void *out,
				     const chp_wait *w)
{
	chp_oneshot_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_oneshot_recv_with(rx, out, w)
			 : chp_oneshot_recv(rx, out);
	chp_oneshot_recv_op(&op, rx, out);
	return h_wait(&op.op, w);
}

MAYBE_UNUSED static int oneshot_closed(chp_oneshot_tx *tx, const chp_wait *w)
{
	chp_oneshot_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_oneshot_closed_with(tx, w)
			 : chp_oneshot_closed(tx);
	chp_oneshot_closed_op(&op, tx);
	return h_wait(&op.op, w);
}

MAYBE_UNUSED static int select_of(chp_select_arm *arms, size_t n,
				  unsigned flags, const chp_wait *w)
{
	chp_select_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_select_with(arms, n, flags, w)
			 : chp_select(arms, n, flags);
	CHECK_CODE(chp_select_init(&op, arms, n, flags), 0);
	return h_wait(&op.op, w);
}

/* Poll once with a waker and a budget. */
MAYBE_UNUSED static int poll_within(chp_op *op, struct h_waker *w,
				    uint32_t *budget)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(h_waker(w));

	ctx.budget = budget;
	return chp_op_poll(op, &ctx);
}

/* ---- Random numbers ---- */

struct rng {
	uint64_t s;
};

/* The run's seed: CHP_TEST_SEED, or the clock; printed when first asked for. */
MAYBE_UNUSED static uint64_t seed_of_run(void)
{
	static uint64_t seed;
	const char *given = getenv("CHP_TEST_SEED");

	if (!seed) {
		seed = given ? strtoull(given, NULL, 0) : (uint64_t)chp_now();
		seed += !seed;
		fprintf(stderr, "CHP_TEST_SEED=%" PRIu64 "\n", seed);
	}
	return seed;
}

/* A stream of its own for each number. */
MAYBE_UNUSED static struct rng rng_of(uint64_t seed, uint64_t stream)
{
	struct rng r = { (seed ^ (stream + 1) * 0x9e3779b97f4a7c15u) | 1 };

	return r;
}

MAYBE_UNUSED static uint32_t below(struct rng *r, uint32_t n)
{
	r->s ^= r->s << 13;
	r->s ^= r->s >> 7;
	r->s ^= r->s << 17;
	return (uint32_t)((r->s >> 32) * n >> 32);
}

/* Shift this agent by a random few hundred cycles against the others. */
MAYBE_UNUSED static void jitter(struct rng *r)
{
	for (volatile uint32_t n = below(r, 4) ? below(r, 1000) : 0; n; n--)
		;
}

/* ---- Two agents that act at the same moment, many times ---- */

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
MAYBE_UNUSED static void meet(const chp_word *w, uint32_t v)
{
	for (int spins = h_mode() == H_CT ? 0 : 5000; load(w) != v; spins--)
		if (spins <= 0) {
			h_yield();
			/* The other may be a thread without a processor. */
			sched_yield();
		}
}

MAYBE_UNUSED static void *duo_right(void *arg)
{
	struct duo *d = arg;
	struct rng r = rng_of(seed_of_run(), 1);

	for (uint32_t i = 1; i <= d->rounds; i++) {
		meet(&d->go, i);
		jitter(&r);
		d->right();
		store(&d->done, i);
	}
	return NULL;
}

MAYBE_UNUSED static void duo_left(struct duo *d)
{
	struct rng r = rng_of(seed_of_run(), 2);

	for (uint32_t i = 1; i <= d->rounds; i++) {
		if (d->before)
			d->before();
		store(&d->go, i);
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
MAYBE_UNUSED static void run_duo(struct duo *d)
{
	struct h_agent a;

	h_spawn(&a, duo_right, d);
	duo_left(d);
	h_join(&a);
	if (h_mode() != H_MT)
		return;
	store(&d->go, 0);
	store(&d->done, 0);
	h_spawn_thread(&a, duo_right, d);
	duo_left(d);
	h_join_thread(&a);
}

#endif
