/*
 * fuzz_watch.c - watch channels, with and without a destructor.
 */
#include "fuzz.h"
#include "model_watch.h"

enum { SENDERS = 2, RX = MODEL_WATCH_RX, REFS = 3 };

struct real {
	chp_watch_tx tx[SENDERS];
	chp_watch_rx rx[RX];
	chp_watch_ref refs[REFS];
	int shows[REFS]; /* what each must show for ever */
	int made;        /* values given to the channel, clones too */
};

struct model {
	struct model_watch c;
	bool tx[SENDERS];
};

#define C(o) (&MODEL(o)->c)

/* ---- Waits ---- */

static int poll_changed(struct wait *w)
{
	return model_watch_changed(C(w->object), w->slot);
}

static const struct wait_class changed_class = {
	"changed", poll_changed, holds_nothing, nothing, false, false,
};

static int has_remainder(const void *value, void *arg)
{
	const struct wait *w = arg;

	return *(const int *)value % 3 == w->what;
}

static int poll_wait_for(struct wait *w)
{
	return model_watch_wait_for(C(w->object), w->slot, w->what);
}

static void found(struct wait *w, int r)
{
	C(w->object)->rx[w->slot].waits = false;
	if (r != 0) {
		CHECK(!w->ref.value);
		return;
	}
	EXPECT(*(const int *)w->ref.value, C(w->object)->value);
	chp_watch_ref_release(&w->ref);
}

static const struct wait_class wait_for_class = {
	"wait for", poll_wait_for, holds_nothing, found, false, false,
};

static int poll_closed(struct wait *w)
{
	return C(w->object)->receivers ? CHP_PENDING : 0;
}

static const struct wait_class closed_class = {
	"watch closed", poll_closed, holds_nothing, nothing, true, false,
};

static void wait_for_it(struct object *o)
{
	int i = (int)below(RX);
	chp_watch_rx *rx = &REAL(o)->rx[i];
	bool any = one_in(2);
	struct wait *w;

	if (!rx->ch || wait_on(o, NULL, rx) ||
	    !(w = wait_new(o, any ? &changed_class : &wait_for_class)))
		return;
	w->handle = rx;
	w->slot = i;
	w->what = (int)below(3);
	SAY("  wait %jd: receiver %jd, any %jd, or remainder %jd", w->id, i,
	    any, w->what);
	if (any)
		chp_watch_changed_op(&w->watch, rx);
	else
		chp_watch_wait_for_op(&w->watch, rx, has_remainder, w, &w->ref);
	wait_begin(w, &w->watch.op);
}

static void closed(struct object *o)
{
	chp_watch_tx *tx = &REAL(o)->tx[below(SENDERS)];
	struct wait *w;

	if (!tx->ch || !(w = wait_new(o, &closed_class)))
		return;
	w->handle = tx;
	SAY("  wait %jd: closed", w->id);
	chp_watch_closed_op(&w->watch, tx);
	wait_begin(w, &w->watch.op);
}

/* ---- Sending ---- */

static int clone(void *to, const void *from)
{
	memcpy(to, from, sizeof(int));
	return 0;
}

static void modify(void *value, void *arg)
{
	*(int *)value += *(int *)arg;
}

static int modify_if(void *value, void *arg)
{
	*(int *)value += *(int *)arg;
	return *(int *)arg & 1;
}

static void send_one(struct object *o)
{
	unsigned i = below(SENDERS);
	chp_watch_tx *tx = &REAL(o)->tx[i];
	int value = fresh(), by = 1 + (int)below(6), r, was = C(o)->value;
	chp_watch_ref old = { 0 };

	if (!tx->ch) {
		EXPECT(chp_watch_send(tx, &value), CHP_EINVAL);
		return;
	}
	switch (below(6)) {
	default:
		r = chp_watch_send(tx, &value);
		SAY("  sender %jd sends %jd: %jd", i, value, r);
		EXPECT(r, model_watch_send(C(o), value));
		REAL(o)->made += r == 0;
		return;
	case 3:
		SAY("  sender %jd replaces by %jd", i, value);
		EXPECT(chp_watch_send_replace(tx, &value, &old), 0);
		EXPECT(*(const int *)old.value, was);
		model_watch_replace(C(o), value, true);
		chp_watch_ref_release(&old);
		break;
	case 4:
		SAY("  sender %jd adds %jd", i, by);
		EXPECT(chp_watch_send_modify(tx, modify, &by), 0);
		model_watch_replace(C(o), was + by, true);
		break;
	case 5:
		SAY("  sender %jd adds %jd, tells if it is odd", i, by);
		EXPECT(chp_watch_send_if_modified(tx, modify_if, &by), by & 1);
		model_watch_replace(C(o), was + by, by & 1);
	}
	REAL(o)->made++;
}

/* ---- Looking ---- */

static void borrow(struct object *o)
{
	unsigned i = below(RX), k = below(REFS);
	chp_watch_rx *rx = &REAL(o)->rx[i];
	chp_watch_ref *ref = &REAL(o)->refs[k];
	bool update = one_in(2), changed;

	if (ref->value) {
		SAY("  ref %jd released", k);
		chp_watch_ref_release(ref);
		CHECK(!ref->value);
		return;
	}
	if (!rx->ch || wait_on(o, NULL, rx))
		return;
	SAY("  receiver %jd borrows: ref %jd, updates %jd", i, k, update);
	changed = C(o)->rx[i].seen != C(o)->version;
	if (update) {
		EXPECT(chp_watch_borrow_and_update(rx, ref), 0);
		model_watch_see(C(o), (int)i);
	} else {
		EXPECT(chp_watch_borrow(rx, ref), 0);
	}
	EXPECT(chp_watch_ref_has_changed(ref), changed);
	REAL(o)->shows[k] = C(o)->value;
}

static void mark(struct object *o)
{
	unsigned i = below(RX);
	chp_watch_rx *rx = &REAL(o)->rx[i];

	if (!rx->ch || wait_on(o, NULL, rx))
		return;
	if (one_in(2)) {
		SAY("  receiver %jd takes it for changed", i);
		chp_watch_mark_changed(rx);
		C(o)->rx[i].seen = -1;
	} else {
		SAY("  receiver %jd takes it for seen", i);
		chp_watch_mark_unchanged(rx);
		model_watch_see(C(o), (int)i);
	}
}

/* ---- Handles ---- */

static void receivers(struct object *o)
{
	unsigned i = below(SENDERS), j = below(RX), k = below(RX);
	struct real *r = REAL(o);
	struct model_watch *m = C(o);

	if (r->rx[j].ch) {
		waits_cancel(o, &r->rx[j]);
		SAY("  receiver %jd dropped", j);
		chp_watch_rx_drop(&r->rx[j]);
		memset(&m->rx[j], 0, sizeof(m->rx[j]));
		m->receivers--;
	} else if (one_in(2)) {
		SAY("  receiver %jd by sender %jd", j, i);
		chp_watch_subscribe(&r->tx[i], &r->rx[j]);
		if (!MODEL(o)->tx[i])
			return;
		m->rx[j].alive = true;
		m->rx[j].seen = m->version;
		m->receivers++;
	} else {
		SAY("  receiver %jd cloned from %jd", j, k);
		if (wait_on(o, NULL, &r->rx[k]))
			return;
		chp_watch_rx_clone(&r->rx[k], &r->rx[j]);
		m->rx[j] = m->rx[k];
		m->receivers += m->rx[k].alive;
	}
}

static void senders(struct object *o)
{
	unsigned i = below(SENDERS), j = below(SENDERS);
	struct real *r = REAL(o);

	if (one_in(2)) {
		if (r->tx[j].ch)
			return;
		SAY("  sender %jd cloned: %jd", i, j);
		chp_watch_tx_clone(&r->tx[i], &r->tx[j]);
		MODEL(o)->tx[j] = MODEL(o)->tx[i];
		C(o)->senders += MODEL(o)->tx[i];
		return;
	}
	waits_cancel(o, &r->tx[i]);
	SAY("  sender %jd dropped", i);
	chp_watch_tx_drop(&r->tx[i]);
	C(o)->senders -= MODEL(o)->tx[i];
	MODEL(o)->tx[i] = false;
}

static void step(struct object *o)
{
	static void (*const steps[])(struct object *) = {
		wait_for_it, wait_for_it, wait_for_it, wait_for_it,
		send_one,    send_one,    send_one,    send_one,
		borrow,      borrow,      mark,        closed,
		receivers,   receivers,   senders,     senders,
	};

	steps[below(16)](o);
}

/* ---- The whole ---- */

static void make(struct object *o)
{
	struct real *r = object_new(o, sizeof(struct real));
	chp_watch_values values = { .clone = clone, .drop = drop_of(o) };
	int value = fresh();

	C(o)->value = value;
	C(o)->senders = 1;
	MODEL(o)->tx[0] = true;
	r->made = 1;
	if (one_in(4)) {
		EXPECT(chp_watch_tx_new(sizeof(int), &values, &value,
					&r->tx[0]),
		       0);
		return;
	}
	EXPECT(chp_watch(sizeof(int), &values, &value, &r->tx[0], &r->rx[0]),
	       0);
	C(o)->rx[0].alive = true;
	C(o)->receivers = 1;
}

static void compare(struct object *o)
{
	const struct model_watch *m = C(o);
	struct real *r = REAL(o);
	chp_watch_ref ref;
	int v;

	for (int i = 0; i < SENDERS; i++) {
		EXPECT(chp_watch_is_closed(&r->tx[i]),
		       !MODEL(o)->tx[i] || !m->receivers);
		if (!r->tx[i].ch)
			continue;
		EXPECT(chp_watch_receiver_count(&r->tx[i]), m->receivers);
		EXPECT(chp_watch_sender_count(&r->tx[i]), m->senders);
		EXPECT(chp_watch_tx_borrow(&r->tx[i], &ref), 0);
		EXPECT(*(const int *)ref.value, m->value);
		EXPECT(chp_watch_ref_has_changed(&ref), 0);
		chp_watch_ref_release(&ref);
	}
	for (int i = 0; i < RX; i++) {
		CHECK(!!r->rx[i].ch == m->rx[i].alive);
		if (!r->rx[i].ch || wait_on(o, NULL, &r->rx[i]))
			continue;
		EXPECT(chp_watch_has_changed(&r->rx[i]),
		       model_watch_has_changed(m, i));
		EXPECT(chp_watch_get(&r->rx[i], &v), 0);
		r->made++;
		o->dropped++; /* the clone is ours */
		EXPECT(v, m->value);
	}
	for (int i = 0; i < REFS; i++)
		if (r->refs[i].value)
			EXPECT(*(const int *)r->refs[i].value, r->shows[i]);
}

static void end(struct object *o)
{
	struct real *r = REAL(o);

	for (int i = 0; i < RX; i++)
		chp_watch_rx_drop(&r->rx[i]);
	for (int i = 0; i < SENDERS; i++)
		chp_watch_tx_drop(&r->tx[i]);
	for (int i = 0; i < REFS; i++) {
		if (r->refs[i].value)
			EXPECT(*(const int *)r->refs[i].value, r->shows[i]);
		chp_watch_ref_release(&r->refs[i]);
	}
	/* Each value was destroyed once. */
	EXPECT(o->dropped, r->made);
}

const struct part part_watch = { "watch", make, step, compare, end };
