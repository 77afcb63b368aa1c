/*
 * thread_posix.c - no thread names; processors as sysconf counts them.
 */
#include "os/thread.h"
#include "os/thread_name.h"

#include <unistd.h>

void chp__thread_name(pthread_t thread, const char *name)
{
	(void)thread;
	(void)name;
}

unsigned chp__cpu_count(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : (unsigned)n;
}
