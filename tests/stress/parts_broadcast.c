/*
 * parts_broadcast.c - a channel whose values are copied bytes, sent by the
 * server alone, and one whose values are owned, sent by everybody.
 *
 * The server numbers what it sends on the first: so a receiver can check that
 * it misses exactly as many as it is told.  Of the second, each receiver gets
 * a sender's values in order, and every clone is destroyed.  After some
 * hundred values the server ends both, and makes new ones.
 */
#include "stress.h"

enum { ROOM = 4, BATCH = 3 };

static chp_rwlock lock; /* guards both tx; empty between channels */
static chp_broadcast_tx numbered, owned;
static long left, channels; /* the server's */

/* ---- Values ---- */

struct number {
	uint64_t n, check;
};

static int clone(void *to, const void *from)
{
	const struct message *m = from;
	struct value *v = message_open(m), *copy;
	struct message out = *m;

	copy = value_new(v->part, v->maker, v->sequence);
	out.value = copy;
	message_sign(&out);
	*(struct message *)to = out;
	return 0;
}

static const chp_broadcast_values values = { .clone = clone,
					     .drop = message_drop };

/* ---- The server ---- */

static void new_channels(struct agent *a)
{
	chp_broadcast_tx one, two;

	CHECK_CODE(
		chp_broadcast_tx_new(ROOM, sizeof(struct number), NULL, &one),
		0);
	CHECK_CODE(chp_broadcast_tx_new(1 + below(a, ROOM),
					sizeof(struct message), &values, &two),
		   0);
	at(a, "opening channels");
	chp_rwlock_write(&lock);
	if (closing()) {
		chp_broadcast_tx_drop(&one);
		chp_broadcast_tx_drop(&two);
	}
	numbered = one;
	owned = two;
	chp_rwlock_write_unlock(&lock);
	left = 100 + below(a, 400);
	channels++;
}

static void drop_channels(void)
{
	chp_broadcast_tx one, two;

	chp_rwlock_write(&lock);
	one = numbered;
	two = owned;
	memset(&numbered, 0, sizeof(numbered));
	memset(&owned, 0, sizeof(owned));
	chp_rwlock_write_unlock(&lock);
	chp_broadcast_tx_drop(&one);
	chp_broadcast_tx_drop(&two);
}

static void send_owned(struct agent *a, chp_broadcast_tx *tx)
{
	struct message m = message_new(a, &part_broadcast);
	int r = chp_broadcast_send(tx, &m);

	CHECK(r > 0 || r == CHP_ECLOSED);
	if (count(a, r) < 0)
		value_free(message_open(&m));
}

/* Under the lock for reading: the handle is the part's own. */
static void send_next(struct agent *a)
{
	static struct number next;
	int r;

	chp_rwlock_read(&lock);
	if (numbered.ch) {
		next.n++;
		next.check = ~next.n;
		r = count(a, chp_broadcast_send(&numbered, &next));
		/* Nobody is there to miss it. */
		if (r == CHP_ECLOSED)
			next.n--;
	}
	chp_rwlock_read_unlock(&lock);
}

static bool broadcast_serve(struct agent *a, unsigned which)
{
	chp_broadcast_tx tx;
	chp_sleep_op sleep;

	(void)which;
	if (closing())
		return true;
	if (left == 0)
		new_channels(a);
	for (uint32_t n = below(a, 4); n; n--) {
		at(a, "sending");
		send_next(a);
		chp_rwlock_read(&lock);
		chp_broadcast_tx_clone(&owned, &tx);
		chp_rwlock_read_unlock(&lock);
		if (tx.ch)
			send_owned(a, &tx);
		chp_broadcast_tx_drop(&tx);
	}
	if (--left == 0)
		drop_channels();
	chp_sleep_until_op(&sleep, chp_in(below(a, 300) * CHP_US));
	await(a, &sleep.op, BRIEFLY);
	return false;
}

/* ---- Receivers ---- */

struct listener {
	chp_broadcast_rx rx;
	bool owned;
	struct number last;        /* of the numbered */
	uint64_t seen[MAX_AGENTS]; /* of the owned: by maker */
	union {
		struct number numbers[BATCH];
		struct message messages[BATCH];
	};
	uint64_t missed;
};

static bool subscribe(struct agent *a, struct listener *l)
{
	const chp_broadcast_tx *tx;
	int r;

	memset(l, 0, sizeof(*l));
	l->owned = chance(a, 50);
	chp_rwlock_read(&lock);
	tx = l->owned ? &owned : &numbered;
	r = chance(a, 70) ? chp_broadcast_subscribe(tx, &l->rx)
			  : chp_broadcast_subscribe_from_oldest(tx, &l->rx);
	chp_rwlock_read_unlock(&lock);
	CHECK(r == 0 || r == CHP_EINVAL);
	return r == 0;
}

static void hear_number(struct listener *l, const struct number *n)
{
	CHECK(n->check == ~n->n);
	CHECK(!l->last.n || n->n == l->last.n + 1);
	l->last = *n;
}

static void hear_message(struct listener *l, const struct message *m)
{
	struct value *v = message_open(m);

	CHECK(v->maker < MAX_AGENTS && v->sequence > l->seen[v->maker]);
	l->seen[v->maker] = v->sequence;
	value_free(v);
}

/* A receive has said this; n: how many that was, if it succeeded. */
static void heard(struct listener *l, int r, int n)
{
	if (r == CHP_ELAGGED) {
		CHECK(l->missed > 0);
		CHECK(chp_broadcast_lagged(&l->rx) == l->missed);
		if (l->last.n)
			l->last.n += l->missed;
		return;
	}
	CHECK(r >= 0 || r == CHP_ECLOSED || r == CHP_EAGAIN || gave_up(r));
	for (int i = 0; r >= 0 && i < n; i++) {
		if (l->owned)
			hear_message(l, &l->messages[i]);
		else
			hear_number(l, &l->numbers[i]);
	}
}

static int listen_once(struct agent *a, struct listener *l)
{
	struct manner m;
	const chp_wait *w;
	chp_broadcast_op op;
	int r, n = 1;

	switch (below(a, 4)) {
	case 0:
		at(a, "trying to receive");
		r = count(a, chp_broadcast_try_recv(&l->rx, l->messages,
						    &l->missed));
		break;
	case 1:
		w = draw(a, &m, SOMEHOW);
		at(a, "receiving");
		r = judge(a, &m,
			  chp_broadcast_recv_with(&l->rx, l->messages,
						  &l->missed, w));
		break;
	case 2:
		w = draw(a, &m, SOMEHOW);
		at(a, "receiving many");
		r = judge(a, &m,
			  chp_broadcast_recv_many_with(&l->rx, l->messages,
						       BATCH, &l->missed, w));
		n = r;
		break;
	default:
		chp_broadcast_recv_op(&op, &l->rx, l->messages, &l->missed);
		r = count(a, await(a, &op.op, SOMEHOW));
	}
	heard(l, r, n);
	return r;
}

static void listen_for_a_while(struct agent *a)
{
	struct listener l;
	chp_broadcast_rx other;

	if (!subscribe(a, &l))
		return;
	for (uint32_t n = below(a, 12); n; n--) {
		if (chance(a, 20))
			linger(a);
		if (listen_once(a, &l) == CHP_ECLOSED)
			break;
	}
	if (chance(a, 20)) {
		CHECK_CODE(chp_broadcast_resubscribe(&l.rx, &other), 0);
		CHECK(chp_broadcast_rx_same_channel(&l.rx, &other));
		chp_broadcast_rx_drop(&other);
	}
	chp_broadcast_rx_drop(&l.rx);
}

/* ---- Senders ---- */

static void send_some(struct agent *a)
{
	chp_broadcast_tx tx;
	chp_broadcast_weak weak;
	struct manner m;
	const chp_wait *w;

	chp_rwlock_read(&lock);
	chp_broadcast_tx_clone(&owned, &tx);
	chp_rwlock_read_unlock(&lock);
	if (!tx.ch)
		return;
	at(a, "sending");
	for (uint32_t n = below(a, 6); n; n--)
		send_owned(a, &tx);
	if (chance(a, 20)) {
		w = draw(a, &m, BRIEFLY);
		at(a, "waiting for no receiver");
		judge(a, &m, chp_broadcast_closed_with(&tx, w));
	}
	chp_broadcast_downgrade(&tx, &weak);
	chp_broadcast_tx_drop(&tx);
	if (chp_broadcast_upgrade(&weak, &tx) == 0) {
		send_owned(a, &tx);
		chp_broadcast_tx_drop(&tx);
	}
	chp_broadcast_weak_drop(&weak);
}

static void broadcast_step(struct agent *a)
{
	if (chance(a, 60))
		listen_for_a_while(a);
	else
		send_some(a);
}

/* ---- Errands ---- */

static void broadcast_done(struct agent *a, struct errand *e, int r)
{
	struct listener *l = e->object;

	(void)a;
	heard(l, r, 1);
	chp_broadcast_rx_drop(&l->rx);
	free(l);
}

static bool broadcast_errand(struct agent *a, struct errand *e)
{
	struct listener *l = malloc(sizeof(*l));

	if (!subscribe(a, l)) {
		free(l);
		return false;
	}
	e->object = l;
	chp_broadcast_recv_op(&e->broadcast, &l->rx, l->messages, &l->missed);
	e->op = &e->broadcast.op;
	e->done = broadcast_done;
	return true;
}

static void broadcast_check(void)
{
	AT_END(numbered.ch != NULL, 0);
	AT_END(owned.ch != NULL, 0);
}

static void broadcast_report(void)
{
	fprintf(stderr, "  %ld channels, %ld sends left\n", channels, left);
}

const struct part part_broadcast = {
	.name = "broadcast",
	.step = broadcast_step,
	.errand = broadcast_errand,
	.servers = 1,
	.serve = broadcast_serve,
	.stop = drop_channels,
	.check = broadcast_check,
	.report = broadcast_report,
};
