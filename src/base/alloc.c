/*
 * alloc.c - one allocator for the process, chosen before first use.
 *
 * `hook` is written by chp_set_allocator() before any other call of the
 * library, as its contract says, and only read after: it needs no lock.
 * `used` refuses a change once memory may be out.
 */
#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#include <chappe/base.h>

#include "base/atomic.h"

static void *default_alloc(size_t size, void *user)
{
	(void)user;
	return malloc(size);
}

static void default_free(void *memory, size_t size, void *user)
{
	(void)size;
	(void)user;
	free(memory);
}

static chp_allocator hook = { default_alloc, default_free, NULL };
static chp_word used;

int chp_set_allocator(const chp_allocator *allocator)
{
	static const chp_allocator standard = { default_alloc, default_free,
						NULL };

	if (!allocator)
		allocator = &standard;
	if (!allocator->alloc || !allocator->free_)
		return CHP_EINVAL;
	if (load_relaxed(&used))
		return CHP_EBUSY;

	hook = *allocator;
	return 0;
}

bool chp__alloc_is_standard(void)
{
	return hook.alloc == default_alloc;
}

void *chp__alloc(size_t size)
{
	/* Relaxed: a flag that only ever becomes 1. */
	if (!load_relaxed(&used))
		store_relaxed(&used, 1);
	return hook.alloc(size ? size : 1, hook.user);
}

void *chp__alloc_zero(size_t size)
{
	void *memory = chp__alloc(size);

	if (memory)
		memset(memory, 0, size);
	return memory;
}

void chp__free(void *memory, size_t size)
{
	if (memory)
		hook.free_(memory, size ? size : 1, hook.user);
}
