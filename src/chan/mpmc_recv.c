/*
 * mpmc_recv.c - receiving.
 *
 * A blocking receive is done when its node is, the value in its buffer; a
 * polled one has then been promised a message, and takes the oldest when it is
 * polled.  recv_many is always of the second kind, because it takes more than
 * the one; so is a receive whose message goes to the destructor.
 */
#include <limits.h>

#include "base/alloc.h"
#include "chan/mpmc_side.h"
#include "wait/block.h"

/*
 * Lock held, nobody is before us; `have` messages are taken already.  Take up
 * to o->limit.  How many we have then; or why there is none.
 */
static int take_many(chp_mpmc_op *o, int have, struct service *sv)
{
	struct chp__mpmc *ch = o->ch;
	size_t n = (size_t)have;
	char *to = o->to;
	int r = 1;

	while (n < o->limit && r > 0) {
		r = chp__mpmc_take(ch, to ? to + n * ch->store.size : NULL, sv);
		n += r > 0;
	}
	return n ? (int)n : r;
}

/* First poll: receive, or take a place in the queue. */
static int start(chp_mpmc_op *o, chp_waker waker)
{
	struct service sv = NO_SERVICE;
	struct chp__mpmc *ch = o->ch;
	int r = CHP_EAGAIN;

	waker_retain(waker);
	mpmc_lock(ch);
	if (!ch->rx_first)
		r = take_many(o, 0, &sv);
	if (r == CHP_EAGAIN)
		chp__mpmc_enqueue(&ch->rx_first, &ch->rx_last, &o->node, waker);
	chp__mpmc_leave(ch, &sv);

	if (r == CHP_EAGAIN)
		return CHP_PENDING;
	waker_release(waker);
	return r;
}

/* No longer queued: nothing can come, or it was done, or promised a message. */
static int collect(chp_mpmc_op *o)
{
	struct service sv = NO_SERVICE;
	struct chp__mpmc *ch = o->ch;
	int r = 1;

	node_settle(&o->node);
	if (o->node.result != 0)
		return o->node.result;
	if (mpmc_is_blocking(o))
		return 1;
	mpmc_lock(ch);
	ch->granted--;
	chp__mpmc_pop(ch, o->to, &sv);
	if (o->limit > 1 && !ch->rx_first)
		r = take_many(o, 1, &sv);
	chp__mpmc_leave(ch, &sv);
	return r;
}

static inline int take(chp_mpmc_op *o, struct service *sv)
{
	return take_many(o, 0, sv);
}

static inline struct side receivers_of(struct chp__mpmc *ch)
{
	return (struct side){ &ch->rx_first, &ch->rx_last, &ch->granted, take,
			      collect };
}

static int poll_again(chp_mpmc_op *o, chp_waker waker)
{
	struct side side = receivers_of(o->ch);

	return side_poll_again(&side, o, waker);
}

static int cancel_recv(chp_op *op)
{
	chp_mpmc_op *o = (chp_mpmc_op *)op;
	struct side side = receivers_of(o->ch);

	return side_cancel(&side, o);
}

/* ---- On the way to the destructor ---- */

/*
 * A message that goes to the destructor leaves the channel first, for the
 * destructor must not run under the lock, and others take the messages behind
 * it meanwhile.
 */
struct scratch {
	void *place;
	size_t size;
	char small[256] __attribute__((aligned(16)));
};

static bool scratch_open(struct scratch *s, const struct chp__mpmc *ch)
{
	s->size = ch->store.size;
	s->place = s->size <= sizeof(s->small) ? s->small : chp__alloc(s->size);
	return s->place != NULL;
}

static void scratch_close(struct scratch *s)
{
	if (s->place != s->small)
		chp__free(s->place, s->size);
}

static inline bool goes_to_destructor(const struct chp__mpmc *ch,
				      const void *out)
{
	return unlikely(!out) && ch->drop;
}

/* Lock held: the common case, a message is there and no sender waits. */
static inline bool pop_at_once(struct chp__mpmc *ch, void *out)
{
	bool ok = mpmc_has_message(ch) && !ch->tx_first &&
		  !store_at_end(&ch->store) && out;

	if (likely(ok)) {
		value_copy(out, store_front(&ch->store), ch->store.size);
		store_pop(&ch->store);
	}
	return ok;
}

/* Lock held, given up: all other cases. */
static NOINLINE int receive_slow(struct chp__mpmc *ch, void *out)
{
	struct service sv = NO_SERVICE;
	int r = ch->rx_first ? CHP_EAGAIN : chp__mpmc_take(ch, out, &sv);

	chp__mpmc_leave(ch, &sv);
	return r;
}

/* What needs no waiting: 1, CHP_EAGAIN, CHP_ECLOSED. */
static inline int receive(struct chp__mpmc *ch, void *out)
{
	mpmc_lock(ch);
	if (unlikely(!pop_at_once(ch, out)))
		return receive_slow(ch, out);
	mpmc_unlock(ch);
	return 1;
}

COLD static int receive_and_destroy(struct chp__mpmc *ch)
{
	struct scratch s;
	int r;

	if (!scratch_open(&s, ch))
		return CHP_ENOMEM;
	r = receive(ch, s.place);
	if (r > 0)
		ch->drop(s.place);
	scratch_close(&s);
	return r;
}

/* The same for recv_many, before its first poll. */
static int receive_many(chp_mpmc_op *o)
{
	struct service sv = NO_SERVICE;
	struct chp__mpmc *ch = o->ch;
	int r = CHP_EAGAIN;

	if (!o->limit)
		return 0;
	if (goes_to_destructor(ch, o->to))
		return receive_and_destroy(ch);
	mpmc_lock(ch);
	if (!ch->rx_first)
		r = take_many(o, 0, &sv);
	chp__mpmc_leave(ch, &sv);
	return r;
}

int chp_mpmc_try_recv(chp_mpmc_rx *rx, void *out)
{
	struct chp__mpmc *ch = rx->ch;
	int r;

	if (unlikely(!ch))
		return CHP_EINVAL;
	r = goes_to_destructor(ch, out) ? receive_and_destroy(ch)
					: receive(ch, out);
	return r > 0 ? 0 : r;
}

/* ---- The operation ---- */

static int poll_to(chp_mpmc_op *o, chp_waker waker)
{
	return o->op.stage == OP_NEW ? start(o, waker) : poll_again(o, waker);
}

COLD static int poll_and_destroy(chp_mpmc_op *o, chp_waker waker)
{
	struct scratch s;
	int r;

	if (!scratch_open(&s, o->ch)) {
		if (o->op.stage == OP_PENDING)
			cancel_recv(&o->op);
		return CHP_ENOMEM;
	}
	o->to = s.place;
	r = poll_to(o, waker);
	o->to = NULL;
	if (r > 0)
		o->ch->drop(s.place);
	scratch_close(&s);
	return r;
}

static int poll_recv(chp_op *op, chp_poll_ctx *ctx)
{
	chp_mpmc_op *o = (chp_mpmc_op *)op;
	int r;

	if (!o->ch)
		return CHP_EINVAL;
	if (!o->limit)
		return 0;
	r = goes_to_destructor(o->ch, o->to) ? poll_and_destroy(o, ctx->waker)
					     : poll_to(o, ctx->waker);
	/* recv says 0, recv_many how many. */
	return r > 0 && !(o->flags & MPMC_MANY) ? 0 : r;
}

static const chp_op_class recv_class = {
	.name = "mpmc receive",
	.poll = poll_recv,
	.cancel = cancel_recv,
};

static void init_recv(chp_mpmc_op *op, struct chp__mpmc *ch, void *out,
		      size_t limit, unsigned flags)
{
	op_init(&op->op, &recv_class);
	op->ch = ch;
	op->to = out;
	op->limit = limit > INT_MAX ? INT_MAX : limit;
	if (!out && limit)
		op->limit = 1;
	op->flags = flags;
}

void chp_mpmc_recv_op(chp_mpmc_op *op, const chp_mpmc_rx *rx, void *out)
{
	init_recv(op, rx->ch, out, 1, 0);
}

void chp_mpmc_recv_many_op(chp_mpmc_op *op, const chp_mpmc_rx *rx, void *out,
			   size_t limit)
{
	init_recv(op, rx->ch, out, limit, MPMC_MANY);
}

/* ---- Blocking ---- */

int chp_mpmc_recv_with(chp_mpmc_rx *rx, void *out, const chp_wait *w)
{
	struct agent *self = agent_self();
	struct chp__mpmc *ch = rx->ch;
	chp_mpmc_op op;
	int r;

	if (unlikely(!ch))
		return CHP_EINVAL;
	r = wait_check(self, w);
	if (unlikely(r))
		return r;
	r = chp_mpmc_try_recv(rx, out);
	if (likely(r != CHP_EAGAIN)) {
		agent_spend(self);
		return r;
	}
	if (wait_expired(self, w))
		return CHP_ETIMEDOUT;
	init_recv(&op, ch, out, 1,
		  goes_to_destructor(ch, out) ? 0 : MPMC_BLOCKING);
	return chp__block(self, &op.op, w);
}

static inline bool recv_fast(struct chp__mpmc *ch, void *out)
{
	bool ok;

	if (!spin_trylock(&ch->lock, RANK_OBJECT))
		return false;
	ok = pop_at_once(ch, out);
	mpmc_unlock(ch);
	return ok;
}

int chp_mpmc_recv(chp_mpmc_rx *rx, void *out)
{
	struct agent *self = agent_unhindered();
	struct chp__mpmc *ch = rx->ch;

	if (unlikely(!self || !ch || !recv_fast(ch, out)))
		return chp_mpmc_recv_with(rx, out, NULL);
	agent_spend(self);
	return 0;
}

int chp_mpmc_recv_many_with(chp_mpmc_rx *rx, void *out, size_t limit,
			    const chp_wait *w)
{
	struct agent *self = agent_self();
	chp_mpmc_op op;
	int r;

	if (unlikely(!rx->ch))
		return CHP_EINVAL;
	r = wait_check(self, w);
	if (unlikely(r))
		return r;
	init_recv(&op, rx->ch, out, limit, MPMC_MANY);
	r = receive_many(&op);
	if (likely(r != CHP_EAGAIN)) {
		agent_spend(self);
		return r;
	}
	if (wait_expired(self, w))
		return CHP_ETIMEDOUT;
	return chp__block(self, &op.op, w);
}

int chp_mpmc_recv_many(chp_mpmc_rx *rx, void *out, size_t limit)
{
	return chp_mpmc_recv_many_with(rx, out, limit, NULL);
}
