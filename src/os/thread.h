/*
 * thread.h - OS threads of the library's own, and facts about the machine.
 */
#ifndef CHAPPE_SRC_OS_THREAD_H
#define CHAPPE_SRC_OS_THREAD_H

#include <pthread.h>
#include <stddef.h>

/*
 * Start a thread with every signal blocked, so that the program's handlers run
 * on the program's threads.  0 or -errno.  name is cut to what the system
 * takes.
 */
int chp__thread_start(pthread_t *thread, void *(*fn)(void *arg), void *arg,
		      const char *name);

/* Processors this process may run on; at least 1. */
unsigned chp__cpu_count(void);

size_t chp__page_size(void);

/* A random number to seed cheap generators with. */
unsigned long long chp__entropy(void);

#endif
