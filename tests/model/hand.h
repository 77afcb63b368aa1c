/*
 * hand.h - operations polled by hand: with one waker, then with another, which
 * must be the one that is woken.  The references on both are counted.
 */
#ifndef CHAPPE_TESTS_MODEL_HAND_H
#define CHAPPE_TESTS_MODEL_HAND_H

#include <chappe/op.h>

#include "base/atomic.h"
#include "os/event.h"
#include "scenario.h"

struct hand {
	chp_word refs; /* those that the library has */
	struct os_event event;
};

static struct hand hand_first, hand_second;

static inline void hand_wake(void *data)
{
	struct hand *h = data;

	add_relaxed(&h->refs, -1u);
	chp__event_set(&h->event);
}

static inline void hand_retain(void *data)
{
	add_relaxed(&((struct hand *)data)->refs, 1);
}

static inline void hand_release(void *data)
{
	add_relaxed(&((struct hand *)data)->refs, -1u);
}

static inline int hand_poll_with(chp_op *op, struct hand *h)
{
	static const chp_waker_class cls = { hand_wake, hand_retain,
					     hand_release };
	chp_poll_ctx ctx = chp_poll_ctx_of((chp_waker){ &cls, h });

	return chp_op_poll(op, &ctx);
}

/* Three polls: another waker, the same again. */
static inline int hand_poll(chp_op *op)
{
	int r = hand_poll_with(op, &hand_first);

	for (int i = 0; i < 2 && r == CHP_PENDING; i++)
		r = hand_poll_with(op, &hand_second);
	return r;
}

/* The last poll, with the second waker, said r: until it has a result. */
static inline int hand_await(chp_op *op, int r)
{
	while (r == CHP_PENDING) {
		chp__event_wait(&hand_second.event, 0);
		r = hand_poll_with(op, &hand_second);
	}
	return r;
}

/* Until it has a result. */
static inline int hand_run(chp_op *op)
{
	return hand_await(op, hand_poll(op));
}

/* With another waker once; then it is that one that must come. */
static inline int hand_run_other(chp_op *op)
{
	int r = hand_poll_with(op, &hand_first);

	if (r == CHP_PENDING)
		r = hand_poll_with(op, &hand_second);
	return hand_await(op, r);
}

/* After all threads: nobody has kept a reference, or given one back twice. */
static inline void hand_end(void)
{
	MODEL_CHECK(load_relaxed(&hand_first.refs) == 0);
	MODEL_CHECK(load_relaxed(&hand_second.refs) == 0);
}

/*
 * Three scenarios: an operation of type `type` that init makes is run until it
 * has a result, or is cancelled after some polls, while act makes it ready; or
 * is cancelled before that, alone, and nobody waited for anybody.
 * done: with the result in r.  check: at the end, in each case.
 */
/* clang-format off */
#define BY_HAND_RUN(name, type, make, init, done, act, check_) \
	static void name##_make(void) { make; } \
	static void name##_act(void) { act; } \
	static void name##_done(int r) { (void)r; done; } \
	static void name##_check(void) { hand_end(); check_; } \
	static void name##_run(void) \
	{ \
		type op; \
		init; \
		name##_done(hand_run(&op.op)); \
	} \
	SCENARIO(name##_by_hand, .setup = name##_make, \
		 .threads = { name##_run, name##_act }, \
		 .check = name##_check, .bound = 2)

#define BY_HAND(name, type, make, init, done, act, check_) \
	BY_HAND_RUN(name, type, make, init, done, act, check_); \
	static void name##_cancel(void) \
	{ \
		type op; \
		int r; \
		init; \
		r = hand_poll(&op.op); \
		if (r != CHP_PENDING) \
			name##_done(r); \
		else \
			chp_op_cancel(&op.op); \
	} \
	static void name##_alone(void) \
	{ \
		name##_cancel(); \
		name##_act(); \
	} \
	SCENARIO(name##_hand_alone, .setup = name##_make, \
		 .threads = { name##_alone }, .check = name##_check); \
	SCENARIO(name##_hand_cancel, .setup = name##_make, \
		 .threads = { name##_cancel, name##_act }, \
		 .check = name##_check, .bound = 2)
/* clang-format on */

#endif
