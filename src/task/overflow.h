/*
 * overflow.h - a task that runs off its stack stops the process, by name.
 */
#ifndef CHAPPE_SRC_TASK_OVERFLOW_H
#define CHAPPE_SRC_TASK_OVERFLOW_H

/* The stack on which the calling thread handles the fault. */
struct overflow_watch {
	void *memory; /* NULL: the thread had one, or there was no memory */
};

/* Around everything that runs tasks on a thread. */
void chp__overflow_start(struct overflow_watch *watch);
void chp__overflow_end(struct overflow_watch *watch);

#endif
