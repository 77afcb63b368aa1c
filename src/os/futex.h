/*
 * futex.h - sleep until a word changes.
 */
#ifndef CHAPPE_SRC_OS_FUTEX_H
#define CHAPPE_SRC_OS_FUTEX_H

#include <chappe/op.h>

/*
 * Sleep while *word == expected, until woken or `deadline` (0: none) on the
 * monotonic clock.  May return early for no reason.  The comparison and going
 * to sleep are one step with respect to chp__futex_wake on the word.
 */
void chp__futex_wait(chp_word *word, uint32_t expected, chp_time deadline);

/*
 * Wake a thread that sleeps on word, if any.  The word itself is not read: it
 * may be gone.
 */
void chp__futex_wake(chp_word *word);

#endif
