/*
 * counted.h - a waker that counts: each reference is used up once, by a wake or
 * a release, which the end finds out.
 */
#ifndef CHAPPE_TESTS_MODEL_COUNTED_H
#define CHAPPE_TESTS_MODEL_COUNTED_H

#include <chappe/op.h>

#include "base/atomic.h"
#include "scenario.h"
#include "wait/process_driver.h"

/* All zero at first. */
struct counted {
	chp_word references, wakes;
};

static void counted_retain(void *data)
{
	add_relaxed(&((struct counted *)data)->references, 1);
}

static void counted_release(void *data)
{
	struct counted *c = data;

	MODEL_CHECK(add_relaxed(&c->references, UINT32_MAX) > 0);
}

static void counted_wake(void *data)
{
	add_relaxed(&((struct counted *)data)->wakes, 1);
	counted_release(data);
}

static const chp_waker_class counted_class = { counted_wake, counted_retain,
					       counted_release };

static inline chp_waker counted_waker(struct counted *c)
{
	return (chp_waker){ &counted_class, c };
}

/* Nobody has a reference any more; how often was it woken? */
static inline unsigned counted_end(const struct counted *c)
{
	MODEL_CHECK(load_relaxed(&c->references) == 0);
	return load_relaxed(&c->wakes);
}

/* That of threads outside runtimes. */
static inline struct wheel *the_wheel(void)
{
	struct wheel *wheel = NULL;

	MODEL_CHECK(chp__process_wheel(&wheel) == 0);
	return wheel;
}

#endif
