/*
 * mpsc_recv.c - receiving and closing.
 *
 * There is one receiver, so its side of the store needs no protection, and
 * values are taken without the lock.
 *
 * A waiting receiver leaves its waker in the channel; a sender takes it out
 * under the lock and wakes it after: nobody but the receiver ever touches its
 * operation.
 */
#include <limits.h>

#include "chan/mpsc.h"
#include "wait/block.h"

void *chp__mpsc_next_block(struct chp__mpsc *ch)
{
	struct store *s = &ch->store;
	struct block *old = chp__store_next_block(s);

	if (old) {
		mpsc_lock(ch);
		if (!s->spare) {
			s->spare = old;
			old = NULL;
		}
		mpsc_unlock(ch);
	}
	if (old)
		chp__store_free_block(s, old);
	return s->rx_block->values;
}

/* Take up to limit values that are there. */
static inline size_t take(struct chp__mpsc *ch, char *out, size_t limit)
{
	size_t n = store_look(&ch->store, limit);

	for (size_t i = 0; i < n; i++) {
		value_copy(out + i * ch->store.size, mpsc_front(ch),
			   ch->store.size);
		mpsc_pop(ch);
	}
	if (likely(n))
		mpsc_freed(ch, n);
	return n;
}

/* Destroy the oldest value, if there is one. */
static bool destroy_one(struct chp__mpsc *ch)
{
	void *value;

	if (!store_look(&ch->store, 1))
		return false;
	value = mpsc_front(ch);
	if (ch->drop)
		ch->drop(value);
	mpsc_pop(ch);
	mpsc_freed(ch, 1);
	return true;
}

/* Lock held: may a value come?  CHP_EAGAIN, CHP_ECLOSED; 0: one is there. */
static int outlook(const struct chp__mpsc *ch)
{
	/* The handles first.  Acquire: after the last sender's last message. */
	bool ended = handles_strong(&ch->handles) == 0 || mpsc_is_idle(ch);

	if (mpsc_buffered(ch))
		return 0;
	return ended ? CHP_ECLOSED : CHP_EAGAIN;
}

/* Nothing was there: why?  0: look again. */
static int why_empty(struct chp__mpsc *ch)
{
	int r;

	/* Neither of the two changes back, so it was so when nothing was
	   there.  Relaxed: we are who closes. */
	if (likely(!load_relaxed(&ch->closed) && handles_strong(&ch->handles)))
		return CHP_EAGAIN;
	mpsc_lock(ch);
	r = outlook(ch);
	mpsc_unlock(ch);
	return r;
}

/* How many were received; CHP_EAGAIN; CHP_ECLOSED. */
static inline int receive(struct chp__mpsc *ch, void *out, size_t limit)
{
	int r;

	do {
		size_t n = likely(out) ? take(ch, out, limit) : destroy_one(ch);

		if (likely(n))
			return (int)n;
		r = why_empty(ch);
	} while (r == 0);
	return r;
}

int chp_mpsc_try_recv(chp_mpsc_rx *rx, void *out)
{
	int r = rx->ch ? receive(rx->ch, out, 1) : CHP_EINVAL;

	return r > 0 ? 0 : r;
}

/* Leave a waker; false: look again, something has changed. */
static bool wait_here(struct chp__mpsc *ch, const chp_op *op, chp_waker waker)
{
	chp_waker old = { NULL, NULL };
	bool waits;

	waker_retain(waker);
	mpsc_lock(ch);
	if (ch->rx_waiting)
		old = ch->rx_waker;
	waits = outlook(ch) == CHP_EAGAIN;
	ch->rx_waiting = waits;
	ch->rx_op = op;
	waker_store(&ch->rx_waker, waker);
	mpsc_unlock(ch);
	waker_release(old);
	if (!waits)
		waker_release(waker);
	return waits;
}

static int poll_recv(chp_op *op, chp_poll_ctx *ctx)
{
	chp_recv_op *o = (chp_recv_op *)op;
	struct chp__mpsc *ch = o->rx->ch;
	int r;

	if (!ch)
		return CHP_EINVAL;
	if (!o->limit)
		return 0;
	do
		r = receive(ch, o->out, o->limit);
	while (r == CHP_EAGAIN && !wait_here(ch, op, ctx->waker));

	if (r == CHP_EAGAIN)
		return CHP_PENDING;
	/* recv says 0, recv_many how many. */
	return r > 0 && o->reserved[0] ? 0 : r;
}

static int cancel_recv(chp_op *op)
{
	struct chp__mpsc *ch = ((chp_recv_op *)op)->rx->ch;
	chp_waker waker = { NULL, NULL };

	if (!ch)
		return CHP_HELD_NOTHING;
	mpsc_lock(ch);
	/* Or else another has taken its place. */
	if (ch->rx_op == op)
		waker = mpsc_take_rx(ch);
	mpsc_unlock(ch);
	waker_release(waker);
	return CHP_HELD_NOTHING;
}

static const chp_op_class recv_class = {
	.name = "mpsc receive",
	.poll = poll_recv,
	.cancel = cancel_recv,
};

static void init_recv(chp_recv_op *op, chp_mpsc_rx *rx, void *out, size_t limit,
		      bool single)
{
	op_init(&op->op, &recv_class);
	op->rx = rx;
	op->out = out;
	op->limit = limit > INT_MAX ? INT_MAX : limit;
	op->reserved[0] = single ? op : NULL;
}

void chp_mpsc_recv_op(chp_recv_op *op, chp_mpsc_rx *rx, void *out)
{
	init_recv(op, rx, out, 1, true);
}

void chp_mpsc_recv_many_op(chp_recv_op *op, chp_mpsc_rx *rx, void *out,
			   size_t limit)
{
	init_recv(op, rx, out, limit, false);
}

static int recv_blocking(chp_mpsc_rx *rx, void *out, size_t limit, bool single,
			 const chp_wait *w)
{
	struct agent *self = agent_self();
	chp_recv_op op;
	int r;

	if (unlikely(!rx->ch))
		return CHP_EINVAL;
	r = wait_check(self, w);
	if (unlikely(r))
		return r;
	r = limit ? receive(rx->ch, out, limit) : 0;
	if (likely(r != CHP_EAGAIN)) {
		agent_spend(self);
		return r > 0 && single ? 0 : r;
	}
	if (wait_expired(self, w))
		return CHP_ETIMEDOUT;
	init_recv(&op, rx, out, limit, single);
	return chp__block(self, &op.op, w);
}

int chp_mpsc_recv_with(chp_mpsc_rx *rx, void *out, const chp_wait *w)
{
	return recv_blocking(rx, out, 1, true, w);
}

int chp_mpsc_recv(chp_mpsc_rx *rx, void *out)
{
	struct agent *self = agent_unhindered();
	struct chp__mpsc *ch = rx->ch;

	if (unlikely(!self || !ch || !out || !take(ch, out, 1)))
		return recv_blocking(rx, out, 1, true, NULL);
	agent_spend(self);
	return 0;
}

int chp_mpsc_recv_many_with(chp_mpsc_rx *rx, void *out, size_t limit,
			    const chp_wait *w)
{
	return recv_blocking(rx, out, limit > INT_MAX ? INT_MAX : limit, false,
			     w);
}

int chp_mpsc_recv_many(chp_mpsc_rx *rx, void *out, size_t limit)
{
	return chp_mpsc_recv_many_with(rx, out, limit, NULL);
}

/* ---- Closing ---- */

static void claim_all(chp_node **first, chp_node **last, int result,
		      struct wake_batch *batch)
{
	while (*first) {
		chp_node *n = *first;

		node_list_remove(first, last, n);
		batch_claim(batch, n, result);
	}
}

/* Lock held: refuse new messages, fail senders that wait. */
static void refuse_all(struct chp__mpsc *ch, struct wake_batch *batch)
{
	store_relaxed(&ch->closed, 1);
	claim_all(&ch->first, &ch->last, CHP_ECLOSED, batch);
	claim_all(&ch->closed_first, &ch->closed_last, 0, batch);
}

void chp_mpsc_close(chp_mpsc_rx *rx)
{
	struct chp__mpsc *ch = rx->ch;
	struct wake_batch batch = { NULL, NULL };
	chp_waker waker = { NULL, NULL };

	if (!ch)
		return;
	mpsc_lock(ch);
	refuse_all(ch, &batch);
	if (mpsc_is_idle(ch))
		waker = mpsc_take_rx(ch);
	mpsc_unlock(ch);
	batch_wake(&batch);
	waker_wake(waker);
}

void chp_mpsc_rx_drop(chp_mpsc_rx *rx)
{
	struct chp__mpsc *ch = rx->ch;
	struct wake_batch batch = { NULL, NULL };
	chp_waker waker;

	if (!ch)
		return;
	rx->ch = NULL;
	mpsc_lock(ch);
	refuse_all(ch, &batch);
	ch->rx_dropped = 1;
	waker = mpsc_take_rx(ch);
	mpsc_unlock(ch);
	batch_wake(&batch);
	waker_release(waker);

	/* Nothing is pushed any more: what is there is ours. */
	while (mpsc_buffered(ch)) {
		void *value = mpsc_front(ch);

		if (ch->drop)
			ch->drop(value);
		mpsc_pop(ch);
		mpsc_freed(ch, 1);
	}
	chp__mpsc_unref(ch);
}
