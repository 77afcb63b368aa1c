/*
 * thread_name.h - the two facts about threads that POSIX does not cover.
 */
#ifndef CHAPPE_SRC_OS_THREAD_NAME_H
#define CHAPPE_SRC_OS_THREAD_NAME_H

#include <pthread.h>

/* Name a thread for debuggers and ps; nothing if the system cannot. */
void chp__thread_name(pthread_t thread, const char *name);

#endif
