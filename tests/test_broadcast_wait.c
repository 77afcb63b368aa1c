/*
 * test_broadcast_wait.c - how receives begin and end: the order of checks at
 * the start, deadlines, tokens, interruption, abort; that one that failed has
 * taken nothing; budgets; errno.
 */
#include "broadcast.h"

static chp_broadcast_tx tx;
static chp_broadcast_rx rx;
static chp_word stage; /* how far another agent has come */

static void make(void)
{
	h_store(&stage, 0);
	CHECK_CODE(chp_broadcast(4, sizeof(int), NULL, &tx, &rx), 0);
}

static void drop_both(void)
{
	chp_broadcast_tx_drop(&tx);
	chp_broadcast_rx_drop(&rx);
}

static int recv_form(const chp_wait *w)
{
	return bc_recv(&rx, NULL, NULL, w);
}

static int recv_many_form(const chp_wait *w)
{
	int out[1], r = bc_recv_many(&rx, out, 1, NULL, w);

	return r > 0 ? 0 : r;
}

static int (*const forms[])(const chp_wait *w) = { recv_form, recv_many_form };

#define EACH_FORM(f) for (int f = 0; f < 2; f++)

/* ---- The order of checks ---- */

static void a_cancelled_token_comes_before_the_try(void)
{
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait w = { .cancel = &token, .deadline = chp_in(-CHP_SEC) };

	EACH_FORM(f)
	{
		make();
		bc_send(&tx, 1);
		CHECK_CODE(forms[f](&w), 0);
		drop_both();
	}
	chp_cancel_now(&token);
	EACH_FORM(f)
	{
		make();
		bc_send(&tx, 1);
		CHECK_CODE(forms[f](&w), CHP_ECANCELED);
		CHECK_EQ(chp_broadcast_len(&rx), 1);
		chp_broadcast_tx_drop(&tx);
		CHECK_CODE(forms[f](&w), CHP_ECANCELED);
		drop_both();
	}
	chp_cancel_destroy(&token);
}

static void a_passed_deadline_comes_after_the_try(void)
{
	chp_wait past = { .deadline = chp_in(-CHP_SEC) };

	EACH_FORM(f)
	{
		make();
		bc_send(&tx, 1);
		CHECK_CODE(forms[f](&past), 0);
		CHECK_CODE(forms[f](&past), CHP_ETIMEDOUT);
		for (int v = 0; v < 6; v++)
			bc_send(&tx, v);
		CHECK_CODE(forms[f](&past), CHP_ELAGGED);
		for (int i = 0; i < 4; i++)
			CHECK_CODE(forms[f](&past), 0);
		chp_broadcast_tx_drop(&tx);
		CHECK_CODE(forms[f](&past), CHP_ECLOSED);
		drop_both();
	}
}

static void interruption_comes_before_token_and_try(void)
{
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait w = { .cancel = &token };

	chp_cancel_now(&token);
	EACH_FORM(f)
	{
		make();
		bc_send(&tx, 1);
		chp_interrupt(chp_agent_current());
		CHECK_CODE(forms[f](NULL), CHP_EINTR);
		CHECK_EQ(chp_is_interrupted(chp_agent_current()), 0);
		chp_interrupt(chp_agent_current());
		CHECK_CODE(forms[f](&w), CHP_EINTR);
		CHECK_CODE(forms[f](&w), CHP_ECANCELED);
		CHECK_EQ(chp_broadcast_len(&rx), 1);
		CHECK_CODE(forms[f](NULL), 0);
		drop_both();
	}
	chp_cancel_destroy(&token);
}

static void a_bad_argument_comes_before_interruption(void)
{
	chp_wait odd = { .flags = 0x80 };

	EACH_FORM(f)
	{
		make();
		drop_both();
		chp_interrupt(chp_agent_current());
		CHECK_CODE(forms[f](NULL), CHP_EINVAL);
		CHECK_EQ(chp_interrupted(), 1);
	}
	make();
	EACH_FORM(f)
	CHECK_CODE(forms[f](&odd), CHP_EINVAL);
	drop_both();
}

static void an_uninterruptible_wait_leaves_the_flag_set(void)
{
	chp_wait stubborn = { .flags = CHP_UNINTERRUPTIBLE };

	EACH_FORM(f)
	{
		make();
		bc_send(&tx, 1);
		chp_interrupt(chp_agent_current());
		CHECK_CODE(forms[f](&stubborn), 0);
		CHECK_EQ(chp_interrupted(), 1);
		drop_both();
	}
}

static void tries_and_hand_polling_ignore_interruption(void)
{
	struct h_waker w = { 0 };
	chp_broadcast_op op;
	int got = 0;

	make();
	chp_interrupt(chp_agent_current());
	CHECK_EQ(bc_send(&tx, 1), 1);
	CHECK_EQ(bc_send(&tx, 2), 1);
	CHECK_NEXT(&rx, 1);
	chp_broadcast_recv_op(&op, &rx, &got, NULL);
	CHECK_CODE(h_poll(&op.op, &w), 0);
	CHECK_EQ(got, 2);
	CHECK_EQ(chp_interrupted(), 1);
	drop_both();
}

/* ---- Ends while waiting ---- */

struct receiver {
	struct h_agent a;
	chp_wait w;
	int value, result;
	bool many;
};

static void *receive_it(void *arg)
{
	struct receiver *r = arg;

	if (r->many)
		r->result = bc_recv_many(&rx, &r->value, 1, NULL, &r->w);
	else
		r->result = bc_recv(&rx, &r->value, NULL, &r->w);
	h_store(&stage, 1);
	return NULL;
}

static void start_receiver(struct receiver *r, chp_wait w, bool many)
{
	memset(r, 0, sizeof(*r));
	make();
	r->w = w;
	r->value = 5;
	r->many = many;
	h_spawn(&r->a, receive_it, r);
}

/* It has taken nothing, and waits nowhere. */
static void check_untouched(struct receiver *r, int code)
{
	h_join(&r->a);
	CHECK_CODE(r->result, code);
	CHECK_EQ(r->value, 5);
	CHECK_EQ(bc_send(&tx, 7), 1);
	CHECK_NEXT(&rx, 7);
	drop_both();
}

static void a_receive_that_times_out_takes_nothing(void)
{
	struct receiver r;

	for (int many = 0; many < 2; many++) {
		start_receiver(&r, (chp_wait){ .deadline = chp_in(2 * CHP_MS) },
			       many);
		h_until(h_load(&stage));
		CHECK(chp_now() >= r.w.deadline);
		check_untouched(&r, CHP_ETIMEDOUT);
	}
}

static void a_receive_that_is_cancelled_takes_nothing(void)
{
	for (long i = h_rounds(200); i; i--) {
		chp_cancel token = CHP_CANCEL_INIT;
		struct receiver r;

		start_receiver(&r, (chp_wait){ .cancel = &token }, i % 2);
		chp_cancel_now(&token);
		check_untouched(&r, CHP_ECANCELED);
		chp_cancel_destroy(&token);
	}
}

static void a_receive_that_is_interrupted_takes_nothing(void)
{
	for (long i = h_rounds(200); i; i--) {
		struct receiver r;

		start_receiver(&r, (chp_wait){ 0 }, i % 2);
		CHECK_CODE(chp_interrupt(r.a.agent), 0);
		check_untouched(&r, CHP_EINTR);
	}
}

static void a_receive_of_an_aborted_task_takes_nothing(void)
{
	for (long i = h_rounds(200); i; i--) {
		struct receiver r;

		start_receiver(&r, (chp_wait){ 0 }, i % 2);
		CHECK_CODE(chp_abort(r.a.agent), 0);
		check_untouched(&r, CHP_EABORTED);
	}
}

static void an_uninterruptible_receive_waits_on(void)
{
	struct receiver r;

	start_receiver(&r, (chp_wait){ .flags = CHP_UNINTERRUPTIBLE }, false);
	CHECK_CODE(chp_interrupt(r.a.agent), 0);
	CHECK_EQ(bc_send(&tx, 99), 1);
	h_join(&r.a);
	CHECK_CODE(r.result, 0);
	CHECK_EQ(r.value, 99);
	drop_both();
}

/* ---- Hurried receivers lose nothing ---- */

struct hasty {
	struct h_agent a;
	chp_broadcast_rx rx;
	struct h_rng r;
	int next;
};

static void *receive_hastily(void *arg)
{
	struct hasty *h = arg;
	int code, v;

	for (;;) {
		chp_wait w = { .deadline =
				       chp_in(h_below(&h->r, 60) * CHP_US) };
		chp_cancel token = CHP_CANCEL_INIT;

		if (h_below(&h->r, 4) == 0) {
			w.cancel = &token;
			if (h_below(&h->r, 2))
				chp_cancel_now(&token);
		}
		code = bc_recv(&h->rx, &v, NULL, &w);
		chp_cancel_destroy(&token);
		if (code == CHP_ECLOSED)
			break;
		if (code == 0)
			CHECK_EQ(v, h->next++);
		else
			CHECK(code == CHP_ETIMEDOUT || code == CHP_ECANCELED);
	}
	chp_broadcast_rx_drop(&h->rx);
	return NULL;
}

static void receivers_in_a_hurry_miss_nothing(void)
{
	enum { AGENTS = 4, VALUES = 1024 };
	int values = (int)h_rounds(VALUES);
	struct hasty h[AGENTS];

	CHECK_CODE(chp_broadcast_tx_new(VALUES, sizeof(int), NULL, &tx), 0);
	for (int i = 0; i < AGENTS; i++) {
		h[i].r = h_rng(h_seed(), (uint64_t)i);
		h[i].next = 0;
		CHECK_CODE(chp_broadcast_subscribe(&tx, &h[i].rx), 0);
		h_spawn(&h[i].a, receive_hastily, &h[i]);
	}
	for (int v = 0; v < values; v++) {
		CHECK_EQ(bc_send(&tx, v), AGENTS);
		if (v % 4 == 0)
			h_yield();
	}
	chp_broadcast_tx_drop(&tx);
	for (int i = 0; i < AGENTS; i++) {
		h_join(&h[i].a);
		CHECK_EQ(h[i].next, values);
	}
}

/* ---- Budgets, errno ---- */

static void a_receive_costs_one_unit_however_many_it_takes(void)
{
	struct h_waker w = { 0 };
	uint32_t budget = 2;
	chp_broadcast_op op;
	int got[4];

	make();
	for (int v = 0; v < 4; v++)
		bc_send(&tx, v);
	chp_broadcast_recv_op(&op, &rx, got, NULL);
	CHECK_CODE(h_poll_within(&op.op, &w, &budget), 0);
	CHECK_EQ(budget, 1);
	chp_broadcast_recv_many_op(&op, &rx, got, 2, NULL);
	CHECK_CODE(h_poll_within(&op.op, &w, &budget), 2);
	CHECK_EQ(budget, 0);
	/* None left: it is not tried, and to be polled again. */
	chp_broadcast_recv_op(&op, &rx, got, NULL);
	CHECK_CODE(h_poll_within(&op.op, &w, &budget), CHP_PENDING);
	CHECK_EQ(h_wakes(&w), 1);
	CHECK_EQ(chp_broadcast_len(&rx), 1);
	budget = 1;
	CHECK_CODE(h_poll_within(&op.op, &w, &budget), 0);
	CHECK_EQ(got[0], 3);
	/* Pending costs nothing. */
	budget = 1;
	chp_broadcast_recv_op(&op, &rx, got, NULL);
	CHECK_CODE(h_poll_within(&op.op, &w, &budget), CHP_PENDING);
	CHECK_EQ(budget, 1);
	chp_op_cancel(&op.op);
	drop_both();
}

/* Out of budget at its first poll, then dropped: it holds nothing. */
static void an_operation_without_budget_holds_nothing(void)
{
	struct h_waker w = { 0 };
	uint32_t budget = 0;
	chp_broadcast_op op;

	make();
	chp_broadcast_recv_op(&op, &rx, NULL, NULL);
	CHECK_CODE(h_poll_within(&op.op, &w, &budget), CHP_PENDING);
	CHECK_EQ(chp_op_cancel(&op.op), CHP_HELD_NOTHING);
	bc_send(&tx, 1);
	chp_broadcast_recv_op(&op, &rx, NULL, NULL);
	CHECK_CODE(h_poll_within(&op.op, &w, &budget), CHP_PENDING);
	budget = 5;
	CHECK_CODE(h_poll_within(&op.op, &w, &budget), 0);
	CHECK_EQ(h_refs(&w), 0);
	drop_both();
}

static chp_word progress;

static void *count_on(void *arg)
{
	(void)arg;
	while (!h_load(&stage)) {
		h_add(&progress, 1);
		chp_yield();
	}
	return NULL;
}

/* On one thread: a task that always finds a value lets others run. */
static void a_busy_receiver_lets_others_run(void)
{
	struct h_agent a;

	make();
	h_store(&progress, 0);
	h_spawn(&a, count_on, NULL);
	for (int v = 0; v < 4000; v++) {
		bc_send(&tx, v);
		CHECK_CODE(chp_broadcast_recv(&rx, NULL, NULL), 0);
	}
	CHECK(h_load(&progress) >= 4000 / 128 - 1);
	h_store(&stage, 1);
	h_join(&a);
	drop_both();
}

static int *its_address(void)
{
	return &errno;
}

/* Volatile: a task may wake on another thread, so errno is found anew. */
static int *(*volatile errno_now)(void) = its_address;

static void *send_one(void *arg)
{
	(void)arg;
	bc_send(&tx, 1);
	return NULL;
}

static void a_wait_leaves_errno_as_it_was(void)
{
	chp_wait moment;
	struct h_agent a;

	make();
	h_spawn(&a, send_one, NULL);
	*errno_now() = 77;
	CHECK_CODE(bc_recv(&rx, NULL, NULL, NULL), 0);
	CHECK_EQ(*errno_now(), 77);
	h_join(&a);
	moment = (chp_wait){ .deadline = chp_in(CHP_MS) };
	*errno_now() = 78;
	CHECK_CODE(bc_recv(&rx, NULL, NULL, &moment), CHP_ETIMEDOUT);
	CHECK_EQ(*errno_now(), 78);
	drop_both();
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_cancelled_token_comes_before_the_try, IN_ALL),
	TEST(a_passed_deadline_comes_after_the_try, IN_ALL),
	TEST(interruption_comes_before_token_and_try, IN_BLOCKING),
	TEST(a_bad_argument_comes_before_interruption, IN_BLOCKING),
	TEST(an_uninterruptible_wait_leaves_the_flag_set, IN_BLOCKING),
	TEST(tries_and_hand_polling_ignore_interruption, IN_BLOCKING),
	TEST(a_receive_that_times_out_takes_nothing, IN_ALL),
	TEST(a_receive_that_is_cancelled_takes_nothing, IN_ALL),
	TEST(a_receive_that_is_interrupted_takes_nothing, IN_BLOCKING),
	TEST(a_receive_of_an_aborted_task_takes_nothing, IN_TASKS),
	TEST(an_uninterruptible_receive_waits_on, IN_BLOCKING),
	TEST(receivers_in_a_hurry_miss_nothing, IN_ALL),
	TEST(a_receive_costs_one_unit_however_many_it_takes, IN_ALL),
	TEST(an_operation_without_budget_holds_nothing, IN_ALL),
	TEST(a_busy_receiver_lets_others_run, IN_CT),
	TEST(a_wait_leaves_errno_as_it_was, IN_BLOCKING),
};
/* clang-format on */
H_MAIN("broadcast_wait", tests)
