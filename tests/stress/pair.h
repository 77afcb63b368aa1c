/*
 * pair.h - what a lock guards: plain memory.  ThreadSanitizer looks on, and
 * natively a second one inside meets the first one's mark.
 */
#ifndef CHAPPE_TESTS_STRESS_PAIR_H
#define CHAPPE_TESTS_STRESS_PAIR_H

#include "stress.h"

/* What is guarded: a == b, but for a writer who is at work. */
struct pair {
	long a, b;
	long inside; /* a writer's mark */
	struct value *value;
};

static inline void pair_drop(void *pair)
{
	struct pair *p = pair;

	CHECK(p->a == p->b && p->inside == 0);
	value_free(p->value);
}

static inline void write_pair(struct agent *a, struct pair *p)
{
	CHECK(p->inside == 0 && p->a == p->b);
	p->inside = 1 + (long)a->number;
	p->a++;
	linger(a);
	p->b++;
	CHECK(p->inside == 1 + (long)a->number && p->a == p->b);
	p->inside = 0;
}

static inline void read_pair(struct agent *a, const struct pair *p)
{
	long seen = p->a;

	CHECK(p->b == seen && p->inside == 0);
	linger(a);
	CHECK(p->a == seen && p->b == seen && p->inside == 0);
}

static inline void *itself(void *data, void *arg)
{
	return arg ? NULL : data;
}

#endif
