/*
 * thread.h - OS threads of the library's own, and facts about the machine.
 */
#ifndef CHAPPE_SRC_OS_THREAD_H
#define CHAPPE_SRC_OS_THREAD_H

#include <pthread.h>
#include <stddef.h>

/*
 * Start a thread with every signal blocked, so that the program's handlers run
 * on the program's threads.  0 or -errno.  Once it runs it may end and be
 * joined, and *thread be freed, before this returns.
 */
int chp__thread_start(pthread_t *thread, void *(*fn)(void *arg), void *arg);

/* Name the calling thread for debuggers and ps; cut to what the system takes,
   nothing if it takes none. */
void chp__thread_name(const char *name);

/* Processors this process may run on; at least 1. */
unsigned chp__cpu_count(void);

size_t chp__page_size(void);

/* A random number to seed cheap generators with. */
unsigned long long chp__entropy(void);

#endif
