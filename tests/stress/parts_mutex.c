/*
 * parts_mutex.c - mutexes, one part for each policy.
 *
 * Each has a static one and a counted one, which is replaced while others lock
 * it.
 */
#include "pair.h"

struct room {
	chp_mutex mutex;
	struct pair pair;
	chp_rwlock lock; /* guards `counted` */
	chp_mutex *counted;
	unsigned flags;
	const struct part *part;
};

static struct room barging = { .part = &part_mutex },
		   strict = { .part = &part_mutex_fifo,
			      .flags = CHP_MUTEX_FIFO };

static struct room *room_of(const struct part *p)
{
	return p == &part_mutex ? &barging : &strict;
}

static chp_mutex *counted_new(struct room *rm)
{
	struct pair p = { .value = value_new(rm->part, 0, 0) };
	chp_mutex *m = chp_mutex_new(sizeof(p), &p, pair_drop, rm->flags);

	CHECK(m != NULL);
	return m;
}

static chp_mutex *counted_get(struct room *rm)
{
	chp_mutex *m;

	chp_rwlock_read(&rm->lock);
	m = chp_mutex_ref(rm->counted);
	chp_rwlock_read_unlock(&rm->lock);
	return m;
}

static void counted_replace(struct agent *a, struct room *rm)
{
	chp_mutex *young = counted_new(rm), *old;

	at(a, "replacing the counted mutex");
	chp_rwlock_write(&rm->lock);
	old = rm->counted;
	rm->counted = young;
	chp_rwlock_write_unlock(&rm->lock);
	chp_mutex_unref(old);
}

static void use_mutex(struct agent *a, struct room *rm)
{
	write_pair(a, &rm->pair);
	chp_mutex_unlock(&rm->mutex);
}

static void use_guard(struct agent *a, chp_mutex_guard *g)
{
	chp_mutex_guard mapped;

	if (chance(a, 30)) {
		CHECK_CODE(chp_mutex_guard_try_map(g, itself, g, &mapped),
			   CHP_EINVAL);
		mapped = chp_mutex_guard_map(g, itself, NULL);
		CHECK(!g->mutex);
		*g = mapped;
	}
	write_pair(a, g->data);
	chp_mutex_guard_unlock(g);
	CHECK(!g->mutex);
}

/* m: our reference on a counted one, or NULL. */
static void guard_done(struct agent *a, chp_mutex *m, chp_mutex_guard *g, int r)
{
	chp_mutex_unref(m);
	if (r == CHP_EAGAIN || gave_up(r)) {
		CHECK(!g->mutex);
		return;
	}
	CHECK_CODE(r, 0);
	use_guard(a, g);
}

enum { M_PLAIN, M_GUARD, M_OWNED, M_KINDS };

static void mutex_done(struct agent *a, struct errand *e, int r)
{
	if (e->what != M_PLAIN) {
		guard_done(a, e->object, &e->mutex_guard, r);
	} else if (!gave_up(r)) {
		CHECK_CODE(r, 0);
		use_mutex(a, room_of(e->part));
	}
}

static bool mutex_errand(struct agent *a, struct errand *e)
{
	struct room *rm = room_of(e->part);

	e->what = (int)below(a, M_KINDS);
	e->object = NULL;
	e->done = mutex_done;
	e->op = &e->lock.op;
	memset(&e->mutex_guard, 0, sizeof(e->mutex_guard));
	if (e->what == M_PLAIN) {
		chp_mutex_lock_op(&e->lock, &rm->mutex);
	} else if (e->what == M_GUARD) {
		chp_mutex_lock_guard_op(&e->lock, &rm->mutex, &rm->pair,
					&e->mutex_guard);
	} else {
		e->object = counted_get(rm);
		chp_mutex_lock_owned_op(&e->lock, e->object, &e->mutex_guard);
	}
	return true;
}

static void lock_owned(struct agent *a, struct room *rm)
{
	chp_mutex *m = counted_get(rm);
	chp_mutex_guard g;
	struct manner how;

	if (chance(a, 30)) {
		guard_done(a, m, &g, count(a, chp_mutex_try_lock_owned(m, &g)));
	} else if (chance(a, 30)) {
		g = chp_mutex_lock_owned(m);
		guard_done(a, m, &g, count(a, 0));
	} else {
		const chp_wait *w = draw(a, &how, SOMEHOW);

		guard_done(a, m, &g,
			   judge(a, &how, chp_mutex_lock_owned_with(m, &g, w)));
	}
}

static void mutex_step(struct agent *a)
{
	struct room *rm = room_of(a->part);
	struct manner m;
	const chp_wait *w;

	at(a, "locking");
	switch (below(a, 8)) {
	case 0:
	case 1:
		chp_mutex_lock(&rm->mutex);
		use_mutex(a, rm);
		count(a, 0);
		break;
	case 2:
	case 3:
		w = draw(a, &m, SOMEHOW);
		if (judge(a, &m, chp_mutex_lock_with(&rm->mutex, w)) == 0)
			use_mutex(a, rm);
		break;
	case 4:
		if (count(a, chp_mutex_try_lock(&rm->mutex)) == 0)
			use_mutex(a, rm);
		break;
	case 5: {
		CHP_MUTEX_SCOPED(&rm->mutex);
		CHECK(chp_mutex_is_locked(&rm->mutex));
		write_pair(a, &rm->pair);
		count(a, 0);
		break;
	}
	case 6:
		lock_owned(a, rm);
		break;
	default:
		counted_replace(a, rm);
	}
}

static void open_room(struct room *rm)
{
	CHECK_CODE(chp_mutex_init(&rm->mutex, rm->flags), 0);
	rm->counted = counted_new(rm);
}

static void check_room(struct room *rm)
{
	AT_END(chp_mutex_is_locked(&rm->mutex), 0);
	AT_END(chp_mutex_is_locked(rm->counted), 0);
	AT_END(rm->pair.a, rm->pair.b);
	chp_mutex_destroy(&rm->mutex);
	chp_mutex_unref(rm->counted);
}

static void report_room(struct room *rm)
{
	fprintf(stderr, "  mutex %s, inside: %ld; counted one %s\n",
		chp_mutex_is_locked(&rm->mutex) ? "locked" : "free",
		rm->pair.inside,
		chp_mutex_is_locked(rm->counted) ? "locked" : "free");
}

/* clang-format off */
#define MUTEX_PART(object, room, title) \
	static void open_##room(void) { open_room(&room); } \
	static void check_##room(void) { check_room(&room); } \
	static void report_##room(void) { report_room(&room); } \
	const struct part object = { \
		.name = title, \
		.open = open_##room, \
		.step = mutex_step, \
		.errand = mutex_errand, \
		.check = check_##room, \
		.report = report_##room, \
	}

MUTEX_PART(part_mutex, barging, "mutex");
MUTEX_PART(part_mutex_fifo, strict, "mutex fifo");
/* clang-format on */
