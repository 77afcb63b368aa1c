/*
 * watch_send.c - replacing the value, and changing it in place.
 *
 * A send puts a cell of its own in the place of the current one.  A modifying
 * function works on a copy, with no lock held, and the copy then takes the
 * place.  Two things could go wrong in between; neither may lose a change:
 *
 *   another modification   cannot come: they have their turns, one at a time
 *   a send                 does come, and finds its value current.  The
 *                          modification then counts as the earlier of the two,
 *                          done just before the send, which replaced what it
 *                          made: so its copy is thrown away.
 *
 * The second is an order that all can agree on: when the first such send came
 * the modification had begun and not returned; it saw the very value that this
 * send replaced; and nobody saw what it made, but then nobody need see every
 * value.  One caller could tell: a send that is handed the value it replaced.
 * So send_replace, if it hands it out, takes its turn as well.
 *
 * Turned down: sends that take turns, too, and so wait for the user's code; and
 * calling the function again on the newer value, so that it runs twice.
 */
#include "chan/watch.h"

#include "base/panic.h"
#include "wait/agent.h"

/* ---- Plain sends ---- */

/* The value takes its place: all but the wakes. */
struct replaced {
	struct wake_batch batch;
	struct chp__watch_cell *old; /* to be retired; NULL: nothing to do */
};

/* Lock held: put `cell` in place, settle the old one as far as it goes. */
static inline void replace(struct chp__watch *ch, struct chp__watch_cell *cell,
			   struct replaced *done)
{
	struct chp__watch_cell *old =
		watch_replace(ch, cell, true, &done->batch);

	if (!watch_settle(old))
		return;
	if (likely(!ch->drop && watch_keep(ch, old)))
		ch->live--;
	else
		done->old = old;
}

/* After unlocking.  Of the channel only done->old is left to us. */
static inline void finish(struct replaced *done)
{
	batch_wake(&done->batch);
	if (done->old)
		chp__watch_retire(done->old);
}

/* No spare cell, or a large value. */
COLD static int put_slow(struct chp__watch *ch, const void *value,
			 bool needs_receiver)
{
	struct replaced done = { { NULL, NULL }, NULL };
	struct chp__watch_cell *cell = chp__watch_get_cell(ch);
	bool closed;

	if (!cell)
		return CHP_ENOMEM;
	value_copy(cell->value, value, ch->size);
	watch_lock(ch);
	/* Relaxed: under the lock. */
	closed = needs_receiver && load64_relaxed(&ch->receivers) == 0;
	if (!closed)
		replace(ch, cell, &done);
	watch_unlock(ch);
	if (closed) {
		chp__watch_put_cell(cell);
		return CHP_ECLOSED;
	}
	finish(&done);
	return 0;
}

static inline int put(struct chp__watch *ch, const void *value,
		      bool needs_receiver)
{
	struct replaced done = { { NULL, NULL }, NULL };
	struct chp__watch_cell *cell;

	if (unlikely(!ch))
		return CHP_EINVAL;
	watch_lock(ch);
	/* Relaxed: under the lock. */
	if (needs_receiver && unlikely(load64_relaxed(&ch->receivers) == 0)) {
		watch_unlock(ch);
		return CHP_ECLOSED;
	}
	if (unlikely(!ch->spare || ch->size > SMALL)) {
		watch_unlock(ch);
		return put_slow(ch, value, needs_receiver);
	}
	cell = watch_take_spare(ch);
	value_copy(cell->value, value, ch->size);
	replace(ch, cell, &done);
	watch_unlock(ch);
	finish(&done);
	return 0;
}

int chp_watch_send(const chp_watch_tx *tx, const void *value)
{
	return put(tx->ch, value, true);
}

/* ---- Taking turns ---- */

static void take_turn(struct chp__watch *ch)
{
	chp_wait whatever = { .flags = CHP_UNINTERRUPTIBLE };
	struct agent *self = agent_self();

	/* Relaxed: if we wrote it, we see it. */
	if (loadp_relaxed(&ch->modifier) == self)
		chp__panic("watch: a modifying function changes its own "
			   "channel");
	if (chp_semaphore_try_acquire(&ch->turn, 1) != 0)
		chp_semaphore_acquire_with(&ch->turn, 1, &whatever);
	storep_relaxed(&ch->modifier, self);
}

/* Wakes one agent at most, and runs no code of the user's: so it may come
   between a claim and its wakes, which may be the user's. */
static void give_turn(struct chp__watch *ch)
{
	storep_relaxed(&ch->modifier, NULL);
	chp_semaphore_release(&ch->turn, 1);
}

int chp_watch_send_replace(const chp_watch_tx *tx, const void *value,
			   chp_watch_ref *old)
{
	struct chp__watch *ch = tx->ch;
	struct wake_batch batch = { NULL, NULL };
	struct chp__watch_cell *cell, *was;

	if (!old)
		return put(ch, value, false);
	*old = (chp_watch_ref){ 0 };
	if (!ch)
		return CHP_EINVAL;
	cell = chp__watch_get_cell(ch);
	if (!cell)
		return CHP_ENOMEM;
	value_copy(cell->value, value, ch->size);

	take_turn(ch);
	watch_lock(ch);
	was = watch_borrow(ch);
	watch_settle(watch_replace(ch, cell, true, &batch));
	watch_unlock(ch);
	give_turn(ch);
	batch_wake(&batch);
	watch_show(old, was, false);
	return 0;
}

/* ---- Modifying ---- */

/* What the caller wants done: one of the two. */
struct change {
	void (*always)(void *value, void *arg);
	int (*perhaps)(void *value, void *arg);
	void *arg;
};

/* 1: tell the receivers. */
static int apply(const struct change *change, void *value)
{
	if (change->perhaps)
		return change->perhaps(value, change->arg) != 0;
	change->always(value, change->arg);
	return 1;
}

/*
 * Put `cell` in the place of `base`, to which we have a reference; or throw it
 * away if a send was faster.
 */
static void put_modified(struct chp__watch *ch, struct chp__watch_cell *base,
			 struct chp__watch_cell *cell, bool tell)
{
	struct wake_batch batch = { NULL, NULL };
	bool overtaken;

	watch_lock(ch);
	overtaken = ch->current != base;
	if (overtaken)
		ch->live++;
	else
		watch_settle(watch_replace(ch, cell, tell, &batch));
	watch_unlock(ch);
	give_turn(ch);
	batch_wake(&batch);
	if (overtaken)
		chp__watch_retire(cell);
}

/* It is our turn. */
static int modify_now(struct chp__watch *ch, const struct change *change,
		      struct chp__watch_cell *cell)
{
	struct chp__watch_cell *base;
	int r;

	watch_lock(ch);
	base = watch_borrow(ch);
	watch_unlock(ch);

	r = chp__watch_copy(ch, cell->value, base->value);
	if (r == 0) {
		r = apply(change, cell->value);
		put_modified(ch, base, cell, r != 0);
	} else {
		give_turn(ch);
		chp__watch_put_cell(cell);
	}
	watch_give_up(base);
	return r;
}

static int modify(struct chp__watch *ch, const struct change *change)
{
	struct chp__watch_cell *cell;

	if (!ch || (!change->always && !change->perhaps) || !watch_can_copy(ch))
		return CHP_EINVAL;
	cell = chp__watch_get_cell(ch);
	if (!cell)
		return CHP_ENOMEM;
	take_turn(ch);
	return modify_now(ch, change, cell);
}

int chp_watch_send_modify(const chp_watch_tx *tx,
			  void (*f)(void *value, void *arg), void *arg)
{
	struct change change = { f, NULL, arg };
	int r = modify(tx->ch, &change);

	return r > 0 ? 0 : r;
}

int chp_watch_send_if_modified(const chp_watch_tx *tx,
			       int (*f)(void *value, void *arg), void *arg)
{
	struct change change = { NULL, f, arg };

	return modify(tx->ch, &change);
}
