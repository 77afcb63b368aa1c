/*
 * harness_wait.c - how each kind of caller waits, and wakers for tests; see
 * harness.h.
 */
#include "harness.h"

/* ---- A foreign event loop, in miniature ---- */

struct loop {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	int refs;
	bool woken;
};

static void loop_unref(struct loop *l)
{
	int left;

	pthread_mutex_lock(&l->mutex);
	left = --l->refs;
	pthread_mutex_unlock(&l->mutex);
	if (left)
		return;
	pthread_mutex_destroy(&l->mutex);
	pthread_cond_destroy(&l->cond);
	free(l);
}

static void loop_wake(void *data)
{
	struct loop *l = data;

	pthread_mutex_lock(&l->mutex);
	l->woken = true;
	pthread_cond_signal(&l->cond);
	pthread_mutex_unlock(&l->mutex);
	loop_unref(l);
}

static void loop_retain(void *data)
{
	struct loop *l = data;

	pthread_mutex_lock(&l->mutex);
	l->refs++;
	pthread_mutex_unlock(&l->mutex);
}

static void loop_release(void *data)
{
	loop_unref(data);
}

static const chp_waker_class loop_class = { loop_wake, loop_retain,
					    loop_release };

static int poll_by_hand(chp_op *op)
{
	struct loop *l = calloc(1, sizeof(*l));
	chp_poll_ctx ctx;
	int r;

	pthread_mutex_init(&l->mutex, NULL);
	pthread_cond_init(&l->cond, NULL);
	l->refs = 1;
	ctx = chp_poll_ctx_of((chp_waker){ &loop_class, l });
	while ((r = chp_op_poll(op, &ctx)) == CHP_PENDING) {
		pthread_mutex_lock(&l->mutex);
		while (!l->woken)
			pthread_cond_wait(&l->cond, &l->mutex);
		l->woken = false;
		pthread_mutex_unlock(&l->mutex);
	}
	loop_unref(l);
	return r;
}

/* Deadline and token, out of operations. */
static int poll_with(chp_op *op, const chp_wait *w)
{
	chp_timeout_op timeout;
	chp_cancel_op cancelled;
	chp_select_op select;
	chp_select_arm arms[2];
	int r;

	if (w->cancel && (r = chp_cancel_status(w->cancel)) != 0)
		return r;
	chp_timeout_init(&timeout, op, w->deadline);
	if (!w->cancel)
		return poll_by_hand(w->deadline ? &timeout.op : op);
	chp_cancel_wait_op(&cancelled, w->cancel);
	arms[0].op = w->deadline ? &timeout.op : op;
	arms[1].op = &cancelled.op;
	CHECK_CODE(chp_select_init(&select, arms, 2,
				   CHP_BIASED | CHP_CANCEL_LOSERS),
		   0);
	r = poll_by_hand(&select.op);
	if (r == 0)
		return arms[0].result;
	CHECK_EQ(r, 1);
	/* Served just before it was cancelled, where that comes too late. */
	if (op->result != CHP_ECANCELED)
		return op->result;
	return chp_cancel_status(w->cancel);
}

/* ---- A stackless task that waits for its caller ---- */

struct proxy {
	chp_coro co;
	chp_op *op;
	const chp_wait *w;
	chp_co_limit limit;
	int r;
};

static int await_for_another(void *state, chp_poll_ctx *ctx)
{
	struct proxy *p = state;

	CHP_CO_BEGIN(&p->co);
	CHP_CO_AWAIT_WITH(&p->co, ctx, p->op, &p->limit, p->w, p->r);
	CHP_CO_END(&p->co, 0);
}

/* What ended the caller's own wait ends the other's. */
static int pass_on(struct proxy *p, chp_task *task, int why)
{
	static const chp_wait whatever = { .flags = CHP_UNINTERRUPTIBLE };
	chp_outcome outcome;

	if (why == CHP_EINTR)
		chp_interrupt(task->agent);
	else
		chp_task_abort(task);
	CHECK_CODE(chp_join_with(task, &outcome, &whatever), 0);
	if (outcome.fate == CHP_NEVER_RUN) {
		chp_op_cancel(p->op);
		return why;
	}
	/* Not told: it is for the next wait. */
	if (why == CHP_EINTR && p->r != why)
		chp_interrupt(chp_agent_current());
	return p->r;
}

static int wait_stackless(chp_op *op, const chp_wait *w)
{
	chp_wait join = { .flags = w ? w->flags & CHP_UNINTERRUPTIBLE : 0 };
	struct proxy p = { .op = op, .w = w };
	chp_task task;
	int r;

	CHECK_CODE(chp_spawn_poll(&task, await_for_another, &p), 0);
	r = chp_join_with(&task, NULL, &join);
	return r == 0 ? p.r : pass_on(&p, &task, r);
}

/* In tasks, with CHP_TEST_STACKLESS. */
static bool is_stackless(void)
{
	return chp_runtime_current() && getenv("CHP_TEST_STACKLESS");
}

/* ---- Waiting as this mode's caller does ---- */

int h_wait(chp_op *op, const chp_wait *w)
{
	if (is_stackless())
		return wait_stackless(op, w);
	if (h_mode() != H_POLLED)
		return chp_op_wait(op, w);
	return w ? poll_with(op, w) : poll_by_hand(op);
}

int h_acquire(chp_semaphore *s, int64_t n, const chp_wait *w)
{
	chp_acquire_op op;

	if (h_mode() != H_POLLED && !is_stackless())
		return w ? chp_semaphore_acquire_with(s, n, w)
			 : chp_semaphore_acquire(s, n);
	chp_semaphore_acquire_op(&op, s, n);
	return h_wait(&op.op, w);
}

int h_select(chp_select_arm *arms, size_t count, unsigned flags,
	     const chp_wait *w)
{
	chp_select_op op;
	int r;

	if (h_mode() != H_POLLED && !is_stackless())
		return w ? chp_select_with(arms, count, flags, w)
			 : chp_select(arms, count, flags);
	r = chp_select_init(&op, arms, count, flags);
	return r != 0 ? r : h_wait(&op.op, w);
}

/* ---- A waker that counts ---- */

static void count(void *data, uint64_t wakes, int refs)
{
	struct h_waker *w = data;

	__atomic_fetch_add(&w->counts.v, (wakes << 32) + (uint64_t)refs,
			   __ATOMIC_SEQ_CST);
}

static void count_wake(void *data)
{
	count(data, 1, -1);
}

static void count_retain(void *data)
{
	count(data, 0, 1);
}

static void count_release(void *data)
{
	count(data, 0, -1);
}

static const chp_waker_class counting_class = { count_wake, count_retain,
						count_release };

chp_waker h_waker(struct h_waker *w)
{
	return (chp_waker){ &counting_class, w };
}

unsigned h_wakes(const struct h_waker *w)
{
	return (unsigned)(__atomic_load_n(&w->counts.v, __ATOMIC_SEQ_CST) >>
			  32);
}

unsigned h_refs(const struct h_waker *w)
{
	return (unsigned)__atomic_load_n(&w->counts.v, __ATOMIC_SEQ_CST);
}

void h_forget_wakes(struct h_waker *w)
{
	__atomic_store_n(&w->counts.v, (uint64_t)h_refs(w), __ATOMIC_SEQ_CST);
}

int h_poll_within(chp_op *op, struct h_waker *w, uint32_t *budget)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(h_waker(w));

	ctx.budget = budget;
	return chp_op_poll(op, &ctx);
}

int h_poll(chp_op *op, struct h_waker *w)
{
	return h_poll_within(op, w, NULL);
}
