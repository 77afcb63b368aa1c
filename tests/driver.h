/*
 * driver.h - what the suites of foreign event loops share.
 *
 * Asking for the driver's descriptor changes the process for good, so each
 * test runs in a child of its own.  All tests are of the kind that the harness
 * runs on its plain main thread, and nothing else has been started when they
 * fork.
 */
#ifndef CHAPPE_TESTS_DRIVER_H
#define CHAPPE_TESTS_DRIVER_H

#include "harness.h"

#include <poll.h>
#include <unistd.h>

struct child {
	void (*fn)(void);
};

static inline void run_child(void *arg)
{
	alarm(60); /* a hang ends the child, and so the test */
	((struct child *)arg)->fn();
}

/* A test, and the function that it runs in a child. */
#define CHILD(name)                                                            \
	static void name##_in_child(void);                                     \
	static void name(void)                                                 \
	{                                                                      \
		struct child child = { name##_in_child };                      \
                                                                               \
		CHECK_EQ(h_in_child(run_child, &child), 0);                    \
	}                                                                      \
	static void name##_in_child(void)

static inline int fd_of_driver(void)
{
	int fd = chp_driver_fd();

	CHECK(fd >= 0);
	return fd;
}

#define LONG_ENOUGH 30000 /* ms; only a failure lasts that long */

/* Wait until the descriptor is readable; 0 if it is not within `ms`. */
static inline int readable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms);
}

static inline void *sleep_in_a_task(void *arg)
{
	CHECK_CODE(chp_sleep_for(2 * CHP_MS), 0);
	return arg;
}

#endif
