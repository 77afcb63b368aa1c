/*
 * test_broadcast_model.c - random calls on a small ring, from one agent,
 * against a model of what broadcast.h says.  The model has positions: of the
 * tail, of each receiver, and for each value who has still to read it.  After
 * each call results, counts, wakes and destroyed values are compared.
 */
#include "broadcast.h"

enum { RECEIVERS = 4, SENT = 128 };

struct receiver {
	chp_broadcast_rx rx;
	chp_broadcast_op op;
	struct h_waker w;
	int got;
	uint64_t lagged;

	bool alive, waits;
	unsigned wakes; /* of this wait, by the model */
	uint64_t next;
};

static struct {
	chp_broadcast_tx tx;
	chp_broadcast_weak weak;
	chp_broadcast_op closed;
	struct h_waker closed_w;
	struct receiver r[RECEIVERS];

	uint64_t n, pos;
	unsigned owed[SENT]; /* bits: who has still to read it */
	bool gone[SENT];     /* destroyed, or as good as */
	bool open, closed_waits;
	unsigned closed_wakes, drops;
} m;

static bool boxed;
static struct h_rng r;

/* ---- The model ---- */

static uint64_t oldest(void)
{
	return m.pos < m.n ? 0 : m.pos - m.n;
}

static int receivers(void)
{
	int n = 0;

	for (int i = 0; i < RECEIVERS; i++)
		n += m.r[i].alive;
	return n;
}

static void model_destroy(uint64_t p)
{
	CHECK(!m.gone[p]);
	m.gone[p] = true;
	m.owed[p] = 0;
	m.drops += boxed;
}

static void model_read(struct receiver *q, uint64_t p)
{
	m.owed[p] &= ~(1u << (q - m.r));
	if (!m.owed[p])
		model_destroy(p);
}

static void model_send(void)
{
	if (m.pos >= m.n && !m.gone[m.pos - m.n])
		model_destroy(m.pos - m.n);
	m.owed[m.pos] = 0;
	for (int i = 0; i < RECEIVERS; i++) {
		m.owed[m.pos] |= (unsigned)m.r[i].alive << i;
		if (m.r[i].waits)
			m.r[i].wakes = 1;
	}
	m.pos++;
}

/* The first position from which on everything is owed. */
static uint64_t model_oldest_owed(void)
{
	uint64_t p = m.pos;

	while (p > oldest() && m.owed[p - 1])
		p--;
	return p;
}

/* What a receive says that takes up to limit into out; how many if > 0. */
static int model_receive(struct receiver *q, int limit, int *out,
			 uint64_t *lagged)
{
	int n = 0;

	if (q->next < oldest()) {
		*lagged = oldest() - q->next;
		q->next = oldest();
		return CHP_ELAGGED;
	}
	for (; n < limit && q->next < m.pos; n++) {
		out[n] = (int)q->next;
		model_read(q, q->next++);
	}
	if (n)
		return n;
	return m.open ? CHP_PENDING : CHP_ECLOSED;
}

/* ---- Calls ---- */

static void send_next(void)
{
	int v = (int)m.pos, code;

	if (m.pos == SENT || !m.open)
		return;
	code = chp_broadcast_send(&m.tx, &v);
	CHECK_EQ(code, receivers() ? receivers() : CHP_ECLOSED);
	if (code > 0)
		model_send();
}

static void subscribe(struct receiver *q)
{
	struct receiver *other = &m.r[h_below(&r, RECEIVERS)];

	if (q->alive)
		return;
	memset(q, 0, sizeof(*q));
	if (other != q && other->alive && (!m.open || h_below(&r, 2))) {
		CHECK_CODE(chp_broadcast_resubscribe(&other->rx, &q->rx), 0);
	} else if (!m.open) {
		return;
	} else if (h_below(&r, 2)) {
		CHECK_CODE(chp_broadcast_subscribe(&m.tx, &q->rx), 0);
	} else {
		CHECK_CODE(chp_broadcast_subscribe_from_oldest(&m.tx, &q->rx),
			   0);
		q->next = model_oldest_owed();
		for (uint64_t p = q->next; p < m.pos; p++)
			m.owed[p] |= 1u << (q - m.r);
		q->alive = true;
		return;
	}
	q->next = m.pos;
	q->alive = true;
}

static void end_wait(struct receiver *q)
{
	if (!q->waits)
		return;
	CHECK_EQ(chp_op_cancel(&q->op.op), CHP_HELD_NOTHING);
	CHECK_EQ(h_refs(&q->w), 0);
	q->waits = false;
}

static void unsubscribe(struct receiver *q)
{
	uint64_t p = q->next < oldest() ? oldest() : q->next;

	if (!q->alive)
		return;
	end_wait(q);
	chp_broadcast_rx_drop(&q->rx);
	q->alive = false;
	for (; p < m.pos; p++)
		model_read(q, p);
	if (m.closed_waits && receivers() == 0)
		m.closed_wakes = 1;
}

static void check_result(int code, int expected, const int *got,
			 const int *value, uint64_t lagged, uint64_t lost)
{
	CHECK_CODE(code, expected);
	for (int i = 0; i < expected; i++)
		CHECK_EQ(got[i], value[i]);
	if (expected == CHP_ELAGGED)
		CHECK_EQ(lagged, lost);
}

static void receive_now(struct receiver *q)
{
	uint64_t lagged = 0, lost = 0;
	int got[4], value[4], code, expected;
	bool one = h_below(&r, 2);

	if (!q->alive)
		return;
	expected = model_receive(q, one ? 1 : 4, value, &lost);
	if (one) {
		code = chp_broadcast_try_recv(&q->rx, got, &lagged);
		code = code == CHP_EAGAIN ? CHP_PENDING : code == 0 ? 1 : code;
	} else {
		chp_broadcast_op op;

		chp_broadcast_recv_many_op(&op, &q->rx, got, 4, &lagged);
		code = chp_op_poll(&op.op, NULL);
		if (code == CHP_PENDING)
			chp_op_cancel(&op.op);
	}
	check_result(code, expected, got, value, lagged, lost);
}

static void receive_by_waiting(struct receiver *q)
{
	int value[1], code, expected;
	uint64_t lost = 0;

	if (!q->alive)
		return;
	if (q->waits && h_below(&r, 4) == 0) {
		end_wait(q);
		return;
	}
	if (!q->waits) {
		memset(&q->w, 0, sizeof(q->w));
		chp_broadcast_recv_op(&q->op, &q->rx, &q->got, &q->lagged);
	}
	expected = model_receive(q, 1, value, &lost);
	code = h_poll(&q->op.op, &q->w);
	check_result(code == 0 ? 1 : code, expected, &q->got, value, q->lagged,
		     lost);
	/* Who waits again is woken again. */
	h_forget_wakes(&q->w);
	q->wakes = 0;
	q->waits = code == CHP_PENDING;
	CHECK_EQ(h_refs(&q->w), q->waits);
}

static void await_closed(void)
{
	int code;

	if (!m.open)
		return;
	if (m.closed_waits && h_below(&r, 3) == 0) {
		chp_op_cancel(&m.closed.op);
		CHECK_EQ(h_refs(&m.closed_w), 0);
		m.closed_waits = false;
		return;
	}
	if (!m.closed_waits)
		chp_broadcast_closed_op(&m.closed, &m.tx);
	code = h_poll(&m.closed.op, &m.closed_w);
	CHECK_CODE(code, receivers() ? CHP_PENDING : 0);
	h_forget_wakes(&m.closed_w);
	m.closed_wakes = 0;
	m.closed_waits = code == CHP_PENDING;
	CHECK_EQ(h_refs(&m.closed_w), m.closed_waits);
}

static void close_channel(void)
{
	if (!m.open || h_below(&r, 30))
		return;
	if (m.closed_waits)
		chp_op_cancel(&m.closed.op);
	m.closed_waits = false;
	chp_broadcast_tx_drop(&m.tx);
	m.open = false;
	for (int i = 0; i < RECEIVERS; i++)
		if (m.r[i].waits)
			m.r[i].wakes = 1;
}

static void replace_sender(void)
{
	chp_broadcast_tx again;
	int code = chp_broadcast_upgrade(&m.weak, &again);

	CHECK_CODE(code, m.open ? 0 : CHP_ECLOSED);
	if (code == 0)
		chp_broadcast_tx_drop(&again);
}

/* ---- The walk ---- */

static void compare(void)
{
	CHECK_EQ(h_load(&drops), m.drops);
	CHECK_EQ(chp_broadcast_weak_strong_count(&m.weak), m.open);
	if (m.open) {
		uint64_t p = model_oldest_owed();

		CHECK_EQ(chp_broadcast_receiver_count(&m.tx), receivers());
		CHECK_EQ(chp_broadcast_tx_len(&m.tx), m.pos - p);
		CHECK_EQ(chp_broadcast_tx_is_empty(&m.tx), m.pos == p);
		if (m.closed_waits)
			CHECK_EQ(h_wakes(&m.closed_w), m.closed_wakes);
	}
	for (int i = 0; i < RECEIVERS; i++) {
		struct receiver *q = &m.r[i];

		if (!q->alive)
			continue;
		CHECK_EQ(chp_broadcast_len(&q->rx), m.pos - q->next);
		CHECK_EQ(chp_broadcast_is_empty(&q->rx), m.pos == q->next);
		CHECK_EQ(chp_broadcast_is_closed(&q->rx), !m.open);
		if (q->waits)
			CHECK_EQ(h_wakes(&q->w), q->wakes);
	}
}

static void step(void)
{
	struct receiver *q = &m.r[h_below(&r, RECEIVERS)];

	switch (h_below(&r, 12)) {
	case 0:
		subscribe(q);
		break;
	case 1:
		if (h_below(&r, 2))
			unsubscribe(q);
		break;
	case 2:
	case 3:
		receive_now(q);
		break;
	case 4:
	case 5:
		receive_by_waiting(q);
		break;
	case 6:
		await_closed();
		break;
	case 7:
		close_channel();
		break;
	case 8:
		replace_sender();
		break;
	default:
		send_next();
	}
	compare();
}

static void walk(void)
{
	chp_broadcast_values counted = { .drop = count_drop };

	memset(&m, 0, sizeof(m));
	h_store(&drops, 0);
	boxed = h_below(&r, 2);
	m.n = 1u << h_below(&r, 4);
	m.open = true;
	CHECK_CODE(chp_broadcast_tx_new(m.n / 2 + 1, sizeof(int),
					boxed ? &counted : NULL, &m.tx),
		   0);
	chp_broadcast_downgrade(&m.tx, &m.weak);
	for (int i = 0; i < 100; i++)
		step();
	for (int i = 0; i < RECEIVERS; i++)
		unsubscribe(&m.r[i]);
	compare();
	if (m.closed_waits)
		CHECK_CODE(h_poll(&m.closed.op, &m.closed_w), 0);
	if (boxed)
		CHECK_EQ(h_load(&drops), m.pos);
	chp_broadcast_tx_drop(&m.tx);
	chp_broadcast_weak_drop(&m.weak);
}

static void random_calls_do_as_the_model_says(void)
{
	long blocks = h_blocks();

	r = h_rng(h_seed(), 9);
	for (long i = h_rounds(20000); i; i--) {
		walk();
		CHECK_EQ(h_blocks(), blocks);
	}
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(random_calls_do_as_the_model_says, IN_THREADS | IN_CT),
};
/* clang-format on */
H_MAIN("broadcast_model", tests)
