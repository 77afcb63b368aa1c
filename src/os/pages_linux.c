/*
 * pages_linux.c - lazily committed maps; guard markers of Linux 6.13.
 */
#include "os/pages.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chappe/base.h>

#include "base/atomic.h"

/* Newer than the C library's headers. */
enum { ADVICE_GUARD_INSTALL = 102 };

void *chp__pages_map(size_t size, int for_stacks)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	/* A stack that starts in a huge page would cost 2 MiB at once. */
	if (for_stacks)
		madvise(p, size, MADV_NOHUGEPAGE);
	return p;
}

void chp__pages_discard(void *memory, size_t size)
{
	madvise(memory, size, MADV_DONTNEED);
}

/* Emulators answer success to advice that they do not know: ask for something
   to be written there. */
static int really_guarded(void *memory)
{
	return syscall(SYS_getcpu, memory, NULL, NULL) != 0;
}

int chp__pages_guard_marker(void *memory, size_t size)
{
	static chp_word known; /* 1: they work; 2: they do not */

	if (load_relaxed(&known) == 2)
		return CHP_ENOSYS;
	if (madvise(memory, size, ADVICE_GUARD_INSTALL) != 0)
		return CHP_ENOSYS;
	if (load_relaxed(&known) == 0)
		store_relaxed(&known, really_guarded(memory) ? 1 : 2);
	return load_relaxed(&known) == 1 ? 0 : CHP_ENOSYS;
}

size_t chp__pages_max_maps(void)
{
	FILE *f = fopen("/proc/sys/vm/max_map_count", "re");
	unsigned long n = 0;

	if (f) {
		if (fscanf(f, "%lu", &n) != 1)
			n = 0;
		fclose(f);
	}
	return n ? n : 65530;
}
