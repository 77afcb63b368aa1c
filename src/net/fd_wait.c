/*
 * fd_wait.c - waiting until a descriptor is ready, as poll(2) sees it.
 */
#include <errno.h>
#include <poll.h>

#include "net/fd.h"
#include "wait/block.h"

/* The directions that are, 0, or -errno. */
static int is_ready(const chp_fd *f, unsigned what)
{
	struct pollfd p = { .fd = chp_fd_number(f) };
	unsigned hit = 0;
	int n;

	if (what & CHP_READABLE)
		p.events |= POLLIN;
	if (what & CHP_WRITABLE)
		p.events |= POLLOUT;
	do
		n = poll(&p, 1, 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? -errno : 0;
	if (p.revents & (POLLIN | POLLPRI | POLLHUP | POLLERR | POLLNVAL))
		hit |= CHP_READABLE;
	if (p.revents & (POLLOUT | POLLHUP | POLLERR | POLLNVAL))
		hit |= CHP_WRITABLE;
	return (int)(hit & what);
}

static int poll_ready(chp_op *op, chp_poll_ctx *ctx)
{
	chp_fd_op *o = (chp_fd_op *)op;
	int r;

	if (!o->what || o->what & ~(CHP_READABLE | CHP_WRITABLE))
		return CHP_EINVAL;
	if (o->queued) {
		r = chp__fd_await(o, ctx->waker);
		if (r == CHP_PENDING || r < 0)
			return r;
	}
	for (;;) {
		o->ticket = chp__fd_ticket(o->fd);
		r = is_ready(o->fd, o->what);
		if (r)
			return r;
		r = chp__fd_await(o, ctx->waker);
		if (r == CHP_PENDING || r < 0)
			return r;
	}
}

static const chp_op_class ready_class = {
	.name = "descriptor readiness",
	.poll = poll_ready,
	.cancel = chp__fd_op_cancel,
};

void chp_fd_wait_op(chp_fd_op *op, chp_fd *f, unsigned what)
{
	chp__fd_report_op(op, f, what, 0);
	op_init(&op->op, &ready_class);
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
