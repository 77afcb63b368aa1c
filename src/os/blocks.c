/*
 * blocks.c - see blocks.h.
 *
 * `kept` belongs to its thread.  Nothing in here switches tasks, and nothing of
 * it is inlined where that could happen, so its address stays right.
 *
 *	state    FRESH    nothing was kept yet: no destructor is registered
 *	         KEEPING  the destructor will free what is kept
 *	         ENDED    it has: what is freed now goes back at once
 */
#include "os/blocks.h"

#include <pthread.h>

#include "base/sanitizer.h"

enum { FRESH, KEEPING, ENDED };

struct block {
	struct block *next;
};

static __thread struct {
	struct block *first;
	unsigned count;
	int state;
} kept __attribute__((tls_model("initial-exec")));

static pthread_key_t key;
static int key_made;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void on_thread_exit(void *data)
{
	(void)data;
	kept.state = ENDED;
	for (struct block *b; (b = kept.first);) {
		kept.first = b->next;
		chp__free(b, BLOCK_SMALL);
	}
	kept.count = 0;
}

static void make_key(void)
{
	key_made = pthread_key_create(&key, on_thread_exit) == 0;
}

/* May the calling thread keep blocks from now on? */
static COLD void begin(void)
{
	pthread_once(&once, make_key);
	kept.state = !WATCHED && chp__alloc_is_standard() && key_made &&
				     pthread_setspecific(key, &kept) == 0
			     ? KEEPING
			     : ENDED;
}

NOINLINE void *chp__block_alloc_small(void)
{
	struct block *b = kept.first;

	if (unlikely(!b))
		return chp__alloc(BLOCK_SMALL);
	kept.first = b->next;
	kept.count--;
	return b;
}

NOINLINE void chp__block_free_small(void *block)
{
	struct block *b = block;

	if (unlikely(kept.state == FRESH))
		begin();
	if (unlikely(kept.state == ENDED || kept.count == BLOCKS_KEPT)) {
		chp__free(block, BLOCK_SMALL);
		return;
	}
	b->next = kept.first;
	kept.first = b;
	kept.count++;
}
