/*
 * lin_chan.c - channels: what threads saw.
 */
#include "lin_tests.h"

#include "model_broadcast.h"
#include "model_mpsc.h"
#include "model_oneshot.h"
#include "model_watch.h"

static chp_word values; /* the latest that was made in this round */

static int fresh_value(void)
{
	return (int)h_add(&values, 1) + 1;
}

/* The value that comes with the result must be the model's, too. */
static enum lin_answer with_value(int64_t result, int value,
				  const struct lin_call *c)
{
	enum lin_answer a = lin_compare(result, c);

	return a == LIN_SAME && result == 0 && value != c->value ? LIN_NO : a;
}

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
		return with_value(r, m->out[0], c);
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
	h_store(&values, 0);
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
	int value = fresh_value();
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

/* ---- A stack that claims to be a queue ---- */

static chp_mutex stack_lock;
static int stack[LIN_MOST], stack_len;

static void begin_stack(struct lin_rounds *r, void *model)
{
	(void)r;
	h_store(&values, 0);
	stack_len = 0;
	model_mpsc_init(model, 0);
}

static void act_stack(struct lin_thread *t, int i)
{
	bool pushes = t->number != 0;
	int value = fresh_value(), r = 0;
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
		return with_value(r, m->value, c);
	default:
		m->closed |= m->rx;
		return LIN_SAME;
	}
}

static void cancel_nothing(void *model, const struct lin_call *c)
{
	(void)model;
	(void)c;
}

static const struct lin_spec oneshot_spec = { "oneshot",
					      sizeof(struct model_oneshot),
					      step_oneshot, cancel_nothing,
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

/* ---- broadcast: each thread has a sender and a receiver ---- */

enum { B_SEND, B_RECV, B_TRY, B_DROP, B_SUBSCRIBE, B_LEN };

static const char *const broadcast_names[] = { "send", "recv",      "try_recv",
					       "drop", "subscribe", "len" };

static enum lin_answer step_broadcast(void *model, const struct lin_call *c)
{
	struct model_broadcast *m = model;
	int r;

	switch (c->what) {
	case B_SEND:
		return lin_compare(model_broadcast_send(m, (int)c->arg), c);
	case B_RECV:
	case B_TRY:
		r = model_broadcast_recv(m, c->thread, 1);
		if (r == CHP_PENDING && c->what == B_TRY)
			r = CHP_EAGAIN;
		if (r == CHP_ELAGGED && c->result == CHP_ELAGGED &&
		    m->rx[c->thread].lagged != (uint64_t)c->value)
			return LIN_NO;
		return with_value(r == 1 ? 0 : r, m->out[0], c);
	case B_DROP:
		model_broadcast_rx_drop(m, c->thread);
		return LIN_SAME;
	case B_SUBSCRIBE:
		model_broadcast_subscribe(m, c->thread);
		return LIN_SAME;
	default:
		return lin_compare(m->sent - m->rx[c->thread].next, c);
	}
}

static const struct lin_spec broadcast_spec = { "broadcast",
						sizeof(struct model_broadcast),
						step_broadcast, cancel_nothing,
						broadcast_names };

static chp_broadcast_tx broadcast_tx[LIN_THREADS];
static chp_broadcast_rx broadcast_rx[LIN_THREADS];

static void begin_broadcast(struct lin_rounds *r, void *model)
{
	h_store(&values, 0);
	CHECK_CODE(chp_broadcast(2, sizeof(int), NULL, &broadcast_tx[0],
				 &broadcast_rx[0]),
		   0);
	model_broadcast_init(model, 2);
	model_broadcast_subscribe(model, 0);
	for (int i = 1; i < r->threads; i++) {
		chp_broadcast_tx_clone(&broadcast_tx[0], &broadcast_tx[i]);
		CHECK_CODE(chp_broadcast_subscribe(&broadcast_tx[0],
						   &broadcast_rx[i]),
			   0);
		model_broadcast_subscribe(model, i);
	}
}

static void act_broadcast(struct lin_thread *t, int i)
{
	chp_broadcast_tx *tx = &broadcast_tx[t->number];
	chp_broadcast_rx *rx = &broadcast_rx[t->number];
	uint32_t what = h_below(&t->rng, 9);
	chp_wait w = lin_limit(t);
	uint64_t lagged = 0;
	struct lin_call *c;
	int value, r;

	(void)i;
	if (what < 4) {
		value = fresh_value();
		c = lin_begin(t, B_SEND, value);
		lin_end(c, chp_broadcast_send(tx, &value));
	} else if (!rx->ch) {
		c = lin_begin(t, B_SUBSCRIBE, 0);
		CHECK_CODE(chp_broadcast_subscribe(tx, rx), 0);
		lin_end(c, 0);
	} else if (what == 4) {
		c = lin_begin(t, B_DROP, 0);
		chp_broadcast_rx_drop(rx);
		lin_end(c, 0);
	} else if (what == 5) {
		c = lin_begin(t, B_LEN, 0);
		lin_end(c, (int64_t)chp_broadcast_len(rx));
	} else {
		c = lin_begin(t, what == 6 ? B_TRY : B_RECV, 0);
		r = what == 6 ? chp_broadcast_try_recv(rx, &c->value, &lagged)
			      : chp_broadcast_recv_with(rx, &c->value, &lagged,
							&w);
		lin_end(c, r);
		if (r == CHP_ELAGGED)
			c->value = (int)lagged;
	}
}

static void end_broadcast(struct lin_rounds *r)
{
	for (int i = 0; i < r->threads; i++) {
		chp_broadcast_rx_drop(&broadcast_rx[i]);
		chp_broadcast_tx_drop(&broadcast_tx[i]);
	}
}

void broadcast_is_linearizable(void)
{
	static struct lin_rounds r;

	r = (struct lin_rounds){ .spec = &broadcast_spec,
				 .threads = 3,
				 .calls = 5,
				 .must_explain = true,
				 .begin = begin_broadcast,
				 .act = act_broadcast,
				 .end = end_broadcast };
	CHECK_EQ(lin_run(&r, h_rounds(500)), 0);
}

/* ---- watch: each thread has a receiver; all use one sender ---- */

enum { W_SEND, W_MODIFY, W_BORROW, W_UPDATE, W_CHANGED, W_HAS_CHANGED };

static const char *const watch_names[] = { "send",    "modify",
					   "borrow",  "borrow_and_update",
					   "changed", "has_changed" };

static enum lin_answer step_watch(void *model, const struct lin_call *c)
{
	struct model_watch *m = model;

	switch (c->what) {
	case W_SEND:
		return lin_compare(model_watch_send(m, (int)c->arg), c);
	case W_MODIFY:
		model_watch_replace(m, m->value + 100, true);
		return with_value(0, m->value, c);
	case W_BORROW:
		return with_value(0, m->value, c);
	case W_UPDATE:
		model_watch_see(m, c->thread);
		return with_value(0, m->value, c);
	case W_CHANGED:
		return lin_compare(model_watch_changed(m, c->thread), c);
	default:
		return lin_compare(model_watch_has_changed(m, c->thread), c);
	}
}

static const struct lin_spec watch_spec = { "watch", sizeof(struct model_watch),
					    step_watch, cancel_nothing,
					    watch_names };

static chp_watch_tx watch_tx;
static chp_watch_rx watch_rx[LIN_THREADS];

static void begin_watch(struct lin_rounds *r, void *model)
{
	struct model_watch *m = model;

	h_store(&values, 0);
	CHECK_CODE(chp_watch(sizeof(int), NULL, NULL, &watch_tx, &watch_rx[0]),
		   0);
	m->senders = 1;
	m->receivers = r->threads;
	for (int i = 0; i < r->threads; i++) {
		if (i)
			chp_watch_subscribe(&watch_tx, &watch_rx[i]);
		m->rx[i].alive = true;
	}
}

static void add_hundred(void *value, void *arg)
{
	*(int *)arg = *(int *)value += 100;
}

static void act_watch(struct lin_thread *t, int i)
{
	chp_watch_rx *rx = &watch_rx[t->number];
	int what = (int)h_below(&t->rng, 6), value;
	chp_wait w = lin_limit(t);
	struct lin_call *c;
	chp_watch_ref ref;

	(void)i;
	value = fresh_value();
	c = lin_begin(t, what, what == W_SEND ? value : 0);
	switch (what) {
	case W_SEND:
		lin_end(c, chp_watch_send(&watch_tx, &value));
		break;
	case W_MODIFY:
		lin_end(c, chp_watch_send_modify(&watch_tx, add_hundred,
						 &c->value));
		break;
	case W_BORROW:
	case W_UPDATE:
		CHECK_CODE(what == W_BORROW
				   ? chp_watch_borrow(rx, &ref)
				   : chp_watch_borrow_and_update(rx, &ref),
			   0);
		lin_end(c, 0);
		c->value = *(const int *)ref.value;
		chp_watch_ref_release(&ref);
		break;
	case W_CHANGED:
		lin_end(c, chp_watch_changed_with(rx, &w));
		break;
	default:
		lin_end(c, chp_watch_has_changed(rx));
	}
}

static void end_watch(struct lin_rounds *r)
{
	for (int i = 0; i < r->threads; i++)
		chp_watch_rx_drop(&watch_rx[i]);
	chp_watch_tx_drop(&watch_tx);
}

void watch_is_linearizable(void)
{
	static struct lin_rounds r;

	r = (struct lin_rounds){ .spec = &watch_spec,
				 .threads = 3,
				 .calls = 5,
				 .must_explain = true,
				 .begin = begin_watch,
				 .act = act_watch,
				 .end = end_watch };
	CHECK_EQ(lin_run(&r, h_rounds(500)), 0);
}
