/*
 * poller.h - which of many descriptors can be read or written.
 *
 * A registration reports a direction once when it becomes ready, and again
 * only after rearm(): the user of a descriptor that got EAGAIN rearms.
 *
 * wait() is called by one thread at a time; everything else by any thread at
 * any time.  Each wake() is a token: it makes one wait, present or next,
 * return with *woken counted up by one, and what its waker did before happens
 * before that return.  A thread that must not leave before a
 * waker is done with the poller waits until it has its token.
 */
#ifndef CHAPPE_SRC_OS_POLLER_H
#define CHAPPE_SRC_OS_POLLER_H

#include <stdint.h>

#include <chappe/op.h>

struct chp__poller;

enum {
	POLLER_READ = 1,  /* readable, or end of file, or broken */
	POLLER_WRITE = 2, /* writable, or broken */
	/* Beside POLLER_READ, where there is no rearming: the peer has ended,
	   or it is broken, or urgent bytes are there.  A read that returns less
	   than it asked for may have left something to tell. */
	POLLER_LAST = 4,
};

struct poller_ready {
	void *cookie;
	uint32_t what;
};

/* 0 or -errno. */
int chp__poller_new(struct chp__poller **out);
void chp__poller_free(struct chp__poller *p);

/*
 * Register both directions.  0 or -errno; -EPERM for a descriptor that is
 * always ready (a file).
 */
int chp__poller_add(struct chp__poller *p, int fd, void *cookie);

/* After it returns no wait() that begins later reports the cookie. */
void chp__poller_remove(struct chp__poller *p, int fd);

/*
 * A direction was found not ready: report it again when it becomes so.  Not
 * needed where must_rearm() says 0.
 */
int chp__poller_must_rearm(void);
void chp__poller_rearm(struct chp__poller *p, int fd, uint32_t what);

/*
 * Wait until something is ready, a token comes, or `timeout` nanoseconds have
 * gone (0: do not wait; < 0: no limit).  Returns how many of out[max] are
 * filled, adds the tokens taken to *woken; or -errno.
 */
int chp__poller_wait(struct chp__poller *p, chp_time timeout,
		     struct poller_ready *out, int max, unsigned *woken);

void chp__poller_wake(struct chp__poller *p);

/*
 * A descriptor that polls readable when a wait would not block, to be used by
 * an event loop that calls wait with timeout 0.  -ENOSYS where there is none.
 */
int chp__poller_fd(struct chp__poller *p);

/* Make that descriptor readable at a time (0: never).  0 or -errno. */
int chp__poller_alarm(struct chp__poller *p, chp_time at);

#endif
