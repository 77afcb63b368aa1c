/*
 * fd.h - waiting for a report about a descriptor, for who tries by himself.
 */
#ifndef CHAPPE_SRC_NET_FD_H
#define CHAPPE_SRC_NET_FD_H

#include <stdbool.h>

#include <chappe/fd.h>

/* Take one before each try. */
uint64_t chp__fd_ticket(const chp_fd *f);

/* chp_fd_new().  A stream: a read stops short only where the bytes end. */
int chp__fd_register(chp_fd **out, int fd, bool stream);

/*
 * A read that was begun after the ticket has returned less than it asked for.
 * Of a stream there is nothing more then until the next report, as epoll(7)
 * says, so that nobody need try.
 */
void chp__fd_emptied(chp_fd *f, uint64_t ticket);

/* Of such a one: see habit.h. */
chp_word *chp__fd_habit(chp_fd *f);

/* Is it known, at the ticket, that a read would block? */
bool chp__fd_is_empty(uint64_t ticket);

/*
 * Wait for a report after the ticket: the try said that it would block.
 * Results as chp_fd_wait(), but a hint only: try again.
 */
void chp__fd_report_op(chp_fd_op *op, chp_fd *f, unsigned what,
		       uint64_t ticket);

/* Its poll, for an operation of another class that takes its ticket itself;
   and its cancel. */
int chp__fd_await(chp_fd_op *o, chp_waker waker);
int chp__fd_op_cancel(chp_op *op);

#endif
