/*
 * fuzz_broadcast.c - broadcast channels of bytes, and of values that are owned.
 */
#include "fuzz.h"
#include "model_broadcast.h"

enum { SENDERS = 2, WEAK = 2, RX = MODEL_BROADCAST_RX };

struct real {
	bool owned; /* with a destructor */
	chp_broadcast_tx tx[SENDERS];
	chp_broadcast_weak weak[WEAK];
	chp_broadcast_rx rx[RX];
};

struct model {
	struct model_broadcast c;
	bool tx[SENDERS], weak[WEAK];
};

#define C(o) (&MODEL(o)->c)

/* ---- Waits ---- */

static int poll_recv(struct wait *w)
{
	int r = model_broadcast_recv(C(w->object), w->slot, (int)w->n);

	return r > 0 && !w->what ? 0 : r;
}

static void received(struct wait *w, int r)
{
	const struct model_broadcast *m = C(w->object);
	int n = r == GIVEN_UP || r < 0 ? 0 : w->what ? r : 1;

	for (int i = 0; i < MODEL_BROADCAST_OUT; i++)
		EXPECT(w->out[i], i < n ? m->out[i] : 0);
	EXPECT(w->lagged, r == CHP_ELAGGED ? m->rx[w->slot].lagged : 0);
}

static const struct wait_class recv_class = {
	"broadcast recv", poll_recv, holds_nothing, received, false, false,
};

static int poll_closed(struct wait *w)
{
	return C(w->object)->receivers ? CHP_PENDING : 0;
}

static const struct wait_class closed_class = {
	"broadcast closed", poll_closed, holds_nothing, nothing, true, false,
};

/* ---- Steps ---- */

static void send_one(struct object *o)
{
	unsigned i = below(SENDERS);
	int value = fresh(), r;

	if (C(o)->sent == MODEL_BROADCAST_SENDS)
		return;
	r = chp_broadcast_send(&REAL(o)->tx[i], &value);
	SAY("  sender %jd sends %jd: %jd", i, value, r);
	EXPECT(r, MODEL(o)->tx[i] ? model_broadcast_send(C(o), value)
				  : CHP_EINVAL);
}

static void start_recv(struct object *o)
{
	int i = (int)below(RX), v = 0, r, want;
	chp_broadcast_rx *rx = &REAL(o)->rx[i];
	uint64_t lagged = 0;
	struct wait *w;

	if (!rx->ch || wait_on(o, &recv_class, rx))
		return;
	if (one_in(3)) {
		r = chp_broadcast_try_recv(rx, &v, &lagged);
		SAY("  receiver %jd tries: %jd, %jd", i, r, v);
		want = model_broadcast_recv(C(o), i, 1);
		EXPECT(r, want == CHP_PENDING ? CHP_EAGAIN
			  : want == 1         ? 0
					      : want);
		EXPECT(v, r == 0 ? C(o)->out[0] : 0);
		EXPECT(lagged, r == CHP_ELAGGED ? C(o)->rx[i].lagged : 0);
		return;
	}
	if (!(w = wait_new(o, &recv_class)))
		return;
	w->handle = rx;
	w->slot = i;
	w->what = one_in(3);
	w->n = w->what ? below(5) : 1;
	SAY("  wait %jd: receiver %jd wants %jd", w->id, i, w->n);
	if (w->what)
		chp_broadcast_recv_many_op(&w->broadcast, rx, w->out,
					   (size_t)w->n, &w->lagged);
	else
		chp_broadcast_recv_op(&w->broadcast, rx, w->out, &w->lagged);
	wait_begin(w, &w->broadcast.op);
}

static void receivers(struct object *o)
{
	unsigned i = below(SENDERS), k = below(RX);
	int j = (int)below(RX);
	struct real *r = REAL(o);

	if (r->rx[j].ch) {
		waits_cancel(o, &r->rx[j]);
		SAY("  receiver %jd dropped", j);
		model_broadcast_rx_drop(C(o), j);
		chp_broadcast_rx_drop(&r->rx[j]);
		return;
	}
	switch (below(3)) {
	case 0:
		SAY("  receiver %jd by sender %jd", j, i);
		EXPECT(chp_broadcast_subscribe(&r->tx[i], &r->rx[j]),
		       MODEL(o)->tx[i] ? 0 : CHP_EINVAL);
		if (MODEL(o)->tx[i])
			model_broadcast_subscribe(C(o), j);
		break;
	case 1:
		SAY("  receiver %jd by sender %jd, from the oldest", j, i);
		EXPECT(chp_broadcast_subscribe_from_oldest(&r->tx[i],
							   &r->rx[j]),
		       MODEL(o)->tx[i] ? 0 : CHP_EINVAL);
		if (MODEL(o)->tx[i])
			model_broadcast_subscribe_oldest(C(o), j);
		break;
	default:
		SAY("  receiver %jd by receiver %jd", j, k);
		EXPECT(chp_broadcast_resubscribe(&r->rx[k], &r->rx[j]),
		       C(o)->rx[k].alive ? 0 : CHP_EINVAL);
		if (C(o)->rx[k].alive)
			model_broadcast_subscribe(C(o), j);
	}
}

static void senders(struct object *o)
{
	unsigned i = below(SENDERS), j = below(SENDERS), k = below(WEAK);
	struct real *r = REAL(o);
	struct model *m = MODEL(o);
	int code;

	switch (below(5)) {
	case 0:
		if (r->tx[j].ch)
			return;
		SAY("  sender %jd cloned: %jd", i, j);
		chp_broadcast_tx_clone(&r->tx[i], &r->tx[j]);
		m->tx[j] = m->tx[i];
		m->c.senders += m->tx[i];
		break;
	case 1:
		waits_cancel(o, &r->tx[i]);
		SAY("  sender %jd dropped", i);
		chp_broadcast_tx_drop(&r->tx[i]);
		m->c.senders -= m->tx[i];
		m->tx[i] = false;
		break;
	case 2:
		if (r->weak[k].ch)
			return;
		SAY("  sender %jd downgraded: weak %jd", i, k);
		chp_broadcast_downgrade(&r->tx[i], &r->weak[k]);
		m->weak[k] = m->tx[i];
		m->c.weak += m->tx[i];
		break;
	case 3:
		if (r->tx[j].ch || !r->weak[k].ch)
			return;
		code = chp_broadcast_upgrade(&r->weak[k], &r->tx[j]);
		SAY("  weak %jd upgraded, sender %jd: %jd", k, j, code);
		EXPECT(code, m->c.senders ? 0 : CHP_ECLOSED);
		m->tx[j] = code == 0;
		m->c.senders += code == 0;
		break;
	default:
		SAY("  weak %jd dropped", k);
		chp_broadcast_weak_drop(&r->weak[k]);
		m->c.weak -= m->weak[k];
		m->weak[k] = false;
	}
}

static void closed(struct object *o)
{
	chp_broadcast_tx *tx = &REAL(o)->tx[below(SENDERS)];
	struct wait *w;

	if (!tx->ch || !(w = wait_new(o, &closed_class)))
		return;
	w->handle = tx;
	SAY("  wait %jd: closed", w->id);
	chp_broadcast_closed_op(&w->broadcast, tx);
	wait_begin(w, &w->broadcast.op);
}

static void step(struct object *o)
{
	static void (*const steps[])(struct object *) = {
		send_one,   send_one,   send_one,   start_recv,
		start_recv, start_recv, start_recv, receivers,
		receivers,  senders,    senders,    closed,
	};

	steps[below(12)](o);
}

/* ---- The whole ---- */

static void make(struct object *o)
{
	struct real *r = object_new(o, sizeof(struct real));
	unsigned capacity = 1 + below(5);
	chp_broadcast_values values = { .drop = drop_of(o) };

	r->owned = one_in(2);
	SAY("  capacity %jd, owned %jd", capacity, r->owned);
	model_broadcast_init(C(o), (int)capacity);
	MODEL(o)->tx[0] = true;
	if (one_in(4)) {
		EXPECT(chp_broadcast_tx_new(capacity, sizeof(int),
					    r->owned ? &values : NULL,
					    &r->tx[0]),
		       0);
		return;
	}
	EXPECT(chp_broadcast(capacity, sizeof(int), r->owned ? &values : NULL,
			     &r->tx[0], &r->rx[0]),
	       0);
	model_broadcast_subscribe(C(o), 0);
}

static void compare(struct object *o)
{
	const struct model_broadcast *m = C(o);
	struct real *r = REAL(o);

	EXPECT(o->dropped, r->owned ? m->dropped : 0);
	for (int i = 0; i < SENDERS; i++) {
		CHECK(!!r->tx[i].ch == MODEL(o)->tx[i]);
		if (!r->tx[i].ch)
			continue;
		EXPECT(chp_broadcast_receiver_count(&r->tx[i]), m->receivers);
		EXPECT(chp_broadcast_strong_count(&r->tx[i]), m->senders);
		EXPECT(chp_broadcast_weak_count(&r->tx[i]), m->weak);
		EXPECT(chp_broadcast_tx_len(&r->tx[i]),
		       model_broadcast_tx_len(m));
		EXPECT(chp_broadcast_tx_is_empty(&r->tx[i]),
		       model_broadcast_tx_len(m) == 0);
	}
	for (int i = 0; i < RX; i++) {
		CHECK(!!r->rx[i].ch == m->rx[i].alive);
		if (!r->rx[i].ch)
			continue;
		EXPECT(chp_broadcast_len(&r->rx[i]), m->sent - m->rx[i].next);
		EXPECT(chp_broadcast_is_empty(&r->rx[i]),
		       m->sent == m->rx[i].next);
		EXPECT(chp_broadcast_is_closed(&r->rx[i]), !m->senders);
		EXPECT(chp_broadcast_lagged(&r->rx[i]), m->rx[i].lagged);
	}
}

static void end(struct object *o)
{
	struct real *r = REAL(o);

	for (int i = 0; i < RX; i++) {
		model_broadcast_rx_drop(C(o), i);
		chp_broadcast_rx_drop(&r->rx[i]);
		compare(o);
	}
	for (int i = 0; i < WEAK; i++)
		chp_broadcast_weak_drop(&r->weak[i]);
	for (int i = 0; i < SENDERS; i++)
		chp_broadcast_tx_drop(&r->tx[i]);
	EXPECT(o->dropped, r->owned ? C(o)->dropped : 0);
}

const struct part part_broadcast = { "broadcast", make, step, compare, end };
