/*
 * futex_linux.c - the system call.
 */
#include "os/futex.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/clock.h"

void chp__futex_wait(chp_word *word, uint32_t expected, chp_time deadline)
{
	struct timespec until = chp__timespec(deadline);
	int saved_errno = errno;

	/* WAIT_BITSET takes an absolute time on the monotonic clock. */
	syscall(SYS_futex, &word->v, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG,
		expected, deadline ? &until : NULL, NULL,
		FUTEX_BITSET_MATCH_ANY);
	errno = saved_errno;
}

void chp__futex_wake(chp_word *word)
{
	int saved_errno = errno;

	syscall(SYS_futex, &word->v, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL,
		NULL, 0);
	errno = saved_errno;
}
