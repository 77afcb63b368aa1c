/*
 * parts_rwlock.c - readers and writers of a static rwlock, which lets three
 * read at once, and of a counted one, which is replaced while others lock it.
 */
#include "pair.h"

enum { MAX_READERS = 3 };

static chp_rwlock shared = CHP_RWLOCK_INIT(MAX_READERS);
static struct pair shared_pair;
static chp_word readers;

static chp_rwlock counted_lock; /* guards `counted` */
static chp_rwlock *counted;

static chp_rwlock *rw_counted_new(void)
{
	struct pair p = { .value = value_new(&part_rwlock, 0, 0) };
	chp_rwlock *l = chp_rwlock_new(sizeof(p), &p, pair_drop, 0);

	CHECK(l != NULL);
	return l;
}

static chp_rwlock *rw_counted_get(void)
{
	chp_rwlock *l;

	chp_rwlock_read(&counted_lock);
	l = chp_rwlock_ref(counted);
	chp_rwlock_read_unlock(&counted_lock);
	return l;
}

static void rw_counted_replace(struct agent *a)
{
	chp_rwlock *young = rw_counted_new(), *old;

	at(a, "replacing the counted rwlock");
	chp_rwlock_write(&counted_lock);
	old = counted;
	counted = young;
	chp_rwlock_write_unlock(&counted_lock);
	chp_rwlock_unref(old);
}

static void count_readers(int by)
{
	CHECK(add(&readers, (uint32_t)by) <= MAX_READERS);
}

/* With it read: perhaps go on as the writer. */
static void use_read(struct agent *a)
{
	count_readers(1);
	read_pair(a, &shared_pair);
	CHECK(chp_rwlock_readers(&shared) >= 1);
	count_readers(-1);
	if (chance(a, 20) && chp_rwlock_try_upgrade(&shared) == 0) {
		CHECK(chp_rwlock_readers(&shared) == -1);
		write_pair(a, &shared_pair);
		chp_rwlock_write_unlock(&shared);
	} else {
		chp_rwlock_read_unlock(&shared);
	}
}

/* With it written: perhaps go on as a reader, of what was written. */
static void use_write(struct agent *a)
{
	long written;

	write_pair(a, &shared_pair);
	written = shared_pair.a;
	if (chance(a, 30)) {
		chp_rwlock_downgrade(&shared);
		CHECK(shared_pair.a == written);
		use_read(a);
	} else {
		chp_rwlock_write_unlock(&shared);
	}
}

static void use_rw_guard(struct agent *a, chp_rwlock_guard *g)
{
	chp_rwlock_guard other;

	if (chance(a, 20)) {
		CHECK_CODE(chp_rwlock_guard_try_map(g, itself, g, &other),
			   CHP_EINVAL);
		CHECK(g->rwlock && !other.rwlock);
	}
	if (g->writes) {
		write_pair(a, g->data);
		if (chance(a, 50)) {
			other = chp_rwlock_guard_downgrade_map(g, itself, NULL);
			CHECK(!g->rwlock && other.rwlock);
			*g = other;
		}
	}
	if (!g->writes) {
		read_pair(a, g->data);
		if (chance(a, 20) && !g->mapped &&
		    chp_rwlock_guard_try_upgrade(g) == 0)
			write_pair(a, g->data);
	}
	chp_rwlock_guard_unlock(g);
	CHECK(!g->rwlock);
}

static void rw_guard_done(struct agent *a, chp_rwlock *l, chp_rwlock_guard *g,
			  int r)
{
	chp_rwlock_unref(l);
	if (r == CHP_EAGAIN || gave_up(r)) {
		CHECK(!g->rwlock);
		return;
	}
	CHECK_CODE(r, 0);
	use_rw_guard(a, g);
}

enum { RW_READ, RW_WRITE, RW_GUARD, RW_OWNED, RW_KINDS };

static void rwlock_done(struct agent *a, struct errand *e, int r)
{
	if (e->what >= RW_GUARD) {
		rw_guard_done(a, e->object, &e->rwlock_guard, r);
	} else if (!gave_up(r)) {
		CHECK_CODE(r, 0);
		(e->what == RW_READ ? use_read : use_write)(a);
	}
}

static void owned_errand(struct agent *a, struct errand *e)
{
	e->object = rw_counted_get();
	(chance(a, 60) ? chp_rwlock_read_owned_op : chp_rwlock_write_owned_op)(
		&e->rwlock, e->object, &e->rwlock_guard);
}

static bool rwlock_errand(struct agent *a, struct errand *e)
{
	e->what = (int)below(a, RW_KINDS);
	e->object = NULL;
	e->done = rwlock_done;
	e->op = &e->rwlock.op;
	memset(&e->rwlock_guard, 0, sizeof(e->rwlock_guard));
	switch (e->what) {
	case RW_READ:
		chp_rwlock_read_op(&e->rwlock, &shared);
		break;
	case RW_WRITE:
		chp_rwlock_write_op(&e->rwlock, &shared);
		break;
	case RW_GUARD:
		chp_rwlock_write_guard_op(&e->rwlock, &shared, &shared_pair,
					  &e->rwlock_guard);
		break;
	default:
		owned_errand(a, e);
	}
	return true;
}

static void lock_rw_owned(struct agent *a)
{
	chp_rwlock *l = rw_counted_get();
	chp_rwlock_guard g;
	struct manner m;
	const chp_wait *w;

	switch (below(a, 4)) {
	case 0:
		rw_guard_done(a, l, &g,
			      count(a, chp_rwlock_try_read_owned(l, &g)));
		break;
	case 1:
		rw_guard_done(a, l, &g,
			      count(a, chp_rwlock_try_write_owned(l, &g)));
		break;
	case 2:
		w = draw(a, &m, SOMEHOW);
		rw_guard_done(
			a, l, &g,
			judge(a, &m, chp_rwlock_read_owned_with(l, &g, w)));
		break;
	default:
		w = draw(a, &m, SOMEHOW);
		rw_guard_done(
			a, l, &g,
			judge(a, &m, chp_rwlock_write_owned_with(l, &g, w)));
	}
}

static void rwlock_step(struct agent *a)
{
	struct manner m;
	const chp_wait *w;

	at(a, "locking");
	switch (below(a, 9)) {
	case 0:
		chp_rwlock_read(&shared);
		use_read(a);
		count(a, 0);
		break;
	case 1:
		chp_rwlock_write(&shared);
		use_write(a);
		count(a, 0);
		break;
	case 2:
	case 3:
		w = draw(a, &m, SOMEHOW);
		if (judge(a, &m, chp_rwlock_read_with(&shared, w)) == 0)
			use_read(a);
		break;
	case 4:
		w = draw(a, &m, SOMEHOW);
		if (judge(a, &m, chp_rwlock_write_with(&shared, w)) == 0)
			use_write(a);
		break;
	case 5:
		if (count(a, chp_rwlock_try_read(&shared)) == 0)
			use_read(a);
		break;
	case 6:
		if (count(a, chp_rwlock_try_write(&shared)) == 0)
			use_write(a);
		break;
	case 7:
		lock_rw_owned(a);
		break;
	default:
		rw_counted_replace(a);
	}
}

static void open_rwlock(void)
{
	counted = rw_counted_new();
}

static void check_rwlock(void)
{
	AT_END(chp_rwlock_readers(&shared), 0);
	AT_END(chp_rwlock_readers(counted), 0);
	AT_END(load(&readers), 0);
	AT_END(shared_pair.a, shared_pair.b);
	chp_rwlock_destroy(&shared);
	chp_rwlock_unref(counted);
}

static void report_rwlock(void)
{
	fprintf(stderr, "  %" PRId64 " read; counted one: %" PRId64 "\n",
		chp_rwlock_readers(&shared), chp_rwlock_readers(counted));
}

const struct part part_rwlock = {
	.name = "rwlock",
	.open = open_rwlock,
	.step = rwlock_step,
	.errand = rwlock_errand,
	.check = check_rwlock,
	.report = report_rwlock,
};
