/*
 * fuzz_mpmc.c - channels with many receivers: bounded, unbounded, rendezvous.
 */
#include "fuzz.h"
#include "model_mpmc.h"

enum { SENDERS = 3, RX = 3, WEAK = 2 };

struct real {
	chp_mpmc_tx tx[SENDERS];
	chp_mpmc_rx rx[RX];
	chp_mpmc_weak weak[WEAK];
};

struct model {
	struct model_mpmc c;
	bool tx[SENDERS], rx[RX], weak[WEAK];
};

#define C(o) (&MODEL(o)->c)

/* ---- Waits ---- */

static int poll_send(struct wait *w)
{
	return model_mpmc_send(C(w->object), w->id, w->value);
}

static int cancel_wait(struct wait *w)
{
	return model_mpmc_cancel(C(w->object), w->id);
}

static const struct wait_class send_class = {
	"mpmc send", poll_send, cancel_wait, nothing, false, false,
};

static int poll_recv(struct wait *w)
{
	int r = model_mpmc_recv(C(w->object), w->id, (int)w->n);

	return r > 0 && !w->what ? 0 : r;
}

static void received(struct wait *w, int r)
{
	int n = r == GIVEN_UP || r < 0 ? 0 : w->what ? r : 1;

	for (int i = 0; i < MODEL_MPMC_OUT; i++)
		EXPECT(w->out[i], i < n ? C(w->object)->out[i] : 0);
}

static const struct wait_class recv_class = {
	"mpmc recv", poll_recv, cancel_wait, received, false, false,
};

static int poll_closed(struct wait *w)
{
	return C(w->object)->closed ? 0 : CHP_PENDING;
}

static const struct wait_class closed_class = {
	"mpmc closed", poll_closed, holds_nothing, nothing, false, false,
};

/* ---- Steps ---- */

static void start_send(struct object *o)
{
	unsigned i = below(SENDERS);
	chp_mpmc_tx *tx = &REAL(o)->tx[i];
	struct wait *w;

	if (!tx->ch || !(w = wait_new(o, &send_class)))
		return;
	w->handle = tx;
	w->value = fresh();
	SAY("  wait %jd: sender %jd sends %jd", w->id, i, w->value);
	chp_mpmc_send_op(&w->mpmc, tx, &w->value);
	wait_begin(w, &w->mpmc.op);
}

static void try_send(struct object *o)
{
	unsigned i = below(SENDERS);
	chp_mpmc_tx *tx = &REAL(o)->tx[i];
	int value = fresh(), r = chp_mpmc_try_send(tx, &value);

	SAY("  sender %jd tries %jd: %jd", i, value, r);
	EXPECT(r, tx->ch ? model_mpmc_try_send(C(o), value) : CHP_EINVAL);
}

static void start_recv(struct object *o)
{
	unsigned i = below(RX);
	chp_mpmc_rx *rx = &REAL(o)->rx[i];
	int v = 0, r, want;
	struct wait *w;

	if (!rx->ch)
		return;
	if (one_in(4)) {
		r = chp_mpmc_try_recv(rx, &v);
		SAY("  receiver %jd tries: %jd, %jd", i, r, v);
		want = model_mpmc_try_recv(C(o));
		EXPECT(r, want == 1 ? 0 : want);
		EXPECT(v, r == 0 ? C(o)->out[0] : 0);
		return;
	}
	if (!(w = wait_new(o, &recv_class)))
		return;
	w->handle = rx;
	w->what = one_in(3);
	w->n = w->what ? below(5) : 1;
	SAY("  wait %jd: receiver %jd wants %jd", w->id, i, w->n);
	if (w->what)
		chp_mpmc_recv_many_op(&w->mpmc, rx, w->out, (size_t)w->n);
	else
		chp_mpmc_recv_op(&w->mpmc, rx, w->out);
	wait_begin(w, &w->mpmc.op);
}

static void closed(struct object *o)
{
	chp_mpmc_tx *tx = &REAL(o)->tx[below(SENDERS)];
	struct wait *w;

	if (!tx->ch || !(w = wait_new(o, &closed_class)))
		return;
	w->handle = tx;
	SAY("  wait %jd: closed", w->id);
	chp_mpmc_closed_op(&w->once, tx);
	wait_begin(w, &w->once.op);
}

static void close_it(struct object *o)
{
	unsigned i = below(SENDERS);

	if (!one_in(4))
		return;
	SAY("  close");
	if (REAL(o)->tx[i].ch)
		chp_mpmc_tx_close(&REAL(o)->tx[i]);
	else if (REAL(o)->rx[i].ch)
		chp_mpmc_close(&REAL(o)->rx[i]);
	else
		return;
	model_mpmc_close(C(o));
}

static void handles(struct object *o)
{
	unsigned i = below(SENDERS), j = below(SENDERS), k = below(WEAK);
	struct real *r = REAL(o);
	struct model *m = MODEL(o);
	int code;

	switch (below(8)) {
	case 0:
		if (r->tx[j].ch)
			return;
		SAY("  sender %jd cloned: %jd", i, j);
		chp_mpmc_tx_clone(&r->tx[i], &r->tx[j]);
		m->tx[j] = m->tx[i];
		m->c.senders += m->tx[i];
		break;
	case 1:
		waits_cancel(o, &r->tx[i]);
		SAY("  sender %jd dropped", i);
		chp_mpmc_tx_drop(&r->tx[i]);
		if (m->tx[i])
			model_mpmc_tx_drop(C(o));
		m->tx[i] = false;
		break;
	case 2:
	case 3:
		if (r->rx[j].ch)
			return;
		SAY("  receiver %jd cloned: %jd", i, j);
		chp_mpmc_rx_clone(&r->rx[i], &r->rx[j]);
		m->rx[j] = m->rx[i];
		m->c.receivers += m->rx[i];
		break;
	case 4:
		waits_cancel(o, &r->rx[i]);
		SAY("  receiver %jd dropped", i);
		chp_mpmc_rx_drop(&r->rx[i]);
		if (m->rx[i])
			model_mpmc_rx_drop(C(o));
		m->rx[i] = false;
		break;
	case 5:
		if (r->weak[k].ch)
			return;
		SAY("  sender %jd downgraded: weak %jd", i, k);
		chp_mpmc_downgrade(&r->tx[i], &r->weak[k]);
		m->weak[k] = m->tx[i];
		m->c.weak += m->tx[i];
		break;
	case 6:
		if (r->tx[j].ch || !r->weak[k].ch)
			return;
		code = chp_mpmc_upgrade(&r->weak[k], &r->tx[j]);
		SAY("  weak %jd upgraded, sender %jd: %jd", k, j, code);
		EXPECT(code, m->c.senders ? 0 : CHP_ECLOSED);
		m->tx[j] = code == 0;
		m->c.senders += code == 0;
		break;
	default:
		SAY("  weak %jd dropped", k);
		chp_mpmc_weak_drop(&r->weak[k]);
		m->c.weak -= m->weak[k];
		m->weak[k] = false;
	}
}

static void step(struct object *o)
{
	static void (*const steps[])(struct object *) = {
		start_send, start_send, start_send, try_send,
		start_recv, start_recv, start_recv, start_recv,
		handles,    handles,    closed,     close_it,
	};

	steps[below(12)](o);
}

/* ---- The whole ---- */

static void make(struct object *o)
{
	struct real *r = object_new(o, sizeof(struct real));
	int capacity = (int)below(5) - 1;

	SAY("  capacity %jd (-1: unbounded)", capacity);
	EXPECT(capacity < 0
		       ? chp_mpmc_unbounded(sizeof(int), drop_of(o), &r->tx[0],
					    &r->rx[0])
		       : chp_mpmc_bounded((size_t)capacity, sizeof(int),
					  drop_of(o), &r->tx[0], &r->rx[0]),
	       0);
	model_mpmc_init(C(o), capacity);
	MODEL(o)->tx[0] = MODEL(o)->rx[0] = true;
}

static void compare(struct object *o)
{
	const struct model_mpmc *m = C(o);
	struct real *r = REAL(o);
	size_t places =
		m->capacity < 0 ? SIZE_MAX : (size_t)model_mpmc_capacity(m);

	EXPECT(o->dropped, m->dropped);
	for (int i = 0; i < SENDERS; i++) {
		CHECK(!!r->tx[i].ch == MODEL(o)->tx[i]);
		if (!r->tx[i].ch)
			continue;
		EXPECT(chp_mpmc_is_closed(&r->tx[i]), m->closed);
		EXPECT(chp_mpmc_strong_count(&r->tx[i]), m->senders);
		EXPECT(chp_mpmc_receiver_count(&r->tx[i]), m->receivers);
		EXPECT(chp_mpmc_weak_count(&r->tx[i]), m->weak);
		if (!m->closed)
			EXPECT(chp_mpmc_capacity(&r->tx[i]), places);
	}
	for (int i = 0; i < RX; i++) {
		CHECK(!!r->rx[i].ch == MODEL(o)->rx[i]);
		if (!r->rx[i].ch)
			continue;
		EXPECT(chp_mpmc_rx_is_closed(&r->rx[i]),
		       m->closed || !m->senders);
		EXPECT(chp_mpmc_len(&r->rx[i]), m->len);
	}
}

static void end(struct object *o)
{
	struct real *r = REAL(o);

	for (int i = 0; i < SENDERS; i++)
		chp_mpmc_tx_drop(&r->tx[i]);
	for (int i = 0; i < RX; i++) {
		if (MODEL(o)->rx[i])
			model_mpmc_rx_drop(C(o));
		chp_mpmc_rx_drop(&r->rx[i]);
	}
	for (int i = 0; i < WEAK; i++)
		chp_mpmc_weak_drop(&r->weak[i]);
	EXPECT(o->dropped, C(o)->dropped);
}

const struct part part_mpmc = { "mpmc", make, step, compare, end };
