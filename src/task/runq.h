/*
 * runq.h - a worker's queue of tasks that can run: its owner pushes at the
 * tail and pops at the head; anyone may steal from the head.
 *
 * A ring of pointers.  head and tail count for ever and never wrap (64 bits),
 * so a cas on head cannot be fooled by a value that came round again.
 *
 * (P) the owner's release of tail publishes a slot and the task in it; the
 * thief's acquire of tail pairs with it.  The thief's loads of head are relaxed:
 * an old head makes its cas fail, and an old tail beside a newer head looks like
 * an empty queue; a thief that was told of a push sees at least its tail.
 * (H) a thief copies slots, then takes them by a cas on head with release; the
 * owner acquires head before it writes over a slot.  A thief whose cas fails
 * throws the copies away: they may have been written over meanwhile.
 *
 * In a long queue a task gets cold before its turn comes.  So, as one is taken,
 * if the next has a stack, what it left there is fetched, and the task after
 * that itself.  Where the stack is, `cold` says, which only the owner touches:
 * the next task may just have been stolen, and is not looked into.
 */
#ifndef CHAPPE_SRC_TASK_RUNQ_H
#define CHAPPE_SRC_TASK_RUNQ_H

#include "base/atomic.h"
#include "base/compiler.h"
#include "task/runq_size.h"

struct task;

/* What is stolen or spilled at once, at most: it is copied to a task's stack. */
enum { RUNQ_BATCH = 128 };

/* A queue so long is long; what to fetch. */
enum {
	RUNQ_LONG = 4,
	RUNQ_FETCH_STACK = 9 * CACHE_LINE,
	RUNQ_FETCH_TASK = 4 * CACHE_LINE,
};

struct runq {
	chp_word64 head CACHE_ALIGNED; /* owner and thieves, by cas */
	chp_word64 tail CACHE_ALIGNED; /* owner */
	chp_ptr slots[RUNQ_SIZE];
	const void *cold[RUNQ_SIZE]; /* owner: beside the slots */
};

/* Owner.  False: full.  cold: what t left on its stack, or NULL. */
static inline bool runq_push(struct runq *q, struct task *t, const void *cold)
{
	uint64_t tail = load64_relaxed(&q->tail);

	if (unlikely(tail - load64_acquire(&q->head) == RUNQ_SIZE)) /* (H) */
		return false;
	q->cold[tail % RUNQ_SIZE] = cold;
	storep_relaxed(&q->slots[tail % RUNQ_SIZE], t);
	store64_release(&q->tail, tail + 1); /* (P) */
	return true;
}

/* Owner.  The queue is long, and `head` was taken. */
static inline void runq_fetch(const struct runq *q, uint64_t head)
{
	const char *stack = q->cold[(head + 1) % RUNQ_SIZE], *task;

	if (!stack)
		return;
	for (int i = 0; i < RUNQ_FETCH_STACK; i += CACHE_LINE)
		__builtin_prefetch(stack + i);
	task = loadp_relaxed(&q->slots[(head + 2) % RUNQ_SIZE]);
	for (int i = 0; i < RUNQ_FETCH_TASK; i += CACHE_LINE)
		__builtin_prefetch(task + i);
}

/* Owner.  alone: nobody steals from this queue. */
static inline struct task *runq_pop(struct runq *q, bool alone)
{
	uint64_t head = load64_relaxed(&q->head);
	uint64_t tail = load64_relaxed(&q->tail);
	struct task *t;

	do {
		/* Relaxed: the owner's own writes. */
		if (head == tail)
			return NULL;
		t = loadp_relaxed(&q->slots[head % RUNQ_SIZE]);
		ASSUME(t != NULL);
		if (likely(alone)) {
			store64_relaxed(&q->head, head + 1);
			break;
		}
	} while (!cas64_relaxed(&q->head, &head, head + 1));
	if (tail - head > RUNQ_LONG)
		runq_fetch(q, head);
	return t;
}

/* How many, at some moment; from anywhere. */
static inline uint64_t runq_length(const struct runq *q)
{
	uint64_t head = load64_relaxed(&q->head);
	uint64_t tail = load64_relaxed(&q->tail);

	return tail > head ? tail - head : 0;
}

/*
 * Steal half of what is there, rounded up, at most `max`, into out[]; returns
 * how many.  From anywhere but the owner.
 */
unsigned chp__runq_steal(struct runq *q, struct task **out, unsigned max);

/*
 * Owner: the oldest, for the inbox, when the ring is full.  Returns how
 * many went into out[RUNQ_BATCH]: that many, or 0 if a thief made room.
 */
unsigned chp__runq_spill(struct runq *q, struct task **out);

#endif
