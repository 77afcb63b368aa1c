/*
 * tsan.c - what code compiled with -fsanitize=thread calls.  We are not that
 * runtime; we only want to be told of plain accesses.
 */
#include "base/atomic.h"
#include "world.h"

#include <string.h>

#define PC() ((uint32_t)(uintptr_t)__builtin_return_address(0))

static inline bool tracked(void)
{
	return world && world->running;
}

/* clang-format off */
#define ACCESS(name, size, write) \
	void __tsan_##name(void *at); \
	void __tsan_##name(void *at) \
	{ \
		if (tracked()) \
			shadow_plain((uintptr_t)at, size, write, PC()); \
	}

#define ACCESSES(n) \
	ACCESS(read##n, n, false) \
	ACCESS(write##n, n, true)

#define UNALIGNED(n) \
	ACCESS(unaligned_read##n, n, false) \
	ACCESS(unaligned_write##n, n, true)

ACCESSES(1) ACCESSES(2) ACCESSES(4) ACCESSES(8) ACCESSES(16)
UNALIGNED(2) UNALIGNED(4) UNALIGNED(8) UNALIGNED(16)
	/* clang-format on */

	void __tsan_init(void);
void __tsan_read_range(void *at, size_t size);
void __tsan_write_range(void *at, size_t size);
void __tsan_func_entry(void *pc);
void __tsan_func_exit(void);

void __tsan_init(void)
{
}

void __tsan_read_range(void *at, size_t size)
{
	if (tracked())
		shadow_plain((uintptr_t)at, size, false, PC());
}

void __tsan_write_range(void *at, size_t size)
{
	if (tracked())
		shadow_plain((uintptr_t)at, size, true, PC());
}

/*
 * The caller's frame lies between its stack pointer, which is just above what
 * our call pushed, and its frame pointer.  On processors whose frame pointer
 * lies below the frame, high is not above low, and frames are not tracked.
 */
void __tsan_func_entry(void *pc)
{
	uintptr_t *frame = __builtin_frame_address(0);

	(void)pc;
	if (tracked())
		shadow_frame_enter((uintptr_t)(frame + 2), frame[0]);
}

void __tsan_func_exit(void)
{
	uintptr_t *frame = __builtin_frame_address(0);

	if (tracked())
		shadow_frame_leave((uintptr_t)(frame + 2), frame[0], PC());
}

/* ---- Copies: the compiler is told to call these by other names ---- */

void *model_memcpy(void *to, const void *from, size_t size);
void *model_memmove(void *to, const void *from, size_t size);
void *model_memset(void *at, int x, size_t size);

void *model_memcpy(void *to, const void *from, size_t size)
{
	if (tracked()) {
		shadow_plain((uintptr_t)from, size, false, PC());
		shadow_plain((uintptr_t)to, size, true, PC());
	}
	return memcpy(to, from, size);
}

void *model_memmove(void *to, const void *from, size_t size)
{
	if (tracked()) {
		shadow_plain((uintptr_t)from, size, false, PC());
		shadow_plain((uintptr_t)to, size, true, PC());
	}
	return memmove(to, from, size);
}

void *model_memset(void *at, int x, size_t size)
{
	if (tracked())
		shadow_plain((uintptr_t)at, size, true, PC());
	return memset(at, x, size);
}

/* ---- Atomics in the public headers, inlined into their callers ---- */

uint32_t __tsan_atomic32_load(const uint32_t *at, int order);

uint32_t __tsan_atomic32_load(const uint32_t *at, int order)
{
	if (order != __ATOMIC_RELAXED && order != __ATOMIC_ACQUIRE)
		fail("an order that the model does not know");
	return (uint32_t)model_load(
		at, 4, order == __ATOMIC_ACQUIRE ? MODEL_ACQUIRE : 0);
}
