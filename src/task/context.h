/*
 * context.h - one stack for another.
 *
 * Bodies: context_<arch>.S, or context_ucontext.c where there is none or the
 * build asks for it.
 */
#ifndef CHAPPE_SRC_TASK_CONTEXT_H
#define CHAPPE_SRC_TASK_CONTEXT_H

/*
 * Save the caller's context: *save gets a pointer by which it can be resumed.
 * Resume the context `to`.  Returns, in the resumed context, what the one who
 * resumed it passed.
 *
 * Saved: what the ABI calls preserved, but for the floating-point environment,
 * which belongs to the thread (runtime.h).
 */
void *chp__context_switch(void **save, void *to, void *pass);

/*
 * A context that, when resumed, calls entry(pass) on the stack that ends at
 * `top` (16-byte aligned).  entry must not return.  Debuggers see the end of
 * the stack there.
 */
void *chp__context_make(void *top, void (*entry)(void *pass));

#endif
