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

int chp__driver_open(struct driver *d)
{
	d->first = d->last = NULL;
	return chp__poller_new(&d->poller);
}

void chp__driver_close(struct driver *d)
{
	struct wake_batch batch = { NULL, NULL };
	struct driven *member;

	pthread_mutex_lock(&members);
	while ((member = d->first)) {
		driven_list_remove(&d->first, &d->last, member);
		member->driver = NULL;
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
	if (r == 0) {
		member->driver = d;
		driven_list_append(&d->first, &d->last, member);
	}
	pthread_mutex_unlock(&members);
	return r;
}

bool chp__driver_is_used(struct driver *d)
{
	bool used;

	pthread_mutex_lock(&members);
	used = d->first != NULL;
	pthread_mutex_unlock(&members);
	return used;
}

void chp__driver_leave(struct driven *member, int fd)
{
	struct driver *d;

	pthread_mutex_lock(&members);
	d = member->driver;
	if (d) {
		chp__poller_remove(d->poller, fd);
		driven_list_remove(&d->first, &d->last, member);
		member->driver = NULL;
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

	for (int i = 0; i < n; i++) {
		struct ready_source *source = ready[i].cookie;

		source->ready(source, ready[i].what);
	}
	return n;
}
