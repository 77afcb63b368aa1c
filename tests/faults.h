/*
 * faults.h - calls of the system that fail.
 *
 * The suites that use this are linked so that the library's calls of the
 * system go through faults.c (--wrap), which counts them by class and, by a
 * plan, lets some fail; memory is refused by the harness' allocator.  What the
 * C library calls by itself is not touched.
 *
 * A scenario is a piece of a program that handles every documented error by
 * cleaning up, and returns it.  fault_each() runs it over and over, each time
 * in a process of its own: the first, second, ... call of each class fails,
 * until a run in which no call was left to fail.  After each failure
 *
 *	- nothing has crashed or hangs,
 *	- the scenario has said 0, or the error that was put in,
 *	- the same scenario succeeds in the same process,
 *	- and there are then as many heap blocks, descriptors, threads and
 *	  mapped bytes as after two runs without a failure.
 */
#ifndef CHAPPE_TESTS_FAULTS_H
#define CHAPPE_TESTS_FAULTS_H

#include "harness.h"

enum fault {
	FAULT_ALLOC,
	FAULT_MAP,     /* mmap */
	FAULT_GUARD,   /* mprotect, madvise */
	FAULT_THREAD,  /* pthread_create */
	FAULT_POLLER,  /* epoll_create1 */
	FAULT_WATCH,   /* epoll_ctl */
	FAULT_TOKENS,  /* eventfd, pipe, pipe2 */
	FAULT_TIMER,   /* timerfd_create */
	FAULT_SOCKET,  /* socket, bind, listen, getsockname, getsockopt */
	FAULT_ACCEPT,  /* accept4 */
	FAULT_CONNECT, /* connect */
	FAULT_RECV,
	FAULT_SEND,
	FAULT_FLAGS, /* fcntl */
	FAULT_OPEN,  /* open, fopen */
	FAULT_NAMES, /* getaddrinfo */
	FAULT_READ,  /* read; only to be interrupted */
	FAULT_WRITE, /* write; the same */
	FAULT_WAIT,  /* epoll_wait, epoll_pwait2, poll; the same */
	FAULTS
};

/* Calls of that class fail: the first'th from now, and then, if `every` is not
   0, each every'th after it. */
struct fault_plan {
	enum fault what;
	long first, every;
	int error;
};

void fault_start(const struct fault_plan *plan); /* NULL: only count */
long fault_stop(void);                           /* how many have failed */
long fault_count(enum fault what);               /* calls since the start */

/*
 * From now on, at random, calls that may be interrupted are, and bytes are
 * moved a few at a time.  0: no more.
 */
void fault_noise(uint64_t seed);

/* Called once, in place of the next epoll_wait that would wait without limit;
   that one is then interrupted. */
void fault_interrupt_wait(void (*fn)(void));

/* Bytes that the library has mapped and not unmapped. */
long fault_mapped(void);

/* How scenarios differ in what can be asked of them. */
enum {
	FAULT_ANY_MAPS = 1, /* how much is mapped depends on the race */
	FAULT_HEALS = 2,    /* waits for memory: only every other map fails */
};

/* Each class, each call: see above. */
void fault_each(int (*scenario)(void), unsigned flags);

/* The scenario under noise, with many seeds. */
void fault_noisily(int (*scenario)(void), long rounds);

/* fn(arg) in a process of its own, which must end well, and soon. */
void fault_in_child(void (*fn)(void *arg), void *arg, const char *what);

#endif
