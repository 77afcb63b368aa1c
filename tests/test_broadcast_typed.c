/*
 * test_broadcast_typed.c - the typed wrappers as their users write them.  That
 * a wrong type does not compile is shown by must_not_compile/.
 */
#include "broadcast.h"

struct item {
	int id;
	char *text; /* on the heap */
};

static chp_word live;

static struct item item(int id)
{
	struct item i = { id, malloc(16) };

	h_add(&live, 1);
	snprintf(i.text, 16, "item %d", id);
	return i;
}

static void item_drop(struct item *i)
{
	h_add(&live, -1u);
	free(i->text);
}

static int item_clone(struct item *to, const struct item *from)
{
	if (from->id < 0)
		return CHP_ENOMEM;
	*to = item(from->id);
	return 0;
}

typedef const char *word;

CHP_BROADCAST_DEFINE(ints, int);
CHP_BROADCAST_DEFINE(words, word);
CHP_BROADCAST_DEFINE_CLONE(news, struct item, item_clone, item_drop);

static int receive(news_rx *rx, struct item *out, uint64_t *lagged)
{
	chp_broadcast_op op;

	if (h_mode() != H_POLLED)
		return news_recv(rx, out, lagged);
	news_recv_op(&op, rx, out, lagged);
	return h_wait(&op.op, NULL);
}

struct reader {
	struct h_agent a;
	news_rx rx;
	int next;
};

static void *read_all(void *arg)
{
	struct reader *r = arg;
	struct item i;

	while (receive(&r->rx, &i, NULL) == 0) {
		char text[16];

		snprintf(text, sizeof(text), "item %d", r->next);
		CHECK_EQ(i.id, r->next++);
		CHECK(strcmp(i.text, text) == 0);
		item_drop(&i);
	}
	news_rx_drop(&r->rx);
	return NULL;
}

static void items_go_from_one_to_many(void)
{
	struct reader r[3];
	news_tx tx;

	h_store(&live, 0);
	CHECK_CODE(news_tx_new(64, &tx), 0);
	for (int i = 0; i < 3; i++) {
		r[i].next = 0;
		CHECK_CODE(news_subscribe(&tx, &r[i].rx), 0);
		h_spawn(&r[i].a, read_all, &r[i]);
	}
	for (int v = 0; v < 50; v++)
		CHECK_EQ(news_send(&tx, item(v)), 3);
	news_tx_drop(&tx);
	for (int i = 0; i < 3; i++) {
		h_join(&r[i].a);
		CHECK_EQ(r[i].next, 50);
	}
	CHECK_EQ(h_load(&live), 0);
}

static void what_nobody_reads_is_dropped(void)
{
	struct item left, got;
	uint64_t lagged = 0;
	news_tx tx;
	news_rx rx;

	h_store(&live, 0);
	CHECK_CODE(news(2, &tx, &rx), 0);
	for (int v = 0; v < 5; v++)
		CHECK_EQ(news_send(&tx, item(v)), 1);
	CHECK_EQ(h_load(&live), 2);
	CHECK_CODE(news_try_recv(&rx, &got, &lagged), CHP_ELAGGED);
	CHECK_EQ(lagged, 3);
	CHECK_CODE(news_try_recv(&rx, &got, &lagged), 0);
	CHECK_EQ(got.id, 3);
	item_drop(&got);
	CHECK_EQ(news_send(&tx, item(-1)), 1);
	CHECK_CODE(news_try_recv(&rx, NULL, NULL), 0);
	CHECK_CODE(news_try_recv(&rx, &got, NULL), CHP_ENOMEM);
	CHECK_EQ(h_load(&live), 0);
	CHECK_EQ(news_send(&tx, item(6)), 1);
	news_rx_drop(&rx);
	CHECK_EQ(h_load(&live), 0);
	left = item(7);
	CHECK_CODE(news_send(&tx, left), CHP_ECLOSED);
	item_drop(&left);
	news_tx_drop(&tx);
}

static void handles_have_types(void)
{
	chp_wait past = { .deadline = chp_in(-1) };
	ints_tx tx, again, other;
	ints_weak weak;
	ints_rx rx, rx2, rx3;
	int v = 0, many[4];

	CHECK_CODE(ints(4, &tx, &rx), 0);
	CHECK_EQ(ints_send(&tx, 7), 1);
	CHECK_CODE(ints_recv_with(&rx, &v, NULL, &past), 0);
	CHECK_EQ(v, 7);
	CHECK_CODE(ints_recv_with(&rx, &v, NULL, &past), CHP_ETIMEDOUT);
	CHECK_EQ(ints_send(&tx, 8), 1);
	CHECK_CODE(ints_subscribe_from_oldest(&tx, &rx2), 0);
	CHECK_CODE(ints_resubscribe(&rx, &rx3), 0);
	CHECK_EQ(ints_send(&tx, 9), 3);
	CHECK_EQ(ints_recv_many(&rx2, many, 4, NULL), 2);
	CHECK_EQ(many[1], 9);
	CHECK_CODE(ints_try_recv(&rx3, &v, NULL), 0);
	CHECK_EQ(v, 9);
	ints_rx_drop(&rx2);
	ints_rx_drop(&rx3);
	ints_downgrade(&tx, &weak);
	ints_tx_clone(&tx, &other);
	ints_tx_drop(&tx);
	CHECK_CODE(ints_upgrade(&weak, &again), 0);
	ints_tx_drop(&other);
	CHECK_EQ(chp_broadcast_len(&rx.raw), 2);
	ints_rx_drop(&rx);
	CHECK_CODE(ints_closed(&again), 0);
	ints_tx_drop(&again);
	CHECK_CODE(ints_upgrade(&weak, &again), CHP_ECLOSED);
	ints_weak_drop(&weak);
}

static void operations_have_types(void)
{
	struct h_waker w = { 0 };
	chp_broadcast_op op;
	words_tx tx;
	words_rx rx;
	word got[2] = { NULL, NULL };

	CHECK_CODE(words(4, &tx, &rx), 0);
	CHECK_EQ(words_send(&tx, "one"), 1);
	CHECK_EQ(words_send(&tx, "two"), 1);
	words_recv_many_op(&op, &rx, got, 2, NULL);
	CHECK_CODE(h_poll(&op.op, &w), 2);
	CHECK(strcmp(got[1], "two") == 0);
	words_closed_op(&op, &tx);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	words_rx_drop(&rx);
	CHECK_CODE(h_poll(&op.op, &w), 0);
	words_tx_drop(&tx);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(items_go_from_one_to_many, IN_ALL),
	TEST(what_nobody_reads_is_dropped, IN_ALL),
	TEST(handles_have_types, IN_BLOCKING),
	TEST(operations_have_types, IN_ALL),
};
/* clang-format on */
H_MAIN("broadcast_typed", tests)
