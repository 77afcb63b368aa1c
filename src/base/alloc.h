/*
 * alloc.h - the library's heap: malloc, or what chp_set_allocator() gave.
 */
#ifndef CHAPPE_SRC_BASE_ALLOC_H
#define CHAPPE_SRC_BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* NULL when out of memory.  Aligned for any type; not zeroed. */
void *chp__alloc(size_t size);

/* The same, zeroed. */
void *chp__alloc_zero(size_t size);

/* Is it malloc? */
bool chp__alloc_is_standard(void);

/* NULL is ignored.  size is what was asked for. */
void chp__free(void *memory, size_t size);

#endif
