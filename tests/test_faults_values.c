/*
 * test_faults_values.c - channels and counted objects while memory runs out:
 * every value that was given away is received or destroyed, once, and one that
 * was not taken is still the caller's.
 */
#include "faults.h"

#include <stdatomic.h>

/* Values that are somewhere. */
static atomic_int alive;

struct value {
	int number;
	char bulk[60];
};

static void drop(void *value)
{
	(void)value;
	alive--;
}

static int copy(void *to, const void *from)
{
	memcpy(to, from, sizeof(struct value));
	alive++;
	return 0;
}

static struct value make(int number)
{
	struct value v = { .number = number };

	alive++;
	return v;
}

/* Each test begins and ends without any. */
static int settled(int r)
{
	CHECK_EQ(alive, 0);
	return r;
}

/* What was not taken is dropped by us. */
static int given(int r, struct value *v)
{
	if (r < 0)
		drop(v);
	return r;
}

/* Received: it is the one that we expect, and now ours to drop. */
static void got(int r, struct value *v, int number)
{
	CHECK_CODE(r, 0);
	CHECK_EQ(v->number, number);
	drop(v);
}

/* ---- Oneshot ---- */

static int one_value(bool received)
{
	struct value v;
	chp_oneshot_tx tx;
	chp_oneshot_rx rx;
	int r = chp_oneshot(sizeof(v), drop, &tx, &rx);

	if (r)
		return r;
	v = make(1);
	CHECK_CODE(chp_oneshot_send(&tx, &v), 0);
	if (received)
		got(chp_oneshot_recv(&rx, &v), &v, 1);
	else
		chp_oneshot_rx_drop(&rx);
	return 0;
}

static int oneshots(void)
{
	int r = one_value(true);

	return settled(r ? r : one_value(false));
}

/* ---- Mpsc ---- */

/* Blocks hold some thirty values; half of them are never received. */
static int through_mpsc(size_t capacity)
{
	enum { VALUES = 200 };
	struct value v;
	chp_mpsc_tx tx;
	chp_mpsc_rx rx;
	int sent = 0;
	int r = capacity ? chp_mpsc_bounded(capacity, sizeof(v), drop, &tx, &rx)
			 : chp_mpsc_unbounded(sizeof(v), drop, &tx, &rx);

	if (r)
		return r;
	while (r == 0 && sent < VALUES) {
		v = make(sent);
		r = given(chp_mpsc_send(&tx, &v), &v);
		sent += r == 0;
	}
	/* The channel works on. */
	v = make(sent);
	sent += given(chp_mpsc_try_send(&tx, &v), &v) == 0;
	CHECK_EQ(chp_mpsc_len(&rx), sent);
	for (int i = 0; i < sent / 2; i++)
		got(chp_mpsc_recv(&rx, &v), &v, i);
	chp_mpsc_tx_drop(&tx);
	chp_mpsc_rx_drop(&rx);
	return r;
}

static int mpscs(void)
{
	int r = through_mpsc(0);

	return settled(r ? r : through_mpsc(300));
}

/* ---- Mpmc ---- */

struct large {
	struct value value;
	char more[500];
};

/* Every second message goes to the destructor, by way of the heap. */
static int through_mpmc(bool bounded)
{
	enum { VALUES = 40 };
	struct large m = { .more = "" };
	chp_mpmc_tx tx;
	chp_mpmc_rx rx;
	int sent = 0, left;
	int r = bounded ? chp_mpmc_bounded(VALUES, sizeof(m), drop, &tx, &rx)
			: chp_mpmc_unbounded(sizeof(m), drop, &tx, &rx);

	if (r)
		return r;
	while (r == 0 && sent < VALUES) {
		m.value = make(sent);
		r = given(chp_mpmc_send(&tx, &m), &m.value);
		sent += r == 0;
	}
	for (left = sent; r == 0 && left >= 4; left -= 2) {
		got(chp_mpmc_recv(&rx, &m), &m.value, sent - left);
		r = chp_mpmc_recv(&rx, NULL);
		left += r != 0;
	}
	CHECK_EQ(chp_mpmc_len(&rx), left);
	chp_mpmc_tx_drop(&tx);
	chp_mpmc_rx_drop(&rx);
	return r;
}

static int mpmcs(void)
{
	int r = through_mpmc(false);

	return settled(r ? r : through_mpmc(true));
}

/* ---- Broadcast ---- */

static int through_broadcast(void)
{
	enum { VALUES = 6 };
	static const chp_broadcast_values values = { .clone = copy,
						     .drop = drop };
	struct value v;
	chp_broadcast_tx tx;
	chp_broadcast_rx rx, slow;
	int sent = 0;
	int r = chp_broadcast(4, sizeof(v), &values, &tx, &rx);

	if (r)
		return r;
	CHECK_CODE(chp_broadcast_subscribe(&tx, &slow), 0);
	while (r == 0 && sent < VALUES) {
		v = make(sent);
		r = given(chp_broadcast_send(&tx, &v), &v);
		if (r < 0)
			break;
		CHECK_EQ(r, 2);
		got(chp_broadcast_recv(&rx, &v, NULL), &v, sent++);
		r = 0;
	}
	chp_broadcast_tx_drop(&tx);
	chp_broadcast_rx_drop(&rx);
	chp_broadcast_rx_drop(&slow);
	return r;
}

static int broadcasts(void)
{
	return settled(through_broadcast());
}

/* ---- Watch ---- */

static void step(void *value, void *arg)
{
	(void)arg;
	((struct value *)value)->number++;
}

/* Each version stays borrowed, so that the next needs memory. */
static int change_borrowed(chp_watch_tx *tx, chp_watch_rx *rx)
{
	enum { VERSIONS = 6 };
	chp_watch_ref refs[VERSIONS], old = { .value = NULL };
	struct value v;
	int n, now = 0, r = 0;

	for (n = 0; r == 0 && n < VERSIONS; n++) {
		CHECK_CODE(chp_watch_borrow_and_update(rx, &refs[n]), 0);
		CHECK_EQ(((const struct value *)refs[n].value)->number, now);
		if (n % 3 == 0) {
			r = chp_watch_send_modify(tx, step, NULL);
		} else {
			v = make(now + 1);
			r = n % 3 == 1 ? chp_watch_send(tx, &v)
				       : chp_watch_send_replace(tx, &v, &old);
			given(r, &v);
		}
		now += r == 0;
		chp_watch_ref_release(&old);
	}
	for (int i = 0; i < n; i++) {
		CHECK_EQ(((const struct value *)refs[i].value)->number, i);
		chp_watch_ref_release(&refs[i]);
	}
	CHECK_CODE(chp_watch_get_and_update(rx, &v), 0);
	got(0, &v, now);
	return r;
}

static int watches(void)
{
	static const chp_watch_values values = { .clone = copy, .drop = drop };
	struct value v = make(0);
	chp_watch_tx tx;
	chp_watch_rx rx;
	int r = given(chp_watch(sizeof(v), &values, &v, &tx, &rx), &v);

	if (r)
		return settled(r);
	r = change_borrowed(&tx, &rx);
	chp_watch_tx_drop(&tx);
	chp_watch_rx_drop(&rx);
	return settled(r);
}

/* ---- Counted objects: NULL says that there is no memory ---- */

static int counted_mutex(void)
{
	struct value v = make(1);
	chp_mutex *m = chp_mutex_new(sizeof(v), &v, drop, 0);
	chp_mutex_guard g;

	if (!m)
		return given(CHP_ENOMEM, &v);
	g = chp_mutex_lock_owned(m);
	chp_mutex_unref(m);
	chp_mutex_guard_unlock(&g);
	return 0;
}

static int counted_rwlock(void)
{
	struct value v = make(1);
	chp_rwlock *l = chp_rwlock_new(sizeof(v), &v, drop, 0);
	chp_rwlock_guard g;

	if (!l)
		return given(CHP_ENOMEM, &v);
	g = chp_rwlock_read_owned(l);
	chp_rwlock_unref(l);
	chp_rwlock_guard_unlock(&g);
	return 0;
}

static int counted_semaphore(void)
{
	chp_semaphore *s = chp_semaphore_new(2, CHP_FIFO);
	chp_permit p;

	if (!s)
		return CHP_ENOMEM;
	CHECK_CODE(chp_semaphore_acquire_owned(s, 2, &p), 0);
	chp_semaphore_unref(s);
	chp_permit_release(&p);
	return 0;
}

static int counted_notify(void)
{
	chp_notify *n = chp_notify_new();

	if (!n)
		return CHP_ENOMEM;
	chp_notify_one(n);
	CHECK_CODE(chp_notify_wait(n), 0);
	chp_notify_unref(n);
	return 0;
}

static int counted_objects(void)
{
	static int (*const each[])(void) = { counted_mutex, counted_rwlock,
					     counted_semaphore,
					     counted_notify };
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(each) / sizeof(*each); i++)
		r = each[i]();
	return settled(r);
}

/* ---- */

static void values_are_kept_or_dropped(void)
{
	fault_each(oneshots, 0);
	fault_each(mpscs, 0);
	fault_each(mpmcs, 0);
	fault_each(broadcasts, 0);
	fault_each(watches, 0);
	fault_each(counted_objects, 0);
}

static const struct h_test tests[] = {
	TEST(values_are_kept_or_dropped, ON_ITS_OWN),
};

H_MAIN("faults_values", tests)
