/*
 * test_watch_storm.c - many agents on one watch channel: values are whole and
 * match their version, no modification and no sent value is lost, every value
 * is destroyed once.  A crowd of waiters, and wakers that do things, are in
 * test_watch_crowd.c.
 */
#include "duo.h"
#include "watch_ends.h"

enum { AGENTS = 4 };

static chp_word stop;

struct member {
	struct h_agent a;
	chp_watch_tx tx;
	chp_watch_rx rx;
	int id;
	long count, sum;
	size_t size;
	uint64_t *copy;
	struct h_rng rng;
};

static struct member *start(struct member *m, void *(*fn)(void *))
{
	m->rng = h_rng(h_seed(), (uint64_t)m->id);
	chp_watch_tx_clone(&tx, &m->tx);
	chp_watch_rx_clone(&rx, &m->rx);
	h_spawn(&m->a, fn, m);
	return m;
}

static void finish(struct member *m)
{
	chp_watch_tx_drop(&m->tx);
	chp_watch_rx_drop(&m->rx);
}

/* ---- Values are whole, and match their version ---- */

/* The n-th value of the channel is full of n. */
static void check_whole(const void *value, size_t size, uint64_t n)
{
	const uint64_t *v = value;

	for (size_t i = 0; i < size / sizeof(*v); i++)
		CHECK_EQ(v[i], n);
}

/* The value and its version belong together; it stays whole while we look. */
static void look_closely(struct member *m, uint64_t *last)
{
	chp_watch_ref ref;

	CHECK_CODE(chp_watch_borrow_and_update(&m->rx, &ref), 0);
	/* A handle counts changes by two. */
	check_whole(ref.value, m->size, m->rx.seen / 2);
	CHECK(m->rx.seen / 2 >= *last);
	CHECK_EQ(chp_watch_ref_has_changed(&ref), m->rx.seen / 2 != *last);
	*last = m->rx.seen / 2;
	CHECK_CODE(chp_watch_get_and_update(&m->rx, m->copy), 0);
	check_whole(m->copy, m->size, m->rx.seen / 2);
	check_whole(ref.value, m->size, *last);
	*last = m->rx.seen / 2;
	chp_watch_ref_release(&ref);
}

static void *look_all_the_time(void *arg)
{
	struct member *m = arg;
	uint64_t last = 0;
	int r;

	m->copy = malloc(m->size);
	chp_watch_tx_drop(&m->tx);
	while (!h_load(&stop)) {
		for (int i = 0; i < 20; i++)
			look_closely(m, &last);
		if (m->id % 2) {
			r = watch_changed(&m->rx, NULL);
			CHECK(r == 0 || r == CHP_ECLOSED);
			last = m->rx.seen / 2;
		}
		h_yield();
	}
	free(m->copy);
	finish(m);
	return NULL;
}

static void look_while_sending(size_t size)
{
	struct member m[AGENTS];
	uint64_t *v = calloc(1, size);

	h_store(&stop, 0);
	memset(m, 0, sizeof(m));
	CHECK_CODE(chp_watch(size, NULL, v, &tx, &rx), 0);
	for (int i = 0; i < AGENTS; i++) {
		m[i].id = i;
		m[i].size = size;
		start(&m[i], look_all_the_time);
	}
	for (uint64_t n = 1; n <= (uint64_t)h_rounds(20000); n++) {
		for (size_t i = 0; i < size / sizeof(*v); i++)
			v[i] = n;
		CHECK_CODE(chp_watch_send(&tx, v), 0);
		if (n % 16 == 0)
			h_yield();
	}
	h_store(&stop, 1);
	/* Those who wait for a change hear the end. */
	chp_watch_tx_drop(&tx);
	for (int i = 0; i < AGENTS; i++)
		h_join(&m[i].a);
	drop_both();
	free(v);
}

static void values_are_whole_and_match_their_version(void)
{
	look_while_sending(16);
	look_while_sending(256);
	look_while_sending(4096);
}

/* ---- Modifications ---- */

struct both {
	long n, same;
};

static void add_one(void *value, void *arg)
{
	struct both *b = value;

	b->n++;
	if (*(int *)arg)
		h_yield();
	b->same++;
}

static int add_one_in_silence(void *value, void *arg)
{
	add_one(value, arg);
	return 0;
}

static void check_both(const chp_watch_rx *r)
{
	chp_watch_ref ref;
	const struct both *b;

	CHECK_CODE(chp_watch_borrow(r, &ref), 0);
	b = ref.value;
	CHECK_EQ(b->n, b->same);
	chp_watch_ref_release(&ref);
}

static void *modify_many_times(void *arg)
{
	struct member *m = arg;

	for (long i = h_rounds(1000); i; i--) {
		int yields = h_below(&m->rng, 20) == 0;

		if (h_below(&m->rng, 2))
			CHECK_CODE(
				chp_watch_send_modify(&m->tx, add_one, &yields),
				0);
		else
			CHECK_EQ(chp_watch_send_if_modified(
					 &m->tx, add_one_in_silence, &yields),
				 0);
		m->count++;
		check_both(&m->rx);
	}
	finish(m);
	return NULL;
}

static void no_modification_is_lost(void)
{
	struct member m[AGENTS];
	struct both b = { 0, 0 };
	long count = 0;

	memset(m, 0, sizeof(m));
	CHECK_CODE(chp_watch(sizeof(b), NULL, &b, &tx, &rx), 0);
	for (int i = 0; i < AGENTS; i++) {
		m[i].id = i;
		start(&m[i], modify_many_times);
	}
	for (int i = 0; i < AGENTS; i++) {
		h_join(&m[i].a);
		count += m[i].count;
	}
	CHECK_CODE(chp_watch_get(&rx, &b), 0);
	CHECK_EQ(b.n, count);
	CHECK_EQ(b.same, count);
	drop_both();
}

static void *replace_many_times(void *arg)
{
	struct member *m = arg;
	struct both zero = { 0, 0 };
	chp_watch_ref old;

	while (!h_load(&stop)) {
		CHECK_CODE(chp_watch_send_replace(&m->tx, &zero, &old), 0);
		m->sum += ((const struct both *)old.value)->n;
		chp_watch_ref_release(&old);
		h_yield();
	}
	finish(m);
	return NULL;
}

/* What was counted was either taken out or is there. */
static void replacing_takes_what_was_modified(void)
{
	struct member m[AGENTS], taker = { .id = 99 };
	struct both b = { 0, 0 };
	long count = 0;

	h_store(&stop, 0);
	memset(m, 0, sizeof(m));
	CHECK_CODE(chp_watch(sizeof(b), NULL, &b, &tx, &rx), 0);
	start(&taker, replace_many_times);
	for (int i = 0; i < AGENTS; i++) {
		m[i].id = i;
		start(&m[i], modify_many_times);
	}
	for (int i = 0; i < AGENTS; i++) {
		h_join(&m[i].a);
		count += m[i].count;
	}
	h_store(&stop, 1);
	h_join(&taker.a);
	CHECK_CODE(chp_watch_get(&rx, &b), 0);
	CHECK_EQ(b.n + taker.sum, count);
	drop_both();
}

static chp_watch_tx *racing;

static void add_1000(void)
{
	CHECK_CODE(chp_watch_send_modify(racing, add_to, &(int){ 1000 }), 0);
}

static void send_5(void)
{
	CHECK_CODE(send_int(racing, 5), 0);
}

static void make_ints(void)
{
	h_store(&drops, 0);
	CHECK_CODE(chp_watch(sizeof(int), &cloned, &(int){ 0 }, &tx, &rx), 0);
	racing = &tx;
}

/* Either order; but the send is in it. */
static void the_sent_value_counts(void)
{
	int v = value_of(&rx);

	CHECK(v == 5 || v == 1005);
	drop_both();
	CHECK_EQ(h_load(&drops), 3);
}

static void a_send_racing_a_modification_is_not_lost(void)
{
	struct duo d = {
		.before = make_ints,
		.left = add_1000,
		.right = send_5,
		.after = the_sent_value_counts,
		.rounds = h_rounds(6000),
	};

	h_seed();
	run_duo(&d);
}

/* ---- Everything at once ---- */

static void *do_anything(void *arg)
{
	struct member *m = arg;
	chp_watch_ref ref[3] = { { 0 }, { 0 }, { 0 } };
	chp_watch_tx t;
	chp_watch_rx x;

	for (long i = h_rounds(3000); i; i--) {
		chp_watch_ref *mine = &ref[h_below(&m->rng, 3)];
		chp_wait soon = { .deadline = chp_in(h_below(&m->rng, 20) *
						     CHP_US) };
		int v = 0;

		chp_watch_ref_release(mine);
		switch (h_below(&m->rng, 11)) {
		case 0:
			CHECK_CODE(send_int(&m->tx, m->id), 0);
			m->count++;
			break;
		case 1:
			CHECK_CODE(chp_watch_send_replace(&m->tx, &m->id, mine),
				   0);
			m->count++;
			break;
		case 2:
			CHECK_CODE(chp_watch_send_modify(&m->tx, add_to, &v),
				   0);
			m->count++;
			break;
		case 3:
			CHECK_CODE(chp_watch_borrow(&m->rx, mine), 0);
			break;
		case 4:
			CHECK_CODE(chp_watch_tx_borrow(&m->tx, mine), 0);
			break;
		case 5:
			v = watch_changed(&m->rx, &soon);
			CHECK(v == 0 || v == CHP_ETIMEDOUT);
			break;
		case 6:
			v = (int)h_below(&m->rng, AGENTS);
			v = watch_wait_for(&m->rx, at_least, &v, mine, &soon);
			CHECK(v == 0 || v == CHP_ETIMEDOUT);
			break;
		case 7:
			CHECK_CODE(watch_closed(&m->tx, &soon), CHP_ETIMEDOUT);
			break;
		case 8:
			chp_watch_tx_clone(&m->tx, &t);
			chp_watch_tx_drop(&m->tx);
			m->tx = t;
			break;
		case 9:
			if (h_below(&m->rng, 2))
				chp_watch_subscribe(&m->tx, &x);
			else
				chp_watch_rx_clone(&m->rx, &x);
			chp_watch_rx_drop(&m->rx);
			m->rx = x;
			break;
		default:
			CHECK(chp_watch_receiver_count(&m->tx) >= 1);
			CHECK(chp_watch_sender_count(&m->tx) >= 1);
			break;
		}
	}
	for (int i = 0; i < 3; i++)
		chp_watch_ref_release(&ref[i]);
	finish(m);
	return NULL;
}

static void every_value_is_destroyed_once(void)
{
	struct member m[AGENTS];
	long count = 1;

	memset(m, 0, sizeof(m));
	make_ints();
	for (int i = 0; i < AGENTS; i++) {
		m[i].id = i;
		start(&m[i], do_anything);
	}
	drop_both();
	for (int i = 0; i < AGENTS; i++) {
		h_join(&m[i].a);
		count += m[i].count;
	}
	CHECK_EQ(h_load(&drops), count);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(values_are_whole_and_match_their_version, IN_ALL),
	TEST(no_modification_is_lost, IN_ALL),
	TEST(replacing_takes_what_was_modified, IN_ALL),
	TEST(a_send_racing_a_modification_is_not_lost, IN_PARALLEL),
	TEST(every_value_is_destroyed_once, IN_ALL),
};
/* clang-format on */
H_MAIN("watch_storm", tests)
