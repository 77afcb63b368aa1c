/*
 * poller_linux.c - epoll, edge-triggered; tokens by an eventfd.
 *
 * Edge-triggered registration needs no rearming: epoll reports the next edge
 * by itself.  The eventfd's counter is the number of tokens.
 */
#include "os/poller.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/atomic.h"
#include "base/compiler.h"
#include "base/sanitizer.h"
#include "os/clock.h"

struct chp__poller {
	int fd;
	int tokens;
	int alarm; /* timerfd; -1 until it is needed */
	/*
	 * What was written before a descriptor was added is seen by whoever
	 * gets its cookie.  The kernel sees to it; the pair of an add_release
	 * before adding and a load_acquire after waiting says so to the
	 * compiler and to race detectors.
	 */
	chp_word added;
};

enum { BATCH = 64 };

int chp__poller_new(struct chp__poller **out)
{
	struct chp__poller *p = chp__alloc_zero(sizeof(*p));
	struct epoll_event ev = { .events = EPOLLIN };
	int r;

	if (!p)
		return CHP_ENOMEM;
	p->alarm = -1;
	p->fd = epoll_create1(EPOLL_CLOEXEC);
	if (p->fd < 0) {
		r = -errno;
		goto out_free;
	}
	p->tokens = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->tokens < 0) {
		r = -errno;
		goto out_close_epoll;
	}
	/* The cookie of the tokens is NULL, that of the alarm is p. */
	if (epoll_ctl(p->fd, EPOLL_CTL_ADD, p->tokens, &ev) != 0) {
		r = -errno;
		goto out_close_both;
	}
	*out = p;
	return 0;

out_close_both:
	close(p->tokens);
out_close_epoll:
	close(p->fd);
out_free:
	chp__free(p, sizeof(*p));
	return r;
}

void chp__poller_free(struct chp__poller *p)
{
	if (p->alarm >= 0)
		close(p->alarm);
	close(p->tokens);
	close(p->fd);
	chp__free(p, sizeof(*p));
}

int chp__poller_add(struct chp__poller *p, int fd, void *cookie)
{
	struct epoll_event ev = {
		.events = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		.data.ptr = cookie,
	};

	add_release(&p->added, 1);
	return epoll_ctl(p->fd, EPOLL_CTL_ADD, fd, &ev) == 0 ? 0 : -errno;
}

void chp__poller_remove(struct chp__poller *p, int fd)
{
	struct epoll_event unused = { 0 };

	epoll_ctl(p->fd, EPOLL_CTL_DEL, fd, &unused);
}

int chp__poller_must_rearm(void)
{
	return 0;
}

void chp__poller_rearm(struct chp__poller *p, int fd, uint32_t what)
{
	(void)p;
	(void)fd;
	(void)what;
}

static uint32_t translate(uint32_t events)
{
	uint32_t what = 0;

	if (events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		what |= POLLER_READ;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		what |= POLLER_WRITE;
	if (events & (EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		what |= POLLER_LAST;
	return what;
}

/* Kernels before 5.11, and emulators, have only whole milliseconds. */
static int wait_events(int fd, struct epoll_event *ev, int max,
		       chp_time timeout)
{
	static chp_word no_pwait2;
	chp_time ms;

	if (timeout > 0 && !CHP_MSAN && !load_relaxed(&no_pwait2)) {
		struct timespec t = chp__timespec(timeout);
		int n = epoll_pwait2(fd, ev, max, &t, NULL);

		if (n >= 0 || errno != ENOSYS)
			return n;
		store_relaxed(&no_pwait2, 1);
	}
	ms = timeout <= 0 ? timeout : (timeout - 1) / 1000000 + 1;
	if (ms > INT_MAX)
		ms = INT_MAX;
	return epoll_wait(fd, ev, max, ms < 0 ? -1 : (int)ms);
}

int chp__poller_wait(struct chp__poller *p, chp_time timeout,
		     struct poller_ready *out, int max, unsigned *woken)
{
	struct epoll_event ev[BATCH];
	int n = wait_events(p->fd, ev, max < BATCH ? max : BATCH, timeout);
	int filled = 0;

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	load_acquire(&p->added);
	for (int i = 0; i < n; i++) {
		uint64_t count;

		if (ev[i].data.ptr == p) {
			/* The alarm: reading it makes it quiet. */
			if (read(p->alarm, &count, sizeof(count)) < 0)
				continue;
		} else if (ev[i].data.ptr) {
			out[filled].cookie = ev[i].data.ptr;
			out[filled++].what = translate(ev[i].events);
		} else if (read(p->tokens, &count, sizeof(count)) ==
			   (ssize_t)sizeof(count)) {
			*woken += (unsigned)count;
		}
	}
	return filled;
}

void chp__poller_wake(struct chp__poller *p)
{
	uint64_t one = 1;
	ssize_t n;

	/* Cannot fail for good: the counter is nowhere near its limit. */
	do
		n = write(p->tokens, &one, sizeof(one));
	while (n < 0 && errno == EINTR);
}

int chp__poller_fd(struct chp__poller *p)
{
	return p->fd;
}

int chp__poller_alarm(struct chp__poller *p, chp_time at)
{
	struct itimerspec when = { .it_value = chp__timespec(at) };

	if (p->alarm < 0) {
		struct epoll_event ev = { .events = EPOLLIN, .data.ptr = p };
		int fd = timerfd_create(CLOCK_MONOTONIC,
					TFD_CLOEXEC | TFD_NONBLOCK);

		if (fd < 0)
			return -errno;
		if (epoll_ctl(p->fd, EPOLL_CTL_ADD, fd, &ev) != 0) {
			int r = -errno;

			close(fd);
			return r;
		}
		p->alarm = fd;
	}
	return timerfd_settime(p->alarm, TFD_TIMER_ABSTIME, &when, NULL) == 0
		       ? 0
		       : -errno;
}
