/*
 * runq.c - stealing and spilling: see runq.h for the letters.
 */
#include "task/runq.h"

static void copy(const struct runq *q, uint64_t head, struct task **out,
		 uint64_t n)
{
	/* Relaxed: published by (P), or thrown away. */
	for (uint64_t i = 0; i < n; i++)
		out[i] = loadp_relaxed(&q->slots[(head + i) % RUNQ_SIZE]);
}

unsigned chp__runq_steal(struct runq *q, struct task **out, unsigned max)
{
	uint64_t head = load64_relaxed(&q->head);

	for (;;) {
		uint64_t tail = load64_acquire(&q->tail); /* (P) */
		uint64_t n;

		if (tail <= head)
			return 0;
		n = tail - head;
		n -= n / 2;
		if (n > max)
			n = max;
		if (n > RUNQ_SIZE) {
			/* head is older than tail by more than a round. */
			head = load64_relaxed(&q->head);
			continue;
		}
		copy(q, head, out, n);
		if (cas64_release(&q->head, &head, head + n)) /* (H) */
			return (unsigned)n;
	}
}

unsigned chp__runq_spill(struct runq *q, struct task **out)
{
	/* Relaxed, and the cas as well: the slots are the owner's own writes,
	   and runq_push acquires head, with the thieves' releases before our
	   cas, before it writes over any. */
	uint64_t head = load64_relaxed(&q->head);
	uint64_t n = RUNQ_BATCH;

	if (load64_relaxed(&q->tail) - head != RUNQ_SIZE)
		return 0;
	copy(q, head, out, n);
	return cas64_relaxed(&q->head, &head, head + n) ? (unsigned)n : 0;
}
