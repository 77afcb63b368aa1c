/*
 * shadow.c - plain memory: who touched it, and whether it is still there.
 *
 * Each four bytes of the program's variables, the heap and the stacks have a
 * cell with the stamps of the last write and of the reads since.  An access
 * that does not happen after the conflicting ones before it is a race; so is a
 * plain one against an atomic one.  Freed blocks are not given out again, and
 * the frame of a function that returned is marked, so that a late access is
 * found, whatever lies there by then.
 */
#include "world.h"

#include <string.h>

extern char __data_start[], _end[];

struct cell *cell_of(uintptr_t address)
{
	struct cell *c;

	if (address - REGION_BASE < REGION_SIZE)
		c = &world->region_cells[(address - REGION_BASE) / 4];
	else if (address - (uintptr_t)__data_start <
		 (uintptr_t)(_end - __data_start))
		c = &world->data_cells[(address - (uintptr_t)__data_start) / 4];
	else
		return NULL;
	if (c->generation != world->generation) {
		memset(c, 0, sizeof(*c));
		c->generation = world->generation;
		if (address >= world->heap_start &&
		    address - REGION_BASE < HEAP_SIZE)
			c->state = CELL_FREED;
	}
	return c;
}

void *thread_stack(unsigned thread)
{
	return (void *)(uintptr_t)(REGION_BASE + HEAP_SIZE +
				   (thread + 1) * STACK_SIZE);
}

static void report(uintptr_t address, const char *what, uint32_t pc,
		   uint32_t other)
{
	uint32_t pcs[2] = { pc, other };
	char text[2][160];

	print_lines(pcs, other ? 2 : 1, text);
	fail("%s of %s, thread %u at %s%s%s", what, where(address),
	     thread_id(world->current), text[0], other ? ", after " : "",
	     other ? text[1] : "");
}

static void check_there(const struct cell *c, uintptr_t address, uint32_t pc)
{
	if (c->state == CELL_FREED)
		report(address, "use after free (or outside a block)", pc,
		       c->write_pc);
	if (c->state == CELL_LEFT && c->writer != thread_id(world->current))
		report(address, "use of a frame that was left", pc,
		       c->write_pc);
}

static bool any_later(const struct stamp *a, const struct stamp *now)
{
	for (unsigned i = 0; i < THREADS; i++)
		if (a->at[i] > now->at[i])
			return true;
	return false;
}

void shadow_plain(uintptr_t address, size_t size, bool write, uint32_t pc)
{
	struct thread *self = world->current;
	unsigned id = thread_id(self);
	uintptr_t end = address + size;

	for (uintptr_t a = address & ~(uintptr_t)3; a < end; a += 4) {
		struct cell *c = cell_of(a);
		struct location *l;

		if (!c)
			return;
		check_there(c, a, pc);
		l = c->location ? &world->locations[c->location] : NULL;
		if (c->write > self->stamp.at[c->writer])
			report(a, "data race", pc, c->write_pc);
		if (write && any_later(&c->reads, &self->stamp))
			report(a, "data race (with a read)", pc, c->read_pc);
		if (l && (any_later(&l->writes, &self->stamp) ||
			  (write && any_later(&l->reads, &self->stamp))))
			report(a, "data race (with an atomic access)", pc, 0);
		if (write) {
			memset(&c->reads, 0, sizeof(c->reads));
			c->write = self->stamp.at[id];
			c->writer = (uint8_t)id;
			c->write_pc = pc;
			c->state = CELL_LIVE;
			if (l)
				l->stale = true;
		} else {
			c->reads.at[id] = self->stamp.at[id];
			c->read_pc = pc;
		}
	}
}

void shadow_atomic(uintptr_t address, unsigned width, bool write, uint32_t pc)
{
	struct thread *self = world->current;
	unsigned id = thread_id(self);

	for (uintptr_t a = address; a < address + width; a += 4) {
		struct cell *c = cell_of(a);
		struct location *l;

		if (!c)
			return;
		check_there(c, a, pc);
		if (c->write > self->stamp.at[c->writer])
			report(a, "data race (atomic access)", pc, c->write_pc);
		if (write && any_later(&c->reads, &self->stamp))
			report(a, "data race (atomic access)", pc, c->read_pc);
		if (!c->location)
			continue;
		l = &world->locations[c->location];
		(write ? &l->writes : &l->reads)->at[id] = self->stamp.at[id];
	}
}

/* ---- Frames ---- */

static void mark(struct cell *c, enum cell_state state, uint32_t pc)
{
	unsigned id = thread_id(world->current);

	memset(c, 0, sizeof(*c));
	c->generation = world->generation;
	c->write = world->current->stamp.at[id];
	c->writer = (uint8_t)id;
	c->state = (uint8_t)state;
	c->write_pc = pc;
}

void shadow_frame_enter(uintptr_t low, uintptr_t high)
{
	if (low - REGION_BASE >= REGION_SIZE || high < low)
		return;
	for (uintptr_t a = low; a < high; a += 4)
		mark(&world->region_cells[(a - REGION_BASE) / 4], CELL_LIVE, 0);
}

void shadow_frame_leave(uintptr_t low, uintptr_t high, uint32_t pc)
{
	struct thread *self = world->current;

	if (low - REGION_BASE >= REGION_SIZE || high < low)
		return;
	for (uintptr_t a = low; a < high; a += 4) {
		struct cell *c = &world->region_cells[(a - REGION_BASE) / 4];
		bool live = c->generation == world->generation;
		struct location *l = NULL;

		if (live && c->location)
			l = &world->locations[c->location];
		if (live && (c->write > self->stamp.at[c->writer] ||
			     any_later(&c->reads, &self->stamp) ||
			     (l && (any_later(&l->writes, &self->stamp) ||
				    any_later(&l->reads, &self->stamp)))))
			report(a, "frame left while others use it", pc,
			       c->write_pc);
		mark(c, CELL_LEFT, pc);
	}
}

/* ---- Blocks ---- */

void *shadow_alloc(size_t size)
{
	uintptr_t at = world->heap_next;
	struct block *b;

	size = (size + 15) / 16 * 16;
	if (at + size + 16 > REGION_BASE + HEAP_SIZE)
		fail("the model's heap is full");
	world->heap_next = at + size + 16; /* what lies between stays FREED */
	if (!world->running)
		return (void *)at;
	world->current->cost.calls++;
	if (world->block_count == BLOCKS)
		fail("too many blocks for the model");
	b = &world->blocks[world->block_count++];
	b->address = at;
	b->size = size;
	b->live = true;
	for (uintptr_t a = at; a < at + size; a += 4)
		mark(cell_of(a), CELL_LIVE, 0);
	return (void *)at;
}

void shadow_free(void *memory, size_t size, uint32_t pc)
{
	uintptr_t at = (uintptr_t)memory;

	if (!world->running || !memory)
		return;
	for (unsigned i = 0; i < world->block_count; i++) {
		struct block *b = &world->blocks[i];

		if (b->address != at)
			continue;
		if (!b->live)
			report(at, "block freed twice", pc,
			       cell_of(at)->write_pc);
		if (b->size < size)
			report(at, "block freed with a larger size", pc, 0);
		/* As a write of all of it: races are found. */
		shadow_plain(at, b->size, true, pc);
		b->live = false;
		for (uintptr_t a = at; a < at + b->size; a += 4)
			mark(cell_of(a), CELL_FREED, pc);
		return;
	}
	report(at, "free of what is no block", pc, 0);
}

void shadow_leaks(void)
{
	for (unsigned i = 0; i < world->block_count; i++)
		if (world->blocks[i].live)
			fail("leak: block %u of %zu bytes", i,
			     world->blocks[i].size);
}
