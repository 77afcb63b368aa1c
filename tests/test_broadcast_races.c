/*
 * test_broadcast_races.c - senders and receivers of all habits at once, on
 * small rings.  All receivers must have seen one order: at every position the
 * same value, or told of its loss; of each sender in the order sent; and every
 * value must have been destroyed once.  Others come and go meanwhile.
 */
#include "duo.h"
#include "broadcast.h"

enum { SENDERS = 3, READERS = 3, GUESTS = 2, VALUES = 60 };
enum { ALL = SENDERS * VALUES };

struct value {
	uint32_t id;    /* sender * VALUES + number */
	uint32_t check; /* ~id; 0 once destroyed */
	char more[40];
};

static chp_broadcast_tx tx;
static chp_word order[ALL]; /* by position: the id there, plus one */
static chp_word position[ALL];
static chp_word destroyed;
static chp_word done; /* agents that have ended */
static bool boxed;
static long round_number;

static int copy(void *to, const void *from)
{
	const struct value *v = from;

	CHECK_EQ(v->check, ~v->id);
	*(struct value *)to = *v;
	return 0;
}

static void destroy(void *value)
{
	struct value *v = value;

	CHECK_EQ(v->check, ~v->id);
	v->check = 0;
	h_add(&destroyed, 1);
}

/* At this position everybody sees this value. */
static void note(uint64_t at, const struct value *v)
{
	uint32_t nothing = 0;

	CHECK(at < ALL && v->id < ALL);
	CHECK_EQ(v->check, ~v->id);
	CHECK_EQ(v->more[39], (char)v->id);
	if (!__atomic_compare_exchange_n(&order[at].v, &nothing, v->id + 1,
					 false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST))
		CHECK_EQ(nothing, v->id + 1);
	h_store(&position[v->id], (uint32_t)at + 1);
}

/* ---- Senders ---- */

struct sender {
	struct h_agent a;
	chp_broadcast_tx tx;
	uint32_t id;
	struct h_rng r;
};

static void *send_all(void *arg)
{
	struct sender *s = arg;

	for (uint32_t n = 0; n < VALUES; n++) {
		uint32_t id = s->id * VALUES + n;
		struct value v = { .id = id, .check = ~id };
		int r;

		v.more[39] = (char)id;
		r = chp_broadcast_send(&s->tx, &v);
		CHECK(r >= READERS && r <= READERS + 2 * GUESTS);
		CHECK(chp_broadcast_tx_len(&s->tx) <= 8);
		if (h_below(&s->r, 4) == 0)
			h_yield();
		jitter(&s->r);
	}
	chp_broadcast_tx_drop(&s->tx);
	h_add(&done, 1);
	return NULL;
}

/* ---- Readers ---- */

struct reader {
	struct h_agent a;
	chp_broadcast_rx rx;
	uint64_t at;
	struct h_rng r;
};

/* Poll once or twice, then give up. */
static int poll_and_cancel(struct reader *q, struct value *v, uint64_t *lagged)
{
	struct h_waker w = { 0 };
	chp_broadcast_op op;
	int code = CHP_PENDING;

	chp_broadcast_recv_op(&op, &q->rx, v, lagged);
	for (uint32_t n = h_below(&q->r, 3); n && code == CHP_PENDING; n--) {
		code = h_poll(&op.op, &w);
		if (code == CHP_PENDING && h_below(&q->r, 2))
			h_yield();
	}
	if (code == CHP_PENDING) {
		CHECK_EQ(chp_op_cancel(&op.op), CHP_HELD_NOTHING);
		code = CHP_EAGAIN;
	}
	h_until(h_refs(&w) == 0);
	return code;
}

/* 1: *v has a value; else as recv. */
static int read_in_some_way(struct reader *q, struct value *v, int *n,
			    uint64_t *lagged)
{
	chp_wait soon = { .deadline = chp_in(h_below(&q->r, 100) * CHP_US) };
	int code;

	*n = 1;
	switch (h_below(&q->r, 7)) {
	case 0:
		return chp_broadcast_try_recv(&q->rx, v, lagged);
	case 1:
		return bc_recv(&q->rx, v, lagged, &soon);
	case 2:
		return poll_and_cancel(q, v, lagged);
	case 3:
		code = bc_recv_many(&q->rx, v, 1 + h_below(&q->r, 5), lagged,
				    NULL);
		*n = code;
		return code > 0 ? 0 : code;
	case 4:
		/* Passed over: the others know what it was. */
		code = bc_recv(&q->rx, NULL, lagged, NULL);
		q->at += code == 0;
		*n = 0;
		return code;
	default:
		return bc_recv(&q->rx, v, lagged, NULL);
	}
}

static void *read_all(void *arg)
{
	struct reader *q = arg;
	struct value v[5];
	uint64_t lagged;
	int code, n;

	while ((code = read_in_some_way(q, v, &n, &lagged)) != CHP_ECLOSED) {
		if (code == CHP_ELAGGED) {
			CHECK(lagged > 0);
			q->at += lagged;
		} else if (code == 0) {
			for (int i = 0; i < n; i++)
				note(q->at++, &v[i]);
		} else {
			CHECK(code == CHP_EAGAIN || code == CHP_ETIMEDOUT);
		}
		if (h_below(&q->r, 8) == 0)
			h_yield();
	}
	CHECK_EQ(q->at, ALL);
	chp_broadcast_rx_drop(&q->rx);
	h_add(&done, 1);
	return NULL;
}

/* ---- Guests ---- */

/* Stay for a while; of each sender, no value comes before an older one. */
static bool stay(chp_broadcast_rx *rx, struct h_rng *r)
{
	uint32_t next[SENDERS] = { 0 };
	int code = 0;

	for (uint32_t i = h_below(r, 20); i && code != CHP_ECLOSED; i--) {
		struct value v;

		code = chp_broadcast_try_recv(rx, &v, NULL);
		if (code == 0) {
			CHECK(v.id % VALUES >= next[v.id / VALUES]);
			next[v.id / VALUES] = v.id % VALUES + 1;
		}
		if (h_below(r, 4) == 0)
			h_yield();
	}
	return code != CHP_ECLOSED;
}

static void *come_and_go(void *arg)
{
	struct sender *g = arg;
	chp_broadcast_weak weak;
	bool open = true;

	chp_broadcast_downgrade(&g->tx, &weak);
	chp_broadcast_tx_drop(&g->tx);
	while (open) {
		chp_broadcast_rx mine, other = { 0 };

		if (chp_broadcast_upgrade(&weak, &g->tx) != 0)
			break;
		if (h_below(&g->r, 2))
			CHECK_CODE(chp_broadcast_subscribe(&g->tx, &mine), 0);
		else
			CHECK_CODE(chp_broadcast_subscribe_from_oldest(&g->tx,
								       &mine),
				   0);
		chp_broadcast_tx_drop(&g->tx);
		if (h_below(&g->r, 2))
			CHECK_CODE(chp_broadcast_resubscribe(&mine, &other), 0);
		open = stay(&mine, &g->r);
		chp_broadcast_rx_drop(&mine);
		if (other.ch)
			open = stay(&other, &g->r);
		chp_broadcast_rx_drop(&other);
		h_yield();
	}
	chp_broadcast_weak_drop(&weak);
	h_add(&done, 1);
	return NULL;
}

/* ---- One round ---- */

static void check_order(void)
{
	for (int s = 0; s < SENDERS; s++) {
		uint32_t before = 0;

		for (int n = 0; n < VALUES; n++) {
			uint32_t p = h_load(&position[s * VALUES + n]);

			/* Lost to all readers: nothing is known. */
			if (!p)
				continue;
			CHECK(p > before);
			before = p;
		}
	}
	if (boxed)
		CHECK_EQ(h_load(&destroyed), ALL);
}

static void spawn(bool thread, struct h_agent *a, void *(*fn)(void *),
		  void *arg)
{
	(thread ? h_spawn_thread : h_spawn)(a, fn, arg);
}

static void join(bool thread, struct h_agent *a)
{
	(thread ? h_join_thread : h_join)(a);
}

static void one_round(struct h_rng *r)
{
	chp_broadcast_values values = { copy, destroy, { NULL, NULL } };
	uint64_t stream = (uint64_t)round_number * 100;
	struct sender s[SENDERS + GUESTS];
	struct reader q[READERS];

	boxed = h_below(r, 2);
	CHECK_CODE(chp_broadcast_tx_new(1 + h_below(r, 8), sizeof(struct value),
					boxed ? &values : NULL, &tx),
		   0);
	for (uint32_t i = 0; i < READERS; i++) {
		q[i].at = 0;
		q[i].r = h_rng(h_seed(), stream + i);
		CHECK_CODE(chp_broadcast_subscribe(&tx, &q[i].rx), 0);
	}
	for (uint32_t i = 0; i < SENDERS + GUESTS; i++) {
		s[i].id = i;
		s[i].r = h_rng(h_seed(), stream + 50 + i);
		chp_broadcast_tx_clone(&tx, &s[i].tx);
	}
	chp_broadcast_tx_drop(&tx);
	for (int i = 0; i < READERS; i++)
		spawn(i % 2, &q[i].a, read_all, &q[i]);
	for (int i = 0; i < SENDERS + GUESTS; i++)
		spawn(i % 2, &s[i].a, i < SENDERS ? send_all : come_and_go,
		      &s[i]);
	/* Not blocking: a current-thread runtime must run its tasks. */
	h_until(h_load(&done) == SENDERS + READERS + GUESTS);
	for (int i = 0; i < READERS; i++)
		join(i % 2, &q[i].a);
	for (int i = 0; i < SENDERS + GUESTS; i++)
		join(i % 2, &s[i].a);
	check_order();
}

static void everybody_sees_one_order(void)
{
	long blocks = h_blocks();

	for (round_number = h_rounds(150); round_number; round_number--) {
		struct h_rng r = h_rng(h_seed(), (uint64_t)round_number);

		memset(order, 0, sizeof(order));
		memset(position, 0, sizeof(position));
		h_store(&destroyed, 0);
		h_store(&done, 0);
		one_round(&r);
		if (h_mode() == H_THREADS || h_mode() == H_POLLED)
			CHECK_EQ(h_blocks(), blocks);
	}
}

/* ---- What has been sent is there ---- */

static chp_word completed;

static void *send_and_tell(void *arg)
{
	for (long i = h_rounds(3000); i; i--) {
		CHECK_EQ(bc_send(arg, 1), 1);
		h_add(&completed, 1);
	}
	chp_broadcast_tx_drop(arg);
	return NULL;
}

static void a_completed_send_is_seen_at_once(void)
{
	enum { AGENTS = 3 };
	uint32_t taken = 0, all = (uint32_t)(AGENTS * h_rounds(3000));
	struct h_agent a[AGENTS];
	chp_broadcast_tx its_tx[AGENTS];
	chp_broadcast_rx rx;

	CHECK_CODE(chp_broadcast(4, sizeof(int), NULL, &tx, &rx), 0);
	h_store(&completed, 0);
	for (int i = 0; i < AGENTS; i++) {
		chp_broadcast_tx_clone(&tx, &its_tx[i]);
		h_spawn(&a[i], send_and_tell, &its_tx[i]);
	}
	while (taken < all) {
		uint32_t there = h_load(&completed) - taken;
		uint64_t len = chp_broadcast_len(&rx), lagged = 1;
		int code = chp_broadcast_try_recv(&rx, NULL, &lagged);

		if ((int32_t)there > 0) {
			CHECK(len >= there);
			CHECK(code == 0 || code == CHP_ELAGGED);
		}
		if (code == 0 || code == CHP_ELAGGED)
			taken += (uint32_t)lagged;
		else
			h_yield();
	}
	CHECK_NO_NEXT(&rx, CHP_EAGAIN);
	for (int i = 0; i < AGENTS; i++)
		h_join(&a[i]);
	chp_broadcast_tx_drop(&tx);
	CHECK_NO_NEXT(&rx, CHP_ECLOSED);
	chp_broadcast_rx_drop(&rx);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(everybody_sees_one_order, IN_ALL),
	TEST(a_completed_send_is_seen_at_once, IN_ALL),
};
/* clang-format on */
H_MAIN("broadcast_races", tests)
