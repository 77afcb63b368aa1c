/*
 * tour.c - the library in short stories: runs them one after the other.
 *
 * Each story prints a heading and what really happened.  The last lines say
 * for each whether its result was right; the exit status is 0 if all were.
 */
#include "tour.h"

#include <chappe/chappe.h>

#include <stdbool.h>
#include <stdio.h>

struct story {
	const char *name;
	const char *title;
	const char *(*tell)(void);
	bool told;
	const char *why; /* NULL: it went well */
};

/* clang-format off */
static struct story stories[] = {
	{ .name = "oneshot", .tell = tour_oneshot,
	  .title = "The result of a computation, over a oneshot" },
	{ .name = "join", .tell = tour_join,
	  .title = "The same, by joining the task" },
	{ .name = "stream", .tell = tour_stream,
	  .title = "Results one after the other, over an mpsc" },
	{ .name = "socket", .tell = tour_socket,
	  .title = "Ten tasks share one socket, through its owner" },
	{ .name = "counter", .tell = tour_counter,
	  .title = "A task keeps a counter and answers commands" },
	{ .name = "broadcast", .tell = tour_broadcast,
	  .title = "Every receiver gets every value" },
	{ .name = "watch", .tell = tour_watch,
	  .title = "Five tasks follow a configuration file" },
	{ .name = "borrowers", .tell = tour_borrowers,
	  .title = "A pool of 100 items, with a fair semaphore" },
	{ .name = "binary", .tell = tour_binary,
	  .title = "A lock that another thread releases" },
	{ .name = "barrier", .tell = tour_barrier,
	  .title = "Ten tasks meet at a barrier" },
	{ .name = "notify", .tell = tour_notify,
	  .title = "A bell" },
	{ .name = "mutex", .tell = tour_mutex,
	  .title = "An account behind a mutex" },
	{ .name = "rwlock", .tell = tour_rwlock,
	  .title = "Five readers at once, then a writer" },
	{ .name = "once", .tell = tour_once,
	  .title = "A connection that is made once" },
	{ .name = "timeout", .tell = tour_timeout,
	  .title = "An acquire that does not wait for ever" },
	{ .name = "cancel", .tell = tour_cancel,
	  .title = "A send that is cancelled and loses nothing" },
	{ .name = "abort", .tell = tour_abort,
	  .title = "A task that is aborted and cleans up" },
	{ .name = "group", .tell = tour_group,
	  .title = "Tasks that do not outlive their group" },
};
/* clang-format on */

static const size_t count = sizeof(stories) / sizeof(stories[0]);

/* The first task of the runtime. */
static void *tell_all(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < count; i++) {
		printf("== %zu. %s ==\n", i + 1, stories[i].title);
		stories[i].why = stories[i].tell();
		stories[i].told = true;
		printf("\n");
	}
	return NULL;
}

int main(void)
{
	int r, failed = 0;

	/* A line at a time, also into a pipe: the order stays readable. */
	setvbuf(stdout, NULL, _IOLBF, 0);

	r = chp_run(NULL, tell_all, NULL, NULL);
	if (r) {
		fprintf(stderr, "no runtime: %s\n", chp_strerror(r));
		return 1;
	}

	for (size_t i = 0; i < count; i++) {
		const char *why = stories[i].why;

		if (!stories[i].told)
			why = "it was not told";
		if (!why) {
			printf("ok   %s\n", stories[i].name);
			continue;
		}
		printf("FAIL %s: %s\n", stories[i].name, why);
		failed = 1;
	}
	return failed;
}
