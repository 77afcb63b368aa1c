/*
 * watch.h - the channel behind the handles, and the cells its values live in.
 *
 * One spin lock guards everything but the giving back of a borrowed value; it
 * is held for the copy of a small value, for a count, or for claiming those who
 * wait.  So a borrow and its release are two read-modify-writes, as a send and
 * a borrow are.
 *
 *	version   bit 0: CLOSED, all senders are gone; the rest counts changes.
 *	          Changes under the lock, together with `current`, so a borrow's
 *	          value and version always match.  Read without the lock: the
 *	          release (V) of a change pairs with the acquire (W) of a look.
 *
 * A value never changes where it is; a change puts another cell in its place.
 *
 *	cell      meaning                               leaves by, under the lock
 *	SPARE     no value; in ch->spare, or not made   a sender -> FILLED
 *	FILLED    a sender's own, not yet known         that sender -> CURRENT, or
 *	                                                -> RETIRED, -> SPARE
 *	CURRENT   ch->current                           a change -> OLD, or RETIRED
 *	OLD       has refs, of borrowers or senders     the last of them -> RETIRED
 *	                                                (without the lock)
 *	RETIRED   no refs: the value is being destroyed who took the last -> SPARE
 *
 * A borrow counts in `taken`, under the lock; giving back counts down `refs`,
 * without it.  While the cell is current, refs is BIAS less what was given
 * back, and so never 0; the change that ends that adds `taken` and takes BIAS
 * away, and then refs is how many are out.  Whoever brings it to 0 retires the
 * cell: the change itself, if all is back, or else the last who gives up.  The
 * release (G) of each who gives up pairs with the acquire (E) of who retires:
 * what all did with the value came before its end.
 *
 * The states are not written down: refs and `current` tell.  `live` counts the
 * cells that are CURRENT, OLD or RETIRED.  The memory goes when there are
 * neither handles nor live cells: so a ref outlives the handles, and whoever
 * retires a cell may come back to the lock.  Who gives up a ref that is not
 * the last touches nothing after it.
 *
 * Waking all waiters is one pass (wait/node.h).  After it a caller touches the
 * channel only through a cell that it still has to give up or to retire.
 *
 * Modifying functions run one at a time: they hold the one permit of `turn`.
 * chp_watch_send does not ask for it: see watch_send.c.
 */
#ifndef CHAPPE_SRC_CHAN_WATCH_H
#define CHAPPE_SRC_CHAN_WATCH_H

#include <chappe/semaphore.h>
#include <chappe/watch.h>

#include "chan/value.h"
#include "os/spin.h"
#include "wait/node.h"

enum { CLOSED = 1, CHANGE = 2 };

/* Values up to this size are copied under the lock. */
enum { SMALL = 256 };

/* Cells kept for the next sends: a stream of them does not allocate. */
enum { SPARES = 2 };

struct chp__watch_cell {
	struct chp__watch *ch;        /* set once */
	struct chp__watch_cell *next; /* of ch->spare; under lock */
	uint64_t taken;               /* borrows; under lock */
	chp_word64 refs;
	/* As aligned as malloc's memory: max_align_t. */
	char value[] __attribute__((aligned(16)));
};

/* More than are ever borrowed. */
#define BIAS ((uint64_t)1 << 62)

struct watch_queue {
	chp_node *first, *last;
};

struct chp__watch {
	/* under lock; the words are read without it, too */
	chp_word lock;
	uint32_t spares; /* in `spare` */
	chp_word64 version;
	chp_word64 senders, receivers; /* handles */
	struct chp__watch_cell *current;
	struct chp__watch_cell *spare;
	size_t live;
	struct watch_queue changed; /* receivers that wait */
	struct watch_queue closed;  /* senders that wait */

	/* set once */
	size_t size;
	int (*clone)(void *to, const void *from);
	void (*drop)(void *value);

	chp_semaphore turn; /* one permit: to modify */
	chp_ptr modifier;   /* the agent that has it; written by it only */

	/* the first cell follows, so that making is one allocation */
} __attribute__((aligned(16)));

static inline void watch_lock(struct chp__watch *ch)
{
	spin_lock(&ch->lock, RANK_OBJECT);
}

static inline void watch_unlock(struct chp__watch *ch)
{
	spin_unlock(&ch->lock, RANK_OBJECT);
}

static inline struct chp__watch_cell *watch_first_cell(struct chp__watch *ch)
{
	return (struct chp__watch_cell *)(void *)(ch + 1);
}

/* Lock held.  A count that others read without it. */
static inline uint64_t watch_count(chp_word64 *count, int by)
{
	/* Relaxed load: under the lock.  Release: what the handle did is seen
	   by who finds it gone, (V). */
	uint64_t n = load64_relaxed(count) + (uint64_t)(int64_t)by;

	store64_release(count, n);
	return n;
}

/* Lock held: the version without the bit, as receivers remember it. */
static inline uint64_t watch_version(const struct chp__watch *ch)
{
	return load64_relaxed(&ch->version) & ~(uint64_t)CLOSED;
}

/* Lock held: the value will be kept; for watch_give_up. */
static inline struct chp__watch_cell *watch_borrow(struct chp__watch *ch)
{
	ch->current->taken++;
	return ch->current;
}

/* Lock held, or nobody else knows the cell: it becomes the value. */
static inline void watch_make_current(struct chp__watch *ch,
				      struct chp__watch_cell *cell)
{
	cell->taken = 0;
	/* Relaxed: who gives up has borrowed under the lock. */
	store64_relaxed(&cell->refs, BIAS);
	ch->live++;
	ch->current = cell;
}

/* Lock held: the cell is not the value any more.  True: it has no refs, and is
   the caller's to retire. */
static inline bool watch_settle(struct chp__watch_cell *cell)
{
	/* All is back, and nobody can borrow: no need to count.  (E) */
	if (load64_acquire(&cell->refs) == BIAS - cell->taken)
		return true;
	/* (E).  It need not release: the next who brings it down acquires by
	   the chain of additions what came before this one. */
	return add64_acquire(&cell->refs, cell->taken - BIAS) ==
	       BIAS - cell->taken;
}

/* Lock held: put the cell, whose value is gone, among the spare ones.  False:
   there are enough, free it. */
static inline bool watch_keep(struct chp__watch *ch,
			      struct chp__watch_cell *cell)
{
	if (ch->spares >= SPARES && cell != watch_first_cell(ch))
		return false;
	cell->next = ch->spare;
	ch->spare = cell;
	ch->spares++;
	return true;
}

static inline struct chp__watch_cell *watch_take_spare(struct chp__watch *ch)
{
	struct chp__watch_cell *cell = ch->spare;

	if (cell) {
		ch->spare = cell->next;
		ch->spares--;
	}
	return cell;
}

static inline void watch_show(chp_watch_ref *ref, struct chp__watch_cell *cell,
			      bool changed)
{
	ref->value = cell->value;
	ref->cell = cell;
	ref->changed = changed;
	ref->reserved[0] = NULL;
}

static inline void watch_claim_all(struct watch_queue *q,
				   struct wake_batch *batch)
{
	for (chp_node *n = q->first, *next; n; n = next) {
		next = n->next;
		batch_claim(batch, n, 0);
	}
	q->first = q->last = NULL;
}

/* ---- watch_cell.c; none with the lock held ---- */

/* The cell has no references any more, but is live. */
void chp__watch_retire(struct chp__watch_cell *cell);

/* Take a reference from the cell. */
static inline void watch_give_up(struct chp__watch_cell *cell)
{
	/* (G), (E) */
	if (unlikely(add64_acq_rel(&cell->refs, (uint64_t)-1) == 1))
		chp__watch_retire(cell);
}

/* A cell to be filled; NULL: no memory.  And back, unused. */
struct chp__watch_cell *chp__watch_get_cell(struct chp__watch *ch);
void chp__watch_put_cell(struct chp__watch_cell *cell);

/* A copy of a value into raw memory: 0, or what clone said. */
int chp__watch_copy(const struct chp__watch *ch, void *to, const void *from);

/* May values be copied at all? */
static inline bool watch_can_copy(const struct chp__watch *ch)
{
	return ch->clone || !ch->drop;
}

/* ---- Changing ---- */

/*
 * Lock held.  Make `cell` the value; returns the old one, for the caller to
 * settle.  tell: it is news, and receivers that wait are claimed.
 */
static inline struct chp__watch_cell *
watch_replace(struct chp__watch *ch, struct chp__watch_cell *cell, bool tell,
	      struct wake_batch *batch)
{
	struct chp__watch_cell *old = ch->current;

	watch_make_current(ch, cell);
	if (tell) {
		/* Relaxed load: under the lock. */
		store64_release(&ch->version, load64_relaxed(&ch->version) +
						      CHANGE); /* (V) */
		if (ch->changed.first)
			watch_claim_all(&ch->changed, batch);
	}
	return old;
}

#endif
