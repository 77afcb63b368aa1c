/*
 * lin_chan.c - channels: what threads saw.
 */
#include "lin_tests.h"

#include "model_mpmc.h"
#include "model_mpsc.h"
#include "model_oneshot.h"

/* ---- mpsc: thread 0 receives ---- */

enum { SEND, TRY_SEND, RECV, TRY_RECV, LEN, CLOSE };

static const char *const mpsc_names[] = { "send",     "try_send", "recv",
					  "try_recv", "len",      "close" };

static enum lin_answer step_mpsc(void *model, const struct lin_call *c)
{
	struct model_mpsc *m = model;
	int r;

	switch (c->what) {
	case SEND:
	case TRY_SEND:
		r = c->what == SEND ? model_mpsc_reserve(m, c->thread, 1)
				    : model_mpsc_try_reserve(m, 1);
		if (r == 0)
			model_mpsc_push(m, (int)c->arg);
		return lin_compare(r, c);
	case RECV:
	case TRY_RECV:
		r = model_mpsc_recv(m, 1);
		r = r == 1 ? 0 : r;
		if (r == CHP_PENDING && c->what == TRY_RECV)
			r = CHP_EAGAIN;
		return lin_with_value(r, m->out[0], c);
	case LEN:
		return lin_compare(m->len, c);
	default:
		model_mpsc_close(m);
		return LIN_SAME;
	}
}

static void cancel_mpsc(void *model, const struct lin_call *c)
{
	if (c->what == SEND)
		model_mpsc_cancel(model, c->thread);
}

static const struct lin_spec mpsc_spec = { "mpsc", sizeof(struct model_mpsc),
					   step_mpsc, cancel_mpsc, mpsc_names };

static chp_mpsc_tx mpsc_tx[LIN_THREADS];
static chp_mpsc_rx mpsc_rx;
static size_t mpsc_capacity; /* 0: unbounded */

static void begin_mpsc(struct lin_rounds *r, void *model)
{
	lin_no_values();
	CHECK_CODE(mpsc_capacity ? chp_mpsc_bounded(mpsc_capacity, sizeof(int),
						    NULL, &mpsc_tx[0], &mpsc_rx)
				 : chp_mpsc_unbounded(sizeof(int), NULL,
						      &mpsc_tx[0], &mpsc_rx),
		   0);
	for (int i = 1; i < r->threads; i++)
		chp_mpsc_tx_clone(&mpsc_tx[0], &mpsc_tx[i]);
	model_mpsc_init(model, (int)mpsc_capacity);
}

static void receive(struct lin_thread *t)
{
	chp_wait w = lin_limit(t);
	uint32_t what = h_below(&t->rng, 8);
	struct lin_call *c;
	int r;

	if (what == 0) {
		c = lin_begin(t, LEN, 0);
		lin_end(c, (int64_t)chp_mpsc_len(&mpsc_rx));
	} else if (what == 1 && h_below(&t->rng, 2)) {
		c = lin_begin(t, CLOSE, 0);
		chp_mpsc_close(&mpsc_rx);
		lin_end(c, 0);
	} else {
		c = lin_begin(t, what < 4 ? TRY_RECV : RECV, 0);
		r = what < 4 ? chp_mpsc_try_recv(&mpsc_rx, &c->value)
			     : chp_mpsc_recv_with(&mpsc_rx, &c->value, &w);
		lin_end(c, r);
	}
}

static void act_mpsc(struct lin_thread *t, int i)
{
	bool tries = h_below(&t->rng, 3) == 0;
	int value = lin_fresh();
	struct lin_call *c;
	chp_wait w;

	(void)i;
	if (t->number == 0) {
		receive(t);
		return;
	}
	w = lin_limit(t);
	c = lin_begin(t, tries ? TRY_SEND : SEND, value);
	lin_end(c, tries ? chp_mpsc_try_send(&mpsc_tx[t->number], &value)
			 : chp_mpsc_send_with(&mpsc_tx[t->number], &value, &w));
}

static void end_mpsc(struct lin_rounds *r)
{
	for (int i = 0; i < r->threads; i++)
		chp_mpsc_tx_drop(&mpsc_tx[i]);
	chp_mpsc_rx_drop(&mpsc_rx);
}

void mpsc_is_linearizable(void)
{
	static struct lin_rounds r;

	for (mpsc_capacity = 0; mpsc_capacity < 3; mpsc_capacity++) {
		r = (struct lin_rounds){ .spec = &mpsc_spec,
					 .threads = 3,
					 .calls = 5,
					 .must_explain = true,
					 .begin = begin_mpsc,
					 .act = act_mpsc,
					 .end = end_mpsc };
		CHECK_EQ(lin_run(&r, h_rounds(400)), 0);
	}
}

/* ---- mpmc: two threads receive, two send ---- */

static enum lin_answer step_mpmc(void *model, const struct lin_call *c)
{
	struct model_mpmc *m = model;
	int r;

	switch (c->what) {
	case SEND:
		return lin_compare(model_mpmc_send(m, c->thread, (int)c->arg),
				   c);
	case TRY_SEND:
		return lin_compare(model_mpmc_try_send(m, (int)c->arg), c);
	case RECV:
	case TRY_RECV:
		r = c->what == RECV ? model_mpmc_recv(m, c->thread, 1)
				    : model_mpmc_try_recv(m);
		return lin_with_value(r == 1 ? 0 : r, m->out[0], c);
	default:
		model_mpmc_close(m);
		return LIN_SAME;
	}
}

static void cancel_mpmc(void *model, const struct lin_call *c)
{
	model_mpmc_cancel(model, c->thread);
}

static const struct lin_spec mpmc_spec = { "mpmc", sizeof(struct model_mpmc),
					   step_mpmc, cancel_mpmc, mpsc_names };

static chp_mpmc_tx mpmc_tx[LIN_THREADS];
static chp_mpmc_rx mpmc_rx[LIN_THREADS];
static int mpmc_capacity; /* -1: unbounded */

static void begin_mpmc(struct lin_rounds *r, void *model)
{
	lin_no_values();
	CHECK_CODE(mpmc_capacity < 0
			   ? chp_mpmc_unbounded(sizeof(int), NULL, &mpmc_tx[0],
						&mpmc_rx[0])
			   : chp_mpmc_bounded((size_t)mpmc_capacity,
					      sizeof(int), NULL, &mpmc_tx[0],
					      &mpmc_rx[0]),
		   0);
	for (int i = 1; i < r->threads; i++) {
		chp_mpmc_tx_clone(&mpmc_tx[0], &mpmc_tx[i]);
		chp_mpmc_rx_clone(&mpmc_rx[0], &mpmc_rx[i]);
	}
	model_mpmc_init(model, mpmc_capacity);
}

/* A try to receive without a buffer takes from who blocks: not the model's. */
static void act_mpmc(struct lin_thread *t, int i)
{
	bool tries = h_below(&t->rng, 3) == 0;
	chp_mpmc_tx *tx = &mpmc_tx[t->number];
	chp_mpmc_rx *rx = &mpmc_rx[t->number];
	chp_wait w = lin_limit(t);
	int value = lin_fresh();
	struct lin_call *c;

	(void)i;
	if (h_below(&t->rng, 40) == 0) {
		c = lin_begin(t, CLOSE, 0);
		chp_mpmc_close(rx);
		lin_end(c, 0);
	} else if (t->number & 1) {
		c = lin_begin(t, tries ? TRY_SEND : SEND, value);
		lin_end(c, tries ? chp_mpmc_try_send(tx, &value)
				 : chp_mpmc_send_with(tx, &value, &w));
	} else {
		tries &= mpmc_capacity != 0;
		c = lin_begin(t, tries ? TRY_RECV : RECV, 0);
		lin_end(c, tries ? chp_mpmc_try_recv(rx, &c->value)
				 : chp_mpmc_recv_with(rx, &c->value, &w));
	}
}

static void end_mpmc(struct lin_rounds *r)
{
	for (int i = 0; i < r->threads; i++) {
		chp_mpmc_tx_drop(&mpmc_tx[i]);
		chp_mpmc_rx_drop(&mpmc_rx[i]);
	}
}

void mpmc_is_linearizable(void)
{
	static struct lin_rounds r;

	for (mpmc_capacity = -1; mpmc_capacity < 3; mpmc_capacity++) {
		r = (struct lin_rounds){ .spec = &mpmc_spec,
					 .threads = 4,
					 .calls = 4,
					 .must_explain = true,
					 .begin = begin_mpmc,
					 .act = act_mpmc,
					 .end = end_mpmc };
		CHECK_EQ(lin_run(&r, h_rounds(300)), 0);
	}
}

/* ---- A stack that claims to be a queue ---- */

static chp_mutex stack_lock;
static int stack[LIN_MOST], stack_len;

static void begin_stack(struct lin_rounds *r, void *model)
{
	(void)r;
	lin_no_values();
	stack_len = 0;
	model_mpsc_init(model, 0);
}

static void act_stack(struct lin_thread *t, int i)
{
	bool pushes = t->number != 0;
	int value = lin_fresh(), r = 0;
	struct lin_call *c = lin_begin(t, pushes ? TRY_SEND : TRY_RECV, value);

	(void)i;
	chp_mutex_lock(&stack_lock);
	if (pushes)
		stack[stack_len++] = value;
	else if (stack_len)
		c->value = stack[--stack_len];
	else
		r = CHP_EAGAIN;
	chp_mutex_unlock(&stack_lock);
	lin_end(c, r);
}

static void end_nothing(struct lin_rounds *r)
{
	(void)r;
}

void a_stack_that_claims_to_be_a_queue_is_refused(void)
{
	static struct lin_rounds r;
	long refused = 0;

	r = (struct lin_rounds){ .spec = &mpsc_spec,
				 .threads = 3,
				 .calls = 5,
				 .must_explain = false,
				 .begin = begin_stack,
				 .act = act_stack,
				 .end = end_nothing };
	for (int i = 0; i < 1000 && !refused; i++)
		refused = lin_run(&r, 100);
	CHECK(refused > 0);
}

/* ---- oneshot: thread 0 sends or drops, thread 1 receives and closes ---- */

enum { O_SEND, O_DROP, O_RECV, O_TRY, O_CLOSE };

static const char *const oneshot_names[] = { "send", "drop", "recv", "try_recv",
					     "close" };

static enum lin_answer step_oneshot(void *model, const struct lin_call *c)
{
	struct model_oneshot *m = model;
	int r;

	switch (c->what) {
	case O_SEND:
		return lin_compare(model_oneshot_send(m, (int)c->arg), c);
	case O_DROP:
		m->tx = false;
		return LIN_SAME;
	case O_RECV:
	case O_TRY:
		r = model_oneshot_recv(m);
		if (c->what == O_TRY)
			r = r == CHP_PENDING  ? CHP_EAGAIN
			    : r == CHP_EINVAL ? CHP_ECLOSED
					      : r;
		return lin_with_value(r, m->value, c);
	default:
		m->closed |= m->rx;
		return LIN_SAME;
	}
}

static const struct lin_spec oneshot_spec = { "oneshot",
					      sizeof(struct model_oneshot),
					      step_oneshot, lin_holds_nothing,
					      oneshot_names };

static chp_oneshot_tx oneshot_tx;
static chp_oneshot_rx oneshot_rx;

static void begin_oneshot(struct lin_rounds *r, void *model)
{
	struct model_oneshot *m = model;

	(void)r;
	CHECK_CODE(chp_oneshot(sizeof(int), NULL, &oneshot_tx, &oneshot_rx), 0);
	m->tx = m->rx = true;
}

static void act_oneshot(struct lin_thread *t, int i)
{
	chp_wait w = lin_limit(t);
	uint32_t what = h_below(&t->rng, 4);
	struct lin_call *c;
	int value = 7;

	if (t->number == 0 && i > 0)
		return;
	if (t->number == 0 && what == 0) {
		c = lin_begin(t, O_DROP, 0);
		chp_oneshot_tx_drop(&oneshot_tx);
		lin_end(c, 0);
	} else if (t->number == 0) {
		c = lin_begin(t, O_SEND, value);
		lin_end(c, chp_oneshot_send(&oneshot_tx, &value));
	} else if (what == 0) {
		c = lin_begin(t, O_CLOSE, 0);
		chp_oneshot_close(&oneshot_rx);
		lin_end(c, 0);
	} else if (what == 1) {
		c = lin_begin(t, O_TRY, 0);
		lin_end(c, chp_oneshot_try_recv(&oneshot_rx, &c->value));
	} else {
		c = lin_begin(t, O_RECV, 0);
		lin_end(c, chp_oneshot_recv_with(&oneshot_rx, &c->value, &w));
	}
}

static void end_oneshot(struct lin_rounds *r)
{
	(void)r;
	chp_oneshot_tx_drop(&oneshot_tx);
	chp_oneshot_rx_drop(&oneshot_rx);
}

void oneshots_are_linearizable(void)
{
	static struct lin_rounds r;

	r = (struct lin_rounds){ .spec = &oneshot_spec,
				 .threads = 2,
				 .calls = 3,
				 .must_explain = true,
				 .begin = begin_oneshot,
				 .act = act_oneshot,
				 .end = end_oneshot };
	CHECK_EQ(lin_run(&r, h_rounds(400)), 0);
}
