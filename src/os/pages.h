/*
 * pages.h - memory by the page.
 */
#ifndef CHAPPE_SRC_OS_PAGES_H
#define CHAPPE_SRC_OS_PAGES_H

#include <stddef.h>

/*
 * Map `size` bytes of zeroed memory whose pages cost nothing until touched;
 * for_stacks asks for no huge pages.  NULL when out of address space, maps or
 * memory.
 */
void *chp__pages_map(size_t size, int for_stacks);
void chp__pages_unmap(void *memory, size_t size);

/* Give the pages' memory back; they read as zero afterwards. */
void chp__pages_discard(void *memory, size_t size);

/*
 * Make an access to the pages fault without costing a memory map of its own.
 * 0, or CHP_ENOSYS where the kernel cannot.
 */
int chp__pages_guard_marker(void *memory, size_t size);

/* The same at the price of up to two more memory maps.  0 or -errno. */
int chp__pages_guard_protect(void *memory, size_t size);

/* How many memory maps a process may have. */
size_t chp__pages_max_maps(void);

#endif
