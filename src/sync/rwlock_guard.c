/*
 * rwlock_guard.c - guards as values; counted rwlocks.
 */
#include "base/panic.h"
#include "sync/counted.h"
#include "sync/rwlock.h"

static const chp_rwlock_guard empty;

static int filled(chp_rwlock_guard *g, chp_rwlock *l, void *data, bool writes,
		  int r)
{
	*g = empty;
	if (r == 0) {
		g->rwlock = l;
		g->data = data;
		g->writes = writes;
	}
	return r;
}

chp_rwlock_guard chp_rwlock_read_guard(chp_rwlock *l, void *data)
{
	chp_rwlock_guard g;

	chp_rwlock_read(l);
	filled(&g, l, data, false, 0);
	return g;
}

chp_rwlock_guard chp_rwlock_write_guard(chp_rwlock *l, void *data)
{
	chp_rwlock_guard g;

	chp_rwlock_write(l);
	filled(&g, l, data, true, 0);
	return g;
}

int chp_rwlock_read_guard_with(chp_rwlock *l, void *data, chp_rwlock_guard *g,
			       const chp_wait *w)
{
	return filled(g, l, data, false, chp_rwlock_read_with(l, w));
}

int chp_rwlock_write_guard_with(chp_rwlock *l, void *data, chp_rwlock_guard *g,
				const chp_wait *w)
{
	return filled(g, l, data, true, chp_rwlock_write_with(l, w));
}

int chp_rwlock_try_read_guard(chp_rwlock *l, void *data, chp_rwlock_guard *g)
{
	return filled(g, l, data, false, chp_rwlock_try_read(l));
}

int chp_rwlock_try_write_guard(chp_rwlock *l, void *data, chp_rwlock_guard *g)
{
	return filled(g, l, data, true, chp_rwlock_try_write(l));
}

void chp_rwlock_read_guard_op(chp_rwlock_op *op, chp_rwlock *l, void *data,
			      chp_rwlock_guard *g)
{
	chp__rwlock_op(op, l, false, g, data, false);
}

void chp_rwlock_write_guard_op(chp_rwlock_op *op, chp_rwlock *l, void *data,
			       chp_rwlock_guard *g)
{
	chp__rwlock_op(op, l, true, g, data, false);
}

static chp_rwlock_guard emptied(chp_rwlock_guard *g)
{
	chp_rwlock_guard was = *g;

	*g = empty;
	return was;
}

void chp_rwlock_guard_unlock(chp_rwlock_guard *g)
{
	chp_rwlock_guard was = emptied(g);

	if (!was.rwlock)
		return;
	if (was.writes)
		chp_rwlock_write_unlock(was.rwlock);
	else
		chp_rwlock_read_unlock(was.rwlock);
	if (was.owned)
		chp_rwlock_unref(was.rwlock);
}

chp_rwlock_guard chp_rwlock_guard_map(chp_rwlock_guard *g,
				      void *(*f)(void *data, void *arg),
				      void *arg)
{
	if (g->rwlock) {
		g->data = f(g->data, arg);
		g->mapped = 1;
	}
	return emptied(g);
}

int chp_rwlock_guard_try_map(chp_rwlock_guard *g,
			     void *(*f)(void *data, void *arg), void *arg,
			     chp_rwlock_guard *out)
{
	void *data = g->rwlock ? f(g->data, arg) : NULL;

	if (!data) {
		if (out != g)
			*out = empty;
		return CHP_EINVAL;
	}
	g->data = data;
	g->mapped = 1;
	*out = emptied(g);
	return 0;
}

chp_rwlock_guard chp_rwlock_guard_downgrade(chp_rwlock_guard *g)
{
	if (g->writes) {
		if (g->mapped)
			chp__panic("rwlock %p: a mapped guard is downgraded",
				   (void *)g->rwlock);
		chp_rwlock_downgrade(g->rwlock);
		g->writes = 0;
	}
	return emptied(g);
}

chp_rwlock_guard
chp_rwlock_guard_downgrade_map(chp_rwlock_guard *g,
			       void *(*f)(void *data, void *arg), void *arg)
{
	if (g->rwlock)
		g->data = f(g->data, arg);
	return chp_rwlock_guard_downgrade(g);
}

int chp_rwlock_guard_try_downgrade_map(chp_rwlock_guard *g,
				       void *(*f)(void *data, void *arg),
				       void *arg, chp_rwlock_guard *out)
{
	void *data = g->rwlock ? f(g->data, arg) : NULL;

	if (!data) {
		if (out != g)
			*out = empty;
		return CHP_EINVAL;
	}
	g->data = data;
	*out = chp_rwlock_guard_downgrade(g);
	return 0;
}

int chp_rwlock_guard_try_upgrade(chp_rwlock_guard *g)
{
	int r;

	if (!g->rwlock || g->writes)
		return CHP_EINVAL;
	r = chp_rwlock_try_upgrade(g->rwlock);
	if (r == 0)
		g->writes = 1;
	return r;
}

/* ---- Counted rwlocks ---- */

chp_rwlock *chp_rwlock_new(size_t size, const void *value,
			   void (*drop)(void *value), uint32_t max_readers)
{
	chp_rwlock *l;

	if (max_readers > CHP_RWLOCK_MAX_READERS)
		return NULL;
	l = counted_new(sizeof(*l), size, value, drop);
	if (l)
		l->max_readers = max_readers;
	return l;
}

chp_rwlock *chp_rwlock_ref(chp_rwlock *l)
{
	counted_ref(l);
	return l;
}

void chp_rwlock_unref(chp_rwlock *l)
{
	if (!l || !counted_unref(l))
		return;
	chp_rwlock_destroy(l);
	counted_free(l);
}

void *chp_rwlock_value(chp_rwlock *l)
{
	return counted_value(l);
}

/* The guard gets a reference. */
static int owned(chp_rwlock_guard *g, int r)
{
	if (r == 0) {
		counted_ref(g->rwlock);
		g->owned = 1;
	}
	return r;
}

chp_rwlock_guard chp_rwlock_read_owned(chp_rwlock *l)
{
	chp_rwlock_guard g = chp_rwlock_read_guard(l, counted_value(l));

	owned(&g, 0);
	return g;
}

chp_rwlock_guard chp_rwlock_write_owned(chp_rwlock *l)
{
	chp_rwlock_guard g = chp_rwlock_write_guard(l, counted_value(l));

	owned(&g, 0);
	return g;
}

int chp_rwlock_read_owned_with(chp_rwlock *l, chp_rwlock_guard *g,
			       const chp_wait *w)
{
	return owned(g, chp_rwlock_read_guard_with(l, counted_value(l), g, w));
}

int chp_rwlock_write_owned_with(chp_rwlock *l, chp_rwlock_guard *g,
				const chp_wait *w)
{
	return owned(g, chp_rwlock_write_guard_with(l, counted_value(l), g, w));
}

int chp_rwlock_try_read_owned(chp_rwlock *l, chp_rwlock_guard *g)
{
	return owned(g, chp_rwlock_try_read_guard(l, counted_value(l), g));
}

int chp_rwlock_try_write_owned(chp_rwlock *l, chp_rwlock_guard *g)
{
	return owned(g, chp_rwlock_try_write_guard(l, counted_value(l), g));
}

void chp_rwlock_read_owned_op(chp_rwlock_op *op, chp_rwlock *l,
			      chp_rwlock_guard *g)
{
	chp__rwlock_op(op, l, false, g, counted_value(l), true);
}

void chp_rwlock_write_owned_op(chp_rwlock_op *op, chp_rwlock *l,
			       chp_rwlock_guard *g)
{
	chp__rwlock_op(op, l, true, g, counted_value(l), true);
}
