/*
 * overtaken.c - how long a waiter that others may overtake is overtaken.
 *
 * A millisecond from the first time that it was woken and found too little, or
 * that so many had gone past it (passes.h).
 * Each time adds a small part of what it takes, so that a clock that stands
 * still starves nobody.  o->overtaken, written under the pool's lock: when that
 * was, less what was added; 0: not yet.
 */
#include "sync/pool.h"

#define LONGEST ((chp_time)1000000)
#define ONCE    ((chp_time)20)

bool chp__overtaken_too_long(chp__pool_op *o, chp_time now)
{
	/* An operation may be polled under another clock than before. */
	if (!o->overtaken || now < o->overtaken)
		o->overtaken = now;
	o->overtaken -= ONCE;
	return now - o->overtaken >= LONGEST;
}
