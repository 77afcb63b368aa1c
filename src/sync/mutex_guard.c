/*
 * mutex_guard.c - guards as values; counted mutexes.
 */
#include "base/panic.h"
#include "sync/counted.h"
#include "sync/mutex.h"

static const chp_mutex_guard empty;

static int filled(chp_mutex_guard *g, chp_mutex *m, void *data, bool owned,
		  int r)
{
	*g = empty;
	if (r == 0) {
		g->mutex = owned ? chp_mutex_ref(m) : m;
		g->data = data;
		g->owned = owned;
	}
	return r;
}

chp_mutex_guard chp_mutex_lock_guard(chp_mutex *m, void *data)
{
	chp_mutex_guard g;

	chp_mutex_lock(m);
	filled(&g, m, data, false, 0);
	return g;
}

int chp_mutex_lock_guard_with(chp_mutex *m, void *data, chp_mutex_guard *g,
			      const chp_wait *w)
{
	return filled(g, m, data, false, chp_mutex_lock_with(m, w));
}

int chp_mutex_try_lock_guard(chp_mutex *m, void *data, chp_mutex_guard *g)
{
	return filled(g, m, data, false, chp_mutex_try_lock(m));
}

void chp_mutex_lock_guard_op(chp_lock_op *op, chp_mutex *m, void *data,
			     chp_mutex_guard *g)
{
	chp__mutex_lock_op(op, m, g, data, false);
}

static chp_mutex_guard emptied(chp_mutex_guard *g)
{
	chp_mutex_guard was = *g;

	*g = empty;
	return was;
}

void chp_mutex_guard_unlock(chp_mutex_guard *g)
{
	chp_mutex_guard was = emptied(g);

	if (!was.mutex)
		return;
	chp_mutex_unlock(was.mutex);
	if (was.owned)
		chp_mutex_unref(was.mutex);
}

chp_mutex_guard chp_mutex_guard_map(chp_mutex_guard *g,
				    void *(*f)(void *data, void *arg),
				    void *arg)
{
	if (g->mutex)
		g->data = f(g->data, arg);
	return emptied(g);
}

int chp_mutex_guard_try_map(chp_mutex_guard *g,
			    void *(*f)(void *data, void *arg), void *arg,
			    chp_mutex_guard *out)
{
	void *data = g->mutex ? f(g->data, arg) : NULL;

	if (!data) {
		if (out != g)
			*out = empty;
		return CHP_EINVAL;
	}
	g->data = data;
	*out = emptied(g);
	return 0;
}

/* ---- Counted mutexes ---- */

chp_mutex *chp_mutex_new(size_t size, const void *value,
			 void (*drop)(void *value), unsigned flags)
{
	chp_mutex *m;

	if (flags & ~CHP_MUTEX_FIFO)
		return NULL;
	m = counted_new(sizeof(*m), size, value, drop);
	if (m)
		chp_mutex_init(m, flags);
	return m;
}

chp_mutex *chp_mutex_ref(chp_mutex *m)
{
	counted_ref(m);
	return m;
}

void chp_mutex_unref(chp_mutex *m)
{
	if (!m || !counted_unref(m))
		return;
	chp_mutex_destroy(m);
	counted_free(m);
}

void *chp_mutex_value(chp_mutex *m)
{
	return counted_value(m);
}

chp_mutex_guard chp_mutex_lock_owned(chp_mutex *m)
{
	chp_mutex_guard g;

	chp_mutex_lock(m);
	filled(&g, m, counted_value(m), true, 0);
	return g;
}

int chp_mutex_lock_owned_with(chp_mutex *m, chp_mutex_guard *g,
			      const chp_wait *w)
{
	return filled(g, m, counted_value(m), true, chp_mutex_lock_with(m, w));
}

int chp_mutex_try_lock_owned(chp_mutex *m, chp_mutex_guard *g)
{
	return filled(g, m, counted_value(m), true, chp_mutex_try_lock(m));
}

void chp_mutex_lock_owned_op(chp_lock_op *op, chp_mutex *m, chp_mutex_guard *g)
{
	chp__mutex_lock_op(op, m, g, counted_value(m), true);
}
