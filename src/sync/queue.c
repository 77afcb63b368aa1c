/*
 * queue.c - what is seldom done to a place in a queue.
 */
#include "sync/queue.h"

bool chp__queue_change_waker(chp_word64 *lock, chp_node *n, chp_waker waker)
{
	chp_waker old = waker;
	uint64_t word;
	bool queued;

	waker_retain(waker);
	word = word_lock(lock);
	queued = load_relaxed(&n->state) == NODE_QUEUED;
	if (queued)
		old = node_swap_waker(n, waker);
	word_unlock(lock, word);
	waker_release(old);
	return queued;
}
