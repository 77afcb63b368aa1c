/*
 * model.h - what the reference models have in common.
 *
 * A model is a plain struct: numbers and arrays, no pointers, so that it can be
 * copied, put back and compared as bytes: padding, too, so it begins as zeros,
 * and no part of it is assigned from a literal.  It is written from the header
 * of its primitive, to be read and believed, not to be fast.  Who waits is a
 * small number; a poll of a model says CHP_PENDING and remembers the number, or
 * gives the result that the library must give.
 *
 * tests/fuzz compares the library with the models call by call; tests/lin asks
 * whether what threads saw can be explained by them.
 */
#ifndef CHAPPE_TESTS_FUZZ_MODEL_H
#define CHAPPE_TESTS_FUZZ_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <chappe/chappe.h>

/* Numbers of those who wait: 0 .. MODEL_WAITERS - 1. */
enum { MODEL_WAITERS = 16 };

/* Numbers in the order in which they came. */
struct model_queue {
	int len;
	int at[MODEL_WAITERS];
};

static inline bool mq_has(const struct model_queue *q, int who)
{
	for (int i = 0; i < q->len; i++)
		if (q->at[i] == who)
			return true;
	return false;
}

static inline void mq_push(struct model_queue *q, int who)
{
	q->at[q->len++] = who;
}

/* What is left behind the end is zero, so that equal queues are equal bytes. */
static inline bool mq_remove(struct model_queue *q, int who)
{
	for (int i = 0; i < q->len; i++)
		if (q->at[i] == who) {
			q->len--;
			for (; i < q->len; i++)
				q->at[i] = q->at[i + 1];
			q->at[q->len] = 0;
			return true;
		}
	return false;
}

static inline int mq_pop(struct model_queue *q)
{
	int who = q->at[0];

	mq_remove(q, who);
	return who;
}

#endif
