/*
 * test_mpsc_wait.c - how waits on a channel end other than by success:
 * deadlines, tokens, interruption, abort; that a send that failed has sent
 * nothing, that one that succeeded never says it failed, and that a receive
 * that failed has taken nothing.  The checks at the start of a wait are in
 * test_mpsc_checks.c, select and budgets in test_mpsc_select.c.
 */
#include "mpsc.h"

/* The channel is full; the agent's send ends as it was told. */
struct sender {
	struct h_agent a;
	chp_mpsc_tx tx;
	chp_wait w;
	int value, result;
};

static void *send_it(void *arg)
{
	struct sender *s = arg;

	s->result = mpsc_send(&s->tx, &s->value, &s->w);
	h_store(&progress, 1);
	chp_mpsc_tx_drop(&s->tx);
	return NULL;
}

static void start_sender(struct sender *s, chp_wait w)
{
	memset(s, 0, sizeof(*s));
	make(1);
	CHECK_CODE(chp_mpsc_try_send(&tx, &(int){ 1 }), 0);
	s->w = w;
	s->value = 99;
	chp_mpsc_tx_clone(&tx, &s->tx);
	h_spawn(&s->a, send_it, s);
}

/* It has sent nothing, and left no place in the queue behind. */
static void check_not_sent(struct sender *s, int code)
{
	int got = 0;

	h_join(&s->a);
	CHECK_CODE(s->result, code);
	CHECK_EQ(s->value, 99);
	CHECK_CODE(chp_mpsc_try_recv(&rx, &got), 0);
	CHECK_EQ(got, 1);
	CHECK_EQ(chp_mpsc_capacity(&tx), 1);
	chp_mpsc_tx_drop(&tx);
	CHECK_CODE(mpsc_recv(&rx, &got, NULL), CHP_ECLOSED);
	drop_both();
	CHECK_EQ(h_load(&drops), 0);
}

static void a_send_that_times_out_sends_nothing(void)
{
	struct sender s;

	start_sender(&s, (chp_wait){ .deadline = chp_in(2 * CHP_MS) });
	h_until(h_load(&progress));
	CHECK(chp_now() >= s.w.deadline);
	check_not_sent(&s, CHP_ETIMEDOUT);
}

static void a_send_that_is_cancelled_sends_nothing(void)
{
	for (long i = h_rounds(200); i; i--) {
		chp_cancel token = CHP_CANCEL_INIT;
		struct sender s;

		start_sender(&s, (chp_wait){ .cancel = &token });
		chp_cancel_now(&token);
		check_not_sent(&s, CHP_ECANCELED);
		chp_cancel_destroy(&token);
	}
}

static void a_send_under_a_token_with_a_deadline_times_out(void)
{
	chp_cancel token;
	struct sender s;

	chp_cancel_init(&token, NULL, chp_in(2 * CHP_MS));
	start_sender(&s, (chp_wait){ .cancel = &token });
	check_not_sent(&s, CHP_ETIMEDOUT);
	chp_cancel_destroy(&token);
}

static void a_send_that_is_interrupted_sends_nothing(void)
{
	for (long i = h_rounds(200); i; i--) {
		struct sender s;

		start_sender(&s, (chp_wait){ 0 });
		CHECK_CODE(chp_interrupt(s.a.agent), 0);
		check_not_sent(&s, CHP_EINTR);
	}
}

static void a_send_of_an_aborted_task_sends_nothing(void)
{
	for (long i = h_rounds(200); i; i--) {
		struct sender s;

		start_sender(&s, (chp_wait){ 0 });
		CHECK_CODE(chp_abort(s.a.agent), 0);
		check_not_sent(&s, CHP_EABORTED);
	}
}

static void an_uninterruptible_send_waits_on(void)
{
	struct sender s;
	int got = 0;

	start_sender(&s, (chp_wait){ .flags = CHP_UNINTERRUPTIBLE });
	CHECK_CODE(chp_interrupt(s.a.agent), 0);
	CHECK_CODE(mpsc_recv(&rx, &got, NULL), 0);
	CHECK_CODE(mpsc_recv(&rx, &got, NULL), 0);
	CHECK_EQ(got, 99);
	h_join(&s.a);
	CHECK_CODE(s.result, 0);
	drop_both();
}

static void *receive_it(void *arg)
{
	struct sender *s = arg;

	s->value = 5;
	s->result = mpsc_recv(&rx, &s->value, &s->w);
	h_store(&progress, 1);
	return NULL;
}

static void a_receive_that_ends_early_takes_nothing(void)
{
	for (int how = 0; how < 2; how++) {
		chp_cancel token = CHP_CANCEL_INIT;
		struct sender s = { .w.cancel = &token };
		int got = 0;

		make(1);
		if (how)
			s.w.deadline = chp_in(2 * CHP_MS);
		h_spawn(&s.a, receive_it, &s);
		if (!how)
			chp_cancel_now(&token);
		h_join(&s.a);
		CHECK_CODE(s.result, how ? CHP_ETIMEDOUT : CHP_ECANCELED);
		CHECK_EQ(s.value, 5);
		CHECK_CODE(chp_mpsc_try_send(&tx, &(int){ 7 }), 0);
		CHECK_CODE(mpsc_recv(&rx, &got, NULL), 0);
		CHECK_EQ(got, 7);
		drop_both();
		chp_cancel_destroy(&token);
	}
}

/* ---- Success is never reported as failure ---- */

struct hasty {
	struct h_agent a;
	chp_mpsc_tx tx;
	int id;
	long tries, sent, failed;
};

static void *send_hastily(void *arg)
{
	struct hasty *h = arg;
	struct h_rng r = h_rng(h_seed(), (uint64_t)h->id);

	for (int i = 0; i < h->tries; i++) {
		chp_wait w = { .deadline = chp_in(h_below(&r, 60) * CHP_US) };
		int code = mpsc_send(&h->tx, &h->id, &w);

		CHECK(code == 0 || code == CHP_ETIMEDOUT);
		h->sent += code == 0;
		h->failed += code != 0;
	}
	chp_mpsc_tx_drop(&h->tx);
	return NULL;
}

static void every_send_is_either_received_or_failed(void)
{
	enum { AGENTS = 5 };
	struct hasty h[AGENTS];
	long got[AGENTS] = { 0 };
	struct h_rng r = h_rng(h_seed(), 77);
	int code, id;

	make(2);
	memset(h, 0, sizeof(h));
	for (int i = 0; i < AGENTS; i++) {
		h[i].id = i;
		h[i].tries = h_rounds(400);
		chp_mpsc_tx_clone(&tx, &h[i].tx);
		h_spawn(&h[i].a, send_hastily, &h[i]);
	}
	chp_mpsc_tx_drop(&tx);
	for (;;) {
		chp_wait w = { .deadline = chp_in(h_below(&r, 60) * CHP_US) };

		code = mpsc_recv(&rx, &id, &w);
		if (code == CHP_ECLOSED)
			break;
		if (code == 0)
			got[id]++;
		else
			CHECK_CODE(code, CHP_ETIMEDOUT);
		for (uint32_t n = h_below(&r, 6); n; n--)
			h_yield();
	}
	for (int i = 0; i < AGENTS; i++) {
		h_join(&h[i].a);
		CHECK_EQ(got[i], h[i].sent);
		CHECK_EQ(h[i].sent + h[i].failed, h[i].tries);
	}
	drop_both();
	CHECK_EQ(h_load(&drops), 0);
}

static int *its_address(void)
{
	return &errno;
}

/* Volatile: a task may wake on another thread, so errno is found anew. */
static int *(*volatile errno_now)(void) = its_address;

static void a_wait_leaves_errno_as_it_was(void)
{
	struct sender s;
	chp_wait moment;

	start_sender(&s, (chp_wait){ 0 });
	*errno_now() = 77;
	CHECK_CODE(mpsc_recv(&rx, NULL, NULL), 0);
	CHECK_EQ(*errno_now(), 77);
	CHECK_CODE(mpsc_recv(&rx, NULL, NULL), 0);
	CHECK_EQ(*errno_now(), 77);
	h_join(&s.a);
	moment = (chp_wait){ .deadline = chp_in(CHP_MS) };
	*errno_now() = 78;
	CHECK_CODE(mpsc_recv(&rx, NULL, &moment), CHP_ETIMEDOUT);
	CHECK_EQ(*errno_now(), 78);
	drop_both();
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_send_that_times_out_sends_nothing, IN_ALL),
	TEST(a_send_that_is_cancelled_sends_nothing, IN_ALL),
	TEST(a_send_under_a_token_with_a_deadline_times_out, IN_ALL),
	TEST(a_send_that_is_interrupted_sends_nothing, IN_BLOCKING),
	TEST(a_send_of_an_aborted_task_sends_nothing, IN_TASKS),
	TEST(an_uninterruptible_send_waits_on, IN_BLOCKING),
	TEST(a_receive_that_ends_early_takes_nothing, IN_ALL),
	TEST(every_send_is_either_received_or_failed, IN_ALL),
	TEST(a_wait_leaves_errno_as_it_was, IN_BLOCKING),
};
/* clang-format on */
H_MAIN("mpsc_wait", tests)
