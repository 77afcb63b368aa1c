/*
 * fuzz_oneshot.c - oneshots, one after the other.
 */
#include "fuzz.h"
#include "model_oneshot.h"

struct real {
	chp_oneshot_tx tx;
	chp_oneshot_rx rx;
};

struct model {
	struct model_oneshot c;
};

#define C(o) (&MODEL(o)->c)

static int poll_recv(struct wait *w)
{
	return model_oneshot_recv(C(w->object));
}

static void received(struct wait *w, int r)
{
	EXPECT(w->value, r == 0 ? C(w->object)->value : 0);
}

static const struct wait_class recv_class = {
	"oneshot recv", poll_recv, holds_nothing, received, false, false,
};

static int poll_closed(struct wait *w)
{
	if (!C(w->object)->tx)
		return CHP_EINVAL;
	return C(w->object)->closed ? 0 : CHP_PENDING;
}

static const struct wait_class closed_class = {
	"oneshot closed", poll_closed, holds_nothing, nothing, false, false,
};

static void make_one(struct object *o)
{
	struct real *r = REAL(o);
	int was = C(o)->dropped;

	EXPECT(chp_oneshot(sizeof(int), drop_of(o), &r->tx, &r->rx), 0);
	memset(C(o), 0, sizeof(*C(o)));
	C(o)->tx = C(o)->rx = true;
	C(o)->dropped = was;
}

static void sender(struct object *o)
{
	struct real *r = REAL(o);
	int value = fresh(), code;

	if (one_in(2)) {
		struct wait *w;

		if (wait_on(o, &closed_class, NULL) ||
		    !(w = wait_new(o, &closed_class)))
			return;
		SAY("  wait %jd: closed", w->id);
		chp_oneshot_closed_op(&w->oneshot, &r->tx);
		wait_begin(w, &w->oneshot.op);
		return;
	}
	for (int i = 0; i < WAITS; i++)
		if (waits[i].cls == &closed_class && waits[i].object == o)
			return;
	if (one_in(3)) {
		SAY("  sender dropped");
		chp_oneshot_tx_drop(&r->tx);
		C(o)->tx = false;
		return;
	}
	code = chp_oneshot_send(&r->tx, &value);
	SAY("  send %jd: %jd", value, code);
	EXPECT(code, model_oneshot_send(C(o), value));
}

static void receiver(struct object *o)
{
	struct real *r = REAL(o);
	struct wait *w;
	int code, want, v = 0;

	switch (below(5)) {
	case 0:
	case 1:
		if (wait_on(o, &recv_class, NULL) ||
		    !(w = wait_new(o, &recv_class)))
			return;
		SAY("  wait %jd: receives", w->id);
		chp_oneshot_recv_op(&w->oneshot, &r->rx, &w->value);
		wait_begin(w, &w->oneshot.op);
		return;
	case 2:
		/* Another owner has it: a task that blocks. */
		for (int i = 0; i < WAITS; i++)
			if (waits[i].cls == &recv_class && waits[i].driver &&
			    waits[i].object == o)
				return;
		SAY("  close");
		chp_oneshot_close(&r->rx);
		C(o)->closed |= C(o)->rx;
		/* By the header: a receive that is pending is not woken. */
		for (int i = 0; C(o)->rx && i < WAITS; i++)
			if (waits[i].cls == &recv_class && waits[i].object == o)
				waits[i].armed = false;
		return;
	}
	if (wait_on(o, &recv_class, NULL))
		return;
	if (one_in(3)) {
		SAY("  receiver dropped");
		chp_oneshot_rx_drop(&r->rx);
		model_oneshot_rx_drop(C(o));
		return;
	}
	code = chp_oneshot_try_recv(&r->rx, &v);
	SAY("  try: %jd, %jd", code, v);
	want = model_oneshot_recv(C(o));
	EXPECT(code, want == CHP_PENDING  ? CHP_EAGAIN
		     : want == CHP_EINVAL ? CHP_ECLOSED
					  : want);
	EXPECT(v, code == 0 ? C(o)->value : 0);
}

static void step(struct object *o)
{
	if (!REAL(o)->tx.ch && !REAL(o)->rx.ch && !wait_on(o, NULL, NULL))
		make_one(o);
	if (one_in(2))
		sender(o);
	else
		receiver(o);
}

static void make(struct object *o)
{
	object_new(o, sizeof(struct real));
	make_one(o);
}

static void compare(struct object *o)
{
	const struct real *r = REAL(o);
	const struct model_oneshot *m = C(o);

	EXPECT(o->dropped, m->dropped);
	CHECK(!!r->tx.ch == m->tx);
	CHECK(!!r->rx.ch == m->rx);
	EXPECT(chp_oneshot_is_closed(&r->tx), !m->tx || m->closed);
	EXPECT(chp_oneshot_is_empty(&r->rx), !m->sent);
	EXPECT(chp_oneshot_is_terminated(&r->rx), !m->rx);
}

static void end(struct object *o)
{
	chp_oneshot_tx_drop(&REAL(o)->tx);
	chp_oneshot_rx_drop(&REAL(o)->rx);
	model_oneshot_rx_drop(C(o));
	EXPECT(o->dropped, C(o)->dropped);
}

const struct part part_oneshot = { "oneshot", make, step, compare, end };
