/*
 * driver.c - from the poller to the sources.
 *
 * `members` guards the lists of all drivers and the link from each member to
 * its driver.  It is one for the process, because a member may leave on one
 * thread while its driver closes on another: neither may look into the other
 * without it.  A mutex, not a spin lock: system calls are made under it.  It
 * is taken when a descriptor is registered or given up, not when it is used.
 */
#include "wait/driver.h"

#include <pthread.h>

#include "base/list.h"

enum { BATCH = 64 };

DEFINE_LIST(driven_list, struct driven);

static pthread_mutex_t members = PTHREAD_MUTEX_INITIALIZER;

/* members held */
static void add(struct driver *d, struct driven *member)
{
	member->driver = d;
	driven_list_append(&d->first, &d->last, member);
	/* Relaxed: who asks without the lock takes it as of some moment. */
	store_relaxed(&d->used, 1);
}

/* members held */
static void take_out(struct driven *member)
{
	struct driver *d = member->driver;

	driven_list_remove(&d->first, &d->last, member);
	member->driver = NULL;
	store_relaxed(&d->used, d->first != NULL);
}

int chp__driver_open(struct driver *d)
{
	d->first = d->last = NULL;
	store_relaxed(&d->used, 0);
	return chp__poller_new(&d->poller);
}

void chp__driver_close(struct driver *d)
{
	struct wake_batch batch = { NULL, NULL };
	struct driven *member;

	pthread_mutex_lock(&members);
	while ((member = d->first)) {
		take_out(member);
		member->closed(member, &batch);
	}
	pthread_mutex_unlock(&members);
	batch_wake(&batch);
	chp__poller_free(d->poller);
	d->poller = NULL;
}

int chp__driver_join(struct driver *d, struct driven *member, int fd,
		     struct ready_source *source)
{
	int r;

	pthread_mutex_lock(&members);
	r = chp__poller_add(d->poller, fd, source);
	if (r == 0)
		add(d, member);
	pthread_mutex_unlock(&members);
	return r;
}

void chp__driver_leave(struct driven *member, int fd)
{
	struct driver *d;

	pthread_mutex_lock(&members);
	d = member->driver;
	if (d) {
		chp__poller_remove(d->poller, fd);
		take_out(member);
	}
	pthread_mutex_unlock(&members);
}

void chp__driver_rearm(struct driven *member, int fd, uint32_t what)
{
	if (!chp__poller_must_rearm())
		return;
	pthread_mutex_lock(&members);
	if (member->driver)
		chp__poller_rearm(member->driver->poller, fd, what);
	pthread_mutex_unlock(&members);
}

int chp__driver_wait(struct driver *d, chp_time timeout, unsigned *woken)
{
	struct poller_ready ready[BATCH];
	int n = chp__poller_wait(d->poller, timeout, ready, BATCH, woken);

	/* All at once, rather than one after the other. */
	for (int i = 0; i < n; i++)
		__builtin_prefetch(ready[i].cookie);
	for (int i = 0; i < n; i++) {
		struct ready_source *source = ready[i].cookie;

		source->ready(source, ready[i].what);
	}
	return n;
}
