/*
 * futex_posix.c - sleeping on a word with mutexes and condition variables.
 *
 * A fixed table of pairs, chosen by the word's address, for the life of the
 * process: so a wake needs nothing of the word but its address, and a late one
 * is at worst spurious.  A wake takes the mutex between the word's change and
 * the signal, and a sleeper compares under it: so no wake is lost.  Words that
 * share a pair wake each other's sleepers, who compare again.
 */
#include "os/futex.h"

#include <pthread.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "os/clock.h"

struct pair {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
};

static struct pair pairs[64];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_pairs(void)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		pthread_mutex_init(&pairs[i].mutex, NULL);
		pthread_cond_init(&pairs[i].cond, &attr);
	}
	pthread_condattr_destroy(&attr);
}

static struct pair *pair_of(const chp_word *word)
{
	uintptr_t a = (uintptr_t)word;

	pthread_once(&once, make_pairs);
	return &pairs[(a >> 4 ^ a >> 12) % ARRAY_LEN(pairs)];
}

void chp__futex_wait(chp_word *word, uint32_t expected, chp_time deadline)
{
	struct timespec until = chp__timespec(deadline);
	struct pair *p = pair_of(word);

	pthread_mutex_lock(&p->mutex);
	/* Relaxed: the caller orders; here only the value decides. */
	if (load_relaxed(word) == expected) {
		if (deadline)
			pthread_cond_timedwait(&p->cond, &p->mutex, &until);
		else
			pthread_cond_wait(&p->cond, &p->mutex);
	}
	pthread_mutex_unlock(&p->mutex);
}

void chp__futex_wake(chp_word *word)
{
	struct pair *p = pair_of(word);

	pthread_mutex_lock(&p->mutex);
	pthread_cond_broadcast(&p->cond);
	pthread_mutex_unlock(&p->mutex);
}
