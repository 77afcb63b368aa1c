/*
 * parts_notify.c - a store of items whose consumers are notified, and notifies
 * that are replaced while others wait for them.
 *
 * The server puts some items into the store, one notification each, and waits
 * until the last consumer notifies it.  Permits merge, so a consumer that
 * leaves items behind notifies the next.
 */
#include "stress.h"

static chp_notify filled = CHP_NOTIFY_INIT, emptied = CHP_NOTIFY_INIT;
static chp_word items;

static chp_rwlock lock; /* guards `counted` */
static chp_notify *counted;

static void ring(struct agent *a, chp_notify *n)
{
	(chance(a, 70) ? chp_notify_one : chp_notify_last)(n);
}

/* ---- The store ---- */

static bool take_item(struct agent *a)
{
	uint32_t n = load(&items);

	do
		if (n == 0)
			return false;
	while (!__atomic_compare_exchange_n(&items.v, &n, n - 1, false,
					    __ATOMIC_ACQ_REL,
					    __ATOMIC_ACQUIRE));
	if (n > 1)
		ring(a, &filled);
	else
		chp_notify_one(&emptied);
	return true;
}

/* Whoever is notified and has no use for it tells the next. */
static void pass_on(struct agent *a)
{
	if (load(&items))
		ring(a, &filled);
}

static void consume(struct agent *a)
{
	chp_notified_op op;
	struct manner m;
	int r = 0;

	at(a, "consuming");
	while (!take_item(a) && r == 0) {
		if (chance(a, 50)) {
			const chp_wait *w = draw(a, &m, SOMEHOW);

			r = judge(a, &m, chp_notify_wait_with(&filled, w));
		} else {
			chp_notify_notified_op(&op, &filled);
			if (chance(a, 50))
				chp_notified_enable(&op);
			r = count(a, await(a, &op.op, SOMEHOW));
		}
	}
	CHECK(r == 0 || gave_up(r));
}

static bool notify_serve(struct agent *a, unsigned which)
{
	chp_notified_op op;
	int r;

	(void)which;
	if (load(&items) == 0) {
		at(a, "producing");
		for (uint32_t n = 1 + below(a, 4); n; n--) {
			add(&items, 1);
			ring(a, &filled);
			if (chance(a, 30))
				dither(a);
		}
	}
	chp_notify_notified_op(&op, &emptied);
	r = count(a, await(a, &op.op, SOMEHOW));
	CHECK(r == 0 || gave_up(r));
	if (chance(a, 30))
		linger(a);
	return closing();
}

static void notify_stop(void)
{
	chp_notify_one(&emptied);
}

/* ---- Steps ---- */

/* Polled or not, it hears every notify_waiters since it was made. */
static void hear_them_all(struct agent *a, chp_notify *n)
{
	chp_notified_op op;
	int r = CHP_PENDING;

	at(a, "notifying all");
	chp_notify_notified_op(&op, n);
	if (chance(a, 50))
		r = chp_op_poll(&op.op, NULL);
	else if (chance(a, 50))
		chp_notified_enable(&op);
	chp_notify_waiters(n);
	if (r == CHP_PENDING)
		r = chp_op_poll(&op.op, NULL);
	CHECK_CODE(count(a, r), 0);
	/* It may have been a permit: then somebody waits in vain. */
	if (n == &filled)
		pass_on(a);
}

static void enable_and_cancel(struct agent *a, chp_notify *n)
{
	chp_notified_op op;
	int ready, found;

	at(a, "enabling");
	chp_notify_notified_op(&op, n);
	ready = chp_notified_enable(&op);
	dither(a);
	if (!ready && chance(a, 50))
		ready = chp_notified_enable(&op);
	found = chp_op_cancel(&op.op);
	CHECK(found == CHP_TOO_LATE || !ready);
	CHECK_CODE(op.op.result, found == CHP_TOO_LATE ? 0 : CHP_ECANCELED);
	count(a, op.op.result);
	if (n == &filled)
		pass_on(a);
}

static chp_notify *counted_get(void)
{
	chp_notify *n;

	chp_rwlock_read(&lock);
	n = chp_notify_ref(counted);
	chp_rwlock_read_unlock(&lock);
	return n;
}

static void replace_counted(struct agent *a)
{
	chp_notify *young = chp_notify_new(), *old;

	CHECK(young != NULL);
	at(a, "replacing the counted notify");
	chp_rwlock_write(&lock);
	old = counted;
	counted = young;
	chp_rwlock_write_unlock(&lock);
	chp_notify_waiters(old);
	chp_notify_unref(old);
}

static void use_counted(struct agent *a)
{
	chp_notify *n = counted_get();

	switch (below(a, 4)) {
	case 0:
		hear_them_all(a, n);
		break;
	case 1:
		enable_and_cancel(a, n);
		break;
	case 2:
		chp_notify_waiters(n);
		break;
	default:
		ring(a, n);
	}
	chp_notify_unref(n);
}

static void notify_step(struct agent *a)
{
	switch (below(a, 8)) {
	case 0:
		hear_them_all(a, &filled);
		break;
	case 1:
		enable_and_cancel(a, &filled);
		break;
	case 2:
		use_counted(a);
		break;
	case 3:
		replace_counted(a);
		break;
	default:
		consume(a);
	}
}

/* ---- Errands ---- */

static void notify_done(struct agent *a, struct errand *e, int r)
{
	CHECK(r == 0 || gave_up(r));
	if (e->object)
		chp_notify_unref(e->object);
	else if (r == 0 && !take_item(a))
		pass_on(a);
}

static bool notify_errand(struct agent *a, struct errand *e)
{
	e->object = NULL;
	e->op = &e->notified.op;
	e->done = notify_done;
	if (chance(a, 60)) {
		chp_notify_notified_op(&e->notified, &filled);
	} else {
		e->object = counted_get();
		e->sure = false;
		chp_notify_notified_owned_op(&e->notified, e->object);
	}
	return true;
}

/* ---- Beginning and end ---- */

static void notify_open(void)
{
	counted = chp_notify_new();
	CHECK(counted != NULL);
}

static void notify_check(void)
{
	chp_notify_destroy(&filled);
	chp_notify_destroy(&emptied);
	chp_notify_unref(counted);
}

static void notify_report(void)
{
	fprintf(stderr, "  %u items\n", load(&items));
}

const struct part part_notify = {
	.name = "notify",
	.open = notify_open,
	.step = notify_step,
	.errand = notify_errand,
	.servers = 1,
	.serve = notify_serve,
	.stop = notify_stop,
	.check = notify_check,
	.report = notify_report,
};
