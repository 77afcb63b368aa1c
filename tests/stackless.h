/*
 * stackless.h - what the suites of stackless tasks share: one that awaits an
 * operation and keeps what it was told.
 */
#ifndef CHAPPE_TESTS_STACKLESS_H
#define CHAPPE_TESTS_STACKLESS_H

#include "task.h"

struct waiter {
	chp_coro co;
	chp_op *op;
	int r;          /* what the await returned */
	chp_word polls; /* calls of its function */
	chp_word rests; /* of these, that returned CHP_PENDING */
	chp_task task;
	chp_acquire_op acquire;
	chp_sleep_op sleep;
};

static inline int await_steps(struct waiter *s, chp_poll_ctx *ctx)
{
	CHP_CO_BEGIN(&s->co);
	CHP_CO_AWAIT(&s->co, ctx, s->op, s->r);
	CHP_CO_END(&s->co, s->r);
}

static inline int await_it(void *state, chp_poll_ctx *ctx)
{
	struct waiter *s = state;
	int r;

	h_add(&s->polls, 1);
	r = await_steps(s, ctx);
	if (r == CHP_PENDING)
		h_add(&s->rests, 1);
	return r;
}

static inline void spawn_waiter(struct waiter *s, chp_op *op)
{
	memset(s, 0, sizeof(*s));
	s->op = op;
	s->r = 77;
	CHECK_CODE(chp_spawn_poll(&s->task, await_it, s), 0);
}

/* One that waits at the gate of task.h. */
static inline void spawn_at_the_gate(struct waiter *s)
{
	memset(s, 0, sizeof(*s));
	chp_semaphore_acquire_op(&s->acquire, &gate, 1);
	s->op = &s->acquire.op;
	CHECK_CODE(chp_spawn_poll(&s->task, await_it, s), 0);
}

static inline void join_waiter(struct waiter *s, chp_fate fate, int r)
{
	ends_as(&s->task, fate, s);
	CHECK_CODE(s->r, r);
}

/* ---- Kinds of operations ---- */

/* A kind of operation, made again and again over objects that are set up. */
struct kind {
	const char *name;
	chp_op *(*make)(void);
	void (*serve)(void); /* NULL: time does */
	int result;
	void (*tear_down)(void); /* and set up, by the first make */
};

MAYBE_UNUSED static bool is_up;      /* what tear_down takes down */
MAYBE_UNUSED static chp_time length; /* of what time serves */

/* Let the operation come to rest in a stackless task. */
static inline void come_to_rest(struct waiter *w, const struct kind *k)
{
	length = 3600 * CHP_SEC;
	spawn_waiter(w, k->make());
	is_up = true;
	h_until(h_load(&w->rests));
}

static inline void be_served(struct waiter *w, const struct kind *k)
{
	if (k->serve) {
		come_to_rest(w, k);
		CHECK_EQ(chp_task_is_finished(&w->task), 0);
		k->serve();
	} else {
		length = CHP_MS;
		spawn_waiter(w, k->make());
	}
	join_waiter(w, CHP_RETURNED, k->result);
}

static inline void await_each(const struct kind *list, size_t count)
{
	struct waiter w;

	reset();
	for (size_t i = 0; i < count; i++) {
		const struct kind *k = &list[i];

		is_up = false;
		come_to_rest(&w, k);
		CHECK_CODE(chp_task_abort(&w.task), 0);
		join_waiter(&w, CHP_ABORTED, CHP_EABORTED);

		come_to_rest(&w, k);
		CHECK_CODE(chp_interrupt(w.task.agent), 0);
		join_waiter(&w, CHP_RETURNED, CHP_EINTR);

		be_served(&w, k);
		if (k->tear_down)
			k->tear_down();
	}
}

#define AWAIT_EACH(list) await_each(list, sizeof(list) / sizeof(*(list)))

static inline int end_at_once(void *state, chp_poll_ctx *ctx)
{
	(void)state;
	(void)ctx;
	runs++;
	return CHP_ECLOSED;
}

#endif
