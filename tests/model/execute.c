/*
 * execute.c - one execution: the world as it was at the start, threads on
 * stacks of their own, setup, threads, check.
 *
 * All code of the scenario and of the library runs on these stacks, thread 0's
 * too; the host's stack only starts them and looks at the end.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "task/context.h"
#include "world.h"

struct world *world;

extern char __data_start[], _end[];

static void *map(uintptr_t at, size_t size)
{
	void *p = mmap((void *)at, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
			       (at ? MAP_FIXED_NOREPLACE : 0),
		       -1, 0);

	if (p == MAP_FAILED)
		__builtin_trap();
	return p;
}

void world_make(void)
{
	size_t data = (size_t)(_end - __data_start);

	world = map(0, sizeof(*world));
	world->snapshot = map(0, data + HEAP_SIZE);
	world->data_cells = map(0, (data / 4 + 2) * sizeof(struct cell));
	map(REGION_BASE, REGION_SIZE);
	world->heap_next = REGION_BASE;
}

/* Keep, or put back, the program's variables and the agents of its threads. */
static void snapshot(bool keep)
{
	size_t data = (size_t)(_end - __data_start);
	size_t heap = world->heap_start - REGION_BASE;
	void *start = (void *)(uintptr_t)REGION_BASE;

	if (keep) {
		memcpy(world->snapshot, __data_start, data);
		memcpy(world->snapshot + data, start, heap);
	} else {
		memcpy(__data_start, world->snapshot, data);
		memcpy(start, world->snapshot + data, heap);
	}
}

void execution_keep(void)
{
	world->heap_start = world->heap_next;
	for (unsigned i = 0; i < THREADS; i++)
		world->threads[i].tls_first = world->threads[i].tls;
	snapshot(true);
}

/* ---- Threads ---- */

void thread_resume(struct thread *t)
{
	struct thread *self = world->current;

	if (t == self)
		return;
	world->current = t;
	chp__context_switch(&self->context, t->context, 0, t);
}

void thread_to_host(void)
{
	chp__context_switch(&world->current->context, world->host, 0, NULL);
}

void execution_abandon(void)
{
	world->running = world->exploring = false;
	thread_to_host();
	__builtin_unreachable();
}

static void thread_main(void *arg, uintptr_t word, struct onward *on)
{
	struct thread *t = arg;
	unsigned id = thread_id(t);
	const struct scenario *s = world->scenario;

	(void)word;
	(void)on;
	if (id) {
		s->threads[id - 1]();
		t->state = THREAD_ENDED;
		if (world->scheduling)
			schedule();
		thread_to_host();
	}
	if (s->setup)
		s->setup();
	thread_to_host();
	world->scheduling = true;
	schedule();
	/* All have ended. */
	if (s->check)
		s->check();
	shadow_leaks();
	thread_to_host();
}

/* Run t from the host until it gives control back. */
static void run_on_host(struct thread *t)
{
	world->current = t;
	chp__context_switch(&world->host, t->context, 0, t);
}

static void thread_make(unsigned i)
{
	struct thread *t = &world->threads[i];
	struct tls tls = t->tls_first;

	memset(t, 0, offsetof(struct thread, view));
	memset(&t->view, 0, world->location_count * sizeof(t->view.at[0]));
	memset(&t->futex, 0, sizeof(*t) - offsetof(struct thread, futex));
	t->tls = t->tls_first = tls;
	t->context = chp__context_make(thread_stack(i), thread_main);
	t->stamp.at[i] = 1;
}

static void reset(void)
{
	snapshot(false);
	for (unsigned i = 0; i < THREADS; i++)
		thread_make(i);
	memory_reset();
	world->generation++;
	world->now = 1000000000;
	world->ticks = world->scenario->ticks;
	world->timeouts = 0;
	world->depth = world->event_count = 0;
	world->preemptions = world->oddities = 0;
	world->sleeping = 0;
	world->pruned = false;
	world->running = true;
	world->exploring = world->scheduling = false;
}

static void start_threads(void)
{
	struct thread *main = &world->threads[0];

	for (unsigned i = 1; i < THREADS; i++) {
		struct thread *t = &world->threads[i];

		if (!world->scenario->threads[i - 1])
			continue;
		stamp_join(&t->stamp, &main->stamp);
		t->view = main->view;
		world->exploring = true;
		run_on_host(t);
		if (!world->running)
			return;
	}
}

static bool stuck(void)
{
	char text[400] = "";
	size_t used = 0;

	for (unsigned i = 1; i < THREADS; i++) {
		const struct thread *t = &world->threads[i];

		if (t->state == THREAD_READY)
			used += (size_t)snprintf(
				text + used, sizeof(text) - used,
				", thread %u %s on %s", i,
				t->next.kind == OP_SPIN ? "spins" : "sleeps",
				where(t->next.on[0].key &
				      ~(uintptr_t)KEY_QUEUE_BIT));
	}
	if (used)
		snprintf(world->failure, sizeof(world->failure),
			 "deadlock, or a wake was lost%s", text);
	return used > 0;
}

/* From the start to the end, or to what is wrong. */
void execution_run(void)
{
	struct thread *main = &world->threads[0];

	reset();
	run_on_host(main);
	if (world->running)
		start_threads();
	if (world->running)
		run_on_host(main);
	if (!world->running || stuck())
		return;

	world->exploring = world->scheduling = false;
	for (unsigned i = 1; i < THREADS; i++)
		stamp_join(&main->stamp, &world->threads[i].stamp);
	memory_refresh(main);
	run_on_host(main);
}
