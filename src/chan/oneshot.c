/*
 * oneshot.c - a value, a word of flags, two wakers, on one heap block.
 *
 *	LOCKED       the holder alone writes the word and all fields
 *	SENT         the value is there; set together with TX_GONE
 *	TX_GONE      the sender is used up
 *	RX_CLOSED    sending is refused
 *	RX_GONE      the receiver is used up
 *	RX_WAITING   rx_waker is set: wake it when SENT or TX_GONE is set
 *	TX_WAITING   tx_waker is set: wake it when RX_CLOSED is set
 *
 * Sending while no flag is up is one cas (C): nobody is to be woken, and until
 * SENT is set the value's place belongs to the sender, closed or not.
 *
 * Unlocking is one store (release, U) and a half's last touch of the block when
 * it sets its GONE flag, as (C) is; whoever finds the other half's flag there
 * frees.  The receiver reads SENT with acquire (Q): the sender is gone, so the
 * value and the block are its own, without a lock.
 *
 * Wakers are moved out under the lock and run after it.
 */
#include <chappe/oneshot.h>

#include "base/compiler.h"
#include "base/lock_rank.h"
#include "chan/value.h"
#include "os/blocks.h"
#include "os/relax.h"
#include "wait/block.h"

enum {
	LOCKED = 1,
	SENT = 2,
	TX_GONE = 4,
	RX_CLOSED = 8,
	RX_GONE = 16,
	RX_WAITING = 32,
	TX_WAITING = 64,
};

struct chp__oneshot {
	chp_word word;
	size_t size;               /* set once */
	void (*drop)(void *value); /* set once */
	chp_waker rx_waker, tx_waker;
	/* As aligned as malloc's memory: max_align_t. */
	char value[] __attribute__((aligned(16)));
};

static uint32_t lock(struct chp__oneshot *ch)
{
	unsigned spins = 0;
	uint32_t word;

	lock_rank_push(RANK_OBJECT);
	for (;;) {
		word = load_relaxed(&ch->word);
		if (unlikely(word & LOCKED))
			chp__relax(&spins);
		else if (likely(cas_acquire(&ch->word, &word, word | LOCKED)))
			return word;
	}
}

static void unlock(struct chp__oneshot *ch, uint32_t word)
{
	lock_rank_pop(RANK_OBJECT);
	store_release(&ch->word, word); /* (U) */
}

static void release(struct chp__oneshot *ch)
{
	chp__block_free(ch, sizeof(*ch) + ch->size);
}

/* Take the waker that `flag` stands for, under the lock. */
static uint32_t take_waker(uint32_t word, uint32_t flag, chp_waker *from,
			   chp_waker *to)
{
	if (word & flag)
		*to = *from;
	return word & ~flag;
}

int chp_oneshot(size_t size, void (*drop)(void *value), chp_oneshot_tx *tx,
		chp_oneshot_rx *rx)
{
	struct chp__oneshot *ch = NULL;

	if (!tx || !rx)
		return CHP_EINVAL;
	if (size <= SIZE_MAX / 2)
		ch = chp__block_alloc(sizeof(*ch) + size);
	tx->ch = rx->ch = ch;
	if (!ch)
		return CHP_ENOMEM;
	store_relaxed(&ch->word, 0);
	ch->size = size;
	ch->drop = drop;
	return 0;
}

/* ---- The sender ---- */

/* Unlock with TX_GONE set; free if the receiver is gone; wake it if not. */
static void tx_leave(struct chp__oneshot *ch, uint32_t word)
{
	chp_waker rx_waker = { NULL, NULL }, tx_waker = { NULL, NULL };

	word = take_waker(word, RX_WAITING, &ch->rx_waker, &rx_waker);
	word = take_waker(word, TX_WAITING, &ch->tx_waker, &tx_waker);
	unlock(ch, word | TX_GONE);
	if (word & RX_GONE)
		release(ch);
	waker_wake(rx_waker);
	waker_release(tx_waker);
}

int chp_oneshot_send(chp_oneshot_tx *tx, const void *value)
{
	struct chp__oneshot *ch = tx->ch;
	uint32_t word;
	int r = 0;

	if (!ch)
		return CHP_EINVAL;
	tx->ch = NULL;
	value_copy(ch->value, value, ch->size);
	word = 0;
	if (likely(cas_release(&ch->word, &word, SENT | TX_GONE))) /* (C) */
		return 0;
	word = lock(ch);
	if (word & RX_CLOSED)
		r = CHP_ECLOSED;
	else
		word |= SENT;
	tx_leave(ch, word);
	return r;
}

void chp_oneshot_tx_drop(chp_oneshot_tx *tx)
{
	struct chp__oneshot *ch = tx->ch;

	if (!ch)
		return;
	tx->ch = NULL;
	tx_leave(ch, lock(ch));
}

int chp_oneshot_is_closed(const chp_oneshot_tx *tx)
{
	return !tx->ch || (load_acquire(&tx->ch->word) & RX_CLOSED) != 0;
}

/* Store a waker for one half; false: what it waits for is there. */
static bool enter(struct chp__oneshot *ch, uint32_t done, uint32_t flag,
		  chp_waker *place, chp_waker waker)
{
	chp_waker old = { NULL, NULL };
	uint32_t word;
	bool waits;

	waker_retain(waker);
	word = lock(ch);
	word = take_waker(word, flag, place, &old);
	waits = !(word & done);
	if (waits) {
		*place = waker;
		word |= flag;
	}
	unlock(ch, word);
	waker_release(old);
	if (!waits)
		waker_release(waker);
	return waits;
}

static void withdraw(struct chp__oneshot *ch, uint32_t flag, chp_waker *place)
{
	chp_waker old = { NULL, NULL };

	unlock(ch, take_waker(lock(ch), flag, place, &old));
	waker_release(old);
}

static int poll_closed(chp_op *op, chp_poll_ctx *ctx)
{
	chp_oneshot_tx *tx = ((chp_oneshot_op *)op)->half;
	struct chp__oneshot *ch = tx->ch;

	if (!ch)
		return CHP_EINVAL;
	if (chp_oneshot_is_closed(tx) ||
	    !enter(ch, RX_CLOSED, TX_WAITING, &ch->tx_waker, ctx_waker(ctx)))
		return 0;
	return CHP_PENDING;
}

static int cancel_closed(chp_op *op)
{
	chp_oneshot_tx *tx = ((chp_oneshot_op *)op)->half;

	if (tx->ch)
		withdraw(tx->ch, TX_WAITING, &tx->ch->tx_waker);
	return CHP_HELD_NOTHING;
}

static const chp_op_class closed_class = {
	.name = "oneshot closed",
	.poll = poll_closed,
	.cancel = cancel_closed,
};

void chp_oneshot_closed_op(chp_oneshot_op *op, chp_oneshot_tx *tx)
{
	op_init(&op->op, &closed_class);
	op->half = tx;
}

int chp_oneshot_closed_with(chp_oneshot_tx *tx, const chp_wait *w)
{
	struct agent *self = agent_self();
	chp_oneshot_op op;
	int r;

	if (!tx->ch)
		return CHP_EINVAL;
	r = wait_check(self, w);
	if (r)
		return r;
	chp_oneshot_closed_op(&op, tx);
	return chp__block(self, &op.op, w);
}

int chp_oneshot_closed(chp_oneshot_tx *tx)
{
	return chp_oneshot_closed_with(tx, NULL);
}

/* ---- The receiver ---- */

/* Leave as the receiver; the lock is not held. */
static void rx_leave(struct chp__oneshot *ch)
{
	chp_waker rx_waker = { NULL, NULL }, tx_waker = { NULL, NULL };
	uint32_t word = lock(ch);

	word = take_waker(word, RX_WAITING, &ch->rx_waker, &rx_waker);
	word = take_waker(word, TX_WAITING, &ch->tx_waker, &tx_waker);
	unlock(ch, word | RX_CLOSED | RX_GONE);

	if (word & TX_GONE) {
		if (word & SENT && ch->drop)
			ch->drop(ch->value);
		release(ch);
	}
	waker_release(rx_waker);
	waker_wake(tx_waker);
}

/* The final result, which uses up rx; or CHP_EAGAIN. */
static int receive(chp_oneshot_rx *rx, void *out)
{
	struct chp__oneshot *ch = rx->ch;
	uint32_t word = load_acquire(&ch->word); /* (Q) */

	if (word & SENT) {
		rx->ch = NULL;
		if (out)
			value_copy(out, ch->value, ch->size);
		else if (ch->drop)
			ch->drop(ch->value);
		release(ch);
		return 0;
	}
	/* Once closed, a sender that comes later is refused; so this word
	   decides which came first. */
	if (word & (TX_GONE | RX_CLOSED)) {
		rx->ch = NULL;
		rx_leave(ch);
		return CHP_ECLOSED;
	}
	return CHP_EAGAIN;
}

int chp_oneshot_try_recv(chp_oneshot_rx *rx, void *out)
{
	return rx->ch ? receive(rx, out) : CHP_ECLOSED;
}

static int poll_recv(chp_op *op, chp_poll_ctx *ctx)
{
	chp_oneshot_op *o = (chp_oneshot_op *)op;
	chp_oneshot_rx *rx = o->half;
	int r;

	if (!rx->ch)
		return CHP_EINVAL;
	r = receive(rx, o->out);
	if (r != CHP_EAGAIN)
		return r;
	if (enter(rx->ch, TX_GONE | RX_CLOSED, RX_WAITING, &rx->ch->rx_waker,
		  ctx_waker(ctx)))
		return CHP_PENDING;
	return receive(rx, o->out);
}

static int cancel_recv(chp_op *op)
{
	chp_oneshot_rx *rx = ((chp_oneshot_op *)op)->half;

	if (rx->ch)
		withdraw(rx->ch, RX_WAITING, &rx->ch->rx_waker);
	return CHP_HELD_NOTHING;
}

static const chp_op_class recv_class = {
	.name = "oneshot receive",
	.poll = poll_recv,
	.cancel = cancel_recv,
};

void chp_oneshot_recv_op(chp_oneshot_op *op, chp_oneshot_rx *rx, void *out)
{
	op_init(&op->op, &recv_class);
	op->half = rx;
	op->out = out;
}

int chp_oneshot_recv_with(chp_oneshot_rx *rx, void *out, const chp_wait *w)
{
	struct agent *self = agent_self();
	chp_oneshot_op op;
	int r;

	if (!rx->ch)
		return CHP_EINVAL;
	r = wait_check(self, w);
	if (r)
		return r;
	r = receive(rx, out);
	if (r != CHP_EAGAIN) {
		agent_spend(self);
		return r;
	}
	if (wait_expired(self, w))
		return CHP_ETIMEDOUT;
	chp_oneshot_recv_op(&op, rx, out);
	return chp__block(self, &op.op, w);
}

int chp_oneshot_recv(chp_oneshot_rx *rx, void *out)
{
	return chp_oneshot_recv_with(rx, out, NULL);
}

void chp_oneshot_close(chp_oneshot_rx *rx)
{
	chp_waker rx_waker = { NULL, NULL }, tx_waker = { NULL, NULL };
	struct chp__oneshot *ch = rx->ch;
	uint32_t word;

	if (!ch)
		return;
	word = lock(ch);
	word = take_waker(word, RX_WAITING, &ch->rx_waker, &rx_waker);
	word = take_waker(word, TX_WAITING, &ch->tx_waker, &tx_waker);
	unlock(ch, word | RX_CLOSED);
	waker_release(rx_waker);
	waker_wake(tx_waker);
}

void chp_oneshot_rx_drop(chp_oneshot_rx *rx)
{
	struct chp__oneshot *ch = rx->ch;

	rx->ch = NULL;
	if (ch)
		rx_leave(ch);
}

int chp_oneshot_is_empty(const chp_oneshot_rx *rx)
{
	return !rx->ch || !(load_acquire(&rx->ch->word) & SENT);
}

int chp_oneshot_is_terminated(const chp_oneshot_rx *rx)
{
	return !rx->ch;
}
