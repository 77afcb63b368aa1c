/*
 * parts_oneshot.c - questions and answers: who asks sends the sending half of a
 * oneshot channel to a server, through an mpsc channel, and waits for the
 * answer; and halves left in slots, to be used by whoever finds them.
 *
 * A server answers, gives up, or waits a little to be told that nobody wants
 * the answer any more.
 */
#include "stress.h"

enum { SERVERS = 2, SLOTS = 4 };

struct question {
	chp_oneshot_tx tx;
	unsigned asker;
};

/* A handle for each agent, never dropped while there are steps. */
static chp_mpsc_tx counter[SERVERS][MAX_AGENTS];
static chp_mpsc_rx desk[SERVERS];
static chp_ptr slots[SLOTS]; /* struct question *, from malloc, or NULL */

static void question_drop(void *question)
{
	struct question *q = question;

	chp_oneshot_tx_drop(&q->tx);
}

/* ---- Answering ---- */

static void send_answer(struct agent *a, chp_oneshot_tx *tx)
{
	struct message m = message_new(a, a->part);

	at(a, "answering");
	if (count(a, chp_oneshot_send(tx, &m)) != 0)
		value_free(message_open(&m));
	CHECK_CODE(chp_oneshot_send(tx, &m), CHP_EINVAL);
}

static void wait_for_closing(struct agent *a, chp_oneshot_tx *tx)
{
	chp_oneshot_op op;
	int r;

	chp_oneshot_closed_op(&op, tx);
	r = count(a, await(a, &op.op, BRIEFLY));
	CHECK(r == 0 || gave_up(r));
	if (r == 0)
		CHECK(chp_oneshot_is_closed(tx) == 1);
}

static void answer(struct agent *a, chp_oneshot_tx *tx)
{
	switch (below(a, 8)) {
	case 0:
		break;
	case 1:
		wait_for_closing(a, tx);
		send_answer(a, tx);
		break;
	case 2:
		linger(a);
		send_answer(a, tx);
		break;
	default:
		send_answer(a, tx);
	}
	chp_oneshot_tx_drop(tx);
}

static bool oneshot_serve(struct agent *a, unsigned which)
{
	struct question q;
	chp_recv_op op;
	int r;

	chp_mpsc_recv_op(&op, &desk[which], &q);
	r = count(a, await(a, &op.op, SOMEHOW));
	if (r == 0)
		answer(a, &q.tx);
	else
		CHECK(r == CHP_ECLOSED || gave_up(r));
	return r == CHP_ECLOSED;
}

/* ---- Asking ---- */

static void ask(struct agent *a, chp_oneshot_rx *rx)
{
	struct question q = { .asker = a->number };

	CHECK_CODE(chp_oneshot(sizeof(struct message), message_drop, &q.tx, rx),
		   0);
	CHECK_CODE(
		chp_mpsc_try_send(&counter[below(a, SERVERS)][a->number], &q),
		0);
}

/* Not interested any more. */
static void drop_half(struct agent *a, chp_oneshot_rx *rx)
{
	struct message m;
	int r;

	at(a, "dropping the receiver");
	if (chance(a, 40)) {
		chp_oneshot_close(rx);
		r = chp_oneshot_try_recv(rx, &m);
		CHECK(r == 0 || r == CHP_ECLOSED);
		if (r == 0)
			value_free(message_open(&m));
	}
	chp_oneshot_rx_drop(rx);
}

/* A wait for it has ended so. */
static void received(struct agent *a, chp_oneshot_rx *rx, struct message *m,
		     int r)
{
	if (r == 0) {
		value_free(message_open(m));
		CHECK(chp_oneshot_is_terminated(rx));
	} else if (r == CHP_ECLOSED) {
		CHECK(chp_oneshot_is_terminated(rx));
	} else {
		CHECK(gave_up(r));
		CHECK(!chp_oneshot_is_terminated(rx));
	}
	drop_half(a, rx);
}

static void ask_and_wait(struct agent *a)
{
	chp_oneshot_rx rx;
	struct message m;
	struct manner how;
	const chp_wait *w;
	int r;

	ask(a, &rx);
	if (chance(a, 20)) {
		dither(a);
		r = count(a, chp_oneshot_try_recv(&rx, &m));
		if (r != CHP_EAGAIN) {
			received(a, &rx, &m, r);
			return;
		}
	}
	w = draw(a, &how, SOMEHOW);
	at(a, "waiting for an answer");
	r = judge(a, &how, chp_oneshot_recv_with(&rx, &m, w));
	if (gave_up(r) && chance(a, 30)) {
		chp_oneshot_op op;

		chp_oneshot_recv_op(&op, &rx, &m);
		r = count(a, await(a, &op.op, TO_THE_END));
	}
	received(a, &rx, &m, r);
}

static void answer_done(struct agent *a, struct errand *e, int r)
{
	received(a, &e->rx, &e->message, r);
}

static bool oneshot_errand(struct agent *a, struct errand *e)
{
	ask(a, &e->rx);
	chp_oneshot_recv_op(&e->oneshot, &e->rx, &e->message);
	e->op = &e->oneshot.op;
	e->done = answer_done;
	return true;
}

/* ---- Slots ---- */

static struct question *swap(struct agent *a, struct question *q)
{
	return __atomic_exchange_n(&slots[below(a, SLOTS)].v, q,
				   __ATOMIC_ACQ_REL);
}

static void use_found(struct agent *a, struct question *q)
{
	if (!q)
		return;
	answer(a, &q->tx);
	free(q);
}

/* Leave a half for whoever comes, and give it a moment. */
static void leave_one(struct agent *a)
{
	struct question *q = calloc(1, sizeof(*q));
	chp_oneshot_rx rx;
	struct message m;
	chp_oneshot_op op;

	CHECK_CODE(
		chp_oneshot(sizeof(struct message), message_drop, &q->tx, &rx),
		0);
	use_found(a, swap(a, q));
	chp_oneshot_recv_op(&op, &rx, &m);
	received(a, &rx, &m, count(a, await(a, &op.op, BRIEFLY)));
}

static void oneshot_step(struct agent *a)
{
	switch (below(a, 4)) {
	case 0:
	case 1:
		ask_and_wait(a);
		break;
	case 2:
		leave_one(a);
		break;
	default:
		use_found(a, swap(a, NULL));
	}
}

/* ---- Beginning and end ---- */

static void oneshot_open(void)
{
	for (int i = 0; i < SERVERS; i++) {
		CHECK_CODE(chp_mpsc_unbounded(sizeof(struct question),
					      question_drop, &counter[i][0],
					      &desk[i]),
			   0);
		for (int n = 1; n < MAX_AGENTS; n++)
			chp_mpsc_tx_clone(&counter[i][0], &counter[i][n]);
	}
}

static void oneshot_stop(void)
{
	for (int i = 0; i < SERVERS; i++)
		for (int n = 0; n < MAX_AGENTS; n++)
			chp_mpsc_tx_drop(&counter[i][n]);
}

static void oneshot_check(void)
{
	for (int i = 0; i < SERVERS; i++)
		chp_mpsc_rx_drop(&desk[i]);
	for (int i = 0; i < SLOTS; i++) {
		struct question *q = slots[i].v;

		if (q)
			chp_oneshot_tx_drop(&q->tx);
		free(q);
	}
}

static void oneshot_report(void)
{
	for (int i = 0; i < SERVERS; i++)
		fprintf(stderr, "  %zu questions at desk %d\n",
			chp_mpsc_len(&desk[i]), i);
}

const struct part part_oneshot = {
	.name = "oneshot",
	.open = oneshot_open,
	.step = oneshot_step,
	.errand = oneshot_errand,
	.servers = SERVERS,
	.serve = oneshot_serve,
	.stop = oneshot_stop,
	.check = oneshot_check,
	.report = oneshot_report,
};
