/*
 * tls.h - the library's one thread-local variable: the agent that runs.
 *
 * A task may run on one thread before a switch and on another after, so the
 * variable's address must be worked out anew at each access.  Compilers do not
 * know that and keep addresses; the two accessors here cannot be optimised
 * that way: a volatile asm where we have one, else a call that is not inlined.
 */
#ifndef CHAPPE_SRC_OS_TLS_H
#define CHAPPE_SRC_OS_TLS_H

/*
 * initial-exec: the offset is fixed when the library is loaded, so no call is
 * needed to find it.  Costs eight bytes of the loader's static TLS reserve.
 */
extern __thread void *chp__tls_self __attribute__((tls_model("initial-exec")));

/* Where the calling thread keeps it: valid for this thread until it ends. */
void **chp__tls_slot(void);

#if defined(__x86_64__)
static inline void *chp__tls_get(void)
{
	void *self;

	__asm__ __volatile__("movq chp__tls_self@gottpoff(%%rip), %0\n\t"
			     "movq %%fs:(%0), %0"
			     : "=r"(self));
	return self;
}
#else
void *chp__tls_get(void);
#endif

#endif
