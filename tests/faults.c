/*
 * faults.c - the library's calls of the system, on their way there: see
 * faults.h.
 */
#include "faults.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>

static struct fault_plan plan;
static atomic_bool counting;
static atomic_long counts[FAULTS + 1], hits, mapped;
static _Atomic uint64_t noise;
static void (*_Atomic instead)(void);

void fault_start(const struct fault_plan *p)
{
	static const struct fault_plan none = { .what = FAULTS };

	plan = p ? *p : none;
	for (int i = 0; i < FAULTS; i++)
		counts[i] = 0;
	hits = 0;
	counting = true;
}

long fault_stop(void)
{
	counting = false;
	return hits;
}

long fault_count(enum fault what)
{
	return counts[what];
}

long fault_mapped(void)
{
	return mapped;
}

void fault_noise(uint64_t seed)
{
	noise = seed;
}

void fault_interrupt_wait(void (*fn)(void))
{
	instead = fn;
}

/* Count the call: does it fail?  Then errno is set. */
static bool fails(enum fault what)
{
	long n, after;

	if (!counting)
		return false;
	n = ++counts[what];
	after = n - plan.first;
	if (what != plan.what || after < 0)
		return false;
	if (after > 0 && (!plan.every || after % plan.every != 0))
		return false;
	hits++;
	errno = plan.error;
	return true;
}

/* A number below n; 0 if there is no noise. */
static uint32_t chance(uint32_t n)
{
	struct h_rng r;

	if (!noise)
		return 0;
	r = h_rng(noise++, 0);
	h_below(&r, n);
	return h_below(&r, n);
}

static bool interrupted(enum fault what)
{
	if (fails(what))
		return true;
	if (chance(3) != 1)
		return false;
	errno = EINTR;
	return true;
}

static size_t some_of(size_t size)
{
	uint32_t n = chance(8);

	return n && n < size ? n : size;
}

static bool refuse(void)
{
	return fails(FAULT_ALLOC);
}

__attribute__((constructor)) static void install(void)
{
	h_refuse_alloc = refuse;
}

/* ---- The calls ---- */

#define WRAP(type, name, parameters, what, arguments)                          \
	type __real_##name parameters;                                         \
	type __wrap_##name parameters;                                         \
	type __wrap_##name parameters                                          \
	{                                                                      \
		return fails(what) ? -1 : __real_##name arguments;             \
	}

WRAP(int, mprotect, (void *p, size_t n, int prot), FAULT_GUARD, (p, n, prot))
WRAP(int, madvise, (void *p, size_t n, int advice), FAULT_GUARD, (p, n, advice))
WRAP(int, epoll_create1, (int flags), FAULT_POLLER, (flags))
WRAP(int, epoll_ctl, (int e, int op, int fd, struct epoll_event *ev),
     op == EPOLL_CTL_DEL ? FAULTS : FAULT_WATCH, (e, op, fd, ev))
WRAP(int, eventfd, (unsigned count, int flags), FAULT_TOKENS, (count, flags))
WRAP(int, pipe, (int ends[2]), FAULT_TOKENS, (ends))
WRAP(int, pipe2, (int ends[2], int flags), FAULT_TOKENS, (ends, flags))
WRAP(int, timerfd_create, (int clock, int flags), FAULT_TIMER, (clock, flags))
WRAP(int, socket, (int family, int type, int protocol), FAULT_SOCKET,
     (family, type, protocol))
WRAP(int, bind, (int fd, const struct sockaddr *a, socklen_t n), FAULT_SOCKET,
     (fd, a, n))
WRAP(int, listen, (int fd, int backlog), FAULT_SOCKET, (fd, backlog))
WRAP(int, getsockname, (int fd, struct sockaddr *a, socklen_t *n), FAULT_SOCKET,
     (fd, a, n))
WRAP(int, getsockopt,
     (int fd, int level, int option, void *value, socklen_t *n), FAULT_SOCKET,
     (fd, level, option, value, n))

void *__real_mmap(void *at, size_t n, int prot, int flags, int fd, off_t where);
void *__wrap_mmap(void *at, size_t n, int prot, int flags, int fd, off_t where);
int __real_munmap(void *p, size_t n);
int __wrap_munmap(void *p, size_t n);

void *__wrap_mmap(void *at, size_t n, int prot, int flags, int fd, off_t where)
{
	void *p = MAP_FAILED;

	if (!fails(FAULT_MAP))
		p = __real_mmap(at, n, prot, flags, fd, where);
	if (p != MAP_FAILED)
		mapped += (long)n;
	return p;
}

int __wrap_munmap(void *p, size_t n)
{
	mapped -= (long)n;
	return __real_munmap(p, n);
}

int __real_pthread_create(pthread_t *t, const pthread_attr_t *attr,
			  void *(*fn)(void *), void *arg);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *attr,
			  void *(*fn)(void *), void *arg);

int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *attr,
			  void *(*fn)(void *), void *arg)
{
	struct timespec moment = { 0, 50000 };

	if (!fails(FAULT_THREAD))
		return __real_pthread_create(t, attr, fn, arg);
	/* Others may come to count on it meanwhile. */
	nanosleep(&moment, NULL);
	return plan.error;
}

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);

int __wrap_fcntl(int fd, int command, ...)
{
	va_list args;
	long arg;

	va_start(args, command);
	arg = va_arg(args, long);
	va_end(args);
	return fails(FAULT_FLAGS) ? -1 : __real_fcntl(fd, command, arg);
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

int __wrap_open(const char *path, int flags, ...)
{
	return fails(FAULT_OPEN) ? -1 : __real_open(path, flags);
}

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);

FILE *__wrap_fopen(const char *path, const char *mode)
{
	return fails(FAULT_OPEN) ? NULL : __real_fopen(path, mode);
}

int __real_getaddrinfo(const char *host, const char *service,
		       const struct addrinfo *hints, struct addrinfo **out);
int __wrap_getaddrinfo(const char *host, const char *service,
		       const struct addrinfo *hints, struct addrinfo **out);

int __wrap_getaddrinfo(const char *host, const char *service,
		       const struct addrinfo *hints, struct addrinfo **out)
{
	return fails(FAULT_NAMES)
		       ? EAI_MEMORY
		       : __real_getaddrinfo(host, service, hints, out);
}

/* ---- Calls that are interrupted, or move less than was asked for ---- */

#define WRAP_WAIT(type, name, parameters, what, arguments)                     \
	type __real_##name parameters;                                         \
	type __wrap_##name parameters;                                         \
	type __wrap_##name parameters                                          \
	{                                                                      \
		return interrupted(what) ? -1 : __real_##name arguments;       \
	}

WRAP_WAIT(ssize_t, read, (int fd, void *to, size_t n), FAULT_READ, (fd, to, n))
WRAP_WAIT(ssize_t, write, (int fd, const void *from, size_t n), FAULT_WRITE,
	  (fd, from, n))
/* Whole: that a stream's read stops short is a promise.  What is sent in pieces
   is read in pieces. */
WRAP_WAIT(ssize_t, recv, (int fd, void *to, size_t n, int flags), FAULT_RECV,
	  (fd, to, n, flags))
WRAP_WAIT(ssize_t, send, (int fd, const void *from, size_t n, int flags),
	  FAULT_SEND, (fd, from, some_of(n), flags))
WRAP_WAIT(int, accept4, (int fd, struct sockaddr *a, socklen_t *n, int flags),
	  FAULT_ACCEPT, (fd, a, n, flags))
WRAP_WAIT(int, epoll_pwait2,
	  (int e, struct epoll_event *ev, int max, const struct timespec *t,
	   const sigset_t *mask),
	  FAULT_WAIT, (e, ev, max, t, mask))

int __real_epoll_wait(int e, struct epoll_event *ev, int max, int timeout);
int __wrap_epoll_wait(int e, struct epoll_event *ev, int max, int timeout);
int __real_poll(struct pollfd *set, nfds_t n, int timeout);
int __wrap_poll(struct pollfd *set, nfds_t n, int timeout);

static bool wait_interrupted(int timeout)
{
	void (*fn)(void) = timeout < 0 ? atomic_exchange(&instead, NULL) : NULL;

	if (!fn)
		return interrupted(FAULT_WAIT);
	fn();
	errno = EINTR;
	return true;
}

int __wrap_epoll_wait(int e, struct epoll_event *ev, int max, int timeout)
{
	return wait_interrupted(timeout)
		       ? -1
		       : __real_epoll_wait(e, ev, max, timeout);
}

int __wrap_poll(struct pollfd *set, nfds_t n, int timeout)
{
	return wait_interrupted(timeout) ? -1 : __real_poll(set, n, timeout);
}

int __real_connect(int fd, const struct sockaddr *a, socklen_t n);
int __wrap_connect(int fd, const struct sockaddr *a, socklen_t n);

/* An interrupted connect goes on by itself. */
int __wrap_connect(int fd, const struct sockaddr *a, socklen_t n)
{
	int r;

	if (fails(FAULT_CONNECT))
		return -1;
	r = __real_connect(fd, a, n);
	return interrupted(FAULTS) ? -1 : r;
}
