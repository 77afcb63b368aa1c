/*
 * tour_pool.c - the class Pool from the documentation of Java's Semaphore: a
 * fair semaphore guards access to a pool of items.  Tasks and plain threads
 * borrow from the same pool, with the same calls.
 */
#include "tour.h"

#include <chappe/chappe.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

#define MAX_AVAILABLE 100
#define TASKS         3000
#define THREADS       8
#define PER_THREAD    125

struct item {
	atomic_bool borrowed;
	atomic_int times;
};

struct pool {
	chp_semaphore available;
	pthread_mutex_t mutex; /* guards used[]; never held across a wait */
	struct item items[MAX_AVAILABLE];
	bool used[MAX_AVAILABLE];
};

static struct pool pool = {
	.available = CHP_SEMAPHORE_INIT(MAX_AVAILABLE, CHP_FAIR),
	.mutex = PTHREAD_MUTEX_INITIALIZER,
};

/* What the borrowers have seen. */
static atomic_int out, most_out, twice, refused;

/* Not a particularly efficient data structure; just for demonstration. */
static struct item *next_available_item(struct pool *p)
{
	struct item *item = NULL;

	pthread_mutex_lock(&p->mutex);
	for (int i = 0; i < MAX_AVAILABLE && !item; i++)
		if (!p->used[i]) {
			p->used[i] = true;
			item = &p->items[i];
		}
	pthread_mutex_unlock(&p->mutex);
	return item; /* never NULL: the caller has a permit */
}

static bool mark_as_unused(struct pool *p, struct item *item)
{
	size_t i = (size_t)(item - p->items);
	bool was_used;

	pthread_mutex_lock(&p->mutex);
	was_used = p->used[i];
	p->used[i] = false;
	pthread_mutex_unlock(&p->mutex);
	return was_used;
}

/* NULL if the wait was interrupted. */
static struct item *get_item(struct pool *p)
{
	if (chp_semaphore_acquire(&p->available, 1))
		return NULL;
	return next_available_item(p);
}

static void put_item(struct pool *p, struct item *item)
{
	if (mark_as_unused(p, item))
		chp_semaphore_release(&p->available, 1);
}

/* Borrow an item, let others run meanwhile, give it back. */
static void *borrow(void *arg)
{
	struct item *item = get_item(&pool);
	int now, most;

	(void)arg;
	if (!item) {
		refused++;
		return NULL;
	}

	twice += atomic_exchange(&item->borrowed, true);
	item->times++;
	now = ++out;
	most = most_out;
	while (now > most &&
	       !atomic_compare_exchange_weak(&most_out, &most, now))
		;

	chp_yield();

	out--;
	item->borrowed = false;
	put_item(&pool, item);
	return NULL;
}

static void *borrow_often(void *arg)
{
	for (int i = 0; i < PER_THREAD; i++)
		borrow(arg);
	return NULL;
}

/* Joining a thread blocks: not something to do to a worker of the runtime. */
static void *join_threads(void *arg)
{
	pthread_t *threads = arg;

	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return NULL;
}

const char *tour_pool(void)
{
	static chp_task tasks[TASKS];
	pthread_t threads[THREADS];
	int times = 0, still_used = 0;

	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, borrow_often, NULL))
			return "no thread";
	for (int i = 0; i < TASKS; i++)
		if (chp_spawn(&tasks[i], borrow, NULL))
			return "no task";

	for (int i = 0; i < TASKS; i++)
		chp_join(&tasks[i], NULL);
	chp_block_in_place(join_threads, threads);

	for (int i = 0; i < MAX_AVAILABLE; i++) {
		times += pool.items[i].times;
		still_used += pool.used[i];
	}
	printf("%d tasks and %d threads borrowed %d times\n", TASKS, THREADS,
	       times);
	printf("most items out at once = %d\n", most_out);
	printf("permits at the end = %d\n",
	       (int)chp_semaphore_available(&pool.available));

	if (refused || times != TASKS + THREADS * PER_THREAD)
		return "not everybody got an item";
	if (most_out > MAX_AVAILABLE || twice)
		return "an item was lent to two at once";
	if (out || still_used ||
	    chp_semaphore_available(&pool.available) != MAX_AVAILABLE)
		return "not everything came back";
	return NULL;
}
