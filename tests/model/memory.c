/*
 * memory.c - atomic words as C11 has them, without seq_cst and fences.
 *
 * Each location has its stores in modification order, which is the order of
 * execution.  A thread's view says, per location, the oldest store that it may
 * still read: a load may read that one or any later, and the choice is the
 * explorer's.  What was read, one may not read behind (coherence).
 *
 * A release store carries a message: the view and the stamp of its thread.  An
 * acquiring load of it joins both to its own, so that what happened before the
 * store happens before the load.  A read-modify-write reads the newest store
 * and carries that one's message on, its own added if it releases.  A cas that
 * fails is a load of the newest store.
 *
 * Approximations: a store is never placed before an older one in modification
 * order, no load reads from the future (as loom has it; but see model_used()),
 * a failing cas reads nothing old.
 */
#include "world.h"

#include <string.h>

#include "base/atomic.h"

#define PC() ((uint32_t)(uintptr_t)__builtin_return_address(0))

void memory_reset(void)
{
	for (unsigned i = 0; i < THREADS; i++)
		memset(&world->threads[i].view, 0,
		       (world->location_count + 1) * sizeof(uint16_t));
	world->location_count = 0;
	world->message_count = 0;
	world->heap_next = world->heap_start;
	world->block_count = 0;
}

static uint64_t raw_load(const void *at, unsigned width)
{
	uint64_t x = 0;

	memcpy(&x, at, width);
	return x;
}

/* ---- Locations ---- */

static struct store *append(struct location *l, uint64_t value)
{
	struct store *s = &l->stores[l->count++];

	if (l->count == STORES)
		fail("execution too long: %s is stored to for ever",
		     where(l->address));
	s->value = value;
	s->message = 0;
	s->thread = (uint8_t)thread_id(world->current);
	return s;
}

static unsigned make_location(uintptr_t at, unsigned width)
{
	unsigned i = ++world->location_count;
	struct location *l = &world->locations[i];

	if (i == LOCATIONS - 1)
		fail("too many atomic words for the model");
	memset(l, 0, offsetof(struct location, stores));
	l->address = at;
	l->width = (uint8_t)width;
	for (unsigned t = 0; t < THREADS; t++)
		world->threads[t].view.at[i] = 0;
	for (unsigned b = 0; b < width; b += 4)
		cell_of(at + b)->location = (uint16_t)i;
	append(l, raw_load((void *)at, width));
	return i;
}

/* The number of a word's location. */
static unsigned locate(uintptr_t at, unsigned width)
{
	struct cell *c = cell_of(at);
	struct location *l;
	unsigned i;

	if (!c)
		fail("atomic word outside of what the model tracks: %p",
		     (void *)at);
	i = c->location ? c->location : make_location(at, width);
	l = &world->locations[i];
	if (l->address != at || l->width != width)
		fail("%s: one atomic word overlaps another", where(at));
	if (l->stale) {
		/* Whoever may touch it comes after the plain write. */
		l->stale = false;
		l->floor = l->count;
		append(l, raw_load((void *)at, width));
	}
	return i;
}

/* The number of the location that the step is about. */
static unsigned enter(const void *at, unsigned width, bool writes, uint32_t pc)
{
	struct touch on = { (uintptr_t)at, writes };
	unsigned i;

	step_begin(OP_MEMORY, &on, 1);
	if (writes)
		world->current->cost.changes++;
	else
		world->current->cost.loads++;
	i = locate((uintptr_t)at, width);
	shadow_atomic((uintptr_t)at, width, writes, pc);
	return i;
}

static void leave(const void *at, bool writes)
{
	struct touch on = { (uintptr_t)at, writes };

	step_end(&on, 1);
}

/* Who writes to l comes after all reads of others that count. */
static void check_used(const struct location *l)
{
	const struct stamp *now = &world->current->stamp;

	for (unsigned i = 0; i < THREADS; i++)
		if (l->used.at[i] > now->at[i])
			fail("%s: written while thread %u may still read it",
			     where(l->address), i);
}

void model_used(const void *word, size_t width)
{
	unsigned id = thread_id(world->current);
	struct location *l =
		&world->locations[locate((uintptr_t)word, (unsigned)width)];

	l->used.at[id] = l->reads.at[id];
}

/* ---- Messages ---- */

static struct message *new_message(struct store *s)
{
	if (++world->message_count == MESSAGES)
		fail("too many release stores for the model");
	s->message = (uint16_t)world->message_count;
	return &world->messages[s->message];
}

static void view_join(struct view *a, const struct view *b)
{
	for (unsigned i = 1; i <= world->location_count; i++)
		if (b->at[i] > a->at[i])
			a->at[i] = b->at[i];
}

static void view_copy(struct view *to, const struct view *from)
{
	/* Locations that come later begin at store 0. */
	memcpy(to, from, sizeof(*to));
}

static void acquire(const struct store *s)
{
	struct thread *self = world->current;

	if (!s->message)
		return;
	stamp_join(&self->stamp, &world->messages[s->message].stamp);
	view_join(&self->view, &world->messages[s->message].view);
}

static void release(struct store *s)
{
	struct thread *self = world->current;
	struct message *m = new_message(s);

	m->stamp = self->stamp;
	view_copy(&m->view, &self->view);
}

/* A read-modify-write: the message of the store it read goes on. */
static void carry_on(struct store *s, uint16_t message, unsigned order)
{
	if (!(order & MODEL_RELEASE)) {
		s->message = message;
		return;
	}
	release(s);
	if (message) {
		struct message *m = &world->messages[s->message];

		stamp_join(&m->stamp, &world->messages[message].stamp);
		view_join(&m->view, &world->messages[message].view);
	}
}

/* ---- Spinning ---- */

static void note_load(unsigned location, unsigned store)
{
	struct thread *self = world->current;
	unsigned i =
		self->spin_count < TOUCHES ? self->spin_count++ : TOUCHES - 1;

	if (i == TOUCHES - 1)
		memmove(self->spins, self->spins + 1,
			(TOUCHES - 1) * sizeof(self->spins[0]));
	self->spins[i].location = (uint16_t)location;
	self->spins[i].store = (uint16_t)store;
}

bool memory_spin_over(const struct thread *t)
{
	for (unsigned i = 0; i < t->spin_count; i++)
		if (world->locations[t->spins[i].location].count - 1u >
		    t->spins[i].store)
			return true;
	return t->spin_count == 0;
}

void memory_refresh(struct thread *t)
{
	for (unsigned i = 1; i <= world->location_count; i++)
		t->view.at[i] = (uint16_t)(world->locations[i].count - 1);
}

uint32_t memory_newest32(uintptr_t address)
{
	unsigned i = locate(address, 4);
	const struct location *l = &world->locations[i];

	world->current->view.at[i] = (uint16_t)(l->count - 1);
	return (uint32_t)l->stores[l->count - 1].value;
}

/* ---- What base/atomic.h calls ---- */

static const char *order_name(unsigned order)
{
	static const char *const names[] = { "relaxed", "acquire", "release",
					     "acq_rel" };

	return names[order];
}

uint64_t model_load(const void *at, unsigned width, unsigned order)
{
	struct thread *self = world->current;
	unsigned i, oldest, newest, chosen;
	struct location *l;

	if (!world->running)
		return raw_load(at, width);
	i = enter(at, width, false, PC());
	l = &world->locations[i];
	newest = l->count - 1u;
	oldest = self->view.at[i] > l->floor ? self->view.at[i] : l->floor;
	chosen = newest - choose_bounded(newest - oldest + 1);
	self->view.at[i] = (uint16_t)chosen;
	if (order & MODEL_ACQUIRE)
		acquire(&l->stores[chosen]);
	note_load(i, chosen);
	trace(PC(), "load %s %s = %#llx%s", order_name(order),
	      where((uintptr_t)at), (unsigned long long)l->stores[chosen].value,
	      chosen == newest ? "" : " (an older one)");
	leave(at, false);
	return l->stores[chosen].value;
}

void model_store(void *at, unsigned width, uint64_t x, unsigned order)
{
	struct thread *self = world->current;
	struct location *l;
	struct store *s;
	unsigned i;

	if (!world->running) {
		memcpy(at, &x, width);
		return;
	}
	i = enter(at, width, true, PC());
	l = &world->locations[i];
	check_used(l);
	self->view.at[i] = l->count;
	s = append(l, x);
	memcpy(at, &x, width);
	if (order & MODEL_RELEASE)
		release(s);
	trace(PC(), "store %s %s = %#llx", order_name(order),
	      where((uintptr_t)at), (unsigned long long)x);
	leave(at, true);
}

/* The newest store is read; the new value is x. */
static void modify(unsigned i, void *at, unsigned width, uint64_t x,
		   unsigned order)
{
	struct location *l = &world->locations[i];
	struct store *was = &l->stores[l->count - 1], *s;

	if (order & MODEL_ACQUIRE)
		acquire(was);
	check_used(l);
	world->current->view.at[i] = l->count;
	s = append(l, x);
	memcpy(at, &x, width);
	carry_on(s, was->message, order);
}

uint64_t model_rmw(void *at, unsigned width, unsigned what, uint64_t x,
		   unsigned order)
{
	static const char *const names[] = { "swap", "add", "or", "and" };
	uint64_t was, next;
	unsigned i = 0;

	if (world->running)
		i = enter(at, width, true, PC());
	was = raw_load(at, width);
	next = what == MODEL_SWAP  ? x
	       : what == MODEL_ADD ? was + x
	       : what == MODEL_OR  ? (was | x)
				   : (was & x);
	if (width == 4)
		next = (uint32_t)next;
	if (!world->running) {
		memcpy(at, &next, width);
		return was;
	}
	modify(i, at, width, next, order);
	trace(PC(), "%s %s %s: %#llx -> %#llx", names[what], order_name(order),
	      where((uintptr_t)at), (unsigned long long)was,
	      (unsigned long long)next);
	leave(at, true);
	return was;
}

bool model_cas(void *at, unsigned width, uint64_t *expected, uint64_t x,
	       unsigned order)
{
	struct thread *self = world->current;
	uint64_t was;
	unsigned i = 0;
	bool same;

	if (world->running)
		i = enter(at, width, true, PC());
	was = raw_load(at, width);
	same = was == *expected;
	if (!world->running) {
		if (same)
			memcpy(at, &x, width);
		*expected = was;
		return same;
	}
	if (same) {
		modify(i, at, width, x, order);
	} else {
		struct location *l = &world->locations[i];

		self->view.at[i] = (uint16_t)(l->count - 1);
		if (order & MODEL_ACQUIRE)
			acquire(&l->stores[l->count - 1]);
		note_load(i, l->count - 1u);
		*expected = was;
	}
	trace(PC(), "cas %s %s: %#llx %s %#llx", order_name(order),
	      where((uintptr_t)at), (unsigned long long)was,
	      same ? "->" : "is not expected, stays; wanted",
	      (unsigned long long)x);
	leave(at, same);
	return same;
}
