/*
 * fd.c - readiness of one descriptor.
 *
 * The poller reports changes, not states.  So they are counted, for each
 * direction, and whoever wants to wait takes a ticket (the counts) *before* it
 * tries; if the try fails, it waits for a report after its ticket.  A report
 * between the try and the wait has changed the counts, and the wait returns at
 * once; a report from before the ticket was there for the try to see.  Any
 * number of users can do this at once, because nothing is used up.
 *
 *	readable, writable
 *	            reports so far, in STEPs; counted under lock, with release
 *	            (R), so that a ticket's acquire (T) comes after the report it
 *	            has counted.  In readable beside it:
 *	            EMPTY   since this report all bytes have been read: any that
 *	                    come later are reported after it.  Set by who read
 *	                    them, if nothing has been reported since his ticket;
 *	                    the next report takes it away
 *	            ASK     for good: it is no stream, or the poller has said
 *	                    POLLER_LAST of it, so that a read that stops short
 *	                    tells nothing
 *	lock        guards closed, first, last, and the steps of the two counts
 *
 * net/io.c tries with the system call itself, net/fd_wait.c with poll(2).
 *
 * Slots are never put to another use: a report that the poller had in hand
 * when the descriptor was given up reaches a slot that is free, or another
 * descriptor's, whose users then try once in vain.
 */
#include "net/fd.h"

#include <errno.h>
#include <fcntl.h>

#include "base/panic.h"
#include "os/pages.h"
#include "os/spin.h"
#include "wait/agent.h"
#include "wait/driver.h"
#include "wait/node.h"

/* What a report, a try and a wait touch is in one cache line. */
struct chp_fd {
	struct ready_source source CACHE_ALIGNED; /* first: the cookie */
	chp_word lock;
	chp_word readable, writable; /* reports so far */
	int fd;                      /* set once */
	chp_word habit;              /* of TCP: net/habit.h */
	bool closed;
	chp_node *first, *last;
	struct chp_fd *next_free; /* guarded by pool_lock */
	struct driven driven;
};

_Static_assert(offsetof(struct chp_fd, driven) <= CACHE_LINE, "one line");

enum { CHUNK = 65536 };

enum { EMPTY = 1, ASK = 2, STEP = 4 };

static chp_word pool_lock;
static struct chp_fd *free_list;

/* ---- Slots ---- */

static void on_ready(struct ready_source *source, uint32_t what);
static void on_closed(struct driven *driven, struct wake_batch *batch);

static bool grow(void)
{
	struct chp_fd *f = chp__pages_map(CHUNK, 0);
	size_t n = CHUNK / sizeof(*f);

	if (!f)
		return false;
	for (size_t i = 0; i < n; i++) {
		f[i].source.ready = on_ready;
		f[i].driven.closed = on_closed;
		f[i].next_free = &f[i + 1];
	}
	spin_lock(&pool_lock, RANK_STACK);
	f[n - 1].next_free = free_list;
	free_list = f;
	spin_unlock(&pool_lock, RANK_STACK);
	return true;
}

static struct chp_fd *get_slot(void)
{
	struct chp_fd *f;

	do {
		spin_lock(&pool_lock, RANK_STACK);
		f = free_list;
		if (f)
			free_list = f->next_free;
		spin_unlock(&pool_lock, RANK_STACK);
	} while (!f && grow());
	return f;
}

static void put_slot(struct chp_fd *f)
{
	spin_lock(&pool_lock, RANK_STACK);
	f->next_free = free_list;
	free_list = f;
	spin_unlock(&pool_lock, RANK_STACK);
}

/* ---- Reports ---- */

static chp_fd_op *op_of(chp_node *n)
{
	return container_of(n, chp_fd_op, node);
}

uint64_t chp__fd_ticket(const chp_fd *f)
{
	/* (T) */
	return load_acquire(&f->readable) | (uint64_t)load_acquire(&f->writable)
						    << 32;
}

/* Which of the directions in `what` have been reported since the ticket. */
static uint32_t news(const chp_fd *f, uint64_t ticket, uint32_t what)
{
	uint64_t changed = chp__fd_ticket(f) ^ ticket;
	uint32_t hit = 0;

	if ((uint32_t)changed & ~(uint32_t)EMPTY)
		hit |= CHP_READABLE;
	if (changed >> 32)
		hit |= CHP_WRITABLE;
	return hit & what;
}

void chp__fd_emptied(chp_fd *f, uint64_t ticket)
{
	uint32_t seen = (uint32_t)ticket;

	/* Relaxed: it says nothing of what we did, only of what was there. */
	if (!(seen & (EMPTY | ASK)))
		cas_relaxed(&f->readable, &seen, seen | EMPTY);
}

chp_word *chp__fd_habit(chp_fd *f)
{
	return &f->habit;
}

bool chp__fd_is_empty(uint64_t ticket)
{
	return ticket & EMPTY;
}

/* lock held */
static void count(struct chp_fd *f, uint32_t what)
{
	uint32_t reads = load_relaxed(&f->readable);
	uint32_t ask = what & POLLER_LAST ? ASK : 0;

	/* (R) A cas, for who sets EMPTY holds no lock. */
	if (what & POLLER_READ)
		while (!cas_release(&f->readable, &reads,
				    ((reads & ~(uint32_t)EMPTY) + STEP) | ask))
			;
	if (what & POLLER_WRITE)
		store_release(&f->writable, load_relaxed(&f->writable) + STEP);
}

static void on_ready(struct ready_source *source, uint32_t what)
{
	struct chp_fd *f = (struct chp_fd *)source;
	struct wake_batch batch = { NULL, NULL };

	spin_lock(&f->lock, RANK_OBJECT);
	count(f, what);
	for (chp_node *n = f->first, *next; n; n = next) {
		uint32_t hit = op_of(n)->what & what;

		next = n->next;
		if (hit) {
			node_list_remove(&f->first, &f->last, n);
			batch_claim(&batch, n, (int)hit);
		}
	}
	spin_unlock(&f->lock, RANK_OBJECT);
	batch_wake(&batch);
}

static void on_closed(struct driven *driven, struct wake_batch *batch)
{
	struct chp_fd *f = container_of(driven, struct chp_fd, driven);

	spin_lock(&f->lock, RANK_OBJECT);
	f->closed = true;
	while (f->first) {
		chp_node *n = f->first;

		node_list_remove(&f->first, &f->last, n);
		batch_claim(batch, n, CHP_ECLOSED);
	}
	spin_unlock(&f->lock, RANK_OBJECT);
}

/* ---- Registering ---- */

int chp__fd_register(chp_fd **out, int fd, bool stream)
{
	struct agent *self = agent_self();
	int flags = fcntl(fd, F_GETFL), r;
	struct driver *driver;
	struct chp_fd *f;
	uint32_t reads;

	if (flags < 0)
		return -errno;
	r = self->cls->driver(self, &driver);
	if (r)
		return r;
	f = get_slot();
	if (!f)
		return CHP_ENOMEM;
	f->fd = fd;
	spin_lock(&f->lock, RANK_OBJECT);
	f->closed = false;
	store_relaxed(&f->habit, 0);
	reads = load_relaxed(&f->readable) & ~(uint32_t)(EMPTY | ASK);
	store_relaxed(&f->readable, reads | (stream ? 0 : ASK));
	spin_unlock(&f->lock, RANK_OBJECT);

	if (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		r = -errno;
	else
		r = chp__driver_join(driver, &f->driven, fd, &f->source);
	if (r) {
		/* As if we had not been here. */
		if (!(flags & O_NONBLOCK))
			fcntl(fd, F_SETFL, flags);
		put_slot(f);
		return r;
	}
	*out = f;
	return 0;
}

int chp_fd_new(chp_fd **out, int fd)
{
	return chp__fd_register(out, fd, false);
}

void chp_fd_free(chp_fd *f)
{
	bool waited_for;

	if (!f)
		return;
	chp__driver_leave(&f->driven, f->fd);
	spin_lock(&f->lock, RANK_OBJECT);
	waited_for = f->first != NULL;
	spin_unlock(&f->lock, RANK_OBJECT);
	if (waited_for)
		chp__panic("descriptor %d given up while tasks or threads wait "
			   "for it",
			   f->fd);
	put_slot(f);
}

int chp_fd_number(const chp_fd *f)
{
	return f->fd;
}

/* ---- Waiting for a report after a ticket ---- */

static int collect(chp_fd_op *o)
{
	o->queued = 0;
	node_settle(&o->node);
	return o->node.result;
}

static int enter(chp_fd_op *o, chp_waker waker)
{
	struct chp_fd *f = o->fd;
	int r;

	chp__driver_rearm(&f->driven, f->fd, o->what);
	waker_retain(waker);
	waker_store(&o->node.waker, waker);
	spin_lock(&f->lock, RANK_OBJECT);
	r = f->closed ? CHP_ECLOSED : (int)news(f, o->ticket, o->what);
	if (!r)
		node_enqueue(&f->first, &f->last, &o->node);
	spin_unlock(&f->lock, RANK_OBJECT);
	if (!r) {
		o->queued = 1;
		return CHP_PENDING;
	}
	waker_release(waker);
	return r;
}

/* Queued: with another waker, perhaps. */
static int stay(chp_fd_op *o, chp_waker waker)
{
	struct chp_fd *f = o->fd;
	chp_waker old = waker;
	bool queued;

	if (node_is_done(&o->node))
		return collect(o);
	if (waker_same(o->node.waker, waker))
		return CHP_PENDING;
	waker_retain(waker);
	spin_lock(&f->lock, RANK_OBJECT);
	queued = load_relaxed(&o->node.state) == NODE_QUEUED;
	if (queued)
		old = node_swap_waker(&o->node, waker);
	spin_unlock(&f->lock, RANK_OBJECT);
	waker_release(old);
	return queued ? CHP_PENDING : collect(o);
}

int chp__fd_await(chp_fd_op *o, chp_waker waker)
{
	return o->queued ? stay(o, waker) : enter(o, waker);
}

static int poll_report(chp_op *op, chp_poll_ctx *ctx)
{
	return chp__fd_await((chp_fd_op *)op, ctx->waker);
}

int chp__fd_op_cancel(chp_op *op)
{
	chp_fd_op *o = (chp_fd_op *)op;
	struct chp_fd *f = o->fd;
	bool queued;

	if (!o->queued)
		return CHP_HELD_NOTHING;
	spin_lock(&f->lock, RANK_OBJECT);
	queued = load_relaxed(&o->node.state) == NODE_QUEUED;
	if (queued)
		node_list_remove(&f->first, &f->last, &o->node);
	spin_unlock(&f->lock, RANK_OBJECT);
	if (queued)
		waker_release(o->node.waker);
	else
		collect(o);
	return CHP_HELD_NOTHING;
}

static const chp_op_class report_class = {
	.name = "descriptor readiness",
	.poll = poll_report,
	.cancel = chp__fd_op_cancel,
};

void chp__fd_report_op(chp_fd_op *op, chp_fd *f, unsigned what, uint64_t ticket)
{
	op_init(&op->op, &report_class);
	op->fd = f;
	op->what = what;
	op->queued = 0;
	op->ticket = ticket;
}
