/*
 * permit.c - permits as values; counted semaphores.
 */
#include "base/panic.h"
#include "sync/counted.h"
#include "sync/semaphore.h"

static const chp_permit empty;

static int filled(chp_permit *permit, chp_semaphore *s, int64_t n, bool owned,
		  int r)
{
	*permit = empty;
	if (r == 0) {
		permit->semaphore = owned ? chp_semaphore_ref(s) : s;
		permit->count = n;
		permit->owned = owned;
	}
	return r;
}

int chp_semaphore_acquire_permit_with(chp_semaphore *s, int64_t n,
				      chp_permit *permit, const chp_wait *w)
{
	return filled(permit, s, n, false, chp_semaphore_acquire_with(s, n, w));
}

int chp_semaphore_acquire_permit(chp_semaphore *s, int64_t n,
				 chp_permit *permit)
{
	return filled(permit, s, n, false, chp_semaphore_acquire(s, n));
}

int chp_semaphore_try_acquire_permit(chp_semaphore *s, int64_t n,
				     chp_permit *permit)
{
	return filled(permit, s, n, false, chp_semaphore_try_acquire(s, n));
}

void chp_semaphore_acquire_permit_op(chp_acquire_op *op, chp_semaphore *s,
				     int64_t n, chp_permit *permit)
{
	chp__semaphore_acquire_op(op, s, n, permit, false);
}

int chp_semaphore_acquire_owned_with(chp_semaphore *s, int64_t n,
				     chp_permit *permit, const chp_wait *w)
{
	return filled(permit, s, n, true, chp_semaphore_acquire_with(s, n, w));
}

int chp_semaphore_acquire_owned(chp_semaphore *s, int64_t n, chp_permit *permit)
{
	return filled(permit, s, n, true, chp_semaphore_acquire(s, n));
}

int chp_semaphore_try_acquire_owned(chp_semaphore *s, int64_t n,
				    chp_permit *permit)
{
	return filled(permit, s, n, true, chp_semaphore_try_acquire(s, n));
}

void chp_semaphore_acquire_owned_op(chp_acquire_op *op, chp_semaphore *s,
				    int64_t n, chp_permit *permit)
{
	chp__semaphore_acquire_op(op, s, n, permit, true);
}

/* What held the permits is empty; what it held is gone. */
static chp_permit emptied(chp_permit *permit)
{
	chp_permit was = *permit;

	*permit = empty;
	return was;
}

void chp_permit_release(chp_permit *permit)
{
	chp_permit was = emptied(permit);

	if (!was.semaphore)
		return;
	if (was.count && chp_semaphore_release(was.semaphore, was.count) != 0)
		chp__panic("semaphore: more permits than it can count when a "
			   "permit was released");
	if (was.owned)
		chp_semaphore_unref(was.semaphore);
}

void chp_permit_forget(chp_permit *permit)
{
	chp_permit was = emptied(permit);

	if (was.owned)
		chp_semaphore_unref(was.semaphore);
}

int64_t chp_permit_count(const chp_permit *permit)
{
	return permit->count;
}

int chp_permit_split(chp_permit *from, int64_t n, chp_permit *out)
{
	if (n < 0 || n > from->count || out == from)
		return CHP_EINVAL;
	*out = *from;
	out->count = n;
	from->count -= n;
	if (from->owned)
		chp_semaphore_ref(from->semaphore);
	return 0;
}

int chp_permit_merge(chp_permit *into, chp_permit *from)
{
	int64_t sum;

	if (!from->semaphore)
		return 0;
	if (!into->semaphore) {
		*into = emptied(from);
		return 0;
	}
	if (into == from || into->semaphore != from->semaphore ||
	    into->owned != from->owned)
		return CHP_EINVAL;
	if (__builtin_add_overflow(into->count, from->count, &sum))
		return CHP_EOVERFLOW;
	into->count = sum;
	from->count = 0;
	chp_permit_forget(from);
	return 0;
}

chp_semaphore *chp_semaphore_new(int64_t permits, chp_policy policy)
{
	chp_semaphore *s = counted_new(sizeof(*s), 0, NULL, NULL);

	if (s && chp_semaphore_init(s, permits, policy) != 0) {
		counted_free(s);
		return NULL;
	}
	return s;
}

chp_semaphore *chp_semaphore_ref(chp_semaphore *s)
{
	counted_ref(s);
	return s;
}

void chp_semaphore_unref(chp_semaphore *s)
{
	if (!s || !counted_unref(s))
		return;
	chp_semaphore_destroy(s);
	counted_free(s);
}
