/*
 * blocks.h - small blocks of the heap, a few kept by each thread.
 *
 * For objects that are made and freed all the time.  A thread keeps what it
 * frees, up to a limit and until it ends, and allocates from that.  Not with an
 * allocator of the program's own, which sees every block; nor in builds for a
 * sanitizer, which would not see a block used after it was freed.
 */
#ifndef CHAPPE_SRC_OS_BLOCKS_H
#define CHAPPE_SRC_OS_BLOCKS_H

#include <stddef.h>

#include "base/alloc.h"
#include "base/compiler.h"

enum {
	BLOCK_SMALL = 128, /* bytes of each block that is kept */
	BLOCKS_KEPT = 64,  /* per thread */
};

void *chp__block_alloc_small(void);
void chp__block_free_small(void *block);

/* As chp__alloc and chp__free. */
static inline void *chp__block_alloc(size_t size)
{
	return likely(size <= BLOCK_SMALL) ? chp__block_alloc_small()
					   : chp__alloc(size);
}

static inline void chp__block_free(void *block, size_t size)
{
	if (likely(size <= BLOCK_SMALL))
		chp__block_free_small(block);
	else
		chp__free(block, size);
}

#endif
