/*
 * lin_streams.c - broadcast and watch: what threads saw.
 */
#include "lin_tests.h"

#include "model_broadcast.h"
#include "model_watch.h"

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
		return lin_with_value(r == 1 ? 0 : r, m->out[0], c);
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

static const struct lin_spec broadcast_spec = {
	"broadcast", sizeof(struct model_broadcast), step_broadcast,
	lin_holds_nothing, broadcast_names
};

static chp_broadcast_tx broadcast_tx[LIN_THREADS];
static chp_broadcast_rx broadcast_rx[LIN_THREADS];

static void begin_broadcast(struct lin_rounds *r, void *model)
{
	lin_no_values();
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
		value = lin_fresh();
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
		return lin_with_value(0, m->value, c);
	case W_BORROW:
		return lin_with_value(0, m->value, c);
	case W_UPDATE:
		model_watch_see(m, c->thread);
		return lin_with_value(0, m->value, c);
	case W_CHANGED:
		return lin_compare(model_watch_changed(m, c->thread), c);
	default:
		return lin_compare(model_watch_has_changed(m, c->thread), c);
	}
}

static const struct lin_spec watch_spec = { "watch", sizeof(struct model_watch),
					    step_watch, lin_holds_nothing,
					    watch_names };

static chp_watch_tx watch_tx;
static chp_watch_rx watch_rx[LIN_THREADS];

static void begin_watch(struct lin_rounds *r, void *model)
{
	struct model_watch *m = model;

	lin_no_values();
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
	value = lin_fresh();
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
