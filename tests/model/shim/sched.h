/*
 * sched.h - a thread that yields just goes on: any other may run at any time.
 */
#ifndef CHAPPE_TESTS_MODEL_SCHED_H
#define CHAPPE_TESTS_MODEL_SCHED_H

#include_next <sched.h>

int model_yield(void);

#define sched_yield model_yield

#endif
