/*
 * tls.h - the library's thread-local words: the agent that runs, and, on a
 * thread that runs a worker, its seat.
 *
 * A task may run on one thread before a switch and on another after, so the
 * words' address must be worked out anew at each access.  Compilers do not
 * know that and keep addresses; the accessors here cannot be optimised that
 * way: a volatile asm where we have one, else a call that is not inlined.
 *
 * The agent leads to the seat as well, by way of the task's worker.  But both
 * have just been written when a task that was switched to switches again, and
 * each load of what was just written waits some cycles.
 */
#ifndef CHAPPE_SRC_OS_TLS_H
#define CHAPPE_SRC_OS_TLS_H

struct tls {
	void *agent;
	void *seat;
};

/*
 * initial-exec: the offset is fixed when the library is loaded, so no call is
 * needed to find it.  Costs sixteen bytes of the loader's static TLS reserve.
 */
extern __thread struct tls chp__tls __attribute__((tls_model("initial-exec")));

/* Where the calling thread keeps them: valid for this thread until it ends. */
struct tls *chp__tls_here(void);

#if defined(__x86_64__)
static inline void *chp__tls_agent(void)
{
	void *agent;

	__asm__ __volatile__("movq chp__tls@gottpoff(%%rip), %0\n\t"
			     "movq %%fs:(%0), %0"
			     : "=r"(agent));
	return agent;
}

static inline void *chp__tls_seat(void)
{
	void *seat;

	__asm__ __volatile__("movq chp__tls@gottpoff(%%rip), %0\n\t"
			     "movq %%fs:8(%0), %0"
			     : "=r"(seat));
	return seat;
}
#else
void *chp__tls_agent(void);
void *chp__tls_seat(void);
#endif

#endif
