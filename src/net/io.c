/*
 * io.c - moving bytes and accepting: try, and wait for readiness after EAGAIN.
 *
 * One operation for all of them: its class holds the try.  A call tries before
 * it is made one; a read that is known to find nothing (fd.h) is not tried, one
 * that is likely to find nothing (habit.h) waits for others first.
 */
#include <chappe/tcp.h>

#include <errno.h>
#include <sys/socket.h>

#include "net/fd.h"
#include "net/habit.h"
#include "wait/block.h"

/* What a try returns: a result, or CHP_EAGAIN. */
struct io_class {
	chp_op_class op; /* first */
	unsigned direction;
	int (*attempt)(chp_io_op *o, uint64_t ticket);
};

static const struct io_class accept_class, read_class;

/* At once: with INT_MAX the system would cut a call short by itself. */
#define MOST ((size_t)1 << 30)

static int result_of(ssize_t n)
{
	if (n >= 0)
		return (int)n;
	return errno == EWOULDBLOCK ? CHP_EAGAIN : -errno;
}

static int attempt_read(chp_io_op *o, uint64_t ticket)
{
	int fd = chp_fd_number(o->fd), r;

	if (chp__fd_is_empty(ticket))
		return CHP_EAGAIN;
	do
		r = result_of(recv(fd, o->at.buffer, o->size, 0));
	while (r == -EINTR);
	if (r > 0 && (size_t)r < o->size)
		chp__fd_emptied(o->fd, ticket);
	habit_note(chp__fd_habit(o->fd), r == CHP_EAGAIN,
		   r > 0 && (size_t)r == o->size);
	return r;
}

static int attempt_write(chp_io_op *o, uint64_t ticket)
{
	int fd = chp_fd_number(o->fd), r;

	(void)ticket;
	do
		r = result_of(send(fd, o->at.data, o->size, MSG_NOSIGNAL));
	while (r == -EINTR);
	return r;
}

static int attempt_accept(chp_io_op *o, uint64_t ticket)
{
	int fd = chp_fd_number(o->fd), r;
	chp_addr unused, *peer = o->peer ? o->peer : &unused;

	(void)ticket;
	do {
		peer->length = sizeof(peer->storage);
		r = result_of(accept4(fd, (struct sockaddr *)&peer->storage,
				      &peer->length,
				      SOCK_NONBLOCK | SOCK_CLOEXEC));
		/* A connection that is gone before we came is not our error. */
	} while (r == -EINTR || r == -ECONNABORTED || r == -EPROTO);
	return r < 0 ? r : chp_tcp_from_socket(o->at.accepted, r);
}

/* CHP_PENDING: it would block, and the wait is made ready. */
static int try(chp_io_op *o)
{
	const struct io_class *cls = (const struct io_class *)o->op.cls;
	uint64_t ticket;
	int r;

	if (!o->fd)
		return CHP_ECLOSED;
	/* A read of nothing must not wait for something. */
	if (!o->size && cls != &accept_class)
		return 0;
	ticket = chp__fd_ticket(o->fd);
	r = cls->attempt(o, ticket);
	if (r != CHP_EAGAIN)
		return r;
	chp__fd_report_op(&o->ready, o->fd, cls->direction, ticket);
	o->waiting = 1;
	return CHP_PENDING;
}

static int poll(chp_op *op, chp_poll_ctx *ctx)
{
	chp_io_op *o = (chp_io_op *)op;
	int r;

	for (;;) {
		if (o->waiting) {
			r = chp_op_poll(&o->ready.op, ctx);
			if (r == CHP_PENDING)
				return r;
			o->waiting = 0;
			if (r < 0)
				return r;
		}
		r = try(o);
		if (r != CHP_PENDING)
			return r;
	}
}

static int cancel(chp_op *op)
{
	chp_io_op *o = (chp_io_op *)op;

	if (o->waiting)
		chp_op_cancel(&o->ready.op);
	return CHP_HELD_NOTHING;
}

static const struct io_class read_class = {
	.op = { .name = "tcp read", .poll = poll, .cancel = cancel },
	.direction = CHP_READABLE,
	.attempt = attempt_read,
};

static const struct io_class write_class = {
	.op = { .name = "tcp write", .poll = poll, .cancel = cancel },
	.direction = CHP_WRITABLE,
	.attempt = attempt_write,
};

static const struct io_class accept_class = {
	.op = { .name = "tcp accept", .poll = poll, .cancel = cancel },
	.direction = CHP_READABLE,
	.attempt = attempt_accept,
};

static void init(chp_io_op *op, const struct io_class *cls, chp_fd *fd,
		 size_t size)
{
	op_init(&op->op, &cls->op);
	op->fd = fd;
	op->size = size > MOST ? MOST : size;
	op->peer = NULL;
	op->waiting = 0;
}

void chp_tcp_accept_op(chp_io_op *op, chp_tcp_listener *l, chp_tcp *t,
		       chp_addr *peer)
{
	init(op, &accept_class, l->fd, 0);
	op->at.accepted = t;
	op->peer = peer;
	t->fd = NULL;
}

void chp_tcp_read_op(chp_io_op *op, chp_tcp *t, void *buffer, size_t size)
{
	init(op, &read_class, t->fd, size);
	op->at.buffer = buffer;
}

void chp_tcp_write_op(chp_io_op *op, chp_tcp *t, const void *data, size_t size)
{
	init(op, &write_class, t->fd, size);
	op->at.data = data;
}

/* ---- Calls ---- */

/* Before a read that is not likely to find anything; see habit.h. */
static void let_others_go_first(struct agent *self, chp_fd *fd)
{
	uint64_t ticket = chp__fd_ticket(fd);

	for (int i = 0; i < HABIT_TURNS && chp__fd_ticket(fd) == ticket; i++)
		self->cls->yield(self);
}

static int run(chp_io_op *o, const chp_wait *w)
{
	struct agent *self = agent_self();
	int r = wait_check(self, w);

	if (r)
		return r;
	agent_spend(self);
	if (o->op.cls == &read_class.op && o->fd &&
	    self->cls->kind == CHP_TASK && habit_is_late(chp__fd_habit(o->fd)))
		let_others_go_first(self, o->fd);
	r = try(o);
	if (r != CHP_PENDING)
		return r;
	if (wait_expired(self, w))
		return CHP_ETIMEDOUT;
	return chp__block(self, &o->op, w);
}

int chp_tcp_accept_with(chp_tcp_listener *l, chp_tcp *t, chp_addr *peer,
			const chp_wait *w)
{
	chp_io_op op;

	chp_tcp_accept_op(&op, l, t, peer);
	return run(&op, w);
}

int chp_tcp_accept(chp_tcp_listener *l, chp_tcp *t, chp_addr *peer)
{
	return chp_tcp_accept_with(l, t, peer, NULL);
}

int chp_tcp_read_with(chp_tcp *t, void *buffer, size_t size, const chp_wait *w)
{
	chp_io_op op;

	chp_tcp_read_op(&op, t, buffer, size);
	return run(&op, w);
}

int chp_tcp_read(chp_tcp *t, void *buffer, size_t size)
{
	return chp_tcp_read_with(t, buffer, size, NULL);
}

int chp_tcp_write_with(chp_tcp *t, const void *data, size_t size,
		       const chp_wait *w)
{
	chp_io_op op;

	chp_tcp_write_op(&op, t, data, size);
	return run(&op, w);
}

int chp_tcp_write(chp_tcp *t, const void *data, size_t size)
{
	return chp_tcp_write_with(t, data, size, NULL);
}

int chp_tcp_read_exact_with(chp_tcp *t, void *buffer, size_t size,
			    size_t *moved, const chp_wait *w)
{
	size_t done = 0;
	chp_wait whole;
	int r = 0;

	w = chp__wait_fix(w, &whole);
	while (done < size && r >= 0) {
		r = chp_tcp_read_with(t, (char *)buffer + done, size - done, w);
		if (r == 0)
			r = CHP_ECLOSED;
		if (r > 0)
			done += (size_t)r;
	}
	if (moved)
		*moved = done;
	return r < 0 ? r : 0;
}

int chp_tcp_read_exact(chp_tcp *t, void *buffer, size_t size, size_t *moved)
{
	return chp_tcp_read_exact_with(t, buffer, size, moved, NULL);
}

int chp_tcp_write_all_with(chp_tcp *t, const void *data, size_t size,
			   size_t *moved, const chp_wait *w)
{
	size_t done = 0;
	chp_wait whole;
	int r = 0;

	w = chp__wait_fix(w, &whole);
	while (done < size && r >= 0) {
		r = chp_tcp_write_with(t, (const char *)data + done,
				       size - done, w);
		if (r > 0)
			done += (size_t)r;
	}
	if (moved)
		*moved = done;
	return r < 0 ? r : 0;
}

int chp_tcp_write_all(chp_tcp *t, const void *data, size_t size, size_t *moved)
{
	return chp_tcp_write_all_with(t, data, size, moved, NULL);
}
