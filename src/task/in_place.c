/*
 * in_place.c - a task that blocks its thread, while another thread takes over
 * the worker.
 *
 * While it blocks, t->worker is NULL: its own waits then sleep on its token
 * (BLOCKED), and whatever it wakes or spawns goes to the inbox.  Afterwards it
 * goes there itself: its thread has no worker, so it leaves its stack to that
 * thread's scheduler, which queues it and ends.
 *
 * Pinned tasks count on their worker's thread, so a worker that has any stays.
 */
#include "base/panic.h"
#include "task/worker.h"

void *chp_block_in_place(void *(*fn)(void *arg), void *arg)
{
	struct agent *self = agent_self();
	struct task *t = task_of(self);
	struct worker *w;
	struct seat *seat;
	void *result;

	if (self->cls == &chp__stackless_class)
		chp__panic("a stackless task called chp_block_in_place()");
	if (self->cls != &chp__task_class || !t->worker ||
	    t->worker->pinned_here ||
	    t->worker->rt->options.kind == CHP_CURRENT_THREAD)
		return fn(arg);

	w = t->worker;
	seat = w->seat;
	t->worker = NULL;
	seat->worker = NULL;
	w->seat = NULL;
	w->current = NULL;
	if (chp__blocking_take_worker(w->rt, w) != 0) {
		w->current = t;
		w->seat = seat;
		seat->worker = w;
		t->worker = w;
		return fn(arg);
	}

	result = fn(arg);
	chp__worker_rejoin(seat, t);
	return result;
}
