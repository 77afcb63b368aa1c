/*
 * fd.h - what the suites of descriptors share: registering them, waiting for
 * them, pipes of which one end is registered.
 */
#ifndef CHAPPE_TESTS_FD_H
#define CHAPPE_TESTS_FD_H

#include "harness.h"

#include <unistd.h>

static inline int wait_fd(chp_fd *f, unsigned what, const chp_wait *w)
{
	chp_fd_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_fd_wait_with(f, what, w) : chp_fd_wait(f, what);
	chp_fd_wait_op(&op, f, what);
	return h_wait(&op.op, w);
}

/* For an agent: wait for the descriptor, by the call that blocks. */
static inline void *wait_readable(void *f)
{
	return (void *)(intptr_t)chp_fd_wait(f, CHP_READABLE);
}

static inline chp_fd *registered(int fd)
{
	chp_fd *f = NULL;

	CHECK_CODE(chp_fd_new(&f, fd), 0);
	CHECK_EQ(chp_fd_number(f), fd);
	return f;
}

/* A pipe; its end for reading. */
static inline chp_fd *open_pipe(int ends[2])
{
	CHECK_EQ(pipe(ends), 0);
	return registered(ends[0]);
}

static inline void close_both(const int ends[2])
{
	close(ends[0]);
	close(ends[1]);
}

static inline void free_and_close(chp_fd *f, const int ends[2])
{
	chp_fd_free(f);
	close_both(ends);
}

/* First in the list, so that the harness starts the process-wide driver, whose
   descriptors stay open, before threads begin to use it. */
static inline void the_driver_of_the_process_is_there(void)
{
	int ends[2];

	free_and_close(open_pipe(ends), ends);
}

#endif
