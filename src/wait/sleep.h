/*
 * sleep.h - a point in time inside another operation.
 */
#ifndef CHAPPE_SRC_WAIT_SLEEP_H
#define CHAPPE_SRC_WAIT_SLEEP_H

#include <chappe/time.h>

/*
 * 0: the point has come; CHP_PENDING: the poller will be woken; else why no
 * timer could be set: that of the process-wide driver.
 */
int chp__sleep_poll(chp_sleep_op *o, chp_poll_ctx *ctx);

/* Give up a timer that may be armed. */
void chp__sleep_disarm(chp_sleep_op *o);

#endif
