/*
 * runq_size.h - how many tasks a worker's queue holds: a power of two.
 *
 * Room for those that a thousand receivers of one value are.  The model checker
 * has another body of this header.
 */
#ifndef CHAPPE_SRC_TASK_RUNQ_SIZE_H
#define CHAPPE_SRC_TASK_RUNQ_SIZE_H

enum { RUNQ_SIZE = 1024 };

#endif
