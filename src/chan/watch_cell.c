/*
 * watch_cell.c - cells: borrowing values, copying them out, destroying them.
 *
 * Whoever takes the last reference retires the cell: destroys the value with
 * no lock held, and puts the cell back.  The cell is live till then, which
 * keeps the channel's memory.
 */
#include "chan/watch.h"

#include "base/alloc.h"

static size_t cell_size(const struct chp__watch *ch)
{
	return sizeof(struct chp__watch_cell) + ch->size;
}

static struct chp__watch_cell *make_cell(struct chp__watch *ch)
{
	struct chp__watch_cell *cell = chp__alloc(cell_size(ch));

	if (cell)
		cell->ch = ch;
	return cell;
}

/* Nobody has a way to it any more. */
static void free_channel(struct chp__watch *ch)
{
	struct chp__watch_cell *first = watch_first_cell(ch);

	for (struct chp__watch_cell *c = ch->spare, *next; c; c = next) {
		next = c->next;
		if (c != first)
			chp__free(c, cell_size(ch));
	}
	chp_semaphore_destroy(&ch->turn);
	chp__free(ch, sizeof(*ch) + cell_size(ch));
}

void chp__watch_retire(struct chp__watch_cell *cell)
{
	struct chp__watch *ch = cell->ch;
	size_t size = cell_size(ch);
	bool kept, last;

	if (ch->drop)
		ch->drop(cell->value);
	watch_lock(ch);
	ch->live--;
	kept = watch_keep(ch, cell);
	/* Relaxed: under the lock. */
	last = !ch->live && !load64_relaxed(&ch->senders) &&
	       !load64_relaxed(&ch->receivers);
	watch_unlock(ch);
	if (!kept)
		chp__free(cell, size);
	if (last)
		free_channel(ch);
}

struct chp__watch_cell *chp__watch_get_cell(struct chp__watch *ch)
{
	struct chp__watch_cell *cell;

	watch_lock(ch);
	cell = watch_take_spare(ch);
	watch_unlock(ch);
	return cell ? cell : make_cell(ch);
}

void chp__watch_put_cell(struct chp__watch_cell *cell)
{
	struct chp__watch *ch = cell->ch;
	size_t size = cell_size(ch);
	bool kept;

	watch_lock(ch);
	kept = watch_keep(ch, cell);
	watch_unlock(ch);
	if (!kept)
		chp__free(cell, size);
}

int chp__watch_copy(const struct chp__watch *ch, void *to, const void *from)
{
	if (ch->clone)
		return ch->clone(to, from);
	value_copy(to, from, ch->size);
	return 0;
}

/* ---- Borrowing ---- */

void chp_watch_ref_release(chp_watch_ref *ref)
{
	struct chp__watch_cell *cell = ref->cell;

	if (!cell)
		return;
	ref->cell = NULL;
	ref->value = NULL;
	watch_give_up(cell);
}

int chp_watch_ref_has_changed(const chp_watch_ref *ref)
{
	return ref->cell ? (int)ref->changed : CHP_EINVAL;
}

static int refuse(chp_watch_ref *ref)
{
	*ref = (chp_watch_ref){ 0 };
	return CHP_EINVAL;
}

int chp_watch_tx_borrow(const chp_watch_tx *tx, chp_watch_ref *ref)
{
	struct chp__watch *ch = tx->ch;
	struct chp__watch_cell *cell;

	if (unlikely(!ch))
		return refuse(ref);
	watch_lock(ch);
	cell = watch_borrow(ch);
	watch_unlock(ch);
	watch_show(ref, cell, false);
	return 0;
}

/* Returns the version of what was borrowed. */
static inline uint64_t borrow(const chp_watch_rx *rx, chp_watch_ref *ref)
{
	struct chp__watch *ch = rx->ch;
	struct chp__watch_cell *cell;
	uint64_t version;

	watch_lock(ch);
	cell = watch_borrow(ch);
	version = watch_version(ch);
	watch_unlock(ch);
	watch_show(ref, cell, version != rx->seen);
	return version;
}

int chp_watch_borrow(const chp_watch_rx *rx, chp_watch_ref *ref)
{
	if (unlikely(!rx->ch))
		return refuse(ref);
	borrow(rx, ref);
	return 0;
}

int chp_watch_borrow_and_update(chp_watch_rx *rx, chp_watch_ref *ref)
{
	if (unlikely(!rx->ch))
		return refuse(ref);
	rx->seen = borrow(rx, ref);
	return 0;
}

/* ---- Copying out ---- */

static int copy_small(struct chp__watch *ch, void *out, uint64_t *seen)
{
	watch_lock(ch);
	value_copy(out, ch->current->value, ch->size);
	*seen = watch_version(ch);
	watch_unlock(ch);
	return 0;
}

/* By a snapshot, so that no lock is held for long, or for the user's code. */
static int copy_out(const chp_watch_rx *rx, void *out, uint64_t *seen)
{
	uint64_t version;
	chp_watch_ref ref;
	int r;

	if (!rx->ch || !watch_can_copy(rx->ch))
		return CHP_EINVAL;
	if (!rx->ch->clone && rx->ch->size <= SMALL)
		return copy_small(rx->ch, out, seen);
	version = borrow(rx, &ref);
	r = chp__watch_copy(rx->ch, out, ref.value);
	chp_watch_ref_release(&ref);
	if (r == 0)
		*seen = version;
	return r;
}

int chp_watch_get(const chp_watch_rx *rx, void *out)
{
	uint64_t ignored;

	return copy_out(rx, out, &ignored);
}

int chp_watch_get_and_update(chp_watch_rx *rx, void *out)
{
	return copy_out(rx, out, &rx->seen);
}
