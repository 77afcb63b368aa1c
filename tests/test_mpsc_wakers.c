/*
 * test_mpsc_wakers.c - wakers that do things: op.h lets them poll, cancel and
 * destroy from inside the call that wakes them, and the channel must bear it.
 * And many waiters: more than any batch of wakes holds, when places come and
 * when the channel closes.
 */
#include "mpsc.h"

enum { MANY = 150 };

/* ---- A sender that lives on the heap and deals with itself when woken ---- */

struct actor {
	chp_send_op op;
	chp_mpsc_tx tx;
	int value;
	int refs;
	void (*act)(struct actor *self);
};

static int woken, sent, refused, others; /* what the actors found */

static void actor_unref(struct actor *a)
{
	if (__atomic_sub_fetch(&a->refs, 1, __ATOMIC_ACQ_REL) == 0)
		free(a);
}

static void actor_wake(void *data)
{
	struct actor *a = data;

	woken++;
	a->act(a);
	actor_unref(a);
}

static void actor_retain(void *data)
{
	__atomic_add_fetch(&((struct actor *)data)->refs, 1, __ATOMIC_RELAXED);
}

static void actor_release(void *data)
{
	actor_unref(data);
}

static const chp_waker_class actor_class = { actor_wake, actor_retain,
					     actor_release };

static struct actor *start_actor(void (*act)(struct actor *))
{
	struct actor *a = calloc(1, sizeof(*a));
	chp_poll_ctx ctx = chp_poll_ctx_of((chp_waker){ &actor_class, a });

	a->refs = 1;
	a->value = 7;
	a->act = act;
	chp_mpsc_tx_clone(&tx, &a->tx);
	chp_mpsc_send_op(&a->op, &a->tx, &a->value);
	CHECK_CODE(chp_op_poll(&a->op.op, &ctx), CHP_PENDING);
	return a;
}

/* Poll to the end, spoil the operation, leave. */
static void finish(struct actor *a)
{
	int r = chp_op_poll(&a->op.op, NULL);

	sent += r == 0;
	refused += r == CHP_ECLOSED;
	others += r != 0 && r != CHP_ECLOSED;
	memset(&a->op, 0xdd, sizeof(a->op));
	chp_mpsc_tx_drop(&a->tx);
	actor_unref(a);
}

static void give_up(struct actor *a)
{
	CHECK(chp_op_cancel(&a->op.op) != CHP_TOO_LATE);
	memset(&a->op, 0xdd, sizeof(a->op));
	chp_mpsc_tx_drop(&a->tx);
	actor_unref(a);
}

static void look_around_and_finish(struct actor *a)
{
	/* With none of the library's locks held, all this is allowed. */
	chp_mpsc_capacity(&a->tx);
	chp_mpsc_strong_count(&a->tx);
	CHECK(chp_mpsc_try_send(&a->tx, &a->value) != 0);
	finish(a);
}

static void start_many(void (*act)(struct actor *))
{
	woken = sent = refused = others = 0;
	for (int i = 0; i < MANY; i++)
		start_actor(act);
}

static void waiting_senders_may_finish_in_their_wakers_on_close(void)
{
	for (int dropped = 0; dropped < 2; dropped++) {
		make(1);
		CHECK_CODE(chp_mpsc_try_send(&tx, &(int){ 1 }), 0);
		start_many(dropped ? finish : look_around_and_finish);
		if (dropped)
			chp_mpsc_rx_drop(&rx);
		else
			chp_mpsc_close(&rx);
		CHECK_EQ(woken, MANY);
		CHECK_EQ(refused, MANY);
		CHECK_EQ(sent + others, 0);
		CHECK_EQ(chp_mpsc_strong_count(&tx), 1);
		drop_both();
		CHECK_EQ(h_load(&drops), 1);
	}
}

static void waiting_senders_may_give_up_in_their_wakers_on_close(void)
{
	make(1);
	CHECK_CODE(chp_mpsc_try_send(&tx, &(int){ 1 }), 0);
	start_many(give_up);
	chp_mpsc_close(&rx);
	CHECK_EQ(woken, MANY);
	CHECK_CODE(chp_mpsc_try_recv(&rx, NULL), 0);
	CHECK_CODE(chp_mpsc_try_recv(&rx, NULL), CHP_ECLOSED);
	drop_both();
}

static void many_places_at_once_serve_many_senders(void)
{
	chp_mpsc_permit p;

	make(MANY);
	CHECK_CODE(chp_mpsc_try_reserve_many(&tx, MANY, &p), 0);
	start_many(look_around_and_finish);
	chp_mpsc_permit_drop(&p);
	CHECK_EQ(woken, MANY);
	CHECK_EQ(sent, MANY);
	CHECK_EQ(chp_mpsc_len(&rx), MANY);
	drop_both();
	CHECK_EQ(h_load(&drops), MANY);
}

/* Each passes its place on to the next, from inside its own wake. */
static void a_place_given_up_in_a_waker_goes_through_the_whole_queue(void)
{
	make(1);
	CHECK_CODE(chp_mpsc_try_send(&tx, &(int){ 1 }), 0);
	start_many(give_up);
	CHECK_CODE(chp_mpsc_try_recv(&rx, NULL), 0);
	CHECK_EQ(woken, MANY);
	CHECK_EQ(chp_mpsc_capacity(&tx), 1);
	CHECK_EQ(chp_mpsc_strong_count(&tx), 1);
	drop_both();
}

/* ---- A receiver that ends inside the send that wakes it ---- */

static chp_recv_op *recv_op;
static int got, recv_result, recv_refs;
static bool also_drop;

static void recv_wake(void *data)
{
	recv_result = chp_op_poll(&recv_op->op, NULL);
	memset(recv_op, 0xdd, sizeof(*recv_op));
	free(recv_op);
	if (also_drop)
		chp_mpsc_rx_drop(&rx);
	(void)data;
	recv_refs--;
}

static void recv_retain(void *data)
{
	(void)data;
	recv_refs++;
}

static void recv_release(void *data)
{
	(void)data;
	recv_refs--;
}

static const chp_waker_class recv_class = { recv_wake, recv_retain,
					    recv_release };

static void start_receiver(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of((chp_waker){ &recv_class, NULL });

	got = -1;
	recv_result = 1000;
	recv_refs = 0;
	recv_op = malloc(sizeof(*recv_op));
	chp_mpsc_recv_op(recv_op, &rx, &got);
	CHECK_CODE(chp_op_poll(&recv_op->op, &ctx), CHP_PENDING);
	CHECK_EQ(recv_refs, 1);
}

static void a_receiver_may_end_in_its_waker(void)
{
	for (int how = 0; how < 4; how++) {
		bool by_drop = how & 1;

		also_drop = how & 2;
		make(1);
		start_receiver();
		if (by_drop)
			chp_mpsc_tx_drop(&tx);
		else
			CHECK_CODE(chp_mpsc_try_send(&tx, &(int){ 5 }), 0);
		CHECK_CODE(recv_result, by_drop ? CHP_ECLOSED : 0);
		CHECK_EQ(got, by_drop ? -1 : 5);
		CHECK_EQ(recv_refs, 0);
		if (also_drop && !by_drop)
			CHECK_EQ(chp_mpsc_is_closed(&tx), 1);
		drop_both();
		CHECK_EQ(h_load(&drops), 0);
	}
}

/* ---- Many waiters of many agents, while the channel closes ---- */

struct crowd {
	struct h_agent a;
	chp_mpsc_tx tx;
	chp_send_op op[MANY / 5];
	struct h_waker w[MANY / 5];
	long sent;
};

static chp_word polled; /* crowds that have polled all of theirs */

static void *be_a_crowd(void *arg)
{
	static const int one = 1;
	struct crowd *c = arg;
	int r[MANY / 5];

	for (int i = 0; i < MANY / 5; i++) {
		chp_mpsc_send_op(&c->op[i], &c->tx, &one);
		r[i] = h_poll(&c->op[i].op, &c->w[i]);
	}
	h_add(&polled, 1);
	for (int i = 0; i < MANY / 5; i++) {
		if (r[i] == CHP_PENDING) {
			h_until(h_wakes(&c->w[i]) > 0);
			r[i] = h_poll(&c->op[i].op, &c->w[i]);
		}
		CHECK(r[i] == 0 || r[i] == CHP_ECLOSED);
		c->sent += r[i] == 0;
		CHECK(h_wakes(&c->w[i]) <= 1);
		/* A wake on its way may come a moment later. */
		h_until(h_refs(&c->w[i]) == 0);
	}
	chp_mpsc_tx_drop(&c->tx);
	return NULL;
}

static void a_crowd_of_senders_all_hear_of_a_close(void)
{
	enum { CROWDS = 5 };
	struct h_rng r = h_rng(h_seed(), 5);
	static struct crowd c[CROWDS];

	for (long round = h_rounds(100); round; round--) {
		long sent_in_all = 0, got_in_all = 0;

		make(1 + h_below(&r, 3));
		h_store(&polled, 0);
		memset(c, 0, sizeof(c));
		for (int i = 0; i < CROWDS; i++)
			chp_mpsc_tx_clone(&tx, &c[i].tx);
		chp_mpsc_tx_drop(&tx);
		for (int i = 0; i < CROWDS; i++)
			h_spawn(&c[i].a, be_a_crowd, &c[i]);
		if (round % 2)
			h_until(h_load(&polled) == CROWDS);
		for (uint32_t n = h_below(&r, MANY / 2); n; n--)
			got_in_all += chp_mpsc_try_recv(&rx, NULL) == 0;
		chp_mpsc_close(&rx);
		while (mpsc_recv(&rx, NULL, NULL) == 0)
			got_in_all++;
		for (int i = 0; i < CROWDS; i++) {
			h_join(&c[i].a);
			sent_in_all += c[i].sent;
		}
		CHECK_EQ(sent_in_all, got_in_all);
		drop_both();
		CHECK_EQ(h_load(&drops), got_in_all);
	}
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(waiting_senders_may_finish_in_their_wakers_on_close,
	     IN_THREADS | IN_MT),
	TEST(waiting_senders_may_give_up_in_their_wakers_on_close,
	     IN_THREADS | IN_MT),
	TEST(many_places_at_once_serve_many_senders, IN_THREADS | IN_MT),
	TEST(a_receiver_may_end_in_its_waker, IN_THREADS | IN_MT),
	TEST(a_crowd_of_senders_all_hear_of_a_close, IN_ALL),
	TEST(a_place_given_up_in_a_waker_goes_through_the_whole_queue,
	     IN_THREADS),
};
/* clang-format on */
H_MAIN("mpsc_wakers", tests)
