/*
 * scenario_cond.c - condition variable: signals that nobody takes go on, the
 * wait as an operation, destroying after a wait.
 */
#include <chappe/cancel.h>
#include <chappe/cond.h>

#include "scenario.h"

static chp_mutex m;
static chp_cond c;
static chp_cond *heap_c;
static unsigned ready, signals;

static void cond_check(void)
{
	chp_cond_destroy(&c);
	MODEL_CHECK(!chp_mutex_is_locked(&m));
	chp_mutex_destroy(&m);
}

static void wait_ready(void)
{
	chp_mutex_lock(&m);
	while (!ready)
		MODEL_CHECK(chp_cond_wait(&c, &m) == 0);
	chp_mutex_unlock(&m);
}

static void signal_ready(void)
{
	chp_mutex_lock(&m);
	ready = 1;
	chp_mutex_unlock(&m);
	chp_cond_signal(&c);
}

static void broadcast_ready(void)
{
	chp_mutex_lock(&m);
	ready = 1;
	chp_mutex_unlock(&m);
	chp_cond_broadcast(&c);
}

/* Who has the one signal passes it on; who runs out of time has not had it. */
static void wait_timed_pass_on(void)
{
	chp_wait w = { .deadline = model_time(1) };
	int r = 0;

	chp_mutex_lock(&m);
	if (!ready)
		r = chp_cond_wait_with(&c, &m, &w);
	MODEL_CHECK(r == 0 || r == CHP_ETIMEDOUT);
	model_reached(r == 0);
	if (r == 0)
		chp_cond_signal(&c);
	chp_mutex_unlock(&m);
}

SCENARIO(cond_timed_passes_on,
	 .threads = { wait_timed_pass_on, wait_ready, signal_ready },
	 .check = cond_check, .timed = 1, .bound = 2, .must_reach = 3);

/* ---- As an operation ---- */

/* Cancelled in the queue, with a signal, or while it locks again. */
static void poll_twice_and_cancel(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());
	chp_cond_op op;

	chp_mutex_lock(&m);
	chp_cond_wait_op(&op, &c, &m);
	MODEL_CHECK(chp_op_poll(&op.op, &ctx) == CHP_PENDING);
	if (chp_op_poll(&op.op, &ctx) == 0) {
		MODEL_CHECK(ready);
		chp_mutex_unlock(&m);
		chp_cond_signal(&c);
		model_reached(2);
	} else {
		model_reached((unsigned)chp_op_cancel(&op.op));
	}
}

static void op_wait(void)
{
	chp_cond_op op;

	chp_mutex_lock(&m);
	while (!ready) {
		chp_cond_wait_op(&op, &c, &m);
		MODEL_CHECK(chp_op_wait(&op.op, NULL) == 0);
	}
	chp_mutex_unlock(&m);
}

SCENARIO(cond_op, .threads = { op_wait, signal_ready }, .check = cond_check,
	 .bound = 3);
SCENARIO(cond_op_cancel, .threads = { poll_twice_and_cancel, signal_ready },
	 .check = cond_check, .bound = 3, .must_reach = 7);
SCENARIO(cond_op_cancel_passes_on,
	 .threads = { poll_twice_and_cancel, wait_ready, signal_ready },
	 .check = cond_check, .bound = 2, .must_reach = 7);
SCENARIO(cond_op_cancel_broadcast,
	 .threads = { poll_twice_and_cancel, wait_ready, broadcast_ready },
	 .check = cond_check, .bound = 2);

/* Signalled and cancelled: the next one has it; of a broadcast nobody else. */
static void cancel_signalled(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());
	chp_cond_op op[3];

	for (int i = 0; i < 3; i++) {
		chp_mutex_lock(&m);
		chp_cond_wait_op(&op[i], &c, &m);
		MODEL_CHECK(chp_op_poll(&op[i].op, &ctx) == CHP_PENDING);
	}
	chp_cond_signal(&c);
	MODEL_CHECK(chp_op_cancel(&op[0].op) == CHP_GAVE_BACK);
	MODEL_CHECK(chp_op_poll(&op[1].op, &ctx) == 0);
	chp_mutex_adopt(&m);
	chp_mutex_unlock(&m);
	MODEL_CHECK(chp_op_poll(&op[2].op, &ctx) == CHP_PENDING);
	chp_cond_broadcast(&c);
	chp_mutex_lock(&m);
	chp_cond_wait_op(&op[0], &c, &m);
	MODEL_CHECK(chp_op_poll(&op[0].op, &ctx) == CHP_PENDING);
	MODEL_CHECK(chp_op_cancel(&op[2].op) == CHP_GAVE_BACK);
	MODEL_CHECK(chp_op_poll(&op[0].op, &ctx) == CHP_PENDING);
	MODEL_CHECK(chp_op_cancel(&op[0].op) == CHP_HELD_NOTHING);
}

SCENARIO(cond_cancel_signalled, .threads = { cancel_signalled },
	 .check = cond_check);

/* ---- Whoever has waited frees it ---- */

static void make_cond(void)
{
	heap_c = model_alloc(sizeof(*heap_c));
	*heap_c = (chp_cond)CHP_COND_INIT;
}

static void wait_and_free(void)
{
	chp_mutex_lock(&m);
	while (!ready)
		MODEL_CHECK(chp_cond_wait(heap_c, &m) == 0);
	chp_mutex_unlock(&m);
	chp_cond_destroy(heap_c);
	model_free(heap_c, sizeof(*heap_c));
}

/* With the mutex, so that whoever finds it ready knows that we are done. */
static void signal_locked(void)
{
	chp_mutex_lock(&m);
	ready = 1;
	chp_cond_signal(heap_c);
	chp_mutex_unlock(&m);
}

static void broadcast_locked(void)
{
	chp_mutex_lock(&m);
	ready = 1;
	chp_cond_broadcast(heap_c);
	chp_mutex_unlock(&m);
}

SCENARIO(cond_destroy, .setup = make_cond,
	 .threads = { wait_and_free, signal_locked }, .bound = 3);
SCENARIO(cond_broadcast_destroy, .setup = make_cond,
	 .threads = { wait_and_free, broadcast_locked }, .bound = 3);

/*
 * Who was served touches its own operation only: the first who returns frees
 * it, and then the other one, whose operation may not even be public yet, is
 * polled with another waker or cancelled.
 */
static chp_cond_op served[2];

static void queue_two(void)
{
	make_cond();
	for (int i = 0; i < 2; i++) {
		chp_mutex_lock(&m);
		chp_cond_wait_op(&served[i], heap_c, &m);
		MODEL_CHECK(chp_op_poll(&served[i].op, NULL) == CHP_PENDING);
	}
}

static void wait_for_the_first(void)
{
	MODEL_CHECK(chp_op_wait(&served[0].op, NULL) == 0);
	chp_mutex_unlock(&m);
	chp_cond_destroy(heap_c);
	model_free(heap_c, sizeof(*heap_c));
}

static void free_and_poll_the_other(void)
{
	wait_for_the_first();
	MODEL_CHECK(chp_op_wait(&served[1].op, NULL) == 0);
	chp_mutex_unlock(&m);
}

static void free_and_cancel_the_other(void)
{
	wait_for_the_first();
	MODEL_CHECK(chp_op_cancel(&served[1].op) == CHP_GAVE_BACK);
}

static void broadcast(void)
{
	chp_cond_broadcast(heap_c);
}

SCENARIO(cond_free_and_poll_another, .setup = queue_two,
	 .threads = { free_and_poll_the_other, broadcast }, .bound = 3);
SCENARIO(cond_free_and_cancel_another, .setup = queue_two,
	 .threads = { free_and_cancel_the_other, broadcast }, .bound = 3);

/* The same for the signaller: it frees, and then tells the waiter to give up,
   which finds the signal, and neither the wait nor the signal is lost. */
static chp_cancel over;

static void wait_signalled(void)
{
	chp_wait w = { .cancel = &over };
	int r;

	chp_mutex_lock(&m);
	ready = 1; /* now somebody waits */
	r = chp_cond_wait_with(heap_c, &m, &w);
	MODEL_CHECK(r == (signals ? 0 : CHP_ECANCELED));
	chp_mutex_unlock(&m);
	model_reached(r == 0);
	if (r)
		model_free(heap_c, sizeof(*heap_c));
}

static void signal_free_and_cancel(void)
{
	chp_mutex_lock(&m);
	signals = ready;
	if (ready)
		chp_cond_signal(heap_c);
	chp_mutex_unlock(&m);
	if (signals) {
		chp_cond_destroy(heap_c);
		model_free(heap_c, sizeof(*heap_c));
	}
	chp_cancel_now(&over);
}

SCENARIO(cond_signal_and_free, .setup = make_cond,
	 .threads = { wait_signalled, signal_free_and_cancel }, .bound = 2,
	 .must_reach = 3);

/* A signal without the mutex, from one who had it: it is not missed. */
static void wait_woken(void)
{
	chp_mutex_lock(&m);
	ready = 1; /* now somebody waits */
	while (!signals)
		MODEL_CHECK(chp_cond_wait(&c, &m) == 0);
	chp_mutex_unlock(&m);
}

static void signal_if_waited_for(void)
{
	unsigned waits;

	chp_mutex_lock(&m);
	waits = ready;
	signals = 1;
	chp_mutex_unlock(&m);
	if (waits)
		chp_cond_signal(&c);
	model_reached(waits);
}

SCENARIO(cond_signal_if_waited_for,
	 .threads = { wait_woken, signal_if_waited_for }, .check = cond_check,
	 .bound = 3, .must_reach = 3);
