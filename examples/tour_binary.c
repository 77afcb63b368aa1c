/*
 * tour_binary.c - a semaphore of one permit is a lock without an owner: it
 * may be released by somebody else than who took it.  Here a task takes it and
 * gets stuck, and a plain thread, a watchdog, recovers from that.
 */
#include "tour.h"

#include <chappe/chappe.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

static chp_semaphore lock = CHP_SEMAPHORE_INIT(1, CHP_FAIR);
static chp_semaphore taken = CHP_SEMAPHORE_INIT(0, CHP_FIFO);
static chp_semaphore unstick = CHP_SEMAPHORE_INIT(0, CHP_FIFO);

static void *stuck(void *arg)
{
	(void)arg;
	if (chp_semaphore_acquire(&lock, 1))
		return NULL;
	printf("a task takes the lock and gets stuck\n");
	chp_semaphore_release(&taken, 1);

	chp_semaphore_acquire(&unstick, 1);
	return NULL; /* without having released the lock */
}

static atomic_int got_it;

static void *waiting(void *arg)
{
	(void)arg;
	if (chp_semaphore_acquire(&lock, 1))
		return NULL;
	printf("the task that waited has the lock\n");
	got_it = 1;
	chp_semaphore_release(&lock, 1);
	return NULL;
}

/* An OS thread, outside the runtime: the same calls do here. */
static void *watchdog(void *arg)
{
	chp_waiter w;

	(void)arg;
	while (chp_semaphore_waiters(&lock, &w, 1) == 0)
		chp_sleep_for(CHP_MS);
	printf("a thread sees \"%s\" wait and releases the lock\n", w.name);
	chp_semaphore_release(&lock, 1);
	return NULL;
}

const char *tour_binary(void)
{
	chp_task_options options = { .name = "the waiting task" };
	chp_task first, second;
	pthread_t thread;
	char text[64];

	chp_semaphore_set_name(&lock, "lock");

	if (chp_spawn(&first, stuck, NULL))
		return "no task";
	chp_semaphore_acquire(&taken, 1);

	if (chp_spawn_with(&second, waiting, NULL, &options) ||
	    pthread_create(&thread, NULL, watchdog, NULL))
		return "no task or no thread";

	chp_join(&second, NULL);
	pthread_join(thread, NULL); /* has nothing left to do but return */
	chp_semaphore_release(&unstick, 1);
	chp_join(&first, NULL);

	chp_semaphore_describe(&lock, text, sizeof(text));
	printf("%s\n", text);
	if (!got_it)
		return "the waiting task never got the lock";
	if (chp_semaphore_available(&lock) != 1)
		return "the lock was not given back";
	return NULL;
}
