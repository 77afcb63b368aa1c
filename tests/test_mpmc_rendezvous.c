/*
 * test_mpmc_rendezvous.c - a channel without a buffer: a send is done when a
 * receiver has its value.  Both sides block here; where one is polled by hand,
 * see test_mpmc_meet.c.
 */
#include "mpmc.h"

static chp_mpmc_tx tx;
static chp_mpmc_rx rx;

static void make(void)
{
	h_store(&drops, 0);
	CHECK_CODE(chp_mpmc_bounded(0, sizeof(int), count_drop, &tx, &rx), 0);
}

static void drop_both(void)
{
	chp_mpmc_tx_drop(&tx);
	chp_mpmc_rx_drop(&rx);
}

/* Let whoever can run, run until it waits: only on one thread is that so. */
static void let_others_run(void)
{
	for (int i = 0; i < 20; i++)
		h_yield();
}

static void it_holds_nothing(void)
{
	make();
	CHECK_EQ(chp_mpmc_capacity(&tx), 0);
	CHECK_EQ(chp_mpmc_max_capacity(&tx), 0);
	CHECK_EQ(chp_mpmc_rx_max_capacity(&rx), 0);
	CHECK_CODE(chp_mpmc_try_send(&tx, &(int){ 1 }), CHP_EAGAIN);
	CHECK_CODE(chp_mpmc_try_recv(&rx, NULL), CHP_EAGAIN);
	CHECK_EQ(chp_mpmc_len(&rx), 0);
	chp_mpmc_close(&rx);
	CHECK_CODE(chp_mpmc_try_send(&tx, &(int){ 1 }), CHP_ECLOSED);
	CHECK_CODE(mpmc_recv(&rx, NULL, NULL), CHP_ECLOSED);
	drop_both();
	CHECK_EQ(h_load(&drops), 0);
}

/* ---- Agents on both sides ---- */

static chp_word taken; /* how many values have been received */

static void *send_hundred(void *arg)
{
	for (int i = 0; i < 100; i++) {
		CHECK_CODE(mpmc_send(&tx, &i, NULL), 0);
		if (h_mode() != H_POLLED)
			/* Done means that the receiver has it. */
			CHECK(h_load(&taken) + 1 >= (uint32_t)i + 1);
	}
	return arg;
}

static void values_go_from_hand_to_hand(void)
{
	struct h_agent a;

	make();
	h_store(&taken, 0);
	h_spawn(&a, send_hundred, NULL);
	for (int i = 0; i < 100; i++) {
		int v = -1;

		CHECK_CODE(mpmc_recv(&rx, &v, NULL), 0);
		CHECK_EQ(v, i);
		CHECK(chp_mpmc_len(&rx) <= 1);
		h_add(&taken, 1);
	}
	h_join(&a);
	drop_both();
	CHECK_EQ(h_load(&drops), 0);
}

struct waiter {
	struct h_agent a;
	int value, result;
	chp_wait w;
};

static void *be_sender(void *arg)
{
	struct waiter *w = arg;

	w->result = mpmc_send(&tx, &w->value, &w->w);
	return NULL;
}

static void *be_receiver(void *arg)
{
	struct waiter *w = arg;

	w->result = mpmc_recv(&rx, &w->value, &w->w);
	return NULL;
}

static void a_try_succeeds_where_somebody_blocks(void)
{
	struct waiter w = { .value = 4 };
	int v = -1;

	make();
	h_spawn(&w.a, be_sender, &w);
	h_until(chp_mpmc_try_recv(&rx, &v) == 0);
	CHECK_EQ(v, 4);
	h_join(&w.a);
	CHECK_CODE(w.result, 0);

	v = 5;
	h_spawn(&w.a, be_receiver, &w);
	h_until(chp_mpmc_try_send(&tx, &v) == 0);
	h_join(&w.a);
	CHECK_CODE(w.result, 0);
	CHECK_EQ(w.value, 5);
	drop_both();
	CHECK_EQ(h_load(&drops), 0);
}

static void a_send_that_ends_early_keeps_its_value(void)
{
	chp_wait past = { .deadline = chp_in(-1) };
	chp_wait soon = { .deadline = chp_in(CHP_MS) };
	struct waiter w = { .value = 4 };
	chp_cancel token = CHP_CANCEL_INIT;
	int v = 1;

	make();
	CHECK_CODE(mpmc_send(&tx, &v, &past), CHP_ETIMEDOUT);
	CHECK_CODE(mpmc_recv(&rx, &v, &past), CHP_ETIMEDOUT);
	CHECK_CODE(mpmc_send(&tx, &v, &soon), CHP_ETIMEDOUT);
	soon.deadline = chp_in(CHP_MS);
	CHECK_CODE(mpmc_recv(&rx, &v, &soon), CHP_ETIMEDOUT);
	w.w.cancel = &token;
	h_spawn(&w.a, be_sender, &w);
	let_others_run();
	chp_cancel_now(&token);
	h_join(&w.a);
	CHECK_CODE(w.result, CHP_ECANCELED);
	CHECK_CODE(chp_mpmc_try_recv(&rx, &v), CHP_EAGAIN);
	CHECK_EQ(v, 1);
	chp_cancel_destroy(&token);
	drop_both();
	CHECK_EQ(h_load(&drops), 0);
}

static void closing_fails_both_sides(void)
{
	struct waiter w[2] = { { .value = 4 } };

	for (int by_sender = 0; by_sender < 2; by_sender++) {
		void *(*fn)(void *) = by_sender ? be_receiver : be_sender;

		make();
		for (int i = 0; i < 2; i++)
			h_spawn(&w[i].a, fn, &w[i]);
		let_others_run();
		if (by_sender)
			chp_mpmc_tx_close(&tx);
		else
			chp_mpmc_close(&rx);
		for (int i = 0; i < 2; i++) {
			h_join(&w[i].a);
			CHECK_CODE(w[i].result, CHP_ECLOSED);
		}
		drop_both();
	}
}

/* The oldest first, on both sides; one thread makes the order certain. */
static void blocked_ones_meet_in_order(void)
{
	struct waiter w[6];

	memset(w, 0, sizeof(w));
	make();
	for (int i = 0; i < 6; i++) {
		w[i].value = i;
		h_spawn(&w[i].a, be_sender, &w[i]);
		let_others_run();
	}
	CHECK_CODE(chp_interrupt(w[2].a.agent), 0);
	h_join(&w[2].a);
	CHECK_CODE(w[2].result, CHP_EINTR);
	for (int i = 0; i < 6; i++) {
		int v = -1;

		if (i == 2)
			continue;
		CHECK_CODE(chp_mpmc_recv(&rx, &v), 0);
		CHECK_EQ(v, i);
	}
	for (int i = 0; i < 6; i++)
		if (i != 2)
			h_join(&w[i].a);

	for (int i = 0; i < 6; i++) {
		h_spawn(&w[i].a, be_receiver, &w[i]);
		let_others_run();
	}
	CHECK_CODE(chp_interrupt(w[0].a.agent), 0);
	h_join(&w[0].a);
	CHECK_CODE(w[0].result, CHP_EINTR);
	for (int i = 1; i < 6; i++)
		CHECK_CODE(chp_mpmc_try_send(&tx, &(int){ 10 * i }), 0);
	for (int i = 1; i < 6; i++) {
		h_join(&w[i].a);
		CHECK_CODE(w[i].result, 0);
		CHECK_EQ(w[i].value, 10 * i);
	}
	drop_both();
}

static void recv_many_takes_from_all_who_block(void)
{
	struct waiter w[5];
	int out[8];

	memset(w, 0, sizeof(w));
	make();
	for (int i = 0; i < 5; i++) {
		w[i].value = i;
		h_spawn(&w[i].a, be_sender, &w[i]);
		let_others_run();
	}
	CHECK_EQ(chp_mpmc_recv_many(&rx, out, 3), 3);
	CHECK_EQ(chp_mpmc_recv_many(&rx, out + 3, 5), 2);
	for (int i = 0; i < 5; i++) {
		CHECK_EQ(out[i], i);
		h_join(&w[i].a);
		CHECK_CODE(w[i].result, 0);
	}
	drop_both();
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(it_holds_nothing, IN_ALL),
	TEST(values_go_from_hand_to_hand, IN_ALL),
	TEST(a_try_succeeds_where_somebody_blocks, IN_BLOCKING),
	TEST(a_send_that_ends_early_keeps_its_value, IN_ALL),
	TEST(closing_fails_both_sides, IN_ALL),
	TEST(blocked_ones_meet_in_order, IN_CT),
	TEST(recv_many_takes_from_all_who_block, IN_CT),
};
/* clang-format on */
H_MAIN("mpmc_rendezvous", tests)
