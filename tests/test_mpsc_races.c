/*
 * test_mpsc_races.c - many producers and one consumer who do everything at
 * random: send, try, time out, be cancelled, reserve, give permits up, come
 * and go through weak senders, close and drop in the midst of it.  Each value
 * has a number and ends exactly once: received, or destroyed, or still with
 * its sender.  And what has been sent is there.  In the task modes half of the
 * producers are plain threads.  The seed is printed; CHP_TEST_SEED repeats it.
 */
#include "mpsc.h"

enum { PRODUCERS = 8, VALUES = 40, ALL = PRODUCERS * VALUES };

struct value {
	uint32_t id, inverse;
};

static size_t capacity; /* 0: unbounded */
static chp_word received[ALL], destroyed[ALL], kept[ALL];
static chp_word done; /* producers that have ended */
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

/* ---- A producer ---- */

struct producer {
	struct h_agent a;
	chp_mpsc_tx tx;
	chp_mpsc_weak weak;
	struct h_rng r;
	uint32_t next, end; /* numbers of its values */
	bool is_thread;
};

static struct value value_of(uint32_t id)
{
	struct value v = { id, ~id };

	return v;
}

/* By the code of a send: it has gone, or it is still here. */
static void account(uint32_t id, int code)
{
	if (code == 0)
		return;
	CHECK(code == CHP_ECLOSED || code == CHP_ETIMEDOUT ||
	      code == CHP_EAGAIN || code == CHP_ECANCELED);
	h_add(&kept[id], 1);
}

static void send_next(struct producer *p, const chp_wait *w)
{
	struct value v = value_of(p->next);

	account(p->next, mpsc_send(&p->tx, &v, w));
	p->next++;
}

static void try_next(struct producer *p)
{
	struct value v = value_of(p->next);

	account(p->next, chp_mpsc_try_send(&p->tx, &v));
	p->next++;
}

/* Poll once or twice, then give up. */
static void poll_next(struct producer *p)
{
	struct value v = value_of(p->next);
	struct h_waker w = { 0 };
	chp_send_op op;
	int code = CHP_PENDING;

	chp_mpsc_send_op(&op, &p->tx, &v);
	for (uint32_t n = h_below(&p->r, 3); n && code == CHP_PENDING; n--) {
		code = h_poll(&op.op, &w);
		if (code == CHP_PENDING && h_below(&p->r, 2))
			h_yield();
	}
	if (code == CHP_PENDING) {
		CHECK(chp_op_cancel(&op.op) != CHP_TOO_LATE);
		code = CHP_ECANCELED;
	}
	h_until(h_refs(&w) == 0);
	account(p->next, code);
	p->next++;
}

static void send_by_permits(struct producer *p)
{
	chp_wait w = { .deadline = chp_in(h_below(&p->r, 200) * CHP_US) };
	size_t n = h_below(&p->r, (uint32_t)capacity + 1);
	chp_mpsc_permit permit;
	int code =
		mpsc_reserve(&p->tx, n, &permit, h_below(&p->r, 2) ? &w : NULL);

	CHECK(code == 0 || code == CHP_ECLOSED || code == CHP_ETIMEDOUT);
	while (permit.count && p->next < p->end && h_below(&p->r, 8)) {
		struct value v = value_of(p->next++);

		CHECK_CODE(chp_mpsc_permit_send(&permit, &v), 0);
		if (h_below(&p->r, 8) == 0)
			h_yield();
	}
	chp_mpsc_permit_drop(&permit);
}

static void send_by_owned_permit(struct producer *p)
{
	struct value v = value_of(p->next);
	chp_mpsc_owned_permit permit = { 0 };
	int code;

	if (h_mode() == H_POLLED || h_below(&p->r, 2))
		code = chp_mpsc_try_reserve_owned(&p->tx, &permit);
	else
		code = chp_mpsc_reserve_owned(&p->tx, &permit);
	if (code == 0 && h_below(&p->r, 4))
		CHECK_CODE(chp_mpsc_owned_permit_send(&permit, &v, &p->tx), 0);
	else
		account(p->next, code ? code : CHP_ECANCELED);
	p->next++;
	if (permit.ch)
		chp_mpsc_owned_permit_release(&permit, &p->tx);
}

/* Leave, and come back through the weak sender if the stream still lives. */
static void leave_and_return(struct producer *p)
{
	chp_mpsc_tx again = { 0 };
	int code;

	chp_mpsc_tx_drop(&p->tx);
	if (h_below(&p->r, 2))
		h_yield();
	code = chp_mpsc_upgrade(&p->weak, &again);
	CHECK(code == 0 || code == CHP_ECLOSED);
	if (code == 0) {
		p->tx = again;
		return;
	}
	while (p->next < p->end)
		h_add(&kept[p->next++], 1);
}

static void produce_one(struct producer *p)
{
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait soon = { .deadline = chp_in(h_below(&p->r, 100) * CHP_US) };

	switch (h_below(&p->r, capacity ? 9 : 6)) {
	case 0:
		try_next(p);
		break;
	case 1:
		send_next(p, &soon);
		break;
	case 2:
		soon.cancel = &token;
		chp_cancel_now(&token);
		send_next(p, &soon);
		break;
	case 3:
		poll_next(p);
		break;
	case 4:
		if (h_below(&p->r, 6) == 0)
			leave_and_return(p);
		break;
	case 6:
		send_by_permits(p);
		break;
	case 7:
		send_by_owned_permit(p);
		break;
	default:
		send_next(p, NULL);
	}
	chp_cancel_destroy(&token);
}

static void *produce(void *arg)
{
	struct producer *p = arg;

	while (p->next < p->end) {
		produce_one(p);
		if (h_below(&p->r, 4) == 0)
			h_yield();
	}
	chp_mpsc_tx_drop(&p->tx);
	chp_mpsc_weak_drop(&p->weak);
	h_add(&done, 1);
	return NULL;
}

/* ---- The consumer ---- */

static int consume_one(struct h_rng *r)
{
	struct value v[5];
	chp_wait soon = { .deadline = chp_in(h_below(r, 100) * CHP_US) };
	int n, code;

	/* tokio #8062: counts never go below zero. */
	CHECK(chp_mpsc_len(&rx) <= (capacity ? capacity : ALL));
	CHECK(chp_mpsc_rx_capacity(&rx) <= (capacity ? capacity : SIZE_MAX));
	CHECK(chp_mpsc_rx_strong_count(&rx) <= 2 * PRODUCERS);

	switch (h_below(r, 4)) {
	case 0:
		n = mpsc_recv_many(&rx, v, 1 + h_below(r, 5), NULL);
		break;
	case 1:
		code = chp_mpsc_try_recv(&rx, v);
		n = code == 0 ? 1 : code;
		break;
	case 2:
		code = mpsc_recv(&rx, v, &soon);
		n = code == 0 ? 1 : code;
		break;
	default:
		code = mpsc_recv(&rx, v, NULL);
		n = code == 0 ? 1 : code;
	}
	for (int i = 0; i < n; i++)
		h_add(&received[id_of(&v[i])], 1);
	CHECK(n > 0 || n == CHP_EAGAIN || n == CHP_ETIMEDOUT ||
	      n == CHP_ECLOSED);
	return n;
}

/* Until the end, or until it has had enough: then close, or just drop. */
static void consume(struct h_rng *r)
{
	uint32_t patience = h_below(r, 2) ? UINT32_MAX : h_below(r, ALL);
	int code;

	for (uint32_t i = 0; (code = consume_one(r)) != CHP_ECLOSED; i++) {
		if (i == patience && h_below(r, 2))
			break;
		if (i == patience)
			chp_mpsc_close(&rx);
		if (h_below(r, 16) == 0)
			h_yield();
	}
	chp_mpsc_rx_drop(&rx);
}

static void one_round(struct h_rng *r)
{
	struct producer p[PRODUCERS];

	capacity = h_below(r, 5);
	CHECK_CODE(capacity ? chp_mpsc_bounded(capacity, sizeof(struct value),
					       destroy, &tx, &rx)
			    : chp_mpsc_unbounded(sizeof(struct value), destroy,
						 &tx, &rx),
		   0);
	h_store(&done, 0);
	for (uint32_t i = 0; i < PRODUCERS; i++) {
		p[i].next = i * VALUES;
		p[i].end = (i + 1) * VALUES;
		p[i].is_thread = i % 2;
		p[i].r = h_rng(h_seed(), (uint64_t)round_number * 100 + i);
		chp_mpsc_tx_clone(&tx, &p[i].tx);
		chp_mpsc_downgrade(&tx, &p[i].weak);
	}
	chp_mpsc_tx_drop(&tx);
	for (int i = 0; i < PRODUCERS; i++)
		(p[i].is_thread ? h_spawn_thread : h_spawn)(&p[i].a, produce,
							    &p[i]);
	consume(r);
	/* Not blocking: a current-thread runtime must run its tasks. */
	h_until(h_load(&done) == PRODUCERS);
	for (int i = 0; i < PRODUCERS; i++)
		(p[i].is_thread ? h_join_thread : h_join)(&p[i].a);
}

static void every_value_ends_exactly_once(void)
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

/* ---- What has been sent is there ---- */

static chp_word completed; /* sends that have returned */

static void *send_and_tell(void *arg)
{
	chp_mpsc_tx *my_tx = arg;

	for (long i = h_rounds(2000); i; i--) {
		struct value v = value_of(0);

		CHECK_CODE(mpsc_send(my_tx, &v, NULL), 0);
		h_add(&completed, 1);
	}
	chp_mpsc_tx_drop(my_tx);
	return NULL;
}

/* Though other senders may be half-way through earlier places. */
static void a_completed_send_is_seen_at_once(void)
{
	enum { SENDERS = 4 };
	struct h_agent a[SENDERS];
	chp_mpsc_tx its_tx[SENDERS];

	for (capacity = 0; capacity < 20; capacity += 6) {
		uint32_t taken = 0, all = (uint32_t)(SENDERS * h_rounds(2000));

		CHECK_CODE(capacity ? chp_mpsc_bounded(capacity,
						       sizeof(struct value),
						       NULL, &tx, &rx)
				    : chp_mpsc_unbounded(sizeof(struct value),
							 NULL, &tx, &rx),
			   0);
		h_store(&completed, 0);
		for (int i = 0; i < SENDERS; i++) {
			chp_mpsc_tx_clone(&tx, &its_tx[i]);
			h_spawn(&a[i], send_and_tell, &its_tx[i]);
		}
		while (taken < all) {
			uint32_t there = h_load(&completed) - taken;
			size_t len = chp_mpsc_len(&rx);
			int empty = chp_mpsc_is_empty(&rx);
			int code = chp_mpsc_try_recv(&rx, NULL);

			if ((int32_t)there > 0) {
				CHECK(len >= there);
				CHECK_EQ(empty, 0);
				CHECK_CODE(code, 0);
			}
			taken += code == 0;
			if (code != 0)
				h_yield();
		}
		for (int i = 0; i < SENDERS; i++)
			h_join(&a[i]);
		chp_mpsc_tx_drop(&tx);
		chp_mpsc_rx_drop(&rx);
	}
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(every_value_ends_exactly_once, IN_ALL),
	TEST(a_completed_send_is_seen_at_once, IN_ALL),
};
/* clang-format on */
H_MAIN("mpsc_races", tests)
