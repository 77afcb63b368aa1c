/*
 * parts_mpsc.c - channels to one receiver: of one place, of some, unbounded;
 * one part for each.
 *
 * A server receives.  After some hundred messages it ends the stream, in one
 * of the ways there are, and makes a new channel; senders still hold handles of
 * the old one.  Each value arrives once, or comes back to its sender, or is
 * destroyed; those of one agent arrive in the order in which it sent them.
 */
#include "stress.h"

enum { SOME = 5, TOO_LONG = 5000, BATCH = 4 };

struct stream {
	const struct part *part;
	size_t capacity; /* 0: unbounded */
	unsigned bit;    /* in agent.streams */

	chp_rwlock lock; /* guards tx, weak; tx is empty between channels */
	chp_mpsc_tx tx;
	chp_mpsc_weak weak;

	/* the server's */
	chp_mpsc_rx rx;
	unsigned left; /* messages until the stream ends; 0: it is ending */
	uint64_t last[MAX_AGENTS];
	long channels;
};

static struct stream one = { .part = &part_mpsc_one, .capacity = 1, .bit = 1 },
		     some = { .part = &part_mpsc, .capacity = SOME, .bit = 2 },
		     endless = { .part = &part_mpsc_unbounded, .bit = 4 };

static struct stream *stream_of(const struct part *p)
{
	return p == &part_mpsc_one ? &one : p == &part_mpsc ? &some : &endless;
}

/* ---- The receiver ---- */

static void new_channel(struct agent *a, struct stream *s)
{
	chp_mpsc_tx tx;

	if (s->capacity)
		CHECK_CODE(chp_mpsc_bounded(s->capacity, sizeof(struct message),
					    message_drop, &tx, &s->rx),
			   0);
	else
		CHECK_CODE(chp_mpsc_unbounded(sizeof(struct message),
					      message_drop, &tx, &s->rx),
			   0);
	s->left = 1 + below(a, 400);
	s->channels++;
	at(a, "opening a channel");
	chp_rwlock_write(&s->lock);
	chp_mpsc_weak_drop(&s->weak);
	chp_mpsc_downgrade(&tx, &s->weak);
	/* After stop() nobody would drop it. */
	if (closing())
		chp_mpsc_tx_drop(&tx);
	s->tx = tx;
	chp_rwlock_write_unlock(&s->lock);
}

static void drop_tx(struct stream *s)
{
	chp_mpsc_tx tx;

	chp_rwlock_write(&s->lock);
	tx = s->tx;
	memset(&s->tx, 0, sizeof(s->tx));
	chp_rwlock_write_unlock(&s->lock);
	chp_mpsc_tx_drop(&tx);
}

static void take(struct agent *a, struct stream *s, const struct message *m)
{
	struct value *v = message_open(m);

	CHECK(v->part == s->part && v->maker < MAX_AGENTS);
	CHECK(v->sequence > s->last[v->maker]);
	s->last[v->maker] = v->sequence;
	value_free(v);
	if (s->left > 1)
		s->left--;
	else if (s->left == 1 && chance(a, 50))
		chp_yield();
}

static int receive_some(struct agent *a, struct stream *s)
{
	struct message m[BATCH];
	chp_recv_op op;
	struct manner how;
	const chp_wait *w;
	int r;

	switch (below(a, 6)) {
	case 0:
		r = count(a, chp_mpsc_try_recv(&s->rx, &m[0]));
		break;
	case 1:
		chp_mpsc_recv_many_op(&op, &s->rx, m, BATCH);
		r = count(a, await(a, &op.op, SOMEHOW));
		break;
	case 2:
		w = draw(a, &how, SOMEHOW);
		at(a, "receiving many");
		r = judge(a, &how,
			  chp_mpsc_recv_many_with(&s->rx, m, BATCH, w));
		break;
	case 3:
		w = draw(a, &how, SOMEHOW);
		at(a, "receiving");
		r = judge(a, &how, chp_mpsc_recv_with(&s->rx, &m[0], w));
		r = r == 0 ? 1 : r;
		break;
	default:
		chp_mpsc_recv_op(&op, &s->rx, &m[0]);
		r = count(a, await(a, &op.op, SOMEHOW));
	}
	r = r == 0 ? 1 : r;
	CHECK(r <= BATCH);
	for (int i = 0; i < r; i++)
		take(a, s, &m[i]);
	return r;
}

/* From now on the stream is to end: by what senders do, or we. */
static void begin_to_end(struct agent *a, struct stream *s)
{
	s->left = 0;
	at(a, "ending the stream");
	switch (below(a, 4)) {
	case 0:
		drop_tx(s);
		break;
	case 1:
		chp_mpsc_close(&s->rx);
		drop_tx(s);
		break;
	case 2:
		drop_tx(s);
		dither(a);
		chp_mpsc_close(&s->rx);
		break;
	default:
		chp_mpsc_rx_drop(&s->rx);
		drop_tx(s);
	}
}

static void look(struct stream *s)
{
	size_t capacity = s->capacity ? s->capacity : SIZE_MAX;

	CHECK(chp_mpsc_rx_max_capacity(&s->rx) == capacity);
	CHECK(chp_mpsc_rx_capacity(&s->rx) <= capacity);
	CHECK(chp_mpsc_len(&s->rx) <= capacity);
	CHECK(chp_mpsc_rx_weak_count(&s->rx) >= 1);
}

static bool mpsc_serve(struct agent *a, unsigned which)
{
	struct stream *s = stream_of(a->serves);
	int r;

	(void)which;
	if (!s->rx.ch) {
		if (closing())
			return true;
		new_channel(a, s);
	}
	if (s->left > 1 && chance(a, 5))
		look(s);
	r = receive_some(a, s);
	if (r == CHP_ECLOSED) {
		CHECK(s->left == 0 || closing());
		chp_mpsc_rx_drop(&s->rx);
	} else if (s->left == 1) {
		begin_to_end(a, s);
	}
	if (chance(a, 5))
		linger(a);
	return false;
}

/* ---- Senders ---- */

/* A handle on the present channel; false: there is none just now. */
static bool get_tx(struct agent *a, struct stream *s, chp_mpsc_tx *tx)
{
	int r = 0;

	if (values_out(s->part) > TOO_LONG)
		return false;
	chp_rwlock_read(&s->lock);
	if (chance(a, 30))
		r = chp_mpsc_upgrade(&s->weak, tx);
	else
		chp_mpsc_tx_clone(&s->tx, tx);
	chp_rwlock_read_unlock(&s->lock);
	CHECK(r == 0 || r == CHP_ECLOSED || r == CHP_EINVAL);
	return r == 0 && tx->ch;
}

/* What a send has come to: who did not get rid of the value has it. */
static int sent(const struct message *m, int r)
{
	CHECK(r == 0 || r == CHP_ECLOSED || r == CHP_EAGAIN || gave_up(r));
	if (r)
		value_free(message_open(m));
	return r;
}

/* Through places that were reserved: it cannot fail. */
static void fill(struct agent *a, struct stream *s, chp_mpsc_permit *place)
{
	linger(a);
	while (place->count && !chance(a, 10)) {
		struct message m = message_new(a, s->part);

		CHECK_CODE(chp_mpsc_permit_send(place, &m), 0);
	}
	chp_mpsc_permit_drop(place);
}

static void fill_owned(struct agent *a, struct stream *s,
		       chp_mpsc_owned_permit *place, chp_mpsc_tx *tx)
{
	struct message m;

	linger(a);
	if (chance(a, 20)) {
		chp_mpsc_owned_permit_release(place, chance(a, 50) ? tx : NULL);
		return;
	}
	m = message_new(a, s->part);
	CHECK_CODE(chp_mpsc_owned_permit_send(place, &m,
					      chance(a, 50) ? tx : NULL),
		   0);
}

/* ---- Errands ---- */

enum { S_SEND, S_SEND_TOO, S_RESERVE, S_OWNED, S_CLOSED };

static void mpsc_done(struct agent *a, struct errand *e, int r)
{
	struct stream *s = stream_of(e->part);

	CHECK(r == 0 || r == CHP_ECLOSED || gave_up(r));
	switch (e->what) {
	case S_RESERVE:
		if (r == 0)
			fill(a, s, &e->place);
		CHECK(e->place.count == 0);
		break;
	case S_OWNED:
		CHECK(!e->tx.ch == (r == 0));
		if (r == 0)
			fill_owned(a, s, &e->owned_place, &e->tx);
		break;
	case S_CLOSED:
		if (r == 0)
			CHECK(chp_mpsc_is_closed(&e->tx) == 1);
		break;
	default:
		sent(&e->message, r);
	}
	chp_mpsc_tx_drop(&e->tx);
	a->streams &= ~s->bit;
}

/*
 * An agent has one errand at a time with each channel: of two sends that wait
 * together nobody can say which comes first.
 */
static bool mpsc_errand(struct agent *a, struct errand *e)
{
	struct stream *s = stream_of(e->part);

	if (a->streams & s->bit || !get_tx(a, s, &e->tx))
		return false;
	a->streams |= s->bit;
	e->what = (int)below(a, 5);
	if (!s->capacity && (e->what == S_RESERVE || e->what == S_OWNED))
		e->what = S_SEND;
	e->done = mpsc_done;
	memset(&e->place, 0, sizeof(e->place));
	switch (e->what) {
	case S_RESERVE:
		chp_mpsc_reserve_many_op(&e->send, &e->tx,
					 below(a, (uint32_t)s->capacity + 1),
					 &e->place);
		e->op = &e->send.op;
		break;
	case S_OWNED:
		chp_mpsc_reserve_owned_op(&e->reserve_owned, &e->tx,
					  &e->owned_place);
		e->op = &e->reserve_owned.op;
		break;
	case S_CLOSED:
		chp_mpsc_closed_op(&e->closed, &e->tx);
		e->op = &e->closed.op;
		e->sure = false;
		break;
	default:
		e->message = message_new(a, s->part);
		chp_mpsc_send_op(&e->send, &e->tx, &e->message);
		e->op = &e->send.op;
	}
	return true;
}

/* ---- Steps ---- */

static int send_one(struct agent *a, struct stream *s, chp_mpsc_tx *tx)
{
	struct message m = message_new(a, s->part);
	struct manner how;
	const chp_wait *w;

	if (chance(a, 30)) {
		at(a, "trying to send");
		return sent(&m, count(a, chp_mpsc_try_send(tx, &m)));
	}
	w = draw(a, &how, SOMEHOW);
	at(a, "sending");
	return sent(&m, judge(a, &how, chp_mpsc_send_with(tx, &m, w)));
}

static void send_burst(struct agent *a, struct stream *s, chp_mpsc_tx *tx)
{
	for (uint32_t n = below(a, 8); n; n--)
		if (send_one(a, s, tx) == CHP_ECLOSED)
			break;
}

static void reserve(struct agent *a, struct stream *s, chp_mpsc_tx *tx)
{
	chp_mpsc_permit place;
	size_t n = below(a, (uint32_t)s->capacity + 1);
	struct manner how;
	const chp_wait *w;
	int r;

	at(a, "reserving");
	if (chance(a, 30)) {
		r = count(a, chp_mpsc_try_reserve_many(tx, n, &place));
	} else {
		w = draw(a, &how, SOMEHOW);
		r = judge(a, &how,
			  chp_mpsc_reserve_many_with(tx, n, &place, w));
	}
	CHECK(place.count == (r == 0 ? n : 0));
	if (r == 0)
		fill(a, s, &place);
}

static void reserve_owned(struct agent *a, struct stream *s, chp_mpsc_tx *tx)
{
	chp_mpsc_owned_permit place;
	struct manner how;
	const chp_wait *w;
	int r;

	at(a, "reserving an owned place");
	if (chance(a, 30)) {
		r = count(a, chp_mpsc_try_reserve_owned(tx, &place));
	} else {
		w = draw(a, &how, SOMEHOW);
		r = judge(a, &how, chp_mpsc_reserve_owned_with(tx, &place, w));
	}
	CHECK(!tx->ch == (r == 0));
	if (r == 0)
		fill_owned(a, s, &place, tx);
}

static void compare(struct stream *s, chp_mpsc_tx *tx)
{
	chp_mpsc_tx other;
	chp_mpsc_weak weak, too;

	chp_mpsc_tx_clone(tx, &other);
	chp_mpsc_downgrade(&other, &weak);
	CHECK(chp_mpsc_same_channel(tx, &other));
	CHECK(chp_mpsc_strong_count(tx) >= 2);
	chp_mpsc_tx_drop(&other);
	chp_mpsc_weak_clone(&weak, &too);
	chp_mpsc_weak_drop(&weak);
	CHECK(chp_mpsc_weak_count(tx) >= 1);
	CHECK_CODE(chp_mpsc_upgrade(&too, &other), 0);
	CHECK(chp_mpsc_same_channel(tx, &other));
	CHECK(chp_mpsc_max_capacity(tx) ==
	      (s->capacity ? s->capacity : SIZE_MAX));
	chp_mpsc_tx_drop(&other);
	chp_mpsc_weak_drop(&too);
}

static void mpsc_step(struct agent *a)
{
	struct stream *s = stream_of(a->part);
	chp_mpsc_tx tx;

	if (!get_tx(a, s, &tx))
		return;
	switch (below(a, 8)) {
	case 0:
	case 1:
		if (s->capacity) {
			reserve(a, s, &tx);
			break;
		}
		/* fallthrough */
	case 2:
		if (s->capacity) {
			reserve_owned(a, s, &tx);
			break;
		}
		/* fallthrough */
	case 3:
		compare(s, &tx);
		break;
	default:
		send_burst(a, s, &tx);
	}
	chp_mpsc_tx_drop(&tx);
}

static void check_stream(struct stream *s)
{
	AT_END(s->rx.ch != NULL, 0);
	AT_END(s->tx.ch != NULL, 0);
	AT_END(s->channels > 0, 1);
	chp_mpsc_weak_drop(&s->weak);
}

static void report_stream(struct stream *s)
{
	fprintf(stderr, "  channel %ld: %zu in it, %zu free, %u to come\n",
		s->channels, chp_mpsc_len(&s->rx), chp_mpsc_rx_capacity(&s->rx),
		s->left);
}

/* clang-format off */
#define MPSC_PART(object, stream, title) \
	static void stop_##stream(void) { drop_tx(&stream); } \
	static void check_##stream(void) { check_stream(&stream); } \
	static void report_##stream(void) { report_stream(&stream); } \
	const struct part object = { \
		.name = title, \
		.step = mpsc_step, \
		.errand = mpsc_errand, \
		.servers = 1, \
		.serve = mpsc_serve, \
		.stop = stop_##stream, \
		.check = check_##stream, \
		.report = report_##stream, \
	}

MPSC_PART(part_mpsc_one, one, "mpsc of one");
MPSC_PART(part_mpsc, some, "mpsc bounded");
MPSC_PART(part_mpsc_unbounded, endless, "mpsc unbounded");
/* clang-format on */
