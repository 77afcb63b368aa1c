/*
 * callback.c - the most impatient waiter: its waker polls, on whatever thread
 * wakes it, as event loops without a queue do.
 *
 *	IDLE    nobody polls; a wake polls
 *	BUSY    somebody polls, or has finished
 *	AGAIN   somebody polls, and has been woken meanwhile: polls again
 *
 * Whoever makes it BUSY has the operation for himself: polls are never two at a
 * time, as the contract of operations wants it.
 */
#include "stress.h"

enum { IDLE, BUSY, AGAIN };

struct machine {
	chp_word refs, state, finished;
	chp_op *op; /* while BUSY */
	int result; /* before finished */
	chp_waker agent;
};

static void unref(struct machine *m)
{
	if (__atomic_sub_fetch(&m->refs.v, 1, __ATOMIC_ACQ_REL) == 0) {
		count_waker(-1);
		free(m);
	}
}

static bool change(struct machine *m, uint32_t from, uint32_t to)
{
	return __atomic_compare_exchange_n(&m->state.v, &from, to, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static void wake(void *data);

static void retain(void *data)
{
	add(&((struct machine *)data)->refs, 1);
}

static void release(void *data)
{
	unref(data);
}

static const chp_waker_class machine_class = { wake, retain, release };

/* It is BUSY, by us. */
static void run(struct machine *m)
{
	chp_poll_ctx ctx = chp_poll_ctx_of((chp_waker){ &machine_class, m });
	chp_waker agent = m->agent;
	int r;

	for (;;) {
		r = chp_op_poll(m->op, &ctx);
		if (r != CHP_PENDING)
			break;
		if (change(m, BUSY, IDLE))
			return;
		store(&m->state, BUSY);
	}
	m->result = r;
	store(&m->finished, 1);
	agent.cls->wake(agent.data);
}

static void wake(void *data)
{
	struct machine *m = data;

	for (;;) {
		if (change(m, IDLE, BUSY)) {
			run(m);
			break;
		}
		if (change(m, BUSY, AGAIN) || load(&m->state) == AGAIN)
			break;
	}
	unref(m);
}

/* Take the operation away from it, unless it finishes first. */
static bool give_up(struct machine *m)
{
	while (!load(&m->finished)) {
		if (change(m, IDLE, BUSY)) {
			chp_op_cancel(m->op);
			m->result = m->op->result;
			return true;
		}
		chp_yield();
	}
	return false;
}

int by_callback(struct agent *a, chp_op *op, enum patience p)
{
	struct machine *m = calloc(1, sizeof(*m));
	chp_time limit = 0;
	int r;

	if (p == BRIEFLY || (p == SOMEHOW && chance(a, 40)))
		limit = soon(a);
	at(a, "polled by its waker");
	count_waker(1);
	m->refs.v = 1;
	m->state.v = BUSY;
	m->op = op;
	m->agent = chp_waker_current();
	run(m);
	while (!load(&m->finished)) {
		if (limit && chp_now() >= limit && give_up(m))
			break;
		chp_park(limit);
	}
	r = m->result;
	unref(m);
	return r;
}
