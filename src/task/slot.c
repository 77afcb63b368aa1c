/*
 * slot.c - memory for tasks and blocking calls: chunks that stay with the
 * process.
 *
 * Chunks of a pool form a list that only grows: a chunk is linked by a cas with
 * release (C) that pairs with the acquire (D) of whoever walks it, so slot_each
 * needs no lock.  Free slots are a list under the pool's lock, and small caches
 * that belong to workers.
 */
#include "os/pages.h"
#include "os/spin.h"
#include "task/task.h"
#include "task/worker.h"

enum { CHUNK = 256 * 1024, CACHE_MAX = 64, CACHE_MOVE = 32 };

struct chunk {
	struct chunk *next;
	char slots[] CACHE_ALIGNED;
};

struct pool {
	const struct agent_class *cls;
	size_t size; /* of a slot: whole cache lines */
	chp_word lock;
	struct task *free_list; /* guarded by lock */
	chp_ptr chunks;
};

#define LINES(size) (((size) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE)

static struct pool pools[] = {
	[SLOT_TASK] = { .cls = &chp__task_class,
			.size = LINES(sizeof(struct stackful)) },
	[SLOT_STACKLESS] = { .cls = &chp__stackless_class,
			     .size = LINES(sizeof(struct task)) },
	[SLOT_JOB] = { .cls = &chp__job_class,
		       .size = LINES(sizeof(struct task)) },
};

static struct task *slot(const struct pool *pool, struct chunk *c, size_t i)
{
	return (struct task *)(void *)(c->slots + i * pool->size);
}

static size_t slot_count(const struct pool *pool)
{
	return (CHUNK - sizeof(struct chunk)) / pool->size;
}

static bool grow(struct pool *pool)
{
	struct chunk *c = chp__pages_map(CHUNK, 0);
	size_t n = slot_count(pool);
	void *first;

	if (!c)
		return false;
	for (size_t i = 0; i < n; i++) {
		slot(pool, c, i)->outcome.agent.cls = pool->cls;
		slot(pool, c, i)->next = slot(pool, c, i + 1);
	}

	first = loadp_relaxed(&pool->chunks);
	do
		c->next = first;
	while (!casp_release(&pool->chunks, &first, c)); /* (C) */

	spin_lock(&pool->lock, RANK_STACK);
	slot(pool, c, n - 1)->next = pool->free_list;
	pool->free_list = slot(pool, c, 0);
	spin_unlock(&pool->lock, RANK_STACK);
	return true;
}

/* Move up to n free slots into the cache; false: there was none. */
static bool refill(struct pool *pool, struct slot_cache *cache, unsigned n)
{
	spin_lock(&pool->lock, RANK_STACK);
	while (cache->count < n && pool->free_list) {
		struct task *t = pool->free_list;

		pool->free_list = t->next;
		t->next = cache->first;
		cache->first = t;
		cache->count++;
	}
	spin_unlock(&pool->lock, RANK_STACK);
	return cache->count > 0;
}

static void give_back(struct pool *pool, struct slot_cache *cache,
		      unsigned keep)
{
	spin_lock(&pool->lock, RANK_STACK);
	while (cache->count > keep) {
		struct task *t = cache->first;

		cache->first = t->next;
		cache->count--;
		t->next = pool->free_list;
		pool->free_list = t;
	}
	spin_unlock(&pool->lock, RANK_STACK);
}

struct task *chp__slot_get(enum slot_kind kind, struct slot_cache *caches)
{
	struct pool *pool = &pools[kind];
	struct slot_cache one = { NULL, 0 };
	struct slot_cache *cache = caches ? &caches[kind] : &one;
	unsigned n = caches ? CACHE_MOVE : 1;
	struct task *t;

	while (unlikely(!cache->first))
		if (!refill(pool, cache, n) && !grow(pool))
			return NULL;
	t = cache->first;
	cache->first = t->next;
	cache->count--;
	return t;
}

static enum slot_kind kind_of(const struct outcome *o)
{
	if (o->agent.cls == &chp__task_class)
		return SLOT_TASK;
	return o->agent.cls == &chp__job_class ? SLOT_JOB : SLOT_STACKLESS;
}

void chp__slot_free(struct outcome *o)
{
	struct task *t = (struct task *)o;
	enum slot_kind kind = kind_of(o);
	struct worker *w = worker_here();
	struct slot_cache one = { NULL, 0 };
	struct slot_cache *cache = &one;

	storep_relaxed(&o->runtime, NULL);
	store64_relaxed(&o->end, 0);
	agent_leave(&o->agent);

	if (w && kind < SLOT_CACHES)
		cache = &w->slots[kind];
	t->next = cache->first;
	cache->first = t;
	cache->count++;
	if (cache == &one)
		give_back(&pools[kind], cache, 0);
	else if (unlikely(cache->count > CACHE_MAX))
		give_back(&pools[kind], cache, CACHE_MOVE);
}

void chp__slot_flush(struct slot_cache *caches)
{
	for (unsigned i = 0; i < SLOT_CACHES; i++)
		give_back(&pools[i], &caches[i], 0);
}

static void each(struct pool *pool, void (*fn)(struct task *t, void *user),
		 void *user)
{
	struct chunk *c = loadp_acquire(&pool->chunks); /* (D) */

	for (; c; c = c->next)
		for (size_t i = 0; i < slot_count(pool); i++)
			fn(slot(pool, c, i), user);
}

void chp__slot_each(void (*fn)(struct task *t, void *user), void *user)
{
	for (size_t i = 0; i < ARRAY_LEN(pools); i++)
		each(&pools[i], fn, user);
}
