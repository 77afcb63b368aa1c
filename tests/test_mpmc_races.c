/*
 * test_mpmc_races.c - many producers and many consumers who do everything at
 * random: block, try, poll, time out, be cancelled, come and go, close and drop
 * in the midst of it.  Each value has a number and ends exactly once: received,
 * or destroyed, or still with its sender; and nobody ever receives an earlier
 * value of a producer after a later one.  In the task modes half of them are
 * plain threads.  The seed is printed; CHP_TEST_SEED repeats it.
 */
#include "mpmc.h"

enum { PRODUCERS = 5, CONSUMERS = 5, VALUES = 60, ALL = PRODUCERS * VALUES };

struct value {
	uint32_t id, inverse;
};

static chp_mpmc_tx tx;
static chp_mpmc_rx rx;
static size_t capacity;
static chp_word received[ALL], destroyed[ALL], kept[ALL];
static chp_word done; /* agents that have ended */
static long round_number;

static uint32_t id_of(const struct value *v)
{
	CHECK_EQ(v->id ^ v->inverse, UINT32_MAX);
	CHECK(v->id < ALL);
	return v->id;
}

static void destroy(void *value)
{
	h_add(&destroyed[id_of(value)], 1);
}

struct agent {
	struct h_agent a;
	chp_mpmc_tx tx;
	chp_mpmc_rx rx;
	chp_mpmc_weak weak;
	struct h_rng r;
	uint32_t next, end;        /* numbers of a producer's values */
	uint32_t least[PRODUCERS]; /* a consumer's next expected ones */
};

/* ---- A producer ---- */

/* By the code of a send: it has gone, or it is still here. */
static void account(uint32_t id, int code)
{
	if (code == 0)
		return;
	CHECK(code == CHP_ECLOSED || code == CHP_ETIMEDOUT ||
	      code == CHP_EAGAIN || code == CHP_ECANCELED);
	h_add(&kept[id], 1);
}

static struct value next_value(struct agent *p)
{
	struct value v = { p->next, ~p->next };

	p->next++;
	return v;
}

/* Poll once or twice, then give up. */
static int poll_send(struct agent *p, const struct value *v)
{
	struct h_waker w = { 0 };
	chp_mpmc_op op;
	int code = CHP_PENDING;

	chp_mpmc_send_op(&op, &p->tx, v);
	for (uint32_t n = h_below(&p->r, 4); n && code == CHP_PENDING; n--) {
		code = h_poll(&op.op, &w);
		if (code == CHP_PENDING && h_below(&p->r, 2))
			h_yield();
	}
	if (code == CHP_PENDING) {
		CHECK(chp_op_cancel(&op.op) != CHP_TOO_LATE);
		code = CHP_ECANCELED;
	}
	h_until(h_refs(&w) == 0);
	return code;
}

/* Leave, and come back through the weak sender if the stream still lives. */
static void leave_and_return(struct agent *p)
{
	int code;

	chp_mpmc_tx_drop(&p->tx);
	if (h_below(&p->r, 2))
		h_yield();
	code = chp_mpmc_upgrade(&p->weak, &p->tx);
	CHECK(code == 0 || code == CHP_ECLOSED);
	while (code != 0 && p->next < p->end)
		h_add(&kept[p->next++], 1);
}

static void produce_one(struct agent *p)
{
	chp_wait soon = { .deadline = chp_in(h_below(&p->r, 100) * CHP_US) };
	struct value v;

	if (h_below(&p->r, 60) == 0) {
		leave_and_return(p);
		return;
	}
	v = next_value(p);
	switch (h_below(&p->r, 5)) {
	case 0:
		account(v.id, chp_mpmc_try_send(&p->tx, &v));
		break;
	case 1:
		account(v.id, mpmc_send(&p->tx, &v, &soon));
		break;
	case 2:
		account(v.id, poll_send(p, &v));
		break;
	default:
		account(v.id, mpmc_send(&p->tx, &v, NULL));
	}
}

static void *produce(void *arg)
{
	struct agent *p = arg;

	while (p->next < p->end) {
		produce_one(p);
		if (h_below(&p->r, 4) == 0)
			h_yield();
	}
	chp_mpmc_tx_drop(&p->tx);
	chp_mpmc_weak_drop(&p->weak);
	h_add(&done, 1);
	return NULL;
}

/* ---- A consumer ---- */

static void has(struct agent *c, const struct value *v)
{
	uint32_t id = id_of(v), from = id / VALUES;

	CHECK(id % VALUES >= c->least[from]);
	c->least[from] = id % VALUES + 1;
	h_add(&received[id], 1);
}

static int poll_recv(struct agent *c, struct value *v)
{
	struct h_waker w = { 0 };
	chp_mpmc_op op;
	int code = CHP_PENDING;

	if (h_below(&c->r, 2))
		chp_mpmc_recv_op(&op, &c->rx, v);
	else
		chp_mpmc_recv_many_op(&op, &c->rx, v, 1 + h_below(&c->r, 5));
	for (uint32_t n = h_below(&c->r, 4); n && code == CHP_PENDING; n--) {
		code = h_poll(&op.op, &w);
		if (code == CHP_PENDING && h_below(&c->r, 2))
			h_yield();
	}
	if (code == CHP_PENDING) {
		CHECK(chp_op_cancel(&op.op) != CHP_TOO_LATE);
		code = CHP_ETIMEDOUT;
	} else if (code == 0) {
		code = 1;
	}
	h_until(h_refs(&w) == 0);
	return code;
}

static int consume_one(struct agent *c)
{
	struct value v[5];
	chp_wait soon = { .deadline = chp_in(h_below(&c->r, 100) * CHP_US) };
	int n, code;

	CHECK(chp_mpmc_len(&c->rx) <= (capacity ? capacity : 1));
	CHECK(capacity == UNBOUNDED ||
	      chp_mpmc_rx_capacity(&c->rx) <= capacity);

	switch (h_below(&c->r, 5)) {
	case 0:
		n = mpmc_recv_many(&c->rx, v, 1 + h_below(&c->r, 5), NULL);
		break;
	case 1:
		code = chp_mpmc_try_recv(&c->rx, v);
		n = code == 0 ? 1 : code;
		break;
	case 2:
		n = poll_recv(c, v);
		break;
	case 3:
		code = mpmc_recv(&c->rx, v, &soon);
		n = code == 0 ? 1 : code;
		break;
	default:
		code = mpmc_recv(&c->rx, v, NULL);
		n = code == 0 ? 1 : code;
	}
	for (int i = 0; i < n; i++)
		has(c, &v[i]);
	CHECK(n > 0 || n == CHP_EAGAIN || n == CHP_ETIMEDOUT ||
	      n == CHP_ECLOSED);
	return n;
}

/* Until the end, or until it has had enough: then close, or just leave. */
static void *consume(void *arg)
{
	struct agent *c = arg;
	uint32_t patience =
		h_below(&c->r, 2) ? UINT32_MAX : h_below(&c->r, ALL);
	int code;

	for (uint32_t i = 0; (code = consume_one(c)) != CHP_ECLOSED; i++) {
		if (i == patience && h_below(&c->r, 4))
			break;
		if (i == patience)
			chp_mpmc_close(&c->rx);
		if (h_below(&c->r, 8) == 0)
			h_yield();
	}
	chp_mpmc_rx_drop(&c->rx);
	h_add(&done, 1);
	return NULL;
}

/* ---- Rounds ---- */

static void start(struct agent *a, int i, void *(*fn)(void *))
{
	if (i % 2)
		h_spawn_thread(&a->a, fn, a);
	else
		h_spawn(&a->a, fn, a);
}

static void one_round(struct h_rng *r)
{
	static const size_t caps[] = { 0, 1, 2, 4, UNBOUNDED };
	struct agent p[PRODUCERS], c[CONSUMERS];

	capacity = caps[h_below(r, 5)];
	CHECK_CODE(mpmc_make(capacity, sizeof(struct value), destroy, &tx, &rx),
		   0);
	h_store(&done, 0);
	for (uint32_t i = 0; i < PRODUCERS; i++) {
		p[i].next = i * VALUES;
		p[i].end = (i + 1) * VALUES;
		p[i].r = h_rng(h_seed(), (uint64_t)round_number * 100 + i);
		chp_mpmc_tx_clone(&tx, &p[i].tx);
		chp_mpmc_downgrade(&tx, &p[i].weak);
	}
	for (uint32_t i = 0; i < CONSUMERS; i++) {
		memset(c[i].least, 0, sizeof(c[i].least));
		c[i].r = h_rng(h_seed(), (uint64_t)round_number * 100 + 50 + i);
		chp_mpmc_rx_clone(&rx, &c[i].rx);
	}
	chp_mpmc_tx_drop(&tx);
	chp_mpmc_rx_drop(&rx);
	for (int i = 0; i < PRODUCERS; i++) {
		start(&p[i], i, produce);
		start(&c[i], i, consume);
	}
	/* Not blocking: a current-thread runtime must run its tasks. */
	h_until(h_load(&done) == PRODUCERS + CONSUMERS);
	for (int i = 0; i < PRODUCERS; i++) {
		(i % 2 ? h_join_thread : h_join)(&p[i].a);
		(i % 2 ? h_join_thread : h_join)(&c[i].a);
	}
}

static void every_value_ends_exactly_once_and_in_order(void)
{
	long blocks = h_blocks(), total = 0;

	for (round_number = h_rounds(100); round_number; round_number--) {
		struct h_rng r = h_rng(h_seed(), (uint64_t)round_number);

		memset(received, 0, sizeof(received));
		memset(destroyed, 0, sizeof(destroyed));
		memset(kept, 0, sizeof(kept));
		one_round(&r);
		for (int i = 0; i < ALL; i++) {
			uint32_t ends = h_load(&received[i]) +
					h_load(&destroyed[i]) +
					h_load(&kept[i]);

			if (ends != 1)
				h_fail(__FILE__, __LINE__,
				       "round %ld, value %d: received %u, "
				       "destroyed %u, kept %u times",
				       round_number, i, h_load(&received[i]),
				       h_load(&destroyed[i]), h_load(&kept[i]));
			total += h_load(&received[i]);
		}
		if (h_mode() == H_THREADS || h_mode() == H_POLLED)
			CHECK_EQ(h_blocks(), blocks);
	}
	CHECK(total > 0);
}

/* ---- Nobody is left waiting ---- */

enum { CROWD = 4, EACH = 1000 };

static chp_mpmc_tx txs[CROWD];
static chp_mpmc_rx rxs[CROWD];
static chp_word sum;

static void *send_all(void *arg)
{
	chp_mpmc_tx *mine = arg;

	for (uint32_t i = 1; i <= h_rounds(EACH); i++)
		CHECK_CODE(mpmc_send(mine, &i, NULL), 0);
	chp_mpmc_tx_drop(mine);
	return NULL;
}

static void *receive_all(void *arg)
{
	chp_mpmc_rx *mine = arg;
	uint32_t v;

	while (mpmc_recv(mine, &v, NULL) == 0)
		h_add(&sum, v);
	chp_mpmc_rx_drop(mine);
	return NULL;
}

/* As many receives as sends, all blocking: a lost wake would hang. */
static void a_crowd_passes_all_values_on(void)
{
	static const size_t caps[] = { 0, 1, 3, UNBOUNDED };
	uint32_t n = (uint32_t)h_rounds(EACH);

	for (int k = 0; k < 4; k++) {
		struct h_agent s[CROWD], r[CROWD];

		CHECK_CODE(mpmc_make(caps[k], sizeof(uint32_t), NULL, &tx, &rx),
			   0);
		h_store(&sum, 0);
		for (int i = 0; i < CROWD; i++) {
			chp_mpmc_tx_clone(&tx, &txs[i]);
			chp_mpmc_rx_clone(&rx, &rxs[i]);
		}
		chp_mpmc_tx_drop(&tx);
		chp_mpmc_rx_drop(&rx);
		for (int i = 0; i < CROWD; i++) {
			h_spawn(&r[i], receive_all, &rxs[i]);
			h_spawn(&s[i], send_all, &txs[i]);
		}
		for (int i = 0; i < CROWD; i++) {
			h_join(&s[i]);
			h_join(&r[i]);
		}
		CHECK_EQ(h_load(&sum), CROWD * n * (n + 1) / 2);
	}
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(every_value_ends_exactly_once_and_in_order, IN_ALL),
	TEST(a_crowd_passes_all_values_on, IN_ALL),
};
/* clang-format on */
H_MAIN("mpmc_races", tests)
