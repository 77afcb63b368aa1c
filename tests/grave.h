/*
 * grave.h - memory that is taken back at once, while others may still be on
 * their way out of it (glibc bug 12674).
 *
 * Under a sanitizer burying is free(), and the sanitizer tells of any later
 * touch.  Otherwise a grave is filled with a pattern, which is there unharmed
 * when it is opened again, or made inaccessible, so that a later touch is a
 * segmentation fault: that is how tests with graves fail.
 */
#ifndef CHAPPE_TESTS_GRAVE_H
#define CHAPPE_TESTS_GRAVE_H

#include "harness.h"

#include <sys/mman.h>

#define GRAVES_ARE_HEAP SANITIZED

enum { GRAVES = 64, PATTERN = 0xa5, GRAVE = 4096 };

static unsigned char *cemetery; /* a page for each grave, used in turn */
static bool grave_closed[GRAVES];
static chp_word dug, burials;

static inline void open_cemetery(void)
{
	dug.v = burials.v = 0;
	if (GRAVES_ARE_HEAP)
		return;
	cemetery = mmap(NULL, (size_t)GRAVES * GRAVE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(cemetery != MAP_FAILED);
	memset(cemetery, PATTERN, (size_t)GRAVES * GRAVE);
	memset(grave_closed, 0, sizeof(grave_closed));
}

static inline void close_cemetery(void)
{
	if (!GRAVES_ARE_HEAP)
		CHECK_EQ(munmap(cemetery, (size_t)GRAVES * GRAVE), 0);
}

/* Zeros.  Fewer than GRAVES may be out at a time, and one at a time digs. */
static inline void *dig(size_t size)
{
	uint32_t i = __atomic_fetch_add(&dug.v, 1, __ATOMIC_RELAXED) % GRAVES;
	unsigned char *grave;

	CHECK(size <= GRAVE);
	if (GRAVES_ARE_HEAP)
		return calloc(1, size);
	grave = cemetery + (size_t)i * GRAVE;
	if (grave_closed[i])
		CHECK_EQ(mprotect(grave, GRAVE, PROT_READ | PROT_WRITE), 0);
	grave_closed[i] = false;
	for (size_t k = 0; k < size; k++)
		CHECK_EQ(grave[k], PATTERN);
	return memset(grave, 0, size);
}

static inline void bury(void *corpse, size_t size)
{
	unsigned char *grave = corpse;

	if (GRAVES_ARE_HEAP) {
		free(corpse);
		return;
	}
	memset(grave, PATTERN, size);
	/* Not each time: it is slow, and a late reader is not always late. */
	if (__atomic_add_fetch(&burials.v, 1, __ATOMIC_RELAXED) % 16)
		return;
	grave_closed[(size_t)(grave - cemetery) / GRAVE] = true;
	CHECK_EQ(mprotect(grave, GRAVE, PROT_NONE), 0);
}

#endif
