/*
 * mpsc_recv.c - receiving and closing.
 *
 * There is one receiver, so its side of the store needs no protection but
 * against senders: a bounded channel's ring is popped under the lock, which
 * also serves senders that wait; an unbounded one's blocks without it.
 *
 * A waiting receiver leaves its waker in the channel; a sender takes it out
 * under the lock and wakes it after: nobody but the receiver ever touches its
 * operation.
 */
#include <limits.h>

#include "chan/mpsc.h"
#include "wait/block.h"

/* Lock held: why nothing was there. */
static int nothing(const struct chp__mpsc *ch)
{
	/* Acquire: after the last sender's last message. */
	if (mpsc_is_idle(ch) || handles_strong(&ch->handles) == 0)
		return CHP_ECLOSED;
	return CHP_EAGAIN;
}

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

/* Take up to limit values that are there into out; the channel is bounded,
   the lock held. */
static size_t take_bounded(struct chp__mpsc *ch, char *out, size_t limit)
{
	size_t n = mpsc_buffered(ch);

	if (n > limit)
		n = limit;
	for (size_t i = 0; i < n; i++) {
		value_copy(out + i * ch->store.size, mpsc_front(ch),
			   ch->store.size);
		mpsc_pop(ch);
	}
	ch->room += n;
	return n;
}

static int receive_bounded(struct chp__mpsc *ch, void *out, size_t limit)
{
	struct wake_batch batch = { NULL, NULL };
	bool moved = false;
	size_t n;
	int r;

	mpsc_lock(ch);
	n = take_bounded(ch, out, limit);
	r = n ? (int)n : nothing(ch);
	if (ch->first)
		chp__mpsc_serve(ch, &batch, &moved);
	mpsc_unlock(ch);
	batch_wake(&batch);
	return r;
}

static size_t take_unbounded(struct chp__mpsc *ch, char *out, size_t limit)
{
	size_t n = mpsc_buffered(ch);

	if (n > limit)
		n = limit;
	for (size_t i = 0; i < n; i++) {
		value_copy(out + i * ch->store.size, mpsc_front(ch),
			   ch->store.size);
		mpsc_pop(ch);
	}
	return n;
}

static int receive_unbounded(struct chp__mpsc *ch, void *out, size_t limit)
{
	size_t n = take_unbounded(ch, out, limit);
	int r;

	if (n)
		return (int)n;
	mpsc_lock(ch);
	r = mpsc_buffered(ch) ? 1 : nothing(ch);
	mpsc_unlock(ch);
	return r > 0 ? (int)take_unbounded(ch, out, limit) : r;
}

/*
 * Destroy the oldest value.  Its place stays taken meanwhile, so the lock is
 * not held while the destructor runs.
 */
static int destroy_one(struct chp__mpsc *ch)
{
	struct wake_batch batch = { NULL, NULL };
	bool moved = false;
	int r = 0;

	mpsc_lock(ch);
	if (!mpsc_buffered(ch))
		r = nothing(ch);
	mpsc_unlock(ch);
	if (r)
		return r;

	if (ch->drop)
		ch->drop(mpsc_front(ch));
	else
		mpsc_front(ch);

	if (!ch->capacity) {
		mpsc_pop(ch);
		return 1;
	}
	mpsc_lock(ch);
	mpsc_pop(ch);
	ch->room++;
	chp__mpsc_serve(ch, &batch, &moved);
	mpsc_unlock(ch);
	batch_wake(&batch);
	return 1;
}

/* How many were received; CHP_EAGAIN; CHP_ECLOSED. */
static inline int receive(struct chp__mpsc *ch, void *out, size_t limit)
{
	if (unlikely(!out))
		return destroy_one(ch);
	return ch->capacity ? receive_bounded(ch, out, limit)
			    : receive_unbounded(ch, out, limit);
}

int chp_mpsc_try_recv(chp_mpsc_rx *rx, void *out)
{
	int r = rx->ch ? receive(rx->ch, out, 1) : CHP_EINVAL;

	return r > 0 ? 0 : r;
}

/* Leave a waker; false: look again, something has changed. */
static bool wait_here(struct chp__mpsc *ch, chp_waker waker)
{
	chp_waker old = { NULL, NULL };
	bool waits;

	waker_retain(waker);
	mpsc_lock(ch);
	if (ch->rx_waiting)
		old = ch->rx_waker;
	waits = !mpsc_buffered(ch) && nothing(ch) == CHP_EAGAIN;
	ch->rx_waiting = waits;
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
	while (r == CHP_EAGAIN && !wait_here(ch, ctx->waker));

	if (r == CHP_EAGAIN)
		return CHP_PENDING;
	/* recv says 0, recv_many how many. */
	return r > 0 && o->reserved[0] ? 0 : r;
}

static int cancel_recv(chp_op *op)
{
	struct chp__mpsc *ch = ((chp_recv_op *)op)->rx->ch;
	chp_waker waker;

	if (!ch)
		return CHP_HELD_NOTHING;
	mpsc_lock(ch);
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
	chp_op_init(&op->op, &recv_class);
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

/* The common case in one step: bounded, a value is there, no sender waits. */
static inline bool recv_fast(struct chp__mpsc *ch, void *out)
{
	bool ok;

	if (!ch->capacity || !spin_trylock(&ch->lock, RANK_OBJECT))
		return false;
	/* Relaxed: both change under the lock. */
	ok = load64_relaxed(&ch->store.pushed) !=
		     load64_relaxed(&ch->store.popped) &&
	     !ch->first;
	if (likely(ok)) {
		value_copy(out, mpsc_front(ch), ch->store.size);
		mpsc_pop(ch);
		ch->room++;
	}
	mpsc_unlock(ch);
	return ok;
}

int chp_mpsc_recv(chp_mpsc_rx *rx, void *out)
{
	struct agent *self = agent_unhindered();
	struct chp__mpsc *ch = rx->ch;

	if (unlikely(!self || !ch || !out || !recv_fast(ch, out)))
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

void chp__mpsc_close(struct chp__mpsc *ch, struct wake_batch *batch)
{
	ch->closed = 1;
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
	chp__mpsc_close(ch, &batch);
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
	chp__mpsc_close(ch, &batch);
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
		if (ch->capacity) {
			mpsc_lock(ch);
			ch->room++;
			mpsc_unlock(ch);
		}
	}
	chp__mpsc_unref(ch);
}
