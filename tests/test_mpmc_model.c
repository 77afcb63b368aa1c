/*
 * test_mpmc_model.c - random calls on a small channel against a model of what
 * mpmc.h says: blocking sends and receives by tasks, polled ones, tries,
 * cancelling, interrupting, closing; with a buffer, without, without a limit.
 *
 * On a current-thread runtime nobody runs but who is let: after each step all
 * tasks run as far as they can.  Then results, values, counts and wakes are
 * compared.  The seed is printed; CHP_TEST_SEED repeats the walk.
 */
#include "mpmc.h"

enum { SLOTS = 5, BUFFER = 256, MANY = 3 };

enum stage {
	IDLE,
	QUEUED,
	PROMISED, /* polled: a place, or a message */
	DONE,     /* blocking: it has, or will, return 0 */
	REFUSED,
};

struct slot {
	enum stage stage;
	bool is_send, blocking, many, forgets;
	int value;     /* to send */
	int got[MANY]; /* as received */
	int expect;    /* blocking: what it will have received */
	size_t limit;
	chp_mpmc_op op;
	struct h_waker w;
	unsigned seen; /* wakes before its last poll */
	struct h_agent a;
	chp_word ended;
	int result;
};

static struct {
	/* the real thing */
	chp_mpmc_tx tx;
	chp_mpmc_rx rx;
	struct slot slots[SLOTS * 2];

	/* the model */
	size_t cap, granted, reserved;
	int buffer[BUFFER];
	size_t len;
	struct slot *s[SLOTS], *r[SLOTS]; /* queues */
	int senders, receivers;
	int next;
	bool closed;
	unsigned drops;
} m;

static struct h_rng rnd;

/* ---- The model ---- */

static void unqueue(struct slot **queue, int *n, struct slot *s)
{
	for (int i = 0; i < *n; i++) {
		if (queue[i] != s)
			continue;
		memmove(queue + i, queue + i + 1,
			sizeof(*queue) * (size_t)(*n - i - 1));
		--*n;
		return;
	}
}

static struct slot *leaves(struct slot **queue, int *n, enum stage stage)
{
	struct slot *s = queue[0];

	unqueue(queue, n, s);
	s->stage = stage;
	return s;
}

static void push(int value)
{
	CHECK(m.len < BUFFER);
	m.buffer[m.len++] = value;
}

static int pop(void)
{
	int v = m.buffer[0];

	memmove(m.buffer, m.buffer + 1, sizeof(int) * (BUFFER - 1));
	m.len--;
	return v;
}

static bool room(void)
{
	return m.len + m.reserved < m.cap;
}

/* Nothing in the channel, no buffer, both sides wait. */
static bool meeting(void)
{
	return !m.cap && !m.len && m.senders && m.receivers;
}

static bool serve_one(void)
{
	struct slot *s, *r;

	if (m.receivers && m.len > m.granted) {
		r = leaves(m.r, &m.receivers,
			   m.r[0]->blocking ? DONE : PROMISED);
		if (r->blocking)
			r->expect = pop();
		else
			m.granted++;
		return true;
	}
	if (m.senders && room()) {
		s = leaves(m.s, &m.senders, m.s[0]->blocking ? DONE : PROMISED);
		if (s->blocking)
			push(s->value);
		else
			m.reserved++;
		return true;
	}
	if (meeting() && m.s[0]->blocking && m.r[0]->blocking) {
		s = leaves(m.s, &m.senders, DONE);
		r = leaves(m.r, &m.receivers, DONE);
		r->expect = s->value;
		return true;
	}
	return false;
}

static void serve(void)
{
	while (serve_one())
		;
	while (m.closed && !m.len && m.receivers)
		leaves(m.r, &m.receivers, REFUSED);
}

/* A send by one who is before all others. */
static int put(int value, bool leave)
{
	if (m.closed)
		return CHP_ECLOSED;
	if (m.receivers && !m.len && m.r[0]->blocking) {
		leaves(m.r, &m.receivers, DONE)->expect = value;
		return 0;
	}
	if (!room() && (m.cap || !m.receivers || m.len || !leave))
		return CHP_EAGAIN;
	push(value);
	return 0;
}

static int take(int *value)
{
	if (m.len > m.granted) {
		*value = pop();
		return 0;
	}
	if (m.len)
		return CHP_EAGAIN;
	if (!m.cap && m.senders && m.s[0]->blocking) {
		*value = leaves(m.s, &m.senders, DONE)->value;
		return 0;
	}
	return m.closed ? CHP_ECLOSED : CHP_EAGAIN;
}

/* ---- Checking what a call returned ---- */

/* A polled send, in its poll; first: nobody is before it. */
static void sent(struct slot *s, int code, bool first)
{
	int expected = first ? put(s->value, true) : CHP_EAGAIN;

	CHECK_CODE(code, expected == CHP_EAGAIN ? CHP_PENDING : expected);
	if (code == CHP_PENDING) {
		if (s->stage == IDLE)
			m.s[m.senders++] = s;
		s->stage = QUEUED;
		return;
	}
	unqueue(m.s, &m.senders, s);
	s->stage = IDLE;
	CHECK_EQ(h_refs(&s->w), 0);
}

/* As take_many of the library: `have` are there already. */
static void received(struct slot *s, int code, bool first, size_t have)
{
	size_t n = have;
	int expected = first ? 0 : CHP_EAGAIN, value = 0;

	while (n < s->limit && expected == 0) {
		expected = take(&value);
		if (expected)
			break;
		if (!s->forgets)
			CHECK_EQ(s->got[n], value);
		m.drops += s->forgets;
		n++;
	}
	if (n)
		expected = s->many ? (int)n : 0;
	CHECK_CODE(code, expected == CHP_EAGAIN ? CHP_PENDING : expected);
	if (code == CHP_PENDING) {
		if (s->stage == IDLE)
			m.r[m.receivers++] = s;
		s->stage = QUEUED;
		return;
	}
	unqueue(m.r, &m.receivers, s);
	s->stage = IDLE;
	CHECK_EQ(h_refs(&s->w), 0);
}

/* ---- Calls ---- */

static void call_try_send(void)
{
	int v = ++m.next;
	int code = chp_mpmc_try_send(&m.tx, &v);

	CHECK_CODE(code, m.senders && !m.closed ? CHP_EAGAIN : put(v, true));
}

static void call_try_recv(void)
{
	bool forgets = h_below(&rnd, 4) == 0;
	int got = -1, value = -1;
	int code = chp_mpmc_try_recv(&m.rx, forgets ? NULL : &got);

	CHECK_CODE(code, m.receivers ? CHP_EAGAIN : take(&value));
	if (code == 0 && !forgets)
		CHECK_EQ(got, value);
	m.drops += code == 0 && forgets;
}

static void poll_first(struct slot *s)
{
	int code;

	memset(&s->w, 0, sizeof(s->w));
	s->seen = 0;
	s->blocking = false;
	s->many = !s->is_send && h_below(&rnd, 3) == 0;
	s->forgets = !s->is_send && h_below(&rnd, 6) == 0;
	s->limit = s->many && !s->forgets ? 1 + h_below(&rnd, MANY) : 1;
	if (s->is_send) {
		s->value = ++m.next;
		chp_mpmc_send_op(&s->op, &m.tx, &s->value);
		code = h_poll(&s->op.op, &s->w);
		sent(s, code, !m.senders);
		return;
	}
	if (s->many)
		chp_mpmc_recv_many_op(&s->op, &m.rx, s->forgets ? NULL : s->got,
				      s->limit);
	else
		chp_mpmc_recv_op(&s->op, &m.rx, s->forgets ? NULL : s->got);
	code = h_poll(&s->op.op, &s->w);
	received(s, code, !m.receivers, 0);
}

static void poll_later(struct slot *s)
{
	int code;

	s->seen = h_wakes(&s->w);
	code = h_poll(&s->op.op, &s->w);
	if (s->stage == REFUSED) {
		CHECK_CODE(code, CHP_ECLOSED);
		s->stage = IDLE;
		CHECK_EQ(h_refs(&s->w), 0);
	} else if (s->stage == PROMISED && s->is_send) {
		m.reserved--;
		sent(s, code, true);
	} else if (s->stage == PROMISED) {
		int v = pop();

		m.granted--;
		if (!s->forgets)
			CHECK_EQ(s->got[0], v);
		m.drops += s->forgets;
		received(s, code, !m.receivers, 1);
	} else if (s->is_send) {
		sent(s, code, !m.cap && m.s[0] == s);
	} else {
		received(s, code, !m.cap && m.r[0] == s, 0);
	}
}

static void give_up(struct slot *s)
{
	int found = chp_op_cancel(&s->op.op);

	CHECK_EQ(found,
		 s->stage == PROMISED ? CHP_GAVE_BACK : CHP_HELD_NOTHING);
	if (s->stage == QUEUED && s->is_send)
		unqueue(m.s, &m.senders, s);
	else if (s->stage == QUEUED)
		unqueue(m.r, &m.receivers, s);
	else if (s->stage == PROMISED && s->is_send)
		m.reserved--;
	else if (s->stage == PROMISED)
		m.granted--;
	s->stage = IDLE;
	CHECK_EQ(h_refs(&s->w), 0);
}

static void *block(void *arg)
{
	struct slot *s = arg;

	s->result = s->is_send ? chp_mpmc_send(&m.tx, &s->value)
			       : chp_mpmc_recv(&m.rx, s->got);
	h_store(&s->ended, 1);
	return NULL;
}

static void start_blocking(struct slot *s)
{
	int code, value = -1;

	s->blocking = true;
	s->many = s->forgets = false;
	h_store(&s->ended, 0);
	if (s->is_send) {
		s->value = ++m.next;
		code = m.senders && !m.closed ? CHP_EAGAIN
					      : put(s->value, false);
	} else {
		code = m.receivers ? CHP_EAGAIN : take(&value);
	}
	if (code == CHP_EAGAIN && s->is_send)
		m.s[m.senders++] = s;
	else if (code == CHP_EAGAIN)
		m.r[m.receivers++] = s;
	s->expect = value;
	s->stage = code == CHP_EAGAIN ? QUEUED : code == 0 ? DONE : REFUSED;
	h_spawn(&s->a, block, s);
}

static void interrupt(struct slot *s)
{
	CHECK_CODE(chp_interrupt(s->a.agent), 0);
	if (s->is_send)
		unqueue(m.s, &m.senders, s);
	else
		unqueue(m.r, &m.receivers, s);
	h_join(&s->a);
	CHECK_CODE(s->result, CHP_EINTR);
	s->stage = IDLE;
}

static void close_it(void)
{
	if (h_below(&rnd, 25))
		return;
	if (h_below(&rnd, 2))
		chp_mpmc_close(&m.rx);
	else
		chp_mpmc_tx_close(&m.tx);
	m.closed = true;
	while (m.senders)
		leaves(m.s, &m.senders, REFUSED);
	/* Promised places are lost, too. */
}

/* ---- The walk ---- */

static void reap(struct slot *s)
{
	h_join(&s->a);
	CHECK_CODE(s->result, s->stage == DONE ? 0 : CHP_ECLOSED);
	if (s->stage == DONE && !s->is_send)
		CHECK_EQ(s->got[0], s->expect);
	s->stage = IDLE;
}

static void compare(void)
{
	struct slot *actor = NULL;

	for (int i = 0; i < 2 * SLOTS; i++)
		h_yield();
	CHECK_EQ(h_load(&drops), m.drops);
	CHECK_EQ(chp_mpmc_len(&m.rx), m.len);
	CHECK_EQ(chp_mpmc_is_empty(&m.rx), m.len == 0);
	CHECK_EQ(chp_mpmc_is_closed(&m.tx), m.closed);
	CHECK_EQ(chp_mpmc_rx_is_closed(&m.rx), m.closed);
	if (m.cap != UNBOUNDED)
		CHECK_EQ(chp_mpmc_capacity(&m.tx),
			 m.senders || !m.cap ? 0 : m.cap - m.len - m.reserved);
	if (meeting())
		actor = !m.s[0]->blocking   ? m.s[0]
			: !m.r[0]->blocking ? m.r[0]
					    : NULL;
	for (int i = 0; i < 2 * SLOTS; i++) {
		struct slot *s = &m.slots[i];

		if (s->stage == IDLE)
			continue;
		if (s->blocking) {
			CHECK_EQ(h_load(&s->ended), s->stage != QUEUED);
			if (s->stage != QUEUED)
				reap(s);
		} else if (s->stage == PROMISED || s->stage == REFUSED) {
			CHECK(h_wakes(&s->w) >= 1);
			CHECK_EQ(h_refs(&s->w), 0);
		} else if (s == actor) {
			CHECK_EQ(h_wakes(&s->w), s->seen + 1);
		} else {
			CHECK(h_wakes(&s->w) <= s->seen + 1);
		}
	}
}

static void step(void)
{
	struct slot *s = &m.slots[h_below(&rnd, 2 * SLOTS)];

	switch (h_below(&rnd, 8)) {
	case 0:
		call_try_send();
		break;
	case 1:
		call_try_recv();
		break;
	case 2:
		close_it();
		break;
	default:
		if (s->stage == IDLE && h_below(&rnd, 2))
			start_blocking(s);
		else if (s->stage == IDLE)
			poll_first(s);
		else if (s->blocking)
			interrupt(s);
		else if (h_below(&rnd, 3))
			poll_later(s);
		else
			give_up(s);
	}
	serve();
}

static void finish(void)
{
	for (int i = 0; i < 2 * SLOTS; i++) {
		struct slot *s = &m.slots[i];

		if (s->stage != IDLE && s->blocking)
			interrupt(s);
		else if (s->stage != IDLE)
			give_up(s);
		serve();
		compare();
	}
	CHECK_EQ(m.granted + m.reserved, 0);
	chp_mpmc_tx_drop(&m.tx);
	m.drops += (unsigned)m.len;
	chp_mpmc_rx_drop(&m.rx);
	CHECK_EQ(h_load(&drops), m.drops);
}

static void random_calls_do_as_the_model_says(void)
{
	static const size_t caps[] = { 0, 0, 0, 1, 1, 2, 3, UNBOUNDED };

	rnd = h_rng(h_seed(), 9);
	for (long walk = h_rounds(10000); walk; walk--) {
		memset(&m, 0, sizeof(m));
		h_store(&drops, 0);
		m.cap = caps[h_below(&rnd, 8)];
		for (int i = 0; i < 2 * SLOTS; i++)
			m.slots[i].is_send = i % 2;
		CHECK_CODE(
			mpmc_make(m.cap, sizeof(int), count_drop, &m.tx, &m.rx),
			0);
		for (int i = 0; i < 80; i++) {
			step();
			compare();
		}
		finish();
	}
}

static const struct h_test tests[] = {
	TEST(random_calls_do_as_the_model_says, IN_CT),
};
H_MAIN("mpmc_model", tests)
