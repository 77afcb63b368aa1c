/*
 * test_oneshot_races.c - the two halves of a oneshot used at the same moment:
 * a value belongs to exactly one side, every wait ends, and whoever is last
 * frees the channel while the other may still be inside a call.  Meant for
 * AddressSanitizer and ThreadSanitizer too.
 */
#include "duo.h"
#include "oneshot.h"

static int sent, got, result;       /* what each side was told */
static uint64_t dropper, destroyer; /* agents */

static void note_drop(void *value)
{
	(void)value;
	destroyer = chp_agent_current().id;
	h_add(&drops, 1);
}

static void before(void)
{
	sent = result = 1000;
	got = 0;
	make(note_drop);
}

static void send_7(void)
{
	sent = chp_oneshot_send(&tx, &(int){ 7 });
}

static void drop_tx(void)
{
	chp_oneshot_tx_drop(&tx);
}

static void receive(void)
{
	result = oneshot_recv(&rx, &got, NULL);
}

/* ---- Sending against the end of receiving ---- */

static void close_then_take(void)
{
	chp_oneshot_close(&rx);
	result = chp_oneshot_try_recv(&rx, &got);
}

static void one_side_has_the_value(void)
{
	/* Sent before the close: still there.  After it: still the sender's. */
	CHECK_CODE(result, sent);
	CHECK(sent == 0 || sent == CHP_ECLOSED);
	CHECK_EQ(got, sent == 0 ? 7 : 0);
	CHECK_EQ(h_load(&drops), 0);
}

static void race_ends(void (*left)(void), void (*right)(void),
		      void (*after)(void))
{
	race_of(6000, before, left, right, after);
}

static void a_send_racing_a_close_leaves_the_value_to_one_side(void)
{
	race_ends(send_7, close_then_take, one_side_has_the_value);
}

static void drop_rx(void)
{
	dropper = chp_agent_current().id;
	chp_oneshot_rx_drop(&rx);
}

static void destroyed_if_sent(void)
{
	CHECK(sent == 0 || sent == CHP_ECLOSED);
	CHECK_EQ(h_load(&drops), sent == 0);
	/* By the receiver's side, never inside the send. */
	if (sent == 0)
		CHECK(destroyer == dropper);
}

static void a_send_racing_a_drop_leaves_the_value_to_one_side(void)
{
	race_ends(send_7, drop_rx, destroyed_if_sent);
	race_ends(drop_rx, send_7, destroyed_if_sent);
}

static void nothing_is_left(void)
{
	CHECK_EQ(h_load(&drops), 0);
}

static void both_halves_may_be_dropped_at_once(void)
{
	race_ends(drop_tx, drop_rx, nothing_is_left);
}

/* A poll that is given up races the send: the value is still there. */
static void poll_and_give_up(void)
{
	struct h_waker w = { 0 };
	chp_oneshot_op op;

	for (uint32_t n = h_below(&right_rng, 5); n; n--) {
		chp_oneshot_recv_op(&op, &rx, &got);
		result = h_poll(&op.op, &w);
		if (result != CHP_PENDING)
			break;
		chp_op_cancel(&op.op);
		CHECK_EQ(got, 0);
		result = 1000;
	}
	if (result == 1000)
		receive();
	/* A wake on its way may come late; it keeps the waker until then. */
	h_until(h_refs(&w) == 0);
}

static void received_if_sent(void)
{
	CHECK_CODE(sent, 0);
	CHECK_CODE(result, 0);
	CHECK_EQ(got, 7);
	CHECK_EQ(h_load(&drops), 0);
}

static void a_receive_given_up_loses_no_value(void)
{
	race_ends(send_7, poll_and_give_up, received_if_sent);
}

static void try_until_sent(void)
{
	h_until((result = chp_oneshot_try_recv(&rx, &got)) != CHP_EAGAIN);
}

static void a_try_finds_a_racing_send(void)
{
	race_ends(send_7, try_until_sent, received_if_sent);
}

/* ---- Wakes ---- */

static void both_heard_of_the_end(void)
{
	CHECK_CODE(result, CHP_ECLOSED);
	CHECK_EQ(h_load(&drops), 0);
}

static void a_drop_of_the_sender_always_wakes_the_receiver(void)
{
	race_ends(drop_tx, receive, both_heard_of_the_end);
}

static void a_send_always_wakes_the_receiver(void)
{
	race_ends(send_7, receive, received_if_sent);
}

static void await_closed(void)
{
	sent = oneshot_closed(&tx, NULL);
	chp_oneshot_tx_drop(&tx);
}

static void heard_of_closing(void)
{
	CHECK_CODE(sent, 0);
	chp_oneshot_rx_drop(&rx);
}

static void close_rx(void)
{
	chp_oneshot_close(&rx);
}

static void the_end_of_the_receiver_always_wakes_the_sender(void)
{
	race_ends(await_closed, drop_rx, heard_of_closing);
	race_ends(await_closed, close_rx, heard_of_closing);
}

/* Change wakers while the value comes: the last one must be woken. */
static void poll_with_changing_wakers(void)
{
	struct h_waker w[2] = { { { 0 } }, { { 0 } } };
	struct h_waker *last = &w[0];
	chp_oneshot_op op;

	chp_oneshot_recv_op(&op, &rx, &got);
	for (uint32_t n = 1 + h_below(&right_rng, 6); n; n--) {
		last = &w[n % 2];
		result = h_poll(&op.op, last);
		if (result != CHP_PENDING)
			break;
	}
	if (result == CHP_PENDING) {
		h_until(h_wakes(last) > 0);
		result = h_poll(&op.op, last);
	}
	h_until(h_refs(&w[0]) + h_refs(&w[1]) == 0);
}

static void the_newest_waker_is_woken_by_a_racing_send(void)
{
	race_ends(send_7, poll_with_changing_wakers, received_if_sent);
}

/*
 * A wake on its way when the wait is over comes by a reference of its own: the
 * waker here is freed with its last one.
 */
static void counted_unref(void *data)
{
	chp_word *refs = data;

	if (h_sub(refs, 1) == 1)
		free(refs);
}

static void counted_retain(void *data)
{
	CHECK(h_add(data, 1) > 0);
}

static const chp_waker_class counted = { counted_unref, counted_retain,
					 counted_unref };

static void poll_give_up_and_free_the_waker(void)
{
	chp_word *refs = calloc(1, sizeof(*refs));
	chp_poll_ctx ctx = chp_poll_ctx_of((chp_waker){ &counted, refs });
	chp_oneshot_op *op = malloc(sizeof(*op));

	h_store(refs, 1);
	chp_oneshot_recv_op(op, &rx, &got);
	jitter(&right_rng);
	result = chp_op_poll(&op->op, &ctx);
	if (result == CHP_PENDING) {
		jitter(&right_rng);
		chp_op_cancel(&op->op);
	}
	memset(op, 0xdd, sizeof(*op));
	free(op);
	counted_unref(refs);
	if (result == CHP_PENDING)
		receive();
}

static void a_late_wake_has_its_own_reference(void)
{
	race_ends(send_7, poll_give_up_and_free_the_waker, received_if_sent);
}

/* ---- Memory that goes at once ---- */

/* The operation is freed as soon as it has its result. */
static void receive_with_a_short_lived_operation(void)
{
	chp_oneshot_op *op = malloc(sizeof(*op));
	int *out = calloc(1, sizeof(*out));

	chp_oneshot_recv_op(op, &rx, out);
	result = h_wait(&op->op, NULL);
	got = *out;
	memset(op, 0xdd, sizeof(*op));
	free(op);
	free(out);
}

static void the_receiver_may_free_its_operation_at_once(void)
{
	race_ends(send_7, receive_with_a_short_lived_operation,
		  received_if_sent);
}

struct pair {
	chp_oneshot_tx tx;
	chp_oneshot_rx rx;
};

static void *receive_and_end(void *arg)
{
	struct pair *p = arg;
	long v = 0;

	CHECK_CODE(oneshot_recv(&p->rx, &v, NULL), 0);
	CHECK_EQ(v, 12345);
	return NULL;
}

/* The receiving agent, its stack and its waker end while send is waking it. */
static void the_receiver_may_end_at_once(void)
{
	for (long i = h_rounds(2000); i; i--) {
		struct pair *p = malloc(sizeof(*p));
		long v = 12345;
		struct h_agent a;

		CHECK_CODE(chp_oneshot(sizeof(long), NULL, &p->tx, &p->rx), 0);
		h_spawn(&a, receive_and_end, p);
		CHECK_CODE(chp_oneshot_send(&p->tx, &v), 0);
		h_join(&a);
		free(p);
	}
}

/* ---- A thread and a task ---- */

enum { PAIRS = 64 };

struct mixed {
	struct pair to, back;
};

static void *echo(void *arg)
{
	struct mixed *m = arg;
	int v = 0;

	CHECK_CODE(chp_oneshot_recv(&m->to.rx, &v), 0);
	CHECK_CODE(chp_oneshot_send(&m->back.tx, &(int){ v + 1 }), 0);
	return NULL;
}

static void threads_and_tasks_answer_each_other(void)
{
	static struct mixed m[PAIRS];
	struct h_agent a[PAIRS];

	for (int i = 0; i < PAIRS; i++) {
		CHECK_CODE(chp_oneshot(sizeof(int), NULL, &m[i].to.tx,
				       &m[i].to.rx),
			   0);
		CHECK_CODE(chp_oneshot(sizeof(int), NULL, &m[i].back.tx,
				       &m[i].back.rx),
			   0);
		if (i % 2)
			h_spawn(&a[i], echo, &m[i]);
		else
			h_spawn_thread(&a[i], echo, &m[i]);
	}
	for (int i = PAIRS - 1; i >= 0; i--)
		CHECK_CODE(chp_oneshot_send(&m[i].to.tx, &i), 0);
	for (int i = 0; i < PAIRS; i++) {
		int v = -1;

		CHECK_CODE(chp_oneshot_recv(&m[i].back.rx, &v), 0);
		CHECK_EQ(v, i + 1);
	}
	for (int i = 0; i < PAIRS; i++) {
		if (i % 2)
			h_join(&a[i]);
		else
			h_join_thread(&a[i]);
	}
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_send_racing_a_close_leaves_the_value_to_one_side, IN_PARALLEL),
	TEST(a_send_racing_a_drop_leaves_the_value_to_one_side, IN_PARALLEL),
	TEST(both_halves_may_be_dropped_at_once, IN_PARALLEL),
	TEST(a_receive_given_up_loses_no_value, IN_PARALLEL),
	TEST(a_try_finds_a_racing_send, IN_PARALLEL),
	TEST(a_drop_of_the_sender_always_wakes_the_receiver, IN_ALL),
	TEST(a_send_always_wakes_the_receiver, IN_ALL),
	TEST(the_end_of_the_receiver_always_wakes_the_sender, IN_ALL),
	TEST(the_newest_waker_is_woken_by_a_racing_send, IN_PARALLEL),
	TEST(the_receiver_may_free_its_operation_at_once, IN_ALL),
	TEST(the_receiver_may_end_at_once, IN_ALL),
	TEST(threads_and_tasks_answer_each_other, IN_BLOCKING),
	TEST(a_late_wake_has_its_own_reference, IN_PARALLEL),
};
/* clang-format on */
H_MAIN("oneshot_races", tests)
