/*
 * runtime.c - what the scheduler calls that is not in the model: the poller,
 * stacks, slots, simulation.
 *
 * A poller is a number of tokens on which one thread sleeps; there are no
 * descriptors.
 */
#include "base/atomic.h"
#include "os/clock.h"
#include "os/futex.h"
#include "task/context.h"
#include "task/worker.h"
#include "workers.h"
#include "world.h"

#define PC() ((uint32_t)(uintptr_t)__builtin_return_address(0))

/* ---- The poller ---- */

static chp_word tokens;

/* It only looks again, then sleeps as if it had not. */
bool chp__patience(struct patience *p, bool (*ready)(const void *arg),
		   const void *arg, chp_time deadline)
{
	(void)p;
	(void)ready;
	(void)arg;
	(void)deadline;
	world->current->cost.calls++;
	return false;
}

int chp__driver_wait(struct driver *d, chp_time timeout, unsigned *woken)
{
	uint32_t taken = swap_acquire(&tokens, 0);

	(void)d;
	if (!taken && timeout) {
		chp__futex_wait(&tokens, 0,
				timeout < 0 ? 0 : chp__clock_now() + timeout);
		taken = swap_acquire(&tokens, 0);
	}
	*woken += taken;
	return 0;
}

void chp__poller_wake(struct chp__poller *p)
{
	(void)p;
	add_release(&tokens, 1);
	chp__futex_wake(&tokens);
}

unsigned poller_tokens(void)
{
	return load_relaxed(&tokens);
}

/* ---- Stacks ---- */

void *model_stack(unsigned i)
{
	return (void *)(uintptr_t)(REGION_BASE + HEAP_SIZE +
				   THREADS * STACK_SIZE +
				   (i + 1) * TASK_STACK_SIZE);
}

/* As the library's, but that whoever resumes it is seen to read it. */
struct passed model_context_switch(void **save, void *to, uintptr_t word,
				   void *pointer);

struct passed model_context_switch(void **save, void *to, uintptr_t word,
				   void *pointer)
{
	world->current->cost.calls++;
	if (world->running)
		shadow_plain((uintptr_t)save, sizeof(*save), true, PC());
	return chp__context_switch(save, to, word, pointer);
}

/* Workers have enough of them. */
struct stack *chp__stack_get(int cls, bool budget_only)
{
	(void)cls;
	(void)budget_only;
	fail("a stack too many");
}

void chp__stack_put(struct stack *s)
{
	(void)s;
	fail("a stack too many");
}

bool chp__stack_overrun(const struct stack *s)
{
	(void)s;
	fail("a stack with a canary");
}

/* ---- The rest ---- */

struct task *chp__sim_find(struct worker *w)
{
	(void)w;
	fail("no simulation here");
}

bool chp__sim_is_idle(const struct sim *s)
{
	(void)s;
	fail("no simulation here");
}
