/*
 * test_mpmc_wait.c - tasks and threads that block on a channel with many
 * receivers: what wakes them, in which order, what ends a wait, and what is
 * asked first.
 */
#include "mpmc_ends.h"

struct waiter {
	struct h_agent a;
	int value, result;
	chp_wait w;
	int flag; /* afterwards: was it interrupted? */
};

static void *be_sender(void *arg)
{
	struct waiter *w = arg;

	w->result = mpmc_send(&tx, &w->value, &w->w);
	w->flag = chp_interrupted();
	return NULL;
}

static void *be_receiver(void *arg)
{
	struct waiter *w = arg;

	w->result = mpmc_recv(&rx, &w->value, &w->w);
	w->flag = chp_interrupted();
	return NULL;
}

static void *await_closed(void *arg)
{
	struct waiter *w = arg;

	w->result = mpmc_closed(&tx, &w->w);
	return NULL;
}

/* Gets the others to where they wait, on one thread for certain. */
static void let_others_run(void)
{
	for (int i = 0; i < 20; i++)
		h_yield();
}

/* ---- Waking ---- */

static void a_message_wakes_a_receiver(void)
{
	for (int limited = 0; limited < 2; limited++) {
		struct waiter w = { .value = -1 };

		make(limited ? 1 : UNBOUNDED);
		h_spawn(&w.a, be_receiver, &w);
		let_others_run();
		fill(3);
		h_join(&w.a);
		CHECK_CODE(w.result, 0);
		CHECK_EQ(w.value, 3);
		drop_both();
	}
}

static void a_receive_makes_room_for_a_sender(void)
{
	struct waiter w = { .value = 2 };
	int v = -1;

	make(1);
	fill(1);
	h_spawn(&w.a, be_sender, &w);
	let_others_run();
	CHECK_CODE(mpmc_recv(&rx, &v, NULL), 0);
	CHECK_EQ(v, 1);
	CHECK_CODE(mpmc_recv(&rx, &v, NULL), 0);
	CHECK_EQ(v, 2);
	h_join(&w.a);
	CHECK_CODE(w.result, 0);
	drop_both();
}

static void blocked_ones_are_served_in_order(void)
{
	struct waiter w[5];

	memset(w, 0, sizeof(w));
	make(1);
	for (int i = 0; i < 5; i++) {
		h_spawn(&w[i].a, be_receiver, &w[i]);
		let_others_run();
	}
	for (int i = 0; i < 5; i++)
		fill(10 + i);
	for (int i = 0; i < 5; i++) {
		h_join(&w[i].a);
		CHECK_EQ(w[i].value, 10 + i);
	}

	fill(1);
	for (int i = 0; i < 5; i++) {
		w[i].value = 20 + i;
		h_spawn(&w[i].a, be_sender, &w[i]);
		let_others_run();
	}
	CHECK_CODE(chp_mpmc_try_send(&tx, &(int){ 9 }), CHP_EAGAIN);
	for (int i = -1; i < 5; i++) {
		int v = -1;

		CHECK_CODE(chp_mpmc_try_recv(&rx, &v), 0);
		CHECK_EQ(v, i < 0 ? 1 : 20 + i);
	}
	for (int i = 0; i < 5; i++)
		h_join(&w[i].a);
	drop_both();
}

/* A blocked receiver behind a promise gets the oldest, not the newest. */
static void a_blocked_receiver_gets_the_oldest_message(void)
{
	struct waiter w = { .value = -1 };
	chp_mpmc_op first;
	int got = -1;

	make(3);
	chp_mpmc_recv_op(&first, &rx, &got);
	CHECK_CODE(chp_op_poll(&first.op, NULL), CHP_PENDING);
	h_spawn(&w.a, be_receiver, &w);
	let_others_run();
	fill(1);
	let_others_run();
	fill(2);
	h_join(&w.a);
	CHECK_EQ(w.value, 1);
	CHECK_CODE(chp_op_poll(&first.op, NULL), 0);
	CHECK_EQ(got, 2);
	drop_both();
}

static void a_blocked_recv_many_gets_at_least_one(void)
{
	struct waiter w = { .value = 5 };
	int out[4];

	make(4);
	h_spawn(&w.a, be_sender, &w);
	CHECK_EQ(mpmc_recv_many(&rx, out, 4, NULL), 1);
	CHECK_EQ(out[0], 5);
	h_join(&w.a);
	drop_both();
}

/* ---- The end ---- */

static void closing_ends_every_wait(void)
{
	enum { CLOSE, CLOSE_BY_SENDER, DROP_RECEIVER, WAYS };

	for (int way = 0; way < WAYS; way++) {
		struct waiter s[3] = { { .value = 0 } },
			      c[2] = { { .value = 0 } };

		make(1);
		fill(0);
		for (int i = 0; i < 3; i++)
			h_spawn(&s[i].a, be_sender, &s[i]);
		for (int i = 0; i < 2; i++)
			h_spawn(&c[i].a, await_closed, &c[i]);
		let_others_run();
		if (way == CLOSE)
			chp_mpmc_close(&rx);
		else if (way == CLOSE_BY_SENDER)
			chp_mpmc_tx_close(&tx);
		else
			chp_mpmc_rx_drop(&rx);
		for (int i = 0; i < 3; i++) {
			h_join(&s[i].a);
			CHECK_CODE(s[i].result, CHP_ECLOSED);
		}
		for (int i = 0; i < 2; i++) {
			h_join(&c[i].a);
			CHECK_CODE(c[i].result, 0);
		}
		drop_both();
		CHECK_EQ(h_load(&drops), 1);
	}
}

static void receivers_are_told_of_the_end(void)
{
	for (int by_drop = 0; by_drop < 2; by_drop++) {
		struct waiter w[3] = { { .value = 0 } };

		make(UNBOUNDED);
		for (int i = 0; i < 3; i++)
			h_spawn(&w[i].a, be_receiver, &w[i]);
		let_others_run();
		if (by_drop)
			chp_mpmc_tx_drop(&tx);
		else
			chp_mpmc_close(&rx);
		for (int i = 0; i < 3; i++) {
			h_join(&w[i].a);
			CHECK_CODE(w[i].result, CHP_ECLOSED);
		}
		drop_both();
	}
}

/* ---- What ends a wait early ---- */

static void *(*const waits[])(void *) = { be_sender, be_receiver };

/* A channel on which both waits would wait: one full, or one empty. */
static void make_waiting(int which)
{
	make(1);
	if (which == 0)
		fill(0);
}

static void a_wait_ends_by_its_deadline(void)
{
	for (int i = 0; i < 2; i++) {
		chp_wait past = { .deadline = chp_in(-1) };
		chp_wait soon = { .deadline = chp_in(CHP_MS) };
		int v = 1;

		make_waiting(i);
		CHECK_CODE(i ? mpmc_recv(&rx, &v, &past)
			     : mpmc_send(&tx, &v, &past),
			   CHP_ETIMEDOUT);
		CHECK_CODE(i ? mpmc_recv_many(&rx, &v, 1, &past)
			     : mpmc_closed(&tx, &past),
			   CHP_ETIMEDOUT);
		CHECK_CODE(i ? mpmc_recv(&rx, &v, &soon)
			     : mpmc_send(&tx, &v, &soon),
			   CHP_ETIMEDOUT);
		/* And takes what is there, though it is over. */
		CHECK_CODE(i ? mpmc_send(&tx, &v, &past)
			     : mpmc_recv(&rx, &v, &past),
			   0);
		drop_both();
	}
}

static void a_wait_ends_by_its_token(void)
{
	for (int i = 0; i < 2; i++) {
		chp_cancel token = CHP_CANCEL_INIT;
		struct waiter w = { .value = 1, .w.cancel = &token };

		make_waiting(i);
		h_spawn(&w.a, waits[i], &w);
		let_others_run();
		chp_cancel_now(&token);
		h_join(&w.a);
		CHECK_CODE(w.result, CHP_ECANCELED);
		CHECK_EQ(chp_mpmc_len(&rx), !i);
		chp_cancel_destroy(&token);
		drop_both();
	}
}

static void a_wait_ends_by_interruption(void)
{
	for (int i = 0; i < 2; i++) {
		struct waiter w = { .value = 1 };

		make_waiting(i);
		h_spawn(&w.a, waits[i], &w);
		let_others_run();
		CHECK_CODE(chp_interrupt(w.a.agent), 0);
		h_join(&w.a);
		CHECK_CODE(w.result, CHP_EINTR);
		CHECK_EQ(w.flag, 0);
		CHECK_EQ(chp_mpmc_len(&rx), !i);

		/* Unless it is not to be interrupted. */
		w.w.flags = CHP_UNINTERRUPTIBLE;
		h_spawn(&w.a, waits[i], &w);
		let_others_run();
		CHECK_CODE(chp_interrupt(w.a.agent), 0);
		let_others_run();
		if (i)
			fill(7);
		else
			CHECK_CODE(chp_mpmc_try_recv(&rx, NULL), 0);
		h_join(&w.a);
		CHECK_CODE(w.result, 0);
		CHECK_EQ(w.flag, 1);
		drop_both();
	}
}

static void a_wait_ends_by_abort(void)
{
	for (int i = 0; i < 2; i++) {
		struct waiter w = { .value = 1 };

		make_waiting(i);
		h_spawn(&w.a, waits[i], &w);
		let_others_run();
		CHECK_CODE(chp_abort(w.a.agent), 0);
		h_join(&w.a);
		CHECK_CODE(w.result, CHP_EABORTED);
		CHECK_EQ(chp_mpmc_len(&rx), !i);
		drop_both();
	}
}

/* ---- What is asked first ---- */

static void interrupt_myself(void)
{
	CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
}

static void the_order_of_checks_is_that_of_the_house(void)
{
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait by_token = { .cancel = &token }, unknown = { .flags = 64 };
	chp_mpmc_tx no_tx = { 0 };
	chp_mpmc_rx no_rx = { 0 };
	int v = 1;

	chp_cancel_now(&token);
	make(2);
	fill(0);
	/* A bad argument comes before interruption, and leaves the flag. */
	interrupt_myself();
	CHECK_CODE(chp_mpmc_send(&no_tx, &v), CHP_EINVAL);
	CHECK_CODE(chp_mpmc_recv(&no_rx, &v), CHP_EINVAL);
	CHECK_CODE(chp_mpmc_recv_many(&no_rx, &v, 1), CHP_EINVAL);
	CHECK_CODE(chp_mpmc_closed(&no_tx), CHP_EINVAL);
	CHECK_CODE(chp_mpmc_send_with(&tx, &v, &unknown), CHP_EINVAL);
	CHECK_CODE(chp_mpmc_recv_with(&rx, &v, &unknown), CHP_EINVAL);
	CHECK_CODE(chp_mpmc_recv_many_with(&rx, &v, 1, &unknown), CHP_EINVAL);
	/* Interruption before the token, and before what is free. */
	CHECK_CODE(chp_mpmc_send_with(&tx, &v, &by_token), CHP_EINTR);
	interrupt_myself();
	CHECK_CODE(chp_mpmc_recv_with(&rx, &v, &by_token), CHP_EINTR);
	interrupt_myself();
	CHECK_CODE(chp_mpmc_recv(&rx, &v), CHP_EINTR);
	interrupt_myself();
	CHECK_CODE(chp_mpmc_send(&tx, &v), CHP_EINTR);
	interrupt_myself();
	CHECK_CODE(chp_mpmc_recv_many(&rx, &v, 1), CHP_EINTR);
	interrupt_myself();
	CHECK_CODE(chp_mpmc_closed(&tx), CHP_EINTR);
	/* The token before what is free. */
	CHECK_CODE(chp_mpmc_send_with(&tx, &v, &by_token), CHP_ECANCELED);
	CHECK_CODE(chp_mpmc_recv_with(&rx, &v, &by_token), CHP_ECANCELED);
	CHECK_CODE(chp_mpmc_closed_with(&tx, &by_token), CHP_ECANCELED);
	/* A try asks nobody. */
	interrupt_myself();
	CHECK_CODE(chp_mpmc_try_send(&tx, &v), 0);
	CHECK_CODE(chp_mpmc_try_recv(&rx, &v), 0);
	CHECK_EQ(chp_interrupted(), 1);
	CHECK_EQ(chp_mpmc_len(&rx), 1);
	chp_mpmc_close(&rx);
	interrupt_myself();
	CHECK_CODE(chp_mpmc_send(&tx, &v), CHP_EINTR);
	CHECK_CODE(chp_mpmc_send(&tx, &v), CHP_ECLOSED);
	chp_cancel_destroy(&token);
	drop_both();
}

static void an_unbounded_send_answers_interruption(void)
{
	chp_wait past = { .deadline = chp_in(-1) };
	int v = 1;

	make(UNBOUNDED);
	interrupt_myself();
	CHECK_CODE(chp_mpmc_send(&tx, &v), CHP_EINTR);
	CHECK_EQ(chp_mpmc_len(&rx), 0);
	CHECK_CODE(chp_mpmc_send_with(&tx, &v, &past), 0);
	drop_both();
}

static chp_word stop, turns;

static void *take_turns(void *arg)
{
	while (!h_load(&stop)) {
		h_add(&turns, 1);
		h_yield();
	}
	return arg;
}

static void a_task_that_never_waits_lets_others_run(void)
{
	enum { MESSAGES = 2000, BUDGET = 128 };
	struct h_agent other;
	uint32_t before;
	int v;

	h_store(&stop, 0);
	h_store(&turns, 0);
	make(MESSAGES);
	h_spawn(&other, take_turns, NULL);
	before = h_load(&turns);
	for (int i = 0; i < MESSAGES; i++)
		CHECK_CODE(chp_mpmc_send(&tx, &i), 0);
	for (int i = 0; i < MESSAGES; i++)
		CHECK_CODE(chp_mpmc_recv(&rx, &v), 0);
	CHECK(h_load(&turns) - before >= 2 * MESSAGES / BUDGET - 1);
	h_store(&stop, 1);
	h_join(&other);
	drop_both();
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_message_wakes_a_receiver, IN_ALL),
	TEST(a_receive_makes_room_for_a_sender, IN_ALL),
	TEST(blocked_ones_are_served_in_order, IN_CT),
	TEST(a_blocked_receiver_gets_the_oldest_message, IN_CT),
	TEST(a_blocked_recv_many_gets_at_least_one, IN_ALL),
	TEST(closing_ends_every_wait, IN_ALL),
	TEST(receivers_are_told_of_the_end, IN_ALL),
	TEST(a_wait_ends_by_its_deadline, IN_ALL),
	TEST(a_wait_ends_by_its_token, IN_ALL),
	TEST(a_wait_ends_by_interruption, IN_BLOCKING),
	TEST(a_wait_ends_by_abort, IN_TASKS),
	TEST(the_order_of_checks_is_that_of_the_house, IN_BLOCKING),
	TEST(an_unbounded_send_answers_interruption, IN_BLOCKING),
	TEST(a_task_that_never_waits_lets_others_run, IN_CT),
};
/* clang-format on */
H_MAIN("mpmc_wait", tests)
