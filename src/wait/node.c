/*
 * node.c - publish and wake: see node.h for the protocol.
 *
 * Lock: oversize_lock guards the links and the LISTED -> DONE / IDLE step of
 * nodes in oversize batches, of whatever object.  It is static, so it outlives
 * every batch; it is taken only when one batch wakes more than SAVED pollers.
 */
#include "wait/node.h"

#include "os/spin.h"

enum { SAVED = 32 };

static chp_word oversize_lock;

/* Publish n and, if its waker is ours, wake; else return the user's waker. */
static inline chp_waker publish(chp_node *n)
{
	chp_waker waker = n->waker;

	/* (P) release: publishes n->result and all that the server did. */
	store_release(&n->state, NODE_DONE);
	if (likely(waker_is_agent(waker))) {
		agent_unpark(waker.data);
		waker.cls = NULL;
	}
	return waker;
}

void chp__node_wake(chp_node *n)
{
	waker_wake(publish(n));
}

static void run(const chp_waker *wakers, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		waker_wake(wakers[i]);
}

/* Publish up to SAVED nodes from the list around `head`. */
static unsigned publish_listed(chp_node *head, chp_waker *wakers)
{
	unsigned count = 0;

	spin_lock(&oversize_lock, RANK_BATCH);
	while (head->next != head && count < SAVED) {
		chp_node *n = head->next;

		head->next = n->next;
		n->next->prev = head;
		wakers[count++] = publish(n);
	}
	spin_unlock(&oversize_lock, RANK_BATCH);
	return count;
}

/* Put the nodes of pollers around `head`; publish the agents' at once. */
static void list_pollers(chp_node *head, chp_node *rest)
{
	chp_node *pollers = NULL;

	for (chp_node *n = rest, *next; n; n = next) {
		next = n->next;
		if (n->waker.cls && !waker_is_agent(n->waker)) {
			n->next = pollers;
			pollers = n;
		} else {
			publish(n);
		}
	}

	/* The chain is newest first now; inserting at the front turns it. */
	spin_lock(&oversize_lock, RANK_BATCH);
	while (pollers) {
		chp_node *n = pollers;

		pollers = n->next;
		n->prev = head;
		n->next = head->next;
		head->next->prev = n;
		head->next = n;
		/* Relaxed: the lock orders.  An owner that sees it outside
		   the lock looks again inside. */
		store_relaxed(&n->state, NODE_LISTED);
	}
	spin_unlock(&oversize_lock, RANK_BATCH);
}

/*
 * More pollers than fit: list the rest, so that no owner has to wait for us
 * while the user's code runs.  The head lives here; a node that takes itself
 * out touches it only while the list is not empty, so while we are here.
 */
COLD static void wake_oversize(chp_node *rest, chp_waker *wakers,
			       unsigned count)
{
	chp_node head;

	head.next = head.prev = &head;
	list_pollers(&head, rest);
	do {
		run(wakers, count);
		count = publish_listed(&head, wakers);
	} while (count);
}

/* From the first poller on. */
static NOINLINE void wake_pollers(chp_node *n)
{
	chp_waker wakers[SAVED];
	unsigned count = 0;

	while (n && count < SAVED) {
		chp_node *next = n->next;

		wakers[count] = publish(n);
		count += wakers[count].cls != NULL;
		n = next;
	}
	if (unlikely(n != NULL))
		wake_oversize(n, wakers, count);
	else
		run(wakers, count);
}

void chp__batch_wake(struct wake_batch *b)
{
	chp_node *n = b->first;

	/* Agents need no copies of their wakers. */
	while (likely(n && waker_is_agent(n->waker))) {
		chp_node *next = n->next;

		publish(n);
		n = next;
	}
	if (unlikely(n != NULL))
		wake_pollers(n);
}

/* Still listed?  Then take ourselves out: the waker is ours again. */
static bool take_out(chp_node *n)
{
	bool listed;

	spin_lock(&oversize_lock, RANK_BATCH);
	/* Relaxed: who listed it did so under the lock, after the result. */
	listed = load_relaxed(&n->state) == NODE_LISTED;
	if (listed) {
		n->prev->next = n->next;
		n->next->prev = n->prev;
	}
	spin_unlock(&oversize_lock, RANK_BATCH);
	return listed;
}

COLD void chp__node_settle(chp_node *n)
{
	unsigned spins = 0;
	uint32_t state;

	while ((state = load_acquire(&n->state)) != NODE_DONE) { /* (Q) */
		if (state == NODE_LISTED && take_out(n)) {
			waker_release(n->waker);
			break;
		}
		chp__relax(&spins);
	}
}
