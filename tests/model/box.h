/*
 * box.h - values that own memory: losing one is a leak, doubling one a double
 * free.
 */
#ifndef CHAPPE_TESTS_MODEL_BOX_H
#define CHAPPE_TESTS_MODEL_BOX_H

#include "scenario.h"

typedef unsigned *boxed;

static inline boxed box(unsigned x)
{
	boxed b = model_alloc(sizeof(*b));

	*b = x;
	return b;
}

static inline void unbox(boxed b, unsigned x)
{
	MODEL_CHECK(*b == x);
	model_free(b, sizeof(*b));
}

static inline void drop_box(void *value)
{
	boxed b = *(boxed *)value;

	model_free(b, sizeof(*b));
}

#endif
