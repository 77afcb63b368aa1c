/*
 * parts_mpmc.c - channels to several receivers: without a buffer, bounded,
 * unbounded; one part for each.
 *
 * Servers receive, agents too.  After some hundred messages the first server
 * replaces the channel, in one of the ways there are; others still hold handles
 * of the old one.  Each value arrives once, or comes back to its sender, or is
 * destroyed; a receiver gets those of one agent in the order in which it sent
 * them.
 */
#include "stress.h"

enum { SERVERS = 2, SOME = 3, TOO_LONG = 5000, BATCH = 3, ENDLESS = -1 };

struct stream {
	const struct part *part;
	int capacity;
	unsigned bit; /* in agent.streams */

	chp_rwlock lock; /* guards tx, rx, weak; empty at the end */
	chp_mpmc_tx tx;
	chp_mpmc_rx rx;
	chp_mpmc_weak weak;

	long left, channels; /* the first server's */
};

static struct stream meeting = { .part = &part_mpmc_zero,
				 .capacity = 0,
				 .bit = 8 },
		     some = { .part = &part_mpmc, .capacity = SOME, .bit = 16 },
		     endless = { .part = &part_mpmc_unbounded,
				 .capacity = ENDLESS,
				 .bit = 32 };

static struct stream *stream_of(const struct part *p)
{
	return p == &part_mpmc_zero ? &meeting
	       : p == &part_mpmc    ? &some
				    : &endless;
}

/* ---- Channels ---- */

static void make(struct stream *s, chp_mpmc_tx *tx, chp_mpmc_rx *rx)
{
	size_t size = sizeof(struct message);
	int r = s->capacity == ENDLESS
			? chp_mpmc_unbounded(size, message_drop, tx, rx)
			: chp_mpmc_bounded((size_t)s->capacity, size,
					   message_drop, tx, rx);

	CHECK_CODE(r, 0);
}

/* Take the present channel away, for these instead; they may be empty. */
static void exchange(struct stream *s, chp_mpmc_tx *tx, chp_mpmc_rx *rx,
		     chp_mpmc_weak *weak)
{
	chp_mpmc_tx old_tx;
	chp_mpmc_rx old_rx;
	chp_mpmc_weak old_weak;

	chp_rwlock_write(&s->lock);
	/* After stop() nobody would drop a new one. */
	if (tx->ch && closing()) {
		chp_rwlock_write_unlock(&s->lock);
		return;
	}
	old_tx = s->tx;
	old_rx = s->rx;
	old_weak = s->weak;
	s->tx = *tx;
	s->rx = *rx;
	s->weak = *weak;
	chp_rwlock_write_unlock(&s->lock);
	*tx = old_tx;
	*rx = old_rx;
	*weak = old_weak;
}

static void replace(struct agent *a, struct stream *s)
{
	chp_mpmc_tx tx;
	chp_mpmc_rx rx;
	chp_mpmc_weak weak;

	at(a, "replacing the channel");
	make(s, &tx, &rx);
	chp_mpmc_downgrade(&tx, &weak);
	exchange(s, &tx, &rx, &weak);
	switch (below(a, 4)) {
	case 0:
		chp_mpmc_close(&rx);
		break;
	case 1:
		chp_mpmc_tx_close(&tx);
		break;
	case 2:
		chp_mpmc_rx_drop(&rx);
		break;
	}
	chp_mpmc_tx_drop(&tx);
	chp_mpmc_rx_drop(&rx);
	chp_mpmc_weak_drop(&weak);
	s->left = 20 + below(a, 400);
	s->channels++;
}

static void stop(struct stream *s)
{
	chp_mpmc_tx tx = { NULL };
	chp_mpmc_rx rx = { NULL };
	chp_mpmc_weak weak = { NULL };

	exchange(s, &tx, &rx, &weak);
	chp_mpmc_tx_drop(&tx);
	chp_mpmc_rx_drop(&rx);
	chp_mpmc_weak_drop(&weak);
}

static bool get_rx(struct stream *s, chp_mpmc_rx *rx)
{
	chp_rwlock_read(&s->lock);
	chp_mpmc_rx_clone(&s->rx, rx);
	chp_rwlock_read_unlock(&s->lock);
	return rx->ch != NULL;
}

static bool get_tx(struct agent *a, struct stream *s, chp_mpmc_tx *tx)
{
	int r = 0;

	if (values_out(s->part) > TOO_LONG)
		return false;
	chp_rwlock_read(&s->lock);
	if (chance(a, 20))
		r = chp_mpmc_upgrade(&s->weak, tx);
	else
		chp_mpmc_tx_clone(&s->tx, tx);
	chp_rwlock_read_unlock(&s->lock);
	CHECK(r == 0 || r == CHP_ECLOSED || r == CHP_EINVAL);
	return r == 0 && tx->ch;
}

/* ---- Receiving ---- */

struct receiver {
	chp_mpmc_rx rx;
	uint64_t last[MAX_AGENTS]; /* by maker */
};

static void take(struct stream *s, struct receiver *rc, const struct message *m)
{
	struct value *v = message_open(m);

	CHECK(v->part == s->part && v->maker < MAX_AGENTS);
	CHECK(v->sequence > rc->last[v->maker]);
	rc->last[v->maker] = v->sequence;
	value_free(v);
}

static int receive(struct agent *a, struct stream *s, struct receiver *rc,
		   enum patience p)
{
	struct message m[BATCH];
	chp_mpmc_op op;
	struct manner how;
	const chp_wait *w;
	int r;

	switch (below(a, 6)) {
	case 0:
		at(a, "trying to receive");
		r = count(a, chp_mpmc_try_recv(&rc->rx, &m[0]));
		r = r == 0 ? 1 : r;
		break;
	case 1:
		chp_mpmc_recv_many_op(&op, &rc->rx, m, BATCH);
		r = count(a, await(a, &op.op, p));
		break;
	case 2:
		w = draw(a, &how, p);
		at(a, "receiving many");
		r = judge(a, &how,
			  chp_mpmc_recv_many_with(&rc->rx, m, BATCH, w));
		break;
	case 3:
	case 4:
		w = draw(a, &how, p);
		at(a, "receiving");
		r = judge(a, &how, chp_mpmc_recv_with(&rc->rx, &m[0], w));
		r = r == 0 ? 1 : r;
		break;
	default:
		chp_mpmc_recv_op(&op, &rc->rx, &m[0]);
		r = count(a, await(a, &op.op, p));
		r = r == 0 ? 1 : r;
	}
	CHECK((r > 0 && r <= BATCH) || r == CHP_ECLOSED || r == CHP_EAGAIN ||
	      gave_up(r));
	for (int i = 0; i < r; i++)
		take(s, rc, &m[i]);
	return r;
}

static void look(const struct stream *s, const struct receiver *rc)
{
	size_t capacity =
		s->capacity == ENDLESS ? SIZE_MAX : (size_t)s->capacity;

	CHECK(chp_mpmc_rx_max_capacity(&rc->rx) == capacity);
	CHECK(chp_mpmc_rx_capacity(&rc->rx) <= capacity);
	CHECK(chp_mpmc_rx_receiver_count(&rc->rx) >= 1);
}

static bool mpmc_serve(struct agent *a, unsigned which)
{
	struct stream *s = stream_of(a->serves);
	struct receiver rc = { { NULL }, { 0 } };
	int r = 0;

	if (which == 0 && s->left <= 0)
		replace(a, s);
	if (!get_rx(s, &rc.rx))
		return true;
	for (uint32_t n = 1 + below(a, 40); n && r != CHP_ECLOSED; n--) {
		r = receive(a, s, &rc, SOMEHOW);
		if (which == 0 && r > 0)
			s->left -= r;
		if (a->aborted)
			break;
	}
	if (chance(a, 20))
		look(s, &rc);
	chp_mpmc_rx_drop(&rc.rx);
	if (chance(a, 20))
		linger(a);
	return false;
}

/* ---- Senders ---- */

static int sent(const struct message *m, int r)
{
	CHECK(r == 0 || r == CHP_ECLOSED || r == CHP_EAGAIN || gave_up(r));
	if (r)
		value_free(message_open(m));
	return r;
}

static int send_one(struct agent *a, struct stream *s, chp_mpmc_tx *tx)
{
	struct message m = message_new(a, s->part);
	struct manner how;
	const chp_wait *w;

	if (chance(a, 30)) {
		at(a, "trying to send");
		return sent(&m, count(a, chp_mpmc_try_send(tx, &m)));
	}
	w = draw(a, &how, SOMEHOW);
	at(a, "sending");
	return sent(&m, judge(a, &how, chp_mpmc_send_with(tx, &m, w)));
}

static void send_burst(struct agent *a, struct stream *s)
{
	chp_mpmc_tx tx;

	if (!get_tx(a, s, &tx))
		return;
	for (uint32_t n = below(a, 8); n; n--)
		if (send_one(a, s, &tx) == CHP_ECLOSED)
			break;
	chp_mpmc_tx_drop(&tx);
}

/* Nobody has to send any more: not for long. */
static void receive_burst(struct agent *a, struct stream *s)
{
	struct receiver rc = { { NULL }, { 0 } };

	if (!get_rx(s, &rc.rx))
		return;
	for (uint32_t n = below(a, 5); n; n--)
		if (receive(a, s, &rc, BRIEFLY) == CHP_ECLOSED)
			break;
	chp_mpmc_rx_drop(&rc.rx);
}

static void mpmc_step(struct agent *a)
{
	if (chance(a, 70))
		send_burst(a, stream_of(a->part));
	else
		receive_burst(a, stream_of(a->part));
}

/* ---- Errands ---- */

enum { M_SEND, M_RECV, M_CLOSED };

static void mpmc_done(struct agent *a, struct errand *e, int r)
{
	struct stream *s = stream_of(e->part);

	switch (e->what) {
	case M_SEND:
		sent(&e->message, r);
		chp_mpmc_tx_drop(&e->mpmc_tx);
		a->streams &= ~s->bit;
		break;
	case M_CLOSED:
		CHECK(r == 0 || gave_up(r));
		if (r == 0)
			CHECK(chp_mpmc_is_closed(&e->mpmc_tx));
		chp_mpmc_tx_drop(&e->mpmc_tx);
		break;
	default:
		CHECK(r == 0 || r == CHP_ECLOSED || gave_up(r));
		if (r == 0)
			value_free(message_open(&e->message));
		chp_mpmc_rx_drop(&e->mpmc_rx);
	}
}

static bool send_errand(struct agent *a, struct stream *s, struct errand *e)
{
	/* See parts_mpsc.c: their order could not be checked. */
	if (a->streams & s->bit || !get_tx(a, s, &e->mpmc_tx))
		return false;
	a->streams |= s->bit;
	e->message = message_new(a, s->part);
	chp_mpmc_send_op(&e->mpmc, &e->mpmc_tx, &e->message);
	e->op = &e->mpmc.op;
	return true;
}

static bool mpmc_errand(struct agent *a, struct errand *e)
{
	struct stream *s = stream_of(e->part);

	e->done = mpmc_done;
	e->what = (int)below(a, 3);
	if (e->what == M_SEND)
		return send_errand(a, s, e);
	e->sure = false;
	if (e->what == M_CLOSED) {
		if (!get_tx(a, s, &e->mpmc_tx))
			return false;
		chp_mpmc_closed_op(&e->once, &e->mpmc_tx);
		e->op = &e->once.op;
		return true;
	}
	if (!get_rx(s, &e->mpmc_rx))
		return false;
	chp_mpmc_recv_op(&e->mpmc, &e->mpmc_rx, &e->message);
	e->op = &e->mpmc.op;
	return true;
}

/* ---- Beginning and end ---- */

static void open_stream(struct stream *s)
{
	make(s, &s->tx, &s->rx);
	chp_mpmc_downgrade(&s->tx, &s->weak);
	s->left = 100;
}

static void check_stream(const struct stream *s)
{
	AT_END(s->rx.ch || s->tx.ch || s->weak.ch, 0);
}

static void report_stream(const struct stream *s)
{
	fprintf(stderr, "  channel %ld: %zu in it, %zu free, %zu receivers\n",
		s->channels, chp_mpmc_len(&s->rx), chp_mpmc_rx_capacity(&s->rx),
		chp_mpmc_rx_receiver_count(&s->rx));
}

/* clang-format off */
#define MPMC_PART(object, stream, title) \
	static void open_##stream(void) { open_stream(&stream); } \
	static void stop_##stream(void) { stop(&stream); } \
	static void check_##stream(void) { check_stream(&stream); } \
	static void report_##stream(void) { report_stream(&stream); } \
	const struct part object = { \
		.name = title, \
		.open = open_##stream, \
		.step = mpmc_step, \
		.errand = mpmc_errand, \
		.servers = SERVERS, \
		.serve = mpmc_serve, \
		.stop = stop_##stream, \
		.check = check_##stream, \
		.report = report_##stream, \
	}

MPMC_PART(part_mpmc_zero, meeting, "mpmc of none");
MPMC_PART(part_mpmc, some, "mpmc bounded");
MPMC_PART(part_mpmc_unbounded, endless, "mpmc unbounded");
/* clang-format on */
