/*
 * fd.c - readiness of one descriptor.
 *
 * `ready` remembers directions that were reported while nobody waited for them.
 * A report goes to all who wait for its direction, or is remembered; a wait
 * takes what is remembered.  So a report between a try that said EAGAIN and the
 * wait after it is never lost, and a stale one costs one more try.
 *
 *	lock guards ready, closed, first, last
 *
 * Slots are never put to another use: a report that the poller had in hand
 * when the descriptor was given up reaches a slot that is free, or another
 * descriptor's, which then tries once in vain.
 */
#include <chappe/fd.h>

#include <errno.h>
#include <fcntl.h>

#include "base/panic.h"
#include "os/pages.h"
#include "os/spin.h"
#include "wait/block.h"
#include "wait/driver.h"
#include "wait/node.h"

struct chp_fd {
	struct ready_source source; /* first: the poller's cookie */
	struct driven driven;
	chp_word lock;
	uint32_t ready;
	bool closed;
	int fd; /* set once */
	chp_node *first, *last;
	struct chp_fd *next_free; /* guarded by pool_lock */
};

enum { CHUNK = 65536 };

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

static void on_ready(struct ready_source *source, uint32_t what)
{
	struct chp_fd *f = (struct chp_fd *)source;
	struct wake_batch batch = { NULL, NULL };
	uint32_t told = 0;

	spin_lock(&f->lock, RANK_OBJECT);
	for (chp_node *n = f->first, *next; n; n = next) {
		uint32_t hit = op_of(n)->what & what;

		next = n->next;
		if (hit) {
			told |= hit;
			node_list_remove(&f->first, &f->last, n);
			batch_claim(&batch, n, (int)hit);
		}
	}
	f->ready |= what & ~told;
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

int chp_fd_new(chp_fd **out, int fd)
{
	struct agent *self = agent_self();
	struct driver *driver = self->cls->driver(self);
	int flags = fcntl(fd, F_GETFL), r;
	struct chp_fd *f;

	if (flags < 0)
		return -errno;
	if (!driver)
		return CHP_EINVAL;
	f = get_slot();
	if (!f)
		return CHP_ENOMEM;
	f->fd = fd;
	spin_lock(&f->lock, RANK_OBJECT);
	f->ready = 0;
	f->closed = false;
	spin_unlock(&f->lock, RANK_OBJECT);

	if (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		r = -errno;
	else
		r = chp__driver_join(driver, &f->driven, fd, &f->source);
	if (r) {
		put_slot(f);
		return r;
	}
	*out = f;
	return 0;
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

/* ---- Waiting ---- */

/* Lock held: what there is to take now, or 0. */
static int take(struct chp_fd *f, uint32_t what)
{
	uint32_t hit = f->ready & what;

	if (f->closed)
		return CHP_ECLOSED;
	f->ready &= ~hit;
	return (int)hit;
}

static int start(chp_fd_op *o, chp_waker waker)
{
	struct chp_fd *f = o->fd;
	int r;

	if (!o->what || o->what & ~(CHP_READABLE | CHP_WRITABLE))
		return CHP_EINVAL;
	chp__driver_rearm(&f->driven, f->fd, o->what);
	waker_retain(waker);
	o->node.waker = waker;
	spin_lock(&f->lock, RANK_OBJECT);
	r = take(f, o->what);
	if (!r)
		node_enqueue(&f->first, &f->last, &o->node);
	spin_unlock(&f->lock, RANK_OBJECT);
	if (!r)
		return CHP_PENDING;
	waker_release(waker);
	return r;
}

static int collect(chp_fd_op *o)
{
	chp__node_settle(&o->node);
	return o->node.result;
}

static int poll(chp_op *op, chp_poll_ctx *ctx)
{
	chp_fd_op *o = (chp_fd_op *)op;
	chp_waker old = ctx->waker;
	struct chp_fd *f = o->fd;
	bool queued;

	if (op->stage == OP_NEW)
		return start(o, ctx->waker);
	if (node_is_done(&o->node))
		return collect(o);
	if (waker_same(o->node.waker, ctx->waker))
		return CHP_PENDING;
	waker_retain(ctx->waker);
	spin_lock(&f->lock, RANK_OBJECT);
	queued = load_relaxed(&o->node.state) == NODE_QUEUED;
	if (queued)
		old = node_swap_waker(&o->node, ctx->waker);
	spin_unlock(&f->lock, RANK_OBJECT);
	waker_release(old);
	return queued ? CHP_PENDING : collect(o);
}

static int cancel(chp_op *op)
{
	chp_fd_op *o = (chp_fd_op *)op;
	struct chp_fd *f = o->fd;
	bool queued;

	spin_lock(&f->lock, RANK_OBJECT);
	queued = load_relaxed(&o->node.state) == NODE_QUEUED;
	if (queued)
		node_list_remove(&f->first, &f->last, &o->node);
	spin_unlock(&f->lock, RANK_OBJECT);
	if (queued) {
		waker_release(o->node.waker);
		return CHP_HELD_NOTHING;
	}
	if (collect(o) < 0)
		return CHP_HELD_NOTHING;
	/* Told, but not looked: somebody else may want to know. */
	on_ready(&f->source, (uint32_t)o->node.result);
	return CHP_GAVE_BACK;
}

static const chp_op_class ready_class = {
	.name = "descriptor readiness",
	.poll = poll,
	.cancel = cancel,
};

void chp_fd_wait_op(chp_fd_op *op, chp_fd *f, unsigned what)
{
	chp_op_init(&op->op, &ready_class);
	op->fd = f;
	op->what = what;
}

int chp_fd_wait_with(chp_fd *f, unsigned what, const chp_wait *w)
{
	chp_fd_op op;

	if (!what || what & ~(CHP_READABLE | CHP_WRITABLE))
		return CHP_EINVAL;
	chp_fd_wait_op(&op, f, what);
	return chp_op_wait(&op.op, w);
}

int chp_fd_wait(chp_fd *f, unsigned what)
{
	return chp_fd_wait_with(f, what, NULL);
}
