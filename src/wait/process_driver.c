/*
 * process_driver.c - one wheel and one poller for operations that are polled
 * outside every runtime.
 *
 *   mode      who takes the turns                    leaves by
 *   NONE      nobody: nothing has needed it yet      start() -> THREAD,
 *                                                    chp_driver_fd -> EMBEDDED
 *   THREAD    the library's thread                   chp_driver_fd -> EMBEDDED
 *   EMBEDDED  whoever calls chp_driver_turn()        never
 *
 * `lock` guards the steps between modes; a mutex, since threads are made and
 * waited for under it.  mode is stored with release (M) after wheel and driver
 * are ready, and loaded with acquire (O).
 *
 * A timer armed earlier than all others must reach whoever sleeps: the THREAD
 * is woken by a token, which the next wait takes even if it comes before the
 * wait; EMBEDDED moves the alarm, under alarm_lock so that two do not cross.
 */
#include "wait/process_driver.h"

#include <pthread.h>

#include <chappe/driver.h>

#include "os/clock.h"
#include "os/event.h"
#include "os/thread.h"
#include "wait/driver.h"
#include "wait/wheel.h"

enum { NONE, THREAD, EMBEDDED };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t alarm_lock = PTHREAD_MUTEX_INITIALIZER;
static chp_word mode;
static chp_word stop; /* 1: the thread is to end */
static chp_word turning;
static struct os_event stopped;
static struct wheel wheel;
static struct driver driver;

static void set_alarm(void)
{
	chp_time at;

	pthread_mutex_lock(&alarm_lock);
	at = wheel_next(&wheel);
	chp__poller_alarm(driver.poller, at == CHP_NEVER ? 0 : at);
	pthread_mutex_unlock(&alarm_lock);
}

static void earlier(struct wheel *w)
{
	(void)w;
	if (load_acquire(&mode) == EMBEDDED)
		set_alarm();
	else
		chp__poller_wake(driver.poller);
}

static void *run(void *arg)
{
	unsigned woken = 0;

	(void)arg;
	chp__thread_name("chappe-driver");
	while (!load_acquire(&stop)) {
		chp_time next = wheel_next(&wheel);
		chp_time timeout = -1;

		if (next != CHP_NEVER) {
			timeout = next - chp__clock_now();
			if (timeout < 0)
				timeout = 0;
		}
		chp__driver_wait(&driver, timeout, &woken);
		chp__wheel_expire(&wheel, chp__clock_now());
	}
	chp__event_set(&stopped);
	return NULL;
}

/* lock held, mode NONE. */
static int open_driver(void)
{
	chp__wheel_init(&wheel, chp__clock_now(), earlier);
	return chp__driver_open(&driver);
}

static int start(void)
{
	pthread_t thread;
	int r = 0;

	pthread_mutex_lock(&lock);
	if (load_relaxed(&mode) != NONE)
		goto out_unlock;
	r = open_driver();
	if (r != 0)
		goto out_unlock;
	r = chp__thread_start(&thread, run, NULL);
	if (r != 0) {
		chp__driver_close(&driver);
		goto out_unlock;
	}
	pthread_detach(thread);
	store_release(&mode, THREAD); /* (M) */
out_unlock:
	pthread_mutex_unlock(&lock);
	return r;
}

static int get_ready(void)
{
	return load_acquire(&mode) != NONE ? 0 : start(); /* (O) */
}

int chp__process_wheel(struct wheel **out)
{
	*out = &wheel;
	return get_ready();
}

int chp__process_driver(struct driver **out)
{
	*out = &driver;
	return get_ready();
}

/*
 * lock held.  The descriptor, or -errno, and then all is as it was.  The alarm
 * is made now: later there is nobody to tell that it could not be.
 */
static int open_to_embed(void)
{
	bool fresh = load_relaxed(&mode) == NONE;
	int r = fresh ? open_driver() : 0;

	if (r != 0)
		return r;
	if (load_relaxed(&mode) != EMBEDDED)
		r = chp__poller_alarm(driver.poller, 0);
	if (r == 0)
		r = chp__poller_fd(driver.poller);
	if (r < 0 && fresh)
		chp__driver_close(&driver);
	return r;
}

int chp_driver_fd(void)
{
	int r;

	pthread_mutex_lock(&lock);
	r = open_to_embed();
	if (r < 0)
		goto out_unlock;

	if (load_relaxed(&mode) == THREAD) {
		store_release(&stop, 1);
		chp__poller_wake(driver.poller);
		chp__event_wait(&stopped, 0);
	}
	store_release(&mode, EMBEDDED); /* (M) */
	set_alarm();
out_unlock:
	pthread_mutex_unlock(&lock);
	return r;
}

int chp_driver_turn(void)
{
	unsigned woken = 0;
	int told, fired;

	if (load_acquire(&mode) != EMBEDDED) /* (O) */
		return CHP_EINVAL;
	if (swap_acquire(&turning, 1))
		return CHP_EBUSY;
	told = chp__driver_wait(&driver, 0, &woken);
	fired = (int)chp__wheel_expire(&wheel, chp__clock_now());
	set_alarm();
	store_release(&turning, 0);
	return told < 0 ? told : told + fired;
}
