/*
 * mpmc.c - making channels, handles, closing, looking, and the wait for
 * closing.
 */
#include "chan/mpmc.h"

#include "base/alloc.h"
#include "sync/once.h"
#include "wait/block.h"

/* ---- Making and freeing ---- */

static int make(size_t capacity, size_t places, size_t size,
		void (*drop)(void *value), chp_mpmc_tx *tx, chp_mpmc_rx *rx)
{
	struct chp__mpmc *ch;

	if (!tx || !rx)
		return CHP_EINVAL;
	tx->ch = NULL;
	rx->ch = NULL;
	ch = chp__alloc_zero(sizeof(*ch));
	if (!ch)
		return CHP_ENOMEM;
	ch->capacity = capacity;
	ch->drop = drop;
	store64_relaxed(&ch->receivers, 1);
	handles_init(&ch->handles, 2);
	if (size > SIZE_MAX / 4 ||
	    chp__store_init(&ch->store, places, size) != 0) {
		chp__free(ch, sizeof(*ch));
		return CHP_ENOMEM;
	}
	tx->ch = rx->ch = ch;
	return 0;
}

int chp_mpmc_bounded(size_t capacity, size_t size, void (*drop)(void *value),
		     chp_mpmc_tx *tx, chp_mpmc_rx *rx)
{
	if (capacity > SIZE_MAX >> 3)
		return CHP_EINVAL;
	return make(capacity, capacity ? capacity : 1, size, drop, tx, rx);
}

int chp_mpmc_unbounded(size_t size, void (*drop)(void *value), chp_mpmc_tx *tx,
		       chp_mpmc_rx *rx)
{
	return make(SIZE_MAX, 0, size, drop, tx, rx);
}

static void free_channel(struct chp__mpmc *ch)
{
	chp__store_free(&ch->store);
	chp__free(ch, sizeof(*ch));
}

static void unref(struct chp__mpmc *ch)
{
	if (handles_unref(&ch->handles))
		free_channel(ch);
}

/* ---- Handles ---- */

void chp_mpmc_tx_clone(const chp_mpmc_tx *tx, chp_mpmc_tx *out)
{
	struct chp__mpmc *ch = tx->ch;

	if (ch)
		handles_add_sender(&ch->handles);
	out->ch = ch;
}

void chp_mpmc_rx_clone(const chp_mpmc_rx *rx, chp_mpmc_rx *out)
{
	struct chp__mpmc *ch = rx->ch;

	/* Relaxed: as above. */
	if (ch)
		add64_relaxed(&ch->receivers, 1);
	out->ch = ch;
}

void chp_mpmc_tx_drop(chp_mpmc_tx *tx)
{
	struct chp__mpmc *ch = tx->ch;

	tx->ch = NULL;
	if (!ch || !handles_drop_sender(&ch->handles))
		return;
	chp__mpmc_close(ch);
	unref(ch);
}

/*
 * No receiver is left and nothing comes in any more: what is there is ours.
 * It keeps its place while the destructor runs, without the lock.
 */
static void destroy_messages(struct chp__mpmc *ch)
{
	struct service sv = NO_SERVICE;
	void *message;

	while (mpmc_count(ch)) {
		mpmc_lock(ch);
		message = mpmc_front(ch, &sv);
		mpmc_unlock(ch);
		if (ch->drop)
			ch->drop(message);
		mpmc_lock(ch);
		store_pop(&ch->store);
		chp__mpmc_leave(ch, &sv);
	}
}

void chp_mpmc_rx_drop(chp_mpmc_rx *rx)
{
	struct chp__mpmc *ch = rx->ch;

	rx->ch = NULL;
	/* Release what we did with it; the last one acquires it all. */
	if (!ch || add64_acq_rel(&ch->receivers, (uint64_t)-1) != 1)
		return;
	chp__mpmc_close(ch);
	destroy_messages(ch);
	unref(ch);
}

/* ---- Weak senders ---- */

static void make_weak(struct chp__mpmc *ch, chp_mpmc_weak *out)
{
	if (ch)
		handles_add_weak(&ch->handles);
	out->ch = ch;
}

void chp_mpmc_downgrade(const chp_mpmc_tx *tx, chp_mpmc_weak *out)
{
	make_weak(tx->ch, out);
}

void chp_mpmc_weak_clone(const chp_mpmc_weak *weak, chp_mpmc_weak *out)
{
	make_weak(weak->ch, out);
}

int chp_mpmc_upgrade(const chp_mpmc_weak *weak, chp_mpmc_tx *out)
{
	struct chp__mpmc *ch = weak->ch;

	out->ch = NULL;
	if (!ch || !handles_upgrade(&ch->handles))
		return CHP_ECLOSED;
	out->ch = ch;
	return 0;
}

void chp_mpmc_weak_drop(chp_mpmc_weak *weak)
{
	struct chp__mpmc *ch = weak->ch;

	weak->ch = NULL;
	if (!ch)
		return;
	if (handles_drop_weak(&ch->handles))
		free_channel(ch);
}

/* ---- Closing ---- */

void chp_mpmc_close(chp_mpmc_rx *rx)
{
	if (rx->ch)
		chp__mpmc_close(rx->ch);
}

void chp_mpmc_tx_close(chp_mpmc_tx *tx)
{
	if (tx->ch)
		chp__mpmc_close(tx->ch);
}

int chp_mpmc_is_closed(const chp_mpmc_tx *tx)
{
	return !tx->ch || mpmc_is_closed(tx->ch);
}

int chp_mpmc_rx_is_closed(const chp_mpmc_rx *rx)
{
	return !rx->ch || mpmc_is_closed(rx->ch);
}

static int poll_closed(chp_op *op, chp_poll_ctx *ctx)
{
	if (!((chp_once_op *)op)->cell)
		return CHP_EINVAL;
	return chp__once_poll_wait(op, ctx);
}

static const chp_op_class closed_class = {
	.name = "mpmc closed",
	.poll = poll_closed,
	.cancel = chp__once_cancel_wait,
	.flags = CHP_OP_UNBUDGETED,
};

void chp_mpmc_closed_op(chp_once_op *op, const chp_mpmc_tx *tx)
{
	op_init(&op->op, &closed_class);
	op->cell = tx->ch ? &tx->ch->ended.cell : NULL;
}

int chp_mpmc_closed_with(chp_mpmc_tx *tx, const chp_wait *w)
{
	struct agent *self = agent_self();
	chp_once_op op;
	int r;

	if (!tx->ch)
		return CHP_EINVAL;
	r = wait_check(self, w);
	if (r)
		return r;
	chp_mpmc_closed_op(&op, tx);
	return chp__block(self, &op.op, w);
}

int chp_mpmc_closed(chp_mpmc_tx *tx)
{
	return chp_mpmc_closed_with(tx, NULL);
}

/* ---- Looking ---- */

/* Acquire: what others did with handles that are no longer counted. */
static size_t count_of(const chp_word64 *count)
{
	return (size_t)load64_acquire(count);
}

size_t chp_mpmc_strong_count(const chp_mpmc_tx *tx)
{
	return tx->ch ? handles_strong(&tx->ch->handles) : 0;
}

size_t chp_mpmc_receiver_count(const chp_mpmc_tx *tx)
{
	return tx->ch ? count_of(&tx->ch->receivers) : 0;
}

size_t chp_mpmc_weak_count(const chp_mpmc_tx *tx)
{
	return tx->ch ? handles_weak(&tx->ch->handles) : 0;
}

size_t chp_mpmc_rx_strong_count(const chp_mpmc_rx *rx)
{
	return rx->ch ? handles_strong(&rx->ch->handles) : 0;
}

size_t chp_mpmc_rx_receiver_count(const chp_mpmc_rx *rx)
{
	return rx->ch ? count_of(&rx->ch->receivers) : 0;
}

size_t chp_mpmc_rx_weak_count(const chp_mpmc_rx *rx)
{
	return rx->ch ? handles_weak(&rx->ch->handles) : 0;
}

size_t chp_mpmc_weak_strong_count(const chp_mpmc_weak *weak)
{
	return weak->ch ? handles_strong(&weak->ch->handles) : 0;
}

size_t chp_mpmc_weak_weak_count(const chp_mpmc_weak *weak)
{
	return weak->ch ? handles_weak(&weak->ch->handles) : 0;
}

static size_t capacity_of(struct chp__mpmc *ch)
{
	size_t room;

	if (!ch || ch->capacity == SIZE_MAX)
		return ch ? SIZE_MAX : 0;
	mpmc_lock(ch);
	room = ch->tx_first || !ch->capacity
		       ? 0
		       : ch->capacity - mpmc_count(ch) - ch->reserved;
	mpmc_unlock(ch);
	return room;
}

size_t chp_mpmc_capacity(const chp_mpmc_tx *tx)
{
	return capacity_of(tx->ch);
}

size_t chp_mpmc_rx_capacity(const chp_mpmc_rx *rx)
{
	return capacity_of(rx->ch);
}

size_t chp_mpmc_max_capacity(const chp_mpmc_tx *tx)
{
	return tx->ch ? tx->ch->capacity : 0;
}

size_t chp_mpmc_rx_max_capacity(const chp_mpmc_rx *rx)
{
	return rx->ch ? rx->ch->capacity : 0;
}

size_t chp_mpmc_len(const chp_mpmc_rx *rx)
{
	struct chp__mpmc *ch = rx->ch;
	size_t count = 0;

	/* The lock, so that it is never more than there were at any time. */
	if (ch) {
		mpmc_lock(ch);
		count = mpmc_count(ch);
		mpmc_unlock(ch);
	}
	return count;
}

int chp_mpmc_is_empty(const chp_mpmc_rx *rx)
{
	return chp_mpmc_len(rx) == 0;
}

int chp_mpmc_same_channel(const chp_mpmc_tx *a, const chp_mpmc_tx *b)
{
	return a->ch && a->ch == b->ch;
}

int chp_mpmc_rx_same_channel(const chp_mpmc_rx *a, const chp_mpmc_rx *b)
{
	return a->ch && a->ch == b->ch;
}
