/*
 * event.c - see event.h for the states and the letters.
 */
#include "os/event.h"

#include "base/atomic.h"
#include "base/compiler.h"
#include "os/clock.h"
#include "os/futex.h"

/*
 * Always a swap: a plain store of EMPTY could fall behind the swap of a second
 * setter, whose wake would then be lost although we have not seen what it did.
 */
static bool take(struct os_event *e)
{
	/* (T) */
	return swap_acquire(&e->state, OS_EVENT_EMPTY) == OS_EVENT_SET;
}

bool chp__event_is_set(const struct os_event *e)
{
	return load_relaxed(&e->state) == OS_EVENT_SET;
}

bool chp__event_take(struct os_event *e)
{
	return chp__event_is_set(e) && take(e);
}

bool chp__event_wait_as(struct os_event *e, uint32_t waiting, chp_time deadline)
{
	uint32_t s = OS_EVENT_EMPTY;

	if (!cas_relaxed(&e->state, &s, waiting))
		return take(e);

	for (;;) {
		chp__futex_wait(&e->state, waiting, deadline);

		if (load_relaxed(&e->state) == OS_EVENT_SET)
			return take(e);
		/* Time is up: back to EMPTY, unless it was set just now. */
		if (deadline && chp__clock_now() >= deadline)
			return take(e);
	}
}

bool chp__event_wait(struct os_event *e, chp_time deadline)
{
	return chp__event_wait_as(e, OS_EVENT_WAITING, deadline);
}

void chp__event_set(struct os_event *e)
{
	/* (S) */
	if (swap_release(&e->state, OS_EVENT_SET) == OS_EVENT_WAITING)
		chp__futex_wake(&e->state);
}
