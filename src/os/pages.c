/*
 * pages.c - what mmap gives everywhere.
 */
#include "os/pages.h"

#include <errno.h>
#include <sys/mman.h>

void chp__pages_unmap(void *memory, size_t size)
{
	munmap(memory, size);
}

int chp__pages_guard_protect(void *memory, size_t size)
{
	return mprotect(memory, size, PROT_NONE) == 0 ? 0 : -errno;
}
