/*
 * driver.h - readiness of descriptors, for whoever takes the turns: the
 * workers of a runtime, or the process-wide driver.
 */
#ifndef CHAPPE_SRC_WAIT_DRIVER_H
#define CHAPPE_SRC_WAIT_DRIVER_H

#include "os/poller.h"
#include "wait/node.h"

/* What a poller's cookie points to: its memory is never put to another use. */
struct ready_source {
	void (*ready)(struct ready_source *source, uint32_t what);
};

struct driver {
	struct chp__poller *poller;
	struct driven *first, *last; /* guarded by `members`, driver.c */
	chp_word used;               /* is there a member?  Written with them */
};

/*
 * A member of a driver's list, so that what is left when the driver is closed
 * fails instead of waiting for ever.
 */
struct driven {
	struct driven *next, *prev;
	struct driver *driver; /* guarded by `members`; NULL: closed, or left */
	/* The driver is closing: fail what waits.  Called with `members` held,
	   so what it claims is woken afterwards. */
	void (*closed)(struct driven *d, struct wake_batch *batch);
};

/* 0 or -errno. */
int chp__driver_open(struct driver *d);

/* Tell every member, free the poller. */
void chp__driver_close(struct driver *d);

/* Register fd, whose reports go to source.  0 or -errno. */
int chp__driver_join(struct driver *d, struct driven *member, int fd,
		     struct ready_source *source);

/* Is anything registered?  As of some moment. */
static inline bool driver_is_used(const struct driver *d)
{
	return load_relaxed(&d->used);
}

/* Leave, and take fd out of the poller; nothing if the driver has closed. */
void chp__driver_leave(struct driven *member, int fd);

/* chp__poller_rearm, unless the driver has closed. */
void chp__driver_rearm(struct driven *member, int fd, uint32_t what);

/*
 * Wait for readiness as chp__poller_wait, and hand it out.  Returns how many
 * sources were told, or -errno.
 */
int chp__driver_wait(struct driver *d, chp_time timeout, unsigned *woken);

#endif
