/*
 * system.c - the os floor and what else the library calls.
 *
 * A futex is an address where threads sleep: sleeping compares the newest
 * value, as the kernel does.  A sleeper with a deadline may be run without
 * being woken: then its time is up, and the clock jumps there.  A spinning
 * thread runs again only when something that it has read since it last spun has
 * changed; so spinning is finite, and a spin that nobody ends is a deadlock.
 */
#include <pthread.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/atomic.h"
#include "base/panic.h"
#include "os/clock.h"
#include "os/futex.h"
#include "os/pages.h"
#include "os/relax.h"
#include "os/thread.h"
#include "os/tls.h"
#include "wait/process_driver.h"
#include "wait/wheel.h"
#include "world.h"

#define PC() ((uint32_t)(uintptr_t)__builtin_return_address(0))

/* ---- Sleeping ---- */

static void fall_asleep(uintptr_t at, chp_time deadline)
{
	struct thread *self = world->current;
	struct touch on[2] = { { at | KEY_QUEUE_BIT, true },
			       { KEY_CLOCK, true } };

	self->futex = at;
	self->woken = false;
	self->deadline = world->scenario->frozen ? 0 : deadline;
	step_begin(OP_SLEEP, on, self->deadline ? 2 : 1);
	if (!self->woken && deadline > world->now)
		world->now = deadline;
	world->timeouts += !self->woken;
	trace(PC(), self->woken ? "is awake" : "has run out of time");
	self->futex = 0;
	step_end(on, self->woken ? 1 : 2);
}

void chp__futex_wait(chp_word *word, uint32_t expected, chp_time deadline)
{
	uintptr_t at = (uintptr_t)word;
	struct touch on[2] = { { at, false }, { at | KEY_QUEUE_BIT, true } };
	bool sleep;

	if (!world->exploring)
		fail("setup or check would sleep");
	world->current->cost.calls++;
	step_begin(OP_MEMORY, on, 2);
	shadow_atomic(at, 4, false, PC());
	sleep = memory_newest32(at) == expected;
	trace(PC(), "futex wait %s: %s", where(at),
	      sleep ? "sleeps" : "has changed");
	/* From now on it can be woken. */
	world->current->futex = sleep ? at : 0;
	world->current->woken = false;
	step_end(on, 2);
	if (sleep)
		fall_asleep(at, deadline);
}

void chp__futex_wake(chp_word *word)
{
	uintptr_t at = (uintptr_t)word;
	struct touch on = { at | KEY_QUEUE_BIT, true };
	struct thread *sleepers[THREADS];
	unsigned count = 0;

	if (!world->running)
		return;
	world->current->cost.calls++;
	step_begin(OP_MEMORY, &on, 1);
	for (unsigned i = 1; i < THREADS; i++) {
		struct thread *t = &world->threads[i];

		if (t->futex == at && !t->woken)
			sleepers[count++] = t;
	}
	if (count)
		sleepers[choose(count)]->woken = true;
	trace(PC(), "futex wake %s: %u asleep", where(at), count);
	step_end(&on, 1);
}

void chp__relax(unsigned *spins)
{
	struct thread *self = world->current;
	struct touch on[TOUCHES];

	(*spins)++;
	if (!world->exploring)
		fail("setup or check would spin");
	for (unsigned i = 0; i < self->spin_count; i++) {
		on[i].key = world->locations[self->spins[i].location].address;
		on[i].writes = false;
	}
	step_begin(OP_SPIN, on, self->spin_count);
	for (unsigned i = 0; i < self->spin_count; i++) {
		unsigned l = self->spins[i].location;

		self->view.at[l] = (uint16_t)(world->locations[l].count - 1);
	}
	trace(PC(), "spins no more");
	step_end(on, self->spin_count);
	self->spin_count = 0;
}

/* ---- Time ---- */

int64_t model_time(int ms)
{
	return 1000000000 + (int64_t)ms * 1000000;
}

chp_time chp__clock_now(void)
{
	const struct scenario *s = world->scenario;
	struct touch on = { KEY_CLOCK, s && s->ticks };

	if (world->running)
		world->current->cost.calls++;
	if (!world->exploring || (!s->timed && !s->ticks))
		return world->now;
	step_begin(OP_MEMORY, &on, 1);
	if (world->ticks && choose(2)) {
		world->ticks--;
		world->now += 1000000;
	}
	trace(PC(), "reads the clock: %lld us",
	      (long long)(world->now - 1000000000) / 1000);
	step_end(&on, 1);
	return world->now;
}

/* As late as it may be, so that it depends on nothing. */
chp_time chp__clock_coarse(void)
{
	return 1000000000;
}

/* ---- The rest ---- */

struct tls *chp__tls_here(void)
{
	return &world->current->tls;
}

void *chp__pages_map(size_t size, int for_stacks)
{
	(void)for_stacks;
	if (world->running)
		fail("pages mapped in an execution");
	return shadow_alloc(size);
}

unsigned long long chp__entropy(void)
{
	world->current->cost.calls++;
	return 12345;
}

void chp__panic(const char *format, ...)
{
	char text[400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fail("panic: %s", text);
}

int model_once(pthread_once_t *once, void (*fn)(void))
{
	(void)once;
	(void)fn;
	return 0;
}

int model_key_create(pthread_key_t *key, void (*destroy)(void *))
{
	(void)key;
	(void)destroy;
	return 0;
}

int model_setspecific(pthread_key_t key, const void *value)
{
	(void)key;
	(void)value;
	return 0;
}

int model_yield(void)
{
	world->current->cost.calls++;
	return 0;
}

void model_prefetch(const void *p)
{
	(void)p;
	world->current->cost.fetches++;
}

/* Timers outside runtimes: the scenario turns the wheel. */
int chp__process_wheel(struct wheel **out)
{
	static struct wheel wheel;

	*out = &wheel;
	return 0;
}

int chp__process_driver(struct driver **out)
{
	*out = NULL;
	return CHP_ENOSYS;
}

/* ---- For scenarios ---- */

void *model_alloc(size_t size)
{
	return chp__alloc(size);
}

void model_free(void *memory, size_t size)
{
	chp__free(memory, size);
}

struct model_cost model_cost(void)
{
	return world->current->cost;
}

void model_check_cost(const struct model_cost *before, unsigned loads,
		      unsigned changes, unsigned calls, const char *file,
		      int line)
{
	const struct model_cost *now = &world->current->cost;
	unsigned l = now->loads - before->loads;
	unsigned c = now->changes - before->changes;
	unsigned s = now->calls - before->calls;

	if (l > loads || c > changes || s > calls)
		fail("%s:%d: costs %u, %u, %u: more than %u, %u, %u "
		     "(loads, changes, calls)",
		     file, line, l, c, s, loads, changes, calls);
}

void model_reached(unsigned what)
{
	world->reached |= 1u << what;
}

void model_check_failed(const char *condition, const char *file, int line)
{
	fail("%s:%d: does not hold: %s", file, line, condition);
}
