/*
 * tour_pool.h - the class Pool from the documentation of Java's Semaphore: a
 * fair semaphore guards access to a pool of 100 items.
 */
#ifndef TOUR_POOL_H
#define TOUR_POOL_H

#include <chappe/semaphore.h>

#include <pthread.h>
#include <stdbool.h>

#define MAX_AVAILABLE 100

struct pool {
	chp_semaphore available;
	void *items[MAX_AVAILABLE]; /* whatever is managed */
	bool used[MAX_AVAILABLE];   /* guarded by mutex */
	pthread_mutex_t mutex;      /* never held across a wait */
};

#define POOL_INIT                                                              \
	{                                                                      \
		.available = CHP_SEMAPHORE_INIT(MAX_AVAILABLE, CHP_FAIR),      \
		.mutex = PTHREAD_MUTEX_INITIALIZER,                            \
	}

/*
 * Wait until an item is available, and borrow it.  NULL if the wait was
 * interrupted.  From tasks and threads alike.
 */
void *pool_get_item(struct pool *p);

/* Give it back.  Ignores what is not out. */
void pool_put_item(struct pool *p, void *item);

#endif
