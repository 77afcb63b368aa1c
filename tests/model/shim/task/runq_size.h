/*
 * runq_size.h - instead of the library's: each place is an atomic word of the
 * model, which has not so many.
 */
#ifndef CHAPPE_SRC_TASK_RUNQ_SIZE_H
#define CHAPPE_SRC_TASK_RUNQ_SIZE_H

enum { RUNQ_SIZE = 256 };

#endif
