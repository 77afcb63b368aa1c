/*
 * tour_pool.c - see tour_pool.h.
 *
 * The semaphore encapsulates the waiting that restricts access to the pool,
 * apart from the locking that keeps the pool itself consistent.  No lock is
 * held while waiting for a permit: that would keep others from returning an
 * item.
 */
#include "tour_pool.h"

/* Not a particularly efficient data structure; just for demonstration. */
static void *next_available_item(struct pool *p)
{
	void *item = NULL;

	pthread_mutex_lock(&p->mutex);
	for (int i = 0; i < MAX_AVAILABLE && !item; i++)
		if (!p->used[i]) {
			p->used[i] = true;
			item = p->items[i];
		}
	pthread_mutex_unlock(&p->mutex);
	return item; /* never NULL: the caller has a permit */
}

static bool mark_as_unused(struct pool *p, const void *item)
{
	bool was_used = false;

	pthread_mutex_lock(&p->mutex);
	for (int i = 0; i < MAX_AVAILABLE; i++)
		if (p->items[i] == item) {
			was_used = p->used[i];
			p->used[i] = false;
			break;
		}
	pthread_mutex_unlock(&p->mutex);
	return was_used;
}

void *pool_get_item(struct pool *p)
{
	if (chp_semaphore_acquire(&p->available, 1))
		return NULL;
	return next_available_item(p);
}

void pool_put_item(struct pool *p, void *item)
{
	if (mark_as_unused(p, item))
		chp_semaphore_release(&p->available, 1);
}
