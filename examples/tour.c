/*
 * tour.c - the library in ten short stories: runs them one after the other.
 *
 * Each story prints a heading and what really happened.  The last lines say
 * for each whether its result was right; the exit status is 0 if all were.
 */
#include "tour.h"

#include <chappe/chappe.h>

#include <stdio.h>

struct story {
	const char *name;
	const char *title;
	const char *(*tell)(void);
	const char *why; /* NULL: it went well */
};

static struct story stories[] = {
	{ "oneshot", "The result of a computation, over a oneshot",
	  tour_oneshot, "was not told" },
	{ "join", "The same, by joining the task", tour_join, "was not told" },
	{ "stream", "Results one after the other, over an mpsc", tour_stream,
	  "was not told" },
	{ "socket", "Ten tasks share one socket, through its owner",
	  tour_socket, "was not told" },
	{ "counter", "A task keeps a counter and answers commands",
	  tour_counter, "was not told" },
	{ "pool", "A pool of 100 items, with a fair semaphore", tour_pool,
	  "was not told" },
	{ "binary", "A lock that another thread releases", tour_binary,
	  "was not told" },
	{ "timeout", "An acquire that does not wait for ever", tour_timeout,
	  "was not told" },
	{ "cancel", "A send that is cancelled and loses nothing", tour_cancel,
	  "was not told" },
	{ "abort", "A task that is aborted and cleans up", tour_abort,
	  "was not told" },
};

static const size_t count = sizeof(stories) / sizeof(stories[0]);

/* The first task of the runtime. */
static void *tell_all(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < count; i++) {
		printf("== %zu. %s ==\n", i + 1, stories[i].title);
		stories[i].why = stories[i].tell();
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
		if (!stories[i].why) {
			printf("ok   %s\n", stories[i].name);
			continue;
		}
		printf("FAIL %s: %s\n", stories[i].name, stories[i].why);
		failed = 1;
	}
	return failed;
}
