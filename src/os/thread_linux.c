/*
 * thread_linux.c - thread names; processors by affinity, as containers set it.
 */
#include "os/thread.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

void chp__thread_name(const char *name)
{
	char cut[16] = "";

	strncpy(cut, name, sizeof(cut) - 1);
	pthread_setname_np(pthread_self(), cut);
}

unsigned chp__cpu_count(void)
{
	cpu_set_t set;
	int n = 0;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
	if (n < 1)
		n = (int)sysconf(_SC_NPROCESSORS_ONLN);
	return n < 1 ? 1 : (unsigned)n;
}
