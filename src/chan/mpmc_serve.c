/*
 * mpmc_serve.c - serving those who wait: what the head of mpmc.h describes.
 */
#include "chan/mpmc.h"

/* ---- Taking nodes out of the queues ---- */

static chp_mpmc_op *claim_first(chp_node **first, chp_node **last, int result,
				struct service *sv)
{
	chp_node *n = *first;

	node_list_remove(first, last, n);
	if (n->result == WOKEN)
		n->waker.cls = NULL;
	batch_claim(&sv->batch, n, result);
	return mpmc_op_of(n);
}

static chp_mpmc_op *claim_sender(struct chp__mpmc *ch, struct service *sv)
{
	return claim_first(&ch->tx_first, &ch->tx_last, 0, sv);
}

static chp_mpmc_op *claim_receiver(struct chp__mpmc *ch, struct service *sv)
{
	return claim_first(&ch->rx_first, &ch->rx_last, 0, sv);
}

/* It stays first, and is to act when it is polled. */
static void nudge(chp_node *n, struct service *sv)
{
	if (n->result == WOKEN)
		return;
	sv->nudge = n->waker;
	n->result = WOKEN;
}

void chp__mpmc_enqueue(chp_node **first, chp_node **last, chp_node *n,
		       chp_waker waker)
{
	waker_store(&n->waker, waker);
	n->agent_id = waker_agent_id(waker);
	n->result = ARMED;
	node_enqueue(first, last, n);
}

/* ---- Moving values ---- */

static void copy_out(const struct chp__mpmc *ch, void *to, const void *from)
{
	if (to)
		value_copy(to, from, ch->store.size);
}

void chp__mpmc_next_block(struct chp__mpmc *ch, struct service *sv)
{
	struct store *s = &ch->store;
	struct block *old = chp__store_next_block(s);

	if (old && s->spare) {
		old->next = sv->trash;
		sv->trash = old;
	} else if (old) {
		s->spare = old;
	}
}

void chp__mpmc_pop(struct chp__mpmc *ch, void *to, struct service *sv)
{
	copy_out(ch, to, mpmc_front(ch, sv));
	store_pop(&ch->store);
}

int chp__mpmc_put(struct chp__mpmc *ch, const void *value, bool leave,
		  struct service *sv)
{
	chp_node *r = ch->rx_first;
	bool none = mpmc_count(ch) == 0;

	/* Relaxed: written under the lock. */
	if (load_relaxed(&ch->closed))
		return CHP_ECLOSED;
	if (r && none && mpmc_is_blocking(mpmc_op_of(r))) {
		copy_out(ch, claim_receiver(ch, sv)->to, value);
		return 0;
	}
	if (mpmc_has_room(ch)) {
		store_push(&ch->store, value);
		return 0;
	}
	if (ch->capacity || !r || !none || !leave)
		return CHP_EAGAIN;
	/* To meet it in the channel: settle() promises it to the receiver. */
	store_push(&ch->store, value);
	return 0;
}

int chp__mpmc_take(struct chp__mpmc *ch, void *to, struct service *sv)
{
	chp_node *s = ch->tx_first;

	if (mpmc_has_message(ch)) {
		chp__mpmc_pop(ch, to, sv);
		return 1;
	}
	if (mpmc_count(ch))
		return CHP_EAGAIN;
	if (s && !ch->capacity && mpmc_is_blocking(mpmc_op_of(s))) {
		copy_out(ch, to, claim_sender(ch, sv)->from);
		return 1;
	}
	/* Relaxed: written under the lock. */
	return load_relaxed(&ch->closed) ? CHP_ECLOSED : CHP_EAGAIN;
}

/* ---- Restoring the invariants ---- */

/* There is a message for the first receiver. */
static void give(struct chp__mpmc *ch, struct service *sv)
{
	chp_mpmc_op *r = claim_receiver(ch, sv);

	if (mpmc_is_blocking(r))
		chp__mpmc_pop(ch, r->to, sv);
	else
		ch->granted++;
}

/* There is a place for the first sender. */
static void admit(struct chp__mpmc *ch, struct service *sv)
{
	chp_mpmc_op *s = claim_sender(ch, sv);

	if (mpmc_is_blocking(s))
		store_push(&ch->store, s->from);
	else
		ch->reserved++;
}

/* No buffer, nothing in the channel, both queues are occupied.  False: a
   polled one has to act first. */
static bool meet(struct chp__mpmc *ch, struct service *sv)
{
	chp_mpmc_op *r = mpmc_op_of(ch->rx_first);
	chp_mpmc_op *s = mpmc_op_of(ch->tx_first);

	if (!mpmc_is_blocking(s)) {
		nudge(&s->node, sv);
		return false;
	}
	if (!mpmc_is_blocking(r)) {
		nudge(&r->node, sv);
		return false;
	}
	claim_sender(ch, sv);
	copy_out(ch, claim_receiver(ch, sv)->to, s->from);
	return true;
}

static void settle(struct chp__mpmc *ch, struct service *sv)
{
	bool again = true;

	while (again) {
		again = false;
		if (ch->rx_first && mpmc_has_message(ch)) {
			give(ch, sv);
			again = true;
		} else if (ch->tx_first && mpmc_has_room(ch)) {
			admit(ch, sv);
			again = true;
		} else if (!ch->capacity && ch->tx_first && ch->rx_first &&
			   mpmc_count(ch) == 0) {
			again = meet(ch, sv);
		}
	}
	/* Nothing is left and nothing can come. */
	while (load_relaxed(&ch->closed) && ch->rx_first && !mpmc_count(ch))
		claim_first(&ch->rx_first, &ch->rx_last, CHP_ECLOSED, sv);
}

void chp__mpmc_leave(struct chp__mpmc *ch, struct service *sv)
{
	if (ch->rx_first || ch->tx_first)
		settle(ch, sv);
	mpmc_unlock(ch);

	while (unlikely(sv->trash != NULL)) {
		struct block *b = sv->trash;

		sv->trash = b->next;
		chp__store_free_block(&ch->store, b);
	}
	batch_wake(&sv->batch);
	waker_wake(sv->nudge);
}

/* ---- Leaving the queues ---- */

void chp__mpmc_close(struct chp__mpmc *ch)
{
	struct service sv = NO_SERVICE;

	mpmc_lock(ch);
	/* Release: what the closer did before; pairs with mpmc_is_closed(). */
	store_release(&ch->closed, 1);
	while (ch->tx_first)
		claim_first(&ch->tx_first, &ch->tx_last, CHP_ECLOSED, &sv);
	chp__mpmc_leave(ch, &sv);
	chp_set_once_set(&ch->ended, NULL, NULL, 0);
}

bool chp__mpmc_withdraw(chp_mpmc_op *o, chp_node **first, chp_node **last)
{
	struct service sv = NO_SERVICE;
	chp_waker waker = { NULL, NULL };
	struct chp__mpmc *ch = o->ch;
	bool queued;

	mpmc_lock(ch);
	/* Relaxed: leaves QUEUED under the lock only. */
	queued = load_relaxed(&o->node.state) == NODE_QUEUED;
	if (queued) {
		node_list_remove(first, last, &o->node);
		if (o->node.result == ARMED)
			waker = o->node.waker;
	}
	chp__mpmc_leave(ch, &sv);
	waker_release(waker);
	return queued;
}
