/*
 * fuzz_mpsc.c - channels with one receiver, bounded and not; permits, weak
 * senders.
 */
#include "fuzz.h"
#include "model_mpsc.h"

enum { SENDERS = 3, WEAK = 2, PERMITS = 3, OWNED = 2 };
enum { SEND, RESERVE, OWN }; /* a wait's `what` */

struct real {
	chp_mpsc_tx tx[SENDERS];
	chp_mpsc_rx rx;
	chp_mpsc_weak weak[WEAK];
	chp_mpsc_permit permits[PERMITS];
	int lender[PERMITS]; /* whose permit it is */
	chp_mpsc_owned_permit owned[OWNED];
};

struct model {
	struct model_mpsc c;
	bool tx[SENDERS], weak[WEAK], owned[OWNED];
	int permits[PERMITS];
};

#define C(o) (&MODEL(o)->c)

/* ---- Waiting to send ---- */

static int model_place(struct wait *w)
{
	struct model_mpsc *m = C(w->object);
	int r;

	if (m->unbounded && w->what != SEND)
		return CHP_EINVAL;
	r = model_mpsc_reserve(m, w->id, (int)w->n);
	if (r == 0 && w->what == SEND)
		model_mpsc_push(m, w->value);
	return r;
}

static int model_leave(struct wait *w)
{
	return model_mpsc_cancel(C(w->object), w->id);
}

static void keep(struct object *o, chp_mpsc_permit *p, int lender)
{
	int n = (int)p->count;

	for (int i = 0; i < PERMITS; i++) {
		if (REAL(o)->permits[i].ch)
			continue;
		REAL(o)->permits[i] = *p;
		REAL(o)->lender[i] = lender;
		MODEL(o)->permits[i] = n;
		return;
	}
	chp_mpsc_permit_drop(p);
	model_mpsc_free(C(o), n);
}

static void place_done(struct wait *w, int r)
{
	struct object *o = w->object;

	if (w->what == RESERVE && r == 0) {
		EXPECT(w->place.count, w->n);
		keep(o, &w->place, w->slot);
	} else if (w->what == RESERVE) {
		EXPECT(w->place.count, 0);
		CHECK(!w->place.ch);
	} else if (w->what == OWN) {
		CHECK(!w->owned_place.ch == (r != 0));
		CHECK(!REAL(o)->tx[w->slot].ch == (r == 0));
		if (r != 0)
			return;
		MODEL(o)->tx[w->slot] = false;
		for (int i = 0; i < OWNED; i++) {
			if (REAL(o)->owned[i].ch)
				continue;
			REAL(o)->owned[i] = w->owned_place;
			MODEL(o)->owned[i] = true;
			return;
		}
		chp_mpsc_owned_permit_release(&w->owned_place, NULL);
		C(o)->senders--;
		model_mpsc_free(C(o), 1);
	}
}

static const struct wait_class place_class = {
	"send", model_place, model_leave, place_done, false, false,
};

/* The same; but the handle is not to be used for anything else meanwhile. */
static const struct wait_class own_class = {
	"own", model_place, model_leave, place_done, false, false,
};

static int model_closed(struct wait *w)
{
	return C(w->object)->closed ? 0 : CHP_PENDING;
}

static const struct wait_class closed_class = {
	"closed", model_closed, holds_nothing, nothing, false, false,
};

/* ---- Waiting to receive ---- */

static int model_recv(struct wait *w)
{
	struct model_mpsc *m = C(w->object);
	int r = model_mpsc_recv(m, (int)w->n);

	return w->what == 0 && r > 0 ? 0 : r;
}

static void recv_done(struct wait *w, int r)
{
	int n = r == GIVEN_UP || r < 0 ? 0 : w->what ? r : 1;

	for (int i = 0; i < MODEL_MPSC_OUT; i++)
		EXPECT(w->out[i], i < n ? C(w->object)->out[i] : 0);
}

static const struct wait_class recv_class = {
	"recv", model_recv, holds_nothing, recv_done, false, false,
};

/* ---- Steps of senders ---- */

static bool lends(struct object *o, int tx)
{
	for (int i = 0; i < PERMITS; i++)
		if (REAL(o)->permits[i].ch && REAL(o)->lender[i] == tx)
			return true;
	return false;
}

static void start_send(struct object *o)
{
	int i = (int)below(SENDERS);
	chp_mpsc_tx *tx = &REAL(o)->tx[i];
	struct wait *w;

	if (!tx->ch || wait_on(o, &place_class, tx) ||
	    wait_on(o, &own_class, tx) || !(w = wait_new(o, &place_class)))
		return;
	w->handle = tx;
	w->slot = i;
	w->n = 1;
	if (one_in(3)) {
		w->what = RESERVE;
		w->n = below((unsigned)C(o)->max + 2);
		SAY("  wait %jd: sender %jd reserves %jd", w->id, i, w->n);
		chp_mpsc_reserve_many_op(&w->send, tx, (size_t)w->n, &w->place);
		wait_begin(w, &w->send.op);
		return;
	}
	w->what = SEND;
	w->value = fresh();
	SAY("  wait %jd: sender %jd sends %jd", w->id, i, w->value);
	chp_mpsc_send_op(&w->send, tx, &w->value);
	wait_begin(w, &w->send.op);
}

static void own(struct object *o)
{
	int i = (int)below(SENDERS);
	chp_mpsc_tx *tx = &REAL(o)->tx[i];
	struct wait *w;

	if (!tx->ch || lends(o, i) || wait_on(o, NULL, tx) ||
	    !(w = wait_new(o, &own_class)))
		return;
	w->handle = tx;
	w->slot = i;
	w->n = 1;
	w->what = OWN;
	SAY("  wait %jd: sender %jd becomes a permit", w->id, i);
	chp_mpsc_reserve_owned_op(&w->reserve_owned, tx, &w->owned_place);
	wait_begin(w, &w->reserve_owned.op);
}

static void try_send(struct object *o)
{
	int i = (int)below(SENDERS), value = fresh(), r;
	chp_mpsc_tx *tx = &REAL(o)->tx[i];

	SAY("  sender %jd tries to send %jd", i, value);
	r = chp_mpsc_try_send(tx, &value);
	EXPECT(chp_mpsc_is_closed(tx), !tx->ch || C(o)->closed);
	if (!tx->ch) {
		EXPECT(r, CHP_EINVAL);
		return;
	}
	/* Closed comes first, and there is one place at least. */
	EXPECT(r, model_mpsc_try_reserve(C(o), 1));
	if (r == 0)
		model_mpsc_push(C(o), value);
}

static void try_reserve(struct object *o)
{
	int i = (int)below(SENDERS), r;
	int n = (int)below((unsigned)C(o)->max + 2);
	chp_mpsc_tx *tx = &REAL(o)->tx[i];
	chp_mpsc_permit p;

	if (!tx->ch || wait_on(o, &own_class, tx))
		return;
	SAY("  sender %jd tries to reserve %jd", i, n);
	r = chp_mpsc_try_reserve_many(tx, (size_t)n, &p);
	if (C(o)->unbounded) {
		EXPECT(r, CHP_EINVAL);
		return;
	}
	EXPECT(r, model_mpsc_try_reserve(C(o), n));
	EXPECT(p.count, r == 0 ? n : 0);
	if (r == 0)
		keep(o, &p, i);
}

static void use_permit(struct object *o)
{
	unsigned i = below(PERMITS);
	chp_mpsc_permit *p = &REAL(o)->permits[i];
	int *left = &MODEL(o)->permits[i], value = fresh();

	if (one_in(2)) {
		SAY("  permit %jd of %jd sends %jd", i, *left, value);
		EXPECT(chp_mpsc_permit_send(p, &value), *left ? 0 : CHP_EINVAL);
		if (*left) {
			--*left;
			model_mpsc_push(C(o), value);
		}
	} else {
		SAY("  permit %jd of %jd dropped", i, *left);
		chp_mpsc_permit_drop(p);
		model_mpsc_free(C(o), *left);
		*left = 0;
	}
	EXPECT(p->count, *left);
}

static void use_owned(struct object *o)
{
	unsigned i = below(OWNED), j = below(SENDERS);
	chp_mpsc_owned_permit *p = &REAL(o)->owned[i];
	chp_mpsc_tx *back = &REAL(o)->tx[j];
	int value = fresh();

	if (back->ch)
		back = NULL;
	if (!p->ch)
		return;
	SAY("  owned permit %jd is used, its sender goes to %jd", i,
	    back ? (int)j : -1);
	MODEL(o)->owned[i] = false;
	if (back)
		MODEL(o)->tx[j] = true;
	if (one_in(2)) {
		EXPECT(chp_mpsc_owned_permit_send(p, &value, back), 0);
		model_mpsc_push(C(o), value);
	} else {
		chp_mpsc_owned_permit_release(p, back);
		model_mpsc_free(C(o), 1);
	}
	C(o)->senders -= !back;
	CHECK(!p->ch);
}

static void handles(struct object *o)
{
	unsigned i = below(SENDERS), j = below(SENDERS), k = below(WEAK);
	struct real *r = REAL(o);
	int code;

	switch (below(6)) {
	case 0:
	case 1:
		if (r->tx[j].ch)
			return;
		SAY("  sender %jd cloned: %jd", i, j);
		chp_mpsc_tx_clone(&r->tx[i], &r->tx[j]);
		MODEL(o)->tx[j] = MODEL(o)->tx[i];
		C(o)->senders += MODEL(o)->tx[i];
		break;
	case 2:
		if (lends(o, (int)i))
			return;
		waits_cancel(o, &r->tx[i]);
		if (lends(o, (int)i))
			return;
		SAY("  sender %jd dropped", i);
		chp_mpsc_tx_drop(&r->tx[i]);
		C(o)->senders -= MODEL(o)->tx[i];
		MODEL(o)->tx[i] = false;
		break;
	case 3:
		if (r->weak[k].ch)
			return;
		SAY("  sender %jd downgraded: weak %jd", i, k);
		chp_mpsc_downgrade(&r->tx[i], &r->weak[k]);
		MODEL(o)->weak[k] = MODEL(o)->tx[i];
		C(o)->weak += MODEL(o)->tx[i];
		break;
	case 4:
		if (r->tx[j].ch || !r->weak[k].ch)
			return;
		SAY("  weak %jd upgraded: sender %jd", k, j);
		code = chp_mpsc_upgrade(&r->weak[k], &r->tx[j]);
		EXPECT(code, C(o)->senders ? 0 : CHP_ECLOSED);
		MODEL(o)->tx[j] = code == 0;
		C(o)->senders += code == 0;
		break;
	default:
		SAY("  weak %jd dropped", k);
		chp_mpsc_weak_drop(&r->weak[k]);
		C(o)->weak -= MODEL(o)->weak[k];
		MODEL(o)->weak[k] = false;
	}
}

static void closed(struct object *o)
{
	chp_mpsc_tx *tx = &REAL(o)->tx[below(SENDERS)];
	struct wait *w;

	if (!tx->ch || wait_on(o, &own_class, tx) ||
	    !(w = wait_new(o, &closed_class)))
		return;
	w->handle = tx;
	SAY("  wait %jd: closed", w->id);
	chp_mpsc_closed_op(&w->closed, tx);
	wait_begin(w, &w->closed.op);
}

/* ---- Steps of the receiver ---- */

static void start_recv(struct object *o)
{
	chp_mpsc_rx *rx = &REAL(o)->rx;
	struct wait *w;
	int v = 0, r, want;

	if (C(o)->rx_gone || wait_on(o, NULL, rx))
		return;
	if (one_in(3)) {
		bool into = one_in(4) ? false : true;

		r = chp_mpsc_try_recv(rx, into ? &v : NULL);
		SAY("  try to receive: %jd, %jd", r, v);
		want = model_mpsc_recv(C(o), 1);
		EXPECT(r, want == CHP_PENDING ? CHP_EAGAIN
			  : want == 1         ? 0
					      : want);
		if (want == 1 && into)
			EXPECT(v, C(o)->out[0]);
		if (want == 1 && !into)
			C(o)->dropped++;
		return;
	}
	if (!(w = wait_new(o, &recv_class)))
		return;
	w->handle = rx;
	w->what = one_in(3);
	w->n = w->what ? below(5) : 1;
	SAY("  wait %jd: receive %jd", w->id, w->n);
	if (w->what)
		chp_mpsc_recv_many_op(&w->recv, rx, w->out, (size_t)w->n);
	else
		chp_mpsc_recv_op(&w->recv, rx, w->out);
	wait_begin(w, &w->recv.op);
}

static void close_or_drop(struct object *o)
{
	if (C(o)->rx_gone || !one_in(4))
		return;
	if (one_in(2)) {
		SAY("  close");
		chp_mpsc_close(&REAL(o)->rx);
		model_mpsc_close(C(o));
		return;
	}
	waits_cancel(o, &REAL(o)->rx);
	SAY("  receiver dropped");
	chp_mpsc_rx_drop(&REAL(o)->rx);
	model_mpsc_rx_drop(C(o));
}

static void step(struct object *o)
{
	static void (*const steps[])(struct object *) = {
		start_send, start_send,  start_send, try_send,
		own,        try_reserve, use_permit, use_permit,
		use_owned,  handles,     handles,    closed,
		start_recv, start_recv,  start_recv, close_or_drop,
	};

	steps[below(16)](o);
}

/* ---- The whole ---- */

static void compare(struct object *o)
{
	const struct model_mpsc *m = C(o);
	struct real *r = REAL(o);
	size_t free_places =
		m->unbounded ? SIZE_MAX : (size_t)model_mpsc_capacity(m);

	EXPECT(o->dropped, m->dropped);
	for (int i = 0; i < SENDERS; i++) {
		CHECK(MODEL(o)->tx[i] == !!r->tx[i].ch);
		if (!r->tx[i].ch)
			continue;
		EXPECT(chp_mpsc_is_closed(&r->tx[i]), m->closed);
		EXPECT(chp_mpsc_strong_count(&r->tx[i]), m->senders);
		EXPECT(chp_mpsc_weak_count(&r->tx[i]), m->weak);
		EXPECT(chp_mpsc_capacity(&r->tx[i]), free_places);
	}
	if (m->rx_gone)
		return;
	EXPECT(chp_mpsc_len(&r->rx), m->len);
	EXPECT(chp_mpsc_is_empty(&r->rx), m->len == 0);
	EXPECT(chp_mpsc_rx_is_closed(&r->rx), m->closed || !m->senders);
	EXPECT(chp_mpsc_rx_strong_count(&r->rx), m->senders);
	EXPECT(chp_mpsc_rx_capacity(&r->rx), free_places);
}

static void begin(struct object *o, int max)
{
	struct real *r = object_new(o, sizeof(struct real));

	SAY("  places: %jd", max);
	EXPECT(max ? chp_mpsc_bounded((size_t)max, sizeof(int), drop_of(o),
				      &r->tx[0], &r->rx)
		   : chp_mpsc_unbounded(sizeof(int), drop_of(o), &r->tx[0],
					&r->rx),
	       0);
	MODEL(o)->tx[0] = true;
	model_mpsc_init(C(o), max);
}

static void make(struct object *o)
{
	begin(o, 1 + (int)below(4));
}

static void make_unbounded(struct object *o)
{
	begin(o, 0);
}

static void end(struct object *o)
{
	struct real *r = REAL(o);

	for (int i = 0; i < PERMITS; i++)
		chp_mpsc_permit_drop(&r->permits[i]);
	for (int i = 0; i < OWNED; i++)
		chp_mpsc_owned_permit_release(&r->owned[i], NULL);
	for (int i = 0; i < WEAK; i++)
		chp_mpsc_weak_drop(&r->weak[i]);
	for (int i = 0; i < SENDERS; i++)
		chp_mpsc_tx_drop(&r->tx[i]);
	if (!C(o)->rx_gone)
		C(o)->dropped += C(o)->len;
	chp_mpsc_rx_drop(&r->rx);
	EXPECT(o->dropped, C(o)->dropped);
}

const struct part part_mpsc = { "mpsc", make, step, compare, end };
const struct part part_mpsc_unbounded = { "mpsc unbounded", make_unbounded,
					  step, compare, end };
