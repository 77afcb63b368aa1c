/*
 * test_mpmc_wakers.c - wakers that do things: op.h lets them poll, cancel and
 * destroy from inside the call that wakes them, and the channel must bear it.
 * And many waiters: more than any batch of wakes holds.
 */
#include "mpmc.h"

enum { MANY = 150 };

static chp_mpmc_tx tx;
static chp_mpmc_rx rx;

static void make(size_t capacity)
{
	h_store(&drops, 0);
	CHECK_CODE(mpmc_make(capacity, sizeof(int), count_drop, &tx, &rx), 0);
}

static void drop_both(void)
{
	chp_mpmc_tx_drop(&tx);
	chp_mpmc_rx_drop(&rx);
}

/* ---- An operation on the heap that deals with itself when woken ---- */

struct actor {
	chp_mpmc_op op;
	chp_mpmc_tx tx;
	chp_mpmc_rx rx;
	int value;
	int refs;
	void (*act)(struct actor *self);
};

static int woken, finished, refused, gave_back, sum;

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

static void forget_all(void)
{
	woken = finished = refused = gave_back = sum = 0;
}

static void start_actor(void (*act)(struct actor *), bool is_send, int value)
{
	struct actor *a = calloc(1, sizeof(*a));
	chp_poll_ctx ctx = chp_poll_ctx_of((chp_waker){ &actor_class, a });

	a->refs = 1;
	a->value = value;
	a->act = act;
	if (is_send) {
		chp_mpmc_tx_clone(&tx, &a->tx);
		chp_mpmc_send_op(&a->op, &a->tx, &a->value);
	} else {
		chp_mpmc_rx_clone(&rx, &a->rx);
		chp_mpmc_recv_op(&a->op, &a->rx, &a->value);
	}
	CHECK_CODE(chp_op_poll(&a->op.op, &ctx), CHP_PENDING);
}

static void start_many(void (*act)(struct actor *), bool is_send)
{
	forget_all();
	for (int i = 0; i < MANY; i++)
		start_actor(act, is_send, i);
}

/* Spoil the operation, let its handles go. */
static void leave(struct actor *a)
{
	memset(&a->op, 0xdd, sizeof(a->op));
	chp_mpmc_tx_drop(&a->tx);
	chp_mpmc_rx_drop(&a->rx);
	actor_unref(a);
}

static void finish(struct actor *a)
{
	int r = chp_op_poll(&a->op.op, NULL);

	CHECK(r == 0 || r == CHP_ECLOSED);
	finished += r == 0;
	refused += r == CHP_ECLOSED;
	if (r == 0)
		sum += a->value;
	leave(a);
}

static void give_up(struct actor *a)
{
	gave_back += chp_op_cancel(&a->op.op) == CHP_GAVE_BACK;
	leave(a);
}

/* With none of the library's locks held, all this is allowed. */
static void look_around_and_finish(struct actor *a)
{
	chp_mpmc_capacity(&tx);
	chp_mpmc_len(&rx);
	chp_mpmc_strong_count(&tx);
	finish(a);
}

static void waiters_may_finish_in_their_wakers_on_close(void)
{
	for (int senders = 0; senders < 2; senders++) {
		for (int how = 0; how < 2; how++) {
			make(1);
			if (senders)
				CHECK_CODE(chp_mpmc_try_send(&tx, &(int){ 1 }),
					   0);
			start_many(how ? finish : look_around_and_finish,
				   senders);
			if (how)
				chp_mpmc_close(&rx);
			else
				chp_mpmc_tx_close(&tx);
			CHECK_EQ(woken, MANY);
			CHECK_EQ(refused, MANY);
			CHECK_EQ(chp_mpmc_strong_count(&tx), 1);
			CHECK_EQ(chp_mpmc_receiver_count(&tx), 1);
			drop_both();
			CHECK_EQ(h_load(&drops), senders);
		}
	}
}

static void waiters_may_give_up_in_their_wakers_on_close(void)
{
	for (int senders = 0; senders < 2; senders++) {
		make(senders ? 0 : UNBOUNDED);
		start_many(give_up, senders);
		chp_mpmc_close(&rx);
		CHECK_EQ(woken, MANY);
		CHECK_EQ(gave_back, 0);
		drop_both();
	}
}

/* Each takes its message inside the send that promised it. */
static void a_receiver_may_finish_inside_the_send(void)
{
	for (int k = 0; k < 3; k++) {
		make(k == 0 ? 0 : k == 1 ? 1 : UNBOUNDED);
		start_many(finish, false);
		for (int i = 1; i <= MANY; i++)
			CHECK_CODE(chp_mpmc_try_send(&tx, &i), 0);
		CHECK_EQ(finished, MANY);
		CHECK_EQ(sum, MANY * (MANY + 1) / 2);
		CHECK_EQ(chp_mpmc_receiver_count(&tx), 1);
		drop_both();
	}
}

/* Each fills its place inside the receive that gave it. */
static void a_sender_may_finish_inside_the_receive(void)
{
	int v;

	make(1);
	CHECK_CODE(chp_mpmc_try_send(&tx, &(int){ -1 }), 0);
	start_many(finish, true);
	for (int i = -1; i < MANY; i++) {
		CHECK_CODE(chp_mpmc_try_recv(&rx, &v), 0);
		CHECK_EQ(v, i);
	}
	CHECK_EQ(finished, MANY);
	drop_both();
	CHECK_EQ(h_load(&drops), 0);
}

/* The promise goes through the whole queue, each from inside the wake of the
   one before. */
static void a_promise_given_up_in_a_waker_goes_through_the_whole_queue(void)
{
	for (int k = 0; k < 3; k++) {
		bool senders = k == 2;
		int v = 7;

		make(k == 0 ? 0 : 1);
		if (senders)
			CHECK_CODE(chp_mpmc_try_send(&tx, &v), 0);
		start_many(give_up, senders);
		if (senders)
			CHECK_CODE(chp_mpmc_try_recv(&rx, &v), 0);
		else
			CHECK_CODE(chp_mpmc_try_send(&tx, &v), 0);
		CHECK_EQ(woken, MANY);
		CHECK_EQ(gave_back, MANY);
		CHECK_EQ(chp_mpmc_len(&rx), !senders);
		if (!senders)
			CHECK_CODE(chp_mpmc_try_recv(&rx, &v), 0);
		CHECK_EQ(v, 7);
		drop_both();
		CHECK_EQ(h_load(&drops), 0);
	}
}

/* A woken sender of a rendezvous hands over inside the poll of the other. */
static void two_may_meet_inside_a_waker(void)
{
	struct h_waker w = { 0 };
	chp_mpmc_op recv;
	int got = -1;

	make(0);
	forget_all();
	start_actor(finish, true, 5);
	chp_mpmc_recv_op(&recv, &rx, &got);
	CHECK_CODE(h_poll(&recv.op, &w), CHP_PENDING);
	CHECK_EQ(finished, 1);
	CHECK_EQ(h_wakes(&w), 1);
	CHECK_CODE(h_poll(&recv.op, &w), 0);
	CHECK_EQ(got, 5);
	CHECK_EQ(h_refs(&w), 0);

	/* Or goes away there: then there is nothing. */
	start_actor(give_up, true, 6);
	chp_mpmc_recv_op(&recv, &rx, &got);
	CHECK_CODE(h_poll(&recv.op, &w), CHP_PENDING);
	CHECK_EQ(chp_mpmc_strong_count(&tx), 1);
	CHECK_EQ(chp_op_cancel(&recv.op), CHP_HELD_NOTHING);
	drop_both();
	CHECK_EQ(h_load(&drops), 0);
}

static void drop_the_last_receiver(struct actor *a)
{
	finish(a);
	chp_mpmc_rx_drop(&rx);
}

static void a_waker_may_drop_the_other_end(void)
{
	make(4);
	forget_all();
	start_actor(drop_the_last_receiver, false, 0);
	CHECK_CODE(chp_mpmc_try_send(&tx, &(int){ 3 }), 0);
	CHECK_EQ(sum, 3);
	CHECK_CODE(chp_mpmc_try_send(&tx, &(int){ 3 }), CHP_ECLOSED);
	drop_both();
	CHECK_EQ(h_load(&drops), 0);
}

/* ---- Crowds of pollers on both sides, while the channel closes ---- */

enum { CROWDS = 4, EACH = 40 };

struct crowd {
	struct h_agent a;
	chp_mpmc_tx tx;
	chp_mpmc_rx rx;
	chp_mpmc_op op[EACH];
	struct h_waker w[EACH];
	int got[EACH];
	bool is_send;
	long done;
};

static chp_word polled; /* crowds that have polled all of theirs */

static void *be_a_crowd(void *arg)
{
	static const int one = 1;
	struct crowd *c = arg;
	int r[EACH];

	for (int i = 0; i < EACH; i++) {
		if (c->is_send)
			chp_mpmc_send_op(&c->op[i], &c->tx, &one);
		else
			chp_mpmc_recv_op(&c->op[i], &c->rx, &c->got[i]);
		r[i] = h_poll(&c->op[i].op, &c->w[i]);
	}
	h_add(&polled, 1);
	for (int i = 0; i < EACH; i++) {
		while (r[i] == CHP_PENDING) {
			unsigned seen = h_wakes(&c->w[i]);

			r[i] = h_poll(&c->op[i].op, &c->w[i]);
			if (r[i] == CHP_PENDING)
				h_until(h_wakes(&c->w[i]) > seen);
		}
		CHECK(r[i] == 0 || r[i] == CHP_ECLOSED);
		c->done += r[i] == 0;
		/* A wake on its way may come a moment later. */
		h_until(h_refs(&c->w[i]) == 0);
	}
	chp_mpmc_tx_drop(&c->tx);
	chp_mpmc_rx_drop(&c->rx);
	return NULL;
}

static void crowds_of_pollers_all_come_to_an_end(void)
{
	static const size_t caps[] = { 0, 1, 3, 50 };
	struct h_rng r = h_rng(h_seed(), 5);
	static struct crowd c[CROWDS];

	for (long round = h_rounds(100); round; round--) {
		long sent = 0, received = 0;

		make(caps[h_below(&r, 4)]);
		h_store(&polled, 0);
		memset(c, 0, sizeof(c));
		for (int i = 0; i < CROWDS; i++) {
			c[i].is_send = i % 2;
			if (c[i].is_send)
				chp_mpmc_tx_clone(&tx, &c[i].tx);
			else
				chp_mpmc_rx_clone(&rx, &c[i].rx);
		}
		for (int i = 0; i < CROWDS; i++)
			h_spawn(&c[i].a, be_a_crowd, &c[i]);
		if (round % 2)
			h_until(h_load(&polled) == CROWDS);
		chp_mpmc_close(&rx);
		for (int i = 0; i < CROWDS; i++) {
			h_join(&c[i].a);
			*(c[i].is_send ? &sent : &received) += c[i].done;
		}
		while (chp_mpmc_try_recv(&rx, NULL) == 0)
			;
		drop_both();
		CHECK_EQ(sent, received + (long)h_load(&drops));
	}
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(waiters_may_finish_in_their_wakers_on_close, IN_THREADS | IN_MT),
	TEST(waiters_may_give_up_in_their_wakers_on_close, IN_THREADS | IN_MT),
	TEST(a_receiver_may_finish_inside_the_send, IN_THREADS | IN_MT),
	TEST(a_sender_may_finish_inside_the_receive, IN_THREADS | IN_MT),
	TEST(a_promise_given_up_in_a_waker_goes_through_the_whole_queue,
	     IN_THREADS),
	TEST(two_may_meet_inside_a_waker, IN_THREADS | IN_MT),
	TEST(a_waker_may_drop_the_other_end, IN_THREADS | IN_MT),
	TEST(crowds_of_pollers_all_come_to_an_end, IN_ALL),
};
/* clang-format on */
H_MAIN("mpmc_wakers", tests)
