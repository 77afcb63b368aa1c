/*
 * context_ucontext.c - for machines without an assembler body: swapcontext,
 * which makes a system call per switch.
 *
 * A saved context is a pointer to a ucontext_t: a new one lies at the top of
 * its stack, a running one's is on the stack of the call that left it.  What is
 * passed travels in a thread-local that is written before and read after the
 * switch on the same thread.
 */
#include "task/context.h"

#include <stdint.h>
#include <string.h>
#include <ucontext.h>

#include "base/compiler.h"

static __thread struct passed passing;

/* Not inlined: the address of a thread-local must not outlive a switch. */
static NOINLINE void set_passing(struct passed pass)
{
	__asm__ __volatile__("");
	passing = pass;
}

static NOINLINE struct passed get_passing(void)
{
	__asm__ __volatile__("");
	return passing;
}

struct passed chp__context_switch(void **save, void *to, uintptr_t word,
				  void *pointer)
{
	ucontext_t here;

	*save = &here;
	set_passing((struct passed){ pointer, word });
	swapcontext(&here, to);
	return get_passing();
}

/* makecontext passes ints only: a pointer goes as two halves. */
static void first(unsigned high, unsigned low)
{
	uintptr_t entry = (uintptr_t)high << 32 | low;
	struct passed p = get_passing();
	struct onward on;

	((void (*)(void *, uintptr_t, struct onward *))entry)(p.pointer, p.word,
							      &on);
	set_passing((struct passed){ on.pointer, on.word });
	setcontext(on.to);
	__builtin_trap();
}

void *chp__context_make(void *top, void (*entry)(void *pointer, uintptr_t word,
						 struct onward *on))
{
	uintptr_t at = ((uintptr_t)top - sizeof(ucontext_t)) & ~(uintptr_t)63;
	ucontext_t *uc = (ucontext_t *)at;
	uint64_t address = (uintptr_t)entry;

	getcontext(uc);
	/* Only the end of the stack matters; its size is the caller's care. */
	uc->uc_stack.ss_sp = (void *)(at - 8192);
	uc->uc_stack.ss_size = 8192;
	uc->uc_link = NULL;
	makecontext(uc, (void (*)(void))first, 2, (unsigned)(address >> 32),
		    (unsigned)address);
	return uc;
}
