/*
 * test_mpsc_model.c - random calls on a small bounded channel, from one agent,
 * against a model of what mpsc.h and mpsc_permit.h say.  The model has a
 * buffer, a count of places taken, and a queue of sends and reservations that
 * collect places in order; after each call results, counts, capacity, wakes
 * and destroyed values are compared.
 *
 * One thing the headers leave open: whether places that a failed wait had got
 * are free from the close on, or from its next poll on.  The model takes
 * either.
 */
#include "chan.h"

enum { OPS = 4, PERMITS = 3, BUFFER = 8 };

enum stage { IDLE, QUEUED, GRANTED };

struct slot {
	enum stage stage;
	bool is_send;
	size_t need, got;
	int value;
	chp_send_op op;
	struct h_waker w;
	chp_mpsc_permit permit;
};

static struct {
	/* the real thing */
	chp_mpsc_tx tx;
	chp_mpsc_rx rx;
	chp_mpsc_weak weak;
	struct slot ops[OPS];
	chp_mpsc_permit permits[PERMITS];
	chp_mpsc_owned_permit owned;
	chp_recv_op recv;
	struct h_waker recv_w;
	int received;

	/* the model */
	size_t max, used;
	int buffer[BUFFER], len, next;
	struct slot *queue[OPS];
	int queued;
	bool closed, dropped, ended, recv_pending, owned_out;
	unsigned drops;
} m;

static struct h_rng r;

/* ---- The model ---- */

/* Freed places go to the queue, head first. */
static void model_serve(void)
{
	while (m.queued && !m.closed) {
		struct slot *s = m.queue[0];
		size_t part = m.max - m.used;

		part = part < s->need - s->got ? part : s->need - s->got;
		s->got += part;
		m.used += part;
		if (s->got < s->need)
			return;
		s->stage = GRANTED;
		memmove(m.queue, m.queue + 1, sizeof(*m.queue) * (OPS - 1));
		m.queued--;
	}
}

static void model_free(size_t places)
{
	CHECK(m.used >= places);
	m.used -= places;
	model_serve();
}

/* A value is pushed into a place already counted. */
static void model_push(int value)
{
	CHECK(!m.ended);
	if (m.dropped) {
		m.drops++;
		m.used--;
		return;
	}
	m.buffer[m.len++] = value;
}

static int model_pop(void)
{
	int v = m.buffer[0];

	memmove(m.buffer, m.buffer + 1, sizeof(int) * (BUFFER - 1));
	m.len--;
	model_free(1);
	return v;
}

/* Places of waits that know nothing yet of the close. */
static size_t model_undecided(void)
{
	size_t n = 0;

	for (int i = 0; m.closed && i < OPS; i++)
		n += m.ops[i].got;
	return n;
}

static void model_leave_queue(struct slot *s)
{
	for (int i = 0; i < m.queued; i++)
		if (m.queue[i] == s) {
			memmove(m.queue + i, m.queue + i + 1,
				sizeof(*m.queue) * (size_t)(m.queued - i - 1));
			m.queued--;
			return;
		}
}

/* ---- Calls ---- */

static void try_send(void)
{
	int code = m.closed                      ? CHP_ECLOSED
		   : m.queued || m.used == m.max ? CHP_EAGAIN
						 : 0;

	m.next++;
	CHECK_CODE(chp_mpsc_try_send(&m.tx, &m.next), code);
	if (code == 0) {
		m.used++;
		model_push(m.next);
	}
}

static void settle(struct slot *s, int code)
{
	size_t got = s->got;

	s->stage = IDLE;
	s->got = 0;
	CHECK_EQ(h_refs(&s->w), 0);
	if (code != 0) {
		CHECK_CODE(code, CHP_ECLOSED);
		CHECK(!s->permit.ch && !s->permit.count);
		model_free(got);
	} else if (s->is_send) {
		model_push(s->value);
	} else {
		CHECK_EQ(s->permit.count, s->need);
		m.permits[0] = s->permit;
		memset(&s->permit, 0, sizeof(s->permit));
	}
}

static void start_op(struct slot *s)
{
	int code, expected;

	if (s->stage != IDLE)
		return;
	memset(&s->w, 0, sizeof(s->w));
	s->is_send = h_below(&r, 2);
	s->need = s->is_send ? 1 : h_below(&r, (uint32_t)m.max + 2);
	s->value = ++m.next;
	if (!s->is_send && m.permits[0].count)
		return;
	if (s->is_send)
		chp_mpsc_send_op(&s->op, &m.tx, &s->value);
	else
		chp_mpsc_reserve_many_op(&s->op, &m.tx, s->need, &s->permit);
	code = h_poll(&s->op.op, &s->w);
	if (m.closed || s->need > m.max)
		expected = CHP_ECLOSED;
	else if (s->need == 0 || (!m.queued && m.max - m.used >= s->need))
		expected = 0;
	else
		expected = CHP_PENDING;
	CHECK_CODE(code, expected);
	if (code == CHP_PENDING) {
		s->stage = QUEUED;
		m.queue[m.queued++] = s;
		model_serve();
		return;
	}
	if (code == 0) {
		s->got = s->need;
		m.used += s->need;
	}
	settle(s, code);
}

static void poll_op(struct slot *s)
{
	int code;

	if (s->stage == IDLE || (!s->is_send && m.permits[0].count))
		return;
	code = h_poll(&s->op.op, &s->w);
	if (s->stage == QUEUED)
		CHECK_CODE(code, m.closed ? CHP_ECLOSED : CHP_PENDING);
	else
		CHECK_CODE(code, m.closed ? CHP_ECLOSED : 0);
	if (code != CHP_PENDING)
		settle(s, code);
}

static void cancel_op(struct slot *s)
{
	int found;

	if (s->stage == IDLE)
		return;
	model_leave_queue(s);
	found = chp_op_cancel(&s->op.op);
	if (s->got == 0)
		CHECK_EQ(found, CHP_HELD_NOTHING);
	else if (s->stage == GRANTED && !m.closed)
		CHECK_EQ(found, CHP_GAVE_BACK);
	CHECK(found != CHP_TOO_LATE);
	settle(s, CHP_ECLOSED);
	/* Who stood behind it may be served now, whatever it held. */
	model_serve();
}

static void try_reserve(chp_mpsc_permit *p)
{
	size_t n = h_below(&r, (uint32_t)m.max + 2);
	int code;

	if (p->count)
		return;
	if (n > m.max)
		code = CHP_EAGAIN;
	else if (m.closed)
		code = CHP_ECLOSED;
	else
		code = n && (m.queued || m.max - m.used < n) ? CHP_EAGAIN : 0;
	CHECK_CODE(chp_mpsc_try_reserve_many(&m.tx, n, p), code);
	CHECK_EQ(p->count, code ? 0 : n);
	m.used += p->count;
}

static void permit_send(chp_mpsc_permit *p)
{
	size_t before = p->count;

	m.next++;
	CHECK_CODE(chp_mpsc_permit_send(p, &m.next), before ? 0 : CHP_EINVAL);
	if (!before)
		return;
	CHECK_EQ(p->count, before - 1);
	model_push(m.next);
}

static void permit_drop(chp_mpsc_permit *p)
{
	size_t places = p->count;

	chp_mpsc_permit_drop(p);
	CHECK_EQ(p->count, 0);
	model_free(places);
}

static void use_owned(void)
{
	chp_mpsc_tx clone;
	int code;

	if (!m.owned_out) {
		code = m.closed                      ? CHP_ECLOSED
		       : m.queued || m.used == m.max ? CHP_EAGAIN
						     : 0;
		chp_mpsc_tx_clone(&m.tx, &clone);
		CHECK_CODE(chp_mpsc_try_reserve_owned(&clone, &m.owned), code);
		m.owned_out = code == 0;
		m.used += code == 0;
		chp_mpsc_tx_drop(&clone);
		return;
	}
	m.owned_out = false;
	if (h_below(&r, 2)) {
		m.next++;
		CHECK_CODE(chp_mpsc_owned_permit_send(&m.owned, &m.next, NULL),
			   0);
		model_push(m.next);
	} else {
		chp_mpsc_owned_permit_release(&m.owned, NULL);
		model_free(1);
	}
}

/* What a receive says now; CHP_PENDING for "none yet". */
static void check_received(int code, int value)
{
	if (m.len) {
		CHECK_CODE(code, 0);
		CHECK_EQ(value, m.buffer[0]);
		model_pop();
		return;
	}
	if (m.closed && m.used == 0)
		CHECK_CODE(code, CHP_ECLOSED);
	else if (!m.closed || m.used > model_undecided())
		CHECK_CODE(code, CHP_PENDING);
	m.ended |= code == CHP_ECLOSED;
}

static void receive(void)
{
	int code, v = -1;

	if (m.dropped)
		return;
	if (m.recv_pending && h_wakes(&m.recv_w) == 0) {
		CHECK_EQ(chp_op_cancel(&m.recv.op), CHP_HELD_NOTHING);
		CHECK_EQ(h_refs(&m.recv_w), 0);
		m.recv_pending = false;
	}
	if (!m.recv_pending && h_below(&r, 2)) {
		code = chp_mpsc_try_recv(&m.rx, &v);
		check_received(code == CHP_EAGAIN ? CHP_PENDING : code, v);
		return;
	}
	if (!m.recv_pending)
		chp_mpsc_recv_op(&m.recv, &m.rx, &m.received);
	memset(&m.recv_w, 0, sizeof(m.recv_w));
	code = h_poll(&m.recv.op, &m.recv_w);
	m.recv_pending = code == CHP_PENDING;
	check_received(code, m.received);
}

static void close_or_drop(void)
{
	if (m.dropped || h_below(&r, 12))
		return;
	m.closed = true;
	if (m.recv_pending || h_below(&r, 2)) {
		chp_mpsc_close(&m.rx);
		return;
	}
	m.dropped = true;
	m.drops += (unsigned)m.len;
	m.used -= (size_t)m.len;
	m.len = 0;
	chp_mpsc_rx_drop(&m.rx);
}

/* ---- The walk ---- */

static void compare(void)
{
	size_t undecided = model_undecided();

	CHECK_EQ(h_load(&drops), m.drops);
	CHECK_EQ(chp_mpsc_is_closed(&m.tx), m.closed);
	CHECK_EQ(chp_mpsc_strong_count(&m.tx), 1 + m.owned_out);
	if (!undecided && !m.dropped)
		CHECK_EQ(chp_mpsc_capacity(&m.tx),
			 m.queued && !m.closed ? 0 : m.max - m.used);
	if (!m.dropped) {
		CHECK_EQ(chp_mpsc_len(&m.rx), m.len);
		CHECK_EQ(chp_mpsc_is_empty(&m.rx), m.len == 0);
		CHECK_EQ(chp_mpsc_rx_is_closed(&m.rx), m.closed);
	}
	for (int i = 0; i < OPS; i++) {
		struct slot *s = &m.ops[i];

		if (s->stage == QUEUED)
			CHECK_EQ(h_wakes(&s->w), m.closed);
		else if (s->stage == GRANTED)
			CHECK_EQ(h_wakes(&s->w), 1);
	}
	/* A receiver that waits is told of a message and of the end. */
	if (m.recv_pending && (m.len || (m.closed && m.used == 0)))
		CHECK(h_wakes(&m.recv_w) >= 1);
}

static void finish(void)
{
	for (int i = 0; i < OPS; i++)
		cancel_op(&m.ops[i]);
	for (int i = 0; i < PERMITS; i++)
		permit_drop(&m.permits[i]);
	if (m.owned_out)
		use_owned();
	compare();
	if (!m.closed) {
		CHECK_EQ(chp_mpsc_capacity(&m.tx), m.max - (size_t)m.len);
		if (m.recv_pending)
			chp_op_cancel(&m.recv.op);
	}
	chp_mpsc_tx_drop(&m.tx);
	m.drops += (unsigned)m.len;
	chp_mpsc_rx_drop(&m.rx);
	CHECK_EQ(h_load(&drops), m.drops);
}

static void random_calls_do_as_the_model_says(void)
{
	long blocks = h_blocks();

	r = h_rng(h_seed(), 9);
	for (long walk = h_rounds(20000); walk; walk--) {
		memset(&m, 0, sizeof(m));
		h_store(&drops, 0);
		m.max = 1 + h_below(&r, 4);
		CHECK_CODE(chp_mpsc_bounded(m.max, sizeof(int), count_drop,
					    &m.tx, &m.rx),
			   0);
		for (int step = 0; step < 60; step++) {
			struct slot *s = &m.ops[h_below(&r, OPS)];
			chp_mpsc_permit *p = &m.permits[h_below(&r, PERMITS)];
			static void (*const on_channel[])(
				void) = { try_send, use_owned, receive, receive,
					  close_or_drop };
			static void (*const on_op[])(struct slot *) = {
				start_op, start_op, poll_op, cancel_op
			};
			static void (*const on_permit[])(chp_mpsc_permit *) = {
				try_reserve, permit_send, permit_drop
			};
			uint32_t what = h_below(&r, 12);

			if (what < 5)
				on_channel[what]();
			else if (what < 9)
				on_op[what - 5](s);
			else
				on_permit[what - 9](p);
			compare();
		}
		finish();
		CHECK_EQ(h_blocks(), blocks);
	}
}

static const struct h_test tests[] = {
	TEST(random_calls_do_as_the_model_says, IN_THREADS | IN_CT),
};
H_MAIN("mpsc_model", tests)
