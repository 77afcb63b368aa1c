/*
 * parts_watch.c - a value that is only ever counted up, by modifying it, and
 * one that anybody replaces; borrowed, waited for, refused.
 *
 * Values own something, are cloned and destroyed.  The server changes both all
 * the time, and now and then makes new channels.
 */
#include "stress.h"

static chp_rwlock lock; /* guards all four; empty between channels */
static chp_watch_tx counter, news;
static chp_watch_rx counter_rx, news_rx;
static long left, channels; /* the server's */

static int clone(void *to, const void *from)
{
	const struct message *m = from;
	struct value *v = message_open(m);
	struct message out = *m;

	out.value = value_new(v->part, v->maker, v->sequence);
	message_sign(&out);
	*(struct message *)to = out;
	return 0;
}

static const chp_watch_values values = { .clone = clone, .drop = message_drop };

static struct message first_message(uint64_t sequence)
{
	struct message m = { .value = value_new(&part_watch, 0, sequence),
			     .sequence = sequence };

	message_sign(&m);
	return m;
}

/* ---- Modifying: a clone is counted up ---- */

static void count_up(void *message, void *arg)
{
	struct message *m = message;

	(void)arg;
	message_open(m)->sequence++;
	m->sequence++;
	message_sign(m);
}

static int count_up_silently(void *message, void *arg)
{
	count_up(message, arg);
	return arg != NULL;
}

/* ---- The server ---- */

static void new_channels(struct agent *a)
{
	struct message one = first_message(1), two = first_message(1);
	chp_watch_tx tx[2];
	chp_watch_rx rx[2];

	CHECK_CODE(chp_watch(sizeof(one), &values, &one, &tx[0], &rx[0]), 0);
	CHECK_CODE(chp_watch(sizeof(two), &values, &two, &tx[1], &rx[1]), 0);
	at(a, "opening channels");
	chp_rwlock_write(&lock);
	if (closing())
		for (int i = 0; i < 2; i++) {
			chp_watch_tx_drop(&tx[i]);
			chp_watch_rx_drop(&rx[i]);
		}
	counter = tx[0];
	counter_rx = rx[0];
	news = tx[1];
	news_rx = rx[1];
	chp_rwlock_write_unlock(&lock);
	left = 100 + below(a, 400);
	channels++;
}

static void drop_channels(void)
{
	chp_watch_tx tx[2];
	chp_watch_rx rx[2];

	chp_rwlock_write(&lock);
	tx[0] = counter;
	tx[1] = news;
	rx[0] = counter_rx;
	rx[1] = news_rx;
	memset(&counter, 0, sizeof(counter));
	memset(&news, 0, sizeof(news));
	memset(&counter_rx, 0, sizeof(counter_rx));
	memset(&news_rx, 0, sizeof(news_rx));
	chp_rwlock_write_unlock(&lock);
	for (int i = 0; i < 2; i++) {
		chp_watch_tx_drop(&tx[i]);
		chp_watch_rx_drop(&rx[i]);
	}
}

static bool get_tx(const chp_watch_tx *from, chp_watch_tx *tx)
{
	chp_rwlock_read(&lock);
	chp_watch_tx_clone(from, tx);
	chp_rwlock_read_unlock(&lock);
	return tx->ch != NULL;
}

static bool get_rx(struct agent *a, const chp_watch_rx *from, chp_watch_rx *rx)
{
	chp_rwlock_read(&lock);
	if (from->ch && chance(a, 30))
		chp_watch_subscribe(from == &news_rx ? &news : &counter, rx);
	else
		chp_watch_rx_clone(from, rx);
	chp_rwlock_read_unlock(&lock);
	return rx->ch != NULL;
}

static void change_counter(struct agent *a)
{
	chp_watch_tx tx;
	bool tell = chance(a, 60);

	at(a, "counting up");
	if (!get_tx(&counter, &tx))
		return;
	if (chance(a, 60))
		CHECK_CODE(chp_watch_send_modify(&tx, count_up, NULL), 0);
	else
		CHECK_CODE(chp_watch_send_if_modified(&tx, count_up_silently,
						      tell ? &tx : NULL),
			   tell);
	count(a, 0);
	chp_watch_tx_drop(&tx);
}

static void change_news(struct agent *a)
{
	struct message m;
	chp_watch_ref old;
	chp_watch_tx tx;
	int r;

	at(a, "sending news");
	if (!get_tx(&news, &tx))
		return;
	m = message_new(a, &part_watch);
	switch (below(a, 3)) {
	case 0:
		r = chp_watch_send_replace(&tx, &m, &old);
		CHECK_CODE(r, 0);
		message_open(old.value);
		linger(a);
		chp_watch_ref_release(&old);
		break;
	case 1:
		r = chp_watch_send_replace(&tx, &m, NULL);
		CHECK_CODE(r, 0);
		break;
	default:
		r = chp_watch_send(&tx, &m);
		if (r)
			value_free(message_open(&m));
	}
	CHECK(r == 0 || r == CHP_ECLOSED);
	count(a, r);
	chp_watch_tx_drop(&tx);
}

static bool watch_serve(struct agent *a, unsigned which)
{
	chp_sleep_op sleep;

	(void)which;
	if (closing())
		return true;
	if (left == 0)
		new_channels(a);
	change_counter(a);
	change_news(a);
	if (--left == 0)
		drop_channels();
	chp_sleep_until_op(&sleep, chp_in(below(a, 300) * CHP_US));
	await(a, &sleep.op, BRIEFLY);
	return false;
}

/* ---- Receivers ---- */

static int is_third(const void *message, void *arg)
{
	(void)arg;
	return message_open(message)->sequence % 3 == 0;
}

/* Borrow it for a while: it stays what it is. */
static void look(struct agent *a, chp_watch_ref *ref, uint64_t *last)
{
	const struct message *m = ref->value;
	uint64_t sequence = message_open(m)->sequence;

	if (last) {
		CHECK(sequence >= *last);
		*last = sequence;
	}
	linger(a);
	CHECK(message_open(m)->sequence == sequence);
	chp_watch_ref_release(ref);
}

static void borrow(struct agent *a, chp_watch_rx *rx, uint64_t *last)
{
	struct message m;
	chp_watch_ref ref;

	if (chance(a, 20)) {
		CHECK_CODE(chp_watch_get_and_update(rx, &m), 0);
		value_free(message_open(&m));
		return;
	}
	CHECK_CODE(chance(a, 50) ? chp_watch_borrow(rx, &ref)
				 : chp_watch_borrow_and_update(rx, &ref),
		   0);
	look(a, &ref, last);
}

static int wait_for_change(struct agent *a, chp_watch_rx *rx, uint64_t *last)
{
	struct manner m;
	const chp_wait *w = draw(a, &m, SOMEHOW);
	chp_watch_ref ref;
	int r;

	if (chance(a, 30)) {
		at(a, "waiting for a third");
		r = judge(a, &m,
			  chp_watch_wait_for_with(rx, is_third, NULL, &ref, w));
		if (r == 0) {
			CHECK(is_third(ref.value, NULL));
			look(a, &ref, last);
		}
	} else {
		at(a, "waiting for a change");
		r = judge(a, &m, chp_watch_changed_with(rx, w));
		if (r == 0)
			borrow(a, rx, last);
	}
	CHECK(r == 0 || r == CHP_ECLOSED || gave_up(r));
	return r;
}

static void watch(struct agent *a)
{
	bool counts = chance(a, 60);
	uint64_t last = 0;
	chp_watch_rx rx;
	int r = 0;

	if (!get_rx(a, counts ? &counter_rx : &news_rx, &rx))
		return;
	for (uint32_t n = below(a, 6); n && r != CHP_ECLOSED; n--) {
		if (chance(a, 10))
			chp_watch_mark_changed(&rx);
		else if (chance(a, 10))
			chp_watch_mark_unchanged(&rx);
		r = wait_for_change(a, &rx, counts ? &last : NULL);
	}
	borrow(a, &rx, counts ? &last : NULL);
	chp_watch_rx_drop(&rx);
}

static void wait_till_unwatched(struct agent *a)
{
	chp_watch_tx tx;
	struct manner m;
	const chp_wait *w;
	int r;

	if (!get_tx(&news, &tx))
		return;
	w = draw(a, &m, BRIEFLY);
	at(a, "waiting for no receiver");
	r = judge(a, &m, chp_watch_closed_with(&tx, w));
	CHECK(r == 0 || gave_up(r));
	chp_watch_tx_drop(&tx);
}

static void watch_step(struct agent *a)
{
	switch (below(a, 8)) {
	case 0:
		change_counter(a);
		break;
	case 1:
	case 2:
		change_news(a);
		break;
	case 3:
		wait_till_unwatched(a);
		break;
	default:
		watch(a);
	}
}

/* ---- Errands ---- */

static void watch_done(struct agent *a, struct errand *e, int r)
{
	CHECK(r == 0 || r == CHP_ECLOSED || gave_up(r));
	if (e->what && r == 0)
		look(a, &e->watch_ref, NULL);
	else
		borrow(a, &e->watch_rx, NULL);
	chp_watch_rx_drop(&e->watch_rx);
}

static bool watch_errand(struct agent *a, struct errand *e)
{
	if (!get_rx(a, chance(a, 50) ? &counter_rx : &news_rx, &e->watch_rx))
		return false;
	e->what = chance(a, 40);
	if (e->what)
		chp_watch_wait_for_op(&e->watch, &e->watch_rx, is_third, NULL,
				      &e->watch_ref);
	else
		chp_watch_changed_op(&e->watch, &e->watch_rx);
	e->op = &e->watch.op;
	e->done = watch_done;
	return true;
}

static void watch_check(void)
{
	AT_END(counter.ch != NULL, 0);
	AT_END(news.ch != NULL, 0);
}

static void watch_report(void)
{
	fprintf(stderr, "  %ld channels, %ld changes left\n", channels, left);
}

const struct part part_watch = {
	.name = "watch",
	.step = watch_step,
	.errand = watch_errand,
	.servers = 1,
	.serve = watch_serve,
	.stop = drop_channels,
	.check = watch_check,
	.report = watch_report,
};
