/*
 * memory.h - running out of memory, for a while: by a limit on the address
 * space, which sanitizers cannot live with.
 */
#ifndef CHAPPE_TESTS_MEMORY_H
#define CHAPPE_TESTS_MEMORY_H

#include <sys/resource.h>
#include <unistd.h>

#include "harness.h"

MAYBE_UNUSED static struct rlimit before;

static inline void unlimit_memory(void)
{
	CHECK_EQ(setrlimit(RLIMIT_AS, &before), 0);
}

/* Leave so many bytes of address space.  False if it cannot be done here. */
static inline bool limit_memory(rlim_t left)
{
	struct rlimit limit;
	unsigned long pages;
	FILE *f = fopen("/proc/self/statm", "r");
	void *volatile beyond;

	if (SANITIZED || !f || fscanf(f, "%lu", &pages) != 1) {
		h_skip("cannot limit memory here");
		if (f)
			fclose(f);
		return false;
	}
	fclose(f);
	CHECK_EQ(getrlimit(RLIMIT_AS, &before), 0);
	limit = before;
	limit.rlim_cur = pages * (rlim_t)sysconf(_SC_PAGESIZE) + left;
	CHECK_EQ(setrlimit(RLIMIT_AS, &limit), 0);

	/* Emulators do not care. */
	beyond = malloc(2 * left);
	if (!beyond)
		return true;
	free(beyond);
	unlimit_memory();
	h_skip("memory has no limit here");
	return false;
}

#endif
