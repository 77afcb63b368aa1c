/*
 * context.h - one stack for another.
 *
 * Bodies: context_<arch>.S, or context_ucontext.c where there is none or the
 * build asks for it.
 */
#ifndef CHAPPE_SRC_TASK_CONTEXT_H
#define CHAPPE_SRC_TASK_CONTEXT_H

#include <stdint.h>

/* What one context tells the next: two words, which stay in registers, as all
   the ABIs return such a struct.  By way of memory they would come later. */
struct passed {
	void *pointer;
	uintptr_t word;
};

/*
 * Save the caller's context: *save gets a pointer by which it can be resumed.
 * Resume the context `to`.  (word comes first because on x86_64 it then is in
 * its place already.)  Returns, in the resumed context, what the one who
 * resumed it passed.
 *
 * Saved: what the ABI calls preserved, but for the floating-point environment,
 * which belongs to the thread (runtime.h).
 */
struct passed chp__context_switch(void **save, void *to, uintptr_t word,
				  void *pointer);

/* Where a context goes on to that ends, and what it passes. */
struct onward {
	void *to;
	uintptr_t word;
	void *pointer;
};

/*
 * A context that, when resumed, calls entry with what is passed, on the stack
 * that ends at `top` (16-byte aligned).  When entry returns, the stack is left
 * for good, and *on, which it has filled, is gone on with.  All calls have then
 * returned, so that the processor predicts the returns on the other stack as if
 * there had been none.  Debuggers see the end of the stack at the call of entry.
 */
void *chp__context_make(void *top, void (*entry)(void *pointer, uintptr_t word,
						 struct onward *on));

#endif
