/*
 * pages_posix.c - plain mmap; no guard markers, nothing known of limits.
 */
#include "os/pages.h"

#include <sys/mman.h>

#include <chappe/base.h>

void *chp__pages_map(size_t size, int for_stacks)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)for_stacks;
	return p == MAP_FAILED ? NULL : p;
}

void chp__pages_discard(void *memory, size_t size)
{
	posix_madvise(memory, size, POSIX_MADV_DONTNEED);
}

int chp__pages_guard_marker(void *memory, size_t size)
{
	(void)memory;
	(void)size;
	return CHP_ENOSYS;
}

size_t chp__pages_max_maps(void)
{
	return 16384;
}
