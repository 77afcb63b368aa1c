/*
 * runq_size.h - how many tasks a worker's queue holds: a power of two.
 *
 * Room for both ends of two thousand connections that all can run: when it
 * overflows, the oldest go behind others in the inbox, and what relies on turns
 * (net/habit.h) guesses wrong.  The model checker has another body of this
 * header.
 */
#ifndef CHAPPE_SRC_TASK_RUNQ_SIZE_H
#define CHAPPE_SRC_TASK_RUNQ_SIZE_H

enum { RUNQ_SIZE = 4096 };

#endif
