/*
 * lin.h - is there an order in which the reference would have said the same?
 *
 * Threads make a few calls each on one object; each call is written down with
 * two stamps of one counter, before and after, its arguments and its result.
 * lin_explained() then looks for an order of the calls that keeps to the stamps
 * (a call that returned before another began comes first) and in which the
 * reference model gives every result: Wing and Gong's search, with the states
 * that led nowhere remembered.
 *
 * A call that waits has two points in that order, both between its stamps: its
 * first poll, which takes its place in the queue, and the one that finishes it,
 * or the one at which it is given up.  So the order among waiters is checked as
 * well.
 */
#ifndef CHAPPE_TESTS_LIN_LIN_H
#define CHAPPE_TESTS_LIN_LIN_H

#include "harness.h"
#include "model.h"

enum { LIN_THREADS = 4, LIN_CALLS = 6, LIN_MOST = LIN_THREADS * LIN_CALLS };

struct lin_call {
	uint64_t before, after;
	int thread, what;
	int64_t arg, result;
	int value;
};

struct lin_history {
	int count;
	struct lin_call calls[LIN_MOST];
};

enum lin_answer {
	LIN_NO,   /* the model would have said something else */
	LIN_SAME, /* it says so, too: the call is finished */
	LIN_WAITS /* it would wait now, or go on waiting */
};

struct lin_spec {
	const char *name;
	size_t size; /* of the model: plain bytes */
	/* Make the call, or poll it again.  Has no effect unless LIN_SAME, or
	   LIN_WAITS at the first time: then the state is put back. */
	enum lin_answer (*step)(void *model, const struct lin_call *c);
	/* Give up a call that waits; its result is one of lin_gave_up(). */
	void (*cancel)(void *model, const struct lin_call *c);
	const char *const *names; /* of calls, by `what` */
};

static inline bool lin_gave_up(int64_t result)
{
	return result == CHP_ETIMEDOUT || result == CHP_ECANCELED;
}

/* What the model says, against what the library said. */
static inline enum lin_answer lin_compare(int64_t model,
					  const struct lin_call *c)
{
	return model == CHP_PENDING ? LIN_WAITS
	       : model == c->result ? LIN_SAME
				    : LIN_NO;
}

/* The same, and the value that comes with 0. */
enum lin_answer lin_with_value(int64_t model, int value,
			       const struct lin_call *c);
/* A cancel for calls that have no place to lose. */
void lin_holds_nothing(void *model, const struct lin_call *c);

bool lin_explained(const struct lin_spec *spec, const void *start,
		   const struct lin_history *h);
void lin_print(const struct lin_spec *spec, const struct lin_history *h);

/* ---- Making histories ---- */

struct lin_thread {
	struct lin_rounds *all;
	struct lin_history mine;
	struct h_rng rng;
	int number;
	void *local; /* the suite's */
};

/*
 * Rounds of `threads` threads.  Each round: begin() on the caller's thread,
 * which makes the object and the model's start; act() `calls` times on each
 * thread; end().  Returns how many histories could not be explained; with
 * `must_explain`, the first stops the test.
 */
struct lin_rounds {
	const struct lin_spec *spec;
	int threads, calls;
	bool must_explain;
	void (*begin)(struct lin_rounds *r, void *model);
	void (*act)(struct lin_thread *t, int i);
	void (*end)(struct lin_rounds *r);

	/* private */
	struct lin_thread thread[LIN_THREADS];
	chp_word turn, ready, over;
};

long lin_run(struct lin_rounds *r, long rounds);

/* In act(): stamp, call, stamp.  The call's result goes to c->result. */
struct lin_call *lin_begin(struct lin_thread *t, int what, int64_t arg);
void lin_end(struct lin_call *c, int64_t result);

/* A value that no other call of the round has. */
int lin_fresh(void);
void lin_no_values(void);

/* A limit for calls that may wait for ever. */
chp_wait lin_limit(struct lin_thread *t);

#endif
