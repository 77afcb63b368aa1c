/*
 * event.h - one thread sleeps until others set the event: the park token of
 * threads and of idle workers.
 *
 *   state      meaning                      leaves by
 *   EMPTY      not set, owner awake         set -> SET; owner -> WAITING
 *   WAITING    owner sleeps or is about to  set -> SET; owner -> EMPTY (time)
 *   SET        set, not yet taken           owner -> EMPTY
 *
 * Only the owner waits.  Setting twice is setting once.  (S) the setter's
 * release pairs with (T) the owner's acquire when it takes the event: what the
 * setter did before is seen by the owner after.
 *
 * errno is left alone: a wait may not disturb it, nor may a set.
 *
 * The setter touches the event last in its swap; the futex wake after it needs
 * only the address.  So the memory may be reused once the owner has taken the
 * event; a late wake is at worst spurious for whoever sleeps there then.
 */
#ifndef CHAPPE_SRC_OS_EVENT_H
#define CHAPPE_SRC_OS_EVENT_H

#include <chappe/op.h>

#include <stdbool.h>

struct os_event {
	chp_word state;
};

enum { OS_EVENT_EMPTY, OS_EVENT_WAITING, OS_EVENT_SET };

/* Wait until set and take it, or until deadline (0: none): was it taken? */
bool chp__event_wait(struct os_event *e, chp_time deadline);

/*
 * The same, with another value than WAITING in the word meanwhile, for a word
 * that has more states than these.  Whoever replaces that value by SET must
 * call chp__futex_wake().
 */
bool chp__event_wait_as(struct os_event *e, uint32_t waiting,
			chp_time deadline);

/* Is it?  Only a hint. */
bool chp__event_is_set(const struct os_event *e);

/* Take it if it is set. */
bool chp__event_take(struct os_event *e);

void chp__event_set(struct os_event *e);

#endif
