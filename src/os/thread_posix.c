/*
 * thread_posix.c - no thread names; processors as sysconf counts them.
 */
#include "os/thread.h"

#include <unistd.h>

void chp__thread_name(const char *name)
{
	(void)name;
}

unsigned chp__cpu_count(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : (unsigned)n;
}
