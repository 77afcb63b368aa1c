/*
 * passes.h - how many releases may go past a first waiter that was woken and
 * has not come, before one looks at the clock.
 */
#ifndef CHAPPE_SRC_SYNC_PASSES_H
#define CHAPPE_SRC_SYNC_PASSES_H

enum { PASSES = 256 };

#endif
