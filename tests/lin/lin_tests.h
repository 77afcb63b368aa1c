/*
 * lin_tests.h - the tests of test_linear.c, by file.
 */
#ifndef CHAPPE_TESTS_LIN_LIN_TESTS_H
#define CHAPPE_TESTS_LIN_LIN_TESTS_H

#include "lin.h"

/* lin_semaphore.c */
void semaphores_are_linearizable(chp_policy policy);
void who_gives_up_may_have_been_granted(void);
void a_semaphore_that_takes_twice_is_refused(void);

/* lin_sync.c */
void mutexes_are_linearizable(void);
void rwlocks_are_linearizable(void);
void once_cells_are_linearizable(void);
void notify_is_linearizable(void);

/* lin_chan.c */
void mpsc_is_linearizable(void);
void a_stack_that_claims_to_be_a_queue_is_refused(void);
void mpmc_is_linearizable(void);
void oneshots_are_linearizable(void);

/* lin_streams.c */
void broadcast_is_linearizable(void);
void watch_is_linearizable(void);

#endif
