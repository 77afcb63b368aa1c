/*
 * tour_borrowers.c - thousands of tasks and some threads borrow from one pool
 * of 100 items (tour_pool.c), with the same calls.
 */
#include "tour.h"
#include "tour_pool.h"

#include <chappe/chappe.h>

#include <stdatomic.h>
#include <stdio.h>

#define TASKS      2000
#define THREADS    8
#define PER_THREAD 125

struct item {
	atomic_int borrowed;
	atomic_int times;
};

static struct item items[MAX_AVAILABLE];
static struct pool pool = POOL_INIT;

/* What the borrowers have seen. */
static atomic_int out, most_out, twice, refused;

/* Borrow an item, let others run meanwhile, give it back. */
static void *borrow(void *arg)
{
	struct item *item = pool_get_item(&pool);
	int now, most;

	(void)arg;
	if (!item) {
		refused++;
		return NULL;
	}

	twice += atomic_exchange(&item->borrowed, 1);
	item->times++;
	now = ++out;
	most = most_out;
	while (now > most &&
	       !atomic_compare_exchange_weak(&most_out, &most, now))
		;

	chp_yield();

	out--;
	item->borrowed = 0;
	pool_put_item(&pool, item);
	return NULL;
}

static void *borrow_often(void *arg)
{
	for (int i = 0; i < PER_THREAD; i++)
		borrow(arg);
	return NULL;
}

/* Joining a thread blocks: not something to do to a worker of the runtime. */
static void *join_thread(void *thread)
{
	pthread_join(*(pthread_t *)thread, NULL);
	return NULL;
}

const char *tour_borrowers(void)
{
	static chp_task tasks[TASKS];
	pthread_t threads[THREADS];
	int times = 0, threads_started = 0;

	for (int i = 0; i < MAX_AVAILABLE; i++)
		pool.items[i] = &items[i];

	while (threads_started < THREADS &&
	       !pthread_create(&threads[threads_started], NULL, borrow_often,
			       NULL))
		threads_started++;
	for (int i = 0; i < TASKS; i++)
		refused += chp_spawn(&tasks[i], borrow, NULL) != 0;

	for (int i = 0; i < TASKS; i++)
		chp_join(&tasks[i], NULL);
	for (int i = 0; i < threads_started; i++)
		chp_block_in_place(join_thread, &threads[i]);

	for (int i = 0; i < MAX_AVAILABLE; i++)
		times += items[i].times;
	printf("%d tasks and %d threads borrowed %d times\n", TASKS,
	       threads_started, times);
	printf("most items out at once = %d\n", most_out);
	printf("permits at the end = %d\n",
	       (int)chp_semaphore_available(&pool.available));

	if (refused || times != TASKS + THREADS * PER_THREAD)
		return "not everybody got an item";
	if (most_out > MAX_AVAILABLE || twice)
		return "an item was lent to two at once";
	if (out || chp_semaphore_available(&pool.available) != MAX_AVAILABLE)
		return "not everything came back";
	for (int i = 0; i < MAX_AVAILABLE; i++)
		if (pool.used[i])
			return "an item is still marked as used";
	return NULL;
}
