/*
 * thread.c - what pthreads and POSIX give everywhere.
 */
#include "os/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "os/clock.h"

int chp__thread_start(pthread_t *thread, void *(*fn)(void *arg), void *arg)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	/* Faults must reach their handler on the thread that caused them. */
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGABRT);
	sigdelset(&all, SIGTRAP);
	/* And a profiler's ticks the thread that spends the time. */
	sigdelset(&all, SIGPROF);

	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(thread, NULL, fn, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

size_t chp__page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

unsigned long long chp__entropy(void)
{
	unsigned long long x = 0;
	int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	if (fd >= 0) {
		n = read(fd, &x, sizeof(x));
		close(fd);
	}
	if (n != (ssize_t)sizeof(x))
		x ^= (unsigned long long)chp__clock_now() ^
		     (unsigned long long)(size_t)&x;
	return x;
}
